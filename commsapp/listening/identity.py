"""What makes a row the same row in a later, longer export: its own id, else all its cells and how often they came before."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping as Dictionary
from collections.abc import Sequence
from typing import Protocol

from commsapp.errors import BadInput
from commsapp.listening.columns import Mapping

_LONGEST_ID = 200


class Ordinals(Protocol):
    """Counts how often something was seen in this file. The caller keeps it, so that memory stays bounded."""

    def next(self, digest: bytes) -> int:
        """How often the digest was given before: 0 the first time, then 1, 2, …"""
        ...


class MemoryOrdinals:
    """Ordinals for small files and for tests."""

    def __init__(self) -> None:
        self._seen: Counter[bytes] = Counter()

    def next(self, digest: bytes) -> int:
        """How often the digest was given before."""
        self._seen[digest] += 1
        return self._seen[digest] - 1


def row_identity(cells: Dictionary[str, str], mapping: Mapping, ordinals: Ordinals) -> str:
    """'id:…' where the export has an id of its own, else 'row:' and a hash of all cells with its ordinal among equal rows.

    The hash covers every cell of the file, used or left out, in no order and without empty ones: it stays the same when
    columns are mapped otherwise, moved, or added empty, or when a CSV comes again as XLSX.

    Raises BadInput when the same id came before in this file with other cells: one of the two is wrong, and only the owner
    of the file knows which. The first stays. With equal cells it gets the same identity again, which counts as there already.
    """
    content = _canonical(cells)
    own = cells.get(mapping.identity, "").strip() if mapping.identity else ""
    if own:
        name = own.encode("utf-8", "surrogatepass")
        first = ordinals.next(_digest(b"id\0", name)) == 0
        # asked for in any case, so that the first row's cells are known when the id comes again
        seen = ordinals.next(_digest(b"id and row\0", content))
        if not first and seen == 0:
            raise BadInput(f"The id '{own[:60]}' came before in this file with other cells.", "Give each response its own id.")
        return f"id:{own}" if len(own) <= _LONGEST_ID else f"id:{hashlib.sha256(name).hexdigest()}"
    ordinal = ordinals.next(_digest(b"row\0", content))
    return f"row:{_digest(content, b'#', str(ordinal).encode()).hex()}"


def check_told_apart(known: str | None, mapping: Mapping, columns: Sequence[str]) -> None:
    """Refuse to tell rows apart in another way than earlier files of a channel did: that would count everybody twice.

    ``known`` is the column that told them apart, None for whole rows. Raises BadInput.
    """
    if known == mapping.identity:
        return
    if known is None:
        raise BadInput(
            f"Earlier files of this channel were told apart by whole rows, this one by its column '{mapping.identity}'.",
            f"Leave '{mapping.identity}' out, or use another channel.",
        )
    if known in columns:
        raise BadInput(
            f"Earlier files of this channel were told apart by their column '{known}', which this one has for something else.",
            f"Read '{known}' as the id of the response, or use another channel.",
        )
    raise BadInput(
        f"Earlier files of this channel were told apart by their column '{known}', which this one doesn't have.",
        "Add it, or use another channel.",
    )


def _canonical(cells: Dictionary[str, str]) -> bytes:
    filled = {column: text for column, cell in cells.items() if (text := cell.replace("\r\n", "\n").replace("\r", "\n").strip())}
    return json.dumps(filled, sort_keys=True).encode()


def _digest(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()
