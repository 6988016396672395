"""Which words that the model marked are taken out: its probabilities, capitals, and words that are never names."""

from __future__ import annotations

import re
from collections.abc import Sequence

from commsapp.listening.redaction.folding import WALL
from commsapp.listening.redaction.kinds import Kind, Span
from commsapp.listening.redaction.words import NEVER_NAMES, STREETS_OF_ALL
from commsapp.textmodels.names import Word

CAPITAL, SMALL, STREET = 0.4, 0.6, 0.6
"""Least probability of a name with a capital, of one without, and of a street; chosen on evals/redaction/tuning.yaml."""


def spans(text: str, words: Sequence[Word]) -> list[Span]:
    """Names and streets among the words of a text that the model has read."""
    shouting = text.isupper()
    found: list[Span] = []
    for word in words:
        kind = _kind(text[word.start : word.end], word, shouting)
        if kind is not None:
            found.append(Span(word.start, word.end, kind))
    return [span for span in _streets_whole(text, found) if WALL not in text[span.start : span.end]]


def _kind(written: str, word: Word, shouting: bool) -> Kind | None:
    plain = written.removesuffix("'s")
    if word.street >= STREET and word.street >= word.name:
        return Kind.STREET
    if plain.lower() in NEVER_NAMES or plain[0].isdigit() or len(plain) < 2:
        return None
    capital = plain[0].isupper() and not shouting
    if word.name >= (CAPITAL if capital else SMALL) and word.name > word.place:
        return Kind.NAME
    return None


_TYPE = re.compile(
    r"(?:road|rd|street|lane|ln|avenue|ave|close|drive|grove|crescent|terrace|mews|gardens|walk|court|place|square|way|stryd|heol|ffordd|ulica|ulicy)\b",
    re.IGNORECASE,
)


def _streets_whole(text: str, found: list[Span]) -> list[Span]:
    """Join the words of one street, and keep as a street only what has more to it than 'high' or a number alone."""
    kept: list[Span] = []
    run: list[Span] = []
    for span in [*found, None]:
        if (
            span is not None
            and span.kind is Kind.STREET
            and (not run or re.fullmatch(r"[ ,.'-]{0,2}", text[run[-1].end : span.start]))
        ):
            run.append(span)
            continue
        kept += _street(text, run)
        run = [span] if span is not None and span.kind is Kind.STREET else []
        if span is not None and span.kind is not Kind.STREET:
            kept.append(span)
    return kept


def _street(text: str, run: list[Span]) -> list[Span]:
    if not run:
        return []
    whole = Span(run[0].start, run[-1].end, Kind.STREET)
    words = re.findall(r"[^\W\d_]+", text[whole.start : whole.end].lower())
    naming = [
        word for word in words if not _TYPE.fullmatch(word) and word not in STREETS_OF_ALL and word not in NEVER_NAMES - {"st"}
    ]
    typed = _TYPE.search(text[whole.start : whole.end + 12])
    return [whole] if naming and typed else []


_BETWEEN_NAMES = re.compile(r"[ '.-]{1,2}|")


def together(text: str, found: Sequence[Span]) -> list[Span]:
    """Spans in their order, with the words of one name as one and without the 's of a name."""
    joined: list[Span] = []
    for span in sorted(found, key=lambda one: (one.start, -one.end)):
        end = span.end - 2 if span.kind is Kind.NAME and text[span.start : span.end].endswith("'s") else span.end
        last = joined[-1] if joined else None
        if last is not None and span.start < last.end:
            joined[-1] = Span(last.start, max(end, last.end), Kind.STREET if Kind.STREET in (last.kind, span.kind) else last.kind)
        elif last is not None and last.kind is span.kind and _BETWEEN_NAMES.fullmatch(text[last.end : span.start]):
            joined[-1] = Span(last.start, end, span.kind)
        else:
            joined.append(Span(span.start, end, span.kind))
    return joined
