"""Signing in and out: from a link to an account, from an account to a sign-in, and what a person does with their own.

Hashes of passwords are made and checked where Flask-Security is known (http); here they are kept.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import timedelta

from commsapp.accounts.actors import actor_of, hash_of, new_secret, view
from commsapp.accounts.names import email_of, name_of
from commsapp.accounts.tokens import revoke_tokens_of
from commsapp.accounts.views import OpenLink, Passkey, Person, Place, default_levels, in_order
from commsapp.actor import Actor, Role
from commsapp.errors import BadInput, Conflict, NotFound, NotSignedIn
from commsapp.storage import events, organisations, people
from commsapp.storage.base import now
from commsapp.storage.organisations import Person as Row
from commsapp.storage.session import Session

LONGEST_SIGN_IN = timedelta(hours=12)
"""However busy somebody is, after this they sign in again."""
MOST_PASSKEYS = 10


@dataclass(frozen=True)
class Known:
    """A person as the door knows them; the secrets are not for pages."""

    person: Person
    uniquifier: str
    password_hash: str | None
    totp_secret: str | None
    totp_counter: int | None


@dataclass(frozen=True)
class KnownPasskey:
    """What it takes to check that a device has the secret half of a passkey."""

    id: int
    person_id: int
    credential_id: str
    public_key: bytes
    sign_count: int
    transports: tuple[str, ...]


def known(session: Session, **by: object) -> Known | None:
    """The active person of an ``email`` (in its normal form), a ``fs_uniquifier``, an ``oidc_identity`` or an ``id``."""
    row = people.person_by(session, **by)
    if row is None or not row.active or row.email is None or row.fs_uniquifier is None:
        return None
    return Known(view(session, row), row.fs_uniquifier, row.password_hash, row.totp_secret, row.totp_counter)


def open_link(session: Session, secret: str) -> OpenLink:
    """What a link leads to.

    Raises
    ------
    NotFound : it never was, was used, was taken back, or has ended.

    """
    link = _link(session, secret)
    row = session.get(Row, link.person_id) if link.person_id is not None else None
    return OpenLink(link.purpose, link.organisation_id, view(session, row) if row is not None else None)


def join(session: Session, secret: str, *, password_hash: str | None, name: str = "", email: str = "") -> Person:
    """Follow a link: keep the password, use the link up. ``name`` and ``email`` are for the first account only.

    Without a password it is for the caller to give the person another way to sign in, in the same transaction.

    Raises
    ------
    NotFound : the link does not hold. BadInput, Conflict : name or e-mail can't be used.

    """
    link = _link(session, secret, hold=True)
    if link.person_id is None:
        row = _first(session, link.organisation_id, name=name, email=email)
        link.person_id = row.id
    else:
        found = organisations.person_of(session, organisation_id=link.organisation_id, person_id=link.person_id)
        if found is None or not found.active:
            raise NotFound(_GONE, _ASK)
        row = found
    link.used_at = now()
    if password_hash is not None:
        row.password_hash = password_hash
    people.end_sign_ins(session, row)
    person = view(session, row)
    action = "choose password" if link.purpose == "reset" else "join"
    themselves = actor_of(person, proven=False)
    events.record(session, themselves, action=action, subject="person", subject_id=row.id)
    revoke_tokens_of(session, themselves, row.id)  # a password is made anew where somebody else may have had the old one
    return person


def start_sign_in(session: Session, person_id: int, *, device: str, way: str, second_factor: bool) -> str:
    """Sign a person in; the key, which only their browser keeps.

    Raises
    ------
    NotFound : nobody who can sign in.

    """
    row = session.get(Row, person_id)
    if row is None or not row.active or row.email is None:
        raise NotFound("There is no such account.", "Ask an administrator.")
    key = new_secret()
    people.add_sign_in(
        session,
        person_id=row.id,
        key_hash=hash_of(key),
        ends_at=now() + LONGEST_SIGN_IN,
        device=device[:100],
        way=way,
        second_factor=second_factor,
    )
    actor = actor_of(view(session, row), proven=second_factor)
    events.record(
        session, actor, action="sign in", subject="person", subject_id=row.id, after={"way": way, "device": device[:100]}
    )
    return key


def signed_in(session: Session, *, uniquifier: str, key: str) -> tuple[Actor, Person] | None:
    """Who a browser's sign-in stands for; None where it holds no longer, whatever the browser says."""
    row = people.person_by(session, fs_uniquifier=uniquifier)
    found = people.sign_in_by_hash(session, hash_of(key))
    if row is None or found is None or found.person_id != row.id or not row.active:
        return None
    person = view(session, row)
    if row.email is None:  # the operator, who has no way to sign in
        return Actor(row.organisation_id, row.id, row.name, person.role, person.cleared.levels, row.originals), person
    return actor_of(person, proven=found.second_factor), person


def end_sign_in(session: Session, key: str) -> None:
    """Sign out: the key holds nowhere any more."""
    people.end_sign_in(session, hash_of(key))


def end_other_sign_ins(session: Session, actor: Actor, *, key: str) -> str:
    """Sign a person out everywhere but here; the mark that this sign-in is bound to from now on."""
    row = _own(session, actor)
    people.end_sign_ins(session, row, but=hash_of(key))
    events.record(session, actor, action="sign out elsewhere", subject="person", subject_id=row.id)
    return str(row.fs_uniquifier)


def places(session: Session, actor: Actor, *, key: str) -> list[Place]:
    """Where a person is signed in, the latest first."""
    row = _own(session, actor)
    return [
        Place(found.started_at, found.device, found.way, found.second_factor, hmac.compare_digest(found.key_hash, hash_of(key)))
        for found in people.sign_ins(session, person_id=row.id)
    ]


def own(session: Session, actor: Actor) -> Person:
    """The account of the person who asks."""
    return view(session, _own(session, actor))


def change_password(session: Session, actor: Actor, *, password_hash: str, key: str) -> str:
    """Keep a new password and end every other sign-in; the mark that this one is bound to from now on."""
    row = _own(session, actor)
    row.password_hash = password_hash
    people.end_sign_ins(session, row, but=hash_of(key))
    events.record(session, actor, action="change password", subject="person", subject_id=row.id)
    return str(row.fs_uniquifier)


def keep_rehashed(session: Session, person_id: int, password_hash: str) -> None:
    """Keep the same password hashed in a newer way; nothing else changes."""
    row = session.get(Row, person_id)
    if row is not None:
        row.password_hash = password_hash


def set_authenticator(session: Session, actor: Actor, *, secret: str, counter: int, recovery_codes: list[str], key: str) -> str:
    """Keep the (encrypted) secret of an authenticator app that was proven with a code, and keyed hashes of recovery codes.

    Ends every other sign-in; the mark that this one is bound to from now on.
    """
    row = _own(session, actor)
    row.totp_secret, row.totp_counter = secret, counter
    if recovery_codes:
        row.recovery_codes = recovery_codes
    return _proven(session, row, actor, "set up authenticator", key)


def remove_authenticator(session: Session, actor: Actor) -> None:
    """Take the authenticator app away, and the recovery codes where no passkey needs them either."""
    row = _own(session, actor)
    row.totp_secret = row.totp_counter = None
    if not people.passkeys(session, person_id=row.id):
        row.recovery_codes = []
    events.record(session, actor, action="remove authenticator", subject="person", subject_id=row.id)


def use_code(session: Session, person_id: int, *, counter: int) -> bool:
    """Note that the code of a time step was used; false where it, or a later one, was used already."""
    row = session.get(Row, person_id, with_for_update=True, populate_existing=True)
    if row is None or (row.totp_counter is not None and counter <= row.totp_counter):
        return False
    row.totp_counter = counter
    return True


def use_recovery_code(session: Session, person_id: int, wanted: str) -> bool:
    """Use the recovery code of a keyed hash up; false where it is none of this person's."""
    row = session.get(Row, person_id, with_for_update=True, populate_existing=True)
    if row is None or wanted not in row.recovery_codes:
        return False
    row.recovery_codes = [kept for kept in row.recovery_codes if kept != wanted]
    person = view(session, row)
    events.record(session, actor_of(person, proven=True), action="use recovery code", subject="person", subject_id=row.id)
    return True


def new_recovery_codes(session: Session, actor: Actor, codes: list[str]) -> None:
    """Put new recovery codes, given as keyed hashes, in the place of all there were."""
    row = _own(session, actor)
    row.recovery_codes = list(codes)
    events.record(session, actor, action="make recovery codes", subject="person", subject_id=row.id)


def own_passkeys(session: Session, actor: Actor) -> list[Passkey]:
    """The passkeys of the person who asks."""
    row = _own(session, actor)
    return [Passkey(key.id, key.name, key.made_at, key.used_at) for key in people.passkeys(session, person_id=row.id)]


def known_passkeys(session: Session, person_id: int) -> list[KnownPasskey]:
    """What it takes to check any passkey of a person."""
    return [_known_passkey(key) for key in people.passkeys(session, person_id=person_id)]


def known_passkey(session: Session, credential_id: str) -> KnownPasskey | None:
    """What it takes to check the passkey that a device says it used."""
    found = people.passkey_by(session, credential_id)
    return _known_passkey(found) if found is not None else None


def add_passkey(
    session: Session,
    actor: Actor,
    *,
    name: str,
    credential_id: str,
    public_key: bytes,
    sign_count: int,
    transports: list[str],
    recovery_codes: list[str],
    key: str,
) -> str:
    """Keep a passkey that a device just made, and end every other sign-in; the mark that this one is bound to from now on.

    ``recovery_codes`` are keyed hashes of new ones; without any, those that there are stay.

    Raises
    ------
    Conflict : it is kept already, or there are too many. BadInput : its name can't be used.

    """
    row = _own(session, actor)
    called = name_of(name)
    if people.passkey_by(session, credential_id) is not None:
        raise Conflict("This passkey is kept already.", "Use it to sign in.")
    if len(people.passkeys(session, person_id=row.id)) >= MOST_PASSKEYS:
        raise Conflict(f"You have {MOST_PASSKEYS} passkeys.", "Remove one that you don't use any more.")
    people.add_passkey(
        session,
        person_id=row.id,
        name=called,
        credential_id=credential_id,
        public_key=public_key,
        sign_count=sign_count,
        transports=transports,
    )
    if recovery_codes:
        row.recovery_codes = recovery_codes
    return _proven(session, row, actor, "add passkey", key)


def remove_passkey(session: Session, actor: Actor, passkey_id: int) -> None:
    """Take a passkey away.

    Raises
    ------
    NotFound : it is none of this person's. Conflict : it is the only way they have to sign in.

    """
    row = _own(session, actor)
    mine = people.passkeys(session, person_id=row.id)
    found = next((key for key in mine if key.id == passkey_id), None)
    if found is None:
        raise NotFound("There is no such passkey on your account.", "Look on the page of your account.")
    if len(mine) == 1 and row.password_hash is None and row.oidc_identity is None:
        raise Conflict("This passkey is the only way in that you have.", "Set a password or add another passkey first.")
    session.delete(found)
    session.flush()
    if len(mine) == 1 and row.totp_secret is None:
        row.recovery_codes = []
    events.record(session, actor, action="remove passkey", subject="person", subject_id=row.id)


def passkey_used(session: Session, passkey_id: int, *, sign_count: int) -> None:
    """Note that a passkey was used, and how often its device says it was."""
    found = session.get(people.Passkey, passkey_id)
    if found is not None:
        found.sign_count, found.used_at = sign_count, now()


def bind_identity(session: Session, person_id: int, identity: str) -> Known | None:
    """Bind a person to an identity of an OpenID provider, once; None where they have another one, or somebody has this one."""
    row = session.get(Row, person_id, with_for_update=True, populate_existing=True)
    other = people.person_by(session, oidc_identity=identity)
    if row is None or row.oidc_identity is not None or other is not None:
        return None
    row.oidc_identity = identity
    people.drop_links(session, organisation_id=row.organisation_id, person_id=row.id)
    session.flush()
    events.record(
        session, actor_of(view(session, row), proven=False), action="bind identity", subject="person", subject_id=row.id
    )
    return known(session, id=row.id)


_GONE = "This link does not let anybody in any more: it was used, taken back, or is older than a week."
_ASK = "Ask an administrator for a new one."


def _link(session: Session, secret: str, *, hold: bool = False) -> people.SignInLink:
    link = people.link_by_hash(session, hash_of(secret), hold=hold)
    if link is None or link.used_at is not None or (link.ends_at is not None and link.ends_at <= now()):
        raise NotFound(_GONE, _ASK)
    return link


def _first(session: Session, organisation_id: int, *, name: str, email: str) -> Row:
    address, called = email_of(email), name_of(name)
    people.hold(session, organisation_id)
    if people.who_can_sign_in(session, organisation_id=organisation_id, role=Role.ADMINISTRATOR):
        raise NotFound(_GONE, _ASK)
    if people.person_by(session, email=address) is not None:
        raise Conflict(f"{address} has an account already.", "Use another address.")
    return organisations.add_person(
        session,
        organisation_id=organisation_id,
        name=called,
        role=Role.ADMINISTRATOR,
        email=address,
        levels=in_order(default_levels(Role.ADMINISTRATOR)),
    )


def _own(session: Session, actor: Actor) -> Row:
    row = None
    if actor.person_id is not None:
        row = organisations.person_of(session, organisation_id=actor.organisation_id, person_id=actor.person_id)
    if row is None:
        raise NotSignedIn("Nobody is signed in.", "Sign in first.")
    return row


def _proven(session: Session, row: Row, actor: Actor, action: str, key: str) -> str:
    """A second factor was set up, and just proven: this sign-in counts as one with both."""
    if not row.email:
        raise BadInput("This account can't sign in.", "Invite somebody instead.")
    people.end_sign_ins(session, row, but=hash_of(key))
    here = people.sign_in_by_hash(session, hash_of(key))
    if here is not None:
        here.second_factor = True
    events.record(session, actor, action=action, subject="person", subject_id=row.id)
    return str(row.fs_uniquifier)


def _known_passkey(key: people.Passkey) -> KnownPasskey:
    return KnownPasskey(key.id, key.person_id, key.credential_id, key.public_key, key.sign_count, tuple(key.transports))
