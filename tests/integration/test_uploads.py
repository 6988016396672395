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
    file = listening.check_file(kept, name=path.name, mapping=Mapping(text="comment"))
    with sessions.writing() as session:
        programme = listening.create_programme(session, actor, name=name)
        channel = listening.add_channel(session, actor, programme.id, name="Event", chosen="opt-in")
        started, _ = listening.start_import(session, actor, programme_id=programme.id, channel_id=channel.id, file=file)
    return started.id, kept


def test_a_file_goes_when_it_was_read_unless_somebody_brought_it_again(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "event.csv"
    path.write_text("comment\nSaid\n", "utf-8")
    for again in (False, True):
        ended, kept = begin(sessions, actor, settings, path, f"Programme {again}")
        if again:
            assert listening.keep(path, settings) == kept
        listening.run_import(sessions, actor, import_id=ended, settings=settings)
        assert kept.exists() == again


def test_a_file_goes_a_day_after_it_came_unless_an_import_waits_for_it(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path
) -> None:
    paths = [tmp_path / f"event{number}.csv" for number in range(3)]
    for path in paths:
        path.write_text(f"comment\nSaid in {path.name}\n", "utf-8")
    _, needed = begin(sessions, actor, settings, paths[0], "One")
    old, new = (listening.keep(path, settings) for path in paths[1:])
    for kept in (needed, old):
        os.utime(kept, (time.time() - 25 * 3600,) * 2)
    with sessions.reading() as session:
        assert listening.clear_uploads(session, settings) == 1
    assert needed.exists() and new.exists() and not old.exists()
    assert all(path.exists() for path in paths)
