"""Looks for words that should be gone: in every table, and in the raw bytes of every file of the data folder."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from commsapp.storage.session import Sessions
from commsapp.storage.tables import metadata


def left_of(words: str, sessions: Sessions, data_dir: Path) -> list[str]:
    """Where the words are still to be found: 'comment', 'commsapp.sqlite-wal', …"""
    found = []
    with sessions.reading() as session:
        for table in metadata.sorted_tables:  # read through their types, which open what is sealed
            if any(words in str(value) for row in session.execute(select(table)) for value in row):
                found.append(table.name)
    for path in sorted(data_dir.rglob("*")):
        if path.is_file() and words.encode() in path.read_bytes():
            found.append(str(path.relative_to(data_dir)))
    return found
