"""What people said: respondents, responses, comments, questions and answers, statements and votes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, ForeignKey, Index, Row, UniqueConstraint, and_, bindparam, func, not_, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from commsapp.actor import Actor, HandlingLevel
from commsapp.storage.base import Base, SensitiveJson, SensitiveText
from commsapp.storage.programmes import Area, FeedbackChannel
from commsapp.storage.remembering import remembered


class Respondent(Base):
    """The same person across responses, waves and votes, by a keyed hash; erasure starts here."""

    __tablename__ = "respondent"
    __table_args__ = (UniqueConstraint("channel_id", "key_hash"),)
    channel_id: Mapped[int] = mapped_column(ForeignKey("feedback_channel.id"))
    key_hash: Mapped[str]


class Response(Base):
    """One person, once, in one channel. ``identity`` makes a second import of the same row add nothing."""

    __tablename__ = "response"
    __table_args__ = (
        UniqueConstraint("channel_id", "identity"),
        Index("ix_response_programme_date", "programme_id", "date"),
        Index("ix_response_programme_level", "programme_id", "handling_level"),
    )
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    programme_id: Mapped[int] = mapped_column(ForeignKey("programme.id"))
    channel_id: Mapped[int] = mapped_column(ForeignKey("feedback_channel.id"))
    import_id: Mapped[int | None] = mapped_column(ForeignKey("import_run.id"), index=True)
    respondent_id: Mapped[int | None] = mapped_column(ForeignKey("respondent.id"), index=True)
    identity: Mapped[str]
    date: Mapped[date | None]
    area_id: Mapped[int | None] = mapped_column(ForeignKey("area.id"))
    attributes: Mapped[dict[str, Any]] = mapped_column(SensitiveJson(of_channel=True), default=dict)
    weight: Mapped[float] = mapped_column(default=1.0)
    consent: Mapped[list[Any]] = mapped_column(default=list)
    handling_level: Mapped[str]


class Comment(Base):
    """What that person said in their words.

    ``original`` and ``translation`` stay as they came in. ``redacted`` and ``redacted_translation`` are what people see, and
    ``analysis_text``, which models may read, is made from them; all three are there once the comment is ``prepared``, and
    ``redaction_version`` says with what names and numbers were taken out. ``text_key`` is the keyed hash of ``analysis_text``
    that codings belong to; it is empty where nothing can be coded, and ``not_coded`` says why.
    """

    __tablename__ = "comment"
    response_id: Mapped[int] = mapped_column(ForeignKey("response.id", ondelete="CASCADE"), unique=True)
    original: Mapped[str] = mapped_column(SensitiveText(of_channel=True))
    given_language: Mapped[str] = mapped_column(default="")
    language: Mapped[str] = mapped_column(default="")
    translation: Mapped[str] = mapped_column(SensitiveText(of_channel=True), default="")
    translator: Mapped[str] = mapped_column(default="")
    redacted: Mapped[str] = mapped_column(SensitiveText(of_channel=True), default="")
    redacted_translation: Mapped[str] = mapped_column(SensitiveText(of_channel=True), default="")
    redaction_version: Mapped[str] = mapped_column(default="")
    analysis_text: Mapped[str | None] = mapped_column(SensitiveText(of_channel=True))
    text_key: Mapped[str | None] = mapped_column(index=True)
    from_translation: Mapped[bool] = mapped_column(default=False)
    not_coded: Mapped[str] = mapped_column(default="")
    prepared: Mapped[bool] = mapped_column(default=False, index=True)


class Question(Base):
    """A closed survey item with its exact wording and version."""

    __tablename__ = "question"
    __table_args__ = (UniqueConstraint("programme_id", "wording", "version"),)
    programme_id: Mapped[int] = mapped_column(ForeignKey("programme.id"))
    wording: Mapped[str]
    version: Mapped[int] = mapped_column(default=1)
    choices: Mapped[list[Any]] = mapped_column(SensitiveJson, default=list)


class Answer(Base):
    """What the person ticked."""

    __tablename__ = "answer"
    __table_args__ = (UniqueConstraint("response_id", "question_id"),)
    response_id: Mapped[int] = mapped_column(ForeignKey("response.id", ondelete="CASCADE"))
    question_id: Mapped[int] = mapped_column(ForeignKey("question.id"), index=True)
    choice: Mapped[str] = mapped_column(SensitiveText(of_channel=True))


class Statement(Base):
    """What people vote on in a consultation."""

    __tablename__ = "statement"
    __table_args__ = (UniqueConstraint("channel_id", "identity"),)
    channel_id: Mapped[int] = mapped_column(ForeignKey("feedback_channel.id"))
    identity: Mapped[str]
    text: Mapped[str] = mapped_column(SensitiveText(of_channel=True))


class Vote(Base):
    """One respondent on one statement: 1 agree, -1 disagree, 0 pass."""

    __tablename__ = "vote"
    __table_args__ = (UniqueConstraint("respondent_id", "statement_id"),)
    respondent_id: Mapped[int] = mapped_column(ForeignKey("respondent.id", ondelete="CASCADE"))
    statement_id: Mapped[int] = mapped_column(ForeignKey("statement.id", ondelete="CASCADE"), index=True)
    value: Mapped[int]


def visible(actor: Actor, programme_id: int, *, by_id: bool = False) -> ColumnElement[bool]:
    """What every query over responses asks first: own organisation, this programme, a handling level one is cleared for.

    ``by_id`` says that the query comes to a few responses by their ids.
    """
    # SQLite would else go through all responses of the programme, as it takes any index on a column that it compares.
    programme = Response.programme_id + 0 if by_id else Response.programme_id
    return and_(
        Response.organisation_id == actor.organisation_id,
        programme == programme_id,
        Response.handling_level.in_(actor.handling_levels),
    )


def questions(session: Session, programme_id: int) -> list[Question]:
    """Closed questions of a programme in the order in which they were met."""
    return list(session.scalars(select(Question).where(Question.programme_id == programme_id).order_by(Question.id)))


def respondents(session: Session, *, channel_id: int, key_hashes: list[str]) -> dict[str, int]:
    """Key hash → respondent id, for those that are there."""
    query = select(Respondent.key_hash, Respondent.id).where(
        Respondent.channel_id == channel_id, Respondent.key_hash.in_(key_hashes)
    )
    return {row.key_hash: row.id for row in session.execute(query.order_by(Respondent.id))}


def response_frame(session: Session, actor: Actor, programme_id: int) -> list[Row[Any]]:
    """Rows (response_id, date, area, respondent_id, weight, chosen, channel, attributes, consent, handling_level)."""
    query = (
        select(
            Response.id.label("response_id"),
            Response.date,
            func.coalesce(Area.name, "").label("area"),
            Response.respondent_id,
            Response.weight,
            FeedbackChannel.chosen,
            FeedbackChannel.name.label("channel"),
            Response.attributes,
            Response.consent,
            Response.handling_level,
        )
        .join(FeedbackChannel, FeedbackChannel.id == Response.channel_id)
        .outerjoin(Area, Area.id == Response.area_id)
        .where(visible(actor, programme_id))
        .order_by(Response.id)
    )
    return list(session.execute(query))


def response_page(
    session: Session,
    actor: Actor,
    programme_id: int,
    *,
    channel: str = "",
    area: str = "",
    days: tuple[date, date] | None = None,
    start: int,
    limit: int,
) -> tuple[list[Row[Any]], int]:
    """Some responses as `response_frame` gives them, with ``comment_id``, and how many there are; '' and None don't narrow."""
    wanted = [visible(actor, programme_id)]
    wanted += [FeedbackChannel.name == channel] if channel else []
    wanted += [Area.name == area] if area else []
    wanted += [Response.date.between(*days)] if days else []
    joined = (
        select(
            Response.id.label("response_id"),
            Response.date,
            func.coalesce(Area.name, "").label("area"),
            Response.respondent_id,
            Response.weight,
            FeedbackChannel.chosen,
            FeedbackChannel.name.label("channel"),
            Response.attributes,
            Response.consent,
            Response.handling_level,
            Comment.id.label("comment_id"),
        )
        .join(FeedbackChannel, FeedbackChannel.id == Response.channel_id)
        .outerjoin(Area, Area.id == Response.area_id)
        .outerjoin(Comment, Comment.response_id == Response.id)
        .where(*wanted)
    )
    total = session.scalar(select(func.count()).select_from(joined.order_by(None).subquery())) or 0
    return list(session.execute(joined.order_by(Response.id).offset(start).limit(limit))), total


def answers_of(session: Session, actor: Actor, programme_id: int, response_ids: list[int]) -> list[Row[Any]]:
    """Rows (response_id, question, choice) of some responses, in the order in which they were asked."""
    query = (
        select(Answer.response_id, Question.wording.label("question"), Answer.choice)
        .join(Response, Response.id == Answer.response_id)
        .join(Question, Question.id == Answer.question_id)
        .where(visible(actor, programme_id, by_id=True), Answer.response_id.in_(response_ids))
        .order_by(Answer.id)
    )
    return list(session.execute(query))


def days(session: Session, actor: Actor, programme_id: int) -> dict[date | None, int]:
    """Day → how many responses are of it; None for those without a date."""
    query = select(Response.date, func.count(Response.id)).where(visible(actor, programme_id)).group_by(Response.date)
    return {row[0]: row[1] for row in session.execute(query.order_by(Response.date))}


def days_seen(session: Session, actor: Actor, programme_id: int) -> frozenset[date]:
    """The days of the responses that an actor may see; every page asks for them."""
    key = ("days seen", actor.organisation_id, programme_id, actor.handling_levels)
    return remembered(
        session, ("heard",), key, lambda: frozenset(day for day in days(session, actor, programme_id) if day is not None)
    )


def holds_levels(session: Session, actor: Actor, programme_id: int, levels: Iterable[str]) -> bool:
    """Whether a programme holds a response of any of these handling levels, whatever the actor may see."""
    there = select(Response.id).where(
        Response.organisation_id == actor.organisation_id,
        Response.programme_id == programme_id,
        Response.handling_level.in_(list(levels)),
    )
    return session.scalars(there.limit(1)).first() is not None


def hidden_areas(session: Session, actor: Actor, programme_id: int) -> frozenset[int]:
    """Areas that only responses name which the actor may not see; an area without any response is none of them."""
    key = ("hidden areas", actor.organisation_id, programme_id, actor.handling_levels)
    return remembered(session, ("heard", "coded"), key, lambda: _hidden_areas(session, actor, programme_id))


def _hidden_areas(session: Session, actor: Actor, programme_id: int) -> frozenset[int]:
    beyond = [level for level in HandlingLevel if level not in actor.handling_levels]
    if not beyond:
        return frozenset()
    there = select(Response.area_id).where(
        Response.organisation_id == actor.organisation_id, Response.programme_id == programme_id, Response.area_id.is_not(None)
    )
    named = {area for area in session.scalars(there.where(Response.handling_level.in_(beyond)).distinct()) if area is not None}
    if not named:
        return frozenset()
    seen = session.scalars(there.where(visible(actor, programme_id), Response.area_id.in_(named)).distinct())
    return frozenset(named - set(seen))


def levels(session: Session, actor: Actor, programme_id: int) -> set[str]:
    """The handling levels that occur among the responses of a programme which the actor may see."""
    found = select(Response.handling_level).where(visible(actor, programme_id)).distinct()
    return set(session.scalars(found))


def comment_frame(session: Session, actor: Actor, programme_id: int) -> list[Row[Any]]:
    """Rows (comment_id, response_id, text_key, not_coded, prepared), without anybody's words."""
    query = (
        select(Comment.id.label("comment_id"), Comment.response_id, Comment.text_key, Comment.not_coded, Comment.prepared)
        .join(Response, Response.id == Comment.response_id)
        .where(visible(actor, programme_id))
        .order_by(Comment.id)
    )
    return list(session.execute(query))


def answer_frame(session: Session, actor: Actor, programme_id: int) -> list[Row[Any]]:
    """Rows (response_id, question, choice)."""
    query = (
        select(Answer.response_id, Question.wording.label("question"), Answer.choice)
        .join(Response, Response.id == Answer.response_id)
        .join(Question, Question.id == Answer.question_id)
        .where(visible(actor, programme_id))
        .order_by(Answer.id)
    )
    return list(session.execute(query))


def unprepared(session: Session, actor: Actor, programme_id: int, *, redaction: str, limit: int) -> list[Row[Any]]:
    """Comments to make ready for people and models, with what decides it: (id, original, …, handling_level, key_id, …).

    ``redaction`` is the version that takes names and numbers out now, see `needs_preparing`.
    """
    query = (
        select(
            Comment.id,
            Comment.original,
            Comment.given_language,
            Comment.translation,
            Comment.text_key,
            Comment.redaction_version,
            Response.consent,
            Response.handling_level,
            FeedbackChannel.key_id,
        )
        .join(Response, Response.id == Comment.response_id)
        .join(FeedbackChannel, FeedbackChannel.id == Response.channel_id)
        .where(visible(actor, programme_id), needs_preparing(redaction))
        .order_by(Comment.id)
        .limit(limit)
    )
    return list(session.execute(query))


def count_unprepared(session: Session, actor: Actor, programme_id: int, *, redaction: str) -> int:
    """How many comments `unprepared` would give in all."""
    query = (
        select(func.count(Comment.id))
        .join(Response, Response.id == Comment.response_id)
        .where(visible(actor, programme_id), needs_preparing(redaction))
    )
    return int(session.execute(query).scalar_one())


def needs_preparing(redaction: str) -> ColumnElement[bool]:
    """Comments never prepared, or prepared with another version, unless this one is without the model of names and that had it.

    A version with the model has a '+' in it: a machine on which it is missing must not put names back.
    """
    other = Comment.redaction_version != redaction
    if "+" not in redaction:
        other = and_(other, not_(Comment.redaction_version.contains("+")))
    return or_(Comment.prepared.is_(False), other)


_PREPARED = (
    *("language", "redacted", "redacted_translation", "redaction_version"),
    *("analysis_text", "text_key", "from_translation", "not_coded"),
)


def set_prepared(session: Session, rows: list[dict[str, Any]]) -> None:
    """Store what preparation found: rows of comment_id and `_PREPARED`."""
    if not rows:
        return
    statement = (
        update(Comment)
        .where(Comment.id == bindparam("comment_id"))
        .values(prepared=True, **{name: bindparam(f"new_{name}") for name in _PREPARED})
    )
    parameters = [{"comment_id": row["comment_id"], **{f"new_{name}": row[name] for name in _PREPARED}} for row in rows]
    session.connection().execute(statement, parameters)


def text_keys(session: Session, actor: Actor, programme_id: int, *, by_length: bool = False) -> list[str]:
    """Keys of the distinct texts that can be coded, in their own order, so that no import order shows.

    ``by_length``: short texts first, which is the order in which a model wastes least.
    """
    query = (
        select(Comment.text_key)
        .join(Response, Response.id == Comment.response_id)
        .where(visible(actor, programme_id), Comment.text_key.is_not(None))
        .group_by(Comment.text_key)
    )
    if by_length:
        query = query.order_by(func.min(func.length(Comment.analysis_text)))
    return [key for key in session.scalars(query.order_by(Comment.text_key)) if key is not None]


def texts_of(session: Session, actor: Actor, programme_id: int, keys: list[str]) -> dict[str, str]:
    """Key → the text that models may read."""
    found: dict[str, str] = {}
    for start in range(0, len(keys), 5_000):
        query = (
            select(Comment.text_key, func.min(Comment.analysis_text))
            .join(Response, Response.id == Comment.response_id)
            .where(visible(actor, programme_id, by_id=True), Comment.text_key.in_(keys[start : start + 5_000]))
            .group_by(Comment.text_key)
            .order_by(Comment.text_key)
        )
        found.update({key: text for key, text in session.execute(query) if key is not None and text is not None})
    return found


def comments_by_id(session: Session, actor: Actor, programme_id: int, ids: list[int]) -> list[Row[Any]]:
    """What people said, for a page: redacted words, languages and where they come from, in no promised order."""
    query = (
        select(
            Comment.id,
            Comment.response_id,
            Comment.redacted,
            Comment.redacted_translation,
            Comment.redaction_version,
            Comment.prepared,
            Comment.translator,
            Comment.language,
            Comment.from_translation,
            Comment.not_coded,
            Response.date,
            func.coalesce(Area.name, "").label("area"),
            FeedbackChannel.name.label("channel"),
            Response.attributes,
            Response.consent,
            Response.handling_level,
        )
        .join(Response, Response.id == Comment.response_id)
        .join(FeedbackChannel, FeedbackChannel.id == Response.channel_id)
        .outerjoin(Area, Area.id == Response.area_id)
        .where(visible(actor, programme_id, by_id=True), Comment.id.in_(ids))
        .order_by(Comment.id)
    )
    return list(session.execute(query))


def comment_as_written(session: Session, actor: Actor, programme_id: int, comment_id: int) -> Row[Any] | None:
    """(id, original, translation, translator, language, handling_level, redacted): for one who may see it, and says why."""
    query = (
        select(
            Comment.id,
            Comment.original,
            Comment.translation,
            Comment.translator,
            Comment.language,
            Comment.redacted,
            Comment.redacted_translation,
            Response.handling_level,
        )
        .join(Response, Response.id == Comment.response_id)
        .where(visible(actor, programme_id, by_id=True), Comment.id == comment_id)
    )
    rows: list[Row[Any]] = list(session.execute(query))
    return rows[0] if rows else None


class ChannelCount(NamedTuple):
    """What was heard through one feedback channel: how much, and on which days first and last."""

    name: str
    kind: str
    chosen: str
    responses: int
    comments: int
    first: date | None
    last: date | None


def counts_by_channel(session: Session, actor: Actor, programme_id: int) -> list[ChannelCount]:
    """What was heard through each feedback channel that was heard of, by channel name."""
    key = ("channels", actor.organisation_id, programme_id, actor.handling_levels)
    counted = remembered(session, ("heard",), key, lambda: _counted(session, actor, programme_id))
    query = select(FeedbackChannel.id, FeedbackChannel.name, FeedbackChannel.kind, FeedbackChannel.chosen).where(
        FeedbackChannel.id.in_(list(counted))
    )
    return [
        ChannelCount(row.name, row.kind, row.chosen, *counted[row.id])
        for row in session.execute(query.order_by(FeedbackChannel.name))
    ]


def _counted(session: Session, actor: Actor, programme_id: int) -> dict[int, tuple[int, int, date | None, date | None]]:
    """Channel → how many responses and comments, the first and the last day."""
    query = (
        select(
            Response.channel_id,
            func.count(Response.id),
            func.count(Comment.id),
            func.min(Response.date),
            func.max(Response.date),
        )
        .outerjoin(Comment, Comment.response_id == Response.id)
        .where(visible(actor, programme_id))
        .group_by(Response.channel_id)
    )
    return {row[0]: (row[1], row[2], row[3], row[4]) for row in session.execute(query)}
