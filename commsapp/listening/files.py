"""Whole tables in and out of files, for `commsapp code` and notebooks: cells stay as they were."""

from __future__ import annotations

import datetime as dt
import gzip
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from commsapp.errors import BadInput
from commsapp.listening.formats import open_table

UNREADABLE = "unreadable row"
LARGEST_UNPACKED = 1024**3
COPY_BYTES = 1024**2


def read_frame(path: Path) -> pd.DataFrame:
    """Read a table: text files with every cell as text, XLSX and Parquet with the types they have.

    CSV, TSV, JSON Lines (also compressed with gzip), XLSX, Parquet. A row of a text file that can't be read is kept as an
    empty row, so that no row is lost, with its problem in ``frame.attrs[UNREADABLE]`` (row position → sentence).

    Raises
    ------
    BadInput : no such file, or it can't be read.

    """
    if not path.exists():
        raise BadInput(f"There is no file {path}.", "Check its name.")
    if path.suffix.lower() == ".parquet":
        return _parquet(path)
    with _unpacked(path) as plain:
        table = open_table(plain, name=path.name)
        if table.format == "xlsx":
            return pd.read_excel(
                plain,
                sheet_name=table.sheet,
                header=table.header_row - 1,
                dtype=object,
                engine="calamine",
                keep_default_na=False,
            )
        rows, problems = [], {}
        for position, row in enumerate(table.rows()):
            if row.cells is None:
                problems[position] = row.problem
            rows.append(row.cells or {})
        frame = pd.DataFrame(rows, columns=list(table.columns), dtype=object).fillna("")
        frame.attrs[UNREADABLE] = problems
        return frame


def _parquet(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise BadInput(f"{path.name} is not a Parquet file that can be read.", "Write it again, or use CSV.") from error


@contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    """The file itself, or what is inside it where it is compressed with gzip."""
    with path.open("rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
    if not compressed:
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / (path.stem or "table")
        try:
            with gzip.open(path) as packed, target.open("wb") as plain:
                _copy_bounded(packed.read, plain.write, path.name)
        except (OSError, EOFError) as error:
            raise BadInput(f"{path.name} can't be unpacked.", "Unpack it yourself, and try again.") from error
        yield target


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
    BadInput : the suffix is not .csv, .xlsx or .parquet, or the folder isn't there.

    """
    if path.suffix.lower() not in WRITERS:
        raise BadInput(f"{path.name} doesn't end in .csv, .xlsx or .parquet.", "Give it one of these endings.")
    if not path.resolve().parent.is_dir():
        raise BadInput(f"There is no folder {path.parent}.", "Make it, or write elsewhere.")


def write_frame(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV, XLSX or Parquet by suffix; the file appears whole or not at all.

    Raises
    ------
    BadInput : see ``check_output``; or the table has more rows than a sheet holds; or the disk is full.

    """
    check_output(path)
    partial = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        WRITERS[path.suffix.lower()](frame, partial)
        partial.replace(path)
    except OSError as error:
        raise BadInput(f"{path} can't be written: {error.strerror}.", "Write elsewhere.") from error
    finally:
        partial.unlink(missing_ok=True)


def _write_csv(frame: pd.DataFrame, path: Path) -> None:
    frame.to_csv(path, index=False, lineterminator="\n")


def _write_xlsx(frame: pd.DataFrame, path: Path) -> None:
    if len(frame) > 1_048_575:
        raise BadInput(f"{len(frame)} rows are more than a sheet holds.", "Write CSV or Parquet.")
    # Formulas and links off: a cell of somebody else's words must stay words. A fixed date makes two runs alike.
    options = {"strings_to_formulas": False, "strings_to_urls": False, "nan_inf_to_errors": True}
    with pd.ExcelWriter(path, engine="xlsxwriter", engine_kwargs={"options": options}) as writer:
        writer.book.set_properties({"created": dt.datetime(2000, 1, 1)})
        frame.to_excel(writer, index=False, sheet_name="Coded")


def _write_parquet(frame: pd.DataFrame, path: Path) -> None:
    try:
        frame.to_parquet(path, index=False)
    except (TypeError, ValueError):
        # A column of cells of several types, as XLSX may have, has no Parquet type: such columns are written as text.
        mixed = [name for name in frame.columns if frame[name].dtype == object]
        frame.assign(**{str(name): frame[name].map(str) for name in mixed}).to_parquet(path, index=False)


WRITERS: dict[str, Callable[[pd.DataFrame, Path], None]] = {
    ".csv": _write_csv,
    ".xlsx": _write_xlsx,
    ".parquet": _write_parquet,
}
