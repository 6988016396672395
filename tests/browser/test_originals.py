"""A comment with names taken out, and the one look at it as it was written, in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import given
import pytest
from live_server import LiveServer
from pages_site import Site, open_site
from playwright.sync_api import Page, expect

from commsapp.listening import service as listening
from commsapp.listening.redaction.kinds import REASONS

pytestmark = pytest.mark.slow

WRITTEN = "My name is Bronwen Canary, ring 07700 900123, I live at 14 Acacia Road and I am afraid of what comes next."
READ = "My name is [name], ring [phone number], I live at [street] and I am afraid of what comes next."


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    made = open_site(tmp_path_factory.mktemp("originals"))
    rows = [{"id": "1", "comment": WRITTEN}, {"id": "2", "comment": "More police at night"}]
    path = given.table(tmp_path_factory.mktemp("files") / "said.csv", rows)
    programme = given.programme(made.sessions, made.actor)
    given.imported(made.sessions, made.actor, made.settings, path, programme_id=programme)
    given.prepared(made.sessions, made.actor, made.settings, programme)
    listening.store_results(made.sessions, made.actor, programme)
    return made


@pytest.fixture(scope="module")
def server(site: Site) -> Iterator[LiveServer]:
    started = LiveServer(site.app)
    yield started
    started.stop()


def test_a_reason_opens_one_comment_as_it_was_written_and_there_is_a_way_back(
    site: Site, server: LiveServer, page: Page, check_page: Callable[..., None], tmp_path: Path
) -> None:
    with site.sessions.reading() as session:
        programme = listening.programme_named(session, site.actor, "County lines").id
    aside = f"/programmes/{programme}/set-aside"
    page.goto(server.url + aside)
    expect(page.get_by_text(READ)).to_be_visible()
    expect(page.get_by_text("Bronwen")).to_have_count(0)
    check_page(page, "redacted-comments")

    page.get_by_role("link", name="Show as it was written").click()
    check_page(page, "why-as-written")
    page.get_by_role("button", name="Show as it was written").click()
    expect(page.get_by_role("alert")).to_contain_text("Say why you need to see it")
    check_page(page, "why-as-written-asked-again", expected=("422",))
    page.get_by_label(REASONS[0]).check()
    page.get_by_role("button", name="Show as it was written").click()
    expect(page.get_by_text(WRITTEN)).to_be_visible()
    check_page(page, "as-written", expected=("422",))
    page.get_by_role("button", name="Back to the comments").click()
    expect(page).to_have_url(server.url + aside)
    expect(page.get_by_text("Bronwen")).to_have_count(0)
