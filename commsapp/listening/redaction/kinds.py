"""What can be taken out of a text, what stands in its place, and what the coding models read there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What was taken out; its value stands in square brackets in its place."""

    PHONE = "phone number"
    POSTCODE = "postcode"
    NATIONAL_INSURANCE = "National Insurance number"
    NHS = "NHS number"
    PLATE = "number plate"
    SORT_CODE = "sort code"
    ACCOUNT = "bank account"
    CARD = "card number"
    EMAIL = "e-mail address"
    WEB = "web address"
    HANDLE = "social media name"
    BIRTH = "date of birth"
    PASSPORT = "passport number"
    LICENCE = "driving licence number"
    IP = "IP address"
    NUMBER = "long number"
    NAME = "name"
    STREET = "street"


@dataclass(frozen=True, order=True)
class Span:
    """A piece of a text, from ``start`` up to ``end`` (not included), and what it is."""

    start: int
    end: int
    kind: Kind


MARK = re.compile(r"\[(?:" + "|".join(re.escape(kind) for kind in Kind) + r")\]")
"""What stands in place of something that was taken out."""

REASON_IN_WORDS = "Something else"
REASONS = (
    "Somebody may be at risk",
    "The meaning is not clear without it",
    "To check what was taken out",
    "To answer the person",
    REASON_IN_WORDS,
)
"""Why somebody reads what was taken out; the last one needs words of its own."""

# What the coding models read there. The sentiment model learned from tweets whose names of people were '@user' and whose links
# were 'http'; what never stood in its texts is left out, which moved least (evals, docs/accuracy.md).
_FOR_MODELS = {Kind.HANDLE: "@user", Kind.WEB: "http"}


def mark(kind: Kind) -> str:
    """What stands in a text in place of something of a kind."""
    return f"[{kind}]"


def has_marks(text: str) -> bool:
    """Whether something was taken out of a text."""
    return MARK.search(text) is not None


def for_models(text: str) -> str:
    """A redacted text as the coding models read it, without our words for what was taken out."""
    return MARK.sub(lambda found: _FOR_MODELS.get(Kind(found[0][1:-1]), ""), text)


def apply(text: str, spans: Iterable[Span]) -> str:
    """Put marks in place of spans of a text; where spans overlap, their union has the kind of the one that begins first."""
    parts: list[str] = []
    done = 0
    for span in joined(spans):
        parts += [text[done : span.start], mark(span.kind)]
        done = span.end
    return "".join([*parts, text[done:]])


def joined(spans: Iterable[Span]) -> list[Span]:
    """Spans in their order, overlapping ones as one; of two that begin together, the longer gives the kind."""
    found: list[Span] = []
    for span in sorted(spans, key=lambda one: (one.start, -one.end)):
        if found and span.start < found[-1].end:
            if span.end > found[-1].end:
                found[-1] = Span(found[-1].start, span.end, found[-1].kind)
        else:
            found.append(span)
    return found
