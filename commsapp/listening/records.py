"""Turns rows into records: what one person said and ticked, or the reason why the row can't be kept."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from datetime import date

from commsapp.errors import BadInput
from commsapp.listening import dates
from commsapp.listening.columns import CONSENTS, HANDLINGS, OURS, Mapping, consent_words, handling_word, somebody
from commsapp.listening.dates import DateOrder
from commsapp.listening.formats.table import Row
from commsapp.listening.formats.tidy import clean
from commsapp.listening.identity import Ordinals, row_identity

LARGEST_WEIGHT = 1e6
"""Beyond this a weight is a mistake, and one such row would stand for everybody."""


@dataclass(frozen=True)
class Record:
    """One response: who, when, where, in whose words, and what was ticked (question wording → choice)."""

    row: int
    identity: str
    text: str
    date: date | None
    area: str
    language: str
    translation: str
    translator: str
    weight: float | None
    respondent: str
    consent: tuple[str, ...]
    handling: str
    attributes: dict[str, str]
    answers: dict[str, str]


@dataclass(frozen=True)
class Reject:
    """A row that can't be kept as it is: where, why in a sentence, and what stood in it."""

    row: int
    reason: str
    cells: dict[str, str] | None


def to_record(
    row: Row, mapping: Mapping, order: DateOrder | None, ordinals: Ordinals, *, levels: Dictionary[str, str] = OURS
) -> Record | Reject:
    """The record of a row, or its rejection. ``levels`` are the organisation's own names of the handling levels.

    A row with neither text nor answers is kept with an empty text, so that it is counted as not coded. Control characters
    are taken out of the cells and lone surrogates become U+FFFD, since no database keeps them.
    """
    if row.problem or row.cells is None:
        kept = clean_cells(row.cells) if row.cells is not None else None
        return Reject(row.number, row.problem or f"Row {row.number} has no cells.", kept)
    cells = clean_cells(row.cells)
    try:
        # all that may fail comes before the identity: a rejected row must not count as seen
        record = _read(row.number, cells, mapping, order, levels)
        return dataclasses.replace(record, identity=row_identity(cells, mapping, ordinals))
    except BadInput as error:
        return Reject(row.number, f"Row {row.number}: {error}", cells)


def _read(
    number: int, cells: Dictionary[str, str], mapping: Mapping, order: DateOrder | None, levels: Dictionary[str, str]
) -> Record:
    """The record, with no identity yet. Raises BadInput for the first cell that can't be read."""
    found = {field: cells.get(column, "").strip() for field, column in mapping.fields().items()}
    return Record(
        row=number,
        identity="",
        text=found.get("text", ""),
        date=dates.parse(found["date"], order) if found.get("date") else None,
        area=found.get("area", ""),
        language=found.get("language", ""),
        translation=found.get("translation", ""),
        translator=found.get("translator", ""),
        weight=_weight(found["weight"]) if found.get("weight") else None,
        respondent=somebody(found.get("respondent", "")),
        consent=_consent(found.get("consent", "")),
        handling=_handling(found.get("handling", ""), levels),
        attributes={column: cell for column in mapping.attributes if (cell := cells.get(column, "").strip())},
        answers={column: cell for column in mapping.questions if (cell := cells.get(column, "").strip())},
    )


def _weight(cell: str) -> float:
    try:
        weight = float(cell)
    except ValueError:
        weight = math.nan
    if not 0 <= weight <= LARGEST_WEIGHT:
        raise BadInput("The weight is not a number from 0 to a million.", "Write it as 0.85.")
    return weight


def _consent(cell: str) -> tuple[str, ...]:
    words = consent_words(cell)
    if words is None:
        raise BadInput("The consent holds a word that is not known.", f"Write yes, no, or one or more of {', '.join(CONSENTS)}.")
    return words


def _handling(cell: str, levels: Dictionary[str, str]) -> str:
    word = handling_word(cell, levels) if cell else ""
    if word is None:
        raise BadInput("The handling level is not known.", f"Write one of {', '.join(levels[level] for level in HANDLINGS)}.")
    return word


def clean_cells(cells: Dictionary[str, str]) -> dict[str, str]:
    """Cells that any database and any page can hold; their names were cleaned when the file was opened."""
    return {column: clean(cell) for column, cell in cells.items()}
