"""Pages of what one person may ask for, of how long channels keep what they heard, and of the audit log."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import given
import heard
import pytest
import said
from page_client import PageClient, page_client
from pages_site import Site, open_site
from sqlalchemy import text

from commsapp.accounts import service as accounts
from commsapp.actor import HandlingLevel, Role
from commsapp.errors import NotAllowed
from commsapp.listening import service as listening
from commsapp.listening.retention import today

WORDS = "zyxwords of Ann"


@pytest.fixture
def site(tmp_path: Path, sqlite_template: Path) -> Site:
    return open_site(tmp_path, sqlite_template)


@pytest.fixture
def client(site: Site) -> PageClient:
    return page_client(site.app)


@pytest.fixture
def programme(site: Site, tmp_path: Path) -> int:
    """Two persons in one channel, one with two responses; and a topic with comments."""
    made = heard.programme(site.sessions, site.actor).programme_id
    said.add(site.sessions, site.actor, made)
    rows = [
        {"id": "a1", "date": "2026-01-02", "who": "Ann", "comment": WORDS},
        {"id": "a2", "date": "2026-02-02", "who": "Ann", "comment": f"{WORDS} again"},
        {"id": "b1", "date": "2026-02-02", "who": "Bob", "comment": "Bob stays"},
    ]
    mapping = listening_mapping()
    path = given.table(tmp_path / "survey.csv", rows)
    given.imported(site.sessions, site.actor, site.settings, path, programme_id=made, channel="Panel", mapping=mapping)
    given.prepared(site.sessions, site.actor, site.settings, made)
    return made


def listening_mapping() -> given.Columns:
    return given.Columns(text="comment", date="date", identity="id", respondent="who")


def ann(site: Site) -> int:
    return int(given.stored(site.sessions, "SELECT min(id) FROM response WHERE identity = 'id:a1'")[0][0])


def panel(site: Site, programme: int) -> int:
    """The id of the channel that Ann spoke in."""
    with site.sessions.reading() as session:
        return next(one.id for one in listening.channels(session, site.actor, programme) if one.name == "Panel")


def sent(client: PageClient, address: str, **data: object) -> str:
    reply = client.post(address, data={"csrf_token": client.token(address), **data}, follow_redirects=True)
    return reply.get_data(as_text=True)


def test_a_person_is_found_shown_handed_over_and_erased(site: Site, client: PageClient, programme: int) -> None:
    people = f"/programmes/{programme}/people"
    assert "Find what one person said" in client.get(f"/programmes/{programme}").get_data(as_text=True)
    found = sent(client, people, key="Ann", channel="")
    assert f"{people}/{ann(site)}" in found
    assert WORDS not in found
    assert "Nobody fits" in sent(client, people, key="Nobody", channel="")
    assert "There is nothing to search for" in sent(client, people, channel="")
    person = f"{people}/{ann(site)}"
    page = client.get(person).get_data(as_text=True)
    assert page.count(WORDS) == 2
    assert "2&nbsp;responses" in page or "2\u00a0responses" in page
    assert "Bob stays" not in page
    form = client.token(f"{person}/export")
    reply = client.post(f"{person}/export", data={"csrf_token": form, "kind": "csv", "why": "She asked"})
    assert "attachment" in reply.headers["Content-Disposition"]
    rows = list(csv.reader(io.StringIO(reply.get_data(as_text=True))))
    assert [value for _, what, value in rows if what == "said"] == [WORDS, f"{WORDS} again"]
    reply = client.post(f"{person}/export", data={"csrf_token": form, "kind": "json", "why": "She asked"})
    assert [one["words"] for one in json.loads(reply.data)["responses"]] == [WORDS, f"{WORDS} again"]
    assert "Enter a reason" in sent(client, f"{person}/export", kind="csv")
    assert "took away responses " in client.get(person).get_data(as_text=True)
    assert "Tick the box to erase it" in sent(client, f"{person}/erase", why="She asked")
    assert "Erased: 2" in sent(client, f"{person}/erase", why="She asked", sure="y")
    assert client.get(person).status_code == 404
    assert given.stored(site.sessions, "SELECT count(*) FROM comment WHERE original LIKE 'zyx%'") == [(0,)]
    reasons = given.stored(site.sessions, "SELECT action, subject, why FROM event WHERE why <> ''")
    assert {row[:2] for row in reasons if row[2] == "She asked"} == {("erase", "person"), ("export", "person")}


def test_a_page_of_a_response_that_is_gone_changes_no_other_that_has_its_number_now(
    site: Site, client: PageClient, programme: int
) -> None:
    person = f"/programmes/{programme}/people/{ann(site)}"
    page = client.get(f"{person}/erase").get_data(as_text=True)
    (about,) = re.findall(r'name="about" value="([^"]+)"', page)
    assert about
    data = {"csrf_token": client.token(f"{person}/erase"), "why": "She asked", "sure": "y"}
    stale = client.post(f"{person}/erase", data={**data, "about": "2020-01-01 00:00:00+00:00"})
    assert stale.status_code == 409
    assert "What this page was about has been taken away since" in stale.get_data(as_text=True)
    assert client.get(person).status_code == 200
    assert client.post(f"{person}/erase", data={**data, "about": html.unescape(about)}).status_code == 302


def test_readers_of_an_earlier_response_with_the_same_number_are_none_of_this_one(
    site: Site, client: PageClient, programme: int
) -> None:
    person = f"/programmes/{programme}/people/{ann(site)}"
    client.get(person)
    assert " read responses " in client.get(person).get_data(as_text=True)
    with site.sessions.writing() as session:
        session.execute(text("UPDATE import_run SET started_at = :later"), {"later": datetime(2100, 1, 1, tzinfo=UTC)})
    assert "Nobody before you" in client.get(person).get_data(as_text=True)


def test_consent_and_handling_level_are_changed_on_pages(site: Site, client: PageClient, programme: int) -> None:
    person = f"/programmes/{programme}/people/{ann(site)}"
    assert "Select at least one" in sent(client, f"{person}/consent", why="x")
    page = sent(client, f"{person}/consent", layers=["analyse"], why="By telephone")
    assert "The consent was taken back" in page
    assert page.count("No consent to analyse") == 2
    with site.sessions.writing() as session:
        accounts.set_level_names(session, site.actor, {HandlingLevel.CONCERN: "Red"})
    form = client.get(f"{person}/handling").get_data(as_text=True)
    assert "Open: everybody" in form  # the names that the organisation knows, with what they mean
    assert "Red: " in form
    assert "Nothing was changed: the response has this handling level already." in sent(
        client, f"{person}/handling", level="open", why="x"
    )
    page = sent(client, f"{person}/handling", level="concern", why="May be at risk")
    assert "is ‘Red’ now, and was ‘Open’ before." in page
    assert given.stored(site.sessions, f"SELECT handling_level FROM response WHERE id = {ann(site)}") == [("concern",)]


def test_who_may_not_see_all_of_a_channel_sets_no_end_to_it_and_is_told_no_counts(
    site: Site, client: PageClient, programme: int
) -> None:
    sent(client, f"/programmes/{programme}/people/{ann(site)}/handling", level="concern", why="May be at risk")
    channel = panel(site, programme)
    officer = site.client(Role.OFFICER, levels=[HandlingLevel.OPEN])
    page = sent(officer, f"/programmes/{programme}/channels/{channel}/retention", months="1", why="x", sure="y")
    assert "a handling level that you are not cleared for" in page
    assert "would be deleted within" not in page
    assert given.stored(site.sessions, "SELECT retain_months FROM feedback_channel WHERE name = 'Panel'") == [(None,)]


def test_a_page_of_a_person_says_the_same_to_all_who_may_not_see_everything(
    site: Site, client: PageClient, programme: int
) -> None:
    with site.sessions.reading() as session:
        second = listening.person(session, site.actor, programme, ann(site)).responses[1].response_id
    officer = site.client(Role.OFFICER, levels=[HandlingLevel.OPEN])
    line = "You see what you are cleared to read; nobody is told here whether there is more."
    assert line in officer.get(f"/programmes/{programme}/people/{ann(site)}").get_data(as_text=True)
    sent(client, f"/programmes/{programme}/people/{second}/handling", level="concern", why="May be at risk")
    page = officer.get(f"/programmes/{programme}/people/{ann(site)}").get_data(as_text=True)
    assert line in page
    assert "Erase it" not in page
    for action in ("export", "erase"):
        reply = officer.get(f"/programmes/{programme}/people/{ann(site)}/{action}")
        assert reply.status_code == 403
        assert "cleared for every handling level" in reply.get_data(as_text=True)


def test_somebody_who_is_not_cleared_raises_a_concern_and_is_told_who_can_read_it(site: Site, programme: int) -> None:
    worker = site.client(Role.WORKER, levels=[HandlingLevel.OPEN])
    page = sent(worker, f"/programmes/{programme}/people/{ann(site)}/handling", level="concern", why="A child may be at risk")
    assert "You can’t read it any more; those who are cleared for it can." in page
    assert given.stored(site.sessions, f"SELECT handling_level FROM response WHERE id = {ann(site)}") == [("concern",)]


def test_concerns_come_first_on_the_page_of_a_programme_for_those_who_may_read_them(
    site: Site, client: PageClient, programme: int
) -> None:
    sent(client, f"/programmes/{programme}/people/{ann(site)}/handling", level="concern", why="May be at risk")
    listening.store_results(site.sessions, site.actor, programme)
    line = "concern was heard: somebody may be at risk."
    page = client.get(f"/programmes/{programme}").get_data(as_text=True)
    assert line in page
    (address,) = re.findall(r'href="([^"]+)">Read the concern', page)
    assert WORDS in client.get(html.unescape(address)).get_data(as_text=True)
    officer = site.client(Role.OFFICER, levels=[HandlingLevel.OPEN, HandlingLevel.OFFICIAL_SENSITIVE])
    assert line not in officer.get(f"/programmes/{programme}").get_data(as_text=True)


def test_a_comment_leads_to_all_that_its_person_said(client: PageClient, programme: int) -> None:
    page = client.get(f"/programmes/{programme}/topics/0").get_data(as_text=True)
    address = page.split("All from this person")[0].rpartition('href="')[2].partition('"')[0]
    assert "/people/" in address
    assert client.get(address).status_code == 200


def test_how_long_a_channel_is_kept_is_set_on_a_page_and_stands_with_it(site: Site, client: PageClient, programme: int) -> None:
    channel = panel(site, programme)
    address = f"/programmes/{programme}/channels/{channel}/retention"
    assert "No date for deletion is set" in client.get(f"/programmes/{programme}").get_data(as_text=True)
    assert "Enter a reason" in sent(client, address, months="24")
    assert "has passed" in sent(client, address, until="31/3/2020", why="x")
    assert "Give a number from 1" in sent(client, address, months="0", why="x")
    far = today() + timedelta(days=400)
    page = sent(client, address, until=f"{far.day}/{far.month}/{far.year}", months="24", why="The officer said so")
    assert "each response is kept for 24 months" in page
    assert "Deleted within 30 days" not in page
    assert "would be deleted within an hour" in sent(client, address, months="1", why="x")
    assert "Each response is kept for 1 month" in sent(client, address, months="1", sure="y", why="x")
    near = today() + timedelta(days=20)
    soon = {"until": f"{near.day}/{near.month}/{near.year}", "why": "x"}
    assert f"3 responses would be deleted by {near.day} " in sent(client, address, **soon).replace("\u00a0", " ")
    assert "Deleted within 30 days" in sent(client, address, **soon, sure="y")
    why = given.stored(site.sessions, "SELECT why FROM event WHERE subject = 'retention' ORDER BY id LIMIT 1")
    assert why == [("The officer said so",)]
    assert client.get(f"/programmes/{programme}/channels/9999/retention").status_code == 404


def test_the_audit_log_tells_in_sentences_who_read_what_and_never_what_was_said(
    site: Site, client: PageClient, programme: int
) -> None:
    client.get(f"/programmes/{programme}/topics/0?area=Ash")
    client.get(f"/programmes/{programme}/people/{ann(site)}")
    page = client.get("/audit").get_data(as_text=True)
    assert "Local administrator read 25 comments (topic Scam calls) in Not your account, narrowed to Ash" in page
    assert "Local administrator read what one person said in Not your account (2 responses)" in page
    assert "made the programme Not your account" in page
    assert WORDS not in page
    assert "They rang" not in page
    narrowed = client.get("/audit?action=read&subject=person").get_data(as_text=True)
    assert "read what one person said" in narrowed
    assert "comments about" not in narrowed
    assert "can’t be read as a day" in client.get("/audit?since=yesterday").get_data(as_text=True)
    assert "Nothing fits" in client.get("/audit?until=1/1/2020").get_data(as_text=True)
    day = date.today()
    assert "read 25 comments" in client.get(f"/audit?since={day.isoformat()}&until={day.isoformat()}").get_data(as_text=True)
    assert client.get("/audit?page=2").status_code == 200


def test_the_audit_log_is_taken_away_as_a_table_and_that_is_an_entry(site: Site, client: PageClient, programme: int) -> None:
    with site.sessions.writing() as session:
        accounts.note(session, site.actor, action="sign in", subject="person", why="=1+1")
    reply = client.get("/audit/export")
    assert reply.mimetype == "text/csv"
    rows = list(csv.reader(io.StringIO(reply.get_data(as_text=True))))
    assert rows[0] == ["number", "at", "person", "action", "subject", "what", "why"]
    assert rows[1][-1] == "'=1+1"
    assert "took away" in client.get("/audit").get_data(as_text=True)


def test_only_administrators_read_the_log(site: Site) -> None:
    import dataclasses

    for role in Role:
        if role is Role.ADMINISTRATOR:
            continue
        with site.sessions.reading() as session, pytest.raises(NotAllowed):
            accounts.audit_log(session, dataclasses.replace(site.actor, role=role))
