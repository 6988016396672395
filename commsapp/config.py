"""Settings: read once from the environment at the edge, then handed on as one frozen object.

Every setting is a ``COMMSAPP_…`` variable; docs/settings.md lists them, and a test holds the two together.
"""

from __future__ import annotations

import difflib
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from commsapp.errors import BadInput

DEFAULT_UPLOAD_LIMIT = 2 * 1024**3
DEFAULT_API_LIMIT = 600
FOR_TESTS = ("COMMSAPP_TEST_", "COMMSAPP_SCREENSHOTS")


@dataclass(frozen=True)
class Settings:
    """What a running commsapp needs to know about where it runs.

    ``data_dir`` holds the embedded database, the queue, uploads, embeddings and the key file. ``jobs_url`` is where the
    queue lives: a ``sqlite:///`` file, ``redis://`` or ``postgresql://``. ``upload_limit`` is in bytes, ``api_limit`` in calls
    a minute for each token.
    """

    database_url: str
    data_dir: Path
    jobs_url: str
    secret_key: str
    host: str
    port: int
    upload_limit: int
    api_limit: int = DEFAULT_API_LIMIT


SETTINGS: dict[str, str] = {
    "COMMSAPP_DATA_DIR": "Folder for the embedded database, uploads, embeddings and keys (default: ./data).",
    "COMMSAPP_DATABASE_URL": "Database: sqlite:///FILE (default: commsapp.sqlite in the data folder) or postgresql://….",
    "COMMSAPP_JOBS_URL": "Queue: sqlite:///FILE (default: jobs.sqlite in the data folder), redis://… or postgresql://….",
    "COMMSAPP_SECRET_KEY": "Key for sessions and keyed hashes, 32 characters or more (default: one kept in the data folder).",
    "COMMSAPP_HOST": "Address that the server listens on; loopback only until accounts exist (default: 127.0.0.1).",
    "COMMSAPP_PORT": "Port that the server listens on (default: 8321).",
    "COMMSAPP_UPLOAD_LIMIT": "Largest upload in bytes (default: 2147483648, which is 2 GiB).",
    "COMMSAPP_API_LIMIT": "Calls of the API that one token may make in a minute (default: 600).",
}


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings; makes the data folder and the key file when they are not there.

    Raises
    ------
    BadInput : a variable begins with COMMSAPP_ and is not known, or its value can't be used.

    """
    env = os.environ if environ is None else environ
    for name in sorted(env):
        if name.startswith("COMMSAPP_") and name not in SETTINGS and not name.startswith(FOR_TESTS):
            close = difflib.get_close_matches(name, SETTINGS, n=1)
            raise BadInput(f"{name} is not a setting.", f"Did you mean {close[0]}?" if close else "See docs/settings.md.")
    data_dir = Path(env.get("COMMSAPP_DATA_DIR") or "data").resolve()
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)  # people's words: nobody else on this machine reads them
    except OSError as error:
        raise BadInput(f"The data folder {data_dir} can't be made: {error.strerror}.", "Set COMMSAPP_DATA_DIR.") from error
    return Settings(
        database_url=env.get("COMMSAPP_DATABASE_URL") or f"sqlite:///{data_dir / 'commsapp.sqlite'}",
        data_dir=data_dir,
        jobs_url=env.get("COMMSAPP_JOBS_URL") or f"sqlite:///{data_dir / 'jobs.sqlite'}",
        secret_key=_secret_key(env, data_dir),
        host=_loopback(env.get("COMMSAPP_HOST") or "127.0.0.1"),
        port=_whole_number(env, "COMMSAPP_PORT", 8321),
        upload_limit=_whole_number(env, "COMMSAPP_UPLOAD_LIMIT", DEFAULT_UPLOAD_LIMIT),
        api_limit=_whole_number(env, "COMMSAPP_API_LIMIT", DEFAULT_API_LIMIT),
    )


def _whole_number(env: Mapping[str, str], name: str, default: int) -> int:
    raw = env.get(name)
    if not raw:
        return default
    if not raw.isdigit():
        raise BadInput(f"{name} is '{raw}', which is not a whole number.", f"Unset it, or use a number such as {default}.")
    return int(raw)


def _loopback(host: str) -> str:
    if host not in {"127.0.0.1", "localhost", "::1"}:
        raise BadInput(
            f"COMMSAPP_HOST is '{host}', but without accounts everybody on the network could read what people said.",
            "Use 127.0.0.1.",
        )
    return host


def _secret_key(env: Mapping[str, str], data_dir: Path) -> str:
    given = env.get("COMMSAPP_SECRET_KEY")
    if given:
        if len(given) < 32:
            raise BadInput("COMMSAPP_SECRET_KEY is shorter than 32 characters.", "Unset it, or use a longer one.")
        return given
    path = data_dir / "secret.key"
    try:
        # O_EXCL: server and worker may start together, and only one of them may make the key.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _written(path)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32) + "\n")
    return path.read_text("ascii").strip()


def _written(path: Path) -> str:
    # Whoever made the file a moment ago may not have written the key yet.
    for _ in range(100):
        key = path.read_text("ascii").strip()
        if len(key) >= 32:
            return key
        time.sleep(0.02)
    raise BadInput(f"The key file {path} is empty or cut off.", "Put it back from a backup, or delete it to begin without data.")
