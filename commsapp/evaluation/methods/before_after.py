"""Before and after: the difference of one listening result between two waves, without a comparison group.

The weakest design: whatever else happened in that time is in the difference too, so it never earns 'moved' or 'caused'.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from scipy.special import ndtr, stdtr

from commsapp.errors import BadInput
from commsapp.evaluation.diagnostics import Diagnostic, enough_in_each_wave, not_applicable, sample_composition
from commsapp.evaluation.effect import Effect, Expected
from commsapp.evaluation.verdict import BEFORE_AFTER, strength_of, verdict
from commsapp.listening.measuring import ANSWER_SHARE, ATTRIBUTE, CHANNEL, TONE, how_chosen
from commsapp.statistics.change import (
    UNSEEN,
    Direction,
    enough_n,
    enough_n_for_effect_size,
    smallest_detectable_change,
    smallest_detectable_effect_size,
)
from commsapp.statistics.intervals import (
    difference_of_means,
    difference_of_shares,
    mean_intervals,
    share_interval,
    weighted_moments,
)

MINIMUM_EACH_WAVE = 30
"""Effective responses that each wave must have; fewer can be a handful of loud people."""

Moments = tuple[float, float, float]
"""Weighted mean, variance of single values, effective n."""

_COMPOSITION = ("area", "channel")
_OTHER_DIAGNOSTICS = {
    "pre-trend": "This design compares two waves and looks at none before them.",
    "placebo date": "This design compares two waves and looks at none before them.",
    "placebo outcome": "This design compares one outcome.",
    "placebo areas": "This design doesn't use other areas; where there are some, their change stands beside it.",
    "fit before the start": "No model is fitted.",
    "leave one out": "There are no donor areas to leave out.",
    "residual autocorrelation": "Two waves are no series.",
    "sample-ratio mismatch": "Nobody was assigned to a message by chance.",
}


def before_after(
    before: pd.DataFrame,
    after: pd.DataFrame,
    *,
    outcome: str,
    expected: Expected,
    measure: str = ANSWER_SHARE,
    item: str = "",
    area: str = "",
    segment: str = "",
    weights: str | None = "weight",
    clusters: str | None = "respondent",
) -> Effect:
    """Measure how a share or the mean tone changed between two waves.

    Parameters
    ----------
    before, after : one row per response (or per comment, then with response_id) of each wave, already cut down to the areas and
        the segment in question. Columns area, channel and 'attribute:<name>', where both have them, are compared in the
        diagnostics; 'chosen' names the result.
    outcome : column with 0 or 1 (False or True) for shares, -1 to 1 where `measure` is 'tone'; rows without it are left out.
    expected : direction, smallest change that matters, target; fixed before the start.
    measure, item, area, segment : what the result is called.
    weights, clusters : columns with the survey weight and the person ('' or missing: answered once); columns that are not
        there count as 'all alike' and 'all different'.

    Returns
    -------
    Effect with design 'before/after': at most 'association only'. The waves are taken as independent; where the same people
    answered in both, the interval is wider than it need be. An empty wave gives NaN and 'too little data'.

    Raises
    ------
    BadInput : no such outcome column, values outside its scale, or a bad weight.

    """
    tone = measure == TONE
    before, after = (_usable(frame, outcome, tone) for frame in (before, after))
    first, second = (_moments(frame, outcome, weights, clusters) for frame in (before, after))
    diagnostics = _diagnostics(before, after, first[2], second[2])
    n_before, n_after = _responses(before), _responses(after)
    n_effective = first[2] + second[2]
    deff = max(1.0, (n_before + n_after) / n_effective) if n_effective > 0 else 1.0
    estimate, low, high, p_value = _difference(first, second, tone)
    could_have_seen, enough = _power(first, second, tone, deff, expected)
    minima_met = min(first[2], second[2]) >= MINIMUM_EACH_WAVE
    judged = verdict(estimate, low, high, expected.direction, expected.smallest, minima_met, diagnostics, BEFORE_AFTER)
    return Effect(
        *(measure, item, area, segment, BEFORE_AFTER, estimate, low, high),
        before=first[0] if first[2] else math.nan,
        after=second[0] if second[2] else math.nan,
        n_before=n_before,
        n_after=n_after,
        n_effective_before=first[2],
        n_effective_after=second[2],
        design_effect=deff,
        p_value=p_value,
        diagnostics=diagnostics,
        verdict=judged,
        direction=expected.direction,
        smallest=expected.smallest,
        could_have_seen=could_have_seen,
        enough=enough,
        strength=strength_of(BEFORE_AFTER),
        before_interval=_interval(first, tone),
        after_interval=_interval(second, tone),
        target=expected.target,
        by=expected.by,
        chosen=how_chosen(pd.concat([before["chosen"], after["chosen"]])) if "chosen" in before and "chosen" in after else "",
    )


def _diagnostics(before: pd.DataFrame, after: pd.DataFrame, n_before: float, n_after: float) -> tuple[Diagnostic, ...]:
    # the channel stands among the attributes too, and is compared once
    attributes = tuple(str(name) for name in before.columns if str(name).startswith(ATTRIBUTE) and name != ATTRIBUTE + CHANNEL)
    worth = (n_before + n_after) / max(1, len(before) + len(after))
    return (
        enough_in_each_wave(n_before, n_after, MINIMUM_EACH_WAVE),
        sample_composition(before, after, (*_COMPOSITION, *attributes), worth=worth),
        *(not_applicable(name, why) for name, why in _OTHER_DIAGNOSTICS.items()),
    )


def _usable(frame: pd.DataFrame, outcome: str, tone: bool) -> pd.DataFrame:
    if outcome not in frame:
        raise BadInput(f"There is no column '{outcome}' to compare.", "Name the column that holds the outcome.")
    kept = frame[frame[outcome].notna()]
    try:
        values = kept[outcome].to_numpy(dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise BadInput(f"The outcome '{outcome}' holds words.", "Turn it into 0 and 1 first.") from error
    fits = np.abs(values) <= 1 if tone else np.isin(values, (0, 1))
    if not fits.all():
        raise BadInput(
            f"The outcome '{outcome}' holds {values[~fits][0]:g}.",
            "A tone runs from -1 to 1." if tone else "A share is made of 0 and 1.",
        )
    return kept.assign(**{outcome: values})


def _moments(frame: pd.DataFrame, outcome: str, weights: str | None, clusters: str | None) -> Moments:
    weight = frame[weights] if weights is not None and weights in frame else np.ones(len(frame))
    return weighted_moments(frame[outcome], weight, _people(frame, clusters))


def _people(frame: pd.DataFrame, clusters: str | None) -> pd.Series | None:
    """Tell who is behind each row: the person, else the response (one response can hold several comments), else nobody knows."""
    people = "1:" + frame["response_id"].astype(str) if "response_id" in frame else None
    if clusters is None or clusters not in frame:
        return people
    key = frame[clusters].astype(object).where(frame[clusters].notna(), "").astype(str)
    return ("r:" + key).where(key != "", people)


def _responses(frame: pd.DataFrame) -> int:
    return int(frame["response_id"].nunique()) if "response_id" in frame else len(frame)


def _difference(first: Moments, second: Moments, tone: bool) -> tuple[float, float, float, float]:
    """After minus before with its interval and two-sided p; NaN where one wave is empty."""
    (mean_1, var_1, n_1), (mean_2, var_2, n_2) = first, second
    if not n_1 or not n_2:
        return math.nan, math.nan, math.nan, math.nan
    change = mean_2 - mean_1
    if not tone:
        # rounding may leave a weighted share a hair outside 0 to 1
        share_1, share_2 = (min(max(mean, 0.0), 1.0) for mean in (mean_1, mean_2))
        pooled = (share_1 * n_1 + share_2 * n_2) / (n_1 + n_2)
        error = math.sqrt(pooled * (1 - pooled) * (1 / n_1 + 1 / n_2))
        p_value = 2 * float(ndtr(-abs(change) / error)) if error > 0 else 1.0
        return change, *difference_of_shares(share_2, n_2, share_1, n_1), p_value
    low, high = difference_of_means(second, first)
    error = math.sqrt(var_1 / n_1 + var_2 / n_2)
    usable = min(n_1, n_2) >= 2 and error > 0
    return change, low, high, 2 * float(stdtr(min(n_1, n_2) - 1, -abs(change) / error)) if usable else 1.0


def _power(first: Moments, second: Moments, tone: bool, deff: float, expected: Expected) -> tuple[float, int | None]:
    """Which change could have been seen, and how many responses would be enough for the one that matters (else the target).

    Where nobody said which change matters, enough is what the design's minimum asks for, if that was missed.
    """
    (base, var_1, n_1), (_, var_2, n_2) = first, second
    wanted = expected.smallest if expected.smallest is not None else expected.target
    minimum = math.ceil(MINIMUM_EACH_WAVE * deff)
    known = min(n_1, n_2) >= 2
    needed: int | None
    if tone:
        spread = math.sqrt((var_1 + var_2) / 2)
        seen = smallest_detectable_effect_size(n_1, n_2) * spread if known else 2 * UNSEEN
        needed = enough_n_for_effect_size(wanted / spread, deff) if wanted and spread > 0 else None
    else:
        # half is the share that needs most responses: the cautious guess where nobody answered before
        base = min(max(base, 0.0), 1.0) if n_1 else 0.5
        way: Direction = "up" if expected.direction == "up" else "down"
        seen = smallest_detectable_change(base, n_1, n_2, direction=way)
        needed = enough_n(base, wanted, deff, direction=way) if wanted else None
    if needed is None:
        return seen, minimum if min(n_1, n_2) < MINIMUM_EACH_WAVE else None
    return seen, max(needed, minimum)


def _interval(moments: Moments, tone: bool) -> tuple[float, float]:
    """Interval of one wave's own figure."""
    if not tone:
        return share_interval(min(max(moments[0], 0.0), 1.0), moments[2])
    low, high = mean_intervals([moments[0]], [moments[1]], [moments[2]])
    return float(low[0]), float(high[0])
