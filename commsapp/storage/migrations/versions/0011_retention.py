"""How long a feedback channel keeps responses after their day, and what was decided about a response for good."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("feedback_channel", sa.Column("retain_months", sa.Integer(), nullable=True))
    op.create_table(
        "standing_decision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("channel_id", sa.Integer(), nullable=False),
        sa.Column("identity_key", sa.Text(), nullable=False),
        sa.Column("erased", sa.Boolean(), nullable=False),
        sa.Column("withdrawn", sa.JSON(), nullable=False),
        sa.Column("handling_level", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["feedback_channel.id"], name=op.f("fk_standing_decision_channel_id_feedback_channel")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_standing_decision")),
        sa.UniqueConstraint("channel_id", "identity_key", name=op.f("uq_standing_decision_channel_id")),
    )


def downgrade() -> None:
    op.drop_table("standing_decision")
    op.drop_column("feedback_channel", "retain_months")
