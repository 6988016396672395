"""Which handling levels a listening result counts: everybody is shown figures of responses that they may read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("listening_result", sa.Column("levels", sa.Text(), nullable=False, server_default=""))
    op.create_index("ix_response_programme_level", "response", ["programme_id", "handling_level"])


def downgrade() -> None:
    op.drop_index("ix_response_programme_level", "response")
    # What a message cites stays, as the figure that it is.
    cited = "SELECT listening_result_id FROM message WHERE listening_result_id IS NOT NULL"
    op.execute(f"DELETE FROM listening_result WHERE levels <> '' AND id NOT IN ({cited})")  # noqa: S608  # no value in it
    op.drop_column("listening_result", "levels")
