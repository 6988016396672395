"""Whoever guesses is delayed, and nobody else."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from pages_site import Site, open_site

from commsapp.accounts import service as accounts
from commsapp.accounts import throttle
from commsapp.accounts.throttle import attempt, network_of
from commsapp.actor import Role
from commsapp.errors import TooOften
from commsapp.http import signing_in
from commsapp.storage.base import now
from commsapp.storage.session import Sessions

SECRET = "0123456789abcdef" * 4
GOOD = "three otters wallpaper"
GUESSES = 1000


def tried(sessions: Sessions, *, good: bool = False, at: datetime | None = None, **who: str) -> bool:
    """Whether an attempt was let through to the check."""
    given = {"account": "amy", "address": "192.0.2.1", **who}
    try:
        with attempt(sessions, SECRET, clock=lambda: at or now(), **given) as one:  # type: ignore[arg-type]
            one.succeeded = good
    except TooOften:
        return False
    return True


def test_guesses_from_one_address_are_delayed_and_others_are_not(sessions: Sessions) -> None:
    assert sum(tried(sessions) for _ in range(40)) == throttle.PER_ACCOUNT_AND_ADDRESS
    assert tried(sessions, address="192.0.2.2", good=True)
    assert tried(sessions, account="bob", good=True)
    assert tried(sessions, device="known", good=True)


def test_an_address_that_tries_many_accounts_is_delayed(sessions: Sessions) -> None:
    assert sum(tried(sessions, account=f"person {n}") for n in range(40)) == throttle.PER_ADDRESS
    assert tried(sessions, account="person 39", address="192.0.2.2")


def test_a_guesser_with_an_account_of_their_own_is_delayed_all_the_same(sessions: Sessions) -> None:
    let = 0
    for number in range(40):
        let += tried(sessions, account=f"person {number}")
        tried(sessions, account="own", good=True)
    assert let == throttle.PER_ADDRESS


def test_guesses_from_many_addresses_delay_no_usual_device(sessions: Sessions) -> None:
    let = sum(tried(sessions, address=f"192.0.2.{n}") for n in range(100))
    assert let == throttle.PER_ACCOUNT
    assert tried(sessions, device="known", good=True)
    assert sum(tried(sessions, device="stolen") for _ in range(40)) == throttle.PER_DEVICE


def test_many_guesses_at_once_are_counted_one_by_one(sessions: Sessions) -> None:
    with ThreadPoolExecutor(12) as pool:
        let = sum(pool.map(lambda _: tried(sessions), range(48)))
    assert let == throttle.PER_ACCOUNT_AND_ADDRESS


def test_the_delay_grows_and_ends(sessions: Sessions) -> None:
    at, waits = now(), []
    for _ in range(throttle.PER_ACCOUNT_AND_ADDRESS):
        assert tried(sessions, at=at)
    for _ in range(4):
        waits.append(waits_now(sessions, at))
        at += timedelta(seconds=waits[-1])
        assert tried(sessions, at=at)
    assert waits == [31, 61, 121, 241]
    assert waits_now(sessions, at) <= throttle.LONGEST_DELAY + 1
    assert sum(tried(sessions, at=at + throttle.FORGOTTEN_AFTER * 2) for _ in range(9)) == throttle.PER_ACCOUNT_AND_ADDRESS


def waits_now(sessions: Sessions, at: datetime) -> int:
    """Seconds that an attempt at a moment has to wait."""
    with pytest.raises(TooOften) as caught, attempt(sessions, SECRET, account="amy", address="192.0.2.1", clock=lambda: at):
        pass
    return caught.value.seconds


def test_success_forgets_ones_own_slips(sessions: Sessions) -> None:
    for _ in range(10):
        for _ in range(throttle.PER_ACCOUNT_AND_ADDRESS - 2):
            assert tried(sessions, address="192.0.2.7", account="slips", device="own")
        assert tried(sessions, address="192.0.2.7", account="slips", device="own", good=True)


def test_an_ipv6_guesser_has_one_network_and_not_a_trillion_addresses() -> None:
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff") != network_of("2001:db8:0:1::1")
    assert network_of("::ffff:192.0.2.1") == "192.0.2.1"


@pytest.fixture
def site(tmp_path: Path, sqlite_template: Path) -> Site:
    made = open_site(tmp_path, sqlite_template, signed_in=False)
    for email in ("amy@example.org", "bob@example.org"):
        with made.sessions.writing() as session, made.app.app_context():
            _, link = accounts.invite(session, made.actor, name="Amy", email=email, role=Role.OFFICER)
            accounts.join(session, link.secret, password_hash=signing_in.hashed(GOOD))
    made.app.test_client_class = FlaskClient
    return made


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every hash that a password was really compared with."""
    seen: list[str] = []
    real = signing_in.verify_password

    def verify(password: str, kept: str) -> bool:
        seen.append(kept)
        return bool(real(password, kept))

    monkeypatch.setattr(signing_in, "verify_password", verify)
    return seen


def enter(client: FlaskClient, email: str, password: str, address: str) -> int:
    page = client.get("/sign-in", environ_base={"REMOTE_ADDR": address}).get_data(as_text=True)
    token = re.search(r'name="csrf_token" type="hidden" value="([^"]+)"', page)
    assert token
    return send(client, token[1], email, password, address)


def send(client: FlaskClient, token: str, email: str, password: str, address: str) -> int:
    sent = {"csrf_token": token, "email": email, "password": password}
    return client.post("/sign-in", data=sent, environ_base={"REMOTE_ADDR": address}).status_code


def test_a_thousand_guesses_get_ten_at_most_to_the_password_and_everybody_else_in(
    site: Site, checked: list[str], promise: Callable[[int, str], None]
) -> None:
    usual = site.app.test_client()
    assert enter(usual, "amy@example.org", GOOD, "192.0.2.50") == 302
    device = usual.get_cookie(signing_in.DEVICE)
    assert device is not None
    checked.clear()

    guesser = site.app.test_client()
    page = guesser.get("/sign-in").get_data(as_text=True)
    token = re.findall(r'name="csrf_token" type="hidden" value="([^"]+)"', page)[0]
    answers = [send(guesser, token, "amy@example.org", f"guess {n} of many", "192.0.2.66") for n in range(GUESSES)]
    processed = len(checked)
    assert processed <= 10
    assert answers.count(422) == processed and answers.count(429) == GUESSES - processed

    assert enter(site.app.test_client(), "amy@example.org", GOOD, "192.0.2.66") == 429  # even with the right one, from there
    assert enter(site.app.test_client(), "amy@example.org", GOOD, "192.0.2.51") == 302  # the victim from elsewhere
    assert enter(site.app.test_client(), "bob@example.org", GOOD, "192.0.2.66") == 302  # a colleague behind the same address
    own = site.app.test_client()
    own.set_cookie(signing_in.DEVICE, device.value)
    assert enter(own, "amy@example.org", GOOD, "192.0.2.66") == 302  # the victim's usual device, even behind that address
    promise(
        9, f"{processed} of {GUESSES} guesses processed; the victim, their usual device and a colleague still got in; Argon2id"
    )


def test_a_password_tried_on_a_thousand_accounts_is_processed_ten_times_at_most(site: Site, checked: list[str]) -> None:
    client = site.app.test_client()
    page = client.get("/sign-in").get_data(as_text=True)
    token = re.findall(r'name="csrf_token" type="hidden" value="([^"]+)"', page)[0]
    for number in range(200):
        send(client, token, f"person{number}@example.org", "three otters wallpaper", "192.0.2.66")
    assert len(checked) == 10


def test_an_unknown_account_costs_as_much_as_a_known_one(site: Site, checked: list[str]) -> None:
    for email in ("amy@example.org", "nobody@example.org", "no address at all"):
        checked.clear()
        assert enter(site.app.test_client(), email, "a wrong password", "192.0.2.9") == 422
        (kept,) = checked
        with site.app.app_context():
            today = signing_in.hashed("anything")
        assert kept.split("$")[:4] == today.split("$")[:4]  # algorithm, version, memory, time and lanes
        assert today.startswith("$argon2id$")
