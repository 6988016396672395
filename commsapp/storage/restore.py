"""Bringing a backup back: into a database that holds nothing, in one transaction, compared with the file table by table.

What may come in: copying whole tables in. What may not: mixing them with what is there, or guessing at what doesn't fit.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, func, insert, inspect, select, text, update

from commsapp.errors import Conflict, Unavailable
from commsapp.storage import database
from commsapp.storage.backup import (
    ATTACHMENTS,
    EMBEDDINGS,
    READ,
    ROWS,
    Backup,
    Progress,
    as_it_is,
    lines_of,
    manifest_of,
    opened,
    plain_table,
    read_backup,
)
from commsapp.storage.keyfiles import read_copy
from commsapp.storage.keyring import Keyring
from commsapp.storage.session import make_engine, told
from commsapp.storage.tables import metadata


def restore_backup(
    database_url: str,
    *,
    data_dir: Path,
    keyring: Keyring,
    path: Path,
    keys: Path | None = None,
    progress: Progress = lambda *_: None,
) -> Backup:
    """Bring a backup into a database that holds nothing yet, in one transaction, and compare every table with the file.

    The database is made at the backup's revision and then upgraded, so a backup of an earlier version comes in too, and what
    it holds in plain words is sealed. ``keys`` is the file of keys that was written beside the backup (FILE.keys), for a
    machine that doesn't have them; keys that were taken away here since don't come back.

    Raises
    ------
    BadInput : see `read_backup`. Conflict : the database or the folder of embeddings holds something already. Unavailable :
    the database can't be reached or written, or what was restored is not what the file holds (then nothing stays).

    """
    if keys is None:
        read_backup(path, keyring=keyring)
    else:
        read_backup(path)
    _refuse_to_mix(database_url, data_dir)
    if keys is not None:
        keyring.take_in(read_copy(keys))
    found = read_backup(path, keyring=keyring)
    made_here = database.current(database_url) is None
    database.upgrade(database_url, found.revision)
    try:
        with opened(path) as archive:
            manifest = manifest_of(archive, path)
            engine = make_engine(database_url).execution_options(commsapp_writes=True)
            try:
                with told(), engine.begin() as connection:
                    _restore_tables(connection, archive, manifest, progress)
                    _without_index(connection)
                    _put_files(archive, manifest, data_dir)  # last, so that a table that doesn't fit leaves none behind
            finally:
                engine.dispose()
    except BaseException:
        if made_here:
            database.downgrade(database_url, "base")
        raise
    database.upgrade(database_url, keyring=keyring, data_dir=data_dir)
    return found


def _restore_tables(connection: Connection, archive: zipfile.ZipFile, manifest: dict[str, Any], progress: Progress) -> None:
    parts = [part for part in manifest["parts"] if "table" in part]
    for number, part in enumerate(parts, start=1):
        table = plain_table(part["table"], part["kinds"])
        own = _to_itself(connection, table)
        with archive.open(part["name"]) as file:
            for lines in _batches(file, ROWS):
                _insert(connection, table, part["kinds"], lines, own)
        digest = hashlib.sha256()
        for line in lines_of(connection, table):
            digest.update(line)
        if digest.hexdigest() != part["sha256"]:
            raise Unavailable(
                f"The table '{table.name}' came back otherwise than it was written, so nothing was restored.",
                "Try another backup, and tell who looks after commsapp.",
            )
        _continue_numbering(connection, table)
        progress("Restoring tables", number, len(parts))


def _without_index(connection: Connection) -> None:
    # The index of open words is no part of a backup: it is made again by the upgrade.
    if "sealing" in inspect(connection).get_table_names() and "indexed_at" in {
        column["name"] for column in inspect(connection).get_columns("sealing")
    }:
        connection.execute(text("UPDATE sealing SET indexed_at = NULL"))


def _insert(connection: Connection, table: Table, kinds: dict[str, str], lines: list[bytes], own: list[str]) -> None:
    readers = [READ.get(kind, as_it_is) for kind in kinds.values()]
    rows: list[dict[str, Any]] = [
        {name: None if value is None else read(value) for name, read, value in zip(kinds, readers, json.loads(line), strict=True)}
        for line in lines
    ]
    # A row that refers to another of its table may come before it, so such a reference is set when all are there.
    later = [(row["id"], {name: row[name] for name in own if row[name] is not None}) for row in rows]
    for row in rows:
        row.update(dict.fromkeys(own))
    connection.execute(insert(table), rows)
    for number, values in later:
        if values:
            connection.execute(update(table).where(table.c.id == number).values(**values))


def _to_itself(connection: Connection, table: Table) -> list[str]:
    """Columns that refer to the table that they stand in."""
    keys = inspect(connection).get_foreign_keys(table.name)
    return [name for key in keys if key["referred_table"] == table.name for name in key["constrained_columns"]]


def _continue_numbering(connection: Connection, table: Table) -> None:
    # PostgreSQL counts keys apart from the rows, and would give the first one again.
    if connection.dialect.name == "postgresql":
        highest = connection.scalar(select(func.max(table.c.id)))
        if highest is not None:
            connection.execute(
                text("SELECT setval(pg_get_serial_sequence(:table, 'id'), :highest)"),
                {"table": table.name, "highest": highest},
            )


def _put_files(archive: zipfile.ZipFile, manifest: dict[str, Any], data_dir: Path) -> None:
    for part in manifest["parts"]:
        if "table" in part:
            continue
        # The folder is one of two, and of the name the last part counts alone: a file says nothing about where it goes.
        folder = ATTACHMENTS if part["name"].startswith(f"{ATTACHMENTS}/") else EMBEDDINGS
        target = data_dir / folder / Path(part["name"]).name
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with archive.open(part["name"]) as file, target.open("xb") as out:
            while block := file.read(2**20):
                out.write(block)


def _refuse_to_mix(database_url: str, data_dir: Path) -> None:
    """A restore adds to nothing: what is there already is neither overwritten nor mixed with what comes."""
    cure = "Restore into an empty database and an empty data folder: set COMMSAPP_DATABASE_URL and COMMSAPP_DATA_DIR."
    if any((data_dir / EMBEDDINGS).glob("*.sqlite")) or any((data_dir / ATTACHMENTS).glob("*")):
        raise Conflict(f"There are embeddings or attachments in {data_dir} already.", cure)
    if database.current(database_url) is None:
        return
    engine = make_engine(database_url)
    try:
        with told(), engine.connect() as connection:
            there = set(inspect(connection).get_table_names())
            for table in metadata.sorted_tables:
                if table.name in there and connection.scalar(select(func.count()).select_from(table)):
                    raise Conflict(f"The database holds something already (in its table '{table.name}').", cure)
    finally:
        engine.dispose()


def _batches(lines: Iterable[bytes], size: int) -> Iterator[list[bytes]]:
    rest = iter(lines)
    while batch := list(islice(rest, size)):
        yield batch
