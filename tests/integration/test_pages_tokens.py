"""The pages of one's own tokens: made with what was ticked, shown once, revoked; and what programs can ask for."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from page_client import PageClient, page_client
from pages_site import Site, open_site

from commsapp.accounts import service as accounts
from commsapp.actor import HandlingLevel
from commsapp.http import request


@pytest.fixture
def site(tmp_path: Path, sqlite_template: Path) -> Site:
    return open_site(tmp_path, sqlite_template)


@pytest.fixture
def client(site: Site) -> PageClient:
    return page_client(site.app)


def make(client: PageClient, **fields: object) -> str:
    given = {"name": "Notebook", "scopes": ["programmes:read", "results:read"], "days": "90"} | fields
    return client.post("/tokens/new", data={"csrf_token": client.token("/tokens/new"), **given}).get_data(as_text=True)


def secret_in(page: str) -> str:
    found = re.search(r'value="(commsapp_[\w-]{43})"', page)
    assert found is not None
    return found[1]


def tokens(site: Site) -> list[accounts.Token]:
    with site.sessions.reading() as session:
        return accounts.tokens_of(session, site.actor)


def test_a_token_is_made_with_what_was_ticked_shown_once_and_opens_the_api(client: PageClient, site: Site) -> None:
    assert "No token yet" in client.get("/tokens").get_data(as_text=True)
    secret = secret_in(make(client))
    (made,) = tokens(site)
    assert (made.name, made.scopes, made.handling_levels) == ("Notebook", ("programmes:read", "results:read"), ("open",))
    listed = client.get("/tokens").get_data(as_text=True)
    assert made.hint in listed and secret not in listed and "Never used" in listed
    asked = site.app.test_client().get("/api/v1/programmes", headers={"Authorization": f"Bearer {secret}"})
    assert asked.json["total"] == 0
    assert "Last used on" in client.get("/tokens").get_data(as_text=True)


def test_a_revoked_token_stays_in_the_list_and_opens_nothing(client: PageClient, site: Site) -> None:
    secret = secret_in(make(client))
    place = f"/tokens/{tokens(site)[0].id}/revoke"
    assert "It was never used" in client.get(place).get_data(as_text=True)
    client.post(place, data={"csrf_token": client.token(place)})
    page = client.get("/tokens").get_data(as_text=True)
    assert "was revoked" in page and "Revoked on" in page
    asked = site.app.test_client().get("/api/v1/programmes", headers={"Authorization": f"Bearer {secret}"})
    assert asked.status_code == 401
    assert client.get("/tokens/999/revoke").status_code == 404


@pytest.mark.parametrize(
    ("fields", "mistake"),
    [
        ({"name": " "}, "Enter what the token is for"),
        ({"name": "x" * 101}, "a very long one"),
        ({"scopes": []}, "Tick at least one thing"),
        ({"days": "9999"}, "Not a valid choice"),
        ({"scopes": ["everything"]}, "not a valid choice"),
    ],
)
def test_a_form_that_says_too_little_makes_no_token(
    client: PageClient, site: Site, fields: dict[str, object], mistake: str
) -> None:
    assert mistake.lower() in make(client, **fields).lower()
    assert tokens(site) == []


def test_only_levels_that_one_is_cleared_for_can_be_ticked(
    client: PageClient, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 'value="concern"' in client.get("/tokens/new").get_data(as_text=True)
    make(client, levels=["concern"])
    assert tokens(site)[0].handling_levels == (HandlingLevel.OPEN, HandlingLevel.CONCERN)
    less = dataclasses.replace(site.actor, handling_levels=frozenset({HandlingLevel.OPEN}))
    monkeypatch.setattr(request, "actor", lambda: less)
    assert 'value="concern"' not in client.get("/tokens/new").get_data(as_text=True)
    make(client, levels=["concern"])
    assert tokens(site)[0].handling_levels == (HandlingLevel.OPEN,)


def test_the_reference_names_every_call_with_its_scope(client: PageClient, site: Site) -> None:
    page = client.get("/tokens/api").get_data(as_text=True)
    document = site.app.extensions["commsapp_api"]
    for path, operations in document["paths"].items():
        for method in operations:
            if method != "parameters":
                assert f"{method.upper()} {path}" in page
    for scope in accounts.SCOPE_NAMES:
        assert f"<code>{scope}</code>" in page
