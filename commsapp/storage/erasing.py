"""Deleting what people said so that nothing of it is left: rows with all that hangs on them, then what the files still hold.

What may come in: what belongs to a response, a channel or an import, and taking it away. What may not: who may ask for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, func, or_, select

from commsapp.storage import attachments, search
from commsapp.storage.attachments import Attachment
from commsapp.storage.base import keyring_of
from commsapp.storage.campaigns import Message
from commsapp.storage.codings import Coding
from commsapp.storage.imports import ImportRun, RejectedRow
from commsapp.storage.programmes import Attribute, FeedbackChannel, Programme
from commsapp.storage.responses import Answer, Comment, Question, Respondent, Response, Statement, Vote
from commsapp.storage.results import ListeningResult
from commsapp.storage.session import Session, Sessions

# What belongs to a response and goes with it: (words for it, table, its column with the response). One more is one entry.
PARTS: tuple[tuple[str, Any, Any], ...] = (
    ("comments", Comment, Comment.response_id),
    ("answers", Answer, Answer.response_id),
    ("attachments", Attachment, Attachment.response_id),
)
_PART = 5_000


@dataclass
class Taken:
    """What went: how many of each kind, keys of texts and choices that nobody says any more, where attached files lie."""

    counts: Counter[str] = field(default_factory=Counter)
    text_keys: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    attributes: set[tuple[str, str]] = field(default_factory=set)
    answers: set[tuple[str, str]] = field(default_factory=set)


def erase_responses(session: Session, organisation_id: int, programme_id: int, ids: list[int]) -> Taken:
    """Delete responses of a programme with everything that hangs on them and on nobody else."""
    taken = Taken()
    keys, people, attributes, answers = _what_they_hold(session, ids)
    for some in parts(ids):
        taken.files += attachments.files_of(session, select(Response.id).where(Response.id.in_(some)))
        for words, table, column in PARTS:
            taken.counts[words] += session.scalar(select(func.count()).select_from(table).where(column.in_(some))) or 0
            session.execute(delete(table).where(column.in_(some)))
        taken.counts["responses"] += session.scalar(select(func.count(Response.id)).where(Response.id.in_(some))) or 0
        session.execute(delete(Response).where(Response.id.in_(some)))
    search.purge(session)
    taken.text_keys = unsaid(session, keys)
    delete_codings(session, organisation_id, taken.text_keys)
    taken.counts["respondents"] += _drop_respondents(session, people)
    taken.attributes = _drop_choices(session, programme_id, attributes)
    taken.answers = _drop_answers(session, programme_id, answers)
    return taken


def delete_codings(session: Session, organisation_id: int, text_keys: list[str]) -> None:
    """Delete what any coder of an organisation said of texts."""
    for some in parts(text_keys):
        session.execute(delete(Coding).where(Coding.organisation_id == organisation_id, Coding.text_key.in_(some)))


def _what_they_hold(session: Session, ids: list[int]) -> tuple[set[str], set[int], set[tuple[str, str]], set[tuple[int, str]]]:
    keys: set[str] = set()
    people: set[int] = set()
    attributes: set[tuple[str, str]] = set()
    answers: set[tuple[int, str]] = set()
    for some in parts(ids):
        found = session.scalars(select(Comment.text_key).where(Comment.response_id.in_(some), Comment.text_key.is_not(None)))
        keys |= {key for key in found if key is not None}
        for row in session.execute(select(Response.respondent_id, Response.attributes).where(Response.id.in_(some))):
            people |= set() if row.respondent_id is None else {row.respondent_id}
            attributes |= {(name, str(value)) for name, value in row.attributes.items()}
        query = select(Answer.question_id, Answer.choice).where(Answer.response_id.in_(some))
        answers |= {(row.question_id, row.choice) for row in session.execute(query)}
    return keys, people, attributes, answers


def unsaid(session: Session, keys: Iterable[str]) -> list[str]:
    """Those of the texts that no comment holds any more."""
    gone: list[str] = []
    for some in parts(sorted(keys)):
        still = set(session.scalars(select(Comment.text_key).where(Comment.text_key.in_(some))))
        gone += [key for key in some if key not in still]
    return gone


def said_for_now(session: Session, keys: Iterable[str]) -> set[str]:
    """Those of the texts that a comment holds; none of these comments can go or change before this transaction ends."""
    said: set[str] = set()
    for some in parts(sorted(keys)):
        query = select(Comment.text_key).where(Comment.text_key.in_(some)).order_by(Comment.id).with_for_update(read=True)
        said |= {key for key in session.scalars(query) if key is not None}
    return said


def _drop_respondents(session: Session, people: set[int]) -> int:
    dropped = 0
    for some in parts(sorted(people)):
        said = select(Response.respondent_id).where(Response.respondent_id.in_(some))
        voted = select(Vote.respondent_id).where(Vote.respondent_id.in_(some))
        nothing_left = and_(Respondent.id.in_(some), Respondent.id.not_in(said), Respondent.id.not_in(voted))
        dropped += session.scalar(select(func.count(Respondent.id)).where(nothing_left)) or 0
        session.execute(delete(Respondent).where(nothing_left))
    return dropped


def _drop_choices(session: Session, programme_id: int, held: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Choices of attributes that nobody has any more: they may be somebody's own words ('retired lifeboat coxswain')."""
    left = set(held)
    query = select(Response.attributes).where(Response.programme_id == programme_id)
    for attributes in session.scalars(query.execution_options(yield_per=1_000)):
        if not left:
            break
        left -= {(name, str(value)) for name, value in attributes.items()}
    for row in session.scalars(select(Attribute).where(Attribute.programme_id == programme_id)):
        kept = [choice for choice in row.choices if (row.name, choice) not in left]
        if len(kept) < len(row.choices):
            row.choices = kept
    session.flush()
    return left


def _drop_answers(session: Session, programme_id: int, held: set[tuple[int, str]]) -> set[tuple[str, str]]:
    left = {pair for pair in held if pair[1]}
    gone: set[tuple[str, str]] = set()
    for question in session.scalars(select(Question).where(Question.id.in_({number for number, _ in left}))):
        mine = {choice for number, choice in left if number == question.id}
        query = select(Answer.choice).where(Answer.question_id == question.id)
        for choice in session.scalars(query.execution_options(yield_per=1_000)):
            mine.discard(choice)
            if not mine:
                break
        if mine:
            question.choices = [choice for choice in question.choices if choice not in mine]
            gone |= {(question.wording, choice) for choice in mine}
    session.flush()
    return gone


def drop_results(session: Session, programme_id: int, *, items: set[str], segments: set[str]) -> None:
    """Delete stored results about what nobody says any more; those that a message cites stay as figures."""
    for column, values in ((ListeningResult.item, items), (ListeningResult.segment, segments)):
        for some in parts(sorted(values)):
            cited = select(Message.listening_result_id).where(Message.listening_result_id.is_not(None))
            named = and_(ListeningResult.programme_id == programme_id, column.in_(some))
            session.execute(delete(ListeningResult).where(named, ListeningResult.id.not_in(cited)))


def responses_of_import(session: Session, import_id: int) -> list[int]:
    """Ids of the responses that an import added."""
    return list(session.scalars(select(Response.id).where(Response.import_id == import_id).order_by(Response.id)))


def identities(session: Session, channel_id: int) -> list[Any]:
    """Rows (id, identity, organisation_id, programme_id) of a channel's responses; none where there is no such channel."""
    query = select(Response.id, Response.identity, Response.organisation_id, Response.programme_id)
    return list(session.execute(query.where(Response.channel_id == channel_id).order_by(Response.id)))


def channel_exists(session: Session, channel_id: int) -> bool:
    """Whether there is a channel of that number."""
    return session.get(FeedbackChannel, channel_id) is not None


def channels_with_an_end(session: Session) -> list[tuple[int, FeedbackChannel]]:
    """(organisation, channel) of every channel of the installation whose responses are not kept for ever."""
    query = (
        select(Programme.organisation_id, FeedbackChannel)
        .join(Programme, Programme.id == FeedbackChannel.programme_id)
        .where(or_(FeedbackChannel.retain_until.is_not(None), FeedbackChannel.retain_months.is_not(None)))
        .order_by(FeedbackChannel.id)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def count_past(session: Session, channel_id: int, before: date | None) -> dict[str, int]:
    """How many records of a channel are past their time: see `past`."""
    responses = session.scalar(select(func.count()).select_from(past(channel_id, before).subquery())) or 0
    rejected = session.scalar(select(func.count(RejectedRow.id)).where(_rejected(channel_id, before))) or 0
    votes = _of_channel(Vote.id, channel_id) if before is None else None
    return {"responses": responses, "rejected rows": rejected, "votes": (session.scalar(votes) or 0) if votes is not None else 0}


def past(channel_id: int, before: date | None) -> Select[Any]:
    """Responses of a channel from before a day (None: all). Without a date, the day of their import counts."""
    query = select(Response.id).where(Response.channel_id == channel_id)
    if before is not None:
        undated = and_(Response.date.is_(None), Response.import_id.in_(_imports(channel_id, before)))
        query = query.where(or_(Response.date < before, undated))
    return query.order_by(Response.id)


def ids_past(session: Session, channel_id: int, before: date | None, *, limit: int) -> list[int]:
    """The first of the responses that `past` names."""
    return list(session.scalars(past(channel_id, before).limit(limit)))


def _imports(channel_id: int, before: date | None) -> Select[Any]:
    query = select(ImportRun.id).where(ImportRun.channel_id == channel_id)
    return query if before is None else query.where(ImportRun.started_at < _midnight(before))


def _midnight(day: date) -> datetime:
    return datetime.fromisoformat(f"{day.isoformat()}T00:00:00+00:00")


def _rejected(channel_id: int, before: date | None) -> ColumnElement[bool]:
    return RejectedRow.import_id.in_(_imports(channel_id, before))


def _of_channel(column: Any, channel_id: int) -> Select[Any]:
    return (
        select(func.count(column))
        .join(Respondent, Respondent.id == Vote.respondent_id)
        .where(Respondent.channel_id == channel_id)
    )


def erase_rest_of_channel(session: Session, channel_id: int, before: date | None) -> Counter[str]:
    """Delete what a channel holds beside responses: rejected rows, and with its end votes, statements and respondents."""
    counts = Counter(count_past(session, channel_id, before))
    del counts["responses"]
    session.execute(delete(RejectedRow).where(_rejected(channel_id, before)))
    if before is None:
        people = select(Respondent.id).where(Respondent.channel_id == channel_id)
        session.execute(delete(Vote).where(Vote.respondent_id.in_(people)))
        session.execute(delete(Statement).where(Statement.channel_id == channel_id))
        said = select(Response.respondent_id).where(Response.respondent_id.is_not(None))
        session.execute(delete(Respondent).where(Respondent.channel_id == channel_id, Respondent.id.not_in(said)))
    return +counts


def files_of_channel(session: Session, channel_id: int) -> list[str]:
    """Where the files lie of the channel's imports that have come to their end."""
    query = select(ImportRun.stored_as).where(ImportRun.channel_id == channel_id, ImportRun.finished_at.is_not(None))
    return list(session.scalars(query))


def rejected_of_channel(session: Session, channel_id: int) -> list[Any]:
    """Rows (id, cells, mapping) of what could not be read of a channel's files, with how the columns were read."""
    query = select(RejectedRow.id, RejectedRow.cells, ImportRun.mapping).join(ImportRun, ImportRun.id == RejectedRow.import_id)
    return list(session.execute(query.where(ImportRun.channel_id == channel_id).order_by(RejectedRow.id)))


def delete_rejected(session: Session, ids: list[int]) -> None:
    """Delete rejected rows."""
    for some in parts(ids):
        session.execute(delete(RejectedRow).where(RejectedRow.id.in_(some)))


def renew_channel_key(session: Session, channel_id: int) -> str | None:
    """Give a channel of which no word is left new keys; returns the old ones, to be forgotten when this is committed."""
    channel = session.get_one(FeedbackChannel, channel_id)
    old = channel.key_id
    if old is not None:
        channel.key_id = keyring_of(session).add()
        session.flush()
    return old


def settle(sessions: Sessions) -> None:
    """Take what was deleted out of the database's files too, as far as they let us: call it after the commit.

    SQLite overwrites what is deleted (secure_delete), but its log holds the pages as they were until it is written back and
    cut. PostgreSQL keeps dead rows until a vacuum.
    """
    with sessions.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if sessions.engine.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            return
        for table in (*(table for _, table, _ in PARTS), Response, RejectedRow, Respondent, Vote, Statement, Coding):
            connection.exec_driver_sql(f'VACUUM "{table.__tablename__}"')
        for table in (Attribute, Question, ListeningResult):
            connection.exec_driver_sql(f'VACUUM "{table.__tablename__}"')
        connection.exec_driver_sql(f'VACUUM "{search.TABLE}"')


def parts(values: list[Any]) -> Iterator[list[Any]]:
    """Lists short enough for one statement: databases bound the number of its parameters."""
    for start in range(0, len(values), _PART):
        yield values[start : start + _PART]


def months_before(day: date, months: int) -> date:
    """The day so many calendar months earlier; the last of its month where that is shorter."""
    total = day.year * 12 + day.month - 1 - months
    year, month = divmod(total, 12)
    last = (date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1) - timedelta(days=1)).day
    return date(year, month + 1, min(day.day, last))
