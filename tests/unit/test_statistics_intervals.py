"""Intervals against published worked examples and against repeated drawing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commsapp.errors import BadInput
from commsapp.statistics.intervals import (
    difference_of_means,
    difference_of_shares,
    mean_interval,
    share_interval,
    share_intervals,
    weighted_moments,
)

# R. G. Newcombe (1998), Statistics in Medicine 17, 857-872, table I, method 3
WILSON = [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
# R. G. Newcombe (1998), Statistics in Medicine 17, 873-890, table II, method 10
NEWCOMBE = [
    (56, 70, 48, 80, 0.0524, 0.3339),
    (9, 10, 3, 10, 0.1705, 0.8090),
    (6, 7, 2, 7, 0.0582, 0.8062),
    (5, 56, 0, 29, -0.0381, 0.1926),
    (0, 10, 0, 20, -0.1611, 0.2775),
    (0, 10, 0, 10, -0.2775, 0.2775),
    (10, 10, 0, 20, 0.6791, 1.0),
    (10, 10, 0, 10, 0.6075, 1.0),
]


@pytest.mark.parametrize(("said", "n", "low", "high"), WILSON)
def test_the_interval_of_a_share_is_the_published_one(said, n, low, high):
    assert share_interval(said / n, n) == pytest.approx((low, high), abs=6e-5)


@pytest.mark.parametrize(("a", "n_a", "b", "n_b", "low", "high"), NEWCOMBE)
def test_the_interval_of_a_difference_is_the_published_one(a, n_a, b, n_b, low, high):
    assert difference_of_shares(a / n_a, n_a, b / n_b, n_b) == pytest.approx((low, high), abs=6e-5)


def test_nothing_is_known_from_nobody():
    assert share_interval(0.0, 0) == (0.0, 1.0)
    assert mean_interval([], []) == (-1.0, 1.0)
    assert difference_of_shares(0.0, 0, 0.0, 0) == (-1.0, 1.0)


@given(st.floats(0, 1), st.floats(0, 1e6))
def test_a_share_lies_in_its_own_interval(share, n):
    low, high = share_interval(share, n)
    assert 0 <= low <= share <= high <= 1


@given(st.floats(0, 1), st.floats(0.5, 1e5), st.floats(0, 1), st.floats(0.5, 1e5))
def test_the_difference_lies_in_its_interval_and_turns_round_with_it(a, n_a, b, n_b):
    low, high = difference_of_shares(a, n_a, b, n_b)
    assert -1 <= low <= a - b + 1e-12
    assert a - b - 1e-12 <= high <= 1
    assert difference_of_shares(b, n_b, a, n_a) == pytest.approx((-high, -low))


def test_equal_values_do_not_give_a_point():
    low, high = mean_interval([0.8] * 5, [1] * 5)
    assert low < 0.5 < 0.8 < high <= 1
    low, high = difference_of_means(weighted_moments([0.8] * 5, [1] * 5), weighted_moments([0.8] * 5, [1] * 5))
    assert low < -0.3 < 0.3 < high


def test_one_person_who_says_it_ten_times_is_one_person():
    values = np.linspace(-0.5, 0.5, 10)
    alone = mean_interval(values, np.ones(10))
    together = mean_interval(values, np.ones(10), clusters=["a"] * 10)
    assert together[0] < alone[0] < alone[1] < together[1]


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_an_impossible_share_is_refused(share):
    with pytest.raises(BadInput, match="outside 0 to 1"):
        share_interval(share, 10)


@pytest.mark.parametrize("level", [0, 1, 95])
def test_an_impossible_level_is_refused(level):
    with pytest.raises(BadInput, match="between 0 and 1"):
        share_interval(0.5, 10, level)


def test_values_and_weights_of_different_lengths_are_refused():
    with pytest.raises(BadInput, match="one value and one weight"):
        mean_interval([0.1, 0.2], [1.0])


def test_a_share_is_covered_as_often_as_promised_with_unequal_weights():
    rng = np.random.default_rng(1)
    truth = rng.uniform(0.1, 0.9, 4000)
    weights = rng.lognormal(0, 0.6, (4000, 200))
    said = rng.random((4000, 200)) < truth[:, None]
    n = weights.sum(1) ** 2 / (weights**2).sum(1)
    low, high = share_intervals((weights * said).sum(1) / weights.sum(1), n)
    assert 0.93 <= ((low <= truth) & (truth <= high)).mean() <= 0.97


def test_a_mean_is_covered_as_often_as_promised_with_weights_and_people_who_answer_again():
    rng = np.random.default_rng(2)
    people = np.repeat(np.arange(120), np.tile([1, 1, 2, 4], 30))
    hits = 0
    for _ in range(2000):
        tone = np.clip(rng.normal(0.1, 0.4, 120), -1, 1)[people]
        low, high = mean_interval(tone, rng.lognormal(0, 0.4, 120)[people], people)
        hits += low <= 0.0987 <= high  # mean of that clipped normal, from 5 million draws
    assert 0.93 <= hits / 2000 <= 0.97


def test_a_difference_of_shares_is_covered_as_often_as_promised():
    rng = np.random.default_rng(3)
    first, second = rng.uniform(0.1, 0.9, (2, 3000))
    hits = [
        low <= a - b <= high
        for a, b in zip(first, second, strict=True)
        for low, high in [difference_of_shares(rng.binomial(60, a) / 60, 60, rng.binomial(90, b) / 90, 90)]
    ]
    assert 0.93 <= np.mean(hits) <= 0.97


def test_a_difference_of_means_is_covered_as_often_as_promised():
    rng = np.random.default_rng(4)
    hits = 0
    for _ in range(2000):
        a, b = rng.uniform(-0.9, 0.5, 40), rng.uniform(-0.3, 0.7, 80)
        low, high = difference_of_means(weighted_moments(a, np.ones(40)), weighted_moments(b, np.ones(80)))
        hits += low <= -0.4 <= high
    assert 0.93 <= hits / 2000 <= 0.97
