"""Embeddings: the same alone and in any batch, nothing cut, and only from the weights that belong here."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from commsapp.errors import Unavailable
from commsapp.textmodels import encoder as module
from commsapp.textmodels.encoder import Encoder, check_hash, load_encoder
from commsapp.textmodels.windows import WINDOW, split

TEXTS = [
    "Dealers stand at the school gate.",
    "",
    "I got a text that said my parcel is held, and I paid two pounds to people I don't know.",
    "No.",
    "Someone dumped a fridge and three mattresses behind the allotments again, the third time since the summer. " * 12,
    "😀",
    "The officer came to our event and listened, which nobody had done before, so thank you for that.",
]


def test_a_text_gets_the_same_embedding_alone_and_in_any_batch(encoder: Encoder) -> None:
    together = encoder.encode(TEXTS)
    backwards = encoder.encode(TEXTS[::-1])[::-1]
    among_many = encoder.encode([*(f"Filler number {k} of some length." for k in range(20)), *TEXTS])[20:]
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    for other in (backwards, among_many, alone):
        assert np.array_equal(together, other)  # to the last bit


def test_embeddings_are_of_unit_length_and_32_bit(encoder: Encoder) -> None:
    vectors = encoder.encode(TEXTS)
    assert vectors.shape == (len(TEXTS), encoder.dimensions)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_no_text_gives_no_row(encoder: Encoder) -> None:
    assert encoder.encode([]).shape == (0, 384)


def test_the_end_of_a_long_text_counts(encoder: Encoder) -> None:
    start = "The council mended the playground swings and the benches in the park. " * 60
    with_end, without = encoder.encode([start + "Cocaine is sold at the bus station. " * 20, start])
    assert float(with_end @ without) < 0.99


def test_texts_that_mean_the_same_are_nearer_than_others(encoder: Encoder) -> None:
    one, same, other = encoder.encode(
        ["I was robbed by a caller from my bank", "A fake bank phoned and took my money", "Nice park"]
    )
    assert float(one @ same) > float(one @ other) + 0.2


def test_progress_ends_at_all_texts(encoder: Encoder) -> None:
    seen: list[tuple[int, int]] = []
    encoder.encode(TEXTS, lambda done, total: seen.append((done, total)))
    assert [done for done, _ in seen] == list(range(1, len(TEXTS) + 1))
    assert seen[-1] == (len(TEXTS), len(TEXTS))


@pytest.mark.parametrize("count", [0, 1, 253, 254, 255, 508, 509, 5000])
def test_windows_hold_every_token_once_and_fit(count: int) -> None:
    windows = split(list(range(count)))
    assert [token for window in windows for token in window] == list(range(count))
    assert all(len(window) + 2 <= WINDOW for window in windows)
    assert max(map(len, windows)) - min(map(len, windows)) <= 1


def test_weights_that_are_missing_are_named(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"model\.safetensors can't be read.*Install it again"):
        check_hash(tmp_path / "model.safetensors", "0" * 64, cure="Install it again.")


def test_weights_that_were_changed_are_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"something else")
    with pytest.raises(Unavailable, match="not the one that belongs here"):
        check_hash(tmp_path / "model.safetensors", module.ENCODER_SHA256, cure="")


def test_a_missing_encoder_package_is_one_clear_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PACKAGE", "not_installed_here")
    with pytest.raises(Unavailable, match=r"not installed.*pip install"):
        load_encoder()


def test_naming_the_types_loads_no_heavy_library() -> None:
    import subprocess

    code = (
        "import sys, commsapp.listening.coding, commsapp.textmodels.topics, commsapp.textmodels.tone\n"
        "print([m for m in ('torch', 'transformers', 'bertopic', 'sklearn', 'umap') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
