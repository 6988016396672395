"""Whole tables in and out of files, for `commsapp code` and notebooks: cells stay as they were.

In CSV a cell that a spreadsheet would take for a formula gets an apostrophe (see `commsapp.inert`), which is taken away again
when such a file is read here.
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import re
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
from xlsxwriter.exceptions import XlsxWriterException

from commsapp.errors import BadInput
from commsapp.inert import as_it_was, inert, is_dangerous
from commsapp.listening.formats import open_table
from commsapp.listening.formats.table import Table

UNREADABLE = "unreadable row"
LARGEST_UNPACKED = 1024**3
COPY_BYTES = 1024**2
SHEET_ROWS, SHEET_COLUMNS, SHEET_CELL = 1_048_575, 16_384, 32_767
"""The most that a sheet holds: rows below its header, columns, characters in a cell."""


def read_frame(path: Path) -> pd.DataFrame:
    """Read a table: text files with every cell as text, XLSX and Parquet with the types they have.

    CSV, TSV, JSON Lines (also compressed with gzip), XLSX, Parquet. Blank rows between others stay, so that rows can be laid
    side by side with those of the file. So does a row of a text file that can't be read: what could be made out of it stands
    in columns of its own, and its problem in ``frame.attrs[UNREADABLE]`` (row position → sentence).

    Raises
    ------
    BadInput : no such file, or it can't be read.

    """
    if path.suffix.lower() == ".parquet" and _begins(path, b""):
        return _parquet(path)
    with _unpacked(path) as plain:
        table = open_table(plain, name=path.name)
        return _workbook(plain, table) if table.format == "xlsx" else _text(table)


def _text(table: Table) -> pd.DataFrame:
    columns = dict.fromkeys(map(as_it_was, table.columns) if table.format == "csv" else table.columns)
    rows: list[dict[str, str]] = []
    problems: dict[int, str] = {}
    last = None
    for row in table.rows():
        # In JSON Lines a number is that of a line, and an empty line is no row.
        if table.format == "csv" and last is not None:
            rows += [{}] * (row.number - last - 1)
        last = row.number
        if row.problem:
            problems[len(rows)] = row.problem
        cells = row.cells or {}
        if table.format == "csv":  # one that we wrote may hold cells that were made inert
            cells = {as_it_was(column): as_it_was(cell) for column, cell in cells.items()}
        columns |= dict.fromkeys(cells)
        rows.append(cells)
    frame = pd.DataFrame(rows, columns=list(columns), dtype=object).fillna("")
    # JSON may hold half a character, which no file can.
    frame = frame.map(lambda cell: _HALF.sub("\ufffd", cell) if _HALF.search(cell) else cell)
    frame.attrs[UNREADABLE] = problems
    return frame


_HALF = re.compile(r"[\ud800-\udfff]")


def _workbook(path: Path, table: Table) -> pd.DataFrame:
    first = next((row.number for row in table.rows()), table.header_row + 1)
    sheet = pd.read_excel(path, sheet_name=table.sheet, header=None, dtype=object, engine="calamine", keep_default_na=False)
    rows: list[list[Any]] = sheet.to_numpy(dtype=object).tolist()[first - 1 :]
    while rows and all(map(_is_blank, rows[-1])):
        rows.pop()
    named = len(table.columns)
    beyond = [place for place in range(named, sheet.shape[1]) if not all(_is_blank(row[place]) for row in rows)]
    places = [*range(named), *beyond]
    columns = [*table.columns, *(f"Column {place + 1}" for place in beyond)]
    return pd.DataFrame([[row[k] if k < len(row) else "" for k in places] for row in rows], columns=columns, dtype=object)


def _is_blank(cell: object) -> bool:
    return cell is None or cell != cell or str(cell).strip() == ""  # NaN is not equal to itself


def _parquet(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except Exception as error:  # a dozen kinds on damaged files, some of them pyarrow's own
        raise BadInput(f"{path.name} is not a Parquet file that can be read.", "Write it again, or use CSV.") from error


@contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    """The file itself, or what is inside it where it is compressed with gzip."""
    if not _begins(path, b"\x1f\x8b"):
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / (path.stem or "table")
        try:
            with gzip.open(path) as packed, target.open("wb") as plain:
                _copy_bounded(packed.read, plain.write, path.name)
        except (OSError, EOFError, zlib.error) as error:
            raise BadInput(f"{path.name} can't be unpacked.", "Unpack it yourself, and try again.") from error
        yield target


def _begins(path: Path, mark: bytes) -> bool:
    """Whether it is a file that begins so; what is no file or can't be opened is left to ``open_table``, which says so."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return file.read(len(mark)) == mark
    except (OSError, ValueError):
        return False


def _copy_bounded(read: Callable[[int], bytes], write: Callable[[bytes], int], name: str) -> None:
    size = 0
    while part := read(COPY_BYTES):
        size += len(part)
        if size > LARGEST_UNPACKED:
            raise BadInput(f"{name} unpacks to more than 1 GB.", "Split it, and try again.")
        write(part)


def check_output(path: Path) -> None:
    """See that a result could be written here, before work is spent on it.

    Raises
    ------
    BadInput : the suffix is not .csv, .xlsx or .parquet, the folder isn't there, or it is a folder itself.

    """
    if path.suffix.lower() not in WRITERS:
        raise BadInput(f"{path.name} doesn't end in .csv, .xlsx or .parquet.", "Give it one of these endings.")
    if not path.resolve().parent.is_dir():
        raise BadInput(f"There is no folder {path.parent}.", "Make it, or write elsewhere.")
    if path.is_dir():
        raise BadInput(f"{path} is a folder.", "Give the name of a file.")


def check_fits(frame: pd.DataFrame, path: Path, *, more_columns: int = 0) -> None:
    """See that a table fits into the kind of file it is to be written to, of which only XLSX has limits.

    Raises
    ------
    BadInput : it has more rows, columns or characters in a cell than a sheet holds.

    """
    if path.suffix.lower() != ".xlsx":
        return
    cure = "Write CSV or Parquet."
    columns = len(frame.columns) + more_columns
    if len(frame) > SHEET_ROWS:
        raise BadInput(f"{len(frame):,} rows are more than a sheet holds.", cure)
    if columns > SHEET_COLUMNS:
        raise BadInput(f"{columns:,} columns are more than a sheet holds.", cure)
    for name in frame.columns[frame.dtypes.map(_may_hold_text)]:
        longest = int(frame[name].map(lambda cell: len(cell) if isinstance(cell, str) else 0).max()) if len(frame) else 0
        if longest > SHEET_CELL:
            raise BadInput(f"A cell of '{name}' has {longest:,} characters, more than a sheet's cell holds.", cure)


def _may_hold_text(kind: Any) -> bool:
    return pd.api.types.is_object_dtype(kind) or pd.api.types.is_string_dtype(kind)


def write_frame(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV, XLSX or Parquet by suffix; the file appears whole or not at all.

    Raises
    ------
    BadInput : see ``check_output`` and ``check_fits``; or the disk is full.

    """
    check_output(path)
    check_fits(frame, path)
    partial = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        WRITERS[path.suffix.lower()](frame, partial)
        partial.replace(path)
    except (OSError, XlsxWriterException) as error:
        cause = error if isinstance(error, OSError) else error.__context__
        why = (cause.strerror if isinstance(cause, OSError) else None) or "the disk may be full"
        raise BadInput(f"{path} can't be written: {why}.", "Write elsewhere.") from error
    finally:
        partial.unlink(missing_ok=True)


def _write_csv(frame: pd.DataFrame, path: Path) -> None:
    texts = [place for place, kind in enumerate(frame.dtypes) if _may_hold_text(kind)]
    frame = frame.rename(columns=inert)
    for place in texts:
        frame.isetitem(place, [inert(cell) for cell in frame.iloc[:, place]])
    # Before Python 3.13 a carriage return alone puts no cell into quotes, and whoever reads the file sees a row's end there.
    returns = any(isinstance(cell, str) and "\r" in cell for place in texts for cell in frame.iloc[:, place])
    returns = returns or any("\r" in str(name) for name in frame.columns)
    frame.to_csv(path, index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC if returns else csv.QUOTE_MINIMAL)


def _write_xlsx(frame: pd.DataFrame, path: Path) -> None:
    # Formulas and links off: a cell of somebody else's words must stay words. A fixed date makes two runs alike.
    options = {"strings_to_formulas": False, "strings_to_urls": False, "nan_inf_to_errors": True}
    with pd.ExcelWriter(path, engine="xlsxwriter", engine_kwargs={"options": options}) as writer:
        writer.book.set_properties({"created": dt.datetime(2000, 1, 1)})
        frame.to_excel(writer, index=False, sheet_name="Coded")
        # Said to be text, so that it stays text when somebody edits the cell.
        text = writer.book.add_format({"quote_prefix": True})
        for place, (name, kind) in enumerate(zip(frame.columns, frame.dtypes, strict=True)):
            cells = [str(name), *(frame.iloc[:, place] if _may_hold_text(kind) else ())]
            for row, cell in enumerate(cells):
                if isinstance(cell, str) and is_dangerous(cell):
                    writer.sheets["Coded"].write_string(row, place, cell, text)


def _write_parquet(frame: pd.DataFrame, path: Path) -> None:
    try:
        frame.to_parquet(path, index=False)
    except (TypeError, ValueError):
        # A column of cells of several types, as XLSX may have, has no Parquet type: such columns are written as text.
        mixed = [name for name in frame.columns if frame[name].dtype == object and frame[name].map(type).nunique() > 1]
        as_text = {str(name): frame[name].map(lambda cell: cell if cell is None else str(cell)) for name in mixed}
        frame.assign(**as_text).to_parquet(path, index=False)


WRITERS: dict[str, Callable[[pd.DataFrame, Path], None]] = {
    ".csv": _write_csv,
    ".xlsx": _write_xlsx,
    ".parquet": _write_parquet,
}
