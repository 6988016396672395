"""Which character parts the cells of a text table."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter

SINGLE = "\x1f"
"""Stands in for the separator of a file with one column: a control character that no text has."""

_CANDIDATES = (",", ";", "\t", "|")
_DECLARED = re.compile(r'"?sep=([,;\t|])"?\r?\n?', re.IGNORECASE)
_ROWS = 500


def find_separator(sample: str, *, complete: bool) -> str:
    """The separator under which most rows have one width; ``SINGLE`` when none parts the rows consistently.

    Each candidate is tried with a real parse, so separators and line ends inside quotation marks don't count.
    ``complete`` says whether ``sample`` is the whole file; its last row may be cut in two otherwise.
    """
    declared = _DECLARED.match(sample)
    if declared:
        return declared[1]
    best, score = SINGLE, (0.3, 0)
    for candidate in _CANDIDATES:
        rows = parse_sample(sample, candidate, complete=complete)
        if not rows or _is_prose(rows):
            continue
        width, count = max(Counter(map(len, rows)).items(), key=lambda item: (item[1], item[0]))
        if width > 1 and (count / len(rows), width) > score:
            best, score = candidate, (count / len(rows), width)
    return best


def parse_sample(sample: str, separator: str, *, complete: bool) -> list[list[str]]:
    """The first rows of the sample that have anything in them."""
    rows: list[list[str]] = []
    try:
        # not splitlines(), which also breaks lines at characters that a cell may hold
        for cells in csv.reader(io.StringIO(sample, newline=""), delimiter=separator):
            if any(cell.strip() for cell in cells):
                rows.append(cells)
            if len(rows) > _ROWS:
                break
    except csv.Error:
        pass  # a cell beyond the limit: what came before it is sample enough
    return rows if complete or len(rows) < 2 else rows[:-1]


def _is_prose(rows: list[list[str]]) -> bool:
    """Whether the 'separator' is punctuation: a header of one cell, and below it commas with a blank behind them."""
    behind = [cell for row in rows[1:] for cell in row[1:]]
    return len(rows[0]) == 1 and bool(behind) and sum(cell.startswith(" ") for cell in behind) > 0.5 * len(behind)
