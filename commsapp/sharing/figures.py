"""Charts of reports, and their drawing as SVG. Each is drawn with its intervals, or not at all, and has a table beside it."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import pandas as pd
import vl_convert

from commsapp.listening.measuring import OF_PEOPLE, TONE
from commsapp.listening.views import ContextEvent, Wave
from commsapp.sharing import lines

_WIDTH, _HEIGHT = 460, 250
_FONT_SIZE = 13
"""Large enough to be read where a phone makes the picture narrow."""


def topics_chart(results: pd.DataFrame) -> alt.LayerChart:
    """Shares of topics with their 95 % intervals, the largest on top.

    Parameters
    ----------
    results : columns item, value, low, high (shares from 0 to 1), chosen; one row per topic.

    """
    table = results[["item", "value", "low", "high"]]
    order = table.sort_values("value", ascending=False)["item"].tolist()
    base = alt.Chart(table).encode(
        y=alt.Y("item:N", sort=order, title=None, axis=alt.Axis(labelLimit=200, ticks=False, domain=False))
    )
    axis = lines.value_axis("share", grid=True)
    interval = base.mark_rule(strokeWidth=2, color=lines.COLOURS[0]).encode(
        x=alt.X("low:Q", title=_axis("", results), axis=axis, scale=lines.value_scale("share", table)), x2="high:Q"
    )
    point = base.mark_point(filled=True, size=70, color=lines.COLOURS[0], opacity=1).encode(x="value:Q")
    return alt.LayerChart(layer=[interval, point]).properties(width=_WIDTH - 130, height=alt.Step(26))


def waves_chart(
    results: pd.DataFrame, waves: Sequence[Wave], events: Sequence[ContextEvent] = (), *, measure: str
) -> tuple[alt.LayerChart, tuple[str, ...]]:
    """One line per item over the waves, with 95 % intervals, and what else happened as numbers over dashed lines.

    Parameters
    ----------
    results : columns wave, item, value, low, high, chosen; rows without a wave are left out, and so are items after the
        first `lines.MOST_LINES` by size.
    waves : their days place the results in time.
    events : what else happened; those outside the waves are left out.
    measure : 'topic share', 'answer share' or 'tone', for the scale.

    Returns
    -------
    The chart, and the names that belong to its numbers, in their order.

    """
    table = _placed(results, waves)
    shown = [event for event in events if len(table) and event.end >= table["start"].min() and event.start <= table["end"].max()]
    happened = lines.numbered(lines.marks(shown))
    scale: lines.Measure = "tone" if measure == TONE else "share"
    chart = lines.over_waves(table.drop(columns=["start", "end"]), happened, measure=scale, axis=_axis(measure, table))
    return chart.properties(width=_WIDTH, height=_HEIGHT), lines.notes(happened)


def svg(chart: alt.LayerChart) -> str:
    """Draw a chart as SVG: no script, no font and no address in it, so that it can stand inside a file.

    The fonts asked for are those that any viewer replaces by its own, which may be wider: hence the room at the sides.
    """
    bare = chart.configure(font="Helvetica, Arial, sans-serif", padding={"left": 16, "right": 40, "top": 5, "bottom": 5})
    styled = lines.dressed(bare, font_size=_FONT_SIZE)
    drawn: str = vl_convert.vegalite_to_svg(styled.to_dict(), allowed_base_urls=[])
    return drawn


def _placed(results: pd.DataFrame, waves: Sequence[Wave]) -> pd.DataFrame:
    days = pd.DataFrame([(wave.name, wave.start, wave.end) for wave in waves], columns=["wave", "start", "end"])
    table = results[["wave", "item", "value", "low", "high", "chosen"]].merge(days, on="wave")
    largest = table.groupby("item")["value"].mean().sort_values(ascending=False, kind="stable").index[: lines.MOST_LINES]
    table = lines.placed(table[table["item"].isin(largest)])
    table["item"] = pd.Categorical(table["item"], categories=largest, ordered=True)
    table = table.sort_values(["item", "middle"]).astype({"item": str})
    return table.assign(item=table["item"].replace("", "all feedback"))


def _axis(measure: str, table: pd.DataFrame) -> str:
    """What the figures are."""
    if measure == TONE:
        return "Mean tone, \u22121 to +1"
    return "Share of people" if len(table) and (table["chosen"] == OF_PEOPLE).all() else "Share of feedback"
