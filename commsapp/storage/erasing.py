"""Deleting what people said so that nothing of it is left: rows with all that hangs on them, then what the files still hold.

What may come in: what belongs to a response, a channel or an import, and taking it away. What may not: who may ask for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, and_, delete, func, or_, select, type_coerce
from sqlalchemy.orm import aliased

from commsapp.storage import attachments, audit, codebooks, emerging, jobs, search
from commsapp.storage.attachments import Attachment
from commsapp.storage.base import FORGOTTEN, keyring_of
from commsapp.storage.campaigns import Activity, Campaign, ExpectedEffect, Message
from commsapp.storage.codebooks import CodebookChange, CodebookDifference
from commsapp.storage.codings import Coding, Topic
from commsapp.storage.emerging import EmergingGroup, EmergingMember
from commsapp.storage.events import Event
from commsapp.storage.imports import ImportRun, RejectedRow
from commsapp.storage.keyring import is_sealed
from commsapp.storage.programmes import Area, Attribute, ContextEvent, FeedbackChannel, Programme
from commsapp.storage.responses import Answer, Comment, Question, Respondent, Response, Statement, Vote
from commsapp.storage.results import ListeningResult, ResultSet
from commsapp.storage.session import Session, Sessions, written_back

# What belongs to a response and goes with it: (words for it, table, its column with the response). One more is one entry.
PARTS: tuple[tuple[str, Any, Any], ...] = (
    ("comments", Comment, Comment.response_id),
    ("answers", Answer, Answer.response_id),
    ("attachments", Attachment, Attachment.response_id),
)
KEY = "key"
"""Under which name an event says from which family of keys a channel was parted."""

_PART = 5_000
_BLIND = {"synchronize_session": False}


@dataclass
class Taken:
    """What went: how many of each kind, keys of texts and choices that nobody says any more, where attached files lie."""

    counts: Counter[str] = field(default_factory=Counter)
    text_keys: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    attributes: set[tuple[str, str]] = field(default_factory=set)
    answers: set[tuple[str, str]] = field(default_factory=set)
    areas: set[str] = field(default_factory=set)


@dataclass
class _Held:
    """What responses hold that may be theirs alone."""

    text_keys: set[str] = field(default_factory=set)
    people: set[int] = field(default_factory=set)
    attributes: set[tuple[str, str]] = field(default_factory=set)
    answers: set[tuple[int, str]] = field(default_factory=set)
    areas: set[int] = field(default_factory=set)


def erase_responses(session: Session, organisation_id: int, programme_id: int, ids: list[int]) -> Taken:
    """Delete responses of a programme with everything that hangs on them and on nobody else."""
    taken = Taken()
    held = _what_they_hold(session, programme_id, ids)
    # Held in the order in which an import comes by them, so that the two wait for each other and never in a circle.
    for some in parts(sorted(held.areas)):
        session.execute(select(Area.id).where(Area.id.in_(some)).order_by(Area.id).with_for_update())
    for some in parts(ids):
        taken.files += attachments.files_of(session, select(Response.id).where(Response.id.in_(some)))
        comments = list(session.scalars(select(Comment.id).where(Comment.response_id.in_(some)).order_by(Comment.id)))
        for words, table, column in PARTS:
            taken.counts[words] += session.scalar(select(func.count()).select_from(table).where(column.in_(some))) or 0
            session.execute(delete(table).where(column.in_(some)))
        taken.counts["responses"] += session.scalar(select(func.count(Response.id)).where(Response.id.in_(some))) or 0
        session.execute(delete(Response).where(Response.id.in_(some)))
        jobs.forget_comments(session, comments)
    search.purge(session)
    taken.text_keys = unsaid(session, held.text_keys)
    delete_codings(session, organisation_id, taken.text_keys)
    emerging.withhold(session, organisation_id, held.text_keys - set(taken.text_keys))
    taken.counts["respondents"] += _drop_respondents(session, held.people)
    taken.answers = _drop_answers(session, programme_id, held.answers)
    taken.attributes = _drop_choices(session, programme_id, held.attributes)
    taken.areas = _drop_areas(session, programme_id, held.areas)
    return taken


def delete_codings(session: Session, organisation_id: int, text_keys: list[str]) -> None:
    """Delete what any coder of an organisation said of texts, people too, and what codebooks and groups hold of them."""
    codebooks.forget(session, organisation_id, text_keys)
    emerging.forget(session, organisation_id, text_keys)
    for some in parts(text_keys):
        session.execute(delete(Coding).where(Coding.organisation_id == organisation_id, Coding.text_key.in_(some)))


def _what_they_hold(session: Session, programme_id: int, ids: list[int]) -> _Held:
    """Of responses whose key was taken away nobody can tell what they held: it may be each choice that nobody else gives."""
    held = _Held()
    forgotten = False
    for some in parts(ids):
        found = session.scalars(select(Comment.text_key).where(Comment.response_id.in_(some), Comment.text_key.is_not(None)))
        held.text_keys |= {key for key in found if key is not None}
        stored = type_coerce(Response.attributes, Text()).label("stored")
        query = select(Response.respondent_id, Response.area_id, Response.attributes, stored)
        for row in session.execute(query.where(Response.id.in_(some))):
            held.people |= set() if row.respondent_id is None else {row.respondent_id}
            held.areas |= set() if row.area_id is None else {row.area_id}
            held.attributes |= {(name, str(value)) for name, value in row.attributes.items()}
            forgotten = forgotten or (not row.attributes and is_sealed(row.stored))
        answers = select(Answer.question_id, Answer.choice).where(Answer.response_id.in_(some))
        held.answers |= {(row.question_id, row.choice) for row in session.execute(answers)}
    if forgotten:
        rows = session.scalars(select(Attribute).where(Attribute.programme_id == programme_id))
        held.attributes |= {(row.name, choice) for row in rows for choice in row.choices}
    unread = {question for question, choice in held.answers if choice == FORGOTTEN}
    for question in session.scalars(select(Question).where(Question.id.in_(unread))) if unread else ():
        held.answers |= {(question.id, choice) for choice in question.choices}
    return held


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


def _for_change(query: Select[Any]) -> Select[Any]:
    """Rows held until this transaction ends and read anew: an import may be adding to their lists of choices."""
    return query.with_for_update().execution_options(populate_existing=True)


def _drop_choices(session: Session, programme_id: int, held: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Choices of attributes that nobody has any more: they may be somebody's own words ('retired lifeboat coxswain')."""
    if not held:
        return set()
    mine = select(Attribute).where(Attribute.programme_id == programme_id, Attribute.name.in_({name for name, _ in held}))
    rows = list(session.scalars(_for_change(mine.order_by(Attribute.name))))
    left = set(held)
    query = select(Response.attributes).where(Response.programme_id == programme_id)
    for attributes in session.scalars(query.execution_options(yield_per=1_000)):
        if not left:
            break
        left -= {(name, str(value)) for name, value in attributes.items()}
    for row in rows:
        kept = [choice for choice in row.choices if (row.name, choice) not in left]
        if len(kept) < len(row.choices):
            row.choices = kept
    session.flush()
    return left


def _drop_answers(session: Session, programme_id: int, held: set[tuple[int, str]]) -> set[tuple[str, str]]:
    left = {pair for pair in held if pair[1]}
    gone: set[tuple[str, str]] = set()
    asked = select(Question).where(Question.id.in_({number for number, _ in left})).order_by(Question.wording)
    for question in list(session.scalars(_for_change(asked))):
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


def _drop_areas(session: Session, programme_id: int, held: set[int]) -> set[str]:
    """Areas that nobody names any more and that nothing else rests on: a file brought them, and one may be somebody's street."""
    own = Area.programme_id == programme_id
    bare = and_(own, Area.code == "", Area.population.is_(None), Area.parent_id.is_(None))
    needed = _areas_in_lists(session, programme_id)
    gone: set[str] = set()
    for some in parts(sorted(held)):
        used: set[int | None] = set(session.scalars(select(Response.area_id).where(Response.area_id.in_(some)).distinct()))
        used |= set(session.scalars(select(Area.parent_id).where(Area.parent_id.in_(some))))
        used |= set(session.scalars(select(Activity.area_id).where(Activity.area_id.in_(some))))
        used |= set(
            session.scalars(
                select(Event.subject_id).where(Event.subject == "area", Event.action == "create", Event.subject_id.in_(some))
            )
        )
        found = session.execute(select(Area.id, Area.name).where(bare, Area.id.in_(some)))
        names = {row.id: row.name for row in found if row.id not in used and row.name not in needed}
        session.execute(delete(Area).where(Area.id.in_(names)))
        gone |= set(names.values())
    return gone


def _areas_in_lists(session: Session, programme_id: int) -> set[str]:
    """Names of areas that context events, campaigns and expected effects of a programme are about."""
    effects = (
        select(ExpectedEffect.areas)
        .join(Message, Message.id == ExpectedEffect.message_id)
        .join(Campaign, Campaign.id == Message.campaign_id)
    )
    lists = (
        select(ContextEvent.areas).where(ContextEvent.programme_id == programme_id),
        select(Campaign.areas).where(Campaign.programme_id == programme_id),
        effects.where(Campaign.programme_id == programme_id),
    )
    return {str(name) for query in lists for names in session.scalars(query) for name in names}


_CELL = ("measure", "item", "wave", "area", "segment")


def _not_cited() -> ColumnElement[bool]:
    """Results that no message cites, and that don't say the same of other handling levels as one that a message cites."""
    cited = aliased(ListeningResult)
    same = [getattr(cited, name) == getattr(ListeningResult, name) for name in ("result_set_id", *_CELL)]
    query = select(cited.id).join(Message, Message.listening_result_id == cited.id).where(*same)
    return ~query.correlate(ListeningResult).exists()


def drop_results(session: Session, programme_id: int, *, items: set[str], segments: set[str], areas: set[str]) -> None:
    """Delete stored results about what nobody says any more; those that a message cites stay as figures."""
    for column, values in ((ListeningResult.item, items), (ListeningResult.segment, segments), (ListeningResult.area, areas)):
        for some in parts(sorted(values)):
            named = and_(ListeningResult.programme_id == programme_id, column.in_(some))
            session.execute(delete(ListeningResult).where(named, _not_cited()), execution_options=_BLIND)


def drop_older_results(session: Session, programme_id: int) -> None:
    """Delete the results of all sets but the latest: they hold figures of people who are gone. What a message cites stays."""
    sets = select(ResultSet.id).where(ResultSet.programme_id == programme_id)
    older = list(session.scalars(sets.order_by(ResultSet.id)))[:-1]
    for some in parts(older):
        results = delete(ListeningResult).where(ListeningResult.result_set_id.in_(some), _not_cited())
        session.execute(results, execution_options=_BLIND)
        full = select(ListeningResult.result_set_id).where(ListeningResult.result_set_id.in_(some))
        session.execute(delete(ResultSet).where(ResultSet.id.in_(some), ResultSet.id.not_in(full)), execution_options=_BLIND)


def channel_for_now(session: Session, channel_id: int) -> FeedbackChannel:
    """A channel as it is now; nobody changes how long it keeps what it heard before this transaction ends."""
    query = select(FeedbackChannel).where(FeedbackChannel.id == channel_id).with_for_update(key_share=True)
    return session.scalars(query.execution_options(populate_existing=True)).one()


def levels_of_channel(session: Session, channel_id: int) -> set[str]:
    """The handling levels of the responses of a channel."""
    return set(session.scalars(select(Response.handling_level).where(Response.channel_id == channel_id).distinct()))


def levels_of_import(session: Session, import_id: int) -> set[str]:
    """The handling levels of the responses that an import added."""
    return set(session.scalars(select(Response.handling_level).where(Response.import_id == import_id).distinct()))


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


def keys_to_forget(session: Session) -> set[str]:
    """Old keys of channels that were given new ones, by the log: each was to be forgotten as soon as that was committed."""
    rows = session.scalars(select(Event).where(Event.subject == "retention", Event.action == "delete"))
    # An event that somebody put in past commsapp must not destroy a key.
    named = {str(row.after[KEY]) for row in rows if row.after and KEY in row.after and audit.holds(session, row)}
    return named - {*session.scalars(select(FeedbackChannel.key_id))}


def settle(sessions: Sessions) -> None:
    """Take what was deleted out of the database's files too; see `session.written_back`."""
    of_responses = (*(table for _, table, _ in PARTS), Response, RejectedRow, Respondent, Vote, Statement, Coding, EmergingMember)
    others = (Attribute, Question, Area, ListeningResult, ResultSet, Topic, CodebookChange, CodebookDifference, EmergingGroup)
    written_back(sessions, [*(table.__tablename__ for table in (*of_responses, *others, jobs.Job)), search.TABLE])


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
