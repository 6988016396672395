"""Engines and sessions: SQLite (write-ahead log, foreign keys on) by default, PostgreSQL by URL."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, StatementError
from sqlalchemy.orm import Session, sessionmaker

from commsapp.config import Settings
from commsapp.errors import BadInput, CommsappError, Unavailable
from commsapp.storage import audit
from commsapp.storage.keyring import Keyring, needed_keyring, open_keyring

__all__ = [
    "BUSY_SECONDS",
    "Session",
    "Sessions",
    "make_engine",
    "open_sessions",
    "session_factory",
    "sessions_of",
    "set_write_ahead_log",
    "told",
    "written_back",
]

BUSY_SECONDS = 30


def make_engine(url: str, *, keyring: Keyring | None = None, busy_seconds: float = BUSY_SECONDS) -> Engine:
    """Engine for a database URL. ``busy_seconds`` is how long a change waits for another one before it gives up.

    The ``keyring`` seals and opens people's words; without one, they can be neither written nor read.

    Raises
    ------
    BadInput : the URL can't be read or names a database other than SQLite and PostgreSQL.

    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise BadInput("COMMSAPP_DATABASE_URL can't be read.", "Use sqlite:///FILE or postgresql+psycopg://….") from error
    engine = _engine(parsed, busy_seconds)
    # The types of columns are given the dialect and nothing else, so this is how the keyring reaches them.
    engine.dialect.commsapp_keyring = keyring  # type: ignore[attr-defined]
    return engine


def _engine(parsed: URL, busy_seconds: float) -> Engine:
    # hide_parameters: an error must not carry people's words into a log.
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(parsed, connect_args={"timeout": busy_seconds}, hide_parameters=True)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    if parsed.get_backend_name() == "postgresql":
        return create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            connect_args={"options": _postgres_options(parsed, busy_seconds)},
            pool_pre_ping=True,
            hide_parameters=True,
        )
    raise BadInput(f"COMMSAPP_DATABASE_URL names {parsed.get_backend_name()}.", "Use SQLite or PostgreSQL.")


def _postgres_options(url: URL, busy_seconds: float) -> str:
    # PostgreSQL waits for a lock for ever unless told; what the URL already asks for (a search path) stays.
    given = url.query.get("options", "")
    own = given if isinstance(given, str) else " ".join(given)
    return f"{own} -c lock_timeout={int(busy_seconds * 1000)}".strip()


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # The driver must not open transactions by itself: it would do so too late, after a read (see _begin_sqlite).
    connection.isolation_level = None
    cursor = connection.cursor()
    set_write_ahead_log(cursor)
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA secure_delete=ON")
    cursor.execute("PRAGMA temp_store=MEMORY")  # what is sorted on the way is never written beside the database
    cursor.close()


def set_write_ahead_log(cursor: sqlite3.Connection | sqlite3.Cursor) -> None:
    """Switch a SQLite file to the write-ahead log, in which readers never wait for a writer."""
    # Two processes that open a new file at once: the switch turns a read lock into a write lock, for which SQLite does
    # not wait, so one of them would fail at its very start.
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorname", "") not in _SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _begin_sqlite(connection: Any) -> None:
    # A transaction that will write takes the lock at its start: one that reads first and writes later would fail at once
    # ('database is locked', no wait) when another writer came between. Readers never say so and never wait.
    writes = connection.get_execution_options().get("commsapp_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


class Sessions:
    """Opens sessions on one engine: ``reading()`` for reads, ``writing()`` for a unit that commits once at its end.

    A reading session sees one state of the database from its first query to its end, on both databases.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        postgres = engine.dialect.name == "postgresql"
        reads = engine.execution_options(isolation_level="REPEATABLE READ") if postgres else engine
        writes = engine.execution_options(commsapp_writes=True)
        self._make = sessionmaker(reads, expire_on_commit=False, autoflush=True)
        self._make_writing = sessionmaker(writes, expire_on_commit=False, autoflush=True)
        for maker in (self._make, self._make_writing):
            audit.install(maker)

    @property
    def keyring(self) -> Keyring:
        """The keys that its sessions seal and open with. Raises Unavailable where there are none."""
        return needed_keyring(self.engine.dialect)

    def open(self, *, writes: bool) -> Session:
        """A session that the caller commits and closes."""
        return self._make_writing() if writes else self._make()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that only reads."""
        with told(), self._make() as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session that commits once, when the block ends without an error, and else leaves nothing behind."""
        with told(), self._make_writing() as session:
            yield session
            session.commit()


# Codes and not words: the text of an error may quote what somebody wrote ('Key (name)=(Full house) already exists').
_SQLITE_BUSY = {"SQLITE_BUSY", "SQLITE_BUSY_SNAPSHOT", "SQLITE_BUSY_RECOVERY", "SQLITE_BUSY_TIMEOUT", "SQLITE_LOCKED"}
_BUSY = _SQLITE_BUSY | {"55P03", "40P01", "40001"}
_FULL = {"SQLITE_FULL", "53100"}
_READ_ONLY = {"SQLITE_READONLY", "SQLITE_READONLY_DIRECTORY", "SQLITE_READONLY_DBMOVED", "25006"}
_NOT_SET_UP = {"42P01", "42703", "3F000"}
_UNREACHABLE = {"SQLITE_CANTOPEN", "SQLITE_NOTADB", "57P01", "57P02", "57P03", "53300", "3D000", "28000", "28P01"}


@contextmanager
def told() -> Iterator[None]:
    """Turn what a database says when it can't work into one sentence that a person can act on.

    Raises
    ------
    Unavailable : locked, full, unreachable, or not set up.

    """
    try:
        yield
    except DBAPIError as error:
        sentence = _sentence(error.orig)
        if sentence is None:
            raise
        raise sentence from error
    except StatementError as error:
        if isinstance(error.orig, CommsappError):  # from sealing a value
            raise error.orig from error
        raise
    except sqlite3.Error as error:  # from the files that are no part of the database (embeddings, scratch)
        sentence = _sentence(error)
        if sentence is None:
            raise
        raise sentence from error


def _sentence(error: BaseException | None) -> Unavailable | None:
    code = str(getattr(error, "sqlite_errorname", None) or getattr(error, "sqlstate", None) or "")
    text = str(error).lower()
    missing = code == "SQLITE_ERROR" and ("no such table" in text or "no such column" in text or "has no column" in text)
    if code in _BUSY:
        return Unavailable("The database is busy with another change.", "Nothing was lost; try again in a minute.")
    if code in _FULL:
        return Unavailable("The disk is full; nothing was stored.", "Free some space, then try again.")
    if code in _READ_ONLY:
        return Unavailable("The database can't be written to.", "Check who may write to its file and folder.")
    if code in _NOT_SET_UP or missing:
        return Unavailable("The database is not set up.", "Run 'commsapp database upgrade'.")
    lost = not code and type(error).__name__ == "OperationalError"  # psycopg gives no code when there is no connection
    if lost or code in _UNREACHABLE or code.startswith("08"):
        return Unavailable("The database can't be reached.", "Check COMMSAPP_DATABASE_URL and that it runs.")
    return None


def open_sessions(database_url: str, *, keyring: Keyring | None = None, busy_seconds: float = BUSY_SECONDS) -> Sessions:
    """Sessions for a database URL; see `make_engine`."""
    return Sessions(make_engine(database_url, keyring=keyring, busy_seconds=busy_seconds))


def sessions_of(settings: Settings) -> Sessions:
    """Sessions as every part of commsapp opens them: they seal people's words, and events are chained into the audit log."""
    keyring = open_keyring(settings)
    sessions = open_sessions(settings.database_url, keyring=keyring)
    audit.attach(sessions.engine, keyring=keyring, data_dir=settings.data_dir)
    return sessions


def written_back(sessions: Sessions, tables: Iterable[str]) -> None:
    """See that what was deleted or overwritten is gone from the database's files too: call it after the commit.

    SQLite overwrites what is deleted (secure_delete), but its log holds the pages as they were until it is written back and
    cut. PostgreSQL keeps dead rows until a vacuum of the ``tables``.
    """
    with sessions.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            return
        for table in tables:
            connection.exec_driver_sql(f'VACUUM "{table}"')


def session_factory(engine: Engine) -> Sessions:
    """Sessions on an engine that exists already."""
    return Sessions(engine)
