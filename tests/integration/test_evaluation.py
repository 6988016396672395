from dataclasses import replace
from datetime import date

import heard as sample
import pandas as pd
import pytest
import said

from commsapp.actor import Actor, HandlingLevel
from commsapp.errors import BadInput, NotFound
from commsapp.evaluation import service as evaluation
from commsapp.evaluation.comparing import Measurement, Question, measured
from commsapp.evaluation.outcomes import OUTCOME, outcomes
from commsapp.listening import service as listening
from commsapp.listening.views import Records, Wave
from commsapp.planning import service as planning
from commsapp.planning.campaigns import Campaign, ExpectedEffect
from commsapp.storage import organisations
from commsapp.storage.session import Sessions


def _fixed(sessions: Sessions, actor: Actor, heard: sample.Heard, **other: object) -> int:
    with sessions.writing() as session:
        planned = sample.campaign(session, actor, heard)
        message = sample.message(session, actor, heard, planned.id)
        planning.fix_expected_effect(session, actor, message_id=message.id, **sample.expectation(heard, **other))
    return message.id


def _measured(sessions: Sessions, actor: Actor, message_id: int, *, today: date = date(2026, 6, 1)) -> evaluation.EffectView:
    return evaluation.measure_effect(sessions, actor, message_id=message_id, today=today)


def test_the_known_change_is_found_and_is_never_more_than_an_association(sessions, actor):
    message_id = _fixed(sessions, actor, sample.programme(sessions, actor, after=0.6))
    effect = _measured(sessions, actor, message_id)
    assert effect.verdict == "association only"
    assert effect.headline == "It moved, but that is an association only"
    assert effect.estimate == pytest.approx(0.2)
    assert effect.low is not None and effect.high is not None and effect.low < 0.2 < effect.high
    assert effect.comparison == ("Expected +10 points by 28 February 2026, measured +20 points (95 % interval 12 to 27.6).")
    assert effect.table.set_index("figure").loc["change", "n"] == 600
    assert effect.context == ("Arrests in Ash, 5 January 2026",)


def test_the_other_areas_are_a_side_note_and_not_an_adjustment(sessions, actor):
    effect = _measured(sessions, actor, _fixed(sessions, actor, sample.programme(sessions, actor, after=0.6)))
    assert effect.other_areas.startswith("Over the same time it went from 40 % to 42 % in the other 2 areas: +2 points")
    assert "not adjusted" in effect.other_areas
    everywhere = _measured(sessions, actor, _fixed(sessions, actor, sample.programme(sessions, actor, name="All"), areas=()))
    assert everywhere.other_areas == ""


def test_a_change_the_wrong_way_is_said_so(sessions, actor):
    effect = _measured(sessions, actor, _fixed(sessions, actor, sample.programme(sessions, actor, after=0.2)))
    assert (effect.verdict, effect.headline) == ("backfire", "It moved the wrong way")
    assert "measured -20 points (95 % interval -" in effect.comparison


def test_without_a_wave_after_there_is_too_little_data_and_what_to_do(sessions, actor):
    effect = _measured(sessions, actor, _fixed(sessions, actor, sample.programme(sessions, actor, after=None)))
    assert effect.verdict == "too little data"
    assert effect.estimate is None and effect.table.empty
    assert "no wave that ends on or after 28 February 2026" in effect.sentences[0]
    assert effect.sentences[1].startswith("Ask the same question in Ash and Birch in a wave that ends on or after")


def test_a_wave_in_which_nothing_was_heard_is_too_little_data(sessions, actor):
    heard = sample.programme(sessions, actor, after=None)
    with sessions.writing() as session:
        listening.add_wave(session, actor, heard.programme_id, name="March", start=date(2026, 3, 1), end=date(2026, 3, 31))
    effect = _measured(sessions, actor, _fixed(sessions, actor, heard))
    assert effect.verdict == "too little data" and effect.after_wave == "March"
    assert effect.sentences[0] == "Nothing that could be measured was heard in Ash and Birch in March."


def test_an_expectation_fixed_after_the_start_is_said_with_the_verdict(sessions, actor):
    effect = _measured(sessions, actor, _fixed(sessions, actor, sample.programme(sessions, actor)))
    assert "fixed after the start" in effect.fixed_note
    assert effect.fixed_note in effect.sentences


def test_measuring_again_adds_a_measurement_and_the_latest_reads_as_it_was_returned(sessions, actor):
    message_id = _fixed(sessions, actor, sample.programme(sessions, actor))
    with sessions.reading() as session:
        assert evaluation.latest_effect(session, actor, message_id) is None
    first, second = _measured(sessions, actor, message_id), _measured(sessions, actor, message_id)
    with sessions.reading() as session:
        found = evaluation.effects(session, actor, message_id)
        latest = evaluation.latest_effect(session, actor, message_id)
    assert found == [second, first]
    assert latest is not None and latest == second
    pd.testing.assert_frame_equal(latest.table, second.table)


def test_a_verdict_before_the_wave_after_has_ended_says_first_that_it_is_provisional(sessions, actor):
    message_id = _fixed(sessions, actor, sample.programme(sessions, actor))
    early = _measured(sessions, actor, message_id, today=date(2026, 2, 28))
    late = _measured(sessions, actor, message_id, today=date(2026, 3, 1))
    assert early.sentences[0] == early.provisional
    assert early.provisional == (
        "The wave after ends on 28 February 2026: this is provisional, and looking often finds changes that aren't there."
    )
    assert late.provisional == ""


def test_each_measurement_after_the_first_says_which_it_is(sessions, actor):
    message_id = _fixed(sessions, actor, sample.programme(sessions, actor))
    first, second, third = (_measured(sessions, actor, message_id) for _ in range(3))
    assert not any(sentence.startswith("Measurement") for sentence in first.sentences)
    assert (second.sentences[0], third.sentences[0]) == ("Measurement 2 of this effect.", "Measurement 3 of this effect.")


def test_others_can_write_while_an_effect_is_computed(sessions: Sessions, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = sample.programme(sessions, actor)
    message_id = _fixed(sessions, actor, heard)
    meanwhile = sample.writes_meanwhile(sessions, actor, heard.programme_id)

    def computed(question: Question) -> Measurement:
        assert sessions.engine.pool.checkedout() == 0, "no transaction is open while it computes"  # type: ignore[attr-defined]
        meanwhile()
        return measured(question)

    monkeypatch.setattr(evaluation, "measured", computed)
    assert _measured(sessions, actor, message_id).verdict == "association only"
    with sessions.reading() as session:
        assert "Meanwhile" in [area.name for area in listening.areas(session, actor, heard.programme_id)]


def test_a_measurement_that_was_overtaken_while_it_computed_counts_the_other(sessions, actor, monkeypatch):
    message_id = _fixed(sessions, actor, sample.programme(sessions, actor))

    def computed(question: Question) -> Measurement:
        monkeypatch.setattr(evaluation, "measured", measured)
        _measured(sessions, actor, message_id)
        return measured(question)

    monkeypatch.setattr(evaluation, "measured", computed)
    assert _measured(sessions, actor, message_id).sentences[0] == "Measurement 2 of this effect."


def test_a_topic_is_measured_only_in_the_codebook_in_which_it_was_fixed(sessions, actor):
    heard = sample.programme(sessions, actor)
    said.add(sessions, actor, heard.programme_id)
    message_id = _fixed(sessions, actor, heard, measure="topic share", item="Scam calls", areas=())
    with sessions.reading() as session:
        message = planning.message(session, actor, message_id)
    assert message.expected is not None and message.expected.codebook_version == "version 1 (01234567)"
    _measured(sessions, actor, message_id)
    said.find_topics_again(sessions, actor, heard.programme_id)
    with pytest.raises(BadInput) as refused:
        _measured(sessions, actor, message_id)
    assert str(refused.value) == (
        "The topic ‘Scam calls’ was fixed in codebook version 1 (01234567), but version 2 (fedcba98) is in use, "
        "so its change can't be measured. Plan a new message on the topics in use."
    )


def test_a_message_without_an_expectation_cannot_be_measured(sessions, actor):
    heard = sample.programme(sessions, actor)
    with sessions.writing() as session:
        planned = sample.campaign(session, actor, heard)
        message = sample.message(session, actor, heard, planned.id)
    with pytest.raises(BadInput, match="Fix the expected effect first"):
        _measured(sessions, actor, message.id)


def test_another_organisation_can_neither_measure_nor_read(sessions, actor):
    message_id = _fixed(sessions, actor, sample.programme(sessions, actor))
    _measured(sessions, actor, message_id)
    with sessions.writing() as session:
        other = replace(actor, organisation_id=organisations.add_organisation(session, name="Elsewhere").id, person_id=None)
    with sessions.reading() as session:
        assert evaluation.latest_effect(session, other, message_id) is None
    with pytest.raises(NotFound):
        _measured(sessions, other, message_id)


WAVES = (
    Wave(1, "November", date(2025, 11, 1), date(2025, 11, 30)),
    Wave(2, "January", date(2026, 1, 1), date(2026, 1, 31)),
    Wave(3, "February", date(2026, 2, 1), date(2026, 2, 28)),
    Wave(4, "March", date(2026, 3, 1), date(2026, 3, 31)),
)


def _comments() -> pd.DataFrame:
    """Scams: 10 of 50 comments in November, 30 of 50 in February; one more in each that was not coded."""
    rows = []
    for day, scams, tone in ((date(2025, 11, 5), 10, -0.4), (date(2026, 2, 5), 30, 0.2)):
        for number in range(51):
            coded = number < 50
            rows.append(
                {
                    "response_id": len(rows),
                    "comment_id": len(rows),
                    "date": day,
                    "area": "Ash",
                    "respondent": "",
                    "weight": 1.0,
                    "chosen": "opt-in",
                    "attribute:age": "16-24" if number % 2 else "25+",
                    "topic": (0 if number < scams else 1) if coded else pd.NA,
                    "topic_name": ("Scams" if number < scams else "Drugs") if coded else "",
                    "negative": (0.5 - tone / 2) if coded else None,
                    "neutral": 0.0,
                    "positive": (0.5 + tone / 2 - 0.2 * (number % 2)) if coded else None,
                    "not_coded_reason": "" if coded else "language not read",
                }
            )
    return pd.DataFrame(rows).astype({"topic": "Int64", "negative": "float64", "positive": "float64"})


ANSWER_COLUMNS = ["response_id", "date", "area", "respondent", "weight", "chosen", "question", "choice"]


def _question(measure: str, item: str, direction: str = "up") -> Question:
    expected = ExpectedEffect(
        **{"id": 1, "message_id": 1, "measure": measure, "item": item, "areas": ("Ash",), "segment": ""},
        **{"direction": direction, "target_difference": 0.3, "smallest": 0.1, "by": sample.BY},
        **{"before_wave_id": 1, "after_wave_id": None, "fixed_note": ""},
        fixed_at=pd.Timestamp("2025-11-30", tz="UTC").to_pydatetime(),
    )
    campaign = Campaign(1, 1, "C", "deterrence", "", sample.START, sample.END, ("Ash",), "More.")
    records = Records(_comments(), pd.DataFrame(columns=ANSWER_COLUMNS), pd.DataFrame(columns=["name", "start", "end"]))
    return Question(expected, campaign, records, WAVES, (), today=date(2026, 6, 1))


def test_a_topic_is_measured_without_what_was_not_coded_and_that_is_counted():
    found = measured(_question("topic share", "Scams"))
    assert found.estimate == pytest.approx(0.4)
    assert found.detail["after_wave"] == "February", "the first wave that ends on or after the day is taken"
    assert "2 comments of these waves could not be coded and are left out (language not read: 2)." in found.detail["sentences"]
    assert any("shares of the feedback, not of people" in sentence for sentence in found.detail["sentences"])


def test_tone_is_measured_on_its_own_scale():
    found = measured(_question("tone", ""))
    assert found.estimate == pytest.approx(0.6, abs=0.001)
    assert "measured +0.6 on the scale of tone (95 % interval 0.56 to 0.64)" in found.detail["comparison"]


def test_several_ticks_of_one_person_count_that_person_once():
    rows = [
        (1, "Which: of these?", "Bank: the one"),
        (1, "Which: of these?", "Police"),
        (2, "Which: of these?", "Police"),
        (3, "Which: of these?", "  "),
        (4, "Another?", "Police"),
    ]
    answers = pd.DataFrame(rows, columns=["response_id", "question", "choice"]).assign(
        date=date(2026, 2, 1), area="", respondent="", weight=1.0, chosen="random"
    )
    records = Records(_comments(), answers, pd.DataFrame())
    found = outcomes(records, measure="answer share", item="Which: of these?: Bank: the one").table
    assert found.set_index("response_id")[OUTCOME].to_dict() == {1: 1.0, 2: 0.0}


def test_who_was_asked_and_did_not_answer_is_left_out_and_said():
    rows = [(1, "Heard?", "Yes"), (2, "Heard?", ""), (3, "Heard?", ""), (4, "Another?", "")]
    answers = pd.DataFrame(rows, columns=["response_id", "question", "choice"]).assign(
        date=date(2026, 2, 1), not_coded_reason=["", "no answer", "no consent to analyse", "no answer"]
    )
    found = outcomes(Records(_comments(), answers, pd.DataFrame()), measure="answer share", item="Heard?: Yes")
    assert found.table["response_id"].tolist() == [1]
    assert found.not_coded.set_index("response_id")["not_coded_reason"].to_dict() == {2: "no answer", 3: "no consent to analyse"}


def test_a_wave_that_is_made_later_does_not_move_the_comparison(sessions, actor):
    heard = sample.programme(sessions, actor, after=0.6)
    message_id = _fixed(sessions, actor, heard, after_wave_id=None, by=date(2026, 1, 20))
    first = _measured(sessions, actor, message_id)
    assert first.after_wave == "February"
    with sessions.writing() as session:
        listening.add_wave(session, actor, heard.programme_id, name="Late", start=date(2026, 1, 5), end=date(2026, 1, 25))
    again = _measured(sessions, actor, message_id)
    assert (again.after_wave, again.estimate) == ("February", first.estimate)


def test_an_effect_is_the_same_whoever_measures_it(sessions, actor):
    heard = sample.programme(sessions, actor, after=0.6)
    said.add(sessions, actor, heard.programme_id)
    item = {"measure": "topic share", "item": "Scam calls", "areas": ()}
    message_id = _fixed(sessions, actor, heard, **item)
    one = _measured(sessions, actor, message_id)
    other = _measured(sessions, replace(actor, handling_levels=frozenset({HandlingLevel.OPEN})), message_id)
    assert (one.estimate, one.low, one.high) == (other.estimate, other.low, other.high)


def test_a_segment_narrows_both_what_counts_and_what_was_left_out():
    found = outcomes(_question("topic share", "Scams").records, measure="topic share", item="Scams", segment="age = 16-24")
    assert (len(found.table), len(found.not_coded)) == (50, 0)
    assert outcomes(_question("tone", "").records, measure="tone", item="", segment="sex = woman").table.empty


def test_a_count_of_comments_cannot_be_measured_so():
    with pytest.raises(BadInput, match="A change of 'comments' can't be measured"):
        outcomes(_question("tone", "").records, measure="comments", item="")
