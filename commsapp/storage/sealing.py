"""Going over everything that is sealed: sealing what is still plain, sealing anew after a rotation, seeing that all can be read.

In short batches that each commit, so that others can write meanwhile and a killed pass goes on where it stopped: what is done
already is told by the key's id in front of each value.

What may come in: walking over columns of words, whole tables at a time. What may not: knowing what they say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Select, Table, Text, bindparam, func, literal, select, type_coerce, update
from sqlalchemy.orm import Session

from commsapp.errors import CommsappError, Unavailable
from commsapp.storage import sealed, search
from commsapp.storage.base import SensitiveJson, SensitiveText
from commsapp.storage.embeddings import EmbeddingStore
from commsapp.storage.keyring import EMBEDDINGS, MAIN, PREFIX, Forgotten, Keyring, is_sealed
from commsapp.storage.session import Sessions, written_back
from commsapp.storage.tables import metadata

BATCH = 1_000
CHANNEL = "feedback_channel"

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Words:
    """A table with its columns of words; ``of_channel`` where they are sealed with the key of a feedback channel."""

    table: Table
    columns: tuple[Column[Any], ...]
    of_channel: bool


def words_of() -> list[Words]:
    """Every table that holds people's words."""
    found = []
    for table in metadata.sorted_tables:
        columns = tuple(column for column in table.columns if isinstance(column.type, (SensitiveText, SensitiveJson)))
        for of_channel in (True, False):
            some = tuple(column for column in columns if _of_channel(column) == of_channel)
            if some:
                found.append(Words(table, some, of_channel))
    return found


def _of_channel(column: Column[Any]) -> bool:
    kind = column.type
    return isinstance(kind, (SensitiveText, SensitiveJson)) and kind.of_channel


def way_to_channel(table: Table) -> list[tuple[Column[Any], Column[Any]]] | None:
    """The shortest way along foreign keys from a table to its feedback channel; None where there is none."""
    ways: list[tuple[Table, list[tuple[Column[Any], Column[Any]]]]] = [(table, [])]
    seen = {table.name}
    while ways:
        here, way = ways.pop(0)
        if here.name == CHANNEL:
            return way
        for key in sorted(here.foreign_keys, key=lambda key: key.parent.name):
            there = key.column.table
            if there.name not in seen:
                seen.add(there.name)
                ways.append((there, [*way, (key.parent, key.column)]))
    return None


def rows(words: Words) -> Select[Any]:
    """Select (id, family, each column as it is stored) of a table with words; for the caller to narrow."""
    stored = [type_coerce(column, Text()).label(column.name) for column in words.columns]
    if not words.of_channel:
        return select(words.table.c.id, literal(MAIN).label("family"), *stored).select_from(words.table)
    way = way_to_channel(words.table)
    assert way is not None, f"{words.table.name} has no way to a feedback channel"
    joined: Any = words.table
    for own, other in way:
        joined = joined.join(other.table, own == other)
    family = metadata.tables[CHANNEL].c.key_id
    return select(words.table.c.id, family.label("family"), *stored).select_from(joined)


def seal_all(sessions: Sessions, keyring: Keyring, *, data_dir: Path | None = None, progress: Progress = lambda *_: None) -> int:
    """Seal every word that is still plain; how many values there were. Nothing is done where that was done before.

    With ``data_dir`` the embeddings in it are sealed too.

    Raises
    ------
    Unavailable : the database is sealed with the keys of another keyring.

    """
    with sessions.reading() as session:
        if sealed.fits(session, keyring):
            return 0
    with sessions.writing() as session:
        sealed.begin(session, keyring)
        _give_keys(session, keyring)
    count = _go_over(sessions, keyring, _is_plain, "Sealing words", progress)
    for store in EmbeddingStore.every(data_dir, keyring) if data_dir is not None else ():
        store.reseal()
    with sessions.writing() as session:
        sealed.done(session)
    tidy(sessions)
    return count


def index_all(sessions: Sessions) -> None:
    """Make the index of open words (see `search`) where it is not there yet; goes on at the first comment where it was killed."""
    with sessions.reading() as session:
        if not sealed.needs_index(session):
            return
    last: int | None = 0
    while last is not None:
        with sessions.writing() as session:
            last = search.index_more(session, last)
    with sessions.writing() as session:
        sealed.indexed(session)


def _is_plain(stored: str) -> bool:
    return stored not in ("", "{}") and not is_sealed(stored)


def _give_keys(session: Session, keyring: Keyring) -> None:
    """A key for each channel that was opened before there were any."""
    channel = metadata.tables[CHANNEL]
    for number in session.scalars(select(channel.c.id).where(channel.c.key_id.is_(None)).order_by(channel.c.id)):
        session.execute(update(channel).where(channel.c.id == number).values(key_id=keyring.add()))


def reseal(sessions: Sessions, keyring: Keyring, *, progress: Progress = lambda *_: None) -> int:
    """Seal anew what is not sealed with the newest key of its family; how many values there were."""
    newest = {key.id for key in keyring.all_keys() if key.newest}
    gone = {number for stone in keyring.forgotten() for number in stone.ids}

    def outdated(stored: str) -> bool:
        if stored in ("", "{}"):
            return False
        return not is_sealed(stored) or (id_of(stored) not in newest and id_of(stored) not in gone)

    return _go_over(sessions, keyring, outdated, "Sealing anew", progress)


def id_of(stored: str) -> str:
    """The id of the key that a value is sealed with."""
    return stored[len(PREFIX) :].partition(".")[0]


def _go_over(sessions: Sessions, keyring: Keyring, wanted: Callable[[str], bool], stage: str, progress: Progress) -> int:
    """Seal each value that is wanted with the newest key of its row, table by table, batch by batch."""
    changed, done, total = 0, 0, _how_many(sessions)
    for words in words_of():
        last = 0
        while True:
            # Read and written under one lock, so that nothing that somebody changes meanwhile is overwritten with what it was.
            with sessions.writing() as session:
                query = rows(words).where(words.table.c.id > last).order_by(words.table.c.id).limit(BATCH)
                found = session.execute(query.with_for_update(of=words.table)).all()
                changed += _seal_rows(session, keyring, words, found, wanted)
            if not found:
                break
            last = found[-1].id
            done += len(found)
            progress(stage, done, max(total, done))
    return changed


def _how_many(sessions: Sessions) -> int:
    with sessions.reading() as session:
        return sum(session.scalar(select(func.count()).select_from(words.table)) or 0 for words in words_of())


def _seal_rows(session: Session, keyring: Keyring, words: Words, found: Any, wanted: Callable[[str], bool]) -> int:
    """Seal what is wanted in some rows; how many values."""
    changes: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    count = 0
    for row in found:
        values = {}
        for column in words.columns:
            stored = getattr(row, column.name)
            if stored is not None and wanted(stored):
                content = keyring.open(stored) if is_sealed(stored) else stored.encode("utf-8")
                values[column.name] = keyring.seal(content, row.family)
        if values:
            count += len(values)
            changes.setdefault(tuple(values), []).append(
                {"row_id": row.id} | {f"new_{name}": value for name, value in values.items()}
            )
    for names, parameters in changes.items():
        # As they are stored, not through the types, which would seal them once more.
        new = {name: type_coerce(bindparam(f"new_{name}", type_=Text()), Text()) for name in names}
        table = words.table
        session.connection().execute(update(table).where(table.c.id == bindparam("row_id")).values(new), parameters)
    return count


def holders(sessions: Sessions) -> dict[str, str]:
    """Family of keys → what it seals, in words."""
    channel = metadata.tables[CHANNEL]
    programme = metadata.tables["programme"]
    query = select(channel.c.key_id, channel.c.name, programme.c.name.label("programme")).select_from(channel.join(programme))
    with sessions.reading() as session:
        found = {row.key_id: f"{row.name} ({row.programme})" for row in session.execute(query.order_by(channel.c.id))}
    return {MAIN: "all that belongs to no feedback channel", EMBEDDINGS: "embeddings", **found}


@dataclass(frozen=True)
class Found:
    """What a check of every value found: how many can be read, are still plain, were forgotten, and what is wrong."""

    readable: int
    plain: int
    forgotten: int
    unreadable: tuple[str, ...]


def check(sessions: Sessions, keyring: Keyring, *, progress: Progress = lambda *_: None) -> Found:
    """Open every value; the first twenty that can't be are named by table and row."""
    counts = {"readable": 0, "plain": 0, "forgotten": 0}
    wrong: list[str] = []
    done, total = 0, _how_many(sessions)
    for words in words_of():
        for batch in _batches(sessions, words):
            for row in batch:
                for column in words.columns:
                    state = _state(keyring, getattr(row, column.name))
                    if state in counts:
                        counts[state] += 1
                    elif state:
                        wrong.append(f"{words.table.name} {row.id}, {column.name}: {state}")
            done += len(batch)
            progress("Reading everything", done, max(total, done))
    return Found(counts["readable"], counts["plain"], counts["forgotten"], tuple(wrong[:20]))


def _batches(sessions: Sessions, words: Words) -> Iterator[list[Any]]:
    last = 0
    while True:
        with sessions.reading() as session:
            query = rows(words).where(words.table.c.id > last).order_by(words.table.c.id).limit(BATCH)
            found = list(session.execute(query))
        if not found:
            return
        last = found[-1].id
        yield found


def _state(keyring: Keyring, stored: str | None) -> str:
    if stored is None or stored in ("", "{}"):
        return ""
    if not is_sealed(stored):
        return "plain"
    try:
        keyring.open(stored)
    except Forgotten:
        return "forgotten"
    except CommsappError as error:
        return error.problem
    return "readable"


def drop_old_keys(sessions: Sessions, keyring: Keyring) -> list[str]:
    """Take away the older keys of each family once nothing is sealed with them; their ids.

    Nobody can write while that is seen to, so that no value is left behind without its key.

    Raises
    ------
    Unavailable : something is sealed with an old key (again).

    """
    old = {key.id for key in keyring.all_keys() if not key.newest}
    if not old:
        return []
    with sessions.writing() as session:
        if session.get_bind().dialect.name == "postgresql":
            names = ", ".join(f'"{name}"' for name in sorted({words.table.name for words in words_of()}))
            session.connection().exec_driver_sql(f"LOCK TABLE {names} IN SHARE MODE")
        for words in words_of():
            for column in words.columns:
                stored = type_coerce(column, Text())
                part = func.substr(stored, len(PREFIX) + 1, 12)
                if session.execute(select(words.table.c.id).where(part.in_(old)).limit(1)).first() is not None:
                    raise Unavailable(
                        "Something was sealed with an old key meanwhile, so it stays.", "Run 'commsapp keys rotate' again."
                    )
        dropped = []
        for family in sorted({key.family for key in keyring.all_keys()}):
            dropped += keyring.drop_old_versions(family)
    return dropped


def tidy(sessions: Sessions) -> None:
    """Take words as they were before they were sealed anew out of the database's files; see `session.written_back`."""
    written_back(sessions, [*(words.table.name for words in words_of()), search.TABLE])
