"""What is new in each wave: groups of comments that fit no topic and were not heard before."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from commsapp.api.document import Calls
from commsapp.api.fields import Number, Shape, Text, Whole, YesNo, a, several
from commsapp.api.paging import Paging, cut, pages_of
from commsapp.http import request
from commsapp.http.security import ANALYSTS, STAFF, may_enter, needs_scope
from commsapp.listening import service as listening

calls = Calls("emerging", __name__, description="What is new in a wave: comments that fit no topic and were not heard before.")

_READ, _WRITE = "results:read", "codebooks:write"


class EmergingGroup(Shape):
    """Comments of a wave that fit no topic and lie near each other, of those that you may read."""

    id = a(Whole, "Its number; another one where the wave is looked at again.", example=1)
    wave_id = a(Whole, "The wave.", example=2)
    wave = a(Text, "Name of the wave.", example="March 2026")
    number = a(Whole, "Which group of the wave, from 1 on; the most surprising first.", example=1)
    name = a(Text, "Phrases that are typical of it.", example="Charity tins; shop counter")
    named = a(YesNo, "Whether words of its comments name it; too few open comments give it a neutral name.")
    comments = a(Whole, "How many comments of the wave are in it.", example=24)
    share = a(Number, "Its share of the wave, by the half of it that the group was not found in.", example=0.06)
    before = a(Number, "Its share of what was heard in earlier waves.", example=0.004)
    chance = a(Number, "Probability that a wave in which nothing is new shows such a group.", example=0.012)
    new = a(YesNo, "Whether it counts as new: the chance is at most 1 in 20.")
    examples = several(Whole, "Numbers of its most typical comments, 30 at most.")
    set_aside_by = a(Text, "Who set it aside; empty for nobody.", example="")
    set_aside_at = a(
        ma.fields.AwareDateTime,
        "When it was set aside; null where it was not.",
        nullable=True,
        example="2026-04-01T09:30:00+00:00",
    )
    in_draft = a(Text, "The topic that the draft of the codebook makes of it; empty for none.", example="")


@calls.at("/programmes/<int:programme_id>/emerging")
@calls.query(Paging)
@calls.gives(200, pages_of(EmergingGroup))
@may_enter(*STAFF)
@needs_scope(_READ)
def list_emerging_groups(wanted: dict[str, Any], programme_id: int) -> dict[str, Any]:
    """Groups of comments that fit no topic and are more frequent than before, the latest wave first; see which are ``new``.

    To make a topic of one, send its ``examples`` as ``comments`` to ``codebook/draft/topics``.
    """
    waves = listening.whats_new(request.session(), request.actor(), programme_id).waves
    return cut([group for wave in waves for group in wave.groups], wanted)


@calls.at("/programmes/<int:programme_id>/emerging/<int:group_id>/set-aside", "POST")
@calls.gives(200, EmergingGroup)
@may_enter(*ANALYSTS)
@needs_scope(_WRITE)
def set_emerging_group_aside(programme_id: int, group_id: int) -> Any:
    """Point a group out no longer; it stays so when the wave is looked at again. Nothing needs to be sent."""
    return listening.set_group_aside(request.session(), request.actor(), programme_id, group_id)


@calls.at("/programmes/<int:programme_id>/emerging/<int:group_id>/bring-back", "POST")
@calls.gives(200, EmergingGroup)
@may_enter(*ANALYSTS)
@needs_scope(_WRITE)
def bring_emerging_group_back(programme_id: int, group_id: int) -> Any:
    """Point a group out again that was set aside. Nothing needs to be sent."""
    return listening.bring_group_back(request.session(), request.actor(), programme_id, group_id)
