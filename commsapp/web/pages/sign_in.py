"""Signing in and out: with a password, then where there is one a second factor; and following a link that lets one in."""

from __future__ import annotations

import time
from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask import request as http
from flask import session as cookie
from werkzeug.wrappers import Response

from commsapp.accounts import names, passwords
from commsapp.accounts import service as accounts
from commsapp.accounts.service import Known
from commsapp.accounts.views import OpenLink
from commsapp.errors import BadInput, CommsappError, NotSignedIn
from commsapp.http import request, signing_in
from commsapp.http.security import EVERYBODY, may_enter, without_sign_in
from commsapp.storage.session import Session
from commsapp.web import fields, passkeys

blueprint = Blueprint("sign_in", __name__)

HALF = "half_signed_in"
_HALF_SECONDS = 600
_WRONG = "The e-mail address or the password is not right"


class SignInForm(fields.Form):
    """Who somebody is, and that they know it."""

    email = fields.EmailField("E-mail address", missing="Enter your e-mail address")
    password = fields.PasswordField("Password", missing="Enter your password")
    send = fields.Button("Sign in")


class CodeForm(fields.Form):
    """The code of an authenticator app, or a recovery code."""

    code = fields.TextField(
        "Code", missing="Enter the code", hint="Six figures from your authenticator app, or one of your recovery codes"
    )
    send = fields.Button("Go on")


class PasskeyForm(fields.Form):
    """The answer of a device; our script fills it in."""

    credential = fields.HiddenText()
    send = fields.Button("Sign in with a passkey")


class JoinForm(fields.Form):
    """A password of one's own."""

    password = fields.PasswordField(
        "Password",
        missing="Enter a password",
        hint=passwords.ADVICE,
    )
    send = fields.Button("Set the password and sign in")


class FirstForm(JoinForm):
    """The first account of an installation."""

    name = fields.TextField("Your name", missing="Enter your name", hint="As colleagues know it")
    email = fields.EmailField(
        "Your e-mail address", missing="Enter your e-mail address", hint="You sign in with it. No mail is sent."
    )


@blueprint.route("/sign-in", methods=["GET", "POST"])
@without_sign_in
def sign_in() -> Response | tuple[str, int]:
    """Ask who somebody is."""
    form = SignInForm()
    if form.validate_on_submit():
        known = _checked(form.email.data, form.password.data)
        if known is not None:
            if (better := signing_in.hashed_anew(form.password.data, known)) is not None:
                accounts.keep_rehashed(request.session(), known.person.id, better)
            return go_on(known, way="password", second_factor=False)
        form.password.errors = [_WRONG]
    elif http.method == "GET" and request.visitor() is not None:
        return redirect(where_to())
    return _ask(form), 422 if form.errors else 200


@blueprint.post("/sign-in/passkey")
@without_sign_in
def with_passkey() -> Response:
    """Sign in with a passkey alone: the device says which account it is for, and that its owner was there."""
    sent = http.form.get("credential", "")
    try:
        key = accounts.known_passkey(request.session(), passkeys.credential_of(sent))
        known = accounts.known(request.session(), id=key.person_id) if key is not None else None
        if key is None or known is None:
            raise BadInput("There is no account here for this passkey.", "Use another one, or your password.")
        accounts.passkey_used(request.session(), key.id, sign_count=passkeys.used(sent, key, alone=True))
    except BadInput as error:
        flash(str(error))
        return redirect(url_for("sign_in.sign_in", next=_asked()))
    return go_on(known, way="passkey", second_factor=True)


@blueprint.route("/sign-in/second", methods=["GET", "POST"])
@without_sign_in
def second() -> Response | tuple[str, int]:
    """Ask for the second factor."""
    known = half_signed_in()
    form = CodeForm()
    if form.validate_on_submit():
        if _code_is_right(known, form.code.data):
            return finish(known, way="password and code")
        form.code.errors = ["The code is not right, or it was used already; wait for the next one"]
    keys = accounts.known_passkeys(request.session(), known.person.id) if passkeys.possible() else []
    options = passkeys.options_to_use(keys) if keys else ""
    page = render_template("accounts/second.html", form=form, passkey=PasskeyForm(), options=options)
    return page, 422 if form.errors else 200


@blueprint.post("/sign-in/second/passkey")
@without_sign_in
def second_with_passkey() -> Response:
    """Take a passkey as the second factor."""
    known, sent = half_signed_in(), http.form.get("credential", "")
    try:
        passkey_of(known.person.id, sent)
    except BadInput as error:
        flash(str(error))
        return redirect(url_for("sign_in.second"))
    return finish(known, way="password and passkey")


@blueprint.post("/sign-out")
@may_enter(*EVERYBODY)
def sign_out() -> Response:
    """Sign out, here and wherever this session may have been copied to."""
    signing_in.end()
    flash("You are signed out.", "success")
    return redirect(url_for("sign_in.sign_in"))


@blueprint.route("/join/<secret>", methods=["GET", "POST"])
@without_sign_in
def join(secret: str) -> Response | tuple[str, int]:
    """Follow a link: choose a password and be in."""
    link = accounts.open_link(request.session(), secret)
    form = JoinForm() if link.person is not None else FirstForm()
    if form.validate_on_submit() and _password_is_good(form, link) and (done := _joined(secret, link, form)) is not None:
        return done
    by_passkey = link.person is not None and link.purpose == "invitation" and passkeys.possible()
    page = render_template(
        "accounts/join.html",
        form=form,
        link=link,
        here=url_for("sign_in.join", secret=secret),
        with_passkey=url_for("joining.join", secret=secret),
        passkey=PasskeyForm(),
        options=passkeys.options_to_make(link.person, []) if link.person is not None and by_passkey else "",
        device=signing_in.device_name(),
    )
    return page, 422 if form.errors else 200


def go_on(known: Known, *, way: str, second_factor: bool, target: str | None = None, database: Session | None = None) -> Response:
    """Sign somebody in who proved the first factor, or ask for the second where they have one.

    ``database``: a writing session of the caller's, where the request has none.
    """
    target = target or _next()
    if known.person.second_factor and not second_factor:
        cookie.clear()
        cookie[HALF] = {"id": known.person.id, "mark": known.uniquifier, "at": int(time.time()), "next": target}
        return redirect(url_for("sign_in.second"))
    signing_in.begin(known, way=way, second_factor=second_factor, database=database)
    return redirect(target)


def finish(known: Known, *, way: str) -> Response:
    """Sign somebody in who proved both."""
    target = str(cookie.get(HALF, {}).get("next") or url_for("start.home"))
    signing_in.begin(known, way=way, second_factor=True)
    return redirect(target)


def half_signed_in() -> Known:
    """Who proved the first factor on this browser, a few minutes ago.

    Raises
    ------
    NotSignedIn : nobody did, or they waited too long.

    """
    half = cookie.get(HALF) or {}
    if time.time() - half.get("at", 0) < _HALF_SECONDS:
        known = accounts.known(request.session(), fs_uniquifier=half.get("mark"))
        if known is not None and known.person.id == half.get("id"):
            return known
    raise NotSignedIn("Sign in first.", "")


def passkey_of(person_id: int, sent: str) -> None:
    """Check that a passkey of a person was used.

    Raises
    ------
    BadInput : it is none of theirs, or the answer does not hold.

    """
    key = accounts.known_passkey(request.session(), passkeys.credential_of(sent))
    if key is None or key.person_id != person_id:
        raise BadInput("This passkey is not one of your account's.", "Use another one, or a code.")
    accounts.passkey_used(request.session(), key.id, sign_count=passkeys.used(sent, key, alone=False))


def _ask(form: SignInForm) -> str:
    possible = passkeys.possible()
    return render_template(
        "accounts/sign_in.html",
        form=form,
        here=url_for("sign_in.sign_in", next=_asked()),
        with_passkey=url_for("sign_in.with_passkey", next=_asked()),
        passkey=PasskeyForm(),
        options=passkeys.options_to_use() if possible else "",
        oidc=request.settings().oidc,
        with_provider=url_for("provider.ask", next=_asked()),
    )


def where_to() -> str:
    """The page that somebody wanted before they were asked to sign in; else the start."""
    return _next()


def _asked() -> str | None:
    """What to keep in addresses on the way in; nothing where it is the start page."""
    wanted = _next()
    return wanted if wanted != url_for("start.home") else None


def _next() -> str:
    wanted = http.args.get("next", "")
    # Browsers read a backslash as a slash, and two of them as another host.
    inside = wanted.startswith("/") and not wanted.startswith("//") and "\\" not in wanted and wanted.isprintable()
    return wanted if inside and not wanted.startswith(("/sign-", "/join/")) else url_for("start.home")


def _checked(typed: str, password: str) -> Known | None:
    """The person of an e-mail address and password; it takes as long where there is none."""
    try:
        email = names.email_of(typed)
    except BadInput:
        email = typed.casefold()
    sessions, secret = request.sessions(), request.settings().secret_key
    with sessions.reading() as session:
        known = accounts.known(session, email=email)
    device = signing_in.known_device(known.person.id) if known is not None else None
    with accounts.attempt(sessions, secret, account=email, address=http.remote_addr or "", device=device) as tried:
        tried.succeeded = signing_in.right(password, known)
    return known if tried.succeeded else None


def _code_is_right(known: Known, typed: str) -> bool:
    sessions, secret = request.sessions(), request.settings().secret_key
    account, device = f"second {known.person.id}", signing_in.known_device(known.person.id)
    code = "".join(typed.split()).lower()
    here = http.remote_addr or ""
    with (
        accounts.attempt(sessions, secret, account=account, address=here, device=device) as tried,
        sessions.writing() as session,
    ):
        tried.succeeded = signing_in.code_fits(session, known, code)
    return tried.succeeded


def _password_is_good(form: Any, link: OpenLink) -> bool:
    name, email = (link.person.name, link.person.email) if link.person else (form.name.data, form.email.data)
    if problem := passwords.problem_of(form.password.data, email=email, name=name):
        form.password.errors = [problem]
    return not problem


def _joined(secret: str, link: OpenLink, form: Any) -> Response | None:
    own = {} if link.person else {"name": form.name.data, "email": form.email.data}
    request.sessions()  # nobody waits for the database while the password is hashed
    password_hash = signing_in.hashed(form.password.data)
    try:
        person = accounts.join(request.session(), secret, password_hash=password_hash, **own)
    except CommsappError as error:
        if link.person is not None:
            raise
        form.email.errors = [str(error)]
        return None
    if person.second_factor:  # who got hold of the link alone must not get in
        flash("Your password is set. Sign in with it.", "success")
        return redirect(url_for("sign_in.sign_in"))
    known = accounts.known(request.session(), id=person.id)
    assert known is not None
    signing_in.begin(known, way="link", second_factor=False)
    flash("You are signed in." if link.purpose == "reset" else "Welcome. You are signed in.", "success")
    return redirect(url_for("account.show") if person.waits_for_second_factor else url_for("start.home"))
