"""What a programme's feedback is compared by: waves, context events, areas. Added and taken away on pages of their own."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from commsapp.errors import CommsappError, Conflict, NotFound
from commsapp.http import request
from commsapp.http.security import STAFF, may_enter
from commsapp.listening import service as listening
from commsapp.web import fields
from commsapp.web.pages.imports import RemoveForm
from commsapp.web.wording import day

blueprint = Blueprint("frame", __name__, url_prefix="/programmes/<int:programme_id>")


class WaveForm(fields.Form):
    """A named range of days."""

    name = fields.TextField("Name of the wave", missing="Enter a name", hint="For example, Spring 2026 or Before the campaign")
    start = fields.DayField("First day", missing="Enter the first day", hint="For example, 1/3/2026")
    end = fields.DayField("Last day", missing="Enter the last day", hint="This day still belongs to the wave")
    send = fields.Button("Add the wave")


class ContextEventForm(fields.Form):
    """What else happened."""

    name = fields.TextField("What happened", missing="Enter what happened", hint="For example, Arrests at the harbour")
    start = fields.DayField("Day it began", missing="Enter the day it began", hint="For example, 1/3/2026")
    end = fields.DayField("Last day, where it took longer", hint="You can leave it empty")
    areas = fields.TicksField("Areas", hint="Tick none where it was heard of everywhere")
    send = fields.Button("Add the event")


class AreaForm(fields.Form):
    """A place that responses belong to."""

    name = fields.TextField("Name of the area", missing="Enter a name", hint="As your files write it")
    population = fields.WholeNumberField("People who live there", hint="You can leave it empty")
    send = fields.Button("Add the area")


@blueprint.route("/waves/new", methods=["GET", "POST"])
@may_enter(*STAFF)
def add_wave(programme_id: int) -> Response | tuple[str, int]:
    """Name a period that is compared with others."""
    session, actor = request.session(), request.actor()
    programme = listening.programme(session, actor, programme_id)
    form = WaveForm()
    if form.validate_on_submit() and _in_order(form, form.end.data):
        try:
            wave = listening.add_wave(session, actor, programme_id, name=form.name.data, start=form.start.data, end=form.end.data)
        except CommsappError as error:
            form.name.errors = [str(error)]
        else:
            flash(f"The wave {wave.name} was added. {_again(programme_id)}", "success")
            return _back(programme_id)
    return render_template("programmes/add_wave.html", form=form, programme=programme), 422 if form.errors else 200


@blueprint.route("/context-events/new", methods=["GET", "POST"])
@may_enter(*STAFF)
def add_context_event(programme_id: int) -> Response | tuple[str, int]:
    """Note what else happened."""
    session, actor = request.session(), request.actor()
    programme = listening.programme(session, actor, programme_id)
    areas = [area.name for area in listening.areas(session, actor, programme_id)]
    form = ContextEventForm()
    form.areas.choices = {name: name for name in areas}
    if form.validate_on_submit() and _in_order(form, form.end.data or form.start.data):
        try:
            event = listening.add_context_event(
                session,
                actor,
                programme_id,
                name=form.name.data,
                start=form.start.data,
                end=form.end.data or form.start.data,
                areas=tuple(form.areas.data or ()),
            )
        except CommsappError as error:
            form.name.errors = [str(error)]
        else:
            flash(f"{event.name} was noted. It stands on every chart over time.", "success")
            return _back(programme_id)
    page = render_template("programmes/add_context_event.html", form=form, programme=programme, areas=areas)
    return page, 422 if form.errors else 200


@blueprint.route("/areas/new", methods=["GET", "POST"])
@may_enter(*STAFF)
def add_area(programme_id: int) -> Response | tuple[str, int]:
    """Add a place before the first response from it comes in, or to say how many live there."""
    session, actor = request.session(), request.actor()
    programme = listening.programme(session, actor, programme_id)
    form = AreaForm()
    if form.validate_on_submit():
        try:
            area = listening.add_area(session, actor, programme_id, name=form.name.data, population=form.population.data)
        except Conflict as error:
            form.name.errors = [str(error)]
        except CommsappError as error:
            form.population.errors = [str(error)]
        else:
            flash(f"The area {area.name} was added.", "success")
            return _back(programme_id)
    return render_template("programmes/add_area.html", form=form, programme=programme), 422 if form.errors else 200


@blueprint.route("/waves/<int:wave_id>/remove", methods=["GET", "POST"])
@may_enter(*STAFF)
def remove_wave(programme_id: int, wave_id: int) -> Response | str:
    """Ask whether a wave should go, and take it away."""
    session, actor = request.session(), request.actor()
    programme = listening.programme(session, actor, programme_id)
    form = RemoveForm()
    if form.validate_on_submit():
        try:
            wave = listening.remove_wave(session, actor, programme_id, wave_id)
        except Conflict as error:
            flash(str(error))
        else:
            flash(f"The wave {wave.name} was removed; nothing that people said was. {_again(programme_id)}", "success")
        return _back(programme_id)
    wave = _one(listening.waves(session, actor, programme_id), wave_id, "wave")
    lines = [
        f"It runs from {day(wave.start)} to {day(wave.end)}.",
        "What people said in that time stays. Figures for this wave are no longer shown.",
    ]
    return _confirm(form, programme, f"Remove the wave {wave.name}?", lines)


@blueprint.route("/context-events/<int:event_id>/remove", methods=["GET", "POST"])
@may_enter(*STAFF)
def remove_context_event(programme_id: int, event_id: int) -> Response | str:
    """Ask whether a context event should go, and take it away."""
    session, actor = request.session(), request.actor()
    programme = listening.programme(session, actor, programme_id)
    form = RemoveForm()
    if form.validate_on_submit():
        event = listening.remove_context_event(session, actor, programme_id, event_id)
        flash(f"{event.name} was removed.", "success")
        return _back(programme_id)
    event = _one(listening.context_events(session, actor, programme_id), event_id, "context event")
    lines = [f"It is noted on {day(event.start)}.", "It is then no longer on the charts over time, nor beside a measured change."]
    return _confirm(form, programme, f"Remove the context event {event.name}?", lines)


def _confirm(form: RemoveForm, programme: Any, question: str, lines: list[str]) -> str:
    return render_template("programmes/remove.html", form=form, programme=programme, question=question, lines=lines)


def _one(parts: list[Any], part_id: int, what: str) -> Any:
    found = next((part for part in parts if part.id == part_id), None)
    if found is None:
        raise NotFound(f"There is no such {what} in this programme.", "Go back to the programme.")
    return found


def _in_order(form: Any, end: Any) -> bool:
    if end < form.start.data:
        form.end.errors = ["Enter a last day that is not before the first"]
        return False
    return True


def _again(programme_id: int) -> str:
    """Results follow the waves, so they are computed anew where there are any."""
    if listening.latest_summary(request.session(), request.actor(), programme_id) is None:
        return ""
    listening.start_analysis(request.session(), request.actor(), programme_id=programme_id)
    return "The results are being worked out again."


def _back(programme_id: int) -> Response:
    return redirect(url_for("programmes.show", programme_id=programme_id))
