"""What is new in a wave: groups among the comments that fit no topic, told apart from what fitted no topic before as well.

What may come in: a codebook, embeddings of a wave and of what was heard before. What may not: texts, names, a database.

A group that was chosen because it is large looks larger than it is. So one half of the wave's comments says which groups there
are, and the other half alone, beside what was heard before, says whether a group is more frequent than it was. It must be so
among all comments, and beside those of the nearest topic too: at the fringe of a topic that rises more comments fit no topic, and
nothing is new. Both are exact tests, the larger chance counts (Berger 1982), corrected for the number of groups (Holm 1979).

Among waves in which nothing is new, at most `FALSE_ALARMS` are said to hold something; ``python -m evals.emerging`` measures it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from commsapp.textmodels.clusters import Floats, LeidenClusters, Numbers, Resolution, centroids, prototypes, similarities
from commsapp.textmodels.codebook import NO_TOPIC, CodebookDraft
from commsapp.textmodels.topics import FEWEST_TEXTS, SEED, assign

FALSE_ALARMS = 0.05
_NEIGHBOURS = 10
_RESOLUTION = Resolution(1.0)
_SMALLEST = 3
"""Comments of a group in the half that groups are looked for in."""


@dataclass(frozen=True, eq=False)
class Emerging:
    """A group of comments of a wave that fit no topic.

    ``rows`` are positions in the wave, the most typical first; ``prototypes`` (parts, dimensions) and ``centroid`` are such that
    a topic can be made of it. ``share`` and ``before`` are shares of the comments of the wave's second half and of those heard
    before; ``chance`` is the corrected probability that a group so much more frequent shows where nothing is new.
    """

    rows: tuple[int, ...]
    centroid: Floats
    prototypes: Floats
    share: float
    before: float
    chance: float

    @property
    def new(self) -> bool:
        """Whether it counts as new at the known rate of false alarms."""
        return self.chance <= FALSE_ALARMS

    @property
    def times(self) -> float:
        """How many times as frequent as before; infinite where nothing like it was heard."""
        return self.share / self.before if self.before else float("inf")


@dataclass(frozen=True, eq=False)
class _Heard:
    """The nearest topic of each comment, and its group, -1 where it is of none."""

    topic: Numbers
    group: Numbers


def emerging(
    codebook: CodebookDraft, wave: Floats, before: Floats, unfit: npt.NDArray[np.bool_] | None = None, *, seed: int = SEED
) -> tuple[Emerging, ...]:
    """Groups among those comments of a wave that fit no topic, the most surprising first.

    A comment counts for a group when it lies as near to it as the codebook asks of a topic, whatever topic it was given: comments
    that the topics were found in lie nearer to these than new ones, so fits none is not the same for both. Which half a comment
    falls into is seeded: the same comments in the same order give the same groups.

    Parameters
    ----------
    codebook : that the wave is coded with. wave, before : (n, dimensions), rows of unit length: the comments of the wave, and
    those of earlier waves. There is nothing to compare with where ``before`` is empty, so then nothing is said to be new.
    unfit : (n,), which rows of the wave fit no topic, where people said so of some or gave some a topic; groups are made of these
    alone. None: those that the codebook gives none.

    """
    if not codebook.topics or len(before) < FEWEST_TEXTS:
        return ()
    given = assign(codebook, wave)
    odd = np.flatnonzero(given.topic == NO_TOPIC if unfit is None else unfit)
    half = np.random.default_rng([seed, len(wave)]).permutation(len(wave)) < len(wave) // 2
    looked, other = odd[half[odd]], ~half
    if len(looked) < _SMALLEST:
        return ()
    clusters = LeidenClusters(groups=_RESOLUTION, neighbours=_NEIGHBOURS, smallest=_SMALLEST, seed=seed).fit(wave[looked])
    middles = prototypes(wave[looked], clusters.labels_, seed=seed)
    # Comments that people sorted count for a group's share on both sides, as all do that lie near. People sort what was pointed
    # out to them, more of one wave than of another, so without these the two sides would not be counted alike.
    group, earlier = (_group(rows, middles, codebook.threshold) for rows in (wave, before))
    now = _Heard(given.ranks[other, 0], group[other])
    past = _Heard(assign(codebook, before).ranks[:, 0], earlier)
    beside = [int(np.bincount(given.ranks[looked[clusters.labels_ == number], 0]).argmax()) for number in range(len(middles))]
    chances = _holm(np.array([_more_frequent(number, topic, now, past) for number, topic in enumerate(beside)]))
    found = []
    for number, own in enumerate(middles):
        rows = np.concatenate([looked[clusters.labels_ == number], odd[other[odd] & (group[odd] == number)]])
        middle = centroids(wave[rows], np.zeros(len(rows), dtype=np.int64))
        typical = np.argsort(-similarities(wave[rows], middle)[:, 0], kind="stable")
        found.append(
            Emerging(
                rows=tuple(int(row) for row in rows[typical]),
                centroid=middle[0],
                prototypes=own,
                share=float((now.group == number).mean()),
                before=float((past.group == number).mean()),
                chance=float(chances[number]),
            )
        )
    return tuple(sorted(found, key=lambda one: (one.chance, -len(one.rows))))


def _group(rows: Floats, middles: list[Floats], threshold: float) -> Numbers:
    """The group of each row, -1 where none is near enough."""
    if not len(rows):
        return np.zeros(0, dtype=np.int64)
    owner = np.repeat(np.arange(len(middles)), [len(own) for own in middles])
    similar = similarities(rows, np.concatenate(middles))
    return np.where(similar.max(1) >= threshold, owner[similar.argmax(1)], NO_TOPIC).astype(np.int64)


def _more_frequent(number: int, beside: int, now: _Heard, past: _Heard) -> float:
    """The chance that a group is so much more frequent by chance alone: among all comments, and beside one topic."""
    counts = [int((heard.group == number).sum()) for heard in (now, past)]
    near = [int(((heard.group == number) | (heard.topic == beside)).sum()) for heard in (now, past)]
    return max(_chance(counts[0], n, counts[1], n_past) for n, n_past in ((len(now.group), len(past.group)), (near[0], near[1])))


def _chance(now: int, n: int, before: int, n_before: int) -> float:
    """One-sided exact test (Fisher) of whether ``now`` of n is more than ``before`` of n_before would give."""
    from scipy.stats import hypergeom

    return float(hypergeom.sf(now - 1, n + n_before, now + before, n)) if now else 1.0


def _holm(chances: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Chances corrected for their number (Holm 1979)."""
    order = np.argsort(chances, kind="stable")
    corrected = np.maximum.accumulate(chances[order] * np.arange(len(chances), 0, -1))
    out = np.empty_like(chances)
    out[order] = np.minimum(corrected, 1)
    return out
