"""What every reader gives: a table whose rows are streamed, with what was assumed when it was opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Limits:
    """The most that a file may ask of the machine that reads it."""

    xlsx_rows: int = 1_048_576
    columns: int = 500
    xlsx_cell: int = 32_767
    text_cell: int = 1_048_576
    """Characters in one cell of CSV or JSON Lines."""
    text_row: int = 16_777_216
    """Characters in one row of CSV or JSON Lines."""
    unpacked: int = 1_073_741_824
    parts: int = 1_000
    ratio: int = 100
    """Unpacked size over packed size, looked at once the unpacked size passes ``ratio_from``."""
    ratio_from: int = 52_428_800
    memory: int = 2_147_483_648
    """Address space of the process that parses a workbook, in bytes."""
    cpu_seconds: int = 120
    wall_seconds: int = 180


LIMITS = Limits()


@dataclass(frozen=True)
class Source:
    """A file to be read: where it lies, what its owner calls it, how it begins."""

    path: Path
    name: str
    size: int
    head: bytes
    limits: Limits = LIMITS


@dataclass(frozen=True)
class Row:
    """One row of a file.

    ``number`` is the row as a spreadsheet shows it, from 1 and with the header and blank rows counted (in JSON Lines: the
    line). ``problem`` is empty, or says why the row can't be used; ``cells`` then hold what could be made out, if anything.
    """

    number: int
    cells: dict[str, str] | None
    problem: str = ""


@dataclass(frozen=True)
class Table:
    """A file that was recognised, with its columns, ready to be streamed as often as needed."""

    format: str
    name: str
    columns: tuple[str, ...]
    header_row: int
    encoding: str
    separator: str
    sheet: str
    notes: tuple[str, ...]
    estimated_rows: int | None
    read: Callable[[int], Iterator[Row]] = field(repr=False, compare=False)

    def rows(self, after: int = 0) -> Iterator[Row]:
        """Rows below the header in their order, from the first one whose number is above ``after``.

        Rows without anything in them are passed over. Raises BadInput where the file can't be read further.
        """
        return self.read(after)


@dataclass(frozen=True)
class Reader:
    """One import format: how to recognise it and how to open it. ``formats.FORMATS`` lists them."""

    recognises: Callable[[Source], bool]
    open: Callable[[Source], Table]
