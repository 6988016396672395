"""What people see of a comment, with names and numbers taken out; the next analysis prepares what is here anew."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

COLUMNS = ("redacted", "redacted_translation", "redaction_version")


def upgrade() -> None:
    for name in COLUMNS:
        op.add_column("comment", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    # Pages show no words until names and numbers are out. Keys of texts stay: so figures stay, and the next analysis knows
    # which codings belong to texts that nobody says any more.
    op.execute(sa.text("UPDATE comment SET prepared = :no").bindparams(sa.bindparam("no", False, sa.Boolean())))


def downgrade() -> None:
    for name in reversed(COLUMNS):
        op.drop_column("comment", name)
