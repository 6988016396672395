"""Searching what was said by its words."""

from __future__ import annotations

from commsapp.actor import Actor
from commsapp.listening import programmes as frame
from commsapp.listening import views
from commsapp.listening.reporting import comments_page
from commsapp.storage.session import Session


def search(
    session: Session,
    actor: Actor,
    programme_id: int,
    words: str,
    *,
    wave: str = "",
    area: str = "",
    segment: str = "",
    sentiment: str = "",
    number: int = 1,
) -> views.Page:
    """One page of the comments that have all the words, the latest first, of those that the actor is cleared for.

    "Words in quotation marks" stand in a row, and a -word must not occur. Endings, accents and capitals don't count
    ('dealers' finds 'dealer'). No words find nothing. Open comments are found by an index; all others are opened one by
    one, which takes seconds for 100,000.

    Raises
    ------
    NotFound : there is no such programme, or it belongs to another organisation.

    """
    frame.programme(session, actor, programme_id)
    return comments_page(
        session, actor, programme_id, words=words, wave=wave, area=area, segment=segment, sentiment=sentiment, number=number
    )
