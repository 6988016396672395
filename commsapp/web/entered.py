"""What was entered in a form that came back with mistakes, so that the page which shows them is one that was asked for (GET).

A page that answers a POST would be sent again by the browser's Back button. So the view keeps what was entered in a small file
beside the uploads and redirects to itself. Files go with the uploads, after a day.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from werkzeug.datastructures import MultiDict

from commsapp.config import Settings


@dataclass(frozen=True)
class Entered:
    """What was sent, the mistakes by field, and where it led once there were none (the id of a job)."""

    values: dict[str, list[str]] = field(default_factory=dict)
    mistakes: dict[str, list[str]] = field(default_factory=dict)
    job_id: int | None = None

    def put_into(self, form: Any) -> None:
        """Show the mistakes beside the fields that the form still has."""
        for name, sentences in self.mistakes.items():
            if name in form:
                form[name].errors = sentences


def entered_in(form: Any, sent: MultiDict[str, str]) -> Entered:
    """What a form was sent, with its mistakes; the token against forgery is not kept."""
    values = {name: texts for name, texts in sent.lists() if name != "csrf_token"}
    mistakes = {name: [str(sentence) for sentence in errors] for name, errors in form.errors.items() if name != "csrf_token"}
    return Entered(values, mistakes)


def keep(key: str, entered: Entered, settings: Settings) -> bool:
    """Keep what was entered under a key that only whoever entered it knows; False where the disk doesn't take it."""
    path = _path(key, settings)
    partial = path.with_name(f"{secrets.token_hex(16)}.part")
    content = {"values": entered.values, "mistakes": entered.mistakes, "job": entered.job_id}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(content, file)
        partial.replace(path)
    except OSError:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        return False
    return True


def kept(key: str, settings: Settings) -> Entered | None:
    """What was kept under a key; None where there is nothing."""
    try:
        content = json.loads(_path(key, settings).read_text("utf-8"))
        return Entered(content["values"], content["mistakes"], content["job"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _path(key: str, settings: Settings) -> Path:
    return settings.data_dir / "uploads" / f"{hashlib.sha256(key.encode()).hexdigest()}.entered"
