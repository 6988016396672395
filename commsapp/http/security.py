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
from werkzeug.routing import IntegerConverter, Map, Rule

from commsapp.accounts.service import SCOPE_NAMES
from commsapp.actor import Role
from commsapp.errors import BadInput, NotAllowed
from commsapp.http.request import READING, actor, settings
from commsapp.may import ANALYSTS, EVERYBODY, PLANNERS, STAFF

__all__ = ["ANALYSTS", "EVERYBODY", "PLANNERS", "STAFF", "declared_roles", "guard", "install", "may_enter", "without_sign_in"]

P = ParamSpec("P")
R = TypeVar("R")

LARGEST_INTEGER = 2**31 - 1

API = "/api/"
"""Where the addresses for programs begin: they take a token and no cookie, and answer JSON whatever happens."""

_ROLES = "commsapp_roles"
_SCOPE = "commsapp_scope"
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

    # The bound stands in the pattern: a number that the router matched and only then refused would be answered with 405, not 404.
    regex = (
        r"(?:[0-9]{1,9}|1[0-9]{9}|20[0-9]{8}|21[0-3][0-9]{7}|214[0-6][0-9]{6}|2147[0-3][0-9]{5}|21474[0-7][0-9]{4}"
        r"|214748[0-2][0-9]{3}|2147483[0-5][0-9]{2}|21474836[0-3][0-9]|214748364[0-7])"
    )

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
                what = "call" if for_programs() else "page"
                raise NotAllowed(f"This {what} is not for your role.", "Ask an administrator if you need it.")
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


def needs_scope(scope: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Declare the scope that a token needs for a call of the API; every such call carries it, beside `may_enter`."""
    if scope not in SCOPE_NAMES:
        raise ValueError(f"there is no scope '{scope}'")

    def declare(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            # None is a person at a page, whom nothing under the API lets in.
            if scope not in (actor().scopes or ()):
                raise NotAllowed(f"This token has no scope '{scope}'.", "Make one that has it on the page 'Your API tokens'.")
            return view(*args, **kwargs)

        setattr(checked, _SCOPE, scope)
        return checked

    return declare


def declared_scope(view: Callable[..., object]) -> str | None:
    """The scope that a call of the API declares; none where it forgot to, or where nobody is asked who they are."""
    scope: str | None = getattr(view, _SCOPE, None)
    return scope


def for_programs() -> bool:
    """Whether this request is for the API."""
    return request.path.startswith(API)


def declared_roles(view: Callable[..., object]) -> frozenset[Role] | None:
    """The roles that a view declares; none where it forgot to."""
    roles: frozenset[Role] | None = getattr(view, _ROLES, None)
    return roles


def guard(app: Flask) -> None:
    """Refuse to start an application with a route that doesn't say who may enter, or a call that doesn't name its scope.

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
    without_scope = sorted(
        f"{rule.rule} ({rule.endpoint})"
        for rule in app.url_map.iter_rules()
        if _lacks_scope(rule, app.view_functions[rule.endpoint])
    )
    if without_scope:
        raise RuntimeError(f"no needs_scope(…) on: {', '.join(without_scope)}")


def _lacks_scope(rule: Rule, view: Callable[..., object]) -> bool:
    """Whether an address of the API names no scope; or one elsewhere names one, where nobody would ask for it."""
    if not rule.rule.startswith(API):
        return declared_scope(view) is not None
    return declared_scope(view) is None and not is_without_sign_in(view)


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
    # The API looks at each field itself, once it knows who asks: reading a form means to take in all files in it.
    if request.method not in READING and not for_programs():
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
