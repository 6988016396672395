"""The pages of one's own second factor, and of proving it at the door."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pyotp
import pytest
from page_client import PageClient
from pages_site import Site, open_site
from test_pages_sign_in import GOOD, account, enter, who

from commsapp.accounts import service as accounts
from commsapp.actor import HandlingLevel
from commsapp.http import signing_in
from commsapp.storage.keyring import Keyring
from commsapp.storage.organisations import Person
from commsapp.web import passkeys


@pytest.fixture
def site(tmp_path: Path, sqlite_template: Path) -> Site:
    return open_site(tmp_path, sqlite_template, signed_in=False)


@pytest.fixture
def client(site: Site) -> PageClient:
    """Amy, cleared for more than open text, signed in with her password."""
    account(site, levels=[HandlingLevel.CONCERN])
    made = site.visitor()
    enter(made)
    return made


def send(client: PageClient, path: str, **fields: str) -> str:
    answer = client.post(path, data={"csrf_token": client.token(path), **fields}, follow_redirects=True)
    return answer.get_data(as_text=True)


def set_up(client: PageClient) -> tuple[pyotp.TOTP, list[str]]:
    """An authenticator app that was set up, and the recovery codes."""
    page = client.get("/account/authenticator").get_data(as_text=True)
    assert 'src="data:image/svg+xml;base64,' in page
    shown = re.search(r'class="app-key">([^<]+)<', page)
    assert shown
    app = pyotp.TOTP(shown[1].replace("-", ""))
    text = send(client, "/account/authenticator", code=app.at(time.time() - 30))
    return app, re.findall(r"<li>([0-9a-f-]{14})</li>", text)


def test_the_app_opens_what_somebody_is_cleared_for_at_once(client: PageClient, site: Site) -> None:
    other = site.visitor()
    enter(other)
    app, codes = set_up(client)
    assert len(set(codes)) == 10
    text = client.get("/account").get_data(as_text=True)
    assert "You were cleared for more" not in text
    assert re.search(r"You may see now\s*</dt>\s*<dd[^>]*>\s*Open, Concern\s*</dd>", text)
    assert who(other) == ""  # who was in with a password alone proves themselves anew
    kept = given_person(site)
    assert pyotp.TOTP(app.secret).now() not in str(kept.totp_secret) and app.secret not in str(kept.totp_secret)
    assert not [code for code in codes if code in str(kept.recovery_codes) or code.replace("-", "") in str(kept.recovery_codes)]


def given_person(site: Site) -> Person:
    with site.sessions.reading() as session:
        return session.query(Person).filter_by(email="amy@example.org").one()


def test_a_password_alone_is_half_a_sign_in(client: PageClient, site: Site) -> None:
    app, codes = set_up(client)
    visitor = site.visitor()
    assert enter(visitor).location == "/sign-in/second"
    assert visitor.get("/account").status_code == 303
    assert "The code is not right" in send(visitor, "/sign-in/second", code="000000" if app.now() != "000000" else "111111")
    assert 'href="/account">Amy' in send(visitor, "/sign-in/second", code=app.now())
    again = site.visitor()
    enter(again)
    assert "it was used already" in send(again, "/sign-in/second", code=app.now())
    assert 'href="/account">Amy' in send(again, "/sign-in/second", code=f" {codes[3].upper()} ")
    third = site.visitor()
    enter(third)
    assert "The code is not right" in send(third, "/sign-in/second", code=codes[3])


def test_half_a_sign_in_is_none_after_ten_minutes_and_after_a_new_password(client: PageClient, site: Site) -> None:
    app, _ = set_up(client)
    slow, overtaken = site.visitor(), site.visitor()
    for one in (slow, overtaken):
        enter(one)
        assert one.get("/sign-in/second").status_code == 200
    with slow.session_transaction() as kept:
        kept["half_signed_in"]["at"] -= 601
        kept.modified = True
    assert slow.get("/sign-in/second").location.startswith("/sign-in")
    person = given_person(site)
    with site.sessions.writing() as session:
        link = accounts.new_link(session, site.actor, person.id)
        accounts.join(session, link.secret, password_hash="another")
    assert overtaken.get("/sign-in/second").location.startswith("/sign-in")
    assert app.now()


def test_codes_are_not_guessed_either(client: PageClient, site: Site) -> None:
    app, _ = set_up(client)
    visitor = site.visitor()
    enter(visitor)
    visitor.set_cookie(signing_in.DEVICE, "none")  # not the usual device
    token = visitor.token("/sign-in/second")
    wrong = (f"{n:06}" for n in range(100) if f"{n:06}" not in {app.at(time.time() + step) for step in (-30, 0, 30)})
    answers = [visitor.post("/sign-in/second", data={"csrf_token": token, "code": code}).status_code for code in wrong]
    assert answers.count(422) == 5 and answers.count(429) == len(answers) - 5


def test_a_link_for_a_new_password_does_not_get_past_the_second_factor(client: PageClient, site: Site) -> None:
    set_up(client)
    with site.sessions.writing() as session:
        link = accounts.new_link(session, site.actor, given_person(site).id)
    visitor = site.visitor()
    text = send(visitor, f"/join/{link.secret}", password="purple ladders sing")
    assert "Your password is set. Sign in with it." in text
    assert who(visitor) == ""
    assert enter(visitor, password="purple ladders sing").location == "/sign-in/second"


@pytest.mark.parametrize("path", ["authenticator", "authenticator/remove", "passkeys/new", "recovery-codes"])
def test_who_finds_an_open_browser_is_asked_who_they_are(client: PageClient, path: str) -> None:
    with client.session_transaction() as kept:
        kept[signing_in.PROVEN] = time.time() - 16 * 60
    asked = client.get(f"/account/{path}")
    assert asked.location == f"/account/confirm?next=/account/{path}"
    assert "This is not your password" in send(client, asked.location, password="not it at all")
    token = client.token(asked.location)
    done = client.post(asked.location, data={"csrf_token": token, "password": GOOD})
    assert done.location == f"/account/{path}"
    assert client.get(done.location).status_code == 200


@pytest.mark.parametrize("wanted", ["//evil.example", "https://evil.example", "/account/\\evil", "/people"])
def test_after_that_nobody_is_led_elsewhere(client: PageClient, wanted: str) -> None:
    token = client.token("/account/confirm")
    done = client.post("/account/confirm", query_string={"next": wanted}, data={"csrf_token": token, "password": GOOD})
    assert done.location == "/account"


def test_what_was_set_up_can_be_taken_away(client: PageClient, site: Site) -> None:
    set_up(client)
    assert "The old ones hold no longer." in send(client, "/account/recovery-codes")
    assert "lets nobody in any more" in send(client, "/account/authenticator/remove")
    assert given_person(site).totp_secret is None
    assert "You are cleared for more than you see now." in client.get("/programmes").get_data(as_text=True)
    assert client.get("/account/passkeys/1/remove").status_code == 404
    assert client.post("/account/passkeys/1/remove", data={"csrf_token": client.token("/account")}).status_code == 404


@pytest.mark.parametrize("sent", ["", "x", "[]", "{}", '{"response": {}}', '{"id": "a", "response": {"clientDataJSON": "e30"}}'])
def test_an_answer_of_a_device_that_can_not_be_read_is_refused_in_a_sentence(client: PageClient, site: Site, sent: str) -> None:
    assert "The passkey was not accepted." in send(client, "/account/passkeys/new", name="Phone", credential=sent)
    visitor = site.visitor()
    answer = visitor.post(
        "/sign-in/passkey", data={"csrf_token": visitor.token("/sign-in"), "credential": sent}, follow_redirects=True
    )
    assert re.search("The passkey was not accepted|There is no account here for this passkey", answer.get_data(as_text=True))


def test_passkeys_belong_to_a_name_and_a_number_says_so(client: PageClient) -> None:
    cookie = client.get_cookie("commsapp")
    assert cookie is not None
    client.set_cookie("commsapp", cookie.value, domain="127.0.0.1")
    page = client.get("/account/passkeys/new", base_url="http://127.0.0.1:8321")
    assert page.status_code == 403
    assert "Open http://localhost:8321 instead." in page.get_data(as_text=True)


def handle_of(site: Site) -> str:
    """What a device would know Amy by."""
    with site.sessions.reading() as session:
        person = accounts.person(session, site.actor, given_person(site).id)
    with site.app.test_request_context("/", base_url="http://localhost"):
        return str(json.loads(passkeys.options_to_make(person, []))["user"]["id"])


def test_a_new_secret_key_ends_sign_ins_and_locks_nobody_out(client: PageClient, site: Site, tmp_path: Path) -> None:
    app, codes = set_up(client)
    handle, cookie = handle_of(site), client.get_cookie("commsapp")
    site.sessions.engine.dispose()
    new = "f" * 64
    assert Keyring(site.settings.keys_folder, new).rewrap(site.settings.secret_key) > 0
    again = open_site(tmp_path, signed_in=False, COMMSAPP_SECRET_KEY=new)
    assert handle_of(again) == handle
    old = again.visitor()
    assert cookie is not None
    old.set_cookie("commsapp", cookie.value)
    assert who(old) == ""
    for code in (app.now(), codes[0]):
        visitor = again.visitor()
        assert enter(visitor).location == "/sign-in/second"
        assert 'href="/account">Amy' in send(visitor, "/sign-in/second", code=code)
    again.sessions.engine.dispose()
