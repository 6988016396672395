"""The only door of evaluation: measure a message's effect, and read what was measured."""

from __future__ import annotations

import pandas as pd

from commsapp.actor import Actor
from commsapp.errors import BadInput
from commsapp.evaluation.comparing import Question, measured
from commsapp.evaluation.views import VERDICT_WORDS, Diagnosis, EffectView
from commsapp.listening import service as listening
from commsapp.listening.measuring import TOPIC_SHARE
from commsapp.listening.reporting import NO_TOPIC
from commsapp.planning import service as planning
from commsapp.planning.campaigns import ExpectedEffect
from commsapp.storage import campaigns as store
from commsapp.storage.session import Session

__all__ = ["VERDICT_WORDS", "EffectView", "effects", "latest_effect", "measure_effect"]

_TABLE = ["figure", "value", "low", "high", "n", "n_effective"]


def measure_effect(session: Session, actor: Actor, *, message_id: int) -> EffectView:
    """Measure a message's effect and store it beside earlier measurements, which stay as they were.

    Raises
    ------
    NotFound : no such message. BadInput : nothing was fixed that it should move, or topics were found again since and its
        topic is not among them.

    """
    question = _question(session, actor, message_id)
    found = measured(question)
    row = store.add_measured_effect(
        session,
        actor,
        expected_effect_id=question.expected.id,
        design=found.design,
        estimate=found.estimate,
        low=found.low,
        high=found.high,
        verdict=found.verdict,
        detail=found.detail,
    )
    return _view(row, message_id)


def latest_effect(session: Session, actor: Actor, message_id: int) -> EffectView | None:
    """Give the latest measurement of a message; None where there is none, or the message isn't the organisation's."""
    return next(iter(effects(session, actor, message_id)), None)


def effects(session: Session, actor: Actor, message_id: int) -> list[EffectView]:
    """Every measurement of a message, the latest first."""
    return [_view(row, message_id) for row in store.measured_effects(session, actor, message_id)]


def _question(session: Session, actor: Actor, message_id: int) -> Question:
    message = planning.message(session, actor, message_id)
    if message.expected is None:
        raise BadInput("Nothing is fixed that this message should move.", "Fix the expected effect first.")
    campaign = planning.campaign(session, actor, message.campaign_id)
    programme_id = campaign.programme_id
    _check_topic(session, actor, programme_id, message.expected)
    return Question(
        expected=message.expected,
        campaign=campaign,
        records=listening.records(session, actor, programme_id),
        waves=tuple(listening.waves(session, actor, programme_id)),
        context_events=tuple(listening.context_events(session, actor, programme_id)),
    )


def _check_topic(session: Session, actor: Actor, programme_id: int, expected: ExpectedEffect) -> None:
    """Refuse a topic that the codebook in use doesn't have: its share would be 0 in every wave, which nobody measured."""
    codebook = listening.codebook_in_use(session, actor, programme_id)
    if expected.measure != TOPIC_SHARE or codebook is None:
        return
    if expected.item not in {topic.name for topic in codebook.topics} | {NO_TOPIC}:
        raise BadInput(
            f"Topics were found again, and ‘{expected.item}’ is not among them any more, so its change can't be measured.",
            "Plan a message on one of the topics in use; what was measured before is kept.",
        )


def _view(row: store.MeasuredEffect, message_id: int) -> EffectView:
    detail = row.detail
    words = {name: detail[name] for name in ("measure", "strength", "before_wave", "after_wave", "comparison")}
    return EffectView(
        id=row.id,
        message_id=message_id,
        measured_at=row.measured_at,
        design=row.design,
        verdict=row.verdict,
        estimate=row.estimate,
        low=row.low,
        high=row.high,
        sentences=tuple(detail["sentences"]),
        other_areas=detail["other_areas"],
        context=tuple(detail["context"]),
        fixed_note=detail["fixed_note"],
        diagnostics=tuple(Diagnosis(**check) for check in detail["diagnostics"]),
        table=pd.DataFrame(detail["table"], columns=_TABLE).astype(dict.fromkeys(("value", "low", "high"), "float64")),
        **words,
    )
