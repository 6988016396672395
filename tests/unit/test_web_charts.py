from __future__ import annotations

import json

import pandas as pd
import pytest
import vl_convert

from commsapp.web import charts


def waves(items: int = 2, number: int = 3) -> pd.DataFrame:
    rows = [
        {
            "wave": f"Wave {wave}",
            "start": pd.Timestamp(2026, wave, 1),
            "end": pd.Timestamp(2026, wave, 28),
            "item": f"Topic {item}",
            "value": 0.1 * item + 0.01 * wave,
            "low": 0.1 * item,
            "high": 0.1 * item + 0.05,
            "n": 1200,
        }
        for item in range(1, items + 1)
        for wave in range(1, number + 1)
    ]
    return pd.DataFrame(rows)


def drawn(chart: charts.Chart) -> str:
    """The picture, by the converter that reports use; it fails on a specification that can't be read."""
    json.dumps(chart.spec, allow_nan=False)
    return str(vl_convert.vegalite_to_svg(json.dumps({**chart.spec, "width": 360}), vl_version="6.4"))


def test_every_figure_of_the_lines_stands_in_the_table_with_interval_and_n() -> None:
    chart = charts.lines_over_waves(waves())

    assert len(chart.table.rows) == 6
    assert chart.table.rows[0] == (
        "Wave 1",
        "1 January 2026 to 28 January 2026",
        "Topic 1",
        "11\u00a0% (10 to 15\u00a0%)",
        "n = 1,200",
    )
    picture = drawn(chart)
    assert "Wave 2" in picture
    assert "20\u00a0%" in picture


def test_context_events_are_numbered_in_time_and_named_beside_the_chart() -> None:
    events = pd.DataFrame(
        {
            "name": ["Week's push \\ national", "Arrests"],
            "start": pd.to_datetime(["2026-03-02", "2026-02-10"]),
            "end": pd.to_datetime(["2026-03-08", None]),
        }
    )
    chart = charts.lines_over_waves(waves(), events)

    assert chart.table.notes == ("Arrests: 10 February 2026", "Week's push \\ national: 2 March 2026 to 8 March 2026")
    drawn(chart)


@pytest.mark.parametrize("wave", ["O'Neill's", "back\\slash", "'}; alert(1); {'", "two\nlines"])
def test_the_name_of_a_wave_can_hold_any_sign(wave: str) -> None:
    picture = drawn(charts.lines_over_waves(waves(items=1, number=1).assign(wave=wave)))

    assert wave.split("\n")[0].replace("'", "&#39;") in picture.replace("&apos;", "&#39;").replace("'", "&#39;")


def test_more_lines_than_can_be_told_apart_are_refused() -> None:
    with pytest.raises(ValueError, match="can't be told apart"):
        charts.lines_over_waves(waves(items=charts.MOST_LINES + 1))
    drawn(charts.lines_over_waves(waves(items=charts.MOST_LINES)))


def test_a_figure_that_is_held_back_is_in_the_table_and_not_in_the_picture() -> None:
    results = waves(items=1)
    results.loc[1, ["value", "low", "high"]] = float("nan")
    lines = charts.lines_over_waves(results)
    barred = charts.bars(results.drop_duplicates("wave").assign(item=["A", "B", "C"]))

    assert lines.table.rows[1][3] == "held back: too few"
    assert ("B", "held back: too few", "n = 1,200") in barred.table.rows
    assert "B</text>" not in drawn(barred)
    drawn(lines)


def test_no_figures_at_all_still_make_a_chart() -> None:
    empty = waves().iloc[:0]

    assert charts.lines_over_waves(empty).table.rows == ()
    drawn(charts.lines_over_waves(empty))
    drawn(charts.bars(empty))


def test_bars_stand_in_order_of_size_and_start_at_zero() -> None:
    results = pd.DataFrame({"item": ["Few", "Many"], "value": [0.1, 0.4], "low": [0.05, 0.3], "high": [0.15, 0.5], "n": [9, 40]})
    chart = charts.bars(results)

    assert [row[0] for row in chart.table.rows] == ["Many", "Few"]
    picture = drawn(chart)
    assert picture.index("Many") < picture.index("Few")
    assert ">0\u00a0%<" in picture


def test_mean_tone_is_drawn_from_minus_one_to_one() -> None:
    picture = drawn(charts.lines_over_waves(waves(items=1), measure="tone", axis="Mean tone"))

    assert "\u22121.0" in picture
    assert "+1.0" in picture


def test_a_specification_names_no_address() -> None:
    assert "http" not in json.dumps([charts.lines_over_waves(waves()).spec, charts.bars(waves()).spec])
