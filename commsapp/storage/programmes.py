"""Programmes and their frame: feedback channels, attributes, areas, waves, context events."""

from __future__ import annotations

from datetime import date
from typing import Any, TypeVar

from sqlalchemy import ForeignKey, Select, UniqueConstraint, false, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from commsapp.actor import Actor
from commsapp.storage.base import Base, SensitiveJson
from commsapp.storage.keyring import needed_keyring


def _new_key(context: Any) -> str:
    """A key of its own for each channel, so that its words can be made unreadable by taking it away."""
    return needed_keyring(context.dialect).add()


class Programme(Base):
    """The frame for one piece of work; ``made_up`` programmes say on every page that nothing in them is real."""

    __tablename__ = "programme"
    __table_args__ = (UniqueConstraint("organisation_id", "name"),)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    made_up: Mapped[bool] = mapped_column(default=False)


class FeedbackChannel(Base):
    """Where feedback comes from, and how people were chosen: random, quota, opt-in or everything.

    ``key_id`` is the family of keys that its words are sealed with (see `keyring`); none only in a database that was made
    before sealing came, until `sealing.seal_all` has gone over it.
    """

    __tablename__ = "feedback_channel"
    __table_args__ = (UniqueConstraint("programme_id", "name"),)
    programme_id: Mapped[int] = mapped_column(ForeignKey("programme.id"))
    name: Mapped[str]
    kind: Mapped[str] = mapped_column(default="")
    chosen: Mapped[str]
    authority: Mapped[str] = mapped_column(default="")
    retain_until: Mapped[date | None]
    retain_months: Mapped[int | None]
    key_id: Mapped[str | None] = mapped_column(default=_new_key)


class Attribute(Base):
    """Something known about who responded: its choices, and whether it is a protected characteristic."""

    __tablename__ = "attribute"
    __table_args__ = (UniqueConstraint("programme_id", "name"),)
    programme_id: Mapped[int] = mapped_column(ForeignKey("programme.id"))
    name: Mapped[str]
    kind: Mapped[str] = mapped_column(default="choice")
    choices: Mapped[list[Any]] = mapped_column(SensitiveJson, default=list)
    protected: Mapped[bool] = mapped_column(default=False)


class Area(Base):
    """A place that responses belong to; it may lie in a larger one."""

    __tablename__ = "area"
    __table_args__ = (UniqueConstraint("programme_id", "name"),)
    programme_id: Mapped[int] = mapped_column(ForeignKey("programme.id"))
    name: Mapped[str]
    code: Mapped[str] = mapped_column(default="")
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("area.id"))
    population: Mapped[int | None]


class Wave(Base):
    """A named period, both days included. Waves may overlap, so no record carries one. An analysis ``proposed`` some of them."""

    __tablename__ = "wave"
    __table_args__ = (UniqueConstraint("programme_id", "name"),)
    programme_id: Mapped[int] = mapped_column(ForeignKey("programme.id"))
    name: Mapped[str]
    start: Mapped[date]
    end: Mapped[date]
    proposed: Mapped[bool] = mapped_column(default=False, server_default=false())


class ContextEvent(Base):
    """What else happened: arrests, an intensification week, a news story. ``areas`` holds names; none means everywhere."""

    __tablename__ = "context_event"
    programme_id: Mapped[int] = mapped_column(ForeignKey("programme.id"), index=True)
    name: Mapped[str]
    kind: Mapped[str] = mapped_column(default="")
    start: Mapped[date]
    end: Mapped[date]
    areas: Mapped[list[Any]] = mapped_column(default=list)


Part = TypeVar("Part", FeedbackChannel, Attribute, Area, Wave, ContextEvent)
Row = TypeVar("Row", bound=Base)


def _own(actor: Actor) -> Select[Programme]:
    return select(Programme).where(Programme.organisation_id == actor.organisation_id)


def programmes(session: Session, actor: Actor) -> list[Programme]:
    """The actor's programmes by name."""
    return list(session.scalars(_own(actor).order_by(Programme.name, Programme.id)))


def programme(session: Session, actor: Actor, programme_id: int) -> Programme | None:
    """One programme of the actor's organisation."""
    return session.scalars(_own(actor).where(Programme.id == programme_id)).first()


def programme_named(session: Session, actor: Actor, name: str) -> Programme | None:
    """One programme of the actor's organisation, by its exact name."""
    return session.scalars(_own(actor).where(Programme.name == name)).first()


def _part(session: Session, actor: Actor, table: type[Part], programme_id: int, *order: Any) -> list[Part]:
    query = (
        select(table)
        .join(Programme, Programme.id == table.programme_id)
        .where(Programme.organisation_id == actor.organisation_id, Programme.id == programme_id)
        .order_by(*order, table.id)
    )
    return list(session.scalars(query))


def channels(session: Session, actor: Actor, programme_id: int) -> list[FeedbackChannel]:
    """Feedback channels of a programme by name."""
    return _part(session, actor, FeedbackChannel, programme_id, FeedbackChannel.name)


def channel(session: Session, channel_id: int) -> FeedbackChannel:
    """One feedback channel, for work that knows whose it is."""
    return session.get_one(FeedbackChannel, channel_id)


def attributes(session: Session, actor: Actor, programme_id: int) -> list[Attribute]:
    """Attributes of a programme by name."""
    return _part(session, actor, Attribute, programme_id, Attribute.name)


def areas(session: Session, actor: Actor, programme_id: int) -> list[Area]:
    """Areas of a programme by name."""
    return _part(session, actor, Area, programme_id, Area.name)


def waves(session: Session, actor: Actor, programme_id: int) -> list[Wave]:
    """Waves of a programme in time."""
    return _part(session, actor, Wave, programme_id, Wave.start, Wave.end)


def every_channel(session: Session) -> list[FeedbackChannel]:
    """The feedback channels of all organisations, for what is kept of an installation as a whole."""
    return list(session.scalars(select(FeedbackChannel).order_by(FeedbackChannel.id)))


def organisation_of(session: Session, programme_id: int) -> int:
    """The organisation that a programme belongs to."""
    return session.get_one(Programme, programme_id).organisation_id


def hold_channel(session: Session, channel_id: int) -> None:
    """Wait for whoever erases in a channel, and let them wait until this transaction ends; imports don't wait for each other."""
    session.execute(select(FeedbackChannel.id).where(FeedbackChannel.id == channel_id).with_for_update(read=True))


def channel_key(session: Session, channel_id: int) -> str:
    """The family of keys that a channel's words are sealed with."""
    return str(session.execute(select(FeedbackChannel.key_id).where(FeedbackChannel.id == channel_id)).scalar_one())


def context_events(session: Session, actor: Actor, programme_id: int) -> list[ContextEvent]:
    """Context events of a programme in time."""
    return _part(session, actor, ContextEvent, programme_id, ContextEvent.start)


def area_ids(session: Session, programme_id: int, *, hold: bool = False) -> dict[str, int]:
    """Area name → id; with ``hold``, none of them goes before this transaction ends."""
    query = select(Area.name, Area.id).where(Area.programme_id == programme_id).order_by(Area.id)
    query = query.with_for_update(read=True, key_share=True) if hold else query
    return {row.name: row.id for row in session.execute(query)}


def attribute_rows(session: Session, programme_id: int) -> dict[str, Attribute]:
    """Attribute name → its row."""
    query = select(Attribute).where(Attribute.programme_id == programme_id).order_by(Attribute.id)
    return {row.name: row for row in session.scalars(query)}


def add(session: Session, row: Row) -> Row:
    """Add one row and give it its key."""
    session.add(row)
    session.flush()
    return row


def remove(session: Session, row: Base) -> bool:
    """Take one row away. False where something else refers to it, and then it stays."""
    try:
        with session.begin_nested():
            session.delete(row)
    except IntegrityError:
        return False
    return True
