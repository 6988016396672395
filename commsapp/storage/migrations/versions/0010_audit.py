"""Events get a place in the audit log and a MAC. Those that are there are chained at the next start, as that needs the key."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("event", sa.Column("sequence", sa.Integer(), nullable=True))
    op.add_column("event", sa.Column("mac", sa.Text(), nullable=True))
    op.create_index("ix_event_sequence", "event", ["sequence"], unique=True)


def downgrade() -> None:
    # It says that everything before it was chained, which holds no longer; the next upgrade chains all anew and says so again.
    op.execute("DELETE FROM event WHERE subject = 'audit log' AND action = 'begin'")
    op.drop_index("ix_event_sequence", "event")
    op.drop_column("event", "mac")
    op.drop_column("event", "sequence")
