"""Intervals for shares, means and their differences, all on effective n (see `statistics.design`).

Shares use scores (Wilson, Newcombe) because the textbook interval collapses to a point at 0 % and 100 %, which is where small
samples of feedback often lie. Sources: E. B. Wilson (1927), J. Am. Stat. Assoc. 22, 209-212; R. G. Newcombe (1998), Stat. Med.
17, 857-872 (one share, method 3) and 873-890 (difference, method 10); B. L. Welch (1947), Biometrika 34, 28-35.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri, stdtrit

from commsapp.errors import BadInput
from commsapp.statistics.design import Clusters, effective_n
from commsapp.statistics.weights import checked_weights

Floats = NDArray[np.float64]


def share_interval(share: float, n_effective: float, level: float = 0.95) -> tuple[float, float]:
    """Wilson score interval of one share (0 to 1).

    Returns (low, high) with 0 <= low <= share <= high <= 1; (0, 1) where n_effective is 0: nothing is known.
    Raises BadInput where the share lies outside 0 to 1, n_effective is negative or the level isn't between 0 and 1.
    """
    low, high = share_intervals(np.array([share]), np.array([n_effective]), level)
    return float(low[0]), float(high[0])


def share_intervals(shares: ArrayLike, n_effective: ArrayLike, level: float = 0.95) -> tuple[Floats, Floats]:
    """Wilson score intervals of many shares at once: arrays of one shape in, (low, high) of it out. See `share_interval`."""
    p, n = np.broadcast_arrays(np.asarray(shares, dtype=np.float64), np.asarray(n_effective, dtype=np.float64))
    if not (np.isfinite(p).all() and (p >= 0).all() and (p <= 1).all()):
        raise BadInput("A share lies outside 0 to 1.", "Give shares as fractions, not as per cent.")
    _check_n(n)
    z = _z(level)
    # multiplied out by n, so that a tiny effective n overflows nothing
    centre = (n * p + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * np.sqrt(n * p * (1 - p) + z * z / 4)
    # min and max against p remove rounding errors at 0 and 1, where one end of the interval is the share itself
    low = np.where(n > 0, np.clip(np.minimum(centre - half, p), 0, 1), 0.0)
    high = np.where(n > 0, np.clip(np.maximum(centre + half, p), 0, 1), 1.0)
    return np.where(p == 0, 0.0, low), np.where(p == 1, 1.0, high)


def mean_interval(
    values: ArrayLike,
    weights: ArrayLike,
    clusters: Clusters | None = None,
    bounds: tuple[float, float] = (-1.0, 1.0),
    level: float = 0.95,
) -> tuple[float, float]:
    """t interval of a weighted mean of values that can't lie outside `bounds`.

    Parameters
    ----------
    values, weights : shape (n,).
    clusters : shape (n,), the person behind each value; None where everyone answered once.
    bounds : lowest and highest possible value; the interval stays inside.

    Returns
    -------
    (low, high); the bounds themselves where there is nothing to average.

    Raises
    ------
    BadInput : bad weights (see `checked_weights`), values outside the bounds, or a level not between 0 and 1.

    """
    mean, variance, n_effective = weighted_moments(values, weights, clusters)
    low, high = mean_intervals(np.array([mean]), np.array([variance]), np.array([n_effective]), bounds, level)
    return float(low[0]), float(high[0])


def weighted_moments(values: ArrayLike, weights: ArrayLike, clusters: Clusters | None = None) -> tuple[float, float, float]:
    """Weighted mean, variance of single values and effective n; (0, 0, 0) where there is no weight.

    The variance is made unbiased with effective n, so that weights and repeated answers don't make people look more alike.
    Raises BadInput for bad weights or values that aren't numbers.
    """
    w = checked_weights(weights)
    y = np.asarray(values, dtype=np.float64)
    if y.shape != w.shape or not np.isfinite(y).all():
        raise BadInput("Every response needs one value and one weight.", "Leave out responses without a value first.")
    n = effective_n(w, clusters)
    if n <= 0:
        return 0.0, 0.0, 0.0
    mean = float(np.average(y, weights=w))
    spread = float(np.average((y - mean) ** 2, weights=w))
    return mean, spread * n / (n - 1) if n > 1 else 0.0, n


def mean_intervals(
    means: ArrayLike, variances: ArrayLike, n_effective: ArrayLike, bounds: tuple[float, float] = (-1.0, 1.0), level: float = 0.95
) -> tuple[Floats, Floats]:
    """t intervals of many means at once, from mean, variance of single values and effective n (arrays of one shape).

    Where all values are equal or fewer than two people spoke the variance says nothing, and a point would feign certainty:
    there the interval allows for the largest variance that the bounds permit (Wilson on the rescaled mean).
    Returns (low, high) of that shape. Raises BadInput for means outside the bounds or a negative n.
    """
    mean, variance, n = np.broadcast_arrays(
        *(np.asarray(given, dtype=np.float64) for given in (means, variances, n_effective)),
    )
    floor, ceiling = bounds
    _check_n(n)
    if not np.isfinite(mean).all() or (mean < floor - 1e-9).any() or (mean > ceiling + 1e-9).any():
        raise BadInput(f"A mean lies outside {floor:g} to {ceiling:g}.", "Check the scale of the values.")
    usable = (n >= 2) & (variance > 1e-12)
    n_safe = np.where(usable, n, 2.0)
    half = stdtrit(n_safe - 1, _upper_tail(level)) * np.sqrt(np.where(usable, variance, 0.0) / n_safe)
    scaled = np.clip((mean - floor) / (ceiling - floor), 0, 1)
    wide_low, wide_high = share_intervals(scaled, n, level)
    low = np.where(usable, mean - half, floor + wide_low * (ceiling - floor))
    high = np.where(usable, mean + half, floor + wide_high * (ceiling - floor))
    return np.clip(low, floor, ceiling), np.clip(high, floor, ceiling)


def difference_of_shares(
    first: float, n_first: float, second: float, n_second: float, level: float = 0.95
) -> tuple[float, float]:
    """Newcombe's hybrid score interval of first minus second, from two shares and their effective n.

    The two samples are taken as independent; where some people are in both, the interval is wider than it need be.
    Returns (low, high) in -1 to 1; wide where one n is 0. Errors as in `share_interval`.
    """
    low_1, high_1 = share_interval(first, n_first, level)
    low_2, high_2 = share_interval(second, n_second, level)
    change = first - second
    low = change - np.hypot(first - low_1, high_2 - second)
    high = change + np.hypot(high_1 - first, second - low_2)
    return float(max(low, -1.0)), float(min(high, 1.0))


def difference_of_means(
    first: tuple[float, float, float],
    second: tuple[float, float, float],
    bounds: tuple[float, float] = (-1.0, 1.0),
    level: float = 0.95,
) -> tuple[float, float]:
    """Welch's interval of first minus second, each given as (mean, variance of single values, effective n).

    Take them from `weighted_moments`. Where one of them has no usable variance (see `mean_intervals`) the two single
    intervals are combined as Newcombe does for shares, which is wide but never a point.
    Returns (low, high) within the largest possible difference. Errors as in `mean_intervals`.
    """
    (mean_1, var_1, n_1), (mean_2, var_2, n_2) = first, second
    room = bounds[1] - bounds[0]
    change = mean_1 - mean_2
    if min(n_1, n_2) < 2 or min(var_1, var_2) <= 1e-12:
        low, high = mean_intervals([mean_1, mean_2], [var_1, var_2], [n_1, n_2], bounds, level)
        down, up = np.hypot(mean_1 - low[0], high[1] - mean_2), np.hypot(high[0] - mean_1, mean_2 - low[1])
    else:
        part_1, part_2 = var_1 / n_1, var_2 / n_2
        freedom = (part_1 + part_2) ** 2 / (part_1**2 / (n_1 - 1) + part_2**2 / (n_2 - 1))
        down = up = stdtrit(freedom, _upper_tail(level)) * np.sqrt(part_1 + part_2)
    return float(max(change - down, -room)), float(min(change + up, room))


def _check_n(n: Floats) -> None:
    if not (np.isfinite(n).all() and (n >= 0).all()):
        raise BadInput("An effective n is negative or missing.", "Count the responses again.")


def _upper_tail(level: float) -> float:
    if not 0 < level < 1:
        raise BadInput(f"A level of {level} is not between 0 and 1.", "Use 0.95 for a 95 % interval.")
    return 0.5 + level / 2


def _z(level: float) -> float:
    return float(ndtri(_upper_tail(level)))
