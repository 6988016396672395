"""One row in every table, for tests that carry a whole database somewhere."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import JSON, Date, Engine, LargeBinary, Table, Text, insert

from commsapp.storage.base import SensitiveJson, SensitiveText, Under, UtcDateTime
from commsapp.storage.keyring import MAIN, Keyring, needed_keyring
from commsapp.storage.tables import metadata


def _value(table: Table, column: Any, keyring: Keyring) -> Any:
    if column.foreign_keys or column.primary_key:
        return 1
    if (table.name, column.name) == ("feedback_channel", "key_id"):
        return MAIN
    if (table.name, column.name) == ("sealing", "keyring"):
        return keyring.mark
    if isinstance(column.type, (SensitiveText, SensitiveJson)):
        words = {"a": f"{column.name} ŵ"} if isinstance(column.type, SensitiveJson) else f"{table.name} {column.name} ŵ"
        return Under(MAIN, words) if column.type.of_channel else words
    if isinstance(column.type, UtcDateTime):
        return datetime(2026, 5, 1, tzinfo=UTC)
    stored = getattr(column.type, "impl_instance", column.type)
    kinds: dict[type, Any] = {Date: date(2026, 5, 1), JSON: {"a": 1}, LargeBinary: b"a", Text: f"{table.name} {column.name} ŵ"}
    for kind, value in kinds.items():
        if isinstance(stored, kind):
            return value
    return stored.python_type(1)


def fill(engine: Engine) -> None:
    """One row in every table, each referring to the first row of the others."""
    keyring = needed_keyring(engine.dialect)
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            row = {column.name: _value(table, column, keyring) for column in table.columns}
            connection.execute(insert(table).values(row))
