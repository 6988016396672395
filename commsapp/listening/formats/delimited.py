"""Reads CSV and its relatives (tab, semicolon, bar) row by row, in memory that doesn't grow with the file."""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterator, Sequence

from commsapp.errors import BadInput
from commsapp.listening.formats.encoding import Encoding, find_encoding
from commsapp.listening.formats.header import SAMPLE_ROWS, Shape, find_shape, is_blank
from commsapp.listening.formats.separator import SINGLE, find_separator
from commsapp.listening.formats.table import LIMITS, Limits, Reader, Row, Source, Table

csv.field_size_limit(LIMITS.text_cell)  # one setting for the whole process; the standard one refuses long transcripts

_END = "\0end of file\0"
_LONG = "\0line too long\0"
_MOST_REPAIRS = 100
_UNCLOSED = "a quotation mark is opened and never closed"


def open_delimited(source: Source) -> Table:
    """Finds encoding, separator and header. Raises BadInput when the file is no text, or has no row below its header."""
    encoding = find_encoding(source)
    sample = encoding.sample(source)
    complete = len(source.head) >= source.size
    separator = find_separator(sample, complete=complete)
    with encoding.stream(source, "") as stream:
        shape, seen = _first_rows(stream, separator, source)
    notes = tuple(note for note in (encoding.note, shape.note) if note)
    if shape.header_row > 1:
        notes += (f"The header is in row {shape.header_row}; what stands above it was left out.",)

    def read(after: int) -> Iterator[Row]:
        return _rows(source, encoding, separator, shape, after)

    return Table(
        format="csv", name=source.name, columns=shape.columns, header_row=shape.header_row, encoding=encoding.name,
        separator="" if separator == SINGLE else separator, sheet="", notes=notes, read=read,
        estimated_rows=seen if seen is not None else _estimate(sample, separator, source, shape),
    )  # fmt: skip


def _first_rows(stream: io.TextIOWrapper, separator: str, source: Source) -> tuple[Shape, int | None]:
    """The shape, and the number of data rows where the file ends within the rows looked at."""
    first: list[tuple[int, Sequence[str]]] = []
    broken = ""
    for number, cells, problem in _Records(stream, separator, source.name, source.limits):
        if problem:
            broken = broken or f"Row {number} of {source.name} can't be read: {problem}."
        elif not is_blank(cells):
            first.append((number, cells))
        if len(first) >= SAMPLE_ROWS:
            return find_shape(first, source.name, source.limits.columns), None
    if broken and len(first) < 2:  # what is left is no table, but the file isn't empty either
        raise BadInput(broken, "Open it in a spreadsheet, save it as 'CSV UTF-8', and try again.")
    shape = find_shape(first, source.name, source.limits.columns)
    return shape, sum(number >= shape.data_from for number, _ in first)


def _estimate(sample: str, separator: str, source: Source, shape: Shape) -> int:
    with io.StringIO(sample, newline="") as stream:
        count = sum(not is_blank(cells) for _, cells, _ in _Records(stream, separator, source.name, source.limits))
    return max(1, round(count * source.size / len(source.head)) - shape.data_from + 1)


def _rows(source: Source, encoding: Encoding, separator: str, shape: Shape, after: int) -> Iterator[Row]:
    with encoding.stream(source, "") as stream:
        for number, cells, problem in _Records(stream, separator, source.name, source.limits):
            if number <= after:
                continue
            if problem:
                yield Row(number, {"line": cells[0]}, f"Row {number}: {problem}.")
            elif row := shape.row(number, cells):
                yield row


class _Lines(Iterator[str]):
    """Lines of a stream, with those of the present row kept so that they can be read again.

    One line more than there are comes at the end: a row that has swallowed it was still inside quotation marks.
    """

    def __init__(self, stream: io.TextIOBase, limits: Limits) -> None:
        self._stream = stream
        self._limits = limits
        self._again: deque[str] = deque()
        self._over = False
        self.row: list[str] = []
        self.size = 0

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._fresh()
        self.row.append(line)
        self.size += len(line)
        if len(self.row) > 1 and self.size > self._limits.text_row:
            raise csv.Error(f"it has more than {self._limits.text_row:,} characters")
        return line

    def _fresh(self) -> str:
        if self._over:
            raise StopIteration
        line = self._stream.readline(self._limits.text_row)
        if not line:
            self._over = True
            return _END
        if len(line) >= self._limits.text_row and not line.endswith(("\n", "\r")):
            while (rest := self._stream.readline(self._limits.text_row)) and not rest.endswith(("\n", "\r")):
                pass
            return _LONG
        return line

    def next_row(self) -> None:
        """Forget the lines of the row that is done with."""
        self.row = []
        self.size = 0

    def give_back(self) -> str:
        """Put all lines of this row but the first back, and return that one."""
        first, *others = self.row
        self._again.extendleft(reversed(others))
        return first


class _Records:
    """Rows as (number, cells, problem), numbered as a spreadsheet numbers them: blank rows count, a cell of three lines is one.

    A quotation mark that is never closed costs only the line it is in: the lines behind it are read again.
    """

    def __init__(self, stream: io.TextIOBase, separator: str, name: str, limits: Limits) -> None:
        self._lines = _Lines(stream, limits)
        self._separator = separator
        self._name = name
        self._limits = limits

    def __iter__(self) -> Iterator[tuple[int, list[str], str]]:
        number = repairs = 0
        reader = csv.reader(self._lines, delimiter=self._separator)
        while True:
            number += 1
            self._lines.next_row()
            try:
                cells = next(reader)
                problem = self._problem(cells)
            except StopIteration:
                return
            except csv.Error as error:
                problem = str(error) if "more than" in str(error) else self._too_long()
            if self._lines.row == [_END]:
                return
            if problem:
                repairs += 1
                if repairs > _MOST_REPAIRS:
                    raise BadInput(
                        f"{self._name} has more than {_MOST_REPAIRS} broken rows; the last one is row {number}: {problem}.",
                        "Open it in a spreadsheet, save it as 'CSV UTF-8', and try again.",
                    )
                line = self._lines.give_back()
                cells = ["" if line is _LONG else line.rstrip("\r\n")]
                reader = csv.reader(self._lines, delimiter=self._separator)
            yield number, cells, problem

    def _problem(self, cells: Sequence[str]) -> str:
        lines = self._lines
        if lines.row and lines.row[0] is _LONG:
            return f"it has more than {self._limits.text_row:,} characters"
        if len(lines.row) > 1 and (lines.row[-1] is _END or _LONG in lines.row):
            return _UNCLOSED
        if lines.size > self._limits.text_cell and any(len(cell) > self._limits.text_cell for cell in cells):
            return self._too_long()
        return ""

    def _too_long(self) -> str:
        several = f", or {_UNCLOSED}" if len(self._lines.row) > 1 else ""
        return f"a cell has more than {self._limits.text_cell:,} characters{several}"


READER = Reader(recognises=lambda source: True, open=open_delimited)
"""Text that is nothing else: asked last."""
