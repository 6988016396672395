"""Who is asking. Until people can sign in, everybody on this machine is the one local administrator."""

from __future__ import annotations

from commsapp.accounts.audit import audit_fault, audit_head, chain_earlier_events, note, note_reading
from commsapp.accounts.tokens import (
    LONGEST_DAYS,
    SCOPE_NAMES,
    SCOPES,
    Scope,
    Token,
    is_noted,
    make_token,
    narrowed,
    note_use,
    revoke_token,
    token_shown,
    tokens_of,
)
from commsapp.actor import Actor, HandlingLevel, Role
from commsapp.errors import NotFound, NotSignedIn, Unavailable
from commsapp.storage import events, organisations
from commsapp.storage.session import Session

__all__ = [
    "LOCAL_ORGANISATION",
    "LOCAL_PERSON",
    "LONGEST_DAYS",
    "SCOPES",
    "SCOPE_NAMES",
    "Scope",
    "Token",
    "actor_for",
    "actor_of_token",
    "audit_fault",
    "audit_head",
    "chain_earlier_events",
    "ensure_local",
    "is_noted",
    "local_actor",
    "make_token",
    "note",
    "note_reading",
    "note_use",
    "person_named",
    "revoke_token",
    "tokens_of",
]

LOCAL_ORGANISATION = "This organisation"
LOCAL_PERSON = "Local administrator"


def ensure_local(session: Session) -> Actor:
    """The local administrator, made with their organisation where they don't exist.

    Needs a writing session. Any number of processes may do this at once, as often as they like.
    """
    organisation = organisations.organisation_for_change(session, name=LOCAL_ORGANISATION)
    person = organisations.first_person(session, organisation_id=organisation.id, role=Role.ADMINISTRATOR)
    if person is None:
        person = organisations.add_person(session, organisation_id=organisation.id, name=LOCAL_PERSON, role=Role.ADMINISTRATOR)
        actor = _actor(person)
        events.record(session, actor, action="create", subject="person", subject_id=person.id, after={"role": person.role})
        return actor
    return _actor(person)


def local_actor(session: Session) -> Actor:
    """The local administrator, cleared for every handling level.

    Raises
    ------
    Unavailable : the database was never prepared (``ensure_local``).

    """
    organisation = organisations.first_organisation(session)
    person = None
    if organisation is not None:
        person = organisations.first_person(session, organisation_id=organisation.id, role=Role.ADMINISTRATOR)
    if person is None:
        raise Unavailable("The database is not set up.", "Run 'commsapp database upgrade'.")
    return _actor(person)


def actor_for(session: Session, *, organisation_id: int, person_id: int | None) -> Actor:
    """The actor of a person, for work that goes on after they asked for it. Without a person it is the organisation's own."""
    person = None
    if person_id is not None:
        person = organisations.person_of(session, organisation_id=organisation_id, person_id=person_id)
    if person is None:
        return Actor(organisation_id, None, "commsapp", Role.ADMINISTRATOR, frozenset(HandlingLevel))
    return _actor(person)


def actor_of_token(session: Session, shown: str) -> tuple[Actor, Token]:
    """Who asks with a token, as they are at this moment: role and clearance count as they stand now, not as they were then.

    Raises
    ------
    NotSignedIn : no such token, or it or its person has no access any more.

    """
    token, organisation_id = token_shown(session, shown)
    person = organisations.person_of(session, organisation_id=organisation_id, person_id=token.person_id)
    if person is None:
        raise NotSignedIn("The person of this token has no access any more.", "Ask an administrator.")
    return narrowed(_actor(person), token), token


def person_named(session: Session, actor: Actor, name: str) -> Actor:
    """A person of the actor's organisation by their name, for whom an operator does something.

    Raises
    ------
    NotFound : there is none of that name.

    """
    person = organisations.person_named(session, organisation_id=actor.organisation_id, name=name)
    if person is None:
        raise NotFound(f"There is nobody called '{name}'.", "Write the name as it is stored.")
    return _actor(person)


def _actor(person: organisations.Person) -> Actor:
    # Every person is a local administrator until accounts give people clearances of their own.
    return Actor(person.organisation_id, person.id, person.name, Role(person.role), frozenset(HandlingLevel))
