"""What 8 bits cost beside 32 (``python -m evals.run --only layers``): embeddings, topics, tone and names of texts both ways.

In 32 bits the same weights are read by transformers and torch. Topics are found once, in the 8-bit embeddings of one half, and
the other half is given to them both ways.
"""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from safetensors.numpy import load_file

from commsapp import bundled
from commsapp.listening.redaction import deciding
from commsapp.textmodels import names
from commsapp.textmodels.encoder import Encoder, Tokenizer, encoder_folder, load_encoder, packaged_weights
from commsapp.textmodels.tone import load_tone
from commsapp.textmodels.topics import assign, discover
from evals.redaction.made_up import read
from evals.report import DATA, ROOT, SEED, Report

LEAST_COSINE = 0.99
LEAST_MARKED_ALIKE = 0.99


class In32Bits:
    """Stands where `commsapp.textmodels.layers.Layers` stands."""

    def __init__(self, weights: dict[str, Any], folder: Path) -> None:
        import torch
        from transformers import BertConfig, BertModel

        self._torch = torch
        self._network = BertModel(BertConfig.from_pretrained(folder, local_files_only=True), add_pooling_layer=False)
        own = {name: torch.from_numpy(np.asarray(value, dtype=np.float32)) for name, value in weights.items()}
        self._network.load_state_dict({name: own[name] for name in self._network.state_dict()})
        self._network.eval()

    def hidden(self, ids: npt.NDArray[np.int64], mask: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Hidden states: (rows, length, dimensions)."""
        with self._torch.inference_mode():
            given = {"input_ids": self._torch.from_numpy(ids), "attention_mask": self._torch.from_numpy(mask)}
            return np.asarray(self._network(**given).last_hidden_state.numpy())

    def mean(self, ids: npt.NDArray[np.int64], mask: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Mean over each row's tokens: (rows, dimensions)."""
        return np.einsum("rld,rl->rd", self.hidden(ids, mask), mask.astype(np.float32)) / mask.sum(1, keepdims=True)


def layers(report: Report) -> None:
    """Add the tables."""
    with _one_thread():
        _encoder_and_tone(report)
        _names(report)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Torch with one thread for each batch, as ours has: batches are spread over the processors already, and threads of torch
    that wait for each other there would count as its processor time.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _encoder_and_tone(report: Report) -> None:
    folder = encoder_folder()
    ours, wide = load_encoder(), Encoder(In32Bits(packaged_weights(folder), folder), Tokenizer(folder))  # type: ignore[arg-type]
    rows: list[list[object]] = []
    for name, texts in _texts().items():
        (narrow, took), (full, took_full) = _timed(ours, texts), _timed(wide, texts)
        cosines = (narrow * full).sum(1)
        report.expect(float(cosines.mean()) >= LEAST_COSINE, f"{name}: 8 bits agree with 32 at {cosines.mean():.4f} only")
        half = np.random.default_rng(SEED).permutation(len(texts)) < len(texts) // 2
        codebook = discover([text for text, own in zip(texts, half, strict=True) if own], narrow[half], stability=False)
        same = float((assign(codebook, narrow[~half]).topic == assign(codebook, full[~half]).topic).mean())
        lowest, cost = f"{np.quantile(cosines, 0.01):.3f}", f"{took_full / took:.1f}"
        rows.append([name, f"{cosines.mean():.4f}", lowest, f"{same:.1%}", f"{_tone(texts):.1%}", cost])
    report.table(
        "8 bits beside 32",
        ["Texts", "Cosine, mean", "Cosine, lowest 1 %", "Same topic", "Same sentiment", "Times as fast"],
        rows,
        "Same weights, same texts. 'Times as fast' is processor time of the embeddings by torch in 32 bits over that of ours, "
        "each with one thread for each processor.",
    )


def _timed(encoder: Encoder, texts: list[str]) -> tuple[npt.NDArray[np.float32], float]:
    """Embeddings and the seconds of processor time that they took, of all threads, without what the first batch sets up."""
    encoder.encode(texts[:1])
    started = time.process_time()
    return encoder.encode(texts), time.process_time() - started


def _tone(texts: list[str]) -> float:
    """Share of texts with the same sentiment both ways."""
    ours, wide = load_tone(), load_tone()
    folder = encoder_folder()
    body = {
        name.removeprefix("encoder."): value
        for name, value in load_file(ROOT / "models" / "tone" / "model.safetensors").items()
        if name.startswith("encoder.")
    }
    wide._sentiment.reader._layers = In32Bits(packaged_weights(folder, body), folder)  # type: ignore[attr-defined]
    return float((ours.score(texts).sentiments.argmax(1) == wide.score(texts).sentiments.argmax(1)).mean())


def _names(report: Report) -> None:
    """Words that are taken out as parts of names and streets, by what the model of names says both ways."""
    folder = bundled.models() / "names"
    ours, wide = names.load_names(), names.load_names()
    wide._layers = In32Bits(names._weights(folder / "model.onnx"), folder)  # type: ignore[assignment]
    made_up = [one for name in ("heldout", "tuning") for part in read(name) for one in part]
    rows: list[list[object]] = []
    for name, texts, english in (
        ("sentences of evals/redaction", [one.text for one in made_up], [one.language == "en" for one in made_up]),
        ("tweets, 1,000", _tweets(1_000), [True] * 1_000),
    ):
        narrow, full = (np.array(_marks(model, texts, english), dtype=object) for model in (ours, wide))
        same, marked = narrow == full, (narrow != "") | (full != "")
        report.expect(float(same.mean()) >= LEAST_MARKED_ALIKE, f"{name}: 8 bits mark {same.mean():.2%} of words as 32 do only")
        shares = f"{same.mean():.2%}", f"{same[marked].mean():.1%}"
        rows.append([name, f"{len(same):,}", *(f"{(marks != '').sum():,}" for marks in (full, narrow)), *shares])
    report.table(
        "8 bits beside 32: names",
        ["Texts", "Words", "Marked in 32 bits", "Marked in 8", "Marked the same", "The same of those marked either way"],
        rows,
        "A word is marked as part of a name, of a street, or not at all, at the thresholds of "
        "commsapp/listening/redaction/deciding.py; patterns and cues are left out, as they are the same both ways.",
    )


def _marks(model: names.NameModel, texts: list[str], english: list[bool]) -> list[str]:
    """The kind that each word of all texts is marked as, '' for none."""
    marks: list[str] = []
    for text, words, own in zip(texts, model.words(texts), english, strict=True):
        found = deciding.spans(text, words, english=own)
        marks += [next((one.kind for one in found if one.start < word.end and word.start < one.end), "") for word in words]
    return marks


def _tweets(count: int) -> list[str]:
    texts = pd.read_csv(DATA / "tweets_sentiment" / "val.csv.gz")["text"].astype(str)
    return list(texts.sample(count, random_state=SEED))


def _texts() -> dict[str, list[str]]:
    with gzip.open(DATA / "clinc150" / "data_full.json.gz", "rt", encoding="utf-8") as file:
        clinc = [text for text, _ in json.load(file)["train"]]
    cfpb = pd.read_csv(DATA / "cfpb_loans_2023" / "cfpb_loans_2023.csv.gz", dtype=str, keep_default_na=False)
    return {
        "clinc150, 5,000": pd.Series(clinc).sample(5_000, random_state=SEED).tolist(),
        "tweets, 2,000": _tweets(2_000),
        "CFPB narratives, 400": cfpb["Consumer complaint narrative"].sample(400, random_state=SEED).tolist(),
    }
