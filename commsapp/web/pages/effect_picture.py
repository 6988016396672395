"""The small picture of a measured change: the estimate with its interval, the expected change, and what would not matter."""

from __future__ import annotations

from dataclasses import dataclass

from commsapp.evaluation.views import EffectView
from commsapp.planning.campaigns import ExpectedEffect
from commsapp.planning.wording import change

_MARGIN = 0.06


@dataclass(frozen=True)
class Mark:
    """One place on the line (0 to 100), with its words."""

    at: float
    words: str


@dataclass(frozen=True)
class Picture:
    """Places from 0 (left) to 100 (right); ``small`` is the stretch of changes that would not matter, none where not said."""

    zero: float
    aim: Mark
    estimate: Mark
    low: Mark
    high: Mark
    small: tuple[float, float] | None


def picture(effect: EffectView, expected: ExpectedEffect) -> Picture | None:
    """Lay the picture out; none where nothing could be estimated."""
    if effect.estimate is None or effect.low is None or effect.high is None:
        return None
    aim = expected.target_difference if expected.direction == "up" else -expected.target_difference
    least = expected.smallest or 0.0
    shown = [0.0, aim, effect.estimate, effect.low, effect.high, least, -least]
    start, end = min(shown), max(shown)
    start, width = start - _MARGIN * (end - start), (1 + 2 * _MARGIN) * (end - start)

    def mark(value: float) -> Mark:
        return Mark(round(100 * (value - start) / width, 2), change(effect.measure, value))

    small = (mark(-least).at, mark(least).at) if least else None
    return Picture(mark(0.0).at, mark(aim), mark(effect.estimate), mark(effect.low), mark(effect.high), small)
