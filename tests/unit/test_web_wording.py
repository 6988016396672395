from __future__ import annotations

from datetime import date

import pytest

from commsapp.web import wording


@pytest.mark.parametrize(
    ("share", "digits", "words"),
    [
        (0.337, 0, "34\u00a0%"),
        (0.0, 0, "0\u00a0%"),
        (-0.001, 0, "0\u00a0%"),
        (-0.061, 1, "\u22126.1\u00a0%"),
        (1, 0, "100\u00a0%"),
    ],
)
def test_a_share_is_worded_in_per_cent_without_a_minus_on_zero(share: float, digits: int, words: str) -> None:
    assert wording.percent(share, digits) == words


@pytest.mark.parametrize(
    ("difference", "words"),
    [
        (0.06, "+6\u00a0percentage points"),
        (-0.06, "\u22126\u00a0percentage points"),
        (0.01, "+1\u00a0percentage point"),
        (0.0, "0\u00a0percentage points"),
        (12.0, "+1,200\u00a0percentage points"),
    ],
)
def test_a_difference_of_shares_is_worded_in_points_with_its_sign(difference: float, words: str) -> None:
    assert wording.points(difference) == words


def test_a_mean_tone_carries_its_sign() -> None:
    assert [wording.signed(value) for value in (0.123, -0.2, -0.001)] == ["+0.12", "\u22120.20", "0.00"]


def test_a_figure_is_worded_with_its_interval() -> None:
    assert wording.figure(0.34, 0.28, 0.4) == "34\u00a0% (28 to 40\u00a0%)"
    assert wording.figure(-0.12, -0.2, 0.04, "tone") == "\u22120.12 (\u22120.20 to +0.04)"


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ("random", "of people"),
        ("quota", "of people"),
        ("share of people", "of people"),
        ("opt-in", "of feedback"),
        ("everything", "of feedback"),
        ("share of feedback", "of feedback"),
        ("", "of feedback"),
    ],
)
def test_only_drawn_samples_speak_of_people(chosen: str, words: str) -> None:
    assert wording.of_whom(chosen) == words


def test_counts_days_and_sizes_read_as_people_say_them() -> None:
    assert wording.count(1, "comment") == "1\u00a0comment"
    assert wording.count(1412, "reply", "replies") == "1,412\u00a0replies"
    assert wording.day(date(2026, 3, 4)) == "4 March 2026"
    assert wording.slug("Share of topics, by wave!") == "share-of-topics-by-wave"
    assert [wording.size(amount) for amount in (200_000, 5_500_000, 2 * 10**9)] == ["200\u00a0kB", "5.5\u00a0MB", "2\u00a0GB"]
