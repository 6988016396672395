"""A restored backup follows again what was decided since it was made: who was erased goes, consent and levels stand."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from commsapp.actor import Actor, HandlingLevel, Role
from commsapp.config import Settings
from commsapp.listening import erasure
from commsapp.listening.erasure import remove_files
from commsapp.listening.keys import identity_key
from commsapp.listening.retention import keep_as_set
from commsapp.listening.standing import Decision, read_decided, write_decided
from commsapp.storage import decisions, erasing, events, persons
from commsapp.storage.base import keyring_of
from commsapp.storage.session import Session, Sessions


def erase_again(sessions: Sessions, settings: Settings, path: Path) -> int:
    """Do to a restored database what was decided since its backup was made; for how many responses something changed.

    ``path`` is the list of what was decided, as it stood in the data folder of that time.

    Raises
    ------
    BadInput : it is no such list.

    """
    wanted: dict[int, dict[str, Decision]] = {}
    decisions_of, kept = read_decided(path)
    for (channel_id, key), one in decisions_of.items():
        wanted.setdefault(channel_id, {})[key] = one
    files: list[str] = []
    changed = 0
    with sessions.writing() as session:
        keep_as_set(session, kept)
        places: dict[tuple[int, int], dict[int, Decision]] = {}
        for channel_id, decided in sorted(wanted.items()):
            if not erasing.channel_exists(session, channel_id):
                continue
            _note(session, channel_id, decided)
            for row in erasing.identities(session, channel_id):
                known = decided.get(identity_key(keyring_of(session).hashing, channel_id, row.identity))
                if known is not None:
                    places.setdefault((row.organisation_id, row.programme_id), {})[row.id] = known
        for (organisation_id, programme_id), found in sorted(places.items()):
            actor = Actor(organisation_id, None, "commsapp", Role.ADMINISTRATOR, frozenset(HandlingLevel))
            counts = _follow(session, actor, programme_id, found, files, settings)
            if counts:
                after = {"programme_id": programme_id, "counts": dict(counts)}
                events.record(
                    session, actor, action="restore", subject="standing decisions", subject_id=programme_id, after=after
                )
                erasure.figures_anew(session, actor, programme_id)
            changed += counts.total()
    remove_files(sessions, files, settings)
    write_decided(sessions, settings.data_dir)
    erasing.settle(sessions)
    return changed


def _note(session: Session, channel_id: int, decided: dict[str, Decision]) -> None:
    """What was decided holds for later files too, whether the backup has the response or not."""
    for key, one in sorted(decided.items()):
        decisions.decide(
            session,
            channel_id=channel_id,
            identity_key=key,
            erased=one.erased,
            withdrawn=one.withdrawn,
            handling_level=one.level,
        )


def _follow(
    session: Session, actor: Actor, programme_id: int, found: dict[int, Decision], files: list[str], settings: Settings
) -> Counter[str]:
    rows = persons.responses_with(session, sorted(found))
    gone = [row for row in rows if found[row.id].erased]
    counts = Counter({"erased": len(gone)})
    for row in (row for row in rows if not found[row.id].erased):
        one = found[row.id]
        if one.level and row.handling_level != one.level:
            erasure.set_level(session, actor, row, HandlingLevel(one.level), settings)
            counts["handling level"] += 1
        taken = tuple(word for word in one.withdrawn if word in row.consent)
        if taken:
            erasure.withdraw_rows(session, actor, programme_id, [row], taken, settings)
            counts["consent"] += 1
    if gone:
        files += erasure.files_read(session, gone)
        erasure.erase_rows(session, actor, programme_id, gone, settings)
    return +counts
