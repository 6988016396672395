"""How good topics are, and how well they hold: ``python -m evals.topics``, a part of ``make evals``.

clinc150 (22,500 utterances in scope, 150 intents; 1,000 beyond any scope). Gold labels choose nothing: what coarse, medium and
fine mean was fixed on other data. Peers run in the same process on the same embeddings: BERTopic with its defaults, and k-means,
which is told the number. Reads ../shared/data; takes some ten minutes on two cores.
"""

from __future__ import annotations

import gzip
import json
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score, roc_auc_score

from commsapp.textmodels.codebook import GRANULARITIES, CodebookDraft
from commsapp.textmodels.encoder import load_encoder
from commsapp.textmodels.stability import in_words
from commsapp.textmodels.topics import NO_TOPIC, assign, discover
from evals.report import DATA, SEED, Report

Rows = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]
MOST_LEFT_OUT = 0.05
LEAST = {"NMI": 0.88, "ARI": 0.60, "AUROC": 0.96, "noise": 0.95, "kept": 0.95}
"""What is promised of 'fine'."""

NOISE = 1e-6
MORE = 0.2


@dataclass(frozen=True, eq=False)
class Utterances:
    """Texts, their embeddings and their intents."""

    texts: list[str]
    vectors: Rows
    gold: npt.NDArray[Any]

    def some(self, rows: Labels) -> Utterances:
        """Some of them, in that order."""
        return Utterances([self.texts[row] for row in rows], self.vectors[rows], self.gold[rows])


def clinc() -> dict[str, Utterances]:
    """The parts of clinc150, and 'all' that are in scope."""
    with gzip.open(DATA / "clinc150" / "data_full.json.gz", "rt", encoding="utf-8") as file:
        data = json.load(file)
    encoder = load_encoder()
    parts = {}
    for name in ("train", "val", "test", "oos_test"):
        texts = [text for text, _ in data[name]]
        parts[name] = Utterances(texts, encoder.encode(texts), np.array([intent for _, intent in data[name]]))
    return parts | {"all": joined(parts["train"], parts["val"], parts["test"])}


def joined(*parts: Utterances) -> Utterances:
    """Utterances one after the other."""
    return Utterances(
        [text for part in parts for text in part.texts],
        np.concatenate([part.vectors for part in parts]),
        np.concatenate([part.gold for part in parts]),
    )


def topics(report: Report) -> None:
    """Add the tables of topics."""
    parts = clinc()
    against_gold(report, parts["all"])
    beyond(report, parts)
    holds(report, parts)
    two_waves(report, parts["all"])


def against_gold(report: Report, heard: Utterances) -> None:
    """Agreement with the gold intents, beside peers."""
    encoder = load_encoder()
    rows: list[list[object]] = []
    for grain in GRANULARITIES:
        started = time.process_time()
        book = discover(heard.texts, heard.vectors, granularity=grain, encoder=encoder)
        label = assign(book, heard.vectors).topic
        words = [in_words(topic.stability) for topic in book.topics]
        firm = " / ".join(str(words.count(word)) for word in ("firm", "fair", "shaky"))
        row = _against(f"commsapp, {grain}", label, heard.gold)
        rows.append([*row, firm, f"{time.process_time() - started:.0f} s"])
        if grain == "fine":
            report.expect(float(str(row[3])) >= LEAST["ARI"], f"ARI of fine topics is {row[3]}, less than {LEAST['ARI']}")
            report.expect(float(str(row[4])) >= LEAST["NMI"], f"NMI of fine topics is {row[4]}, less than {LEAST['NMI']}")
        left = float((label == NO_TOPIC).mean())
        report.expect(left <= MOST_LEFT_OUT, f"clinc150 {grain}: {left:.1%} without topic")
    for name, peer in (("k-means, told that there are 150", _k_means), ("BERTopic's defaults", _bertopic)):
        started = time.process_time()
        rows.append([*_against(name, peer(heard), heard.gold), "", f"{time.process_time() - started:.0f} s"])
    report.table(
        f"Topics: {len(heard.texts):,} utterances of clinc150, 150 intents (number not told)",
        ["Method", "Topics", "Without topic", "ARI", "NMI", "Firm / fair / shaky", "Processor"],
        rows,
        "ARI and NMI count 'no topic' as a topic of its own. A codebook of fewer topics than intents is meant: people read it. "
        "Embeddings are the same for all and are not in the processor time; the names and the stability of topics are.",
    )


def _against(name: str, label: Labels, gold: npt.NDArray[Any]) -> list[object]:
    found = len(set(label[label >= 0].tolist()))
    ari, nmi = adjusted_rand_score(gold, label), normalized_mutual_info_score(gold, label)
    return [name, found, f"{(label == NO_TOPIC).mean():.1%}", f"{ari:.3f}", f"{nmi:.3f}"]


def _k_means(heard: Utterances) -> Labels:
    from sklearn.cluster import KMeans

    return np.asarray(KMeans(150, n_init=3, random_state=SEED).fit_predict(heard.vectors), dtype=np.int64)


def _bertopic(heard: Utterances) -> Labels:
    from bertopic import BERTopic

    found, _ = BERTopic(embedding_model=None).fit_transform(heard.texts, heard.vectors)
    return np.array(found, dtype=np.int64)


def beyond(report: Report, parts: dict[str, Utterances]) -> None:
    """What fits no topic, by codebooks that were found in the training split alone."""
    rows: list[list[object]] = []
    for grain in GRANULARITIES:
        book = discover(parts["train"].texts, parts["train"].vectors, granularity=grain, stability=False)
        inside, outside = (assign(book, parts[name].vectors) for name in ("test", "oos_test"))
        area = roc_auc_score(
            np.repeat([1, 0], [len(inside.topic), len(outside.topic)]), np.concatenate([inside.similarity, outside.similarity])
        )
        none = [f"{(given.topic == NO_TOPIC).mean():.1%}" for given in (inside, outside)]
        rows.append([grain, len(book.topics), *none, f"{area:.3f}"])
        report.expect(area >= LEAST["AUROC"], f"AUROC of {grain} is {area:.3f}, less than {LEAST['AUROC']}")
    report.table(
        "Topics: what fits none (found in 15,000 of clinc150, 4,500 new ones in scope, 1,000 beyond any)",
        ["Granularity", "Topics", "New ones without topic", "Beyond any scope without topic", "AUROC"],
        rows,
        "AUROC: how often a new utterance in scope lies nearer to the codebook than one beyond.",
    )


def holds(report: Report, parts: dict[str, Utterances]) -> None:
    """Whether topics are the same in another order, with noise, and when other comments are added."""
    rows: list[list[object]] = []
    train, more = parts["train"], parts["val"].some(np.arange(round(MORE * len(parts["train"].texts))))
    random = np.random.default_rng(SEED)
    order = random.permutation(len(train.texts))
    noisy = train.vectors + random.normal(0, NOISE, train.vectors.shape).astype(np.float32)
    noisy /= np.linalg.norm(noisy, axis=1, keepdims=True)
    both = joined(train, more)
    for grain in ("medium", "fine"):
        book = discover(train.texts, train.vectors, granularity=grain, stability=False)
        base = assign(book, train.vectors).topic
        shuffled = train.some(order)
        again = discover(shuffled.texts, shuffled.vectors, granularity=grain, stability=False)
        same = again.version == book.version and np.array_equal(assign(again, shuffled.vectors).topic, base[order])
        blurred = discover(train.texts, noisy, granularity=grain, stability=False)
        noise = adjusted_rand_score(base, assign(blurred, noisy).topic)
        anew = discover(both.texts, both.vectors, granularity=grain, stability=False)
        found_anew = _matched(base, assign(anew, train.vectors).topic)
        kept = discover(both.texts, both.vectors, granularity=grain, keep=book, stability=False)
        stays = float((assign(kept, train.vectors).topic == base).mean())
        rows.append([grain, "yes" if same else "NO", f"{noise:.3f}", f"{found_anew:.1%}", f"{stays:.1%}"])
        report.expect(same, f"{grain}: another order of the rows gives other topics")
        report.expect(noise >= LEAST["noise"], f"{grain}: noise of {NOISE} leaves ARI {noise:.3f}, less than {LEAST['noise']}")
        report.expect(stays >= LEAST["kept"], f"{grain}: {stays:.1%} keep their topic, less than {LEAST['kept']:.0%}")
    report.table(
        "Topics: whether they hold (15,000 of clinc150)",
        [
            *("Granularity", "Rows in another order: the same", f"Noise of {NOISE} in embeddings: ARI to itself"),
            *(f"{MORE:.0%} other comments, found anew: keep their topic", "found again beside the kept ones: keep their topic"),
        ],
        rows,
        "Topics that were found anew are matched one to one so that most keep theirs. 'No topic' counts as one.",
    )


def _matched(before: Labels, after: Labels) -> float:
    """Share of comments that keep their topic when topics are matched one to one."""
    from scipy.optimize import linear_sum_assignment

    table = np.zeros((int(before.max()) + 2, int(after.max()) + 2))
    np.add.at(table, (before + 1, after + 1), 1)
    rows, columns = linear_sum_assignment(-table)
    return float(table[rows, columns].sum() / len(before))


def two_waves(report: Report, heard: Utterances) -> None:
    """How many topics are said to have moved between two waves in which nothing moved."""
    from scipy.stats import norm

    random = np.random.default_rng(SEED)
    halves = np.array_split(random.permutation(len(heard.texts))[:10_000], 2)
    first, second = (heard.some(half) for half in halves)
    book = discover(first.texts, first.vectors, stability=False)
    own = discover(second.texts, second.vectors, stability=False)
    one, other = assign(book, first.vectors).topic, assign(book, second.vectors).topic
    rows = []
    for name, later in (("one codebook for both waves", other), ("topics found anew, matched", _as(book, own, second.vectors))):
        shares = np.array([[(wave == number).mean() for number in range(len(book.topics))] for wave in (one, later)])
        pooled = shares.mean(0)
        z = np.abs(shares[0] - shares[1]) / np.sqrt(np.maximum(pooled * (1 - pooled) * (1 / len(one) + 1 / len(later)), 1e-12))
        moved = float((2 * norm.sf(z) < 0.05).mean())
        rows.append([name, len(book.topics), f"{moved:.1%}", f"{100 * np.abs(shares[0] - shares[1]).mean():.2f}"])
    report.table(
        "Topics: two waves of 5,000 of clinc150 in which nothing moved",
        ["Waves are coded with", "Topics", "Said to have moved (p < .05)", "Mean difference, points"],
        rows,
        "By chance 5 % would be. Topics that are found anew at each wave move without anybody having said anything else; that is "
        "why codebooks are frozen.",
    )


def _as(book: CodebookDraft, own: CodebookDraft, vectors: Rows) -> Labels:
    """Topics of another codebook in the numbers of ours, matched one to one by the comments that both give them."""
    from scipy.optimize import linear_sum_assignment

    ours, theirs = assign(book, vectors).topic, assign(own, vectors).topic
    table = np.zeros((len(book.topics) + 1, len(own.topics) + 1))
    np.add.at(table, (ours + 1, theirs + 1), 1)
    number = dict(zip(*reversed(linear_sum_assignment(-table[1:, 1:])), strict=True))
    return np.array([number.get(topic, NO_TOPIC) for topic in theirs], dtype=np.int64)


if __name__ == "__main__":
    topics(Report())
