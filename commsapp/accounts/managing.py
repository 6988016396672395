"""What administrators do: invite people, give them a role and a clearance, let them in again, keep them out.

Every change leaves an event, and one of role or clearance ends that person's sign-ins at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from commsapp.accounts.actors import hash_of, local_actor, new_secret, view
from commsapp.accounts.names import email_of, name_of
from commsapp.accounts.tokens import revoke_tokens_of
from commsapp.accounts.views import Clearance, NewLink, Person, default_levels, in_order
from commsapp.actor import Actor, HandlingLevel, Role
from commsapp.errors import BadInput, Conflict, NotAllowed, NotFound
from commsapp.storage import events, organisations, people, tokens
from commsapp.storage.base import now
from commsapp.storage.organisations import Person as Row
from commsapp.storage.session import Session

LINK_DAYS = 7
LONGEST_LEVEL_NAME = 40


def all_people(session: Session, actor: Actor) -> list[Person]:
    """Everybody of the organisation who was invited, by name."""
    _administrator(actor)
    return [view(session, row, with_link=True) for row in people.persons(session, organisation_id=actor.organisation_id)]


def person(session: Session, actor: Actor, person_id: int) -> Person:
    """One person of the organisation.

    Raises
    ------
    NotFound : there is none, or only in another organisation.

    """
    _administrator(actor)
    return view(session, _row(session, actor, person_id), with_link=True)


def person_named(session: Session, actor: Actor, email: str) -> Person:
    """The person of an e-mail address.

    Raises
    ------
    NotFound : nobody of the organisation has it.

    """
    _administrator(actor)
    row = people.person_by(session, email=email_of(email))
    if row is None or row.organisation_id != actor.organisation_id:
        raise NotFound(f"Nobody here has the e-mail address {email}.", "Run 'commsapp user list'.")
    return view(session, row, with_link=True)


def invite(
    session: Session,
    actor: Actor,
    *,
    name: str,
    email: str,
    role: Role,
    levels: Iterable[HandlingLevel] = (),
    originals: bool = False,
) -> tuple[Person, NewLink]:
    """Enter a person and make the link that lets them in. ``levels`` are what they are cleared for beyond their role.

    Raises
    ------
    BadInput : name or e-mail can't be used. Conflict : somebody has that e-mail address already.

    """
    _administrator(actor)
    address, called = email_of(email), name_of(name)
    cleared = _clearance(role, levels, originals)
    people.hold(session, actor.organisation_id)
    if people.person_by(session, email=address) is not None:
        raise Conflict(f"{address} has an account already.", "Look in the list of people, or use another address.")
    row = organisations.add_person(
        session,
        organisation_id=actor.organisation_id,
        name=called,
        role=role,
        email=address,
        levels=in_order(cleared.levels),
        originals=cleared.originals,
    )
    _record(session, actor, row, "invite", None)
    return view(session, row), _new_link(session, actor, row)


def new_link(session: Session, actor: Actor, person_id: int) -> NewLink:
    """A new link for a person: their invitation once more, or where they were in already, to choose a new password.

    Links made before hold no longer.

    Raises
    ------
    NotFound : no such person. Conflict : they are deactivated.

    """
    _administrator(actor)
    row = _row(session, actor, person_id)
    if not row.active:
        raise Conflict(f"{row.name} is deactivated.", "Activate the account first.")
    events.record(session, actor, action="make link", subject="person", subject_id=row.id, after={"who": row.name})
    return _new_link(session, actor, row)


def cancel_links(session: Session, actor: Actor, person_id: int) -> int:
    """Take back every link of a person that was not used; how many there were."""
    _administrator(actor)
    row = _row(session, actor, person_id)
    count = people.drop_links(session, organisation_id=actor.organisation_id, person_id=row.id)
    if count:
        events.record(session, actor, action="cancel link", subject="person", subject_id=row.id, after={"who": row.name})
    return count


def change_role(session: Session, actor: Actor, person_id: int, role: Role) -> Person:
    """Give a person another role; who becomes a partner loses every clearance.

    Raises
    ------
    NotFound : no such person. Conflict : they are the last administrator.

    """
    _administrator(actor)
    row, before = _for_change(session, actor, person_id)
    if row.role == role:
        return view(session, row)
    _keep_an_administrator(session, row)
    if Role.PARTNER in (row.role, role):
        row.handling_levels, row.originals = list(in_order(default_levels(role))), False
    row.role = role
    people.end_sign_ins(session, row)
    _record(session, actor, row, "change role", before)
    return view(session, row)


def clear_person(
    session: Session, actor: Actor, person_id: int, levels: Iterable[HandlingLevel], *, originals: bool = False
) -> Person:
    """Say what a person is cleared for, beyond what their role is anyway. It holds once they have a second factor.

    Raises
    ------
    NotFound : no such person. BadInput : a partner can't be cleared. Conflict : clearing oneself needs a second factor first,
        and where there is another administrator, it is theirs to do.

    """
    _administrator(actor)
    row, before = _for_change(session, actor, person_id)
    cleared = _clearance(Role(row.role), levels, originals)
    if row.id == actor.person_id and cleared.more_than_open and not view(session, row).second_factor:
        raise Conflict(
            "To clear yourself for more than open text you need a second factor.",
            "Set up a passkey or an authenticator app on your own account first.",
        )
    more = set(cleared.levels) - set(row.handling_levels) or cleared.originals > row.originals
    if row.id == actor.person_id and more and (others := _other_administrators(session, row)):
        raise Conflict("Nobody clears themselves for more where somebody else can.", f"Ask {' or '.join(others[:3])}.")
    wanted = list(in_order(cleared.levels))
    if (row.handling_levels, row.originals) == (wanted, cleared.originals):
        return view(session, row)
    row.handling_levels, row.originals = wanted, cleared.originals
    people.end_sign_ins(session, row)
    _record(session, actor, row, "clear", before)
    return view(session, row)


def set_active(session: Session, actor: Actor, person_id: int, active: bool) -> Person:
    """Keep a person out from now on, everywhere they are signed in, or let them in again.

    Raises
    ------
    NotFound : no such person. Conflict : they are the last administrator.

    """
    _administrator(actor)
    row, before = _for_change(session, actor, person_id)
    if row.active == active:
        return view(session, row)
    if not active:
        _keep_an_administrator(session, row)
        people.drop_links(session, organisation_id=row.organisation_id, person_id=row.id)
        revoke_tokens_of(session, actor, row.id)
    row.active = active
    people.end_sign_ins(session, row)
    _record(session, actor, row, "activate" if active else "deactivate", before)
    return view(session, row)


def forget_second_factor(session: Session, actor: Actor, person_id: int) -> Person:
    """Take away a person's passkeys, authenticator app and recovery codes, as their devices are lost. They are cleared for
    open text only until they have set one up anew."""
    _administrator(actor)
    row, before = _for_change(session, actor, person_id)
    for passkey in people.passkeys(session, person_id=row.id):
        session.delete(passkey)
    row.totp_secret = row.totp_counter = None
    row.recovery_codes = []
    people.end_sign_ins(session, row)
    revoke_tokens_of(session, actor, row.id)  # whoever has the device may have had them too
    _record(session, actor, row, "forget second factor", before)
    return view(session, row)


def end_every_way_in(session: Session) -> list[Person]:
    """After a backup was brought back: nobody is signed in, no token and no link holds; who can sign in from now on.

    What was revoked, and who was put out, since the backup was made is not known in it.
    """
    counts = {"sign-ins and links": people.end_every_way_in(session), "tokens": tokens.revoke_every(session, now())}
    actor = local_actor(session)
    events.record(session, actor, action="restore", subject="ways in", after={"counts": counts})
    return [one for one in all_people(session, actor) if one.active and one.can_sign_in]


def level_names(session: Session, actor: Actor) -> dict[HandlingLevel, str]:
    """What the organisation calls its handling levels."""
    organisation = organisations.organisation_of(session, actor.organisation_id)
    own = organisation.level_names if organisation is not None else {}
    return {level: str(own.get(level) or level.value) for level in HandlingLevel}


def set_level_names(session: Session, actor: Actor, names: Mapping[HandlingLevel, str]) -> None:
    """Give the handling levels the organisation's own words; an empty one stands for ours.

    Raises
    ------
    BadInput : two are alike, or one is too long.

    """
    _administrator(actor)
    given = {level: " ".join(names.get(level, "").split()) or level.value for level in HandlingLevel}
    ours = {_folded(level.value): level for level in HandlingLevel}
    for level, name in given.items():
        if ours.get(_folded(name), level) is not level:
            raise BadInput(f"'{name}' is our word for another handling level.", "Choose one that can't be mistaken for it.")
    if len({_folded(name) for name in given.values()}) < len(given):
        raise BadInput("Two handling levels have the same name.", "Give each a name of its own.")
    if any(len(name) > LONGEST_LEVEL_NAME for name in given.values()):
        raise BadInput(f"The name of a handling level has at most {LONGEST_LEVEL_NAME} characters.", "Shorten it.")
    organisation = people.hold(session, actor.organisation_id)
    before = dict(organisation.level_names)
    organisation.level_names = {level.value: name for level, name in given.items() if name != level.value}
    events.record(
        session,
        actor,
        action="name handling levels",
        subject="organisation",
        subject_id=organisation.id,
        before=before,
        after=organisation.level_names,
    )


def _folded(name: str) -> str:
    """As files are read, in which blanks, hyphens and letter case don't matter."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def first_link(session: Session) -> NewLink | None:
    """A link to make the first account, which replaces those made before; None where an administrator can sign in already."""
    actor = local_actor(session)
    organisation_id = actor.organisation_id
    people.hold(session, organisation_id)
    if people.who_can_sign_in(session, organisation_id=organisation_id, role=Role.ADMINISTRATOR):
        return None
    people.drop_links(session, organisation_id=organisation_id, person_id=None)
    secret = new_secret()
    people.add_link(
        session,
        organisation_id=organisation_id,
        person_id=None,
        purpose="first",
        key_hash=hash_of(secret),
        made_by=None,
        ends_at=None,
    )
    return NewLink(secret, "first", "", None)


def _administrator(actor: Actor) -> None:
    if actor.role is not Role.ADMINISTRATOR:
        raise NotAllowed("Only an administrator looks after accounts.", "Ask one.")


def _row(session: Session, actor: Actor, person_id: int) -> Row:
    row = organisations.person_of(session, organisation_id=actor.organisation_id, person_id=person_id)
    if row is None or row.email is None:
        raise NotFound("There is no such person in your organisation.", "Look in the list of people.")
    return row


def _for_change(session: Session, actor: Actor, person_id: int) -> tuple[Row, dict[str, Any]]:
    """The person, held, and how they stand before the change."""
    people.hold(session, actor.organisation_id)
    row = _row(session, actor, person_id)
    session.refresh(row)  # as it is now that nobody else changes it
    return row, _state(row)


def _state(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "email": row.email,
        "role": str(row.role),
        "active": row.active,
        "handling_levels": [str(level) for level in row.handling_levels],
        "originals": row.originals,
    }


def _record(session: Session, actor: Actor, row: Row, action: str, before: dict[str, Any] | None) -> None:
    session.flush()
    events.record(session, actor, action=action, subject="person", subject_id=row.id, before=before, after=_state(row))


def _clearance(role: Role, levels: Iterable[HandlingLevel], originals: bool) -> Clearance:
    cleared = Clearance(default_levels(role) | frozenset(levels), originals)
    if role is Role.PARTNER and (cleared.levels or originals):
        raise BadInput("A partner sees only what is shared with them.", "Clear them for nothing, or give them another role.")
    return cleared


def _keep_an_administrator(session: Session, row: Row) -> None:
    if row.role != Role.ADMINISTRATOR:
        return
    others = people.who_can_sign_in(session, organisation_id=row.organisation_id, role=Role.ADMINISTRATOR)
    if others == [row.id]:
        raise Conflict(f"{row.name} is the last administrator.", "Make somebody else one first; then this can be done.")


def _other_administrators(session: Session, row: Row) -> list[str]:
    """Names of those who could do for an administrator what they should not do for themselves."""
    ids = people.who_can_sign_in(session, organisation_id=row.organisation_id, role=Role.ADMINISTRATOR)
    rows = [organisations.person_of(session, organisation_id=row.organisation_id, person_id=one) for one in ids if one != row.id]
    return [other.name for other in rows if other is not None]


def _new_link(session: Session, actor: Actor, row: Row) -> NewLink:
    people.drop_links(session, organisation_id=row.organisation_id, person_id=row.id)
    purpose = "reset" if view(session, row).can_sign_in else "invitation"
    secret = new_secret()
    link = people.add_link(
        session,
        organisation_id=row.organisation_id,
        person_id=row.id,
        purpose=purpose,
        key_hash=hash_of(secret),
        made_by=actor.person_id,
        ends_at=now() + timedelta(days=LINK_DAYS),
    )
    return NewLink(secret, purpose, row.name, link.ends_at)
