"""Programmes, and what they are compared by: feedback channels, waves, areas, attributes, context events."""

from __future__ import annotations

from typing import Any

from commsapp.api.document import Calls
from commsapp.api.fields import Day, Shape, Text, Whole, YesNo, a, several
from commsapp.api.paging import Paging, cut, pages_of
from commsapp.http import request
from commsapp.http.security import STAFF, may_enter, needs_scope
from commsapp.listening import service as listening
from commsapp.listening.views import HOW_CHOSEN

calls = Calls("programmes", __name__, description="Programmes, and what they are compared by.")

READ, WRITE = "programmes:read", "programmes:write"


class Programme(Shape):
    """The frame for one piece of work, with how much was heard that you are cleared for."""

    id = a(Whole, "Its number.", example=1)
    name = a(Text, "Its name.", example="County lines 2026")
    description = a(Text, "What it is about.", example="Young people and their families in four towns")
    made_up = a(YesNo, "Whether it is a made-up example.")
    responses = a(Whole, "How many responses came in.", example=412)
    comments = a(Whole, "How many of them hold a comment.", example=398)


class NewProgramme(Shape):
    """A programme to be made."""

    name = a(Text, "Its name, 200 characters at most.", example="County lines 2026")
    description = a(Text, "What it is about.", default="", example="Young people and their families in four towns")


class Channel(Shape):
    """Where feedback comes from, and how people were chosen: where they chose themselves, a share is one of feedback."""

    id = a(Whole, "Its number.", example=1)
    name = a(Text, "Its name.", example="Spring survey")
    kind = a(Text, "What kind of channel it is.", example="survey")
    chosen = a(Text, "How people were chosen.", example="random", one_of=HOW_CHOSEN)


class NewChannel(Shape):
    """A feedback channel to be opened; the one of that name where there is one."""

    name = a(Text, "Its name, 200 characters at most.", example="Spring survey")
    chosen = a(Text, "How people were chosen.", example="random", one_of=HOW_CHOSEN)
    kind = a(Text, "What kind of channel it is; its name where left out.", default="", example="survey")
    authority = a(
        Text, "On what authority it is listened to.", default="", example="Community safety partnership agreement, 2025"
    )


class Wave(Shape):
    """A period of listening that is compared with others, both days included. Waves may overlap."""

    id = a(Whole, "Its number.", example=1)
    name = a(Text, "Its name.", example="March 2026")
    start = a(Day, "Its first day.", example="2026-03-01")
    end = a(Day, "Its last day.", example="2026-03-31")
    proposed = a(YesNo, "Whether an analysis proposed it, as a calendar month in which something was heard.")


class NewWave(Shape):
    """A wave to be added."""

    name = a(Text, "Its name, 200 characters at most.", example="Before the campaign")
    start = a(Day, "Its first day.", example="2026-03-01")
    end = a(Day, "Its last day.", example="2026-03-31")


class Area(Shape):
    """A place that responses belong to."""

    id = a(Whole, "Its number.", example=1)
    name = a(Text, "Its name, as files write it.", example="Ash")
    code = a(Text, "Its official code; may be empty.", example="E05000001")
    population = a(Whole, "How many people live there; null where nobody said.", nullable=True, example=14200)


class NewArea(Shape):
    """An area to be added."""

    name = a(Text, "Its name, as files write it.", example="Ash")
    code = a(Text, "Its official code.", default="", example="E05000001")
    population = a(Whole, "How many people live there.", default=None, nullable=True, example=14200)


class Attribute(Shape):
    """What is known of those who responded, with its choices: segments are made of one ('age = 16-24')."""

    name = a(Text, "Its name.", example="age")
    choices = several(Text, "What it may be.")


class ContextEvent(Shape):
    """What else happened, such as arrests or a news story. No areas means everywhere."""

    id = a(Whole, "Its number.", example=1)
    name = a(Text, "What happened.", example="Arrests at the harbour")
    kind = a(Text, "What kind of thing it was; may be empty.", example="arrests")
    start = a(Day, "The day it began.", example="2026-03-05")
    end = a(Day, "Its last day.", example="2026-03-05")
    areas = several(Text, "Where; none means everywhere.")


class NewContextEvent(Shape):
    """A context event to be noted."""

    name = a(Text, "What happened.", example="Arrests at the harbour")
    start = a(Day, "The day it began.", example="2026-03-05")
    end = a(Day, "Its last day; the first where left out.", default=None, nullable=True, example="2026-03-05")
    kind = a(Text, "What kind of thing it was.", default="", example="arrests")
    areas = several(Text, "Names of areas of the programme; none means everywhere.", default=())


def of_programme(programme_id: int, read: Any) -> list[Any]:
    """A list of a programme's parts; the programme is looked for first, so that another organisation's is not found."""
    session, actor = request.session(), request.actor()
    listening.programme(session, actor, programme_id)
    return list(read(session, actor, programme_id))


@calls.at("/programmes")
@calls.query(Paging)
@calls.gives(200, pages_of(Programme))
@may_enter(*STAFF)
@needs_scope(READ)
def list_programmes(wanted: dict[str, Any]) -> dict[str, Any]:
    """Programmes by name."""
    return cut(listening.all_programmes(request.session(), request.actor()), wanted)


@calls.at("/programmes", "POST")
@calls.body(NewProgramme)
@calls.gives(201, Programme)
@may_enter(*STAFF)
@needs_scope(WRITE)
def create_programme(new: dict[str, Any]) -> Any:
    """Make a programme."""
    return listening.create_programme(request.session(), request.actor(), **new)


@calls.at("/programmes/<int:programme_id>")
@calls.gives(200, Programme)
@may_enter(*STAFF)
@needs_scope(READ)
def get_programme(programme_id: int) -> Any:
    """One programme."""
    return listening.programme(request.session(), request.actor(), programme_id)


@calls.at("/programmes/<int:programme_id>/channels")
@calls.query(Paging)
@calls.gives(200, pages_of(Channel))
@may_enter(*STAFF)
@needs_scope(READ)
def list_channels(wanted: dict[str, Any], programme_id: int) -> dict[str, Any]:
    """Feedback channels of a programme by name."""
    return cut(of_programme(programme_id, listening.channels), wanted)


@calls.at("/programmes/<int:programme_id>/channels", "POST")
@calls.body(NewChannel)
@calls.gives(201, Channel)
@may_enter(*STAFF)
@needs_scope(WRITE)
def add_channel(new: dict[str, Any], programme_id: int) -> Any:
    """Open a feedback channel, or give back the one of that name."""
    return listening.add_channel(request.session(), request.actor(), programme_id, **new)


@calls.at("/programmes/<int:programme_id>/waves")
@calls.query(Paging)
@calls.gives(200, pages_of(Wave))
@may_enter(*STAFF)
@needs_scope(READ)
def list_waves(wanted: dict[str, Any], programme_id: int) -> dict[str, Any]:
    """Waves of a programme in time."""
    return cut(of_programme(programme_id, listening.waves), wanted)


@calls.at("/programmes/<int:programme_id>/waves", "POST")
@calls.body(NewWave)
@calls.gives(201, Wave)
@may_enter(*STAFF)
@needs_scope(WRITE)
def add_wave(new: dict[str, Any], programme_id: int) -> Any:
    """Add a wave. Its results come with the next analysis."""
    return listening.add_wave(request.session(), request.actor(), programme_id, **new)


@calls.at("/programmes/<int:programme_id>/waves/<int:wave_id>", "DELETE")
@calls.gives(204)
@may_enter(*STAFF)
@needs_scope(WRITE)
def remove_wave(programme_id: int, wave_id: int) -> None:
    """Take a wave away. What people said in that time stays."""
    listening.remove_wave(request.session(), request.actor(), programme_id, wave_id)


@calls.at("/programmes/<int:programme_id>/areas")
@calls.query(Paging)
@calls.gives(200, pages_of(Area))
@may_enter(*STAFF)
@needs_scope(READ)
def list_areas(wanted: dict[str, Any], programme_id: int) -> dict[str, Any]:
    """Areas of a programme by name."""
    return cut(of_programme(programme_id, listening.areas), wanted)


@calls.at("/programmes/<int:programme_id>/areas", "POST")
@calls.body(NewArea)
@calls.gives(201, Area)
@may_enter(*STAFF)
@needs_scope(WRITE)
def add_area(new: dict[str, Any], programme_id: int) -> Any:
    """Add an area. Those that stand in files are added by their import."""
    return listening.add_area(request.session(), request.actor(), programme_id, **new)


@calls.at("/programmes/<int:programme_id>/attributes")
@calls.query(Paging)
@calls.gives(200, pages_of(Attribute))
@may_enter(*STAFF)
@needs_scope(READ)
def list_attributes(wanted: dict[str, Any], programme_id: int) -> dict[str, Any]:
    """Attributes that segments can be made of. Where there are several feedback channels, the channel is one of them."""
    session, actor = request.session(), request.actor()
    listening.programme(session, actor, programme_id)
    found = listening.attributes(session, actor, programme_id)
    return cut([{"name": name, "choices": choices} for name, choices in found.items()], wanted)


@calls.at("/programmes/<int:programme_id>/context-events")
@calls.query(Paging)
@calls.gives(200, pages_of(ContextEvent))
@may_enter(*STAFF)
@needs_scope(READ)
def list_context_events(wanted: dict[str, Any], programme_id: int) -> dict[str, Any]:
    """Context events of a programme in time."""
    return cut(of_programme(programme_id, listening.context_events), wanted)


@calls.at("/programmes/<int:programme_id>/context-events", "POST")
@calls.body(NewContextEvent)
@calls.gives(201, ContextEvent)
@may_enter(*STAFF)
@needs_scope(WRITE)
def add_context_event(new: dict[str, Any], programme_id: int) -> Any:
    """Note what else happened."""
    new |= {"end": new["end"] or new["start"], "areas": tuple(new["areas"])}
    return listening.add_context_event(request.session(), request.actor(), programme_id, **new)


@calls.at("/programmes/<int:programme_id>/context-events/<int:event_id>", "DELETE")
@calls.gives(204)
@may_enter(*STAFF)
@needs_scope(WRITE)
def remove_context_event(programme_id: int, event_id: int) -> None:
    """Take a context event away."""
    listening.remove_context_event(request.session(), request.actor(), programme_id, event_id)
