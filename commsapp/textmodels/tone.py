"""The tone of a text, sentiment and emotions in one pass: by the model of models/tone, or by others set in its place."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from commsapp import bundled
from commsapp.errors import Unavailable
from commsapp.textmodels import windows
from commsapp.textmodels.encoder import ENCODER_SHA256, HEADS, Tokenizer, check_hash, encoder_folder, packaged_weights
from commsapp.textmodels.layers import Head, Layers
from commsapp.textmodels.windows import Floats, Progress

LABELS = ("negative", "neutral", "positive")
"""Sentiment: one of them is meant, so their probabilities sum to 1."""

EMOTIONS = ("anger", "disgust", "fear", "joy", "sadness", "surprise", "neutral")
"""Ekman's six and none of them, as GoEmotions groups its 27; several may be heard, so their probabilities don't sum to 1."""

_CURE = "Restore models/tone, or train it anew with models/tone/train.py."
_BODY = "encoder."

Odds = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Tones:
    """Tone of n texts: ``sentiments`` (n, 3), rows sum to 1; ``emotions`` (n, 7), calibrated, each 0 to 1."""

    sentiments: Odds
    emotions: Odds


class Reader(Protocol):
    """One network that says something of texts, in one pass over them."""

    languages: frozenset[str]

    def read(self, texts: Sequence[str], progress: Progress | None = None) -> Odds:
        """A row of probabilities for each text."""


@dataclass(frozen=True, eq=False)
class Part:
    """What a model reads one of the two things with, and how sure it must be to say it.

    ``columns`` are those of what the reader says, in the order of the labels. ``version`` names its weights. ``least`` is, for
    sentiment, below what probability of the best label we say 'unsure'; for emotions, from which probability each is heard.
    """

    reader: Reader
    columns: slice
    version: str
    least: Mapping[str, float]


class ToneModel:
    """Says how a text sounds; ``sentiment_version`` and ``emotion_version`` name the weights, which may be the same ones.

    Everybody shows ``unsure_below`` and ``thresholds`` beside what they say: a sentiment whose best label is less probable than
    the first is 'unsure', an emotion is heard from its threshold on.
    """

    def __init__(self, sentiment: Part, emotion: Part) -> None:
        self._sentiment, self._emotion = sentiment, emotion
        self.sentiment_version, self.emotion_version = sentiment.version, emotion.version
        same = sentiment.version == emotion.version
        self.version = sentiment.version if same else f"{sentiment.version} and {emotion.version}"
        self.languages = sentiment.reader.languages & emotion.reader.languages
        self.unsure_below = sentiment.least["unsure"]
        self.thresholds = dict(emotion.least)

    def score(self, texts: Sequence[str], progress: Progress | None = None) -> Tones:
        """Calibrated probabilities of `LABELS` and of `EMOTIONS` for each text.

        Where one model says both, it reads each text once. A text longer than a window gets the mean of its windows'
        probabilities, weighted by their tokens. The result for a text doesn't depend on the other texts, see
        `commsapp.textmodels.windows`.

        Parameters
        ----------
        texts : any length, already cleaned.
        progress : called with (texts done, texts in all).

        """
        first, second = self._sentiment.reader, self._emotion.reader
        if first is second:
            feels = tells = first.read(texts, progress)
        else:
            half = None if progress is None else (lambda done, total: progress(done // 2, total))
            feels = first.read(texts, half)
            rest = None if progress is None else (lambda done, total: progress((total + done) // 2, total))
            tells = second.read(texts, rest)
        sentiments = feels[:, self._sentiment.columns]
        return Tones(sentiments / sentiments.sum(1, keepdims=True), tells[:, self._emotion.columns])

    def unsure(self, sentiments: Odds) -> npt.NDArray[np.bool_]:
        """Where nobody should say a sentiment: the best label is less probable than ``unsure_below``."""
        return np.asarray(sentiments.max(axis=1, initial=0) < self.unsure_below)

    def heard(self, emotions: Odds) -> list[tuple[str, ...]]:
        """Names of the emotions at or above their threshold in each text, the most probable first; often none."""
        least = np.array([self.thresholds[name] for name in EMOTIONS])
        order = np.argsort(-emotions, axis=1, kind="stable")
        return [tuple(EMOTIONS[k] for k in ranks if row[k] >= least[k]) for ranks, row in zip(order, emotions, strict=True)]


class _Bundled:
    """The network of models/tone: the packaged encoder's word embeddings, layers of its own, and two heads."""

    languages = frozenset({"en"})

    def __init__(self, weights: Mapping[str, Any], heads: tuple[Head, Head], tokens: Tokenizer, facts: Mapping[str, Any]) -> None:
        self._layers = Layers(weights, heads=HEADS)
        self._sentiment, self._emotion = heads
        self._tokens = tokens
        self._temperature = float(facts["temperature"])
        self._scale, self._offset = (np.array([facts[what][name] for name in EMOTIONS]) for what in ("scale", "offset"))

    def read(self, texts: Sequence[str], progress: Progress | None = None) -> Odds:
        """Probabilities of `LABELS`, then of `EMOTIONS`."""
        out = np.full((len(texts), len(LABELS) + len(EMOTIONS)), 1 / len(LABELS))
        for position, mean in windows.run(
            texts,
            tokenize=self._tokens.ids,
            special=self._tokens.special,
            compute=self._compute,
            exact=True,
            progress=progress,
        ):
            out[position] = mean
        return np.asarray(np.clip(out, 0, 1))

    def _compute(self, ids: Any, mask: Any) -> Floats:
        pooled = self._layers.mean(ids, mask)
        # One number makes the probabilities of sentiment honest (Guo et al. 2017), a scale and an offset for each label those
        # of the emotions (Platt 1999); train.py fits them on texts held out.
        warm = self._sentiment(pooled) / self._temperature
        powers = np.exp(warm - warm.max(1, keepdims=True))
        feels = powers / powers.sum(1, keepdims=True)
        tells = 1 / (1 + np.exp(-(self._emotion(pooled) * self._scale + self._offset)))
        return np.concatenate([feels, tells], 1).astype(np.float32)


def load_tone(folder: Path | None = None, *, sentiment: str = "", emotion: str = "") -> ToneModel:
    """Load the model of tone from ``folder`` (default: the bundled one), or what was set in its place.

    Its file holds no word embeddings: those are the packaged encoder's, so both files are checked.

    Parameters
    ----------
    sentiment, emotion : a folder or a Hugging Face id of another classifier, see `commsapp.textmodels.classifier`; '' for ours.

    Raises
    ------
    Unavailable : a file is missing, changed, or was trained on another encoder. BadInput : another classifier can't be used.

    """
    from commsapp.textmodels.classifier import load_emotion_part, load_sentiment_part

    feels = load_sentiment_part(sentiment) if sentiment else None
    tells = load_emotion_part(emotion) if emotion else None
    if feels is None or tells is None:
        own_feels, own_tells = _load_bundled(bundled.models() / "tone" if folder is None else folder)
        feels, tells = feels or own_feels, tells or own_tells
    return ToneModel(feels, tells)


def _load_bundled(folder: Path) -> tuple[Part, Part]:
    facts = _facts(folder)
    check_hash(folder / "model.safetensors", facts["sha256"], cure=_CURE)
    fits = (tuple(facts["sentiments"]), tuple(facts["emotions"])) == (LABELS, EMOTIONS)
    if facts["encoder_sha256"] != ENCODER_SHA256 or not fits:
        raise Unavailable(f"The model of tone in {folder} was trained on another encoder or with other labels.", _CURE)
    base = encoder_folder()
    from safetensors.numpy import load_file

    weights = load_file(folder / "model.safetensors")
    body = {name.removeprefix(_BODY): value for name, value in weights.items() if name.startswith(_BODY)}
    heads = [Head(*(weights[f"{name}.{part}"].astype(np.float32) for part in ("weight", "bias"))) for name in ("sent", "emo")]
    reader = _Bundled(packaged_weights(base, body), (heads[0], heads[1]), Tokenizer(base), facts)
    version = f"tone/{_digest(facts)[:8]}"
    return (
        Part(reader, slice(0, len(LABELS)), version, {"unsure": float(facts["unsure_below"])}),
        Part(
            reader, slice(len(LABELS), None), version, {name: float(facts["thresholds"][name]) for name in EMOTIONS}
        ),
    )  # fmt: skip


def _digest(facts: Mapping[str, Any]) -> str:
    """Of weights and of what turns them into what people are told: other thresholds are another model."""
    told = {name: facts[name] for name in ("sha256", "temperature", "unsure_below", "scale", "offset", "thresholds")}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _facts(folder: Path) -> dict[str, Any]:
    try:
        facts: dict[str, Any] = json.loads((folder / "metrics.json").read_text("utf-8"))
        _ = facts["sha256"], facts["encoder_sha256"], facts["sentiments"], facts["emotions"]
        _ = float(facts["temperature"]), float(facts["unsure_below"])
        _ = [float(facts[what][name]) for what in ("scale", "offset", "thresholds") for name in EMOTIONS]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Unavailable(f"The model of tone's {folder / 'metrics.json'} is missing or broken.", _CURE) from error
    return facts
