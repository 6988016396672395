"""Takes out of cells and names what no database and no page can hold."""

from __future__ import annotations

import re
from collections.abc import Container

LONGEST_NAME = 400
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_MISREAD = re.compile(r"[\x80-\x9f]")
_NO_CHARACTER = re.compile(
    f"[\ud800-\udfff\ufdd0-\ufdef{''.join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))}]"
)
_WINDOWS = {number: bytes([number]).decode("cp1252", "ignore") for number in range(0x80, 0xA0)}


def clean(text: str) -> str:
    """Text without control characters (line ends and tabs stay), with U+FFFD for half characters and such as are none.

    The control characters from U+0080 to U+009F are quotation marks and dashes of Windows-1252 that some program misread on
    the way, so they become these.
    """
    text = _NO_CHARACTER.sub("\ufffd", _CONTROL.sub("", text))
    return text.translate(_WINDOWS) if _MISREAD.search(text) else text


def column_name(text: str) -> str:
    """A column's name on one line, without byte-order mark or control characters, and of bearable length; may be empty."""
    return " ".join(clean(text.replace("\ufeff", "")).split())[:LONGEST_NAME].strip()


def numbered(name: str, taken: Container[str]) -> str:
    """The name, or 'name (2)', 'name (3)' where it is taken already; ``taken`` is any container of names."""
    unique, again = name, 2
    while unique in taken:
        unique, again = f"{name} ({again})", again + 1
    return unique
