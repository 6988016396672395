"""Reads XLSX: a child process parses it under limits of memory and time, and streams its rows back."""

from __future__ import annotations

import dataclasses
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from commsapp.errors import BadInput
from commsapp.listening.formats.header import SAMPLE_ROWS, find_shape
from commsapp.listening.formats.table import Reader, Row, Source, Table

_CHILD = Path(__file__).with_name("workbook_child.py")
_KEPT_SETTINGS = ("PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")
"""The child opens files of strangers, so it gets no passwords or keys from the environment."""

_CSV = "Save its sheet as CSV, and try again."
_NO_TABLE = "Choose the CSV, XLSX or JSON Lines file with the responses."
_REFUSALS: dict[str, tuple[str, str]] = {
    "parts": ("{name} has {0:,} parts; a workbook with more than {limits.parts:,} is not read.", _CSV),
    "bomb": ("{name} would unpack to {0:,} bytes, more than a workbook may.", _CSV),
    "password": ("{name} is protected by a password.", "Open it in Excel, save it without a password, and try again."),
    "binary": ("{name} is a binary workbook (.xlsb).", "Open it, save it as .xlsx or CSV, and try again."),
    "document": ("{name} is a Word document, not a table.", "Copy its table into a spreadsheet, and save that as CSV or XLSX."),
    "slides": ("{name} is a presentation, not a table.", _NO_TABLE),
    "opendocument": ("{name} is an OpenDocument file.", "Open it, save it as .xlsx or CSV, and try again."),
    "zip": ("{name} is a zip file, not a table.", "Unpack it, and choose the file inside."),
    "damaged": ("{name} is damaged: it begins like a workbook but can't be read.", "Open it in Excel, save it, and try again."),
    "empty": ("{name} is empty.", "Choose a file with a header row and at least one row below it."),
    "columns": (
        "{name} has {0:,} columns; at most {limits.columns:,} can be read.",
        "Delete those that you don't need, and any that only look empty.",
    ),
    "rows": ("{name} has {0:,} rows; at most {limits.xlsx_rows:,} can be read.", _CSV),
    "cell": ("Row {1} of {name} has a cell with {0:,} characters; at most {limits.xlsx_cell:,} can be read.", "Shorten it."),
    "memory": ("{name} needs more memory than reading a workbook may take.", _CSV),
    "time": ("{name} takes longer to read than a workbook may.", _CSV),
}


def open_workbook(source: Source) -> Table:
    """Checks the archive, then finds sheet and header. Raises BadInput when the file is no workbook or beyond a limit."""
    with _Child(source, facts_only=True) as child:
        facts = child.facts()
        shape = find_shape(list(child.rows()), source.name, source.limits.columns)
    notes = [shape.note] if shape.note else []
    if facts["filled"] > 1:
        chosen = f"Read the sheet '{facts['sheet']}', one of {facts['filled']} with something in them."
        notes.append(f"{chosen} To read another one, save it as CSV.")
    if shape.header_row > 1:
        notes.append(f"The header is in row {shape.header_row}; what stands above it was left out.")
    if facts["errors"]:
        notes.append("Cells that show an error, such as #REF!, were read as empty.")

    def read(after: int) -> Iterator[Row]:
        with _Child(source, facts_only=False, after=max(after, shape.data_from - 1)) as child:
            child.facts()
            for number, cells in child.rows():
                if row := shape.row(number, cells):
                    yield row

    return Table(
        format="xlsx", name=source.name, columns=shape.columns, header_row=shape.header_row, encoding="", separator="",
        sheet=facts["sheet"], notes=tuple(notes), read=read, estimated_rows=max(1, facts["count"] - 1),
    )  # fmt: skip


class _Child:
    """The parsing process, ended with the ``with`` block whatever it does."""

    def __init__(self, source: Source, *, facts_only: bool, after: int = 0) -> None:
        self._source = source
        task = dataclasses.asdict(source.limits) | {
            "path": str(source.path.resolve()), "facts_only": facts_only, "after": after, "sample": SAMPLE_ROWS,
        }  # fmt: skip
        self._process = subprocess.Popen(  # noqa: S603 - our own script; the file's name goes as data
            [sys.executable, "-P", "-X", "utf8", str(_CHILD), json.dumps(task)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={name: os.environ[name] for name in _KEPT_SETTINGS if name in os.environ},
        )  # fmt: skip
        self._lines = self._read_lines()

    def __enter__(self) -> _Child:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    def facts(self) -> dict[str, Any]:
        """The first line: which sheet, how many rows. Raises BadInput with the reason where the file is refused."""
        facts: dict[str, Any] = self._next()
        return facts

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Row numbers and cells. Raises BadInput when the child ended before it was through."""
        while True:
            line = self._next()
            if isinstance(line, dict):
                return
            yield line[0], line[1]

    def _next(self) -> Any:
        try:
            line = json.loads(next(self._lines))
        except (StopIteration, ValueError):
            raise self._refusal(self._cause_of_death(), ()) from None
        if isinstance(line, dict) and "refused" in line:
            raise self._refusal(line["refused"], line["figures"])
        return line

    def _cause_of_death(self) -> str:
        """Why it ended without a last line: a limit, a failed allocation, or else a file that the parser choked on."""
        try:
            status = self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            return "time"
        if status == -signal.SIGXCPU:
            return "time"
        return "memory" if status < 0 else "damaged"

    def _refusal(self, reason: str, figures: Any) -> BadInput:
        problem, cure = _REFUSALS[reason]
        return BadInput(problem.format(*figures, name=self._source.name, limits=self._source.limits), cure)

    def _read_lines(self) -> Iterator[bytes]:
        """Lines from the pipe. Only time spent waiting for the child counts, not what the caller does between rows."""
        assert self._process.stdout is not None
        pipe = self._process.stdout.fileno()
        left = float(self._source.limits.wall_seconds)
        rest = b""
        while True:
            began = time.monotonic()
            ready, _, _ = select.select([pipe], [], [], left)
            left -= time.monotonic() - began
            if not ready or left <= 0:
                raise self._refusal("time", ())
            piece = os.read(pipe, 262_144)
            if not piece:
                return
            *lines, rest = (rest + piece).split(b"\n")
            yield from lines


READER = Reader(recognises=lambda source: source.head.startswith((b"PK\x03\x04", b"PK\x05\x06")), open=open_workbook)
"""Any zip archive: what it holds is looked at by the child."""
