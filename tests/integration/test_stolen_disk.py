"""Promise 20: what people said is unreadable on a stolen disk, and there again for who has the keys."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import given
import numpy as np
import pytest
from sqlalchemy import inspect, select, text

from commsapp.actor import Actor
from commsapp.config import Settings
from commsapp.errors import CommsappError
from commsapp.listening import service as listening
from commsapp.listening.columns import Mapping
from commsapp.storage import attachments, database, events, programmes, responses, search
from commsapp.storage.backup import write_backup
from commsapp.storage.base import Under
from commsapp.storage.embeddings import EmbeddingStore
from commsapp.storage.keyring import Keyring, is_sealed
from commsapp.storage.restore import restore_backup
from commsapp.storage.rotating import rotate
from commsapp.storage.sealing import rows, words_of
from commsapp.storage.session import Sessions, open_sessions

LEVELS = ("official-sensitive", "concern")
COLUMNS = Mapping(
    text="comment",
    translation="translation",
    date="date",
    identity="id",
    attributes=("age",),
    questions=("Heard?",),
    handling="handling",
)


def canary(what: str) -> str:
    """A word for each place, so that a find says where it came from."""
    return f"zyxcanary{what}"


def said(sessions: Sessions, actor: Actor, settings: Settings, folder: Path) -> int:
    """A canary in every column of words that belongs to an official-sensitive and to a concern response."""
    programme = given.programme(sessions, actor)
    names = {"comment": "comment", "translation": "translation", "age": "attribute", "Heard?": "answer"}
    cells = {column: canary(what) for column, what in names.items()}
    lines = [{"id": level, "date": "2026-03-01", "handling": level} | cells for level in LEVELS]
    lines += [{"id": f"rejected {level}", "date": canary("rejected"), "handling": level} | cells for level in LEVELS]
    given.imported(sessions, actor, settings, given.table(folder / "said.csv", lines), programme_id=programme, mapping=COLUMNS)
    with sessions.writing() as session:
        channel = listening.channels(session, actor, programme)[0]
        key = programmes.channel_key(session, channel.id)
        session.add(responses.Statement(channel_id=channel.id, identity="1", text=Under(key, canary("statement"))))
        ids = {
            row.id: row.handling_level
            for row in session.execute(select(responses.Response.id, responses.Response.handling_level))
        }
        for number in ids:
            content = io.BytesIO(canary("attachment").encode() * 20_000)
            attachments.put(
                session,
                actor,
                data_dir=settings.data_dir,
                response_id=number,
                kind="recording",
                media_type="audio/mp4",
                name=canary("name"),
                content=content,
            )
            changed = {"words": canary("before")}, {"words": canary("after")}
            told = {"before": changed[0], "after": changed[1], "why": canary("why")}
            events.record(session, actor, action="change", subject="consent", subject_id=number, **told)
        comments = list(session.scalars(select(responses.Comment.id)))
        found = [{"comment_id": n, "language": "en", "analysis_text": Under(key, canary("analysed"))} for n in comments]
        rest = {"text_key": "k", "from_translation": False, "not_coded": "", "redaction_version": "by hand+names"}
        rest |= {"redacted": Under(key, canary("redacted")), "redacted_translation": Under(key, canary("retranslated"))}
        responses.set_prepared(session, [row | rest for row in found])
        search.index(session, comments)
    with EmbeddingStore(settings.data_dir, "encoder/1", sessions.keyring) as store:
        store.put(["k"], np.frombuffer(canary("embeddings12345").encode().ljust(64), dtype=np.float32).reshape(1, -1).copy())
    return programme


def on_disk(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def in_tables(sessions: Sessions) -> bytes:
    """Every value of every table, as the database itself holds it."""
    with sessions.reading() as session:
        names = inspect(session.connection()).get_table_names()
        held = [session.execute(text(f'SELECT * FROM "{name}"')).all() for name in names]
    return repr(held).encode("utf-8")


def dumped(sessions: Sessions, schema: str) -> bytes:
    url = sessions.engine.url
    place = ["-h", url.host or "127.0.0.1", "-U", url.username or "root", "-n", schema, url.database or "test"]
    return subprocess.run(["pg_dump", *place], check=True, capture_output=True).stdout


def places(sessions: Sessions, settings: Settings, temporary: Path, more: list[Path]) -> dict[str, bytes]:
    """All that a thief would find, but the secret key: name → bytes."""
    found = {f"data/{name}": held for name, held in on_disk(settings.data_dir).items()}
    found |= {f"tmp/{name}": held for name, held in on_disk(temporary).items()}
    found |= {path.name: path.read_bytes() for path in more}
    found["tables"] = in_tables(sessions)
    if sessions.engine.dialect.name == "postgresql":
        with sessions.reading() as session:
            schema = session.scalars(text("SELECT current_schema()")).one()
        found["pg_dump"] = dumped(sessions, schema)
    return found


def read_with_keys(sessions: Sessions) -> set[str]:
    """Every canary that is there for who has the keys."""
    found = set()
    with sessions.reading() as session:
        keyring = sessions.keyring
        for words in words_of():
            for row in session.execute(rows(words)):
                for column in words.columns:
                    stored = getattr(row, column.name)
                    opened = keyring.open(stored).decode() if stored and is_sealed(stored) else stored or ""
                    found |= {part for part in opened.replace('"', " ").split() if part.startswith("zyxcanary")}
    return found


EXPECTED = {
    *("comment", "translation", "attribute", "answer", "rejected", "statement", "name", "before", "after", "analysed"),
}


def test_words_that_are_more_than_open_lie_nowhere_in_plain(
    sessions: Sessions,
    actor: Actor,
    settings: Settings,
    keyring: Keyring,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    promise: Callable[[int, str], None],
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setenv("SQLITE_TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", None)
    database.upgrade(settings.database_url, keyring=keyring, data_dir=settings.data_dir)
    programme = said(sessions, actor, settings, tmp_path)
    with sessions.reading() as session:
        assert listening.search(session, actor, programme, canary("redacted")).total == 2
    files = []
    looked_at: dict[str, int] = {}
    for number in (1, 2):
        made = write_backup(sessions, data_dir=settings.data_dir, keyring=keyring, path=tmp_path / f"{number}.backup")
        files += [made.path, made.keys, _unpacked(made.path, tmp_path / f"{number}.unpacked")]
        found = places(sessions, settings, temporary, files)
        assert [name for name, held in found.items() if b"zyxcanary" in held or "zyxcanary".encode("utf-16-le") in held] == []
        if sessions.engine.dialect.name == "sqlite":
            assert {"data/commsapp.sqlite", "data/commsapp.sqlite-wal", "data/commsapp.sqlite-shm"} <= set(found)
        assert not [name for name in found if "uploads/" in name]
        opened = read_with_keys(sessions)
        assert {canary(what) for what in EXPECTED} <= opened
        _read_files(sessions, actor, settings)
        looked_at = {name: len(held) for name, held in found.items()}
        if number == 1:
            old = keyring.copy()
            rotate(sessions, keyring, data_dir=settings.data_dir, wait=0)
    _old_keys_open_nothing(sessions, old, settings, tmp_path)
    _restored(settings, tmp_path, files[3], files[4])
    kinds, held = len(EXPECTED) + 2, sum(looked_at.values())  # the attachment and the embedding are looked at apart
    promise(
        20,
        f"canaries of {kinds} kinds, before and after a rotation: 0 hits in {len(looked_at)} places ({held:,} bytes); "
        f"{kinds} of {kinds} kinds read with the keys, 0 values opened by the old ones",
    )


def _unpacked(path: Path, to: Path) -> Path:
    import zipfile

    with zipfile.ZipFile(path) as archive:
        to.write_bytes(b"".join(archive.read(name) for name in archive.namelist()))
    return to


def _read_files(sessions: Sessions, actor: Actor, settings: Settings) -> None:
    with sessions.reading() as session:
        ids = list(session.scalars(select(responses.Response.id)))
        for one in attachments.attachments(session, actor, ids):
            with attachments.open_attachment(session, actor, one.id, data_dir=settings.data_dir) as file:
                assert file.read() == canary("attachment").encode() * 20_000
    with EmbeddingStore(settings.data_dir, "encoder/1", sessions.keyring) as store:
        assert store.get(["k"])[1].tobytes().strip() == canary("embeddings12345").encode()


def _old_keys_open_nothing(sessions: Sessions, old: object, settings: Settings, folder: Path) -> None:
    stolen = Keyring(folder / "stolen", settings.secret_key)
    stolen.take_in(old)  # type: ignore[arg-type]
    with sessions.reading() as session:
        for words in words_of():
            for row in session.execute(rows(words)):
                for column in words.columns:
                    stored = getattr(row, column.name)
                    if stored and is_sealed(stored):
                        with pytest.raises(CommsappError):
                            stolen.open(stored)


def _restored(settings: Settings, folder: Path, path: Path, keys: Path) -> None:
    there = folder / "there"
    keyring = Keyring(there / "keys", settings.secret_key)
    url = f"sqlite:///{there / 'commsapp.sqlite'}"
    there.mkdir()
    restore_backup(url, data_dir=there, keyring=keyring, path=path, keys=keys)
    opened = open_sessions(url, keyring=keyring)
    assert {canary(what) for what in EXPECTED} <= read_with_keys(opened)
    opened.engine.dispose()
    assert not [name for name, held in on_disk(there).items() if b"zyxcanary" in held]


def test_the_search_for_canaries_finds_one_that_is_there(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path
) -> None:
    programme = given.programme(sessions, actor)
    with sessions.writing() as session:
        listening.add_area(session, actor, programme, name=canary("area"))
    (settings.data_dir / "left").write_bytes(canary("left").encode())
    found = places(sessions, settings, tmp_path / "none", [])
    hits = {name for name, held in found.items() if b"zyxcanary" in held}
    assert {"tables", "data/left"} <= hits
    assert hits & {"data/commsapp.sqlite-wal", "pg_dump"}


def test_what_was_plain_before_sealing_is_gone_from_the_files(
    sessions: Sessions, actor: Actor, settings: Settings, keyring: Keyring, tmp_path: Path
) -> None:
    from test_sealing import plain_again

    said(sessions, actor, settings, tmp_path)
    plain_again(sessions, keyring)
    assert b"zyxcanary" in places(sessions, settings, tmp_path / "none", [])["tables"]
    environ = os.environ | {
        "COMMSAPP_DATA_DIR": str(settings.data_dir),
        "COMMSAPP_DATABASE_URL": settings.database_url,
        "COMMSAPP_SECRET_KEY": settings.secret_key,
    }
    sessions.engine.dispose()
    subprocess.run([sys.executable, "-m", "commsapp", "database", "upgrade"], check=True, env=environ, capture_output=True)
    found = places(sessions, settings, tmp_path / "none", [])
    assert [name for name, held in found.items() if b"zyxcanary" in held] == []
    assert {canary(what) for what in EXPECTED} <= read_with_keys(sessions)
