"""Imports that are disturbed: run twice, by two workers, with the database locked, the disk full, or anything in the cells."""

from __future__ import annotations

import csv
import io
import shutil
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import given
import pytest
from hypothesis import HealthCheck, example
from hypothesis import given as property_of
from hypothesis import settings as bounded
from hypothesis import strategies as st
from sqlalchemy import event

from commsapp.accounts.service import ensure_local
from commsapp.actor import Actor
from commsapp.config import Settings, load_settings
from commsapp.errors import CommsappError, Conflict, Unavailable
from commsapp.listening import importing
from commsapp.listening import service as listening
from commsapp.listening.columns import Mapping
from commsapp.listening.dates import DateOrder
from commsapp.storage import jobs
from commsapp.storage.keyring import open_keyring
from commsapp.storage.session import Sessions, open_sessions


def test_an_import_runs_once_and_says_the_same_when_it_is_run_again(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path
) -> None:
    path = given.table(tmp_path / "events.csv", given.ROWS)
    programme = given.programme(sessions, actor)
    run = given.started(sessions, actor, settings, path, programme_id=programme)
    said = [listening.run_import(sessions, actor, import_id=run, settings=settings, then_analyse=True) for _ in range(2)]
    assert said == [{"added": 3, "already_there": 0, "rejected": 0}] * 2
    with sessions.reading() as session:
        assert [job.name for job in jobs.recent_jobs(session, actor)].count("analyse") == 1
    assert given.stored(sessions, "SELECT count(*) FROM event WHERE action = 'finish'") == [(1,)]


def many(path: Path, rows: int = 300) -> Path:
    return given.table(path, [{"date": "2026-03-01", "area": f"Area {n % 7}", "comment": f"Said {n // 2}"} for n in range(rows)])


def test_of_two_workers_at_one_import_one_wins_and_nothing_is_doubled(
    sessions: Sessions,
    actor: Actor,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importing, "BATCH", 20)
    programme = given.programme(sessions, actor)
    run = given.started(sessions, actor, settings, many(tmp_path / "many.csv"), programme_id=programme)
    begin = threading.Barrier(2)
    ended: list[object] = []

    def work() -> None:
        begin.wait()
        try:
            ended.append(listening.run_import(sessions, actor, import_id=run, settings=settings))
        except CommsappError as error:
            ended.append(error)

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert {"added": 300, "already_there": 0, "rejected": 0} in ended
    assert all(isinstance(end, Conflict | dict) for end in ended), ended
    assert Counter(given.everything_written(sessions, actor, programme)) == {f"Said {n}": 2 for n in range(150)}


def test_a_worker_that_was_overtaken_finds_nothing_left_to_do(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programme = given.programme(sessions, actor)
    run = given.started(sessions, actor, settings, many(tmp_path / "many.csv", 30), programme_id=programme)
    as_started = importing._open_as_started

    def overtaken(late: importing.imports.ImportRun, given_settings: Settings) -> object:
        table = as_started(late, given_settings)
        monkeypatch.setattr(importing, "_open_as_started", as_started)
        listening.run_import(sessions, actor, import_id=run, settings=settings)
        return table

    monkeypatch.setattr(importing, "_open_as_started", overtaken)
    done = listening.run_import(sessions, actor, import_id=run, settings=settings)
    assert done == {"added": 30, "already_there": 0, "rejected": 0}


def test_two_files_into_one_programme_at_once_lose_no_choice_and_no_area(
    sessions: Sessions,
    actor: Actor,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importing, "BATCH", 5)
    programme = given.programme(sessions, actor)
    question = "Which one is it?"
    mapping = Mapping(text="comment", area="area", attributes=("age",), questions=(question,))
    runs = []
    for name in ("left", "right"):
        rows = [
            {"comment": f"{name} {n}", "area": f"{name} {n}", "age": f"{name} {n}", question: f"{name} {n}"} for n in range(40)
        ]
        path = given.table(tmp_path / f"{name}.csv", rows)
        runs.append(given.started(sessions, actor, settings, path, programme_id=programme, channel=name, mapping=mapping))
    begin = threading.Barrier(2)
    ended: list[object] = []

    def work(run: int) -> None:
        begin.wait()
        try:
            ended.append(listening.run_import(sessions, actor, import_id=run, settings=settings)["added"])
        except Exception as error:
            ended.append(error)

    workers = [threading.Thread(target=work, args=(run,)) for run in runs]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert ended == [40, 40]
    wanted = {f"{name} {n}" for name in ("left", "right") for n in range(40)}
    with sessions.reading() as session:
        assert set(listening.attributes(session, actor, programme)) == {"feedback channel"}, "80 choices make no segments"
        assert {area.name for area in listening.areas(session, actor, programme)} == wanted
    for where in ("question", "attribute"):
        ((choices,),) = given.stored(sessions, f"SELECT choices FROM {where}")
        assert set(given.as_list(choices)) == wanted


@pytest.fixture
def embedded(tmp_path: Path, sqlite_template: Path) -> tuple[Sessions, Actor, Settings]:
    """A SQLite database whose changes wait for a lock only for a moment."""
    data = tmp_path / "data"
    data.mkdir(exist_ok=True)
    shutil.copy(sqlite_template, data / "commsapp.sqlite")
    settings = load_settings({"COMMSAPP_DATA_DIR": str(data)})
    sessions = open_sessions(settings.database_url, keyring=open_keyring(settings), busy_seconds=0.2)
    with sessions.writing() as session:
        actor = ensure_local(session)
    return sessions, actor, settings


def test_a_locked_database_gives_a_sentence_and_the_import_goes_on_afterwards(
    embedded: tuple[Sessions, Actor, Settings], tmp_path: Path, promise: Callable[[int, str], None]
) -> None:
    sessions, actor, settings = embedded
    programme = given.programme(sessions, actor)
    run = given.started(sessions, actor, settings, many(tmp_path / "many.csv"), programme_id=programme)
    other = sqlite3.connect(settings.data_dir / "commsapp.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="busy with another change"):
        listening.run_import(sessions, actor, import_id=run, settings=settings)
    other.execute("ROLLBACK")
    other.close()
    assert given.stored(sessions, "SELECT count(*) FROM response") == [(0,)]
    assert listening.run_import(sessions, actor, import_id=run, settings=settings)["added"] == 300
    promise(2, "locked database: one sentence, 0 rows of the import stored, 300 of 300 afterwards")


def test_a_full_disk_gives_one_sentence_leaves_whole_batches_and_the_import_goes_on_afterwards(
    embedded: tuple[Sessions, Actor, Settings],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    promise: Callable[[int, str], None],
) -> None:
    sessions, actor, settings = embedded
    monkeypatch.setattr(importing, "BATCH", 50)
    programme = given.programme(sessions, actor)
    run = given.started(sessions, actor, settings, many(tmp_path / "many.csv"), programme_id=programme)
    ((pages,),) = given.stored(sessions, "PRAGMA page_count")

    def limited(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute(f"PRAGMA max_page_count={pages + 12}")

    sessions.engine.dispose()
    event.listen(sessions.engine, "connect", limited)
    with pytest.raises(Unavailable, match="disk is full"):
        listening.run_import(sessions, actor, import_id=run, settings=settings)
    ((responses,),) = given.stored(sessions, "SELECT count(*) FROM response")
    ((comments,),) = given.stored(sessions, "SELECT count(*) FROM comment")
    ((added, checkpoint),) = given.stored(sessions, "SELECT added, checkpoint FROM import_run")
    assert 0 < responses < 300  # the test is about an import cut off in its middle
    assert responses == comments == added == checkpoint - 1
    assert responses % 50 == 0
    event.remove(sessions.engine, "connect", limited)
    sessions.engine.dispose()
    assert listening.run_import(sessions, actor, import_id=run, settings=settings)["added"] == 300
    assert given.stored(sessions, "PRAGMA integrity_check") == [("ok",)]
    said = Counter(given.everything_written(sessions, actor, programme))
    assert said == {f"Said {n}": 2 for n in range(150)}
    promise(2, f"full disk: one sentence, {responses} rows in whole batches and a checkpoint that fits, 300 of 300 afterwards")


CELLS = st.text(
    alphabet=st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), include_characters="\r\n\t\x00"), max_size=30
)


@bounded(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(rows=[("\x00\ufeff", "=1+1", "31/12/2025", "'", "log")])
@property_of(rows=st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS, CELLS), min_size=1, max_size=8))
def test_whatever_stands_in_the_cells_each_row_is_added_or_rejected_and_the_second_time_nothing_is_new(
    embedded: tuple[Sessions, Actor, Settings], tmp_path: Path, rows: list[tuple[str, ...]]
) -> None:
    sessions, actor, settings = embedded
    content = io.StringIO(newline="")
    writer = csv.writer(content, quoting=csv.QUOTE_ALL)
    writer.writerow(["comment", "area", "date", "age", "consent"])
    writer.writerows([("x" + row[0], *row[1:]) for row in rows])
    path = tmp_path / "wild.csv"
    path.write_bytes(content.getvalue().encode("utf-8"))
    ((number,),) = given.stored(sessions, "SELECT count(*) FROM programme")
    programme = given.programme(sessions, actor, f"Programme {number}")
    mapping = Mapping(text="comment", area="area", date="date", attributes=("age",), consent="consent")
    how = {"programme_id": programme, "mapping": mapping, "date_order": DateOrder.DMY}
    first = given.imported(sessions, actor, settings, path, **how)  # type: ignore[arg-type]
    assert first.added + first.rejected == len(rows)
    assert first.already_there == 0
    second = given.imported(sessions, actor, settings, path, **how)  # type: ignore[arg-type]
    assert given.counts(second) == (0, first.added, first.rejected)
