"""The audit log as a keyed chain: each event carries its place and a MAC over what it says and over the MAC before it.

Whoever changes, removes, moves or puts in an event past commsapp breaks the chain, and can't mend it without the key, which
lies outside the database. Who cuts off its end breaks nothing, so the last place and MAC (the head) are kept elsewhere too.

What may come in: places, MACs, the head, checking them. What may not: what an event says, which `events` and domains know.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event, inspect, select, text
from sqlalchemy.orm import Session, sessionmaker

from commsapp.actor import Actor
from commsapp.errors import BadInput
from commsapp.storage.events import WAITING, Event, record
from commsapp.storage.keyring import Keyring

logger = logging.getLogger(__name__)

HEAD_FILE = "audit.head"
_LOCK = 0x6175646974  # 'audit': any number that is always the same
_BATCH = 1_000
_HEAD = "commsapp_audit_head"


@dataclass(frozen=True)
class Head:
    """The last event of the chain: its place (0: none yet) and its MAC in hexadecimal digits."""

    sequence: int
    mac: str

    def __str__(self) -> str:
        """As it is printed and kept: '120:9f…'."""
        return f"{self.sequence}:{self.mac}"


NOTHING = Head(0, "")


def attach(engine: Engine, *, keyring: Keyring, data_dir: Path) -> None:
    """Let every session on an engine chain the events that it commits, and note the head in the data folder."""
    engine.dialect.commsapp_audit_key = keyring.derived("audit")  # type: ignore[attr-defined]
    engine.dialect.commsapp_audit_head = data_dir / HEAD_FILE  # type: ignore[attr-defined]


def install(maker: sessionmaker[Session]) -> None:
    """Chain events at the commit of every session that ``maker`` makes."""
    event.listen(maker, "before_commit", _chain_waiting)
    event.listen(maker, "after_commit", _note_head)
    event.listen(maker, "after_rollback", _forget_head)


def head_as_given(given: str) -> Head:
    """A head as it was printed: 'SEQUENCE:MAC'. Raises BadInput."""
    sequence, _, mac = given.strip().partition(":")
    if not sequence.isdecimal() or len(mac) != 64:
        raise BadInput(f"'{given[:80]}' is not the head of an audit log.", "Give what 'commsapp audit head' printed.")
    return Head(int(sequence), mac.lower())


def kept_head(path: Path | None) -> Head | None:
    """The head that a file holds; None where there is no file or nothing that can be read in it."""
    try:
        return head_as_given(path.read_text("ascii")) if path is not None else None
    except (OSError, BadInput, UnicodeDecodeError):
        return None


def _mac(key: bytes, row: Any, sequence: int, before: str) -> str:
    """The MAC of one event. The form is the same on both databases: JSON with sorted keys, ASCII, times in UTC."""
    said = [
        *(sequence, row.organisation_id, row.person_id, row.person_name),
        row.at.astimezone(UTC).isoformat(timespec="microseconds"),
        *(row.action, row.subject, row.subject_id, row.before, row.after, row.why, before),
    ]
    form = json.dumps(said, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hmac.new(key, form.encode("ascii"), hashlib.sha256).hexdigest()


def _key(session: Session) -> bytes | None:
    return getattr(session.get_bind().dialect, "commsapp_audit_key", None)


def _head_path(session: Session) -> Path | None:
    return getattr(session.get_bind().dialect, "commsapp_audit_head", None)


def _chain_waiting(session: Session) -> None:
    """Give the events of this transaction their places, as the last thing before it commits."""
    if session.in_nested_transaction() or not session.info.get(WAITING):
        return
    noted = session.info.pop(WAITING)
    session.flush()
    written = [row for row in noted if inspect(row).persistent]  # a savepoint that was undone took its own back
    key = _key(session)
    if key is not None and written:
        _append(session, key, written)


def _append(session: Session, key: bytes, rows: list[Event]) -> None:
    _hold_the_end(session)
    last = head(session)
    if _grows_from(session, last):
        session.info[_HEAD] = None
    for row in rows:
        row.mac = _mac(key, row, last.sequence + 1, last.mac)
        row.sequence = last.sequence + 1
        last = Head(row.sequence, row.mac)
    session.flush()
    if _HEAD in session.info:
        session.info[_HEAD] = last


def _hold_the_end(session: Session) -> None:
    # Taken after every other lock of the transaction and held until its commit only, so two can't wait in a circle.
    # A writing transaction on SQLite has the one lock there is from its start.
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})


def _grows_from(session: Session, last: Head) -> bool:
    """Whether the chain still holds what the file says was its head; else the file stays, as the proof that it does not."""
    kept = kept_head(_head_path(session))
    if kept is None or kept in (last, NOTHING):
        return True
    return kept.sequence < last.sequence and _mac_at(session, kept.sequence) == kept.mac


def _note_head(session: Session) -> None:
    made: Head | None = session.info.pop(_HEAD, None)
    path = _head_path(session)
    if made is None or path is None or not path.parent.is_dir():
        return
    try:
        with _alone(path):
            kept = kept_head(path)
            if kept is None or kept.sequence < made.sequence:  # another thread may have committed later and come here first
                _write(path, made)
    except OSError as error:  # the change is committed, so nobody may be told that it was not; the next one notes its head
        logger.warning("The head of the audit log could not be noted in %s: %s.", path, error.strerror)


def _forget_head(session: Session) -> None:
    session.info.pop(_HEAD, None)


def _write(path: Path, made: Head) -> None:
    draft = path.with_name(f"{path.name}.part")
    draft.write_text(f"{made}\n", "ascii")
    draft.chmod(0o600)
    draft.replace(path)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.with_name(f"{path.name}.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def head(session: Session) -> Head:
    """The last event of the chain as the database has it."""
    query = select(Event.sequence, Event.mac).where(Event.sequence.is_not(None)).order_by(Event.sequence.desc()).limit(1)
    row = session.execute(query).first()
    return NOTHING if row is None else Head(int(row.sequence), str(row.mac))


def _mac_at(session: Session, sequence: int) -> str | None:
    return session.scalars(select(Event.mac).where(Event.sequence == sequence)).first()


def holds(session: Session, row: Event) -> bool:
    """Whether one event is as it was written, taken with the MAC of the one before it."""
    key = _key(session)
    if key is None or row.sequence is None or row.mac is None:
        return False
    before = _mac_at(session, row.sequence - 1) if row.sequence > 1 else NOTHING.mac
    return before is not None and hmac.compare_digest(_mac(key, row, row.sequence, before), row.mac)


def chain_earlier(session: Session, actor: Actor) -> int:
    """Chain events from before there was a chain, some at a time; how many were. The caller commits and asks again until 0.

    Done once: an event of the chain says so, and what stands outside of it afterwards was put in past commsapp.
    """
    key = _key(session)
    if key is None:
        return 0
    _hold_the_end(session)
    # One without a place does not count: it is of a chain that was there before the database was taken back (see 0010).
    begun = select(Event.id).where(Event.subject == "audit log", Event.action == "begin", Event.sequence.is_not(None))
    if session.scalars(begun).first() is not None:
        return 0
    query = select(Event).where(Event.sequence.is_(None)).order_by(Event.id).limit(_BATCH)
    rows = list(session.scalars(query))
    if rows:
        _append(session, key, rows)
        return len(rows)
    earlier = head(session).sequence
    why = f"The {earlier} events before this one were chained on {datetime.now(UTC):%d %B %Y}."
    record(session, actor, action="begin", subject="audit log", after={"events": earlier}, why=why)
    return 0


def first_fault(session: Session, *, key: bytes, heads: list[Head]) -> str | None:
    """The first place where the log is not as it was written, in one sentence; None where all is well.

    Parameters
    ----------
    heads : heads kept elsewhere; each must still stand in the log. Read them before the session is opened: the log grows.

    """
    last = NOTHING
    wanted = {kept.sequence: kept.mac for kept in heads}
    query = select(Event).where(Event.sequence.is_not(None)).order_by(Event.sequence)
    for row in session.scalars(query.execution_options(yield_per=_BATCH)):
        number = last.sequence + 1
        if row.sequence != number:
            return f"Event {number} is missing: it was removed, or moved (the next one is event {row.sequence})."
        if not hmac.compare_digest(_mac(key, row, number, last.mac), str(row.mac)):
            return f"Event {number}, of {row.at:%d %B %Y, %H:%M} UTC, is not as it was written: changed, moved, or put in."
        if wanted.get(number, row.mac) != row.mac:
            return f"Event {number} is not the one that was the head then: the log was cut off before it and written on."
        last = Head(number, str(row.mac))
        session.expunge(row)
    farthest = max(wanted, default=0)
    if farthest > last.sequence:
        return (
            f"The log ends with event {last.sequence}, but event {farthest} was written: "
            "its end was cut off, or an older backup was brought back."
        )
    outside = session.scalars(select(Event.id).where(Event.sequence.is_(None)).order_by(Event.id)).first()
    if outside is not None:
        return f"The event in row {outside} has no place in the log: it was put in past commsapp, or never chained."
    return None
