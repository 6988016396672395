"""Takes out of cells and names what no database and no page can hold."""

from __future__ import annotations

import re
from collections.abc import Container

LONGEST_NAME = 400
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def clean(text: str) -> str:
    """Text without control characters (line ends and tabs stay), lone surrogates as U+FFFD, all else untouched."""
    return _SURROGATE.sub("\ufffd", _CONTROL.sub("", text))


def column_name(text: str) -> str:
    """A column's name on one line, without byte-order mark or control characters, and of bearable length; may be empty."""
    return " ".join(clean(text.replace("\ufeff", "")).split())[:LONGEST_NAME].strip()


def numbered(name: str, taken: Container[str]) -> str:
    """The name, or 'name (2)', 'name (3)' where it is taken already; ``taken`` is any container of names."""
    unique, again = name, 2
    while unique in taken:
        unique, again = f"{name} ({again})", again + 1
    return unique
