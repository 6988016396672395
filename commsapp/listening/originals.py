"""A comment as it was written, for one who may see it: one at a time, and each look leaves a trace."""

from __future__ import annotations

from typing import Any

from commsapp.actor import Actor
from commsapp.errors import BadInput, NotFound
from commsapp.listening import views
from commsapp.listening.redaction.kinds import REASON_IN_WORDS, REASONS
from commsapp.storage import events, responses
from commsapp.storage.session import Session


def may_read_original(actor: Actor) -> bool:
    """Whether somebody may see words before names and numbers were taken out."""
    return actor.originals


def comment_redacted(session: Session, actor: Actor, programme_id: int, comment_id: int) -> str:
    """The words of one comment as everybody sees them, for the page that asks why somebody needs more.

    Raises
    ------
    NotFound : no such comment, or not for this person.

    """
    return str(_row(session, actor, programme_id, comment_id).redacted)


def read_original(
    session: Session, actor: Actor, programme_id: int, comment_id: int, *, why: str, more: str = ""
) -> views.AsWritten:
    """One comment as it was written; who read it, when and why is recorded in the same transaction.

    Raises
    ------
    NotFound : no such comment, or not for this person: the two look alike. BadInput : no reason was given.

    """
    row = _row(session, actor, programme_id, comment_id)
    why, more = why.strip(), " ".join(more.split())
    if why not in REASONS:
        raise BadInput("Say why you need to see it.", f"Choose one of: {', '.join(REASONS)}.")
    if why == REASON_IN_WORDS and not more:
        raise BadInput("Say in a few words why you need to see it.", "Write what you need it for.")
    events.record(
        session,
        actor,
        action="read original",
        subject="comment",
        subject_id=comment_id,
        after={"programme_id": programme_id, "handling_level": row.handling_level},
        why=f"{why}: {more}" if more else why,
    )
    return views.as_view(views.AsWritten, row, words=row.redacted)  # type: ignore[no-any-return]


def _row(session: Session, actor: Actor, programme_id: int, comment_id: int) -> Any:
    row = responses.comment_as_written(session, actor, programme_id, comment_id) if may_read_original(actor) else None
    if row is None:
        raise NotFound("There is no such comment.", "Go back to what was heard.")
    return row
