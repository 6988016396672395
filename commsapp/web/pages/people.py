"""People of the organisation, for administrators: invite, role, clearance, links, keeping somebody out; names of levels."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from commsapp.accounts import service as accounts
from commsapp.accounts.views import NewLink, Person
from commsapp.actor import HandlingLevel, Role
from commsapp.errors import BadInput, CommsappError, Conflict
from commsapp.http import request
from commsapp.http.security import may_enter
from commsapp.web import fields, levels
from commsapp.web.wording import capfirst

blueprint = Blueprint("people", __name__, url_prefix="/people")

ROLES = {
    Role.OFFICER.value: "Communications officer: plans campaigns",
    Role.WORKER.value: "Engagement worker: brings in what communities said",
    Role.EVALUATOR.value: "Evaluator: measures reach and effect",
    Role.ADMINISTRATOR.value: "Administrator: looks after accounts as well",
    Role.PARTNER.value: "Partner: sees only what is shared with them",
}
ORIGINALS = "originals"


class ClearanceForm(fields.Form):
    """What somebody may see beyond open text."""

    cleared = fields.TicksField("Cleared for more than open text", hint="Holds once they have set up a second factor")
    send = fields.Button("Save")

    def levels(self) -> list[HandlingLevel]:
        """The handling levels that were ticked."""
        return [HandlingLevel(value) for value in self.cleared.data or () if value != ORIGINALS]

    def originals(self) -> bool:
        """Whether words before redaction were ticked."""
        return ORIGINALS in (self.cleared.data or ())


class InviteForm(ClearanceForm):
    """Somebody new."""

    name = fields.TextField("Name", missing="Enter a name", hint="As colleagues know it")
    email = fields.EmailField("E-mail address", missing="Enter an e-mail address", hint="They sign in with it. No mail is sent.")
    role = fields.ChoiceField("Role", choices=ROLES, missing="Select a role")
    send = fields.Button("Make the invitation")


class RoleForm(fields.Form):
    """What somebody does here."""

    role = fields.ChoiceField("Role", choices=ROLES, missing="Select a role")
    send = fields.Button("Save")


class SureForm(fields.Form):
    """A button and its token."""

    send = fields.Button("Do it")


class LevelsForm(fields.Form):
    """Own words for the handling levels."""

    open = fields.TextField("Open", hint="Everybody on the programme may read it")
    official_sensitive = fields.TextField("Official-sensitive", hint="Only those cleared for it")
    concern = fields.TextField("Concern", hint="It may mean that a person is at risk; held back from the analysis")
    send = fields.Button("Save the names")


@blueprint.get("")
@may_enter(Role.ADMINISTRATOR)
def index() -> str:
    """Everybody of the organisation."""
    return render_template("accounts/people.html", people=accounts.all_people(request.session(), request.actor()))


@blueprint.route("/invite", methods=["GET", "POST"])
@may_enter(Role.ADMINISTRATOR)
def invite() -> str | tuple[str, int]:
    """Invite somebody; the link is shown once."""
    form = InviteForm()
    form.cleared.choices = _clearances()
    if form.validate_on_submit():
        wanted: dict[str, Any] = {"levels": form.levels(), "originals": form.originals()}
        session, actor = request.session(), request.actor()
        try:
            _, link = accounts.invite(
                session, actor, name=form.name.data, email=form.email.data, role=Role(form.role.data), **wanted
            )
        except CommsappError as error:
            partner = isinstance(error, BadInput) and form.role.data == Role.PARTNER and form.cleared.data
            (form.cleared if partner else form.email).errors = [str(error)]
        else:
            return _show_link(link)
    return render_template("accounts/invite.html", form=form), 422 if form.errors else 200


@blueprint.get("/<int:person_id>")
@may_enter(Role.ADMINISTRATOR)
def show(person_id: int) -> str:
    """One person."""
    person = accounts.person(request.session(), request.actor(), person_id)
    return render_template("accounts/person.html", person=person, sure=SureForm(), own=person_id == request.actor().person_id)


@blueprint.route("/<int:person_id>/role", methods=["GET", "POST"])
@may_enter(Role.ADMINISTRATOR)
def role(person_id: int) -> Response | tuple[str, int]:
    """Give somebody another role; they sign in again."""
    session, actor = request.session(), request.actor()
    person = accounts.person(session, actor, person_id)
    form = RoleForm(role=person.role.value)
    if form.validate_on_submit():
        try:
            accounts.change_role(session, actor, person_id, Role(form.role.data))
        except Conflict as error:
            form.role.errors = [str(error)]
        else:
            flash(f"{person.name} has the role {form.role.data} now and signs in again.", "success")
            return _back(person)
    return render_template("accounts/role.html", form=form, person=person), 422 if form.errors else 200


@blueprint.route("/<int:person_id>/clearance", methods=["GET", "POST"])
@may_enter(Role.ADMINISTRATOR)
def clearance(person_id: int) -> Response | tuple[str, int]:
    """Say what somebody is cleared for; they sign in again."""
    session, actor = request.session(), request.actor()
    person = accounts.person(session, actor, person_id)
    form = ClearanceForm(cleared=[*person.cleared.levels, *([ORIGINALS] if person.cleared.originals else [])])
    form.cleared.choices = _clearances()
    if form.validate_on_submit():
        try:
            accounts.clear_person(session, actor, person_id, form.levels(), originals=form.originals())
        except CommsappError as error:
            form.cleared.errors = [str(error)]
        else:
            who = "You sign" if person_id == actor.person_id else "They sign"
            flash(f"The clearance of {person.name} was saved. {who} in again.", "success")
            return _back(person)
    return render_template("accounts/clearance.html", form=form, person=person), 422 if form.errors else 200


@blueprint.post("/<int:person_id>/link")
@may_enter(Role.ADMINISTRATOR)
def link(person_id: int) -> str:
    """Make a new link for somebody; it is shown once."""
    return _show_link(accounts.new_link(request.session(), request.actor(), person_id), again=True)


@blueprint.post("/<int:person_id>/cancel")
@may_enter(Role.ADMINISTRATOR)
def cancel(person_id: int) -> Response:
    """Take the open link of somebody back."""
    person = accounts.person(request.session(), request.actor(), person_id)
    accounts.cancel_links(request.session(), request.actor(), person_id)
    flash(f"The link of {person.name} lets nobody in any more.", "success")
    return _back(person)


@blueprint.route("/<int:person_id>/deactivate", methods=["GET", "POST"])
@may_enter(Role.ADMINISTRATOR)
def deactivate(person_id: int) -> Response | str:
    """Ask whether somebody should be kept out, and do so."""
    person = accounts.person(request.session(), request.actor(), person_id)
    lines = ["They are signed out everywhere at once and can't sign in.", "What they did stays, under their name."]
    form = SureForm()
    if not form.validate_on_submit():
        return _ask(form, person, f"Deactivate the account of {person.name}?", lines, "Deactivate the account")
    try:
        accounts.set_active(request.session(), request.actor(), person_id, False)
    except Conflict as error:
        flash(str(error))
    else:
        flash(f"{person.name} can't sign in any more.", "success")
    return _back(person)


@blueprint.post("/<int:person_id>/activate")
@may_enter(Role.ADMINISTRATOR)
def activate(person_id: int) -> Response:
    """Let somebody in again."""
    person = accounts.set_active(request.session(), request.actor(), person_id, True)
    flash(f"{person.name} can sign in again.", "success")
    return _back(person)


@blueprint.route("/<int:person_id>/second-factor", methods=["GET", "POST"])
@may_enter(Role.ADMINISTRATOR)
def second_factor(person_id: int) -> Response | str:
    """Ask whether somebody's passkeys and authenticator app should be forgotten, and do so."""
    person = accounts.person(request.session(), request.actor(), person_id)
    lines = [
        "Do this only when you are sure who asks: their devices are lost, and they can't sign in.",
        "Their passkeys, authenticator app and recovery codes hold no longer. Until there is a new one they see open text only.",
    ]
    form = SureForm()
    if not form.validate_on_submit():
        return _ask(form, person, f"Forget the second factor of {person.name}?", lines, "Forget it")
    accounts.forget_second_factor(request.session(), request.actor(), person_id)
    flash(f"The second factor of {person.name} was forgotten.", "success")
    return _back(person)


@blueprint.route("/handling-levels", methods=["GET", "POST"])
@may_enter(Role.ADMINISTRATOR)
def handling_levels() -> Response | tuple[str, int]:
    """Give the handling levels the organisation's own words."""
    session, actor = request.session(), request.actor()
    now = accounts.level_names(session, actor)
    form = LevelsForm(**{level.name.lower(): capfirst(name) for level, name in now.items()})
    if form.validate_on_submit():
        given = {level: _name(level, form[level.name.lower()].data or "") for level in HandlingLevel}
        try:
            accounts.set_level_names(session, actor, given)
        except BadInput as error:
            form.open.errors = [str(error)]
        else:
            flash("The names of the handling levels were saved. Pages use them, and files may name a level by them.", "success")
            return redirect(url_for("people.index"))
    return render_template("accounts/handling_levels.html", form=form), 422 if form.errors else 200


def _name(level: HandlingLevel, typed: str) -> str:
    """What is stored: nothing of its own where it is our word, as pages begin it with a capital by themselves."""
    return level.value if typed.casefold() == level.value else typed


def _clearances() -> dict[str, str]:
    """What an administrator may clear somebody for."""
    more = {level: words for level, words in levels.handling().items() if level != HandlingLevel.OPEN.value}
    return {**more, ORIGINALS: "Words before redaction: names and numbers as they were written; each look is recorded"}


def _show_link(made: NewLink, *, again: bool = False) -> str:
    return render_template("accounts/link.html", link=made, address=request.settings().public_url, again=again)


def _ask(form: SureForm, person: Person, question: str, lines: list[str], button: str) -> str:
    return render_template("accounts/sure.html", form=form, person=person, question=question, lines=lines, button=button)


def _back(person: Person) -> Response:
    return redirect(url_for("people.show", person_id=person.id))
