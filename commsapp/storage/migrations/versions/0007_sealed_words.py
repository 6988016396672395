"""People's words are sealed: a key for each feedback channel, and JSON that holds words becomes text on both databases.

The words themselves are sealed after the upgrade, in batches, so that no table is locked for long; going back opens them here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from commsapp.storage.base import FORGOTTEN
from commsapp.storage.keyring import Forgotten, is_sealed, needed_keyring

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

JSON = {
    "response": ("attributes",),
    "rejected_row": ("cells",),
    "event": ("before", "after"),
    "attribute": ("choices",),
    "question": ("choices",),
}
TEXT = {
    "comment": ("original", "translation", "redacted", "redacted_translation", "analysis_text"),
    "answer": ("choice",),
    "statement": ("text",),
    "rejected_row": ("reason",),
}


def upgrade() -> None:
    for table, columns in JSON.items():
        _change(table, columns, sa.JSON(), sa.Text(), "text")
    op.add_column("feedback_channel", sa.Column("key_id", sa.Text(), nullable=True))
    op.create_table(
        "sealing",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("keyring", sa.Text(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("indexed_at", sa.DateTime(timezone=True), nullable=True),
        sa.UniqueConstraint("keyring"),
    )


def downgrade() -> None:
    for kind in (JSON, TEXT):
        for table, columns in kind.items():
            _open(table, columns, "{}" if kind is JSON else FORGOTTEN)
    op.drop_table("sealing")
    op.drop_column("feedback_channel", "key_id")
    for table, columns in JSON.items():
        _change(table, columns, sa.Text(), sa.JSON(), "json")


def _change(table: str, columns: tuple[str, ...], old: Any, new: Any, cast: str) -> None:
    with op.batch_alter_table(table) as batch:
        for column in columns:
            batch.alter_column(column, existing_type=old, type_=new, postgresql_using=f'"{column}"::{cast}')


def _open(name: str, columns: tuple[str, ...], forgotten: str) -> None:
    connection = op.get_bind()
    table = sa.table(name, sa.column("id", sa.Integer()), *(sa.column(column, sa.Text()) for column in columns))
    for rows in _batches(connection, table):
        for row in rows:
            values = {column: getattr(row, column) for column in columns}
            values = {column: stored for column, stored in values.items() if stored is not None and is_sealed(stored)}
            opened = {column: _opened(connection, stored, forgotten) for column, stored in values.items()}
            if opened:
                connection.execute(sa.update(table).where(table.c.id == row.id).values(opened))


def _opened(connection: sa.Connection, stored: str, forgotten: str) -> str:
    try:
        return needed_keyring(connection.dialect).open(stored).decode("utf-8")
    except Forgotten:
        return forgotten


def _batches(connection: sa.Connection, table: Any) -> Iterator[list[Any]]:
    last = 0
    while rows := list(connection.execute(sa.select(table).where(table.c.id > last).order_by(table.c.id).limit(1_000))):
        yield rows
        last = rows[-1].id
