"""Effect: the one result type of every evaluation method, as a table and as sentences that claim no more than the figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pandas as pd

from commsapp.errors import BadInput
from commsapp.evaluation.diagnostics import Diagnostic
from commsapp.evaluation.verdict import BEFORE_AFTER, Verdict
from commsapp.listening.measuring import OF_FEEDBACK, TONE
from commsapp.planning import wording
from commsapp.statistics.change import UNSEEN


@dataclass(frozen=True)
class Expected:
    """The expected effect of a message, fixed before the start.

    Parameters
    ----------
    direction : 'up' or 'down', the way the result should move.
    smallest : the smallest change that matters (delta), positive; None where none was set.
    target : the difference aimed at, positive, in the direction; None where none was set.
    by : the day by which it should have moved; None where none was set.

    Raises BadInput where the direction is another word or a size isn't above 0.

    """

    direction: str
    smallest: float | None = None
    target: float | None = None
    by: date | None = None

    def __post_init__(self) -> None:
        if self.direction not in ("up", "down"):
            raise BadInput(f"The direction '{self.direction}' is neither up nor down.", "Say which way the result should move.")
        for what, size in (("smallest change that matters", self.smallest), ("target difference", self.target)):
            if size is not None and not size > 0:
                raise BadInput(f"The {what} is {size}, not above 0.", "Give its size; the direction says which way.")


@dataclass(frozen=True)
class Effect:
    """A measured change of one listening result. Shares are fractions from 0 to 1, so 0.14 is 14 points; tone is -1 to 1.

    `estimate`, `low`, `high` are after minus before (or the design's equivalent) with a 95 % interval. `could_have_seen` is the
    change that would have been found four times in five, 1.0 (for tone 2.0) where none would; `enough` the responses that would
    have been needed in each wave, None where nobody said which change matters. `p_value` is one test's, not adjusted for others.
    """

    measure: str
    item: str
    area: str
    segment: str
    design: str
    estimate: float
    low: float
    high: float
    before: float
    after: float
    n_before: int
    n_after: int
    n_effective_before: float
    n_effective_after: float
    design_effect: float
    p_value: float
    diagnostics: tuple[Diagnostic, ...]
    verdict: Verdict
    direction: str
    smallest: float | None
    could_have_seen: float
    enough: int | None
    strength: str
    before_interval: tuple[float, float]
    after_interval: tuple[float, float]
    target: float | None = None
    by: date | None = None
    chosen: str = ""

    def table(self) -> pd.DataFrame:
        """One row per figure with columns figure, value, low, high, n, n_effective; on the scale of the effect."""
        rows = [
            ("before", self.before, *self.before_interval, self.n_before, self.n_effective_before),
            ("after", self.after, *self.after_interval, self.n_after, self.n_effective_after),
            (
                *("change", self.estimate, self.low, self.high, self.n_before + self.n_after),
                self.n_effective_before + self.n_effective_after,
            ),
        ]
        return pd.DataFrame(rows, columns=["figure", "value", "low", "high", "n", "n_effective"])

    def sentences(self) -> list[str]:
        """Plain words, in the order of the one-page result: figures, change, verdict, aim, diagnostics that failed."""
        if not self.n_before or not self.n_after:
            return [f"{self._subject} can't be compared: a wave has no response.", *self._verdict_sentences()]
        said = [
            f"{self._subject} was {self._level(self.before)} before ({wording.counted(self.n_before, 'response')}) "
            f"and {self._level(self.after)} after ({wording.counted(self.n_after, 'response')}).",
            f"It changed by {self._change(self.estimate)}; the 95 % interval runs from {self._change(self.low)} "
            f"to {self._change(self.high)}.",
            *self._verdict_sentences(),
        ]
        if self.target is not None:
            said.append(self._aim())
        failed = [diagnostic.detail for diagnostic in self.diagnostics if diagnostic.passed is False]
        said += [f"Take care: {detail}" for detail in failed]
        if self.chosen == OF_FEEDBACK:
            said.append("People chose themselves whether to speak, so these are shares of the feedback, not of people.")
        return said

    @property
    def _subject(self) -> str:
        words = wording.subject(self.measure, self.item, (self.area,) if self.area else (), self.segment)
        return words[0].upper() + words[1:]

    def _verdict_sentences(self) -> list[str]:
        alone = "Before and after alone can't tell the campaign from everything else that happened in that time."
        if self.verdict == Verdict.BACKFIRE:
            said = ["It moved the wrong way: the whole interval lies on the harmful side."]
        elif self.verdict == Verdict.MOVED:
            return ["It moved the intended way, and the design and its diagnostics support that the campaign had a part in it."]
        elif self.verdict == Verdict.ASSOCIATION_ONLY:
            said = [
                "It moved the intended way while the campaign ran; that is an association, not proof that the campaign did it."
            ]
        elif self.verdict == Verdict.TOO_LITTLE_DATA:
            return ["There is too little data to tell.", *self._what_would_do()]
        else:
            return ["No change could be detected.", self._what_was_visible()]
        return [*said, alone] if self.design == BEFORE_AFTER else said

    def _what_would_do(self) -> list[str]:
        wanted = self.smallest if self.smallest is not None else self.target
        if self.enough is None:
            return [self._what_was_visible()]
        if wanted is None:
            return [f"At least {self.enough:,} responses in each wave are needed to compare them at all."]
        return [
            f"About {wording.about(self.enough):,} responses in each wave would be enough for a change of {self._size(wanted)}."
        ]

    def _what_was_visible(self) -> str:
        if self.smallest is not None and -self.smallest < self.low and self.high < self.smallest:
            return f"Any change is smaller than {self._size(self.smallest)}, the smallest that matters."
        if self.could_have_seen >= (2 * UNSEEN if self.measure == TONE else UNSEEN):
            return "With so few responses even the largest possible change could have gone unseen."
        return f"A change of {self._size(self.could_have_seen)} or more would have been seen four times in five."

    def _aim(self) -> str:
        assert self.target is not None
        aim = self.target if self.direction == "up" else -self.target
        by = f" by {wording.day(self.by)}" if self.by else ""
        if self.low <= aim <= self.high:
            fits = "the interval holds it, so it may or may not have been reached"
        elif (self.low > aim) == (self.direction == "up"):
            fits = "the change is larger than that"
        else:
            fits = "the change falls short of it"
        return f"The aim was {self._change(aim)}{by}: {fits}."

    def _level(self, value: float) -> str:
        # one more place than elsewhere, so that the two levels and their difference agree
        return wording.level(TONE, value) if self.measure == TONE else f"{wording.number(100 * value)} %"

    def _change(self, value: float, *, sign: bool = True) -> str:
        return wording.change(self.measure, value, sign=sign)

    def _size(self, value: float) -> str:
        return self._change(value, sign=False)
