"""The verdict on one effect: five strings, five rules, the first that fits wins.

The one rule above all others: an interval that lies wholly on the harmful side is 'backfire', whatever else is the case.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from enum import StrEnum

from commsapp.errors import BadInput
from commsapp.evaluation.diagnostics import Diagnostic

BEFORE_AFTER = "before/after"
STRENGTHS = (
    ("randomised",),
    ("difference in differences",),
    ("synthetic control", "interrupted time series"),
    (BEFORE_AFTER,),
)
"""Designs, strongest first; those in one tuple are equally strong."""


class Verdict(StrEnum):
    """What may be said about a change; other programs rely on these exact strings."""

    BACKFIRE = "backfire"
    MOVED = "moved"
    ASSOCIATION_ONLY = "association only"
    TOO_LITTLE_DATA = "too little data"
    NO_DETECTABLE_CHANGE = "no detectable change"


def verdict(
    estimate: float,
    low: float,
    high: float,
    direction: str,
    smallest: float | None,
    minima_met: bool,
    diagnostics: Iterable[Diagnostic],
    design: str,
) -> Verdict:
    """Judge a change from its interval.

    Parameters
    ----------
    estimate, low, high : the change and its 95 % interval; NaN where nothing could be estimated.
    direction : 'up' or 'down', the intended one, set before the start.
    smallest : the smallest change that matters (delta), positive, on the scale of the estimate; None where none was set.
    minima_met : whether the design has the clusters, areas, periods and responses that it needs.
    diagnostics : what was checked; one failure turns 'moved' into 'association only'.
    design : one of `STRENGTHS`; 'before/after' is never more than 'association only'.

    Returns
    -------
    A `Verdict`. 'too little data' also where the interval holds 0 and a change of delta either way: whether a change that
    matters happened is then open. Both ends count as inside the interval.

    Raises
    ------
    BadInput : another direction, a delta that isn't positive, an unknown design, or an interval whose ends are swapped.

    """
    if direction not in ("up", "down"):
        raise BadInput(f"The direction '{direction}' is neither up nor down.", "Say which way the result should move.")
    if smallest is not None and not smallest > 0:
        raise BadInput(f"The smallest change that matters is {smallest}, not above 0.", "Give its size without a sign.")
    if not any(design in equals for equals in STRENGTHS):
        raise BadInput(f"There is no design '{design}'.", f"Known: {', '.join(name for equals in STRENGTHS for name in equals)}.")
    if low > high:
        raise BadInput(f"The interval {low} to {high} ends before it begins.", "Give its lower end first.")
    if any(math.isnan(figure) for figure in (estimate, low, high)):
        return Verdict.TOO_LITTLE_DATA
    # turned so that up is always the intended way
    worst, best = (low, high) if direction == "up" else (-high, -low)
    if best < 0:
        return Verdict.BACKFIRE
    if worst > 0 and minima_met:
        failed = any(diagnostic.passed is False for diagnostic in diagnostics)
        return Verdict.ASSOCIATION_ONLY if failed or design == BEFORE_AFTER else Verdict.MOVED
    if not minima_met or (smallest is not None and (best >= smallest or worst <= -smallest)):
        return Verdict.TOO_LITTLE_DATA
    return Verdict.NO_DETECTABLE_CHANGE


def strength_of(design: str) -> str:
    """Say in a few words how strong a design is. Raises BadInput for a design that isn't known."""
    for place, equals in enumerate(STRENGTHS, start=1):
        if design in equals:
            words = {1: "strongest", len(STRENGTHS): "weakest"}.get(place, f"number {place}")
            return f"{words} of {len(STRENGTHS)} kinds of design"
    raise BadInput(f"There is no design '{design}'.")
