"""What one request carries: an open database session, who is asking, the settings."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, Response, current_app, g, request
from flask_security import current_user

from commsapp.actor import Actor
from commsapp.config import Settings
from commsapp.errors import NotSignedIn
from commsapp.storage.session import Session, Sessions, told

EXTENSION = "commsapp"
READING = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Installed:
    """What ``create_app`` hands to every request, kept in ``app.extensions['commsapp']``."""

    settings: Settings
    sessions: Sessions


def install(app: Flask, installed: Installed) -> None:
    """Give every request of an application its session, and commit it once at the end where it succeeded."""
    app.extensions[EXTENSION] = installed
    app.after_request(_finish)
    app.teardown_request(_close)


def settings() -> Settings:
    """The settings that this application runs with."""
    return _installed().settings


def session() -> Session:
    """The session of this request, opened when first asked for; it commits once, after a response below 400.

    A request that only reads (GET) never commits. A streamed body must not use it: it is closed when the view returns.
    """
    opened: Session | None = g.get("database_session")
    if opened is None:
        opened = _installed().sessions.open(writes=request.method not in READING)
        g.database_session = opened
    return opened


def sessions() -> Sessions:
    """For a service that opens its own, as it computes between reading and writing.

    The session of this request is given up first: nobody should wait for the database while something is computed.
    """
    opened: Session | None = g.get("database_session")
    if opened is not None:
        opened.rollback()
    return _installed().sessions


def actor() -> Actor:
    """Who is asking.

    Raises
    ------
    NotSignedIn : nobody is signed in.

    """
    asking = visitor()
    if asking is None:
        raise NotSignedIn("Sign in to see this page.", "")
    return asking


def visitor() -> Actor | None:
    """Who is asking, or None where nobody is signed in.

    Whoever finds out in another way (by a token, say) sets ``g.actor`` before anybody asks.
    """
    if "actor" not in g:
        found = current_user.actor if current_user.is_authenticated else None
        if "sign_in_problem" in g:  # the database is away, which is no reason to ask who somebody is
            raise g.sign_in_problem
        g.actor = found
    asking: Actor | None = g.actor
    return asking


def enter_as(who: Actor) -> None:
    """Say who is asking, where a token tells it and nothing that a browser sends."""
    g.actor = who


def _installed() -> Installed:
    installed: Installed = current_app.extensions[EXTENSION]
    return installed


def _finish(response: Response) -> Response:
    # pop: when the commit fails, the page that says so passes here again and must not commit a second time.
    opened: Session | None = g.pop("database_session", None)
    if opened is None:
        return response
    with told(), opened:
        if response.status_code < 400 and request.method not in READING:
            opened.commit()
        else:
            opened.rollback()
    return response


def _close(_error: BaseException | None) -> None:
    opened: Session | None = g.pop("database_session", None)
    if opened is not None:
        opened.close()
