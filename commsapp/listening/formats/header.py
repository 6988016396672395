"""Finds the header among the first rows, and turns the rows below it into named cells."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from commsapp.errors import BadInput
from commsapp.listening.formats.table import Row
from commsapp.listening.formats.tidy import LONGEST_NAME, column_name, numbered

SAMPLE_ROWS = 60
"""How many rows are looked at to find the header."""

_VALUE = re.compile(r"[-+]?[\d.,:/% -]*\d[\d.,:/% -]*(T[\d:.]+Z?)?")
"""A number, date or time: what stands below a header, seldom in one."""

_LONGEST_VALUE = 100

Numbered = tuple[int, Sequence[str]]
"""A row's number and its cells."""


@dataclass(frozen=True)
class Shape:
    """The columns of a table, and the rows at which header and data stand."""

    columns: tuple[str, ...]
    header_row: int
    data_from: int
    note: str = ""

    def row(self, number: int, cells: Sequence[str]) -> Row | None:
        """Cells under their names; short rows are filled up, rows with cells too many become a problem, blank ones None."""
        if number < self.data_from or is_blank(cells):
            return None
        width = len(self.columns)
        named = dict(zip(self.columns, cells, strict=False))
        if len(cells) > width and not is_blank(cells[width:]):
            last = max(place for place, cell in enumerate(cells, 1) if cell.strip())
            named |= {f"Column {place}": cell for place, cell in enumerate(cells[width:], width + 1) if cell.strip()}
            return Row(number, named, f"Row {number} has {last} cells where the header has {width}.")
        for missing in self.columns[len(cells) :]:
            named[missing] = ""
        return Row(number, named)


def is_blank(cells: Iterable[str]) -> bool:
    """Whether no cell has anything but spaces in it."""
    return not any(cell.strip() for cell in cells)


def find_shape(rows: Sequence[Numbered], name: str, most_columns: int) -> Shape:
    """Header and columns of a table, from its first rows (blank ones may be among them).

    Raises BadInput when there are no rows, none below the header, or too many columns.
    """
    filled = [row for row in rows if not is_blank(row[1])]
    if not filled:
        raise BadInput(f"{name} is empty.", "Choose a file with a header row and at least one row below it.")
    place = _header_place(filled)
    number, cells = filled[place]
    note, data_from = "", number + 1
    if _is_qualtrics(filled[place:]):
        number, cells = filled[place + 1]
        data_from = filled[place + 2][0] + 1
        note = "Qualtrics export: its second row, the wording of the questions, was taken as the header."
    below = [row for row in filled if row[0] >= data_from]
    if not below:
        raise BadInput(f"{name} has a header row but no rows below it.", "Choose a file with at least one row below the header.")
    # 'text,' above 'good,7' has a second column without a name; 'text' above it has a row with a cell too many
    width = max(_width(cells), min(len(cells), max(_width(row) for _, row in below)))
    if width > most_columns:
        raise BadInput(
            f"{name} has {width:,} columns; at most {most_columns} can be read.",
            "Delete the columns that you don't need, and try again.",
        )
    if not note and any(_is_value(cell.strip()) for cell in cells):
        note = f"Row {number} was taken as the header, though it has numbers in it; if the file has no header, add one."
    return Shape(unique_names(cells[:width]), number, data_from, note)


def unique_names(cells: Iterable[str]) -> tuple[str, ...]:
    """Header cells as names: tidied, 'Column 3' where empty, 'Comment (2)' where there is a 'Comment' already."""
    names: dict[str, None] = {}  # keeps the order, and finds a name among many at once
    for place, cell in enumerate(cells, 1):
        names[numbered(column_name(cell) or f"Column {place}", names)] = None
    return tuple(names)


def _header_place(filled: Sequence[Numbered]) -> int:
    """The first row about as wide as the table whose cells read like names; else the first one that is wide enough.

    Titles and notes above a table are narrower than it; what stands below is no wider, so the first that fits is the header.
    """
    widths = Counter(_width(cells) for _, cells in filled)
    typical = max(widths, key=lambda width: (widths[width], width))
    wide = [place for place, (_, cells) in enumerate(filled) if _is_wide(cells, typical)]
    for place in wide:
        texts = [cell.strip() for cell in filled[place][1] if cell.strip()]
        names = sum(1 for text in texts if len(text) <= LONGEST_NAME and not _is_value(text))
        if names >= 0.5 * len(texts) and len(set(texts)) >= 0.5 * len(texts):
            return place
    return wide[0] if wide else 0


def _is_value(text: str) -> bool:
    # The length first: the expression takes minutes for a hundred thousand digits.
    return len(text) <= _LONGEST_VALUE and _VALUE.fullmatch(text) is not None


def _is_wide(cells: Sequence[str], typical: int) -> bool:
    filled = sum(1 for cell in cells if cell.strip())
    # A table written with its row numbers has no name over them: ',text' is a header of two columns.
    return filled > 0.5 * typical or (not cells[0].strip() and filled + 1 >= typical)


def _width(cells: Sequence[str]) -> int:
    return max((place for place, cell in enumerate(cells, 1) if cell.strip()), default=0)


def _is_qualtrics(rows: Sequence[Numbered]) -> bool:
    return len(rows) > 2 and sum('"ImportId"' in cell for cell in rows[2][1]) > 0.5 * len(rows[0][1])
