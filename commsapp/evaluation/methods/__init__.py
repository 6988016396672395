"""Evaluation methods: one file each, one entry in `METHODS`, one test that recovers a known effect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from commsapp.evaluation.effect import Effect
from commsapp.evaluation.methods.before_after import before_after
from commsapp.evaluation.verdict import BEFORE_AFTER


@dataclass(frozen=True)
class Method:
    """A way to measure an effect: its design, what it compares, what it must have, what it can say at most, and the function."""

    design: str
    compares: str
    minima: str
    at_most: str
    measure: Callable[..., Effect]


METHODS: dict[str, Method] = {
    BEFORE_AFTER: Method(
        design=BEFORE_AFTER,
        compares="the same listening result in a wave before the start and in one after it",
        minima="30 effective responses in each wave",
        at_most="association only",
        measure=before_after,
    ),
}
"""Method by design."""
