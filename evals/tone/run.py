"""How well sentiment and emotions are told on texts that no training saw, and how honest the probabilities are.

A part of `make evals`. Both data sets are read through ``commsapp code``, so names are taken out as they are for anybody. Files
beside this say where the data come from.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from commsapp.listening.coding import EMOTION_COLUMNS
from commsapp.textmodels.classifier import EMOTION_OF
from commsapp.textmodels.tone import EMOTIONS, LABELS

LEAST_MACRO_RECALL, LEAST_MACRO_F1 = 0.70, 0.55
SEED = 20261123
SIDE = {"joy": "positive", "neutral": "neutral"} | dict.fromkeys(("anger", "disgust", "fear", "sadness"), "negative")
"""Emotion → sentiment; surprise may be of either kind."""

Code = Callable[[pd.DataFrame, str, Path], pd.DataFrame]


def tone(report: Any, work: Path, data: Path, code: Code, *, rows: int | None = None) -> None:
    """Tables of sentiment on two kinds of texts, of emotions, and of what is unsure; ``rows`` of each set, all unless given."""
    tweets = _some(pd.read_csv(data / "tweets_sentiment" / "val.csv.gz"), rows)
    comments = _some(goemotions(data / "goemotions"), rows)
    coded = {"tweets": code(tweets, "text", work / "tweets"), "comments": code(comments[["text"]], "text", work / "goemotions")}
    gold = tweets["label"].astype(str)
    one_sided = comments["sentiment"] != ""
    sets = [
        ("tweets of the validation split", tweets, coded["tweets"], gold),
        (
            "one-sided comments of GoEmotions' test split",
            comments[one_sided].reset_index(drop=True),
            coded["comments"][one_sided].reset_index(drop=True),
            comments.loc[one_sided, "sentiment"].reset_index(drop=True),
        ),
    ]
    unsure = []
    for name, texts, found, truth in sets:
        ours = _sentiment(report, name, texts["text"], found, truth)
        if texts is tweets:
            report.expect(ours >= LEAST_MACRO_RECALL, f"macro-recall is {ours:.3f}, less than {LEAST_MACRO_RECALL}")
        unsure.append(_unsure(name, found, truth))
    report.table(
        "Sentiment: what is said to be unsure",
        ["Texts", "Unsure", "Accuracy of all", "Accuracy of the rest", "Accuracy of the unsure"],
        unsure,
        "Pages and tables mark a sentiment 'unsure' where its probability is below the one in models/tone/metrics.json.",
    )
    score = _emotions(report, comments, coded["comments"])
    report.expect(score >= LEAST_MACRO_F1, f"macro-F1 of emotions is {score:.3f}, less than {LEAST_MACRO_F1}")


def goemotions(folder: Path) -> pd.DataFrame:
    """GoEmotions' test split: text, a column for each emotion (0 or 1), and the sentiment where all emotions are of one side."""
    path = folder / "original_test.tsv.gz"
    frame = pd.read_csv(path, sep="\t", header=None, names=["text", "labels", "id"], quoting=3, dtype=str)
    fine = [line.strip() for line in (folder / "original_labels.txt").read_text("utf-8").splitlines() if line.strip()]
    heard = [{EMOTION_OF[fine[int(number)]] for number in numbers.split(",")} for numbers in frame["labels"]]
    sides = [{SIDE.get(name, "") for name in names} for names in heard]
    return pd.DataFrame(
        {
            "text": frame["text"],
            **{name: [int(name in names) for names in heard] for name in EMOTIONS},
            "sentiment": [next(iter(side)) if len(side) == 1 else "" for side in sides],
        }
    )


def macro_recall(gold: pd.Series, guess: pd.Series) -> float:
    """Mean over the three labels of the share found of each; a row that was not coded counts as wrong."""
    return float(np.mean([(guess[gold == label] == label).mean() for label in LABELS]))


def calibration_error(odds: npt.ArrayLike, right: npt.ArrayLike) -> float:
    """Expected calibration error, ten bins."""
    odds, right = np.asarray(odds, dtype=float), np.asarray(right, dtype=float)
    bins = np.minimum((odds * 10).astype(int), 9)
    return float(sum(abs(right[bins == b].mean() - odds[bins == b].mean()) * (bins == b).mean() for b in np.unique(bins)))


def _some(frame: pd.DataFrame, rows: int | None) -> pd.DataFrame:
    return frame if rows is None else frame.sample(min(rows, len(frame)), random_state=SEED).reset_index(drop=True)


def _sentiment(report: Any, name: str, texts: pd.Series, coded: pd.DataFrame, gold: pd.Series) -> float:
    from textblob import TextBlob
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    vader = SentimentIntensityAnalyzer()
    judges: dict[str, Callable[[str], str]] = {
        "VADER": lambda text: _by_sign(vader.polarity_scores(text)["compound"], 0.05),
        "TextBlob": lambda text: _by_sign(TextBlob(text).sentiment.polarity, 1e-9),
    }
    guesses = {"commsapp": coded["coded_sentiment"]}
    guesses |= {judge: pd.Series([says(text) for text in texts]) for judge, says in judges.items()}
    rows: list[list[object]] = []
    for judge, guess in guesses.items():
        recalls = [f"{(guess[gold == label] == label).mean():.3f}" for label in LABELS]
        rows.append([judge, f"{macro_recall(gold, guess):.3f}", *recalls, f"{(guess == gold).mean():.3f}"])
    read = coded["coded_skipped"] == ""
    odds = coded.loc[read, [f"coded_{label}" for label in LABELS]].astype(float).max(axis=1)
    error = calibration_error(odds, (coded["coded_sentiment"] == gold)[read])
    report.table(
        f"Sentiment: {len(texts):,} {name}",
        ["Method", "Macro-recall", *(f"Recall {label}" for label in LABELS), "Accuracy"],
        rows,
        f"Not coded: {(~read).sum()} (counted as wrong). Calibration error {error:.3f}. Neither set is survey comments.",
    )
    return macro_recall(gold, guesses["commsapp"])


def _by_sign(score: float, margin: float) -> str:
    return "positive" if score >= margin else "negative" if score <= -margin else "neutral"


def _unsure(name: str, coded: pd.DataFrame, gold: pd.Series) -> list[object]:
    read = coded["coded_skipped"] == ""
    unsure, right = (coded["coded_unsure"] == "yes")[read], (coded["coded_sentiment"] == gold)[read]
    of_unsure = f"{right[unsure].mean():.3f}" if unsure.any() else "none"
    return [name, f"{unsure.mean():.1%}", f"{right.mean():.3f}", f"{right[~unsure].mean():.3f}", of_unsure]


def _emotions(report: Any, comments: pd.DataFrame, coded: pd.DataFrame) -> float:
    """F1 of each emotion; what was not coded has none."""
    heard = [set(str(names).split("; ")) for names in coded["coded_emotions"]]
    read = coded["coded_skipped"] == ""
    rows: list[list[object]] = []
    scores, odds, truths = [], [], []
    for name in EMOTIONS:
        truth, guess = comments[name] == 1, pd.Series([name in names for names in heard])
        both = (truth & guess).sum()
        precision, recall = both / max(guess.sum(), 1), both / max(truth.sum(), 1)
        scores.append(2 * both / max(truth.sum() + guess.sum(), 1))
        probability = coded.loc[read, EMOTION_COLUMNS[name]].astype(float)
        odds.append(probability.to_numpy())
        truths.append(truth[read].to_numpy(dtype=float))
        error = calibration_error(odds[-1], truths[-1])
        numbers = [f"{value:.3f}" for value in (scores[-1], precision, recall, error)]
        rows.append([name, *numbers, f"{truth.mean():.1%}", f"{guess.mean():.1%}"])
    error = calibration_error(np.concatenate(odds), np.concatenate(truths))
    rows.append(["macro", f"{np.mean(scores):.3f}", "", "", f"{error:.3f}", "", ""])
    none = sum(not any(names) for names in heard) / max(len(heard), 1)
    report.table(
        f"Emotions: {len(comments):,} comments of GoEmotions' test split, Ekman's grouping",
        ["Emotion", "F1", "Precision", "Recall", "Calibration error", "Share by people", "Share heard"],
        rows,
        f"Thresholds were chosen on its dev split. In {none:.1%} none is heard. Not coded: {(~read).sum()}. Demszky et al. 2020 "
        "report a macro-F1 of .64 for BERT base in this grouping.",
    )
    return float(np.mean(scores))
