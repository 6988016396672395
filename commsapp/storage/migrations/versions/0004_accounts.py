"""Accounts: what persons sign in with and are cleared for, their links, sign-ins and passkeys, and attempts that failed."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
UNIQUE = ("email", "fs_uniquifier", "oidc_identity")


def _of_a_person() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("email", sa.Text()),
        sa.Column("active", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("handling_levels", sa.JSON(), nullable=False, server_default="[]"),
        sa.Column("originals", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("fs_uniquifier", sa.Text()),
        sa.Column("password_hash", sa.Text()),
        sa.Column("totp_secret", sa.Text()),
        sa.Column("totp_counter", sa.Integer()),
        sa.Column("recovery_codes", sa.JSON(), nullable=False, server_default="[]"),
        sa.Column("oidc_identity", sa.Text()),
    )


def upgrade() -> None:
    op.add_column("organisation", sa.Column("level_names", sa.JSON(), nullable=False, server_default="{}"))
    for column in _of_a_person():
        op.add_column("person", column)
    for name in UNIQUE:
        op.create_index(f"ix_person_{name}", "person", [name], unique=True)
    # Whoever is there works at the machine itself, cannot sign in, and saw everything before.
    op.execute(
        sa.text("UPDATE person SET handling_levels = :levels, originals = :yes").bindparams(
            sa.bindparam("levels", ["open", "official-sensitive", "concern"], sa.JSON()), sa.bindparam("yes", True, sa.Boolean())
        )
    )
    _links_and_sign_ins()
    op.create_table(
        "passkey",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("person_id", sa.Integer(), sa.ForeignKey("person.id"), nullable=False, index=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("credential_id", sa.Text(), nullable=False, unique=True, index=True),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.Integer(), nullable=False),
        sa.Column("transports", sa.JSON(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT),
    )
    op.create_table(
        "sign_in_attempt",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("key", sa.Text(), nullable=False, unique=True, index=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", MOMENT, nullable=False, index=True),
    )


def _links_and_sign_ins() -> None:
    op.create_table(
        "sign_in_link",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("organisation_id", sa.Integer(), sa.ForeignKey("organisation.id"), nullable=False),
        sa.Column("person_id", sa.Integer(), sa.ForeignKey("person.id"), index=True),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.Text(), nullable=False, unique=True, index=True),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("made_by", sa.Integer(), sa.ForeignKey("person.id")),
        sa.Column("ends_at", MOMENT),
        sa.Column("used_at", MOMENT),
    )
    op.create_table(
        "sign_in",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("person_id", sa.Integer(), sa.ForeignKey("person.id"), nullable=False, index=True),
        sa.Column("key_hash", sa.Text(), nullable=False, unique=True, index=True),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("second_factor", sa.Boolean(), nullable=False),
    )


def downgrade() -> None:
    for table in ("sign_in_attempt", "passkey", "sign_in", "sign_in_link"):
        op.drop_table(table)
    for name in UNIQUE:
        op.drop_index(f"ix_person_{name}", "person")
    for column in _of_a_person():
        op.drop_column("person", str(column.name))
    op.drop_column("organisation", "level_names")
