from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from live_server import LiveServer
from pages_site import Site, open_site
from playwright.sync_api import Browser, FilePayload, Page, expect

from commsapp.listening import service as listening
from commsapp.storage import jobs

pytestmark = pytest.mark.slow

Check = Callable[..., None]
SAMPLE = Path(__file__).resolve().parents[2] / "campaigns" / "sample"


class Worker:
    """What `commsapp serve` starts beside the pages, here as a thread that tests can hold back."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.go = threading.Event()
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while not self.stop.wait(0.2):
            if self.go.is_set():
                self.site.work()

    def end(self) -> None:
        self.stop.set()
        self.thread.join(timeout=120)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return open_site(tmp_path)


@pytest.fixture
def server(site: Site, serve: Callable[[Flask], LiveServer]) -> LiveServer:
    return serve(site.app)


@pytest.fixture
def worker(site: Site) -> Iterator[Worker]:
    started = Worker(site)
    yield started
    started.end()


def rows(name: str, amount: int) -> bytes:
    """The first rows of a file of the sample, whose cells may hold line breaks only in the spoken-word transcripts."""
    lines = (SAMPLE / name).read_text("utf-8").splitlines(keepends=True)
    return "".join(lines[: amount + 1]).encode()


def dropped(name: str, content: bytes) -> FilePayload:
    return {"name": name, "mimeType": "text/csv", "buffer": content}


def with_a_bad_row_and_dates_to_ask_about() -> bytes:
    days = "".join(
        f"{number},0{number % 9 + 1}/02/2026,Eastgate,A {word} rang my mother and said he was the bank\n"
        for number, word in enumerate(["man", "lad", "woman", "boy", "caller", "stranger"], start=1)
    )
    return f"Ref,Date,Ward,Your comment\n{days}7,soon,Eastgate,No day for this one but words enough\n".encode()


def test_two_spreadsheets_become_topics_that_can_be_read(
    site: Site, server: LiveServer, worker: Worker, page: Page, check_page: Check
) -> None:
    page.goto(server.url)
    check_page(page, "start-empty")
    zone = page.locator("input[type=file]")
    zone.set_input_files(
        [
            dropped("community-events.csv", rows("community-events.csv", 40)),
            dropped("hotline_log.csv", with_a_bad_row_and_dates_to_ask_about()),
            dropped("poster.png", b"\x89PNG\r\n\x1a\n" + bytes(200)),
        ]
    )
    page.get_by_label("Name of the new programme").fill("County lines 2026")
    page.get_by_role("button", name="Look at the files").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Check what was found in 3 files")
    expect(page.get_by_text("poster.png is a picture, not a table.")).to_be_visible()
    check_page(page, "check")
    page.get_by_role("button", name="Import 2 files").click()
    expect(page.locator(".govuk-error-summary")).to_be_focused()
    check_page(page, "check-mistakes")
    assert site.job_ids("queued") == []

    events = page.get_by_role("region", name="community-events.csv", exact=True)
    events.get_by_label("They chose themselves").check()
    log = page.get_by_role("region", name="hotline_log.csv", exact=True)
    log.get_by_label(re.compile("The day comes first")).check()
    log.get_by_label("Everything that came in").check()
    page.get_by_role("button", name="Import 2 files").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Reading what people said")
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("These files were sent already")
    check_page(page, "sent-already")
    page.go_forward()
    check_page(page, "job-waiting")
    with site.sessions.writing() as session:
        jobs.claim(session, 1, "test")
        jobs.renew(session, 1, "test", stage="Reading rows", done=20)
    expect(page.get_by_text("20 so far")).to_be_visible(timeout=10_000)
    check_page(page, "job-running")
    with site.sessions.writing() as session:
        jobs.release(session, 1, "test")
    worker.go.set()
    expect(page.get_by_role("heading", level=1)).to_have_text("Done: what came in", timeout=90_000)
    expect(page.get_by_text(re.compile(r"46.responses, \d+.topics?, \d+.set aside"))).to_be_visible()
    expect(page.get_by_role("link", name="1\u00a0row rejected")).to_be_visible()
    check_page(page, "job-done")

    page.get_by_role("link", name="1\u00a0row rejected").click()
    check_page(page, "import")
    page.get_by_role("link", name="Go to County lines 2026").click()
    check_page(page, "programme")
    page.goto(server.url)
    check_page(page, "start")
    page.goto(f"{server.url}/programmes")
    check_page(page, "programmes")


def test_more_feedback_of_a_known_channel_is_recognised(site: Site, server: LiveServer, page: Page, check_page: Check) -> None:
    with site.sessions.writing() as session:
        made = listening.create_programme(session, site.actor, name="Carrow", made_up=True)
        listening.add_channel(session, site.actor, made.id, name="Hotline", chosen="everything")
        listening.add_channel(session, site.actor, made.id, name="Inbox", chosen="opt-in")
    page.goto(f"{server.url}/programmes/{made.id}/import")
    check_page(page, "upload")
    page.locator("input[type=file]").set_input_files([dropped("hotline.csv", rows("hotline.csv", 10))])
    page.get_by_role("button", name="Look at the files").click()

    expect(page.get_by_role("radio", name="Hotline")).to_be_checked()
    expect(page.get_by_label("Its name")).to_be_hidden()
    check_page(page, "check-known-channel")
    page.get_by_label("A new feedback channel").check()
    expect(page.get_by_label("Its name")).to_be_visible()
    check_page(page, "check-new-channel")
    page.get_by_role("radio", name="Hotline").check()
    page.get_by_role("button", name="Import the file").click()
    page.get_by_role("button", name=re.compile("Stop.*Import of hotline.csv")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The work has stopped")
    check_page(page, "job-stopped")


def test_waves_events_and_areas_are_added_and_taken_away(site: Site, server: LiveServer, page: Page, check_page: Check) -> None:
    page.goto(f"{server.url}/programmes")
    check_page(page, "programmes-empty")
    page.get_by_role("link", name="Make one without files").click()
    page.get_by_label("Name of the programme").fill("Waste crime")
    check_page(page, "programme-new")
    page.get_by_role("button", name="Make the programme").click()
    check_page(page, "programme-empty")

    page.get_by_role("link", name="Add an area").click()
    page.get_by_label("Name of the area").fill("Fellbrook")
    page.get_by_label("People who live there").fill("9,100")
    check_page(page, "area-new")
    page.get_by_role("button", name="Add the area").click()
    page.get_by_role("link", name="Add a wave").click()
    page.get_by_label("Name of the wave").fill("Before the campaign")
    page.get_by_label("First day").fill("1/2/2026")
    page.get_by_label("Last day").fill("28 February 2026")
    check_page(page, "wave-new")
    page.get_by_role("button", name="Add the wave").click()
    page.get_by_role("link", name="Add a context event").click()
    page.get_by_label("What happened").fill("Tip cleared")
    page.get_by_label("Day it began").fill("12/3/2026")
    page.get_by_label("Fellbrook").check()
    check_page(page, "context-event-new")
    page.get_by_role("button", name="Add the event").click()
    check_page(page, "programme-framed")

    page.get_by_role("link", name="Remove the wave Before the campaign").click()
    check_page(page, "remove")
    page.get_by_role("button", name="Remove it").click()
    expect(page.get_by_text("The wave Before the campaign was removed")).to_be_visible()


def test_files_are_imported_without_javascript(site: Site, server: LiveServer, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    tab = context.new_page()
    tab.goto(server.url)
    tab.locator("input[type=file]").set_input_files([dropped("inbox.csv", rows("inbox.csv", 5))])
    tab.get_by_label("Name of the new programme").fill("Without scripts")
    tab.get_by_role("button", name="Look at the files").click()
    tab.get_by_label("They chose themselves").check()
    tab.get_by_role("button", name="Import the file").click()

    expect(tab.get_by_role("heading", level=1)).to_have_text("Reading what people said")
    assert tab.locator("noscript meta[http-equiv=refresh]").count() == 1
    site.work(names=("import",))
    tab.reload()
    expect(tab.get_by_text("5\u00a0responses added")).to_be_visible()
    context.close()
