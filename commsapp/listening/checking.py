"""A file made ready for its import: read and hashed while no transaction is open, as both may take minutes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from commsapp.listening.columns import Mapping, check
from commsapp.listening.dates import DateOrder
from commsapp.listening.formats import open_table
from commsapp.listening.uploads import sha256_of


@dataclass(frozen=True)
class CheckedFile:
    """A file that can be read, where it lies, what is in it, and as what its columns will be read."""

    path: Path
    name: str
    sha256: str
    columns: tuple[str, ...]
    mapping: Mapping
    date_order: DateOrder | None


def check_file(path: Path, *, name: str, mapping: Mapping, date_order: DateOrder | None = None) -> CheckedFile:
    """Read a file to its end, hold the mapping against its columns, and hash it, before a session that writes is used.

    To its end, so that a file that can't be read further somewhere is refused before anything of it is stored.

    ``path`` is where the file lies until an import has read it; it must stay there. ``name`` is what its owner calls it; of
    that is kept what can stand in a sentence.

    Raises
    ------
    BadInput : the file can't be read, or a column that the mapping names isn't in it.

    """
    table = open_table(path, name=name)
    check(mapping, table.columns)
    for _ in table.rows():
        pass
    return CheckedFile(path, table.name, sha256_of(path), table.columns, mapping, date_order)
