"""What every table shares: naming of constraints, times in UTC, the one type for people's words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, MetaData, Row, Text
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.types import TypeDecorator

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


class SensitiveText(TypeDecorator[str]):
    """People's words. Every column that holds them, rejected rows too, has this type, so that one place can protect them."""

    impl = Text
    cache_ok = True


class SensitiveJson(TypeDecorator[Any]):
    """SensitiveText inside JSON: the cells of a rejected row, what is known of who responded, changes before and after."""

    impl = JSON
    cache_ok = True


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
