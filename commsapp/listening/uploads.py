"""Files between their arrival and the end of their import: kept under names of our own, until they are read or for a day.

They hold what people said before anything was checked and sealed, so none stays longer. A file goes when its import has ended,
unless somebody brought the same one again since the import was started.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
import time
from pathlib import Path
from typing import IO

from commsapp.config import Settings
from commsapp.errors import BadInput, Unavailable
from commsapp.listening.formats.recognise import printable
from commsapp.storage import imports
from commsapp.storage.session import Session

A_DAY = 24 * 3600
_CHUNK = 1024 * 1024
SCRATCH = "scratch"
"""Folder for what an import needs while it runs; a killed one leaves something there."""


def keep(path: Path, settings: Settings) -> Path:
    """Copy a file into the data folder under a name of our own, for an import that runs later; returns where it lies.

    Raises
    ------
    BadInput : there is no such file, or it can't be read. Unavailable : the disk is full.

    """
    uploads = _uploads(settings)
    partial = uploads / f"{secrets.token_hex(8)}.part"  # a name of its own: two may keep the same file at once
    try:
        uploads.mkdir(parents=True, exist_ok=True)
        target = uploads / sha256_of(path)
        if not target.exists() or sha256_of(target) != target.name:
            os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))  # only we may read it
            shutil.copyfile(path, partial)
            partial.replace(target)
        target.touch()
    except FileNotFoundError as error:
        raise BadInput(f"There is no file {printable(path.name)}.", "Check its name.") from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Unavailable("The disk is full; nothing was stored.", "Free some space, then try again.") from error
        problem = f"{printable(path.name)} can't be read: {error.strerror}."
        raise BadInput(problem, "Check what it is and who may read it.") from error
    finally:
        partial.unlink(missing_ok=True)
    return target


def keep_stream(stream: IO[bytes], settings: Settings) -> Path:
    """Keep what somebody sends in the data folder under a name of our own, read by us alone; returns where it lies.

    Raises
    ------
    Unavailable : the disk is full, or the folder can't be written to.

    """
    uploads = _uploads(settings)
    partial = uploads / f"{secrets.token_hex(8)}.part"
    digest = hashlib.sha256()
    try:
        uploads.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
                target.write(chunk)
        return partial.replace(uploads / digest.hexdigest())
    except OSError as error:
        raise Unavailable("The file could not be kept; nothing was stored.", "See whether the disk is full.") from error
    finally:
        partial.unlink(missing_ok=True)


def place_of(stored: str, settings: Settings) -> Path:
    """Where a file that was kept lies. Its name alone counts: a database that came from elsewhere leads to no other folder."""
    return _uploads(settings) / Path(stored).name


def clear(session: Session, settings: Settings) -> int:
    """Remove files that were read, and those of a day ago and older, unless an import of the last week still waits for them.

    Returns how many.
    """
    folders = (_uploads(settings), settings.data_dir / SCRATCH)
    paths = [path for folder in folders for path in (folder.iterdir() if folder.is_dir() else ())]
    needed = imports.files_needed(session)
    read = imports.files_read(session, [str(path) for path in paths])
    removed = 0
    for path in paths:
        if str(path) in needed:
            continue
        came = _came(path)
        since = read.get(str(path))
        if came < time.time() - A_DAY or (since is not None and came <= since.timestamp()):
            path.unlink(missing_ok=True)
            removed += 1
    return removed


def _came(path: Path) -> float:
    """When a file was brought here last; for ever where it went meanwhile."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def _uploads(settings: Settings) -> Path:
    return settings.data_dir / "uploads"


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
