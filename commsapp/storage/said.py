"""Which comments a page shows: chosen, put in order and counted by the database, so that a page costs what it shows.

What may come in: choosing among comments by what was coded of them. What may not: people's words, which `responses` gives.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session, aliased

from commsapp.actor import Actor
from commsapp.storage.codings import UNSURE, Coder, Coding
from commsapp.storage.programmes import Area, FeedbackChannel
from commsapp.storage.remembering import remembered
from commsapp.storage.responses import Comment, Response, visible

_About = aliased(Coding)
_Tone = aliased(Coding)
_Emotion = aliased(Coding)


@dataclass(frozen=True)
class Choice:
    """What is asked for; what is left as it is doesn't narrow.

    ``coder_id`` is the topic coder in use (0: none yet), ``people_id`` the coder of what people said instead (0: nobody did; see
    `by_people`), ``topic_id`` a topic's row, 0 for 'no topic'. ``not_yet`` is the
    reason of those that are not coded yet, ``last`` a reason that comes after all others. ``matching`` is what `search` found.
    """

    coder_id: int
    not_yet: str
    topic_id: int | None = None
    days: tuple[date, date] | None = None
    area: str = ""
    channel: str = ""
    tone: str = ""
    emotion: str = ""
    set_aside: bool = False
    reason: str = ""
    last: str = ""
    matching: ColumnElement[bool] | None = None
    people_id: int = 0


class Chosen(NamedTuple):
    """One comment that a page shows, without its words."""

    id: int
    text_key: str | None
    not_coded: str


def chosen(
    session: Session, actor: Actor, programme_id: int, choice: Choice, *, start: int = 0, limit: int | None = None
) -> list[Chosen]:
    """Comments in order.

    Those that fit their topic best come first; of those set aside, the ``last`` reason comes last; of those that were
    searched for, the latest come first.
    """
    columns: tuple[Any, ...] = (Comment.id, Comment.text_key, Comment.not_coded)
    query = _ordered(select(*columns), actor, programme_id, choice).offset(start).limit(limit)

    def read() -> list[Chosen]:
        return [Chosen(*row) for row in session.execute(query)]

    if choice.matching is not None or limit is None:  # words that somebody searches for are kept nowhere
        return read()
    key = ("chosen", actor.organisation_id, programme_id, actor.handling_levels, choice, start, limit)
    return list(remembered(session, ("heard", "coded"), key, read))


def one(session: Session, actor: Actor, programme_id: int, comment_id: int) -> Chosen | None:
    """One comment, where the actor may see it."""
    query = (
        select(Comment.id, Comment.text_key, Comment.not_coded)
        .join(Response, Response.id == Comment.response_id)
        .where(visible(actor, programme_id, by_id=True), Comment.id == comment_id)
    )
    row = session.execute(query).first()
    return None if row is None else Chosen(*row)


def chosen_where(
    session: Session, actor: Actor, programme_id: int, choice: Choice, *, fits: Callable[[dict[str, Any]], bool]
) -> list[Chosen]:
    """Comments in the order of `chosen`, of those who responded with attributes that fit.

    Attributes are people's data, which the database holds but need not be able to read, so each is opened here.
    """
    query = _ordered(select(Comment.id, Comment.text_key, Comment.not_coded, Response.attributes), actor, programme_id, choice)
    return [Chosen(row.id, row.text_key, row.not_coded) for row in session.execute(query) if fits(row.attributes)]


def _ordered(query: Select[Any], actor: Actor, programme_id: int, choice: Choice) -> Select[Any]:
    query = _narrowed(query, actor, programme_id, choice)
    if choice.matching is not None:
        return query.order_by(Response.date.desc().nulls_last(), Comment.id.desc())
    if choice.set_aside:
        return query.order_by(case((Comment.not_coded == choice.last, 1), else_=0), Comment.id)
    return query.order_by(_About.probability.desc().nulls_last(), Comment.id)


def count(session: Session, actor: Actor, programme_id: int, choice: Choice) -> int:
    """How many comments `chosen` would give in all."""
    query = _narrowed(select(func.count(Comment.id)), actor, programme_id, choice)
    if choice.matching is not None:  # words that somebody searches for are kept nowhere
        return int(session.execute(query).scalar_one())
    key = ("comments", actor.organisation_id, programme_id, actor.handling_levels, choice)
    return remembered(session, ("heard", "coded"), key, lambda: int(session.execute(query).scalar_one()))


def tones(session: Session, actor: Actor, text_keys: list[str]) -> dict[str, Any]:
    """Key → (text_key, label, probability) of the first-ranked tone of each text, by the model version that coded it last."""
    query = (
        select(Coding.text_key, Coding.label, Coding.probability)
        .where(
            Coding.organisation_id == actor.organisation_id,
            Coding.measure == "sentiment",
            Coding.rank == 1,
            Coding.text_key.in_(text_keys),
        )
        .order_by(Coding.coder_id)
    )
    return {row.text_key: row for row in session.execute(query)}


def tone_version(session: Session, actor: Actor, text_key: str) -> str:
    """The model version that coded the tone of a text last; '' where none did."""
    query = (
        select(Coder.version)
        .join(Coding, Coding.coder_id == Coder.id)
        .where(Coding.organisation_id == actor.organisation_id, Coding.measure == "sentiment", Coding.text_key == text_key)
        .order_by(Coder.id.desc())
        .limit(1)
    )
    return session.scalars(query).first() or ""


def unsure(session: Session, actor: Actor, text_keys: list[str]) -> set[str]:
    """Those of the texts whose tone, by the model version that coded it last, should not be said."""
    query = select(_Tone.text_key).where(_Tone.text_key.in_(text_keys), *_latest(actor, _Tone, UNSURE, beside="sentiment"))
    return set(session.scalars(query.order_by(_Tone.text_key)))


def emotions(session: Session, actor: Actor, text_keys: list[str]) -> dict[str, tuple[str, ...]]:
    """Key → the emotions heard in each text that was coded, the most probable first, by the model version that coded it last."""
    query = (
        select(_Emotion.text_key, _Emotion.label)
        .where(_Emotion.text_key.in_(text_keys), *_latest(actor, _Emotion, "emotion"))
        .order_by(_Emotion.text_key, _Emotion.rank)
    )
    found: dict[str, tuple[str, ...]] = {}
    for key, label in session.execute(query):
        found[key] = (*found.get(key, ()), *((label,) if label else ()))
    return found


class Sorted(NamedTuple):
    """The topic of a text: its row (none where it fits no topic), how sure the coder is, and whether people said so."""

    topic_id: int | None
    probability: float
    by_people: bool


def main_topics_of(session: Session, actor: Actor, choice: Choice, text_keys: list[str]) -> dict[str, Sorted]:
    """Key → the topic of each of the texts that was sorted, also as 'no topic'."""
    query = select(_About.text_key, _About.topic_id, _About.probability, _About.coder_id).where(
        _About.organisation_id == actor.organisation_id, *_of_topic_coder(choice), _About.text_key.in_(text_keys)
    )
    return {
        row.text_key: Sorted(row.topic_id, row.probability, row.coder_id == choice.people_id)
        for row in session.execute(query.order_by(_About.text_key))
    }


def count_by_topic(session: Session, actor: Actor, programme_id: int, choice: Choice) -> dict[int | None, int]:
    """A topic's row (none: 'no topic') → how many comments it has that the actor may read."""
    query = (
        select(_About.topic_id, func.count(Comment.id))
        .select_from(Comment)
        .join(Response, Response.id == Comment.response_id)
        .join(_About, and_(_About.text_key == Comment.text_key, *_of_topic_coder(choice)))
        .where(visible(actor, programme_id))
        .group_by(_About.topic_id)
    )
    key = ("by topic", actor.organisation_id, programme_id, actor.handling_levels, choice)
    return remembered(session, ("heard", "coded"), key, lambda: {row[0]: int(row[1]) for row in session.execute(query)})


def topic_of(session: Session, actor: Actor, *, coder_id: int, text_key: str) -> Any:
    """Row (topic_id) of the topic that a coder gave a text, without an id for 'no topic'; None where it gave none yet."""
    query = select(Coding.topic_id).where(
        Coding.organisation_id == actor.organisation_id,
        Coding.coder_id == coder_id,
        Coding.text_key == text_key,
        Coding.measure == "topic",
        Coding.rank == 1,
    )
    return session.execute(query).first()


def _narrowed(query: Select[Any], actor: Actor, programme_id: int, choice: Choice) -> Select[Any]:
    about = and_(_About.text_key == Comment.text_key, *_of_topic_coder(choice))
    # A topic's comments are reached through its codings, so that a small topic of a large programme costs little.
    if choice.topic_id is None:
        query = query.select_from(Comment).outerjoin(_About, about)
    else:
        wanted = _About.topic_id == choice.topic_id if choice.topic_id else _About.topic_id.is_(None)
        query = query.select_from(_About).join(Comment, about).where(wanted)
    query = query.join(Response, Response.id == Comment.response_id).where(
        visible(actor, programme_id, by_id=choice.topic_id is not None)
    )
    if choice.days is not None:
        query = query.where(Response.date.between(*choice.days))
    if choice.area:
        query = query.join(Area, Area.id == Response.area_id).where(Area.name == choice.area)
    if choice.channel:
        query = query.join(FeedbackChannel, FeedbackChannel.id == Response.channel_id).where(
            FeedbackChannel.name == choice.channel
        )
    if choice.tone:
        first = (_Tone.rank == 1, *_latest(actor, _Tone, "sentiment"))
        query = query.join(_Tone, and_(_Tone.text_key == Comment.text_key, _Tone.label == choice.tone, *first))
    if choice.emotion:
        heard = (_Emotion.label == choice.emotion, *_latest(actor, _Emotion, "emotion"))
        query = query.join(_Emotion, and_(_Emotion.text_key == Comment.text_key, *heard))
    if choice.matching is not None:
        query = query.where(choice.matching)
    if choice.set_aside:
        query = query.where(_aside(actor, choice))
    return query


def _of_topic_coder(choice: Choice) -> tuple[ColumnElement[bool], ...]:
    """The one coding of a text that counts: what people said, where anybody did, else what the codebook says."""
    main = (_About.measure == "topic", _About.rank == 1)
    if not choice.people_id:
        return (_About.coder_id == choice.coder_id, *main)
    said = aliased(Coding)
    overruled = (
        select(said.id)
        .where(said.coder_id == choice.people_id, said.text_key == _About.text_key, said.measure == "topic", said.rank == 1)
        .correlate(_About)
        .exists()
    )
    counts = or_(_About.coder_id == choice.people_id, and_(_About.coder_id == choice.coder_id, ~overruled))
    return (counts, *main)


def _latest(actor: Actor, coded: Any, measure: str, *, beside: str = "") -> tuple[ColumnElement[bool], ...]:
    """Codings of a measure by the model version that coded the text last: a text keeps its tone until a newer one codes it.

    ``beside``: the measure that says which version that is, where this one has rows of some texts only.
    """
    newer = aliased(Coding)
    overtaken = (
        select(newer.id)
        .where(newer.text_key == coded.text_key, newer.measure == (beside or measure), newer.rank == 1)
        .where(newer.organisation_id == actor.organisation_id, newer.coder_id > coded.coder_id)
        .exists()
    )
    return (coded.organisation_id == actor.organisation_id, coded.measure == measure, ~overtaken)


def _aside(actor: Actor, choice: Choice) -> ColumnElement[bool]:
    def judged(measure: str) -> ColumnElement[bool]:
        coded = aliased(Coding)
        return (
            select(coded.id)
            .where(coded.text_key == Comment.text_key, coded.organisation_id == actor.organisation_id)
            .where(coded.measure == measure, coded.rank == 1)
            .exists()
        )

    not_yet = and_(Comment.not_coded == "", or_(_About.id.is_(None), ~judged("sentiment"), ~judged("emotion")))
    if choice.reason:
        return not_yet if choice.reason == choice.not_yet else Comment.not_coded == choice.reason
    return or_(Comment.not_coded != "", not_yet)
