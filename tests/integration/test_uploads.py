"""Files that were brought in stay no longer than they are needed."""

import os
import time
from pathlib import Path

from commsapp.actor import Actor
from commsapp.config import Settings
from commsapp.listening import service as listening
from commsapp.listening.columns import Mapping
from commsapp.storage.session import Sessions


def begin(sessions: Sessions, actor: Actor, settings: Settings, path: Path, name: str) -> tuple[int, Path]:
    kept = listening.keep(path, settings)
    with sessions.writing() as session:
        programme = listening.create_programme(session, actor, name=name)
        channel = listening.add_channel(session, actor, programme.id, name="Event", chosen="opt-in")
        started, _ = listening.start_import(
            session,
            actor,
            programme_id=programme.id,
            channel_id=channel.id,
            path=kept,
            file_name=path.name,
            mapping=Mapping(text="comment"),
        )
    return started.id, kept


def test_a_file_is_removed_when_the_last_import_that_needs_it_has_ended(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "event.csv"
    path.write_text("comment\nThe lights are out\nNobody comes\n", "utf-8")
    first, kept = begin(sessions, actor, settings, path, "One")
    second, _ = begin(sessions, actor, settings, path, "Two")
    listening.run_import(sessions, actor, import_id=first, settings=settings)
    assert kept.exists()
    listening.run_import(sessions, actor, import_id=second, settings=settings)
    assert not kept.exists()
    assert path.exists()


def test_a_file_that_was_brought_and_never_imported_goes_after_a_week(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path
) -> None:
    paths = [tmp_path / f"event{number}.csv" for number in range(3)]
    for path in paths:
        path.write_text(f"comment\nSaid in {path.name}\n", "utf-8")
    _, needed = begin(sessions, actor, settings, paths[0], "One")
    old, new = (listening.keep(path, settings) for path in paths[1:])
    for kept in (needed, old):
        os.utime(kept, (time.time() - 8 * 24 * 3600,) * 2)
    with sessions.reading() as session:
        assert listening.clear_uploads(session, settings) == 1
    assert needed.exists() and new.exists() and not old.exists()
