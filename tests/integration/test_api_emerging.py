"""What is new by the API: the same groups as on the page, set aside and brought back with the scope for codebooks."""

from __future__ import annotations

from collections.abc import Iterator

import curated
import new_groups
import pytest
from api_site import Api, close_api, open_api, token_of
from curated import Curated

from commsapp.accounts.service import SCOPE_NAMES
from commsapp.actor import Actor, HandlingLevel
from commsapp.config import Settings
from commsapp.listening import looking_for_new
from commsapp.storage.session import Sessions


@pytest.fixture(autouse=True)
def together(monkeypatch: pytest.MonkeyPatch) -> None:
    """How groups are found is tested elsewhere."""
    monkeypatch.setattr(looking_for_new, "emerging", new_groups.together)


@pytest.fixture
def made(sessions: Sessions, actor: Actor, settings: Settings) -> Curated:
    return curated.fill(sessions, actor, settings)


@pytest.fixture
def api(settings: Settings, sessions: Sessions, actor: Actor) -> Iterator[Api]:
    opened = open_api(settings, sessions, actor)
    yield opened
    close_api(opened)


def test_what_is_new_is_listed_set_aside_brought_back_and_made_a_topic(api: Api, made: Curated) -> None:
    at = f"/programmes/{made.id}/emerging"
    assert api.get(at)["items"] == []
    new_groups.second_wave(made)
    found = api.get(f"{at}?page_size=1")
    (group,) = found["items"]
    assert (group["wave"], group["new"], group["comments"], group["set_aside_at"]) == ("February", True, new_groups.TINS, None)
    assert found["total"] == 2  # the other is more frequent, but may be so by chance
    aside = api.post(f"{at}/{group['id']}/set-aside", status=200)
    assert aside["set_aside_by"] == made.actor.name and aside["set_aside_at"] is not None
    assert api.post(f"{at}/{group['id']}/bring-back", status=200)["set_aside_at"] is None
    topic = {"name": "Charity tins", "comments": group["examples"]}
    api.post(f"/programmes/{made.id}/codebook/draft/topics", topic, status=202)
    made.work()
    assert api.get(at)["items"][0]["in_draft"] == "Charity tins"
    api.post(f"{at}/{group['id'] + 1000}/set-aside", status=404)


def test_a_token_sees_and_changes_no_more_than_it_may(api: Api, made: Curated) -> None:
    new_groups.second_wave(made, new=[*new_groups.tins(), *new_groups.tins(5, level="official-sensitive", first=100)])
    at = f"/programmes/{made.id}/emerging"
    whole = api.get(at)["items"][0]
    narrow = token_of(made.sessions, made.actor, scopes=[name for name in SCOPE_NAMES if name != "codebooks:write"])
    api.post(f"{at}/{whole['id']}/set-aside", status=403, token=narrow)
    open_only = token_of(made.sessions, made.actor, levels=[HandlingLevel.OPEN])
    seen = api.get(at, token=open_only)["items"][0]
    assert (whole["comments"], seen["comments"]) == (new_groups.TINS + 5, new_groups.TINS)
    api.post(f"{at}/{whole['id']}/set-aside", status=404, token=open_only)
