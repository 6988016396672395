"""The tone of a text: negative, neutral or positive, by the classifier that models/sentiment/train.py trains."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from commsapp import bundled
from commsapp.errors import Unavailable
from commsapp.textmodels import windows
from commsapp.textmodels.encoder import ENCODER_SHA256, Tokenizer, build_network, check_hash, encoder_folder, mean_over_tokens
from commsapp.textmodels.windows import Floats, Progress

LABELS = ("negative", "neutral", "positive")
_CURE = "Restore models/sentiment, or train it anew with models/sentiment/train.py."
_BODY = "encoder."


class SentimentModel:
    """Transformer classifier over three labels; ``version`` names its weights, ``languages`` what it was trained on."""

    languages = frozenset({"en"})

    def __init__(self, network: Any, head: Any, tokens: Tokenizer, *, temperature: float, version: str) -> None:
        self._network = network
        self._head = head
        self._tokens = tokens
        self._temperature = temperature
        self.version = version

    def score(self, texts: Sequence[str], progress: Progress | None = None) -> npt.NDArray[np.float64]:
        """Calibrated probabilities of `LABELS` for each text.

        A text longer than a window gets the mean of its windows' probabilities, weighted by their tokens. The result for a
        text doesn't depend on the other texts, see `commsapp.textmodels.windows`.

        Parameters
        ----------
        texts : any length, already cleaned.
        progress : called with (texts done, texts in all).

        Returns
        -------
        (len(texts), 3); each row sums to 1.

        """
        out = np.zeros((len(texts), len(LABELS)))
        for position, mean in windows.run(
            texts, tokenize=self._tokens.ids, special=self._tokens.special, compute=self._compute, progress=progress
        ):
            out[position] = mean / mean.sum()
        return out

    def _compute(self, ids: Any, mask: Any) -> Floats:
        import torch

        with torch.inference_mode():
            pooled = mean_over_tokens(self._network, torch.from_numpy(ids), torch.from_numpy(mask))
            # One number on the logits makes probabilities honest (Guo et al. 2017); train.py fits it on tweets held out.
            odds = torch.softmax(self._head(pooled) / self._temperature, dim=1)
        return np.asarray(odds.numpy(), dtype=np.float32)


def load_sentiment(folder: Path | None = None) -> SentimentModel:
    """Load the sentiment classifier from ``folder`` (default: the bundled one).

    Its file holds no word embeddings: those are the packaged encoder's, so both files are checked.

    Raises
    ------
    Unavailable : a file is missing, changed, or was trained on another encoder.

    """
    folder = bundled.models() / "sentiment" if folder is None else folder
    facts = _facts(folder)
    check_hash(folder / "model.safetensors", facts["sha256"], cure=_CURE)
    if facts["encoder_sha256"] != ENCODER_SHA256 or tuple(facts["labels"]) != LABELS:
        raise Unavailable(f"The sentiment model in {folder} was trained on another encoder or with other labels.", _CURE)
    base = encoder_folder()
    import torch
    from safetensors.torch import load_file

    weights = load_file(folder / "model.safetensors")
    body = {name.removeprefix(_BODY): value for name, value in weights.items() if name.startswith(_BODY)}
    head = torch.nn.Linear(weights["head.weight"].shape[1], len(LABELS))
    head.load_state_dict({"weight": weights["head.weight"].float(), "bias": weights["head.bias"].float()})
    return SentimentModel(
        build_network(base, body),
        head.eval(),
        Tokenizer(base),
        temperature=float(facts["temperature"]),
        version=f"sentiment/{facts['sha256'][:8]}",
    )


def _facts(folder: Path) -> dict[str, Any]:
    try:
        facts: dict[str, Any] = json.loads((folder / "metrics.json").read_text("utf-8"))
        _ = facts["sha256"], facts["encoder_sha256"], facts["labels"], float(facts["temperature"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Unavailable(f"The sentiment model's {folder / 'metrics.json'} is missing or broken.", _CURE) from error
    return facts
