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
from commsapp.storage.keyring import Keyring
from commsapp.storage.sealing import index_all, seal_all
from commsapp.storage.session import Sessions, make_engine, told

_FOLDER = Path(__file__).resolve().parent / "migrations"
_LOCK = 0x636F6D6D73  # any number that is always the same: 'comms'


def _is_ours(name: str | None, kind: str, _parents: Any) -> bool:
    # The queue may live in the same PostgreSQL database, with tables of its own; the index of words and the marks of changes have
    # a shape of their own on each database (see the migrations 'search' and 'change marks').
    return not (kind == "table" and name is not None and name.startswith(("huey_", "comment_search", "change_mark")))


COMPARE: dict[str, Any] = {"include_name": _is_ours, "compare_type": True, "transactional_ddl": True}


def upgrade(database_url: str, revision: str = "head", *, keyring: Keyring | None = None, data_dir: Path | None = None) -> None:
    """Bring the database to a revision, the newest by default; makes it when it is not there.

    With a ``keyring``, words that are still plain are sealed afterwards, in batches (see `sealing.seal_all`), and with the
    ``data_dir`` the embeddings in it.

    Raises
    ------
    Unavailable : busy, full, unreachable, made by a newer version, or sealed with the keys of another keyring.

    """
    with _exclusive(database_url, keyring) as connection, _known():
        command.upgrade(_config(connection), revision)
    if keyring is not None and revision == "head":
        engine = make_engine(database_url, keyring=keyring)
        try:
            seal_all(Sessions(engine), keyring, data_dir=data_dir)
            index_all(Sessions(engine))
        finally:
            engine.dispose()


def downgrade(database_url: str, revision: str, *, keyring: Keyring | None = None) -> None:
    """Take the database back to an earlier revision ('base': no table is left). What later ones stored is lost.

    A ``keyring`` is needed to go back to before words were sealed: they are opened then.
    """
    with _exclusive(database_url, keyring) as connection, _known():
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
def _exclusive(database_url: str, keyring: Keyring | None) -> Iterator[Connection]:
    """One connection in one transaction that no other upgrade is in; commits at the end."""
    engine = make_engine(database_url, keyring=keyring)
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
