"""Who may enter a page, which hosts we answer for, and the headers that keep a browser from doing anything else."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlsplit

from flask import Flask, Response, g, request
from werkzeug.datastructures import MultiDict
from werkzeug.routing import IntegerConverter, Map

from commsapp.actor import Role
from commsapp.errors import BadInput, NotAllowed
from commsapp.http.request import READING, actor, settings
from commsapp.may import ANALYSTS, EVERYBODY, PLANNERS, STAFF

__all__ = ["ANALYSTS", "EVERYBODY", "PLANNERS", "STAFF", "declared_roles", "guard", "install", "may_enter", "without_sign_in"]

P = ParamSpec("P")
R = TypeVar("R")

LARGEST_INTEGER = 2**31 - 1

_ROLES = "commsapp_roles"
_OPEN = "commsapp_without_sign_in"
# A site that points its own name at 127.0.0.1 (DNS rebinding) would reach the server through a visitor's browser, but with its
# own name in the Host header.
_OUR_HOST = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?", re.IGNORECASE)


class WrongHost(BadInput):
    """The request was meant for another host."""


class NotText(BadInput):
    """The request holds a NUL character, which no browser types and no database stores."""


class StoredInteger(IntegerConverter):
    """A whole number in an address, no larger than a database can hold; other addresses lead nowhere."""

    regex = r"\d{1,10}"

    def __init__(self, map: Map, *args: Any, **given: Any) -> None:
        super().__init__(map, *args, **({"max": LARGEST_INTEGER} | given))


_POLICY = {
    "default-src": "'none'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def may_enter(*roles: Role) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Declare the roles that may enter a view. Every view carries it, directly above its ``def``.

    Who has another role gets 403; who is not signed in is led to where one signs in.
    """
    if not roles:
        raise ValueError("name at least one role")

    def declare(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            if actor().role not in roles:
                raise NotAllowed("This page is not for your role.", "Ask an administrator if you need it.")
            return view(*args, **kwargs)

        setattr(checked, _ROLES, frozenset(roles))
        return checked

    return declare


def without_sign_in(view: Callable[P, R]) -> Callable[P, R]:
    """Declare a view that tells nothing about anybody (scripts, styles) or is the way in: nobody is asked who they are."""
    setattr(view, _ROLES, frozenset(Role))
    setattr(view, _OPEN, True)
    return view


def is_without_sign_in(view: Callable[..., object]) -> bool:
    """Whether a view answers those who are not signed in."""
    return bool(getattr(view, _OPEN, False))


def declared_roles(view: Callable[..., object]) -> frozenset[Role] | None:
    """The roles that a view declares; none where it forgot to."""
    roles: frozenset[Role] | None = getattr(view, _ROLES, None)
    return roles


def guard(app: Flask) -> None:
    """Refuse to start an application with a route that doesn't say who may enter.

    Raises
    ------
    RuntimeError : names the routes.

    """
    open_routes = sorted(
        f"{rule.rule} ({rule.endpoint})"
        for rule in app.url_map.iter_rules()
        if declared_roles(app.view_functions[rule.endpoint]) is None
    )
    if open_routes:
        raise RuntimeError(f"no may_enter(…) on: {', '.join(open_routes)}")


def install(app: Flask) -> None:
    """Check the host and the characters of every request and put our headers on every response; before blueprints register."""
    app.url_map.converters["int"] = StoredInteger
    app.before_request(_check_host)
    app.before_request(_check_text)
    app.after_request(_add_headers)
    app.context_processor(lambda: {"cspNonce": csp_nonce()})


def csp_nonce() -> str:
    """The number, used once, that lets the template's own inline script run."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    nonce: str = g.csp_nonce
    return nonce


def _check_host() -> None:
    host = request.environ.get("HTTP_HOST", "")
    public = settings().public_url
    if public and host.lower() in _hosts_of(public):
        return
    if _OUR_HOST.fullmatch(host):
        return
    if public:
        raise WrongHost("This server answers under another address.", f"Open it as {public}.")
    raise WrongHost("This server answers on this computer only.", "Open it as http://localhost or http://127.0.0.1.")


def _hosts_of(address: str) -> set[str]:
    """What browsers send as Host for an address: without the port where it is the usual one."""
    place = urlsplit(address)
    usual = {"http": 80, "https": 443}[place.scheme]
    port = place.port or usual
    name = place.netloc.rpartition(":")[0] if place.port else place.netloc
    return {f"{name}:{port}"} | ({name} if port == usual else set())


def _check_text() -> None:
    sent = [request.path, *_texts(request.args)]
    if request.method not in READING:
        sent += _texts(request.form)
    if any("\0" in text for text in sent):
        raise NotText("What was sent holds a NUL character, which can't be stored.", "Take it out and send it again.")


def _texts(fields: MultiDict[str, str]) -> list[str]:
    return [text for field in fields.items(multi=True) for text in field]


def _form_targets() -> str:
    # A form that asks to sign in elsewhere is answered with a redirect there, to which Chromium applies the policy too.
    oidc = settings().oidc
    if oidc is None:
        return "'self'"
    place = urlsplit(oidc.issuer)
    return f"'self' {place.scheme}://{place.netloc}"


def _add_headers(response: Response) -> Response:
    scripts = f"'self' 'nonce-{g.csp_nonce}'" if "csp_nonce" in g else "'self'"
    policy = {**_POLICY, "script-src": scripts, "form-action": _form_targets()}
    response.headers["Content-Security-Policy"] = "; ".join(f"{name} {value}" for name, value in policy.items())
    for name, value in _HEADERS.items():
        response.headers[name] = value
    # Pages hold what people said: no copy stays on a shared computer. Scripts and styles set their own.
    response.headers.setdefault("Cache-Control", "no-store")
    if settings().public_url.startswith("https://"):
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    return response
