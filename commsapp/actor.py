"""Who is asking: every service call takes an actor, and every query filters by what the actor may see."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class Role(StrEnum):
    """What a person does here; a page or a call declares which roles may enter."""

    OFFICER = "communications officer"
    WORKER = "engagement worker"
    EVALUATOR = "evaluator"
    PARTNER = "partner"
    ADMINISTRATOR = "administrator"


class HandlingLevel(StrEnum):
    """Need to know. A response carries one; an actor is cleared for some."""

    OPEN = "open"
    OFFICIAL_SENSITIVE = "official-sensitive"
    CONCERN = "concern"


@dataclass(frozen=True)
class Actor:
    """Who asks: a person of one organisation with a role, and the handling levels they are cleared for.

    ``originals`` says that they may see words as they were written, before redaction; each look is logged.
    ``scopes`` narrows what a call with a token may do; None is a person at a page, who may do all that the role may.
    """

    organisation_id: int
    person_id: int | None
    name: str
    role: Role
    handling_levels: frozenset[HandlingLevel]
    originals: bool = False
    scopes: frozenset[str] | None = None

    @property
    def sees_all(self) -> bool:
        """Whether they are cleared for every handling level, and so see whatever anybody said."""
        return frozenset(HandlingLevel) <= self.handling_levels

    def cleared(self) -> Actor:
        """The same person for work on a whole programme, which shows them nobody's words."""
        return replace(self, handling_levels=frozenset(HandlingLevel))
