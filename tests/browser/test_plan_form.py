"""Planning a message in a real browser: lists that follow the approach, and a campaign that has begun."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import heard
import pytest
from flask import Flask
from live_server import LiveServer
from pages_site import Site, open_site
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.slow

Check = Callable[..., None]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return open_site(tmp_path)


@pytest.fixture
def address(site: Site, serve: Callable[[Flask], LiveServer]) -> str:
    """Where a message is planned on an answer."""
    made = heard.programme(site.sessions, site.actor)
    return f"{serve(site.app).url}/results/{made.result_id}/plan"


def offered(page: Page, field: str) -> list[str]:
    """Names of the groups of a list."""
    found: list[str] = page.locator(f"#{field} optgroup").evaluate_all("groups => groups.map(group => group.label)")
    return found


def test_what_was_written_is_shown_for_copying_where_the_form_is_from_an_earlier_visit(
    page: Page, address: str, check_page: Check
) -> None:
    page.goto(address)
    page.get_by_label("What the message says").fill("Your account is not for rent.\nNobody lends you money for nothing.")
    page.locator("form[action*='/plan'] [name=csrf_token]").evaluate("field => { field.value = 'from an earlier visit' }")
    page.get_by_role("button", name="Save the plan").click()
    expect(page.get_by_text("Nobody lends you money for nothing.")).to_be_visible()
    check_page(page, "what-you-wrote", expected=("400",))


def test_behaviours_and_playbooks_follow_the_approach_that_is_ticked(page: Page, address: str, check_page: Check) -> None:
    page.goto(address)
    assert len(offered(page, "behaviour")) == len(offered(page, "playbook")) == 4
    page.get_by_label("Deterrence").check()
    assert offered(page, "behaviour") == offered(page, "playbook") == ["Deterrence"]
    behaviour = page.get_by_label("Behaviour that it works on")
    behaviour.select_option("facilitate")
    page.get_by_label("Market intervention").check()
    expect(behaviour).to_have_value("facilitate")  # works on it as well
    page.get_by_label("Threat awareness").check()
    expect(behaviour).to_have_value("")
    behaviour.select_option("report")
    page.get_by_label("First day").fill("1/12/2025")
    page.get_by_role("button", name="Save the plan").click()

    expect(page.get_by_label("This campaign began on 1 December 2025")).to_be_visible()
    expect(behaviour).to_have_value("report")
    assert offered(page, "behaviour") == ["Threat awareness"]
    check_page(page, "plan-begun", expected=("422",))


def test_without_javascript_every_behaviour_stands_under_its_approach(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    tab = context.new_page()
    tab.goto(address)
    tab.get_by_label("Community engagement").check()
    tab.get_by_label("Behaviour that it works on").select_option("recognise")
    tab.get_by_role("button", name="Save the plan").click()
    chosen = tab.locator("#behaviour").evaluate("list => list.selectedOptions[0].parentElement.label")
    assert chosen == "Community engagement"
    context.close()
