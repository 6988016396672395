"""An area that only confidential words name is none for those who may not read them, until somebody adds it by hand."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import given
import pytest

from commsapp.actor import Actor, HandlingLevel
from commsapp.config import Settings
from commsapp.errors import BadInput, Conflict
from commsapp.listening import service as listening
from commsapp.storage.session import Sessions


@pytest.fixture
def programme(sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path) -> int:
    rows = [
        {"id": "1", "area": "Ash", "comment": "bins", "handling": "open"},
        {"id": "2", "area": "12 Mill Lane", "comment": "help", "handling": "concern"},
        {"id": "3", "area": "Birch", "comment": "bins too", "handling": "open"},
        {"id": "4", "area": "Birch", "comment": "and more", "handling": "concern"},
    ]
    made = given.programme(sessions, actor)
    given.imported(sessions, actor, settings, given.table(tmp_path / "said.csv", rows), programme_id=made)
    with sessions.writing() as session:
        listening.add_area(session, actor, made, name="Cedar")
    return made


def areas(sessions: Sessions, who: Actor, programme: int) -> list[str]:
    with sessions.reading() as session:
        return [area.name for area in listening.areas(session, who, programme)]


def test_it_is_seen_by_those_who_may_read_who_said_it(sessions: Sessions, actor: Actor, programme: int) -> None:
    reader = given.cleared_for(actor, HandlingLevel.OPEN)
    assert areas(sessions, actor, programme) == ["12 Mill Lane", "Ash", "Birch", "Cedar"]
    assert areas(sessions, reader, programme) == ["Ash", "Birch", "Cedar"]
    assert areas(sessions, given.cleared_for(actor), programme) == ["Cedar"]


def test_nothing_can_be_said_of_it_by_others(sessions: Sessions, actor: Actor, programme: int) -> None:
    reader, day = given.cleared_for(actor, HandlingLevel.OPEN), date(2026, 3, 1)
    with sessions.writing() as session, pytest.raises(BadInput, match="is not an area"):
        listening.add_context_event(session, reader, programme, name="x", start=day, end=day, areas=("12 Mill Lane",))


def test_whoever_adds_it_by_hand_is_not_told_that_it_is_there_and_from_then_on_all_see_it(
    sessions: Sessions, actor: Actor, programme: int
) -> None:
    reader = given.cleared_for(actor, HandlingLevel.OPEN)
    with sessions.writing() as session:
        made = listening.add_area(session, reader, programme, name="12 Mill Lane", population=7)
    assert made.population == 7
    assert areas(sessions, reader, programme) == areas(sessions, actor, programme) == ["12 Mill Lane", "Ash", "Birch", "Cedar"]
    with sessions.writing() as session, pytest.raises(Conflict):
        listening.add_area(session, reader, programme, name="12 Mill Lane")
