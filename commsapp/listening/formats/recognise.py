"""Looks at how a file begins, and turns away what is no table with a sentence that says what to do instead."""

from __future__ import annotations

import re
import stat
from pathlib import Path

from commsapp.errors import BadInput
from commsapp.listening.formats.table import Limits, Source

HEAD = 262_144
"""Bytes looked at to recognise format, separator and header."""

_SAVE_AS = "Save it as CSV or XLSX, and try again."
_NEITHER = "Choose the CSV, XLSX or JSON Lines file with the responses."

_BEGINNINGS: tuple[tuple[bytes, str, str], ...] = (
    (b"%PDF", "a PDF document", _NEITHER),
    (b"\x89PNG", "a picture", _NEITHER),
    (b"GIF8", "a picture", _NEITHER),
    (b"\xff\xd8\xff", "a picture", _NEITHER),
    (b"\x1f\x8b", "a compressed file", "Unpack it, and choose the file inside."),
    (b"BZh", "a compressed file", "Unpack it, and choose the file inside."),
    (b"\xfd7zXZ", "a compressed file", "Unpack it, and choose the file inside."),
    (b"7z\xbc\xaf", "a compressed file", "Unpack it, and choose the file inside."),
    (b"Rar!", "a compressed file", "Unpack it, and choose the file inside."),
    (b"\x7fELF", "a program", _NEITHER),
    (b"PAR1", "a Parquet file", _SAVE_AS),
    (b"SQLite format 3", "a database", _SAVE_AS),
    (b"{\\rtf", "a text document (RTF)", _SAVE_AS),
)
_WEB_PAGE = re.compile(rb"\s*<(!doctype html|html|\?xml)", re.IGNORECASE)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")


def look(path: Path, name: str | None, limits: Limits) -> Source:
    """How the file begins. Raises BadInput when it can't be opened, is empty, or is plainly something else."""
    name = printable(name or path.name or str(path))
    try:
        facts = path.stat()
        if stat.S_ISDIR(facts.st_mode):
            raise BadInput(f"{name} is a folder.", "Choose a file in it.")
        if not stat.S_ISREG(facts.st_mode):
            raise BadInput(f"{name} is not a file that can be read twice.", "Save it as a file, and choose that.")
        with path.open("rb") as stream:
            head = stream.read(HEAD)
    except (OSError, ValueError) as error:
        missing = isinstance(error, FileNotFoundError)
        problem = f"There is no file {name}." if missing else f"{name} can't be opened."
        raise BadInput(problem, "Check its name and who may read it.") from error
    if not head.strip(b'\0 \t\r\n\xef\xbb\xbf\xfe\xff,;|"'):
        raise BadInput(f"{name} is empty.", "Choose a file with a header row and at least one row below it.")
    _refuse_foreign(path, name, head)
    return Source(path, name, facts.st_size, head, limits)


def printable(name: str) -> str:
    """A file name as it can stand in a sentence: last part only, no control characters, not too long."""
    last = name.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1] or name
    return "".join(letter if letter.isprintable() else "?" for letter in last)[:120]


def _refuse_foreign(path: Path, name: str, head: bytes) -> None:
    for beginning, what, cure in _BEGINNINGS:
        if head.startswith(beginning):
            raise BadInput(f"{name} is {what}, not a table.", cure)
    if head.startswith(b"MZ") and b"\0" in head[:1024]:
        raise BadInput(f"{name} is a program, not a table.", _NEITHER)
    if head.startswith(_OLE):
        _refuse_ole(path, name)
    if _WEB_PAGE.match(head):
        raise BadInput(f"{name} is a web page or an XML file, not a table.", _SAVE_AS)


def _refuse_ole(path: Path, name: str) -> None:
    """Excel before 2007 and any encrypted workbook share one container; its directory names the streams in UTF-16."""
    with path.open("rb") as stream:
        content = stream.read(8_388_608)
        stream.seek(max(0, path.stat().st_size - 1_048_576))
        content += stream.read(1_048_576)
    if "EncryptedPackage".encode("utf-16-le") in content:
        raise BadInput(f"{name} is protected by a password.", "Open it in Excel, save it without a password, and try again.")
    if "Workbook".encode("utf-16-le") in content or "Book".encode("utf-16-le") in content:
        raise BadInput(f"{name} is a workbook of Excel 97-2003 (.xls).", "Open it, save it as .xlsx or CSV, and try again.")
    raise BadInput(f"{name} is an old Office document, not a table.", _SAVE_AS)


def refuse_binary(source: Source) -> None:
    """Raises BadInput when the beginning, no UTF-16, has more control characters than text has."""
    control = len(_CONTROL.findall(source.head))
    if control > max(8, 0.01 * len(source.head)) or (control and control >= 0.3 * len(source.head)):
        raise BadInput(f"{source.name} is not a text file or a workbook.", _NEITHER)
