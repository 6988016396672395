"""What is new, in a real browser: pointed out, read, made a topic of the draft; set aside, and brought back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import curated
import new_groups
import pytest
from curated import Curated
from flask import Flask
from live_server import LiveServer
from pages_site import Site, open_site
from playwright.sync_api import Page, expect

from commsapp.listening import looking_for_new

pytestmark = pytest.mark.slow

Check = Callable[..., None]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return open_site(tmp_path)


@pytest.fixture
def made(site: Site) -> Curated:
    return curated.on_site(site)


@pytest.fixture
def address(site: Site, made: Curated, serve: Callable[[Flask], LiveServer]) -> str:
    """Where the pages of the programme stand."""
    return f"{serve(site.app).url}/programmes/{made.id}"


def test_a_new_group_is_pointed_out_set_aside_brought_back_and_made_a_topic(
    page: Page, address: str, made: Curated, check_page: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking_for_new, "emerging", new_groups.together)  # how groups are found is tested elsewhere
    page.goto(f"{address}/codebook/new")
    check_page(page, "new-no-earlier-wave")
    new_groups.second_wave(made)
    page.goto(f"{address}/listening")
    expect(page.get_by_text("fits no topic and was not heard before")).to_be_visible()
    check_page(page, "new-notice")
    page.get_by_role("link", name="Look at what is new").click()
    page.get_by_text("which may be chance").click()
    check_page(page, "new-groups")

    page.get_by_role("button", name="Set aside").click()
    expect(page.get_by_text("Nothing else is new in this wave.")).to_be_visible()
    check_page(page, "new-set-aside")
    page.get_by_role("button", name="Bring back").click()
    expect(page.get_by_role("button", name="Set aside")).to_be_visible()

    page.get_by_role("button", name="Add as a topic").click()
    check_page(page, "new-add-topic")
    page.get_by_label("Name of the topic").fill("Charity tins")
    page.get_by_role("button", name="Add the topic").click()
    made.work()
    page.reload()
    page.get_by_role("button", name="Look at the topic").click()
    expect(page.get_by_role("heading", name="Charity tins")).to_be_visible()
    page.goto(f"{address}/codebook")
    expect(page.get_by_text("Added ‘Charity tins’")).to_be_visible()
    page.get_by_role("link", name="What is new").click()
    expect(page.get_by_text("The draft makes a topic of it")).to_be_visible()
    check_page(page, "new-in-draft")
