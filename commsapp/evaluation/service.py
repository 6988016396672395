"""The only door of evaluation: measure a message's effect, and read what was measured.

Calls take an open session first, then who is asking; measuring takes `Sessions`, since it computes between reading and writing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime

import pandas as pd

from commsapp.actor import Actor
from commsapp.errors import BadInput
from commsapp.evaluation.comparing import Question, measured, numbered
from commsapp.evaluation.views import VERDICT_WORDS, Diagnosis, EffectView
from commsapp.listening import service as listening
from commsapp.listening.measuring import TOPIC_SHARE
from commsapp.planning import service as planning
from commsapp.planning.campaigns import ExpectedEffect
from commsapp.storage import campaigns as store
from commsapp.storage.session import Session, Sessions

__all__ = ["VERDICT_WORDS", "EffectView", "effects", "latest_effect", "measure_effect"]

_TABLE = ["figure", "value", "low", "high", "n", "n_effective"]


def measure_effect(sessions: Sessions, actor: Actor, *, message_id: int, today: date | None = None) -> EffectView:
    """Measure a message's effect and store it beside earlier measurements, which stay as they were.

    Reads first, computes with nothing open, writes once, as others want to write meanwhile. Before the wave after has ended
    the measurement is provisional, and says so; ``today`` is the current day unless given.

    Raises
    ------
    NotFound : no such message. BadInput : nothing was fixed that it should move, or that is the share of a topic
        that is in use no longer.

    """
    with sessions.reading() as session:
        question = _question(session, actor, message_id, today or datetime.now(UTC).date())
    found = measured(question)
    with sessions.writing() as session:
        # counted here, since others may have measured it while this was computed
        detail = numbered(found.detail, len(store.measured_effects(session, actor, message_id)) + 1)
        row = store.add_measured_effect(
            session,
            actor,
            expected_effect_id=question.expected.id,
            design=found.design,
            estimate=found.estimate,
            low=found.low,
            high=found.high,
            verdict=found.verdict,
            detail=detail,
        )
    return _view(row, message_id)


def latest_effect(session: Session, actor: Actor, message_id: int) -> EffectView | None:
    """Give the latest measurement of a message; None where there is none, or the message isn't the organisation's."""
    return next(iter(effects(session, actor, message_id)), None)


def effects(session: Session, actor: Actor, message_id: int) -> list[EffectView]:
    """Every measurement of a message, the latest first."""
    return [_view(row, message_id) for row in store.measured_effects(session, actor, message_id)]


def _question(session: Session, actor: Actor, message_id: int, today: date) -> Question:
    message = planning.message(session, actor, message_id)
    if message.expected is None:
        raise BadInput("Nothing is fixed that this message should move.", "Fix the expected effect first.")
    campaign = planning.campaign(session, actor, message.campaign_id)
    programme_id = campaign.programme_id
    topic = _topic(session, actor, programme_id, message.expected)
    return Question(
        expected=message.expected,
        campaign=campaign,
        # The whole programme, whoever presses the button: one message must not have an effect for each of them.
        records=listening.records(session, actor.cleared(), programme_id),
        waves=tuple(listening.waves(session, actor, programme_id)),
        context_events=tuple(listening.context_events(session, actor, programme_id)),
        today=today,
        compared_with=_compared_with(store.measured_effects(session, actor, message_id)),
        topic=None if topic is None else topic.number,
        followed="" if topic is None else topic.said,
    )


def _compared_with(measured: Sequence[store.MeasuredEffect]) -> str:
    """The wave after of the earliest measurement that had one, so that waves made later don't move the comparison."""
    waves = [str(row.detail["after_wave"]) for row in measured if row.detail["after_wave"] and row.estimate is not None]
    return waves[-1] if waves else ""


def _topic(session: Session, actor: Actor, programme_id: int, expected: ExpectedEffect) -> listening.Followed | None:
    """The topic that should move as it goes on in the codebook in use, by its number, through renames and merges.

    Raises
    ------
    BadInput : it doesn't go on: it was dropped, or is of a codebook whose topics didn't keep their numbers.

    """
    codebook = listening.codebook_in_use(session, actor, programme_id)
    if expected.measure != TOPIC_SHARE or codebook is None:
        return None
    version = expected.codebook_version
    found = listening.topic_followed(session, actor, programme_id, name=expected.item, codebook_version=version)
    if found is None and version != codebook.version:
        raise BadInput(
            f"The topic ‘{expected.item}’ was fixed in codebook {version}, but {codebook.version} is in use, "
            "so its change can't be measured.",
            "Plan a new message on the topics in use.",
        )
    return found


def _view(row: store.MeasuredEffect, message_id: int) -> EffectView:
    detail = row.detail
    words = {name: detail[name] for name in ("measure", "strength", "before_wave", "after_wave", "comparison", "provisional")}
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
