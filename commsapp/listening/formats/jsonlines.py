"""Reads JSON Lines: one object a line; objects within become columns 'a/b', lists become 'x;y'."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import PurePath

from commsapp.errors import BadInput
from commsapp.listening.formats.encoding import Encoding, find_encoding, marked
from commsapp.listening.formats.table import Limits, Reader, Row, Source, Table
from commsapp.listening.formats.tidy import LONGEST_NAME, column_name, numbered

_SUFFIXES = {".jsonl", ".ndjson", ".jsonlines"}
_SAMPLE_LINES = 1_000
_SAMPLE_CHARACTERS = 33_554_432


def recognises(source: Source) -> bool:
    """Whether the first line is a JSON object, or the name says that the lines should be."""
    suffix = PurePath(source.name).suffix.casefold()
    if suffix in _SUFFIXES | {".json"}:
        return True
    beginning = source.head.decode(marked(source.head) or "utf-8", "replace")
    first = beginning.lstrip("\ufeff \t\r\n").split("\n", 1)[0]
    if not first.startswith("{"):
        return False
    try:
        return isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False


def open_jsonlines(source: Source) -> Table:
    """Finds the columns: all names in the first 1,000 lines, as they appear. Raises BadInput when no line is an object."""
    encoding = find_encoding(source)
    _refuse_document(source, encoding)
    columns: dict[str, None] = {}
    count = read_characters = header = 0
    with encoding.stream(source, "\n") as stream:
        lines = _rows(stream, source.limits, 0)
        for row in lines:
            count += 1
            if not row.problem and row.cells:
                header = header or row.number
                columns |= dict.fromkeys(row.cells)
                read_characters += sum(map(len, row.cells.values()))
            if count >= _SAMPLE_LINES or read_characters > _SAMPLE_CHARACTERS:
                break
        complete = next(lines, None) is None
    if not columns:
        raise BadInput(f"{source.name} has no line that is a JSON object.", "Save it as JSON Lines (.jsonl), CSV or XLSX.")
    if len(columns) > source.limits.columns:
        raise BadInput(
            f"{source.name} has {len(columns):,} different names; at most {source.limits.columns} can be read.",
            "Leave out those that you don't need, and try again.",
        )
    names = tuple(columns)

    def read(after: int) -> Iterator[Row]:
        return _stream(source, encoding, names, after)

    return Table(
        format="jsonl", name=source.name, columns=names, header_row=0, encoding=encoding.name, separator="", sheet="",
        notes=(encoding.note,) if encoding.note else (), read=read,
        estimated_rows=count if complete else max(count, round(source.size * source.head.count(b"\n") / len(source.head))),
    )  # fmt: skip


def _refuse_document(source: Source, encoding: Encoding) -> None:
    """Raises BadInput for one JSON value spread over lines: some of its lines may be objects and would be taken for rows."""
    first = encoding.sample(source).lstrip().split("\n", 1)[0].rstrip()
    if first.startswith(("[", "{")) and (first in ("[", "{") or first.endswith((",", "["))):
        raise BadInput(f"{source.name} is JSON, but not one object a line.", "Save it as JSON Lines (.jsonl), CSV or XLSX.")


def _stream(source: Source, encoding: Encoding, names: tuple[str, ...], after: int) -> Iterator[Row]:
    empty = dict.fromkeys(names, "")
    with encoding.stream(source, "\n") as stream:
        for row in _rows(stream, source.limits, after):
            # names that turn up only further down stay in the row: they count for what makes two rows equal
            yield Row(row.number, empty | row.cells) if row.cells is not None and not row.problem else row


def _rows(stream: io.TextIOWrapper, limits: Limits, after: int) -> Iterator[Row]:
    number = 0
    while line := stream.readline(limits.text_row):
        number += 1
        whole = len(line) < limits.text_row or line.endswith("\n")
        while not whole and (rest := stream.readline(limits.text_row)):
            whole = rest.endswith("\n")
        if number <= after:
            continue
        if len(line) >= limits.text_row:
            yield Row(number, None, f"Line {number} has more than {limits.text_row:,} characters.")
        elif row := _row(number, line.removeprefix("\ufeff"), limits):
            yield row


def _row(number: int, line: str, limits: Limits) -> Row | None:
    """The row of a line; None where the line has nothing in it."""
    if not line.strip():
        return None
    raw = {"line": line.rstrip("\r\n")}
    try:
        found = json.loads(line, parse_int=str, parse_float=str, parse_constant=str)
        if not isinstance(found, dict):
            return Row(number, raw, f"Line {number} is not a JSON object.")
        cells: dict[str, str] = {}
        _flatten(found, "", cells, limits.columns)
    except ValueError as error:
        where = f" from character {error.colno} on" if isinstance(error, json.JSONDecodeError) else ""
        return Row(number, raw, f"Line {number} can't be read as JSON{where}.")
    except RecursionError:
        return Row(number, raw, f"Line {number} has objects nested too deep.")
    if len(cells) > limits.columns:
        return Row(number, raw, f"Line {number} has more names than the {limits.columns} that can be read.")
    if len(line) > limits.text_cell and any(len(cell) > limits.text_cell for cell in cells.values()):
        return Row(number, None, f"Line {number} has a value with more than {limits.text_cell:,} characters.")
    return Row(number, cells) if any(cell.strip() for cell in cells.values()) else None


def _flatten(found: dict[str, object], above: str, cells: dict[str, str], most: int) -> None:
    """Add an object's values to the cells; one name more than may be ends it, as telling many equal names apart takes long."""
    for key, value in found.items():
        if len(cells) > most:
            return
        name = f"{above}{key}"
        if isinstance(value, dict) and value:
            _flatten(value, f"{name[:LONGEST_NAME]}/", cells, most)
            continue
        # two names can end up alike: {"a/b": 1, "a": {"b": 2}}
        cells[numbered(column_name(name) or "Column", cells)] = _shown(value)


def _shown(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, list):
        return ";".join(_shown(item) for item in value)
    return json.dumps(value, ensure_ascii=False) if value else ""


READER = Reader(recognises=recognises, open=open_jsonlines)
