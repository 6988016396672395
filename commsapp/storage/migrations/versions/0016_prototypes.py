"""The middles of the parts of each topic, by which comments are coded; versions from before code by the centroid."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("topic", sa.Column("prototypes", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("topic", "prototypes")
