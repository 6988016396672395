"""Files that come with a response lie sealed, are seen by who may see the response, and go with it."""

from __future__ import annotations

import io
import os
import threading
import time
from pathlib import Path

import given
import pytest
from sqlalchemy import select

from commsapp.actor import Actor, HandlingLevel
from commsapp.config import Settings
from commsapp.errors import CommsappError, NotFound, Unavailable
from commsapp.listening import service as listening
from commsapp.storage import attachments, database, responses
from commsapp.storage.attachments import FOLDER, open_attachment, put, remove
from commsapp.storage.attachments import attachments as attached
from commsapp.storage.backup import write_backup
from commsapp.storage.keyring import Keyring
from commsapp.storage.restore import restore_backup
from commsapp.storage.rotating import forget, rotate
from commsapp.storage.sealedfiles import PIECE
from commsapp.storage.session import Sessions, open_sessions
from commsapp.worker import keep_house

CONTENT = b"zyxcanary" * 30_000  # more than four pieces


@pytest.fixture
def response(sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path) -> int:
    programme = given.programme(sessions, actor)
    path = given.table(tmp_path / "x.csv", [{"comment": "words", "handling": "official-sensitive"}])
    given.imported(sessions, actor, settings, path, programme_id=programme)
    return int(given.stored(sessions, "SELECT max(id) FROM response")[0][0])


def kept(sessions: Sessions, actor: Actor, settings: Settings, response: int, content: bytes = CONTENT) -> int:
    with sessions.writing() as session:
        how = {"kind": "picture", "media_type": "image/png", "name": "Zyxname.png"}
        made = put(session, actor, data_dir=settings.data_dir, response_id=response, content=io.BytesIO(content), **how)
    return made.id


def files(settings: Settings) -> list[Path]:
    folder = settings.data_dir / FOLDER
    return sorted(folder.iterdir()) if folder.is_dir() else []


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, len(CONTENT)])
def test_a_file_comes_back_the_same_and_lies_sealed(
    sessions: Sessions, actor: Actor, settings: Settings, response: int, size: int
) -> None:
    content = CONTENT[:size]
    number = kept(sessions, actor, settings, response, content)
    with sessions.reading() as session:
        with open_attachment(session, actor, number, data_dir=settings.data_dir) as file:
            assert (file.read(), file.size) == (content, size)
            file.seek(size // 2)
            assert file.read(10) == content[size // 2 : size // 2 + 10]
        [one] = attached(session, actor, [response])
    assert (one.name, one.size, one.media_type) == ("Zyxname.png", size, "image/png")
    [path] = files(settings)
    assert b"zyxcanary" not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("harm", ["flip", "cut", "swap", "cut a piece", "empty"])
def test_a_changed_file_is_refused(sessions: Sessions, actor: Actor, settings: Settings, response: int, harm: str) -> None:
    number = kept(sessions, actor, settings, response)
    [path] = files(settings)
    stored, piece = path.read_bytes(), PIECE + 16
    head, pieces = stored[:16], [stored[16 + n : 16 + n + piece] for n in range(0, len(stored) - 16, piece)]
    changed = {
        "flip": stored[:100] + bytes([stored[100] ^ 1]) + stored[101:],
        "cut": stored[:-5],
        "swap": head + b"".join([pieces[1], pieces[0], *pieces[2:]]),
        "cut a piece": head + b"".join(pieces[:-1]),
        "empty": b"",
    }[harm]
    path.write_bytes(changed)
    with sessions.reading() as session, pytest.raises(Unavailable, match="changed or cut off"):
        open_attachment(session, actor, number, data_dir=settings.data_dir).readall()


def test_who_may_not_see_the_response_sees_no_attachment(
    sessions: Sessions, actor: Actor, settings: Settings, response: int
) -> None:
    number = kept(sessions, actor, settings, response)
    stranger = given.other_organisation(sessions)
    for who in (stranger, given.cleared_for(actor, HandlingLevel.OPEN)):
        with sessions.writing() as session:
            assert attached(session, who, [response]) == []
            with pytest.raises(NotFound):
                open_attachment(session, who, number, data_dir=settings.data_dir)
            with pytest.raises(NotFound):
                remove(session, who, number, data_dir=settings.data_dir)
            with pytest.raises(NotFound):
                put(
                    session,
                    who,
                    data_dir=settings.data_dir,
                    response_id=response,
                    kind="picture",
                    media_type="image/png",
                    name="x",
                    content=io.BytesIO(b"x"),
                )
    assert len(files(settings)) == 1


def test_a_file_goes_when_its_deletion_is_for_good_and_not_before(
    sessions: Sessions, actor: Actor, settings: Settings, response: int
) -> None:
    number = kept(sessions, actor, settings, response)
    with pytest.raises(RuntimeError), sessions.writing() as session:
        remove(session, actor, number, data_dir=settings.data_dir)
        raise RuntimeError
    assert len(files(settings)) == 1
    with pytest.raises(RuntimeError), sessions.writing() as session:
        put(
            session,
            actor,
            data_dir=settings.data_dir,
            response_id=response,
            kind="picture",
            media_type="image/png",
            name="x",
            content=io.BytesIO(b"x"),
        )
        raise RuntimeError
    assert len(files(settings)) == 1
    with sessions.writing() as session:
        remove(session, actor, number, data_dir=settings.data_dir)
    assert files(settings) == []
    actions = given.stored(sessions, "SELECT action FROM event WHERE subject = 'attachment' ORDER BY id")
    assert actions == [("create",), ("delete",)]


def test_it_goes_with_its_response_and_what_a_killed_process_left_is_swept(
    sessions: Sessions, actor: Actor, settings: Settings, response: int
) -> None:
    kept(sessions, actor, settings, response)
    (settings.data_dir / FOLDER / "orphan").write_bytes(b"left")
    run = given.stored(sessions, "SELECT max(id) FROM import_run")[0][0]
    with sessions.writing() as session:
        listening.remove_import(session, actor, run, settings=settings)
    assert [path.name for path in files(settings)] == ["orphan"]
    with sessions.reading() as session:
        assert session.scalars(select(attachments.Attachment)).all() == []
    keep_house(sessions, settings, threading.Event())
    assert [path.name for path in files(settings)] == ["orphan"]  # somebody may be writing it at this moment
    os.utime(settings.data_dir / FOLDER / "orphan", (0, time.time() - 2 * 24 * 3600))
    keep_house(sessions, settings, threading.Event())
    assert files(settings) == []


def test_backups_rotation_and_the_end_of_a_channel_take_it_along(
    sessions: Sessions, actor: Actor, settings: Settings, keyring: Keyring, response: int, tmp_path: Path
) -> None:
    database.upgrade(settings.database_url, keyring=keyring)
    number = kept(sessions, actor, settings, response)
    rotate(sessions, keyring, data_dir=settings.data_dir, wait=0)
    made = write_backup(sessions, data_dir=settings.data_dir, keyring=keyring, path=tmp_path / "one.backup")
    assert b"zyxcanary" not in made.path.read_bytes() and b"Zyxname" not in made.path.read_bytes()
    there, url = tmp_path / "there", f"sqlite:///{tmp_path / 'restored.sqlite'}"
    keys = Keyring(there / "keys", settings.secret_key)
    restore_backup(url, data_dir=there, keyring=keys, path=made.path, keys=made.keys)
    restored = open_sessions(url, keyring=keys)
    for opened, folder in ((sessions, settings.data_dir), (restored, there)):
        with opened.reading() as session, open_attachment(session, actor, number, data_dir=folder) as file:
            assert file.read() == CONTENT
    with restored.reading() as session:
        family = session.scalars(select(responses.FeedbackChannel.key_id)).one()
    forget(keys, family, data_dir=there)
    with restored.reading() as session, pytest.raises(CommsappError):
        open_attachment(session, actor, number, data_dir=there)
    restored.engine.dispose()
