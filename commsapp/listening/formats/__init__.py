"""Import formats: one reader each, recognised by content. A new one is a module with a ``READER`` and an entry in ``FORMATS``."""

from __future__ import annotations

from pathlib import Path

from commsapp.errors import BadInput
from commsapp.listening.formats import delimited, jsonlines, workbook
from commsapp.listening.formats.recognise import look
from commsapp.listening.formats.table import LIMITS, Limits, Reader, Row, Source, Table

__all__ = ["FORMATS", "LIMITS", "Limits", "Reader", "Row", "Source", "Table", "open_table"]

FORMATS: dict[str, Reader] = {
    "xlsx": workbook.READER,
    "jsonl": jsonlines.READER,
    "csv": delimited.READER,
}
"""Asked in this order; 'csv' stands for any separated text and takes what nobody else knows."""


def open_table(path: Path, *, name: str | None = None, limits: Limits = LIMITS) -> Table:
    """Opens a file as a table, recognised by what is in it and not by its name alone.

    Parameters
    ----------
    path : where the file lies.
    name : what its owner calls it, for messages; the path's own name if absent.
    limits : the most that it may ask for.

    Raises
    ------
    BadInput
        In one sentence, with the cure, when the file can't be read: before any row is given wherever that can be known.

    """
    source = look(path, name, limits)
    for reader in FORMATS.values():
        if reader.recognises(source):
            return reader.open(source)
    raise BadInput(f"{source.name} is of no known format.", "Save it as CSV or XLSX, and try again.")
