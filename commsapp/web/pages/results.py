"""What the listening pages show: topics and answers with their figures, and charts over waves. Figures come from services."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from commsapp.actor import Actor
from commsapp.listening import service as listening
from commsapp.listening.measuring import (
    ANSWER_SHARE,
    COMMENTS,
    EMOTION_SHARE,
    FEW,
    NO_TOPIC_NAME,
    OF_PEOPLE,
    TONE,
    TOPIC_EMOTION,
    TOPIC_SHARE,
    TOPIC_TONE,
    UNSURE_SHARE,
)
from commsapp.listening.views import Codebook, ContextEvent
from commsapp.planning.wording import split_item
from commsapp.storage.session import Session
from commsapp.web import charts
from commsapp.web.pages.narrowing import Narrowing

SHOWN_AT_FIRST = 5

NO_TOPIC = -1

NEUTRAL = "neutral"


@dataclass(frozen=True)
class Figure:
    """One estimate as the macro ``result_figure`` takes it; ``id`` is 0 where it isn't stored and so can't be cited."""

    id: int
    item: str
    value: float
    low: float
    high: float
    n: int
    chosen: str

    @property
    def few(self) -> bool:
        """Whether too few people stand behind it to quote it."""
        return self.n < FEW


@dataclass(frozen=True)
class TopicRow:
    """One topic: ``number`` is none where the codebook in use doesn't have it any more."""

    number: int | None
    name: str
    share: Figure
    tone: Figure | None


@dataclass(frozen=True)
class Asked:
    """A closed question with its answers, the largest first."""

    question: str
    answers: tuple[tuple[str, Figure], ...]


@dataclass(frozen=True)
class Heard:
    """All figures of one cell. ``comments`` counts them, ``set_aside`` says why some were not coded."""

    comments: int
    set_aside: dict[str, int]
    topics: tuple[TopicRow, ...]
    tone: Figure | None
    unsure: Figure | None
    felt: tuple[Figure, ...]
    asked: tuple[Asked, ...]

    @property
    def coded(self) -> int:
        """Comments that stand behind the shares."""
        return self.comments - sum(self.set_aside.values())

    @property
    def of_people(self) -> bool:
        """Whether the shares of topics are shares of people."""
        return bool(self.topics) and self.topics[0].share.chosen == OF_PEOPLE

    @property
    def nothing(self) -> bool:
        """Whether the cell is empty."""
        return not self.comments and not self.asked


@dataclass(frozen=True)
class OverWaves:
    """A chart over waves with its words; where nothing can be drawn ``chart`` is none and ``description`` says why."""

    title: str
    description: str
    chart: charts.Chart | None


def heard(session: Session, actor: Actor, programme_id: int, now: Narrowing, codebook: Codebook | None) -> Heard:
    """Everything that the latest listening results say of one cell."""
    table = listening.frozen_results(session, actor, programme_id, **now.cell)
    by_measure = {str(name): rows for name, rows in table.groupby("measure")}
    counted, tone = by_measure.get(COMMENTS), by_measure.get(TONE)
    answered = by_measure.get(ANSWER_SHARE, table.iloc[:0])
    return Heard(
        comments=0 if counted is None else int(counted["value"].iloc[0]),
        set_aside={} if counted is None else dict(counted["not_coded"].iloc[0]),
        topics=_topics(codebook, by_measure.get(TOPIC_SHARE, table.iloc[:0]), by_measure.get(TOPIC_TONE, table.iloc[:0])),
        tone=None if tone is None else figures(tone)[0],
        unsure=next(iter(figures(by_measure.get(UNSURE_SHARE, table.iloc[:0]))), None),
        felt=felt(by_measure.get(EMOTION_SHARE, table.iloc[:0])),
        asked=_asked(answered),
    )


def figures(table: pd.DataFrame) -> list[Figure]:
    """Rows of a results table, the largest first."""
    ordered = table.sort_values("value", ascending=False, kind="stable")
    return [
        Figure(
            int(row.get("id", 0)), str(row.get("item", "")), row["value"], row["low"], row["high"], int(row["n"]), row["chosen"]
        )
        for row in ordered.to_dict("records")
    ]


def felt(table: pd.DataFrame) -> tuple[Figure, ...]:
    """Figures of emotions, the most heard first; 'neutral', which is none, last."""
    return tuple(sorted(figures(table), key=lambda figure: figure.item == NEUTRAL))


def felt_on(session: Session, actor: Actor, programme_id: int, topic: str, cell: dict[str, Any]) -> tuple[Figure, ...]:
    """Figures of the emotions heard in the comments on a topic; none where too few spoke about it."""
    return felt(_of_topic(listening.frozen_results(session, actor, programme_id, measure=TOPIC_EMOTION, **cell), topic))


def felt_over_waves(session: Session, actor: Actor, programme_id: int, now: Narrowing, topic: str = "") -> OverWaves:
    """Draw the emotions heard in all comments, or in those on a topic, over the waves."""
    cell = {"area": now.area, "segment": now.segment}
    measure = TOPIC_EMOTION if topic else EMOTION_SHARE
    table = listening.frozen_results(session, actor, programme_id, measure=measure, **cell)
    table = _of_topic(table, topic) if topic else table
    table = table[(table["wave"] != "") & (table["item"] != NEUTRAL)]
    largest = table.groupby("item")["value"].mean().sort_values(ascending=False, kind="stable").index
    table = (
        table.assign(item=pd.Categorical(table["item"], list(largest))).sort_values("item", kind="stable").astype({"item": str})
    )
    title = "What is felt over the waves"
    return draw(session, actor, programme_id, table, title=title, areas=(now.area,) if now.area else ())


def _of_topic(table: pd.DataFrame, topic: str) -> pd.DataFrame:
    """The rows on one topic, with the emotion alone as item."""
    split = [split_item(str(item)) for item in table["item"]]
    on_it = pd.Series([name == topic for name, _ in split], index=table.index, dtype=bool)
    return table.assign(item=[emotion for _, emotion in split])[on_it]


def _topics(codebook: Codebook | None, shares: pd.DataFrame, tones: pd.DataFrame) -> tuple[TopicRow, ...]:
    numbers = {topic.name: topic.number for topic in codebook.topics} if codebook else {}
    numbers.setdefault(NO_TOPIC_NAME, NO_TOPIC)
    tone = {figure.item: figure for figure in figures(tones)}
    found = [TopicRow(numbers.get(share.item), share.item, share, tone.get(share.item)) for share in figures(shares)]
    # 'No topic' is no topic: it stands last, however large it is.
    return tuple(sorted(found, key=lambda row: row.number == NO_TOPIC))


def _asked(table: pd.DataFrame) -> tuple[Asked, ...]:
    found: dict[str, list[tuple[str, Figure]]] = {}
    for figure in figures(table):
        question, choice = split_item(figure.item)
        found.setdefault(question, []).append((choice, figure))
    return tuple(Asked(question, tuple(found[question])) for question in sorted(found))


def chart_choices(now: Heard, chosen: str) -> list[dict[str, Any]]:
    """What the chart over waves can show, as GOV.UK's select takes it."""
    choices = {"topics": "The largest topics"} if now.topics else {}
    choices |= {f"topic {row.name}": f"Topic: {row.name}" for row in now.topics}
    choices |= {"tone": "Tone of all feedback"} if now.tone else {}
    choices |= {"felt": "What is felt"} if now.felt else {}
    choices |= {f"question {asked.question}": f"Answers: {asked.question}" for asked in now.asked}
    chosen = chosen if chosen in choices else next(iter(choices), "")
    return [{"value": value, "text": text, "selected": value == chosen} for value, text in choices.items()]


def over_waves(session: Session, actor: Actor, programme_id: int, now: Narrowing, shown: Heard, chosen: str) -> OverWaves:
    """Draw what was chosen over all waves, for the area and attribute that the page is narrowed to."""
    kind, _, name = chosen.partition(" ")
    if kind == "felt":
        drawn = felt_over_waves(session, actor, programme_id, now)
        where = _where(now)
        return replace(drawn, title=f"{drawn.title} ({where})") if where else drawn
    cell = {"area": now.area, "segment": now.segment}
    measure = {"topics": TOPIC_SHARE, "topic": TOPIC_SHARE, "tone": TONE}.get(kind, ANSWER_SHARE)
    table = listening.frozen_results(session, actor, programme_id, measure=measure, **cell)
    table = table[table["wave"] != ""]
    if kind == "topics":
        largest = [row.name for row in shown.topics if row.number != NO_TOPIC][:SHOWN_AT_FIRST]
        table, title = (
            table[table["item"].isin(largest)],
            f"The {len(largest)} largest topics over the waves" if len(largest) > 1 else "The largest topic over the waves",
        )
    elif kind == "topic":
        table, title = table[table["item"] == name], f"‘{name}’ over the waves"
    elif kind == "tone":
        table, title = table.assign(item="Tone of the feedback"), "Tone over the waves"
    else:
        split = [split_item(str(item)) for item in table["item"]]
        table = table.assign(item=[choice for _, choice in split])[[question == name for question, _ in split]]
        largest = list(
            table.groupby("item")["value"].mean().sort_values(ascending=False, kind="stable").index[: charts.MOST_LINES]
        )
        table, title = table[table["item"].isin(largest)], f"‘{name}’ over the waves"
    where = _where(now)
    return draw(
        session, actor, programme_id, table, title=f"{title} ({where})" if where else title, areas=(now.area,) if now.area else ()
    )


def _where(now: Narrowing) -> str:
    return ", ".join(value.replace(" = ", ": ") for value in (now.area, now.segment) if value)


def draw(
    session: Session,
    actor: Actor,
    programme_id: int,
    table: pd.DataFrame,
    *,
    title: str,
    areas: tuple[str, ...] = (),
    period: pd.DataFrame | None = None,
) -> OverWaves:
    """Draw results over waves with the context events that touch them.

    Parameters
    ----------
    table : wave, item, value, low, high, n, chosen; 'tone' where a column measure says so, else shares.
    areas : only events in these count; none means everywhere.
    period : name, start, end, ours of what else is to be marked, such as a campaign.

    """
    waves = listening.waves(session, actor, programme_id)
    spans = pd.DataFrame([(wave.name, wave.start, wave.end) for wave in waves], columns=["wave", "start", "end"])
    data = table.drop(columns=["start", "end"], errors="ignore").merge(spans, on="wave").sort_values("start", kind="stable")
    # A wave may have been removed since the figures were made.
    if data["wave"].nunique() < 2:
        return OverWaves(title, _too_few_waves(data), None)
    first, last = min(data["start"]), max(data["end"])
    happened = [
        event for event in listening.context_events(session, actor, programme_id) if first <= event.end and event.start <= last
    ]
    marks = _marks([event for event in happened if not areas or not event.areas or set(areas) & set(event.areas)])
    tone = "measure" in table and bool((table["measure"] == TONE).all())
    people = bool((data["chosen"] == OF_PEOPLE).all())
    axis = "Mean tone, −1 to +1" if tone else f"Share of {'people' if people else 'feedback'}"
    chart = charts.lines_over_waves(
        data, marks if period is None else pd.concat([period, marks]), measure="tone" if tone else "share", axis=axis
    )
    return OverWaves(title, _description(data, tone=tone, people=people), chart)


def _marks(events: list[ContextEvent]) -> pd.DataFrame:
    rows = [
        (f"{event.name} ({', '.join(event.areas)})" if event.areas else event.name, event.start, event.end) for event in events
    ]
    return pd.DataFrame(rows, columns=["name", "start", "end"])


def _too_few_waves(data: pd.DataFrame) -> str:
    if data.empty:
        return "Nothing of this was heard on days that lie in a wave."
    return "This was heard in one wave only; a second one will show whether it changes."


def _description(data: pd.DataFrame, *, tone: bool, people: bool) -> str:
    waves = data["wave"].nunique()
    what = "Mean tone of the feedback" if tone else f"Shares of {'people' if people else 'feedback'}"
    return f"{what} in {waves} waves."
