"""Work beside other work: told of once somebody waits for it, stopped by an error, and its own errors are not lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from threading import Event

import pytest

from commsapp.errors import BadInput
from commsapp.listening.beside import Beside

LONGEST = 10
"""Seconds after which work ends by itself, so that a test fails and doesn't hang."""


def test_what_goes_on_beside_is_told_once_somebody_waits_for_it() -> None:
    told: list[tuple[str, int, int]] = []
    first = Event()

    def work(tell: Callable[[int, int], None]) -> str:
        tell(1, 2)
        first.set()
        ends = time.monotonic() + LONGEST
        while not told and time.monotonic() < ends:
            tell(2, 2)
        return "done"

    with Beside(lambda *what: told.append(what)) as beside:
        result = beside.begin(work, "Judging the tone")
        assert first.wait(timeout=LONGEST)
        assert told == []
        assert result() == "done"
    assert told == [("Judging the tone", 2, 2)]


def test_an_error_stops_what_goes_on_beside() -> None:
    begun, stopped = Event(), Event()

    def work(tell: Callable[[int, int], None]) -> None:
        begun.set()
        ends = time.monotonic() + LONGEST
        try:
            while time.monotonic() < ends:
                tell(1, 2)
        except CancelledError:
            stopped.set()
            raise

    with pytest.raises(BadInput, match="no topics"), Beside(None) as beside:
        beside.begin(work, "Judging the tone")
        assert begun.wait(timeout=LONGEST)
        raise BadInput("There are no topics.", "Give more comments.")
    assert stopped.is_set()


def test_an_error_beside_comes_to_the_one_who_waits() -> None:
    def work(_: Callable[[int, int], None]) -> None:
        raise BadInput("The model is broken.", "Train it anew.")

    with Beside(None) as beside:
        result = beside.begin(work, "Judging the tone")
        with pytest.raises(BadInput, match="broken"):
            result()
