"""From a person to an actor: what their role and clearance come to, given how they proved who they are."""

from __future__ import annotations

import hashlib
import secrets

from commsapp.accounts.views import OPEN_ONLY, Clearance, Person, in_order
from commsapp.actor import Actor, HandlingLevel, Role
from commsapp.errors import Unavailable
from commsapp.storage import events, organisations, people
from commsapp.storage.organisations import Person as Row
from commsapp.storage.session import Session

LOCAL_ORGANISATION = "This organisation"
LOCAL_PERSON = "Local administrator"


def ensure_local(session: Session) -> Actor:
    """The operator of this machine, made with their organisation where they don't exist: cleared for all, without sign-in.

    Needs a writing session. Any number of processes may do this at once, as often as they like.
    """
    organisation = organisations.organisation_for_change(session, name=LOCAL_ORGANISATION)
    row = organisations.operator(session, organisation_id=organisation.id, role=Role.ADMINISTRATOR)
    if row is not None:
        return _whole(row)
    row = organisations.add_person(
        session,
        organisation_id=organisation.id,
        name=LOCAL_PERSON,
        role=Role.ADMINISTRATOR,
        levels=list(HandlingLevel),
        originals=True,
    )
    actor = _whole(row)
    events.record(session, actor, action="create", subject="person", subject_id=row.id, after={"role": row.role})
    return actor


def local_actor(session: Session) -> Actor:
    """The operator of this machine, for whom the command line acts.

    Raises
    ------
    Unavailable : the database was never prepared (``ensure_local``).

    """
    organisation = organisations.first_organisation(session)
    row = None
    if organisation is not None:
        row = organisations.operator(session, organisation_id=organisation.id, role=Role.ADMINISTRATOR)
    if row is None:
        raise Unavailable("The database is not set up.", "Run 'commsapp database upgrade'.")
    return _whole(row)


def actor_for(session: Session, *, organisation_id: int, person_id: int | None) -> Actor:
    """The actor of a person, for work that goes on after they asked for it.

    Without a person, or where they were deactivated meanwhile, it is the organisation's own.
    """
    row = None
    if person_id is not None:
        row = organisations.person_of(session, organisation_id=organisation_id, person_id=person_id)
    if row is None or not row.active:
        return Actor(organisation_id, None, "commsapp", Role.ADMINISTRATOR, frozenset(HandlingLevel))
    if row.email is None:
        return _whole(row)
    person = view(session, row)
    return actor_of(person, proven=person.second_factor)


def actor_of(person: Person, *, proven: bool) -> Actor:
    """The actor of a person. What is more than open holds only where it is ``proven`` with a second factor who they are."""
    cleared = person.cleared
    if cleared.more_than_open and not ((proven and person.second_factor) or (proven and person.oidc)):
        cleared = Clearance(cleared.levels & OPEN_ONLY)
    return Actor(person.organisation_id, person.id, person.name, person.role, cleared.levels, cleared.originals)


def view(session: Session, row: Row, *, with_link: bool = False) -> Person:
    """A person as others may see them. ``with_link``: look up whether a link of theirs is open."""
    links = people.open_links(session, organisation_id=row.organisation_id, person_id=row.id) if with_link else []
    passkeys = len(people.passkeys(session, person_id=row.id))
    return Person(
        id=row.id,
        organisation_id=row.organisation_id,
        name=row.name,
        email=row.email or "",
        role=Role(row.role),
        active=row.active,
        cleared=Clearance(frozenset(in_order(row.handling_levels)), row.originals),
        can_sign_in=row.active and (row.password_hash is not None or passkeys > 0 or row.oidc_identity is not None),
        has_password=row.password_hash is not None,
        passkeys=passkeys,
        authenticator=row.totp_secret is not None,
        recovery_codes=len(row.recovery_codes),
        oidc=row.oidc_identity is not None,
        link_ends=links[-1].ends_at if links else None,
    )


def new_secret() -> str:
    """A secret of 256 bits that fits into an address."""
    return secrets.token_urlsafe(32)


def hash_of(secret: str) -> str:
    """What is kept of a secret of full length; such need no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _whole(row: Row) -> Actor:
    levels = frozenset(in_order(row.handling_levels))
    return Actor(row.organisation_id, row.id, row.name, Role(row.role), levels, row.originals)
