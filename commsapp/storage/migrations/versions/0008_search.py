"""An index of words over open comments, kept in step by triggers where comments go or are no longer open."""

from __future__ import annotations

import sqlite3

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

SQLITE = (
    "CREATE VIRTUAL TABLE comment_search USING fts5(words, tokenize='porter unicode61 remove_diacritics 2')",
    "CREATE TRIGGER comment_search_deleted AFTER DELETE ON comment BEGIN DELETE FROM comment_search WHERE rowid = old.id; END",
    "CREATE TRIGGER comment_search_closed AFTER UPDATE OF handling_level ON response WHEN new.handling_level <> 'open' BEGIN"
    " DELETE FROM comment_search WHERE rowid IN (SELECT id FROM comment WHERE response_id = new.id); END",
)
# English word stems without stop words, so that both databases find the same.
POSTGRES = (
    "CREATE TEXT SEARCH DICTIONARY commsapp_stem (TEMPLATE = snowball, LANGUAGE = english)",
    "CREATE TEXT SEARCH CONFIGURATION commsapp_words (COPY = simple)",
    "ALTER TEXT SEARCH CONFIGURATION commsapp_words ALTER MAPPING FOR asciiword, word, numword WITH commsapp_stem",
    "CREATE TABLE comment_search (comment_id INTEGER PRIMARY KEY REFERENCES comment (id) ON DELETE CASCADE,"
    " words TSVECTOR NOT NULL)",
    "CREATE INDEX ix_comment_search_words ON comment_search USING gin (words)",
    "CREATE FUNCTION comment_search_close() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " DELETE FROM comment_search WHERE comment_id IN (SELECT id FROM comment WHERE response_id = NEW.id); RETURN NULL; END $$",
    "CREATE TRIGGER comment_search_closed AFTER UPDATE OF handling_level ON response FOR EACH ROW"
    " WHEN (NEW.handling_level <> 'open') EXECUTE FUNCTION comment_search_close()",
)


def upgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in SQLITE if sqlite else POSTGRES:
        op.execute(statement)
    if sqlite and sqlite3.sqlite_version_info >= (3, 42):
        # Deleted words leave the index at once; older versions of SQLite need 'optimize' for it (see search.purge).
        op.execute("INSERT INTO comment_search (comment_search, rank) VALUES ('secure-delete', 1)")


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER comment_search_closed")
        op.execute("DROP TRIGGER comment_search_deleted")
        op.execute("DROP TABLE comment_search")
        return
    op.execute("DROP TRIGGER comment_search_closed ON response")
    op.execute("DROP FUNCTION comment_search_close()")
    op.drop_table("comment_search")
    op.execute("DROP TEXT SEARCH CONFIGURATION commsapp_words")
    op.execute("DROP TEXT SEARCH DICTIONARY commsapp_stem")
