"""The verdict: its exact words, its order, and that it never hides harm."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commsapp.errors import BadInput
from commsapp.evaluation.diagnostics import Diagnostic
from commsapp.evaluation.verdict import BEFORE_AFTER, STRENGTHS, Verdict, strength_of, verdict

PASS, FAIL, NONE = (Diagnostic("pre-trend", passed, "") for passed in (True, False, None))
DESIGNS = [design for equals in STRENGTHS for design in equals]

ends = st.floats(-1, 1)
situations = st.fixed_dictionaries(
    {
        "direction": st.sampled_from(["up", "down"]),
        "smallest": st.none() | st.floats(0.001, 0.5),
        "minima_met": st.booleans(),
        "diagnostics": st.lists(st.sampled_from([PASS, FAIL, NONE])),
        "design": st.sampled_from(DESIGNS),
    }
)


def judge(low, high, direction="up", smallest=0.05, minima_met=True, diagnostics=(), design="randomised"):
    return verdict((low + high) / 2, low, high, direction, smallest, minima_met, diagnostics, design)


def test_the_words_are_those_that_others_rely_on():
    words = ["backfire", "moved", "association only", "too little data", "no detectable change"]
    assert [str(each) for each in Verdict] == words


@given(st.tuples(ends, ends).map(sorted), situations)
def test_a_harmful_interval_is_never_hidden_and_never_invented(interval, situation):
    low, high = interval
    harmful = high < 0 if situation["direction"] == "up" else low > 0
    assert (judge(low, high, **situation) == Verdict.BACKFIRE) == harmful


@given(st.tuples(ends, ends).map(sorted), situations)
def test_up_and_down_are_judged_alike(interval, situation):
    low, high = interval
    other = {"up": "down", "down": "up"}[situation["direction"]]
    assert judge(low, high, **situation) == judge(-high, -low, **(situation | {"direction": other}))


@given(st.tuples(ends, ends).map(sorted), situations)
def test_moved_needs_an_intended_interval_minima_diagnostics_and_more_than_before_and_after(interval, situation):
    low, high = interval
    intended = low > 0 if situation["direction"] == "up" else high < 0
    clean = situation["minima_met"] and FAIL not in situation["diagnostics"] and situation["design"] != BEFORE_AFTER
    assert (judge(low, high, **situation) == Verdict.MOVED) == (intended and clean)


@pytest.mark.parametrize(
    ("low", "high", "situation", "expected"),
    [
        (0.01, 0.10, {}, "moved"),
        (0.01, 0.10, {"diagnostics": [PASS, NONE]}, "moved"),
        (0.01, 0.10, {"diagnostics": [PASS, FAIL]}, "association only"),
        (0.01, 0.10, {"design": BEFORE_AFTER}, "association only"),
        (0.01, 0.10, {"minima_met": False}, "too little data"),
        (-0.10, -0.01, {"minima_met": False, "design": BEFORE_AFTER}, "backfire"),
        (-0.10, -0.01, {"direction": "down"}, "moved"),
        (-0.02, 0.05, {}, "too little data"),
        (-0.05, 0.02, {}, "too little data"),
        (0.0, 0.09, {}, "too little data"),
        (-0.04, 0.04, {}, "no detectable change"),
        (-0.04, 0.04, {"minima_met": False}, "too little data"),
        (-0.40, 0.40, {"smallest": None}, "no detectable change"),
        (math.nan, math.nan, {}, "too little data"),
    ],
)
def test_the_first_rule_that_fits_wins(low, high, situation, expected):
    assert judge(low, high, **situation) == expected


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"direction": "sideways"}, "neither up nor down"),
        ({"smallest": 0}, "not above 0"),
        ({"design": "a hunch"}, "no design 'a hunch'"),
        ({"low": 0.2, "high": 0.1}, "ends before it begins"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(wrong, says):
    with pytest.raises(BadInput, match=says):
        judge(**({"low": -0.1, "high": 0.1} | wrong))


def test_before_and_after_is_the_weakest_design():
    assert strength_of(BEFORE_AFTER).startswith("weakest")
    assert strength_of("randomised").startswith("strongest")
    with pytest.raises(BadInput):
        strength_of("a hunch")
