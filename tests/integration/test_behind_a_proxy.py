"""The server behind a reverse proxy: which hosts it answers for, and whose address counts."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import request
from pages_site import Site, open_site

from commsapp.http.security import without_sign_in

PUBLIC = {"COMMSAPP_PUBLIC_URL": "https://listening.example.org", "COMMSAPP_HOST": "0.0.0.0"}


@without_sign_in
def seen() -> str:
    return f"{request.remote_addr} {request.scheme}"


def site(tmp_path: Path, template: Path, hops: str) -> Site:
    made = open_site(tmp_path, template, signed_in=False, **PUBLIC, COMMSAPP_TRUSTED_PROXY=hops)
    made.app.add_url_rule("/seen", "seen", seen)
    return made


@pytest.mark.parametrize(("hops", "expected"), [("0", "127.0.0.1 http"), ("1", "192.0.2.7 https"), ("2", "198.51.100.9 https")])
def test_only_proxies_that_were_counted_say_who_asks(tmp_path: Path, sqlite_template: Path, hops: str, expected: str) -> None:
    client = site(tmp_path, sqlite_template, hops).visitor()
    headers = {"Host": "listening.example.org", "X-Forwarded-For": "10.9.9.9, 198.51.100.9, 192.0.2.7"}
    headers["X-Forwarded-Proto"] = "https, https"
    assert client.get("/seen", headers=headers).get_data(as_text=True) == expected


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("listening.example.org", 200),
        ("LISTENING.example.org:443", 200),
        ("localhost:8321", 200),
        ("listening.example.org:8443", 400),
        ("evil.example", 400),
        ("listening.example.org.evil.example", 400),
        ("10.0.0.7", 400),
    ],
)
def test_it_answers_for_its_own_name_and_this_machine(tmp_path: Path, sqlite_template: Path, host: str, status: int) -> None:
    client = site(tmp_path, sqlite_template, "1").visitor()
    assert client.get("/sign-in", headers={"Host": host, "X-Forwarded-Host": "listening.example.org"}).status_code == status


def test_links_for_people_begin_with_the_address_that_people_open(tmp_path: Path, sqlite_template: Path) -> None:
    assert site(tmp_path, sqlite_template, "1").settings.address == "https://listening.example.org"
