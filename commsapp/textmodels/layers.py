"""The layers of a BERT-like transformer, computed by CTranslate2 in 8 bits: token ids in, a vector for each token out.

What may come in: weights as arrays, token ids. What may not: texts, files, anything about a particular model.

Each row of activations has a scale of its own, so a text's numbers don't depend on what is computed beside it; and whole numbers
add up the same in any order. Weights are kept to 7 of the 8 bits: processors without VNNI add pairs of products in 16 bits, which
full 8 bits overflow, and then a text's numbers depend on the machine (with 127 as `LARGEST` the test of it fails). What it costs
beside 32 bits is measured by ``python -m evals.run --only layers``.
"""

from __future__ import annotations

import io
import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Weights = Mapping[str, npt.NDArray[Any]]
LARGEST = 63
"""Of a weight in 8 bits, see above."""


Given = TypeVar("Given")
Got = TypeVar("Got")


class Layers:
    """Layers ready to run: one batch on one processor, so ask for as many at once as there are (`spread`).

    ``weights`` by the names that transformers gives to those of a BertModel.
    """

    def __init__(self, weights: Weights, *, heads: int, epsilon: float = 1e-12) -> None:
        import ctranslate2

        self._encoder = ctranslate2.Encoder(
            "layers",
            device="cpu",
            compute_type="int8_float32",
            inter_threads=processors(),
            intra_threads=1,
            files=_files(weights, heads, epsilon),
        )

    def hidden(self, ids: npt.NDArray[np.int64], mask: npt.NDArray[np.int64]) -> Floats:
        """Hidden states (rows, length, dimensions) of token ids (rows, length); ``mask`` is 1 where there is a token, then 0."""
        import ctranslate2

        given = ctranslate2.StorageView.from_array(np.ascontiguousarray(ids, dtype=np.int32))
        lengths = ctranslate2.StorageView.from_array(mask.sum(1).astype(np.int32))
        return np.asarray(self._encoder.forward_batch(given, lengths).last_hidden_state, dtype=np.float32)

    def mean(self, ids: npt.NDArray[np.int64], mask: npt.NDArray[np.int64]) -> Floats:
        """Mean over each row's tokens: (rows, dimensions)."""
        shown = mask.astype(np.float32)
        return np.asarray(np.einsum("rld,rl->rd", self.hidden(ids, mask), shown) / shown.sum(1, keepdims=True), dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Head:
    """What says logits of labels above layers: ``weight`` (labels, dimensions) and ``bias`` (labels)."""

    weight: Floats
    bias: Floats

    def __call__(self, hidden: Floats) -> Floats:
        """Logits (…, labels) of vectors (…, dimensions). A sum over each vector alone, so it is the same beside any others."""
        return np.asarray(np.einsum("...d,kd->...k", hidden, self.weight) + self.bias, dtype=np.float32)


def processors() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def spread(compute: Callable[[Given], Got], batches: Iterable[Given]) -> Iterator[tuple[Given, Got]]:
    """Compute batches side by side, one for each processor, and yield (batch, result) in their order.

    Only as many are taken and held as are computed or waited for. An error in one is raised where its result would have come.
    """
    workers = processors()
    with ThreadPoolExecutor(workers, thread_name_prefix="layers") as pool:
        running: deque[tuple[Given, Future[Got]]] = deque()
        try:
            for batch in batches:
                running.append((batch, pool.submit(compute, batch)))
                if len(running) > workers:
                    done, future = running.popleft()
                    yield done, future.result()
            while running:
                done, future = running.popleft()
                yield done, future.result()
        finally:
            for _, future in running:
                future.cancel()


def _files(weights: Weights, heads: int, epsilon: float) -> dict[str, Any]:
    """A model as CTranslate2 reads it."""
    from ctranslate2.specs import common_spec, transformer_spec

    layers = 1 + max(int(name.split(".")[2]) for name in weights if name.startswith("encoder.layer."))
    body = transformer_spec.TransformerEncoderSpec(
        layers, heads, pre_norm=False, activation=common_spec.Activation.GELU, layernorm_embedding=True
    )
    spec = transformer_spec.TransformerEncoderModelSpec(body)

    def take(name: str) -> Floats:
        return np.asarray(weights[name], dtype=np.float32)

    def norm(into: Any, name: str) -> None:
        into.gamma, into.beta = take(f"{name}.weight"), take(f"{name}.bias")

    def linear(into: Any, *names: str) -> None:
        whole = np.concatenate([take(f"{name}.weight") for name in names])
        into.weight, into.weight_scale = _in_8_bits(whole)
        into.bias = np.concatenate([take(f"{name}.bias") for name in names])

    # No text is a second sentence, so the token type is part of the position.
    body.scale_embeddings = False
    body.embeddings[0].weight, body.embeddings[0].weight_scale = _in_8_bits(take("embeddings.word_embeddings.weight"), 127)
    body.position_encodings.encodings = (
        take("embeddings.position_embeddings.weight") + take("embeddings.token_type_embeddings.weight")[0]
    )
    norm(body.layernorm_embedding, "embeddings.LayerNorm")
    for number, layer in enumerate(body.layer):
        own = f"encoder.layer.{number}"
        linear(layer.self_attention.linear[0], *(f"{own}.attention.self.{part}" for part in ("query", "key", "value")))
        linear(layer.self_attention.linear[1], f"{own}.attention.output.dense")
        norm(layer.self_attention.layer_norm, f"{own}.attention.output.LayerNorm")
        linear(layer.ffn.linear_0, f"{own}.intermediate.dense")
        linear(layer.ffn.linear_1, f"{own}.output.dense")
        norm(layer.ffn.layer_norm, f"{own}.output.LayerNorm")
    spec.config.layer_norm_epsilon = epsilon
    spec.register_vocabulary([str(number) for number in range(len(body.embeddings[0].weight))])
    spec.validate()
    spec.optimize()
    with tempfile.TemporaryDirectory(prefix="commsapp-layers-") as folder:
        spec.save(folder)
        return {path.name: io.BytesIO(path.read_bytes()) for path in Path(folder).iterdir()}


def _in_8_bits(weight: Floats, largest: int = LARGEST) -> tuple[npt.NDArray[np.int8], Floats]:
    """Rows of whole numbers, and what each row is divided by to get back to its weights."""
    scale = largest / np.maximum(np.abs(weight).max(1), 1e-12)
    return np.rint(weight * scale[:, None]).astype(np.int8), scale.astype(np.float32)
