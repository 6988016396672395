"""A backup is made while others work, is checked, and comes back the same into either database."""

from __future__ import annotations

import hashlib
import hmac
import json
import stat
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import given
import numpy as np
import pytest
from every_table import fill
from sqlalchemy import func, inspect, select

from commsapp.actor import Actor
from commsapp.config import Settings
from commsapp.errors import BadInput, CommsappError, Conflict, Unavailable
from commsapp.listening import service as listening
from commsapp.storage import backup as backups
from commsapp.storage import database, programmes, rotating
from commsapp.storage.backup import Backup, read_backup, write_backup
from commsapp.storage.base import SensitiveJson
from commsapp.storage.embeddings import EmbeddingStore
from commsapp.storage.keyfiles import read_copy
from commsapp.storage.keyring import Keyring, is_sealed, open_keyring
from commsapp.storage.restore import restore_backup
from commsapp.storage.sealing import check, drop_old_keys, reseal
from commsapp.storage.sealing import words_of as every_word
from commsapp.storage.session import Sessions, make_engine, open_sessions
from commsapp.storage.tables import metadata

CANARY = "Mae'r dyn o'r banc wedi ffonio ŵ 🚗 zyxbackup"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a database to restore into, without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'restored.sqlite'}"
        return
    server = request.getfixturevalue("postgres")
    name = server.make()
    yield server.url(name)


def saved(sessions: Sessions, settings: Settings, path: Path) -> Backup:
    return write_backup(sessions, data_dir=settings.data_dir, keyring=open_keyring(settings), path=path)


def brought_back(url: str, settings: Settings, path: Path, folder: Path) -> Backup:
    return restore_backup(url, data_dir=folder, keyring=open_keyring(settings), path=path)


def hashes(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    return {part["name"]: part["sha256"] for part in manifest["parts"]}


def rows(sessions: Sessions) -> dict[str, int]:
    with sessions.reading() as session:
        counted = {table.name: session.scalar(select(func.count()).select_from(table)) for table in metadata.sorted_tables}
    return {name: int(count or 0) for name, count in counted.items()}


def test_every_table_comes_back_the_same_into_either_database(
    sessions: Sessions, settings: Settings, empty: str, tmp_path: Path
) -> None:
    fill(sessions.engine)
    with EmbeddingStore(settings.data_dir, "encoder/1", open_keyring(settings)) as store:
        store.put(["a", "b"], np.arange(6, dtype=np.float32).reshape(2, 3))
        made = saved(sessions, settings, tmp_path / "all.backup")  # while the file of embeddings is open
    assert made.rows == dict.fromkeys(made.rows, 1)
    assert set(made.rows) == {table.name for table in metadata.sorted_tables}
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    folder = tmp_path / "new"
    assert brought_back(empty, settings, made.path, folder).rows == made.rows
    restored = open_sessions(empty, keyring=open_keyring(settings))
    with EmbeddingStore(folder, "encoder/1", open_keyring(settings)) as store:
        assert store.get(["b"])[1].tolist() == [[3, 4, 5]]
    again = write_backup(restored, data_dir=folder, keyring=open_keyring(settings), path=tmp_path / "again.backup")
    # The index of words is made anew, which one row tells.
    tables, tables_again = (
        {name: value for name, value in hashes(one.path).items() if name.startswith("tables/") and "/sealing." not in name}
        for one in (made, again)
    )
    assert tables == tables_again
    restored.engine.dispose()


def test_what_people_said_comes_back_and_the_work_goes_on(
    sessions: Sessions, actor: Actor, settings: Settings, empty: str, tmp_path: Path
) -> None:
    programme = given.programme(sessions, actor)
    path = given.table(tmp_path / "said.csv", [{"comment": CANARY, "area": "Ash"}, {"comment": "Second", "area": "Birch"}])
    given.imported(sessions, actor, settings, path, programme_id=programme)
    with sessions.writing() as session:
        first, last = sorted(area.id for area in listening.areas(session, actor, programme))
        session.get_one(programmes.Area, first).parent_id = last  # a parent that comes after its child
    made = saved(sessions, settings, tmp_path / "one.backup")
    brought_back(empty, settings, made.path, tmp_path / "new")
    restored = open_sessions(empty, keyring=open_keyring(settings))
    assert given.everything_written(restored, actor, programme) == [CANARY, "Second"]
    with restored.writing() as session:  # keys go on after the highest one
        assert listening.add_area(session, actor, programme, name="Cedar").id > last
        assert session.get_one(programmes.Area, first).parent_id == last
    restored.engine.dispose()


def test_a_backup_under_load_is_one_state_of_the_database(
    sessions: Sessions,
    actor: Actor,
    settings: Settings,
    empty: str,
    tmp_path: Path,
    promise: Callable[[int, str], None],
) -> None:
    programme = given.programme(sessions, actor)
    stop, written = threading.Event(), []

    def write() -> None:
        while not stop.is_set():
            with sessions.writing() as session:  # an area and its event, together or not at all
                written.append(listening.add_area(session, actor, programme, name=f"Area {len(written)}").id)

    worker = threading.Thread(target=write)
    worker.start()
    made = []
    try:
        for number in range(3):
            while len(written) < 20 * (number + 1):
                time.sleep(0.01)
            made.append(saved(sessions, settings, tmp_path / f"{number}.backup"))
    finally:
        stop.set()
        worker.join()
    assert 20 <= made[0].rows["area"] < made[1].rows["area"] < made[2].rows["area"] <= len(written)
    for one in made:
        assert one.rows["event"] - made[0].rows["event"] == one.rows["area"] - made[0].rows["area"]
    brought_back(empty, settings, made[-1].path, tmp_path / "new")
    restored = open_sessions(empty, keyring=open_keyring(settings))
    assert rows(restored) == made[-1].rows | {"sealing": 1}
    restored.engine.dispose()
    promise(3, f"3 backups while {len(written)} rows were written: each one state, restored with equal counts and hashes")


def during(sessions: Sessions, settings: Settings, path: Path, act: Callable[[], object]) -> Backup:
    """A backup, in the midst of which something happens: after its tables were read."""

    def progress(_stage: str, done: int, total: int) -> None:
        if done == total:
            act()

    return write_backup(sessions, data_dir=settings.data_dir, keyring=open_keyring(settings), path=path, progress=progress)


def test_a_backup_that_is_written_while_keys_rotate_can_be_read(
    sessions: Sessions, actor: Actor, settings: Settings, keyring: Keyring, empty: str, tmp_path: Path
) -> None:
    programme = given.programme(sessions, actor)
    path = given.table(tmp_path / "said.csv", [{"comment": CANARY}])
    given.imported(sessions, actor, settings, path, programme_id=programme)
    database.upgrade(settings.database_url, keyring=keyring)

    def rotated() -> None:
        # What 'rotate' does but for tidying up, which on SQLite waits 30 seconds for whoever still reads.
        rotating._new_keys(keyring)
        reseal(sessions, keyring)
        assert drop_old_keys(sessions, keyring)

    made = during(sessions, settings, tmp_path / "one.backup", rotated)
    there = Keyring(tmp_path / "there", settings.secret_key)
    restore_backup(empty, data_dir=tmp_path / "new", keyring=there, path=made.path, keys=made.keys)
    restored = open_sessions(empty, keyring=there)
    assert given.everything_written(restored, actor, programme) == [CANARY]
    assert check(restored, there).unreadable == ()
    restored.engine.dispose()


def test_a_key_that_is_forgotten_while_a_backup_is_written_is_not_in_its_keys(
    sessions: Sessions, actor: Actor, settings: Settings, keyring: Keyring, tmp_path: Path
) -> None:
    programme = given.programme(sessions, actor)
    path = given.table(tmp_path / "said.csv", [{"comment": CANARY}])
    given.imported(sessions, actor, settings, path, programme_id=programme)
    family = given.stored(sessions, "SELECT key_id FROM feedback_channel")[0][0]
    with EmbeddingStore(settings.data_dir, "encoder/1", keyring) as store:
        store.put(["a"], np.ones((1, 3), dtype=np.float32))
    embeddings = keyring.newest_id("embeddings")

    def forgotten() -> None:
        rotating.forget(keyring, family, data_dir=settings.data_dir)
        rotating.settle_embeddings(keyring, settings.data_dir, wait=0)

    made = during(sessions, settings, tmp_path / "one.backup", forgotten)
    kept = read_copy(made.keys)
    assert embeddings not in {key.id for key in kept.keys}
    assert family not in {key.family for key in kept.keys} and [stone.family for stone in kept.tombstones] == [family]


def test_a_name_that_looks_sealed_keeps_no_backup_from_being_written(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path
) -> None:
    given.programme(sessions, actor, name=f"~1.{'a' * 12}.{'A' * 40}")
    assert saved(sessions, settings, tmp_path / "one.backup").rows["programme"] == 1


def test_a_backup_whose_key_is_nowhere_is_refused(
    sessions: Sessions, actor: Actor, settings: Settings, keyring: Keyring, tmp_path: Path
) -> None:
    programme = given.programme(sessions, actor)
    path = given.table(tmp_path / "said.csv", [{"comment": CANARY}])
    given.imported(sessions, actor, settings, path, programme_id=programme)
    family = given.stored(sessions, "SELECT key_id FROM feedback_channel")[0][0]
    (keyring.folder / f"{family}.1.key").unlink()
    with pytest.raises(Unavailable, match="No backup was written: 1 of the keys"):
        saved(sessions, settings, tmp_path / "one.backup")
    assert not list(tmp_path.glob("*one.backup*"))


def test_a_backup_of_an_earlier_version_is_upgraded(sessions: Sessions, settings: Settings, empty: str, tmp_path: Path) -> None:
    fill(sessions.engine)
    made = saved(sessions, settings, tmp_path / "now.backup")
    keyring, earlier = open_keyring(settings), layout("0002", tmp_path)
    brought_back(empty, settings, as_it_was(made.path, tmp_path / "old.backup", keyring, earlier), tmp_path / "new")
    assert database.current(empty) == database.head()
    restored = open_sessions(empty, keyring=keyring)
    assert rows(restored) == {table: count if table in earlier else 0 for table, count in made.rows.items()} | {"sealing": 1}
    found = check(restored, keyring)
    assert (found.plain, found.unreadable) == (0, ()) and found.readable > 0
    with restored.reading() as session:
        assert session.get_one(programmes.Wave, 1).proposed is False
    restored.engine.dispose()
    with pytest.raises(CommsappError, match="doesn't know"):
        later = rewritten(made.path, tmp_path / "later.backup", lambda manifest: manifest | {"revision": "9999"})
        brought_back(f"sqlite:///{tmp_path / 'later.sqlite'}", settings, later, tmp_path / "later")


def layout(revision: str, folder: Path) -> dict[str, set[str]]:
    """The columns of each table as they were at a revision."""
    url = f"sqlite:///{folder / 'layout.sqlite'}"
    database.upgrade(url, revision)
    engine = make_engine(url)
    seen = inspect(engine)
    found = {table: {column["name"] for column in seen.get_columns(table)} for table in seen.get_table_names()}
    engine.dispose()
    return found


def as_it_was(path: Path, to: Path, keyring: Keyring, earlier: dict[str, set[str]]) -> Path:
    """The backup as revision 0002 would have written it: plain words, some of them as JSON, less columns and tables."""
    with zipfile.ZipFile(path) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        contents = {part["name"]: archive.read(part["name"]) for part in manifest["parts"]}
    tables = {words.table.name: {column.name: column.type for column in words.columns} for words in every_word()}
    manifest["parts"] = [part for part in manifest["parts"] if "table" not in part or part["table"] in earlier]
    for part in manifest["parts"]:
        if "table" not in part:
            continue
        columns = tables.get(part["table"], {})
        rows = [dict(zip(part["kinds"], json.loads(line), strict=True)) for line in contents[part["name"]].splitlines()]
        for row in rows:
            for name, kind in columns.items():
                words = keyring.open(row[name]).decode() if is_sealed(row[name]) else row[name]
                row[name] = json.loads(words) if isinstance(kind, SensitiveJson) else words
        kept = [name for name in part["kinds"] if name in earlier[part["table"]]]
        json_columns = {name for name, kind in columns.items() if isinstance(kind, SensitiveJson)}
        part["kinds"] = {name: "json" if name in json_columns else part["kinds"][name] for name in kept}
        lines = b"".join(json.dumps([row[name] for name in kept], separators=(",", ":")).encode() + b"\n" for row in rows)
        contents[part["name"]], part["sha256"] = lines, hashlib.sha256(lines).hexdigest()
    secret = hmac.new(keyring.hashing.encode(), b"commsapp backup", hashlib.sha256).hexdigest()
    manifest |= {"revision": "0002", "format": "commsapp backup 1", "key": secret}
    with zipfile.ZipFile(to, "w") as archive:
        for part in manifest["parts"]:
            archive.writestr(part["name"], contents[part["name"]])
        archive.writestr("manifest.json", json.dumps(manifest))
    return to


def rewritten(path: Path, to: Path, change: Any, *, part: str = "", content: bytes = b"") -> Path:
    """A copy of a backup with another manifest, or with another content of one part."""
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(to, "w") as copy:
        for name in archive.namelist():
            data = archive.read(name)
            if name == "manifest.json":
                data = json.dumps(change(json.loads(data))).encode()
            copy.writestr(name, content if name == part else data)
    return to


@pytest.fixture
def made(sessions: Sessions, settings: Settings, tmp_path: Path) -> Backup:
    fill(sessions.engine)
    return saved(sessions, settings, tmp_path / "made.backup")


def test_a_damaged_file_is_refused_in_a_sentence(made: Backup, settings: Settings, empty: str, tmp_path: Path) -> None:
    whole = made.path.read_bytes()
    (tmp_path / "cut.backup").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "words.backup").write_text("no zip at all", "utf-8")
    with zipfile.ZipFile(tmp_path / "other.backup", "w") as archive:
        archive.writestr("holiday.txt", "photos")
    rewritten(made.path, tmp_path / "changed.backup", dict, part="tables/wave.jsonl", content=b"[1,1,1,1,1]\n")
    rewritten(made.path, tmp_path / "less.backup", lambda manifest: manifest | {"parts": manifest["parts"][1:]})
    rewritten(made.path, tmp_path / "newer.backup", lambda manifest: manifest | {"format": "commsapp backup 3"})
    for name in ("cut", "words", "other", "changed", "less", "newer", "missing"):
        with pytest.raises(BadInput, match=name):
            brought_back(empty, settings, tmp_path / f"{name}.backup", tmp_path / "new")
    assert database.current(empty) is None
    assert not (tmp_path / "new").exists()


def test_a_backup_needs_the_keys_of_its_time_and_does_not_hold_them(made: Backup, settings: Settings, tmp_path: Path) -> None:
    with zipfile.ZipFile(made.path) as archive:
        assert not any(settings.secret_key.encode() in archive.read(name) for name in archive.namelist())
    read_backup(made.path, keyring=open_keyring(settings))
    with pytest.raises(BadInput, match="other keys"):
        read_backup(made.path, keyring=Keyring(tmp_path / "other keys", settings.secret_key))


def test_another_machine_needs_the_secret_key_and_the_file_of_keys(
    sessions: Sessions, actor: Actor, settings: Settings, empty: str, tmp_path: Path
) -> None:
    programme = given.programme(sessions, actor)
    path = given.table(tmp_path / "said.csv", [{"comment": CANARY}])
    given.imported(sessions, actor, settings, path, programme_id=programme)
    made = saved(sessions, settings, tmp_path / "one.backup")
    assert stat.S_IMODE(made.keys.stat().st_mode) == 0o600
    with zipfile.ZipFile(made.path) as archive:
        assert not any(CANARY.encode() in archive.read(name) for name in archive.namelist())
    there = {"data_dir": tmp_path / "there", "path": made.path}
    with pytest.raises(BadInput, match="other keys"):
        restore_backup(empty, keyring=Keyring(tmp_path / "there" / "keys", settings.secret_key), **there)
    with pytest.raises(CommsappError, match="another secret key"):
        restore_backup(empty, keyring=Keyring(tmp_path / "there" / "keys", "f" * 64), keys=made.keys, **there)
    keyring = Keyring(tmp_path / "there" / "keys", settings.secret_key)
    restore_backup(empty, keyring=keyring, keys=made.keys, **there)
    restored = open_sessions(empty, keyring=keyring)
    assert given.everything_written(restored, actor, programme) == [CANARY]
    restored.engine.dispose()


def test_a_check_says_where_keys_that_a_rotation_took_away_are_needed(
    sessions: Sessions, actor: Actor, settings: Settings, empty: str, tmp_path: Path
) -> None:
    database.upgrade(settings.database_url, keyring=sessions.keyring)
    programme = given.programme(sessions, actor)
    path = given.table(tmp_path / "said.csv", [{"comment": CANARY}])
    given.imported(sessions, actor, settings, path, programme_id=programme)
    made = saved(sessions, settings, tmp_path / "one.backup")
    read_backup(made.path, keyring=sessions.keyring)
    rotating.rotate(sessions, sessions.keyring, data_dir=settings.data_dir, wait=0)
    with pytest.raises(BadInput, match="other keys"):
        read_backup(made.path, keyring=sessions.keyring)
    with pytest.raises(BadInput, match="other keys"):  # before anything is written
        restore_backup(empty, data_dir=tmp_path / "there", keyring=sessions.keyring, path=made.path)
    assert database.current(empty) is None


def test_a_restore_never_mixes_with_what_is_there(
    made: Backup, sessions: Sessions, settings: Settings, empty: str, tmp_path: Path
) -> None:
    url = sessions.engine.url.render_as_string(hide_password=False)
    before = rows(sessions)
    with pytest.raises(Conflict, match="holds something already"):
        brought_back(url, settings, made.path, tmp_path / "new")
    assert rows(sessions) == before
    with EmbeddingStore(tmp_path / "used", "encoder/1", open_keyring(settings)):
        pass
    with pytest.raises(Conflict, match="embeddings"):
        brought_back(empty, settings, made.path, tmp_path / "used")
    with pytest.raises(Conflict, match="never overwritten"):
        saved(sessions, settings, made.path)


def test_a_table_that_comes_back_otherwise_leaves_nothing_behind(
    made: Backup, settings: Settings, empty: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from commsapp.storage import restore

    monkeypatch.setattr(restore, "lines_of", lambda _connection, _table: iter([b"other\n"]))
    with pytest.raises(CommsappError, match="otherwise than it was written"):
        brought_back(empty, settings, made.path, tmp_path / "new")
    assert database.current(empty) is None
    monkeypatch.undo()
    brought_back(empty, settings, made.path, tmp_path / "new")


def test_a_backup_that_breaks_off_leaves_no_file(
    sessions: Sessions, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backups, "_write_lines", full)
    (tmp_path / "place").mkdir()
    with pytest.raises(CommsappError, match="No space left"):
        saved(sessions, settings, tmp_path / "place" / "one.backup")
    assert list((tmp_path / "place").iterdir()) == []
