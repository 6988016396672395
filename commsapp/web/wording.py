"""How figures, dates and counts are worded on every page. Each is a Jinja filter of the same name."""

from __future__ import annotations

import re
from datetime import date, datetime

from flask import Flask

from commsapp.listening.languages import reason

NARROW = "\u00a0"
"""A space that doesn't break: a figure and its sign stay on one line."""
MINUS = "\u2212"


def install(app: Flask) -> None:
    """Make the filters known to the templates."""
    for word in (percent, points, number, signed, day, slug, count, figure, of_whom, size, capfirst, moment):
        app.add_template_filter(word)
    app.add_template_filter(reason, "reason_words")


def percent(share: float, digits: int = 0) -> str:
    """0.337 → '34 %'."""
    return f"{_rounded(share * 100, digits)}{NARROW}%"


def points(difference: float, digits: int = 0) -> str:
    """A difference of two shares: 0.061 → '+6 percentage points'."""
    amount = signed(difference * 100, digits)
    return f"{amount}{NARROW}percentage {'point' if amount.strip('+' + MINUS) == '1' else 'points'}"


def number(value: float, digits: int = 0) -> str:
    """12345.6 → '12,346'."""
    return _rounded(value, digits)


def signed(value: float, digits: int = 2) -> str:
    """A mean tone: 0.1234 → '+0.12'."""
    amount = _rounded(value, digits)
    return amount if amount.startswith(MINUS) or float(amount.replace(",", "")) == 0 else f"+{amount}"


def day(value: date | datetime) -> str:
    """2026-03-04 → '4 March 2026'."""
    return f"{value.day} {value:%B %Y}"


def moment(value: datetime) -> str:
    """4 March 2026, 09:05 (UTC, as every stored time)."""
    return f"{day(value)}, {value:%H:%M}"


def slug(text: str) -> str:
    """'Share of topics, by wave' → 'share-of-topics-by-wave', for an id."""
    return re.sub(r"[^\w]+", "-", text.lower()).strip("-") or "part"


def count(amount: int, one: str, many: str = "") -> str:
    """(1, 'comment') → '1 comment'; (412, 'reply', 'replies') → '412 replies'."""
    return f"{amount:,}{NARROW}{one if amount == 1 else many or one + 's'}"


def figure(value: float, low: float, high: float, measure: str = "share") -> str:
    """An estimate with its 95 % interval: '34 % (28 to 40 %)', or a mean tone '−0.12 (−0.20 to −0.04)'."""
    if measure == "share":
        return f"{percent(value)} ({_rounded(low * 100, 0)} to {percent(high)})"
    return f"{signed(value)} ({signed(low)} to {signed(high)})"


def capfirst(text: str) -> str:
    """'language not read: Welsh' → 'Language not read: Welsh'; what stands after the first letter stays as it is."""
    return text[:1].upper() + text[1:]


def size(amount: int) -> str:
    """Bytes as people say them: 2147483648 → '2.1 GB'."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6)):
        if amount >= factor:
            return f"{_rounded(amount / factor, 1).removesuffix('.0')}{NARROW}{unit}"
    return f"{max(1, amount // 1000)}{NARROW}kB"


def of_whom(chosen: str) -> str:
    """What a share may be called: 'of people' only where all were drawn, else 'of feedback'."""
    return "of people" if chosen in {"random", "quota", "people", "of people", "share of people"} else "of feedback"


def _rounded(value: float, digits: int) -> str:
    text = f"{value:,.{digits}f}"
    if float(text.replace(",", "")) == 0:
        text = text.lstrip("-")  # no '-0'
    return text.replace("-", MINUS)
