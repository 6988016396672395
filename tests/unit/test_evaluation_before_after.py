"""Before and after: it recovers a known change, claims no more than it may, and says so in plain words."""

import importlib.util
from datetime import date

import numpy as np
import pandas as pd
import pytest

from commsapp import bundled
from commsapp.errors import BadInput
from commsapp.evaluation.diagnostics import sample_composition
from commsapp.evaluation.effect import Expected
from commsapp.evaluation.methods import METHODS
from commsapp.evaluation.methods.before_after import before_after
from commsapp.planning import wording

UP = Expected("up", smallest=0.05, target=0.10, by=date(2026, 2, 28))


def wave(yes, n, **columns):
    return pd.DataFrame({"said": [1] * yes + [0] * (n - yes)} | columns, index=range(n))


def measure(before, after, expected=UP, **more):
    return before_after(before, after, outcome="said", expected=expected, **more)


def test_it_gives_newcombes_published_interval():
    effect = measure(wave(48, 80), wave(56, 70))
    assert (effect.low, effect.high) == pytest.approx((0.0524, 0.3339), abs=6e-5)
    assert effect.estimate == pytest.approx(0.2)
    assert effect.verdict == "association only"
    assert effect.p_value == pytest.approx(0.00804, abs=2e-5)  # pooled z test by hand: 0.2 / 0.075467 = 2.650


def test_a_known_change_is_recovered_as_often_as_promised():
    rng = np.random.default_rng(7)
    effects = [measure(wave(rng.binomial(300, 0.42), 300), wave(rng.binomial(300, 0.56), 300)) for _ in range(250)]
    assert np.mean([effect.estimate for effect in effects]) == pytest.approx(0.14, abs=0.01)
    assert 0.92 <= np.mean([effect.low <= 0.14 <= effect.high for effect in effects]) <= 0.98
    assert {effect.verdict for effect in effects} <= {"association only", "too little data"}


def test_it_recovers_the_change_that_was_drawn_into_the_sample_survey():
    folder = bundled.campaigns() / "sample"
    spec = importlib.util.spec_from_file_location("draw_survey", folder / "draw_survey.py")
    drawing = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(drawing)
    survey = pd.read_csv(folder / "survey.csv", parse_dates=["date"])
    survey["said"] = survey[drawing.QUESTION_HEARD] == "Yes"
    there = survey[survey["area"].isin(drawing.CAMPAIGN_AREAS)]
    effect = measure(there[there["date"].dt.month == 11], there[there["date"].dt.month == 2])
    assert effect.low <= drawing.EFFECT[3] + drawing.DRIFT[3] <= effect.high
    assert effect.verdict == "association only"


def test_a_change_the_wrong_way_is_said_plainly():
    effect = measure(wave(200, 400), wave(140, 400))
    assert effect.verdict == "backfire"
    text = " ".join(effect.sentences())
    assert "moved the wrong way" in text
    assert "backfire" not in text


def test_no_sentence_ever_says_that_the_campaign_caused_it():
    for yes in (20, 150, 200, 260):
        text = " ".join(measure(wave(150, 400), wave(yes, 400)).sentences())
        assert "caused" not in text
        assert "It moved the intended way, the design" not in text


def test_too_little_data_says_what_would_have_been_enough():
    effect = measure(wave(12, 40), wave(14, 40))
    assert effect.verdict == "too little data"
    assert effect.enough > 1000
    assert f"About {wording.about(effect.enough):,} responses in each wave" in " ".join(effect.sentences())


def test_a_number_that_would_be_enough_is_rounded_up_and_never_down():
    assert [wording.about(number) for number in (0, 7, 30, 99, 101, 4_321, 4_300, 99_001)] == [
        0,
        7,
        30,
        99,
        110,
        4_400,
        4_300,
        100_000,
    ]


def test_a_change_smaller_than_what_matters_is_called_so():
    effect = measure(wave(6000, 12000), wave(6010, 12000))
    assert effect.verdict == "no detectable change"
    assert "smaller than 5 points" in " ".join(effect.sentences())


def test_without_a_smallest_change_it_says_what_it_could_have_seen():
    effect = measure(wave(150, 300), wave(155, 300), Expected("up"))
    assert effect.verdict == "no detectable change"
    assert f"{round(100 * effect.could_have_seen, 1):g} points or more would have been seen" in " ".join(effect.sentences())


def test_a_handful_of_responses_never_moves():
    effect = measure(wave(0, 20), wave(20, 20), Expected("up"))
    assert effect.verdict == "too little data"
    assert effect.enough == 30


def test_an_empty_wave_is_too_little_data():
    effect = measure(wave(0, 0), wave(20, 40))
    assert effect.verdict == "too little data"
    assert np.isnan(effect.estimate)
    assert "no response" in effect.sentences()[0]


def test_people_who_answer_again_and_weights_widen_the_interval():
    plain = measure(wave(150, 300), wave(180, 300))
    people = [f"p{i % 100}" for i in range(300)]
    again = measure(wave(150, 300, respondent=people), wave(180, 300, respondent=people))
    assert again.design_effect == pytest.approx(3)
    assert again.high - again.low > 1.5 * (plain.high - plain.low)


def test_two_comments_of_one_response_are_one_response():
    twice = measure(wave(30, 100, response_id=[i // 2 for i in range(100)], respondent=""), wave(30, 100))
    assert (twice.n_before, twice.n_effective_before) == (50, pytest.approx(50))
    assert (twice.n_after, twice.n_effective_after) == (100, pytest.approx(100))


def test_tone_is_compared_as_a_mean():
    rng = np.random.default_rng(8)
    before, after = (pd.DataFrame({"said": np.clip(rng.normal(mean, 0.3, 300), -1, 1)}) for mean in (-0.2, 0.0))
    effect = measure(before, after, Expected("up", smallest=0.1, target=0.3), measure="tone")
    assert effect.low <= 0.2 <= effect.high
    assert effect.verdict == "association only"
    assert "points" not in " ".join(effect.sentences())
    assert "falls short" in " ".join(effect.sentences())


def test_other_people_in_the_second_wave_are_noticed():
    ages = {"attribute:age": ["16-24"] * 150 + ["65+"] * 150}
    older = {"attribute:age": ["16-24"] * 60 + ["65+"] * 240}
    effect = measure(wave(150, 300, **ages), wave(200, 300, **older))
    found = {diagnostic.name: diagnostic for diagnostic in effect.diagnostics}
    assert found["sample composition"].outcome == "fail"
    assert "age" in " ".join(effect.sentences())
    assert found["pre-trend"].outcome == "does not apply"
    assert found["enough in each wave"].outcome == "pass"


def test_the_same_kind_of_people_are_rarely_called_different():
    rng = np.random.default_rng(9)
    draw = lambda: pd.DataFrame({"area": rng.choice(list("abcdefghij"), 500), "channel": "survey"})  # noqa: E731
    outcomes = [sample_composition(draw(), draw(), ("area", "channel")).passed for _ in range(200)]
    assert np.mean(outcomes) > 0.95


def test_composition_does_not_apply_where_nothing_is_known():
    assert sample_composition(wave(1, 2), wave(1, 2), ("area",)).passed is None


def test_feedback_of_people_who_chose_themselves_is_not_called_people():
    effect = measure(wave(150, 300, chosen="opt-in"), wave(200, 300, chosen="random"))
    assert "shares of the feedback, not of people" in " ".join(effect.sentences())


def test_the_table_has_an_interval_and_n_in_every_row():
    table = measure(wave(48, 80), wave(56, 70)).table()
    assert list(table["figure"]) == ["before", "after", "change"]
    assert table.notna().all(axis=None)
    assert (table["low"] <= table["value"]).all()


def test_rows_without_an_outcome_are_left_out():
    before = wave(10, 40).astype({"said": "Int64"})
    before.loc[39, "said"] = pd.NA
    assert measure(before, wave(10, 40)).n_before == 39


@pytest.mark.parametrize(
    ("frame", "says"), [(wave(1, 2) * 2, "holds 2"), (pd.DataFrame({"said": ["Yes"]}), "words"), (pd.DataFrame(), "no column")]
)
def test_outcomes_of_another_scale_are_refused(frame, says):
    with pytest.raises(BadInput, match=says):
        measure(wave(1, 2), frame)


@pytest.mark.parametrize(
    "wrong", [{"direction": "left"}, {"direction": "up", "smallest": -0.1}, {"direction": "up", "target": 0}]
)
def test_an_expected_effect_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(BadInput):
        Expected(**wrong)


def test_every_method_states_its_minima_and_what_it_can_say_at_most():
    for name, method in METHODS.items():
        assert method.design == name
        assert method.minima
        assert method.at_most
