"""Counting what was seen in a file of any length, in bounded memory."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Self

from commsapp.errors import Unavailable
from commsapp.storage.session import told

_MEMORY_KIB = 64 * 1024
_SEEN = "INSERT INTO seen VALUES (?, 0) ON CONFLICT (digest) DO UPDATE SET times = times + 1 RETURNING times"


class ScratchCounter:
    """How often each digest was seen before. Lives in a throw-away file, which ``with`` makes and deletes.

    Nothing is written in a way that survives a crash, as whoever counts starts again from the first row.

    Raises
    ------
    Unavailable : the disk is full, or the file can't be made.

    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Self:
        try:
            self._remove()  # what a killed process left
            os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except OSError as error:
            raise Unavailable(
                f"The scratch file {self._path} can't be made: {error.strerror}.", "Check its folder and the disk."
            ) from error
        with told():
            self._file = sqlite3.connect(self._path, isolation_level=None)
            self._file.execute("PRAGMA journal_mode=OFF")
            self._file.execute("PRAGMA synchronous=OFF")
            self._file.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._file.execute(f"PRAGMA cache_size=-{_MEMORY_KIB}")
            self._file.execute("CREATE TABLE seen (digest BLOB PRIMARY KEY, times INTEGER NOT NULL) WITHOUT ROWID")
            self._file.execute("BEGIN")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()
        self._remove()

    def next(self, digest: bytes) -> int:
        """0 when the digest comes for the first time, then 1, 2, …."""
        try:
            for (times,) in self._file.execute(_SEEN, (digest,)):
                seen: int = times
        except sqlite3.Error:
            with told():
                raise
        return seen

    def _remove(self) -> None:
        self._path.unlink(missing_ok=True)
