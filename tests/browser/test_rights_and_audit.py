"""What one person said, how long channels are kept, and the audit log, in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import given
import heard
import pytest
import said
from live_server import LiveServer
from pages_site import Site, open_site
from playwright.sync_api import Page, expect

from commsapp.listening import service as listening

pytestmark = pytest.mark.slow

Check = Callable[..., None]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return open_site(tmp_path_factory.mktemp("rights"))


@pytest.fixture(scope="module")
def programme(site: Site, tmp_path_factory: pytest.TempPathFactory) -> int:
    made = heard.programme(site.sessions, site.actor).programme_id
    said.add(site.sessions, site.actor, made)
    rows = [
        {"id": "a1", "date": "2026-01-02", "who": "Ann", "comment": "They wait for the children after school", "age": "65+"},
        {"id": "a2", "date": "2026-02-02", "who": "Ann", "comment": "Nobody picks up the phone at night", "age": "65+"},
    ]
    columns = given.Columns(text="comment", date="date", identity="id", respondent="who", attributes=("age",))
    path = given.table(tmp_path_factory.mktemp("file") / "panel.csv", rows)
    given.imported(site.sessions, site.actor, site.settings, path, programme_id=made, channel="Panel", mapping=columns)
    given.prepared(site.sessions, site.actor, site.settings, made)
    return made


@pytest.fixture(scope="module")
def server(site: Site) -> Iterator[LiveServer]:
    started = LiveServer(site.app)
    yield started
    started.stop()


def test_a_person_asks_what_is_kept_takes_consent_back_and_is_erased(
    server: LiveServer, programme: int, page: Page, check_page: Check
) -> None:
    page.goto(f"{server.url}/programmes/{programme}")
    check_page(page, "programme-with-retention")
    page.get_by_role("link", name="Set how long Panel is kept").click()
    check_page(page, "retention")
    page.get_by_label("Months that each response is kept").fill("24")
    page.get_by_label("Why").fill("The data protection officer said so")
    page.get_by_role("button", name="Keep it so long").click()
    expect(page.get_by_text("Panel: Each response is kept for 24 months.")).to_be_visible()
    page.get_by_role("link", name="Find what one person said").click()
    check_page(page, "person-search")
    page.get_by_label("Key of the person").fill("Nobody")
    page.get_by_role("button", name="Search").click()
    check_page(page, "person-not-found")
    page.get_by_label("Key of the person").fill("Ann")
    page.get_by_role("button", name="Search").click()
    check_page(page, "person-found")
    page.get_by_role("link", name="Response").first.click()
    expect(page.get_by_text("They wait for the children")).to_be_visible()
    check_page(page, "person")
    page.get_by_role("link", name="Change the handling level").first.click()
    check_page(page, "person-handling")
    page.go_back()
    page.get_by_role("button", name="Hand it over").click()
    check_page(page, "person-export")
    page.go_back()
    page.get_by_role("button", name="Take consent back").click()
    page.get_by_label("To quote").check()
    page.get_by_label("Why?").fill("By telephone")
    check_page(page, "person-consent")
    page.get_by_role("button", name="Take it back").click()
    expect(page.get_by_text("The consent was taken back")).to_be_visible()
    page.get_by_role("button", name="Erase it").click()
    page.get_by_role("button", name="Erase it").click()
    check_page(page, "person-erase", expected=("422",))
    page.get_by_label("Why is it erased?").fill("She asked")
    page.get_by_label("Yes, erase all of it").check()
    page.get_by_role("button", name="Erase it").click()
    expect(page.get_by_text("Erased: 2")).to_be_visible()


def test_a_concern_is_raised_and_comes_first_from_then_on(
    site: Site, server: LiveServer, tmp_path: Path, page: Page, check_page: Check
) -> None:
    made = heard.programme(site.sessions, site.actor, name="County lines").programme_id
    rows = [{"id": "c1", "date": "2026-01-02", "who": "Cem", "comment": "He makes my brother carry things for him"}]
    columns = given.Columns(text="comment", date="date", identity="id", respondent="who")
    path = given.table(tmp_path / "hotline.csv", rows)
    given.imported(site.sessions, site.actor, site.settings, path, programme_id=made, channel="Hotline", mapping=columns)
    given.prepared(site.sessions, site.actor, site.settings, made)
    with site.sessions.reading() as session:
        (found,) = listening.people(session, site.actor, made, key="Cem", settings=site.settings)
    page.goto(f"{server.url}/programmes/{made}/people/{found.response_id}/handling")
    page.get_by_label("Concern:").check()
    page.get_by_label("Why?").fill("A child may be at risk")
    page.get_by_role("button", name="Change it").click()
    expect(page.get_by_text("is ‘Concern’ now, and was ‘Open’ before.")).to_be_visible()
    listening.store_results(site.sessions, site.actor, made)
    page.goto(f"{server.url}/programmes/{made}")
    check_page(page, "programme-with-concern")
    page.get_by_role("link", name="Read the concern").click()
    expect(page.get_by_text("He makes my brother carry things for him")).to_be_visible()
    check_page(page, "concern")


def test_an_administrator_reads_who_read_what(server: LiveServer, programme: int, page: Page, check_page: Check) -> None:
    page.goto(f"{server.url}/programmes/{programme}/topics/0")
    check_page(page, "topic-with-persons")
    page.get_by_role("link", name="Audit").click()
    expect(page.get_by_text("comments (topic Scam calls)").first).to_be_visible()
    check_page(page, "audit")
    page.get_by_label("From").fill("someday")
    page.get_by_role("button", name="Show").click()
    check_page(page, "audit-wrong-day")
