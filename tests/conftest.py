"""What a test needs of its machine. Where it is missing, a test is skipped and says so; in continuous integration it fails."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable
from functools import cache
from urllib.parse import urlsplit

import pytest

PROMISE = "promise"
"""Under this name a test's report carries what it measured: reports come home from wherever a test ran."""

kept: dict[int, list[str]] = {}

POSTGRES_URL = os.environ.get("COMMSAPP_TEST_POSTGRES_URL", "postgresql://127.0.0.1:5432")
REDIS_URL = os.environ.get("COMMSAPP_TEST_REDIS_URL", "redis://127.0.0.1:6379")


@cache
def _answers(url: str, port: int) -> bool:
    place = urlsplit(url)
    try:
        socket.create_connection((place.hostname or "127.0.0.1", place.port or port), timeout=2).close()
    except OSError:
        return False
    return True


# What → (whether it is here, how to get it). A test needs what its parameters or its fixtures name.
NEEDS: dict[str, tuple[Callable[[], bool], str]] = {
    "postgresql": (
        lambda: _answers(POSTGRES_URL, 5432),
        "PostgreSQL does not answer: start it, or set COMMSAPP_TEST_POSTGRES_URL.",
    ),
    "redis": (lambda: _answers(REDIS_URL, 6379), "Redis does not answer: start it, or set COMMSAPP_TEST_REDIS_URL."),
    "browser": (lambda: shutil.which("chromium") is not None, "Chromium is missing: apt-get install chromium fonts-dejavu-core."),
}
ALSO = {"postgres": "postgresql", "postgres_database": "postgresql"}


def needed_by(item: pytest.Item) -> list[str]:
    """What a test needs, by the values of its parameters and the names of its fixtures."""
    words = [*getattr(item, "fixturenames", ())]
    if isinstance(item, pytest.Function) and hasattr(item, "callspec"):
        words += [value for value in item.callspec.params.values() if isinstance(value, str)]
    return [need for need in NEEDS if need in {ALSO.get(word, word) for word in words}]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test that can't run here, or in continuous integration, fail it."""
    for need in needed_by(item):
        here, cure = NEEDS[need]
        if not here():
            if os.environ.get("CI"):
                pytest.fail(cure, pytrace=False)
            pytest.skip(cure)


@pytest.fixture
def promise(request: pytest.FixtureRequest) -> Callable[[int, str], None]:
    """Say what a test of a promise measured: ``promise(7, "58 of 58 writing routes refused")``. Printed at the end of the run."""
    variant = request.node.name.partition("[")[2].rstrip("]")

    def say(number: int, figure: str) -> None:
        request.node.user_properties.append((PROMISE, [number, f"{figure} ({variant})" if variant else figure]))

    return say


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep what a test of a promise measured."""
    if report.when == "call":
        for name, value in report.user_properties:
            if name == PROMISE and isinstance(value, list):
                kept.setdefault(int(value[0]), []).append(str(value[1]))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What the tests of promises measured, one line each."""
    if kept:
        terminalreporter.section("promises and what was measured")
    for number in sorted(kept):
        for figure in kept[number]:
            terminalreporter.write_line(f"Promise {number}: {figure}")
