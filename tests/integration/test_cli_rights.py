"""The commands of one person's data, of retention and of backups, as somebody types them."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import given
import pytest
from typed import typed

from commsapp.accounts import service as accounts
from commsapp.config import load_settings
from commsapp.storage.session import sessions_of

WORDS = "zyxtyped words"


@pytest.fixture
def folder(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with two responses of Ann and one of Bob in the programme P."""
    data = tmp_path / "data"
    data.mkdir()
    shutil.copy(sqlite_template, data / "commsapp.sqlite")
    monkeypatch.setenv("COMMSAPP_DATA_DIR", str(data))
    rows = [
        {"id": "a1", "date": "2026-01-02", "who": "Ann", "comment": WORDS},
        {"id": "a2", "date": "2024-01-03", "who": "Ann", "comment": f"{WORDS} again"},
        {"id": "b1", "date": "2026-01-02", "who": "Bob", "comment": "Bob"},
    ]
    path = given.table(tmp_path / "said.csv", rows)
    how = ("--map", "respondent=who", "--map", "identity=id", "--map", "text=comment", "--date-order", "iso")
    done = typed("import", path, "--programme", "P", "--channel", "C", *how)
    assert done.status == 0, done.err
    return data


def test_a_person_is_shown_exported_and_erased(folder: Path, tmp_path: Path) -> None:
    shown = typed("person", "show", "--programme", "P", "--key", "Ann")
    assert [one["words"] for one in json.loads(shown.out)["responses"]] == [f"{WORDS} again", WORDS]
    typed("backup", tmp_path / "before.backup")
    for kind in ("csv", "json"):
        out = tmp_path / f"ann.{kind}"
        done = typed("person", "export", "--programme", "P", "--id", "a1", "-o", out, "--why", "She asked")
        assert done.status == 0, done.err
        assert WORDS in out.read_text("utf-8")
        assert out.stat().st_mode & 0o077 == 0
    assert typed("person", "export", "--programme", "P", "--id", "a1", "-o", tmp_path / "x.txt", "--why", "y").status == 2
    assert typed("person", "erase", "--programme", "P", "--key", "Nobody", "--why", "x", "--yes").status == 1
    erased = typed("person", "erase", "--programme", "P", "--key", "Ann", "--why", "She asked", "--yes")
    assert "responses: 2" in erased.out, erased.err
    assert typed("audit", "verify").status == 0
    sessions = sessions_of(load_settings())
    told = given.stored(
        sessions, "SELECT action, subject FROM event WHERE subject IN ('person', 'backup') AND id > 1 ORDER BY id"
    )
    assert told == [("read", "person"), ("export", "backup"), ("export", "person"), ("export", "person"), ("erase", "person")]
    sessions.engine.dispose()


def test_who_was_erased_does_not_come_back_with_a_backup_from_before(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed("backup", tmp_path / "before.backup")
    typed("person", "erase", "--programme", "P", "--key", "Ann", "--why", "She asked", "--yes")
    new = tmp_path / "new"
    new.mkdir()
    shutil.copy(folder / "secret.key", new / "secret.key")
    monkeypatch.setenv("COMMSAPP_DATA_DIR", str(new))
    backup = tmp_path / "before.backup"
    done = typed("restore", backup, "--keys", tmp_path / "before.backup.keys", "--erased", folder / "erased")
    assert "2 responses follow again what was decided since" in done.out, done.err
    assert "no list of what was decided" not in " ".join(done.out.split())
    assert WORDS.encode() not in (new / "commsapp.sqlite").read_bytes()


def test_a_restored_backup_lets_nobody_in_by_what_held_then_and_keeps_channels_as_long_as_was_decided_since(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = typed("user", "invite", "amy@example.org", "--name", "Amy", "--administrator")
    secret = re.findall(r"/join/(\S+)", made.out)[0]
    sessions = sessions_of(load_settings())
    with sessions.writing() as session:
        person = accounts.join(session, secret, password_hash="x")
    with sessions.writing() as session:
        accounts.start_sign_in(session, person.id, device="A", way="password", second_factor=False)
        amy = accounts.actor_for(session, organisation_id=person.organisation_id, person_id=person.id)
        accounts.make_token(session, amy, name="Notebook", scopes=["programmes:read"], days=9)
    typed("backup", tmp_path / "before.backup")
    typed("retention", "set", "--programme", "P", "--channel", "C", "--months", "7")
    assert " kept " in (folder / "erased").read_text("ascii")  # at once, not with the next pass
    sessions.engine.dispose()
    new = tmp_path / "new"
    new.mkdir()
    shutil.copy(folder / "secret.key", new / "secret.key")
    monkeypatch.setenv("COMMSAPP_DATA_DIR", str(new))
    keys = tmp_path / "before.backup.keys"
    done = typed("restore", tmp_path / "before.backup", "--keys", keys, "--erased", folder / "erased")
    assert done.status == 0, done.err
    assert "amy@example.org" in done.out
    assert "kept for 7 months" in " ".join(done.out.split())
    restored = sessions_of(load_settings())
    assert given.stored(restored, "SELECT count(*) FROM sign_in") == [(0,)]
    assert given.stored(restored, "SELECT count(*) FROM api_token WHERE revoked_at IS NULL") == [(0,)]
    assert given.stored(restored, "SELECT retain_months FROM feedback_channel") == [(7,)]
    assert given.stored(restored, "SELECT action FROM event WHERE subject = 'retention'") == [("change",)]
    restored.engine.dispose()


def test_a_restore_says_where_it_cannot_know_who_was_erased_since(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = typed("backup", tmp_path / "before.backup")
    assert f"Keep {folder / 'erased'} as it grows" in " ".join(made.out.split()).replace("/ ", "/")
    new = tmp_path / "new"
    new.mkdir()
    shutil.copy(folder / "secret.key", new / "secret.key")
    typed("person", "erase", "--programme", "P", "--key", "Ann", "--why", "She asked", "--yes")
    typed("backup", tmp_path / "after.backup")  # it knows of a decision itself, and not of those that came later
    monkeypatch.setenv("COMMSAPP_DATA_DIR", str(new))
    done = typed("restore", tmp_path / "after.backup", "--keys", tmp_path / "after.backup.keys")
    assert "There is no list of what was decided since" in " ".join(done.out.split()), done.err


def test_retention_is_set_shown_tried_and_run(folder: Path) -> None:
    assert "No date for deletion is set" in typed("retention", "show", "--programme", "P").out
    assert typed("retention", "set", "--programme", "P", "--channel", "C").status == 2
    assert typed("retention", "set", "--programme", "P", "--channel", "C", "--until", "soon").status == 2
    assert typed("retention", "set", "--programme", "P", "--channel", "D", "--months", "12").status == 1
    assert "12 months" in typed("retention", "set", "--programme", "P", "--channel", "C", "--months", "12").out
    assert "responses: 1" in typed("retention", "run", "--dry-run").out
    assert "responses: 1" in typed("retention", "run").out
    assert "Nothing is past its time" in typed("retention", "run").out
    assert f"{WORDS} again".encode() not in (folder / "commsapp.sqlite").read_bytes()
