"""What was said is found by its words, alike on both databases, by those who are cleared for it and by nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import given
import pytest
from sqlalchemy import event, select, text

from commsapp.actor import Actor, HandlingLevel
from commsapp.config import Settings
from commsapp.listening import analysing, views
from commsapp.listening import service as listening
from commsapp.listening.redaction.redactor import load_redactor
from commsapp.storage import database, programmes, responses, search
from commsapp.storage.base import Under
from commsapp.storage.keyring import Keyring
from commsapp.storage.session import Sessions

SAID = [
    "The dealers at the station café never leave",
    "A dealer rang my mother about her bank account",
    "Mae'r delwyr wrth yr orsaf o hyd ŵ",
    "Nobody answers the well-being line; don't bother",
    "café CAFÉ cafe",
    "It's 50% off — call 07700 900123!",
]


AREAS = ("Birch", "Ash")


def spoken(
    sessions: Sessions, actor: Actor, settings: Settings, folder: Path, said: list[str] = SAID, *, level: str = "open", **row: str
) -> int:
    """A programme in which this was said at a handling level, and prepared."""
    with sessions.writing() as session:
        found = [one.id for one in listening.all_programmes(session, actor)]
    programme = found[0] if found else given.programme(sessions, actor)
    lines = [
        {
            "id": f"{level} {n}",
            "comment": words,
            "handling": level,
            "date": f"2026-03-{n + 1:02}",
            "area": "Ash" if n % 2 else "Birch",
        }
        | row
        for n, words in enumerate(said)
    ]
    given.imported(sessions, actor, settings, given.table(folder / f"{level}.csv", lines), programme_id=programme)
    prepared(sessions)
    return programme


def prepared(sessions: Sessions) -> None:
    """As an analysis leaves comments that it can't code, were there no name or number in them."""
    with sessions.writing() as session:
        unprepared = (
            select(responses.Comment, programmes.FeedbackChannel.key_id)
            .join(responses.Response, responses.Response.id == responses.Comment.response_id)
            .join(programmes.FeedbackChannel, programmes.FeedbackChannel.id == responses.Response.channel_id)
            .where(responses.Comment.prepared.is_(False))
        )
        for comment, key in session.execute(unprepared).all():
            comment.redacted = Under(key, comment.original)
            comment.redacted_translation = Under(key, comment.translation)
            comment.redaction_version, comment.prepared = "by hand+names", True
        session.flush()
        search.index(session, session.scalars(select(responses.Comment.id)))


def found(sessions: Sessions, actor: Actor, programme: int, words: str, **how: str) -> list[str]:
    with sessions.reading() as session:
        return [one.words for one in listening.search(session, actor, programme, words, **how).comments]  # type: ignore[arg-type]


def index_words(sessions: Sessions) -> str:
    return " ".join(str(row[0]) for row in given.stored(sessions, "SELECT words FROM comment_search"))


# What is typed → which of SAID have it.
ASKED = {
    "dealer": [0, 1],
    "Dealers!": [0, 1],
    "cafe": [0, 4],
    "CAFÉ": [0, 4],
    "dealer bank": [1],
    '"the station"': [0],
    '"station the"': [],
    "dealer -bank": [0],
    "-dealer": [],
    "well-being": [3],
    "don't": [3],
    "don’t": [3],
    "wellbeing": [],
    "delwyr": [2],
    "ŵ": [2],
    "the": [0, 3],
    "50%": [5],
    "07700": [5],
    "": [],
    "   ": [],
    '"': [],
    "--": [],
    "nothing-like-this": [],
}


@pytest.mark.parametrize("level", ["open", "official-sensitive"])
def test_words_are_found_alike_in_the_index_and_by_opening(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path, level: str
) -> None:
    programme = spoken(sessions, actor, settings, tmp_path, level=level)
    got = {words: found(sessions, actor, programme, words) for words in ASKED}
    assert got == {words: [SAID[n] for n in reversed(numbers)] for words, numbers in ASKED.items()}
    assert bool(index_words(sessions)) == (level == "open")


@pytest.mark.parametrize(
    "typed",
    [
        "a AND",
        "OR",
        "NEAR(a b)",
        'un"closed',
        "words:*",
        "^a",
        "a*",
        "(",
        "';--",
        "\\",
        "a & | !",
        "<->",
        "{a}",
        "\x00",
        "-",
        "é" * 999,
    ],
)
def test_whatever_is_typed_is_looked_for_and_breaks_nothing(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path, typed: str
) -> None:
    programme = spoken(sessions, actor, settings, tmp_path, SAID[:1])
    found(sessions, actor, programme, typed)
    found(sessions, actor, programme, f"dealer {typed} -{typed}")


def test_who_is_not_cleared_finds_nothing_and_open_words_alone_lie_in_the_index(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path
) -> None:
    for level in ("open", "official-sensitive", "concern"):
        programme = spoken(sessions, actor, settings, tmp_path, [f"zyxword {level.replace('-', ' ')}"], level=level)
    levels = [HandlingLevel.OPEN, HandlingLevel.OFFICIAL_SENSITIVE, HandlingLevel.CONCERN]
    counts = [len(found(sessions, given.cleared_for(actor, *levels[:n]), programme, "zyxword")) for n in range(4)]
    assert counts == [0, 1, 2, 3]
    assert "open" in index_words(sessions) and "concern" not in index_words(sessions) and "sensit" not in index_words(sessions)


def test_what_is_not_prepared_yet_is_not_found_as_no_page_may_show_it(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path
) -> None:
    programme = given.programme(sessions, actor)
    path = given.table(tmp_path / "x.csv", [{"comment": "zyxword just now"}])
    given.imported(sessions, actor, settings, path, programme_id=programme)
    assert index_words(sessions) == ""
    assert found(sessions, actor, programme, "zyxword") == []
    prepared(sessions)
    assert found(sessions, actor, programme, "zyxword") == ["zyxword just now"]


def test_the_index_follows_a_change_of_level_of_words_and_a_deletion(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path
) -> None:
    programme = spoken(sessions, actor, settings, tmp_path, ["zyxword one", "zyxword two", "zyxword three"])
    with sessions.writing() as session:
        session.execute(text("UPDATE response SET handling_level = 'concern' WHERE identity LIKE '%2'"))
    assert "three" not in index_words(sessions)
    assert len(found(sessions, actor, programme, "zyxword")) == 3
    with sessions.writing() as session:
        session.execute(text("UPDATE response SET handling_level = 'open' WHERE identity LIKE '%2'"))
        search.index(
            session, session.scalars(select(responses.Comment.id)), words=lambda row: row.redacted.replace("one", "eins")
        )
    assert "three" in index_words(sessions)
    assert found(sessions, actor, programme, "eins") == ["zyxword one"]
    run = given.stored(sessions, "SELECT max(id) FROM import_run")[0][0]
    with sessions.writing() as session:
        listening.remove_import(session, actor, run, settings=settings)
    assert index_words(sessions) == "" and found(sessions, actor, programme, "zyxword") == []


def test_filters_narrow_what_is_found_and_pages_hold_25(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path
) -> None:
    programme = spoken(sessions, actor, settings, tmp_path, [f"zyxword {n}" for n in range(28)])
    with sessions.reading() as session:
        pages = [listening.search(session, actor, programme, "zyxword", number=n) for n in (1, 2, 9)]
    assert [(len(page.comments), page.total, page.number, page.pages) for page in pages] == [
        (25, 28, 1, 2),
        (3, 28, 2, 2),
        (3, 28, 2, 2),
    ]
    assert pages[0].comments[0].words == "zyxword 27"
    assert len(found(sessions, actor, programme, "zyxword", area="Ash")) == 14


def test_the_index_is_made_for_what_was_there_before(
    sessions: Sessions, actor: Actor, settings: Settings, keyring: Keyring, tmp_path: Path
) -> None:
    programme = spoken(sessions, actor, settings, tmp_path)
    with sessions.writing() as session:
        session.execute(text("DELETE FROM comment_search"))
    assert found(sessions, actor, programme, "dealer") == []
    database.upgrade(settings.database_url, keyring=keyring)
    assert found(sessions, actor, programme, "dealer") == [SAID[1], SAID[0]]


def test_another_programme_and_another_organisation_find_nothing(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path
) -> None:
    spoken(sessions, actor, settings, tmp_path)
    spoken(sessions, actor, settings, tmp_path, level="concern")
    stranger = given.other_organisation(sessions)
    for who in (actor, stranger):
        other = given.programme(sessions, who, "Another")
        assert found(sessions, who, other, "dealer") == []


def in_the_files(sessions: Sessions, words: str) -> bool:
    """Whether the bytes of the database's files hold words; on PostgreSQL, whether its index does."""
    if sessions.engine.dialect.name == "postgresql":
        return words in index_words(sessions)
    path = Path(str(sessions.engine.url.database))
    return any(words.encode() in file.read_bytes() for file in path.parent.glob(f"{path.name}*"))


@contextmanager
def vacuumed(sessions: Sessions) -> Iterator[set[str]]:
    """The tables that a vacuum went over meanwhile."""
    seen: set[str] = set()

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("VACUUM"):
            seen.add(statement.split('"')[1])

    event.listen(sessions.engine, "before_cursor_execute", note)
    yield seen
    event.remove(sessions.engine, "before_cursor_execute", note)


@pytest.mark.parametrize("level", [HandlingLevel.OFFICIAL_SENSITIVE, HandlingLevel.CONCERN])
def test_words_of_a_raised_response_are_gone_from_the_bytes_of_the_index(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path, level: HandlingLevel
) -> None:
    programme = spoken(sessions, actor, settings, tmp_path, ["zyxraised by the quay", "what stays"])
    assert in_the_files(sessions, "zyxrai")
    with sessions.reading() as session:
        (one,) = listening.people(session, actor, programme, export_id="open 0", settings=settings)
    with vacuumed(sessions) as tables:
        listening.change_handling(
            sessions, actor, programme, one.response_id, level=level, why="She may be at risk", settings=settings
        )
    assert not in_the_files(sessions, "zyxrai")
    assert "comment_search" in tables or sessions.engine.dialect.name == "sqlite"
    assert found(sessions, actor, programme, "stays") == ["what stays"]


def test_what_a_better_redaction_takes_out_is_gone_from_the_bytes_of_the_index(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path
) -> None:
    programme = spoken(sessions, actor, settings, tmp_path, ["Please call me back on 07700 900123 this evening"])
    assert in_the_files(sessions, "07700")
    how = {"readable": frozenset({"en"}), "redactor": load_redactor(), "settings": settings, "progress": views.quiet}
    analysing.prepare(sessions, actor, programme, **how)  # type: ignore[arg-type]
    assert "even" in index_words(sessions)
    assert not in_the_files(sessions, "07700")
