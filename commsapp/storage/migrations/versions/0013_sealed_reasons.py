"""Reasons in the audit log are sealed too, as people write names into them; going back opens them.

The column stays what it is. The words themselves are sealed after the upgrade, as for 0007; the chain holds, as its MACs are over
what an event says and not over how it is stored.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from commsapp.storage.keyring import is_sealed, needed_keyring

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_EVENT = sa.table("event", sa.column("id", sa.Integer()), sa.column("why", sa.Text()))


def upgrade() -> None:
    op.execute("UPDATE sealing SET done_at = NULL")  # so that the pass over words that are still plain comes by once more


def downgrade() -> None:
    connection, last = op.get_bind(), 0
    query = sa.select(_EVENT).order_by(_EVENT.c.id).limit(1_000)
    while rows := list(connection.execute(query.where(_EVENT.c.id > last))):
        sealed = [row for row in rows if is_sealed(row.why)]
        for row in sealed:
            why = needed_keyring(connection.dialect).open(row.why).decode("utf-8")
            connection.execute(sa.update(_EVENT).where(_EVENT.c.id == row.id).values(why=why))
        last = rows[-1].id
