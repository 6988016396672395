"""Setting the database up and bringing it up to date: Alembic, from migrations inside the package.

An upgrade is one transaction behind one lock, on both databases: two processes that start at once don't meet, and one
that is killed leaves the database as it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine

from commsapp.errors import Unavailable
from commsapp.storage.session import make_engine, told

_FOLDER = Path(__file__).resolve().parent / "migrations"
_LOCK = 0x636F6D6D73  # any number that is always the same: 'comms'


def _is_ours(name: str | None, kind: str, _parents: Any) -> bool:
    # The queue may live in the same PostgreSQL database, with tables of its own.
    return not (kind == "table" and name is not None and name.startswith("huey_"))


COMPARE: dict[str, Any] = {"include_name": _is_ours, "compare_type": True, "transactional_ddl": True}


def upgrade(database_url: str, revision: str = "head") -> None:
    """Bring the database to a revision, the newest by default; makes it when it is not there.

    Raises
    ------
    Unavailable : busy, full, unreachable, or made by a newer version.

    """
    with _exclusive(database_url) as connection, _known():
        command.upgrade(_config(connection), revision)


def downgrade(database_url: str, revision: str) -> None:
    """Take the database back to an earlier revision ('base': no table is left). What later ones stored is lost."""
    with _exclusive(database_url) as connection, _known():
        command.downgrade(_config(connection), revision)


def current(database_url: str) -> str | None:
    """The revision that the database is at; none where it was never set up."""
    engine = make_engine(database_url)
    try:
        return _revision(engine)
    finally:
        engine.dispose()


def head() -> str | None:
    """The newest revision there is."""
    return ScriptDirectory(_FOLDER).get_current_head()


def is_current(engine: Engine) -> bool:
    """Whether the database has every migration of this version."""
    return _revision(engine) == head()


def _revision(engine: Engine) -> str | None:
    with told(), engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


@contextmanager
def _known() -> Iterator[None]:
    try:
        yield
    except CommandError as error:
        raise Unavailable(
            "The database is at a revision that this version of commsapp doesn't know.",
            "Use the version that upgraded it, or a newer one.",
        ) from error


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


@contextmanager
def _exclusive(database_url: str) -> Iterator[Connection]:
    """One connection in one transaction that no other upgrade is in; commits at the end."""
    engine = make_engine(database_url)
    sqlite = engine.dialect.name == "sqlite"
    try:
        with told(), engine.connect().execution_options(commsapp_writes=True) as connection:
            if sqlite:
                # A migration that makes a table anew drops the old one, and with foreign keys on SQLite would then
                # delete, by cascade, the rows that refer to it. They are checked at the end instead.
                connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")
            with connection.begin():
                if not sqlite:
                    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
                yield connection
                if sqlite and connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
                    raise RuntimeError("a migration left rows that refer to nothing; it was undone")
    finally:
        engine.dispose()
