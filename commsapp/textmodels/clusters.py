"""Groups of similar texts: Leiden communities of the shared-nearest-neighbour graph, as in single-cell biology.

Method: Traag, Waltman, van Eck 2019 (doi:10.1038/s41598-019-41695-z) on the Jaccard-weighted graph of Levine et al. 2015
(PhenoGraph, doi:10.1016/j.cell.2015.05.047), at a fine resolution; larger groups are made of these, see `tree`. The number of
groups is not told, unless people want a number. Why not BERTopic's defaults: see the model card and docs/accuracy.md (they
shatter short texts and leave a tenth of them out).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from commsapp.textmodels.tree import Tree, ward, worth_telling_apart

Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int64]
Progress = Callable[[int, int], None]
FINEST = 6.0
"""Resolution of the finest groups."""
_TRIALS = 3
_ROWS = 128
_BLOCK = 256
MOST_PARTS = 4
FEWEST_IN_PART = 3
"""Texts in a part of a group on average: a middle of fewer would say nothing of new texts."""
_ROUNDS = 8


class Resolution(float):
    """A resolution of modularity, told apart from a number of groups."""


class LeidenClusters:
    """A clusterer as BERTopic and scikit-learn expect it: ``fit`` sets ``labels_``, ``predict`` gives the nearest centroid.

    The finest groups are found first and put together to larger ones, so that groups at one granularity lie within those at the
    next.

    Parameters
    ----------
    groups : how many groups; or, as a fraction in `Resolution`, as many as are worth telling apart at that resolution of
    modularity.
    neighbours : edges of each text in the graph. smallest : finest groups with fewer texts are merged into the nearest one.
    seed : of Leiden's random order. progress : called with (rows compared, rows in all) while neighbours are looked for, which is
    most of the work on large sets.

    Attributes
    ----------
    labels_ : (n,) group of each row, 0 the largest. centroids_ : (groups, dimensions), unit length. leaves_ : (n,) finest group
    of each row. tree_ : over the finest groups. group_ : (finest groups,) group of each. graph_ : (n, n), what links the rows.

    """

    labels_: Numbers
    centroids_: Floats
    leaves_: Numbers
    tree_: Tree
    group_: Numbers
    graph_: Any

    def __init__(
        self, *, groups: int | Resolution, neighbours: int, smallest: int, seed: int, progress: Progress | None = None
    ) -> None:
        self.groups = groups
        self.neighbours = neighbours
        self.smallest = smallest
        self.seed = seed
        self.progress = progress

    def fit(self, embeddings: Floats, y: object = None) -> LeidenClusters:
        """Group rows of unit length; the same rows in the same order always give the same groups."""
        vectors = np.ascontiguousarray(embeddings, dtype=np.float32)
        self.graph_ = shared_neighbours(vectors, max(0, min(self.neighbours, len(vectors) - 1)), self.progress)
        leaves = communities(vectors, self.graph_, smallest=self.smallest, seed=self.seed, trials=_TRIALS)
        self.leaves_ = largest_first(leaves)
        self.tree_ = tree_of(vectors, self.leaves_)
        wanted = self.groups if isinstance(self.groups, int) else self._worth_telling_apart(self.groups)
        cut = self.tree_.cut(wanted)
        self.labels_ = largest_first(cut[self.leaves_])
        self.group_ = np.zeros(self.tree_.leaves, dtype=np.int64)
        self.group_[self.leaves_] = self.labels_
        self.centroids_ = centroids(vectors, self.labels_)
        return self

    def predict(self, embeddings: Floats) -> Numbers:
        """Group with the nearest centroid for each row."""
        return nearest(np.ascontiguousarray(embeddings, dtype=np.float32), self.centroids_)[0]

    def _worth_telling_apart(self, resolution: float) -> int:
        from scipy import sparse

        n = len(self.leaves_)
        within = sparse.csr_matrix((np.ones(n), (np.arange(n), self.leaves_)), shape=(n, self.tree_.leaves))
        return worth_telling_apart((within.T @ self.graph_ @ within).toarray(), resolution)


def tree_of(vectors: Floats, leaves: Numbers) -> Tree:
    """The tree over groups of rows."""
    return ward(_sums(vectors, leaves), np.bincount(leaves))


def communities(vectors: Floats, graph: Any, *, smallest: int, seed: int, trials: int) -> Numbers:
    """The finest groups of rows that hang together in a graph over them: (n,), numbered from 0 in no order."""
    n = len(vectors)
    if n < 2 * smallest:
        return np.zeros(n, dtype=np.int64)
    import graspologic_native

    _, found = graspologic_native.leiden_csr(
        graph.indptr.astype(np.int64),
        graph.indices.astype(np.int32),
        graph.data.astype(np.float64),
        n,
        resolution=FINEST,
        iterations=10,
        seed=seed,
        trials=trials,
    )
    labels = merge_small(vectors, np.array([found[k] for k in range(n)], dtype=np.int64), smallest)
    # Texts are coded by what lies nearest later on, so groups are made to fit that rule: else their names would be drawn
    # from texts that end up elsewhere.
    for _ in range(2):
        labels = nearest(vectors, centroids(vectors, labels))[0]
        labels = merge_small(vectors, labels, smallest)
    return labels


def shared_neighbours(vectors: Floats, neighbours: int, progress: Progress | None = None) -> Any:
    """Symmetric CSR graph (n, n): texts joined where one is among the other's nearest, weighted by the neighbours they share."""
    from scipy import sparse

    n = len(vectors)
    near = _nearest_rows(vectors, neighbours, progress)
    rows = np.repeat(np.arange(n), near.shape[1])
    one = sparse.csr_matrix((np.ones(near.size, dtype=np.float32), (rows, near.ravel())), shape=(n, n))
    joined = one.maximum(one.T).tocsr()
    size = np.asarray(one.sum(1)).ravel()
    parts = []
    for start in range(0, n, _ROWS):  # the whole product would hold some thousand entries a row
        block = slice(start, start + _ROWS)
        shared = (one[block] @ one.T).multiply(joined[block]).tocoo()
        union = size[block][shared.row] + size[shared.col] - shared.data
        parts.append(sparse.coo_matrix((shared.data / union, (shared.row, shared.col)), shape=(len(size[block]), n)))
    graph = sparse.vstack(parts).tocsr()
    graph.setdiag(0)
    graph.eliminate_zeros()
    graph.sort_indices()
    return graph


def _nearest_rows(vectors: Floats, neighbours: int, progress: Progress | None) -> Numbers:
    """Positions (n, neighbours + 1) of the nearest rows, the row itself among them."""
    found = np.empty((len(vectors), neighbours + 1), dtype=np.int64)
    for start in range(0, len(vectors), _ROWS):
        similar = vectors[start : start + _ROWS] @ vectors.T
        found[start : start + _ROWS] = np.argpartition(-similar, neighbours, axis=1)[:, : neighbours + 1]
        if progress is not None:
            progress(min(start + _ROWS, len(vectors)), len(vectors))
    return found


def centroids(vectors: Floats, labels: Numbers) -> Floats:
    """Mean of each group's rows, made unit length: (groups, dimensions)."""
    sums = _sums(vectors, labels)
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.asarray(sums / np.maximum(lengths, 1e-12), dtype=np.float32)


def _sums(vectors: Floats, labels: Numbers) -> npt.NDArray[np.float64]:
    """Sum of each group's rows in 64 bits: (groups, dimensions)."""
    from scipy import sparse

    sums = np.zeros((int(labels.max()) + 1, vectors.shape[1]))
    for start in range(0, len(vectors), _ROWS):
        part, own = vectors[start : start + _ROWS], labels[start : start + _ROWS]
        # One 1 in each column, so rows are added one after the other: ten times faster than numpy's add.at.
        sums += sparse.csc_array((np.ones(len(own)), own, np.arange(len(own) + 1)), shape=(len(sums), len(own))) @ part
    return sums


def similarities(vectors: Floats, to: Floats) -> Floats:
    """Cosine similarities (n, groups) of unit-length rows.

    Always in blocks of the same number of rows: a matrix product rounds differently for another number, and a text's topic must
    not depend on the texts beside it. A test holds rows alone, in another order and with one thread to the same bits.
    """
    columns = np.ascontiguousarray(to.T, dtype=np.float32)
    out = np.empty((len(vectors), len(to)), dtype=np.float32)
    for start in range(0, len(vectors), _BLOCK):
        part = vectors[start : start + _BLOCK]
        if len(part) < _BLOCK:
            filled = np.zeros((_BLOCK, vectors.shape[1]), dtype=np.float32)
            filled[: len(part)] = part
            out[start : start + len(part)] = (filled @ columns)[: len(part)]
        else:
            out[start : start + _BLOCK] = part @ columns
    return out


def prototypes(vectors: Floats, labels: Numbers, *, seed: int, most: int = MOST_PARTS) -> list[Floats]:
    """Middles of the parts of each group: (parts, dimensions), at most 4, for each group from 0 on; none for one without rows.

    One middle takes a group for a ball. Several follow its shape, so that what fits no group is told better: see decision 19.
    `python -m evals.prototypes` prints what 1 to 16 are worth.

    Method: spherical k-means (Dhillon, Modha 2001, doi:10.1023/A:1007612920971) from k-means++ starts.
    """
    return [
        _parts(vectors[labels == label], min(most, int((labels == label).sum()) // FEWEST_IN_PART), [seed, label])
        for label in range(int(labels.max()) + 1 if len(labels) else 0)
    ]


def _parts(rows: Floats, count: int, seed: list[int]) -> Floats:
    if not len(rows):
        return np.zeros((0, rows.shape[1]), dtype=np.float32)
    if count < 2:
        return centroids(rows, np.zeros(len(rows), dtype=np.int64))
    random = np.random.default_rng(seed)
    starts = [int(random.integers(len(rows)))]
    far = 1 - similarities(rows, rows[starts])[:, 0].astype(np.float64)
    while len(starts) < count:
        weights = np.maximum(far, 0)
        if not weights.any():
            break  # as many as there are different rows
        starts.append(int(random.choice(len(rows), p=weights / weights.sum())))
        far = np.minimum(far, 1 - similarities(rows, rows[starts[-1:]])[:, 0])
    middle = rows[starts]
    for _ in range(_ROUNDS):
        part = np.unique(nearest(rows, middle)[0], return_inverse=True)[1]
        middle = centroids(rows, part.astype(np.int64))
    return middle


def nearest(vectors: Floats, to: Floats) -> tuple[Numbers, Floats]:
    """Nearest centroid of each row and the similarity to it."""
    similar = similarities(vectors, to)
    best = similar.argmax(1)
    return best.astype(np.int64), similar[np.arange(len(best)), best]


def merge_small(vectors: Floats, labels: Numbers, smallest: int) -> Numbers:
    """Give the texts of groups that are too small to the nearest of the others, smallest group first."""
    labels = np.unique(labels, return_inverse=True)[1]
    while True:
        sizes = np.bincount(labels)
        least = int(sizes.argmin())
        if len(sizes) == 1 or sizes[least] >= smallest:
            return labels.astype(np.int64)
        middle = centroids(vectors, labels)
        similar = similarities(middle[[least]], middle)[0]
        similar[least] = -np.inf
        labels = np.unique(np.where(labels == least, int(similar.argmax()), labels), return_inverse=True)[1]


def largest_first(labels: Numbers) -> Numbers:
    """Number groups by falling size; ties keep their order."""
    order = np.argsort(-np.bincount(labels), kind="stable")
    return np.asarray(np.argsort(order)[labels], dtype=np.int64)
