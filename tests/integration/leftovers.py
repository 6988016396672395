"""Looks for words that should be gone: in every table, and in the raw bytes of every file of the data folder."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text

from commsapp.storage.session import Sessions
from commsapp.storage.tables import metadata


def left_of(words: str, sessions: Sessions, data_dir: Path) -> list[str]:
    """Where the words are still to be found: 'comment', 'commsapp.sqlite-wal', …"""
    found = []
    postgres = sessions.engine.dialect.name == "postgresql"
    with sessions.reading() as session:
        for table in metadata.sorted_tables:
            row = (
                f'"{table.name}"::text' if postgres else " || ' ' || ".join(f"coalesce(\"{c.name}\", '')" for c in table.columns)
            )
            query = text(f'SELECT count(*) FROM "{table.name}" WHERE {row} LIKE :words')
            if session.scalar(query, {"words": f"%{words}%"}):
                found.append(table.name)
    for path in sorted(data_dir.rglob("*")):
        if path.is_file() and words.encode() in path.read_bytes():
            found.append(str(path.relative_to(data_dir)))
    return found
