"""Signing in with a real provider process: who gets in, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import identity_provider
import pytest
import requests
from identity_provider import Running
from page_client import PageClient
from pages_site import Site, open_site

from commsapp.accounts import service as accounts
from commsapp.accounts.views import Person
from commsapp.actor import HandlingLevel, Role


@pytest.fixture(scope="module")
def provider() -> Iterator[Running]:
    with identity_provider.running() as running:
        yield running


@pytest.fixture
def site(tmp_path: Path, sqlite_template: Path, provider: Running) -> Site:
    provider.is_asked_for()
    return open_site(tmp_path, sqlite_template, signed_in=False, **provider.settings())


def invited(site: Site, email: str = "amy@example.org", **how: object) -> Person:
    with site.sessions.writing() as session:
        return accounts.invite(session, site.actor, name="Amy", email=email, role=Role.OFFICER, **how)[0]  # type: ignore[arg-type]


def enter(client: PageClient, path: str = "/sign-in/provider") -> str:
    """Go to the provider and come back; the text of the page that one then sees."""
    asked = client.post(path, data={"csrf_token": client.token("/sign-in")}, headers={"Host": "localhost"})
    if asked.location and asked.location.startswith("/"):
        return client.get(asked.location).get_data(as_text=True)
    back = requests.get(asked.location, allow_redirects=False, timeout=10).headers["Location"]
    assert back.startswith("http://localhost/sign-in/provider/answer?")
    answer = client.get(back.removeprefix("http://localhost"))
    return client.get(answer.location).get_data(as_text=True)


def test_who_was_invited_gets_in_and_stays_bound_to_that_identity(site: Site, provider: Running) -> None:
    person = invited(site)
    assert "Sign in with Example Agency" in site.visitor().get("/sign-in").get_data(as_text=True)
    assert 'href="/account">Amy' in enter(site.visitor())
    provider.is_asked_for(email="amy.smith@example.org")  # the same subject under a new address
    assert 'href="/account">Amy' in enter(site.visitor())
    provider.is_asked_for(sub="2")  # somebody else who was given the old address
    assert "There is no account here for you at Example Agency." in enter(site.visitor())
    with site.sessions.reading() as session:
        found = accounts.person(session, site.actor, person.id)
    assert found.can_sign_in and found.oidc and not found.has_password


def test_the_page_that_somebody_wanted_comes_after(site: Site) -> None:
    invited(site)
    assert "<h1" in (text := enter(site.visitor(), "/sign-in/provider?next=/programmes")) and "Programmes" in text


def test_an_address_that_only_the_userinfo_tells_is_enough(site: Site, provider: Running) -> None:
    invited(site)
    provider.is_asked_for("userinfo")
    assert 'href="/account">Amy' in enter(site.visitor())


@pytest.mark.parametrize(
    "person",
    [{"email": "bob@example.org"}, {"email_verified": False}, {"email_verified": "true"}, {"email": None}, {"email": "not one"}],
)
def test_nobody_is_made_or_matched_silently(site: Site, provider: Running, person: dict[str, object]) -> None:
    invited(site)
    provider.is_asked_for(**person)
    assert "There is no account here for you at Example Agency." in enter(site.visitor())
    with site.sessions.reading() as session:
        assert len(accounts.all_people(session, site.actor)) == 1


def test_who_was_deactivated_stays_out(site: Site) -> None:
    person = invited(site)
    enter(site.visitor())
    with site.sessions.writing() as session:
        accounts.set_active(session, site.actor, person.id, False)
    assert "There is no account here for you" in enter(site.visitor())


WRONG = ["issuer", "state", "audience", "nonce", "time", "signature", "shared secret", "redirect"]


@pytest.mark.parametrize("wrong", [[one] for one in WRONG] + [["subject", "userinfo"]])
def test_an_answer_that_does_not_hold_lets_nobody_in(site: Site, provider: Running, wrong: list[str]) -> None:
    invited(site)
    provider.is_asked_for(*wrong)
    text = enter(site.visitor())
    assert "Signing in with Example Agency did not work." in text
    assert 'href="/account"' not in text


def test_an_answer_holds_in_the_browser_that_asked_only(site: Site) -> None:
    invited(site)
    client = site.visitor()
    asked = client.post("/sign-in/provider", data={"csrf_token": client.token("/sign-in")})
    back = requests.get(asked.location, allow_redirects=False, timeout=10).headers["Location"].removeprefix("http://localhost")
    other = site.visitor()
    assert other.get(back).location == "/sign-in"
    assert client.get(back).location == "/"
    assert client.get(back).location == "/sign-in"  # and once


def test_the_providers_word_for_a_second_factor_counts_only_where_that_is_set(
    tmp_path: Path, sqlite_template: Path, provider: Running
) -> None:
    for trusted, shown in (("no", "You were cleared for more"), ("yes", "Concern")):
        folder = tmp_path / trusted
        folder.mkdir()
        site = open_site(folder, sqlite_template, signed_in=False, **provider.settings(TRUST_MFA=trusted))
        invited(site, levels=[HandlingLevel.CONCERN])
        provider.is_asked_for(amr=["pwd", "mfa"])
        client = site.visitor()
        enter(client)
        text = client.get("/account").get_data(as_text=True)
        assert shown in text
        assert ("You were cleared for more" in text) == (trusted == "no")


def test_without_a_provider_there_is_no_such_page(tmp_path: Path, sqlite_template: Path) -> None:
    client = open_site(tmp_path, sqlite_template, signed_in=False).visitor()
    assert client.post("/sign-in/provider", data={"csrf_token": client.token("/sign-in")}).status_code == 404
    assert client.get("/sign-in/provider/answer?code=1&state=2").status_code == 404


def test_forms_may_lead_to_the_provider_and_nowhere_else(site: Site, provider: Running) -> None:
    policy = site.visitor().get("/sign-in").headers["Content-Security-Policy"]
    assert f"form-action 'self' {provider.issuer};" in policy + ";"
