"""The second factor of one's own account: passkeys, an authenticator app, recovery codes. Each asks first who is there."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask import request as http
from flask import session as cookie
from webauthn.helpers import bytes_to_base64url
from webauthn.registration.verify_registration_response import VerifiedRegistration
from werkzeug.wrappers import Response

from commsapp.accounts import service as accounts
from commsapp.accounts.views import Person
from commsapp.actor import Actor
from commsapp.errors import BadInput, CommsappError, Conflict, NotAllowed, NotFound
from commsapp.http import request, signing_in
from commsapp.http.security import EVERYBODY, may_enter, without_sign_in
from commsapp.web import fields, passkeys
from commsapp.web.pages.account import password_is_right
from commsapp.web.pages.sign_in import PasskeyForm, passkey_of

blueprint = Blueprint("second_factor", __name__, url_prefix="/account")
joining = Blueprint("joining", __name__)

_BEGUN = "authenticator_begun"


class ConfirmForm(fields.Form):
    """Who is there."""

    password = fields.PasswordField("Your password", missing="Enter your password")
    send = fields.Button("Go on")


class AuthenticatorForm(fields.Form):
    """A code that the app shows, as proof that it has the secret."""

    code = fields.TextField("Code that the app shows now", missing="Enter the code", hint="Six figures")
    send = fields.Button("Turn it on")


class PasskeyNameForm(fields.Form):
    """What the owner calls the device."""

    name = fields.TextField("Name of the device", missing="Enter a name", hint="So that you know it again, for example My phone")


class SureForm(fields.Form):
    """A button and its token."""

    send = fields.Button("Do it")


@blueprint.route("/confirm", methods=["GET", "POST"])
@may_enter(*EVERYBODY)
def confirm() -> Response | tuple[str, int]:
    """Ask once more who is there, before the way in is changed."""
    person = _own()
    form = ConfirmForm()
    if http.method == "POST" and http.form.get("credential"):
        try:
            passkey_of(person.id, http.form["credential"])
        except BadInput as error:
            flash(str(error))
            return redirect(url_for("second_factor.confirm", next=_target()))
        return _confirmed()
    if form.validate_on_submit():
        if password_is_right(person, form.password.data):
            return _confirmed()
        form.password.errors = ["This is not your password"]
    keys = accounts.known_passkeys(request.session(), person.id) if passkeys.possible() else []
    options = passkeys.options_to_use(keys) if keys else ""
    shown: dict[str, Any] = {"person": person, "options": options, "passkey": PasskeyForm(), "target": _target()}
    return render_template("accounts/confirm.html", form=form, **shown), 422 if form.errors else 200


@blueprint.route("/authenticator", methods=["GET", "POST"])
@may_enter(*EVERYBODY)
def authenticator() -> Response | str | tuple[str, int]:
    """Set an authenticator app up: its secret as a picture, and a code as proof."""
    if not signing_in.fresh():
        return _ask_first("second_factor.authenticator")
    person, codes = _own(), signing_in.codes()
    secret = cookie.setdefault(_BEGUN, codes.generate_totp_secret())
    form = AuthenticatorForm()
    if form.validate_on_submit():
        counter = signing_in.proof(person, secret, form.code.data)
        if counter is not None:
            shown, kept = _new_codes(person)
            how: dict[str, Any] = {"secret": secret, "counter": counter, "recovery_codes": kept, "key": signing_in.key_here()}
            signing_in.go_on_as(accounts.set_authenticator(request.session(), request.actor(), **how))
            del cookie[_BEGUN]
            return _done(shown, "Your authenticator app is set up.")
        form.code.errors = ["The code is not right; enter the one that the app shows now"]
    page = render_template(
        "accounts/authenticator.html",
        form=form,
        image=codes.generate_qrcode(person.email, secret),
        key=codes.get_totp_pretty_key(secret),
    )
    return page, 422 if form.errors else 200


@blueprint.route("/authenticator/remove", methods=["GET", "POST"])
@may_enter(*EVERYBODY)
def remove_authenticator() -> Response | str:
    """Ask whether the authenticator app should go, and take it away."""
    if not signing_in.fresh():
        return _ask_first("second_factor.remove_authenticator")
    form = SureForm()
    if form.validate_on_submit():
        accounts.remove_authenticator(request.session(), request.actor())
        flash("The authenticator app lets nobody in any more.", "success")
        return redirect(url_for("account.show"))
    return _sure(form, "Remove the authenticator app?", "Remove it")


@blueprint.route("/passkeys/new", methods=["GET", "POST"])
@may_enter(*EVERYBODY)
def add_passkey() -> Response | str | tuple[str, int]:
    """Make a passkey on this device, or on one that is near."""
    if not signing_in.fresh():
        return _ask_first("second_factor.add_passkey")
    if not passkeys.possible():
        raise NotAllowed(
            "Passkeys belong to a name, and this address is a number.", f"Open {request.settings().address} instead."
        )
    person = _own()
    form = PasskeyNameForm(name=signing_in.device_name())
    if form.validate_on_submit():
        try:
            return _keep_passkey(person, form.name.data)
        except CommsappError as error:
            form.name.errors = [str(error)]
    options = passkeys.options_to_make(person, accounts.known_passkeys(request.session(), person.id))
    return render_template("accounts/add_passkey.html", form=form, options=options), 422 if form.errors else 200


@joining.post("/join/<secret>/passkey")
@without_sign_in
def join(secret: str) -> Response | str:
    """Follow an invitation with a passkey in the place of a password: be in, and keep it."""
    link = accounts.open_link(request.session(), secret)
    if link.person is None or link.purpose != "invitation":
        raise NotAllowed("This link asks for a password.", "Go back and choose one.")
    name = http.form.get("name") or signing_in.device_name()
    try:
        made = passkeys.made(http.form.get("credential", ""))
        person = accounts.join(request.session(), secret, password_hash=None)
    except BadInput as error:
        flash(str(error))
        return redirect(url_for("sign_in.join", secret=secret))
    known = accounts.known(request.session(), id=person.id)
    assert known is not None
    signing_in.begin(known, way="link and passkey", second_factor=True)
    actor = accounts.actor_for(request.session(), organisation_id=person.organisation_id, person_id=person.id)
    return _keep(actor, person, name, made)


@blueprint.route("/passkeys/<int:passkey_id>/remove", methods=["GET", "POST"])
@may_enter(*EVERYBODY)
def remove_passkey(passkey_id: int) -> Response | str:
    """Ask whether a passkey should go, and take it away."""
    if not signing_in.fresh():
        return _ask_first("second_factor.remove_passkey", passkey_id=passkey_id)
    if passkey_id not in {key.id for key in accounts.own_passkeys(request.session(), request.actor())}:
        raise NotFound("There is no such passkey on your account.", "Look on the page of your account.")
    form = SureForm()
    if not form.validate_on_submit():
        return _sure(form, "Remove this passkey?", "Remove it")
    try:
        accounts.remove_passkey(request.session(), request.actor(), passkey_id)
    except Conflict as error:
        flash(str(error))
    else:
        flash("The passkey lets nobody in any more.", "success")
    return redirect(url_for("account.show"))


@blueprint.route("/recovery-codes", methods=["GET", "POST"])
@may_enter(*EVERYBODY)
def recovery_codes() -> Response | str:
    """Make new recovery codes in the place of the old ones."""
    if not signing_in.fresh():
        return _ask_first("second_factor.recovery_codes")
    form = SureForm()
    if form.validate_on_submit() and _own().second_factor:
        shown, kept = signing_in.new_recovery_codes()
        accounts.new_recovery_codes(request.session(), request.actor(), kept)
        return render_template("accounts/recovery_codes.html", codes=shown, words="The old ones hold no longer.", again=True)
    return _sure(form, "Make new recovery codes?", "Make new ones", "The ones that you have hold no longer.")


def _keep_passkey(person: Person, name: str) -> Response | str:
    return _keep(request.actor(), person, name, passkeys.made(http.form.get("credential", "")))


def _keep(actor: Actor, person: Person, name: str, answer: tuple[VerifiedRegistration, list[str]]) -> Response | str:
    made, ways = answer
    shown, kept = _new_codes(person)
    mark = accounts.add_passkey(
        request.session(),
        actor,
        name=name,
        credential_id=bytes_to_base64url(made.credential_id),
        public_key=made.credential_public_key,
        sign_count=made.sign_count,
        transports=ways,
        recovery_codes=kept,
        key=signing_in.key_here(),
    )
    signing_in.go_on_as(mark)
    return _done(shown, f"The passkey {name} was kept. Sign in with it from now on.")


def _new_codes(person: Person) -> tuple[list[str], list[str]]:
    """Recovery codes for somebody who has none yet; they stand in for the device beside a password, never alone."""
    return signing_in.new_recovery_codes() if person.has_password and not person.recovery_codes else ([], [])


def _done(codes: list[str], words: str) -> Response | str:
    if not codes:
        flash(words, "success")
        return redirect(url_for("account.show"))
    return render_template("accounts/recovery_codes.html", codes=codes, words=words)


def _own() -> Person:
    return accounts.own(request.session(), request.actor())


def _ask_first(endpoint: str, **values: Any) -> Response:
    return redirect(url_for("second_factor.confirm", next=url_for(endpoint, **values)))


def _target() -> str:
    """The page of one's account that asked who is there."""
    wanted = http.args.get("next", "")
    return wanted if wanted.startswith("/account/") and wanted.isprintable() and "\\" not in wanted else url_for("account.show")


def _confirmed() -> Response:
    signing_in.proven_again()
    return redirect(_target())


def _sure(form: SureForm, question: str, button: str, line: str = "") -> str:
    return render_template("accounts/sure_own.html", form=form, question=question, button=button, line=line)
