"""What Alembic runs: the migrations, on the connection and in the transaction that database.py opened."""

from __future__ import annotations

from alembic import context

from commsapp.storage.database import COMPARE
from commsapp.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite changes most things of a table only by making it anew
    **COMPARE,
)
with context.begin_transaction():
    context.run_migrations()
