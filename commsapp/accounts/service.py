"""Who is asking. Until people can sign in, everybody on this machine is the one local administrator."""

from __future__ import annotations

from commsapp.accounts.audit import audit_fault, audit_head, chain_earlier_events, note, note_reading
from commsapp.accounts.audit_log import Entry, LogPage, audit_log, history
from commsapp.actor import Actor, HandlingLevel, Role
from commsapp.errors import Unavailable
from commsapp.storage import events, organisations
from commsapp.storage.session import Session

__all__ = [
    "LOCAL_ORGANISATION",
    "LOCAL_PERSON",
    "Entry",
    "LogPage",
    "actor_for",
    "audit_fault",
    "audit_head",
    "audit_log",
    "chain_earlier_events",
    "ensure_local",
    "history",
    "local_actor",
    "note",
    "note_reading",
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


def _actor(person: organisations.Person) -> Actor:
    # Every person is a local administrator until accounts give people clearances of their own.
    return Actor(person.organisation_id, person.id, person.name, Role(person.role), frozenset(HandlingLevel))
