"""How groups of texts lie within larger ones: a tree over the finest groups, and where to cut it.

What may come in: sums and sizes of groups, and how strongly they are linked. What may not: texts, names, a database.

Finest groups first, larger ones by merging: so topics of every granularity nest, and what is counted at one adds up at the next.
The tree is Ward's (1963, doi:10.1080/01621459.1963.10500845), which counts how many texts a group holds. Decision 21 says what it
is worth beside communities found anew at each granularity.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Tree:
    """``leaves`` finest groups, and which two are merged next: ``merges`` has leaves - 1 pairs, the most alike first.

    Leaves are numbered from 0; the group that pair t makes is number leaves + t, as in scipy's linkage.
    """

    leaves: int
    merges: tuple[tuple[int, int], ...]

    def cut(self, groups: int) -> Numbers:
        """Which of ``groups`` groups each leaf is in: (leaves,), numbered by their first leaf. As many as there are at most."""
        members = {leaf: [leaf] for leaf in range(self.leaves)}
        for step, (one, other) in enumerate(self.merges[: max(0, self.leaves - max(1, groups))]):
            members[self.leaves + step] = members.pop(one) + members.pop(other)
        label = np.zeros(self.leaves, dtype=np.int64)
        for number, leaves in enumerate(sorted(map(sorted, members.values()))):
            label[leaves] = number
        return label

    def parts(self, leaves: frozenset[int]) -> tuple[frozenset[int], ...]:
        """The two groups that the group of these leaves was merged from; none for a leaf, or for what is no group of the tree."""
        members: dict[int, frozenset[int]] = {leaf: frozenset([leaf]) for leaf in range(self.leaves)}
        for step, (one, other) in enumerate(self.merges):
            members[self.leaves + step] = members[one] | members[other]
            if members[self.leaves + step] == leaves:
                return members[one], members[other]
        return ()


def ward(sums: Reals, sizes: Numbers) -> Tree:
    """The tree of groups, of which the sums of rows (groups, dimensions) and the numbers of rows (groups,) are given.

    Those two are merged next whose texts then lie least further from their middle, in sum of squares.
    """
    count = len(sizes)
    size = sizes.astype(np.float64)
    means = sums / size[:, np.newaxis]
    squares = (means**2).sum(1)
    apart = np.maximum(squares[:, np.newaxis] + squares - 2 * means @ means.T, 0)
    cost = apart * np.outer(size, size) / (size[:, np.newaxis] + size)
    np.fill_diagonal(cost, np.inf)
    place = np.arange(count)
    merges: list[tuple[int, int]] = []
    for step in range(count - 1):
        one, other = divmod(int(cost.argmin()), count)
        one, other = min(one, other), max(one, other)
        merges.append((int(place[one]), int(place[other])))
        # Lance and Williams 1967 (doi:10.1093/comjnl/9.4.373): the costs of the merged group follow from those of its parts.
        both = size[one] + size[other]
        with np.errstate(invalid="ignore"):  # inf - inf, for groups that are gone
            row = ((size[one] + size) * cost[one] + (size[other] + size) * cost[other] - size * cost[one, other]) / (both + size)
        row[np.isnan(row)] = np.inf
        row[one] = np.inf
        cost[one], cost[:, one] = row, row
        cost[other], cost[:, other] = np.inf, np.inf
        size[one] = both
        place[one] = count + step
    return Tree(count, tuple(merges))


def worth_telling_apart(links: Reals, resolution: float) -> int:
    """How many groups are left when linked ones are merged as long as modularity at that resolution rises.

    Method: greedy agglomeration (Clauset, Newman, Moore 2004, doi:10.1103/PhysRevE.70.066111) with the resolution of Reichardt
    and Bornholdt 2006 (doi:10.1103/PhysRevE.74.016110).

    Parameters
    ----------
    links : (groups, groups) weights of links between and, on the diagonal, within groups; symmetric. resolution : higher leaves
    more.

    """
    weight = links.astype(np.float64).copy()
    total = weight.sum()
    if total <= 0:
        return len(weight)
    degree = weight.sum(1)
    gain = weight / total - resolution * np.outer(degree, degree) / total**2
    np.fill_diagonal(gain, -np.inf)
    left = len(weight)
    while left > 1:
        one, other = divmod(int(gain.argmax()), len(gain))
        if gain[one, other] <= 0:
            break
        weight[one] += weight[other]
        weight[:, one] += weight[:, other]
        degree[one] += degree[other]
        weight[other], weight[:, other], degree[other] = 0, 0, 0
        row = weight[one] / total - resolution * degree[one] * degree / total**2
        row[~np.isfinite(gain[one]) & (np.arange(len(gain)) != one)] = -np.inf
        row[[one, other]] = -np.inf
        gain[one], gain[:, one] = row, row
        gain[other], gain[:, other] = -np.inf, -np.inf
        left -= 1
    return left
