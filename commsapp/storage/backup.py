"""A backup of everything in one file that any later version reads, from either database into either: made while others work.

The file is a zip: ``tables/<name>.jsonl`` with one row a line, the files of embeddings and attachments, and a manifest with
the revision, the kinds of the columns, and a count and sha256 of each part. Values stand as the database holds them, so what
is sealed stays sealed. No key is in it: those go into a file of their own beside it (FILE.keys), wrapped by the secret key,
which is to be kept elsewhere: whoever finds a backup must not find its keys with it.

What may come in: copying whole tables out, and comparing; `restore` brings them back. What may not: knowing what any means.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import sqlite3
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import IO, Any

from sqlalchemy import JSON, Boolean, Column, Connection, Date, Double, Integer, LargeBinary, MetaData, Table, Text, select
from sqlalchemy.types import TypeDecorator, TypeEngine

from commsapp.errors import BadInput, Conflict, Unavailable
from commsapp.storage import attachments, database
from commsapp.storage.attachments import Attachment
from commsapp.storage.base import UtcDateTime
from commsapp.storage.keyfiles import Copy, both, write_copy
from commsapp.storage.keyring import Keyring, is_sealed
from commsapp.storage.sealing import id_of, words_of
from commsapp.storage.session import Sessions, told
from commsapp.storage.tables import metadata

FORMAT = "commsapp backup 2"
BEFORE_SEALING = "commsapp backup 1"
EMBEDDINGS = "embeddings"
ATTACHMENTS = attachments.FOLDER
_MANIFEST = "manifest.json"
ROWS = 1_000


Progress = Callable[[str, int, int], None]

# How each kind of column is written in JSON, and read back.
KINDS: dict[str, TypeEngine[Any]] = {
    "text": Text(),
    "whole number": Integer(),
    "number": Double(),
    "yes or no": Boolean(),
    "day": Date(),
    "moment": UtcDateTime(),
    "json": JSON(none_as_null=True),
    "bytes": LargeBinary(),
}
_WRITTEN: dict[str, Callable[[Any], Any]] = {
    "day": date.isoformat,
    "moment": datetime.isoformat,
    "bytes": lambda value: base64.b64encode(value).decode("ascii"),
}
READ: dict[str, Callable[[Any], Any]] = {
    "day": date.fromisoformat,
    "moment": datetime.fromisoformat,
    "bytes": base64.b64decode,
}


@dataclass(frozen=True)
class Backup:
    """What a backup file holds: when it was made, at which revision, how many rows of each table, how many bytes.

    ``keys`` is the file of the keys that it was sealed with; it may be kept elsewhere.
    """

    path: Path
    keys: Path
    made_at: datetime
    revision: str
    rows: dict[str, int]
    size: int


def write_backup(
    sessions: Sessions, *, data_dir: Path, keyring: Keyring, path: Path, progress: Progress = lambda *_: None
) -> Backup:
    """Write a backup of one state of the database, whole or not at all, then read it again and compare; its keys beside it.

    Others may read and write meanwhile. Both files are for their owner alone (mode 600).

    Raises
    ------
    Conflict : there is such a file already. Unavailable : the database is not up to date, or the file can't be written.

    """
    if path.exists():
        raise Conflict(f"There is a file {path} already.", "Give the backup another name; an old one is never overwritten.")
    if not database.is_current(sessions.engine):
        raise Unavailable("The database is not up to date.", "Run 'commsapp database upgrade'.")
    try:
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")  # mode 600
    except OSError as error:
        raise Unavailable(f"The backup can't be written to {path.parent}: {error.strerror}.", "Choose another place.") from error
    try:
        before = keyring.copy()
        with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            manifest, used = _write(sessions, archive, data_dir, keyring, progress)
        read_backup(Path(draft))
        # Of before and after: a rotation takes old keys away meanwhile, and others make new ones for what they write.
        # But not of embeddings, whose old key goes with a channel's; they can be computed again.
        keys = both(before, keyring.copy(), but=EMBEDDINGS)
        _refuse_missing(used, keys)
        write_copy(keys_beside(path), keys)
        Path(draft).rename(path)
    except OSError as error:
        Path(draft).unlink(missing_ok=True)
        raise Unavailable(f"The backup can't be written to {path}: {error.strerror}.", "Free some space.") from error
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    return _as_backup(path, manifest)


def _refuse_missing(used: set[str], keys: Copy) -> None:
    """A backup that can't be read is none. Raises Unavailable where a value is sealed with a key that the copy has not."""
    forgotten = {number for stone in keys.tombstones for number in stone.ids}
    missing = used - {key.id for key in keys.keys} - forgotten
    if missing:
        raise Unavailable(
            f"No backup was written: {len(missing)} of the keys that its words are sealed with are not in the folder of keys.",
            "Make it again; where that fails too, see 'commsapp keys check'.",
        )


def keys_beside(path: Path) -> Path:
    """Where the keys of a backup are written: FILE.keys."""
    return path.with_name(f"{path.name}.keys")


def read_backup(path: Path, *, keyring: Keyring | None = None) -> Backup:
    """Check a backup file from end to end: every part is there and is what it was; with ``keyring`` also that it fits.

    Raises
    ------
    BadInput : it is no backup, damaged, from a newer version, or was made with another key.

    """
    with opened(path) as archive:
        manifest = manifest_of(archive, path)
        for part in manifest["parts"]:
            with archive.open(part["name"]) as file:
                _check(part, _digest(file), path)
    if keyring is not None and not _fits(manifest, keyring):
        raise BadInput(
            f"{path.name} was made with other keys than those in use here.",
            f"Put the secret key of that time into the data folder (secret.key) or into COMMSAPP_SECRET_KEY, and give "
            f"the keys that were written beside the backup: --keys {path.name}.keys.",
        )
    return _as_backup(path, manifest)


def _fits(manifest: dict[str, Any], keyring: Keyring) -> bool:
    if manifest["format"] == BEFORE_SEALING:
        return hmac.compare_digest(manifest["key"], _key_mark(keyring.hashing))
    if keyring.is_empty or not hmac.compare_digest(manifest["key"], keyring.mark):
        return False
    # Old keys go with a rotation, and backups from before need them.
    here = {key.id for key in keyring.all_keys()} | {number for stone in keyring.forgotten() for number in stone.ids}
    return set(manifest.get("key_ids", ())) <= here


def _write(
    sessions: Sessions, archive: zipfile.ZipFile, data_dir: Path, keyring: Keyring, progress: Progress
) -> tuple[dict[str, Any], set[str]]:
    """Write all parts; the manifest, and the ids of the keys that values are sealed with."""
    used: set[str] = set()
    tables = [plain_table(table.name, kinds_of(table)) for table in metadata.sorted_tables]
    parts = []
    # One reading session: all tables as they were at one moment.
    with sessions.reading() as session:
        connection = session.connection()
        stored = list(session.scalars(select(Attachment.stored_as).order_by(Attachment.id)))
        for number, table in enumerate(tables, start=1):
            name = f"tables/{table.name}.jsonl"
            with archive.open(name, "w", force_zip64=True) as file:
                count, digest = _write_lines(_noting(lines_of(connection, table), table, used), file)
            parts.append({"name": name, "table": table.name, "rows": count, "sha256": digest, "kinds": kinds_of(table)})
            progress("Writing tables", number, len(tables))
    # After the tables: an embedding too many does no harm, one too few is computed again.
    for path in sorted((data_dir / EMBEDDINGS).glob("*.sqlite")):
        parts.append(_write_file(archive, path))
    parts += [
        _write_sealed(archive, data_dir / ATTACHMENTS / name) for name in stored if (data_dir / ATTACHMENTS / name).exists()
    ]
    manifest = {
        "format": FORMAT,
        "made_at": datetime.now(UTC).isoformat(),
        "revision": database.head(),
        "key": keyring.mark,
        "key_ids": sorted(used),
        "parts": parts,
    }
    archive.writestr(_MANIFEST, json.dumps(manifest, indent=1))
    return manifest, used


def lines_of(connection: Connection, table: Table) -> Iterator[bytes]:
    """The rows of a table, each as a line of JSON, in the order of their keys."""
    kinds = kinds_of(table)
    writers = [_WRITTEN.get(kind, as_it_is) for kind in kinds.values()]
    query = select(table).order_by(table.c.id).execution_options(yield_per=ROWS)
    for row in connection.execute(query):
        values = [None if value is None else write(value) for write, value in zip(writers, row, strict=True)]
        yield json.dumps(values, ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n"


def _noting(lines: Iterable[bytes], table: Table, used: set[str]) -> Iterator[bytes]:
    """The same lines; the ids of the keys that their words are sealed with are added to ``used``."""
    # Of columns of words alone: in another one somebody may have typed what looks sealed.
    words = {column.name for part in words_of() if part.table.name == table.name for column in part.columns}
    places = [place for place, column in enumerate(table.columns) if column.name in words]
    for line in lines:
        values = json.loads(line) if places else ()
        used.update(id_of(values[place]) for place in places if values[place] and is_sealed(values[place]))
        yield line


def _write_lines(lines: Iterable[bytes], file: Any) -> tuple[int, str]:
    """How many lines were written, and the sha256 of them all."""
    digest, count = hashlib.sha256(), 0
    for line in lines:
        digest.update(line)
        file.write(line)
        count += 1
    return count, digest.hexdigest()


def _write_file(archive: zipfile.ZipFile, path: Path) -> dict[str, Any]:
    """A whole copy of an SQLite file that others may be writing to."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        copy = Path(folder) / path.name
        with told():
            source, target = sqlite3.connect(path), sqlite3.connect(copy)
            try:
                source.backup(target)
                target.execute("PRAGMA journal_mode=DELETE")
            finally:
                source.close()
                target.close()
        name = f"{EMBEDDINGS}/{path.name}"
        archive.write(copy, name)
        with copy.open("rb") as file:
            return {"name": name, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def _write_sealed(archive: zipfile.ZipFile, path: Path) -> dict[str, Any]:
    """A sealed file as it is; it is never changed after it was written."""
    name = f"{ATTACHMENTS}/{path.name}"
    digest = hashlib.sha256()
    with path.open("rb") as file, archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as out:
        while block := file.read(2**20):
            digest.update(block)
            out.write(block)
    return {"name": name, "sha256": digest.hexdigest()}


def opened(path: Path) -> zipfile.ZipFile:
    """The archive of a backup. Raises BadInput where there is none."""
    try:
        return zipfile.ZipFile(path)
    except FileNotFoundError as error:
        raise BadInput(f"There is no file {path}.", "Check its name.") from error
    except (OSError, zipfile.BadZipFile) as error:
        raise BadInput(f"{path.name} is no backup, or it is cut off.", "Choose another file.") from error


def manifest_of(archive: zipfile.ZipFile, path: Path) -> dict[str, Any]:
    """What a backup says of itself. Raises BadInput where it is not one, or where a part is missing or too many."""
    try:
        manifest: dict[str, Any] = json.loads(archive.read(_MANIFEST))
        known = manifest["format"] in (FORMAT, BEFORE_SEALING) and set(archive.namelist()) == {
            _MANIFEST,
            *(p["name"] for p in manifest["parts"]),
        }
    except (KeyError, ValueError, TypeError, zipfile.BadZipFile, OSError) as error:
        raise BadInput(f"{path.name} is no backup of commsapp.", "Choose a file that 'commsapp backup' wrote.") from error
    if not known:
        raise BadInput(f"{path.name} is damaged, or of a newer version.", "Choose another backup, or update commsapp.")
    return manifest


def _check(part: dict[str, Any], digest: str, path: Path) -> None:
    if digest != part["sha256"]:
        raise BadInput(f"{path.name} is damaged: its part {part['name']} is not what was written.", "Choose another backup.")


def _digest(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while block := file.read(2**20):
        digest.update(block)
    return digest.hexdigest()


def _key_mark(secret_key: str) -> str:
    """How a backup from before words were sealed names the secret key of its time."""
    return hmac.new(secret_key.encode(), b"commsapp backup", hashlib.sha256).hexdigest()


def kinds_of(table: Table) -> dict[str, str]:
    """Column → which of the kinds above it is."""
    return {column.name: _kind(column) for column in table.columns}


def _kind(column: Column[Any]) -> str:
    kind = column.type
    if isinstance(kind, UtcDateTime):
        return "moment"
    raw = kind.impl_instance if isinstance(kind, TypeDecorator) else kind
    # Boolean is no Integer and Date no DateTime here, so the first that fits is the one.
    return next(name for name, known in KINDS.items() if name != "moment" and isinstance(raw, type(known)))


def plain_table(name: str, kinds: dict[str, str]) -> Table:
    """A table with the plain types of its columns: what the database holds, not what the application makes of it."""
    columns = [Column(column, KINDS[kind], primary_key=column == "id") for column, kind in kinds.items()]
    return Table(name, MetaData(), *columns)


def as_it_is(value: Any) -> Any:
    """A value that JSON holds as it is."""
    return value


def _as_backup(path: Path, manifest: dict[str, Any]) -> Backup:
    rows = {part["table"]: part["rows"] for part in manifest["parts"] if "table" in part}
    size = path.stat().st_size
    return Backup(path, keys_beside(path), datetime.fromisoformat(manifest["made_at"]), manifest["revision"], rows, size)
