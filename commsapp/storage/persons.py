"""Everything that is stored of one person: their responses, words, answers, votes, what coders said of them, who read them."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Row, and_, case, delete, func, or_, select, update
from sqlalchemy.orm import Session

from commsapp.actor import Actor
from commsapp.storage import jobs
from commsapp.storage.by_people import PEOPLE, PERSON
from commsapp.storage.codings import Coder, Coding, Topic
from commsapp.storage.erasing import parts, unsaid
from commsapp.storage.events import Event
from commsapp.storage.imports import ImportRun
from commsapp.storage.organisations import Person
from commsapp.storage.programmes import Area, FeedbackChannel
from commsapp.storage.responses import Answer, Comment, Question, Respondent, Response, Statement, Vote, visible


def found(
    session: Session,
    actor: Actor,
    programme_id: int,
    *,
    key_hashes: list[str] | None = None,
    identities: list[str] | None = None,
    number: int | None = None,
    channel_id: int | None = None,
    day: date | None = None,
    limit: int = 50,
) -> list[Row[Any]]:
    """Rows (id, respondent_id, channel, date, area) of responses that fit all that is given; of what one may see."""
    query = (
        select(
            Response.id,
            Response.respondent_id,
            FeedbackChannel.name.label("channel"),
            Response.date,
            func.coalesce(Area.name, "").label("area"),
        )
        .join(FeedbackChannel, FeedbackChannel.id == Response.channel_id)
        .outerjoin(Area, Area.id == Response.area_id)
        .outerjoin(Respondent, Respondent.id == Response.respondent_id)
        .where(visible(actor, programme_id))
        .order_by(Response.id)
        .limit(limit)
    )
    if key_hashes is not None:
        query = query.where(Respondent.key_hash.in_(key_hashes))
    if identities is not None:
        query = query.where(Response.identity.in_(identities))
    if number is not None:
        query = query.where(Response.id == number)
    if channel_id is not None:
        query = query.where(Response.channel_id == channel_id)
    if day is not None:
        query = query.where(Response.date == day)
    return list(session.execute(query))


def responses_of(session: Session, actor: Actor, programme_id: int, response_id: int) -> list[Response]:
    """All responses, of whatever handling level, of the person of one response; none where there is no such response.

    Who asks must be told only of those that they are cleared for.
    """
    own = (Response.organisation_id == actor.organisation_id, Response.programme_id == programme_id)
    first = session.scalars(select(Response).where(Response.id == response_id, *own)).first()
    if first is None:
        return []
    if first.respondent_id is None:
        return [first]
    query = select(Response).where(Response.respondent_id == first.respondent_id, *own)
    return list(session.scalars(query.order_by(Response.date, Response.id)))


def responses_with(session: Session, ids: list[int]) -> list[Response]:
    """Responses by their ids, of whomever; for work that asks for nobody."""
    query = select(Response).order_by(Response.id)
    return [row for some in parts(ids) for row in session.scalars(query.where(Response.id.in_(some)))]


def comments_of(session: Session, ids: list[int]) -> dict[int, Comment]:
    """Response → its comment."""
    query = select(Comment).where(Comment.response_id.in_(ids)).order_by(Comment.id)
    return {row.response_id: row for row in session.scalars(query)}


def answers_of(session: Session, ids: list[int]) -> list[Row[Any]]:
    """Rows (response_id, question, choice), without what was left blank."""
    query = (
        select(Answer.response_id, Question.wording.label("question"), Answer.choice)
        .join(Question, Question.id == Answer.question_id)
        .where(Answer.response_id.in_(ids))
        .order_by(Answer.id)
    )
    rows: list[Row[Any]] = list(session.execute(query))
    return [row for row in rows if row.choice]


def votes_of(session: Session, respondent_id: int) -> list[Row[Any]]:
    """Rows (statement, value)."""
    query = select(Statement.text.label("statement"), Vote.value).join(Statement, Statement.id == Vote.statement_id)
    return list(session.execute(query.where(Vote.respondent_id == respondent_id).order_by(Vote.id)))


def codings_of(session: Session, actor: Actor, keys: list[str]) -> list[Row[Any]]:
    """Rows (text_key, measure, kind, coder, version, label, topic, probability): each coder's first-ranked coding, all emotions.

    What people's codings come to in a version (see `by_people`) is no coding of its own.
    """
    query = (
        select(
            Coding.text_key,
            Coding.measure,
            Coder.kind,
            func.coalesce(Person.name, Coder.name).label("coder"),
            case((Coder.kind == PERSON, ""), else_=Coder.version).label("version"),
            Coding.label,
            func.coalesce(Topic.name, "").label("topic"),
            Coding.probability,
        )
        .join(Coder, Coder.id == Coding.coder_id)
        .outerjoin(Person, Person.id == Coder.person_id)
        .outerjoin(Topic, Topic.id == Coding.topic_id)
        .where(Coding.organisation_id == actor.organisation_id, Coding.text_key.in_(keys))
        .where(or_(Coding.rank == 1, Coding.measure == "emotion"))
        .where(Coder.kind != PEOPLE)
        .order_by(Coding.id)
    )
    return list(session.execute(query))


def imports_of(session: Session, ids: set[int]) -> dict[int, ImportRun]:
    """Id → the import that brought a response."""
    query = select(ImportRun).where(ImportRun.id.in_(ids)).order_by(ImportRun.id)
    return {row.id: row for row in session.scalars(query)}


def channels_of(session: Session, ids: set[int]) -> dict[int, str]:
    """Id → name of a feedback channel."""
    query = select(FeedbackChannel.id, FeedbackChannel.name).where(FeedbackChannel.id.in_(ids))
    return {row.id: row.name for row in session.execute(query)}


def areas_of(session: Session, ids: set[int]) -> dict[int, str]:
    """Id → name of an area."""
    return {row.id: row.name for row in session.execute(select(Area.id, Area.name).where(Area.id.in_(ids)))}


def readings(session: Session, actor: Actor, programme_id: int, *, kinds: tuple[str, ...], originals: list[int]) -> list[Event]:
    """Events of people's words shown or handed out in a programme, the latest first.

    ``originals`` are the comments of which looks before redaction are told as well.
    """
    shown = and_(Event.action.in_(("read", "export")), Event.subject.in_(kinds), Event.subject_id == programme_id)
    as_written = and_(Event.action == "read original", Event.subject == "comment", Event.subject_id.in_(originals))
    query = select(Event).where(Event.organisation_id == actor.organisation_id, or_(shown, as_written)).order_by(Event.id.desc())
    return list(session.scalars(query))


def key_hash_of(session: Session, respondent_id: int) -> str:
    """The keyed hash by which a respondent is known."""
    return session.get_one(Respondent, respondent_id).key_hash


def delete_votes(session: Session, respondent_id: int) -> int:
    """Delete what a respondent voted; how many votes there were."""
    votes = session.scalar(select(func.count(Vote.id)).where(Vote.respondent_id == respondent_id)) or 0
    session.execute(delete(Vote).where(Vote.respondent_id == respondent_id))
    return votes


def hold_back(session: Session, ids: list[int], reason: str) -> list[str]:
    """Take comments out of the analysis, with the reason; returns keys of texts that nobody else says."""
    keys = text_keys(session, ids)
    values = {"analysis_text": None, "text_key": None, "from_translation": False, "not_coded": reason, "prepared": True}
    # Past the session's own copies, which it would bring up to date by comparing sealed words.
    session.execute(
        update(Comment).where(Comment.response_id.in_(ids)).values(**values), execution_options={"synchronize_session": False}
    )
    said = select(Comment.id).where(Comment.response_id.in_(ids)).order_by(Comment.id)
    jobs.forget_comments(session, list(session.scalars(said)))
    return unsaid(session, keys)


def text_keys(session: Session, ids: list[int]) -> set[str]:
    """Keys of the texts that responses hold and that can be coded."""
    found = session.scalars(select(Comment.text_key).where(Comment.response_id.in_(ids)).order_by(Comment.id))
    return {key for key in found if key is not None}


def decide_again(session: Session, ids: list[int]) -> None:
    """Let the next analysis decide anew which text of these comments models may read."""
    session.execute(update(Comment).where(Comment.response_id.in_(ids)).values(prepared=False))
