"""While a file is parsed or hashed, which may take minutes, others can write to the database: SQLite has one lock for all."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import given
import pytest
from page_client import page_client
from pages_site import open_site
from test_pages_imports import SURVEY, choose, dropped_on
from typed import typed

from commsapp.accounts.service import local_actor
from commsapp.actor import Actor
from commsapp.cli import demo
from commsapp.config import Settings, load_settings
from commsapp.listening import formats
from commsapp.listening import service as listening
from commsapp.planning.sample import load_sample
from commsapp.storage.keyring import open_keyring
from commsapp.storage.session import Sessions, open_sessions

Watch = Callable[[Settings, Actor | None], list[str]]


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Let another writer change something each time a file is opened or hashed; it fails at once where it has to wait."""

    def begin(settings: Settings, actor: Actor | None = None) -> list[str]:
        others = open_sessions(settings.database_url, keyring=open_keyring(settings), busy_seconds=0.1)
        seen: list[str] = []

        def write(what: str) -> None:
            seen.append(what)
            with others.writing() as session:
                who = actor or local_actor(session)
                listening.create_programme(session, who, name=secrets.token_hex(8))

        def watched(what: str, real: Callable[..., Any]) -> Callable[..., Any]:
            def call(*arguments: Any, **more: Any) -> Any:
                write(what)
                return real(*arguments, **more)

            return call

        monkeypatch.setattr(formats, "look", watched("opened", formats.look))
        monkeypatch.setattr(hashlib, "file_digest", watched("hashed", hashlib.file_digest))
        return seen

    return begin


def test_others_can_write_while_the_pages_read_a_file(tmp_path: Path, sqlite_template: Path, watch: Watch) -> None:
    site = open_site(tmp_path, sqlite_template)
    client = page_client(site.app)
    with site.sessions.writing() as session:
        programme = listening.create_programme(session, site.actor, name="Ashdale")
    seen = watch(site.settings, site.actor)
    address = dropped_on(client, programme.id, survey__csv=SURVEY)
    sent = choose(client, address, file0_chosen="opt-in")
    seen.clear()

    assert client.post(address, data=sent).status_code == 302
    assert {"opened", "hashed"} <= set(seen)
    assert site.work(names=("import",)) == 1


def test_others_can_write_while_the_command_line_reads_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, watch: Watch
) -> None:
    for name in [name for name in os.environ if name.startswith("COMMSAPP_") and "TEST" not in name]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COMMSAPP_DATA_DIR", str(tmp_path / "data"))
    path = given.table(tmp_path / "said.csv", [{"comment": f"Words {n}", "area": "Ash"} for n in range(4)])
    place = ("--programme", "County lines", "--channel", "Event")
    assert typed("import", path, *place).status == 0
    seen = watch(load_settings(), None)

    again = typed("import", path, *place)
    assert (again.status, again.err.strip()) == (0, "")
    assert {"opened", "hashed"} <= set(seen)


def test_others_can_write_while_the_demo_reads_its_files(
    sessions: Sessions, actor: Actor, settings: Settings, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "run_here", lambda *_: None)
    sample = load_sample()
    with sessions.writing() as session:
        programme = demo._frame(session, actor, sample)
    seen = watch(settings, actor)

    demo._listen(sessions, actor, programme, sample, settings)
    assert {"opened", "hashed"} <= set(seen)
