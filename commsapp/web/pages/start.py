"""The start page: drop spreadsheets of what people said, or go on where the last visit ended."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template
from flask import request as http
from werkzeug.wrappers import Response

from commsapp.actor import Role
from commsapp.http import request
from commsapp.http.security import EVERYBODY, STAFF, may_enter
from commsapp.listening import service as listening
from commsapp.listening.views import Programme, Summary
from commsapp.web import fields, uploads
from commsapp.web.pages.files_form import FilesForm, come_back, filled
from commsapp.web.pages.imports import import_address

blueprint = Blueprint("start", __name__)

NEW = "new"
_MOST_OFFERED = 8
_LATEST = 5


class StartForm(FilesForm):
    """Files, and the programme that they belong to."""

    programme = fields.ChoiceField("Which programme do they belong to?", missing="Select a programme, or a new one")
    name = fields.TextField("Name of the new programme", hint="One piece of work, for example County lines 2026")
    send = fields.Button("Look at the files")

    def validate(self, extra_validators: Any = None) -> bool:
        """A new programme needs a name that no other has."""
        valid = bool(super().validate(extra_validators))
        if self.programme.data != NEW:
            return valid
        problem = _name_problem(self.name.data)
        if problem:
            self.name.errors = [problem]
        return valid and not problem


@blueprint.get("/")
@may_enter(*EVERYBODY)
def home() -> Response | str | tuple[str, int]:
    """What this is, a place to drop files on, and the latest programmes; for a partner, what was shared with them."""
    if request.actor().role is Role.PARTNER:
        return render_template("start/partner.html")
    return _home()


@blueprint.post("/")
@may_enter(*STAFF)
def take_files() -> Response | tuple[str, int]:
    """Look at files that were dropped on the start page."""
    return _home()


def _home() -> Response | tuple[str, int]:
    known = _latest_first()
    # What was invented for the example stays apart from what real people said.
    offered = [programme for programme in known if not programme.made_up][:_MOST_OFFERED]
    form = filled(StartForm, http.args.get("files", ""))
    form.programme.choices = {**{str(one.id): one.name for one in offered}, NEW: "A new programme"}
    if not offered:
        form.programme.data = NEW
    if form.is_submitted():
        if form.validate():
            chosen = None if form.programme.data == NEW else int(form.programme.data)
            return redirect(import_address(uploads.Batch(form.all_files(), chosen, form.name.data if chosen is None else "")))
        if (back := come_back(form, "start.home")) is not None:
            return back
    latest = [(one, _summary(one)) for one in known[:_LATEST]]
    page = render_template("start/home.html", form=form, offered=offered, latest=latest)
    return page, 422 if form.is_submitted() else 200


def _latest_first() -> list[Programme]:
    programmes = listening.all_programmes(request.session(), request.actor())
    return sorted(programmes, key=lambda programme: programme.id, reverse=True)


def _summary(programme: Programme) -> Summary | None:
    return listening.latest_summary(request.session(), request.actor(), programme.id)


def _name_problem(name: str) -> str:
    if not name:
        return "Enter a name for the new programme"
    if len(name) > 200:
        return "Enter a name of 200 characters or fewer"
    if any(programme.name == " ".join(name.split()) for programme in _latest_first()):
        return f"There is a programme called {name} already; select it, or enter another name"
    return ""
