"""New keys for old: everything is sealed anew while others work, and the old keys go at the end.

What may come in: the order of the steps. What may not: touching a key before nothing needs it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from commsapp.errors import Unavailable
from commsapp.storage import sealed
from commsapp.storage.embeddings import EmbeddingStore
from commsapp.storage.keyfiles import Copy, KeyFile, read_copy, write_copy
from commsapp.storage.keyring import EMBEDDINGS, FOUND_AGAIN_SECONDS, Keyring
from commsapp.storage.sealing import Progress, drop_old_keys, reseal, tidy
from commsapp.storage.session import Sessions

WAIT_SECONDS = 3 * FOUND_AGAIN_SECONDS
"""How long a rotation waits for other processes on this machine to see its new keys."""


@dataclass(frozen=True)
class Rotation:
    """What a rotation did: new keys, values and embeddings sealed anew, old keys taken away."""

    keys: int
    values: int
    embeddings: int
    dropped: int


def rotate(
    sessions: Sessions,
    keyring: Keyring,
    *,
    data_dir: Path,
    wait: float = WAIT_SECONDS,
    progress: Progress = lambda *_: None,
) -> Rotation:
    """Make a new key for each family, seal everything with it, and take the old ones away; goes on where a killed one stopped.

    ``wait`` is in seconds: others go on sealing with the old keys until they have seen the new ones.

    Raises
    ------
    Unavailable : words of the database are still plain, or something was sealed with an old key meanwhile.

    """
    with sessions.reading() as session:
        if not sealed.fits(session, keyring):
            raise Unavailable("Not every word of the database is sealed yet.", "Run 'commsapp database upgrade' first.")
    new = _new_keys(keyring)
    time.sleep(wait)
    values = reseal(sessions, keyring, progress=progress)
    vectors = reseal_embeddings(keyring, data_dir)
    dropped = drop_old_keys(sessions, keyring)
    tidy(sessions)
    return Rotation(new, values, vectors, len(dropped))


def _new_keys(keyring: Keyring) -> int:
    """A new version of each family that has none from this rotation yet; how many were made."""
    keys = keyring.all_keys()
    begun = [key.made_at for key in keys if key.newest and key.version > 1 and _has_older(keyring, key.family)]
    made = 0
    for key in keys:
        # Where a rotation was killed, the families that it had come to have two keys.
        if key.newest and not _has_older(keyring, key.family) and (not begun or key.made_at < min(begun)):
            keyring.add_version(key.family)
            made += 1
    return made


def _has_older(keyring: Keyring, family: str) -> bool:
    return any(key.family == family and not key.newest for key in keyring.all_keys())


def reseal_embeddings(keyring: Keyring, data_dir: Path) -> int:
    """Seal all embeddings with their newest key; how many vectors."""
    return sum(store.reseal() for store in EmbeddingStore.every(data_dir, keyring))


def forget(keyring: Keyring, family: str, *, data_dir: Path) -> None:
    """Take a feedback channel's key away for good: nobody can read its words again, in no backup either.

    Embeddings tell much of what was said and are not kept by channel, so they are sealed anew with another key, and their old
    one goes when the next `settle_embeddings` comes by, as other processes may seal with it for a moment still: those in old
    backups can't be read then, and are computed again after a restore. The rows themselves are for the caller to delete,
    before this. Copies of keys beside backups need `forget_in_copy`.
    """
    keyring.forget(family)
    _renew_embeddings(keyring, data_dir)


def _renew_embeddings(keyring: Keyring, data_dir: Path) -> None:
    """Seal embeddings with a new key where theirs is older than what was taken away last."""
    made = [key.made_at for key in keyring.all_keys() if key.family == EMBEDDINGS]
    if made and any(stone.at >= made[-1] for stone in keyring.forgotten()):
        keyring.add_version(EMBEDDINGS)
        reseal_embeddings(keyring, data_dir)


def settle_embeddings(keyring: Keyring, data_dir: Path, *, wait: float = WAIT_SECONDS) -> int:
    """Take away what `forget` left of older keys of embeddings, once nobody seals with them any more; how many keys.

    A `forget` that was killed is brought to its end. ``wait`` is in seconds, as for `rotate`; only that part of it is waited
    that has not passed since the newest key was made.
    """
    _renew_embeddings(keyring, data_dir)
    keys = [key for key in keyring.all_keys() if key.family == EMBEDDINGS]
    if len(keys) < 2:
        return 0
    age = (datetime.now(UTC) - keys[-1].made_at).total_seconds()
    time.sleep(min(max(wait - age, 0.0), wait))
    reseal_embeddings(keyring, data_dir)
    return len(keyring.drop_old_versions(EMBEDDINGS))


def forget_in_copy(keyring: Keyring, path: Path) -> int:
    """Take out of a copy of the keys (FILE.keys) what was taken away here for good; how many keys.

    Raises
    ------
    BadInput : it is no such file. Unavailable : it can't be written.

    """
    copy = read_copy(path)
    gone = [key for key in copy.keys if _is_gone(keyring, key)]
    if gone:
        kept = tuple(key for key in copy.keys if key not in gone)
        write_copy(path, Copy(kept, tuple(keyring.forgotten())), replace=True)
    return len(gone)


def _is_gone(keyring: Keyring, key: KeyFile) -> bool:
    if keyring.is_forgotten(key.family):
        return True
    return key.family == EMBEDDINGS and key.id.encode("ascii") not in keyring.ids
