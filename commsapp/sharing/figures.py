"""Charts as Altair specifications, and as SVG for reports. Each is drawn with its intervals, or not at all.

Colours are from a palette that people with colour blindness can tell apart (Okabe & Ito 2008); every chart has a table beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import altair as alt
import pandas as pd
import vl_convert

from commsapp.listening.measuring import TONE
from commsapp.listening.views import ContextEvent, Wave

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
AT_MOST = len(COLOURS)
"""Lines that one chart can hold before nobody can tell them apart."""

_WIDTH = 560
# a tick a month, since the default of a tick a week would write each month's name four times
_MONTHS = alt.Axis(format="%b %Y", grid=False, tickCount={"interval": "month", "step": 1}, labelOverlap=True)


def topics_chart(results: pd.DataFrame, *, title: str = "") -> alt.LayerChart:
    """Shares of topics with their 95 % intervals, the largest on top.

    Parameters
    ----------
    results : columns item, value, low, high (shares from 0 to 1), n; one row per topic.
    title : says what is drawn; also read out by screen readers.

    """
    table = results[["item", "value", "low", "high", "n"]]
    order = table.sort_values("value", ascending=False)["item"].tolist()
    base = alt.Chart(table, title=title).encode(
        y=alt.Y("item:N", sort=order, title=None, axis=alt.Axis(labelLimit=260, ticks=False, domain=False))
    )
    share = alt.Axis(format=".0%", grid=True, gridColor="#e0e0e0")
    interval = base.mark_rule(strokeWidth=2, color=COLOURS[0]).encode(
        x=alt.X("low:Q", title="share of the feedback, 95 % interval", axis=share), x2="high:Q"
    )
    point = base.mark_point(filled=True, size=70, color=COLOURS[0], opacity=1).encode(
        x="value:Q", tooltip=["item:N", alt.Tooltip("value:Q", format=".1%"), "n:Q"]
    )
    return alt.LayerChart(layer=[interval, point]).properties(width=_WIDTH - 200, height=alt.Step(22))


def waves_chart(
    results: pd.DataFrame, waves: Sequence[Wave], events: Sequence[ContextEvent] = (), *, measure: str, title: str = ""
) -> alt.LayerChart:
    """One line per item over the waves, with 95 % intervals, and a dashed line where a context event began.

    Parameters
    ----------
    results : columns wave, item, value, low, high, n; rows without a wave are left out, and so are items after the
        first `AT_MOST` by size.
    waves : place each wave at the middle of its period.
    events : what else happened; those outside the waves are left out.
    measure : 'topic share', 'answer share' or 'tone', for the scale.

    """
    table = _placed(results, waves)
    first, last = (table["day"].min(), table["day"].max()) if len(table) else (None, None)
    scale = alt.Scale(domain=[-1, 1]) if measure == TONE else alt.Scale(zero=True)
    axis = alt.Axis(format="+.1f" if measure == TONE else ".0%", gridColor="#e0e0e0")
    order = list(dict.fromkeys(table["item"]))
    colour = alt.Color(
        "item:N",
        sort=order,
        title=None,
        scale=alt.Scale(domain=order, range=list(COLOURS[: len(order)])),
        legend=None if len(order) < 2 else alt.Legend(orient="bottom", columns=1, labelLimit=_WIDTH, symbolType="stroke"),
    )
    base = alt.Chart(table, title=title).encode(x=alt.X("day:T", title=None, axis=_MONTHS))
    y = alt.Y("value:Q", title="tone" if measure == TONE else "share", scale=scale, axis=axis)
    layers: list[alt.Chart] = [
        base.mark_rule(strokeWidth=1.5, opacity=0.7).encode(y=alt.Y("low:Q"), y2="high:Q", color=colour),
        base.mark_line(strokeWidth=2).encode(y=y, color=colour, detail="item:N"),
        base.mark_point(filled=True, size=60, opacity=1).encode(
            y=y, color=colour, tooltip=["item:N", "wave:N", "value:Q", "low:Q", "high:Q", "n:Q"]
        ),
        *_event_layers(events, first, last),
    ]
    return alt.LayerChart(layer=layers).properties(width=_WIDTH, height=240)


def svg(chart: alt.LayerChart) -> str:
    """Draw a chart as SVG: no script, no font and no address in it, so that it can stand inside a file.

    The fonts asked for are those that any viewer replaces by its own.
    """
    styled = chart.configure(font="Helvetica, Arial, sans-serif").configure_view(stroke=None)
    drawn: str = vl_convert.vegalite_to_svg(styled.to_dict(), allowed_base_urls=[])
    return drawn


def _placed(results: pd.DataFrame, waves: Sequence[Wave]) -> pd.DataFrame:
    middle = {wave.name: (pd.Timestamp(wave.start) + (pd.Timestamp(wave.end) - pd.Timestamp(wave.start)) / 2) for wave in waves}
    table = results.loc[results["wave"].isin(middle), ["wave", "item", "value", "low", "high", "n"]].copy()
    largest = table.groupby("item")["value"].mean().sort_values(ascending=False, kind="stable").index[:AT_MOST]
    table = table[table["item"].isin(largest)]
    table["day"] = pd.to_datetime(table["wave"].map(middle))
    table["item"] = table["item"].replace("", "all feedback")
    return table.sort_values(["day", "value"], ascending=[True, False])


def _event_layers(events: Sequence[ContextEvent], first: Any, last: Any) -> list[alt.Chart]:
    shown = [(event.name, _moment(event.start)) for event in events if first is not None and _within(event, first, last)]
    if not shown:
        return []
    base = alt.Chart(pd.DataFrame(shown, columns=["event", "day"])).encode(x="day:T")
    rule = base.mark_rule(strokeDash=[4, 3], color="#505a5f")
    label = base.mark_text(align="left", dx=4, baseline="top", fontSize=11, color="#505a5f").encode(
        text="event:N", y=alt.value(2)
    )
    return [rule, label]


def _within(event: ContextEvent, first: Any, last: Any) -> bool:
    return bool(first <= _moment(event.start) <= last)


def _moment(day: date) -> pd.Timestamp:
    return pd.Timestamp(day)
