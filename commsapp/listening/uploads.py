"""Files between their arrival and the end of their import: kept under names of our own, for a day or until they are read.

They hold what people said before anything was checked, so none stays longer. A file is not removed the moment its import ends,
as somebody else may be looking at the same one before theirs.
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


def clear(session: Session, settings: Settings) -> int:
    """Remove files of a day ago and older, unless an import of the last week still waits for them; returns how many."""
    needed = imports.files_needed(session)
    old = [
        path
        for folder in (_uploads(settings), settings.data_dir / SCRATCH)
        for path in (folder.iterdir() if folder.is_dir() else ())
        if str(path) not in needed and path.stat().st_mtime < time.time() - A_DAY
    ]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def _uploads(settings: Settings) -> Path:
    return settings.data_dir / "uploads"


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
