"""Organisations and the persons in them."""

from __future__ import annotations

from sqlalchemy import ForeignKey, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from commsapp.storage.base import Base


class Organisation(Base):
    """An agency, charity or firm; nothing is seen across organisations but what was shared."""

    __tablename__ = "organisation"
    name: Mapped[str] = mapped_column(unique=True)


class Person(Base):
    """A person with or without sign-in."""

    __tablename__ = "person"
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    name: Mapped[str]
    role: Mapped[str]


def first_organisation(session: Session) -> Organisation | None:
    """The organisation that was made first."""
    return session.scalars(select(Organisation).order_by(Organisation.id).limit(1)).first()


def first_person(session: Session, *, organisation_id: int, role: str) -> Person | None:
    """The person of a role who was entered first."""
    query = select(Person).where(Person.organisation_id == organisation_id, Person.role == role).order_by(Person.id).limit(1)
    return session.scalars(query).first()


def add_organisation(session: Session, *, name: str) -> Organisation:
    """A new organisation with its key."""
    organisation = Organisation(name=name)
    session.add(organisation)
    session.flush()
    return organisation


def add_person(session: Session, *, organisation_id: int, name: str, role: str) -> Person:
    """A new person with their key."""
    person = Person(organisation_id=organisation_id, name=name, role=role)
    session.add(person)
    session.flush()
    return person


def organisation_for_change(session: Session, *, name: str) -> Organisation:
    """The organisation of that name, made where there is none, and held: no other process has it until this one commits."""
    insert = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    session.execute(insert(Organisation).values(name=name).on_conflict_do_nothing())
    return session.scalars(select(Organisation).where(Organisation.name == name).with_for_update()).one()


def person_of(session: Session, *, organisation_id: int, person_id: int) -> Person | None:
    """One person of an organisation."""
    query = select(Person).where(Person.organisation_id == organisation_id, Person.id == person_id)
    return session.scalars(query).first()


def person_named(session: Session, *, organisation_id: int, name: str) -> Person | None:
    """The person of an organisation with that name who was entered first."""
    query = select(Person).where(Person.organisation_id == organisation_id, Person.name == name).order_by(Person.id).limit(1)
    return session.scalars(query).first()
