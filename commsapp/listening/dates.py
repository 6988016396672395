"""Reads dates as exports write them, and asks where 03/02 could be two days."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from commsapp.errors import Ambiguous, BadInput


class DateOrder(StrEnum):
    """How a file writes its dates when it writes them in figures."""

    ISO = "iso"
    DMY = "dmy"
    MDY = "mdy"


_FIRST_YEAR = 1990
_TIME = r"(?:[T,\s]+\d{1,2}[:.h]\d{2}.*)?"
_ISO = re.compile(rf"(\d{{4}})([-/.])(\d{{1,2}})\2(\d{{1,2}}){_TIME}", re.DOTALL)
_COMPACT = re.compile(r"((?:19|20)\d{2})(\d{2})(\d{2})(?:T\d{4,6}Z?)?")
_FIGURES = re.compile(rf"(\d{{1,2}})([-/.])(\d{{1,2}})\2(\d{{4}}|\d{{2}}){_TIME}", re.DOTALL)
_UNIX = re.compile(r"\d{13}|\d{10}")
_SERIAL = re.compile(r"[34]\d{4}(\.\d+)?|5[0-4]\d{3}(\.\d+)?")
_CLOCK = re.compile(r"\b\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?\s*([ap]\.?m\.?)?", re.IGNORECASE)
_ORDINAL = re.compile(r"(?<=\d)(st|nd|rd|th)\b", re.IGNORECASE)
_OFFSET = re.compile(r"(?<!\w)(?:GMT|UTC|Z)?[+-]\d{2}:?\d{2}\b")
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug",
            "september sep sept", "october oct", "november nov", "december dec",
        ), 1,
    )
    for name in names.split()
}  # fmt: skip
_WEEKDAY = re.compile(r"(mon|tue|tues|wed|wednes|thu|thur|thurs|fri|sat|satur|sun)(day)?", re.IGNORECASE)
_ZONE = re.compile(r"[A-Z]{1,5}|of|at|the", re.ASCII)


def find_order(values: Iterable[str], *, column: str) -> DateOrder:
    """How a column writes its dates, from all the values given.

    Raises
    ------
    Ambiguous
        For field ``date_order`` when no value tells day from month, or some tell the one and some the other.

    """
    example: dict[DateOrder, str] = {}
    unclear = ""
    figures = False
    for value in map(str.strip, values):
        match = _FIGURES.fullmatch(value)
        if not match:
            continue
        figures = True
        first, second = int(match[1]), int(match[3])
        if first > 12 >= second:
            example.setdefault(DateOrder.DMY, value)
        elif second > 12 >= first:
            example.setdefault(DateOrder.MDY, value)
        elif first != second:
            unclear = unclear or value
    if len(example) == 2:
        raise _ask(f"The column '{column}' has '{example[DateOrder.DMY]}' and '{example[DateOrder.MDY]}': "
                   "in one the day comes first, in the other the month.")  # fmt: skip
    if example:
        return next(iter(example))
    if unclear:
        day_first, month_first = (_of_figures(unclear, order) for order in (DateOrder.DMY, DateOrder.MDY))
        raise _ask(f"'{unclear}' in the column '{column}' can be {_said(day_first)} or {_said(month_first)}.")
    return DateOrder.DMY if figures else DateOrder.ISO


def parse(value: str, order: DateOrder | None, *, today: date | None = None) -> date:
    """The day that a cell names, as its writer wrote it: times and zones are dropped, not converted.

    ISO dates, months in words and Unix time are read under any order; figures such as 3/2/2026 only under 'dmy' or 'mdy'.
    Raises BadInput when it is no date, or none between 1990 and tomorrow.
    """
    text = value.strip()
    try:
        found = _iso(text) or _of_figures(text, order) or _in_words(text) or _unix(text)
    except ValueError as error:  # the 31st of February, month 13
        raise BadInput(f"'{text[:60]}' is not a day in the calendar.", "Write it as 2026-02-03.") from error
    if found is None:
        raise BadInput(_why_not(text, order), "Write it as 2026-02-03.")
    latest = (today or datetime.now(UTC).date()) + timedelta(days=1)
    if found.year < _FIRST_YEAR or found > latest:
        when = "in the future" if found > latest else f"before {_FIRST_YEAR}"
        raise BadInput(f"The date '{text[:60]}' is {when}.", "Write it as 2026-02-03.")
    return found


def looks_like_date(value: str) -> bool:
    """Whether a cell can be read as a date under some order."""
    for order in (DateOrder.DMY, DateOrder.MDY):
        try:
            parse(value, order)
        except BadInput:
            continue
        return True
    return False


def _ask(problem: str) -> Ambiguous:
    return Ambiguous(problem, "Say whether the day comes first (dmy) or the month (mdy).", field="date_order",
                     choices=(DateOrder.DMY.value, DateOrder.MDY.value))  # fmt: skip


def _said(day: date | None) -> str:
    return f"{day.day} {day:%B %Y}" if day else "nothing"


def _why_not(text: str, order: DateOrder | None) -> str:
    if _SERIAL.fullmatch(text):
        return f"'{text}' is a number, perhaps a day as Excel counts them."
    if _FIGURES.fullmatch(text) and order not in (DateOrder.DMY, DateOrder.MDY):
        return f"'{text[:60]}' could be two days, and the order of day and month was not given."
    return f"'{text[:60]}' is not a date."


def _iso(text: str) -> date | None:
    match = _ISO.fullmatch(text)
    if match:
        return date(int(match[1]), int(match[3]), int(match[4]))
    match = _COMPACT.fullmatch(text)
    return date(int(match[1]), int(match[2]), int(match[3])) if match else None


def _of_figures(text: str, order: DateOrder | None) -> date | None:
    match = _FIGURES.fullmatch(text)
    if not match or order not in (DateOrder.DMY, DateOrder.MDY):
        return None
    first, second = int(match[1]), int(match[3])
    day, month = (first, second) if order is DateOrder.DMY else (second, first)
    return date(_year(match[4]), month, day)


def _in_words(text: str) -> date | None:
    """'3 Feb 2026', 'February 3rd, 2026', 'Tue Feb 13 12:58:16 WIB 2018': one month, one day, one year, nothing unknown."""
    if len(text) > 60:
        return None
    bare = _ORDINAL.sub("", _OFFSET.sub(" ", _CLOCK.sub(" ", text)))
    tokens = re.findall(r"[^\s,./()-]+", bare)
    months = [_MONTHS[token.casefold()] for token in tokens if token.casefold() in _MONTHS]
    figures = [token for token in tokens if re.fullmatch(r"\d{1,2}|\d{4}", token, re.ASCII)]
    others = [token for token in tokens if token not in figures and token.casefold() not in _MONTHS]
    if len(months) != 1 or len(figures) != 2 or not all(_WEEKDAY.fullmatch(word) or _ZONE.fullmatch(word) for word in others):
        return None
    day, year = figures if len(figures[0]) < 4 else reversed(figures)
    return date(_year(year), months[0], int(day)) if len(day) < 4 and len(year) != 1 else None


def _unix(text: str) -> date | None:
    if not _UNIX.fullmatch(text):
        return None
    return datetime.fromtimestamp(int(text) / (1000 if len(text) == 13 else 1), UTC).date()


def _year(figures: str) -> int:
    """Two figures from 90 on are of the last century: nothing older is taken anyway."""
    year = int(figures)
    return year if len(figures) == 4 else year + (1900 if year >= _FIRST_YEAR % 100 else 2000)
