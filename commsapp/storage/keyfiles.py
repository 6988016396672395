"""Key files: each key wrapped in a small file of its own, whole or not there, and copies of all of them in one.

What may come in: reading, writing and destroying files of wrapped keys. What may not: keys that are not wrapped.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from commsapp.errors import BadInput, Conflict, Unavailable

FORMAT = "commsapp keys 1"
_KEY = ".key"
_TOMBSTONE = ".forgotten"


@dataclass(frozen=True)
class KeyFile:
    """One wrapped key."""

    id: str
    family: str
    version: int
    made_at: datetime
    wrapped: bytes

    @property
    def name(self) -> str:
        """Its file. One of each family and version, so that two processes never make the same one twice."""
        return f"{self.family}.{self.version}{_KEY}"

    @property
    def said(self) -> bytes:
        """What it says of itself, which nobody can change without the key that wraps it."""
        return f"commsapp key 1/{self.family}/{self.version}/{self.id}".encode()


@dataclass(frozen=True)
class Tombstone:
    """A family whose keys were taken away for good: their ids, and when."""

    family: str
    ids: tuple[str, ...]
    at: datetime


@dataclass(frozen=True)
class Copy:
    """All keys of a folder, wrapped, and what was taken away there."""

    keys: tuple[KeyFile, ...]
    tombstones: tuple[Tombstone, ...]


def read_folder(folder: Path) -> Copy:
    """Everything in a folder of keys; nothing where there is no folder yet. Raises Unavailable."""
    keys, stones = [], []
    with _readable(folder):
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if path.suffix not in (_KEY, _TOMBSTONE):
                continue
            try:
                held = json.loads(path.read_text("utf-8"))
                if path.suffix == _KEY:
                    keys.append(_as_key(held))
                else:
                    stones.append(_as_tombstone(held))
            except FileNotFoundError:  # taken away by another process since the folder was listed
                continue
            except (ValueError, KeyError, TypeError) as error:
                raise Unavailable(f"The key file {path} is damaged.", "Put it back from a copy.") from error
    return Copy(tuple(keys), tuple(stones))


def stamp(folder: Path) -> int:
    """Changes when a file comes into the folder or leaves it."""
    try:
        return folder.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def write_key(folder: Path, key: KeyFile) -> bool:
    """Write a key file; False where there is one of its family and version already, which stays. Raises Unavailable."""
    return _write(folder, key.name, _key_words(key), replace=False)


def replace_key(folder: Path, key: KeyFile) -> None:
    """Write a key file in place of the one that is there. Raises Unavailable."""
    _write(folder, key.name, _key_words(key), replace=True)


def write_tombstone(folder: Path, stone: Tombstone) -> None:
    """Note that a family was taken away. Raises Unavailable."""
    _write(folder, f"{stone.family}{_TOMBSTONE}", _tombstone_words(stone), replace=True)


def destroy(path: Path) -> None:
    """Overwrite a file, then unlink it. Raises Unavailable.

    Disks that move what they overwrite (flash) may keep the old bytes: what lies there is wrapped, and useless without
    the secret key.
    """
    with _readable(path.parent), suppress(FileNotFoundError):
        size = path.stat().st_size
        with path.open("r+b") as file:
            file.write(secrets.token_bytes(size))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
        _sync(path.parent)


def write_copy(path: Path, copy: Copy, *, replace: bool = False) -> None:
    """Write all keys into one file, for its owner alone.

    Raises
    ------
    Conflict : there is such a file. Unavailable : it can't be written.

    """
    held = {
        "format": FORMAT,
        "keys": [_key_words(key) for key in copy.keys],
        "forgotten": [_tombstone_words(stone) for stone in copy.tombstones],
    }
    if not _write(path.parent, path.name, held, replace=replace):
        raise Conflict(f"There is a file {path} already.", "Give the backup another name; an old one is never overwritten.")


def read_copy(path: Path) -> Copy:
    """What `write_copy` wrote. Raises BadInput."""
    try:
        held = json.loads(path.read_text("utf-8"))
        if held["format"] != FORMAT:
            raise BadInput(f"{path.name} is of a newer version.", "Update commsapp.")
        return Copy(tuple(map(_as_key, held["keys"])), tuple(map(_as_tombstone, held["forgotten"])))
    except FileNotFoundError as error:
        raise BadInput(f"There is no file {path}.", "Check its name.") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path.name} is no file of keys.", "Choose the one that 'commsapp backup' wrote.") from error


def without(copy: Copy, families: set[str]) -> Copy:
    """A copy without the keys of some families."""
    return Copy(tuple(key for key in copy.keys if key.family not in families), copy.tombstones)


def both(first: Copy, last: Copy, *, but: str) -> Copy:
    """What either of two copies of one folder holds: no key of what was taken away for good by the ``last``, and none of the
    family ``but`` that is not in the ``last``.
    """
    gone = {stone.family for stone in last.tombstones}
    keys = {key.id: key for key in first.keys if key.family != but} | {key.id: key for key in last.keys}
    return Copy(tuple(key for key in keys.values() if key.family not in gone), last.tombstones)


def _key_words(key: KeyFile) -> dict[str, Any]:
    return {
        "id": key.id,
        "family": key.family,
        "version": key.version,
        "made_at": key.made_at.isoformat(),
        "wrapped": base64.b64encode(key.wrapped).decode("ascii"),
    }


def _as_key(held: dict[str, Any]) -> KeyFile:
    made_at = datetime.fromisoformat(held["made_at"])
    family, number = _plain(held["family"]), _plain(held["id"])
    return KeyFile(number, family, int(held["version"]), made_at, base64.b64decode(held["wrapped"], validate=True))


def _plain(name: str) -> str:
    # It becomes the name of a file, and a copy may come from anywhere.
    if not (name.isascii() and name.isalnum()):
        raise ValueError("not the name of a key")
    return name


def _tombstone_words(stone: Tombstone) -> dict[str, Any]:
    return {"family": stone.family, "ids": list(stone.ids), "at": stone.at.isoformat()}


def _as_tombstone(held: dict[str, Any]) -> Tombstone:
    return Tombstone(_plain(held["family"]), tuple(map(_plain, held["ids"])), datetime.fromisoformat(held["at"]))


def _write(folder: Path, name: str, held: dict[str, Any], *, replace: bool) -> bool:
    """Write a file whole or not at all; False where it is there and may not be replaced."""
    draft = folder / f".{name}.{secrets.token_hex(4)}.part"
    with _readable(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                json.dump(held, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            if replace:
                draft.replace(folder / name)
            else:
                os.link(draft, folder / name)
        except FileExistsError:
            return False
        finally:
            draft.unlink(missing_ok=True)
        _sync(folder)
    return True


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _readable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(
            f"The folder of keys {folder} can't be used: {error.strerror}.", "Check who may read and write it, and the disk."
        ) from error
