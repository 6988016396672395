"""Fixtures of the integration tests: everything runs on SQLite and on PostgreSQL, each test in an empty database."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from commsapp.accounts.service import ensure_local
from commsapp.actor import Actor
from commsapp.config import Settings, load_settings
from commsapp.storage import audit, database
from commsapp.storage.keyring import Keyring, open_keyring
from commsapp.storage.session import Sessions, open_sessions
from commsapp.storage.tables import metadata

POSTGRES_URL = os.environ.get("COMMSAPP_TEST_POSTGRES_URL", "postgresql+psycopg://root@127.0.0.1/test")
REDIS_URL = os.environ.get("COMMSAPP_TEST_REDIS_URL", "redis://127.0.0.1:6379/0")
SECRET_KEY = "0123456789abcdef" * 4


class Server:
    """Schemas on the PostgreSQL server, each of which is a database to whoever has its URL.

    Schemas, as dropping a database makes the server write out everything first. A server that does not answer is a
    failure, not a skip.
    """

    def __init__(self) -> None:
        self._made: list[str] = []

    def make(self) -> str:
        """The name of a new schema."""
        name = f"commsapp_test_{secrets.token_hex(6)}"
        with self._alone_in(name) as connection:
            connection.execute(f"CREATE SCHEMA {name}".encode())
        self._made.append(name)
        return name

    def url(self, name: str) -> str:
        # Tests kill clients, never the server, so they need not wait for its disk.
        options = f"-csearch_path={name} -capplication_name={name} -csynchronous_commit=off"
        return f"{POSTGRES_URL}{'&' if '?' in POSTGRES_URL else '?'}options={quote(options)}"

    def _alone_in(self, name: str) -> psycopg.Connection:
        connection = psycopg.connect("postgresql:" + self.url(name).partition(":")[2], autocommit=True, connect_timeout=10)
        # What a test left open would keep its locks.
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s AND pid <> pg_backend_pid()",
            (name,),
        )
        return connection

    def clear(self, name: str) -> None:
        """Take every table out of a schema."""
        with self._alone_in(name) as connection:
            connection.execute(f"DROP SCHEMA {name} CASCADE".encode())
            connection.execute(f"CREATE SCHEMA {name}".encode())

    def empty(self, name: str) -> None:
        """Take every row out of a schema that has all tables."""
        with self._alone_in(name) as connection:
            for table in reversed(metadata.sorted_tables):
                connection.execute(f'DELETE FROM "{table.name}"'.encode())

    def drop_all(self) -> None:
        while self._made:
            name = self._made.pop()
            with self._alone_in(name) as connection:
                connection.execute(f"DROP SCHEMA {name} CASCADE".encode())


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    server = Server()
    yield server
    server.drop_all()


@pytest.fixture(scope="session")
def postgres_database(postgres: Server) -> str:
    """A migrated database that tests use one after the other, as making one takes a second."""
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
def keyring(settings: Settings) -> Keyring:
    """The keys that words are sealed with."""
    return open_keyring(settings)


@pytest.fixture
def sessions(database_url: str, keyring: Keyring, tmp_path: Path) -> Iterator[Sessions]:
    opened = open_sessions(database_url, keyring=keyring)
    audit.attach(opened.engine, keyring=keyring, data_dir=tmp_path / "data")
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
            "COMMSAPP_SECRET_KEY": SECRET_KEY,
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
