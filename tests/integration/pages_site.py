"""The whole application on a SQLite database of its own, for page tests and browser tests.

Who comes without a cookie is the local administrator, cleared for everything, through a sign-in like any other: so the tests of
pages need not sign in. ``site.client(role, …)`` is somebody else, ``site.visitor()`` nobody; ``open_site(…, signed_in=False)``
asks everybody who they are.
"""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from page_client import PageClient, page_client

from commsapp.accounts.actors import hash_of
from commsapp.accounts.service import ensure_local
from commsapp.actor import Actor, HandlingLevel, Role
from commsapp.app import create_app
from commsapp.config import Settings, load_settings
from commsapp.http.signing_in import KEY, PROVEN, SEEN
from commsapp.storage import database, jobs, organisations, people
from commsapp.storage.base import now
from commsapp.storage.keyring import open_keyring
from commsapp.storage.organisations import Person
from commsapp.storage.session import Sessions, sessions_of
from commsapp.worker import run_job


@dataclass(frozen=True)
class Site:
    """An application with what tests need to look behind its pages."""

    app: Flask
    settings: Settings
    sessions: Sessions
    actor: Actor

    def client(
        self,
        role: Role,
        *,
        levels: Iterable[HandlingLevel] = (HandlingLevel.OPEN,),
        originals: bool = False,
        organisation_id: int | None = None,
    ) -> PageClient:
        """A client of somebody new with a role and a clearance, of another organisation where one is named."""
        with self.sessions.writing() as session:
            person = organisations.add_person(
                session,
                organisation_id=organisation_id or self.actor.organisation_id,
                name=f"{role.value} {secrets.token_hex(4)}",
                role=role,
                levels=levels,
                originals=originals,
            )
        return self.signed_in(person.id)

    def signed_in(self, person_id: int) -> PageClient:
        """A client in which a person is signed in."""
        client = page_client(self.app)
        client.set_cookie("commsapp", self.cookie(person_id))
        return client

    def visitor(self) -> PageClient:
        """A client in which nobody is signed in."""
        client = page_client(self.app)
        client.environ_base["tests.visitor"] = True
        return client

    def cookie(self, person_id: int) -> str:
        """What the browser of a person who is signed in sends as cookie 'commsapp'."""
        return sign_in(self.app, self.sessions, person_id)

    def job_ids(self, *states: str) -> list[int]:
        """Jobs in any of these states, first to last."""
        with self.sessions.reading() as session:
            return [job.id for job in reversed(jobs.recent_jobs(session, self.actor)) if job.state in states]

    def work(self, *, names: tuple[str, ...] = ("import", "analyse")) -> int:
        """Run what waits, as the worker would, until nothing does; how many jobs ran."""
        ran = 0
        while True:
            with self.sessions.reading() as session:
                waiting = [job.id for job in jobs.recent_jobs(session, self.actor) if job.state == "queued" and job.name in names]
            if not waiting:
                return ran
            run_job(min(waiting), self.sessions, self.settings)
            ran += 1


def sign_in(app: Flask, sessions: Sessions, person_id: int) -> str:
    """Sign a person in; the cookie of their browser. Also somebody who has no e-mail address, whom the pages would not let in."""
    key = secrets.token_hex(16)
    with sessions.writing() as session:
        people.add_sign_in(
            session,
            person_id=person_id,
            key_hash=hash_of(key),
            ends_at=now() + timedelta(hours=12),
            device="A test",
            way="test",
            second_factor=True,
        )
        person = session.get_one(Person, person_id)
    serializer: Any = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    kept = {
        "_user_id": person.fs_uniquifier,
        "_fresh": True,
        "_permanent": True,
        KEY: key,
        SEEN: int(time.time()),
        PROVEN: time.time(),
    }
    return str(serializer.dumps(kept))


def always_signed_in(app: Flask, cookie: str) -> None:
    """Let whoever comes without our cookie be the one of ``cookie``, unless a client says that it is a visitor."""
    inner = app.wsgi_app

    def middleware(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        given = environ.get("HTTP_COOKIE", "")
        if "commsapp=" not in given and not environ.get("tests.visitor"):
            environ["HTTP_COOKIE"] = "; ".join(filter(None, (given, f"commsapp={cookie}")))
        return inner(environ, start_response)

    app.wsgi_app = middleware  # type: ignore[method-assign]


def open_site(folder: Path, template: Path | None = None, *, signed_in: bool = True, **settings_: str) -> Site:
    """An application with an empty database in a folder; ``template`` is a SQLite file with all tables, to save the set-up."""
    settings = load_settings({"COMMSAPP_DATA_DIR": str(folder), "COMMSAPP_SECRET_KEY": "0123456789abcdef" * 4, **settings_})
    if template is not None:
        shutil.copy(template, folder / "commsapp.sqlite")
    database.upgrade(settings.database_url, keyring=open_keyring(settings))
    sessions = sessions_of(settings)
    with sessions.writing() as session:
        actor = ensure_local(session)
    app = create_app(settings)
    if signed_in:
        assert actor.person_id is not None
        always_signed_in(app, sign_in(app, sessions, actor.person_id))
    return Site(app, settings, sessions, actor)
