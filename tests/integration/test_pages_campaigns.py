from __future__ import annotations

import html
import re
from datetime import date
from pathlib import Path
from typing import Any

import heard
import pytest
import said
from page_client import PageClient, page_client, parse
from pages_site import Site, open_site
from sqlalchemy import select
from werkzeug.test import TestResponse

from commsapp.evaluation import service as evaluation
from commsapp.evaluation.comparing import Measurement, Question
from commsapp.listening import service as listening
from commsapp.planning import service as planning
from commsapp.planning.campaigns import Campaign
from commsapp.storage import responses


@pytest.fixture
def site(tmp_path: Path, sqlite_template: Path) -> Site:
    return open_site(tmp_path, sqlite_template)


@pytest.fixture
def client(site: Site) -> PageClient:
    return page_client(site.app)


@pytest.fixture
def filled(site: Site) -> heard.Heard:
    """A programme with answers before and after, and no campaign yet."""
    return heard.programme(site.sessions, site.actor)


def planned(site: Site, made: heard.Heard, *, expected: bool = True, name: str = "Not your account") -> Campaign:
    """A campaign with one message."""
    with site.sessions.writing() as session:
        campaign = heard.campaign(session, site.actor, made, name=name)
        message = heard.message(session, site.actor, made, campaign.id)
        if expected:
            planning.fix_expected_effect(session, site.actor, message_id=message.id, **heard.expectation(made))  # type: ignore[arg-type]
        return planning.campaign(session, site.actor, campaign.id)


def words(page: TestResponse) -> str:
    """The words of a page, without its markup."""
    body = page.get_data(as_text=True).partition("<main")[2].partition("</main>")[0]
    plain = html.unescape(re.sub(r"<script.*?</script>|<[^>]+>", " ", body, flags=re.DOTALL)).replace("\u00a0", " ")
    return " ".join(plain.split())


def filled_in(made: heard.Heard, **other: Any) -> dict[str, Any]:
    """What an officer sends; `other` replaces what is given."""
    given = {
        "text": "Your account is not for rent.",
        "language": "en",
        "name": "Not your account",
        "objective": "More people have heard of it.",
        "approach": "deterrence",
        "behaviour": "facilitate",
        "playbook": "not-your-account",
        "start": "1/12/2025",
        "end": "31 January 2026",
        "areas": list(heard.CAMPAIGN_AREAS),
        "direction": "up",
        "target": "10",
        "smallest": "5",
        "by": "28/2/2026",
        "before_wave": str(made.before_wave_id),
        "after_wave": "",
        "late": "y",
    }
    return given | other


def send(client: PageClient, path: str, given: dict[str, Any]) -> TestResponse:
    return client.post(path, data={"csrf_token": client.token(path), **given})


def campaigns_of(site: Site, made: heard.Heard) -> list[Campaign]:
    with site.sessions.reading() as session:
        return [
            planning.campaign(session, site.actor, one.id) for one in planning.campaigns(session, site.actor, made.programme_id)
        ]


def test_a_verdict_that_is_taken_early_says_beside_it_that_it_is_provisional(
    client: PageClient, site: Site, filled: heard.Heard
) -> None:
    campaign = planned(site, filled)
    evaluation.measure_effect(site.sessions, site.actor, message_id=campaign.messages[0].id, today=date(2026, 2, 20))
    page = client.get(f"/campaigns/{campaign.id}").get_data(as_text=True)

    verdict = page.partition('<div class="app-verdict')[2].partition("</div>")[0]
    assert "The wave after ends on 28 February 2026: this is provisional" in verdict
    assert page.count("this is provisional") == 1
    assert "It moved, but that is an association only (provisional, fixed after the start)</a>" in page


def test_without_a_campaign_the_list_leads_to_what_was_heard(client: PageClient, filled: heard.Heard) -> None:
    page = client.get(f"/programmes/{filled.programme_id}/campaigns")

    assert "No campaign is planned yet" in words(page)
    assert f'href="/programmes/{filled.programme_id}/listening"' in page.get_data(as_text=True)


def test_campaigns_are_listed_with_when_where_and_why(client: PageClient, site: Site, filled: heard.Heard) -> None:
    planned(site, filled)
    text = words(client.get(f"/programmes/{filled.programme_id}/campaigns"))

    assert "Not your account More people have heard of it. Deterrence · 1 December 2025 to 31 January 2026 · Ash, Birch" in text
    assert "Ash, Birch Not measured yet" in text


def test_the_list_says_what_came_of_each_message(client: PageClient, site: Site, filled: heard.Heard) -> None:
    campaign = planned(site, filled)
    evaluation.measure_effect(site.sessions, site.actor, message_id=campaign.messages[0].id)
    path = f"/programmes/{filled.programme_id}/campaigns"
    assert "Ash, Birch It moved, but that is an association only (fixed after the start)" in words(client.get(path))

    with site.sessions.writing() as session:
        heard.message(session, site.actor, filled, campaign.id)
        heard.campaign(session, site.actor, filled, name="Empty")
    text = words(client.get(path))
    assert "Message 1: It moved, but that is an association only (fixed after the start) Message 2: Not measured yet" in text
    assert "No message yet" in text


def test_planning_starts_with_the_result_and_what_it_can_and_cannot_show(client: PageClient, filled: heard.Heard) -> None:
    page = client.get(f"/results/{filled.result_id}/plan")
    text = words(page)

    assert f"In November, 40 % of people answered ‘Yes’ to ‘{heard.QUESTION}’ (600 replies, 95 % interval 36 to 44 %)." in text
    assert "What 600 replies can and cannot show" in text
    assert "can show a change of" in text
    assert "You can’t change later what you expect." in text
    assert "This is a made-up place" in page.get_data(as_text=True)


def test_the_objective_and_the_wave_before_are_filled_in_from_the_result(client: PageClient, filled: heard.Heard) -> None:
    page = parse(client.get(f"/results/{filled.result_id}/plan").get_data(as_text=True))

    [objective] = [part for part in page.iter("textarea") if part.get("name") == "objective"]
    assert (objective.text or "").strip().endswith("We want to change that.")
    [wave] = [part for part in page.iter("select") if part.get("name") == "before_wave"]
    assert [choice.get("value") for choice in wave if choice.get("selected") is not None] == [str(filled.before_wave_id)]


def test_one_page_saves_campaign_message_and_expected_effect(client: PageClient, site: Site, filled: heard.Heard) -> None:
    answer = send(client, f"/results/{filled.result_id}/plan", filled_in(filled))

    [campaign] = campaigns_of(site, filled)
    [message] = campaign.messages
    assert answer.headers["Location"] == f"/campaigns/{campaign.id}"
    assert (campaign.approach, campaign.playbook, campaign.areas) == ("deterrence", "not-your-account", heard.CAMPAIGN_AREAS)
    assert (campaign.start, campaign.end) == (heard.START, heard.END)
    assert message.cited is not None
    assert message.cited.id == filled.result_id
    assert message.expected is not None
    assert (message.expected.target_difference, message.expected.smallest) == pytest.approx((0.1, 0.05))
    assert (message.expected.direction, message.expected.by, message.expected.after_wave_id) == ("up", heard.BY, None)
    assert message.expected.areas == heard.CAMPAIGN_AREAS
    assert "What you expect of it is fixed." in words(client.get(f"/campaigns/{campaign.id}"))


def test_an_objective_that_is_left_as_suggested_ends_with_what_is_expected(
    client: PageClient, site: Site, filled: heard.Heard
) -> None:
    path = f"/results/{filled.result_id}/plan"
    page = parse(client.get(path).get_data(as_text=True))
    [suggested] = [(part.text or "").strip() for part in page.iter("textarea") if part.get("name") == "objective"]
    send(client, path, filled_in(filled, objective=suggested))

    [campaign] = campaigns_of(site, filled)
    assert campaign.objective == suggested.replace("We want to change that.", "Raise it by 10 points by 28 February 2026.")


def test_a_message_on_tone_keeps_its_scale_and_its_segment(client: PageClient, site: Site, filled: heard.Heard) -> None:
    said.add(site.sessions, site.actor, filled.programme_id)
    with site.sessions.reading() as session:
        tone = listening.frozen_results(
            session, site.actor, filled.programme_id, measure="tone", wave="November", area="", segment="age = 16-24"
        )
    path = f"/results/{tone['id'].iloc[0]}/plan"
    assert "On the scale of tone, from −1 to +1" in words(client.get(path))
    answer = send(client, path, filled_in(filled, target="0.2", smallest="", areas=[]))

    assert answer.status_code == 302
    [campaign] = campaigns_of(site, filled)
    expected = campaign.messages[0].expected
    assert expected is not None
    assert (expected.measure, expected.target_difference, expected.smallest) == (
        "tone",
        0.2,
        0.2,
    )  # left empty, what matters is what is expected
    assert (expected.segment, expected.areas) == ("age = 16-24", ())


@pytest.mark.parametrize(
    ("given", "field", "sentence"),
    [
        ({"text": " "}, "text", "Enter what the message says"),
        ({"name": ""}, "name", "Enter a name for the campaign"),
        ({"objective": ""}, "objective", "Enter the objective"),
        ({"approach": ""}, "approach", "Select an approach"),
        ({"behaviour": ""}, "behaviour", "Select a behaviour"),
        ({"behaviour": "report"}, "behaviour", "Select a behaviour that deterrence works on: join, facilitate or procure"),
        ({"playbook": "know-the-approach"}, "playbook", "Select a playbook for deterrence, or none"),
        ({"start": "soon"}, "start", "Enter a day such as 31/3/2026 or 31 March 2026"),
        ({"end": "1/11/2025"}, "end", "The campaign ends on 1 November 2025, before it starts on 1 December 2025."),
        ({"direction": ""}, "direction", "Select up or down"),
        ({"target": ""}, "target", "Enter by how much it should change"),
        ({"target": "many"}, "target", "Enter a number, such as 4.5"),
        ({"target": "-3"}, "target", "Enter a size above 0; the direction says which way"),
        ({"target": "70"}, "target", "A target difference of 70 points up is more than there is room for."),
        ({"smallest": "0"}, "smallest", "Enter a size above 0; the direction says which way"),
        ({"smallest": "12"}, "smallest", "The smallest change that matters (12 points) is larger than the target difference"),
        ({"by": ""}, "by", "Enter the day by which it should have changed"),
        ({"by": "1/9/2025"}, "by", "The day by which it should have moved, 1 September 2025, is before the campaign starts on"),
        ({"before_wave": ""}, "before_wave", "Select the wave before"),
        ({"before_wave": "after"}, "before_wave", "The wave before, February, runs until 28 February 2026"),
        ({"after_wave": "before"}, "after_wave", "The wave after, November, starts on 1 November 2025"),
        ({"late": ""}, "late", "Tick to confirm that the campaign has already begun"),
    ],
)
def test_every_mistake_is_said_beside_its_field_and_nothing_is_stored(
    client: PageClient, site: Site, filled: heard.Heard, given: dict[str, str], field: str, sentence: str
) -> None:
    waves = {"before": str(filled.before_wave_id), "after": str(filled.after_wave_id)}
    page = send(client, f"/results/{filled.result_id}/plan", filled_in(filled, **{k: waves.get(v, v) for k, v in given.items()}))

    assert page.status_code == 422
    text = html.unescape(page.get_data(as_text=True))
    assert re.search(rf'href="#{field}"[^>]*>\s*{re.escape(sentence)}', text)
    assert "<title>Error: " in text
    assert campaigns_of(site, filled) == []


def problems(page: TestResponse) -> dict[str, str]:
    """Field → what the error summary says of it."""
    summary = html.unescape(page.get_data(as_text=True)).partition("govuk-error-summary__list")[2].partition("</ul>")[0]
    return {field: " ".join(text.split()) for field, text in re.findall(r'href="#(\w+)"[^>]*>([^<]*)<', summary)}


def test_one_send_shows_what_is_missing_and_what_does_not_fit_together(
    client: PageClient, site: Site, filled: heard.Heard
) -> None:
    planned(site, filled)
    waves = {"before_wave": str(filled.after_wave_id), "after_wave": str(filled.before_wave_id)}
    wrong = {"text": "", "end": "1/11/2025", "target": "70", "smallest": "80", "by": "1/9/2025", "late": ""}
    page = send(client, f"/results/{filled.result_id}/plan", filled_in(filled, behaviour="report", **wrong, **waves))

    wanted = {"text", "name", "behaviour", "end", "target", "smallest", "by", "before_wave", "after_wave", "late"}
    assert set(problems(page)) == wanted
    beside = html.unescape(page.get_data(as_text=True)).partition("</h1>")[2]
    assert [sentence for sentence in problems(page).values() if sentence not in beside] == []


def test_joining_a_campaign_shows_all_mistakes_too(client: PageClient, site: Site, filled: heard.Heard) -> None:
    campaign = planned(site, filled)
    given = filled_in(filled, text="", by="1/9/2025", target="70", before_wave=str(filled.after_wave_id), late="")
    page = send(client, f"/results/{filled.result_id}/plan?campaign={campaign.id}", given)

    assert set(problems(page)) == {"text", "target", "by", "before_wave", "late"}


def test_a_campaign_that_has_begun_is_asked_about_before_anything_is_saved(
    client: PageClient, site: Site, filled: heard.Heard
) -> None:
    path = f"/results/{filled.result_id}/plan"
    asked = "This campaign began on 1 December 2025; what I expect is set afterwards, and every result will say so"
    assert "set afterwards" not in words(client.get(path))
    page = send(client, path, filled_in(filled, late=""))
    assert problems(page) == {"late": "Tick to confirm that the campaign has already begun"}
    assert asked in words(page)
    assert campaigns_of(site, filled) == []

    assert send(client, path, filled_in(filled)).status_code == 302
    [campaign] = campaigns_of(site, filled)
    assert campaign.messages[0].expected is not None
    assert campaign.messages[0].expected.fixed_late
    assert asked in words(client.get(f"{path}?campaign={campaign.id}"))


def test_a_campaign_that_is_still_to_come_is_saved_without_more_ado(client: PageClient, site: Site, filled: heard.Heard) -> None:
    given = filled_in(filled, start="1/12/2999", end="31/12/2999", by="1/2/3000", late="")
    assert send(client, f"/results/{filled.result_id}/plan", given).status_code == 302

    [campaign] = campaigns_of(site, filled)
    assert campaign.messages[0].expected is not None
    assert not campaign.messages[0].expected.fixed_late


def test_behaviours_and_playbooks_stand_under_the_name_of_their_approach(client: PageClient, filled: heard.Heard) -> None:
    path = f"/results/{filled.result_id}/plan"
    given = filled_in(filled, approach="community-engagement", behaviour="recognise", playbook="you-said-we-did", text="")
    page = parse(send(client, path, given).get_data(as_text=True))

    lists = {part.get("name"): part for part in page.iter("select")}
    groups = {group.get("label"): [choice.get("value") for choice in group] for group in lists["behaviour"].iter("optgroup")}
    assert groups["Deterrence"] == ["join", "facilitate", "procure"]
    assert [group.get("label") for group in lists["playbook"].iter("optgroup")] == list(groups)
    for name in ("behaviour", "playbook"):
        [chosen] = [group.get("label") for group in lists[name] for choice in group if choice.get("selected") is not None]
        assert chosen == "Community engagement", "a behaviour of several approaches is chosen under the one that is ticked"


def test_without_a_wave_the_plan_says_to_add_one_first(client: PageClient, site: Site, filled: heard.Heard) -> None:
    with site.sessions.writing() as session:
        for wave in listening.waves(session, site.actor, filled.programme_id):
            listening.remove_wave(session, site.actor, filled.programme_id, wave.id)
    page = client.get(f"/results/{filled.result_id}/plan")

    assert "This programme has no wave yet" in words(page)
    assert f'href="/programmes/{filled.programme_id}/waves/new"' in page.get_data(as_text=True)


def test_a_name_that_is_taken_is_said_beside_the_name(client: PageClient, site: Site, filled: heard.Heard) -> None:
    planned(site, filled)
    page = send(client, f"/results/{filled.result_id}/plan", filled_in(filled))

    assert page.status_code == 422
    assert re.search(r'href="#name"[^>]*>\s*There is a campaign called', page.get_data(as_text=True))


def test_a_message_can_join_a_campaign_that_exists(client: PageClient, site: Site, filled: heard.Heard) -> None:
    campaign = planned(site, filled)
    path = f"/results/{filled.result_id}/plan"
    assert f'href="{path}?campaign={campaign.id}"' in client.get(path).get_data(as_text=True)
    joining = f"{path}?campaign={campaign.id}"
    assert "This message joins Not your account (deterrence" in words(client.get(joining))
    wanted = {"text", "language", "behaviour", "direction", "target", "smallest", "by", "before_wave", "after_wave", "late"}
    given = {name: value for name, value in filled_in(filled).items() if name in wanted}
    answer = send(client, joining, given | {"text": "A second one.", "behaviour": "join"})

    assert answer.headers["Location"] == f"/campaigns/{campaign.id}"
    [kept] = campaigns_of(site, filled)
    assert [message.text for message in kept.messages] == ["Your account is not for rent.", "A second one."]
    text = words(client.get(f"/campaigns/{campaign.id}"))
    assert "Message 1" in text
    assert "Message 2" in text


def test_a_campaign_of_another_programme_can_not_be_joined(client: PageClient, site: Site, filled: heard.Heard) -> None:
    other = planned(site, heard.programme(site.sessions, site.actor, name="Other"))

    assert client.get(f"/results/{filled.result_id}/plan?campaign={other.id}").status_code == 404


def test_a_count_of_comments_is_nothing_to_plan_on(client: PageClient, site: Site, filled: heard.Heard) -> None:
    said.add(site.sessions, site.actor, filled.programme_id)
    with site.sessions.reading() as session:
        counted = listening.frozen_results(session, site.actor, filled.programme_id, measure="comments", wave="")
    page = client.get(f"/results/{counted['id'].iloc[0]}/plan")

    assert page.status_code == 422
    assert "Choose a topic, an answer or the tone." in words(page)


def test_what_is_not_there_is_not_found(client: PageClient) -> None:
    for path in ("/results/99/plan", "/campaigns/99", "/messages/99/activities"):
        assert client.get(path).status_code == 404


def test_a_campaign_shows_what_it_cites_what_it_expects_and_that_it_was_not_measured(
    client: PageClient, site: Site, filled: heard.Heard
) -> None:
    campaign = planned(site, filled)
    text = words(client.get(f"/campaigns/{campaign.id}"))

    assert "Your account is not for rent." in text
    assert "In November, 40 % of people answered" in text
    assert "should go up by 10 points by 28 February 2026. The smallest change that matters is 5 points." in text
    assert "Not measured yet." in text
    assert "it should have moved by 28 February 2026." in text
    assert "What it takes. 600 replies a wave can show a change of" in text
    assert "This campaign, Not your account: 1 December 2025 to 31 January 2026" in text
    assert "Arrests (Ash): 5 January 2026" in text
    assert "Campaign areas 60 % (54 to 65 %)" in text
    assert text.index("No activity yet") < text.index("Did it move?")


def test_the_cited_result_stays_and_stands_beside_what_it_is_now(client: PageClient, site: Site, filled: heard.Heard) -> None:
    campaign = planned(site, filled)
    listening.store_results(site.sessions, site.actor, filled.programme_id)
    assert "gives the same." in words(client.get(f"/campaigns/{campaign.id}"))

    hundred_more_say_yes(site, filled)
    listening.store_results(site.sessions, site.actor, filled.programme_id)
    text = words(client.get(f"/campaigns/{campaign.id}"))
    assert "In November, 40 % of people answered" in text
    assert "Now: In November, 49 % of people answered" in text


def hundred_more_say_yes(site: Site, made: heard.Heard) -> None:
    with site.sessions.writing() as session:
        [question] = session.scalars(select(responses.Question))
        [channel] = listening.channels(session, site.actor, made.programme_id)
        for number in range(100):
            response = responses.Response(
                organisation_id=site.actor.organisation_id,
                programme_id=made.programme_id,
                channel_id=channel.id,
                identity=f"later {number}",
                date=said.BEFORE,
                consent=["log", "analyse"],
                handling_level="open",
            )
            session.add(response)
            session.flush()
            session.add(responses.Answer(response_id=response.id, question_id=question.id, choice="Yes"))


@pytest.mark.parametrize(
    ("after", "headline", "mark"),
    [
        (0.6, "It moved, but that is an association only", "app-verdict"),
        (0.2, "It moved the wrong way", "app-verdict app-verdict--backfire"),
        (0.42, "Too little data to tell", "app-verdict"),
    ],
)
def test_measuring_shows_the_verdict_in_plain_words_before_anything_else(
    client: PageClient, site: Site, after: float, headline: str, mark: str
) -> None:
    made = heard.programme(site.sessions, site.actor, after=after)
    campaign = planned(site, made)
    path = f"/campaigns/{campaign.id}"
    token = client.token(path)
    page = client.post(f"/messages/{campaign.messages[0].id}/effect", data={"csrf_token": token}, follow_redirects=True)
    text = words(page)

    assert page.status_code == 200
    assert "The effect was measured:" in text
    block = text.partition("Did it move?")[2].strip()
    assert block.startswith(f"{headline} Expected +10 points by 28 February 2026, measured")
    assert f'class="{mark}"' in page.get_data(as_text=True)
    assert block.index("What was checked") < block.index("How it was measured")
    assert "The expected effect was fixed after the start" in block
    assert "weakest of 4 kinds of design" in block
    assert "Measure the effect again" in block


def test_others_can_write_while_the_page_measures(
    client: PageClient, site: Site, filled: heard.Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = planned(site, filled)
    token = client.token(f"/campaigns/{campaign.id}")
    meanwhile = heard.writes_meanwhile(site.settings.database_url, site.actor, filled.programme_id)
    computed = evaluation.measured

    def measured(question: Question) -> Measurement:
        meanwhile()
        return computed(question)

    monkeypatch.setattr(evaluation, "measured", measured)
    answer = client.post(f"/messages/{campaign.messages[0].id}/effect", data={"csrf_token": token})

    assert answer.status_code == 302
    with site.sessions.reading() as session:
        assert "Meanwhile" in [area.name for area in listening.areas(session, site.actor, filled.programme_id)]
        assert evaluation.latest_effect(session, site.actor, campaign.messages[0].id) is not None


def test_without_a_wave_after_the_page_says_what_to_do(client: PageClient, site: Site) -> None:
    made = heard.programme(site.sessions, site.actor, after=None)
    campaign = planned(site, made)
    for _ in range(2):
        evaluation.measure_effect(site.sessions, site.actor, message_id=campaign.messages[0].id)
    page = client.get(f"/campaigns/{campaign.id}")

    assert "Too little data to tell" in words(page)
    assert "Ask the same question in Ash and Birch" in words(page)
    assert "Earlier measurements, which are kept" in words(page)
    assert "app-picture" not in page.get_data(as_text=True)


def test_a_message_without_an_expected_effect_can_not_be_measured(client: PageClient, site: Site, filled: heard.Heard) -> None:
    campaign = planned(site, filled, expected=False)
    page = client.get(f"/campaigns/{campaign.id}")
    assert "its effect can’t be measured" in words(page)
    assert "Measure the effect" not in words(page)

    token = client.token(f"/results/{filled.result_id}/plan")
    refused = client.post(f"/messages/{campaign.messages[0].id}/effect", data={"csrf_token": token})
    assert refused.status_code == 422


def test_a_topic_that_was_replaced_is_not_measured_as_nothing(client: PageClient, site: Site, filled: heard.Heard) -> None:
    said.add(site.sessions, site.actor, filled.programme_id)
    with site.sessions.reading() as session:
        cited = listening.frozen_results(
            session,
            site.actor,
            filled.programme_id,
            measure="topic share",
            item="Scam calls",
            wave="November",
            area="",
            segment="",
        )
    send(client, f"/results/{cited['id'].iloc[0]}/plan", filled_in(filled, areas=[]))
    [campaign] = campaigns_of(site, filled)
    said.find_topics_again(site.sessions, site.actor, filled.programme_id)
    token = client.token(f"/campaigns/{campaign.id}")
    page = client.post(f"/messages/{campaign.messages[0].id}/effect", data={"csrf_token": token})

    assert page.status_code == 422
    assert "‘Scam calls’ was fixed in codebook version 1 (01234567), but version 2 (fedcba98) is in use" in words(page)
    again = client.get(f"/results/{cited['id'].iloc[0]}/plan")
    assert again.status_code == 422
    assert "Topics were found again since" in words(again)
    assert "Choose one of the topics in use." in words(again)


def test_a_campaign_without_a_message_says_where_to_find_one(client: PageClient, site: Site, filled: heard.Heard) -> None:
    with site.sessions.writing() as session:
        campaign = heard.campaign(session, site.actor, filled)

    assert "It has no message yet." in words(client.get(f"/campaigns/{campaign.id}"))


def test_an_activity_is_added_with_its_area_days_and_cost(client: PageClient, site: Site, filled: heard.Heard) -> None:
    campaign = planned(site, filled)
    path = f"/messages/{campaign.messages[0].id}/activities"
    assert 'value="1/12/2025"' in client.get(path).get_data(as_text=True)
    given = {"medium": "posters on buses", "area": "Ash", "start": "1/12/2025", "end": "24/12/2025", "cost": "1,850"}
    answer = send(client, path, given)

    assert answer.headers["Location"] == f"/campaigns/{campaign.id}"
    text = words(client.get(f"/campaigns/{campaign.id}"))
    assert "Posters on buses, Ash, 1 December 2025 to 24 December 2025, £1,850 (planned)" in text


@pytest.mark.parametrize(
    ("given", "field", "sentence"),
    [
        ({"medium": ""}, "medium", "Enter the medium"),
        ({"end": "1/11/2025"}, "end", "The last day must be the same as or after the first day"),
        ({"cost": "-5"}, "cost", "Enter a cost of 0 or more"),
        ({"area": "Mars"}, "area", "Not a valid choice"),
    ],
)
def test_an_activity_that_can_not_be_is_refused_beside_its_field(
    client: PageClient, site: Site, filled: heard.Heard, given: dict[str, str], field: str, sentence: str
) -> None:
    campaign = planned(site, filled)
    complete = {"medium": "posters", "area": "", "start": "1/12/2025", "end": "24/12/2025", "cost": ""}
    page = send(client, f"/messages/{campaign.messages[0].id}/activities", complete | given)

    assert page.status_code == 422
    assert re.search(rf'href="#{field}"[^>]*>\s*{re.escape(sentence)}', page.get_data(as_text=True))
    assert campaigns_of(site, filled)[0].messages[0].activities == ()
