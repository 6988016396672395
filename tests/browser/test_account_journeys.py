"""Accounts in a real browser: the first one, an invitation, an authenticator app, passkeys."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import identity_provider
import pyotp
import pytest
from flask import Flask
from live_server import LiveServer
from pages_site import Site, open_site
from playwright.sync_api import Browser, Page, expect

from commsapp.accounts import service as accounts
from commsapp.actor import HandlingLevel, Role

pytestmark = pytest.mark.slow

Check = Callable[..., None]
GOOD = "three otters wallpaper"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return open_site(tmp_path, signed_in=False)


@pytest.fixture
def url(site: Site, serve: Callable[[Flask], LiveServer]) -> str:
    """By name, as passkeys belong to names."""
    return serve(site.app).url.replace("127.0.0.1", "localhost")


def first_account(site: Site, url: str, page: Page) -> None:
    with site.sessions.writing() as session:
        link = accounts.first_link(session)
    assert link is not None
    page.goto(f"{url}/join/{link.secret}")
    page.get_by_label("Your name").fill("Amy O'Neil")
    page.get_by_label("Your e-mail address").fill("amy@example.org")
    page.get_by_label("Password", exact=True).fill(GOOD)


def enter(page: Page, url: str, email: str = "amy@example.org") -> None:
    page.goto(f"{url}/sign-in")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password", exact=True).fill(GOOD)
    with page.expect_navigation():
        page.get_by_role("button", name="Sign in", exact=True).click()


def with_device(page: Page) -> None:
    """Give the browser a device that keeps passkeys, whose owner is always there."""
    devices = page.context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    device = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    devices.send(
        "WebAuthn.addVirtualAuthenticator",
        {"options": {**device, "isUserVerified": True, "automaticPresenceSimulation": True}},
    )


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    page.wait_for_load_state("networkidle")


def test_from_the_first_account_to_an_invitation_that_is_followed(
    site: Site, url: str, page: Page, browser: Browser, check_page: Check
) -> None:
    page.goto(url)
    expect(page).to_have_url(f"{url}/sign-in")
    check_page(page, "sign-in")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.locator(".govuk-error-summary")).to_be_focused()
    check_page(page, "sign-in-mistakes", expected=("422",))

    first_account(site, url, page)
    check_page(page, "first-account", expected=("422",))
    page.get_by_role("button", name="Set the password and sign in").click()
    expect(page.get_by_text("Welcome. You are signed in.")).to_be_visible()
    check_page(page, "signed-in-start", expected=("422",))

    page.get_by_role("link", name="People").click()
    check_page(page, "people-one", expected=("422",))
    page.get_by_role("button", name="Invite somebody").click()
    check_page(page, "invite", expected=("422",))
    page.get_by_label("Name", exact=True).fill("Bob Carter")
    page.get_by_label("E-mail address").fill("Bob@Example.org")
    page.get_by_label("Engagement worker").check()
    page.get_by_label("Concern").check()
    page.get_by_role("button", name="Make the invitation").click()
    check_page(page, "invitation-link", expected=("422",))
    link = page.locator("#link").inner_text()
    assert link.startswith(f"{url}/join/")

    context = browser.new_context(viewport={"width": 390, "height": 844})
    phone = context.new_page()
    phone.goto(link)
    expect(phone.get_by_text("you were invited as engagement worker")).to_be_visible()
    phone.get_by_label("Password", exact=True).fill(GOOD)
    phone.get_by_role("button", name="Set the password and sign in").click()
    expect(phone.get_by_text("You were cleared for more: Open, Concern.")).to_be_visible()
    context.close()

    page.goto(f"{url}/people")
    check_page(page, "people", expected=("422",))
    page.get_by_role("link", name="Bob Carter").click()
    check_page(page, "person", expected=("422",))
    page.get_by_role("link", name="Change clearance").click()
    check_page(page, "clearance", expected=("422",))
    page.goto(f"{url}/people/handling-levels")
    check_page(page, "handling-levels", expected=("422",))
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()


def test_an_authenticator_app_is_set_up_and_asked_for(site: Site, url: str, page: Page, check_page: Check) -> None:
    first_account(site, url, page)
    page.get_by_role("button", name="Set the password and sign in").click()
    page.get_by_role("link", name="Amy O'Neil").click()
    check_page(page, "account-without-second-factor")
    page.get_by_role("button", name="Set up an authenticator app").click()
    key = page.locator(".app-key").inner_text().replace(" ", "").replace("-", "")
    check_page(page, "authenticator")
    app = pyotp.TOTP(key)
    page.get_by_label("Code that the app shows now").fill("123")
    page.get_by_role("button", name="Turn it on").click()
    expect(page.locator(".govuk-error-summary")).to_contain_text("The code is not right")
    page.get_by_label("Code that the app shows now").fill(app.now())
    used = app.now()
    page.get_by_role("button", name="Turn it on").click()
    check_page(page, "recovery-codes", expected=("422",))
    codes = page.locator("#codes li").all_inner_texts()
    assert len(codes) == 10
    page.get_by_role("button", name="I have kept them").click()
    expect(page.get_by_text("10\u00a0codes left")).to_be_visible()
    check_page(page, "account", expected=("422",))
    sign_out(page)

    enter(page, url)
    check_page(page, "second-factor", expected=("422",))
    page.get_by_label("Code", exact=True).fill(used)  # holds once
    page.get_by_role("button", name="Go on").click()
    expect(page.locator(".govuk-error-summary")).to_contain_text("it was used already")
    page.get_by_label("Code", exact=True).fill(codes[0].upper())
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("link", name="Amy O'Neil")).to_be_visible()
    page.goto(f"{url}/account")
    expect(page.get_by_text("9\u00a0codes left")).to_be_visible()
    sign_out(page)

    enter(page, url)
    page.get_by_label("Code", exact=True).fill(codes[0])
    page.get_by_role("button", name="Go on").click()
    expect(page.locator(".govuk-error-summary")).to_be_visible()
    page.goto(f"{url}/programmes")  # half of a sign-in is none
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_passkey_is_made_and_signs_in_alone_and_beside_a_password(site: Site, url: str, page: Page, check_page: Check) -> None:
    with_device(page)
    with site.sessions.writing() as session:
        levels = list(HandlingLevel)
        _, link = accounts.invite(
            session, site.actor, name="Amy O'Neil", email="amy@example.org", role=Role.WORKER, levels=levels, originals=True
        )
    page.goto(f"{url}/join/{link.secret}")
    page.get_by_label("Password", exact=True).fill(GOOD)
    page.get_by_role("button", name="Set the password and sign in").click()
    page.goto(f"{url}/programmes")
    check_page(page, "notice-second-factor")
    page.get_by_role("link", name="Set up a passkey or an authenticator app").click()
    page.get_by_role("button", name="Add a passkey").click()
    check_page(page, "passkey-new")
    page.get_by_label("Name of the device").fill("My phone")
    page.get_by_role("button", name="Make the passkey").click()
    expect(page.get_by_text("The passkey My phone was kept.")).to_be_visible()
    page.get_by_role("button", name="I have kept them").click()
    expect(page.get_by_text("Open, Official-sensitive, Concern, words before redaction")).to_be_visible()
    check_page(page, "account-with-passkey")
    page.get_by_role("button", name="Add a passkey").click()
    page.get_by_role("button", name="Make the passkey").click()
    expect(page.get_by_text("This device has a passkey for your account already.")).to_be_visible()
    sign_out(page)

    page.get_by_role("button", name="Sign in with a passkey").click()  # no name, no password
    expect(page.get_by_role("link", name="Amy O'Neil")).to_be_visible()
    page.goto(f"{url}/account")
    expect(page.get_by_text(re.compile("last used on"))).to_be_visible()
    expect(page.get_by_text("Open, Official-sensitive, Concern, words before redaction")).to_be_visible()
    sign_out(page)

    enter(page, url)
    check_page(page, "second-factor-passkey")
    page.get_by_role("button", name="Use your passkey").click()
    expect(page.get_by_role("link", name="Amy O'Neil")).to_be_visible()

    page.context.clear_cookies(name="commsapp")
    enter(page, url)
    page.goto(f"{url}/sign-in")
    page.evaluate('document.querySelector(\'form[data-passkey]\').elements.credential.value = \'{"id": "x", "response": {}}\'')
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_text("There is no account here for this passkey.")).to_be_visible()
    check_page(page, "passkey-refused")


def test_a_provider_of_the_organisation_lets_in_who_was_invited(
    tmp_path: Path, serve: Callable[[Flask], LiveServer], page: Page, check_page: Check
) -> None:
    with identity_provider.running() as provider:
        site = open_site(tmp_path, signed_in=False, **provider.settings())
        url = serve(site.app).url.replace("127.0.0.1", "localhost")
        with site.sessions.writing() as session:
            accounts.invite(session, site.actor, name="Amy O'Neil", email="amy@example.org", role=Role.EVALUATOR)
        page.goto(f"{url}/programmes")
        check_page(page, "sign-in-with-provider")
        page.get_by_role("button", name="Sign in with Example Agency").click()
        expect(page.get_by_role("link", name="Amy O'Neil")).to_be_visible()
        expect(page.get_by_role("heading", name="Programmes", exact=True)).to_be_visible()
        sign_out(page)

        provider.is_asked_for(sub="9", email="nobody@example.org")
        page.get_by_role("button", name="Sign in with Example Agency").click()
        expect(page.get_by_text("There is no account here for you at Example Agency.")).to_be_visible()
        check_page(page, "provider-refused")


def test_an_invitation_is_followed_with_a_passkey_and_no_password(site: Site, url: str, page: Page, check_page: Check) -> None:
    with_device(page)
    with site.sessions.writing() as session:
        _, link = accounts.invite(
            session, site.actor, name="Amy O'Neil", email="amy@example.org", role=Role.WORKER, levels=[HandlingLevel.CONCERN]
        )
    page.goto(f"{url}/join/{link.secret}")
    check_page(page, "join-with-passkey")
    page.get_by_role("button", name="Sign in with a passkey from now on").click()
    expect(page.get_by_text("was kept. Sign in with it from now on.")).to_be_visible()
    expect(page.get_by_text("Open, Concern")).to_be_visible()
    check_page(page, "account-passkey-alone")
    page.get_by_role("link", name="Remove the passkey").click()
    page.get_by_role("button", name="Remove it").click()
    expect(page.get_by_text("This passkey is the only way in that you have.")).to_be_visible()
    sign_out(page)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("link", name="Amy O'Neil")).to_be_visible()
    page.goto(f"{url}/join/{link.secret}")
    expect(page.get_by_text("This link does not let anybody in any more")).to_be_visible()
