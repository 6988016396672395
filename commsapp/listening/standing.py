"""What was decided about single responses holds for every later file: the erased stay away, the withdrawn stay withdrawn."""

from __future__ import annotations

import dataclasses
import fcntl
import os
import tempfile
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from commsapp.actor import HandlingLevel
from commsapp.errors import BadInput
from commsapp.listening.keys import identity_key
from commsapp.listening.records import Record, Reject
from commsapp.storage import decisions, erasing, programmes
from commsapp.storage.base import keyring_of
from commsapp.storage.session import Session, Sessions

ERASED = "erased"
"""The file in the data folder that lists, under keyed hashes, what was decided: a backup from before follows it again."""


Kept = tuple[date | None, int | None]
"""How long a channel keeps what it heard: its last day, and months after the day of each response."""
_KEPT = "kept"


@dataclass(frozen=True)
class Decision:
    """What stands for one response: erased; layers of consent taken back; a handling level, '' where it is the file's own."""

    erased: bool = False
    withdrawn: tuple[str, ...] = ()
    level: str = ""

    @classmethod
    def read(cls, words: list[str]) -> Decision:
        """From the words of a line; older lists hold the erased alone, without a word. Raises ValueError."""
        said: dict[str, str] = {}
        for word in words or ["erased"]:
            name, _, value = word.partition("=")
            if name not in ("erased", "withdrawn", "level"):
                raise ValueError(name)
            said[name] = value
        level = HandlingLevel(said["level"]).value if said.get("level") else ""
        return cls("erased" in said, tuple(filter(None, said.get("withdrawn", "").split(","))), level)

    @property
    def words(self) -> str:
        """As it stands in a line."""
        withdrawn = f"withdrawn={','.join(self.withdrawn)}" if self.withdrawn else ""
        return " ".join(filter(None, ("erased" if self.erased else "", withdrawn, f"level={self.level}" if self.level else "")))

    def after(self, before: Decision | None) -> Decision:
        """With what was decided before and can't be taken back."""
        if before is None:
            return self
        withdrawn = tuple(sorted({*self.withdrawn, *before.withdrawn}))
        return Decision(self.erased or before.erased, withdrawn, self.level or before.level)


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


def write_decided(sessions: Sessions, data_dir: Path) -> None:
    """Bring the list of what was decided in the data folder up to date; who was erased stays in it."""
    path = data_dir / ERASED
    with path.with_name(f"{ERASED}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # from reading to writing: else who read first could write last
        known, kept = read_decided(path)
        with sessions.reading() as session:
            now = {(row.channel_id, row.identity_key): _as_decision(row) for row in decisions.every(session)}
            kept_now = kept | {row.id: (row.retain_until, row.retain_months) for row in programmes.every_channel(session)}
        new = known | {key: one.after(known.get(key)) for key, one in now.items()}
        kept_now = {channel: how for channel, how in kept_now.items() if how != (None, None) or channel in kept}
        if (new, kept_now) != (known, kept):
            _write(path, new, kept_now)


def _write(path: Path, decided: dict[tuple[int, str], Decision], kept: dict[int, Kept]) -> None:
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".erased.")
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.writelines(f"{channel} {key} {one.words}\n" for (channel, key), one in sorted(decided.items()))
        file.writelines(
            f"{channel} {_KEPT} until={until or ''} months={months or ''}\n" for channel, (until, months) in sorted(kept.items())
        )
        file.flush()
        os.fsync(file.fileno())
    Path(draft).replace(path)


def read_decided(path: Path) -> tuple[dict[tuple[int, str], Decision], dict[int, Kept]]:
    """What was decided, by (channel, keyed hash of an identity), and how long channels keep what they heard, as it was set last.

    Nothing where there is no file.

    Raises
    ------
    BadInput : it is no such list.

    """
    found: dict[tuple[int, str], Decision] = {}
    kept: dict[int, Kept] = {}
    for number, line in enumerate(path.read_text("ascii").splitlines() if path.is_file() else (), start=1):
        try:
            channel, key, *words = line.split(" ")
            if key == _KEPT:
                kept[int(channel)] = _as_kept(dict(word.split("=") for word in words))
            else:
                found[int(channel), key] = Decision.read(words)
        except (ValueError, KeyError) as error:
            raise BadInput(f"Line {number} of {path} can't be read.", "Take the file as commsapp wrote it.") from error
    return found, kept


def _as_kept(said: dict[str, str]) -> Kept:
    until, months = said["until"], said["months"]
    return (date.fromisoformat(until) if until else None, int(months) if months else None)


def _as_decision(row: decisions.StandingDecision) -> Decision:
    return Decision(row.erased, tuple(row.withdrawn), row.handling_level)
