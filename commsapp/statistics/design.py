"""How many independent responses a sample is worth: unequal weights and people who answered again make it worth fewer.

Source: L. Kish, Survey Sampling (1965), sections 8.2 and 11.7; J. N. K. Rao and A. J. Scott (1981) for dividing n by the design
effect in tests and intervals for shares.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from commsapp.errors import BadInput
from commsapp.statistics.weights import checked_weights

Clusters = Sequence[Hashable] | NDArray[Any] | pd.Series
"""One label for each response; equal labels are the same person."""


def effective_n(weights: ArrayLike, clusters: Clusters | None = None) -> float:
    """Number of independent, equally weighted responses that would be as precise as these.

    Without clusters this is Kish's (sum w)^2 / sum w^2. With clusters the weights of one person are added up first:
    someone who answered five times counts as one person who spoke loudly. That supposes that one person always answers
    alike (intra-class correlation 1), so it never claims more certainty than there is.

    Parameters
    ----------
    weights : shape (n,), not negative; their scale does not matter.
    clusters : shape (n,), the person behind each response; None where everyone answered once.

    Returns
    -------
    Between 0 (no weight at all) and n.

    Raises
    ------
    BadInput : weights that `checked_weights` refuses, or clusters of another length.

    """
    checked = checked_weights(weights)
    persons = np.arange(len(checked)) if clusters is None else cluster_codes(clusters)
    if len(persons) != len(checked):
        raise BadInput(
            f"There are {len(checked)} weights but {len(persons)} people behind them.", "Give one person for each weight."
        )
    return float(grouped_effective_n(checked, persons, np.zeros(len(checked), dtype=np.int64), 1)[0])


def design_effect(weights: ArrayLike, clusters: Clusters | None = None) -> float:
    """Say how many times the variance grows: n divided by effective n; at least 1, and 1 for an empty sample.

    Responses with weight 0 count in n. Parameters and errors as in `effective_n`.
    """
    effective = effective_n(weights, clusters)
    return max(1.0, len(np.asarray(weights)) / effective) if effective > 0 else 1.0


def cluster_codes(clusters: Clusters) -> NDArray[np.int64]:
    """Number people from 0, shape (n,). A missing label (None, NaN) is a person of their own, never one big missing person."""
    codes = pd.factorize(pd.Series(clusters))[0].astype(np.int64)
    missing = codes < 0
    codes[missing] = codes.max(initial=-1) + 1 + np.arange(missing.sum())
    return codes


def grouped_effective_n(
    weights: NDArray[np.float64], clusters: NDArray[np.int64], groups: NDArray[np.int64], n_groups: int
) -> NDArray[np.float64]:
    """Effective n of many groups at once; all three arrays have shape (n,), weights are checked already.

    Parameters
    ----------
    weights : not negative.
    clusters : from 0, the person behind each row.
    groups : from 0 to n_groups - 1, the group of each row.
    n_groups : number of groups, some of which may be empty.

    Returns
    -------
    Shape (n_groups,), 0 where a group is empty or has no weight.

    """
    span = int(clusters.max(initial=0)) + 1
    codes, pairs = pd.factorize(groups * span + clusters)
    person_weight = np.bincount(codes, weights=weights, minlength=len(pairs))
    squares = np.bincount((np.asarray(pairs) // span).astype(np.int64), weights=person_weight**2, minlength=n_groups)
    totals = np.bincount(groups, weights=weights, minlength=n_groups)
    return np.divide(totals**2, squares, out=np.zeros(n_groups), where=squares > 0)
