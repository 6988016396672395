"""Embeddings: vectors of texts by the texts' keyed hash, outside the tables, in one file per encoder version.

They can be computed again, are many, and are read in bulk, so they have a file of their own; and they tell much of what
was said, so they are sealed like words, with a key of their own, and deleting one really deletes it. One whose key is gone
counts as not there: it is computed again.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from commsapp.errors import Unavailable
from commsapp.storage.keyring import EMBEDDINGS, ID_BYTES, Forgotten, Keyring
from commsapp.storage.session import BUSY_SECONDS, set_write_ahead_log, told

_BATCH = 5_000
_FLOAT = np.dtype("<f4")  # the same bytes on every machine

_TABLES = """
CREATE TABLE IF NOT EXISTS size (dimensions INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS embedding (key TEXT NOT NULL UNIQUE, vector BLOB NOT NULL);
"""


class EmbeddingStore:
    """Vectors of one encoder version, below ``folder/embeddings``. Threads may share it; so may processes.

    Raises
    ------
    Unavailable : by every method, when the disk is full or another process keeps the file busy.

    """

    def __init__(self, folder: Path, encoder_version: str, keyring: Keyring) -> None:
        self._open(folder / "embeddings" / _file_name(encoder_version), keyring)

    @classmethod
    def every(cls, folder: Path, keyring: Keyring) -> Iterator[Self]:
        """The stores of all encoder versions below ``folder/embeddings``, each closed when the next one is asked for."""
        for path in sorted((folder / "embeddings").glob("*.sqlite")):
            store = cls.__new__(cls)
            store._open(path, keyring)
            with store:
                yield store

    def _open(self, path: Path, keyring: Keyring) -> None:
        self.path = path
        self._keyring = keyring
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        with told():
            self._file = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            self._file.execute("PRAGMA secure_delete=ON")
            self._file.execute("PRAGMA temp_store=MEMORY")
            set_write_ahead_log(self._file)
            self._file.execute("PRAGMA synchronous=FULL")
            self._file.executescript("BEGIN IMMEDIATE;" + _TABLES + "COMMIT;")

    def put(self, keys: Sequence[str], vectors: npt.NDArray[np.float32]) -> None:
        """Store vectors (n × dimensions, 32-bit floats) in one transaction. What a key already has, stays.

        Raises
        ------
        ValueError : the shapes don't fit each other or what is stored, or the type is another.

        """
        if vectors.ndim != 2 or len(keys) != len(vectors) or vectors.dtype != np.float32:
            raise ValueError(f"{len(keys)} keys need as many rows of float32, not {vectors.shape} of {vectors.dtype}")
        if not keys:
            return
        rows = np.ascontiguousarray(vectors, dtype=_FLOAT)
        sealed = [self._keyring.seal_bytes(row.tobytes(), EMBEDDINGS) for row in rows]
        newest = sealed[0][:ID_BYTES]
        with self._changing() as file:
            self._fit(file, rows.shape[1])
            file.executemany(
                "INSERT INTO embedding (key, vector) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET vector = excluded.vector"
                " WHERE substr(vector, 1, ?) <> ?",
                ((key, row, ID_BYTES, newest) for key, row in zip(keys, sealed, strict=True)),
            )

    def get(self, keys: Sequence[str]) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float32]]:
        """Whether each key was found (n), and its vector (n × dimensions; zeros where it was not)."""
        places: dict[str, list[int]] = {}
        for place, key in enumerate(keys):
            places.setdefault(key, []).append(place)
        found = np.zeros(len(keys), dtype=np.bool_)
        with told(), self._lock:
            vectors = np.zeros((len(keys), self._dimensions(self._file) or 0), dtype=np.float32)
            for batch in _batches(list(places)):
                query = "SELECT key, vector FROM embedding WHERE key IN (SELECT value FROM json_each(?))"
                for key, stored in self._file.execute(query, (json.dumps(batch),)):
                    vector = self._opened(stored, vectors.shape[1])
                    if vector is not None:
                        vectors[places[key]] = np.frombuffer(vector, dtype=_FLOAT)
                        found[places[key]] = True
        return found, vectors

    def missing(self, keys: Sequence[str]) -> list[str]:
        """The keys that have no vector, each once, in their order."""
        wanted = list(dict.fromkeys(keys))
        have: set[str] = set()
        known = self._keyring.ids
        with told(), self._lock:
            plain = (self._dimensions(self._file) or 0) * _FLOAT.itemsize
            for batch in _batches(wanted):
                query = (
                    "SELECT key, substr(vector, 1, ?), length(vector) FROM embedding"
                    " WHERE key IN (SELECT value FROM json_each(?))"
                )
                for key, head, length in self._file.execute(query, (ID_BYTES, json.dumps(batch))):
                    if length == plain or head in known:
                        have.add(key)
        return [key for key in wanted if key not in have]

    def reseal(self) -> int:
        """Seal with the newest key what is plain or sealed with an older one, in short steps; how many vectors.

        What can't be opened any more is removed.
        """
        newest = self._keyring.newest_id(EMBEDDINGS).encode("ascii")
        changed, last = 0, 0
        while True:
            with self._changing() as file:
                dimensions = self._dimensions(file) or 0
                query = "SELECT rowid, vector FROM embedding WHERE rowid > ? ORDER BY rowid LIMIT 1000"
                rows = file.execute(query, (last,)).fetchall()
                old = [(number, stored) for number, stored in rows if stored[:ID_BYTES] != newest]
                opened = [(self._opened(stored, dimensions), number) for number, stored in old]
                again = [
                    (self._keyring.seal_bytes(vector, EMBEDDINGS), number) for vector, number in opened if vector is not None
                ]
                file.executemany("UPDATE embedding SET vector = ? WHERE rowid = ?", again)
                file.executemany("DELETE FROM embedding WHERE rowid = ?", [(n,) for vector, n in opened if vector is None])
            if not rows:
                break
            changed += len(old)
            last = rows[-1][0]
        if changed:
            self._empty_log()
        return changed

    def _opened(self, stored: bytes, dimensions: int) -> bytes | None:
        """The bytes of a vector; None where its key is gone."""
        if len(stored) == dimensions * _FLOAT.itemsize:
            return stored  # from before vectors were sealed
        try:
            return self._keyring.open_bytes(stored)
        except (Forgotten, Unavailable):
            return None

    def delete(self, keys: Sequence[str]) -> None:
        """Remove vectors so that nothing of them is left in the files."""
        with self._changing() as file:
            for batch in _batches(list(keys)):
                file.execute("DELETE FROM embedding WHERE key IN (SELECT value FROM json_each(?))", (json.dumps(batch),))
        self._empty_log()

    def _empty_log(self) -> None:
        with told(), self._lock:
            # The pages are overwritten, but the log still holds them as they were.
            self._file.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        # The transaction takes the file's lock at its start: later SQLite could not wait for it.
        with told(), self._lock:
            self._file.execute("BEGIN IMMEDIATE")
            try:
                yield self._file
            except BaseException:
                self._file.execute("ROLLBACK")
                raise
            self._file.execute("COMMIT")

    def _dimensions(self, file: sqlite3.Connection) -> int | None:
        row = file.execute("SELECT dimensions FROM size").fetchone()
        return int(row[0]) if row else None

    def _fit(self, file: sqlite3.Connection, dimensions: int) -> None:
        stored = self._dimensions(file)
        if stored is None:
            file.execute("INSERT INTO size (dimensions) VALUES (?)", (dimensions,))
        elif stored != dimensions:
            raise ValueError(f"the stored vectors have {stored} dimensions, these have {dimensions}")


def delete_everywhere(folder: Path, keys: Sequence[str]) -> None:
    """Remove the vectors of texts, of every encoder version that was ever in use here, so that nothing is left in the files.

    Raises
    ------
    Unavailable : a file is kept busy by another process.

    """
    for path in sorted((folder / "embeddings").glob("*.sqlite")) if keys else ():
        with told(), closing(sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)) as file:
            file.execute("PRAGMA secure_delete=ON")
            for batch in _batches(list(keys)):
                file.execute("DELETE FROM embedding WHERE key IN (SELECT value FROM json_each(?))", (json.dumps(batch),))
            file.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _file_name(encoder_version: str) -> str:
    """A name that is safe on every file system, readable, and different for every version."""
    readable = re.sub(r"[^A-Za-z0-9._-]+", "-", encoder_version).strip(".-")[:60] or "encoder"
    return f"{readable}-{hashlib.sha256(encoder_version.encode('utf-8')).hexdigest()[:12]}.sqlite"


def _batches(keys: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(keys), _BATCH):
        yield keys[start : start + _BATCH]
