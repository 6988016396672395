"""Listening results on a handful of records that can be counted by hand, and on many at once."""

import time

import numpy as np
import pandas as pd
import pytest

from commsapp.errors import BadInput
from commsapp.listening.measuring import COLUMNS, listening_results
from commsapp.statistics.intervals import mean_interval, share_interval

WAVES = pd.DataFrame(
    {
        "name": ["first", "second"],
        "start": pd.to_datetime(["2025-09-01", "2025-09-15"]).date,
        "end": pd.to_datetime(["2025-09-30", "2025-10-15"]).date,
    }
)


def records(n, **columns):
    given = {
        "response_id": range(n),
        "date": pd.Timestamp("2025-09-05"),
        "area": "Eastgate",
        "respondent": "",
        "weight": 1.0,
        "chosen": "random",
        "attribute:age": "16-24",
    }
    return pd.DataFrame(given | columns, index=range(n))


def comments(topic, positive=0.5, **columns):
    topics = pd.array(topic, dtype="Int64")
    coded = ~pd.isna(topics)
    tone = {"positive": np.where(coded, positive, np.nan), "negative": np.where(coded, 0.25, np.nan)}
    words = {
        "comment_id": range(len(topic)),
        "topic": topics,
        "topic_name": ["" if pd.isna(t) or t < 0 else {0: "scams", 1: "dealing"}[t] for t in topics],
        "neutral": np.where(coded, 0.25, np.nan),
        "not_coded_reason": np.where(coded, "", "language not read"),
    }
    return records(len(topic), **(tone | words | columns))


def answers(choice, question="Heard?", **columns):
    return records(len(choice), **({"question": question, "choice": choice} | columns))


NO_COMMENTS, NO_ANSWERS = comments([]), answers([])


def find(results, **where):
    where = {"item": "", "wave": "", "area": "", "segment": ""} | where
    found = results[np.logical_and.reduce([results[name] == value for name, value in where.items()])]
    assert len(found) == 1, found
    return found.iloc[0]


def test_a_topic_share_counts_every_coded_comment_and_says_what_was_not_coded():
    results = listening_results(comments([0, 0, 1, -1, None]), NO_ANSWERS, WAVES, codebook_version="2", model_version="m1")
    row = find(results, measure="topic share", item="scams")
    assert (row["value"], row["n"], row["n_effective"]) == (0.5, 4, 4)
    assert (row["low"], row["high"]) == pytest.approx(share_interval(0.5, 4))
    assert row["not_coded"] == {"language not read": 1}
    assert (row["codebook_version"], row["model_version"], row["corrected"]) == ("2", "m1", False)
    assert tuple(results.columns) == COLUMNS


def test_each_topic_has_a_tone_where_somebody_spoke_about_it():
    said = comments([0, 0, 1, -1, None], positive=[0.35, 0.45, 0.65, 0.25, 0], area=["Ash", "Ash", "Birch", "Ash", "Ash"])
    results = listening_results(said, NO_ANSWERS, WAVES, codebook_version="2", model_version="m1")
    tones = results[(results["measure"] == "topic tone") & (results["wave"] == "") & (results["segment"] == "")]
    found = {(row["item"], row["area"]): (round(row["value"], 9), row["n"]) for row in tones.to_dict("records")}
    scams, dealing = (0.15, 2), (0.4, 1)
    assert found == {("scams", ""): scams, ("scams", "Ash"): scams, ("dealing", ""): dealing, ("dealing", "Birch"): dealing}
    row = find(results, measure="topic tone", item="scams")
    assert (row["not_coded"], row["codebook_version"], row["model_version"]) == ({"language not read": 1}, "2", "m1")


def test_tone_is_the_mean_of_positive_minus_negative():
    results = listening_results(comments([0, 1, 1, None], positive=[0.3, 0.6, 0.75, 0]), NO_ANSWERS, WAVES)
    row = find(results, measure="tone")
    values = [0.05, 0.35, 0.5]
    assert row["value"] == pytest.approx(np.mean(values))
    assert (row["low"], row["high"]) == pytest.approx(mean_interval(values, [1, 1, 1]))
    assert row["n"] == 3


def felt(names, unsure=0.0, **columns):
    """Comments on scams in which emotions are heard; None is not coded."""
    coded = [name is not None for name in names]
    return comments([0 if known else pd.NA for known in coded], emotions=names, unsure=np.where(coded, unsure, np.nan), **columns)


def test_an_emotion_share_counts_the_comments_in_which_it_is_heard_and_several_may_be():
    given = felt(["anger; fear", "anger", "", None])
    results = listening_results(given, NO_ANSWERS, WAVES)
    found = {name: find(results, measure="emotion share", item=name) for name in ("anger", "fear", "joy")}
    assert {name: (row.value, row.n) for name, row in found.items()} == {
        "anger": (pytest.approx(2 / 3), 3),
        "fear": (pytest.approx(1 / 3), 3),
        "joy": (0, 3),
    }
    assert (found["anger"].low, found["anger"].high) == pytest.approx(tuple(share_interval(2 / 3, 3)))
    assert found["anger"].not_coded == {"language not read": 1}
    assert len(results[(results["measure"] == "emotion share") & (results["wave"] == "first")]) == 7 * 4


def test_emotions_on_a_topic_need_ten_responses():
    for n, there in ((9, False), (10, True)):
        results = listening_results(felt(["anger"] * n), NO_ANSWERS, WAVES, topics={0: "scams"})
        found = results[results["measure"] == "topic emotion share"]
        assert (len(found) > 0) is there
        assert (len(results[results["measure"] == "topic unsure share"]) > 0) is there
    assert find(results, measure="topic emotion share", item="scams: anger").value == 1
    assert find(results, measure="topic emotion share", item="scams: joy").value == 0


def test_the_unsure_share_stands_beside_the_tone_which_counts_them():
    results = listening_results(felt(["", "", "anger", ""], unsure=[1.0, 0, 0, 0]), NO_ANSWERS, WAVES)
    assert find(results, measure="unsure share").value == 0.25
    assert find(results, measure="unsure share").n == find(results, measure="tone").n == 4


def test_a_comment_without_emotions_yet_counts_as_not_coded():
    given = felt(["anger", "joy"]).assign(emotions=["anger", None], not_coded_reason=["", "not analysed yet"])
    results = listening_results(given, NO_ANSWERS, WAVES)
    assert find(results, measure="comments").not_coded == {"not analysed yet": 1}
    assert find(results, measure="emotion share", item="anger").n == 1
    assert find(results, measure="tone").n == 2


def test_emotions_that_nobody_looked_for_have_no_figure():
    assert not listening_results(comments([0, 0]), NO_ANSWERS, WAVES)["measure"].str.contains("emotion|unsure").any()


def test_a_count_of_comments_has_no_interval_and_counts_what_was_not_coded():
    row = find(listening_results(comments([0, None, None]), NO_ANSWERS, WAVES), measure="comments")
    assert row["value"] == row["low"] == row["high"] == row["n"] == 3
    assert row["not_coded"] == {"language not read": 2}


def test_a_cell_where_nothing_was_coded_keeps_its_comments_and_claims_no_share():
    results = listening_results(comments([0, None], area=["Eastgate", "Gwenlais"]), NO_ANSWERS, WAVES)
    assert set(results.loc[results["area"] == "Gwenlais", "measure"]) == {"comments"}


def test_a_choice_nobody_gave_in_a_cell_is_a_share_of_zero():
    results = listening_results(NO_COMMENTS, answers(["Yes", "No", "No"], area=["Eastgate", "Gwenlais", "Gwenlais"]), WAVES)
    row = find(results, measure="answer share", item="Heard?: Yes", area="Gwenlais")
    assert (row["value"], row["low"], row["n"]) == (0, 0, 2)
    assert row["high"] > 0.5


def test_a_topic_of_the_codebook_nobody_mentioned_is_a_share_of_zero():
    results = listening_results(comments([0, 0]), NO_ANSWERS, WAVES, topics={0: "scams", 7: "waste"})
    assert find(results, measure="topic share", item="waste")["value"] == 0


def test_who_was_asked_but_did_not_answer_is_counted_apart():
    row = find(
        listening_results(NO_COMMENTS, answers(["Yes", "", None, "No"]), WAVES), measure="answer share", item="Heard?: Yes"
    )
    assert (row["value"], row["n"], row["not_coded"]) == (0.5, 2, {"no answer": 2})


def test_a_response_with_several_ticks_is_one_response():
    several = answers(["A", "B", "A"], response_id=[1, 1, 2])
    row = find(listening_results(NO_COMMENTS, several, WAVES), measure="answer share", item="Heard?: B")
    assert (row["value"], row["n"]) == (0.5, 2)


def test_overlapping_waves_share_records_and_both_ends_belong_to_a_wave():
    dates = pd.to_datetime(["2025-09-01", "2025-09-15", "2025-09-30 23:59", "2025-10-15", "2025-10-16", None], format="ISO8601")
    results = listening_results(comments([0] * 6, date=dates), NO_ANSWERS, WAVES)
    assert find(results, measure="comments", wave="first")["value"] == 3
    assert find(results, measure="comments", wave="second")["value"] == 3
    assert find(results, measure="comments")["value"] == 6


def test_waves_areas_and_segments_combine_and_attributes_come_one_at_a_time():
    frame = comments([0, 0, 1], area=["Eastgate", "Gwenlais", ""], **{"attribute:gender": ["woman", None, "man"]})
    results = listening_results(frame, NO_ANSWERS, WAVES)
    assert set(results["segment"]) == {"", "age = 16-24", "gender = woman", "gender = man"}
    assert find(results, measure="topic share", item="dealing", segment="gender = man", wave="first")["value"] == 1
    assert find(results, measure="comments", area="Eastgate", segment="gender = woman", wave="first")["value"] == 1
    assert set(results["area"]) == {"", "Eastgate", "Gwenlais"}
    assert not ((results["area"] == "Gwenlais") & results["segment"].str.startswith("gender")).any()


def test_one_channel_where_people_chose_themselves_makes_it_a_share_of_feedback():
    frame = comments([0, 1, 0], area=["Eastgate", "Eastgate", "Gwenlais"], chosen=["random", "opt-in", "quota"])
    results = listening_results(frame, NO_ANSWERS, WAVES)
    assert find(results, measure="tone", area="Eastgate")["chosen"] == "share of feedback"
    assert find(results, measure="tone", area="Gwenlais")["chosen"] == "share of people"
    assert find(results, measure="tone")["chosen"] == "share of feedback"


def test_people_who_answer_again_and_unequal_weights_lower_the_effective_n():
    again = find(listening_results(comments([0, 0, 1], respondent=["k", "k", ""]), NO_ANSWERS, WAVES), measure="tone")
    assert (again["n"], again["n_effective"]) == (3, pytest.approx(9 / 5))
    weighted = find(
        listening_results(comments([0, 1], weight=[3.0, 1.0]), NO_ANSWERS, WAVES), measure="topic share", item="scams"
    )
    assert (weighted["value"], weighted["n_effective"]) == (0.75, pytest.approx(16 / 10))


def test_two_comments_of_one_response_are_one_response():
    row = find(listening_results(comments([0, 1], response_id=[5, 5]), NO_ANSWERS, WAVES), measure="topic share", item="scams")
    assert (row["value"], row["n"], row["n_effective"]) == (0.5, 1, 1)


def test_no_records_give_an_empty_table_with_all_columns():
    assert tuple(listening_results(NO_COMMENTS, NO_ANSWERS, WAVES).columns) == COLUMNS
    assert listening_results(comments([0]), NO_ANSWERS, WAVES.iloc[:0])["wave"].eq("").all()


def test_topic_shares_add_up_to_one_where_every_comment_has_a_topic():
    rng = np.random.default_rng(5)
    results = listening_results(comments(list(rng.integers(0, 2, 50)), weight=rng.lognormal(0, 1, 50)), NO_ANSWERS, WAVES)
    shares = results[results["measure"] == "topic share"].groupby(["wave", "area", "segment"])["value"].sum()
    assert shares.to_numpy() == pytest.approx(1)


def test_the_order_of_the_records_does_not_matter():
    frame = comments([0, 1, 0, -1], area=list("abab"), positive=[0.1, 0.2, 0.3, 0.4])
    kept = listening_results(frame, NO_ANSWERS, WAVES)
    turned = listening_results(frame.iloc[::-1], NO_ANSWERS, WAVES)
    pd.testing.assert_frame_equal(kept, turned)


@pytest.mark.parametrize(
    ("frame", "waves", "says"),
    [
        (comments([0]).drop(columns="weight"), WAVES, "no column 'weight'"),
        (comments([0], weight=-1.0), WAVES, "weights are missing, infinite or negative"),
        (comments([0], date="5 May"), WAVES, "year-month-day"),
        (comments([0], positive=7.0), WAVES, "probability"),
        (comments([0]), pd.concat([WAVES, WAVES]), "Two waves are called 'first'"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_a_sentence(frame, waves, says):
    with pytest.raises(BadInput, match=says):
        listening_results(frame, NO_ANSWERS, waves)


def test_twenty_thousand_comments_take_a_few_seconds():
    rng = np.random.default_rng(6)
    n = 20_000
    frame = comments(
        list(rng.integers(0, 2, n)),
        date=pd.Timestamp("2025-09-01") + pd.to_timedelta(rng.integers(0, 60, n), "D"),
        area=rng.choice([f"area {i}" for i in range(11)], n),
        **{"attribute:age": rng.choice(list("abcde"), n), "attribute:gender": rng.choice(list("wmo"), n)},
    )
    frame["topic"] = pd.array(rng.integers(0, 10, n), dtype="Int64")
    frame["topic_name"] = "topic " + frame["topic"].astype(str)
    waves = pd.DataFrame({"name": list("vwxyz"), "start": pd.Timestamp("2025-09-01"), "end": pd.Timestamp("2025-09-30")})
    start = time.perf_counter()
    assert (
        len(listening_results(frame, NO_ANSWERS, waves)) == 22 * 6 * 12 * 9
    )  # 10 shares and tones of topics, one tone and one count, in each cell
    assert time.perf_counter() - start < 6
