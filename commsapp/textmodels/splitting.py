"""One topic taken apart: its texts in so many parts, or in as many as there are, each with phrases of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from commsapp.textmodels.clusters import FEWEST_IN_PART, Floats, centroids, largest_first, merge_small, nearest, prototypes
from commsapp.textmodels.encoder import Encoder
from commsapp.textmodels.phrases import telling, unique_names
from commsapp.textmodels.topics import PHRASES, SEED, discover


@dataclass(frozen=True, eq=False)
class Part:
    """A part of a topic: ``centroid`` (dimensions,) and ``prototypes`` (parts, dimensions) of unit length."""

    name: str
    phrases: tuple[str, ...]
    centroid: Floats
    prototypes: Floats
    size: int


def split(
    texts: Sequence[str],
    embeddings: Floats,
    *,
    parts: int | None = None,
    named_by: Sequence[bool] | None = None,
    encoder: Encoder | None = None,
) -> list[Part]:
    """Parts of a topic, the largest first; none where its texts are too few or too alike to be told apart.

    Parameters
    ----------
    texts : n texts of the topic. embeddings : (n, dimensions), rows of unit length.
    parts : how many; None for as many as there are. Fewer come back where there aren't enough texts for each.
    named_by : n, whether a text's words may stand in names and phrases; without it, all may.
    encoder : ranks the phrases of parts that were found by what they mean too.

    """
    if parts is None:
        return _found(texts, embeddings, named_by, encoder)
    vectors = np.ascontiguousarray(embeddings, dtype=np.float32)
    if len(vectors) < 2 * FEWEST_IN_PART:
        return []
    whole = np.zeros(len(vectors), dtype=np.int64)
    middles = prototypes(vectors, whole, seed=SEED, most=parts)[0]
    labels = np.unique(nearest(vectors, middles)[0], return_inverse=True)[1]
    # A part of one or two texts would carry what they say into a codebook that outlives them.
    labels = largest_first(merge_small(vectors, labels.astype(np.int64), FEWEST_IN_PART))
    if int(labels.max()) < 1:
        return []
    speak = [text if named_by is None or named_by[row] else "" for row, text in enumerate(texts)]
    sizes = np.bincount(labels)
    least = 1 if sum(map(bool, speak)) < 50 else 2
    phrases = telling(speak, labels.tolist(), groups=len(sizes), least=least, count=PHRASES)
    found = zip(unique_names(phrases), phrases, centroids(vectors, labels), prototypes(vectors, labels, seed=SEED), strict=True)
    return [Part(name, own, middle, rows, int(sizes[k])) for k, (name, own, middle, rows) in enumerate(found)]


def _found(texts: Sequence[str], embeddings: Floats, named_by: Sequence[bool] | None, encoder: Encoder | None) -> list[Part]:
    draft = discover(texts, embeddings, granularity="medium", encoder=encoder, named_by=named_by, stability=False)
    return [Part(one.name, one.phrases, one.centroid, one.middles, one.size) for one in draft.topics]
