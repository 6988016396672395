"""Who asks, before anything of what was sent is looked at: by token alone, as their role, with a scope, and not too often."""

from __future__ import annotations

import logging
from typing import Any, cast

from flask import Flask, current_app, g, request
from flask.sessions import SecureCookieSession, SessionInterface
from flask_limiter import Limiter
from werkzeug.exceptions import UnsupportedMediaType

from commsapp.accounts import service as accounts
from commsapp.actor import Actor
from commsapp.errors import CommsappError, NotAllowed, NotSignedIn
from commsapp.http.request import enter_as, sessions, settings
from commsapp.http.security import declared_roles, declared_scope, for_programs, is_without_sign_in

LARGEST_JSON = 1024 * 1024
"""Bytes of a body of JSON. Files come as forms, and have the limit of all uploads."""
JSON, FORM = "application/json", "multipart/form-data"
TAKES_FORM = "commsapp_takes_form"
"""Set on a view that takes a form with a file."""

_LOG = logging.getLogger("commsapp")


def install(app: Flask) -> None:
    """Ask every call for its token, and keep cookies out of the API both ways."""
    limiter = Limiter(_whose, app=app, storage_uri=_counted_in(app), in_memory_fallback_enabled=True, strategy="fixed-window")
    app.before_request(lambda: _enter(limiter))
    app.session_interface = cast(SessionInterface, _WithoutCookies(app.session_interface))


def _counted_in(app: Flask) -> str:
    """Where uses are counted: in Redis where it is there, so that several servers count together, else in this process."""
    url: str = app.extensions["commsapp"].settings.jobs_url
    return url if url.startswith("redis") else "memory://"


def _whose() -> str:
    token: accounts.Token = g.api_token
    return str(token.id)


def _enter(limiter: Limiter) -> None:
    if not for_programs() or request.routing_exception is not None:
        return
    assert request.endpoint is not None
    view = current_app.view_functions[request.endpoint]
    if is_without_sign_in(view):
        return
    actor, g.api_token = _who()
    enter_as(actor)
    with limiter.limit(f"{settings().api_limit}/minute"):
        pass
    _check_allowed(actor, view)
    _check_kind(view)


def by_token() -> str:
    """By which token somebody asks, for the audit log: 'by the token Notebook'."""
    token: accounts.Token = g.api_token
    return f"by the token {token.name}"


def _who() -> tuple[Actor, accounts.Token]:
    kind, _, shown = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not shown.strip():
        cure = "Send the header 'Authorization: Bearer commsapp_…' with a token from the page 'Your API tokens'."
        raise NotSignedIn("This call needs a token.", cure)
    with sessions().reading() as session:
        actor, token = accounts.actor_of_token(session, shown.strip())
    if not accounts.is_noted(token):
        try:
            with sessions().writing() as session:
                accounts.note_use(session, token)
        except CommsappError as busy:  # no reason to refuse what only reads
            _LOG.warning("The use of token %d could not be noted: %s", token.id, busy)
    return actor, token


def _check_allowed(actor: Actor, view: Any) -> None:
    """The same that the view asks for, here already: nobody's body is read who may not send it."""
    if actor.role not in (declared_roles(view) or ()):
        raise NotAllowed("This call is not for your role.", "Ask an administrator if you need it.")
    if declared_scope(view) not in (actor.scopes or ()):
        scope = declared_scope(view)
        raise NotAllowed(f"This token has no scope '{scope}'.", "Make one that has it on the page 'Your API tokens'.")


def _check_kind(view: Any) -> None:
    """Refuse a body of another kind than the call takes, and one of JSON that is too large."""
    form = bool(getattr(view, TAKES_FORM, False))
    if not form:
        request.max_content_length = LARGEST_JSON
    if request.method != "POST" or not (request.content_length or request.headers.get("Transfer-Encoding")):
        return
    if request.mimetype != (FORM if form else JSON):
        raise UnsupportedMediaType(FORM if form else JSON)


class _WithoutCookies:
    """Sessions of pages as they are; a call of the API has an empty one, which is never sent."""

    def __init__(self, pages: SessionInterface) -> None:
        self._pages = pages

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pages, name)

    def open_session(self, app: Flask, asking: Any) -> Any:
        """The session that a cookie carries, for pages alone."""
        return SecureCookieSession() if asking.path.startswith("/api/") else self._pages.open_session(app, asking)

    def save_session(self, app: Flask, session: Any, response: Any) -> None:
        """Set a cookie, for pages alone."""
        if not for_programs():
            self._pages.save_session(app, session, response)
