"""Layers in 8 bits: what is said of a text depends on nothing but the text, on whatever processor, and is what 32 bits say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from commsapp.textmodels.layers import LARGEST, Layers, _in_8_bits, processors, spread

DIMENSIONS, HEADS, WORDS = 384, 12, 50


def weights(seed: int = 0) -> dict[str, np.ndarray]:
    """A small BERT of two layers."""
    random = np.random.default_rng(seed)
    made = {
        f"embeddings.{name}_embeddings.weight": random.normal(size=(count, DIMENSIONS)).astype(np.float32)
        for name, count in (("word", WORDS), ("position", 64), ("token_type", 2))
    }
    sizes = {
        "attention.self.query": (DIMENSIONS, DIMENSIONS),
        "attention.self.key": (DIMENSIONS, DIMENSIONS),
        "attention.self.value": (DIMENSIONS, DIMENSIONS),
        "attention.output.dense": (DIMENSIONS, DIMENSIONS),
        "intermediate.dense": (4 * DIMENSIONS, DIMENSIONS),
        "output.dense": (DIMENSIONS, 4 * DIMENSIONS),
    }
    for layer in range(2):
        for name, size in sizes.items():
            made[f"encoder.layer.{layer}.{name}.weight"] = random.uniform(-0.1, 0.1, size=size).astype(np.float32)
            made[f"encoder.layer.{layer}.{name}.bias"] = random.normal(size=size[0], scale=0.1).astype(np.float32)
    for name in ("embeddings", *(f"encoder.layer.{n}.{part}" for n in range(2) for part in ("attention.output", "output"))):
        made[f"{name}.LayerNorm.weight"] = np.ones(DIMENSIONS, dtype=np.float32)
        made[f"{name}.LayerNorm.bias"] = np.zeros(DIMENSIONS, dtype=np.float32)
    return made


@pytest.fixture(scope="module")
def layers() -> Layers:
    return Layers(weights(), heads=HEADS)


def rows(count: int, length: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    lengths = random.integers(2, length + 1, size=count)
    mask = (np.arange(length) < lengths[:, None]).astype(np.int64)
    return random.integers(1, WORDS, size=(count, length)) * mask, mask


def in_32_bits(ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The vector of each token that isn't padding, by transformers with the same weights."""
    import torch
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=WORDS,
        hidden_size=DIMENSIONS,
        num_hidden_layers=2,
        num_attention_heads=HEADS,
        intermediate_size=4 * DIMENSIONS,
        max_position_embeddings=64,
    )
    network = BertModel(config, add_pooling_layer=False)
    network.load_state_dict({name: torch.from_numpy(value) for name, value in weights().items()})
    network.eval()
    with torch.inference_mode():
        hidden = network(input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask)).last_hidden_state
    return np.asarray(hidden.numpy()[mask.astype(bool)])


def cosines(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    return np.asarray((some * others).sum(1) / np.linalg.norm(some, axis=1) / np.linalg.norm(others, axis=1))


def test_they_say_what_transformers_says_of_the_same_weights(layers: Layers) -> None:
    ids, mask = rows(20, 16)
    assert cosines(layers.hidden(ids, mask)[mask.astype(bool)], in_32_bits(ids, mask)).min() > 0.99


def test_the_mean_counts_no_padding(layers: Layers) -> None:
    ids, mask = rows(6, 16)
    hidden = layers.hidden(ids, mask)
    wanted = np.stack([row[: own.sum()].mean(0) for row, own in zip(hidden, mask, strict=True)])
    assert np.allclose(layers.mean(ids, mask), wanted, atol=1e-6)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 33])
def test_a_row_is_the_same_to_the_last_bit_among_any_others(layers: Layers, count: int) -> None:
    ids, mask = rows(33, 24)
    together = layers.mean(ids, mask)
    for some in (slice(start, start + count) for start in range(0, 33, count)):
        assert np.array_equal(layers.mean(ids[some], mask[some]), together[some])


def test_a_row_is_the_same_on_a_processor_that_adds_in_16_bits() -> None:
    code = (
        "import json, tests.unit.test_textmodels_layers as made\n"
        "layers = made.Layers(made.weights(), heads=made.HEADS)\n"
        "ids, mask = made.rows(33, 24)\n"
        "whole = layers.mean(ids, mask)\n"
        "alone = [layers.mean(ids[k : k + 1], mask[k : k + 1])[0] for k in range(33)]\n"
        "tokens = layers.hidden(ids, mask)[mask.astype(bool)]\n"
        "print(json.dumps([bool((whole == alone).all()), whole.tolist(), tokens.tolist()]))\n"
    )
    narrow = {"MKL_ENABLE_INSTRUCTIONS": "AVX2", "CT2_FORCE_CPU_ISA": "AVX2", "DNNL_MAX_CPU_ISA": "AVX2"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ | narrow)
    same, whole, tokens = json.loads(done.stdout.splitlines()[-1])
    assert same
    ids, mask = rows(33, 24)
    # Also where this processor is such a one itself; sums of products of full 8 bits would come to .93.
    assert cosines(np.array(tokens), in_32_bits(ids, mask)).min() > 0.99
    assert np.allclose(whole, Layers(weights(), heads=HEADS).mean(ids, mask), atol=1e-3)


def test_weights_in_8_bits_leave_room_for_a_sum_of_two_products() -> None:
    whole, scale = _in_8_bits(np.random.default_rng(3).normal(size=(10, 40)).astype(np.float32))
    assert np.abs(whole).max() == LARGEST
    assert np.iinfo(np.int16).max >= 255 * LARGEST * 2
    assert scale.shape == (10,)


def test_a_row_of_zeros_stays_zero() -> None:
    whole, _ = _in_8_bits(np.zeros((2, 4), dtype=np.float32))
    assert not whole.any()


def test_batches_are_spread_over_the_processors_and_come_back_in_their_order() -> None:
    at_once, most, lock = 0, 0, threading.Lock()
    meet = threading.Barrier(processors())

    def compute(number: int) -> int:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        meet.wait(timeout=30)  # nobody goes on before as many are here as there are processors
        with lock:
            at_once -= 1
        return number * number

    count = 4 * processors()
    assert list(spread(compute, range(count))) == [(k, k * k) for k in range(count)]
    assert most == processors()


def test_no_more_batches_are_held_than_are_computed_or_waited_for() -> None:
    taken, seen = 0, 0

    def batches() -> Iterator[int]:
        nonlocal taken
        for number in range(100):
            taken += 1
            assert taken - seen <= processors() + 1
            yield number

    for _ in spread(lambda number: number, batches()):
        seen += 1
    assert seen == 100


def test_an_error_in_a_batch_comes_to_the_one_who_asked() -> None:
    def compute(number: int) -> int:
        if number == 3:
            raise ValueError("broken")
        return number

    seen = []
    with pytest.raises(ValueError, match="broken"):
        for number, _ in spread(compute, range(10)):
            seen.append(number)
    assert seen == [0, 1, 2]


def test_who_leaves_early_does_not_wait_for_ever_and_leaves_no_thread_working() -> None:
    begun, go_on = [], threading.Event()

    def compute(number: int) -> int:
        begun.append(number)
        assert number == 0 or go_on.wait(timeout=30)
        return number

    results = spread(compute, range(100))
    assert next(results) == (0, 0)
    leaving = threading.Thread(target=results.close, daemon=True)  # so that the test fails, and doesn't hang, where it never ends
    leaving.start()
    go_on.set()
    leaving.join(timeout=30)
    assert not leaving.is_alive()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("layers")]
    assert len(begun) <= processors() + 1
