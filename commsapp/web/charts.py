"""Charts for pages: Altair makes the specification, our script draws it, and a table of the same figures goes with it.

Every chart shows its 95 % intervals. Colours are Okabe and Ito's (2008), which people with any colour vision tell apart;
shapes and dashes say the same once more. Widths follow the page, so that a chart reads on a phone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import altair as alt
import pandas as pd

from commsapp.web import wording

Measure = Literal["share", "tone"]

COLOURS = ("#0072b2", "#d55e00", "#007a5a", "#a8407e", "#5a4a00", "#3a9bd9", "#0b0c0c")
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right")
DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [4, 4], [10, 4], [1, 3])
INK, GREY, PALE, OURS = "#0b0c0c", "#505a5f", "#e5e6e7", "#fff2b3"
MOST_LINES = len(COLOURS)
MOST_BANDS = 3
"""With more lines than this their bands would cover each other; whiskers stay."""

# Figures as the pages write them: '34 %' and a real minus sign.
_SHARE_LABEL = "format(datum.value * 100, '.0f') + '\u00a0%'"
_TONE_LABEL = "(datum.value > 0 ? '+' : '') + format(datum.value, '.1f')"


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
    data = _drawn(results, measure)
    data["middle"] = _utc(results["start"]) + (_utc(results["end"]) - _utc(results["start"])) / 2
    happened = _events(events)
    layers = [*_event_layers(happened), *_line_layers(data.dropna(subset=["value"]), items, measure, axis)]
    chart = alt.layer(*layers).resolve_scale(color="shared", shape="shared").properties(width="container", height=320)
    return Chart(_specification(chart), _waves_table(results, happened, measure))


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
    x = alt.X("value:Q", title=axis, axis=_value_axis(measure, grid=False), scale=_value_scale(measure, data))
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


def _line_layers(data: pd.DataFrame, items: list[str], measure: Measure, axis: str) -> list[alt.Chart]:
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
    y = alt.Y("value:Q", title=axis, axis=_value_axis(measure, grid=True), scale=_value_scale(measure, data))
    base = alt.Chart(data).encode(x=x, color=colour, tooltip=_tooltips("item", "wave"))
    bands = [base.mark_area(opacity=0.14).encode(y=alt.Y("low:Q"), y2="high:Q")] if picked <= MOST_BANDS else []
    return [
        *bands,
        base.mark_line(strokeWidth=2.5).encode(y=y, strokeDash=dash),
        base.mark_rule(strokeWidth=1.5).encode(y=alt.Y("low:Q"), y2="high:Q"),
        base.mark_point(filled=True, size=75, opacity=1).encode(y=y, shape=shape),
    ]


def _event_layers(happened: pd.DataFrame) -> list[alt.Chart]:
    if happened.empty:
        return []
    x = alt.X("start:T", title=None, scale=alt.Scale(type="utc"))
    words = [alt.Tooltip("name:N", title="What else happened"), alt.Tooltip("when:N", title="When")]
    base = alt.Chart(happened).encode(x=x, tooltip=words)
    return [
        base.mark_rect().encode(x2="after:T", color=alt.when("datum.ours").then(alt.value(OURS)).otherwise(alt.value(PALE))),
        base.mark_rule(color=GREY, strokeDash=[3, 3]),
        base.mark_text(baseline="bottom", dy=-3, fontSize=14, color=INK).encode(text="number:N", y=alt.value(0)),
    ]


def _drawn(results: pd.DataFrame, measure: Measure) -> pd.DataFrame:
    data = results.loc[:, [name for name in ("item", "wave", "value", "low", "high", "n") if name in results]].copy()
    data["figure"] = [_figure(row, measure) for row in results.itertuples()]
    data["count"] = [_count(row) for row in results.itertuples()]
    return data


def _events(events: pd.DataFrame | None) -> pd.DataFrame:
    if events is None or events.empty:
        return pd.DataFrame({"name": [], "start": [], "after": [], "when": [], "ours": [], "number": []})
    start = _utc(events["start"])
    end = _utc(events["end"]).fillna(start)
    when = [_period(a, b) for a, b in zip(start, end, strict=True)]
    after = end + pd.Timedelta(days=1)
    happened = pd.DataFrame({"name": events["name"].astype(str), "start": start, "after": after, "when": when})
    happened["ours"] = events["ours"].fillna(False).astype(bool) if "ours" in events else False
    happened = happened.sort_values("start", kind="stable")
    # A number over the line, its name in the list below: names would lie across the figures, and not fit on a phone.
    return happened.assign(number=[str(place) for place in range(1, len(happened) + 1)])


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


def _value_axis(measure: Measure, *, grid: bool) -> alt.Axis:
    return alt.Axis(labelExpr=_SHARE_LABEL if measure == "share" else _TONE_LABEL, grid=grid, tickCount=5)


def _value_scale(measure: Measure, data: pd.DataFrame) -> alt.Scale:
    # From zero, so that a small change doesn't look like a large one.
    if measure == "tone":
        return alt.Scale(domain=[-1, 1])
    top = float(data["high"].max()) if len(data) else 1.0
    return alt.Scale(domain=[0, min(1.0, top * 1.05) if top > 0 else 1.0], nice=True, clamp=True)


def _tooltips(*names: str) -> list[alt.Tooltip]:
    titles = {"item": "What", "wave": "Wave"}
    own = [alt.Tooltip(f"{name}:N", title=titles[name]) for name in names]
    return [*own, alt.Tooltip("figure:N", title="Figure"), alt.Tooltip("count:N", title="From")]


def _specification(chart: Any) -> dict[str, Any]:
    width = alt.AutoSizeParams(type="fit-x", contains="padding")
    configured = (
        chart.configure(font="arial, sans-serif", background="transparent", padding=4, autosize=width)
        .configure_axis(
            labelFontSize=14, titleFontSize=14, titleFontWeight="normal", labelColor=INK, titleColor=INK, gridColor=PALE,
            domainColor=GREY, tickColor=GREY,
        )
        .configure_axisY(titleAngle=0, titleAlign="left", titleAnchor="start", titleX=0, titleY=-24)
        .configure_legend(labelFontSize=14, labelColor=INK)
        .configure_view(stroke=None)
    )  # fmt: skip
    spec: dict[str, Any] = configured.to_dict()
    spec.pop("$schema", None)  # an address, and nothing on a page points elsewhere
    return spec


def _waves_table(results: pd.DataFrame, happened: pd.DataFrame, measure: Measure) -> Table:
    rows = tuple(
        (str(row.wave), _period(_timestamp(row.start), _timestamp(row.end)), str(row.item), _figure(row, measure), _count(row))
        for row in results.itertuples()
    )
    notes = tuple(f"{row.name}: {row.when}" for row in happened.itertuples(index=False))
    columns = ("Wave", "Days", "What", "Figure with 95\u00a0% interval", "From")
    return Table(columns, rows, (False, False, False, True, True), notes)


def _bars_table(results: pd.DataFrame, measure: Measure) -> Table:
    rows = tuple((str(row.item), _figure(row, measure), _count(row)) for row in results.itertuples())
    return Table(("What", "Figure with 95\u00a0% interval", "From"), rows, (False, True, True))


def _figure(row: Any, measure: Measure) -> str:
    if pd.isna(row.value):
        return "held back: too few"
    return wording.figure(float(row.value), float(row.low), float(row.high), measure)


def _count(row: Any) -> str:
    return "" if pd.isna(row.n) else f"n = {int(row.n):,}"


def _period(first: pd.Timestamp, last: pd.Timestamp) -> str:
    return wording.day(first) if first == last else f"{wording.day(first)} to {wording.day(last)}"


def _timestamp(value: Any) -> pd.Timestamp:
    return pd.Timestamp(value)


def _utc(days: pd.Series) -> pd.Series:
    return pd.to_datetime(days, utc=True)
