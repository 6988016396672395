"""Who did what, when and why: written in the transaction of the change, so that one can't exist without the other."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from commsapp.actor import Actor
from commsapp.may import check_change
from commsapp.storage.base import Base, SensitiveJson, now

WAITING = "commsapp_events"
"""Where a session keeps the events that get their place in the audit log when it commits."""


class Event(Base):
    """One change, or one look at people's words, with the state before and after it; undo, gate and audit read these.

    ``sequence`` (1, 2, 3, … without a gap) and ``mac`` are its place in the audit log: see `storage.audit`.
    """

    __tablename__ = "event"
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    person_name: Mapped[str]
    at: Mapped[datetime]
    action: Mapped[str]
    subject: Mapped[str] = mapped_column(index=True)
    subject_id: Mapped[int | None]
    before: Mapped[dict[str, Any] | None] = mapped_column(SensitiveJson)
    after: Mapped[dict[str, Any] | None] = mapped_column(SensitiveJson)
    why: Mapped[str] = mapped_column(default="")
    sequence: Mapped[int | None] = mapped_column(index=True, unique=True)
    mac: Mapped[str | None]


def record(
    session: Session,
    actor: Actor,
    *,
    action: str,
    subject: str,
    subject_id: int | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    why: str = "",
) -> Event:
    """Write one event into the transaction of the change it tells of.

    Raises
    ------
    NotAllowed : the actor's role may not make such a change (see `commsapp.may`).

    """
    check_change(actor, subject, action)
    event = Event(
        organisation_id=actor.organisation_id,
        person_id=actor.person_id,
        person_name=actor.name,
        at=now(),
        action=action,
        subject=subject,
        subject_id=subject_id,
        before=before,
        after=after,
        why=why,
    )
    session.add(event)
    session.info.setdefault(WAITING, []).append(event)
    return event


def history(session: Session, actor: Actor, *, subject: str, subject_id: int, limit: int = 100) -> list[Event]:
    """What happened to one thing, the latest first."""
    query = (
        select(Event)
        .where(Event.organisation_id == actor.organisation_id, Event.subject == subject, Event.subject_id == subject_id)
        .order_by(Event.id.desc())
        .limit(limit)
    )
    return list(session.scalars(query))


def removed_names(session: Session, actor: Actor, programme_id: int, *, subject: str) -> set[str]:
    """Names of the parts of a programme that somebody took away."""
    query = select(Event.before).where(
        Event.organisation_id == actor.organisation_id, Event.subject == subject, Event.action == "delete"
    )
    gone = [before or {} for before in session.scalars(query.order_by(Event.id))]
    return {str(before["name"]) for before in gone if before.get("programme_id") == programme_id}
