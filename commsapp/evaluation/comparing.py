"""Measure one message's effect from records: choose the waves, run the method, say what else was going on. No database."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from commsapp.actor import HandlingLevel
from commsapp.evaluation.effect import Effect, Expected
from commsapp.evaluation.methods import METHODS
from commsapp.evaluation.outcomes import OUTCOME, Outcomes, of_areas, of_other_areas, of_wave, outcomes
from commsapp.evaluation.verdict import BEFORE_AFTER, Verdict, strength_of
from commsapp.listening.languages import reason
from commsapp.listening.measuring import ANSWER_SHARE, FEW
from commsapp.listening.views import ContextEvent, Records, Wave
from commsapp.planning import wording
from commsapp.planning.campaigns import Campaign, ExpectedEffect

Detail = dict[str, Any]
"""What is stored of a measurement, as JSON: the fields of `EffectView` beside those that have columns of their own."""


@dataclass(frozen=True)
class Question:
    """All that measuring needs, read beforehand so that nothing is read while it computes.

    ``compared_with`` is the wave after of an earlier measurement, '' where there was none. ``topic`` is the number of the topic
    that should move, and ``followed`` says what became of it since that was fixed.
    """

    expected: ExpectedEffect
    campaign: Campaign
    records: Records
    waves: tuple[Wave, ...]
    context_events: tuple[ContextEvent, ...]
    today: date
    compared_with: str = ""
    topic: int | None = None
    followed: str = ""


@dataclass(frozen=True)
class Measurement:
    """What came out, ready to be stored."""

    design: str
    estimate: float | None
    low: float | None
    high: float | None
    verdict: str
    detail: Detail


def measured(question: Question) -> Measurement:
    """Measure before against after; without a wave after, or without responses in one, say what to do instead."""
    expected = question.expected
    before = next(wave for wave in question.waves if wave.id == expected.before_wave_id)
    after = next((wave for wave in question.waves if question.compared_with and wave.name == question.compared_with), None)
    after = after or wave_after(expected, before, question.campaign, question.waves)
    if after is None:
        why = f"There is no wave that ends on or after {wording.day(expected.by)}, so there is nothing to compare with."
        return _nothing(question, before, None, why)
    heard = outcomes(
        question.records, measure=expected.measure, item=expected.item, segment=expected.segment, topic=question.topic
    )
    heard = without_few(heard, expected.areas, (before, after))
    here = of_areas(heard.table, expected.areas)
    first, second = of_wave(here, before), of_wave(here, after)
    for wave, rows in ((before, first), (after, second)):
        if rows.empty:
            place = wording.where(expected.areas, expected.segment)
            return _nothing(question, before, after, f"Nothing that could be measured was heard{place} in {wave.name}.")
    effect = _effect(first, second, expected)
    return _told(question, effect, heard, before, after)


def without_few(heard: Outcomes, areas: Sequence[str], waves: Sequence[Wave]) -> Outcomes:
    """Leave out responses above open where fewer than `FEW` of them are in one of the figures.

    Everybody who may see the campaign reads its effect. Who may read the open responses could take what those said away from
    the figure, and would be left with what a handful of people said in confidence. Nothing says that they were left out: that
    would tell that there are some, of whatever wave and segment somebody asks about.
    """
    if "handling_level" not in heard.table:
        return heard
    above = heard.table["handling_level"] != HandlingLevel.OPEN
    rest = heard.table[above]
    parts = [of_wave(part, wave) for part in (of_areas(rest, areas), of_other_areas(rest, areas)) for wave in waves]
    if not any(0 < len(part) < FEW for part in parts):
        return heard
    return Outcomes(heard.table[~above], heard.not_coded)


def numbered(detail: Detail, number: int) -> Detail:
    """The same detail, saying which measurement of the effect it is where it isn't the first: looking often finds more."""
    if number < 2:
        return detail
    early = len(_if_any(detail["provisional"]))  # that it was taken early is said before anything else
    said = [*detail["sentences"][:early], f"Measurement {number} of this effect.", *detail["sentences"][early:]]
    return {**detail, "sentences": said}


def wave_after(expected: ExpectedEffect, before: Wave, campaign: Campaign, waves: Sequence[Wave]) -> Wave | None:
    """Give the wave that was fixed, else the first that ends on or after the day by which the result should have moved."""
    if expected.after_wave_id is not None:
        return next((wave for wave in waves if wave.id == expected.after_wave_id), None)
    later = [w for w in waves if w.end >= expected.by and w.start > before.end and w.start >= campaign.start]
    return min(later, key=lambda wave: (wave.end, wave.start), default=None)


def _effect(first: pd.DataFrame, second: pd.DataFrame, expected: ExpectedEffect) -> Effect:
    return METHODS[BEFORE_AFTER].measure(
        first,
        second,
        outcome=OUTCOME,
        expected=Expected(expected.direction, expected.smallest, expected.target_difference, expected.by),
        measure=expected.measure,
        item=expected.item,
        area=wording.listed(expected.areas) if expected.areas else "",
        segment=expected.segment,
        weights="weight",
        clusters="respondent",
    )


def _told(question: Question, effect: Effect, heard: Outcomes, before: Wave, after: Wave) -> Measurement:
    expected = question.expected
    left_out = _left_out(of_areas(heard.not_coded, expected.areas), (before, after))
    provisional = _provisional(question, after)
    found = {name: _finite(getattr(effect, name)) for name in ("estimate", "low", "high")}
    return Measurement(
        design=effect.design,
        verdict=str(effect.verdict),
        **found,
        detail={
            "measure": expected.measure,
            "strength": effect.strength,
            "before_wave": before.name,
            "after_wave": after.name,
            "comparison": comparison(expected, effect),
            "provisional": provisional,
            "sentences": [
                *_if_any(provisional),
                *_if_any(question.followed),
                *effect.sentences(),
                *left_out,
                *_if_any(expected.fixed_note),
            ],
            "other_areas": _other_areas(heard.table, expected, before, after),
            "context": _context(question, before, after),
            "fixed_note": expected.fixed_note,
            "diagnostics": [
                {"name": check.name, "outcome": check.outcome, "detail": check.detail} for check in effect.diagnostics
            ],
            "table": [{name: _finite(value) for name, value in row.items()} for row in effect.table().to_dict("records")],
        },
    )


def _nothing(question: Question, before: Wave, after: Wave | None, why: str) -> Measurement:
    expected = question.expected
    where = wording.where(expected.areas, expected.segment)
    asked = f"{'Ask the same question' if expected.measure == ANSWER_SHARE else 'Listen in the same channels'}{where}"
    cure = f"{asked} in a wave that ends on or after {wording.day(expected.by)}, import what was heard, then measure again."
    aim = wording.change(expected.measure, _signed(expected))
    provisional = _provisional(question, after)
    return Measurement(
        design=BEFORE_AFTER,
        estimate=None,
        low=None,
        high=None,
        verdict=str(Verdict.TOO_LITTLE_DATA),
        detail={
            "measure": expected.measure,
            "strength": strength_of(BEFORE_AFTER),
            "before_wave": before.name,
            "after_wave": "" if after is None else after.name,
            "comparison": f"Expected {aim} by {wording.day(expected.by)}; not measured yet.",
            "provisional": provisional,
            "sentences": [*_if_any(provisional), why, cure, *_if_any(expected.fixed_note)],
            "other_areas": "",
            "context": [] if after is None else _context(question, before, after),
            "fixed_note": expected.fixed_note,
            "diagnostics": [],
            "table": [],
        },
    )


def _provisional(question: Question, after: Wave | None) -> str:
    """Say it when the verdict is taken early: more may still be heard in the wave after."""
    if after is None or after.end < question.today:
        return ""
    ends = wording.day(after.end)
    return f"The wave after ends on {ends}: this is provisional, and looking often finds changes that aren't there."


def _if_any(sentence: str) -> list[str]:
    return [sentence] if sentence else []


def comparison(expected: ExpectedEffect, effect: Effect) -> str:
    """'Expected +10 points by 28 February 2026, measured +14 points (95 % interval 8 to 20).'."""
    return (
        f"Expected {wording.change(expected.measure, _signed(expected))} by {wording.day(expected.by)}, measured "
        f"{wording.change(expected.measure, effect.estimate)} ({wording.interval(expected.measure, effect.low, effect.high)})."
    )


def _other_areas(table: pd.DataFrame, expected: ExpectedEffect, before: Wave, after: Wave) -> str:
    """What the other areas did meanwhile, as a side note: it is shown, not subtracted."""
    elsewhere = of_other_areas(table, expected.areas)
    first, second = of_wave(elsewhere, before), of_wave(elsewhere, after)
    if first.empty or second.empty:
        return ""
    effect = _effect(first, second, expected)
    if min(effect.n_before, effect.n_after) < FEW:
        return ""
    names = sorted(set(first["area"]) | set(second["area"]))
    places = f"the other {len(names)} areas" if len(names) > 1 else names[0]
    start, end = (wording.level(expected.measure, value) for value in (effect.before, effect.after))
    sure = wording.interval(expected.measure, effect.low, effect.high)
    return (
        f"Over the same time it went from {start} to {end} in {places}: {wording.change(expected.measure, effect.estimate)} "
        f"({sure}; {effect.n_before:,} responses before, {effect.n_after:,} after). This is a side note: "
        "the measured change is not adjusted for it."
    )


def _context(question: Question, before: Wave, after: Wave) -> list[str]:
    """Context events from the start of the wave before to the end of the wave after that touch the areas in question."""
    said = []
    for event in question.context_events:
        here = not event.areas or not question.expected.areas or set(event.areas) & set(question.expected.areas)
        if here and event.start <= after.end and event.end >= before.start:
            days = wording.day(event.start)
            days += f" to {wording.day(event.end)}" if event.end != event.start else ""
            said.append(f"{event.name}{wording.where(event.areas, '')}, {days}")
    return said


def _left_out(not_coded: pd.DataFrame, waves: Sequence[Wave]) -> list[str]:
    one = "comment_id" if "comment_id" in not_coded else "response_id"
    rows = pd.concat([of_wave(not_coded, wave) for wave in waves]).drop_duplicates(one)
    if "handling_level" in rows and 0 < (above := rows["handling_level"] != HandlingLevel.OPEN).sum() < FEW:
        rows = rows[~above]  # that a few people of a place said something in confidence is itself nobody else's business
    if rows.empty:
        return []
    reasons = rows["not_coded_reason"].value_counts()
    said = "; ".join(f"{reason(str(why))}: {count:,}" for why, count in reasons.items())
    if one == "comment_id":
        return [f"{wording.counted(len(rows), 'comment')} of these waves could not be coded and are left out ({said})."]
    return [f"{wording.counted(len(rows), 'response')} of these waves gave no answer that counts and are left out ({said})."]


def _signed(expected: ExpectedEffect) -> float:
    return expected.target_difference if expected.direction == "up" else -expected.target_difference


def _finite(value: Any) -> Any:
    """NaN is no JSON, and PostgreSQL refuses it."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
