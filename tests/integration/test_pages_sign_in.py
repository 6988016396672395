"""Signing in and out on the pages, and what a session is worth."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask_security.utils import get_hmac
from page_client import PageClient
from pages_site import Site, open_site
from passlib.hash import argon2

from commsapp.accounts import service as accounts
from commsapp.accounts.views import Person
from commsapp.actor import HandlingLevel, Role
from commsapp.http import security, signing_in

GOOD = "three otters wallpaper"


@pytest.fixture
def site(tmp_path: Path, sqlite_template: Path) -> Site:
    return open_site(tmp_path, sqlite_template, signed_in=False)


def account(site: Site, email: str = "amy@example.org", *, role: Role = Role.OFFICER, **how: Any) -> Person:
    """Somebody who can sign in with the good password."""
    with site.sessions.writing() as session:
        _, link = accounts.invite(session, site.actor, name="Amy", email=email, role=role, **how)
        with site.app.app_context():
            return accounts.join(session, link.secret, password_hash=signing_in.hashed(GOOD))


def enter(client: PageClient, email: str = "amy@example.org", password: str = GOOD, path: str = "/sign-in") -> Any:
    return client.post(path, data={"csrf_token": client.token("/sign-in"), "email": email, "password": password})


def who(client: PageClient) -> str:
    """The name in the bar; '' for a visitor."""
    found = re.search(r'href="/account">([^<]+)<', client.get("/account", follow_redirects=True).get_data(as_text=True))
    return found[1] if found else ""


def test_every_page_leads_a_visitor_to_where_one_signs_in_and_back(site: Site) -> None:
    account(site)
    client = site.visitor()
    asked = client.get("/programmes?a=1")
    assert (asked.status_code, asked.location) == (303, "/sign-in?next=/programmes?a%3D1")
    page = client.get(asked.location).get_data(as_text=True)
    assert "<h1" in page and "Programmes" not in page
    assert enter(client, path=asked.location).location == "/programmes?a=1"
    assert who(client) == "Amy"


def test_no_page_answers_a_visitor_but_the_way_in(site: Site) -> None:
    client, checked = site.visitor(), 0
    for rule in site.app.url_map.iter_rules():
        if security.is_without_sign_in(site.app.view_functions[rule.endpoint]) or rule.rule.startswith("/api/"):
            continue  # the API knows no sign-in: its own tests see to who gets an answer
        path = rule.build(dict.fromkeys(rule.arguments, 1), append_unknown=False)
        assert path is not None
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            data = {"csrf_token": client.token("/sign-in")} if method == "POST" else None
            response = client.open(path[1], method=method, data=data)
            assert response.status_code == (401 if method == "POST" else 303), f"{method} {path[1]}: {response.status_code}"
            checked += 1
    assert checked > 40


@pytest.mark.parametrize(
    "wanted", ["//evil.example", "/\\evil.example", "https://evil.example", "evil", "/\t/evil.example", "/sign-out", "/join/x"]
)
def test_the_way_back_never_leads_elsewhere(site: Site, wanted: str) -> None:
    account(site)
    client = site.visitor()
    done = client.post(
        "/sign-in",
        query_string={"next": wanted},
        data={"csrf_token": client.token("/sign-in"), "email": "amy@example.org", "password": GOOD},
    )
    assert done.location == "/"


def test_a_part_of_a_page_says_in_a_sentence_that_the_sign_in_has_ended(site: Site) -> None:
    part = site.visitor().get("/programmes", headers={"HX-Request": "true"})
    assert part.status_code == 401
    assert "Your sign-in has ended. Load the page again to sign in." in part.get_data(as_text=True)


def test_a_form_that_is_sent_after_the_sign_in_has_ended_stores_nothing_and_says_so(site: Site) -> None:
    client = site.visitor()
    sent = client.post("/programmes/new", data={"csrf_token": client.token("/sign-in"), "name": "County lines"})
    assert sent.status_code == 401
    assert "nothing was stored" in sent.get_data(as_text=True)


def test_a_session_is_new_at_sign_in_and_ends_at_once_with_what_somebody_may(
    site: Site, promise: Callable[[int, str], None]
) -> None:
    person = account(site)
    client = site.visitor()
    client.get("/sign-in")
    before, token = client.get_cookie("commsapp"), client.token("/sign-in")
    assert before is not None
    enter(client)
    after = client.get_cookie("commsapp")
    assert after is not None and after.value != before.value

    planted = site.visitor()  # whoever put a session of their own into the browser has nothing
    planted.set_cookie("commsapp", before.value)
    assert who(planted) == ""
    assert client.post("/sign-out", data={"csrf_token": token}).status_code == 400  # nor does the token of that session hold
    assert who(client) == "Amy"

    def hash_of(email: str) -> str:
        with site.sessions.reading() as session:
            known = accounts.known(session, email=email)
        assert known is not None and known.password_hash
        return known.password_hash

    ended = 0
    for change in (
        lambda session: accounts.change_role(session, site.actor, person.id, Role.EVALUATOR),
        lambda session: accounts.clear_person(session, site.actor, person.id, [HandlingLevel.CONCERN]),
        lambda session: accounts.join(
            session,
            accounts.new_link(session, site.actor, person.id).secret,
            password_hash=str(
                session.connection().exec_driver_sql("SELECT password_hash FROM person WHERE email IS NOT NULL").scalar()
            ),
        ),
        lambda session: accounts.set_active(session, site.actor, person.id, False),
    ):
        browsers = [site.visitor(), site.visitor()]
        assert [enter(one).status_code for one in browsers] == [302, 302]
        assert [who(one) for one in browsers] == ["Amy", "Amy"]
        with site.sessions.writing() as session:
            change(session)
        assert [who(one) for one in browsers] == ["", ""]
        ended += len(browsers)
    promise(
        8, f"the session is new at sign-in; {ended} of {ended} sessions ended at once by role, clearance, password, deactivation"
    )


def test_signing_out_ends_the_session_wherever_its_cookie_was_copied_to(site: Site) -> None:
    account(site)
    client, thief = site.visitor(), site.visitor()
    enter(client)
    cookie = client.get_cookie("commsapp")
    assert cookie is not None
    thief.set_cookie("commsapp", cookie.value)
    assert who(thief) == "Amy"
    done = client.post("/sign-out", data={"csrf_token": client.token("/account")}, follow_redirects=True)
    assert "You are signed out." in done.get_data(as_text=True)
    assert who(client) == who(thief) == ""


def test_a_session_ends_when_nobody_used_it(site: Site) -> None:
    account(site)
    client = site.visitor()
    enter(client)
    with client.session_transaction() as kept:
        kept[signing_in.SEEN] = int(time.time()) - 119 * 60
    assert who(client) == "Amy"
    with client.session_transaction() as kept:
        assert time.time() - kept[signing_in.SEEN] < 60  # used again
        kept[signing_in.SEEN] = int(time.time()) - 121 * 60
    assert who(client) == ""


def test_the_cookie_is_for_our_pages_only(tmp_path: Path, sqlite_template: Path) -> None:
    public = {"COMMSAPP_PUBLIC_URL": "https://listening.example.org", "COMMSAPP_HOST": "0.0.0.0"}
    site = open_site(tmp_path, sqlite_template, signed_in=False, **public)
    response = site.visitor().get("/sign-in", base_url="https://listening.example.org")
    assert response.status_code == 200
    cookie = response.headers["Set-Cookie"]
    assert "Secure" in cookie and "HttpOnly" in cookie and "SameSite=Lax" in cookie
    assert response.headers["Strict-Transport-Security"] == "max-age=31536000"
    refused = site.visitor().get("/sign-in", base_url="https://other.example.org")
    assert refused.status_code == 400
    assert "Open it as https://listening.example.org." in refused.get_data(as_text=True)


def test_what_is_wrong_is_said_in_the_same_words_for_a_wrong_password_and_an_unknown_address(site: Site) -> None:
    account(site)
    with site.sessions.writing() as session:
        invited, _ = accounts.invite(session, site.actor, name="Bob", email="bob@example.org", role=Role.OFFICER)
    assert not invited.can_sign_in
    pages = []
    for email in ("amy@example.org", "bob@example.org", "nobody@example.org", "no address"):
        answer = enter(site.visitor(), email, "a wrong password")
        assert answer.status_code == 422
        text = re.sub(r'(value|nonce|data-options)="[^"]*"', "", answer.get_data(as_text=True))
        pages.append(text)
    assert len(set(pages)) == 1
    assert "The e-mail address or the password is not right" in pages[0]


def test_the_first_account_is_made_by_the_link_that_the_server_prints(site: Site) -> None:
    with site.sessions.writing() as session:
        link = accounts.first_link(session)
    assert link is not None
    client, path = site.visitor(), f"/join/{link.secret}"
    assert "Make the first account" in client.get(path).get_data(as_text=True)
    sent = {"csrf_token": client.token(path), "name": "Amy", "email": "amy@example", "password": "short"}
    text = client.post(path, data=sent).get_data(as_text=True)
    assert "Enter a password of 12 characters or more" in text
    assert "not an e-mail address" in client.post(path, data={**sent, "password": GOOD}).get_data(as_text=True)
    done = client.post(path, data={**sent, "email": "Amy@Example.org", "password": GOOD}, follow_redirects=True)
    text = done.get_data(as_text=True)
    assert "Welcome. You are signed in." in text and 'href="/people"' in text
    gone = site.visitor().get(path)
    assert gone.status_code == 404
    assert "was used, taken back, or is older than a week" in gone.get_data(as_text=True)


def test_the_password_is_changed_with_the_one_that_holds(site: Site) -> None:
    account(site)
    client, other = site.visitor(), site.visitor()
    enter(client)
    enter(other)
    sent = {"csrf_token": client.token("/account/password"), "current": "not it at all", "password": "purple ladders sing"}
    assert "This is not your password" in client.post("/account/password", data=sent).get_data(as_text=True)
    sent |= {"current": GOOD}
    assert "harder to guess" in client.post("/account/password", data={**sent, "password": "passwordpassword"}).get_data(
        as_text=True
    )
    done = client.post("/account/password", data=sent, follow_redirects=True).get_data(as_text=True)
    assert "Your password was changed" in done
    assert (who(client), who(other)) == ("Amy", "")
    assert enter(site.visitor()).status_code == 422
    assert enter(site.visitor(), password="purple ladders sing").status_code == 302


def test_somebody_signs_out_everywhere_else(site: Site) -> None:
    account(site)
    client, other = site.visitor(), site.visitor()
    enter(client)
    enter(other)
    page = client.get("/account").get_data(as_text=True)
    assert page.count('<li class="app-card">') == 2 and page.count("(this one)") == 1
    client.post("/account/sign-out-elsewhere", data={"csrf_token": client.token("/account")})
    assert (who(client), who(other)) == ("Amy", "")


def test_a_partner_sees_a_start_page_that_says_what_to_expect(site: Site) -> None:
    client = site.client(Role.PARTNER, levels=())
    text = client.get("/").get_data(as_text=True)
    assert "Nothing was shared with you yet" in text
    assert 'href="/programmes"' not in text and 'href="/people"' not in text
    assert client.get("/programmes").status_code == 403
    assert client.post("/", data={"csrf_token": client.token("/")}).status_code == 403


def test_who_waits_for_a_second_factor_is_told_on_every_page(site: Site) -> None:
    account(site, levels=[HandlingLevel.CONCERN])
    client = site.visitor()
    enter(client)
    assert "You are cleared for more than you see now." in client.get("/programmes").get_data(as_text=True)
    own = client.get("/account").get_data(as_text=True)
    assert "You were cleared for more: Open, Concern." in own
    assert re.search(r"You may see now\s*</dt>\s*<dd[^>]*>\s*Open\s*</dd>", own)


def test_a_password_that_was_hashed_too_lightly_is_hashed_anew_at_the_next_sign_in(site: Site) -> None:
    person = account(site)
    with site.app.app_context():
        light = argon2.using(memory_cost=1024, time_cost=1).hash(get_hmac(GOOD))
    with site.sessions.writing() as session:
        accounts.keep_rehashed(session, person.id, light)
    assert enter(site.visitor()).status_code == 302
    with site.sessions.reading() as session:
        known = accounts.known(session, id=person.id)
    assert known is not None and known.password_hash is not None
    assert "m=65536,t=3,p=4" in known.password_hash
    assert enter(site.visitor()).status_code == 302
