"""Tokens: what a program shows instead of a person at a page. A token never does more than its person may at that moment."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from commsapp.accounts.actors import actor_for
from commsapp.actor import Actor, HandlingLevel, Role
from commsapp.errors import BadInput, NotAllowed, NotFound, NotSignedIn
from commsapp.storage import events, organisations, tokens
from commsapp.storage.base import now
from commsapp.storage.session import Session

PREFIX = "commsapp_"
"""Every token begins so, and programs that search for secrets in the wrong places can know it by that."""
LONGEST_DAYS = 365
USED_EVERY = timedelta(minutes=5)
"""How exactly it is known when a token was last used: a reading call should hardly ever wait for a writer."""

_SECRET_BYTES = 32
_HINT = len(PREFIX) + 6
_LONGEST_NAME = 100


@dataclass(frozen=True)
class Scope:
    """Something that a token may be allowed to do, in a sentence."""

    name: str
    sentence: str


SCOPES: tuple[Scope, ...] = (
    Scope("programmes:read", "Read programmes with their feedback channels, waves, areas, attributes and context events."),
    Scope("programmes:write", "Make programmes, and add or take away what is compared in them."),
    Scope("results:read", "Read listening results and the topics of the codebook in use."),
    Scope("codebooks:write", "Change topics: drafts of a codebook, freezing them, and the topic of a comment."),
    Scope("comments:read", "Read what people said, one by one: comments, responses with their answers, rejected rows."),
    Scope("campaigns:read", "Read campaigns with their messages, expected effects and measured effects."),
    Scope("campaigns:write", "Plan campaigns, messages and activities, fix expected effects, and measure effects."),
    Scope("imports:read", "Read how files went in."),
    Scope("imports:write", "Bring in files of what people said."),
    Scope("jobs:read", "See how far imports and analyses are."),
    Scope("jobs:write", "Start an analysis; stop work or start it again."),
)
SCOPE_NAMES = tuple(scope.name for scope in SCOPES)


@dataclass(frozen=True)
class Token:
    """A token as its person sees it; ``hint`` is how it begins. The token itself is shown once, when it is made."""

    id: int
    person_id: int
    name: str
    hint: str
    scopes: tuple[str, ...]
    handling_levels: tuple[HandlingLevel, ...]
    made_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None

    @property
    def holds(self) -> bool:
        """Whether it still opens anything."""
        return self.revoked_at is None and now() < self.expires_at


def make_token(
    session: Session,
    actor: Actor,
    *,
    name: str,
    scopes: Iterable[str],
    days: int,
    handling_levels: Iterable[HandlingLevel] = (),
) -> tuple[Token, str]:
    """Make a token for the one who asks; returns it and what is shown once. Without ``handling_levels`` it reads open text only.

    Raises
    ------
    BadInput : no name, no scope or one that isn't known, or not 1 to 365 days. NotAllowed : a handling level that the one who
        asks isn't cleared for; or a program asks, which has a token itself.

    """
    if actor.person_id is None or actor.scopes is not None:
        raise NotAllowed("A token belongs to a person, who makes it at a page.", "Sign in, and make it there.")
    name = " ".join(name.split())
    if not name or len(name) > _LONGEST_NAME:
        raise BadInput("The token has no name, or a very long one.", f"Say in {_LONGEST_NAME} characters what it is for.")
    chosen, levels = set(scopes), {HandlingLevel.OPEN, *handling_levels}
    if not chosen or not chosen <= set(SCOPE_NAMES):
        raise BadInput("The token has no scope, or one that isn't known.", f"Use some of: {', '.join(SCOPE_NAMES)}.")
    if not 1 <= days <= LONGEST_DAYS:
        raise BadInput(f"A token can't hold for {days} days.", f"Use 1 to {LONGEST_DAYS}.")
    if not levels <= actor.handling_levels | {HandlingLevel.OPEN}:
        raise NotAllowed("A token can't read more than you may read yourself.", "Leave out what you are not cleared for.")
    secret = PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
    row = tokens.add(
        session,
        tokens.Token(
            organisation_id=actor.organisation_id,
            person_id=actor.person_id,
            name=name,
            hint=secret[:_HINT],
            digest=_digest(secret),
            scopes=[scope for scope in SCOPE_NAMES if scope in chosen],
            handling_levels=[level for level in HandlingLevel if level in levels],
            made_at=now(),
            expires_at=now() + timedelta(days=days),
        ),
    )
    after = {"name": name, "scopes": row.scopes, "handling_levels": row.handling_levels, "expires_at": row.expires_at.isoformat()}
    events.record(session, actor, action="create", subject="token", subject_id=row.id, after=after)
    return _view(row), secret


def tokens_of(session: Session, actor: Actor, *, everybody: bool = False) -> list[Token]:
    """The tokens of the one who asks, the latest first; ``everybody``: of the whole organisation, for administrators.

    Raises
    ------
    NotAllowed : others' tokens, for somebody else than an administrator.

    """
    if everybody and actor.role is not Role.ADMINISTRATOR:
        raise NotAllowed("Only administrators see the tokens of others.", "Look at your own.")
    return [_view(row) for row in tokens.tokens(session, actor, person_id=None if everybody else (actor.person_id or 0))]


def revoke_token(session: Session, actor: Actor, token_id: int) -> Token:
    """End a token at once: one's own, or as an administrator any of the organisation. One that has ended stays as it is.

    Raises
    ------
    NotFound : no such token, or it is another person's.

    """
    row = tokens.token(session, actor, token_id)
    if row is None or (row.person_id != actor.person_id and actor.role is not Role.ADMINISTRATOR):
        raise NotFound("There is no such token.", "Choose one from your list.")
    if row.revoked_at is None:
        _end(session, actor, row)
    return _view(row)


def revoke_tokens_of(session: Session, actor: Actor, person_id: int) -> int:
    """End every token of a person whose way in was taken away or made anew; how many. The caller knows that it may be done."""
    held = tokens.holding(session, person_id=person_id)
    for row in held:
        _end(session, actor, row)
    return len(held)


def _end(session: Session, actor: Actor, row: tokens.Token) -> None:
    row.revoked_at = now()
    events.record(session, actor, action="revoke", subject="token", subject_id=row.id, before={"name": row.name})


def actor_of_token(session: Session, shown: str) -> tuple[Actor, Token]:
    """Who asks with a token, as they are at this moment: role and clearance count as they stand now, not as they were then.

    What is more than open holds only while the person has a second factor to sign in with (`actors.actor_for`).

    Raises
    ------
    NotSignedIn : no such token, or it was revoked or has expired, or its person has no access any more.

    """
    digest = _digest(shown)
    row = tokens.token_of_digest(session, digest)
    if row is None or not hmac.compare_digest(row.digest, digest):
        raise NotSignedIn("This token is not known here.", "Make one on the page 'Your API tokens'.")
    found = _view(row)
    if not found.holds:
        raise NotSignedIn("This token was revoked, or has expired.", "Make a new one on the page 'Your API tokens'.")
    person = organisations.person_of(session, organisation_id=row.organisation_id, person_id=row.person_id)
    if person is None or not person.active:
        raise NotSignedIn("The person of this token has no access any more.", "Ask an administrator.")
    who = actor_for(session, organisation_id=row.organisation_id, person_id=row.person_id)
    return narrowed(who, found), found


def narrowed(person: Actor, token: Token) -> Actor:
    """What a person may do at this moment, narrowed to what the token was made for; originals are for people at a page only."""
    levels = person.handling_levels & frozenset(token.handling_levels)
    return replace(person, handling_levels=levels, originals=False, scopes=frozenset(token.scopes))


def is_noted(token: Token) -> bool:
    """Whether the last use of a token is known closely enough as it stands."""
    return token.last_used_at is not None and now() - token.last_used_at < USED_EVERY


def note_use(session: Session, token: Token) -> None:
    """Note that a token was used now."""
    tokens.mark_used(session, token.id, now())


def _digest(secret: str) -> str:
    # A plain hash is enough: 256 random bits can't be guessed from it, unlike a password.
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def _view(row: tokens.Token) -> Token:
    return Token(
        id=row.id,
        person_id=row.person_id,
        name=row.name,
        hint=row.hint,
        scopes=tuple(row.scopes),
        handling_levels=tuple(HandlingLevel(level) for level in row.handling_levels),
        made_at=row.made_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
