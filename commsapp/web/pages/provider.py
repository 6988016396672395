"""Signing in with the organisation's own identity provider. It makes nobody: only people who were invited get in."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, url_for
from flask import request as http
from flask import session as cookie
from werkzeug.wrappers import Response

from commsapp.accounts import names
from commsapp.accounts import service as accounts
from commsapp.accounts.service import Known
from commsapp.config import Oidc
from commsapp.errors import BadInput, NotFound, Unavailable
from commsapp.http import request
from commsapp.http.security import without_sign_in
from commsapp.storage.session import Session
from commsapp.web import oidc
from commsapp.web.pages.sign_in import go_on, where_to

blueprint = Blueprint("provider", __name__)

_NEXT = "provider_next"


@blueprint.post("/sign-in/provider")
@without_sign_in
def ask() -> Response:
    """Lead the browser to the provider."""
    cookie[_NEXT] = where_to()
    try:
        return oidc.ask(f"{_here()}{url_for('provider.answer')}", _settings())
    except Unavailable as error:
        flash(str(error))
        return redirect(url_for("sign_in.sign_in"))


@blueprint.get("/sign-in/provider/answer")
@without_sign_in
def answer() -> Response:
    """Take the answer that the browser brings back, and sign the person in whom it names.

    It comes as a GET and writes, on purpose, in a session of its own: the answer holds once and is bound to this browser.
    """
    try:
        identity = oidc.answered(_settings())
    except Unavailable as error:
        flash(str(error))
        return redirect(url_for("sign_in.sign_in"))
    target = cookie.pop(_NEXT, None)
    with request.sessions().writing() as database:
        known = _person(database, identity)
        if known is not None:
            return go_on(known, way="OpenID Connect", second_factor=identity.second_factor, target=target, database=database)
    flash(f"There is no account here for you at {_settings().name}. Ask an administrator to invite you.")
    return redirect(url_for("sign_in.sign_in"))


def _person(database: Session, identity: oidc.Identity) -> Known | None:
    """Whom an identity belongs to: bound to it before, or invited under the address that the provider checked."""
    known = accounts.known(database, oidc_identity=identity.key)
    if known is not None or not identity.email:
        return known
    try:
        invited = accounts.known(database, email=names.email_of(identity.email))
    except BadInput:
        return None
    return accounts.bind_identity(database, invited.person.id, identity.key) if invited is not None else None


def _settings() -> Oidc:
    found = request.settings().oidc
    if found is None:
        raise NotFound("There is no page at this address.", "Sign in with your password.")
    return found


def _here() -> str:
    return request.settings().public_url or http.host_url.rstrip("/")
