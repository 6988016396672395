"""Codebooks that people curate: changes on a version, what a topic came from, numbers that are never given twice."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

TOPIC: tuple[sa.Column[Any], ...] = (
    sa.Column("position", sa.Integer(), nullable=False, server_default="0"),
    sa.Column("pinned", sa.Boolean(), nullable=False, server_default=sa.false()),
    sa.Column("curated", sa.Boolean(), nullable=False, server_default=sa.false()),
    sa.Column("origin", sa.Text(), nullable=False, server_default="found"),
    sa.Column("merged", sa.JSON(), nullable=False, server_default="[]"),
    sa.Column("stability", sa.Double(), nullable=True),
    sa.Column("note", sa.Text(), nullable=False, server_default=""),
    sa.Column("prototype_keys", sa.JSON(), nullable=False, server_default="[]"),
)
REFERS = {"made_from": "codebook_version", "frozen_by": "person"}


def upgrade() -> None:
    for column in TOPIC:
        op.add_column("topic", column._copy())
    op.execute("UPDATE topic SET position = number")
    op.add_column("codebook", sa.Column("next_number", sa.Integer(), nullable=False, server_default="0"))
    op.execute(
        "UPDATE codebook SET next_number = coalesce((SELECT max(topic.number) + 1 FROM topic JOIN codebook_version"
        " ON codebook_version.id = topic.codebook_version_id WHERE codebook_version.codebook_id = codebook.id), 0)"
    )
    op.add_column("codebook_version", sa.Column("note", sa.Text(), nullable=False, server_default=""))
    for name, table in REFERS.items():  # both databases take it in this form, without making the table anew
        rule = f"CONSTRAINT fk_codebook_version_{name}_{table} REFERENCES {table} (id)"
        op.execute(f"ALTER TABLE codebook_version ADD COLUMN {name} INTEGER {rule}")
    op.add_column("coding", sa.Column("made_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("listening_result", sa.Column("topic_number", sa.Integer(), nullable=True))
    op.create_table(
        "codebook_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("codebook_id", sa.Integer(), nullable=False),
        sa.Column("base_version_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["codebook_id"], ["codebook.id"], name="fk_codebook_change_codebook_id_codebook"),
        sa.ForeignKeyConstraint(
            ["base_version_id"], ["codebook_version.id"], name="fk_codebook_change_base_version_id_codebook_version"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_codebook_change_person_id_person"),
        sa.PrimaryKeyConstraint("id", name="pk_codebook_change"),
    )
    op.create_index("ix_codebook_change_base_version_id", "codebook_change", ["base_version_id"])
    op.create_table(
        "codebook_difference",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("programme_id", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("by_level", sa.JSON(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name="fk_codebook_difference_programme_id_programme"),
        sa.ForeignKeyConstraint(
            ["version_id"], ["codebook_version.id"], name="fk_codebook_difference_version_id_codebook_version"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_codebook_difference"),
    )
    op.create_index("ix_codebook_difference_programme_id", "codebook_difference", ["programme_id"])


def downgrade() -> None:
    op.drop_table("codebook_difference")
    op.drop_table("codebook_change")
    op.drop_column("listening_result", "topic_number")
    op.drop_column("coding", "made_at")
    with op.batch_alter_table("codebook_version") as table:
        for name in (*REFERS, "note"):
            table.drop_column(name)
    op.drop_column("codebook", "next_number")
    for column in reversed(TOPIC):
        op.drop_column("topic", column.name)
