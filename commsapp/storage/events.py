"""Who did what, when and why: written in the transaction of the change, so that one can't exist without the other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ForeignKey, Select, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from commsapp.actor import Actor
from commsapp.may import check_change
from commsapp.storage.base import Base, SensitiveJson, SensitiveText, now

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
    why: Mapped[str] = mapped_column(SensitiveText, default="")
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


def made_by_hand(session: Session, actor: Actor, *, subject: str, ids: Iterable[int]) -> set[int]:
    """Those of some things of which the log says that somebody made them, and no file brought them."""
    query = select(Event.subject_id).where(
        Event.organisation_id == actor.organisation_id,
        Event.subject == subject,
        Event.action == "create",
        Event.subject_id.in_(sorted(ids)),
    )
    return {found for found in session.scalars(query) if found is not None}


@dataclass(frozen=True)
class Asked:
    """What is asked of the log; what is left empty doesn't narrow. Days are in UTC, both included."""

    person: str = ""
    action: str = ""
    subject: str = ""
    first: date | None = None
    last: date | None = None


def _asked(query: Select[Any], actor: Actor, asked: Asked) -> Select[Any]:
    query = query.where(Event.organisation_id == actor.organisation_id)
    for column, value in ((Event.person_name, asked.person), (Event.action, asked.action), (Event.subject, asked.subject)):
        query = query.where(column == value) if value else query
    if asked.first is not None:
        query = query.where(Event.at >= datetime.combine(asked.first, time(), UTC))
    if asked.last is not None:
        query = query.where(Event.at < datetime.combine(asked.last, time(), UTC) + timedelta(days=1))
    return query


def logged(session: Session, actor: Actor, asked: Asked, *, start: int = 0, limit: int | None = None) -> list[Event]:
    """Events of the actor's organisation, the latest first."""
    query = _asked(select(Event), actor, asked).order_by(Event.id.desc()).offset(start).limit(limit)
    return list(session.scalars(query))


def count_logged(session: Session, actor: Actor, asked: Asked) -> int:
    """How many events `logged` would give in all."""
    return int(session.scalar(_asked(select(func.count(Event.id)), actor, asked)) or 0)


def kinds_logged(session: Session, actor: Actor) -> tuple[list[str], list[str], list[str]]:
    """Names of persons, actions and subjects that occur in the log of the actor's organisation."""
    found = []
    for column in (Event.person_name, Event.action, Event.subject):
        query = select(column).where(Event.organisation_id == actor.organisation_id).distinct().order_by(column)
        found.append([str(value) for value in session.scalars(query)])
    return found[0], found[1], found[2]


def removed_names(session: Session, actor: Actor, programme_id: int, *, subject: str) -> set[str]:
    """Names of the parts of a programme that somebody took away."""
    query = select(Event.before).where(
        Event.organisation_id == actor.organisation_id, Event.subject == subject, Event.action == "delete"
    )
    gone = [before or {} for before in session.scalars(query.order_by(Event.id))]
    return {str(before["name"]) for before in gone if before.get("programme_id") == programme_id}
