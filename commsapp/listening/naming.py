"""Who may know the names of topics: made of people's words, which not everybody may read (see `analysing.NAMED_BY_OPEN`)."""

from __future__ import annotations

from commsapp.actor import Actor, HandlingLevel
from commsapp.errors import NotAllowed
from commsapp.storage import codings, responses
from commsapp.storage.session import Session


def hides(session: Session, actor: Actor, programme_id: int) -> bool:
    """Whether a programme holds responses that the actor may not read."""
    hidden = frozenset(HandlingLevel) - actor.handling_levels
    return bool(hidden) and responses.holds_levels(session, actor, programme_id, hidden)


def topics_named(session: Session, actor: Actor, programme_id: int, named_by_open: bool | None = None) -> bool:
    """Whether the names of topics may be shown: they are made of open comments, or the actor may read all that there are.

    ``named_by_open`` says the first of other topics than those of the version in use.
    """
    if named_by_open is None:
        version = codings.current_version(session, actor, programme_id)
        named_by_open = version is None or version.named_by_open
    return named_by_open or not hides(session, actor, programme_id)


def check_topics_named(session: Session, actor: Actor, programme_id: int, named_by_open: bool) -> None:
    """Refuse to show or change topics whose names are made of words that the actor may not read.

    Raises
    ------
    NotAllowed : they are.

    """
    if not topics_named(session, actor, programme_id, named_by_open):
        raise NotAllowed(
            "The topics of this programme are named by words that you may not read.",
            "Ask somebody who may read all of its comments.",
        )
