from __future__ import annotations

import io
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from page_client import PageClient, page_client
from pages_site import Site, open_site

from commsapp.listening import service as listening

INBOX = b"text\nPlease mend the lights in Mill Lane\nThank you for coming to our street\n"


@pytest.fixture
def site(tmp_path: Path, sqlite_template: Path) -> Site:
    return open_site(tmp_path, sqlite_template)


@pytest.fixture
def client(site: Site) -> PageClient:
    return page_client(site.app)


def refused(client: PageClient, address: str, sent: dict[str, Any]) -> str:
    """The page with the mistakes, to which a form that was sent leads."""
    response = client.post(address, data={"csrf_token": client.token(address), **sent})
    assert response.status_code == 303
    assert response.location.startswith("/?files=")
    page = client.get(response.location)
    assert page.status_code == 200
    return page.get_data(as_text=True)


def test_files_stay_when_something_else_is_missing_and_more_can_be_added(client: PageClient) -> None:
    sent = {"programme": "new", "name": "", "files": [(io.BytesIO(INBOX), "inbox.csv")]}
    text = refused(client, "/", sent)
    assert "Enter a name for the new programme" in text
    assert "Here already: <strong>inbox.csv</strong>" in text
    assert "Select a file" not in text

    address = unescape(re.findall(r'<form action="([^"]+)"', text)[0])
    more = [(io.BytesIO(INBOX), "same.csv"), (io.BytesIO(INBOX + b"And the bins too\n"), "more.csv")]
    named = {"csrf_token": client.token(address), "programme": "new", "name": "Ashdale", "files": more}
    checked = client.post(address, data=named)
    assert checked.status_code == 302
    text = client.get(checked.location).get_data(as_text=True)
    assert "Check what was found in 2 files" in text
    assert "inbox.csv" in text and "more.csv" in text
    assert "Check what was found in the file" in client.get(client.post(address, data={**named, "files": []}).location).get_data(
        as_text=True
    )


def test_a_first_visit_says_what_this_is_and_where_to_find_an_example(client: PageClient) -> None:
    text = client.get("/").get_data(as_text=True)

    assert "Drop spreadsheets of what people said" in text
    assert "make demo" in text
    assert "Name of the new programme" in text
    assert "multiple" in text


def test_files_for_a_new_programme_are_checked_before_it_is_made(client: PageClient, site: Site) -> None:
    sent = {"csrf_token": client.token("/"), "programme": "new", "name": "Ashdale", "files": [(io.BytesIO(INBOX), "inbox.csv")]}

    checked = client.post("/", data=sent)
    assert checked.status_code == 302
    assert "Ashdale" in client.get(checked.location).get_data(as_text=True)
    with site.sessions.reading() as session:
        assert listening.all_programmes(session, site.actor) == []

    text = client.get(checked.location).get_data(as_text=True)
    answers = dict.fromkeys(re.findall(r'<select[^>]*name="(file0_column\d)"', text), "text")
    answers |= {"file0_new_channel": "Inbox", "file0_chosen": "opt-in", "file0_handling": "open"}
    started = client.post(checked.location, data={"csrf_token": client.token(checked.location), **answers})
    assert started.location == "/jobs/1"
    with site.sessions.reading() as session:
        assert [programme.name for programme in listening.all_programmes(session, site.actor)] == ["Ashdale"]


def test_what_is_missing_is_named(client: PageClient) -> None:
    text = refused(client, "/", {"programme": "new", "name": ""})
    assert "Select a file" in text
    assert "Enter a name for the new programme" in text


def test_programmes_of_real_people_are_offered_and_the_made_up_one_is_not(client: PageClient, site: Site) -> None:
    with site.sessions.writing() as session:
        listening.create_programme(session, site.actor, name="Ashdale")
        listening.create_programme(session, site.actor, name="Carrow Vale", made_up=True)

    text = client.get("/").get_data(as_text=True)
    assert re.search(r'type="radio" value="1"', text)
    assert not re.search(r'type="radio" value="2"', text)
    assert "Carrow Vale" in text
    assert "(made up)" in text


def test_files_for_a_programme_that_exists_go_to_its_own_check(client: PageClient, site: Site) -> None:
    with site.sessions.writing() as session:
        listening.create_programme(session, site.actor, name="Ashdale")
    sent = {"csrf_token": client.token("/"), "programme": "1", "name": "", "files": [(io.BytesIO(INBOX), "inbox.csv")]}

    assert client.post("/", data=sent).location.startswith("/programmes/1/import/check?files=")


def test_a_name_that_is_taken_is_said(client: PageClient, site: Site) -> None:
    with site.sessions.writing() as session:
        listening.create_programme(session, site.actor, name="Ashdale")
    sent = {"programme": "new", "name": " Ashdale ", "files": [(io.BytesIO(INBOX), "a.csv")]}

    text = refused(client, "/", sent)
    assert "There is a programme called Ashdale already" in text
    assert 'value="Ashdale"' in text


def test_more_files_than_a_person_can_check_at_once_are_refused(client: PageClient) -> None:
    many = [(io.BytesIO(INBOX + b"%d\n" % number), f"{number}.csv") for number in range(21)]

    text = refused(client, "/", {"programme": "new", "name": "Ashdale", "files": many})
    assert "Select 20 files or fewer at once" in text
    assert "Here already" not in text
