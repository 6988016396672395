"""Whether the names of a codebook version's topics are made of open comments alone: else they are not shown to everybody."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Nobody can tell any more what the names that are there were made of.
    op.add_column("codebook_version", sa.Column("named_by_open", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    op.drop_column("codebook_version", "named_by_open")
