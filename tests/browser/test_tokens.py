"""A person makes a token, copies it, uses it and ends it, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from live_server import LiveServer
from pages_site import open_site
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.slow


def test_a_token_is_made_copied_used_and_ended(
    tmp_path: Path, serve: Callable[[Flask], LiveServer], page: Page, check_page: Callable[..., None]
) -> None:
    server = serve(open_site(tmp_path).app)
    page.goto(f"{server.url}/tokens")
    check_page(page, "tokens-none")
    page.get_by_role("button", name="Make a token").click()
    page.get_by_role("button", name="Make the token").click()
    check_page(page, "tokens-mistakes", expected=("422",))
    page.get_by_label("What is it for?").fill("Notebook of the evaluation")
    page.get_by_label("Read listening results").check()
    page.get_by_label("Read programmes").check()
    check_page(page, "tokens-new", expected=("422",))
    page.get_by_role("button", name="Make the token").click()
    secret = page.get_by_label("The token").input_value()
    check_page(page, "tokens-made", expected=("422",))
    asked = page.request.get(f"{server.url}/api/v1/programmes", headers={"Authorization": f"Bearer {secret}"})
    assert asked.status == 200 and "set-cookie" not in asked.headers
    page.get_by_role("button", name="I have copied it").click()
    expect(page.locator("main")).to_contain_text("Last used on")
    assert secret not in page.content()
    check_page(page, "tokens-list", expected=("422",))
    page.get_by_role("link", name="See what it can ask for").click()
    page.locator("summary", has_text="Comments, those that fit").click()
    check_page(page, "tokens-reference", expected=("422",))
    page.goto(f"{server.url}/tokens")
    page.get_by_role("link", name="Revoke the token").click()
    check_page(page, "tokens-revoke", expected=("422",))
    page.get_by_role("button", name="Revoke the token").click()
    expect(page.locator("main")).to_contain_text("was revoked")
    check_page(page, "tokens-revoked", expected=("422",))
