"""Fixtures of the integration tests: everything runs on SQLite and on PostgreSQL, each test in an empty database."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from commsapp.accounts.service import ensure_local
from commsapp.actor import Actor
from commsapp.config import Settings, load_settings
from commsapp.storage import database
from commsapp.storage.session import Sessions, open_sessions
from commsapp.storage.tables import metadata

POSTGRES_URL = os.environ.get("COMMSAPP_TEST_POSTGRES_URL", "postgresql+psycopg://root@127.0.0.1/test")
REDIS_URL = os.environ.get("COMMSAPP_TEST_REDIS_URL", "redis://127.0.0.1:6379/0")


class Server:
    """Makes and drops databases on the PostgreSQL server. A server that does not answer is a failure, not a skip."""

    def __init__(self) -> None:
        self._plain = "postgresql:" + POSTGRES_URL.partition(":")[2]
        self._made: list[str] = []

    def _run(self, statement: str) -> None:
        with psycopg.connect(self._plain, autocommit=True, connect_timeout=10) as connection:
            connection.execute(statement.encode())

    def make(self) -> str:
        """The name of a new database."""
        name = f"commsapp_test_{secrets.token_hex(6)}"
        self._run(f"CREATE DATABASE {name}")
        # Tests kill clients, never the server, so they need not wait for its disk.
        self._run(f"ALTER DATABASE {name} SET synchronous_commit = off")
        self._made.append(name)
        return name

    def _alone_in(self, name: str) -> psycopg.Connection:
        connection = psycopg.connect("postgresql:" + self.url(name).partition(":")[2], autocommit=True)
        # What a test left open would keep its locks.
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()", (name,)
        )
        return connection

    def clear(self, name: str) -> None:
        """Take every table out of a database."""
        with self._alone_in(name) as connection:
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")

    def empty(self, name: str) -> None:
        """Take every row out of a database that has all tables."""
        with self._alone_in(name) as connection:
            questions = [f"SELECT '{table}' WHERE EXISTS (SELECT FROM \"{table}\")" for table in metadata.tables]
            filled = [f'"{table}"' for (table,) in connection.execute(" UNION ALL ".join(questions).encode())]
            if filled:
                connection.execute(f"TRUNCATE {', '.join(filled)} RESTART IDENTITY CASCADE".encode())

    def url(self, name: str) -> str:
        return POSTGRES_URL.rpartition("/")[0] + "/" + name

    def drop_all(self) -> None:
        while self._made:
            self._run(f"DROP DATABASE IF EXISTS {self._made.pop()} WITH (FORCE)")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    server = Server()
    yield server
    server.drop_all()


@pytest.fixture(scope="session")
def postgres_database(postgres: Server) -> str:
    """A migrated database that tests use one after the other; making one takes a second."""
    name = postgres.make()
    database.upgrade(postgres.url(name))
    return name


@pytest.fixture(scope="session")
def postgres_bare_database(postgres: Server) -> str:
    return postgres.make()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "commsapp.sqlite"
    database.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.sqlite'}"
        return
    server: Server = request.getfixturevalue("postgres")
    name: str = request.getfixturevalue("postgres_bare_database")
    server.clear(name)
    yield server.url(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a database with all tables and no rows."""
    if request.param == "sqlite":
        path = tmp_path / "data" / "commsapp.sqlite"
        path.parent.mkdir()
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server: Server = request.getfixturevalue("postgres")
    name: str = request.getfixturevalue("postgres_database")
    server.empty(name)
    yield server.url(name)


@pytest.fixture
def sessions(database_url: str) -> Iterator[Sessions]:
    opened = open_sessions(database_url)
    yield opened
    opened.engine.dispose()


@pytest.fixture
def actor(sessions: Sessions) -> Actor:
    """The local administrator."""
    with sessions.writing() as session:
        return ensure_local(session)


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return load_settings(
        {
            "COMMSAPP_DATA_DIR": str(tmp_path / "data"),
            "COMMSAPP_DATABASE_URL": database_url,
            "COMMSAPP_SECRET_KEY": "0123456789abcdef" * 4,
        }
    )


@pytest.fixture(params=["sqlite", "redis", "postgresql"])
def jobs_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a queue on each of the three engines."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'jobs.sqlite'}"
    elif request.param == "redis":
        yield REDIS_URL
    else:
        # Beside the tables, as people may have it; a queue name of its own keeps each test's messages apart.
        server: Server = request.getfixturevalue("postgres")
        yield server.url(request.getfixturevalue("postgres_database"))


@pytest.fixture
def queue_name() -> Callable[[], str]:
    """Names of queues that no other test has, as Redis is shared."""
    return lambda: f"commsapp_test_{secrets.token_hex(6)}"
