"""The audit log shows tampering: whatever is changed, removed, put in, moved or cut off past commsapp is found, and named."""

from __future__ import annotations

import dataclasses
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import given
import pytest
from sqlalchemy import text
from typed import typed

from commsapp.accounts import service as accounts
from commsapp.actor import Actor
from commsapp.config import Settings, load_settings
from commsapp.errors import Unavailable
from commsapp.listening import service as listening
from commsapp.storage import audit, database, events
from commsapp.storage.backup import write_backup
from commsapp.storage.keyring import Keyring, is_sealed, open_keyring
from commsapp.storage.restore import restore_backup
from commsapp.storage.session import Sessions, sessions_of

Promise = Callable[[int, str], None]


def changed(sessions: Sessions, *statements: str) -> None:
    """What somebody does who has the database and not the key."""
    with sessions.engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def logged(sessions: Sessions, actor: Actor, number: int = 8) -> None:
    for n in range(number):
        with sessions.writing() as session:
            events.record(session, actor, action="test", subject="programme", subject_id=n, after={"ŵ": [n, 0.1]}, why=f"why {n}")


COPY = (
    "INSERT INTO event (id, organisation_id, person_id, person_name, at, action, subject, subject_id, before, after, why,"
    " sequence, mac) SELECT id + 1000, organisation_id, person_id, person_name, at, action, subject, subject_id, before,"
    " after, why, {sequence}, {mac} FROM event WHERE sequence = 4"
)
LATER = [
    "UPDATE event SET sequence = -sequence WHERE sequence > {0}",
    "UPDATE event SET sequence = -sequence{1} WHERE sequence < 0",
]
TAMPERED: dict[str, tuple[list[str], str]] = {
    "what it says is changed": (["UPDATE event SET why = 'another' WHERE sequence = 5"], "Event 5, of"),
    "who it was is changed": (["UPDATE event SET person_name = 'Else' WHERE sequence = 5"], "Event 5, of"),
    "when it was is changed": (
        ["UPDATE event SET at = (SELECT at FROM event WHERE sequence = 2) WHERE sequence = 5"],
        "Event 5, of",
    ),
    "what was after it is changed": (["""UPDATE event SET after = '{"n": 1}' WHERE sequence = 5"""], "Event 5, of"),
    "one is deleted": (["DELETE FROM event WHERE sequence = 5"], "Event 5 is missing"),
    "one is deleted and the rest moved up": (
        ["DELETE FROM event WHERE sequence = 5", *(part.format(5, "-1") for part in LATER)],
        "Event 5, of",
    ),
    "two change places": (
        [
            "UPDATE event SET sequence = -1 WHERE sequence = 5",
            "UPDATE event SET sequence = 5 WHERE sequence = 6",
            "UPDATE event SET sequence = 6 WHERE sequence = -1",
        ],
        "Event 5, of",
    ),
    "one is put in between": ([*(part.format(5, "+1") for part in LATER), COPY.format(sequence=6, mac="mac")], "Event 6, of"),
    "one is put in at the end": ([COPY.format(sequence=11, mac="mac")], "Event 10 is missing"),
    "one is put in outside of the chain": ([COPY.format(sequence="NULL", mac="NULL")], "has no place in the log"),
    "the end is cut off": (["DELETE FROM event WHERE sequence > 6"], "The log ends with event 6, but event 9 was written"),
    "everything is deleted": (["DELETE FROM event"], "The log ends with event 0, but event 9 was written"),
}


def test_whatever_is_done_to_the_log_is_found_and_named(
    sessions: Sessions, actor: Actor, settings: Settings, promise: Promise
) -> None:
    logged(sessions, actor)
    assert accounts.audit_fault(sessions, settings) is None
    original = given.stored(sessions, "SELECT * FROM event ORDER BY sequence")
    assert len(original) == 9  # the administrator, then eight
    found = 0
    for name, (statements, sentence) in TAMPERED.items():
        with sessions.engine.connect() as connection:
            for statement in ("CREATE TEMPORARY TABLE kept AS SELECT * FROM event", *statements):
                connection.execute(text(statement))
            connection.commit()
            fault = accounts.audit_fault(sessions, settings)
            for statement in ("DELETE FROM event", "INSERT INTO event SELECT * FROM kept", "DROP TABLE kept"):
                connection.execute(text(statement))
            connection.commit()
        assert fault is not None and fault.startswith((sentence, "The event in row")) and sentence in fault, (name, fault)
        found += 1
    assert accounts.audit_fault(sessions, settings) is None
    promise(19, f"{found} of {len(TAMPERED)} ways to tamper with the audit log found: edit, delete, reorder, truncate, insert")


def test_tampering_is_found_within_a_restored_backup_too(
    sessions: Sessions, actor: Actor, settings: Settings, empty_url: str, tmp_path: Path, promise: Promise
) -> None:
    logged(sessions, actor)
    with sessions.reading() as session:
        on_paper = accounts.audit_head(session)
    write_backup(sessions, data_dir=settings.data_dir, keyring=sessions.keyring, path=tmp_path / "b.zip")
    elsewhere = dataclasses.replace(settings, database_url=empty_url, data_dir=tmp_path / "elsewhere")
    elsewhere.data_dir.mkdir()
    kept = {"path": tmp_path / "b.zip", "keys": tmp_path / "b.zip.keys"}
    restore_backup(empty_url, data_dir=elsewhere.data_dir, keyring=open_keyring(elsewhere), **kept)
    restored = sessions_of(elsewhere)
    assert accounts.audit_fault(restored, elsewhere, head=on_paper) is None
    changed(restored, "DELETE FROM event WHERE sequence > 7")
    assert "ends with event 7" in str(accounts.audit_fault(restored, elsewhere, head=on_paper))
    assert accounts.audit_fault(restored, elsewhere) is None, "without a head kept elsewhere nobody can tell"
    changed(restored, "UPDATE event SET why = 'x' WHERE sequence = 3")
    assert "Event 3" in str(accounts.audit_fault(restored, elsewhere, head=on_paper))
    restored.engine.dispose()
    promise(19, "2 of 2 found in a restored backup (edit, truncate)")


def test_a_log_that_was_cut_off_and_written_on_is_found(sessions: Sessions, actor: Actor, settings: Settings) -> None:
    logged(sessions, actor)
    changed(sessions, "DELETE FROM event WHERE sequence > 6")
    logged(sessions, actor, 1)
    assert "event 9 was written" in str(accounts.audit_fault(sessions, settings))
    logged(sessions, actor, 5)
    assert "Event 9 is not the one that was the head" in str(accounts.audit_fault(sessions, settings))


def test_another_key_does_not_make_a_valid_chain(sessions: Sessions, actor: Actor, settings: Settings) -> None:
    logged(sessions, actor, 2)
    other = dataclasses.replace(settings, secret_key="f" * 64, keys_dir=settings.data_dir / "other keys")
    assert "Event 1" in str(accounts.audit_fault(sessions, other))


def test_the_head_lies_in_the_data_folder_and_is_what_is_printed(sessions: Sessions, actor: Actor, settings: Settings) -> None:
    logged(sessions, actor, 3)
    with sessions.reading() as session:
        assert str(audit.kept_head(settings.data_dir / audit.HEAD_FILE)) == accounts.audit_head(session)
    assert (settings.data_dir / audit.HEAD_FILE).stat().st_mode & 0o077 == 0


def test_what_was_undone_leaves_neither_an_event_nor_a_gap_nor_a_head(
    sessions: Sessions, actor: Actor, settings: Settings
) -> None:
    session = sessions.open(writes=True)
    events.record(session, actor, action="undone", subject="programme")
    session.flush()
    session.rollback()
    nested = session.begin_nested()
    events.record(session, actor, action="undone too", subject="programme")
    session.flush()
    nested.rollback()
    events.record(session, actor, action="kept", subject="programme")
    with session.begin_nested():
        events.record(session, actor, action="kept too", subject="programme")
    session.commit()
    session.close()
    assert given.stored(sessions, "SELECT sequence, action FROM event ORDER BY sequence") == [
        (1, "create"),
        (2, "kept"),
        (3, "kept too"),
    ]
    assert accounts.audit_fault(sessions, settings) is None


def test_events_from_before_the_log_are_chained_once(
    sessions: Sessions, actor: Actor, settings: Settings, monkeypatch: Any
) -> None:
    monkeypatch.setattr(audit, "_BATCH", 3)
    logged(sessions, actor, 7)
    changed(sessions, "UPDATE event SET sequence = NULL, mac = NULL")
    (settings.data_dir / audit.HEAD_FILE).unlink()
    accounts.chain_earlier_events(sessions)
    assert accounts.audit_fault(sessions, settings) is None
    with sessions.reading() as session:
        why = events.logged(session, actor, events.Asked(), limit=1)[0].why
    assert why.startswith("The 8 events before this one were chained on")
    changed(sessions, COPY.format(sequence="NULL", mac="NULL"))
    accounts.chain_earlier_events(sessions)
    assert "has no place in the log" in str(accounts.audit_fault(sessions, settings)), "no second chance for what was put in"


def test_a_database_that_went_back_and_forth_has_a_whole_log_again(
    sessions: Sessions, actor: Actor, settings: Settings, keyring: Keyring
) -> None:
    logged(sessions, actor, 3)
    changed(sessions, "UPDATE event SET sequence = NULL, mac = NULL")
    (settings.data_dir / audit.HEAD_FILE).unlink()
    accounts.chain_earlier_events(sessions)
    logged(sessions, actor, 2)
    sessions.engine.dispose()
    try:
        database.downgrade(settings.database_url, "0009", keyring=keyring)
        assert given.stored(sessions, "SELECT count(*) FROM event WHERE action = 'begin'") == [(0,)]
        sessions.engine.dispose()
    finally:
        database.upgrade(settings.database_url, keyring=keyring)
    (settings.data_dir / audit.HEAD_FILE).rename(settings.data_dir / "audit.head of then")  # as docs/how-to says
    accounts.chain_earlier_events(sessions)
    assert accounts.audit_fault(sessions, settings) is None
    assert given.stored(sessions, "SELECT max(sequence) FROM event WHERE action = 'begin'") == [(7,)]
    assert audit.kept_head(settings.data_dir / audit.HEAD_FILE) is not None


def test_reasons_of_before_are_sealed_by_the_upgrade_and_opened_on_the_way_back_and_the_chain_holds(
    sessions: Sessions, actor: Actor, settings: Settings, keyring: Keyring
) -> None:
    database.upgrade(settings.database_url, keyring=keyring)
    logged(sessions, actor, 5)

    def reasons() -> list[str]:
        with sessions.reading() as session:
            return list(session.scalars(text("SELECT why FROM event WHERE why <> '' ORDER BY sequence")))

    assert len(reasons()) == 5 and all(map(is_sealed, reasons()))
    sessions.engine.dispose()
    try:
        with pytest.raises(Unavailable, match="no keys"):
            database.downgrade(settings.database_url, "0012")
        database.downgrade(settings.database_url, "0012", keyring=keyring)
        assert reasons() == [f"why {n}" for n in range(5)]
        assert accounts.audit_fault(sessions, settings) is None
        sessions.engine.dispose()
    finally:
        database.upgrade(settings.database_url, keyring=keyring)
    assert all(map(is_sealed, reasons()))
    assert accounts.audit_fault(sessions, settings) is None
    with sessions.reading() as session:
        assert [row.why for row in events.logged(session, actor, events.Asked(action="test"))] == [
            f"why {4 - n}" for n in range(5)
        ]


def test_a_begin_event_without_a_place_does_not_keep_events_from_being_chained(
    sessions: Sessions, actor: Actor, settings: Settings
) -> None:
    with sessions.writing() as session:
        events.record(session, actor, action="begin", subject="audit log")
    changed(sessions, "UPDATE event SET sequence = NULL, mac = NULL")
    (settings.data_dir / audit.HEAD_FILE).unlink()
    accounts.chain_earlier_events(sessions)
    assert accounts.audit_fault(sessions, settings) is None


def test_a_head_that_can_not_be_noted_fails_no_change_that_was_committed(
    sessions: Sessions, actor: Actor, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    logged(sessions, actor, 1)
    draft = settings.data_dir / f"{audit.HEAD_FILE}.part"
    draft.symlink_to("/dev/full")  # a disk without space
    logged(sessions, actor, 2)
    assert "could not be noted" in caplog.text
    assert given.stored(sessions, "SELECT max(sequence) FROM event") == [(4,)]
    draft.unlink()
    logged(sessions, actor, 1)
    assert str(audit.kept_head(settings.data_dir / audit.HEAD_FILE)).startswith("5:")
    assert accounts.audit_fault(sessions, settings) is None


def test_many_threads_at_once_make_one_chain_and_none_waits_in_a_circle(
    sessions: Sessions, actor: Actor, settings: Settings, promise: Promise
) -> None:
    programme = given.programme(sessions, actor)
    problems: list[BaseException] = []

    def work(name: int) -> None:
        try:
            for n in range(25):
                with sessions.writing() as session:
                    events.record(session, actor, action="first", subject="programme")
                    session.flush()  # an event early in a transaction must not hold up what others change afterwards
                    listening.add_area(session, actor, programme, name=f"{name} {n}")
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    took = time.perf_counter() - began
    assert not problems, problems
    assert accounts.audit_fault(sessions, settings) is None
    assert given.stored(sessions, "SELECT count(*), max(sequence) FROM event") == [(402, 402)]
    promise(19, f"8 threads wrote 400 events in 200 transactions in {took:.1f} s, one chain without a gap")


def test_nothing_of_commsapp_opens_a_database_without_the_log() -> None:
    package = Path(audit.__file__).parents[1]
    found = [path.name for path in package.rglob("*.py") if "open_sessions(" in path.read_text("utf-8")]
    assert found == ["session.py"]


def test_the_command_says_the_first_bad_place_and_fails(
    tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(sqlite_template, tmp_path / "commsapp.sqlite")
    monkeypatch.setenv("COMMSAPP_DATA_DIR", str(tmp_path))
    head = typed("audit", "head").out.strip()
    assert head.startswith("2:")
    assert typed("audit", "verify", "--head", head).out == "All 2 events are as they were written.\n"
    sessions = sessions_of(load_settings())
    changed(sessions, "UPDATE event SET why = 'x' WHERE sequence = 1")
    sessions.engine.dispose()
    ended = typed("audit", "verify")
    assert ended.status == 1
    assert ended.sentence.startswith("Event 1, of")
    assert typed("audit", "verify", "--head", "nonsense").status == 2


def test_without_a_head_it_is_said_that_the_end_may_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMMSAPP_DATA_DIR", str(tmp_path))
    typed("user", "list")
    typed("backup", tmp_path / "one.backup")
    head = typed("audit", "head").out.strip()
    assert typed("audit", "verify").status == 0
    (tmp_path / "audit.head").unlink()
    ended = typed("audit", "verify")
    assert ended.status == 1
    assert "whether the end of the log is missing can't be told" in " ".join(ended.err.split())
    assert typed("audit", "verify", "--head", head).status == 0
