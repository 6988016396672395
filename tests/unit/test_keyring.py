"""Keys are made once, found by other processes, wrapped by the secret key, and gone when they are taken away."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from commsapp.errors import BadInput, Conflict, Unavailable
from commsapp.storage.keyfiles import read_copy, read_folder, write_copy
from commsapp.storage.keyring import EMBEDDINGS, MAIN, Forgotten, Keyring, is_sealed

SECRET = "0123456789abcdef" * 4


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "keys", SECRET)


def test_what_is_sealed_comes_back_and_never_looks_the_same_twice(keyring: Keyring) -> None:
    words = "Mae'r dyn ŵ 🚗".encode()
    one, two = keyring.seal(words), keyring.seal(words)
    assert one != two and is_sealed(one) and words not in one.encode()
    assert keyring.open(one) == keyring.open(two) == words
    assert keyring.open_bytes(keyring.seal_bytes(words, EMBEDDINGS)) == words


def test_plain_words_are_not_taken_for_sealed_ones() -> None:
    assert not any(map(is_sealed, ("", "~1.", "~1.hello", "~1.0123456789ab.short", "~1.0123456789xy." + "A" * 40, "words")))
    assert is_sealed("~1.0123456789ab." + "A" * 40)


def test_a_changed_value_is_refused(keyring: Keyring) -> None:
    sealed = keyring.seal(b"words")
    other = keyring.newest_id(keyring.add())
    for changed in (sealed[:-8] + "AAAAAAA=", sealed.replace(sealed[3:15], other), sealed[:20] + "!" + sealed[21:]):
        with pytest.raises(Unavailable, match="was changed"):
            keyring.open(changed)


def test_a_key_made_by_another_process_is_found(keyring: Keyring) -> None:
    keyring.seal(b"words")
    other = Keyring(keyring.folder, SECRET)
    family = other.add()
    assert keyring.open(other.seal(b"later", family)) == b"later"
    assert keyring.open(keyring.seal(b"mine", family)) == b"mine"


def test_processes_that_begin_at_once_make_one_set_of_keys(tmp_path: Path) -> None:
    rings = [Keyring(tmp_path / "keys", SECRET) for _ in range(16)]
    with ThreadPoolExecutor(16) as pool:
        marks = set(pool.map(lambda ring: (ring.mark, ring.newest_id(MAIN)), rings))
    assert len(marks) == 1
    assert not [path.name for path in (tmp_path / "keys").iterdir() if path.suffix == ".part"]


def test_keys_are_for_their_owner_alone_and_lie_wrapped(keyring: Keyring) -> None:
    keyring.seal(b"words")
    assert stat.S_IMODE(keyring.folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in keyring.folder.iterdir()} == {0o600}
    contents = [key.content for key in keyring._state.by_id.values()]  # type: ignore[union-attr]
    stored = b"".join(key.wrapped for key in read_folder(keyring.folder).keys)
    assert len(contents) == 3 and not [1 for content in contents if content in stored]


def test_another_secret_key_opens_nothing_until_the_keys_are_wrapped_by_it(keyring: Keyring) -> None:
    sealed, hashing, derived = keyring.seal(b"words"), keyring.hashing, keyring.derived("audit")
    new = Keyring(keyring.folder, "f" * 64)
    with pytest.raises(Unavailable, match="rewrap"):
        new.open(sealed)
    assert new.rewrap(SECRET) == 3 and new.rewrap(SECRET) == 0
    assert (new.open(sealed), new.hashing, new.derived("audit")) == (b"words", hashing, derived)
    with pytest.raises(Unavailable, match="another secret key"):
        Keyring(keyring.folder, SECRET).open(sealed)


def test_hashes_are_those_of_the_first_secret_key_and_purposes_differ(keyring: Keyring) -> None:
    assert keyring.hashing == SECRET
    assert len({keyring.derived("audit"), keyring.derived("mark"), keyring.derived("wrap")}) == 3


def test_a_key_that_is_forgotten_is_gone_and_says_so(keyring: Keyring) -> None:
    family = keyring.add()
    sealed = keyring.seal(b"words", family)
    other = Keyring(keyring.folder, SECRET)
    assert other.open(sealed) == b"words"
    keyring.forget(family)
    with pytest.raises(Forgotten):
        keyring.open(sealed)
    with pytest.raises(Unavailable, match="retention date"):
        keyring.seal(b"more", family)
    assert keyring.is_forgotten(family) and [stone.family for stone in keyring.forgotten()] == [family]
    assert not list(keyring.folder.glob(f"{family}*.key"))
    with pytest.raises(Forgotten):
        Keyring(keyring.folder, SECRET).open(sealed)
    with pytest.raises(Conflict):
        keyring.forget(MAIN)


def test_an_older_version_opens_what_it_sealed_until_it_is_dropped(keyring: Keyring) -> None:
    old = keyring.seal(b"old")
    keyring.add_version(MAIN)
    new = keyring.seal(b"new")
    assert (keyring.open(old), keyring.open(new)) == (b"old", b"new") and old[:15] != new[:15]
    assert keyring.drop_old_versions(MAIN) == [old[3:15]]
    assert keyring.open(new) == b"new"
    with pytest.raises(Unavailable, match="not in"):
        keyring.open(old)


def test_a_copy_brings_keys_to_another_folder_but_not_those_that_were_forgotten_there(keyring: Keyring, tmp_path: Path) -> None:
    family = keyring.add()
    kept, lost = keyring.seal(b"kept"), keyring.seal(b"lost", family)
    write_copy(tmp_path / "one.keys", keyring.copy())
    with pytest.raises(Conflict, match="already"):
        write_copy(tmp_path / "one.keys", keyring.copy())
    copy = read_copy(tmp_path / "one.keys")
    there = Keyring(tmp_path / "there", SECRET)
    there.take_in(copy)
    assert (there.open(kept), there.open(lost), there.mark) == (b"kept", b"lost", keyring.mark)
    keyring.forget(family)
    keyring.take_in(copy)
    with pytest.raises(Forgotten):
        keyring.open(lost)
    stranger = Keyring(tmp_path / "stranger", SECRET)
    stranger.seal(b"something else")
    with pytest.raises(Conflict, match="something else"):
        stranger.take_in(copy)


def test_a_damaged_file_is_told_in_a_sentence(keyring: Keyring, tmp_path: Path) -> None:
    keyring.seal(b"words")
    (keyring.folder / "main.1.key").write_text("{}", "utf-8")
    with pytest.raises(Unavailable, match="damaged"):
        Keyring(keyring.folder, SECRET).seal(b"words")
    evil = '{"format": "commsapp keys 1", "forgotten": [], "keys": [{"id": "a", "family": "../x", "version": 1,'
    (tmp_path / "evil.keys").write_text(evil + '"made_at": "2026-01-01", "wrapped": ""}]}', "utf-8")
    for name in ("evil.keys", "missing.keys"):
        with pytest.raises(BadInput):
            read_copy(tmp_path / name)
