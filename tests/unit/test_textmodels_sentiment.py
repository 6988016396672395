"""Tone: three probabilities that sum to one, the same alone and in any batch."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from commsapp import bundled
from commsapp.errors import Unavailable
from commsapp.textmodels.sentiment import LABELS, SentimentModel, load_sentiment

TEXTS = [
    "I hate this, nobody helps and it gets worse",
    "The meeting is on Tuesday at the library",
    "Brilliant event, thank you!",
    "",
    "x" * 5000,
]


def test_plain_cases_get_the_tone_that_anybody_would_give(sentiment: SentimentModel) -> None:
    guess = sentiment.score(TEXTS[:3]).argmax(1)
    assert [LABELS[k] for k in guess] == ["negative", "neutral", "positive"]


def test_probabilities_sum_to_one(sentiment: SentimentModel) -> None:
    scores = sentiment.score(TEXTS)
    assert scores.shape == (len(TEXTS), 3)
    assert np.allclose(scores.sum(1), 1, atol=1e-12)
    assert (scores >= 0).all()


def test_a_text_gets_the_same_tone_alone_and_in_any_batch(sentiment: SentimentModel) -> None:
    together = sentiment.score(TEXTS)
    assert np.array_equal(together, np.concatenate([sentiment.score([text]) for text in TEXTS]))
    assert np.array_equal(together, sentiment.score(TEXTS[::-1])[::-1])


def test_a_long_text_is_weighed_over_all_its_windows(sentiment: SentimentModel) -> None:
    bad = "This is terrible and I am furious about the broken promises. " * 60
    good = "This is wonderful and I am so happy and grateful. " * 60
    mixed = sentiment.score([bad + good])[0]
    assert mixed[0] > 0.2
    assert mixed[2] > 0.2


def test_the_version_names_the_weights(sentiment: SentimentModel) -> None:
    facts = json.loads((bundled.models() / "sentiment" / "metrics.json").read_text("utf-8"))
    assert sentiment.version == f"sentiment/{facts['sha256'][:8]}"


def test_a_missing_model_is_one_clear_sentence(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"metrics\.json is missing"):
        load_sentiment(tmp_path)


def test_weights_trained_on_another_encoder_are_refused(tmp_path: Path) -> None:
    shutil.copytree(bundled.models() / "sentiment", tmp_path / "model")
    path = tmp_path / "model" / "metrics.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"encoder_sha256": "0" * 64}), "utf-8")
    with pytest.raises(Unavailable, match="another encoder"):
        load_sentiment(tmp_path / "model")


def test_weights_that_were_changed_are_refused(tmp_path: Path) -> None:
    shutil.copytree(bundled.models() / "sentiment", tmp_path / "model")
    with (tmp_path / "model" / "model.safetensors").open("ab") as file:
        file.write(b"!")
    with pytest.raises(Unavailable, match="not the one that belongs here"):
        load_sentiment(tmp_path / "model")
