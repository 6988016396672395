from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from gallery import gallery_app, gallery_settings
from live_server import LiveServer
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.slow

Check = Callable[..., None]


@pytest.fixture
def server(tmp_path: Path, serve: Callable[[Flask], LiveServer]) -> LiveServer:
    return serve(gallery_app(gallery_settings(tmp_path)))


def test_every_component_is_accessible_and_keeps_to_the_policy(server: LiveServer, page: Page, check_page: Check) -> None:
    page.goto(f"{server.url}/gallery/components")
    check_page(page, "components")

    expect(page.locator("[data-chart=drawn]")).to_have_count(2)
    expect(page.locator("[data-chart-table][open]")).to_have_count(0)


def test_a_chart_tells_its_figures_under_the_pointer(server: LiveServer, page: Page, check_page: Check) -> None:
    page.goto(f"{server.url}/gallery/components")
    expect(page.locator("[data-chart=drawn]")).to_have_count(2)

    page.locator("[data-chart] svg .mark-symbol path").first.hover(force=True)
    tooltip = page.locator("#vg-tooltip-element.visible")
    expect(tooltip).to_contain_text("31\u00a0% (26 to 36\u00a0%)")
    check_page(page, "tooltip")


def test_progress_is_asked_for_until_the_job_has_ended(server: LiveServer, page: Page, check_page: Check) -> None:
    page.goto(f"{server.url}/gallery/components")

    expect(page.get_by_role("progressbar")).to_be_visible()
    expect(page.get_by_role("link", name="See what was found")).to_be_visible(timeout=5000)
    expect(page.get_by_role("progressbar")).to_have_count(0)
    check_page(page, "progress-done")


def test_mistakes_in_a_form_are_summed_up_with_focus_and_lead_to_their_fields(
    server: LiveServer, page: Page, check_page: Check
) -> None:
    page.goto(f"{server.url}/gallery/components")
    page.get_by_role("button", name="Make the programme").click()

    expect(page.locator(".govuk-error-summary")).to_be_focused()
    page.get_by_role("link", name="Enter a name").click()
    expect(page.get_by_label("Name of the programme")).to_be_focused()
    check_page(page, "mistakes", expected=("422",))


def test_several_files_are_chosen_by_keyboard_alone(server: LiveServer, page: Page, check_page: Check) -> None:
    page.goto(f"{server.url}/gallery/components")

    zone = page.locator(".govuk-file-upload-button")
    expect(zone).to_be_visible()
    with page.expect_file_chooser() as chooser:
        zone.focus()
        page.keyboard.press("Enter")
    assert chooser.value.is_multiple()
    chooser.value.set_files([{"name": f"{n}.csv", "mimeType": "text/csv", "buffer": b"a"} for n in range(3)])
    expect(zone).to_contain_text("3 files chosen")
    check_page(page, "files")


def test_pages_say_all_without_javascript(server: LiveServer, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    tab = context.new_page()
    tab.goto(f"{server.url}/gallery/components")

    expect(tab.get_by_role("table", name="What people talked about, by wave")).to_be_visible()
    expect(tab.locator("input[type=file]")).to_be_visible()
    expect(tab.locator("progress")).to_be_visible()
    assert tab.locator("noscript meta[http-equiv=refresh]").count() == 1
    context.close()


@pytest.mark.parametrize(("path", "name", "status"), [("missing", "not-found", "404"), ("broken", "unforeseen", "500")])
def test_error_pages_are_pages_like_all_others(
    server: LiveServer, page: Page, check_page: Check, path: str, name: str, status: str
) -> None:
    page.goto(f"{server.url}/gallery/{path}")
    check_page(page, name, expected=(status,))


def test_an_empty_list_says_what_to_do_next(server: LiveServer, page: Page, check_page: Check) -> None:
    page.goto(f"{server.url}/gallery/empty")
    expect(page.get_by_role("button", name="Import a file")).to_be_visible()
    check_page(page, "empty")
