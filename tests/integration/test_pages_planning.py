"""The page on which a message is planned: what it offers, what it refuses, what it saves."""

from __future__ import annotations

import html
import re
from pathlib import Path

import heard
import pytest
import said
from campaigning import campaigns_of, filled_in, planned, problems, send, words
from page_client import PageClient, page_client, parse
from pages_site import Site, open_site

from commsapp.actor import Role
from commsapp.listening import service as listening


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


def test_what_was_typed_stays_when_the_results_are_worked_out_again_meanwhile(
    client: PageClient, site: Site, filled: heard.Heard
) -> None:
    page = client.get(f"/results/{filled.result_id}/plan").get_data(as_text=True)
    [form] = [form for form in parse(page).iter("form") if form.get("method") == "post" and "/plan" in (form.get("action") or "")]
    listening.store_results(site.sessions, site.actor, filled.programme_id)  # nothing cites the result yet, so it goes

    sent = {"csrf_token": client.token("/programmes"), **filled_in(filled)}
    answer = client.post(str(form.get("action")), data=sent)
    assert answer.status_code == 422
    assert "Read the figure as it is now, then save." in answer.get_data(as_text=True)
    assert "Your account is not for rent." in answer.get_data(as_text=True)
    assert campaigns_of(site, filled) == []
    [again] = [form for form in parse(answer.get_data(as_text=True)).iter("form") if "/plan" in (form.get("action") or "")]
    assert client.post(str(again.get("action")), data=sent).status_code == 302
    assert len(campaigns_of(site, filled)) == 1
    assert client.get(f"/results/{filled.result_id}/plan").status_code == 404


def test_what_was_typed_is_shown_to_be_copied_where_it_cannot_be_taken(
    client: PageClient, site: Site, filled: heard.Heard
) -> None:
    sent = {"csrf_token": client.token("/programmes"), **filled_in(filled)}
    gone = client.post("/results/4711/plan", data=sent).get_data(as_text=True)
    assert "What you wrote" in gone
    assert "Your account is not for rent." in gone
    stale = client.post(f"/results/{filled.result_id}/plan", data={**sent, "csrf_token": "from another day"})
    assert stale.status_code == 400
    assert "Your account is not for rent." in stale.get_data(as_text=True)
    elsewhere = client.post(
        f"/results/{filled.result_id}/plan", data={**sent, "csrf_token": "x"}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert "Your account is not for rent." not in elsewhere.get_data(as_text=True)


def test_an_objective_that_nobody_changed_follows_the_figure(client: PageClient, site: Site, filled: heard.Heard) -> None:
    page = client.get(f"/results/{filled.result_id}/plan").get_data(as_text=True)
    [form] = [form for form in parse(page).iter("form") if "/plan" in (form.get("action") or "")]
    listening.store_results(site.sessions, site.actor, filled.programme_id)
    sent = {
        "csrf_token": client.token("/programmes"),
        **filled_in(filled),
        "objective": "Of 500, 30 %.",
        "suggested": "Of 500,\r\n30 %.",
    }
    again = client.post(str(form.get("action")), data=sent)
    [objective] = [part for part in parse(again.get_data(as_text=True)).iter("textarea") if part.get("name") == "objective"]
    assert (objective.text or "").strip().endswith("We want to change that.")


def test_engagement_workers_are_not_led_to_a_page_that_is_not_for_them(site: Site, filled: heard.Heard) -> None:
    page = site.client(Role.WORKER).get(f"/programmes/{filled.programme_id}/listening").get_data(as_text=True)
    assert heard.QUESTION in html.unescape(page)
    assert "Plan a message" not in page


def test_a_count_of_comments_is_nothing_to_plan_on(client: PageClient, site: Site, filled: heard.Heard) -> None:
    said.add(site.sessions, site.actor, filled.programme_id)
    with site.sessions.reading() as session:
        counted = listening.frozen_results(session, site.actor, filled.programme_id, measure="comments", wave="")
    page = client.get(f"/results/{counted['id'].iloc[0]}/plan")

    assert page.status_code == 422
    assert "Choose a topic, an answer or the tone." in words(page)
