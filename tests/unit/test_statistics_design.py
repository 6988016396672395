"""Effective n, weights and the smallest detectable change."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commsapp.errors import BadInput
from commsapp.statistics.change import UNSEEN, enough_n, enough_n_for_effect_size, smallest_detectable_change
from commsapp.statistics.design import cluster_codes, design_effect, effective_n
from commsapp.statistics.weights import checked_weights, normalised


def test_equal_weights_lose_nothing():
    assert effective_n(np.full(50, 3.0)) == pytest.approx(50)
    assert design_effect(np.full(50, 3.0)) == pytest.approx(1)


def test_unequal_weights_lose_what_kish_says():
    # Kish (1965): 1 + the squared coefficient of variation of the weights
    weights = np.array([1.0, 2.0, 3.0, 4.0])
    assert design_effect(weights) == pytest.approx(1 + weights.var() / weights.mean() ** 2)


def test_a_person_who_answered_again_counts_once():
    assert effective_n(np.ones(4), ["a", "a", "b", "b"]) == pytest.approx(2)
    assert effective_n(np.ones(6), ["a"] * 6) == pytest.approx(1)


def test_people_without_a_key_are_different_people():
    assert effective_n(np.ones(3), [None, None, float("nan")]) == pytest.approx(3)
    assert len(set(cluster_codes(["a", None, None, "a"]))) == 3


def test_nobody_is_worth_nothing():
    assert effective_n([]) == 0
    assert effective_n([0.0, 0.0]) == 0
    assert design_effect([]) == 1


@given(st.lists(st.tuples(st.floats(0, 100, allow_subnormal=False), st.integers(0, 5)), min_size=1, max_size=40))
def test_effective_n_never_exceeds_responses_or_people(rows):
    weights, people = [w for w, _ in rows], [p for _, p in rows]
    assert effective_n(weights, people) <= min(len(set(people)), effective_n(weights)) + 1e-6


@pytest.mark.parametrize("bad", [[1, -1], [1, float("nan")], [1, float("inf")], [1, "heavy"], [[1], [2]]])
def test_weights_that_cannot_be_weights_are_refused(bad):
    with pytest.raises(BadInput, match=r"[Ww]eight"):
        checked_weights(bad)


def test_the_refusal_says_where_the_first_bad_weight_stands():
    with pytest.raises(BadInput, match=r"2 of 4 weights .* at response 2"):
        checked_weights([1, -3, 1, float("nan")])


def test_normalised_weights_have_mean_one_and_the_same_shares():
    assert normalised([2, 4, 6]) == pytest.approx([0.5, 1, 1.5])
    with pytest.raises(BadInput, match="nobody counts"):
        normalised([0, 0])


def test_clusters_of_another_length_are_refused():
    with pytest.raises(BadInput, match="2 weights but 1"):
        effective_n([1, 1], ["a"])


def test_the_smallest_detectable_change_is_the_published_one():
    # shared/reference/evaluation.md: 300 v 300, design effect 1.5, base 30 % gives 13.5 points
    assert smallest_detectable_change(0.3, 300, 300, design_effect=1.5) == pytest.approx(0.135, abs=0.0005)


def test_the_sample_that_is_enough_is_cohens():
    # Cohen (1988), table 6.4.1: h = 0.20, two-sided .05, power .80 needs 392 in each sample
    start = 2 * np.arcsin(np.sqrt(0.5))
    change = np.sin((start + 0.2) / 2) ** 2 - 0.5
    assert enough_n(0.5, change) in (392, 393)


@pytest.mark.parametrize("direction", ["up", "down"])
def test_what_is_enough_just_shows_the_change(direction):
    n = enough_n(0.4, 0.08, design_effect=1.3, direction=direction)
    assert smallest_detectable_change(0.4, n, n, 1.3, direction=direction) == pytest.approx(0.08, abs=1e-3)


def test_with_next_to_nobody_every_change_stays_unseen():
    assert smallest_detectable_change(0.9, 5, 5) == UNSEEN
    assert smallest_detectable_change(0.5, 0, 0) == UNSEEN
    assert smallest_detectable_change(0.02, 50, 50, direction="down") == UNSEEN


def test_no_sample_is_enough_for_an_impossible_change():
    assert enough_n(0.95, 0.10) is None
    assert enough_n(0.5, 0) is None


@pytest.mark.parametrize("wrong", [{"base": 30}, {"design_effect": 0.5}, {"power": 80}, {"level": 95}])
def test_figures_that_cannot_be_are_refused(wrong):
    with pytest.raises(BadInput):
        smallest_detectable_change(**{"base": 0.3, "n_before": 300, "n_after": 300, **wrong})


@pytest.mark.parametrize("size", [0.05, 0.5, 2.0, 3.0, 40.0])
def test_some_number_of_responses_is_enough_for_any_difference(size: float) -> None:
    assert enough_n_for_effect_size(size) >= 2
