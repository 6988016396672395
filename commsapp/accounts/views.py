"""What accounts give back: frozen, and free of secrets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from commsapp.actor import HandlingLevel, Role

OPEN_ONLY = frozenset({HandlingLevel.OPEN})


def default_levels(role: Role) -> frozenset[HandlingLevel]:
    """What a role is cleared for without anybody saying so: open text; a partner sees only what is shared with them."""
    return frozenset() if role is Role.PARTNER else OPEN_ONLY


def in_order(levels: Iterable[str]) -> tuple[HandlingLevel, ...]:
    """Handling levels from open to concern."""
    given = set(levels)
    return tuple(level for level in HandlingLevel if level in given)


@dataclass(frozen=True)
class Clearance:
    """Handling levels that a person may see, and whether words before redaction."""

    levels: frozenset[HandlingLevel]
    originals: bool = False

    @property
    def more_than_open(self) -> bool:
        """Whether it takes a second factor."""
        return self.originals or not self.levels <= OPEN_ONLY


@dataclass(frozen=True)
class Person:
    """A person as people who manage accounts see them.

    ``cleared`` is what an administrator said; it holds in full only with a second factor. ``can_sign_in`` is false until they
    have followed their invitation; ``link_ends`` is when an open link of theirs ends.
    """

    id: int
    organisation_id: int
    name: str
    email: str
    role: Role
    active: bool
    cleared: Clearance
    can_sign_in: bool
    has_password: bool
    passkeys: int
    authenticator: bool
    recovery_codes: int
    oidc: bool
    link_ends: datetime | None

    @property
    def second_factor(self) -> bool:
        """Whether they have set one up."""
        return self.authenticator or self.passkeys > 0

    @property
    def waits_for_second_factor(self) -> bool:
        """Whether part of their clearance does not hold until they have set up a second factor."""
        return self.cleared.more_than_open and not self.second_factor


@dataclass(frozen=True)
class NewLink:
    """A link that was just made. ``secret`` is shown once and kept nowhere; without ``ends_at`` it does not end by itself."""

    secret: str
    purpose: str
    person_name: str
    ends_at: datetime | None


@dataclass(frozen=True)
class OpenLink:
    """What a link leads to. ``person`` is None for the first account."""

    purpose: str
    organisation_id: int
    person: Person | None


@dataclass(frozen=True)
class Place:
    """Where a person is signed in."""

    started_at: datetime
    device: str
    way: str
    second_factor: bool
    this_one: bool


@dataclass(frozen=True)
class Passkey:
    """A passkey as its owner sees it."""

    id: int
    name: str
    made_at: datetime
    used_at: datetime | None
