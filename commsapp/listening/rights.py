"""What one person may ask for: to see what is kept of them, to have it handed over or erased, to take consent back.

A person is the respondent of a channel where its export names one, else the one response itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from commsapp.actor import Actor, HandlingLevel
from commsapp.config import Settings
from commsapp.errors import BadInput, Conflict, NotAllowed, NotFound
from commsapp.listening import erasure
from commsapp.listening import programmes as frame
from commsapp.listening.columns import CONSENTS
from commsapp.listening.erasure import remove_files
from commsapp.listening.keys import respondent_key
from commsapp.listening.standing import write_decided
from commsapp.storage import erasing, events, organisations, persons, programmes, responses
from commsapp.storage.base import keyring_of
from commsapp.storage.session import Session, Sessions

MOST_FOUND = 50
VOTED = {1: "agree", -1: "disagree", 0: "pass"}


@dataclass(frozen=True)
class Found:
    """One response that fits what was searched for."""

    response_id: int
    channel: str
    date: date | None
    area: str


@dataclass(frozen=True)
class SaidOnce:
    """One response of a person with all that is kept of it; ``codings`` are what models said of the comment.

    Names and numbers are taken out of ``words`` and ``translation``, which are empty until that is done; where they are handed
    over by somebody who may see originals, they stand as they were written.
    """

    response_id: int
    comment_id: int | None
    channel: str
    export_id: str
    date: date | None
    area: str
    attributes: dict[str, str]
    weight: float
    consent: tuple[str, ...]
    handling_level: str
    imported_at: datetime | None
    file_name: str
    words: str
    language: str
    translation: str
    translator: str
    not_coded: str
    answers: tuple[tuple[str, str], ...]
    codings: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Person:
    """What one person said, as far as who asks may see it; whether there is more is said to nobody who may not."""

    programme_id: int
    response_id: int
    known: bool
    """Whether the export says which responses are of the same person."""
    responses: tuple[SaidOnce, ...]
    votes: tuple[tuple[str, str], ...]
    read_by: tuple[dict[str, Any], ...]

    @property
    def levels(self) -> tuple[str, ...]:
        """Handling levels of what is shown."""
        return tuple(sorted({one.handling_level for one in self.responses}))


def people(
    session: Session,
    actor: Actor,
    programme_id: int,
    *,
    key: str = "",
    export_id: str = "",
    number: int | None = None,
    channel_id: int | None = None,
    day: date | None = None,
    settings: Settings,
) -> list[Found]:
    """Responses that fit all that is given, one for each person where the export tells who they are; 50 at most.

    Parameters
    ----------
    key : the key of the person as it stood in the export. export_id : the id of the response in the export.
    number : of the response here.

    Raises
    ------
    NotFound : no such programme. BadInput : nothing to search for is given.

    """
    frame.programme(session, actor, programme_id)
    if not (key or export_id or number or (channel_id and day)):
        raise BadInput("There is nothing to search for.", "Give a key, an id, a number, or a feedback channel with a day.")
    channels = [row.id for row in programmes.channels(session, actor, programme_id)]
    rows = persons.found(
        session,
        actor,
        programme_id,
        key_hashes=[respondent_key(keyring_of(session).hashing, one, key) for one in channels] if key else None,
        identities=[f"id:{export_id.strip()}"] if export_id else None,
        number=number,
        channel_id=channel_id,
        day=day,
        limit=MOST_FOUND,
    )
    seen: set[int] = set()
    found = []
    for row in rows:
        if row.respondent_id is None or row.respondent_id not in seen:
            found.append(Found(row.id, row.channel, row.date, row.area))
        seen |= set() if row.respondent_id is None else {row.respondent_id}
    return found


def person(session: Session, actor: Actor, programme_id: int, response_id: int, *, as_written: bool = False) -> Person:
    """Everything that is kept of the person of one response.

    ``as_written`` asks for words before redaction, to hand them over; it takes an actor who may see originals. The caller
    has asked why, and notes it.

    Raises
    ------
    NotFound : no such response, or one that the actor is not cleared for.

    """
    rows = persons.responses_of(session, actor, programme_id, response_id)
    shown = [row for row in rows if row.handling_level in actor.handling_levels]
    if response_id not in {row.id for row in shown}:
        raise NotFound("There is no such response in this programme.", "Search for the person again.")
    ids = [row.id for row in shown]
    comments = persons.comments_of(session, ids)
    respondent = shown[0].respondent_id
    coded = persons.codings_of(session, actor, sorted({row.text_key for row in comments.values() if row.text_key}))
    answers = persons.answers_of(session, ids)
    brought = persons.imports_of(session, {row.import_id for row in shown if row.import_id is not None})
    channels = persons.channels_of(session, {row.channel_id for row in shown})
    areas = persons.areas_of(session, {row.area_id for row in shown if row.area_id is not None})
    votes = persons.votes_of(session, respondent) if respondent is not None else []
    since = min((one.started_at for one in brought.values()), default=None) if all(row.import_id for row in shown) else None
    return Person(
        programme_id=programme_id,
        response_id=response_id,
        known=respondent is not None,
        responses=tuple(
            _said_once(
                row,
                comments.get(row.id),
                channel=channels[row.channel_id],
                area=areas.get(row.area_id or 0, ""),
                run=brought.get(row.import_id or 0),
                answers=tuple((one.question, one.choice) for one in answers if one.response_id == row.id),
                coded=coded,
                originals=as_written and actor.originals,
            )
            for row in shown
        ),
        votes=tuple((row.statement, VOTED[row.value]) for row in votes),
        read_by=tuple(_readers(session, actor, programme_id, ids, {row.id: row.response_id for row in comments.values()}, since)),
    )


def _said_once(
    row: responses.Response,
    comment: responses.Comment | None,
    *,
    channel: str,
    area: str,
    run: Any,
    answers: tuple[tuple[str, str], ...],
    coded: list[Any],
    originals: bool,
) -> SaidOnce:
    words, translation = ("", "") if comment is None else (comment.redacted or "", comment.redacted_translation or "")
    if comment is not None and originals:
        words, translation = comment.original, comment.translation
    about = [one._asdict() for one in coded if comment is not None and one.text_key == comment.text_key]
    names = ("measure", "kind", "coder", "version", "label", "topic", "probability")
    return SaidOnce(
        response_id=row.id,
        comment_id=comment.id if comment else None,
        channel=channel,
        export_id=row.identity.removeprefix("id:") if row.identity.startswith("id:") else "",
        date=row.date,
        area=area,
        attributes={name: str(value) for name, value in row.attributes.items()},
        weight=row.weight,
        consent=tuple(row.consent),
        handling_level=row.handling_level,
        imported_at=run.started_at if run else None,
        file_name=run.file_name if run else "",
        words=words,
        language=comment.language if comment else "",
        translation=translation,
        translator=comment.translator if comment else "",
        not_coded=comment.not_coded if comment else "",
        answers=answers,
        codings=tuple({name: one[name] for name in names} for one in about),
    )


def _coded(about: Iterable[dict[str, Any]]) -> dict[str, str]:
    """What each coder said, several emotions together."""
    found: dict[str, list[str]] = {}
    for coding in about:
        name = f"{coding['measure']} by {coding['coder']} {coding['version']}".strip()
        found.setdefault(name, []).append(coding["topic"] or coding["label"] or "none")
    return {name: ", ".join(said) for name, said in found.items()}


def _readers(
    session: Session, actor: Actor, programme_id: int, response_ids: list[int], said_in: dict[int, int], since: datetime | None
) -> Iterable[dict[str, Any]]:
    """Who was shown what this person said, as the audit log has it, the latest first.

    ``said_in`` gives the response of each comment. ``since`` is when their import began: what was read before had the same
    numbers and was somebody else's.
    """
    wanted = {"comments": set(said_in), "person": set(response_ids), "responses": set(response_ids)}

    @cache
    def role(person_id: int | None) -> str:
        known = (
            None
            if person_id is None
            else organisations.person_of(session, organisation_id=actor.organisation_id, person_id=person_id)
        )
        return "" if known is None else str(known.role)

    for event in persons.readings(session, actor, programme_id, kinds=tuple(wanted), originals=list(said_in)):
        if since is not None and event.at < since:
            continue
        if event.subject in wanted:
            seen = [one for one in wanted[event.subject] if any(first <= one <= last for first, last in _ranges(event.after))]
        else:  # a look at one comment as it was written
            seen = [event.subject_id] if event.subject_id is not None else []
        read = {said_in[one] for one in seen} if event.subject in ("comments", "comment") else set(seen)
        if read:
            yield {
                "at": event.at,
                "person": event.person_name,
                "role": role(event.person_id),
                "action": event.action,
                "why": event.why,
                "responses": sorted(read),
            }


def _ranges(after: dict[str, Any] | None) -> Iterable[tuple[int, int]]:
    for part in str((after or {}).get("ids", "")).split(", "):
        first, _, last = part.partition("-")
        if first.isdecimal():
            yield int(first), int(last or first)


def as_export(found: Person) -> dict[str, Any]:
    """What is handed over, as JSON holds it."""

    def plain(value: Any) -> Any:
        return value.isoformat() if isinstance(value, date | datetime) else value

    responses = [{name: plain(value) for name, value in asdict(one).items()} for one in found.responses]
    # By role, not by name: the file goes to whoever asked, and staff have a right to be safe too.
    read_by = [{name: plain(value) for name, value in one.items() if name not in ("person", "why")} for one in found.read_by]
    votes = [{"statement": statement, "vote": vote} for statement, vote in found.votes]
    return {"responses": responses, "votes": votes, "read_by": read_by}


def as_rows(found: Person) -> list[tuple[str, str, str]]:
    """What is handed over, as rows (response, what, value) of a table that anybody can read."""
    rows = []
    for one in found.responses:
        said = {
            "date": one.date,
            "feedback channel": one.channel,
            "id in the export": one.export_id,
            "area": one.area,
            "said": one.words,
            "language": one.language,
            "translation": one.translation,
            "translator": one.translator,
            "consent": ", ".join(one.consent),
            "handling level": one.handling_level,
            "imported": one.imported_at,
            "file": one.file_name,
            **{f"about the person: {name}": value for name, value in one.attributes.items()},
            **{f"answer: {question}": choice for question, choice in one.answers},
            **_coded(one.codings),
        }
        rows += [(str(one.response_id), what, str(value)) for what, value in said.items() if value not in (None, "")]
    rows += [("", f"vote: {statement}", vote) for statement, vote in found.votes]
    rows += [
        (", ".join(map(str, one["responses"])), f"{one['action']} by {one['role'] or 'somebody'}", one["at"].isoformat())
        for one in found.read_by
    ]
    return rows


FOR_THOSE_WHO_SEE_ALL = (
    "Handing over and erasing is for people who are cleared for every handling level, as anybody may have said more than others "
    "may see.",
    "Ask somebody who is.",
)
"""Why somebody is refused. Whether this very person said more is told to nobody: that alone would tell of a concern."""


def _to_change(session: Session, actor: Actor, programme_id: int, response_id: int, why: str) -> list[responses.Response]:
    """All responses of the person of one, also those that the actor may not see; they tell of none of these."""
    rows = persons.responses_of(session, actor, programme_id, response_id)
    if response_id not in {row.id for row in rows if row.handling_level in actor.handling_levels}:
        raise NotFound("There is no such response in this programme.", "Search for the person again.")
    if not why.strip():
        raise BadInput("There is no reason.", "Say why, for those who read the audit log later.")
    return rows


def erase_person(
    sessions: Sessions, actor: Actor, programme_id: int, response_id: int, *, why: str, settings: Settings
) -> dict[str, int]:
    """Erase all that is kept of the person of one response, for good; returns how many records of each kind went.

    A keyed hash of each response's identity stays, so that a later file with the same rows brings nothing back.

    Raises
    ------
    NotFound : see `person`. NotAllowed : the actor is not cleared for every handling level. BadInput : no reason.

    """
    if not actor.sees_all:
        raise NotAllowed(*FOR_THOSE_WHO_SEE_ALL)
    with sessions.writing() as session:
        rows = _to_change(session, actor, programme_id, response_id, why)
        first = rows[0].id
        files = erasure.files_read(session, rows)
        counts = erasure.erase_rows(session, actor, programme_id, rows, settings)
        after = {"programme_id": programme_id, "responses": len(rows), "counts": dict(counts)}
        events.record(session, actor, action="erase", subject="person", subject_id=first, after=after, why=why.strip())
        erasure.figures_anew(session, actor, programme_id)
    remove_files(sessions, files, settings)
    write_decided(sessions, settings.data_dir)
    erasing.settle(sessions)
    return dict(counts)


def withdraw(
    sessions: Sessions,
    actor: Actor,
    programme_id: int,
    response_id: int,
    *,
    layers: Iterable[str],
    why: str,
    settings: Settings,
) -> None:
    """Take layers of consent back for all that the person of one response said; a later file doesn't bring them again.

    'log' erases. The others hold for what the actor may not see as well, as the person wants it: 'analyse' sets comments and
    answers aside, and the figures are computed anew at once; 'quote' and 'publish' mark that nothing may be repeated.

    Raises
    ------
    NotFound, NotAllowed, BadInput : as for `erase_person`; or a layer that is not one of log, analyse, quote, publish.

    """
    taken = tuple(dict.fromkeys(layers))
    if not taken or set(taken) - set(CONSENTS):
        raise BadInput("It is not clear which consent is taken back.", f"Choose one or more of {', '.join(CONSENTS)}.")
    if "log" in taken:
        erase_person(sessions, actor, programme_id, response_id, why=why, settings=settings)
        return
    with sessions.writing() as session:
        rows = _to_change(session, actor, programme_id, response_id, why)
        erasure.withdraw_rows(session, actor, programme_id, rows, taken, settings)
        if "analyse" in taken:
            erasure.figures_anew(session, actor, programme_id)
        after = {"programme_id": programme_id, "responses": len(rows), "layers": list(taken)}
        events.record(session, actor, action="withdraw", subject="consent", subject_id=response_id, after=after, why=why.strip())
    write_decided(sessions, settings.data_dir)
    erasing.settle(sessions)


def change_handling(
    sessions: Sessions,
    actor: Actor,
    programme_id: int,
    response_id: int,
    *,
    level: HandlingLevel,
    why: str,
    settings: Settings,
) -> None:
    """Give one response another handling level. A concern is held back from the analysis; the figures follow at once.

    Whoever may read a response may raise its level, also to one that they are not cleared for: who hears that somebody is at
    risk must be able to say so.

    Raises
    ------
    NotFound : no such response, or the actor is not cleared for it. BadInput : no reason. Conflict : it has that level already.
    NotAllowed : a lower level that the actor is not cleared for.

    """
    with sessions.writing() as session:
        rows = [row for row in persons.responses_of(session, actor, programme_id, response_id) if row.id == response_id]
        rows = [row for row in rows if row.handling_level in actor.handling_levels]
        if not rows:
            raise NotFound("There is no such response in this programme.", "Search for the person again.")
        if not why.strip():
            raise BadInput("There is no reason.", "Say why, for those who read the audit log later.")
        row, before = rows[0], rows[0].handling_level
        if before == level:
            raise Conflict(
                "Nothing was changed: the response has this handling level already.", "Choose another one, or go back."
            )
        order = list(HandlingLevel)
        if level not in actor.handling_levels and order.index(level) < order.index(HandlingLevel(before)):
            raise NotAllowed(f"You are not cleared for '{level}'.", "Ask somebody who is.")
        erasure.set_level(session, actor, row, level, settings)
        erasure.figures_anew(session, actor, programme_id)
        events.record(
            session,
            actor,
            action="change",
            subject="handling level",
            subject_id=row.id,
            before={"level": before, "programme_id": programme_id},
            after={"level": str(level), "programme_id": programme_id},
            why=why.strip(),
        )
    write_decided(sessions, settings.data_dir)
    erasing.settle(sessions)
