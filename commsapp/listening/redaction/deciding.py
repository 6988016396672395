"""Which words that the model marked are taken out: its probabilities, capitals, and words that are never names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from commsapp.listening.redaction.folding import WALL
from commsapp.listening.redaction.kinds import Kind, Span
from commsapp.listening.redaction.people import AMBIGUOUS, COMMON, NAMES, OTHER_LANGUAGES, TOWNS
from commsapp.listening.redaction.words import NEVER_NAMES, STREETS_OF_ALL
from commsapp.textmodels.names import Word

CAPITAL, FIRST, SMALL, SURE, LISTED, STREET = 0.2, 0.5, 0.6, 0.9, 0.05, 0.6
"""Least probability of a name: with a capital inside a sentence, with one at its beginning, without one, where the word is a
common one as well, for a listed name; and of a street. Chosen on evals/redaction/tuning.yaml."""

_BEGINS = re.compile(r"(?:^|[.!?:;•\n]|- )[\s\"'(\[“]*$")
_ENDING = re.compile(
    r".{2,}(?:ing|ed|ly|ness|tion|sion|ment|able|ible|ful|less|ous|ism|ist|ists|ers|ies|ity|ised|ized|n't|'ve|'re|'ll)$"
)


def spans(text: str, words: Sequence[Word], *, english: bool = True) -> list[Span]:
    """Names and streets among the words of a text that the model has read.

    ``english`` is False where the text is in another language: there the model's word is not enough for a small letter.
    """
    flat = text.isupper() or text.islower()
    found: list[Span] = []
    for word in words:
        kind = _kind(text, word, flat=flat, english=english)
        if kind is not None:
            found.append(Span(word.start, word.end, kind))
    return [span for span in _streets_whole(text, _grown(text, words, found)) if WALL not in text[span.start : span.end]]


def _kind(text: str, word: Word, *, flat: bool, english: bool) -> Kind | None:
    plain = text[word.start : word.end].removesuffix("'s")
    if word.street >= STREET and word.street >= word.name:
        return Kind.STREET
    small = plain.lower()
    if small in AMBIGUOUS:
        inside = plain[0].isupper() and not flat and not _BEGINS.search(text[max(0, word.start - 6) : word.start])
        return Kind.NAME if word.name >= (SMALL if inside else SURE) and word.name > word.place else None
    if small in NAMES:
        first = flat or _BEGINS.search(text[max(0, word.start - 6) : word.start]) is not None
        return Kind.NAME if word.name >= LISTED or (plain[0].isupper() and not first and word.place < CAPITAL) else None
    if small in NEVER_NAMES or small in TOWNS or small in COMMON or plain[0].isdigit() or len(plain) < 2:
        return None
    if not english and small in OTHER_LANGUAGES:
        return None
    return Kind.NAME if word.name >= _least(text, word, plain, flat=flat, english=english) and word.name > word.place else None


def _least(text: str, word: Word, plain: str, *, flat: bool, english: bool) -> float:
    """How probable a name must be, by how it is written."""
    if flat or not plain[0].isupper():
        certain = SURE if _ENDING.fullmatch(plain.lower()) else SMALL
        return certain if english else 1.1
    if plain.isupper() and len(plain) < 6:  # an abbreviation
        return SURE
    if _BEGINS.search(text[max(0, word.start - 6) : word.start]):
        return SURE if _ENDING.fullmatch(plain.lower()) else FIRST
    return CAPITAL


def _grown(text: str, words: Sequence[Word], found: list[Span]) -> list[Span]:
    """Names with what stands beside them and is written alike: 'Nguyen Thi Lan', where the model is sure of one word only."""
    names = {span.start: span for span in found}
    more: list[Span] = []
    for before, after in pairwise(words):
        if text[before.end : after.start] not in (" ", "-"):
            continue
        for sure, other in ((before, after), (after, before)):
            plain = text[other.start : other.end]
            if (
                sure.start in names
                and names[sure.start].kind is Kind.NAME
                and other.start not in names
                and _fits(text, sure, other)
            ):
                names[other.start] = Span(other.start, other.start + len(plain), Kind.NAME)
                more.append(names[other.start])
    return sorted([*found, *more])


def _fits(text: str, sure: Word, other: Word) -> bool:
    plain = text[other.start : other.end]
    small = plain.lower().removesuffix("'s")
    if (
        len(plain) < 2
        or small in NEVER_NAMES
        or small in COMMON
        or (small in AMBIGUOUS and not plain[0].isupper())
        or small in TOWNS
        or small in OTHER_LANGUAGES
    ):
        return False
    begins = _BEGINS.search(text[max(0, other.start - 6) : other.start]) is not None
    capital = plain[0].isupper() and text[sure.start].isupper() and not text.isupper() and not begins
    if capital:
        return other.place < 0.5 and not plain.isupper()
    return other.name >= CAPITAL and not _ENDING.fullmatch(small)


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
