from dataclasses import replace
from datetime import date

import heard as sample
import pytest
import said

from commsapp.actor import Actor
from commsapp.errors import BadInput, Conflict, NotFound
from commsapp.evaluation.methods.before_after import MINIMUM_EACH_WAVE
from commsapp.listening import service as listening
from commsapp.planning import campaigns
from commsapp.planning import service as planning
from commsapp.storage import events, organisations
from commsapp.storage.session import Session, Sessions


@pytest.fixture
def heard(sessions: Sessions, actor: Actor) -> sample.Heard:
    return sample.programme(sessions, actor)


@pytest.fixture
def message_id(sessions: Sessions, actor: Actor, heard: sample.Heard) -> int:
    with sessions.writing() as session:
        planned = sample.campaign(session, actor, heard)
        return sample.message(session, actor, heard, planned.id).id


def test_a_campaign_comes_back_with_objective_message_cited_result_and_activity(sessions, actor, heard, message_id):
    with sessions.writing() as session:
        planning.add_activity(
            session, actor, message_id=message_id, medium="bus shelters", area="Ash", start=sample.START, end=sample.END, cost=900
        )
    with sessions.reading() as session:
        (listed,) = planning.campaigns(session, actor, heard.programme_id)
        found = planning.campaign(session, actor, listed.id)
    assert found.objective == "More people have heard of it."
    (message,) = found.messages
    assert message.cited is not None and message.cited.id == heard.result_id
    assert [(activity.medium, activity.area) for activity in message.activities] == [("bus shelters", "Ash")]


def test_every_change_leaves_an_event(sessions, actor, heard, message_id):
    with sessions.writing() as session:
        fixed = planning.fix_expected_effect(session, actor, message_id=message_id, **sample.expectation(heard))
    with sessions.reading() as session:
        assert [event.action for event in events.history(session, actor, subject="message", subject_id=message_id)] == ["draft"]
        (event,) = events.history(session, actor, subject="expected effect", subject_id=fixed.id)
        assert event.action == "fix" and event.after is not None and event.after["direction"] == "up"


CAMPAIGNS_THAT_CANNOT_BE = (
    ({"approach": "persuasion"}, "'persuasion' is not a known approach. Use one of: threat-awareness"),
    ({"playbook": "nothing"}, "'nothing' is not a known playbook"),
    ({"approach": "threat-awareness"}, "is for the approach 'deterrence', not for 'threat-awareness'"),
    ({"areas": ("Ash", "Nowhere")}, "'Nowhere' is not a known area. Use one of: Ash, Birch, Cedar, Dale."),
    ({"end": date(2025, 11, 1)}, "ends on 1 November 2025, before it starts on 1 December 2025"),
    ({"name": " "}, "campaign's name is empty"),
    ({"objective": ""}, "objective is empty"),
)


def test_a_campaign_that_cannot_be_is_refused_with_its_field_and_cure(sessions, actor, heard):
    for other, sentence in CAMPAIGNS_THAT_CANNOT_BE:
        with sessions.writing() as session, pytest.raises(BadInput) as caught:
            sample.campaign(session, actor, heard, **other)
        assert sentence in str(caught.value)


def test_two_campaigns_of_a_programme_cannot_have_one_name(sessions, actor, heard, message_id):
    with sessions.writing() as session, pytest.raises(Conflict):
        sample.campaign(session, actor, heard)


def test_a_message_must_cite_a_listening_result_of_its_own_programme(sessions, actor, heard, message_id):
    elsewhere = sample.programme(sessions, actor, after=None, name="Another")
    with sessions.writing() as session:
        (planned,) = planning.campaigns(session, actor, heard.programme_id)
        given = {"campaign_id": planned.id, "text": "Your account is not for rent."}
        with pytest.raises(BadInput, match="cites no listening result"):
            planning.draft_message(session, actor, listening_result_id=None, **given)
        with pytest.raises(BadInput, match="another programme"):
            planning.draft_message(session, actor, listening_result_id=elsewhere.result_id, **given)
        with pytest.raises(NotFound):
            planning.draft_message(session, actor, listening_result_id=999_999, **given)
        with pytest.raises(BadInput, match="'join-in' is not a known behaviour"):
            planning.draft_message(session, actor, listening_result_id=heard.result_id, behaviour="join-in", **given)


def test_an_expected_effect_is_fixed_once_and_kept_as_it_was(sessions, actor, heard, message_id):
    with sessions.writing() as session:
        first = planning.fix_expected_effect(session, actor, message_id=message_id, **sample.expectation(heard))
        again = planning.fix_expected_effect(session, actor, message_id=message_id, **sample.expectation(heard))
        with pytest.raises(Conflict, match=r"was fixed on .* and is kept as it was"):
            planning.fix_expected_effect(
                session, actor, message_id=message_id, **sample.expectation(heard, target_difference=0.2)
            )
    assert again == first
    assert first.sentence == (
        f"The share in Ash and Birch answering ‘Yes’ to ‘{sample.QUESTION}’ should go up by 10 points by 28 February 2026. "
        "The smallest change that matters is 5 points."
    )


def test_what_is_fixed_after_the_start_is_marked(sessions, actor, heard, message_id):
    with sessions.writing() as session:
        late = planning.fix_expected_effect(
            session, actor, message_id=message_id, **sample.expectation(heard, after_wave_id=heard.after_wave_id)
        )
        planned = sample.campaign(session, actor, heard, name="Next year", start=date(2999, 1, 1), end=date(2999, 2, 1), areas=())
        early_message = sample.message(session, actor, heard, planned.id)
        early = planning.fix_expected_effect(
            session, actor, message_id=early_message.id, **sample.expectation(heard, by=date(2999, 3, 1))
        )
    assert late.fixed_late and "fixed after the start" in late.fixed_note and "already be known" in late.fixed_note
    assert not early.fixed_late and early.fixed_note == ""


EXPECTATIONS_THAT_CANNOT_BE = (
    ({"direction": "sideways"}, "'sideways' is not a known direction"),
    ({"target_difference": -0.1}, "goes down, but the direction is up"),
    ({"target_difference": 0.0}, "target difference is 0"),
    ({"target_difference": float("nan")}, "target difference is nan"),
    ({"target_difference": 10}, "more than there is room for"),
    ({"direction": "down", "target_difference": 0.5}, "It stands at 40 % in the cited result"),
    ({"smallest": 0.2}, "larger than the target difference (10 points)"),
    ({"by": date(2025, 11, 30)}, "before the campaign starts"),
    ({"measure": "comments", "item": ""}, "'comments' is not a known measure"),
    ({"item": "Nobody asked: Yes"}, "no listening result for 'Nobody asked: Yes'"),
    ({"areas": ("Nowhere",)}, "'Nowhere' is not a known area"),
    ({"segment": "age = 16-24"}, "is not a segment"),
    ({"before_wave_id": 999_999}, "wave before is not one of this programme's"),
)


def test_an_expectation_that_cannot_be_is_refused(sessions, actor, heard, message_id):
    for other, sentence in EXPECTATIONS_THAT_CANNOT_BE:
        with sessions.writing() as session, pytest.raises(BadInput) as caught:
            planning.fix_expected_effect(session, actor, message_id=message_id, **sample.expectation(heard, **other))
        assert sentence in str(caught.value)


def test_the_wave_before_must_have_ended_and_the_wave_after_may_not_start_before_the_campaign(sessions, actor, heard, message_id):
    with sessions.writing() as session:
        with pytest.raises(BadInput, match="wave before, February, runs until"):
            planning.fix_expected_effect(
                session, actor, message_id=message_id, **sample.expectation(heard, before_wave_id=heard.after_wave_id)
            )
        with pytest.raises(BadInput, match="wave after, November, starts on"):
            planning.fix_expected_effect(
                session, actor, message_id=message_id, **sample.expectation(heard, after_wave_id=heard.before_wave_id)
            )


def wrong(session: Session, actor: Actor, heard: sample.Heard, **given: object) -> dict[str, str]:
    """Argument → what is wrong with it."""
    found = planning.mistakes(session, actor, listening_result_id=heard.result_id, **given)
    return {mistake.field: mistake.problem for mistake in found}


def test_everything_that_is_wrong_with_a_plan_is_known_at_once(sessions, actor, heard, message_id):
    with sessions.reading() as session:
        found = wrong(
            session,
            actor,
            heard,
            name="Not your account",
            start=date(2025, 12, 1),
            end=date(2025, 11, 1),
            direction="up",
            target_difference=0.7,
            smallest=0.8,
            by=date(2025, 11, 30),
            before_wave_id=heard.after_wave_id,
            after_wave_id=heard.before_wave_id,
        )
    assert found == {
        "name": "There is a campaign called 'Not your account' already.",
        "end": "The campaign ends on 1 November 2025, before it starts on 1 December 2025.",
        "target_difference": "A target difference of 70 points up is more than there is room for. "
        "It stands at 40 % in the cited result.",
        "smallest": "The smallest change that matters (80 points) is larger than the target difference (70 points).",
        "by": "The day by which it should have moved, 30 November 2025, is before the campaign starts on 1 December 2025.",
        "before_wave_id": "The wave before, February, runs until 28 February 2026, but the campaign starts on 1 December 2025.",
        "after_wave_id": "The wave after, November, starts on 1 November 2025, but the campaign starts on 1 December 2025.",
    }


def test_what_is_not_filled_in_yet_is_not_judged(sessions, actor, heard, message_id):
    with sessions.reading() as session:
        (joined,) = planning.campaigns(session, actor, heard.programme_id)
        assert wrong(session, actor, heard) == {}
        assert wrong(session, actor, heard, target_difference=0.7, by=date(2025, 11, 30)) == {}
        early = wrong(session, actor, heard, campaign_id=joined.id, by=date(2025, 11, 30), before_wave_id=heard.after_wave_id)
    assert set(early) == {"by", "before_wave_id"}, "a campaign that is joined brings its first day"


def test_a_sound_plan_has_no_mistakes_and_is_stored(sessions, actor, heard, message_id):
    wanted = sample.expectation(heard, after_wave_id=heard.after_wave_id)
    given = {
        name: wanted[name] for name in ("direction", "target_difference", "smallest", "by", "before_wave_id", "after_wave_id")
    }
    with sessions.writing() as session:
        assert wrong(session, actor, heard, name="Another", start=sample.START, end=sample.END, **given) == {}
        planning.fix_expected_effect(session, actor, message_id=message_id, **wanted)


def test_a_wave_that_ends_on_the_first_day_of_the_campaign_is_no_wave_before_it(sessions, actor, heard, message_id):
    with sessions.reading() as session:
        on_the_day = wrong(session, actor, heard, start=date(2025, 11, 30), before_wave_id=heard.before_wave_id)
        the_day_after = wrong(session, actor, heard, start=date(2025, 12, 1), before_wave_id=heard.before_wave_id)
    assert (set(on_the_day), set(the_day_after)) == ({"before_wave_id"}, set())


def test_a_topic_that_is_in_use_no_longer_is_nothing_to_plan_on(sessions, actor, heard):
    said.add(sessions, actor, heard.programme_id)
    with sessions.reading() as session:
        topic = listening.frozen_results(
            session, actor, heard.programme_id, item="Scam calls", wave="November", area="", segment=""
        )
        cited = int(topic["id"].iloc[0])
        assert planning.result_to_move(session, actor, cited).item == "Scam calls"
    with sessions.writing() as session:
        planned = sample.campaign(session, actor, heard, areas=())
        message = planning.draft_message(
            session, actor, campaign_id=planned.id, text="They are no bank.", listening_result_id=cited
        )
    said.find_topics_again(sessions, actor, heard.programme_id)
    with sessions.writing() as session:
        wanted = sample.expectation(heard, measure="topic share", item="Scam calls", areas=())
        for ask in (
            lambda: planning.result_to_move(session, actor, cited),
            lambda: planning.fix_expected_effect(session, actor, message_id=message.id, **wanted),
        ):
            with pytest.raises(BadInput, match=r"‘Scam calls’ is of codebook version 1 \(01234567\), but version 2"):
                ask()


def test_another_organisation_sees_none_of_it(sessions, actor, heard, message_id):
    with sessions.writing() as session:
        other = replace(actor, organisation_id=organisations.add_organisation(session, name="Elsewhere").id, person_id=None)
    with sessions.reading() as session:
        assert planning.campaigns(session, other, heard.programme_id) == []
        (campaign,) = planning.campaigns(session, actor, heard.programme_id)
        for ask in (
            lambda: planning.campaign(session, other, campaign.id),
            lambda: planning.message(session, other, message_id),
            lambda: planning.what_it_can_show(session, other, listening_result_id=heard.result_id),
            lambda: sample.campaign(session, other, heard),
        ):
            with pytest.raises(NotFound):
                ask()


def test_an_objective_is_filled_in_from_a_listening_result(sessions, actor, heard):
    with sessions.reading() as session:
        result = listening.result(session, actor, heard.result_id)
    of_people = planning.suggest_objective(result, direction="up", target_difference=0.1, by=sample.BY)
    assert of_people == (
        f"In November, 40 % of people answered ‘Yes’ to ‘{sample.QUESTION}’ (600 replies, 95 % interval 36 to 44 %). "
        "Raise it by 10 points by 28 February 2026."
    )
    of_feedback = planning.suggest_objective(
        replace(result, measure="topic share", item="Scams", chosen="share of feedback", area="Ash")
    )
    assert of_feedback.startswith("In November, 40 % of the feedback in Ash was about ‘Scams’ (600 responses, 95 % interval")
    tone = planning.suggest_objective(
        replace(result, measure="tone", item="", value=-0.214, low=-0.3, high=-0.1, chosen="share of feedback")
    )
    assert "the tone of the feedback was -0.21 on a scale from -1 to 1" in tone


def test_a_plan_says_what_its_replies_can_and_cannot_show(sessions, actor, heard):
    with sessions.reading() as session:
        result = listening.result(session, actor, heard.result_id)
        said = planning.what_it_can_show(session, actor, listening_result_id=heard.result_id)
        aimed = planning.what_it_can_show(
            session, actor, listening_result_id=heard.result_id, direction="up", target_difference=0.1
        )
    assert result.n == 600
    assert said.smallest == pytest.approx(0.08, abs=0.005)
    assert said.sentences[0] == "600 replies a wave can show a change of 9 points or more; smaller ones would be missed."
    assert said.sentences[1].startswith("To see a change of 4 points, about 2,")
    assert aimed.sentences[1] == "That is enough for the change of 10 points that you aim at."


def test_a_plan_promises_nothing_with_fewer_replies_than_evaluation_asks_for(sessions, actor, heard):
    with sessions.reading() as session:
        result = listening.result(session, actor, heard.result_id)
    assert campaigns.MINIMUM_EACH_WAVE == MINIMUM_EACH_WAVE
    few = campaigns.can_show(replace(result, n=12, n_effective=12.0), target_difference=0.5)
    assert few.sentences == (
        "12 replies a wave are too few: at least 30 that count in full are needed to tell.",
        "To see a change of 50 points, about 30 replies in each wave would be enough.",
    )
    one = campaigns.can_show(replace(result, n=1, n_effective=1.0))
    assert one.smallest is None and "1 reply a wave" in one.sentences[0]
    weighted = campaigns.can_show(replace(result, n=600, n_effective=400.0))
    assert weighted.sentences[0].startswith("600 replies a wave (worth 400")
    tone = campaigns.can_show(replace(result, measure="tone", value=-0.2, low=-0.25, high=-0.15), target_difference=0.1)
    assert tone.sentences[0].startswith("600 responses a wave can show a change of 0.11 on the scale of tone")
