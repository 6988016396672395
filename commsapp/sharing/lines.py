"""Lines over waves with what else happened, drawn alike on pages and in reports.

Every chart shows its 95 % intervals. Colours are Okabe and Ito's (2008), which people with any colour vision tell apart;
shapes and dashes say the same once more. What else happened has a number over a dashed line and its name in a list below the
chart: names would lie across the figures and across each other, and not fit on a phone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import altair as alt
import pandas as pd

from commsapp.listening.views import ContextEvent
from commsapp.planning import wording

Measure = Literal["share", "tone"]

COLOURS = ("#0072b2", "#d55e00", "#007a5a", "#a8407e", "#5a4a00", "#3a9bd9", "#0b0c0c")
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right")
DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [4, 4], [10, 4], [1, 3])
INK, GREY, PALE, OURS = "#0b0c0c", "#505a5f", "#e5e6e7", "#fff2b3"
MOST_LINES = len(COLOURS)
"""Lines that one chart can hold before nobody can tell them apart."""
MOST_BANDS = 3
"""With more lines than this their bands would cover each other; whiskers stay."""

# Figures as the pages write them: '34 %' and a real minus sign.
_SHARE_LABEL = "format(datum.value * 100, '.0f') + '\u00a0%'"
_TONE_LABEL = "(datum.value > 0 ? '+' : '') + format(datum.value, '.1f')"

_NUMBER_HEIGHT = 15
_NUMBER_ROOM = 0.05
"""The part of the time shown that one number takes up, on a phone."""


def placed(results: pd.DataFrame) -> pd.DataFrame:
    """Add the moment in the middle of each wave, from its first and last day (start, end)."""
    start, end = utc(results["start"]), utc(results["end"])
    return results.assign(middle=start + (end - start) / 2)


def marks(events: Sequence[ContextEvent]) -> pd.DataFrame:
    """Context events as `numbered` takes them, named with their areas."""
    rows = [
        (f"{event.name} ({', '.join(event.areas)})" if event.areas else event.name, event.start, event.end) for event in events
    ]
    return pd.DataFrame(rows, columns=["name", "start", "end"])


def numbered(events: pd.DataFrame | None) -> pd.DataFrame:
    """Number what happened in the order of time.

    Parameters
    ----------
    events : name, start, end (empty for one day); ``ours``, where there is such a column, is true for what we did ourselves.

    Returns
    -------
    name, start, after (the day after the last), when (in words), ours, number (a word)

    """
    if events is None or events.empty:
        return pd.DataFrame({"name": [], "start": [], "after": [], "when": [], "ours": [], "number": []})
    start = utc(events["start"])
    end = utc(events["end"]).fillna(start)
    when = [period(a, b) for a, b in zip(start, end, strict=True)]
    happened = pd.DataFrame({"name": events["name"].astype(str), "start": start, "after": end + pd.Timedelta(days=1)})
    happened["when"] = when
    happened["ours"] = events["ours"].fillna(False).astype(bool) if "ours" in events else False
    happened = happened.sort_values("start", kind="stable")
    return happened.assign(number=[str(place) for place in range(1, len(happened) + 1)])


def notes(happened: pd.DataFrame) -> tuple[str, ...]:
    """The names that belong to the numbers, in their order: 'Arrests: 10 February 2026'."""
    return tuple(f"{row.name}: {row.when}" for row in happened.itertuples(index=False))


def over_waves(
    data: pd.DataFrame,
    happened: pd.DataFrame,
    *,
    measure: Measure,
    axis: str,
    tooltips: Sequence[alt.Tooltip] = (),
) -> alt.LayerChart:
    """Draw one line per item with its intervals, and what else happened.

    Parameters
    ----------
    data : item, wave, middle, value, low, high; at most ``MOST_LINES`` items. The order of the items is that of the legend.
    happened : from `numbered`.
    measure : 'share' (0 to 1, written in %) or 'tone' (−1 to 1).
    axis : what the figures are, written above the axis.
    tooltips : what is shown where a pointer rests on a figure.

    """
    levels = _levels(data, happened)
    layers = [*_event_layers(happened, levels), *_line_layers(data, measure, axis, max(levels, default=0), list(tooltips))]
    chart: alt.LayerChart = alt.layer(*layers).resolve_scale(color="shared", shape="shared")
    return chart


def dressed(chart: Any, *, font_size: int = 14) -> Any:
    """The same chart in our type and colours."""
    # At once, as each of Altair's configure_… copies the whole chart.
    chart = chart.copy(deep=False)
    settings = chart.config if chart.config is not alt.Undefined else alt.Config()
    given = settings.copy(deep=False)
    given["axis"] = alt.AxisConfig(
        labelFontSize=font_size, titleFontSize=font_size, titleFontWeight="normal", labelColor=INK, titleColor=INK,
        gridColor=PALE, domainColor=GREY, tickColor=GREY,
    )  # fmt: skip
    given["axisY"] = alt.AxisConfig(titleAngle=0, titleAlign="left", titleAnchor="start", titleX=0)
    given["legend"] = alt.LegendConfig(labelFontSize=font_size, labelColor=INK)
    given["view"] = alt.ViewConfig(stroke=None)
    chart.config = given
    return chart


def value_axis(measure: Measure, *, grid: bool, **more: Any) -> alt.Axis:
    """An axis for shares or tone, worded as the pages word figures."""
    return alt.Axis(labelExpr=_SHARE_LABEL if measure == "share" else _TONE_LABEL, grid=grid, tickCount=5, **more)


def value_scale(measure: Measure, data: pd.DataFrame) -> alt.Scale:
    """From zero, so that a small change doesn't look like a large one; tone over its whole range."""
    if measure == "tone":
        return alt.Scale(domain=[-1, 1])
    top = float(data["high"].max()) if len(data) else 1.0
    return alt.Scale(domain=[0, min(1.0, top * 1.05) if top > 0 else 1.0], nice=True, clamp=True)


def period(first: pd.Timestamp, last: pd.Timestamp) -> str:
    """'1 March 2026 to 28 March 2026', or the one day."""
    return wording.day(first) if first == last else f"{wording.day(first)} to {wording.day(last)}"


def utc(days: pd.Series) -> pd.Series:
    """Days as moments that mean the same wherever they are drawn."""
    return pd.to_datetime(days, utc=True)


def _line_layers(data: pd.DataFrame, measure: Measure, axis: str, levels: int, tooltips: list[alt.Tooltip]) -> list[alt.Chart]:
    items = list(dict.fromkeys(data["item"]))
    picked = len(items)
    legend = (
        alt.Legend(
            orient="bottom",
            direction="vertical",
            title=None,
            labelLimit=320,
            symbolSize=110,
            symbolOpacity=1,
            symbolStrokeWidth=0,
        )
        if picked > 1
        else None
    )
    colour = alt.Color("item:N", scale=alt.Scale(domain=items, range=list(COLOURS[:picked])), legend=legend)
    shape = alt.Shape("item:N", scale=alt.Scale(domain=items, range=list(SHAPES[:picked])), legend=legend)
    dash = alt.StrokeDash("item:N", scale=alt.Scale(domain=items, range=[list(d) for d in DASHES[:picked]]), legend=legend)
    x = alt.X("middle:T", title=None, scale=alt.Scale(type="utc", padding=24), axis=_wave_axis(data))
    # above the numbers of what else happened
    words = value_axis(measure, grid=True, titleY=-24 - levels * _NUMBER_HEIGHT)
    y = alt.Y("value:Q", title=axis, axis=words, scale=value_scale(measure, data))
    base = alt.Chart(data).encode(x=x, color=colour, tooltip=tooltips)
    bands = [base.mark_area(opacity=0.14).encode(y=alt.Y("low:Q"), y2="high:Q")] if picked <= MOST_BANDS else []
    return [
        *bands,
        base.mark_line(strokeWidth=2.5).encode(y=y, strokeDash=dash),
        base.mark_rule(strokeWidth=1.5).encode(y=alt.Y("low:Q"), y2="high:Q"),
        base.mark_point(filled=True, size=75, opacity=1).encode(y=y, shape=shape),
    ]


def _event_layers(happened: pd.DataFrame, levels: list[int]) -> list[alt.Chart]:
    if happened.empty:
        return []
    x = alt.X("start:T", title=None, scale=alt.Scale(type="utc"))
    words = [alt.Tooltip("name:N", title="What else happened"), alt.Tooltip("when:N", title="When")]
    base = alt.Chart(happened).encode(x=x, tooltip=words)
    numbers = [
        alt.Chart(happened[[at == level for at in levels]])
        .mark_text(baseline="bottom", dy=-3 - level * _NUMBER_HEIGHT, fontSize=14, color=INK)
        .encode(x=x, text="number:N", y=alt.value(0), tooltip=words)
        for level in sorted(set(levels))
    ]
    return [
        base.mark_rect().encode(x2="after:T", color=alt.when("datum.ours").then(alt.value(OURS)).otherwise(alt.value(PALE))),
        base.mark_rule(color=GREY, strokeDash=[3, 3]),
        *numbers,
    ]


def _levels(data: pd.DataFrame, happened: pd.DataFrame) -> list[int]:
    """How high each number stands, so that those of events close together don't print over each other."""
    if happened.empty:
        return []
    moments = pd.concat([data["middle"], happened["start"], happened["after"]])
    room = (moments.max() - moments.min()) * _NUMBER_ROOM
    taken: list[pd.Timestamp] = []  # by level, the last event that has its number there
    levels = []
    for start in happened["start"]:
        level = next((place for place, last in enumerate(taken) if start - last >= room), len(taken))
        taken[level : level + 1] = [start]
        levels.append(level)
    return levels


def _wave_axis(data: pd.DataFrame) -> alt.Axis:
    """Ticks at the middle of each wave, with its name."""
    # Waves may overlap and share their middle: one tick then names them both.
    waves = data.drop_duplicates("wave").sort_values("middle").groupby("middle", as_index=False)["wave"].agg(", ".join)
    middles = [pd.Timestamp(moment) for moment in waves["middle"]]
    names = [f"'{int(a.timestamp() * 1000)}': {_quoted(str(b))}" for a, b in zip(middles, waves["wave"], strict=True)]
    return alt.Axis(
        values=[alt.DateTime(utc=True, **_parts(moment)) for moment in middles],
        labelExpr=f"{{{', '.join(names)}}}['' + time(datum.value)]",
        labelOverlap="greedy",
        labelFlush=False,
        grid=False,
    )


def _parts(moment: pd.Timestamp) -> dict[str, Any]:
    return {
        "year": moment.year,
        "month": moment.month,
        "date": moment.day,
        "hours": moment.hour,
        "minutes": moment.minute,
        "seconds": moment.second,
    }


def _quoted(text: str) -> str:
    """Text as a literal of Vega's expressions."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", " ")
    return f"'{escaped}'"
