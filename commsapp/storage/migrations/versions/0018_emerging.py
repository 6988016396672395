"""What is new in a wave: looks at it, groups of comments that fit no topic and were not heard before, and their texts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def _refers(table: str, column: str, to: str, *, goes_with: bool = False) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_{column}_{to}"
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=name, ondelete="CASCADE" if goes_with else None)


def upgrade() -> None:
    op.create_table(
        "emerging_look",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("programme_id", sa.Integer(), nullable=False),
        sa.Column("wave_id", sa.Integer(), nullable=False),
        sa.Column("codebook_version_id", sa.Integer(), nullable=False),
        sa.Column("levels", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("comments", sa.Integer(), nullable=False),
        sa.Column("before", sa.Integer(), nullable=False),
        sa.Column("without_topic", sa.Integer(), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=False),
        _refers("emerging_look", "organisation_id", "organisation"),
        _refers("emerging_look", "programme_id", "programme"),
        _refers("emerging_look", "wave_id", "wave", goes_with=True),
        _refers("emerging_look", "codebook_version_id", "codebook_version"),
        sa.PrimaryKeyConstraint("id", name="pk_emerging_look"),
        sa.UniqueConstraint("wave_id", "levels", name="uq_emerging_look_wave_id_levels"),
    )
    op.create_index("ix_emerging_look_programme_id", "emerging_look", ["programme_id"])
    op.create_table(
        "emerging_group",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("look_id", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("share", sa.Double(), nullable=False),
        sa.Column("before", sa.Double(), nullable=False),
        sa.Column("chance", sa.Double(), nullable=False),
        sa.Column("set_aside_by", sa.Integer(), nullable=True),
        sa.Column("set_aside_at", sa.DateTime(timezone=True), nullable=True),
        _refers("emerging_group", "look_id", "emerging_look", goes_with=True),
        _refers("emerging_group", "set_aside_by", "person"),
        sa.PrimaryKeyConstraint("id", name="pk_emerging_group"),
    )
    op.create_index("ix_emerging_group_look_id", "emerging_group", ["look_id"])
    op.create_table(
        "emerging_member",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("text_key", sa.Text(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        _refers("emerging_member", "group_id", "emerging_group", goes_with=True),
        sa.PrimaryKeyConstraint("id", name="pk_emerging_member"),
        sa.UniqueConstraint("group_id", "text_key", name="uq_emerging_member_group_id_text_key"),
    )
    op.create_index("ix_emerging_member_text_key", "emerging_member", ["text_key"])


def downgrade() -> None:
    for table in ("emerging_member", "emerging_group", "emerging_look"):
        op.drop_table(table)
