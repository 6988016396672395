"""Whether a wave was proposed by the analysis: months that come later are added only where no wave was made by hand."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Nobody can tell any more who made the waves that are there, so they count as made by hand.
    op.add_column("wave", sa.Column("proposed", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    op.drop_column("wave", "proposed")
