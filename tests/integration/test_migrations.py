from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from every_table import fill
from sqlalchemy import Engine, func, inspect, select

from commsapp.accounts.service import local_actor
from commsapp.actor import HandlingLevel
from commsapp.errors import Unavailable
from commsapp.storage import database
from commsapp.storage.keyring import Keyring
from commsapp.storage.session import make_engine, open_sessions
from commsapp.storage.tables import metadata


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "keys", "0123456789abcdef" * 4)


@pytest.fixture
def engine(empty_url: str, keyring: Keyring) -> Any:
    made = make_engine(empty_url, keyring=keyring)
    yield made
    made.dispose()


def _counts(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        tables = metadata.sorted_tables
        return {table.name: connection.scalar(select(func.count()).select_from(table)) or 0 for table in tables}


def test_there_is_exactly_one_head() -> None:
    assert len(ScriptDirectory(database._FOLDER).get_heads()) == 1


def test_migrations_and_tables_say_the_same(empty_url: str, engine: Engine) -> None:
    database.upgrade(empty_url)
    with engine.connect() as connection:
        # Queues may live in the same database; their tables are not ours to drop.
        connection.exec_driver_sql("CREATE TABLE huey_task (id INTEGER)")
        context = MigrationContext.configure(connection, opts=dict(database.COMPARE))
        assert compare_metadata(context, metadata) == []


def test_every_migration_goes_up_and_down_with_data(
    empty_url: str, engine: Engine, keyring: Keyring, promise: Callable[[int, str], None]
) -> None:
    database.upgrade(empty_url)
    fill(engine)
    assert set(_counts(engine).values()) == {1}
    scripts = list(ScriptDirectory(database._FOLDER).walk_revisions())
    for script in scripts:
        database.downgrade(empty_url, str(script.down_revision or "base"), keyring=keyring)
    assert set(inspect(engine).get_table_names()) <= {"alembic_version"}
    database.upgrade(empty_url)
    fill(engine)
    assert set(_counts(engine).values()) == {1}
    promise(
        4, f"{len(scripts)} migrations down and up again with a row in each of {len(metadata.sorted_tables)} tables; one head"
    )


def test_an_upgrade_that_has_nothing_to_do_keeps_every_row(empty_url: str, engine: Engine) -> None:
    database.upgrade(empty_url)
    fill(engine)
    before = _counts(engine)
    database.upgrade(empty_url)
    assert _counts(engine) == before


def test_a_database_knows_whether_it_is_current(empty_url: str, engine: Engine) -> None:
    assert database.current(empty_url) is None
    assert not database.is_current(engine)
    database.upgrade(empty_url)
    assert database.current(empty_url) == database.head()
    assert database.is_current(engine)


def test_a_newer_database_is_refused_in_a_sentence(empty_url: str, engine: Engine) -> None:
    database.upgrade(empty_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Unavailable, match="doesn't know"):
        database.upgrade(empty_url)


def test_two_processes_may_upgrade_at_once(empty_url: str, engine: Engine) -> None:
    program = f"from commsapp.storage import database; database.upgrade({empty_url!r})"
    running = [subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True) for _ in range(2)]
    ends = [process.communicate(timeout=60)[1] for process in running]
    assert [process.returncode for process in running] == [0, 0], ends
    assert database.is_current(engine)


def test_an_upgrade_that_breaks_leaves_nothing_behind(empty_url: str, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def upgrade_and_break(config: Any, revision: str) -> None:
        real(config, revision)
        raise RuntimeError("killed here")

    real = database.command.upgrade
    monkeypatch.setattr(database.command, "upgrade", upgrade_and_break)
    with pytest.raises(RuntimeError):
        database.upgrade(empty_url)
    assert inspect(engine).get_table_names() == []


def test_who_was_there_before_accounts_works_at_the_machine_and_sees_what_they_saw(empty_url: str) -> None:
    database.upgrade(empty_url)
    database.downgrade(empty_url, "0003")
    engine = make_engine(empty_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO organisation (id, name) VALUES (1, 'This organisation')")
        connection.exec_driver_sql("INSERT INTO person (id, organisation_id, name, role) VALUES (1, 1, 'Local', 'administrator')")
    engine.dispose()
    database.upgrade(empty_url)
    with open_sessions(empty_url).reading() as session:
        actor = local_actor(session)
    assert (actor.person_id, actor.originals, actor.handling_levels) == (1, True, frozenset(HandlingLevel))
