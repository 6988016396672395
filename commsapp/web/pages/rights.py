"""What one person said: found, shown in one view, handed over, erased; consent and handling level changed."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, url_for
from flask import request as http
from werkzeug.wrappers import Response

from commsapp.actor import HandlingLevel
from commsapp.errors import BadInput, CommsappError, Conflict, NotAllowed
from commsapp.http import request
from commsapp.http.reading import words_leave
from commsapp.http.security import STAFF, may_enter
from commsapp.inert import csv_text
from commsapp.listening import service as listening
from commsapp.listening.languages import language, reason
from commsapp.web import fields, levels
from commsapp.web.pages.places import trail
from commsapp.web.wording import count

blueprint = Blueprint("rights", __name__, url_prefix="/programmes/<int:programme_id>/people")

ABOUT = "about"
"""A hidden field that says which response a page was opened for: numbers may be given again once an import was taken back."""

LAYERS = {
    "analyse": "To analyse: their words and answers leave the figures",
    "quote": "To quote: nothing they said may be repeated",
    "publish": "To publish: nothing they said may appear in public",
    "log": "To keep: everything they said is erased",
}
WHY_HINT = "It stands in the audit log. Write nothing here that says who the person is."


class SearchForm(fields.Form):
    """Ways to find a person."""

    key = fields.TextField("Key of the person", hint="As it stood in the export: a respondent number, a panel id")
    export_id = fields.TextField("Id of the response in the export")
    number = fields.WholeNumberField("Number of the response here")
    channel = fields.PickField("Feedback channel, together with a day")
    day = fields.DayField("Day of the response", hint="For example, 31/3/2026")
    send = fields.Button("Search")


class ExportForm(fields.Form):
    """Which kind of file, and why."""

    kind = fields.ChoiceField("As what?", missing="Select a kind of file", choices={"csv": "A table (CSV)", "json": "JSON"})
    why = fields.TextField("Why is it handed over?", missing="Enter a reason", hint=WHY_HINT)
    send = fields.Button("Download")


class EraseForm(fields.Form):
    """A reason and a tick."""

    why = fields.TextField("Why is it erased?", missing="Enter a reason", hint=WHY_HINT)
    sure = fields.TickField("Yes, erase all of it for good", missing="Tick the box to erase it")
    send = fields.Button("Erase it")


class ConsentForm(fields.Form):
    """Which consent is taken back."""

    layers = fields.TicksField("Which consent is taken back?", missing="Select at least one", choices=LAYERS)
    why = fields.TextField("Why?", missing="Enter a reason", hint=WHY_HINT)
    send = fields.Button("Take it back")


class HandlingForm(fields.Form):
    """Another handling level."""

    level = fields.ChoiceField("Who may read this response?", missing="Select a handling level")
    why = fields.TextField("Why?", missing="Enter a reason", hint=WHY_HINT)
    send = fields.Button("Change it")


@blueprint.route("", methods=["GET", "POST"])
@may_enter(*STAFF)
def search(programme_id: int) -> tuple[str, int]:
    """Find a person. The search is sent, not put into an address: a key must not stand in a browser's history."""
    session, actor = request.session(), request.actor()
    programme = listening.programme(session, actor, programme_id)
    form: Any = SearchForm()
    form.channel.choices = {"": "Any", **{str(one.id): one.name for one in listening.channels(session, actor, programme_id)}}
    found = None
    if form.validate_on_submit():
        asked = {"key": form.key.data or "", "export_id": form.export_id.data or "", "number": form.number.data}
        asked |= {"channel_id": int(form.channel.data) if form.channel.data else None, "day": form.day.data}
        try:
            found = listening.people(session, actor, programme_id, settings=request.settings(), **asked)
        except BadInput as error:
            form.key.errors = [str(error)]
    page = render_template("rights/search.html", form=form, programme=programme, found=found, **_place(programme))
    return page, 422 if form.errors else 200


@blueprint.get("/<int:response_id>")
@may_enter(*STAFF)
def show(programme_id: int, response_id: int) -> str:
    """Everything that is kept of the person of one response."""
    programme, person = _person(programme_id, response_id)
    _note(person, "read")
    return render_template(
        "rights/show.html",
        programme=programme,
        person=person,
        sees_all=request.actor().sees_all,
        language_name=language,
        reason_words=reason,
        **_place(programme),
    )


def _person(programme_id: int, response_id: int) -> tuple[Any, Any]:
    session, actor = request.session(), request.actor()
    found = listening.person(session, actor, programme_id, response_id)
    _is_about(found, response_id)
    return listening.programme(session, actor, programme_id), found


def _mark(person: Any, response_id: int) -> str:
    """What tells one response from another that has its number later on: the moment when its import began."""
    return next(str(one.imported_at or "") for one in person.responses if one.response_id == response_id)


def _is_about(person: Any, response_id: int) -> None:
    """Refuse what a page sends that was opened before its response was taken away and another one got the number.

    Raises
    ------
    Conflict : it is about another response.

    """
    given = http.form.get(ABOUT)
    if given is not None and given != _mark(person, response_id):
        raise Conflict("What this page was about has been taken away since.", "Search for the person again.")


def _place(programme: Any, *steps: tuple[str, str]) -> dict[str, Any]:
    return {"breadcrumbs": trail(programme, *steps), "made_up": programme.made_up}


def _note(person: Any, action: str, why: str = "") -> None:
    words_leave(
        "person",
        place="programme",
        place_id=person.programme_id,
        ids=[one.response_id for one in person.responses],
        levels=person.levels,
        action=action,
        why=why,
    )


@blueprint.route("/<int:response_id>/export", methods=["GET", "POST"])
@may_enter(*STAFF)
def export(programme_id: int, response_id: int) -> Response | tuple[str, int]:
    """Hand over what is kept of a person, as a file."""
    programme, person = _person(programme_id, response_id)
    if not request.actor().sees_all:
        raise NotAllowed(*listening.FOR_THOSE_WHO_SEE_ALL)
    form: Any = ExportForm()
    if not form.validate_on_submit():
        amount = count(len(person.responses), "response")
        line = f"It holds everything that is kept: {amount}, with answers, consent and who read it."
        return _ask("Hand over what this person said", form, programme, person, response_id, [line])
    _note(person, "export", form.why.data)
    person = listening.person(request.session(), request.actor(), programme_id, response_id, as_written=True)
    if form.kind.data == "json":
        response = make_response(json.dumps(listening.as_export(person), ensure_ascii=False, indent=2))
        response.mimetype = "application/json"
    else:
        response = make_response(csv_text(["response", "what", "value"], listening.as_rows(person)))
        response.mimetype = "text/csv"
    response.headers["Content-Disposition"] = f'attachment; filename="person-{response_id}.{form.kind.data}"'
    return response


def _ask(
    title: str, form: Any, programme: Any, person: Any, response_id: int, lines: list[str], *, danger: bool = False
) -> tuple[str, int]:
    """The page that asks before something is done."""
    back = url_for("rights.show", programme_id=programme.id, response_id=response_id)
    place = _place(programme, ("What this person said", back))
    about = _mark(person, response_id)
    page = render_template("rights/ask.html", title=title, form=form, lines=lines, back=back, about=about, danger=danger, **place)
    return page, 422 if form.errors else 200


@blueprint.route("/<int:response_id>/erase", methods=["GET", "POST"])
@may_enter(*STAFF)
def erase(programme_id: int, response_id: int) -> Response | tuple[str, int]:
    """Erase what is kept of a person."""
    programme, person = _person(programme_id, response_id)
    if not request.actor().sees_all:
        raise NotAllowed(*listening.FOR_THOSE_WHO_SEE_ALL)
    form: Any = EraseForm()
    if form.validate_on_submit():
        try:
            gone = listening.erase_person(
                request.sessions(), request.actor(), programme_id, response_id, why=form.why.data, settings=request.settings()
            )
        except NotAllowed as error:
            form.why.errors = [str(error)]
        else:
            flash(f"Erased: {count(gone.get('responses', 0), 'response')}. A later file doesn’t bring it back.", "success")
            return redirect(url_for("programmes.show", programme_id=programme_id))
    lines = [
        f"{count(len(person.responses), 'response')} will be gone for good, with comments, answers and what models made of them.",
        "The figures are worked out again; those that a message cites stay. Backups from before still hold it until they are "
        "deleted: keep the file ‘erased’ of the data folder for the day when one is brought back.",
    ]
    return _ask("Erase what this person said?", form, programme, person, response_id, lines, danger=True)


@blueprint.route("/<int:response_id>/consent", methods=["GET", "POST"])
@may_enter(*STAFF)
def consent(programme_id: int, response_id: int) -> Response | tuple[str, int]:
    """Take consent back."""
    programme, person = _person(programme_id, response_id)
    form: Any = ConsentForm()
    if form.validate_on_submit():
        how = {"layers": form.layers.data, "why": form.why.data, "settings": request.settings()}
        try:
            listening.withdraw(request.sessions(), request.actor(), programme_id, response_id, **how)
        except CommsappError as error:
            form.layers.errors = [str(error)]
        else:
            flash("The consent was taken back. A later file doesn’t bring it again.", "success")
            if "log" in form.layers.data:
                return redirect(url_for("programmes.show", programme_id=programme_id))
            return redirect(url_for("rights.show", programme_id=programme_id, response_id=response_id))
    line = "It holds for everything that this person said in this feedback channel, and for files that come later."
    return _ask("Take consent back", form, programme, person, response_id, [line])


@blueprint.route("/<int:response_id>/handling", methods=["GET", "POST"])
@may_enter(*STAFF)
def handling(programme_id: int, response_id: int) -> Response | tuple[str, int]:
    """Give one response another handling level."""
    programme, person = _person(programme_id, response_id)
    now = next(one.handling_level for one in person.responses if one.response_id == response_id)
    form: Any = HandlingForm(level=now)
    cleared = request.actor().handling_levels
    higher = list(HandlingLevel)[list(HandlingLevel).index(HandlingLevel(now)) :]
    form.level.choices = {level: words for level, words in levels.handling().items() if level in cleared or level in higher}
    if form.validate_on_submit():
        level = HandlingLevel(form.level.data)
        how = {"level": level, "why": form.why.data, "settings": request.settings()}
        try:
            listening.change_handling(request.sessions(), request.actor(), programme_id, response_id, **how)
        except Conflict as error:
            form.level.errors = [error.problem]
        else:
            said = f"Response {response_id} is ‘{levels.level_name(level)}’ now, and was ‘{levels.level_name(now)}’ before."
            if level in cleared:
                flash(said, "success")
                return redirect(url_for("rights.show", programme_id=programme_id, response_id=response_id))
            flash(f"{said} You can’t read it any more; those who are cleared for it can.", "success")
            return redirect(url_for("programmes.show", programme_id=programme_id))
    line = "A concern is held back from the analysis, and only those who are cleared for it see it. Anybody may raise a level."
    return _ask(f"Who may read response {response_id}?", form, programme, person, response_id, [line])
