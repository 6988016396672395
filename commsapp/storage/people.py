"""How persons sign in: links that let them in once, sign-ins, passkeys, and attempts that failed.

What may come in: their tables and queries. What may not: who may do what, and how a secret is checked (accounts).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from commsapp.storage.base import Base, now
from commsapp.storage.organisations import Organisation, Person, new_uniquifier


class SignInLink(Base):
    """A link that lets a person in once, to choose how they sign in. Only the hash of its secret is kept.

    ``purpose``: 'invitation', 'reset', or 'first', which has no person yet and no end.
    """

    __tablename__ = "sign_in_link"
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    purpose: Mapped[str]
    key_hash: Mapped[str] = mapped_column(index=True, unique=True)
    made_at: Mapped[datetime]
    made_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    ends_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]


class SignIn(Base):
    """One person signed in on one device. Only the hash of its key is kept; without a row there is no sign-in.

    ``way``: how they signed in; ``second_factor``: whether they proved it with two.
    """

    __tablename__ = "sign_in"
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    key_hash: Mapped[str] = mapped_column(index=True, unique=True)
    started_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    device: Mapped[str]
    way: Mapped[str]
    second_factor: Mapped[bool]


class Passkey(Base):
    """A key pair of which a person's device keeps the secret half."""

    __tablename__ = "passkey"
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    name: Mapped[str]
    credential_id: Mapped[str] = mapped_column(index=True, unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int]
    transports: Mapped[list[Any]]
    made_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class SignInAttempt(Base):
    """How often something that failed was tried: ``key`` is the keyed hash of an account, an address or both."""

    __tablename__ = "sign_in_attempt"
    key: Mapped[str] = mapped_column(index=True, unique=True)
    failures: Mapped[int]
    last_at: Mapped[datetime] = mapped_column(index=True)


def persons(session: Session, *, organisation_id: int) -> list[Person]:
    """Everybody of an organisation who can sign in, or could."""
    query = select(Person).where(Person.organisation_id == organisation_id, Person.email.is_not(None))
    return list(session.scalars(query.order_by(func.lower(Person.name), Person.id)))


def person_by(session: Session, **wanted: Any) -> Person | None:
    """The one person whose column (email, fs_uniquifier, oidc_identity) has a value."""
    return session.scalars(select(Person).filter_by(**wanted)).one_or_none()


def who_can_sign_in(session: Session, *, organisation_id: int, role: str | None = None) -> list[int]:
    """Ids of active persons who have something to sign in with."""
    query = select(Person.id).where(Person.organisation_id == organisation_id, Person.active, Person.email.is_not(None))
    with_passkey = select(Passkey.person_id)
    query = query.where(or_(Person.password_hash.is_not(None), Person.oidc_identity.is_not(None), Person.id.in_(with_passkey)))
    if role is not None:
        query = query.where(Person.role == role)
    return list(session.scalars(query))


def hold(session: Session, organisation_id: int) -> Organisation:
    """The organisation, held: two changes of who may do what come one after the other."""
    return session.scalars(select(Organisation).where(Organisation.id == organisation_id).with_for_update()).one()


def add_link(
    session: Session,
    *,
    organisation_id: int,
    person_id: int | None,
    purpose: str,
    key_hash: str,
    made_by: int | None,
    ends_at: datetime | None,
) -> SignInLink:
    """A new link."""
    link = SignInLink(
        organisation_id=organisation_id,
        person_id=person_id,
        purpose=purpose,
        key_hash=key_hash,
        made_at=now(),
        made_by=made_by,
        ends_at=ends_at,
    )
    session.add(link)
    session.flush()
    return link


def open_links(session: Session, *, organisation_id: int, person_id: int | None) -> list[SignInLink]:
    """Links of a person that still let them in; those of nobody are for a first account."""
    query = select(SignInLink).where(
        SignInLink.organisation_id == organisation_id,
        SignInLink.person_id == person_id if person_id is not None else SignInLink.person_id.is_(None),
        SignInLink.used_at.is_(None),
        or_(SignInLink.ends_at.is_(None), SignInLink.ends_at > now()),
    )
    return list(session.scalars(query.order_by(SignInLink.id)))


def link_by_hash(session: Session, key_hash: str, *, hold: bool = False) -> SignInLink | None:
    """The link that a secret opens; held, where it is about to be used."""
    query = select(SignInLink).where(SignInLink.key_hash == key_hash)
    return session.scalars(query.with_for_update() if hold else query).one_or_none()


def drop_links(session: Session, *, organisation_id: int, person_id: int | None) -> int:
    """Take away every link of a person that was not used; how many."""
    links = open_links(session, organisation_id=organisation_id, person_id=person_id)
    for link in links:
        session.delete(link)
    session.flush()
    return len(links)


def add_sign_in(
    session: Session, *, person_id: int, key_hash: str, ends_at: datetime, device: str, way: str, second_factor: bool
) -> SignIn:
    """A new sign-in; those of this person that have ended are taken away."""
    session.execute(delete(SignIn).where(SignIn.person_id == person_id, SignIn.ends_at <= now()))
    made = SignIn(
        person_id=person_id,
        key_hash=key_hash,
        started_at=now(),
        ends_at=ends_at,
        device=device,
        way=way,
        second_factor=second_factor,
    )
    session.add(made)
    session.flush()
    return made


def sign_in_by_hash(session: Session, key_hash: str) -> SignIn | None:
    """The sign-in of a key, where it has not ended."""
    return session.scalars(select(SignIn).where(SignIn.key_hash == key_hash, SignIn.ends_at > now())).one_or_none()


def sign_ins(session: Session, *, person_id: int) -> list[SignIn]:
    """Where a person is signed in, the latest first."""
    query = select(SignIn).where(SignIn.person_id == person_id, SignIn.ends_at > now())
    return list(session.scalars(query.order_by(SignIn.id.desc())))


def end_sign_ins(session: Session, person: Person, *, but: str | None = None) -> None:
    """End every sign-in of a person, but the one of a key hash; nothing that was bound to the old mark holds any more."""
    person.fs_uniquifier = new_uniquifier()
    query = delete(SignIn).where(SignIn.person_id == person.id)
    session.execute(query.where(SignIn.key_hash != but) if but is not None else query)
    session.flush()


def end_sign_in(session: Session, key_hash: str) -> None:
    """End one sign-in."""
    session.execute(delete(SignIn).where(SignIn.key_hash == key_hash))


def end_every_way_in(session: Session) -> int:
    """End all sign-ins, and take away all links that were not used, of everybody; how many there were."""
    sign_ins = session.scalars(delete(SignIn).returning(SignIn.id)).all()
    links = session.scalars(delete(SignInLink).where(SignInLink.used_at.is_(None)).returning(SignInLink.id)).all()
    return len(sign_ins) + len(links)


def passkeys(session: Session, *, person_id: int) -> list[Passkey]:
    """A person's passkeys, the first one first."""
    return list(session.scalars(select(Passkey).where(Passkey.person_id == person_id).order_by(Passkey.id)))


def with_passkeys(session: Session, *, organisation_id: int) -> set[int]:
    """Persons of an organisation who have a passkey."""
    query = select(Passkey.person_id).join(Person, Person.id == Passkey.person_id)
    return set(session.scalars(query.where(Person.organisation_id == organisation_id)))


def passkey_by(session: Session, credential_id: str) -> Passkey | None:
    """The passkey that a device says it used."""
    return session.scalars(select(Passkey).where(Passkey.credential_id == credential_id)).one_or_none()


def add_passkey(
    session: Session, *, person_id: int, name: str, credential_id: str, public_key: bytes, sign_count: int, transports: list[str]
) -> Passkey:
    """A new passkey."""
    made = Passkey(
        person_id=person_id,
        name=name,
        credential_id=credential_id,
        public_key=public_key,
        sign_count=sign_count,
        transports=transports,
        made_at=now(),
    )
    session.add(made)
    session.flush()
    return made


def attempts(session: Session, keys: Iterable[str]) -> dict[str, tuple[int, datetime]]:
    """(failures, when the last was) of each key that has any."""
    found = session.scalars(select(SignInAttempt).where(SignInAttempt.key.in_(list(keys))))
    return {row.key: (row.failures, row.last_at) for row in found}


def hold_attempts(session: Session, keys: Iterable[str]) -> dict[str, tuple[int, datetime]]:
    """As `attempts`, with a row for each key, held until the session commits: two guesses come one after the other."""
    insert = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    ordered = sorted(keys)  # in one order everywhere, so that two never wait for each other
    for key in ordered:
        session.execute(insert(SignInAttempt).values(key=key, failures=0, last_at=now()).on_conflict_do_nothing())
    query = select(SignInAttempt).where(SignInAttempt.key.in_(ordered)).order_by(SignInAttempt.key).with_for_update()
    return {row.key: (row.failures, row.last_at) for row in session.scalars(query)}


def set_attempts(session: Session, failures: dict[str, int], *, at: datetime) -> None:
    """How many failures each key has, the last of them at a moment."""
    for key, count in sorted(failures.items()):
        session.execute(update(SignInAttempt).where(SignInAttempt.key == key).values(failures=count, last_at=at))


def fewer_attempts(session: Session, keys: Iterable[str], *, gone: Iterable[str] = ()) -> None:
    """One failure less on some keys, as the attempt that was counted did not fail; none at all on others."""
    lower = update(SignInAttempt).where(SignInAttempt.key.in_(sorted(keys)), SignInAttempt.failures > 0)
    session.execute(lower.values(failures=SignInAttempt.failures - 1))
    session.execute(delete(SignInAttempt).where(SignInAttempt.key.in_(sorted(gone))))


def forget_attempts(session: Session, *, before: datetime) -> None:
    """Take away what was tried before a moment."""
    session.execute(delete(SignInAttempt).where(SignInAttempt.last_at < before))
