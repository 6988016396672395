"""The keys that people's words are sealed with: small files in a folder outside the database, wrapped by the secret key.

One main key, one for each feedback channel, one for embeddings; a *family* is all versions of one of them, the newest of which
seals. So a channel's words can be made unreadable everywhere, old backups too, by taking its key away. Two keys never change:
``root``, from which others are derived (`Keyring.derived`), and ``hash``, with which texts and respondents are known.

What may come in: keys, sealing and opening bytes. What may not: the database, and knowing what any bytes mean.
"""

from __future__ import annotations

import binascii
import hmac
import os
import re
import secrets
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from commsapp.config import Settings
from commsapp.errors import Conflict, Unavailable
from commsapp.storage import keyfiles
from commsapp.storage.keyfiles import Copy, KeyFile, Tombstone

MAIN = "main"
EMBEDDINGS = "embeddings"
ROOT = "root"
HASH = "hash"
_FIRST = {MAIN, HASH, ROOT}
PREFIX = "~1."
"""What every sealed text begins with: the version of the format."""

FOUND_AGAIN_SECONDS = 1.0
"""How long a process may take to see that another one made a newer key."""

# An id, a nonce and a tag at the least: 28 bytes are 38 letters of base64.
_SEALED = re.compile(r"~1\.[0-9a-f]{12}\.[A-Za-z0-9+/]{38}")
_COARSE_NS = 2 * 10**9
_NONCE = 12
ID_BYTES = 12
"""Characters of the id of a key."""


class Forgotten(Exception):
    """The key of a value was taken away for good: its words were deleted on their retention date."""


@dataclass(frozen=True)
class Key:
    """One key: which family and version, whether it seals, when it was made."""

    id: str
    family: str
    version: int
    made_at: datetime
    newest: bool


class _Loaded:
    """A key in memory, ready to seal."""

    __slots__ = ("aead", "content", "file", "id_bytes", "prefix")

    def __init__(self, file: KeyFile, content: bytes) -> None:
        self.file = file
        self.content = content
        self.aead = AESGCM(content) if len(content) == 32 else None
        self.id_bytes = file.id.encode("ascii")
        self.prefix = f"{PREFIX}{file.id}."


class _State:
    """What the folder held when it was last read."""

    def __init__(self, keys: Iterable[_Loaded], tombstones: Iterable[Tombstone], stamp: int) -> None:
        self.by_id = {key.file.id: key for key in keys}
        self.newest: dict[str, _Loaded] = {}
        for key in sorted(self.by_id.values(), key=lambda key: key.file.version):
            self.newest[key.file.family] = key
        self.tombstones = list(tombstones)
        self.forgotten = {number for stone in self.tombstones for number in stone.ids}
        self.families_forgotten = {stone.family for stone in self.tombstones}
        self.stamp = stamp


class Keyring:
    """The keys in a folder. Threads may share it, and processes may share the folder: a key made by one is found by the others.

    Raises
    ------
    Unavailable : by most methods, where the folder can't be read or written, a key file is damaged, or the keys were wrapped
    by another secret key.

    """

    def __init__(self, folder: Path, secret_key: str) -> None:
        self.folder = folder
        self._secret = secret_key
        self._wrapping = AESGCM(_derive(secret_key.encode(), "wrap"))
        self._lock = threading.RLock()
        self._state: _State | None = None
        self._looked = 0.0

    # Sealing and opening

    def seal(self, content: bytes, family: str = MAIN) -> str:
        """Bytes as a text that only the key of the family opens.

        Raises
        ------
        Unavailable : the family has no key, or it was taken away.

        """
        key = self._newest(family)
        return key.prefix + binascii.b2a_base64(self._encrypted(key, content), newline=False).decode("ascii")

    def open(self, sealed: str) -> bytes:
        """What `seal` was given.

        Raises
        ------
        Forgotten : its key was taken away for good. Unavailable : the key is not in the folder, or the text was changed.

        """
        number, _, content = sealed[len(PREFIX) :].partition(".")
        key = self._by_id(number)
        try:
            raw = binascii.a2b_base64(content, strict_mode=True)
            return self._aead(key).decrypt(raw[:_NONCE], raw[_NONCE:], key.id_bytes)
        except (InvalidTag, ValueError) as error:
            raise Unavailable("Something sealed was changed and can't be opened.", "Restore a backup.") from error

    def seal_bytes(self, content: bytes, family: str) -> bytes:
        """The key's id (`ID_BYTES`), then nonce and sealed bytes: for what is kept apart from the tables."""
        key = self._newest(family)
        return key.id_bytes + self._encrypted(key, content)

    def open_bytes(self, sealed: bytes) -> bytes:
        """What `seal_bytes` was given. Raises Forgotten, Unavailable."""
        key = self._by_id(sealed[:ID_BYTES].decode("ascii", "replace"))
        try:
            return self._aead(key).decrypt(sealed[ID_BYTES : ID_BYTES + _NONCE], sealed[ID_BYTES + _NONCE :], key.id_bytes)
        except (InvalidTag, ValueError) as error:
            raise Unavailable("Something sealed was changed and can't be opened.", "Restore a backup.") from error

    @staticmethod
    def _aead(key: _Loaded) -> AESGCM:
        if key.aead is None:
            raise Unavailable(f"The key {key.file.id} is not one that seals.", "Restore a backup.")
        return key.aead

    def _encrypted(self, key: _Loaded, content: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._aead(key).encrypt(nonce, content, key.id_bytes)

    # Which keys there are

    def add(self, family: str | None = None) -> str:
        """Make the first key of a family (a new one without a name of its own); gives back the family."""
        name = family or secrets.token_hex(ID_BYTES // 2)
        self._ready()
        self._write_new(name, version=1)
        return name

    def add_version(self, family: str) -> Key:
        """A newer key of a family, which seals from now on; the older ones still open what they sealed."""
        before = self._newest(family).file.version
        self._write_new(family, version=before + 1)
        return next(key for key in self.all_keys() if key.family == family and key.newest)

    def newest_id(self, family: str) -> str:
        """The id of the key that seals for a family."""
        return self._newest(family).file.id

    def all_keys(self) -> list[Key]:
        """All keys that seal or once sealed, by family and version."""
        state = self._read()
        found = [
            Key(key.file.id, key.file.family, key.file.version, key.file.made_at, state.newest[key.file.family] is key)
            for key in state.by_id.values()
            if key.file.family not in (ROOT, HASH)
        ]
        return sorted(found, key=lambda key: (key.family != MAIN, key.family, key.version))

    @property
    def ids(self) -> set[bytes]:
        """The ids of all keys."""
        return {number.encode("ascii") for number in self._current().by_id}

    def forgotten(self) -> list[Tombstone]:
        """Families whose keys were taken away for good, in the order in which they were."""
        return sorted(self._read().tombstones, key=lambda stone: stone.at)

    def is_forgotten(self, family: str) -> bool:
        """Whether the keys of a family were taken away for good."""
        return family in self._read().families_forgotten

    def forget(self, family: str) -> None:
        """Take the keys of a family away for good: what they sealed can't be read again, in no backup either.

        The files are overwritten before they are unlinked. A note stays that says so, with the ids and no key. Copies of
        the keys elsewhere (FILE.keys) need ``commsapp keys forget-copies``.
        """
        if family in (MAIN, ROOT, HASH):
            raise Conflict(f"The key '{family}' can't be taken away: everything hangs on it.")
        with self._lock:
            gone = [key.file for key in self._read().by_id.values() if key.file.family == family]
            if gone:
                keyfiles.write_tombstone(self.folder, Tombstone(family, tuple(file.id for file in gone), datetime.now(UTC)))
            for file in gone:
                keyfiles.destroy(self.folder / file.name)
            self._read()

    def drop_old_versions(self, family: str) -> list[str]:
        """Take away all but the newest key of a family, when nothing is sealed with them any more; their ids."""
        with self._lock:
            newest = self._newest(family)
            old = [key.file for key in self._read().by_id.values() if key.file.family == family and key is not newest]
            old = [file for file in old if file.id != newest.file.id]
            for file in old:
                keyfiles.destroy(self.folder / file.name)
            self._read()
            return [file.id for file in old]

    # What follows from keys that never change

    @property
    def mark(self) -> str:
        """Tells one keyring from another, and nothing of its keys."""
        return self.derived("mark").hex()[:32]

    @property
    def is_empty(self) -> bool:
        """Whether the folder holds no key yet."""
        return ROOT not in self._read().newest

    @property
    def hashing(self) -> str:
        """The key of hashes of texts and respondents: the first secret key, kept when that changes."""
        return self._ready().newest[HASH].content.decode()

    def derived(self, purpose: str) -> bytes:
        """32 bytes for one purpose, the same for ever, also when the secret key or the other keys change."""
        return _derive(self._ready().newest[ROOT].content, purpose)

    # Copies and another secret key

    def copy(self) -> Copy:
        """All keys as they lie in the folder: wrapped."""
        return keyfiles.read_folder(self.folder)

    def take_in(self, copy: Copy) -> None:
        """Add the keys of a copy, but none that was taken away here.

        Raises
        ------
        Conflict : the folder has keys of another keyring. Unavailable : the copy was wrapped by another secret key.

        """
        theirs = _State([self._unwrapped(file) for file in copy.keys], copy.tombstones, 0)
        if ROOT not in theirs.newest:
            raise Unavailable("The file of keys has no root key.", "Choose another copy.")
        with self._lock:
            own = self._read()
            if own.by_id and not hmac.compare_digest(own.newest[ROOT].content, theirs.newest[ROOT].content):
                raise Conflict(
                    f"The folder {self.folder} holds the keys of something else.", "Set COMMSAPP_KEYS_DIR to an empty folder."
                )
            for stone in copy.tombstones:
                if stone.family not in own.families_forgotten:
                    keyfiles.write_tombstone(self.folder, stone)
            for file in copy.keys:
                if file.id not in own.by_id and file.id not in own.forgotten and file.family not in own.families_forgotten:
                    keyfiles.write_key(self.folder, file)
            self._read()

    def rewrap(self, old_secret_key: str) -> int:
        """Wrap the keys by this keyring's secret key instead of an older one; how many there were. May be run again."""
        old = Keyring(self.folder, old_secret_key)
        count = 0
        with self._lock:
            for file in keyfiles.read_folder(self.folder).keys:
                if self._fits(file):
                    continue
                content = old._unwrapped(file).content
                keyfiles.replace_key(self.folder, self._wrapped(file.id, file.family, file.version, file.made_at, content))
                count += 1
            self._read()
        return count

    # Inside

    def _newest(self, family: str) -> _Loaded:
        state = self._current()
        key = state.newest.get(family)
        if key is None and family == MAIN:
            state = self._ready()
            key = state.newest.get(family)
        if key is None:
            state = self._read()
            key = state.newest.get(family)
        if key is None and family == EMBEDDINGS:
            self._write_new(EMBEDDINGS, version=1)
            key = self._read().newest.get(family)
        if key is None:
            if family in state.families_forgotten:
                raise Unavailable("The key of this feedback channel was taken away on its retention date.", "Open another.")
            raise self._missing(family)
        return key

    def _by_id(self, number: str) -> _Loaded:
        key = self._current().by_id.get(number)
        if key is None:
            state = self._current()
            if number in state.forgotten:
                raise Forgotten
            state = self._read()  # another process may have made it a moment ago
            if number in state.forgotten:
                raise Forgotten
            key = state.by_id.get(number)
        if key is None:
            raise self._missing(number)
        return key

    def _missing(self, name: str) -> Unavailable:
        return Unavailable(
            f"The key {name} is not in {self.folder}.",
            "Set COMMSAPP_KEYS_DIR to the folder with the keys of this database, or bring them back from a copy (FILE.keys).",
        )

    def _current(self) -> _State:
        state = self._state
        if state is None:
            return self._read()
        moment = time.monotonic()
        if moment - self._looked < FOUND_AGAIN_SECONDS:
            return state
        self._looked = moment
        return state if keyfiles.stamp(self.folder) == state.stamp else self._read()

    def _ready(self) -> _State:
        """The keys, with the first of them made where there is none at all."""
        state = self._current()
        if state.newest.keys() >= _FIRST:
            return state
        if state.newest.keys() - _FIRST:
            raise self._missing(", ".join(sorted(_FIRST - state.newest.keys())))
        # Each file is there whole or not at all, and never replaced: where several processes begin at once, the first one's stay.
        for family, content in ((MAIN, secrets.token_bytes(32)), (HASH, self._secret.encode()), (ROOT, secrets.token_bytes(32))):
            if family not in state.newest:
                self._write(family, 1, content)
        return self._read()

    def _read(self) -> _State:
        with self._lock:
            self._looked = time.monotonic()
            known = self._state.by_id if self._state is not None else {}
            stamp = keyfiles.stamp(self.folder)
            copy = keyfiles.read_folder(self.folder)
            if time.time_ns() - stamp < _COARSE_NS:
                stamp = -1  # a change in the same moment would leave the same stamp, so it is read once more
            loaded = [known[file.id] if file.id in known else self._unwrapped(file) for file in copy.keys]
            self._state = _State(loaded, copy.tombstones, stamp)
            return self._state

    def _write_new(self, family: str, *, version: int) -> None:
        self._write(family, version, secrets.token_bytes(32))
        self._read()

    def _write(self, family: str, version: int, content: bytes) -> None:
        number = secrets.token_hex(ID_BYTES // 2)
        keyfiles.write_key(self.folder, self._wrapped(number, family, version, datetime.now(UTC), content))

    def _wrapped(self, number: str, family: str, version: int, made_at: datetime, content: bytes) -> KeyFile:
        nonce = os.urandom(_NONCE)
        file = KeyFile(number, family, version, made_at, b"")
        wrapped = nonce + self._wrapping.encrypt(nonce, content, file.said)
        return KeyFile(number, family, version, made_at, wrapped)

    def _unwrapped(self, file: KeyFile) -> _Loaded:
        try:
            content = self._wrapping.decrypt(file.wrapped[:_NONCE], file.wrapped[_NONCE:], file.said)
        except (InvalidTag, ValueError) as error:
            raise Unavailable(
                f"The key file {file.name} was wrapped by another secret key, or is damaged.",
                "Put the secret key of that time back, or give it as COMMSAPP_OLD_SECRET_KEY and run 'commsapp keys rewrap'.",
            ) from error
        return _Loaded(file, content)

    def _fits(self, file: KeyFile) -> bool:
        try:
            self._unwrapped(file)
        except Unavailable:
            return False
        return True


def open_keyring(settings: Settings) -> Keyring:
    """The keyring of the settings; keys are made when they are first needed."""
    return Keyring(settings.keys_folder, settings.secret_key)


def needed_keyring(dialect: object) -> Keyring:
    """The keyring that `make_engine` was given. Raises Unavailable where it was given none."""
    keyring: Keyring | None = getattr(dialect, "commsapp_keyring", None)
    if keyring is None:
        raise Unavailable("What people said is sealed, and this session has no keys.", "Open it with a keyring.")
    return keyring


def is_sealed(stored: str) -> bool:
    """Whether a stored text is sealed, or still in plain words from before sealing came."""
    return _SEALED.match(stored) is not None


def _derive(secret: bytes, purpose: str) -> bytes:
    """HKDF-SHA256: keys for different purposes tell nothing of each other (RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"commsapp {purpose} 1".encode()).derive(secret)
