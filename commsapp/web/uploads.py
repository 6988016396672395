"""Files between upload and import: kept under names of our own, remembered in a signed token and not in the database."""

from __future__ import annotations

import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.datastructures import FileStorage

from commsapp.actor import Actor
from commsapp.config import Settings
from commsapp.errors import BadInput, NotFound, Unavailable

MOST_FILES = 20
A_DAY = 24 * 3600
_CHUNK = 1024 * 1024
_LONGEST_NAME = 120


@dataclass(frozen=True)
class Upload:
    """One file: what is in it, and what its owner calls it."""

    sha256: str
    name: str


@dataclass(frozen=True)
class Batch:
    """Files that were dropped together, and where they should go: a programme, or a new one of that name."""

    uploads: tuple[Upload, ...]
    programme_id: int | None = None
    new_programme: str = ""


def receive(files: list[FileStorage], settings: Settings) -> tuple[Upload, ...]:
    """Keep files in the data folder, each once, in the order they came.

    Raises
    ------
    Unavailable : the disk is full, or the data folder can't be written to.

    """
    found: dict[str, Upload] = {}
    for file in files:
        upload = _receive(file, settings)
        found.setdefault(upload.sha256, upload)
    return tuple(found.values())


def _receive(file: FileStorage, settings: Settings) -> Upload:
    folder = settings.data_dir / "uploads"
    partial = folder / f"{secrets.token_hex(16)}.part"
    digest = hashlib.sha256()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Only we may read it: it holds what people said, before any redaction.
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
            while chunk := file.stream.read(_CHUNK):
                digest.update(chunk)
                target.write(chunk)
        partial.replace(folder / digest.hexdigest())
    except OSError as error:
        raise Unavailable("The file could not be kept; nothing was stored.", "See whether the disk is full.") from error
    finally:
        partial.unlink(missing_ok=True)
    return Upload(digest.hexdigest(), _printable(file.filename or ""))


def path_of(upload: Upload, settings: Settings) -> Path:
    """Where a file lies.

    Raises
    ------
    NotFound : it isn't there any more.

    """
    path = settings.data_dir / "uploads" / Path(upload.sha256).name
    if not path.is_file():
        raise NotFound(f"The file {upload.name} is no longer here.", "Drop it again.")
    return path


def seal(batch: Batch, actor: Actor, settings: Settings) -> str:
    """A token that carries a batch from page to page, signed, so that nobody can ask for files that are not theirs."""
    return _signer(settings).dumps(
        {
            "o": actor.organisation_id,
            "w": actor.person_id,
            "p": batch.programme_id,
            "n": batch.new_programme,
            "f": [[upload.sha256, upload.name] for upload in batch.uploads],
            "r": secrets.token_hex(8),  # the same files dropped again are another batch, with nothing entered yet
        }
    )


def unseal(token: str, actor: Actor, settings: Settings) -> Batch:
    """The batch in a token.

    Raises
    ------
    BadInput : the token is of somebody else, was changed, or is older than a day.

    """
    again = BadInput("These files are not waiting for an import any more.", "Drop them again; nothing was stored.")
    try:
        held = _signer(settings).loads(token, max_age=A_DAY)
        if (held["o"], held["w"]) != (actor.organisation_id, actor.person_id):
            raise again
        return Batch(tuple(Upload(sha256, name) for sha256, name in held["f"]), held["p"], held["n"])
    except (BadData, KeyError, TypeError, ValueError) as error:
        raise again from error


def _signer(settings: Settings) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(settings.secret_key, salt="commsapp import")


def _printable(name: str) -> str:
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    return "".join(letter if letter.isprintable() else "?" for letter in last)[:_LONGEST_NAME] or "file"
