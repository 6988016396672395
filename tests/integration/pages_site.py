"""The whole application on a SQLite database of its own, for page tests and browser tests."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from flask import Flask

from commsapp.accounts.service import ensure_local
from commsapp.actor import Actor
from commsapp.app import create_app
from commsapp.config import Settings, load_settings
from commsapp.storage import database, jobs
from commsapp.storage.session import Sessions, sessions_of
from commsapp.worker import run_job


@dataclass(frozen=True)
class Site:
    """An application with what tests need to look behind its pages."""

    app: Flask
    settings: Settings
    sessions: Sessions
    actor: Actor

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


def open_site(folder: Path, template: Path | None = None) -> Site:
    """An application with an empty database in a folder; ``template`` is a SQLite file with all tables, to save the set-up."""
    settings = load_settings({"COMMSAPP_DATA_DIR": str(folder), "COMMSAPP_SECRET_KEY": "0123456789abcdef" * 4})
    if template is not None:
        shutil.copy(template, folder / "commsapp.sqlite")
    database.upgrade(settings.database_url)
    sessions = sessions_of(settings)
    with sessions.writing() as session:
        actor = ensure_local(session)
    return Site(create_app(settings), settings, sessions, actor)
