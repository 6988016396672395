"""Nobody reads people's words without an event that says so; the guard walks every address that can be opened."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import given
import heard
import pytest
import said
from flask import Flask
from page_client import page_client
from pages_site import Site, open_site
from sqlalchemy import select
from werkzeug.routing import Rule

from commsapp.accounts import audit
from commsapp.errors import Unavailable
from commsapp.storage import events, programmes, responses
from commsapp.storage.base import Under

CANARY = "zyxcanary"


@pytest.fixture
def site(tmp_path: Path, sqlite_template: Path) -> Site:
    return open_site(tmp_path, sqlite_template)


@pytest.fixture
def filled(site: Site, tmp_path: Path) -> heard.Heard:
    """A programme in which every comment, translation and rejected row holds the canary."""
    made = heard.programme(site.sessions, site.actor)
    said.add(site.sessions, site.actor, made.programme_id)
    with site.sessions.writing() as session:
        family = select(programmes.FeedbackChannel.key_id).join(responses.Response)
        for comment in session.scalars(select(responses.Comment)).all():
            key = session.scalars(family.where(responses.Response.id == comment.response_id)).one()
            comment.original = comment.redacted = Under(key, f"{comment.original} {CANARY}")  # type: ignore[assignment]
            words = comment.translation and f"{comment.translation} {CANARY}"
            comment.translation = comment.redacted_translation = Under(key, words)  # type: ignore[assignment]
    rows = [{"comment": f"{CANARY} of nobody", "date": "never"}, {"comment": f"{CANARY} in June", "date": "2026-06-01"}]
    path = given.table(tmp_path / "rows.csv", rows)
    given.imported(site.sessions, site.actor, site.settings, path, programme_id=made.programme_id)
    return made


def readings(site: Site) -> list[events.Event]:
    with site.sessions.reading() as session:
        found = session.query(events.Event).filter(events.Event.action.in_(("read", "export"))).order_by(events.Event.id)
        return list(found)


def addresses(app: Flask, site: Site) -> list[str]:
    """Every address that can be opened, with every id there is in the place of each variable."""
    tables = (
        "programme",
        "import_run",
        "campaign",
        "message",
        "activity",
        "job",
        "listening_result",
        "topic",
        "feedback_channel",
    )
    tables += ("wave", "context_event", "response", "comment")
    ids = sorted({number for table in tables for (number,) in given.stored(site.sessions, f"SELECT id FROM {table} LIMIT 3")})
    found = []
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.endpoint.startswith("assets"):
            continue
        for values in itertools.product([-1, 0, *ids][:8], repeat=len(rule.arguments)):
            built = _built(app, rule, dict(zip(sorted(rule.arguments), values, strict=True)))
            if built:
                found.append(built)
    return sorted(set(found))


def _built(app: Flask, rule: Rule, values: dict[str, Any]) -> str:
    with app.test_request_context("http://localhost/"):
        try:
            return str(app.url_map.bind("localhost").build(rule.endpoint, values))
        except Exception:
            return ""


def test_whoever_gets_words_from_any_address_has_left_an_event(
    site: Site, filled: heard.Heard, promise: Callable[[int, str], None]
) -> None:
    client = site.app.test_client()
    unlogged, with_words, opened = [], set(), 0
    for address in addresses(site.app, site):
        before = len(readings(site))
        reply = client.get(address, base_url="http://localhost")
        opened += 1
        if CANARY not in reply.get_data(as_text=True):
            continue
        with_words.add(address)
        if len(readings(site)) == before:
            unlogged.append(address)
    assert not unlogged, f"people's words leave without a word in the audit log (call http.reading.words_leave): {unlogged}"
    assert len(with_words) >= 3, with_words
    promise(19, f"{len(with_words)} of {len(with_words)} addresses that showed people's words left an event ({opened} opened)")


def test_an_event_says_who_read_how_much_of_what(site: Site, filled: heard.Heard) -> None:
    client = page_client(site.app)
    client.get(f"/programmes/{filled.programme_id}/topics/0?area=Ash&page=2")
    (event,) = readings(site)
    assert (event.person_name, event.action, event.subject) == (site.actor.name, "read", "comments")
    assert event.subject_id == filled.programme_id
    after = event.after or {}
    assert (after["where"], after["filters"], after["count"]) == ("topic Scam calls", {"area": "Ash"}, 5)
    assert after["levels"] == ["official-sensitive", "open"] or after["levels"] == ["open"]
    assert CANARY not in str(after)
    client.get(f"/programmes/{filled.programme_id}/topics/0?area=Nowhere")
    assert len(readings(site)) == 1, "a page that shows nobody's words is no reading"


def test_a_look_at_a_file_before_its_import_is_noted(site: Site, filled: heard.Heard) -> None:
    client = page_client(site.app)
    address = f"/programmes/{filled.programme_id}/import"
    sent = [(io.BytesIO(f"comment\n{CANARY}\n".encode()), "look.csv")]
    reply = client.post(address, data={"csrf_token": client.token(address), "files": sent})
    assert CANARY in client.get(reply.location).get_data(as_text=True)
    (event,) = readings(site)
    assert (event.subject, (event.after or {})["where"]) == ("uploaded rows", "look.csv")


def test_words_are_not_shown_where_the_reading_can_not_be_noted(
    site: Site, filled: heard.Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise Unavailable("The disk is full; nothing was stored.")

    monkeypatch.setattr("commsapp.accounts.service.note_reading", full)
    reply = page_client(site.app).get(f"/programmes/{filled.programme_id}/topics/0")
    assert reply.status_code == 503
    assert CANARY not in reply.get_data(as_text=True)
    assert "could not be noted who reads this" in reply.get_data(as_text=True)
    assert readings(site) == []


def test_ids_are_kept_as_ranges_and_cut_off_where_they_are_too_many() -> None:
    assert audit.compact([9, 3, 4, 5, 12]) == "3-5, 9, 12"
    many = audit.compact(range(0, 40_000, 2))
    assert len(many) <= audit.MOST_IDS + 3
    assert many.endswith(", …")
