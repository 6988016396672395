"""Other classifiers in the place of ours: what is read, how labels are understood, and that nothing in a folder can run code."""

from __future__ import annotations

import json
import os
import pickle  # noqa: TID251 - to make a file of the kind that must not be read
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest

from commsapp.errors import BadInput, Unavailable
from commsapp.textmodels.classifier import EMOTION_OF
from commsapp.textmodels.encoder import encoder_folder
from commsapp.textmodels.tone import EMOTIONS, LABELS, ToneModel, load_tone

TEXTS = ["Nobody helps and it gets worse", "Brilliant event, thank you!", "", "word " * 700]


def classifier(folder: Path, labels: tuple[str, ...], seed: int = 1, **config: object) -> Path:
    """A small untrained classifier in a folder, as transformers writes it."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(seed)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    named = dict(enumerate(labels))
    made = BertConfig(vocab_size=30522, id2label=named, label2id={name: k for k, name in named.items()}, **sizes, **config)
    network = BertForSequenceClassification(made)
    torch.nn.init.normal_(network.classifier.weight)
    network.save_pretrained(folder)
    shutil.copy(encoder_folder() / "tokenizer.json", folder / "tokenizer.json")
    return folder


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return classifier(tmp_path_factory.mktemp("models") / "other", ("Negative", "Neutral", "Positive"))


def renamed(folder: Path, labels: tuple[str, ...]) -> None:
    config = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"id2label": dict(enumerate(labels))}), "utf-8")


def test_a_sentiment_classifier_from_a_folder_stands_in_and_the_emotions_stay_ours(other: Path, tone: ToneModel) -> None:
    model = load_tone(sentiment=str(other))
    scores, ours = model.score(TEXTS), tone.score(TEXTS)
    assert np.allclose(scores.sentiments.sum(1), 1)
    assert not np.allclose(scores.sentiments, ours.sentiments)
    assert np.array_equal(scores.emotions, ours.emotions)
    assert model.sentiment_version.startswith("other/")
    assert model.emotion_version == tone.emotion_version
    assert model.version == f"{model.sentiment_version} and {tone.version}"


def test_it_gives_what_transformers_gives_and_the_same_alone_and_in_any_batch(other: Path) -> None:
    import torch
    from transformers import BertForSequenceClassification

    model = load_tone(sentiment=str(other))
    scores = model.score(TEXTS).sentiments
    assert np.array_equal(scores, np.concatenate([model.score([text]).sentiments for text in TEXTS]))
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(other / "tokenizer.json"))
    tokenizer.no_padding()
    network = BertForSequenceClassification.from_pretrained(other, use_safetensors=True).eval()
    with torch.inference_mode():
        logits = network(input_ids=torch.tensor([tokenizer.encode(TEXTS[0]).ids])).logits
    assert scores[0] == pytest.approx(torch.softmax(logits, 1)[0].numpy(), abs=1e-5)


def test_the_version_is_that_of_the_weights(other: Path, tmp_path: Path) -> None:
    again = classifier(tmp_path / "other", LABELS, seed=1)
    changed = classifier(tmp_path / "changed" / "other", LABELS, seed=2)
    versions = [load_tone(sentiment=str(folder)).sentiment_version for folder in (other, again, changed)]
    assert versions[0] == versions[1] != versions[2]


def test_labels_without_names_are_read_as_a_mapping_of_ours_says(tmp_path: Path) -> None:
    folder = classifier(tmp_path / "numbered", ("LABEL_0", "LABEL_1", "LABEL_2"))
    with pytest.raises(BadInput, match=r"labels that are not known: LABEL_0, LABEL_1, LABEL_2.*labels\.json"):
        load_tone(sentiment=str(folder))
    plain = load_tone(sentiment=str(classifier(tmp_path / "named", LABELS))).score(TEXTS).sentiments
    mapping = {"LABEL_0": "positive", "LABEL_1": "neutral", "LABEL_2": "negative"}
    (folder / "labels.json").write_text(json.dumps(mapping), "utf-8")
    turned = load_tone(sentiment=str(folder))
    assert np.array_equal(turned.score(TEXTS).sentiments, plain[:, ::-1])
    (folder / "labels.json").write_text(json.dumps(dict(zip(mapping, LABELS, strict=True))), "utf-8")
    assert load_tone(sentiment=str(folder)).sentiment_version != turned.sentiment_version


def test_goemotions_labels_are_grouped_and_a_label_may_stand_for_nothing(tmp_path: Path, tone: ToneModel) -> None:
    fine = tuple(EMOTION_OF)
    assert len(fine) == 28
    folder = classifier(tmp_path / "fine", fine, problem_type="multi_label_classification")
    model = load_tone(emotion=str(folder))
    felt = model.score(TEXTS).emotions
    assert felt.shape == (len(TEXTS), 7)
    assert not np.allclose(felt.sum(1), 1)
    assert np.array_equal(model.score(TEXTS).sentiments, tone.score(TEXTS).sentiments)
    single = classifier(tmp_path / "single", (*EMOTIONS, "none of these"))
    with pytest.raises(BadInput, match="none of these"):
        load_tone(emotion=str(single))
    (single / "labels.json").write_text('{"none of these": null}', "utf-8")
    assert (load_tone(emotion=str(single)).score(TEXTS).emotions.sum(1) < 1).all()


def test_a_classifier_that_never_says_one_of_ours_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="never says neutral; its labels are negative, positive"):
        load_tone(sentiment=str(classifier(tmp_path / "two", ("negative", "positive"))))


class RunsCode:
    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.trace),)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "model.pkl"])
def test_a_folder_whose_weights_could_run_code_is_refused_and_nothing_runs(other: Path, tmp_path: Path, name: str) -> None:
    folder, trace = tmp_path / "bad", tmp_path / "it-ran"
    shutil.copytree(other, folder)
    (folder / "model.safetensors").unlink()
    (folder / name).write_bytes(pickle.dumps(RunsCode(trace)))
    with pytest.raises(BadInput, match=rf"only {name}, which could run code"):
        load_tone(sentiment=str(folder))
    assert not trace.exists()
    pickle.loads((folder / name).read_bytes())
    assert trace.exists()  # it would have


def test_code_that_a_folder_brings_is_not_run(other: Path, tmp_path: Path) -> None:
    folder, trace = tmp_path / "bad", tmp_path / "it-ran"
    shutil.copytree(other, folder)
    (folder / "own.py").write_text(f"import os\nos.mkdir({str(trace)!r})\nclass Own: pass\n", "utf-8")
    config = json.loads((folder / "config.json").read_text("utf-8"))
    auto = {"AutoConfig": "own.Own", "AutoModelForSequenceClassification": "own.Own"}
    (folder / "config.json").write_text(json.dumps(config | {"auto_map": auto, "model_type": "unheard-of"}), "utf-8")
    with pytest.raises(BadInput, match="can't be read"):
        load_tone(sentiment=str(folder))
    assert not trace.exists()


def test_what_is_no_model_is_one_sentence(other: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"COMMSAPP_SENTIMENT_MODEL is '/nowhere', which is no folder"):
        load_tone(sentiment="/nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="has no weights"):
        load_tone(sentiment=str(tmp_path / "empty"))
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        folder = tmp_path / f"broken-{name}"
        shutil.copytree(other, folder)
        (folder / name).write_bytes(b"{")
        with pytest.raises(BadInput, match="read"):
            load_tone(sentiment=str(folder))


def test_an_id_is_looked_for_in_the_cache_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: Path) -> None:
    import socket

    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_where: pytest.fail("somebody called out"))
    with pytest.raises(Unavailable, match=r"somebody/tone that COMMSAPP_EMOTION_MODEL names is not on this machine.*hf download"):
        load_tone(emotion="somebody/tone")
    cached = tmp_path / "models--somebody--tone"
    shutil.copytree(other, cached / "snapshots" / ("a" * 40))
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text("a" * 40)
    assert load_tone(sentiment="somebody/tone").sentiment_version.startswith("tone/")


def test_onnx_is_read_too(other: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    folder = tmp_path / "onnx"
    shutil.copytree(other, folder)
    (folder / "model.safetensors").unlink()
    (folder / "model.onnx").write_bytes(counting_onnx([0.0, 0.02, 0.04]))
    renamed(folder, LABELS)
    scores = load_tone(sentiment=str(folder)).score(["One", "One two three four five six seven eight nine"]).sentiments
    for row, length in zip(scores, (3, 11), strict=True):
        powers = np.exp(length * np.array([0.0, 0.02, 0.04]))
        assert row == pytest.approx(powers / powers.sum(), abs=1e-6)


def counting_onnx(weights: list[float]) -> bytes:
    """An ONNX model, written by hand: logits are the number of tokens shown, times a weight for each label."""

    def number(value: int) -> bytes:
        out = b""
        while True:
            value, low = value >> 7, value & 127
            if not value:
                return out + bytes([low])
            out += bytes([low | 128])

    def whole(field: int, value: int) -> bytes:
        return number(field << 3) + number(value)

    def part(field: int, content: bytes | str) -> bytes:
        content = content.encode() if isinstance(content, str) else content
        return number(field << 3 | 2) + number(len(content)) + content

    def node(kind: str, inputs: list[str], output: str, *attributes: bytes) -> bytes:
        names = b"".join(part(1, name) for name in inputs)
        return part(1, names + part(2, output) + part(4, kind) + b"".join(part(5, one) for one in attributes))

    def value(name: str, kind: int) -> bytes:
        shape = part(2, part(1, part(2, "rows")) + part(1, part(2, "columns")))
        return part(1, name) + part(2, part(1, whole(1, kind) + shape))

    tensor = whole(1, 1) + whole(1, len(weights)) + whole(2, 1) + part(8, "weights")
    tensor += part(9, struct.pack(f"<{len(weights)}f", *weights))
    axes = whole(1, 1) + whole(2, 7) + part(8, "axes") + part(9, struct.pack("<q", 1))
    graph = (
        node("Cast", ["attention_mask"], "shown", part(1, "to") + whole(3, 1) + whole(20, 2))
        + node("ReduceSum", ["shown", "axes"], "length")
        + node("MatMul", ["length", "weights"], "logits")
        + part(2, "counting")
        + part(5, tensor)
        + part(5, axes)
        + part(11, value("input_ids", 7))
        + part(11, value("attention_mask", 7))
        + part(12, value("logits", 1))
    )
    return whole(1, 8) + part(7, graph) + part(8, whole(2, 13))
