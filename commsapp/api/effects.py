"""Effects: whether a message moved what it should, with the uncertainty and the verdict that pages show."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from commsapp.api.document import Calls
from commsapp.api.fields import Number, Shape, Text, Whole, a, several
from commsapp.api.paging import Paging, cut, pages_of
from commsapp.evaluation import service as evaluation
from commsapp.http import request
from commsapp.http.security import ANALYSTS, STAFF, may_enter, needs_scope
from commsapp.may import shown
from commsapp.planning import service as planning

calls = Calls("effects", __name__, description="Whether messages moved what they should.")


class Diagnosis(Shape):
    """One check on a measurement."""

    name = a(Text, "What was checked.", example="enough responses")
    outcome = a(Text, "pass, fail or does not apply.", example="pass")
    detail = a(Text, "What was seen.", example="150 and 148 responses")


class EffectFigure(Shape):
    """One figure behind an effect."""

    figure = a(Text, "Which figure.", example="Campaign areas, before")
    value = a(Number, "The figure.", nullable=True, example=0.4)
    low = a(Number, "Lower end of the 95 % interval.", nullable=True, example=0.34)
    high = a(Number, "Upper end of the 95 % interval.", nullable=True, example=0.46)
    n = a(Whole, "How many stand behind it.", nullable=True, example=300)
    n_effective = a(Number, "How many it is worth.", nullable=True, example=300.0)


class Effect(Shape):
    """One measurement of a message's effect. What stands in ``sentences`` and ``fixed_note`` must be shown with the figure."""

    id = a(Whole, "Its number.", example=1)
    message_id = a(Whole, "Its message.", example=1)
    measured_at = a(ma.fields.AwareDateTime, "When it was measured.", example="2026-07-01T09:30:00+00:00")
    design = a(Text, "How it was measured.", example="before and after")
    strength = a(Text, "What such a design can show.", example="association only")
    verdict = a(Text, "The verdict.", example="association only", one_of=tuple(evaluation.VERDICT_WORDS))
    headline = a(Text, "The verdict in plain words.", example="It moved, but that is an association only")
    measure = a(Text, "Which kind of listening result.", example="answer share")
    estimate = a(Number, "The change: 0.14 is 14 points. Null where nothing could be estimated.", nullable=True, example=0.14)
    low = a(Number, "Lower end of the 95 % interval.", nullable=True, example=0.08)
    high = a(Number, "Upper end of the 95 % interval.", nullable=True, example=0.2)
    before_wave = a(Text, "The wave before; may be empty.", example="November")
    after_wave = a(Text, "The wave after; may be empty.", example="February")
    comparison = a(Text, "The measured beside the expected change.", example="Expected were 10 points up.")
    provisional = a(Text, "Says so where the wave after had not ended yet.", example="")
    sentences = several(Text, "What was found, in plain words.")
    other_areas = a(Text, "What happened in other areas; may be empty.", example="")
    context = several(Text, "What else happened meanwhile.")
    fixed_note = a(Text, "Says so where the expected effect was fixed after the start.", example="")
    diagnostics = several(Diagnosis, "Checks on the measurement.")
    table = several(EffectFigure, "The figures behind it.")


@calls.at("/messages/<int:message_id>/effects")
@calls.query(Paging)
@calls.gives(200, pages_of(Effect))
@may_enter(*STAFF)
@needs_scope("campaigns:read")
def list_effects(wanted: dict[str, Any], message_id: int) -> dict[str, Any]:
    """Every measurement of a message, the latest first; earlier ones stay as they were."""
    session, actor = request.session(), request.actor()
    planning.message(session, actor, message_id)
    return cut([_shown(effect) for effect in evaluation.effects(session, actor, message_id)], wanted)


@calls.at("/messages/<int:message_id>/effects", "POST")
@calls.gives(201, Effect)
@may_enter(*ANALYSTS)
@needs_scope("campaigns:write")
def measure_effect(message_id: int) -> dict[str, Any]:
    """Measure now whether a message moved what it should. Nothing needs to be sent."""
    return _shown(evaluation.measure_effect(request.sessions(), request.actor(), message_id=message_id))


def _shown(measured: evaluation.EffectView) -> dict[str, Any]:
    effect = shown(request.actor(), measured)
    names = [name for name in Effect().fields if name != "table"]
    rows = effect.table.to_dict("records")
    # A figure that could not be estimated is nothing, and JSON has no NaN.
    table = [{name: None if value != value else value for name, value in row.items()} for row in rows]
    return {**{name: getattr(effect, name) for name in names}, "table": table}
