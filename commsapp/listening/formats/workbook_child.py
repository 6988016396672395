"""Parses a workbook in a process of its own, which may run out of memory or time without harm; rows leave as JSON lines.

Run by ``workbook.py`` by its path, so it imports nothing of commsapp: ``workbook_child.py FACTS`` with a JSON object of
file, limits and task on the command line. The first line out has the facts or a refusal; a last line says that all went well.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import re
import sys
import zipfile
from collections.abc import Iterator
from typing import Any

_ERROR_CELL = re.compile(rb'<c [^>]{0,200}t="e"')
_DAY = datetime.timedelta(days=1)


class Refused(Exception):
    """The file is not read; the arguments are a word that ``workbook.py`` has a sentence for, and its figures."""


def limit(task: dict[str, Any]) -> None:
    """Cap memory and processor time, and forbid writing files, where the system knows how."""
    try:
        import resource
    except ImportError:  # Windows: the parent still ends this process when its time is over
        return
    cpu, memory = task["cpu_seconds"], task["memory"]
    caps = ((resource.RLIMIT_CPU, cpu), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0), (resource.RLIMIT_AS, memory))
    for which, most in caps:
        with contextlib.suppress(ValueError, OSError):
            # at the lower CPU limit the signal says what happened, at the upper one it only kills
            resource.setrlimit(which, (most, most + 5 if which == resource.RLIMIT_CPU else most))


def check_archive(task: dict[str, Any]) -> bool:
    """Refuse what is no workbook or would unpack to too much; True when a sheet has cells with an error in them."""
    try:
        with zipfile.ZipFile(task["path"]) as archive:
            parts = archive.infolist()
            names = {part.filename for part in parts}
            unpacked = sum(part.file_size for part in parts)
            packed = sum(part.compress_size for part in parts) or 1
            if len(parts) > task["parts"]:
                raise Refused("parts", len(parts))
            if unpacked > task["unpacked"] or (unpacked > task["ratio_from"] and unpacked > task["ratio"] * packed):
                raise Refused("bomb", unpacked)
            if any(part.flag_bits & 1 for part in parts):
                raise Refused("password")
            if "xl/workbook.bin" in names:
                raise Refused("binary")
            if "xl/workbook.xml" not in names:
                raise Refused(_other_kind(names, archive))
            return bool(task["facts_only"]) and _has_errors(archive, parts)
    except Refused:
        raise
    except Exception as error:  # zipfile raises a dozen kinds on damaged archives
        raise Refused("damaged") from error


def _other_kind(names: set[str], archive: zipfile.ZipFile) -> str:
    if any(name.startswith("word/") for name in names):
        return "document"
    if any(name.startswith("ppt/") for name in names):
        return "slides"
    if "mimetype" in names:
        with archive.open("mimetype") as stream:
            return "opendocument" if b"opendocument" in stream.read(200) else "zip"
    return "zip"


def _has_errors(archive: zipfile.ZipFile, parts: list[zipfile.ZipInfo]) -> bool:
    """Whether any sheet has '#REF!' and the like. The parser gives them as empty cells, so only the XML tells."""
    for part in parts:
        if not part.filename.startswith("xl/worksheets/sheet"):
            continue
        with archive.open(part) as stream:
            tail = b""
            while chunk := stream.read(1_048_576):
                if _ERROR_CELL.search(tail + chunk):
                    return True
                tail = chunk[-300:]
    return False


def shown(value: object) -> str:
    """A cell as its sheet shows it: 7 and not 7.0, dates in ISO form, TRUE and FALSE."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else format(value, ".15g")
    if isinstance(value, datetime.datetime):
        midnight = value.time() == datetime.time()
        return value.date().isoformat() if midnight else value.isoformat(" ", "seconds")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return str(value)


def sheet_rows(sheet: Any) -> Iterator[tuple[int, list[str]]]:
    """Rows that have anything in them, with the number that the sheet shows beside them."""
    for number, cells in enumerate(sheet.iter_rows(), 1):
        texts = [shown(cell) for cell in cells]
        if any(text.strip() for text in texts):
            yield number, texts


def choose_sheet(book: Any) -> tuple[str, int, Any]:
    """The first visible sheet that holds a table, else any with data; its name, how many have data, and the sheet.

    A cover with a title and a few lines has one column, or one row.
    """
    filled: list[tuple[bool, bool, int, str]] = []
    for facts in book.sheets_metadata:
        if "WorkSheet" in str(facts.typ):
            sheet = book.get_sheet_by_name(facts.name)
            if sheet.start is not None and next(sheet_rows(sheet), None) is not None:
                hidden = str(facts.visible) != "SheetVisibleEnum.Visible"
                filled.append((hidden, sheet.width < 2 or sheet.height < 2, len(filled), facts.name))
                del sheet
    if not filled:
        raise Refused("empty")
    name = min(filled)[-1]
    return name, len(filled), book.get_sheet_by_name(name)


def tell(line: object) -> None:
    """Write one line of JSON."""
    sys.stdout.write(json.dumps(line) + "\n")


def check_sheet(sheet: Any, task: dict[str, Any]) -> int:
    """Refuse a sheet with more columns, rows or characters than are read; the number of its rows otherwise."""
    if sheet.width > task["columns"]:
        raise Refused("columns", sheet.width)
    last_row = sheet.end[0] + 1
    if last_row > task["xlsx_rows"]:
        raise Refused("rows", last_row)
    count = 0
    for number, texts in sheet_rows(sheet):
        count += 1
        longest = max(map(len, texts))
        if longest > task["xlsx_cell"]:
            raise Refused("cell", longest, number)
    return count


def main() -> None:
    """Do the task: facts and the first rows (``facts_only``), or every row above ``after``."""
    task = json.loads(sys.argv[1])
    limit(task)
    try:
        errors = check_archive(task)
        from python_calamine import CalamineError, CalamineWorkbook

        try:
            with open(task["path"], "rb") as stream:  # noqa: PTH123 - nothing more is imported than is needed
                book = CalamineWorkbook.from_filelike(stream)
                name, filled, sheet = choose_sheet(book)
        except CalamineError as error:
            raise Refused("password" if "assword" in type(error).__name__ else "damaged") from error
        count = check_sheet(sheet, task) if task["facts_only"] else 0
        tell({"sheet": name, "filled": filled, "count": count, "errors": errors})
        for sent, (number, texts) in enumerate(sheet_rows(sheet)):
            if task["facts_only"] and sent >= task["sample"]:
                break
            if number > task["after"]:
                tell([number, texts])
        tell({"end": True})
    except Refused as refused:
        tell({"refused": refused.args[0], "figures": refused.args[1:]})
    except MemoryError:
        tell({"refused": "memory", "figures": []})


if __name__ == "__main__":
    main()
