"""Campaigns: their objective, messages that answer a listening result, what those should move, and where they are said."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from commsapp.api.document import Calls
from commsapp.api.fields import Day, Number, Shape, Text, Whole, YesNo, a, one, several
from commsapp.api.heard import OneResult
from commsapp.api.paging import Paging, cut, pages_of
from commsapp.api.programmes import of_programme
from commsapp.http import request
from commsapp.http.security import PLANNERS, STAFF, may_enter, needs_scope
from commsapp.planning import service as planning
from commsapp.planning.campaigns import MEASURES

calls = Calls("campaigns", __name__, description="Campaigns: what they say, and what they should move.")

READ, WRITE = "campaigns:read", "campaigns:write"


class Activity(Shape):
    """One message in one medium and area between two dates at a cost, planned or as delivered."""

    id = a(Whole, "Its number.", example=1)
    message_id = a(Whole, "Its message.", example=1)
    medium = a(Text, "Where it is said.", example="Posters on buses")
    area = a(Text, "Name of the area; empty for everywhere.", example="Ash")
    start = a(Day, "First day.", example="2026-05-01")
    end = a(Day, "Last day.", example="2026-05-31")
    cost = a(Number, "Cost in pounds; null where nobody said.", nullable=True, example=1200.0)
    delivered = a(YesNo, "Whether it is what was delivered, and not only planned.")


class NewActivity(Shape):
    """An activity to be added."""

    medium = a(Text, "Where it is said.", example="Posters on buses")
    area = a(Text, "Name of an area of the programme; empty for everywhere.", default="", example="Ash")
    start = a(Day, "First day.", example="2026-05-01")
    end = a(Day, "Last day.", example="2026-05-31")
    cost = a(Number, "Cost in pounds.", default=None, nullable=True, low=0.0, example=1200.0)
    delivered = a(YesNo, "Whether it is what was delivered, and not only planned.", default=False)


class ExpectedEffect(Shape):
    """What a message should move, fixed once and kept as it was."""

    id = a(Whole, "Its number.", example=1)
    message_id = a(Whole, "Its message.", example=1)
    measure = a(Text, "Which kind of listening result.", example="answer share", one_of=MEASURES)
    item = a(Text, "Of what: a topic, or a question and its choice.", example="Have you heard of it?: Yes")
    areas = several(Text, "Where it is measured; none means everywhere.")
    segment = a(Text, "Attribute and choice; empty for all.", example="")
    direction = a(Text, "Which way it should go.", example="up", one_of=("up", "down"))
    target_difference = a(Number, "By how much, above 0: 0.1 is 10 points.", example=0.1)
    smallest = a(Number, "The smallest change that matters; null where nobody said.", nullable=True, example=0.05)
    by = a(Day, "The day by which it should have moved.", example="2026-06-30")
    before_wave_id = a(Whole, "The wave it is measured from.", example=1)
    after_wave_id = a(Whole, "The wave it is measured with; null where that comes later.", nullable=True, example=2)
    fixed_at = a(ma.fields.AwareDateTime, "When it was fixed.", example="2026-04-01T09:30:00+00:00")
    fixed_note = a(Text, "Says so where it was fixed after the start; must be shown with the effect.", example="")
    sentence = a(
        Text, "What is expected, in plain words.", example="The share of people … should go up by 10 points by 30 June 2026."
    )


class NewExpectedEffect(Shape):
    """What a message should move. It can be fixed once; the same again gives back what was fixed."""

    measure = a(Text, "Which kind of listening result.", example="answer share", one_of=MEASURES)
    item = a(Text, "Of what, exactly as the result calls it; empty for tone.", default="", example="Have you heard of it?: Yes")
    areas = several(Text, "Where it is measured; none means everywhere.", default=())
    segment = a(Text, "Attribute and choice; empty for all.", default="", example="")
    direction = a(Text, "Which way it should go.", example="up", one_of=("up", "down"))
    target_difference = a(Number, "By how much, above 0: 0.1 is 10 points.", example=0.1)
    smallest = a(Number, "The smallest change that matters.", default=None, nullable=True, example=0.05)
    by = a(Day, "The day by which it should have moved.", example="2026-06-30")
    before_wave_id = a(Whole, "The wave it is measured from.", example=1)
    after_wave_id = a(Whole, "The wave it is measured with, where that is there already.", default=None, nullable=True, example=2)


class Message(Shape):
    """What is said, with the frozen listening result that it answers and what is expected of it."""

    id = a(Whole, "Its number.", example=1)
    campaign_id = a(Whole, "Its campaign.", example=1)
    text = a(Text, "What it says.", example="Your account is not for rent.")
    language = a(Text, "Its language, as a code.", example="en")
    behaviour = a(Text, "The behaviour that it works on; may be empty.", example="facilitate")
    segment = a(Text, "Whom it is for; empty for everybody.", example="age = 16-24")
    cited = one(OneResult, "The listening result that it answers.", nullable=True)
    expected = one(ExpectedEffect, "What it should move; null where nothing is fixed yet.", nullable=True)
    activities = several(Activity, "Where, when and at what cost it is said.")


class NewMessage(Shape):
    """A message to be drafted, which answers a listening result."""

    text = a(Text, "What it says.", example="Your account is not for rent.")
    listening_result_id = a(Whole, "The listening result of this programme that it answers.", example=1)
    language = a(Text, "Its language, as a code.", default="en", example="en")
    behaviour = a(Text, "A behaviour of the campaign's approach.", default="", example="facilitate")
    segment = a(Text, "Whom it is for: an attribute and its choice.", default="", example="age = 16-24")


class ShortCampaign(Shape):
    """A campaign in a list, without its messages."""

    id = a(Whole, "Its number.", example=1)
    programme_id = a(Whole, "Its programme.", example=1)
    name = a(Text, "Its name.", example="Not your account")
    approach = a(Text, "Its approach.", example="deterrence")
    playbook = a(Text, "The playbook that it follows; may be empty.", example="not-your-account")
    start = a(Day, "First day.", example="2026-05-01")
    end = a(Day, "Last day.", example="2026-05-31")
    areas = several(Text, "Where; none means everywhere.")
    objective = a(Text, "What it is to bring about.", example="More people have heard that criminals pay for bank accounts.")


class Campaign(ShortCampaign):
    """A campaign with its messages."""

    messages = several(Message, "Its messages.")


class NewCampaign(Shape):
    """A campaign to be planned."""

    name = a(Text, "Its name.", example="Not your account")
    approach = a(Text, "Name of an approach, as campaigns/approaches.yaml has it.", example="deterrence")
    playbook = a(Text, "Name of a playbook of that approach.", default="", example="not-your-account")
    start = a(Day, "First day.", example="2026-05-01")
    end = a(Day, "Last day.", example="2026-05-31")
    areas = several(Text, "Names of areas of the programme; none means everywhere.", default=())
    objective = a(Text, "What it is to bring about.", example="More people have heard that criminals pay for bank accounts.")


@calls.at("/programmes/<int:programme_id>/campaigns")
@calls.query(Paging)
@calls.gives(200, pages_of(ShortCampaign))
@may_enter(*STAFF)
@needs_scope(READ)
def list_campaigns(wanted: dict[str, Any], programme_id: int) -> dict[str, Any]:
    """Campaigns of a programme in time."""
    return cut(of_programme(programme_id, planning.campaigns), wanted)


@calls.at("/programmes/<int:programme_id>/campaigns", "POST")
@calls.body(NewCampaign)
@calls.gives(201, Campaign)
@may_enter(*PLANNERS)
@needs_scope(WRITE)
def create_campaign(new: dict[str, Any], programme_id: int) -> Any:
    """Plan a campaign with its one objective."""
    new |= {"areas": tuple(new["areas"])}
    return planning.create_campaign(request.session(), request.actor(), programme_id=programme_id, **new)


@calls.at("/campaigns/<int:campaign_id>")
@calls.gives(200, Campaign)
@may_enter(*STAFF)
@needs_scope(READ)
def get_campaign(campaign_id: int) -> Any:
    """One campaign with its messages, what they answer, and what they should move."""
    return planning.campaign(request.session(), request.actor(), campaign_id)


@calls.at("/campaigns/<int:campaign_id>/messages", "POST")
@calls.body(NewMessage)
@calls.gives(201, Message)
@may_enter(*PLANNERS)
@needs_scope(WRITE)
def draft_message(new: dict[str, Any], campaign_id: int) -> Any:
    """Draft a message that answers a frozen listening result."""
    return planning.draft_message(request.session(), request.actor(), campaign_id=campaign_id, **new)


@calls.at("/messages/<int:message_id>")
@calls.gives(200, Message)
@may_enter(*STAFF)
@needs_scope(READ)
def get_message(message_id: int) -> Any:
    """One message."""
    return planning.message(request.session(), request.actor(), message_id)


@calls.at("/messages/<int:message_id>/activities", "POST")
@calls.body(NewActivity)
@calls.gives(201, Activity)
@may_enter(*PLANNERS)
@needs_scope(WRITE)
def add_activity(new: dict[str, Any], message_id: int) -> Any:
    """Add where, when and at what cost a message is said."""
    return planning.add_activity(request.session(), request.actor(), message_id=message_id, **new)


@calls.at("/messages/<int:message_id>/expected-effect", "POST")
@calls.body(NewExpectedEffect)
@calls.gives(201, ExpectedEffect)
@may_enter(*PLANNERS)
@needs_scope(WRITE)
def fix_expected_effect(new: dict[str, Any], message_id: int) -> Any:
    """Fix, once, what a message should move. After the campaign's start that is stored too, and marked."""
    new |= {"areas": tuple(new["areas"])}
    return planning.fix_expected_effect(request.session(), request.actor(), message_id=message_id, **new)
