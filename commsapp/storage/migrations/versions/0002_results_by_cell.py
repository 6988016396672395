"""An index on the cell of a listening result: a page asks for one cell with all measures, among some hundred thousand rows."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NAME = "ix_listening_result_cell"


def upgrade() -> None:
    op.create_index(NAME, "listening_result", ["result_set_id", "wave", "area", "segment"])


def downgrade() -> None:
    op.drop_index(NAME, "listening_result")
