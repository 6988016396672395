"""What evaluation hands out: a measured effect as pages, reports and the API show it, rebuilt from what was stored."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import pandas as pd

VERDICT_WORDS = {
    "backfire": "It moved the wrong way",
    "moved": "It moved",
    "association only": "It moved, but that is an association only",
    "too little data": "Too little data to tell",
    "no detectable change": "No detectable change",
}
"""Verdict → what pages and reports say."""


@dataclass(frozen=True)
class Diagnosis:
    """One diagnostic: 'pass', 'fail' or 'does not apply', and what was seen."""

    name: str
    outcome: str
    detail: str


@dataclass(frozen=True)
class EffectView:
    """One measurement of a message's effect, as stored.

    ``verdict`` is one of the five exact strings, ``headline`` what pages say for it. ``estimate``, ``low``, ``high`` are on
    the scale of the measure (0.14 is 14 points), None where nothing could be estimated. ``comparison`` sets the measured
    beside the expected effect; ``fixed_note`` is not empty where that was fixed after the start, and must be shown.
    So is ``provisional`` where the wave after had not ended yet; both also stand in ``sentences``.
    ``table`` has columns figure, value, low, high, n, n_effective, and no rows where nothing could be estimated.
    """

    id: int
    message_id: int
    measured_at: datetime
    design: str
    strength: str
    verdict: str
    measure: str
    estimate: float | None
    low: float | None
    high: float | None
    before_wave: str
    after_wave: str
    comparison: str
    provisional: str
    sentences: tuple[str, ...]
    other_areas: str
    context: tuple[str, ...]
    fixed_note: str
    diagnostics: tuple[Diagnosis, ...]
    table: pd.DataFrame = field(compare=False, repr=False)

    @property
    def headline(self) -> str:
        """The verdict in plain words, for pages and reports."""
        return VERDICT_WORDS[self.verdict]

    @property
    def in_short(self) -> str:
        """The verdict in a line, with what must not be left out where nothing else stands beside it."""
        notes = [note for note, said in (("provisional", self.provisional), ("fixed after the start", self.fixed_note)) if said]
        return f"{self.headline} ({', '.join(notes)})" if notes else self.headline
