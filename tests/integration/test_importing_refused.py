"""What starts no import: files that can't be read, columns that aren't there, a channel of somebody else, a file that is gone."""

from __future__ import annotations

from pathlib import Path

import given
import pytest

from commsapp.actor import Actor
from commsapp.config import Settings
from commsapp.errors import BadInput, NotFound
from commsapp.listening import service as listening
from commsapp.listening.columns import Mapping
from commsapp.listening.formats import delimited
from commsapp.storage.session import Sessions


def test_a_file_with_nothing_to_read_or_a_column_that_is_not_there_starts_no_import(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path
) -> None:
    path = given.table(tmp_path / "events.csv", given.ROWS)
    programme = given.programme(sessions, actor)
    with pytest.raises(BadInput, match="nothing to read"):
        given.started(sessions, actor, settings, path, programme_id=programme, mapping=Mapping(date="date"))
    with pytest.raises(BadInput, match="no column 'words'"):
        given.started(sessions, actor, settings, path, programme_id=programme, mapping=Mapping(text="words"))
    for table in ("import_run", "job", "response", "feedback_channel"):
        assert given.stored(sessions, f"SELECT id FROM {table}") == []


def test_a_file_that_cannot_be_read_to_its_end_starts_no_import(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delimited, "_MOST_REPAIRS", 0)
    path = tmp_path / "broken.csv"
    good = "".join(f"{n},Words of somebody about the bins\n" for n in range(1_500))
    path.write_text("id,comment\n" + good + '7,"never closed\n', encoding="utf-8")
    programme = given.programme(sessions, actor)
    with pytest.raises(BadInput, match=r"broken\.csv has more than 0 broken rows; the last one is row 1502"):
        given.started(sessions, actor, settings, path, programme_id=programme, mapping=Mapping(text="comment"))
    for table in ("import_run", "job", "response", "feedback_channel"):
        assert given.stored(sessions, f"SELECT id FROM {table}") == []


def test_a_channel_of_another_programme_is_refused(sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path) -> None:
    path = given.table(tmp_path / "events.csv", given.ROWS)
    one, two = given.programme(sessions, actor), given.programme(sessions, actor, "Scams")
    with sessions.writing() as session:
        channel = listening.add_channel(session, actor, two, name="Event", chosen="opt-in")
    file = listening.check_file(path, name="x", mapping=Mapping(text="comment"))
    with sessions.writing() as session, pytest.raises(NotFound):
        listening.start_import(session, actor, programme_id=one, channel_id=channel.id, file=file)


def test_a_stored_file_that_is_gone_or_changed_gives_one_sentence_and_stores_nothing(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path
) -> None:
    path = given.table(tmp_path / "events.csv", given.ROWS)
    programme = given.programme(sessions, actor)
    run = given.started(sessions, actor, settings, path, programme_id=programme)
    kept = listening.keep(path, settings)
    with kept.open("a", encoding="utf-8") as file:
        file.write("r9,2026-03-04,Ash,Slipped in,16-24\n")
    with pytest.raises(BadInput, match=r"events\.csv has changed since its import was started"):
        listening.run_import(sessions, actor, import_id=run, settings=settings)
    kept.unlink()
    with pytest.raises(BadInput, match=r"no file events\.csv"):
        listening.run_import(sessions, actor, import_id=run, settings=settings)
    assert given.stored(sessions, "SELECT id FROM response") == []
    assert listening.keep(path, settings) == kept  # choosing the file again mends it
    listening.run_import(sessions, actor, import_id=run, settings=settings)
    assert len(given.everything_said(sessions, actor, programme)) == 3


def test_a_kept_copy_that_was_damaged_is_made_again(settings: Settings, tmp_path: Path) -> None:
    path = given.table(tmp_path / "events.csv", given.ROWS)
    kept = listening.keep(path, settings)
    kept.write_text("damaged", encoding="utf-8")
    assert listening.keep(path, settings).read_bytes() == path.read_bytes()
    assert [file.name for file in kept.parent.iterdir()] == [kept.name]


def test_keeping_what_is_no_file_gives_a_sentence(settings: Settings, tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.csv", tmp_path):
        with pytest.raises(BadInput, match=r"\.$"):
            listening.keep(path, settings)
