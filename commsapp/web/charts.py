"""Charts for pages: Altair makes the specification, our script draws it, and a table of the same figures goes with it.

Every chart shows its 95 % intervals. Lines over waves are drawn as in reports; see `commsapp.sharing.lines`. Widths follow the
page, so that a chart reads on a phone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import altair as alt
import pandas as pd

from commsapp.sharing import lines
from commsapp.sharing.lines import COLOURS, INK, Measure, period, value_axis, value_scale
from commsapp.web import wording

MOST_LINES = lines.MOST_LINES


@dataclass(frozen=True)
class Table:
    """The figures of a chart, worded. ``numeric`` says of each column whether it is set to the right.

    ``notes`` are the context events, in the order of their numbers in the picture.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chart:
    """What the macro ``chart`` needs: a Vega-Lite specification and the same figures as a table."""

    spec: dict[str, Any]
    table: Table


def lines_over_waves(
    results: pd.DataFrame, events: pd.DataFrame | None = None, *, measure: Measure = "share", axis: str = "Share of feedback"
) -> Chart:
    """Draw items over waves, with their intervals and what else happened.

    Parameters
    ----------
    results : wave, start, end (first and last day), item, value, low, high, n. At most ``MOST_LINES`` items; rows without a
        value are shown in the table only, as held back.
    events : name, start, end (empty for one day): context events. ``ours``, where there is such a column, is true for what we
        did ourselves, such as a campaign; it is drawn in another shade.
    measure : 'share' (0 to 1, written in %) or 'tone' (−1 to 1).
    axis : what the figures are, written above the axis.

    Raises
    ------
    ValueError : more items than can be told apart; draw one chart for each.

    """
    items = list(dict.fromkeys(results["item"]))
    if len(items) > MOST_LINES:
        raise ValueError(f"{len(items)} lines can't be told apart, {MOST_LINES} can")
    return _drawn_once(_Asked(results, events, measure, axis))


class _Asked:
    """What a chart is drawn from, which is the same as another where all that is drawn is the same."""

    def __init__(self, results: pd.DataFrame, events: pd.DataFrame | None, measure: Measure, axis: str) -> None:
        self.results, self.events, self.measure, self.axis = results, events, measure, axis
        shown = results.loc[:, [name for name in _SHOWN if name in results]]
        self._content = (measure, axis, shown.to_csv(), "" if events is None else events.to_csv())

    def __hash__(self) -> int:
        return hash(self._content)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Asked) and self._content == other._content


_SHOWN = ("wave", "start", "end", "item", "value", "low", "high", "n")


# Altair takes a tenth of a second, and the same charts are asked for again and again. Whoever asks brings all the figures, so
# nobody is shown another's.
@lru_cache(maxsize=256)
def _drawn_once(asked: _Asked) -> Chart:
    results, events, measure, axis = asked.results, asked.events, asked.measure, asked.axis
    data = _drawn(results, measure).assign(middle=lines.placed(results)["middle"]).dropna(subset=["value"])
    happened = lines.numbered(events)
    chart = lines.over_waves(data, happened, measure=measure, axis=axis, tooltips=_tooltips("item", "wave"))
    return Chart(_specification(chart.properties(width="container", height=320)), _waves_table(results, happened, measure))


def bars(results: pd.DataFrame, *, measure: Measure = "share", axis: str = "Share of feedback") -> Chart:
    """Draw one bar for each item with its interval, largest first, its figure and name above it, so that long names find room.

    Parameters
    ----------
    results : item, value, low, high, n.
    measure, axis : as in `lines_over_waves`.

    """
    ordered = results.sort_values("value", ascending=False, na_position="last", kind="stable").reset_index(drop=True)
    data = _drawn(ordered, measure).dropna(subset=["value"])
    data["words"] = [f"{row.figure}  {row.item}" for row in data.itertuples()]
    place = alt.Y("item:N", sort=list(data["item"]), axis=None, scale=alt.Scale(paddingInner=0.62, paddingOuter=0.35))
    x = alt.X("value:Q", title=axis, axis=value_axis(measure, grid=False), scale=value_scale(measure, data))
    base = alt.Chart(data).encode(y=place, tooltip=_tooltips("item"))
    layers = [
        base.mark_bar(color=COLOURS[0]).encode(x=x),
        base.mark_rule(color=INK, strokeWidth=2).encode(x="low:Q", x2="high:Q"),
        base.mark_tick(color=INK, thickness=2, size=10).encode(x="low:Q"),
        base.mark_tick(color=INK, thickness=2, size=10).encode(x="high:Q"),
        base.mark_text(align="left", baseline="bottom", dy=-13, fontSize=15, color=INK, limit=alt.ExprRef("width")).encode(
            x=alt.value(0), text="words:N"
        ),
    ]
    chart = alt.layer(*layers).properties(width="container", height=56 * max(1, len(data)))
    return Chart(_specification(chart), _bars_table(ordered, measure))


def _drawn(results: pd.DataFrame, measure: Measure) -> pd.DataFrame:
    data = results.loc[:, [name for name in ("item", "wave", "value", "low", "high", "n") if name in results]].copy()
    data["figure"] = [_figure(row, measure) for row in results.itertuples()]
    data["count"] = [_count(row) for row in results.itertuples()]
    return data


def _tooltips(*names: str) -> list[alt.Tooltip]:
    titles = {"item": "What", "wave": "Wave"}
    own = [alt.Tooltip(f"{name}:N", title=titles[name]) for name in names]
    return [*own, alt.Tooltip("figure:N", title="Figure"), alt.Tooltip("count:N", title="From")]


def _specification(chart: Any) -> dict[str, Any]:
    width = alt.AutoSizeParams(type="fit-x", contains="padding")
    configured = lines.dressed(chart.configure(font="arial, sans-serif", background="transparent", padding=4, autosize=width))
    # Each part was checked when it was made; to check the whole takes as long as all the rest.
    spec: dict[str, Any] = configured.to_dict(validate=False)
    spec.pop("$schema", None)  # an address, and nothing on a page points elsewhere
    return spec


def _waves_table(results: pd.DataFrame, happened: pd.DataFrame, measure: Measure) -> Table:
    rows = tuple(
        (str(row.wave), period(_timestamp(row.start), _timestamp(row.end)), str(row.item), _figure(row, measure), _count(row))
        for row in results.itertuples()
    )
    columns = ("Wave", "Days", "What", "Figure with 95\u00a0% interval", "From")
    return Table(columns, rows, (False, False, False, True, True), lines.notes(happened))


def _bars_table(results: pd.DataFrame, measure: Measure) -> Table:
    rows = tuple((str(row.item), _figure(row, measure), _count(row)) for row in results.itertuples())
    return Table(("What", "Figure with 95\u00a0% interval", "From"), rows, (False, True, True))


def _figure(row: Any, measure: Measure) -> str:
    if pd.isna(row.value):
        return "held back: too few"
    return wording.figure(float(row.value), float(row.low), float(row.high), measure)


def _count(row: Any) -> str:
    return "" if pd.isna(row.n) else f"n = {int(row.n):,}"


def _timestamp(value: Any) -> pd.Timestamp:
    return pd.Timestamp(value)
