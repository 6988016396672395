from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from commsapp.accounts.service import actor_for, ensure_local, local_actor
from commsapp.actor import Actor, HandlingLevel, Role
from commsapp.errors import Unavailable
from commsapp.storage.organisations import Organisation, Person
from commsapp.storage.session import Sessions


def test_the_local_administrator_is_made_once_however_many_ask(sessions: Sessions) -> None:
    def ensure(_: int) -> Actor:
        with sessions.writing() as session:
            return ensure_local(session)

    with ThreadPoolExecutor(6) as pool:
        actors = set(pool.map(ensure, range(12)))
    assert len(actors) == 1
    with sessions.reading() as session:
        assert session.scalar(select(func.count()).select_from(Organisation)) == 1
        assert session.scalar(select(func.count()).select_from(Person)) == 1
        assert local_actor(session) == actors.pop()


def test_the_local_administrator_may_see_every_handling_level(actor: Actor) -> None:
    assert actor.role is Role.ADMINISTRATOR
    assert actor.handling_levels == frozenset(HandlingLevel)


def test_without_a_local_administrator_one_is_told_what_to_do(sessions: Sessions) -> None:
    with pytest.raises(Unavailable, match="database upgrade"), sessions.reading() as session:
        local_actor(session)


def test_work_goes_on_as_the_person_who_asked_for_it(sessions: Sessions, actor: Actor) -> None:
    with sessions.reading() as session:
        assert actor_for(session, organisation_id=actor.organisation_id, person_id=actor.person_id) == actor
        nobody = actor_for(session, organisation_id=actor.organisation_id, person_id=None)
    assert nobody.organisation_id == actor.organisation_id
    assert nobody.person_id is None
