"""The audit log as people use it: whether it is whole, its head, and events of its own (somebody read, exported, signed in)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from commsapp.actor import Actor, HandlingLevel, Role
from commsapp.config import Settings
from commsapp.storage import audit, events, organisations
from commsapp.storage.keyring import open_keyring
from commsapp.storage.session import Session, Sessions

MOST_IDS = 4_000
"""Characters of ids that an event keeps; an export of more says how many there were."""


def chain_earlier_events(sessions: Sessions) -> None:
    """Chain the events from before there was an audit log; done once, and resumed where it was cut off."""
    while True:
        with sessions.writing() as session:
            organisation = organisations.first_organisation(session)
            if organisation is None:
                return
            actor = Actor(organisation.id, None, "commsapp", Role.ADMINISTRATOR, frozenset(HandlingLevel))
            if not audit.chain_earlier(session, actor):
                return


def audit_head(session: Session) -> str:
    """The place and the MAC of the last event, to be kept on paper or in another system: 'SEQUENCE:MAC'."""
    return str(audit.head(session))


def audit_fault(sessions: Sessions, settings: Settings, *, head: str = "") -> str | None:
    """The first place where the audit log is not as it was written, in one sentence; None where all is well.

    Compared with the head that the data folder keeps and, where given, with one that was kept elsewhere.

    Raises
    ------
    BadInput : ``head`` can't be read.

    """
    kept = audit.kept_head(settings.data_dir / audit.HEAD_FILE)  # first: the log may grow while it is read
    heads = [known for known in (kept, audit.head_as_given(head) if head else None) if known is not None]
    with sessions.reading() as session:
        return audit.first_fault(session, key=open_keyring(settings).derived("audit"), heads=heads)


def note(
    session: Session,
    actor: Actor,
    *,
    action: str,
    subject: str,
    subject_id: int | None = None,
    after: Mapping[str, Any] | None = None,
    why: str = "",
) -> None:
    """Write an event that changes nothing: a sign-in, an export, a look at the log. ``after`` holds no words of people."""
    events.record(session, actor, action=action, subject=subject, subject_id=subject_id, after=dict(after or {}), why=why)


def note_reading(
    session: Session,
    actor: Actor,
    *,
    kind: str,
    place: str,
    place_id: int | None,
    ids: Collection[int],
    action: str = "read",
    where: str = "",
    filters: Mapping[str, Any] | None = None,
    levels: Iterable[str] = (),
    count: int | None = None,
    why: str = "",
) -> None:
    """Write that an actor was shown people's words, or took them away (``action`` 'export').

    Parameters
    ----------
    kind : what was shown: 'comments', 'rejected rows', 'person', … place, place_id : the programme or import it belongs to.
    ids : of the records shown; ``count`` says how many where they have no ids of their own.
    where : the topic or file that they stood under. filters : what narrowed them. levels : handling levels among them.

    """
    after = {
        "place": place,
        "where": where,
        "filters": {name: str(value) for name, value in (filters or {}).items() if value not in ("", None)},
        "count": len(ids) if count is None else count,
        "levels": sorted({str(level) for level in levels}),
        "ids": compact(ids),
    }
    events.record(session, actor, action=action, subject=kind, subject_id=place_id, after=after, why=why)


def compact(ids: Iterable[int]) -> str:
    """Ids as ranges: '3-9, 12'; cut off with '…' where they would be too long to keep."""
    parts: list[list[int]] = []
    for number in sorted(set(ids)):
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    words = ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)
    return words if len(words) <= MOST_IDS else f"{words[:MOST_IDS].rpartition(', ')[0]}, …"
