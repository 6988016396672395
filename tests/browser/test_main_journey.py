"""The loop once, in a real browser, on a part of the made-up sample: import, listen, plan, measure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import heard
import pytest
import said
from flask import Flask
from live_server import LiveServer
from pages_site import Site, open_site
from playwright.sync_api import Browser, Page, expect

from commsapp.listening import service as listening
from commsapp.planning.sample import load_sample, sample_folder

pytestmark = pytest.mark.slow

Check = Callable[..., None]
QUESTION = "Before today had you heard that criminals pay people to use their bank account?"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The frame of the sample's programme, with nothing heard yet."""
    made, sample = open_site(tmp_path_factory.mktemp("journey")), load_sample()
    with made.sessions.writing() as session:
        programme = listening.create_programme(session, made.actor, name=sample.programme, made_up=True)
        for area in sample.areas:
            listening.add_area(session, made.actor, programme.id, name=area.name, population=area.population)
        for wave in sample.waves:
            listening.add_wave(session, made.actor, programme.id, name=wave.name, start=wave.start, end=wave.end)
        for event in sample.context_events:
            period: dict[str, Any] = {"start": event.start, "end": event.end, "areas": event.areas}
            listening.add_context_event(session, made.actor, programme.id, name=event.name, **period)
        listening.add_channel(session, made.actor, programme.id, name="survey", chosen="random")
        listening.add_channel(session, made.actor, programme.id, name="community events", chosen="opt-in")
    return made


@pytest.fixture(scope="module")
def server(site: Site) -> Iterator[LiveServer]:
    started = LiveServer(site.app)
    yield started
    started.stop()


@pytest.fixture(scope="module")
def programme(site: Site) -> str:
    with site.sessions.reading() as session:
        return f"/programmes/{listening.programme_named(session, site.actor, load_sample().programme).id}"


def test_the_loop_from_a_spreadsheet_to_the_verdict(
    site: Site, server: LiveServer, programme: str, page: Page, check_page: Check
) -> None:
    start = f"{server.url}{programme}"
    page.goto(f"{start}/listening")
    check_page(page, "listening-empty")
    page.goto(f"{start}/campaigns")
    check_page(page, "campaigns-empty")

    _import(page, site, start)
    page.goto(f"{start}/listening")
    expect(page.get_by_text(re.compile(r"150.comments: \d+ read and sorted"))).to_be_visible()
    check_page(page, "listening")
    _narrow(page, check_page)
    _read_a_topic(page, check_page)
    _plan(page, check_page)
    _measure(page, check_page)
    page.goto(f"{start}/campaigns")
    check_page(page, "campaigns")


def _import(page: Page, site: Site, start: str) -> None:
    page.goto(f"{start}/import")
    page.locator("input[type=file]").set_input_files([sample_folder() / "survey.csv", sample_folder() / "community-events.csv"])
    page.get_by_role("button", name="Look at the files").click()
    page.get_by_role("button", name="Import 2 files").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Reading what people said")
    site.work()


def _narrow(page: Page, check_page: Check) -> None:
    page.get_by_label("Wave", exact=True).select_option("November 2025")
    page.get_by_label("Area").select_option("Eastgate")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("Only: November 2025, Eastgate")).to_be_visible()
    page.get_by_label("Show over the waves").select_option(label="Tone of all feedback")
    page.get_by_role("button", name="Draw").click()
    expect(page.get_by_text("Tone over the waves (Eastgate)").first).to_be_visible()
    check_page(page, "listening-narrowed")
    page.get_by_label("Attribute").select_option("age = 65+")
    page.get_by_label("Area").select_option("Gwenlais")
    page.get_by_role("button", name="Show").click()
    check_page(page, "listening-few")
    page.get_by_role("link", name="Clear the filters").first.click()
    expect(page.get_by_label("Area")).to_have_value("")


def _read_a_topic(page: Page, check_page: Check) -> None:
    page.get_by_role("link", name=re.compile("set aside")).click()
    check_page(page, "set-aside")
    page.get_by_role("link", name="What was heard").click()
    page.locator(".app-row__name a").first.click()
    expect(page.get_by_role("heading", name="What people said")).to_be_visible()
    expect(page.locator(".app-quote").first).to_be_visible()
    check_page(page, "topic")
    page.get_by_role("link", name="What was heard").click()
    page.get_by_role("searchbox", name="Search what was said").fill("dealers")
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".app-quote").first).to_be_visible()
    check_page(page, "search")
    page.get_by_role("searchbox", name="Search what was said").fill('"no such words"')
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("0 comments have")).to_be_visible()
    check_page(page, "search-empty")
    page.get_by_role("link", name="What was heard").click()


def _plan(page: Page, check_page: Check) -> None:
    planned = load_sample().campaign
    page.get_by_label("Wave", exact=True).select_option("November 2025")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("link", name=f"Plan a message on ‘Yes’ to ‘{QUESTION}’").click()
    expect(page.get_by_role("heading", name="What 1,000 replies can and cannot show")).to_be_visible()
    expect(page.get_by_label("Objective")).to_have_value(re.compile("^In November 2025, 44 % of people answered ‘Yes’"))
    check_page(page, "plan")
    page.get_by_role("button", name="Save the plan").click()
    expect(page.locator(".govuk-error-summary")).to_be_focused()
    check_page(page, "plan-mistakes", expected=("422",))
    page.heard.clear()  # type: ignore[attr-defined]

    page.get_by_label("What the message says").fill(planned.message)
    page.get_by_label("Name of the campaign").fill(planned.name)
    page.get_by_label("Objective").fill(planned.objective)
    page.get_by_label("Deterrence").check()
    page.get_by_label("Behaviour that it works on").select_option(planned.behaviour)
    page.get_by_label("Playbook (optional)").select_option(planned.playbook)
    page.get_by_label("First day").fill("1/12/2025")
    page.get_by_label("Last day").fill("31/1/2026")
    for area in planned.areas:
        page.get_by_label(area).check()
    page.get_by_label("Up", exact=True).check()
    page.get_by_label("By how much?").fill("10")
    page.get_by_label("Smallest change that matters").fill("5")
    page.get_by_label("By when?").fill("28/2/2026")
    page.get_by_role("button", name="Save the plan").click()
    page.get_by_label("This campaign began on 1 December 2025; what I expect is set afterwards").check()
    page.heard.clear()  # type: ignore[attr-defined]
    page.get_by_role("button", name="Save the plan").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(planned.name)


def _measure(page: Page, check_page: Check) -> None:
    planned = load_sample().campaign
    check_page(page, "campaign-planned")
    page.get_by_role("link", name="Add an activity").click()
    check_page(page, "activity")
    page.get_by_label("Medium").fill(planned.medium)
    page.get_by_label("Cost in pounds (optional)").fill("18,500")
    page.get_by_label("This is what was delivered").check()
    page.get_by_role("button", name="Add the activity").click()
    expect(page.get_by_text("£18,500 (delivered)")).to_be_visible()

    page.get_by_role("button", name="Measure the effect").click()
    verdict = page.locator(".app-verdict")
    expect(verdict).to_contain_text("It moved, but that is an association only")
    expect(verdict).to_contain_text("Expected +10 points by 28 February 2026, measured +14 points")
    check_page(page, "campaign")


def test_listening_works_without_javascript(
    tmp_path: Path, serve: Callable[[Flask], LiveServer], browser: Browser, screenshots: Path
) -> None:
    site = open_site(tmp_path)
    made = heard.programme(site.sessions, site.actor)
    said.add(site.sessions, site.actor, made.programme_id)
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    tab = context.new_page()
    tab.goto(f"{serve(site.app).url}/programmes/{made.programme_id}/listening")
    tab.get_by_label("Wave", exact=True).select_option("November")
    tab.get_by_role("button", name="Show").click()
    expect(tab.get_by_text("Only: November")).to_be_visible()
    expect(tab.get_by_role("table", name="The 2 largest topics over the waves")).to_be_visible()
    tab.get_by_label("Show over the waves").select_option(label="Tone of all feedback")
    tab.get_by_role("button", name="Draw").click()
    expect(tab.get_by_role("table", name="Tone over the waves")).to_be_visible()
    tab.screenshot(path=screenshots / "listening-without-scripts-phone.png", full_page=True)
    context.close()
