"""Which change a sample could have shown, and how large a sample would have been enough.

Shares are compared on Cohen's arcsine scale with the normal approximation (J. Cohen, Statistical Power Analysis for the
Behavioral Sciences, 1988, chapter 6), as statsmodels' NormalIndPower does it. Tests are two-sided: harm must be as visible as
success.
"""

from __future__ import annotations

import math
from typing import Any, Literal

from commsapp.errors import BadInput

Direction = Literal["up", "down"]
UNSEEN = 1.0
"""What `smallest_detectable_change` returns where even the largest possible change would have gone unseen (100 points)."""


def smallest_detectable_change(
    base: float,
    n_before: float,
    n_after: float,
    design_effect: float = 1.0,
    power: float = 0.8,
    level: float = 0.95,
    direction: Direction = "up",
) -> float:
    """Smallest change of a share that would be found with this power, as a positive fraction (0.135 is 13.5 points).

    Parameters
    ----------
    base : the share before, 0 to 1.
    n_before, n_after : responses; with effective n leave `design_effect` at 1, or the loss is counted twice.
    direction : 'up' or 'down': near 0 and 1 there's less room one way than the other.

    Returns
    -------
    Above 0; `UNSEEN` (1.0) where the whole room there is would not have been enough.

    Raises
    ------
    BadInput : a base outside 0 to 1, a design effect below 1, or a power or level not between 0 and 1.

    """
    _check(base, design_effect, power, level)
    if min(n_before, n_after) / design_effect < 1:
        return UNSEEN
    steps = smallest_detectable_effect_size(n_before / design_effect, n_after / design_effect, power, level)
    start = 2 * math.asin(math.sqrt(base))
    end = start + steps if direction == "up" else start - steps
    if not 0 <= end <= math.pi:
        return UNSEEN
    return abs(math.sin(end / 2) ** 2 - base)


def smallest_detectable_effect_size(n_before: float, n_after: float, power: float = 0.8, level: float = 0.95) -> float:
    """Smallest standardised difference found with this power: Cohen's h for shares, standard deviations for means."""
    return float(_power().solve_power(nobs1=n_before, ratio=n_after / n_before, alpha=1 - level, power=power))


def enough_n(
    base: float,
    change: float,
    design_effect: float = 1.0,
    power: float = 0.8,
    level: float = 0.95,
    direction: Direction = "up",
) -> int | None:
    """Responses needed in each of two equal waves to find a change of a share from `base` with this power.

    Parameters as in `smallest_detectable_change`; `change` is its size as a fraction, and its sign is ignored.
    Returns None where no number is enough: no change is asked for, or it would lead below 0 or above 1.
    Raises BadInput as `smallest_detectable_change` does.
    """
    _check(base, design_effect, power, level)
    end = base + abs(change) if direction == "up" else base - abs(change)
    if change == 0 or not 0 <= end <= 1:
        return None
    steps = abs(2 * math.asin(math.sqrt(end)) - 2 * math.asin(math.sqrt(base)))
    return enough_n_for_effect_size(steps, design_effect, power, level)


def enough_n_for_effect_size(size: float, design_effect: float = 1.0, power: float = 0.8, level: float = 0.95) -> int:
    """Responses needed in each of two equal waves to find a standardised difference (above 0) with this power."""
    # Beyond two standard deviations a handful is enough, and the solver finds no number at all.
    needed = float(_power().solve_power(effect_size=min(abs(size), 2.0), ratio=1.0, alpha=1 - level, power=power))
    # tiny samples are beyond the approximation, and one response per wave can never be compared
    return max(2, math.ceil(needed * design_effect))


def _power() -> Any:
    # imported here because it takes a second, and most commands never ask for power
    from statsmodels.stats.power import NormalIndPower

    return NormalIndPower()


def _check(base: float, design_effect: float, power: float, level: float) -> None:
    if not 0 <= base <= 1:
        raise BadInput(f"A base of {base} is not a share from 0 to 1.", "Give it as a fraction.")
    if not design_effect >= 1:
        raise BadInput(f"A design effect of {design_effect} is below 1.", "Use 1 where nothing is known about it.")
    if not (0 < power < 1 and 0 < level < 1):
        raise BadInput("Power and level must lie between 0 and 1.", "The usual ones are 0.8 and 0.95.")
