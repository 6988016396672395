"""The rules that a plan must keep. Each gives what is wrong, or nothing, so that a page can say all of it at once; a service
raises the first. Whoever asks leaves out what isn't known yet. No database in here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date

from commsapp.errors import BadInput
from commsapp.listening.measuring import TONE
from commsapp.listening.views import Result, Wave
from commsapp.planning import wording
from commsapp.planning.campaigns import MEASURES, Campaign, ExpectedEffect

UP_DOWN = ("up", "down")


class Mistake(BadInput):
    """Something in a plan that can't be. ``field`` is the argument of the service that it is about."""

    def __init__(self, field: str, problem: str, cure: str) -> None:
        super().__init__(problem, cure)
        self.field = field


def refuse(mistakes: Iterable[Mistake]) -> None:
    """Raise the first of them, if there is any."""
    for mistake in mistakes:
        raise mistake


def checked_choice(value: str, known: tuple[str, ...], field: str) -> None:
    """Refuse a value that is not on a list, naming the list."""
    if value not in known:
        there = f"Use one of: {', '.join(known)}." if known else "There is none yet; leave it out."
        raise BadInput(f"'{value}' is not a known {field}.", there)


def checked_expectation(given: ExpectedEffect, campaign: Campaign, cited: Result | None) -> ExpectedEffect:
    """Check direction, sizes and date of an expectation; gives it back with sizes above 0.

    Raises
    ------
    BadInput : names the field and the cure.

    """
    checked_choice(given.measure, MEASURES, "measure")
    checked_choice(given.direction, UP_DOWN, "direction")
    refuse(of_sizes(given.measure, given.direction, given.target_difference, given.smallest))
    target = abs(given.target_difference)
    known = cited is not None and (cited.measure, cited.item) == (given.measure, given.item)
    refuse(of_room(given.measure, given.direction, target, cited.value if known and cited is not None else None))
    refuse(of_day(given.by, campaign.start))
    return replace(given, target_difference=target, smallest=None if given.smallest is None else abs(given.smallest))


def of_name(name: str, taken: bool) -> Iterator[Mistake]:
    """A name that another campaign of the programme has."""
    if taken:
        yield Mistake("name", f"There is a campaign called '{name}' already.", "Choose another name, or open that one.")


def of_period(start: date | None, end: date | None, what: str) -> Iterator[Mistake]:
    """A period that ends before it starts."""
    if start and end and end < start:
        problem = f"The {what} ends on {wording.day(end)}, before it starts on {wording.day(start)}."
        yield Mistake("end", problem, "Swap the dates.")


def of_sizes(measure: str, direction: str, target: float | None, smallest: float | None) -> Iterator[Mistake]:
    """Sizes of 0, a target against its direction, and a smallest change that matters above the target."""
    for field, words, size in (
        ("target_difference", "target difference", target),
        ("smallest", "smallest change that matters", smallest),
    ):
        if size is not None and (not math.isfinite(size) or size == 0):
            yield Mistake(field, f"The {words} is {size:g}.", "Give a size above 0.")
    if target is None:
        return
    # a minus is the same as 'down', so with 'up' it says two things at once
    if direction == "up" and target < 0:
        down = f"The target difference of {wording.change(measure, target)} goes down, but the direction is up."
        yield Mistake("target_difference", down, "Change the direction, or take the minus away.")
    if smallest is not None and abs(smallest) > abs(target):
        larger, than = (wording.change(measure, abs(size), sign=False) for size in (smallest, target))
        problem = f"The smallest change that matters ({larger}) is larger than the target difference ({than})."
        yield Mistake("smallest", problem, "Make it smaller, or aim higher.")


def of_room(measure: str, direction: str, target: float | None, stands: float | None) -> Iterator[Mistake]:
    """A target beyond what there is: 95 % can't rise by 10 points. ``stands`` is where the result is, none where not known."""
    if target is None or direction not in UP_DOWN:
        return
    bottom, top = (-1.0, 1.0) if measure == TONE else (0.0, 1.0)
    room = top - bottom if stands is None else (top - stands if direction == "up" else stands - bottom)
    if target > room + 1e-9:
        now = "" if stands is None else f" It stands at {wording.level(measure, stands)} in the cited result."
        aim = wording.change(measure, target, sign=False)
        yield Mistake(
            "target_difference",
            f"A target difference of {aim} {direction} is more than there is room for.{now}",
            "Aim lower; differences of shares are fractions, so 0.1 is 10 points.",
        )


def of_day(by: date | None, start: date | None) -> Iterator[Mistake]:
    """A day by which it should have moved that lies before the campaign."""
    if by and start and by < start:
        problem = (
            f"The day by which it should have moved, {wording.day(by)}, is before the campaign starts on {wording.day(start)}."
        )
        yield Mistake("by", problem, "Choose a later one.")


def of_waves(before: Wave | None, after: Wave | None, start: date | None) -> Iterator[Mistake]:
    """A wave before that reaches into the campaign, and a wave after that starts before it."""
    if start is None:
        return
    starts = f"the campaign starts on {wording.day(start)}"
    if before and before.end >= start:
        problem = f"The wave before, {before.name}, runs until {wording.day(before.end)}, but {starts}."
        yield Mistake("before_wave_id", problem, "Choose a wave that ended before the start.")
    if after and after.start < start:
        yield Mistake(
            "after_wave_id",
            f"The wave after, {after.name}, starts on {wording.day(after.start)}, but {starts}.",
            "Choose a later wave, or none, and the first that ends on or after that day is taken.",
        )
