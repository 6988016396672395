"""Fixtures of the browser tests: a server on a free port, Debian's Chromium, and one check that every page passes."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from live_server import LiveServer
from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration"))  # the gallery is shared with the page tests

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]

# Runs in the page before anything else: a violation of the policy is otherwise only a line in a console.
LISTEN = """
window.violations = []
document.addEventListener('securitypolicyviolation', event => {
  window.violations.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sourceFile || ''}`)
})
"""


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures of pages go: COMMSAPP_SCREENSHOTS, else a folder that goes away."""
    given = os.environ.get("COMMSAPP_SCREENSHOTS")
    folder = Path(given) if given else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def serve() -> Iterator[Callable[[Flask], LiveServer]]:
    """Start a server for an application; it stops with the test."""
    running: list[LiveServer] = []

    def start(app: Flask) -> LiveServer:
        running.append(LiveServer(app))
        return running[-1]

    yield start
    for server in running:
        server.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium. Playwright starts it with a fresh profile of its own."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.fail("Chromium is missing: run 'apt-get install -y chromium fonts-dejavu', then the tests again.", pytrace=False)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        yield started
        started.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """Cookies of one visitor."""
    opened = browser.new_context(viewport=DESKTOP)
    opened.add_init_script(LISTEN)
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A tab that remembers what its console said and what it asked other hosts for, in ``page.heard``."""
    tab = context.new_page()
    heard: list[str] = []
    tab.heard = heard  # type: ignore[attr-defined]
    tab.on(
        "console", lambda line: heard.append(f"console {line.type}: {line.text}") if line.type in ("error", "warning") else None
    )
    tab.on("pageerror", lambda error: heard.append(f"script: {error}"))
    tab.on(
        "requestfailed",
        lambda request: None if _left(request) else heard.append(f"not fetched: {request.url} ({request.failure})"),
    )
    tab.on("request", lambda request: None if _is_ours(request.url) else heard.append(f"asked elsewhere: {request.url}"))
    return tab


@pytest.fixture
def check_page(screenshots: Path) -> Callable[[Page, str], None]:
    """Check the page that a tab shows: accessible, no error or policy report, no sideways scrolling; take its pictures."""

    def check(tab: Page, name: str, *, expected: tuple[str, ...] = ()) -> None:
        """``expected``: words of console lines that belong here, such as the status of an error page."""
        problems = []
        for size, viewport in (("desktop", DESKTOP), ("phone", PHONE)):
            tab.set_viewport_size(viewport)  # type: ignore[arg-type]
            settle(tab)
            tab.screenshot(path=screenshots / f"{name}-{size}.png", full_page=True)
            problems += [f"{size}: {problem}" for problem in [*_inaccessible(tab), *_too_wide(tab)]]
        tab.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
        problems += tab.evaluate("window.violations")
        heard: list[str] = tab.heard  # type: ignore[attr-defined]
        problems += [line for line in heard if not any(word in line for word in expected)]
        assert not problems, f"{name} ({tab.url}):\n- " + "\n- ".join(problems)

    return check


def settle(tab: Page) -> None:
    """Wait until the charts stand."""
    tab.wait_for_load_state("load")
    tab.wait_for_function("() => !document.querySelector('[data-chart=\"\"], [data-chart=waiting]')")
    tab.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def _is_ours(url: str) -> bool:
    return url.startswith(("http://127.0.0.1:", "http://localhost:", "data:", "blob:"))


def _left(request: Request) -> bool:
    """Whether the browser itself broke a request off, since the tab went on to another page meanwhile."""
    return request.failure == "net::ERR_ABORTED"


def _inaccessible(tab: Page) -> list[str]:
    if not tab.evaluate("'axe' in window"):
        # evaluate, not a script element: the policy would refuse one that the page didn't bring
        tab.evaluate(AXE.read_text("utf-8"))
    options = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}
    found: dict[str, Any] = tab.evaluate(f"axe.run(document, {json.dumps(options)})")
    return [
        f"{violation['id']} ({violation['impact']}): {node['html'][:200]}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


def _too_wide(tab: Page) -> list[str]:
    wide = tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [f"the page scrolls {wide} px sideways"] if wide > 0 else []
