from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from commsapp.errors import BadInput, Unavailable
from commsapp.storage.organisations import Organisation, Person, add_organisation
from commsapp.storage.session import Sessions, make_engine, open_sessions


def _count(sessions: Sessions) -> int:
    with sessions.reading() as session:
        return session.scalar(select(func.count()).select_from(Organisation)) or 0


def test_a_writing_session_commits_once_at_its_end(sessions: Sessions) -> None:
    with sessions.writing() as session:
        add_organisation(session, name="Harbour Council")
        assert _count(sessions) == 0
    assert _count(sessions) == 1


def test_a_writing_session_that_fails_leaves_nothing_behind(sessions: Sessions) -> None:
    with pytest.raises(RuntimeError), sessions.writing() as session:
        add_organisation(session, name="Harbour Council")
        raise RuntimeError
    assert _count(sessions) == 0


def test_a_reading_session_sees_one_state_from_its_first_query_on(sessions: Sessions) -> None:
    with sessions.reading() as session:
        before = session.scalar(select(func.count()).select_from(Organisation))
        with sessions.writing() as writing:
            add_organisation(writing, name="Harbour Council")
        assert session.scalar(select(func.count()).select_from(Organisation)) == before
    assert _count(sessions) == 1


def test_a_reference_to_nothing_is_refused(sessions: Sessions) -> None:
    with pytest.raises(IntegrityError), sessions.writing() as session:
        session.add(Person(organisation_id=99, name="Ann", role="officer"))


def test_readers_and_writers_in_threads_all_come_through(sessions: Sessions) -> None:
    def write(number: int) -> None:
        for step in range(5):
            with sessions.writing() as session:
                # Reads first: without a lock at its start, SQLite would refuse the write that follows.
                session.scalar(select(func.count()).select_from(Organisation))
                add_organisation(session, name=f"{number} {step}")
            assert _count(sessions) > 0

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    assert _count(sessions) == 40


def test_readers_do_not_wait_for_a_writer(database_url: str, sessions: Sessions) -> None:
    hurried = open_sessions(database_url, busy_seconds=0.1)
    with sessions.writing() as session:
        add_organisation(session, name="Harbour Council")
        session.flush()
        assert _count(hurried) == 0
    hurried.engine.dispose()


def test_a_lock_that_is_held_too_long_is_told_in_one_sentence(database_url: str, sessions: Sessions) -> None:
    hurried = open_sessions(database_url, busy_seconds=0.3)
    with sessions.writing() as session:
        add_organisation(session, name="Harbour Council")
        sentence = r"^The database is busy with another change\. Nothing was lost"
        with pytest.raises(Unavailable, match=sentence), hurried.writing() as second:
            add_organisation(second, name="Harbour Council")
    assert _count(hurried) == 1
    hurried.engine.dispose()


def test_a_lock_that_is_let_go_in_time_is_waited_for(sessions: Sessions) -> None:
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with sessions.writing() as session:
            add_organisation(session, name="First")
            held.set()
            done.wait(0.5)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(5)
    with sessions.writing() as session:
        add_organisation(session, name="Second")
    thread.join()
    assert _count(sessions) == 2


def test_a_database_without_tables_says_how_to_set_it_up(empty_url: str) -> None:
    empty = open_sessions(empty_url)
    with pytest.raises(Unavailable, match=r"not set up\. Run 'commsapp database upgrade'"):
        _count(empty)
    empty.engine.dispose()


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////nowhere/at/all.sqlite",
        "postgresql://root@127.0.0.1:1/test",
        "postgresql://root@127.0.0.1/no_such_database_here",
    ],
)
def test_a_database_that_can_not_be_reached_is_told_in_one_sentence(url: str) -> None:
    with pytest.raises(Unavailable, match="can't be reached"):
        _count(open_sessions(url))


@pytest.mark.parametrize("url", ["", "mysql://localhost/test", "not a url"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(BadInput, match="COMMSAPP_DATABASE_URL"):
        make_engine(url)


def test_words_in_an_error_are_not_taken_for_its_reason_and_not_quoted(sessions: Sessions) -> None:
    with sessions.writing() as session:
        add_organisation(session, name="the disk is full, the database is locked")
    with pytest.raises(IntegrityError) as caught, sessions.writing() as session:
        add_organisation(session, name="the disk is full, the database is locked")
    assert "parameters hidden" in str(caught.value)


def test_a_full_disk_is_told_in_one_sentence(tmp_path: Path, sqlite_template: Path) -> None:
    path = tmp_path / "small.sqlite"
    path.write_bytes(sqlite_template.read_bytes())
    small = open_sessions(f"sqlite:///{path}")
    with pytest.raises(Unavailable, match="disk is full; nothing was stored"), small.writing() as session:
        session.execute(text("PRAGMA max_page_count=1"))
        for number in range(200):
            add_organisation(session, name=f"{number} " + "x" * 5000)
    assert _count(small) == 0
    small.engine.dispose()


def test_what_a_url_asks_of_postgresql_is_kept(postgres: object) -> None:
    engine = make_engine("postgresql://root@127.0.0.1/test?options=-csearch_path%3Dpg_catalog", busy_seconds=7)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW search_path").scalar() == "pg_catalog"
        assert connection.exec_driver_sql("SHOW lock_timeout").scalar() == "7s"
    engine.dispose()


def test_several_processes_may_open_a_new_file_at_once(tmp_path: Path) -> None:
    program = f"""
from commsapp.storage.session import make_engine
for number in range(20):
    with make_engine(f"sqlite:///{tmp_path}/{{number}}.sqlite").connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
"""
    running = [subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True) for _ in range(3)]
    ends = [process.communicate(timeout=60)[1] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], ends
