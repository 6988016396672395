"""What stands in every table, to say that nothing changed. Fast where nothing did: SQLite counts the changes of others itself."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from commsapp.may import LOOKING

LEFT_OUT = {"api_token": {"last_used_at"}}
"""Table → columns that change when somebody only looks."""

Contents = dict[str, list[tuple[Any, ...]]]


class Watched:
    """One SQLite database, watched from beside the application."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._pristine = sqlite3.connect(":memory:")
        self._connection.backup(self._pristine)
        self._version, self._contents = self._now(), self._read()

    def _now(self) -> int:
        return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def _read(self) -> Contents:
        names = [row[0] for row in self._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        found: Contents = {}
        for name in names:
            if name.startswith("comment_search") or name.startswith("sqlite_"):
                continue
            columns = [row[1] for row in self._connection.execute(f'PRAGMA table_info("{name}")')]
            wanted = ", ".join(f'"{column}"' for column in columns if column not in LEFT_OUT.get(name, set()))
            where = f"WHERE action NOT IN {tuple(sorted(LOOKING))}" if name == "event" else ""
            found[name] = self._connection.execute(f'SELECT {wanted} FROM "{name}" {where}').fetchall()
        return found

    def changed(self) -> list[str]:
        """The tables in which something changed since the last time anybody asked; what tells of reading doesn't count."""
        if (version := self._now()) == self._version:
            return []
        before, self._contents, self._version = self._contents, self._read(), version
        return [name for name, rows in self._contents.items() if rows != before.get(name)]

    def restore(self) -> None:
        """Bring every table back to what it was at the beginning."""
        self._pristine.backup(self._connection)
        self._version, self._contents = self._now(), self._read()

    def close(self) -> None:
        """Let go of the database."""
        self._connection.close()
        self._pristine.close()
