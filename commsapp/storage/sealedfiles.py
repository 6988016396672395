"""Files sealed in pieces, so that one of any size is written and read in little memory, from any place in it.

Each file has a key of its own. Pieces are sealed with AES-256-GCM under a counter and a mark on the last one (STREAM; Hoang,
Reyhanitabar, Rogaway, Vizár 2015), so pieces that are changed, swapped, left out or cut off at the end are found.

What may come in: sealing and opening bytes of a file. What may not: where keys come from, and what the bytes mean.
"""

from __future__ import annotations

import io
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from commsapp.errors import Unavailable

PIECE = 64 * 1024
_TAG = 16
_HEAD = b"commsapp file 1\n"


def new_key() -> bytes:
    """A key for one file; never use it for another."""
    return secrets.token_bytes(32)


def write_sealed(target: IO[bytes], blocks: Iterable[bytes], key: bytes) -> int:
    """Seal blocks of any sizes into an open file; how many bytes there were."""
    aead, waiting, number, size = AESGCM(key), bytearray(), 0, 0
    target.write(_HEAD)
    for block in blocks:
        size += len(block)
        waiting += block
        # One byte more must be there before a piece is written: only then is it known not to be the last.
        while len(waiting) > PIECE:
            target.write(aead.encrypt(_nonce(number, last=False), bytes(waiting[:PIECE]), _HEAD))
            del waiting[:PIECE]
            number += 1
    target.write(aead.encrypt(_nonce(number, last=True), bytes(waiting), _HEAD))
    return size


class SealedFile(io.RawIOBase):
    """A sealed file to read, from any place in it. ``size`` is in bytes, of what was sealed.

    Raises
    ------
    Unavailable : it is not there, was changed or cut off, or the key is another.

    """

    def __init__(self, path: Path, key: bytes) -> None:
        super().__init__()
        self._aead = AESGCM(key)
        self._place = 0
        self._piece: tuple[int, bytes] | None = None
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise Unavailable("A sealed file is not there any more.", "Restore a backup.") from error
        length = os.fstat(self._file.fileno()).st_size - len(_HEAD)
        self._pieces = max(1, -(-length // (PIECE + _TAG)))
        self.size = length - self._pieces * _TAG
        if self._file.read(len(_HEAD)) != _HEAD or self.size < 0:
            self._file.close()
            raise _changed()

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self.size}[whence]
        self._place = max(0, start + offset)
        return self._place

    def tell(self) -> int:
        """The place."""
        return self._place

    def readinto(self, buffer: object) -> int:
        """Read up to the end of a piece."""
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        if self._place >= self.size:
            if self.size == 0:
                self._opened(0)  # an empty file may have been cut off too
            return 0
        number, start = divmod(self._place, PIECE)
        some = self._opened(number)[start : start + len(view)]
        view[: len(some)] = some
        self._place += len(some)
        return len(some)

    def close(self) -> None:
        """Let go of the file."""
        if not self.closed:
            self._file.close()
        super().close()

    def _opened(self, number: int) -> bytes:
        if self._piece is None or self._piece[0] != number:
            self._file.seek(len(_HEAD) + number * (PIECE + _TAG))
            sealed = self._file.read(PIECE + _TAG)
            try:
                content = self._aead.decrypt(_nonce(number, last=number == self._pieces - 1), sealed, _HEAD)
            except (InvalidTag, ValueError) as error:
                raise _changed() from error
            self._piece = (number, content)
        return self._piece[1]


def _nonce(number: int, *, last: bool) -> bytes:
    return bytes(7) + number.to_bytes(4, "big") + (b"\x01" if last else b"\x00")


def _changed() -> Unavailable:
    return Unavailable("A sealed file was changed or cut off and can't be opened.", "Restore a backup.")
