"""Topics are curated in a real browser: rename, merge, see what would change, freeze, and the difference of two versions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import curated
import pytest
from curated import BINS, DEALERS, Curated
from flask import Flask
from live_server import LiveServer
from pages_site import Site, open_site
from playwright.sync_api import Page, expect

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
    """Where what was heard in the programme is shown."""
    return f"{serve(site.app).url}/programmes/{made.id}"


def test_topics_are_renamed_and_merged_and_frozen_after_a_look_at_what_would_change(
    page: Page, address: str, made: Curated, check_page: Check
) -> None:
    page.goto(f"{address}/listening")
    page.get_by_role("link", name="Change the topics").click()
    check_page(page, "codebook")
    page.get_by_role("link", name="Dealers").click()
    check_page(page, "codebook-topic")
    page.get_by_role("link", name="Rename it").click()
    check_page(page, "codebook-rename")
    page.get_by_label("New name").fill("")
    page.get_by_role("button", name="Rename it").click()
    check_page(page, "codebook-rename-error", expected=("422",))
    page.heard.clear()  # type: ignore[attr-defined]  # the status of that page
    page.get_by_label("New name").fill("Drug dealing")
    page.get_by_role("button", name="Rename it").click()
    expect(page.get_by_text("Renamed ‘Dealers’ to ‘Drug dealing’").first).to_be_visible()

    page.get_by_role("link", name="Bins; tyres").click()
    page.get_by_role("link", name="Put others into it").click()
    page.get_by_label("Thanks").check()
    page.get_by_label("Name of the merged topic").fill("The council")
    check_page(page, "codebook-merge")
    page.get_by_role("button", name="Merge them").click()
    check_page(page, "codebook-draft")

    page.get_by_role("button", name="See what would change").click()
    check_page(page, "codebook-counting")
    made.work()
    page.reload()
    page.get_by_role("button", name="See what would change").click()
    page.get_by_text("Examples").first.click()
    check_page(page, "codebook-difference")
    page.get_by_role("button", name="Go on to freeze it").click()
    page.get_by_label("Why?").fill("Two names for one thing")
    check_page(page, "codebook-freeze")
    page.get_by_role("button", name="Freeze as a new version").click()
    made.work()
    page.reload()
    check_page(page, "codebook-frozen")
    page.get_by_role("button", name="Go to the topics").click()
    page.get_by_role("link", name="All versions, and what each changed").click()
    check_page(page, "codebook-versions")
    page.get_by_role("link", name="What changed since version 1").click()
    expect(page.get_by_text("from ‘Thanks’ to ‘The council’")).to_be_visible()
    check_page(page, "codebook-between")


def test_a_topic_is_added_by_comments_that_are_searched_for_and_another_is_split(
    page: Page, address: str, made: Curated, check_page: Check
) -> None:
    page.goto(f"{address}/codebook/add")
    page.get_by_label("Name of the topic").fill("Fly-tipping")
    page.get_by_label("Search what was said").fill("tyres")
    page.get_by_role("button", name="Search").click()
    page.get_by_label("Old tyres are dumped in the lane, load 1").check()
    page.get_by_label("Old tyres are dumped in the lane, load 2").check()
    check_page(page, "codebook-add")
    page.get_by_role("button", name="Add the topic").click()
    made.work()
    page.reload()
    page.get_by_role("button", name="Look at the topic").click()
    check_page(page, "codebook-added")
    for what in ("split", "drop", "describe"):
        page.goto(f"{address}/codebook/topics/{BINS}/{what}")
        check_page(page, f"codebook-{what}")
    page.goto(f"{address}/codebook")
    page.get_by_role("button", name="Undo the last change").click()
    expect(page.get_by_role("button", name="Do it again")).to_be_visible()
    check_page(page, "codebook-undone")


def test_the_topics_are_tried_on_another_programme(
    page: Page, address: str, site: Site, made: Curated, check_page: Check
) -> None:
    curated.on_site(site, name="Elsewhere")
    page.goto(f"{address}/codebook/carry")
    page.get_by_label("Which programme").select_option(label="Elsewhere")
    check_page(page, "codebook-carry")
    page.get_by_role("button", name="Try it first").click()
    made.work()
    page.reload()
    page.get_by_role("button", name="See how it would be").click()
    check_page(page, "codebook-carry-over")


def test_a_comment_is_sorted_anew_from_the_list_of_its_topic(page: Page, address: str, check_page: Check) -> None:
    page.goto(f"{address}/topics/{BINS}")
    check_page(page, "topic-with-who-sorted")
    page.get_by_role("link", name="Change the topic of comment").first.click()
    check_page(page, "comment-topic")
    page.get_by_label("Dealers").check()
    page.get_by_role("button", name="Change the topic").click()
    expect(page.get_by_text("The comment is sorted into ‘Dealers’ now")).to_be_visible()
    assert page.url.endswith(f"/topics/{DEALERS}")
    by_hand = page.get_by_role("article").filter(has_text="by Local administrator on")
    by_hand.get_by_role("link", name="Change the topic of comment").click()
    expect(page.get_by_role("button", name="Take back what people said")).to_be_visible()
    check_page(page, "comment-topic-by-hand")
