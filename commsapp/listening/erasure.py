"""What is done to responses by a decision that stands: erased, consent taken back, another handling level.

At once when somebody decides it (`rights`), and again when a backup from before is restored (`restoring`), in the same way.
Callers have looked whether who asks may, and write the event.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from commsapp.actor import Actor, HandlingLevel
from commsapp.config import Settings
from commsapp.listening import analysing
from commsapp.listening.coders import HELD_BACK, NO_CONSENT
from commsapp.listening.columns import somebody
from commsapp.listening.keys import identity_key, respondent_key
from commsapp.listening.removing import take_away
from commsapp.listening.uploads import place_of
from commsapp.storage import decisions, emerging, erasing, imports, persons, responses, results, search
from commsapp.storage.base import keyring_of
from commsapp.storage.embeddings import delete_everywhere
from commsapp.storage.session import Session, Sessions


def erase_rows(
    session: Session, actor: Actor, programme_id: int, rows: list[responses.Response], settings: Settings
) -> Counter[str]:
    """Erase responses of a programme and all that is kept of who gave them; how many records of each kind went."""
    for channel in sorted({row.channel_id for row in rows}):
        erasing.channel_for_now(session, channel)  # a file that is being read waits, and then knows what was decided
    for row in rows:
        decisions.decide(session, channel_id=row.channel_id, identity_key=_key(session, row), erased=True)
    people = {row.respondent_id for row in rows} - {None}
    channels = sorted({row.channel_id for row in rows})
    rejected = [number for channel in channels for number in _rejected_of(session, channel, rows)]
    erasing.delete_rejected(session, rejected)
    votes = sum(persons.delete_votes(session, one) for one in people if one is not None)
    counts = take_away(session, actor, programme_id, [row.id for row in rows], settings=settings)
    counts += Counter({"votes": votes, "rejected rows": len(rejected)})
    return counts


def _rejected_of(session: Session, channel_id: int, rows: list[responses.Response]) -> Iterable[int]:
    """Rejected rows of a channel that name one of these responses by its id, or the person by their key."""
    ids = {row.identity.removeprefix("id:") for row in rows if row.identity.startswith("id:")}
    people = {persons.key_hash_of(session, row.respondent_id) for row in rows if row.respondent_id is not None}
    for one in erasing.rejected_of_channel(session, channel_id):
        cells = one.cells or {}
        named = str(cells.get(one.mapping.get("identity"), "")).strip()
        key = somebody(str(cells.get(one.mapping.get("respondent"), "")))
        if named in ids or (key and respondent_key(keyring_of(session).hashing, channel_id, key) in people):
            yield one.id


def withdraw_rows(
    session: Session,
    actor: Actor,
    programme_id: int,
    rows: list[responses.Response],
    layers: tuple[str, ...],
    settings: Settings,
) -> None:
    """Take layers of consent other than 'log' back for responses; without 'analyse' they leave the analysis."""
    for row in rows:
        decisions.decide(session, channel_id=row.channel_id, identity_key=_key(session, row), withdrawn=layers)
        row.consent = [word for word in row.consent if word not in layers]
    session.flush()
    if "analyse" in layers:
        erasing.drop_older_results(session, programme_id)
        held = [row.id for row in rows if row.handling_level != HandlingLevel.CONCERN]
        _hold_back(session, actor, held, NO_CONSENT, settings)


def set_level(
    session: Session,
    actor: Actor,
    row: responses.Response,
    level: HandlingLevel,
    settings: Settings,
) -> None:
    """Give a response another handling level; a concern leaves the analysis."""
    decisions.decide(session, channel_id=row.channel_id, identity_key=_key(session, row), handling_level=level)
    row.handling_level = level
    session.flush()
    emerging.withhold(session, actor.organisation_id, persons.text_keys(session, [row.id]))
    if level != HandlingLevel.OPEN:
        search.purge(session)
    if level == HandlingLevel.CONCERN:
        _hold_back(session, actor, [row.id], HELD_BACK, settings)
    else:
        persons.decide_again(session, [row.id])


def figures_anew(session: Session, actor: Actor, programme_id: int) -> None:
    """Enqueue an analysis where there were results before."""
    if results.latest_set(session, actor, programme_id) is not None:
        analysing.start_analysis(session, actor, programme_id=programme_id)


def files_read(session: Session, rows: list[responses.Response]) -> list[str]:
    """Where the files lie that were read into the channels of responses; for `remove_files` after the commit."""
    return [file for channel in sorted({row.channel_id for row in rows}) for file in erasing.files_of_channel(session, channel)]


def remove_files(sessions: Sessions, files: list[str], settings: Settings) -> None:
    """Remove uploaded files of imports that have ended, but not where another import still waits for the same file."""
    with sessions.reading() as session:
        needed = imports.files_needed(session)
    for file in set(files) - needed:
        place_of(file, settings).unlink(missing_ok=True)


def _key(session: Session, row: responses.Response) -> str:
    return identity_key(keyring_of(session).hashing, row.channel_id, row.identity)


def _hold_back(session: Session, actor: Actor, ids: list[int], reason: str, settings: Settings) -> None:
    gone = persons.hold_back(session, ids, reason)
    erasing.delete_codings(session, actor.organisation_id, gone)
    delete_everywhere(settings.data_dir, gone)
