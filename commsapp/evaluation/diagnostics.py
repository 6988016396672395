"""Diagnostics: what could make a measured change look like more than it is. Each passes, fails or does not apply."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import chdtrc

DOES_NOT_APPLY = "does not apply"
SMALL_ASSOCIATION = 0.1
"""Cramér's V below which a difference in composition is small (Cohen 1988, w = 0.1 for one degree of freedom)."""

RARE = 5
"""Categories with a smaller expected count are put together: below it the chi-square approximation fails (Cochran 1954)."""


@dataclass(frozen=True)
class Diagnostic:
    """One diagnostic of one effect: `passed` is None where it doesn't apply; `detail` says in a sentence what was seen."""

    name: str
    passed: bool | None
    detail: str

    @property
    def outcome(self) -> str:
        """'pass', 'fail' or 'does not apply'."""
        return DOES_NOT_APPLY if self.passed is None else "pass" if self.passed else "fail"


def not_applicable(name: str, why: str) -> Diagnostic:
    """Name a diagnostic that a design can't have, so that nobody takes its absence for a pass."""
    return Diagnostic(name, None, why)


def enough_in_each_wave(n_before: float, n_after: float, minimum: float) -> Diagnostic:
    """Compare the effective n of both waves with the minimum of the design."""
    said = f"Effective responses: {n_before:.0f} before, {n_after:.0f} after; at least {minimum:.0f} are needed in each."
    return Diagnostic("enough in each wave", min(n_before, n_after) >= minimum, said)


def sample_composition(before: pd.DataFrame, after: pd.DataFrame, columns: tuple[str, ...], worth: float = 1.0) -> Diagnostic:
    """Check whether other kinds of people answered after than before.

    Parameters
    ----------
    before, after : one row per response.
    columns : what to compare (area, channel, attributes); columns that one of the two lacks are passed over.
    worth : effective n over n, 0 to 1: how much of an independent response one response is worth (Rao & Scott 1981).

    Returns
    -------
    Fails where a column differs both surely (chi-square, p < .05 after Bonferroni over the columns) and noticeably
    (Cramér's V of `SMALL_ASSOCIATION` or more): in a large sample a trifle is sure, in a small one a large difference is chance.

    """
    name = "sample composition"
    compared = [column for column in columns if column in before and column in after]
    if not compared or before.empty or after.empty:
        return not_applicable(name, "Nothing is known about who answered in the two waves.")
    seen = {column: _association(before[column], after[column], worth) for column in compared}
    differs = [
        f"{_plain(column)} (V = {v:.2f})" for column, (v, p) in seen.items() if p * len(seen) < 0.05 and v >= SMALL_ASSOCIATION
    ]
    if differs:
        return Diagnostic(name, False, f"Other people answered after than before: {', '.join(differs)} differ between the waves.")
    listed = ", ".join(_plain(column) for column in compared)
    return Diagnostic(name, True, f"Who answered is much the same in both waves, judged by {listed}.")


def _association(before: pd.Series, after: pd.Series, worth: float) -> tuple[float, float]:
    """Cramér's V and p of the chi-square test of wave by category; (0, 1) where everyone is alike."""
    both = [column.astype(object).where(column.notna(), "not known").astype(str).value_counts() for column in (before, after)]
    counts = pd.concat(both, axis=1).fillna(0).to_numpy(dtype=np.float64).T * worth
    expected = counts.sum(axis=0) * counts.sum(axis=1).min() / counts.sum()
    rare = expected < RARE
    if rare.sum() > 1:
        counts = np.column_stack([counts[:, ~rare], counts[:, rare].sum(axis=1)])
    if counts.shape[1] < 2:
        return 0.0, 1.0
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    chi2 = float(((counts - expected) ** 2 / expected).sum())
    return float(np.sqrt(chi2 / counts.sum())), float(chdtrc(counts.shape[1] - 1, chi2))


def _plain(column: str) -> str:
    return column.removeprefix("attribute:")
