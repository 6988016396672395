"""Trees of groups: what is merged, where they are cut, and what peers make of the same numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage
from sklearn.metrics import adjusted_rand_score

from commsapp.textmodels.tree import Tree, ward, worth_telling_apart


@pytest.mark.parametrize("seed", range(5))
def test_single_rows_are_merged_as_scipy_merges_them(seed: int) -> None:
    rows = np.random.default_rng(seed).normal(size=(40, 6))
    tree = ward(rows, np.ones(40, dtype=np.int64))
    theirs = linkage(rows, "ward")
    for groups in (2, 3, 7, 20):
        assert adjusted_rand_score(tree.cut(groups), fcluster(theirs, groups, "maxclust")) == 1


def test_a_group_counts_as_much_as_its_texts() -> None:
    """Two heaps of 500 at a distance are told apart rather than one of them and a single text far off."""
    middles = np.array([[0.0], [1.0], [3.0]])
    sizes = np.array([500, 500, 1])
    assert ward(middles * sizes[:, np.newaxis], sizes).cut(2).tolist() == [0, 1, 1]
    assert ward(middles, np.ones(3, dtype=np.int64)).cut(2).tolist() == [0, 0, 1]


@given(st.integers(1, 30), st.integers(0, 10_000), st.integers(1, 40), st.integers(1, 40))
def test_groups_of_one_cut_lie_within_those_of_a_coarser_one(leaves: int, seed: int, one: int, other: int) -> None:
    random = np.random.default_rng(seed)
    tree = ward(random.normal(size=(leaves, 3)), random.integers(1, 50, leaves))
    coarse, fine = tree.cut(min(one, other)), tree.cut(max(one, other))
    assert len(set(coarse)) == min(leaves, one, other)
    assert len(set(fine)) == min(leaves, max(one, other))
    assert all(len(set(coarse[fine == group])) == 1 for group in set(fine))


def test_a_group_knows_the_two_that_it_was_merged_from() -> None:
    tree = Tree(4, ((0, 1), (2, 3), (4, 5)))
    assert tree.parts(frozenset(range(4))) == (frozenset({0, 1}), frozenset({2, 3}))
    assert tree.parts(frozenset({2, 3})) == (frozenset({2}), frozenset({3}))
    assert tree.parts(frozenset({2})) == ()
    assert tree.parts(frozenset({1, 2})) == ()


def test_groups_that_are_linked_as_chance_would_link_them_are_not_told_apart() -> None:
    cliques = np.kron(np.eye(4), np.ones((3, 3)))  # twelve groups, linked within four threes only
    assert worth_telling_apart(cliques + 1e-3, 1.0) == 4
    assert worth_telling_apart(np.ones((6, 6)), 0.5) == 1
    counts = [worth_telling_apart(cliques + 0.2, resolution) for resolution in (0.1, 0.5, 1.0, 3.0, 30.0)]
    assert counts == sorted(counts)
    assert worth_telling_apart(np.zeros((3, 3)), 1.0) == 3
