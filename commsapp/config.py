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
from urllib.parse import SplitResult, urlsplit

from commsapp.errors import BadInput

DEFAULT_UPLOAD_LIMIT = 2 * 1024**3
DEFAULT_API_LIMIT = 600
DEFAULT_IDLE_MINUTES = 120
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
FOR_TESTS = ("COMMSAPP_TEST_", "COMMSAPP_SCREENSHOTS")


@dataclass(frozen=True)
class Oidc:
    """An OpenID Connect provider to sign in with. ``trust_second_factor``: its word that two factors were used counts."""

    issuer: str
    client_id: str
    client_secret: str
    name: str
    trust_second_factor: bool


@dataclass(frozen=True)
class Settings:
    """What a running commsapp needs to know about where it runs.

    ``data_dir`` holds the embedded database, the queue, uploads, embeddings and the key file. ``jobs_url`` is where the
    queue lives: a ``sqlite:///`` file, ``redis://`` or ``postgresql://``. ``upload_limit`` is in bytes, ``api_limit`` in calls
    a minute for each token. ``public_url`` is the address that people open ('' : this machine only), ``trusted_proxies`` how many
    proxies stand before the server. ``keys_dir`` is where the keys lie that people's words are sealed with, where that is not the
    data folder; ``old_secret_key`` is given when the secret key changes. ``processes`` is how many processes answer requests.
    ``sentiment_model`` and ``emotion_model`` name a folder or a Hugging Face id in place of the bundled model ('').
    """

    database_url: str
    data_dir: Path
    jobs_url: str
    secret_key: str
    host: str
    port: int
    upload_limit: int
    api_limit: int = DEFAULT_API_LIMIT
    public_url: str = ""
    trusted_proxies: int = 0
    idle_minutes: int = DEFAULT_IDLE_MINUTES
    oidc: Oidc | None = None
    outgoing_hosts: tuple[str, ...] = ()
    keys_dir: Path | None = None
    processes: int = 1
    old_secret_key: str = ""
    sentiment_model: str = ""
    emotion_model: str = ""

    @property
    def address(self) -> str:
        """What people open, without a slash at its end."""
        # A name and no number: passkeys belong to names.
        return self.public_url or f"http://localhost:{self.port}"

    @property
    def keys_folder(self) -> Path:
        """The folder with the keys that people's words are sealed with."""
        return self.keys_dir or self.data_dir / "keys"


SETTINGS: dict[str, str] = {
    "COMMSAPP_DATA_DIR": "Folder for the embedded database, uploads, embeddings and keys (default: ./data).",
    "COMMSAPP_DATABASE_URL": "Database: sqlite:///FILE (default: commsapp.sqlite in the data folder) or postgresql://….",
    "COMMSAPP_JOBS_URL": "Queue: sqlite:///FILE (default: jobs.sqlite in the data folder), redis://… or postgresql://….",
    "COMMSAPP_SECRET_KEY": "Key for sessions and keyed hashes, 32 characters or more (default: one kept in the data folder).",
    "COMMSAPP_OLD_SECRET_KEY": "The secret key before this one; read by 'commsapp keys rewrap' alone.",
    "COMMSAPP_KEYS_DIR": "Folder for the keys that people's words are sealed with (default: keys in the data folder).",
    "COMMSAPP_HOST": "Address that the server listens on; others than loopback need COMMSAPP_PUBLIC_URL (default: 127.0.0.1).",
    "COMMSAPP_PORT": "Port that the server listens on (default: 8321).",
    "COMMSAPP_PROCESSES": "Processes that answer; for many users as many as there are cores (default: 1; see docs/speed.md).",
    "COMMSAPP_UPLOAD_LIMIT": "Largest upload in bytes (default: 2147483648, which is 2 GiB).",
    "COMMSAPP_API_LIMIT": "Calls of the API that one token may make in a minute (default: 600).",
    "COMMSAPP_PUBLIC_URL": "Address that people open, such as https://listening.example.org (default: this machine only).",
    "COMMSAPP_TRUSTED_PROXY": "How many reverse proxies stand before the server and say who asks (default: 0).",
    "COMMSAPP_IDLE_MINUTES": "Minutes without a page after which people sign in again (default: 120; after 12 hours always).",
    "COMMSAPP_OIDC_ISSUER": "OpenID Connect: address of the provider that people may sign in with (default: none).",
    "COMMSAPP_OIDC_CLIENT_ID": "OpenID Connect: what the provider calls commsapp.",
    "COMMSAPP_OIDC_CLIENT_SECRET": "OpenID Connect: the secret that the provider gave.",
    "COMMSAPP_OIDC_NAME": "OpenID Connect: the provider's name on the button (default: your organisation's account).",
    "COMMSAPP_OIDC_TRUST_MFA": "OpenID Connect: 'yes' where the provider's word (acr or amr 'mfa') counts as a second factor.",
    "COMMSAPP_OUTGOING_HOSTS": "Hosts that commsapp may call, as host or host:port with commas (default: the provider's only).",
    "COMMSAPP_SENTIMENT_MODEL": "Another classifier of sentiment: its folder, or a Hugging Face id in the cache (default: ours).",
    "COMMSAPP_EMOTION_MODEL": "Another classifier of emotions: its folder, or a Hugging Face id in the cache (default: ours).",
}


def other_models(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Which models were set in place of the bundled ones, for what needs no other setting and so no data folder."""
    env = os.environ if environ is None else environ
    return {f"{what}_model": env.get(f"COMMSAPP_{what.upper()}_MODEL") or "" for what in ("sentiment", "emotion")}


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
        host=_host(env),
        port=_whole_number(env, "COMMSAPP_PORT", 8321),
        upload_limit=_whole_number(env, "COMMSAPP_UPLOAD_LIMIT", DEFAULT_UPLOAD_LIMIT),
        api_limit=_whole_number(env, "COMMSAPP_API_LIMIT", DEFAULT_API_LIMIT),
        public_url=_public_url(env),
        trusted_proxies=_whole_number(env, "COMMSAPP_TRUSTED_PROXY", 0),
        idle_minutes=max(1, _whole_number(env, "COMMSAPP_IDLE_MINUTES", DEFAULT_IDLE_MINUTES)),
        oidc=_oidc(env),
        outgoing_hosts=tuple(host.strip() for host in env.get("COMMSAPP_OUTGOING_HOSTS", "").split(",") if host.strip()),
        keys_dir=Path(env["COMMSAPP_KEYS_DIR"]).resolve() if env.get("COMMSAPP_KEYS_DIR") else None,
        old_secret_key=env.get("COMMSAPP_OLD_SECRET_KEY") or "",
        processes=max(1, _whole_number(env, "COMMSAPP_PROCESSES", 1)),
        **other_models(env),
    )


def _whole_number(env: Mapping[str, str], name: str, default: int) -> int:
    raw = env.get(name)
    if not raw:
        return default
    if not raw.isdigit():
        raise BadInput(f"{name} is '{raw}', which is not a whole number.", f"Unset it, or use a number such as {default}.")
    return int(raw)


def _host(env: Mapping[str, str]) -> str:
    host = env.get("COMMSAPP_HOST") or "127.0.0.1"
    if host not in LOOPBACK and not env.get("COMMSAPP_PUBLIC_URL"):
        raise BadInput(
            f"COMMSAPP_HOST is '{host}', so others could reach commsapp, but nothing says under which address.",
            "Set COMMSAPP_PUBLIC_URL too, for example to https://listening.example.org, or use 127.0.0.1.",
        )
    return host


def _public_url(env: Mapping[str, str]) -> str:
    raw = (env.get("COMMSAPP_PUBLIC_URL") or "").rstrip("/")
    if not raw:
        return ""
    place = _place("COMMSAPP_PUBLIC_URL", raw)
    if place.path or place.query or place.fragment or place.username:
        raise BadInput(
            f"COMMSAPP_PUBLIC_URL is '{raw}', with more than a host.", "Use one such as https://listening.example.org."
        )
    if place.scheme == "http" and place.hostname not in LOOPBACK:
        raise BadInput(
            f"COMMSAPP_PUBLIC_URL is '{raw}': without https anybody on the way could read what people said.",
            "Put a reverse proxy with TLS before commsapp and begin the address with https://.",
        )
    return raw.lower()


def _oidc(env: Mapping[str, str]) -> Oidc | None:
    issuer = env.get("COMMSAPP_OIDC_ISSUER") or ""
    client, secret = "COMMSAPP_OIDC_CLIENT_ID", "COMMSAPP_OIDC_CLIENT_SECRET"
    if not issuer:
        return None
    place = _place("COMMSAPP_OIDC_ISSUER", issuer)
    if place.scheme == "http" and place.hostname not in LOOPBACK:
        raise BadInput("COMMSAPP_OIDC_ISSUER does not begin with https://.", "Use the provider's address with https.")
    for name in (client, secret):
        if not env.get(name):
            raise BadInput(f"{name} is missing.", "Set it to what the provider gave, or unset COMMSAPP_OIDC_ISSUER.")
    return Oidc(
        issuer,
        env[client],
        env[secret],
        env.get("COMMSAPP_OIDC_NAME") or "your organisation's account",
        (env.get("COMMSAPP_OIDC_TRUST_MFA") or "no").lower() in {"yes", "true", "1"},
    )


def _place(name: str, address: str) -> SplitResult:
    try:
        place = urlsplit(address)
        known = place.scheme in {"http", "https"} and bool(place.hostname) and place.port != 0
    except ValueError:
        known = False
    if not known:
        raise BadInput(f"{name} is '{address}', which is no address.", "Use one such as https://listening.example.org.")
    return place


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
