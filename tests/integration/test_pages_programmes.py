from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import heard
import pytest
from page_client import PageClient, page_client
from pages_site import Site, open_site

from commsapp.actor import Role
from commsapp.http import request, security
from commsapp.http.security import ANALYSTS, declared_roles
from commsapp.listening import service as listening
from commsapp.planning import service as planning
from commsapp.storage.events import Event


@pytest.fixture
def site(tmp_path: Path, sqlite_template: Path) -> Site:
    return open_site(tmp_path, sqlite_template)


@pytest.fixture
def client(site: Site) -> PageClient:
    return page_client(site.app)


@pytest.fixture
def filled(site: Site) -> int:
    return heard.programme(site.sessions, site.actor).programme_id


@pytest.fixture
def empty(site: Site) -> int:
    with site.sessions.writing() as session:
        return listening.create_programme(session, site.actor, name="Waste crime").id


def send(client: PageClient, address: str, **fields: str | list[str]) -> str:
    """Post a form and follow to the next page, or get the mistakes."""
    return client.post(address, data={"csrf_token": client.token(address), **fields}, follow_redirects=True).get_data(
        as_text=True
    )


def actions(site: Site) -> list[tuple[str, str]]:
    with site.sessions.reading() as session:
        return [(event.action, event.subject) for event in session.query(Event).order_by(Event.id)]


def test_only_analysts_are_offered_an_analysis_and_may_start_one(
    client: PageClient, site: Site, filled: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = f"/programmes/{filled}/listening"
    token = client.token("/programmes/new")
    starts = {rule.endpoint for rule in site.app.url_map.iter_rules() if rule.rule.endswith("/analyse")}
    assert {declared_roles(site.app.view_functions[endpoint]) for endpoint in starts} == {frozenset(ANALYSTS)}
    for role in (Role.EVALUATOR, Role.WORKER):
        who = replace(site.actor, role=role)
        for module in (request, security):
            monkeypatch.setattr(module, "actor", lambda who=who: who)
        assert ("/listening/analyse" in client.get(page).get_data(as_text=True)) == (role in ANALYSTS)
    for start in (f"/programmes/{filled}/analyse", f"{page}/analyse"):
        assert client.post(start, data={"csrf_token": token}).status_code == 403


def test_an_empty_list_leads_to_the_first_spreadsheet(client: PageClient) -> None:
    text = client.get("/programmes").get_data(as_text=True)
    assert "No programme yet" in text
    assert "Drop a spreadsheet" in text


def test_the_list_says_what_was_heard_in_each(client: PageClient, filled: int, empty: int) -> None:
    text = client.get("/programmes").get_data(as_text=True)
    assert "1,200\u00a0responses, 0\u00a0topics, 0&nbsp;set aside" in text
    assert "Nothing was heard yet" in text


def test_a_programme_is_made_with_a_name_of_its_own(client: PageClient) -> None:
    assert "Enter a name" in send(client, "/programmes/new", name="  ")
    assert "The programme Scams was made." in send(client, "/programmes/new", name=" Scams ", description="On the phone")
    assert "There is a programme of that name already" in send(client, "/programmes/new", name="Scams")


def test_a_filled_programme_shows_all_that_it_holds(client: PageClient, filled: int) -> None:
    text = client.get(f"/programmes/{filled}").get_data(as_text=True)

    assert "This is a made-up place" in text
    for words in ("See what was heard", "Add feedback", "Campaigns", "Survey", "Drawn at random", "10 November 2025"):
        assert words in text
    for words in ("February", "1 November 2025 to 30 November 2025", "Arrests", "5 January 2026 in Ash", "Cedar"):
        assert words in text


def test_an_empty_programme_says_what_to_do_next(client: PageClient, empty: int) -> None:
    text = client.get(f"/programmes/{empty}").get_data(as_text=True)

    assert "Nothing was heard yet" in text
    assert "the analysis makes one of each calendar month" in text
    assert "See what was heard" not in text


def test_a_programme_that_is_not_there_is_no_page(client: PageClient) -> None:
    for address in ("", "/import", "/waves/new", "/context-events/new", "/areas/new"):
        assert client.get(f"/programmes/77{address}").status_code == 404


def test_a_wave_is_added_and_the_results_follow(client: PageClient, site: Site, filled: int) -> None:
    address = f"/programmes/{filled}/waves/new"

    text = send(client, address, name="Winter", start="1/12/2025", end="28 February 2026")
    assert "The wave Winter was added. The results are being worked out again." in text
    assert "1 December 2025 to 28 February 2026" in text
    assert "Topics, tone and results" in text
    assert len(site.job_ids("queued")) == 1


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "Enter the first day"),
        ({"name": "W", "start": "31/2/2026", "end": "1/3/2026"}, "Enter a day such as 31/3/2026"),
        ({"name": "W", "start": "2/3/2026", "end": "1/3/2026"}, "Enter a last day that is not before the first"),
        ({"name": "November", "start": "1/3/2026", "end": "2/3/2026"}, "There is a wave called"),
    ],
)
def test_a_wave_that_can_not_be_says_why(client: PageClient, filled: int, fields: dict[str, str], sentence: str) -> None:
    assert sentence in send(client, f"/programmes/{filled}/waves/new", **fields)


def test_a_wave_is_removed_after_a_question_and_what_was_said_stays(client: PageClient, site: Site, filled: int) -> None:
    with site.sessions.reading() as session:
        wave = listening.waves(session, site.actor, filled)[0]
    address = f"/programmes/{filled}/waves/{wave.id}/remove"

    assert f"Remove the wave {wave.name}?" in client.get(address).get_data(as_text=True)
    assert f"The wave {wave.name} was removed" in send(client, address)
    with site.sessions.reading() as session:
        assert wave not in listening.waves(session, site.actor, filled)
        assert listening.programme(session, site.actor, filled).responses == 1200
    assert ("delete", "wave") in actions(site)
    assert client.get(address).status_code == 404


def test_a_wave_that_an_effect_is_measured_with_stays(client: PageClient, site: Site) -> None:
    found = heard.programme(site.sessions, site.actor)
    with site.sessions.writing() as session:
        campaign = heard.campaign(session, site.actor, found)
        message = heard.message(session, site.actor, found, campaign.id)
        planning.fix_expected_effect(session, site.actor, message_id=message.id, **heard.expectation(found))  # type: ignore[arg-type]

    text = send(client, f"/programmes/{found.programme_id}/waves/{found.before_wave_id}/remove")
    assert "so it has to stay" in text
    with site.sessions.reading() as session:
        assert found.before_wave_id in {wave.id for wave in listening.waves(session, site.actor, found.programme_id)}
    assert ("delete", "wave") not in actions(site)


def test_proposed_months_are_explained(client: PageClient, site: Site, empty: int) -> None:
    with site.sessions.writing() as session:
        listening.add_wave(
            session, site.actor, empty, name="March 2026", start=date(2026, 3, 1), end=date(2026, 3, 31), proposed=True
        )
    assert "These are calendar months" in client.get(f"/programmes/{empty}").get_data(as_text=True)

    with site.sessions.writing() as session:
        listening.add_wave(session, site.actor, empty, name="Before", start=date(2026, 1, 1), end=date(2026, 3, 31))
    assert "These are calendar months" not in client.get(f"/programmes/{empty}").get_data(as_text=True)


def test_a_context_event_is_added_and_taken_away(client: PageClient, site: Site, filled: int) -> None:
    address = f"/programmes/{filled}/context-events/new"

    assert "Enter what happened" in send(client, address)
    text = send(client, address, name="Tip cleared", start="12/3/2026", areas=["Ash", "Birch"])
    assert "12 March 2026 in Ash, Birch" in text
    with site.sessions.reading() as session:
        event = next(one for one in listening.context_events(session, site.actor, filled) if one.name == "Tip cleared")
    removing = f"/programmes/{filled}/context-events/{event.id}/remove"
    assert "Remove the context event Tip cleared?" in client.get(removing).get_data(as_text=True)
    assert "Tip cleared was removed." in send(client, removing)
    assert ("delete", "context event") in actions(site)


def test_an_area_is_added_with_its_population(client: PageClient, empty: int) -> None:
    address = f"/programmes/{empty}/areas/new"

    assert "(9,100 people)" in send(client, address, name="Fellbrook", population="9,100")
    assert "There is an area called" in send(client, address, name="Fellbrook")
    assert "Leave it empty, or give a number above 0." in send(client, address, name="Brook", population="0")


def test_what_came_in_elsewhere_can_be_analysed_from_the_page(client: PageClient, site: Site, filled: int) -> None:
    address = f"/programmes/{filled}/analyse"

    token = client.token(f"/programmes/{filled}/waves/new")
    started = client.post(address, data={"csrf_token": token})
    assert started.location == f"/jobs/{site.job_ids('queued')[0]}"
    assert client.post(address, data={}).status_code == 400


def test_parts_of_another_programme_are_not_removed_here(client: PageClient, site: Site, filled: int, empty: int) -> None:
    with site.sessions.reading() as session:
        wave = listening.waves(session, site.actor, filled)[0]

    address = f"/programmes/{empty}/waves/{wave.id}/remove"
    assert client.get(address).status_code == 404
    token = client.token(f"/programmes/{empty}/waves/new")
    assert client.post(address, data={"csrf_token": token}).status_code == 404
