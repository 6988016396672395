"""The check of files a second time: after mistakes, after the Back button, and for the next file of a channel."""

from __future__ import annotations

import errno
import hashlib
import os
import re
from collections.abc import Callable
from html import unescape

import pytest
from page_client import PageClient
from pages_site import Site
from test_pages_imports import BOTH_WAYS, SURVEY, choose, client, drop, programme_id, refused, site, stored
from werkzeug.test import TestResponse

from commsapp.accounts import service as accounts
from commsapp.listening import service as listening
from commsapp.web.uploads import Batch, Upload, seal

__all__ = ["client", "drop", "programme_id", "site"]  # fixtures


def test_what_was_entered_stays_when_the_page_comes_back_with_mistakes(
    client: PageClient, site: Site, drop: Callable[..., str]
) -> None:
    address = drop(survey__csv=BOTH_WAYS)
    entered = {"file0_new_channel": "Door to door", "file0_column3": "skip", "file0_handling": "concern", "file0_chosen": "quota"}
    text = refused(client, address, **entered)

    assert 'value="Door to door"' in text
    assert re.search(r'name="file0_column3".*?<option value="skip" selected', text, re.S)
    assert re.search(r'name="file0_handling".*?<option value="concern" selected', text, re.S)
    assert re.search(r'name="file0_chosen" type="radio" value="quota" checked', text)
    assert client.get(drop(survey__csv=BOTH_WAYS)).get_data(as_text=True).count("checked") == 0, "dropped anew, it begins anew"
    client.post(address, data=choose(client, address, file0_chosen="quota", file0_date_order="dmy"))
    assert site.work(names=("import",)) == 1
    with site.sessions.reading() as session:
        assert [channel.name for channel in listening.channels(session, site.actor, 1)] == ["Door to door"]


def remove(client: PageClient, **given: str) -> TestResponse:
    sent = {"why": "The wrong column", "sure": "y"} | given
    return client.post("/imports/1/remove", data={"csrf_token": client.token("/imports/1/remove"), **sent})


def imported(client: PageClient, site: Site, drop: Callable[..., str]) -> str:
    """Where a survey was checked that went in."""
    address = drop(survey__csv=SURVEY)
    client.post(address, data=choose(client, address, file0_chosen="opt-in"))
    site.work(names=("import",))
    return address


def test_files_that_were_sent_are_not_sent_again(client: PageClient, site: Site, drop: Callable[..., str]) -> None:
    address = drop(survey__csv=SURVEY)
    sent = choose(client, address, file0_chosen="opt-in")
    first = client.post(address, data=sent)

    text = client.get(address).get_data(as_text=True)  # where the browser's Back button leads
    assert "These files were sent already" in text
    assert f'href="{first.location}"' in text
    assert client.post(address, data=sent).location == first.location
    assert stored(site) == (1, 1)


def test_files_whose_import_was_taken_back_can_be_brought_once_more(
    client: PageClient, site: Site, drop: Callable[..., str]
) -> None:
    address = imported(client, site, drop)
    remove(client)

    gone = client.get(address)  # what was read is kept no longer: it lay there in plain words
    assert "Drop it again" in gone.get_data(as_text=True)
    address = drop(survey__csv=SURVEY)
    again = client.post(address, data=choose(client, address, file0_channel="1"))
    assert again.status_code == 302
    assert site.work(names=("import",)) == 1
    with site.sessions.reading() as session:
        assert [run.added for run in listening.imports_of(session, site.actor, 1)] == [3]


def test_an_import_is_removed_for_a_reason_that_stands_in_the_log(
    client: PageClient, site: Site, drop: Callable[..., str]
) -> None:
    imported(client, site, drop)
    page = remove(client, why="", sure="").get_data(as_text=True)
    assert "Enter a reason" in page
    assert "Tick the box to remove it" in page
    assert stored(site) == (1, 1)
    remove(client, why="It was last year’s file")
    assert stored(site) == (1, 0)
    with site.sessions.reading() as session:
        assert "It was last year’s file" in {entry.why for entry in accounts.audit_log(session, site.actor).entries}


def test_an_import_that_failed_can_be_removed(client: PageClient, site: Site, drop: Callable[..., str]) -> None:
    address = drop(survey__csv=SURVEY)
    client.post(address, data=choose(client, address, file0_chosen="opt-in"))
    assert "Remove this import" not in client.get("/imports/1").get_data(as_text=True)
    for path in (site.settings.data_dir / "uploads").iterdir():
        path.unlink()
    site.work(names=("import",))

    text = client.get("/imports/1").get_data(as_text=True)
    assert "It stopped before its end" in text
    assert "Remove this import" in text
    remove(client)
    assert stored(site) == (1, 0)


def test_mistakes_are_shown_even_where_the_disk_keeps_nothing(
    client: PageClient, drop: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    address = drop(survey__csv=SURVEY)
    sent = choose(client, address)
    monkeypatch.setattr(os, "open", full_disk)

    response = client.post(address, data=sent)
    assert response.status_code == 422
    assert "Select how the people in survey.csv were chosen" in response.get_data(as_text=True)


def full_disk(*_: object, **__: object) -> int:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_programme_that_somebody_made_meanwhile_is_said_and_what_was_entered_stays(client: PageClient, site: Site) -> None:
    batch = Batch((Upload(kept_file(site, SURVEY), "survey.csv"),), None, "Scams")
    address = f"/import/check?files={seal(batch, site.actor, site.settings)}"
    sent = choose(client, address, file0_chosen="quota")
    with site.sessions.writing() as session:
        listening.create_programme(session, site.actor, name="Scams")

    assert client.post(address, data=sent).status_code == 303
    text = client.get(address).get_data(as_text=True)
    assert "There is a programme called" in text
    assert re.search(r'name="file0_chosen" type="radio" value="quota" checked', text)


def kept_file(site: Site, content: str) -> str:
    folder = site.settings.data_dir / "uploads"
    folder.mkdir(exist_ok=True)
    name = hashlib.sha256(content.encode()).hexdigest()
    (folder / name).write_text(content, "utf-8")
    return name


def test_the_next_file_of_a_channel_is_read_as_the_last_one_was(client: PageClient, site: Site, drop: Callable[..., str]) -> None:
    address = drop(survey__csv=SURVEY)
    client.post(address, data=choose(client, address, file0_chosen="opt-in", file0_column0="skip", file0_column3="skip"))
    site.work(names=("import",))

    longer = drop(survey__csv=SURVEY + "5,2026-03-01,Ash,16-24,Much better now than it was,A lot\n")
    text = client.get(longer).get_data(as_text=True)
    assert "Filled in as the latest file of Survey was read." in text
    mapped = dict(re.findall(r'name="file0_(column\d)".*?<option value="(\w+)" selected', text, re.S))
    assert (mapped["column0"], mapped["column3"], mapped["column4"]) == ("skip", "skip", "text")
    client.post(longer, data=choose(client, longer, file0_channel="1"))
    site.work(names=("import",))
    with site.sessions.reading() as session:
        assert [run.added for run in listening.imports_of(session, site.actor, 1)] == [1, 3]


def test_rows_told_apart_in_another_way_than_before_are_a_mistake_beside_the_channel(
    client: PageClient, site: Site, drop: Callable[..., str]
) -> None:
    imported(client, site, drop)

    other = drop(other__csv="text\nPlease mend the lights in Mill Lane\nThank you all\n")
    text = unescape(refused(client, other, file0_channel="1"))
    assert "other.csv: Earlier files of this channel were told apart by their column 'id', which this one doesn't have" in text
    assert stored(site) == (1, 1)

    both = drop(one__csv=SURVEY, two__csv="text\nPlease mend the lights in Mill Lane\nThank you all\n")
    named = dict.fromkeys(("file0_new_channel", "file1_new_channel"), "Together")
    chosen = dict.fromkeys(("file0_chosen", "file1_chosen"), "opt-in")
    text = unescape(refused(client, both, **named, **chosen, file0_channel="new", file1_channel="new"))
    assert "two.csv: Earlier files of this channel were told apart by their column 'id'" in text
