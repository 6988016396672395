"""What is felt, and why a comment was coded as it was, in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import heard
import pytest
import said
from live_server import LiveServer
from pages_site import Site, open_site
from playwright.sync_api import Page, expect

from commsapp.listening import explaining
from commsapp.listening import service as listening
from commsapp.listening.views import Said
from commsapp.storage import jobs

pytestmark = pytest.mark.slow

SPAN = "bank"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    made = open_site(tmp_path_factory.mktemp("felt"))
    filled = heard.programme(made.sessions, made.actor)
    said.add(made.sessions, made.actor, filled.programme_id)
    return made


@pytest.fixture(scope="module")
def server(site: Site) -> Iterator[LiveServer]:
    started = LiveServer(site.app)
    yield started
    started.stop()


def found(site: Site, programme: int, comment: Said) -> None:
    """The work of finding the words comes to its end, as if a model had gone by one of them."""
    with site.sessions.writing() as session:
        (job,) = [job for job in jobs.recent_jobs(session, site.actor, programme) if job.name == "explain"]
        assert jobs.claim(session, job.id, "test") is not None
        said_now, key = explaining.one_coded(session, site.actor, programme, comment.id)
        start = comment.words.index(SPAN)
        result = {
            **explaining._basis(session, site.actor, programme, said_now, key),
            "spans": [[0, 4], [start, start + len(SPAN)]],
            "changes": [[0.3, 0.0], [2.0, 0.2]],
            "limited": True,
            "first_letters": 0,
        }
        assert jobs.finish(session, job.id, "test", result)


def test_what_is_felt_is_read_narrowed_and_drawn(
    site: Site, server: LiveServer, page: Page, check_page: Callable[..., None]
) -> None:
    page.goto(f"{server.url}/programmes/1/listening")
    expect(page.get_by_role("heading", name="What is felt")).to_be_visible()
    page.get_by_label("Show over the waves").select_option("What is felt")
    page.get_by_role("button", name="Draw").click()
    check_page(page, "felt-overview")

    page.get_by_role("link", name="Scam calls", exact=True).click()
    page.get_by_label("Emotion").select_option("Anger")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_text("Heard: anger, fear").first).to_be_visible()
    check_page(page, "felt-topic")


def test_the_words_that_carried_a_coding_are_waited_for_and_marked(
    site: Site, server: LiveServer, page: Page, check_page: Callable[..., None]
) -> None:
    page.goto(f"{server.url}/programmes/1/topics/0")
    page.get_by_role("link", name="Why?").first.click()
    check_page(page, "why-asked")
    page.get_by_role("button", name="Find the words").click()
    expect(page.get_by_role("status")).to_contain_text("Waiting for its turn")
    check_page(page, "why-waiting")
    with site.sessions.reading() as session:
        comment = listening.comments_page(session, site.actor, 1, topic=0).comments[0]
    found(site, 1, comment)
    expect(page.locator("mark").filter(has_text=SPAN).first).to_be_visible(timeout=10_000)
    check_page(page, "why")
    page.get_by_role("link", name="Back to the comments").click()
    expect(page).to_have_url(f"{server.url}/programmes/1/topics/0")
