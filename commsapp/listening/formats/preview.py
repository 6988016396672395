"""What a person sees of a file before anything of it is stored: columns, first rows, what became what, what is still asked."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from pathlib import Path

from commsapp.errors import Ambiguous
from commsapp.listening.columns import OURS, Mapping, suggest
from commsapp.listening.dates import DateOrder, find_order
from commsapp.listening.formats import LIMITS, Limits, Row, Table, open_table
from commsapp.listening.formats.tidy import clean

_SCANNED_ROWS = 2_000
_WHOLE_FILE = 50_000_000
"""Bytes up to which all rows are read for the order of day and month: about a second."""


@dataclass(frozen=True)
class Preview:
    """A look into a file. ``question`` is set where the order of its dates has to be asked; ``date_order`` is None then.

    ``sample`` are the first rows with cells as they would be stored, which any page can show.
    """

    table: Table
    columns: tuple[str, ...]
    sample: list[dict[str, str]]
    mapping: Mapping
    date_order: DateOrder | None
    question: Ambiguous | None
    estimated_rows: int | None
    problems: tuple[str, ...]
    """Why rows among those looked at can't be read, the first few."""


def preview(
    path: Path,
    name: str | None = None,
    rows: int = 20,
    *,
    limits: Limits = LIMITS,
    levels: Dictionary[str, str] = OURS,
) -> Preview:
    """Looks into a file; ``levels`` are the organisation's own names of the handling levels.

    Raises
    ------
    BadInput : it can't be read, as ``open_table`` says.

    """
    table = open_table(path, name=name, limits=limits)
    looked = list(itertools.islice(_bounded(table), _SCANNED_ROWS))
    cells = [row.cells for row in looked if row.cells is not None and not row.problem]
    mapping = suggest(table.columns, cells, levels=levels)
    order, question = settle_dates(table, mapping, whole=path.stat().st_size <= _WHOLE_FILE)
    return Preview(
        table=table,
        columns=table.columns,
        sample=[{column: clean(row.get(column, "")) for column in table.columns} for row in cells[:rows]],
        mapping=mapping,
        date_order=order,
        question=question,
        estimated_rows=len(looked) if len(looked) < _SCANNED_ROWS else table.estimated_rows,
        problems=tuple(row.problem for row in looked if row.problem)[:5],
    )


def settle_dates(table: Table, mapping: Mapping, *, whole: bool = True) -> tuple[DateOrder | None, Ambiguous | None]:
    """The order of day and month in the mapped date column, or the question to ask; neither where no column has dates.

    ``whole`` reads every row; otherwise the first 2,000 have to tell.
    """
    column = mapping.date
    if column is None:
        return None, None
    rows = table.rows() if whole else itertools.islice(table.rows(), _SCANNED_ROWS)
    try:
        return find_order((row.cells.get(column, "") for row in rows if row.cells and not row.problem), column=column), None
    except Ambiguous as question:
        return None, question


def _bounded(table: Table) -> Iterator[Row]:
    """Rows until what they hold grows large: 2,000 long transcripts are more than a page needs."""
    characters = 0
    for row in table.rows():
        yield row
        characters += sum(map(len, (row.cells or {}).values()))
        if characters > 8_000_000:
            return
