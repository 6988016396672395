"""Numbers that belong to one person, told apart by how many digits there are, how they begin, check digits and words around.

One pass finds runs of digits; neighbours that stand close are tried together, at most `_MOST_GROUPS` of them, so the time grows
with the length of the text only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from commsapp.listening.redaction.kinds import Kind, Span

_GROUP = re.compile(r"[0-9]+")
_GAP = re.compile(r"(?: ?[-./] ?| ?\) ?-? ?| ?\( ?| {0,3}|, )")
_MOST_GROUPS = 14
_MOST_DIGITS = 19
_BEFORE = 45
_PART_OF_WORD = re.compile(r"[\w#]")
_CURRENCY = "£$€"
_LONG = 10
"""So many digits are a number of somebody even where letters stick to them: 'tel07700900123'."""

_SAYS_BANK = re.compile(r"\b(?:sort ?codes?|s/c|account|acc(?:t|ount)?|a/c|bank(?:ed)?|pay(?:ing|ment)?s?|iban)\b", re.IGNORECASE)
_SAYS_ACCOUNT = re.compile(r"\b(?:accounts?|acct?|a/c|acc no)\b(?![^0-9]{0,40}\b(?:sort|holders?)\b)", re.IGNORECASE)
_SAYS_CARD = re.compile(r"\b(?:card|visa|mastercard|debit|credit)\b", re.IGNORECASE)
_SAYS_NHS = re.compile(r"\bnhs\b", re.IGNORECASE)
_SAYS_PASSPORT = re.compile(r"\bpass ?ports?\b", re.IGNORECASE)
_SAYS_PHONE = re.compile(
    r"\b(?:phone|phoned|tel(?:ephone)?|mob(?:ile)?|ring|rang|call(?:ed)?|text(?:ed)?|whats ?app|number|landline|fax|ffoni\w*|rhif"
    r"|telefon\w*|numer\w*|zadzwo\w*|contact|reach)\b",
    re.IGNORECASE,
)
_NOT_A_PHONE = re.compile(r"\b(?:ref(?:erence)?|crime|log|order|case|invoice|incident)\b[^0-9]{0,25}$", re.IGNORECASE)
_WORDS = r"(?:zero|oh|o|nought|one|two|three|four|five|six|seven|eight|nine|double|treble|triple)"
_SPOKEN = re.compile(rf"(?<!\w){_WORDS}(?:[ ,.-]{{1,3}}{_WORDS}){{6,30}}(?!\w)", re.IGNORECASE)


@dataclass(frozen=True)
class _Run:
    """Digits that stand together or close, as one number might be written."""

    start: int
    end: int
    digits: str
    sizes: tuple[int, ...]
    gaps: tuple[str, ...]
    plus: bool
    before: str
    after: str

    @property
    def shape(self) -> tuple[str, ...]:
        return tuple(gap.strip() for gap in self.gaps)


def find(text: str) -> list[Span]:
    """Spans of numbers in a folded text."""
    found = [Span(m.start(), m.end(), Kind.PHONE) for m in _SPOKEN.finditer(text)]
    groups = [(m.start(), m.end()) for m in _GROUP.finditer(text)]
    at = 0
    while at < len(groups):
        best = next((one for one in _tried(text, groups, at) if one is not None), None)
        if best is None:
            at += 1
            continue
        kind, run, used = best
        found.append(Span(run.start, run.end, kind))
        at += used
    return found


def _tried(text: str, groups: list[tuple[int, int]], at: int) -> Iterator[tuple[Kind, _Run, int] | None]:
    """What the longest, then shorter runs beginning with a group may be."""
    for run, used in reversed(list(_runs(text, groups, at))):
        kind = _kind(run)
        yield None if kind is None else (kind, run, used)


def _runs(text: str, groups: list[tuple[int, int]], at: int) -> Iterator[tuple[_Run, int]]:
    start, end = groups[at]
    # A zero that was typed as a letter: 'O7700 900123'.
    letter = start > 0 and text[start - 1] in "oO" and text[start] == "7" and not _glued(text, start - 2)
    begin = start - 1 if letter else start
    while begin > 0 and text[begin - 1] in "+(" and start - begin < 3:
        begin -= 1
    plus = "+" in text[begin:start]
    if begin > 0 and text[begin - 1] in _CURRENCY:
        return
    glued = _glued(text, begin - 1)
    before = text[max(0, begin - _BEFORE) : begin]
    digits, sizes, gaps = ("0" if letter else "") + text[start:end], [end - start + letter], list[str]()
    for used in range(1, _MOST_GROUPS + 1):
        if len(digits) > _MOST_DIGITS and used > 1:
            return
        if len(digits) >= _LONG or not (glued or _goes_on(text, end)):
            yield _Run(begin, end, digits, tuple(sizes), tuple(gaps), plus, before, text[end : end + 30]), used
        if at + used == len(groups):
            return
        following, last = groups[at + used]
        gap = text[end:following]
        if len(gap) > 4 or _GAP.fullmatch(gap) is None:
            return
        gaps.append(gap)
        digits, end = digits + text[following:last], last
        sizes.append(last - following)


def _glued(text: str, place: int) -> bool:
    """Whether the character at a place makes a following digit part of a word or of a decimal."""
    if place < 0:
        return False
    return bool(_PART_OF_WORD.match(text[place])) or (text[place] in ".,:" and place > 0 and text[place - 1].isdigit())


def _goes_on(text: str, end: int) -> bool:
    """Whether digits are part of something longer: '12th', '3,000', '7:30', '50%'."""
    after = text[end : end + 2]
    if not after:
        return False
    return bool(re.match(r"[^\W_]|_|%|[.,:]\d", after))


def _kind(run: _Run) -> Kind | None:
    """What a run of digits is, the surest first; None where it is a number as any other."""
    return next((kind for kind, fits in _KINDS if fits(run)), None)


def _single(run: _Run) -> bool:
    """Not a list of amounts: only separators that people put inside of one number."""
    return "," not in run.shape


def luhn(digits: str) -> bool:
    """Whether the last digit checks the others, as on payment cards (ISO/IEC 7812-1)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def nhs(digits: str) -> bool:
    """Whether the last digit checks the others, as in NHS numbers (modulus 11)."""
    rest = sum(int(digit) * (10 - place) for place, digit in enumerate(digits[:9])) % 11
    return len(digits) == 10 and (11 - rest) % 11 == int(digits[9])


def _is_card(run: _Run) -> bool:
    if not 13 <= len(run.digits) <= 19 or not _single(run) or {"/", "(", ")"} & set(run.shape):
        return False
    if run.sizes and max(run.sizes) < 4 and len(run.sizes) > 1:
        return False
    looks = len(run.digits) in (15, 16) and bool(_SAYS_CARD.search(run.before)) and not run.digits.startswith("0")
    return looks or (run.digits[0] in "23456" and len(set(run.digits)) > 1 and luhn(run.digits))


def _is_phone(run: _Run) -> bool:
    digits, length = run.digits, len(run.digits)
    if not _single(run) or _dated(run):
        return False
    if run.plus:
        return 8 <= length <= 15 and not digits.startswith("0")
    if digits.startswith("0044"):
        return 13 <= length <= 15
    if digits.startswith("00"):
        return 10 <= length <= 16 and digits[2] != "0"
    if digits.startswith("44") and length in (12, 13):
        return digits[2:4] == "07" or digits[2] in "1237"
    if digits.startswith("0"):
        if _NOT_A_PHONE.search(run.before):
            return length == 11 and digits[1] == "7"
        return (length == 11 and digits[1] in "1235789") or (length == 10 and digits[1] in "123589")
    if length == 10 and digits[0] == "7" and digits[1] in "1345789":
        return bool(_SAYS_PHONE.search(run.before)) or len(run.sizes) > 1
    local = length in (6, 7, 8) and len(run.sizes) <= 2 and all(size >= 3 for size in run.sizes)
    return local and bool(_SAYS_LOCAL.search(run.before))


_SAYS_LOCAL = re.compile(
    r"\b(?:tel(?:ephone)?|phone|mob(?:ile)?|landline|ring (?:me|him|her|us|them)|call (?:me|him|her|us|them)(?: back)?|extension)"
    r"(?: (?:number|no\.?|num))?(?: (?:is|was|on|at))?[ :]{1,3}$",
    re.IGNORECASE,
)


def _dated(run: _Run) -> bool:
    """Two dates or a date and a time that stand together."""
    return run.sizes[0] <= 2 and len(run.sizes) >= 3 and run.sizes[2] in (2, 4) and set(run.shape[:2]) <= {"/", ".", "-"} and (
        len(set(run.shape[:2])) == 1
    ) and len(run.digits) > 8 and not run.plus  # fmt: skip


def _is_nhs(run: _Run) -> bool:
    if len(run.digits) != 10 or run.plus or not set(run.shape) <= {"", "-"}:
        return False
    if run.sizes not in ((10,), (3, 3, 4), (3, 7), (6, 4)):
        return False
    return nhs(run.digits) or bool(_SAYS_NHS.search(run.before))


def _is_sort_code(run: _Run) -> bool:
    if len(run.digits) != 6 or run.plus:
        return False
    cued = bool(re.search(r"\b(?:sort ?code|s/c)\b", run.before, re.IGNORECASE))
    if run.sizes == (6,):
        return cued
    if run.sizes != (2, 2, 2) or len(set(run.shape)) != 1 or run.shape[0] == "/":
        return False
    first, second = int(run.digits[:2]), int(run.digits[2:4])
    if cued or re.match(r"[^0-9]{0,25}\b[0-9]{8}\b", run.after):
        return True
    no_date = second > 12 and not (first <= 12 and second <= 31)
    return run.shape[0] == "-" and (no_date or bool(_SAYS_BANK.search(run.before)))


def _is_account(run: _Run) -> bool:
    if run.plus or not set(run.shape) <= {"", "-"} or len(run.sizes) > 4:
        return False
    if len(run.digits) in (7, 8, 9, 10) and _SAYS_ACCOUNT.search(run.before):
        return True
    return len(run.digits) == 8 and bool(_AFTER_SORT_CODE.search(run.before))


_AFTER_SORT_CODE = re.compile(
    r"(?:\b[0-9]{2}[- ][0-9]{2}[- ][0-9]{2}\b|\bsort ?code\b[^0-9]{0,12}[0-9]{6}\b)[^0-9]{0,25}$", re.IGNORECASE
)


def _is_passport(run: _Run) -> bool:
    return len(run.digits) == 9 and len(run.sizes) <= 3 and not run.plus and bool(_SAYS_PASSPORT.search(run.before))


def _is_ip(run: _Run) -> bool:
    if len(run.sizes) != 4 or run.shape != (".", ".", "."):
        return False
    if re.search(r"(?:section|version|para(?:graph)?|clause|v\.?) ?$", run.before, re.IGNORECASE):
        return False
    places = [0]
    for size in run.sizes:
        places.append(places[-1] + size)
    parts = [run.digits[a:b] for a, b in pairwise(places)]
    return all(int(part) <= 255 and (part == "0" or part[0] != "0") for part in parts) and int(parts[0]) > 0


def _is_long(run: _Run) -> bool:
    return len(run.sizes) == 1 and len(run.digits) >= 9


_KINDS: tuple[tuple[Kind, Callable[[_Run], bool]], ...] = (
    (Kind.IP, _is_ip),
    (Kind.CARD, _is_card),
    (Kind.PASSPORT, _is_passport),
    (Kind.ACCOUNT, _is_account),
    (Kind.PHONE, _is_phone),
    (Kind.NHS, _is_nhs),
    (Kind.SORT_CODE, _is_sort_code),
    (Kind.NUMBER, _is_long),
)
