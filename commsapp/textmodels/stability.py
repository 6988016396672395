"""How firmly topics stand: whether they are found again in parts of the texts, from another start.

What may come in: a fitted clusterer. What may not: texts, names, a database.

Method: Hennig 2007 (doi:10.1016/j.csda.2006.11.025), by subsets: for each group the Jaccard similarity to the most alike group of
each clustering of a part, averaged. The words for it are those of his R package fpc: below .6 a group should not be trusted,
below .75 which texts exactly belong to it is in doubt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from commsapp.textmodels.clusters import Floats, LeidenClusters, Progress

FIRM, FAIR = 0.75, 0.6
_PART = 0.8
_REPEATS = ((5_000, 10), (50_000, 4))
"""Up to so many texts as many repeats, then `_FEWEST`: a mean over many texts varies less."""
_FEWEST = 2

Word = Literal["firm", "fair", "shaky"]


def in_words(stability: float | None) -> Word | Literal[""]:
    """What a stability from 0 to 1 is called; nothing where nobody measured it."""
    if stability is None:
        return ""
    return "firm" if stability >= FIRM else "fair" if stability >= FAIR else "shaky"


def found_again(
    vectors: Floats, clusters: LeidenClusters, *, seed: int, repeats: int | None = None, progress: Progress | None = None
) -> npt.NDArray[np.float64]:
    """The stability of each group of a fitted clusterer: (groups,), 0 to 1.

    ``progress`` is called with how many of the repeats are done.
    """
    from commsapp.textmodels.clusters import communities, tree_of

    labels, n = clusters.labels_, len(vectors)
    groups = int(labels.max()) + 1
    repeats = repeats or next((times for most, times in _REPEATS if n < most), _FEWEST)
    random = np.random.default_rng([seed, n])
    total = np.zeros(groups)
    for repeat in range(repeats):
        rows = np.sort(random.choice(n, max(1, round(_PART * n)), replace=False))
        part = vectors[rows]
        graph = clusters.graph_[rows][:, rows]
        leaves = communities(part, graph, smallest=clusters.smallest, seed=clusters.seed + 1 + repeat, trials=1)
        leaves = np.unique(leaves, return_inverse=True)[1].astype(np.int64)
        again = tree_of(part, leaves).cut(groups)[leaves]
        total += _jaccard(labels[rows], again, groups).max(1)
        if progress is not None:
            progress(repeat + 1, repeats)
    return total / repeats


def _jaccard(labels: npt.NDArray[np.int64], again: npt.NDArray[np.int64], groups: int) -> npt.NDArray[np.float64]:
    """Shared texts over all texts of each pair of groups: (groups, groups found again)."""
    both = np.zeros((groups, int(again.max()) + 1))
    np.add.at(both, (labels, again), 1)
    either = both.sum(1, keepdims=True) + both.sum(0, keepdims=True) - both
    return np.asarray(both / np.maximum(either, 1))
