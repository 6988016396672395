"""Responses one by one, with what was answered in them: for those who work on the records themselves."""

from __future__ import annotations

from typing import Any

from commsapp.actor import Actor, HandlingLevel
from commsapp.listening import views
from commsapp.listening.coders import HELD_BACK, NO_CONSENT
from commsapp.listening.measuring import NO_ANSWER
from commsapp.storage import programmes, responses
from commsapp.storage.session import Session


def responses_page(
    session: Session,
    actor: Actor,
    programme_id: int,
    *,
    channel: str = "",
    wave: str = "",
    area: str = "",
    number: int = 1,
    size: int = 25,
) -> tuple[tuple[views.Responded, ...], int]:
    """One page of responses that the actor is cleared for, and how many there are. Filters left empty don't filter.

    An answer that may not be analysed, or is held back as a concern, is named and not given, as in every figure.
    """
    days = None
    if wave:
        days = next(((w.start, w.end) for w in programmes.waves(session, actor, programme_id) if w.name == wave), None)
        if days is None:
            return (), 0
    rows, total = responses.response_page(
        session, actor, programme_id, channel=channel, area=area, days=days, start=(number - 1) * size, limit=size
    )
    answers: dict[int, list[Any]] = {row.response_id: [] for row in rows}
    for answer in responses.answers_of(session, actor, programme_id, list(answers)):
        answers[answer.response_id].append(answer)
    return tuple(_responded(row, answers[row.response_id]) for row in rows), total


def _responded(row: Any, answers: list[Any]) -> views.Responded:
    return views.as_view(  # type: ignore[no-any-return]
        views.Responded,
        row,
        id=row.response_id,
        attributes={name: str(value) for name, value in row.attributes.items()},
        respondent="" if row.respondent_id is None else f"respondent {row.respondent_id}",
        consent=tuple(row.consent),
        has_comment=row.comment_id is not None,
        answers=tuple(_answered(answer, row) for answer in answers),
    )


def _answered(answer: Any, row: Any) -> views.Answered:
    """The same rule as for figures (`reporting.records`)."""
    why = NO_ANSWER if answer.choice == "" else ""
    why = why if "analyse" in row.consent else NO_CONSENT
    why = HELD_BACK if row.handling_level == HandlingLevel.CONCERN else why
    return views.Answered(answer.question, "" if why else answer.choice, why)
