"""What every table shares: naming of constraints, times in UTC, the types that seal people's words."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, MetaData, Row, Text
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.sql import operators
from sqlalchemy.types import TypeDecorator

from commsapp.storage.keyring import MAIN, Forgotten, Keyring, is_sealed, needed_keyring

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC. SQLite gives naive datetimes back even with ``timezone=True``, so both ways are checked here."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive moments; store the rest in UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone can't be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Moments come back aware."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Under:
    """A value and the key family that it is sealed with: that of its feedback channel (``feedback_channel.key_id``)."""

    family: str
    value: Any


FORGOTTEN = "[These words were deleted on their retention date.]"
"""What is read where the key of a value was taken away for good."""


class SensitiveText(TypeDecorator[str]):
    """People's words, sealed when they are stored and opened when they are read. Every column that holds them, rejected rows
    too, has this type, so that nobody can forget one.

    ``of_channel`` columns take `Under` values only, so that a channel's words go with its key. An empty text stays empty:
    nothing is in it. What was stored in plain words before sealing came is read as it is. Sealed values can't be compared or
    put in order by the database, and whoever tries is told so.

    Raises
    ------
    Unavailable : by a session without a keyring, and where a key is missing.

    """

    impl = Text
    cache_ok = True

    def __init__(self, of_channel: bool = False) -> None:
        super().__init__()
        self.of_channel = of_channel

    class comparator_factory(TypeDecorator.Comparator[Any]):  # noqa: N801  # SQLAlchemy's name
        """Refuses what would silently find nothing: the same words never look the same when sealed."""

        def operate(self, op: Any, *other: Any, **named: Any) -> Any:
            """Only IS NULL and IS NOT NULL."""
            if op in (operators.is_, operators.is_not):
                return super().operate(op, *other, **named)
            raise TypeError("sealed words can't be compared by the database; read them and compare them here")

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Words → sealed text."""
        return _sealed(value, self.of_channel, dialect, _as_words)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Sealed text → words."""
        if value is None or not is_sealed(value):
            return value
        try:
            return needed_keyring(dialect).open(value).decode("utf-8")
        except Forgotten:
            return FORGOTTEN


class SensitiveJson(TypeDecorator[Any]):
    """SensitiveText inside JSON: the cells of a rejected row, what is known of who responded, changes before and after.

    Where the key was taken away for good, an empty object is read.
    """

    impl = Text
    cache_ok = True
    comparator_factory = SensitiveText.comparator_factory

    def __init__(self, of_channel: bool = False) -> None:
        super().__init__()
        self.of_channel = of_channel

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """What JSON can hold → sealed text."""
        return _sealed(value, self.of_channel, dialect, _as_json)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Sealed text → what JSON holds."""
        if value is None:
            return None
        if not is_sealed(value):
            return json.loads(value)
        try:
            return json.loads(needed_keyring(dialect).open(value))
        except Forgotten:
            return {}


def _as_words(value: str) -> str:
    return value


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _sealed(value: Any, of_channel: bool, dialect: Dialect, written: Callable[[Any], str]) -> str | None:
    family = MAIN
    if isinstance(value, Under):
        family, value = value.family, value.value
    elif of_channel and value not in (None, "", {}):
        raise TypeError("a feedback channel's words are sealed with its key: pass Under(channel.key_id, words)")
    if value is None:
        return None
    words = written(value)
    return words if words in ("", "{}") else needed_keyring(dialect).seal(words.encode("utf-8"), family)


def keyring_of(session: Session) -> Keyring:
    """The keyring of a session. Raises Unavailable where it has none."""
    return needed_keyring(session.get_bind().dialect)


class Base(DeclarativeBase):
    """All tables. Each has a whole-number key; text columns have no length, as on both databases it buys nothing."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {str: Text, datetime: UtcDateTime, dict[str, Any]: JSON, list[Any]: JSON}  # noqa: RUF012

    id: Mapped[int] = mapped_column(primary_key=True)


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


def insert_new(session: Session, table: Any, rows: list[dict[str, Any]], *, unique: tuple[str, ...]) -> list[Row[Any]]:
    """Insert rows, leaving out those whose ``unique`` columns are there already.

    Returns (id, unique columns…) of what was really added, in no order. Works alike on SQLite and PostgreSQL.
    """
    if not rows:
        return []
    insert = sqlite_insert if session.get_bind().dialect.name == "sqlite" else postgresql_insert
    returned = [table.id, *(getattr(table, name) for name in unique)]
    # Rows as parameters, not inside the statement: so it is compiled once, and SQLAlchemy cuts it to what a database bears.
    statement = insert(table).on_conflict_do_nothing(index_elements=list(unique)).returning(*returned)
    return list(session.execute(statement, rows).all())
