"""Your account: who you are here, what you are cleared for, how you sign in and where you are signed in."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask import request as http
from werkzeug.wrappers import Response

from commsapp.accounts import passwords
from commsapp.accounts import service as accounts
from commsapp.accounts.views import Person
from commsapp.http import request, signing_in
from commsapp.http.security import EVERYBODY, may_enter
from commsapp.web import fields

blueprint = Blueprint("account", __name__, url_prefix="/account")


class PasswordForm(fields.Form):
    """The password that holds now, and the one that shall hold."""

    current = fields.PasswordField("Your password now", missing="Enter your password")
    password = fields.PasswordField(
        "New password",
        missing="Enter a new password",
        hint=passwords.ADVICE,
    )
    send = fields.Button("Change the password")


class FirstPasswordForm(fields.Form):
    """A password for somebody who signs in without one."""

    password = fields.PasswordField("New password", missing="Enter a new password", hint=passwords.ADVICE)
    send = fields.Button("Set the password")


class SignOutForm(fields.Form):
    """One button."""

    send = fields.Button("Sign out everywhere else")


@blueprint.get("")
@may_enter(*EVERYBODY)
def show() -> str:
    """The account of the person who is signed in."""
    session, actor = request.session(), request.actor()
    return render_template(
        "accounts/account.html",
        person=accounts.own(session, actor),
        seen=actor,
        passkeys=accounts.own_passkeys(session, actor),
        places=accounts.places(session, actor, key=signing_in.key_here()),
        elsewhere=SignOutForm(),
    )


@blueprint.route("/password", methods=["GET", "POST"])
@may_enter(*EVERYBODY)
def password() -> Response | tuple[str, int]:
    """Change the password; every other sign-in ends."""
    person = accounts.own(request.session(), request.actor())
    if not person.has_password and not signing_in.fresh():  # who finds an open browser must not make it theirs
        return ask_first("account.password")
    form = PasswordForm() if person.has_password else FirstPasswordForm()
    if form.validate_on_submit():
        if problem := passwords.problem_of(form.password.data, email=person.email, name=person.name):
            form.password.errors = [problem]
        elif person.has_password and not password_is_right(person, form.current.data):
            form.current.errors = ["This is not your password"]
        else:
            request.sessions()
            new = signing_in.hashed(form.password.data)
            mark = accounts.change_password(request.session(), request.actor(), password_hash=new, key=signing_in.key_here())
            signing_in.go_on_as(mark)
            flash("Your password was changed. Everywhere else you were signed out.", "success")
            return redirect(url_for("account.show"))
    return render_template("accounts/password.html", form=form), 422 if form.errors else 200


@blueprint.post("/sign-out-elsewhere")
@may_enter(*EVERYBODY)
def sign_out_elsewhere() -> Response:
    """End every other sign-in of this person."""
    mark = accounts.end_other_sign_ins(request.session(), request.actor(), key=signing_in.key_here())
    signing_in.go_on_as(mark)
    flash("You are signed out everywhere but here.", "success")
    return redirect(url_for("account.show"))


def ask_first(endpoint: str, **values: Any) -> Response:
    """Ask who is there once more, and come back."""
    return redirect(url_for("second_factor.confirm", next=url_for(endpoint, **values)))


def password_is_right(person: Person, typed: str) -> bool:
    """Whether a person who is signed in knows their password; delayed as at the door, for whoever found an open browser."""
    sessions, secret = request.sessions(), request.settings().secret_key
    with sessions.reading() as session:
        known = accounts.known(session, id=person.id)
    account, address = f"own {person.id}", http.remote_addr or ""
    with accounts.attempt(sessions, secret, account=account, address=address) as tried:
        tried.succeeded = signing_in.right(typed, known)
    return tried.succeeded
