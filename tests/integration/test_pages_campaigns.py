"""The pages of campaigns: what is shown of them, measured, and added."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import heard
import pytest
import said
from campaigning import campaigns_of, filled_in, planned, send, words
from page_client import PageClient, page_client
from pages_site import Site, open_site
from sqlalchemy import select

from commsapp.evaluation import service as evaluation
from commsapp.evaluation.comparing import Measurement, Question
from commsapp.listening import service as listening
from commsapp.storage import responses
from commsapp.storage.base import Under
from commsapp.storage.keyring import MAIN


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
            session.add(responses.Answer(response_id=response.id, question_id=question.id, choice=Under(MAIN, "Yes")))


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
    meanwhile = heard.writes_meanwhile(site.sessions, site.actor, filled.programme_id)
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
