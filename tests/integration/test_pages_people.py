"""The pages with which administrators look after accounts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from page_client import PageClient, page_client
from pages_site import Site, open_site

from commsapp.accounts import service as accounts
from commsapp.actor import HandlingLevel, Role
from commsapp.listening import service as listening


@pytest.fixture
def site(tmp_path: Path, sqlite_template: Path) -> Site:
    return open_site(tmp_path, sqlite_template)


@pytest.fixture
def client(site: Site) -> PageClient:
    return page_client(site.app)


def send(client: PageClient, path: str, **fields: str | list[str]) -> str:
    sent = {"csrf_token": client.token("/people/invite"), **fields}
    return client.post(path, data=sent, follow_redirects=True).get_data(as_text=True)


def invite(client: PageClient, **fields: str | list[str]) -> str:
    return send(client, "/people/invite", **{"name": "Amy", "email": "amy@example.org", "role": Role.OFFICER.value, **fields})


def test_an_empty_list_leads_to_the_first_invitation(client: PageClient) -> None:
    text = client.get("/people").get_data(as_text=True)
    assert "Nobody has an account yet" in text and 'href="/people/invite"' in text


def test_an_invitation_shows_its_link_once(client: PageClient, site: Site) -> None:
    text = invite(client, cleared=["official-sensitive", "originals"])
    link = re.search(r"http://localhost(/join/[\w-]{43})", text)
    assert link and "it is shown this once" in text
    listed = client.get("/people").get_data(as_text=True)
    assert link[1] not in listed
    assert "(invited)" in listed and "Open, Official-sensitive, words before redaction" in listed
    assert "Amy, you were invited as communications officer" in site.visitor().get(link[1]).get_data(as_text=True)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"name": ""}, "Enter a name"),
        ({"email": "amy"}, "That is not an e-mail address"),
        ({"email": "аmy@example.org"}, "could be taken for somebody else"),
        ({"role": ""}, "Select a role"),
        ({"role": Role.PARTNER.value, "cleared": ["concern"]}, "A partner sees only what is shared with them."),
    ],
)
def test_an_invitation_that_can_not_be_says_why(client: PageClient, wrong: dict[str, str | list[str]], sentence: str) -> None:
    assert sentence in invite(client, **wrong)


def test_a_person_is_looked_after_on_one_page(client: PageClient, site: Site) -> None:
    invite(client)
    with site.sessions.reading() as session:
        (person,) = accounts.all_people(session, site.actor)
    page = f"/people/{person.id}"
    assert "Invited; the link holds until" in client.get(page).get_data(as_text=True)
    assert "lets nobody in any more" in send(client, f"{page}/cancel")
    assert "Invited; the link has ended or was taken back" in client.get(page).get_data(as_text=True)
    assert "/join/" in send(client, f"{page}/link")
    assert "has the role evaluator now" in send(client, f"{page}/role", role=Role.EVALUATOR.value)
    assert "The clearance of Amy was saved" in send(client, f"{page}/clearance", cleared=["concern"])
    assert "Until Amy has set up a second factor, they see open text only." in client.get(page).get_data(as_text=True)
    assert "Deactivate the account of Amy?" in client.get(f"{page}/deactivate").get_data(as_text=True)
    assert "Amy can&#39;t sign in any more." in send(client, f"{page}/deactivate")
    assert "Amy can sign in again." in send(client, f"{page}/activate")
    assert client.get("/people/999").status_code == 404


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_only_administrators_find_the_list_of_people(site: Site, role: Role) -> None:
    client = site.client(role)
    assert client.get("/people").status_code == 403
    assert 'href="/people"' not in client.get("/").get_data(as_text=True)


def test_the_last_administrator_is_kept_by_the_pages_too(client: PageClient, site: Site) -> None:
    invite(client, role=Role.ADMINISTRATOR.value)
    with site.sessions.writing() as session:
        (person,) = accounts.all_people(session, site.actor)
        accounts.join(session, accounts.new_link(session, site.actor, person.id).secret, password_hash="h")
    assert "Amy is the last administrator." in send(client, f"/people/{person.id}/role", role=Role.OFFICER.value)
    assert "Amy is the last administrator." in send(client, f"/people/{person.id}/deactivate")


def test_handling_levels_are_shown_in_the_organisations_words(client: PageClient, site: Site) -> None:
    assert "names of the handling levels were saved" in send(
        client, "/people/handling-levels", open="Open", official_sensitive="amber", concern=""
    )
    assert 'value="Amber"' in client.get("/people/handling-levels").get_data(as_text=True)
    assert "Amber: those cleared for it" in client.get("/people/invite").get_data(as_text=True)
    assert "same name" in send(client, "/people/handling-levels", open="x", official_sensitive="X", concern="y")


def test_what_was_cleared_is_what_pages_show(site: Site) -> None:
    with site.sessions.writing() as session:
        programme = listening.create_programme(session, site.actor, name="County lines").id
    for levels in ((), (HandlingLevel.OPEN,), tuple(HandlingLevel)):
        client = site.client(Role.OFFICER, levels=levels)
        assert client.get(f"/programmes/{programme}").status_code == 200
