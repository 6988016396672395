"""Organisations and the persons in them."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ForeignKey, false, select, true
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from commsapp.storage.base import Base


class Organisation(Base):
    """An agency, charity or firm; nothing is seen across organisations but what was shared."""

    __tablename__ = "organisation"
    name: Mapped[str] = mapped_column(unique=True)
    level_names: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    """Own words of the organisation for its handling levels, by level."""


def new_uniquifier() -> str:
    """What a sign-in is bound to; a new one ends all that there are."""
    return secrets.token_hex(16)


class Person(Base):
    """A person with or without sign-in: nobody without an ``email`` can sign in (the operator of this machine, say).

    ``handling_levels`` and ``originals`` are what they are cleared for. ``totp_secret`` is encrypted by who checks it,
    ``totp_counter`` the last code used, ``recovery_codes`` are hashes. ``oidc_identity`` is issuer|subject.
    """

    __tablename__ = "person"
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    name: Mapped[str]
    role: Mapped[str]
    email: Mapped[str | None] = mapped_column(index=True, unique=True)
    active: Mapped[bool] = mapped_column(default=True, server_default=true())
    handling_levels: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    originals: Mapped[bool] = mapped_column(default=False, server_default=false())
    fs_uniquifier: Mapped[str | None] = mapped_column(index=True, unique=True, default=new_uniquifier)
    password_hash: Mapped[str | None]
    totp_secret: Mapped[str | None]
    totp_counter: Mapped[int | None]
    recovery_codes: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    oidc_identity: Mapped[str | None] = mapped_column(index=True, unique=True)


def first_organisation(session: Session) -> Organisation | None:
    """The organisation that was made first."""
    return session.scalars(select(Organisation).order_by(Organisation.id).limit(1)).first()


def organisation_of(session: Session, organisation_id: int) -> Organisation | None:
    """An organisation by its key."""
    return session.get(Organisation, organisation_id)


def operator(session: Session, *, organisation_id: int, role: str) -> Person | None:
    """The person of a role who was entered first and can't sign in: who works at the machine itself."""
    query = select(Person).where(Person.organisation_id == organisation_id, Person.role == role, Person.email.is_(None))
    return session.scalars(query.order_by(Person.id).limit(1)).first()


def add_organisation(session: Session, *, name: str) -> Organisation:
    """A new organisation with its key."""
    organisation = Organisation(name=name)
    session.add(organisation)
    session.flush()
    return organisation


def add_person(
    session: Session,
    *,
    organisation_id: int,
    name: str,
    role: str,
    email: str | None = None,
    levels: Iterable[str] = (),
    originals: bool = False,
) -> Person:
    """A new person with their key. ``email`` is in its normal form; ``levels`` are what they are cleared for."""
    person = Person(
        organisation_id=organisation_id, name=name, role=role, email=email, handling_levels=list(levels), originals=originals
    )
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
