"""Figures in plain words, the same on every page, in reports and on the command line.

Shares are 0 to 1 and are said in per cent; their differences are said in points; tone is said on its scale from -1 to 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from commsapp.listening.measuring import (
    ANSWER_SHARE,
    COMMENTS,
    EMOTION_SHARE,
    INSIDE,
    OF_PEOPLE,
    TONE,
    TOPIC_EMOTION,
    TOPIC_TONE,
    TOPIC_UNSURE,
    UNSURE_SHARE,
)
from commsapp.listening.views import Result

TONES = (TONE, TOPIC_TONE)


def day(moment: date) -> str:
    """'3 March 2026'."""
    return f"{moment.day} {moment:%B %Y}"


def number(value: float, places: int = 1, *, sign: bool = False) -> str:
    """A number without a needless '.0', with thousands separated; never '-0'."""
    rounded = round(value, places) + 0.0
    text = f"{rounded:+,.{places}f}" if sign and rounded else f"{rounded:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def level(measure: str, value: float) -> str:
    """A value of a measure: '38 %', '-0.21', '412'."""
    if measure in TONES:
        return number(value, 2, sign=True)
    return number(value, 0) if measure == COMMENTS else f"{number(100 * value, 0)} %"


def change(measure: str, difference: float, *, sign: bool = True) -> str:
    """A difference between two values of a measure: '+10 points', or '+0.12 on the scale of tone'."""
    if measure in TONES:
        return f"{number(difference, 2, sign=sign)} on the scale of tone"
    points = number(100 * difference, 1, sign=sign)
    return f"{points} point{'' if points.lstrip('+-') == '1' else 's'}"


def interval(measure: str, low: float, high: float) -> str:
    """The 95 % interval of a difference, in the unit that `change` names: '95 % interval 8 to 20'."""
    scale, places = (1, 2) if measure in TONES else (100, 1)
    ends = [number(scale * end, places, sign=end < 0) for end in (low, high)]
    return f"95 % interval {ends[0]} to {ends[1]}"


def between(measure: str, low: float, high: float) -> str:
    """The ends of a value's own interval: '17 to 23 %', '-0.36 to -0.28'."""
    first, last = level(measure, low), level(measure, high)
    return f"{first.removesuffix(' %')} to {last}"


def listed(names: Sequence[str]) -> str:
    """'Ash, Birch and Cedar'."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def counted(n: int, noun: str) -> str:
    """'1 reply', '1,412 replies'."""
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{n:,} {noun if n == 1 else plural}"


def split_item(item: str) -> tuple[str, str]:
    """Question and choice of an answer share's item: the way back from `measuring.answer_item`."""
    question, _, choice = item.rpartition(": ")
    return question, choice.replace(INSIDE, ": ")


def where(areas: Sequence[str], segment: str) -> str:
    """' in Ash and Birch (age = 16-24)', or nothing where all are meant."""
    return (f" in {listed(areas)}" if areas else "") + (f" ({segment})" if segment else "")


def subject(measure: str, item: str, areas: Sequence[str] = (), segment: str = "") -> str:
    """What is measured, as the subject of a sentence."""
    place = where(areas, segment)
    if measure == TONE:
        return f"the tone of the feedback{place}"
    if measure == TOPIC_TONE:
        return f"the tone of the feedback{place} on ‘{item}’"
    if measure == ANSWER_SHARE:
        question, choice = split_item(item)
        return f"the share{place} answering ‘{choice}’ to ‘{question}’"
    if measure in _SOUNDS:
        return f"the share of the feedback{place} {sounding(measure, item)}"
    return f"the share{place} speaking about ‘{item}’"


_SOUNDS = (EMOTION_SHARE, TOPIC_EMOTION, UNSURE_SHARE, TOPIC_UNSURE)


def sounding(measure: str, item: str) -> str:
    """What is heard in a share of the feedback: 'in which anger is heard', 'on ‘Dealers’ whose tone the model is not sure of'."""
    topic, emotion = split_item(item) if measure == TOPIC_EMOTION else (item, item)
    on = f"on ‘{topic}’ " if measure in (TOPIC_EMOTION, TOPIC_UNSURE) else ""
    if measure in (UNSURE_SHARE, TOPIC_UNSURE):
        return f"{on}whose tone the model is not sure of"
    return f"{on}in which {felt(emotion)} is heard"


def felt(emotion: str) -> str:
    """An emotion in a sentence: 'anger'; 'neutral' is none."""
    return "no emotion" if emotion == "neutral" else emotion


def result_sentence(result: Result) -> str:
    """One listening result as a sentence, with its n, its interval, and whether it is a share of people or of feedback."""
    when = f"In {result.wave}, " if result.wave else "Over all waves, "
    place = where((result.area,) if result.area else (), result.segment)
    if result.measure == COMMENTS:
        return f"{when}{counted(int(result.value), 'comment')} came in{place}."
    noun = "reply" if result.measure == ANSWER_SHARE else "response"
    sure = f"({counted(result.n, noun)}, 95 % interval {between(result.measure, result.low, result.high)})"
    of = "people" if result.chosen == OF_PEOPLE else "the feedback"
    value = level(result.measure, result.value)
    if result.measure in TONES:
        on = f" on ‘{result.item}’" if result.measure == TOPIC_TONE else ""
        return f"{when}the tone of the feedback{place}{on} was {value} on a scale from -1 to 1 {sure}."
    if result.measure == ANSWER_SHARE:
        question, choice = split_item(result.item)
        return f"{when}{value} of {of}{place} answered ‘{choice}’ to ‘{question}’ {sure}."
    if result.measure in _SOUNDS:
        return f"{when}{value} was the share of the feedback{place} {sounding(result.measure, result.item)} {sure}."
    return f"{when}{value} of {of}{place} {'spoke' if of == 'people' else 'was'} about ‘{result.item}’ {sure}."


def about(number: int) -> int:
    """A number of responses rounded up to two digits: more would pretend that a plan knows its base to the last person."""
    step: int = 10 ** max(0, len(str(number)) - 2)
    return -(-number // step) * step
