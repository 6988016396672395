from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from commsapp.errors import Unavailable
from commsapp.storage.counting import ScratchCounter
from commsapp.storage.embeddings import EmbeddingStore
from commsapp.storage.keyring import EMBEDDINGS, Keyring


def _vectors(count: int, dimensions: int = 384, seed: int = 1) -> npt.NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((count, dimensions)).astype(np.float32)


def _keys(count: int) -> list[str]:
    return [hashlib.sha256(str(number).encode()).hexdigest() for number in range(count)]


def keys_in(folder: Path) -> Keyring:
    return Keyring(folder / "keys", "f" * 64)


def _bits(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.uint32]:
    return np.ascontiguousarray(vectors).view(np.uint32)


def test_vectors_come_back_bit_for_bit_in_the_order_asked_for(tmp_path: Path) -> None:
    keys, vectors = _keys(12_000), _vectors(12_000)
    vectors[0, :4] = [-0.0, np.nan, np.inf, np.finfo(np.float32).tiny / 8]
    with EmbeddingStore(tmp_path, "encoder v1", keys_in(tmp_path)) as store:
        store.put(keys, vectors)
    with EmbeddingStore(tmp_path, "encoder v1", keys_in(tmp_path)) as store:
        found, back = store.get(keys[::-1])
    assert found.all()
    assert np.array_equal(_bits(back), _bits(vectors[::-1]))


def test_what_is_not_there_is_marked_and_zero(tmp_path: Path) -> None:
    with EmbeddingStore(tmp_path, "v1", keys_in(tmp_path)) as store:
        assert store.get(["a"])[1].shape == (1, 0)
        store.put(["b"], _vectors(1, 3))
        found, vectors = store.get(["a", "b", "a", "b"])
        assert found.tolist() == [False, True, False, True]
        assert not vectors[0].any()
        assert np.array_equal(vectors[1], vectors[3])
        assert store.missing(["c", "b", "a", "c"]) == ["c", "a"]


def test_what_a_key_has_stays(tmp_path: Path) -> None:
    first, second = _vectors(1, 3), _vectors(1, 3, seed=2)
    with EmbeddingStore(tmp_path, "v1", keys_in(tmp_path)) as store:
        store.put(["a"], first)
        store.put(["a"], second)
        assert np.array_equal(store.get(["a"])[1], first)


def test_vectors_of_another_shape_or_type_are_refused_whole(tmp_path: Path) -> None:
    with EmbeddingStore(tmp_path, "v1", keys_in(tmp_path)) as store:
        store.put(["a"], _vectors(1, 3))
        for keys, vectors in ((["b"], _vectors(1, 4)), (["b", "c"], _vectors(1, 3)), (["b"], _vectors(1, 3).astype(np.float64))):
            with pytest.raises(ValueError, match=r"dimensions|rows of float32"):
                store.put(keys, vectors)  # type: ignore[arg-type]
        assert store.missing(["b", "c"]) == ["b", "c"]


def test_each_encoder_version_has_a_file_of_its_own_with_a_safe_name(tmp_path: Path) -> None:
    versions = ["a/b", "a\\b", "../../etc/passwd", "", "x" * 300, "a b", "A B", "ŵ"]
    for version in versions:
        with EmbeddingStore(tmp_path, version, keys_in(tmp_path)) as store:
            store.put([version], _vectors(1, 2))
            assert store.path.parent == tmp_path / "embeddings"
    names = {path.name.lower() for path in (tmp_path / "embeddings").glob("*.sqlite")}
    assert len(names) == len(versions)


def test_a_deleted_vector_is_in_no_file_any_more(tmp_path: Path) -> None:
    keys, vectors = _keys(50), _vectors(50)
    with EmbeddingStore(tmp_path, "v1", keys_in(tmp_path)) as store:
        store.put(keys, vectors)
        stored = dict(store._file.execute("SELECT key, vector FROM embedding").fetchall())
        store.delete(keys[:10])
        assert store.missing(keys) == keys[:10]
        everything = b"".join(path.read_bytes() for path in (tmp_path / "embeddings").iterdir())
    # Long vectors may be cut between two pages, so a piece from their middle is looked for.
    gone = [stored[key][400:440] in everything for key in keys[:10]]
    kept = [stored[key][400:440] in everything for key in keys[10:]]
    assert not any(gone)
    assert sum(kept) > 30


def test_a_process_killed_while_it_stores_leaves_whole_batches(tmp_path: Path) -> None:
    program = f"""
import os, numpy as np
from pathlib import Path
from commsapp.storage.embeddings import EmbeddingStore
from commsapp.storage.keyring import Keyring
store = EmbeddingStore(Path({str(tmp_path)!r}), "v1", Keyring(Path({str(tmp_path)!r}) / "keys", "f" * 64))
store.put(["a", "b"], np.ones((2, 4), dtype=np.float32))
def rows():
    yield "c"
    os.kill(os.getpid(), 9)
class Keys(list):
    def __iter__(self):
        return rows()
store.put(Keys(["c", "d"]), np.ones((2, 4), dtype=np.float32))
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == -9
    with EmbeddingStore(tmp_path, "v1", keys_in(tmp_path)) as store:
        assert store.missing(["a", "b", "c", "d"]) == ["c", "d"]
        store.put(["c", "d"], np.ones((2, 4), dtype=np.float32))


def test_a_digest_is_counted_each_time_it_comes(tmp_path: Path) -> None:
    path = tmp_path / "scratch.sqlite"
    path.write_text("what a killed process left")
    with ScratchCounter(path) as counter:
        assert [counter.next(digest) for digest in (b"a", b"b", b"a", b"a", b"b", b"")] == [0, 0, 1, 2, 1, 0]
    assert list(tmp_path.iterdir()) == []


def test_many_digests_are_counted_as_a_dictionary_would(tmp_path: Path) -> None:
    seen: dict[bytes, int] = {}
    with ScratchCounter(tmp_path / "scratch.sqlite") as counter:
        for number in range(30_000):
            digest = hashlib.sha256(str(number % 11_003).encode()).digest()
            assert counter.next(digest) == seen.get(digest, 0)
            seen[digest] = seen.get(digest, 0) + 1


def test_a_scratch_file_that_can_not_be_made_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Unavailable), ScratchCounter(tmp_path / "no" / "such" / "folder.sqlite"):
        pass


def test_a_vector_is_sealed_and_one_from_before_is_read_and_sealed_when_asked(tmp_path: Path) -> None:
    keyring = keys_in(tmp_path)
    vectors = _vectors(2)
    with EmbeddingStore(tmp_path, "v1", keyring) as store:
        store.put(["a"], vectors[:1])
        store._file.execute("INSERT INTO embedding (key, vector) VALUES ('b', ?)", (vectors[1].tobytes(),))
        assert np.array_equal(store.get(["a", "b"])[1], vectors)
        assert store.missing(["a", "b"]) == []
        assert store.reseal() == 1
        assert np.array_equal(store.get(["a", "b"])[1], vectors)
    files = b"".join(path.read_bytes() for path in (tmp_path / "embeddings").iterdir())
    assert not [1 for vector in vectors if vector.tobytes()[:64] in files]


def test_a_vector_whose_key_is_gone_counts_as_missing_and_is_computed_again(tmp_path: Path) -> None:
    keyring = keys_in(tmp_path)
    first, second = _vectors(1), _vectors(1, seed=2)
    with EmbeddingStore(tmp_path, "v1", keyring) as store:
        store.put(["a"], first)
        keyring.add_version(EMBEDDINGS)
        keyring.drop_old_versions(EMBEDDINGS)
        assert store.missing(["a"]) == ["a"]
        assert not store.get(["a"])[0].any()
        store.put(["a"], second)
        assert np.array_equal(store.get(["a"])[1], second)
