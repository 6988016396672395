"""What is new in a wave is found, and rarely where nothing is."""

from __future__ import annotations

import numpy as np
import pytest

from commsapp.textmodels.codebook import NO_TOPIC, CodebookDraft, TopicDraft, make_codebook
from commsapp.textmodels.emerging import FALSE_ALARMS, Emerging, emerging
from commsapp.textmodels.topics import assign

DIMENSIONS = 32
MIDDLES = np.eye(6, DIMENSIONS, dtype=np.float32)


def heap(number: int, count: int, random: np.random.Generator) -> np.ndarray:
    rows = MIDDLES[number] + random.normal(0, 0.1, (count, DIMENSIONS))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def noise(count: int, random: np.random.Generator) -> np.ndarray:
    rows = random.normal(size=(count, DIMENSIONS))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


@pytest.fixture(scope="module")
def codebook() -> CodebookDraft:
    topics = [TopicDraft(k, f"Topic {k}", (), MIDDLES[k], 0, (), MIDDLES[k : k + 1]) for k in range(3)]
    return make_codebook(encoder_version="e", granularity="medium", topics=topics, threshold=0.6)


def heard(random: np.random.Generator, count: int = 300) -> np.ndarray:
    """Comments about three topics, some about nothing, some about a fourth thing that always was there."""
    return np.concatenate(
        [*(heap(k, count // 4, random) for k in range(3)), noise(count // 5, random), heap(3, count // 20, random)]
    )


def test_what_nobody_spoke_of_before_is_found_with_the_comments_that_speak_of_it(codebook: CodebookDraft) -> None:
    random = np.random.default_rng(1)
    wave = np.concatenate([heard(random), heap(5, 24, random)])
    first = emerging(codebook, wave, heard(random, 900))[0]
    assert first.new
    assert first.share > 0.03 > first.before
    assert set(first.rows) <= set(range(len(wave)))
    assert sum(row >= len(wave) - 24 for row in first.rows) >= 20
    assert first.prototypes.shape[1] == DIMENSIONS


def test_what_fitted_no_topic_before_is_not_new_now(codebook: CodebookDraft) -> None:
    random = np.random.default_rng(2)
    found = emerging(codebook, heard(random), heard(random, 900))
    assert found
    assert not any(one.new for one in found)


def test_false_alarms_are_as_rare_as_is_said(codebook: CodebookDraft) -> None:
    alarms = 0
    for seed in range(60):
        random = np.random.default_rng([3, seed])
        alarms += any(one.new for one in emerging(codebook, heard(random, 200), heard(random, 400), seed=seed))
    assert alarms <= 60 * FALSE_ALARMS + 2.6 * (60 * FALSE_ALARMS * (1 - FALSE_ALARMS)) ** 0.5


def test_comments_that_people_sorted_are_in_no_group_and_count_for_its_share_as_before(codebook: CodebookDraft) -> None:
    random = np.random.default_rng(1)
    wave, before = np.concatenate([heard(random), heap(5, 24, random)]), heard(random, 900)
    by_codebook = assign(codebook, wave).topic == NO_TOPIC
    whole = emerging(codebook, wave, before)
    assert [one.rows for one in emerging(codebook, wave, before, by_codebook)] == [one.rows for one in whole]
    one, tins = whole[0], np.arange(len(wave) - 24, len(wave))
    some, unfit = emerging(codebook, wave, before, by_codebook & ~np.isin(np.arange(len(wave)), tins[:6]))[0], by_codebook.copy()
    assert some.new and not set(some.rows) & set(tins[:6]) and some.share == one.share and some.before == one.before
    unfit[tins] = False
    assert not any(set(group.rows) & set(tins) or group.new for group in emerging(codebook, wave, before, unfit))


def test_a_comment_that_people_say_fits_no_topic_may_be_of_a_group(codebook: CodebookDraft) -> None:
    random = np.random.default_rng(6)
    wave, before = heard(random), heard(random, 900)
    unfit = np.arange(len(wave)) < 75  # all of the first topic
    found = emerging(codebook, wave, before, unfit)
    members = [row for group in found for row in group.rows]
    assert set(members) <= set(range(75)) and len(members) > 60
    assert not any(group.new for group in found)  # it was as frequent before


def test_the_same_comments_give_the_same_groups(codebook: CodebookDraft) -> None:
    random = np.random.default_rng(4)
    wave, before = np.concatenate([heard(random), heap(5, 24, random)]), heard(random, 900)
    one, other = (emerging(codebook, wave, before) for _ in range(2))
    assert [group.rows for group in one] == [group.rows for group in other]


@pytest.mark.parametrize(("now", "before"), [(0, 50), (3, 50), (50, 0), (50, 4)])
def test_too_little_to_compare_gives_no_group(codebook: CodebookDraft, now: int, before: int) -> None:
    random = np.random.default_rng(5)
    rows = heap(0, 100, random)
    assert emerging(codebook, rows[:now], rows[:before]) == ()


def test_how_many_times_as_frequent_is_infinite_where_nothing_was_heard() -> None:
    group = Emerging((1,), MIDDLES[0], MIDDLES[:1], share=0.1, before=0.0, chance=0.01)
    assert group.times == float("inf")
