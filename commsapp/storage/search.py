"""Finding what was said by its words, on both databases, behind one function.

An index holds comments that are open and prepared (so, where redaction runs, in the words that pages show): FTS5 on SQLite, a
tsvector with GIN on PostgreSQL. It is plain by need, as a database can't look into sealed words. Every other comment that
somebody is cleared for is opened one after the other when they search and looked into in memory, with the same rules. The
index is kept in step by `index`, and by triggers where a comment is deleted or its handling level is no longer open.

What may come in: words to look for, and which comments have them. What may not: giving anybody's words back; `responses` does.
"""

from __future__ import annotations

import json
import re
import sqlite3
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, cast, delete, func, insert, literal_column, or_, select, table
from sqlalchemy import column as sql_column
from sqlalchemy.dialects.postgresql import ARRAY, REGCONFIG, TSVECTOR
from sqlalchemy.orm import Session
from sqlalchemy.types import Integer, Text

from commsapp.actor import Actor, HandlingLevel
from commsapp.storage.responses import Comment, Response, visible

MOST_WORDS = 20
LONGEST_TEXT = 100_000
"""Letters of a comment that can be found; PostgreSQL holds no more than a megabyte of one text."""

TABLE = "comment_search"

_BATCH = 1_000
_NO_LETTER = re.compile(r"[\W_]+")
_CONFIGURATION = "commsapp_words"
_FTS5 = "porter unicode61 remove_diacritics 2"
# SQLite calls the key of the index rowid, PostgreSQL has a column of ours.
_INDEX = table(TABLE, sql_column("rowid", Integer()), sql_column("words", Text()))
_INDEX_POSTGRES = table(TABLE, sql_column("comment_id", Integer()), sql_column("words", TSVECTOR()))


@dataclass(frozen=True)
class Asked:
    """What somebody looks for: each of these phrases, and none of those. A phrase is one word or several in a row."""

    phrases: tuple[tuple[str, ...], ...]
    without: tuple[tuple[str, ...], ...] = ()


def asked(words: str) -> Asked:
    """What was typed: words that must all occur, "words in a row" in quotation marks, and -words that must not."""
    phrases: list[tuple[str, ...]] = []
    without: list[tuple[str, ...]] = []
    for sign, quoted, bare in re.findall(r'(?:(?<=\s)|^)(-?)(?:["“”]([^"“”]*)["“”]?|(\S+))', words):
        phrase = tuple(fold(quoted or bare).split())
        if phrase:
            (without if sign else phrases).append(phrase)
    return Asked(tuple(phrases[:MOST_WORDS]), tuple(without[:MOST_WORDS]))


def fold(text: str) -> str:
    """Letters and figures alone, without accents, in lower case: 'Café!' and 'cafe' are the same word on both databases."""
    bare = text[:LONGEST_TEXT]
    if not bare.isascii():  # in which there are no accents: most texts, and a search opens thousands
        bare = "".join(letter for letter in unicodedata.normalize("NFKD", bare) if not unicodedata.combining(letter))
    return _NO_LETTER.sub(" ", bare.casefold()).strip()


def shown(row: Any) -> str:
    """The words of a comment that pages show and so can be found: its own, and their translation."""
    return f"{row.redacted}\n{row.redacted_translation}"


def index(session: Session, comment_ids: Iterable[int], *, words: Callable[[Any], str] = shown) -> None:
    """Put comments into the index as they are now, or take them out where they are not open or not prepared.

    To be called in the transaction that changes their words or opens them. ``words`` gives what pages show of a row
    (redacted, redacted_translation).
    """
    ids = list(comment_ids)
    for start in range(0, len(ids), _BATCH):
        some = ids[start : start + _BATCH]
        columns = (Comment.id, Comment.redacted, Comment.redacted_translation)
        query = select(*columns).join(Response, Response.id == Comment.response_id).where(Comment.id.in_(some), _in_index())
        rows = [{"comment": row.id, "said": fold(words(row))} for row in session.execute(query.order_by(Comment.id))]
        if _is_sqlite(session):
            session.execute(delete(_INDEX).where(_INDEX.c.rowid.in_(some)))
            new = insert(_INDEX).values(rowid=bindparam("comment"), words=bindparam("said"))
        else:
            session.execute(delete(_INDEX_POSTGRES).where(_INDEX_POSTGRES.c.comment_id.in_(some)))
            vector = func.to_tsvector(_configuration(), bindparam("said", type_=Text()))
            new = insert(_INDEX_POSTGRES).values(comment_id=bindparam("comment"), words=vector)
        if rows:
            session.connection().execute(new, rows)


def index_more(session: Session, after: int, *, words: Callable[[Any], str] = shown) -> int | None:
    """Put the next comments behind an id into the index; the last one's id, None where there are no more."""
    query = select(Comment.id).where(Comment.id > after).order_by(Comment.id).limit(_BATCH)
    ids = list(session.scalars(query))
    index(session, ids, words=words)
    return ids[-1] if ids else None


def purge(session: Session) -> None:
    """See that nothing of what was taken out is left in the index: SQLite only marks it at first."""
    if _is_sqlite(session):
        session.connection().exec_driver_sql("INSERT INTO comment_search (comment_search) VALUES ('optimize')")


def matching(
    session: Session,
    actor: Actor,
    programme_id: int,
    what: Asked,
    *,
    only: ColumnElement[bool] | None = None,
    words: Callable[[Any], str] = shown,
) -> ColumnElement[bool]:
    """A condition on `Comment.id`: the comments that have what was asked for, of those that the actor may see.

    ``only`` narrows which ones are opened to look into them.
    """
    if not what.phrases:
        return literal_column("1") == literal_column("0")
    found = _opened(session, actor, programme_id, what, only, words)
    if _is_sqlite(session):
        hits = select(_INDEX.c.rowid).where(literal_column("comment_search").op("MATCH")(_fts5(what)))
        others = select(func.json_each(json.dumps(found)).table_valued("value").c.value)
        looked_into: ColumnElement[bool] = Comment.id.in_(others)
    else:
        hits = select(_INDEX_POSTGRES.c.comment_id).where(_INDEX_POSTGRES.c.words.op("@@")(_tsquery(what)))
        looked_into = Comment.id == func.any(cast(found, ARRAY(Integer())))
    return or_(and_(_in_index(), Comment.id.in_(hits)), looked_into)


def _opened(
    session: Session,
    actor: Actor,
    programme_id: int,
    what: Asked,
    only: ColumnElement[bool] | None,
    words: Callable[[Any], str],
) -> list[int]:
    """Ids of comments outside the index that have what was asked for: each is opened, and none is written anywhere."""
    columns = (Comment.id, Comment.redacted, Comment.redacted_translation)
    query = select(*columns).join(Response, Response.id == Comment.response_id)
    query = query if only is None else query.where(only)
    # Two queries, as each has an index of its own: what is more than open, and what is open and not prepared yet.
    closed = replace(actor, handling_levels=actor.handling_levels - {HandlingLevel.OPEN})
    unprepared = and_(Response.handling_level == HandlingLevel.OPEN, Comment.prepared.is_(False))
    queries = (
        query.where(visible(closed, programme_id)),
        query.where(visible(actor, programme_id, by_id=True), unprepared),
    )
    look = _Look(what)
    try:
        for one in queries:
            for some in session.execute(one.execution_options(yield_per=_BATCH)).partitions():
                look.into([(row.id, fold(words(row))) for row in some])
        return look.found
    finally:
        look.close()


class _Look:
    """Looks into texts in memory, with the tokeniser of SQLite's index, on both databases."""

    def __init__(self, what: Asked) -> None:
        self._asked = _fts5(what)
        self._memory = sqlite3.connect(":memory:", isolation_level=None)
        self._memory.execute("PRAGMA temp_store=MEMORY")
        self._memory.execute(f"CREATE VIRTUAL TABLE looked USING fts5(words, tokenize='{_FTS5}')")
        self.found: list[int] = []

    def into(self, texts: list[tuple[int, str]]) -> None:
        """Note which of the texts (id, folded words) have what was asked for."""
        self._memory.execute("BEGIN")
        self._memory.executemany("INSERT INTO looked (rowid, words) VALUES (?, ?)", texts)
        self.found += [row[0] for row in self._memory.execute("SELECT rowid FROM looked WHERE looked MATCH ?", (self._asked,))]
        self._memory.execute("ROLLBACK")

    def close(self) -> None:
        """Let go of the memory."""
        self._memory.close()


def _in_index() -> ColumnElement[bool]:
    return and_(Response.handling_level == HandlingLevel.OPEN, Comment.prepared.is_(True))


def _fts5(what: Asked) -> str:
    # Folded words have neither quotation marks nor signs, so nothing that is typed is read as a command.
    wanted = " AND ".join(f'"{" ".join(phrase)}"' for phrase in what.phrases)
    return wanted if not what.without else f"({wanted})" + "".join(f' NOT "{" ".join(phrase)}"' for phrase in what.without)


def _tsquery(what: Asked) -> Any:
    parts = [_phrase(phrase) for phrase in what.phrases] + [func.tsquery_not(_phrase(phrase)) for phrase in what.without]
    return reduce(lambda left, right: left.op("&&")(right), parts)


def _phrase(phrase: tuple[str, ...]) -> Any:
    return func.phraseto_tsquery(_configuration(), " ".join(phrase))


def _configuration() -> Any:
    return cast(_CONFIGURATION, REGCONFIG())


def _is_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"
