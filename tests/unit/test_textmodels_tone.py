"""Tone: sentiment and emotions in one pass, the same alone and in any batch, and who may stand in for it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from commsapp import bundled
from commsapp.errors import Unavailable
from commsapp.textmodels import windows
from commsapp.textmodels.tone import EMOTIONS, LABELS, ToneModel, load_tone

TEXTS = [
    "I hate this, nobody helps and it gets worse",
    "The meeting is on Tuesday at the library",
    "Brilliant event, thank you!",
    "",
    "x" * 5000,
]


def test_plain_cases_get_the_tone_that_anybody_would_give(tone: ToneModel) -> None:
    guess = tone.score(TEXTS[:3]).sentiments.argmax(1)
    assert [LABELS[k] for k in guess] == ["negative", "neutral", "positive"]


def test_sentiments_sum_to_one_and_each_emotion_is_a_probability(tone: ToneModel) -> None:
    scores = tone.score(TEXTS)
    assert scores.sentiments.shape == (len(TEXTS), 3)
    assert np.allclose(scores.sentiments.sum(1), 1, atol=1e-12)
    assert (scores.sentiments >= 0).all()
    assert scores.emotions.shape == (len(TEXTS), 7)
    assert ((scores.emotions >= 0) & (scores.emotions <= 1)).all()


def test_a_text_gets_the_same_tone_alone_and_in_any_batch(tone: ToneModel) -> None:
    together = tone.score(TEXTS)
    alone = [tone.score([text]) for text in TEXTS]
    turned = tone.score(TEXTS[::-1])
    for what in ("sentiments", "emotions"):
        own = getattr(together, what)
        assert np.array_equal(own, np.concatenate([getattr(one, what) for one in alone]))
        assert np.array_equal(own, getattr(turned, what)[::-1])


def test_each_text_is_read_once_for_both(tone: ToneModel, monkeypatch: pytest.MonkeyPatch) -> None:
    passes = []
    run = windows.run
    monkeypatch.setattr(windows, "run", lambda texts, **how: passes.append(list(texts)) or run(texts, **how))
    tone.score(TEXTS)
    assert passes == [TEXTS]


def test_a_long_text_is_the_mean_of_its_windows(tone: ToneModel) -> None:
    bad = "This is terrible and I am furious about the broken promises. " * 60
    good = "This is wonderful and I am so happy and grateful. " * 60
    mixed = tone.score([bad + good])
    assert mixed.sentiments[0, 0] > 0.2
    assert mixed.sentiments[0, 2] > 0.2
    anger, joy = (mixed.emotions[0, EMOTIONS.index(name)] for name in ("anger", "joy"))
    apart = tone.score([bad, good]).emotions
    assert apart[1, EMOTIONS.index("anger")] < anger < apart[0, EMOTIONS.index("anger")]
    assert apart[0, EMOTIONS.index("joy")] < joy < apart[1, EMOTIONS.index("joy")]


def test_emotions_are_heard_from_their_threshold_on_and_a_weak_sentiment_is_unsure(tone: ToneModel) -> None:
    odds = np.zeros((3, 7))
    odds[0, [0, 4]] = tone.thresholds["anger"], min(1, tone.thresholds["sadness"] + 0.3)
    odds[1] = [tone.thresholds[name] - 1e-6 for name in EMOTIONS]
    odds[2] = 1
    heard = tone.heard(odds)
    assert sorted(heard[0]) == ["anger", "sadness"]
    assert heard[1:] == [(), EMOTIONS]
    least = tone.unsure_below
    assert tone.unsure(np.array([[least, 1 - least, 0], [1 / 3, 1 / 3, 1 / 3]])).tolist() == [False, least > 1 / 3]


def test_another_threshold_is_another_version_and_what_was_measured_is_none(tone: ToneModel, tmp_path: Path) -> None:
    folder = bundled.models() / "tone"
    facts = json.loads((folder / "metrics.json").read_text("utf-8"))
    (tmp_path / "model.safetensors").symlink_to(folder / "model.safetensors")

    def version(**changed: object) -> str:
        (tmp_path / "metrics.json").write_text(json.dumps(facts | changed), "utf-8")
        return load_tone(tmp_path).version

    assert version() == version(held_out={}) == tone.version == tone.sentiment_version == tone.emotion_version
    assert version(unsure_below=0.5) != tone.version
    assert version(thresholds=facts["thresholds"] | {"anger": 0.5}) != tone.version


def test_a_missing_model_is_one_clear_sentence(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"metrics\.json is missing"):
        load_tone(tmp_path)


def test_weights_trained_on_another_encoder_are_refused(tmp_path: Path) -> None:
    shutil.copytree(bundled.models() / "tone", tmp_path / "model")
    path = tmp_path / "model" / "metrics.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"encoder_sha256": "0" * 64}), "utf-8")
    with pytest.raises(Unavailable, match="another encoder"):
        load_tone(tmp_path / "model")


def test_weights_that_were_changed_are_refused(tmp_path: Path) -> None:
    shutil.copytree(bundled.models() / "tone", tmp_path / "model")
    with (tmp_path / "model" / "model.safetensors").open("ab") as file:
        file.write(b"!")
    with pytest.raises(Unavailable, match="not the one that belongs here"):
        load_tone(tmp_path / "model")
