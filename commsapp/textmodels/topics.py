"""Topics: found once in a set of texts, named, and then given to any text by one and the same rule.

`discover` groups embeddings with BERTopic, its dimensionality reduction switched off and its clusterer replaced by
`LeidenClusters`: finest groups, put together along a tree until there are as many as people want. `assign` gives each text the
topic with the nearest prototype, or none. Every wave, the one that topics were found in too, is coded by `assign`, so that a
difference between waves is one between comments and not between methods.
"""

from __future__ import annotations

import hashlib
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from commsapp.errors import BadInput
from commsapp.textmodels.clusters import Floats, LeidenClusters, Numbers, Progress, Resolution, prototypes, similarities
from commsapp.textmodels.codebook import (
    GRANULARITIES,
    NO_TOPIC,
    CodebookDraft,
    Granularity,
    Leaf,
    TopicDraft,
    granularity_of,
    load_codebook,
    make_codebook,
    save_codebook,
)
from commsapp.textmodels.encoder import ENCODER_VERSION, Encoder
from commsapp.textmodels.phrases import candidates, choose, spell, spellings, unique_names
from commsapp.textmodels.stability import found_again

__all__ = [
    "GRANULARITIES",
    "NO_TOPIC",
    "Assignment",
    "CodebookDraft",
    "Granularity",
    "TopicDraft",
    "assign",
    "discover",
    "granularity_of",
    "load_codebook",
    "save_codebook",
]

SEED = 20261123
LARGEST_SAMPLE = 100_000
FEWEST_TEXTS = 5
PHRASES = 6
EXAMPLES = 5
RANKS = 3
_CANDIDATES = 60
_RARE = 0.05
_COMMON = 0.1
_ROWS = 4096

# Resolutions of modularity, chosen by eye and count: 896 Bowling Green statements give about 8 / 15 / 25 topics, larger sets
# more.
_RESOLUTION: dict[str, float] = {"coarse": 0.35, "medium": 1.0, "fine": 3.0}

# The share of new texts, about what these are about, that fit none of the topics: measured on texts held out of the prototypes.
# On 5,000 of clinc150 it leaves out 71 % (medium) or 73 % (fine) of utterances of no kind, and 3 to 4 % of new ones of some kind.
_LEFT_OUT = 0.03
_FOLDS, _FEW_FOLDS, _MANY = 5, 2, 5_000
"""Parts that texts are held out in; many texts need fewer."""

# Turns similarities into probabilities: a topic that is nearer by .05 is about 2.7 times as probable.
_TEMPERATURE = 0.05


@dataclass(frozen=True, eq=False)
class Assignment:
    """What `assign` gave n texts.

    ``topic`` (n,) is the topic's number or -1, ``probability`` (n,) that of the nearest topic, given or not; ``ranks`` (n, 3)
    and ``rank_probabilities`` (n, 3) are the nearest topics, -1 and 0 where there are fewer. ``similarity`` (n,) is the cosine
    to the nearest prototype, which decides whether a text fits any topic.
    """

    topic: Numbers
    probability: npt.NDArray[np.float64]
    ranks: Numbers
    rank_probabilities: npt.NDArray[np.float64]
    similarity: Floats


def discover(
    texts: Sequence[str],
    embeddings: Floats,
    *,
    granularity: Granularity | int = "medium",
    seed: int = SEED,
    encoder: Encoder | None = None,
    named_by: Sequence[bool] | None = None,
    keep: CodebookDraft | None = None,
    stability: bool = True,
    progress: Progress | None = None,
) -> CodebookDraft:
    """Find topics in texts.

    The order of the texts and how often one is repeated make no difference to topics and names. Above 100,000 distinct texts
    a seeded sample is used. Fewer than 5 give no topic, nor do texts that fall into one group: topics tell texts apart.

    Parameters
    ----------
    texts : n cleaned texts. embeddings : (n, dimensions), rows of unit length. granularity : how many, in words or as a number
    from 2 on (fewer where the texts don't fall into as many).
    seed : of sampling and of Leiden.
    encoder : ranks phrases by what they mean too; without it by their frequency alone.
    named_by : n, whether a text's words may stand in names and phrases, which everybody reads; without it, all may.
    keep : topics that stay as they are, with their numbers and the threshold of their codebook: new ones are found among the
    texts that fit none of them, and numbered on from there. They count where a number of topics is asked for.
    stability : whether to say how firmly each topic stands, which costs some more clusterings.
    progress : called with (how much is done, how much there is).

    Raises
    ------
    BadInput : an unknown granularity, or not one embedding for each text.

    """
    granularity_of(str(granularity))
    if len(texts) != len(embeddings):
        raise BadInput(f"There are {len(texts)} texts but {len(embeddings)} embeddings.", "Give one embedding for each text.")
    given = np.asarray(embeddings, dtype=np.float32)
    rows = _distinct(texts, seed)
    free = rows if keep is None else rows[assign(keep, given[rows]).topic == NO_TOPIC]
    found = _found(
        texts,
        given,
        free,
        granularity=max(2, granularity - len(keep.topics)) if keep and isinstance(granularity, int) else granularity,
        seed=seed,
        encoder=encoder,
        named_by=named_by,
        again=stability,
        progress=progress,
    )
    draft = found if keep is None else _beside(keep, found, str(granularity))
    return _with_sizes(draft, given, rows)


def _found(
    texts: Sequence[str],
    embeddings: Floats,
    rows: Numbers,
    *,
    granularity: Granularity | int,
    seed: int,
    encoder: Encoder | None,
    named_by: Sequence[bool] | None,
    again: bool,
    progress: Progress | None,
) -> CodebookDraft:
    """Topics among some of the texts, without sizes."""
    none = make_codebook(encoder_version=ENCODER_VERSION, granularity=str(granularity), topics=(), threshold=1.0)
    if len(rows) < FEWEST_TEXTS:
        return none
    vectors = np.ascontiguousarray(embeddings[rows])
    first, second = _halves(progress, len(rows)) if again else (progress, None)
    clusters = _clusters(len(rows), granularity, seed, first)
    speak = [texts[row] if named_by is None or named_by[row] else "" for row in rows]
    phrases, leaf_phrases = _phrases(speak, vectors, clusters, encoder)
    if len(phrases) < 2:
        # One topic that everything falls into says nothing, however its name reads: there are too few texts to tell any apart.
        return none
    middles = prototypes(vectors, clusters.leaves_, seed=seed)
    firm = found_again(vectors, clusters, seed=seed, progress=second) if again else None
    names = unique_names(phrases)
    topics = []
    for number, own in enumerate(phrases):
        leaves = np.flatnonzero(clusters.group_ == number)
        topics.append(
            TopicDraft(
                number=number,
                name=names[number],
                phrases=own,
                centroid=clusters.centroids_[number],
                size=0,
                examples=(),
                prototypes=np.concatenate([middles[leaf] for leaf in leaves]),
                parts=tuple(int(leaf) for leaf in leaves for _ in middles[leaf]),
                stability=None if firm is None else float(firm[number]),
            )
        )
    sizes = np.bincount(clusters.leaves_)
    return make_codebook(
        encoder_version=ENCODER_VERSION,
        granularity=str(granularity),
        topics=topics,
        threshold=_threshold(vectors, clusters.leaves_, seed),
        leaves=tuple(Leaf(own, int(size)) for own, size in zip(leaf_phrases, sizes, strict=True)),
        tree=clusters.tree_,
    )


def _halves(progress: Progress | None, n: int) -> tuple[Progress | None, Progress | None]:
    """Progress of two parts that take about as long, told as one."""
    if progress is None:
        return None, None
    return lambda done, total: progress(n * done // total, 2 * n), lambda done, total: progress(n + n * done // total, 2 * n)


def _beside(keep: CodebookDraft, found: CodebookDraft, granularity: str) -> CodebookDraft:
    """Kept topics as they are, then those found, numbered on and with other names than the kept ones."""
    first = max((topic.number for topic in keep.topics), default=-1) + 1
    taken = {topic.name for topic in keep.topics}
    new = []
    for topic in found.topics:
        name = topic.name if topic.name not in taken else f"{topic.name} ({first + topic.number + 1})"
        new.append(replace(topic, number=first + topic.number, name=name, parts=()))
    return make_codebook(
        encoder_version=keep.encoder_version,
        granularity=granularity,
        topics=(*keep.topics, *new),
        threshold=keep.threshold if keep.topics else found.threshold,
    )


def _distinct(texts: Sequence[str], seed: int) -> Numbers:
    """Rows of distinct texts in an order that depends on nothing but the texts; a seeded sample of them when there are many."""
    first: dict[str, int] = {}
    for row, text in enumerate(texts):
        first.setdefault(text, row)
    ordered = sorted(first, key=lambda text: hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())
    rows = np.array([first[text] for text in ordered], dtype=np.int64)
    if len(rows) > LARGEST_SAMPLE:
        rows = rows[np.sort(np.random.default_rng(seed).choice(len(rows), LARGEST_SAMPLE, replace=False))]
    return rows


def _clusters(n: int, granularity: Granularity | int, seed: int, progress: Progress | None = None) -> LeidenClusters:
    # More neighbours smooth the graph, which small sets can't afford: there everything would be everybody's neighbour.
    neighbours = 10 if n < 100 else 15 if n < 2_000 else 25
    return LeidenClusters(
        groups=granularity if isinstance(granularity, int) else Resolution(_RESOLUTION[granularity]),
        neighbours=neighbours,
        smallest=max(FEWEST_TEXTS, round(n**0.5 / 8)),
        seed=seed,
        progress=progress,
    )


def _threshold(vectors: Floats, labels: Numbers, seed: int) -> float:
    """The similarity to the nearest prototype that all but `_LEFT_OUT` of texts have which no prototype was made of."""
    folds = _FOLDS if len(vectors) < _MANY else _FEW_FOLDS
    fold = np.arange(len(vectors)) % folds  # the rows are in an order that has nothing to do with what they say
    similarity = np.empty(len(vectors), dtype=np.float32)
    for number in range(folds):
        out = fold == number
        similarity[out] = similarities(vectors[out], np.concatenate(prototypes(vectors[~out], labels[~out], seed=seed))).max(1)
    return float(np.quantile(similarity, _LEFT_OUT, method="lower"))


def _phrases(
    texts: list[str], vectors: Floats, clusters: LeidenClusters, encoder: Encoder | None
) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """Fit the clusterer inside BERTopic and take the best phrases of each topic, and of each of the finest groups, in their
    order.

    A text that may name nothing is empty; it counts for where a topic lies all the same.
    """
    speaking = sum(map(bool, texts))
    found = candidates(texts, least=1 if speaking < 50 else 2 if speaking < 500 else 3)
    if len({phrase for phrases in found for phrase in phrases}) < 2:
        # Weighing needs something to weigh against: scikit-learn and scipy fail on no phrase, and on a single one.
        clusters.fit(vectors)
        return _own(found, clusters.labels_), _own(found, clusters.leaves_)
    weights = _weigh(found, vectors, clusters)
    if encoder is not None:
        weights = _by_meaning(weights, clusters.centroids_, encoder)
    finest = _weigh(found, vectors, _Grouped(clusters.leaves_)) if len(weights) < clusters.tree_.leaves else []
    chosen = [[choose(own.items(), count=PHRASES) for own in level] for level in (weights, finest)]
    forms = spellings(texts, (phrase for level in chosen for own in level for phrase in own))
    topics, leaves = ([tuple(spell(phrase, forms) for phrase in own) for own in level] for level in chosen)
    alone = np.bincount(clusters.group_) == 1
    # A topic of one leaf is that leaf, and its phrases were weighed by their meaning as well.
    return topics, [topics[group] if alone[group] else leaves[leaf] for leaf, group in enumerate(clusters.group_)]


def _own(found: list[list[str]], labels: Numbers) -> list[tuple[str, ...]]:
    return [tuple({phrase for row in np.flatnonzero(labels == k) for phrase in found[row]}) for k in range(int(labels.max()) + 1)]


class _Grouped:
    """A clusterer for BERTopic that knows the groups already."""

    def __init__(self, labels: Numbers) -> None:
        self.labels_ = labels

    def fit(self, embeddings: Floats, y: object = None) -> _Grouped:
        return self

    def predict(self, embeddings: Floats) -> Numbers:
        return self.labels_


def load_libraries() -> None:
    """Import what `discover` needs, some seconds of work, so that it can be done while something else goes on."""
    with _umap_out_of_reach():
        import bertopic  # noqa: F401
    import graspologic_native  # noqa: F401
    import sklearn.feature_extraction.text  # noqa: F401


def _weigh(found: list[list[str]], vectors: Floats, clusters: LeidenClusters | _Grouped) -> list[dict[str, float]]:
    """BERTopic's c-TF-IDF of the best candidates of each group."""
    with _umap_out_of_reach():
        from bertopic import BERTopic
        from bertopic.dimensionality import BaseDimensionalityReduction
        from bertopic.vectorizers import ClassTfidfTransformer
    from sklearn.feature_extraction.text import CountVectorizer

    model = BERTopic(
        language="multilingual",  # 'english' would strip our separators
        embedding_model=None,
        umap_model=BaseDimensionalityReduction(),
        hdbscan_model=clusters,
        # Phrases are joined with '_' and texts with spaces, so no phrase runs from one text into the next.
        vectorizer_model=CountVectorizer(analyzer=str.split),
        ctfidf_model=ClassTfidfTransformer(reduce_frequent_words=True),
        top_n_words=_CANDIDATES,
    )
    model.fit([" ".join(phrase.replace(" ", "_") for phrase in phrases) for phrases in found], vectors)
    numbers = np.asarray(model.topics_)
    everywhere = Counter(phrase for phrases in found for phrase in set(phrases))
    weights: list[dict[str, float]] = []
    for label in range(int(clusters.labels_.max()) + 1):
        # BERTopic numbers topics anew by size, where ties may fall otherwise than ours.
        rows = np.flatnonzero(clusters.labels_ == label)
        best = {word.replace("_", " "): float(weight) for word, weight in model.get_topic(int(numbers[rows[0]])) if weight > 0}
        here = Counter(phrase for row in rows for phrase in set(found[row]) & best.keys())
        weights.append({p: w * _telling(here[p] / len(rows), everywhere[p] / len(found)) for p, w in best.items() if here[p]})
    return weights


def _telling(here: float, everywhere: float) -> float:
    """How well a phrase tells a topic from the rest, given the shares of texts with it in the topic and overall.

    c-TF-IDF counts words, so it lets through what one long text repeats, and in long texts what nearly every text has.
    """
    return here / (here + _RARE) * max(1 - everywhere / here, _COMMON)


@contextmanager
def _umap_out_of_reach() -> Iterator[None]:
    # BERTopic imports UMAP if it can, which costs 6 to 25 CPU-seconds of numba and is never used here.
    if "bertopic" in sys.modules or "umap" in sys.modules:
        yield
        return
    sys.modules["umap"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["umap"]


def _by_meaning(weights: list[dict[str, float]], middle: Floats, encoder: Encoder) -> list[dict[str, float]]:
    """Weigh phrases by their nearness to the topic's centroid as well, longer ones a little more: they say more."""
    words = sorted({phrase for own in weights for phrase in own})
    place = {phrase: row for row, phrase in enumerate(words)}
    vectors = encoder.encode(words)
    out = []
    for own, centroid in zip(weights, middle, strict=True):
        top = max(own.values(), default=1.0)
        near = {phrase: float(vectors[place[phrase]] @ centroid) for phrase in own}
        out.append({p: (w / top) ** 0.5 * max(near[p], 0.0) * (1 + 0.1 * p.count(" ")) for p, w in own.items()})
    return out


def _with_sizes(draft: CodebookDraft, embeddings: Floats, rows: Numbers) -> CodebookDraft:
    """Fill in how many comments each topic gets and which are typical, both by `assign`."""
    given = assign(draft, embeddings).topic
    topics = []
    for topic in draft.topics:
        similar = similarities(embeddings[rows], topic.centroid[np.newaxis])[:, 0]
        best = [int(rows[k]) for k in np.argsort(-similar, kind="stable")[: 4 * EXAMPLES] if given[rows[k]] == topic.number]
        size = int((given == topic.number).sum())
        topics.append(replace(topic, size=size, examples=tuple(best[:EXAMPLES])))
    return replace(draft, topics=tuple(topics))


def assign(codebook: CodebookDraft, embeddings: Floats) -> Assignment:
    """Give each text the topic with the nearest prototype, or -1 when even that is too far.

    A text's topic depends on the codebook and its own embedding alone.

    Parameters
    ----------
    codebook : found by `discover`, or loaded. embeddings : (n, dimensions), rows of unit length, by the codebook's encoder.

    """
    n, topics = len(embeddings), codebook.topics
    ranks = np.full((n, RANKS), NO_TOPIC, dtype=np.int64)
    chances = np.zeros((n, RANKS))
    topic = np.full(n, NO_TOPIC, dtype=np.int64)
    highest = np.zeros(n, dtype=np.float32)
    if not topics or not n:
        return Assignment(topic, chances[:, 0].copy(), ranks, chances, highest)
    numbers = np.array([one.number for one in topics], dtype=np.int64)
    middle = np.concatenate([one.middles for one in topics])
    first = np.cumsum([0, *(len(one.middles) for one in topics[:-1])])
    vectors = np.ascontiguousarray(embeddings, dtype=np.float32)
    for start in range(0, n, _ROWS):
        block = slice(start, start + _ROWS)
        similar = np.maximum.reduceat(similarities(vectors[block], middle), first, axis=1)
        order = np.argsort(-similar, axis=1, kind="stable")[:, :RANKS]
        odds = _softmax(similar.astype(np.float64) / _TEMPERATURE)
        ranks[block, : order.shape[1]] = numbers[order]
        chances[block, : order.shape[1]] = np.take_along_axis(odds, order, axis=1)
        highest[block] = similar.max(1)
        fits = highest[block] >= codebook.threshold
        topic[block] = np.where(fits, numbers[order[:, 0]], NO_TOPIC)
    return Assignment(topic, chances[:, 0].copy(), ranks, chances, highest)


def _softmax(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    powers: Any = np.exp(values - values.max(1, keepdims=True))
    return np.asarray(powers / powers.sum(1, keepdims=True), dtype=np.float64)
