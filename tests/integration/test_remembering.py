"""Counts are remembered until what they count changes, whoever changes it, and never for somebody who may see something else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import heard
import pytest
import said
from sqlalchemy import text

from commsapp.actor import Actor, HandlingLevel
from commsapp.listening import service as listening
from commsapp.storage import remembering, responses
from commsapp.storage.session import Sessions, open_sessions


@pytest.fixture
def programme_id(sessions: Sessions, actor: Actor) -> int:
    """600 answers of a survey before, 600 after, and 47 comments in the inbox."""
    made = heard.programme(sessions, actor)
    said.add(sessions, actor, made.programme_id)
    return made.programme_id


@pytest.fixture
def counts(sessions: Sessions, actor: Actor, programme_id: int) -> Callable[..., tuple[int, int]]:
    def count(*levels: HandlingLevel) -> tuple[int, int]:
        asking = replace(actor, handling_levels=frozenset(levels or HandlingLevel))
        with sessions.reading() as session:
            found = listening.programme(session, asking, programme_id)
        return found.responses, found.comments

    return count


def test_what_was_counted_once_is_not_counted_again(
    sessions: Sessions, counts: Callable[..., tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = counts()
    monkeypatch.setattr(responses, "_counted", lambda *_: pytest.fail("it was counted again"))
    assert counts() == before


CHANGES = (
    "DELETE FROM comment WHERE id = (SELECT max(id) FROM comment)",
    "DELETE FROM response WHERE id = (SELECT min(response_id) FROM comment)",
    "UPDATE response SET handling_level = 'concern' WHERE id = (SELECT min(response_id) FROM comment)",
)


@pytest.mark.parametrize("change", CHANGES)
def test_another_process_that_changes_what_was_heard_is_seen_at_once(
    sessions: Sessions, counts: Callable[..., tuple[int, int]], change: str
) -> None:
    before = counts(HandlingLevel.OPEN)
    url = sessions.engine.url.render_as_string(hide_password=False)
    others = open_sessions(url, keyring=sessions.keyring)
    with others.writing() as session:
        session.execute(text(change))
    others.engine.dispose()
    after = counts(HandlingLevel.OPEN)
    assert after[1] == before[1] - 1


def test_what_was_undone_is_not_remembered(sessions: Sessions, counts: Callable[..., tuple[int, int]]) -> None:
    before = counts()
    with sessions.open(writes=True) as session:
        session.execute(text(CHANGES[0]))
        session.flush()
        session.rollback()
    assert counts() == before
    with sessions.writing() as session:
        session.execute(text(CHANGES[0]))
    assert counts() == (before[0], before[1] - 1)


def test_each_clearance_has_counts_of_its_own(counts: Callable[..., tuple[int, int]]) -> None:
    everything = counts()
    assert counts(HandlingLevel.OPEN) == (everything[0] - 1, everything[1] - 1)
    assert counts() == everything


def test_a_page_of_comments_that_is_remembered_follows_the_coding(sessions: Sessions, actor: Actor, programme_id: int) -> None:
    def page() -> tuple[int, list[int]]:
        with sessions.reading() as session:
            found = listening.comments_page(session, actor, programme_id, topic=said.WASTE)
        return found.total, [one.id for one in found.comments]

    total, ids = page()
    assert page() == (total, ids) and total == 12
    with sessions.writing() as session:
        key = session.scalar(text(f"SELECT text_key FROM comment WHERE id = {ids[0]}"))
        session.execute(text("DELETE FROM coding WHERE text_key = :key AND measure = 'topic'"), {"key": key})
    assert page() == (11, ids[1:])


def test_a_count_is_not_remembered_by_who_writes(sessions: Sessions, actor: Actor, programme_id: int) -> None:
    with sessions.open(writes=True) as session:
        before = listening.programme(session, actor, programme_id)
        session.execute(text(CHANGES[0]))
        assert listening.programme(session, actor, programme_id).comments == before.comments - 1
        session.rollback()


def test_the_counts_that_nobody_asks_for_go(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembering, "MOST", 3)
    for number in range(10):
        with sessions.reading() as session:
            assert remembering.remembered(session, ("heard",), ("test", number), lambda number=number: number) == number  # type: ignore[misc]
    assert len(remembering._kept) == 3
