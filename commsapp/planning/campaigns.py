"""Campaigns as planning hands them out, and what is said of them; no database in here."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, datetime

from commsapp.listening.measuring import ANSWER_SHARE, TONE, TOPIC_SHARE
from commsapp.listening.views import Result, Wave
from commsapp.planning import wording
from commsapp.statistics import change

MEASURES = (TOPIC_SHARE, ANSWER_SHARE, TONE)
"""Listening results that a message can be expected to move."""

MINIMUM_EACH_WAVE = 30
"""Effective responses that evaluation asks of each wave (a test holds the two together); a plan must not promise with fewer."""


@dataclass(frozen=True)
class Activity:
    """One message in one medium and area (empty: everywhere) between two dates at a cost, planned or as delivered."""

    id: int
    message_id: int
    medium: str
    area: str
    start: date
    end: date
    cost: float | None
    delivered: bool


@dataclass(frozen=True)
class ExpectedEffect:
    """What a message should move, kept as it was fixed.

    ``target_difference`` and ``smallest`` are sizes above 0 on the scale of the measure (0.1 is 10 points); ``direction``
    says which way. ``fixed_note`` is empty unless it was fixed after the start, which verdict pages must say.
    ``codebook_version`` names the codebook that a topic is of; empty for other measures.
    """

    id: int
    message_id: int
    measure: str
    item: str
    areas: tuple[str, ...]
    segment: str
    direction: str
    target_difference: float
    smallest: float | None
    by: date
    before_wave_id: int
    after_wave_id: int | None
    fixed_at: datetime
    fixed_note: str
    codebook_version: str = ""

    @property
    def fixed_late(self) -> bool:
        """Whether it was fixed after the campaign had started."""
        return bool(self.fixed_note)

    @property
    def sentence(self) -> str:
        """What is expected, in plain words."""
        what = wording.subject(self.measure, self.item, self.areas, self.segment)
        size = wording.change(self.measure, self.target_difference, sign=False)
        least = ""
        if self.smallest is not None:
            least = f" The smallest change that matters is {wording.change(self.measure, self.smallest, sign=False)}."
        return f"{what[0].upper()}{what[1:]} should go {self.direction} by {size} by {wording.day(self.by)}.{least}"


@dataclass(frozen=True)
class Message:
    """What is said, with the frozen listening result that it cites and what is expected of it."""

    id: int
    campaign_id: int
    text: str
    language: str
    behaviour: str
    segment: str
    cited: Result | None
    expected: ExpectedEffect | None
    activities: tuple[Activity, ...] = ()


@dataclass(frozen=True)
class Campaign:
    """A campaign with its objective and messages. No areas means everywhere."""

    id: int
    programme_id: int
    name: str
    approach: str
    playbook: str
    start: date
    end: date
    areas: tuple[str, ...]
    objective: str
    messages: tuple[Message, ...] = ()


@dataclass(frozen=True)
class CanShow:
    """What a sample of this size can show: the smallest change it finds four times in five (None: none at all)."""

    n: int
    n_effective: float
    base: float
    smallest: float | None
    wanted: float | None
    enough: int | None
    sentences: tuple[str, ...]


def suggest_objective(
    result: Result, *, direction: str = "", target_difference: float | None = None, by: date | None = None
) -> str:
    """Fill an objective in from a listening result: where it stands, and where it should go as far as that is known."""
    stands = wording.result_sentence(result)
    if direction not in ("up", "down"):
        return f"{stands} We want to change that."
    verb = {"up": "Raise it", "down": "Lower it"}[direction]
    size = "" if target_difference is None else f" by {wording.change(result.measure, abs(target_difference), sign=False)}"
    return f"{stands} {verb}{size}{f' by {wording.day(by)}' if by else ''}."


def begun(start: date, today: date) -> bool:
    """Whether a campaign has begun, so that what is expected of it would be fixed afterwards."""
    return today > start


def fixed_note(fixed_at: datetime, start: date, after: Wave | None) -> str:
    """Say it when an expected effect was fixed after the start, as when a past campaign is entered; else nothing."""
    fixed = fixed_at.date()
    if not begun(start, fixed):
        return ""
    seen = " Its outcome could already be known by then." if after is not None and fixed >= after.start else ""
    return f"The expected effect was fixed after the start: on {wording.day(fixed)}, the start was {wording.day(start)}.{seen}"


def can_show(result: Result, *, direction: str = "", target_difference: float | None = None) -> CanShow:
    """Say what two waves as large as this result's can show, and how many responses would be enough for more.

    Without a direction the less favourable one counts. Without a target the example is half of what can be seen.
    """
    noun = "reply" if result.measure == ANSWER_SHARE else "response"
    smallest = _smallest(result, direction)
    wanted = None if target_difference is None else abs(target_difference)
    if wanted is None and smallest is not None:
        step = 0.01
        wanted = max(step, math.floor(smallest / 2 / step) * step)
    enough = None if not wanted else _enough(result, wanted, direction)
    replies = wording.counted(result.n, noun)
    worth = round(result.n_effective)
    as_good_as = f" (worth {worth:,}, as some weigh more or answered again)" if worth < 0.95 * result.n else ""
    if smallest is None or result.n_effective < MINIMUM_EACH_WAVE:
        first = f"{replies} a wave{as_good_as} are too few: at least {MINIMUM_EACH_WAVE} that count in full are needed to tell."
    else:
        # rounded up, so that no more is promised than holds
        step = 0.01
        seen = wording.change(result.measure, math.ceil(smallest / step - 1e-9) * step, sign=False)
        first = f"{replies} a wave{as_good_as} can show a change of {seen} or more; smaller ones would be missed."
    sentences = [first]
    if enough is not None and wanted is not None:
        size = wording.change(result.measure, wanted, sign=False)
        if smallest is not None and wanted >= smallest and result.n_effective >= MINIMUM_EACH_WAVE:
            sentences.append(f"That is enough for the change of {size} that you aim at.")
        else:
            sentences.append(
                f"To see a change of {size}, about {wording.counted(wording.about(enough), noun)} in each wave would be enough."
            )
    return CanShow(result.n, result.n_effective, result.value, smallest, wanted, enough, tuple(sentences))


def _directions(direction: str) -> tuple[change.Direction, ...]:
    return ("up",) if direction == "up" else ("down",) if direction == "down" else ("up", "down")


def _spread(result: Result) -> float:
    # the standard deviation behind a 95 % interval of a mean
    return (result.high - result.low) / 2 / 1.96 * math.sqrt(result.n_effective)


def _smallest(result: Result, direction: str) -> float | None:
    n = result.n_effective
    if n < 2:
        return None
    if result.measure == TONE:
        return change.smallest_detectable_effect_size(n, n) * _spread(result)
    found = [change.smallest_detectable_change(result.value, n, n, direction=way) for way in _directions(direction)]
    seen = [size for size in found if size < change.UNSEEN]
    return max(seen) if seen else None


def _enough(result: Result, wanted: float, direction: str) -> int | None:
    deff = max(1.0, result.n / result.n_effective) if result.n_effective > 0 else 1.0
    least = math.ceil(MINIMUM_EACH_WAVE * deff)
    if result.measure == TONE:
        spread = _spread(result)
        # beyond 2 standard deviations the minimum is more than enough, and the approximation behind it breaks down
        return max(least, change.enough_n_for_effect_size(min(wanted / spread, 2.0), deff)) if spread > 0 else None
    found = [change.enough_n(result.value, wanted, deff, direction=way) for way in _directions(direction)]
    needed = [n for n in found if n is not None]
    return max(least, *needed) if needed else None
