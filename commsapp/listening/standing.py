"""What was decided about single responses holds for every later file: the erased stay away, the withdrawn stay withdrawn."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from commsapp.config import Settings
from commsapp.errors import BadInput
from commsapp.listening.keys import identity_key
from commsapp.listening.records import Record, Reject
from commsapp.storage import attachments, decisions, erasing, programmes
from commsapp.storage.base import keyring_of
from commsapp.storage.session import Session, Sessions

ERASED = "erased"
"""The file in the data folder that lists, under keyed hashes, who was erased: a backup from before is cleared with it."""


def as_decided(session: Session, channel_id: int, records: list[Record], *, unsaid: list[str]) -> list[Record]:
    """Records without those that were erased, and with consent and handling level as they were decided since.

    ``unsaid`` is the consent of a row that says nothing of it.
    """
    keys = {item.identity: identity_key(keyring_of(session).hashing, channel_id, item.identity) for item in records}
    found = decisions.decided(session, channel_id=channel_id, identity_keys=sorted(keys.values()))
    if not found:
        return records
    kept = []
    for item in records:
        known = found.get(keys[item.identity])
        if known is None:
            kept.append(item)
        elif not known.erased:
            consent = tuple(word for word in item.consent or unsaid if word not in known.withdrawn) or ("log",)
            kept.append(dataclasses.replace(item, consent=consent, handling=known.handling_level or item.handling))
    return kept


def refuse_past(session: Session, channel_id: int) -> None:
    """Refuse to import into a channel whose time is over, as it would be deleted again tomorrow. Raises BadInput."""
    channel = programmes.channel(session, channel_id)
    if channel.retain_until is not None and channel.retain_until < datetime.now(UTC).date():
        until = f"{channel.retain_until.day} {channel.retain_until:%B %Y}"
        raise BadInput(f"The channel '{channel.name}' was kept until {until}.", "Set a later day for it, or use another channel.")


def in_time(session: Session, channel_id: int, records: list[Record]) -> tuple[list[Record], list[Reject]]:
    """Records that the channel still keeps, and rejections of those longer ago, without what stood in them."""
    months = programmes.channel(session, channel_id).retain_months
    if months is None:
        return records, []
    oldest = erasing.months_before(datetime.now(UTC).date(), months)
    late = [item for item in records if item.date is not None and item.date < oldest]
    reason = f"It is from before {oldest.day} {oldest:%B %Y}, and this channel keeps responses for {months} months."
    kept = [item for item in records if item.date is None or item.date >= oldest]
    return kept, [Reject(item.row, f"Row {item.row}: {reason}", None) for item in late]


def write_erased(sessions: Sessions, data_dir: Path) -> None:
    """Bring the list of the erased in the data folder up to date; what stands in it stays."""
    with sessions.reading() as session:
        lines = {f"{channel_id} {key}" for channel_id, key in decisions.erased(session)}
    known = read_erased(data_dir / ERASED)
    if lines <= known:
        return
    handle, draft = tempfile.mkstemp(dir=data_dir, prefix=".erased.")
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.writelines(f"{line}\n" for line in sorted(lines | known))
    Path(draft).replace(data_dir / ERASED)


def read_erased(path: Path) -> set[str]:
    """Lines 'channel key' of a list of the erased; none where there is no file."""
    return set(path.read_text("ascii").splitlines()) if path.is_file() else set()


def erase_again(sessions: Sessions, settings: Settings, path: Path) -> int:
    """Erase from a restored database those who were erased since its backup was made; how many responses went."""
    wanted = {tuple(line.split(" ", 1)) for line in read_erased(path)}
    gone = 0
    with sessions.writing() as session:
        for channel_id in sorted({int(channel) for channel, _ in wanted}):
            keys = {key for channel, key in wanted if channel == str(channel_id)}
            found = [
                row
                for row in erasing.identities(session, channel_id)
                if identity_key(keyring_of(session).hashing, channel_id, row.identity) in keys
            ]
            for key in sorted(keys) if erasing.channel_exists(session, channel_id) else ():
                decisions.decide(session, channel_id=channel_id, identity_key=key, erased=True)
            for row in found:
                taken = erasing.erase_responses(session, row.organisation_id, row.programme_id, [row.id])
                attachments.unlink_when_committed(session, taken.files, data_dir=settings.data_dir)
            gone += len(found)
    erasing.settle(sessions)
    return gone
