"""Cells of tables that we write: nothing that somebody said may become a formula when a spreadsheet opens it.

A spreadsheet takes a cell for a formula that begins with one of ``= + - @``, or with a tab, a return or a NUL before one, also
after blanks and quotes. In CSV such a cell gets an apostrophe before it, which `as_it_was` takes away again. Numbers stay.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

_DANGEROUS = re.compile(r"[\s\"'\u201c\u201d\u2018\u2019\ufeff]*[=+\-@\t\r\0\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d+)*|\.\d+)([eE][+-]?\d{1,3})?\s?%?")
MARK = "'"


def is_dangerous(cell: str) -> bool:
    """Whether a spreadsheet might take a cell for a formula."""
    return _DANGEROUS.match(cell) is not None and _NUMBER.fullmatch(cell) is None


def inert(cell: object) -> object:
    """A cell as CSV may hold it; what is no text stays as it is."""
    return MARK + cell if isinstance(cell, str) and is_dangerous(cell) else cell


def as_it_was(cell: str) -> str:
    """A cell of CSV that we wrote, as it was before `inert`."""
    return cell[1:] if cell.startswith(MARK) and is_dangerous(cell[1:]) else cell


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table as CSV that can do nothing, as RFC 4180 writes it."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    for row in (header, *rows):
        # A NUL can't be stored in our databases; whatever brings one here, no reader of CSV can hold it.
        writer.writerow(["" if cell is None else str(inert(cell)).replace("\0", "\ufffd") for cell in row])
    return out.getvalue()
