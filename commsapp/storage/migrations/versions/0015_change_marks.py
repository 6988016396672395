"""Marks that change whenever what was heard, coded or measured changes, so that counts can be remembered until then."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# Mark → the tables whose changes it tells of; of those with columns, an update counts where it touches one of them.
WATCHED: dict[str, dict[str, str]] = {
    "heard": {
        "response": "organisation_id, programme_id, channel_id, handling_level, date",
        "comment": "response_id",
    },
    "coded": {
        "response": "area_id",
        "comment": "text_key, not_coded, prepared",
        "coding": "",
        "area": "name",
        "feedback_channel": "name",
    },
    "results": {"listening_result": ""},
}
COMES_AND_GOES = {("heard", "response"), ("heard", "comment"), ("coded", "coding"), ("results", "listening_result")}
"""Where rows that come and go count too; of the others the rows that hang on them tell it."""


def _kinds(mark: str, table: str, columns: str) -> list[str]:
    update = f"UPDATE OF {columns}" if columns else "UPDATE"
    return ["INSERT", "DELETE", update] if (mark, table) in COMES_AND_GOES else [update]


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _on_sqlite()
    else:
        _on_postgresql()
    # Asked of every page by somebody who may not read everything: which choices the results are about.
    op.create_index("ix_listening_result_segment", "listening_result", ["result_set_id", "levels", "segment"])


def _on_sqlite() -> None:
    # One writer at a time, so one row for each mark is enough. A random number never comes again, also not after a rollback.
    op.execute("CREATE TABLE change_mark (what TEXT PRIMARY KEY, mark INTEGER NOT NULL) WITHOUT ROWID")
    for mark, tables in WATCHED.items():
        op.execute(f"INSERT INTO change_mark VALUES ('{mark}', random())")  # noqa: S608  # a name of ours
        for table, columns in tables.items():
            for kind in _kinds(mark, table, columns):
                name = f"change_mark_{mark}_{table}_{kind.split()[0].lower()}"
                op.execute(
                    f"CREATE TRIGGER {name} AFTER {kind} ON {table} BEGIN"  # noqa: S608  # names of ours
                    f" UPDATE change_mark SET mark = random() WHERE what = '{mark}'; END"
                )


def _on_postgresql() -> None:
    # A row for each transaction that changed something: writers never wait for each other, and readers see the rows of those
    # that were committed when they began, so their sum tells one state from any other.
    op.execute(
        "CREATE TABLE change_mark (what TEXT NOT NULL, transaction BIGINT NOT NULL, began TIMESTAMPTZ NOT NULL,"
        " mark BIGINT NOT NULL, PRIMARY KEY (what, transaction, began))"
    )
    op.execute(
        "CREATE FUNCTION change_mark_set() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " INSERT INTO change_mark VALUES (TG_ARGV[0], txid_current(), transaction_timestamp(), (random() * 1e15)::bigint)"
        " ON CONFLICT DO NOTHING; RETURN NULL; END $$"
    )
    for mark, tables in WATCHED.items():
        new = f"INSERT INTO change_mark VALUES ('{mark}', 0, now(), (random() * 1e15)::bigint)"  # noqa: S608  # a name of ours
        op.execute(new)
        for table, columns in tables.items():
            kinds = " OR ".join(_kinds(mark, table, columns))
            op.execute(
                f"CREATE TRIGGER change_mark_{mark} AFTER {kinds} ON {table} FOR EACH STATEMENT"
                f" EXECUTE FUNCTION change_mark_set('{mark}')"
            )


def downgrade() -> None:
    op.drop_index("ix_listening_result_segment", "listening_result")
    sqlite = op.get_bind().dialect.name == "sqlite"
    for mark, tables in WATCHED.items():
        for table, columns in tables.items():
            if not sqlite:
                op.execute(f"DROP TRIGGER change_mark_{mark} ON {table}")
                continue
            for kind in _kinds(mark, table, columns):
                op.execute(f"DROP TRIGGER change_mark_{mark}_{table}_{kind.split()[0].lower()}")
    if not sqlite:
        op.execute("DROP FUNCTION change_mark_set()")
    op.drop_table("change_mark")
