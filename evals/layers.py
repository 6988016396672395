"""What 8 bits cost beside 32: embeddings, topics and tone of the same texts both ways (``python -m evals.run --only layers``).

In 32 bits the same weights are read by transformers and torch. Topics are found once, in the 8-bit embeddings of one half, and
the other half is given to them both ways.
"""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from safetensors.numpy import load_file

from commsapp.textmodels.encoder import Encoder, Tokenizer, encoder_folder, load_encoder, packaged_weights
from commsapp.textmodels.tone import load_tone
from commsapp.textmodels.topics import assign, discover
from evals.report import DATA, ROOT, SEED, Report

LEAST_COSINE = 0.99


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

    def mean(self, ids: npt.NDArray[np.int64], mask: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Mean over each row's tokens: (rows, dimensions)."""
        with self._torch.inference_mode():
            given = {"input_ids": self._torch.from_numpy(ids), "attention_mask": self._torch.from_numpy(mask)}
            hidden = self._network(**given).last_hidden_state.numpy()
        return np.einsum("rld,rl->rd", hidden, mask.astype(np.float32)) / mask.sum(1, keepdims=True)


def layers(report: Report) -> None:
    """Add the tables."""
    folder = encoder_folder()
    ours, wide = load_encoder(), Encoder(In32Bits(packaged_weights(folder), folder), Tokenizer(folder))  # type: ignore[arg-type]
    rows: list[list[object]] = []
    for name, texts in _texts().items():
        started = time.process_time()
        narrow = ours.encode(texts)
        took = time.process_time() - started
        started = time.process_time()
        full = wide.encode(texts)
        took_full = time.process_time() - started
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
        "Same weights, same texts. 'Times as fast' is processor time of the embeddings by torch in 32 bits over that of ours.",
    )


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


def _texts() -> dict[str, list[str]]:
    with gzip.open(DATA / "clinc150" / "data_full.json.gz", "rt", encoding="utf-8") as file:
        clinc = [text for text, _ in json.load(file)["train"]]
    tweets = pd.read_csv(DATA / "tweets_sentiment" / "val.csv.gz")["text"].astype(str)
    cfpb = pd.read_csv(DATA / "cfpb_loans_2023" / "cfpb_loans_2023.csv.gz", dtype=str, keep_default_na=False)
    return {
        "clinc150, 5,000": pd.Series(clinc).sample(5_000, random_state=SEED).tolist(),
        "tweets, 2,000": tweets.sample(2_000, random_state=SEED).tolist(),
        "CFPB narratives, 400": cfpb["Consumer complaint narrative"].sample(400, random_state=SEED).tolist(),
    }
