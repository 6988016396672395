"""Names of people and streets, by the model of models/names: Rampart (National Design Studio, CC BY 4.0), a small BERT.

The model marks tokens; this says for each word how probable it is that it is part of a name or of an address. It reads letters
without their case and their accents.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from commsapp import bundled
from commsapp.errors import Unavailable
from commsapp.textmodels.encoder import check_hash
from commsapp.textmodels.layers import Floats, Head, Layers, spread
from commsapp.textmodels.windows import BLOCK, LENGTHS

GROUPS = {
    "name": ("GIVEN_NAME", "SURNAME"),
    "street": ("STREET_NAME", "BUILDING_NUMBER", "SECONDARY_ADDRESS"),
    "place": ("CITY", "STATE"),
}
"""What a word can be part of, and the model's labels for it."""

WINDOW = 126
OVERLAP = 32
"""Tokens of a window, and how many of them the next one begins with: a name at a border stands whole in one of the two."""

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_CURE = "Bring it with 'python tools/names_model.py' in a checkout (make env does), and install commsapp with its extra 'names'."


@dataclass(frozen=True)
class Word:
    """A word of a text, and the probability of each of `GROUPS`."""

    start: int
    end: int
    name: float
    street: float
    place: float


class NameModel:
    """Finds words that are parts of names and of streets; ``version`` names its weights."""

    languages = frozenset({"en", "cy", "pl"})

    def __init__(self, layers: Layers, head: Head, tokenizer: Any, labels: dict[int, str], *, version: str) -> None:
        self._layers = layers
        self._head = head
        self._tokenizer = tokenizer
        self.version = version
        count = 1 + max(labels)
        self._groups = np.zeros((count, len(GROUPS)), dtype=np.float32)
        for number, label in labels.items():
            for column, names in enumerate(GROUPS.values()):
                self._groups[number, column] = label.partition("-")[2] in names

    def words(self, texts: Sequence[str]) -> list[list[Word]]:
        """The words of each text with their probabilities.

        Texts may have any length: they are cut into overlapping windows, and windows of like length are computed together. What
        is said of a text doesn't depend on the others, see `commsapp.textmodels.windows`.
        """
        pieces = [piece for number, text in enumerate(texts) for piece in self._pieces(number, text)]
        read: list[dict[tuple[int, int], npt.NDArray[np.float32]]] = [{} for _ in texts]
        for batch, computed in spread(self._odds, _batches(pieces)):
            for piece, odds in zip(batch, computed, strict=True):
                known = read[piece.text]
                for place, row in zip(piece.offsets, odds, strict=False):
                    known[place] = np.maximum(known[place], row) if place in known else row
        return [_words(text, known) for text, known in zip(texts, read, strict=True)]

    def _pieces(self, number: int, text: str) -> Iterator[_Piece]:
        encoded = self._tokenizer.encode(text, add_special_tokens=False)
        ids, offsets, words = encoded.ids, encoded.offsets, encoded.word_ids
        start = 0
        while start < len(ids):
            end = min(start + WINDOW, len(ids))
            yield _Piece(number, ids[start:end], offsets[start:end])
            if end == len(ids):
                return
            following = end - OVERLAP
            while following > start + 1 and words[following] == words[following - 1]:
                following -= 1
            start = following

    def _odds(self, batch: Sequence[_Piece]) -> npt.NDArray[np.float32]:
        """Probabilities (pieces, tokens, groups) without the two special tokens."""
        length = _length(batch[0])
        ids = np.zeros((len(batch), length), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, piece in enumerate(batch):
            ids[row, : len(piece.ids) + 2] = [_CLS, *piece.ids, _SEP]
            mask[row, : len(piece.ids) + 2] = 1
        logits = self._head(self._layers.hidden(ids, mask))
        odds = np.exp(logits - logits.max(axis=-1, keepdims=True))
        odds /= odds.sum(axis=-1, keepdims=True)
        return np.asarray(odds[:, 1:, :] @ self._groups, dtype=np.float32)


_CLS, _SEP = 2, 3


@dataclass(frozen=True)
class _Piece:
    """A window of a text: its number, its tokens and where they lie."""

    text: int
    ids: list[int]
    offsets: list[tuple[int, int]]


def _length(piece: _Piece) -> int:
    return next(length for length in LENGTHS if length >= len(piece.ids) + 2)


def _batches(pieces: list[_Piece]) -> Iterator[list[_Piece]]:
    """Pieces of one padded length, as many as are computed together."""
    for length, some in groupby(sorted(pieces, key=_length), key=_length):
        alike, rows = list(some), BLOCK // length
        for start in range(0, len(alike), rows):
            yield alike[start : start + rows]


def _words(text: str, known: dict[tuple[int, int], npt.NDArray[np.float32]]) -> list[Word]:
    """Words with the mean of their tokens' probabilities, weighted by letters."""
    tokens = sorted(known.items())
    found: list[Word] = []
    at = 0
    for match in _WORD.finditer(text):
        while at < len(tokens) and tokens[at][0][1] <= match.start():
            at += 1
        total, weight, ahead = np.zeros(len(GROUPS)), 0, at
        while ahead < len(tokens) and tokens[ahead][0][0] < match.end():
            (start, end), row = tokens[ahead]
            total, weight = total + (end - start) * row, weight + end - start
            ahead += 1
        name, street, place = (float(value) for value in total / max(weight, 1))
        found.append(Word(match.start(), match.end(), name, street, place))
    return found


def installed(folder: Path | None = None) -> bool:
    """Whether the model's file and its libraries are here; whether it is the right file, `load_names` says."""
    return (_folder(folder) / "model.onnx").is_file() and all(find_spec(name) for name in ("onnx", "tokenizers"))


def load_names(folder: Path | None = None) -> NameModel:
    """Load the model of names from ``folder`` (default: the bundled one). Its files are checked before anything reads them.

    Raises
    ------
    Unavailable : a file is missing or changed, or the libraries of the extra 'names' are not installed.

    """
    folder = _folder(folder)
    try:
        facts = json.loads((folder / "metrics.json").read_text("utf-8"))
        files: dict[str, str] = dict(facts["files"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Unavailable(f"The names' model's {folder / 'metrics.json'} is missing or broken.", _CURE) from error
    for name, sha256 in files.items():
        check_hash(folder / name, sha256, cure=_CURE)
    try:
        from tokenizers import Tokenizer

        weights = _weights(folder / "model.onnx")
    except ImportError as error:
        raise Unavailable("The model of names needs the Python packages onnx and tokenizers.", _CURE) from error
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    config = json.loads((folder / "config.json").read_text("utf-8"))
    labels = {int(number): str(label) for number, label in config["id2label"].items()}
    return NameModel(
        Layers(weights, heads=int(config["num_attention_heads"])),
        Head(weights["classifier.weight"], weights["classifier.bias"]),
        tokenizer,
        labels,
        version=f"rampart/{files['model.onnx'][:8]}/8-bit",
    )


def _weights(path: Path) -> dict[str, Floats]:
    """The model's weights, by the names that transformers gives to those of a BertModel, from its file in 4 bits.

    Sixteen values, 0 to 15 for -8 to 7, stand in eight bytes, the lower half of a byte first; each block of 32 has a scale.
    Embeddings are whole numbers with one scale and one zero.
    """
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(str(path), load_external_data=False).graph
    arrays = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    weights = {name.removeprefix("bert."): np.asarray(one) for name, one in arrays.items() if one.dtype == np.float32}
    for node in graph.node:
        if node.op_type != "MatMulNBits":
            continue
        packed, scales = (arrays[name] for name in node.input[1:3])
        halves = np.stack([packed & 15, packed >> 4], -1).reshape(*packed.shape[:2], -1).astype(np.float32) - 8
        name = node.name.removeprefix("/bert").removesuffix("/MatMul_Q4").strip("/").replace("/", ".")
        weights[f"{name}.weight"] = (halves * scales[..., None]).reshape(len(packed), -1)
    for name in [name.removesuffix("_quantized") for name in arrays if name.endswith("_quantized")]:
        zero = arrays[f"{name}_zero_point"].astype(np.float32)
        whole = arrays[f"{name}_quantized"].astype(np.float32) - zero
        weights[name.removeprefix("bert.")] = whole * arrays[f"{name}_scale"]
    return weights


def _folder(folder: Path | None) -> Path:
    return bundled.models() / "names" if folder is None else folder
