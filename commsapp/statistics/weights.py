"""Survey weights: checked once, here, so that no estimate is ever made with a weight that cannot be one."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from commsapp.errors import BadInput


def checked_weights(weights: ArrayLike) -> NDArray[np.float64]:
    """Return the weights as floats, shape (n,), after checking them.

    A weight of 0 is allowed: that response counts for nothing, which is what some survey firms mean by it.

    Raises
    ------
    BadInput : a weight is missing, infinite, negative or no number; the sentence says how many and where the first one stands.

    """
    try:
        checked = np.asarray(weights, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise BadInput(
            "A weight is not a number.", "Correct the weight column, or leave it out to count everyone alike."
        ) from error
    if checked.ndim != 1:
        raise BadInput("Weights must be one number for each response.", "Give one weight column.")
    bad = ~np.isfinite(checked) | (checked < 0)
    if bad.any():
        first = int(np.argmax(bad))
        raise BadInput(
            f"{int(bad.sum())} of {len(checked)} weights are missing, infinite or negative; the first is {checked[first]} "
            f"at response {first + 1}.",
            "Correct the weight column, or leave it out to count everyone alike.",
        )
    return checked


def normalised(weights: ArrayLike) -> NDArray[np.float64]:
    """Scale the weights so that their mean is 1: shares and effective n stay the same, weighted counts read like counts.

    Returns shape (n,). Raises BadInput for weights that `checked_weights` refuses, and where all are 0.
    """
    checked = checked_weights(weights)
    if not checked.size:
        return checked
    mean = checked.mean()
    if mean == 0:
        raise BadInput("All weights are 0, so nobody counts.", "Correct the weight column, or leave it out.")
    return np.asarray(checked / mean, dtype=np.float64)
