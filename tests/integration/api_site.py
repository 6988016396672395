"""The API on the database of a test, called as a program calls it: with a token and no cookie."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from commsapp.accounts.service import SCOPE_NAMES, make_token
from commsapp.actor import Actor, HandlingLevel
from commsapp.app import create_app
from commsapp.config import Settings
from commsapp.http.request import EXTENSION
from commsapp.storage.session import Sessions

V1 = "/api/v1"
PLENTY = 10_000_000
"""Calls a minute, where the limit is not what is tested."""


def token_of(
    sessions: Sessions,
    actor: Actor,
    *,
    scopes: Iterable[str] = SCOPE_NAMES,
    levels: Iterable[HandlingLevel] = tuple(HandlingLevel),
    days: int = 30,
) -> str:
    """A token of a person, as their page shows it once."""
    with sessions.writing() as session:
        return make_token(session, actor, name="Notebook", scopes=scopes, days=days, handling_levels=levels)[1]


@dataclass(frozen=True)
class Api:
    """The application, and calls of its API."""

    app: Flask
    token: str

    def call(self, method: str, path: str, *, token: str | None = None, **sent: Any) -> TestResponse:
        """Call an address below /api/v1; '' as token sends none."""
        shown = self.token if token is None else token
        headers = {**({"Authorization": f"Bearer {shown}"} if shown else {}), **sent.pop("headers", {})}
        return self.app.test_client().open(f"{V1}{path}", method=method, headers=headers, **sent)

    def get(self, path: str, *, status: int = 200, **sent: Any) -> Any:
        """What an address answers, which must be of that status and set no cookie."""
        return self._answered("GET", path, status, sent)

    def post(self, path: str, body: Any = None, *, status: int = 201, **sent: Any) -> Any:
        """What comes back for something that is sent as JSON."""
        return self._answered("POST", path, status, {**sent, **({} if body is None else {"json": body})})

    def delete(self, path: str, *, status: int = 204, **sent: Any) -> Any:
        """What comes back when something is taken away."""
        return self._answered("DELETE", path, status, sent)

    def _answered(self, method: str, path: str, status: int, sent: dict[str, Any]) -> Any:
        response = self.call(method, path, **sent)
        assert response.status_code == status, (method, path, response.status_code, response.get_data(as_text=True))
        assert "Set-Cookie" not in response.headers
        if status == 204:
            return None
        kind = "application/json" if status < 400 else "application/problem+json"
        assert response.mimetype == kind
        return response.json if status < 400 else response.get_json(force=True)


def open_api(settings: Settings, sessions: Sessions, actor: Actor, *, limit: int = PLENTY) -> Api:
    """The application on the database of a test, with a token of its local administrator for everything."""
    app = create_app(dataclasses.replace(settings, api_limit=limit))
    app.config["PROPAGATE_EXCEPTIONS"] = False
    return Api(app, token_of(sessions, actor))


def close_api(api: Api) -> None:
    """Let go of the connections of the application."""
    api.app.extensions[EXTENSION].sessions.engine.dispose()
