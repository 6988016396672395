"""What people said lies sealed, each channel's words with its own key; keys rotate while others work, and go for good."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import given
import numpy as np
import pytest
from every_table import fill
from sqlalchemy import func, select, text

from commsapp.actor import Actor
from commsapp.config import Settings
from commsapp.errors import Unavailable
from commsapp.listening import service as listening
from commsapp.listening.columns import Mapping
from commsapp.storage import database, programmes, responses, rotating, sealing
from commsapp.storage.attachments import put
from commsapp.storage.base import FORGOTTEN, Under
from commsapp.storage.embeddings import EmbeddingStore
from commsapp.storage.keyring import EMBEDDINGS, MAIN, Keyring, is_sealed, open_keyring
from commsapp.storage.rotating import forget, forget_in_copy, rotate, settle_embeddings
from commsapp.storage.sealing import check, rows, seal_all, way_to_channel, words_of
from commsapp.storage.session import Sessions, open_sessions
from commsapp.storage.tables import metadata

CANARY = "zyxcanary ŵ"
COLUMNS = Mapping(
    text="comment",
    translation="translation",
    date="date",
    identity="id",
    attributes=("age",),
    questions=("Heard?",),
    handling="handling",
)


def said(sessions: Sessions, actor: Actor, settings: Settings, folder: Path, *, channel: str = "Event", count: int = 6) -> int:
    """A programme with a file whose every field holds the canary, some rows rejected; the programme."""
    with sessions.writing() as session:
        found = [p.id for p in listening.all_programmes(session, actor)]
    programme = found[0] if found else given.programme(sessions, actor)
    cells = dict.fromkeys(("comment", "translation", "age", "Heard?"), CANARY)
    levels = ("open", "official-sensitive", "concern")
    lines = [{"id": f"{n}", "date": "2026-03-01" if n % 4 else "?", "handling": levels[n % 3]} | cells for n in range(count)]
    path = given.table(folder / f"{channel}.csv", lines)
    given.imported(sessions, actor, settings, path, programme_id=programme, channel=channel, mapping=COLUMNS)
    return programme


def stored_values(sessions: Sessions) -> dict[str, list[tuple[str, str]]]:
    """table.column → (family, what is stored) of every value that is not empty."""
    found: dict[str, list[tuple[str, str]]] = {}
    with sessions.reading() as session:
        for words in words_of():
            for row in session.execute(rows(words)):
                for column in words.columns:
                    stored = getattr(row, column.name)
                    if stored not in (None, "", "{}"):
                        found.setdefault(f"{words.table.name}.{column.name}", []).append((row.family, stored))
    return found


def plain_again(sessions: Sessions, keyring: Keyring) -> None:
    """Every value as it was before sealing came, and no note that it did."""
    with sessions.writing() as session:
        session.execute(text("DELETE FROM sealing"))
        for words in words_of():
            for row in session.execute(rows(words)).all():
                for column in words.columns:
                    stored = getattr(row, column.name)
                    if stored and is_sealed(stored):
                        opened = keyring.open(stored).decode()
                        update = f'UPDATE {words.table.name} SET "{column.name}" = :value WHERE id = :id'
                        session.execute(text(update), {"value": opened, "id": row.id})
        session.execute(text("UPDATE feedback_channel SET key_id = NULL"))


def test_every_value_of_a_channel_is_sealed_with_the_key_of_that_channel(
    sessions: Sessions, actor: Actor, settings: Settings, keyring: Keyring, tmp_path: Path
) -> None:
    for channel in ("Event", "Hotline"):
        programme = said(sessions, actor, settings, tmp_path, channel=channel)
    with sessions.writing() as session:
        channels = listening.channels(session, actor, programme)
        for channel_ in channels:
            key = programmes.channel_key(session, channel_.id)
            session.add(responses.Statement(channel_id=channel_.id, identity="1", text=Under(key, CANARY)))
            some = session.scalars(select(responses.Response.id).where(responses.Response.channel_id == channel_.id)).first()
            how = {"kind": "picture", "media_type": "image/png", "name": CANARY, "content": io.BytesIO(b"x")}
            put(session, actor, data_dir=settings.data_dir, response_id=some, **how)
        for comment in session.execute(select(responses.Comment)).scalars().all():
            key = session.scalars(
                select(programmes.FeedbackChannel.key_id)
                .join(responses.Response, responses.Response.channel_id == programmes.FeedbackChannel.id)
                .where(responses.Response.id == comment.response_id)
            ).one()
            comment.analysis_text = comment.redacted = Under(key, CANARY)  # type: ignore[assignment]
            comment.redacted_translation = Under(key, CANARY)  # type: ignore[assignment]
    families = {key.id: key.family for key in keyring.all_keys()}
    found = stored_values(sessions)
    assert len({family for family, _ in found["comment.original"]}) == 2
    for name, values in found.items():
        assert all(is_sealed(stored) and families[stored[3:15]] == family for family, stored in values), name
    # Whatever belongs to a channel says so, so that a column that is added later is not forgotten here.
    of_channel = {words.table.name: words.of_channel for words in words_of()}
    for name, of in of_channel.items():
        if way_to_channel(metadata.tables[name]) is not None:
            assert of, f"the words of {name} belong to a feedback channel: give them SensitiveText(of_channel=True)"
    missing = {f"{words.table.name}.{column.name}" for words in words_of() if words.of_channel for column in words.columns}
    assert missing - set(found) == set()


def test_words_of_a_channel_without_its_key_are_refused(sessions: Sessions, actor: Actor) -> None:
    with pytest.raises(Exception, match="Under"), sessions.writing() as session:
        session.add(responses.Answer(response_id=1, question_id=1, choice="Yes"))
        session.flush()


def test_a_session_without_keys_says_so_and_comparing_sealed_words_is_refused(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path
) -> None:
    programme = said(sessions, actor, settings, tmp_path)
    keyless = open_sessions(settings.database_url)
    with pytest.raises(Unavailable, match="no keys"), keyless.reading() as session:
        listening.comments_page(session, actor, programme)
    with pytest.raises(Unavailable, match="no keys"), keyless.writing() as session:
        listening.add_area(session, actor, programme, name="Ash")
    keyless.engine.dispose()
    for compared in (lambda c: c == "x", lambda c: c.in_(["x"]), lambda c: c.ilike("x"), lambda c: c.desc()):
        with pytest.raises(TypeError, match="can't be compared"):
            compared(responses.Comment.original)
    assert str(responses.Comment.analysis_text.is_not(None))


def test_plain_words_are_read_and_a_pass_seals_them_once(
    sessions: Sessions, actor: Actor, settings: Settings, keyring: Keyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "BATCH", 2)
    programme = said(sessions, actor, settings, tmp_path)
    before = given.everything_said(sessions, actor, programme)
    plain_again(sessions, keyring)
    assert not any(is_sealed(stored) for values in stored_values(sessions).values() for _, stored in values)
    assert given.everything_said(sessions, actor, programme) == before
    count = seal_all(sessions, keyring)
    assert count == sum(len(values) for values in stored_values(sessions).values()) > 20
    assert all(is_sealed(stored) for values in stored_values(sessions).values() for _, stored in values)
    assert given.everything_said(sessions, actor, programme) == before
    assert seal_all(sessions, keyring) == 0


def test_a_pass_that_was_cut_off_goes_on(
    sessions: Sessions, actor: Actor, settings: Settings, keyring: Keyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "BATCH", 2)
    programme = said(sessions, actor, settings, tmp_path)
    before = given.everything_said(sessions, actor, programme)
    plain_again(sessions, keyring)

    def stop(_stage: str, done: int, _total: int) -> None:
        if done > 6:
            raise RuntimeError("killed here")

    with pytest.raises(RuntimeError):
        seal_all(sessions, keyring, progress=stop)
    states = [is_sealed(stored) for values in stored_values(sessions).values() for _, stored in values]
    assert any(states) and not all(states)
    seal_all(sessions, keyring)
    assert all(is_sealed(stored) for values in stored_values(sessions).values() for _, stored in values)
    assert given.everything_said(sessions, actor, programme) == before


def test_a_database_is_refused_with_the_keys_of_another(
    sessions: Sessions, settings: Settings, keyring: Keyring, tmp_path: Path
) -> None:
    database.upgrade(settings.database_url, keyring=keyring)
    other = Keyring(tmp_path / "other", settings.secret_key)
    with pytest.raises(Unavailable, match="not those"):
        database.upgrade(settings.database_url, keyring=other)
    assert other.is_empty
    other.seal(b"something")
    with pytest.raises(Unavailable, match="not those"):
        database.upgrade(settings.database_url, keyring=other)


def test_going_back_to_before_sealing_opens_every_word(
    sessions: Sessions, actor: Actor, settings: Settings, keyring: Keyring, tmp_path: Path
) -> None:
    programme = said(sessions, actor, settings, tmp_path)
    before = given.everything_said(sessions, actor, programme)
    sessions.engine.dispose()
    try:
        with pytest.raises(Unavailable, match="no keys"):
            database.downgrade(settings.database_url, "0003")
        database.downgrade(settings.database_url, "0003", keyring=keyring)
        plain = open_sessions(settings.database_url)
        with plain.reading() as session:
            assert set(session.scalars(text("SELECT original FROM comment"))) == {CANARY}
            assert CANARY.split()[0] in str(session.scalars(text("SELECT attributes FROM response")).first())
        plain.engine.dispose()
    finally:
        database.upgrade(settings.database_url, keyring=keyring)
    assert given.everything_said(sessions, actor, programme) == before


def embedded(settings: Settings, keyring: Keyring) -> EmbeddingStore:
    store = EmbeddingStore(settings.data_dir, "encoder/1", keyring)
    store.put(["a", "b"], np.arange(8, dtype=np.float32).reshape(2, 4))
    return store


def test_keys_rotate_and_the_old_ones_open_nothing(
    sessions: Sessions, actor: Actor, settings: Settings, keyring: Keyring, tmp_path: Path
) -> None:
    programme = said(sessions, actor, settings, tmp_path)
    database.upgrade(settings.database_url, keyring=keyring)
    embedded(settings, keyring).close()
    before = given.everything_said(sessions, actor, programme)
    old = {key.id for key in keyring.all_keys()}
    copy = keyring.copy()
    done = rotate(sessions, keyring, data_dir=settings.data_dir, wait=0)
    assert (done.keys, done.dropped, done.embeddings) == (3, 3, 2)
    assert {key.version for key in keyring.all_keys()} == {2} and not old & {key.id for key in keyring.all_keys()}
    assert given.everything_said(sessions, actor, programme) == before
    assert done.values == sum(len(values) for values in stored_values(sessions).values())
    assert (check(sessions, keyring).unreadable, check(sessions, keyring).plain) == ((), 0)
    with embedded(settings, keyring) as store:
        assert store.get(["b"])[1].tolist() == [[4, 5, 6, 7]]
    # Who stole the old keys reads nothing of what is stored now.
    stolen = Keyring(tmp_path / "stolen", settings.secret_key)
    stolen.take_in(copy)
    for values in stored_values(sessions).values():
        with pytest.raises(Unavailable):
            stolen.open(values[0][1])


KILLED = """
import os, signal, sys
from commsapp.config import load_settings
from commsapp.storage import sealing, rotating
from commsapp.storage.keyring import open_keyring
from commsapp.storage.session import open_sessions
settings = load_settings()
sealing.BATCH = 2
step = int(sys.argv[1])
def progress(stage, done, total):
    if done >= step:
        os.kill(os.getpid(), signal.SIGKILL)
if step < 0:
    real = rotating.Keyring.add_version
    made = []
    def add_version(self, family):
        made.append(real(self, family))
        if len(made) == -step:
            os.kill(os.getpid(), signal.SIGKILL)
    rotating.Keyring.add_version = add_version
keyring = open_keyring(settings)
sessions = open_sessions(settings.database_url, keyring=keyring)
rotating.rotate(sessions, keyring, data_dir=settings.data_dir, wait=0, progress=progress)
"""


@pytest.mark.parametrize("step", [-1, 1, 9])
def test_a_rotation_that_is_killed_goes_on_and_nothing_is_lost(
    sessions: Sessions, actor: Actor, settings: Settings, keyring: Keyring, tmp_path: Path, step: int
) -> None:
    programme = said(sessions, actor, settings, tmp_path)
    database.upgrade(settings.database_url, keyring=keyring)
    embedded(settings, keyring).close()
    before = given.everything_said(sessions, actor, programme)
    environ = {
        "COMMSAPP_DATA_DIR": str(settings.data_dir),
        "COMMSAPP_DATABASE_URL": settings.database_url,
        "COMMSAPP_SECRET_KEY": settings.secret_key,
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
    }
    process = subprocess.run([sys.executable, "-c", KILLED, str(step)], env=environ, check=False)
    assert process.returncode == -signal.SIGKILL
    assert {key.version for key in keyring.all_keys()} == {1, 2}
    assert given.everything_said(sessions, actor, programme) == before
    rotate(sessions, keyring, data_dir=settings.data_dir, wait=0)
    assert sorted(key.version for key in keyring.all_keys()) == [2, 2, 2]
    assert given.everything_said(sessions, actor, programme) == before
    assert check(sessions, keyring).unreadable == ()


def test_others_write_while_keys_rotate_and_every_word_stays_readable(
    sessions: Sessions, actor: Actor, settings: Settings, keyring: Keyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "BATCH", 5)
    programme = said(sessions, actor, settings, tmp_path, count=40)
    database.upgrade(settings.database_url, keyring=keyring)
    other_keys = Keyring(keyring.folder, settings.secret_key)  # as another process has them
    others = open_sessions(settings.database_url, keyring=other_keys)
    stop, written = threading.Event(), []

    def write() -> None:
        while not stop.is_set():
            with others.writing() as session:
                written.append(listening.add_area(session, actor, programme, name=f"Area {len(written)}").id)
            time.sleep(0.01)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while len(written) < 3:
            time.sleep(0.01)
        rotate(sessions, keyring, data_dir=settings.data_dir, wait=1.5)
        count = len(written)
        while len(written) < count + 3:
            time.sleep(0.01)
    finally:
        stop.set()
        writer.join()
    others.engine.dispose()
    found = check(sessions, keyring)
    assert (found.unreadable, found.plain) == ((), 0)
    with sessions.reading() as session:
        assert session.scalar(select(func.count()).select_from(programmes.Area)) == len(written)


def test_a_forgotten_key_takes_the_words_of_its_channel_and_of_no_other(
    sessions: Sessions, actor: Actor, settings: Settings, keyring: Keyring, tmp_path: Path
) -> None:
    for channel in ("Event", "Hotline"):
        programme = said(sessions, actor, settings, tmp_path, channel=channel)
    database.upgrade(settings.database_url, keyring=keyring)
    embedded(settings, keyring).close()
    copy = tmp_path / "one.keys"
    from commsapp.storage.keyfiles import read_copy, write_copy

    write_copy(copy, keyring.copy())
    old_embeddings = keyring.newest_id(EMBEDDINGS)
    with sessions.reading() as session:
        [event] = [c for c in listening.channels(session, actor, programme) if c.name == "Event"]
        family = programmes.channel_key(session, event.id)
    given.prepared(sessions, actor, settings, programme)
    forget(keyring, family, data_dir=settings.data_dir)
    page = given.everything_said(sessions, actor, programme)
    assert {(one.channel, one.words) for one in page} == {("Event", FORGOTTEN), ("Hotline", CANARY)}
    assert {one.channel: one.attributes for one in page} == {"Event": {}, "Hotline": {"age": CANARY}}
    with sessions.reading() as session:
        assert len(listening.records(session, actor, programme).comments) == len(page)
        for run in listening.imports_of(session, actor, programme):
            listening.rejected(session, actor, run.id)
    found = check(sessions, keyring)
    assert found.unreadable == () and found.forgotten > 10
    assert keyring.newest_id(EMBEDDINGS) != old_embeddings
    with embedded(settings, keyring) as store:
        assert store.missing(["a", "b"]) == []
    assert settle_embeddings(keyring, settings.data_dir, wait=0) == 1
    assert forget_in_copy(keyring, copy) == 2
    left = {key.id for key in read_copy(copy).keys}
    assert not left & {old_embeddings, *(n for stone in keyring.forgotten() for n in stone.ids)} and len(left) >= 4
    assert forget_in_copy(keyring, copy) == 0


def test_embeddings_that_another_process_seals_while_a_key_is_forgotten_stay_readable(
    settings: Settings, keyring: Keyring, sessions: Sessions
) -> None:
    family = keyring.add()
    embedded(settings, keyring).close()
    other = Keyring(keyring.folder, settings.secret_key)  # as another process has them
    before = other.newest_id(EMBEDDINGS)
    forget(keyring, family, data_dir=settings.data_dir)
    other._looked = time.monotonic()  # it looked a moment ago, so it has not seen the new key
    with EmbeddingStore(settings.data_dir, "encoder/1", other) as store:
        store.put(["c"], np.ones((1, 4), dtype=np.float32))
    assert other.newest_id(EMBEDDINGS) == before
    began = time.monotonic()
    assert settle_embeddings(keyring, settings.data_dir, wait=1.2) == 1
    assert time.monotonic() - began > 0.5
    with embedded(settings, keyring) as store:
        assert store.get(["c"])[1].tolist() == [[1, 1, 1, 1]]
    assert before not in {key.id for key in keyring.all_keys()}
    assert settle_embeddings(keyring, settings.data_dir) == 0


@pytest.mark.parametrize("killed", ["add_version", "newest_id", "drop_old_versions"])
def test_a_key_that_was_being_forgotten_takes_that_of_embeddings_along_after_a_kill(
    settings: Settings, keyring: Keyring, sessions: Sessions, monkeypatch: pytest.MonkeyPatch, killed: str
) -> None:
    family = keyring.add()
    embedded(settings, keyring).close()
    old = keyring.newest_id(EMBEDDINGS)

    def kill(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt):
        broken.setattr(Keyring, killed, kill)
        forget(keyring, family, data_dir=settings.data_dir)
        settle_embeddings(keyring, settings.data_dir, wait=0)
    assert old in {key.id for key in keyring.all_keys()}
    assert settle_embeddings(keyring, settings.data_dir, wait=0) == 1
    assert old not in {key.id for key in keyring.all_keys()}
    with embedded(settings, keyring) as store:
        assert store.get(["a"])[1].tolist() == [[0, 1, 2, 3]]


def test_every_table_with_words_has_rows_that_a_pass_finds(sessions: Sessions, keyring: Keyring) -> None:
    fill(sessions.engine)
    for words in words_of():
        with sessions.reading() as session:
            assert [row.family for row in session.execute(rows(words))] == [MAIN], words.table.name
    assert check(sessions, keyring).unreadable == ()


def test_the_commands_for_keys_say_what_they_did(settings: Settings, sessions: Sessions, actor: Actor, tmp_path: Path) -> None:
    from click.testing import CliRunner

    from commsapp.cli import commands

    programme = said(sessions, actor, settings, tmp_path)
    environ: dict[str, Any] = {
        "COMMSAPP_DATA_DIR": str(settings.data_dir),
        "COMMSAPP_DATABASE_URL": settings.database_url,
        "COMMSAPP_SECRET_KEY": settings.secret_key,
        "COLUMNS": "200",
    }

    def run(*words: str, **more: str) -> str:
        result = CliRunner().invoke(commands, list(words), env=environ | more, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    assert "Event (County lines)" in run("keys", "list")
    assert "0 are still plain" in run("keys", "check")
    assert "2 new keys" in run("keys", "rotate", "--wait", "0")
    new = "f" * 64
    rewrapped = run("keys", "rewrap", COMMSAPP_SECRET_KEY=new, COMMSAPP_OLD_SECRET_KEY=settings.secret_key)
    assert "4 keys are wrapped" in rewrapped
    environ["COMMSAPP_SECRET_KEY"] = new
    assert "0 are still plain" in run("keys", "check")
    keyring = Keyring(settings.keys_folder, new)
    opened = open_sessions(settings.database_url, keyring=keyring)
    assert set(given.everything_written(opened, actor, programme)) == {CANARY}
    opened.engine.dispose()
    assert "nothing to take out" in run("keys", "forget-copies", _copy(keyring, tmp_path))
    with pytest.raises(Unavailable, match="rewrap"):
        open_keyring(settings).mark  # noqa: B018


def _copy(keyring: Keyring, folder: Path) -> str:
    from commsapp.storage.keyfiles import write_copy

    write_copy(folder / "some.keys", keyring.copy())
    return str(folder / "some.keys")


def test_a_rotation_waits_for_words_that_are_plain(sessions: Sessions, settings: Settings, keyring: Keyring) -> None:
    with pytest.raises(Unavailable, match="upgrade"):
        rotating.rotate(sessions, keyring, data_dir=settings.data_dir, wait=0)
