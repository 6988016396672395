from __future__ import annotations

import io
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from page_client import PageClient, page_client
from pages_site import Site, open_site

from commsapp.config import Settings
from commsapp.errors import BadInput, NotFound
from commsapp.listening import service as listening
from commsapp.web.uploads import Batch, Upload, path_of, seal, unseal

SURVEY = """id,date,area,age,comment,How much do you trust the police?
1,2026-02-13,Ash,16-24,They ring my mum every week and say they are the bank,A lot
2,2026-02-14,Birch,65+,Nobody ever comes when we call about the dumping,A little
3,2026-02-15,Birch,65+,Lads are selling on the corner by the school again,A little
4,soon,Birch,65+,This one has no day but words enough,A little
"""
BOTH_WAYS = SURVEY.replace("2026-02-13", "03/02/2026").replace("2026-02-14", "04/02/2026").replace("2026-02-15", "05/02/2026")
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


@pytest.fixture
def site(tmp_path: Path, sqlite_template: Path) -> Site:
    return open_site(tmp_path, sqlite_template)


@pytest.fixture
def client(site: Site) -> PageClient:
    return page_client(site.app)


@pytest.fixture
def programme_id(site: Site) -> int:
    with site.sessions.writing() as session:
        return listening.create_programme(session, site.actor, name="Ashdale").id


@pytest.fixture
def drop(client: PageClient, programme_id: int) -> Callable[..., str]:
    """Drop files on a programme; gives the address of the page on which they are checked."""

    return partial(dropped_on, client, programme_id)


def dropped_on(client: PageClient, programme_id: int, **files: str | bytes) -> str:
    address = f"/programmes/{programme_id}/import"
    sent = [
        (io.BytesIO(content.encode() if isinstance(content, str) else content), name.replace("__", "."))
        for name, content in files.items()
    ]
    response = client.post(address, data={"csrf_token": client.token(address), "files": sent})
    assert response.status_code == 302
    return str(response.location)


def choose(client: PageClient, address: str, **answers: str) -> dict[str, str]:
    """What a browser would send: everything that is selected on the page, then the answers."""
    page = client.get(address).get_data(as_text=True)
    sent = {"csrf_token": client.token(address)}
    for name, options in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', page, re.S):
        chosen = re.findall(r'<option value="([^"]*)"\s+selected', options)
        sent[name] = chosen[0] if chosen else ""
    sent |= dict(re.findall(r'<input[^>]*name="(file\d_new_channel)"[^>]*value="([^"]*)"', page))
    return sent | answers


def refused(client: PageClient, address: str, **answers: str) -> str:
    """The page with the mistakes, which is one of its own: the browser's Back button sends nothing again."""
    response = client.post(address, data=choose(client, address, **answers))
    assert (response.status_code, response.location) == (303, address)
    page = client.get(address)
    assert page.status_code == 200
    text = page.get_data(as_text=True)
    assert "<title>Error: " in " ".join(text.split()).replace("<title> ", "<title>")
    return text


def stored(site: Site) -> tuple[int, int]:
    """Channels and imports of the first programme."""
    with site.sessions.reading() as session:
        channels = listening.channels(session, site.actor, 1)
        return len(channels), len(listening.imports_of(session, site.actor, 1))


def test_a_file_is_shown_with_what_became_of_it_before_anything_is_stored(
    client: PageClient, site: Site, drop: Callable[..., str]
) -> None:
    page = client.get(drop(survey_comments__csv=SURVEY))

    text = page.get_data(as_text=True)
    assert "Check what was found in the file" in text
    assert "They ring my mum every week" in text
    assert "4\u00a0rows below the column names" in text
    assert 'value="Survey comments"' in text
    mapped = dict(re.findall(r'name="file0_(column\d)".*?<option value="(\w+)" selected', text, re.S))
    assert mapped["column0"] == "identity" and mapped["column3"] == "attribute" and mapped["column4"] == "text"
    assert not re.search(r'type="radio"[^>]*checked', text)
    assert stored(site) == (0, 0)


def test_what_it_means_that_no_column_holds_dates_areas_or_ids_is_said_as_long_as_none_does(
    client: PageClient, drop: Callable[..., str]
) -> None:
    sentences = ("No column holds dates", "No column holds areas", "No column holds an id")
    whole, bare = (drop(survey__csv=SURVEY), drop(inbox__csv="text,day,town\nMend the lights,then,here\nThanks,now,there\n"))

    assert not any(sentence in client.get(whole).get_data(as_text=True) for sentence in sentences)
    text = client.get(bare).get_data(as_text=True)
    assert [sentence in text for sentence in sentences] == [True, False, True]  # 'town' is an area
    again = client.post(bare, data=choose(client, bare, file0_column1="date", file0_column2="skip"), follow_redirects=True)
    text = again.get_data(as_text=True)
    assert [sentence in text for sentence in sentences] == [False, True, True]


@pytest.mark.parametrize(
    ("name", "channel"),
    [
        ("survey_comments-2026.csv", "Survey comments 2026"),
        ("Community survey(1-30).csv", "Community survey"),
        ("Inbox (2).csv", "Inbox"),
        ("(1).csv", "(1)"),
    ],
)
def test_a_channel_is_named_after_the_file_but_not_after_its_count(
    drop: Callable[..., str], client: PageClient, name: str, channel: str
) -> None:
    assert f'value="{channel}"' in client.get(drop(**{name: SURVEY})).get_data(as_text=True)


def test_import_starts_when_how_people_were_chosen_is_said(client: PageClient, site: Site, drop: Callable[..., str]) -> None:
    address = drop(survey__csv=SURVEY)

    assert "Select how the people in survey.csv were chosen" in refused(client, address)
    assert stored(site) == (0, 0)

    started = client.post(address, data=choose(client, address, file0_chosen="opt-in"))
    assert started.status_code == 302
    assert started.location == f"/jobs/{site.job_ids('queued')[0]}"
    assert stored(site) == (1, 1)


def test_an_import_page_tells_what_was_added_and_why_rows_were_rejected(
    client: PageClient, site: Site, drop: Callable[..., str]
) -> None:
    for _ in range(2):
        address = drop(survey__csv=SURVEY)
        fitting = {"file0_chosen": "opt-in"} if stored(site) == (0, 0) else {"file0_channel": "1"}
        client.post(address, data=choose(client, address, **fitting))
        assert site.work(names=("import",)) == 1

    first, second = (client.get(f"/imports/{number}").get_data(as_text=True) for number in (1, 2))
    assert "3\u00a0responses" in first
    assert "Row 5" in first
    assert "is not a date" in first and "This one has no day but words enough" in first
    assert "0\u00a0responses" in second and "adds only what is new" in second


def test_an_import_page_tells_what_each_column_was_read_as_and_which_responses_have_no_date(
    client: PageClient, site: Site, drop: Callable[..., str]
) -> None:
    undated = BOTH_WAYS.replace("04/02/2026", "")
    address = drop(survey__csv=undated)
    how = {"file0_chosen": "opt-in", "file0_date_order": "mdy", "file0_column3": "skip", "file0_handling": "official-sensitive"}
    client.post(address, data=choose(client, address, **how))
    site.work(names=("import",))

    text = client.get("/imports/1").get_data(as_text=True)
    rows = re.findall(r'<th scope="row"[^>]*>([^<]+)</th><td[^>]*>([^<]+)</td>', text)
    assert rows == [
        *(("comment", "What people said (comment)"), ("date", "Date"), ("area", "Area"), ("id", "Id of the response")),
        ("How much do you trust the police?", "Answer to a closed question"),
        ("age", "Left out"),
    ]
    assert "The month comes first, as in 12/31/2026" in text
    assert "Official-sensitive: those cleared for it" in text
    assert "1 of 3 responses in this file has no date" in text


def test_an_import_page_says_so_where_no_column_held_dates(client: PageClient, site: Site, drop: Callable[..., str]) -> None:
    address = drop(inbox__csv="text\nPlease mend the lights in Mill Lane\nThank you all\n")
    client.post(address, data=choose(client, address, file0_chosen="opt-in"))
    site.work(names=("import",))

    assert "No column holds dates" in client.get("/imports/1").get_data(as_text=True)


def test_dates_that_can_be_two_days_are_asked_about_with_one_of_them(
    client: PageClient, site: Site, drop: Callable[..., str]
) -> None:
    address = drop(survey__csv=BOTH_WAYS)

    text = client.get(address).get_data(as_text=True)
    assert "The day comes first: 03/02/2026 is 3 February 2026" in text
    assert "The month comes first: 03/02/2026 is 2 March 2026" in text
    assert "Select whether the day or the month comes first in survey.csv" in refused(client, address, file0_chosen="opt-in")
    assert stored(site) == (0, 0)

    client.post(address, data=choose(client, address, file0_chosen="opt-in", file0_date_order="mdy"))
    site.work(names=("import",))
    with site.sessions.reading() as session:
        counts = listening.counts_by_channel(session, site.actor, 1)
    assert str(counts["first"].iloc[0]) == "2026-03-02"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "bad.csv is empty."),
        (b",,,\n", "bad.csv is empty."),
        (PNG, "bad.csv is a picture, not a table."),
        (b"\x00\x01\x02\x03" * 500, "bad.csv is not a text file or a workbook."),
        (b"PK\x03\x04 this is no workbook", "bad.csv"),
    ],
)
def test_a_file_that_is_no_table_gets_its_sentence_and_stores_nothing(
    client: PageClient, site: Site, drop: Callable[..., str], content: bytes, sentence: str
) -> None:
    address = drop(bad__csv=content)

    text = client.get(address).get_data(as_text=True)
    assert sentence in text
    assert "Nothing was stored." in text
    assert "Choose other files" in text
    assert client.post(address, data={"csrf_token": client.token("/")}).status_code in (200, 422)
    assert stored(site) == (0, 0)


def test_a_file_without_words_or_questions_says_what_to_choose(client: PageClient, site: Site, drop: Callable[..., str]) -> None:
    address = drop(sums__csv="code,amount\nA1,12\nB2,13\nC3,14\nD4,15\n")

    assert "sums.csv: select the column with what people said, or a closed question" in refused(
        client, address, file0_chosen="opt-in"
    )
    assert stored(site) == (0, 0)


def test_a_bad_file_does_not_stop_the_others(client: PageClient, site: Site, drop: Callable[..., str]) -> None:
    address = drop(bad__csv=PNG, survey__csv=SURVEY, inbox__csv="text\nPlease mend the lights in Mill Lane\nThank you all\n")

    text = client.get(address).get_data(as_text=True)
    assert "bad.csv is a picture" in text
    assert "Import 2 files" in text
    answers = {"file1_chosen": "random", "file2_chosen": "opt-in"}
    client.post(address, data=choose(client, address, **answers))
    assert stored(site) == (2, 2)
    assert site.work(names=("import",)) == 2


def test_one_of_several_files_can_be_left_out_whatever_is_missing_in_it(
    client: PageClient, site: Site, drop: Callable[..., str]
) -> None:
    address = drop(survey__csv=SURVEY, other__csv=BOTH_WAYS)

    client.post(address, data=choose(client, address, file0_chosen="opt-in", file1_leave_out="y"))
    assert stored(site) == (1, 1)


def test_leaving_all_files_out_is_no_import(client: PageClient, site: Site, drop: Callable[..., str]) -> None:
    address = drop(survey__csv=SURVEY, other__csv=BOTH_WAYS)

    assert "Leave at least one file in" in refused(client, address, file0_leave_out="y", file1_leave_out="y")


def test_one_field_is_read_from_one_column_only(client: PageClient, drop: Callable[..., str]) -> None:
    address = drop(survey__csv=SURVEY)

    assert "survey.csv: read only one of" in refused(client, address, file0_chosen="opt-in", file0_column2="text")


def test_a_column_can_be_read_as_something_else(client: PageClient, site: Site, drop: Callable[..., str]) -> None:
    address = drop(survey__csv=SURVEY)

    answers = {"file0_chosen": "quota", "file0_column1": "skip", "file0_column3": "skip"}
    client.post(address, data=choose(client, address, **answers))
    site.work(names=("import",))
    with site.sessions.reading() as session:
        assert listening.attributes(session, site.actor, 1) == {}
        assert listening.counts_by_channel(session, site.actor, 1)["first"].isna().all()


def test_a_channel_that_exists_is_offered_and_keeps_how_its_people_were_chosen(
    client: PageClient, site: Site, drop: Callable[..., str]
) -> None:
    with site.sessions.writing() as session:
        listening.add_channel(session, site.actor, 1, name="Survey", chosen="random")
    address = drop(survey__csv=SURVEY)

    text = client.get(address).get_data(as_text=True)
    assert re.search(r'name="file0_channel" type="radio" value="1" checked', text)
    clash = {"file0_channel": "new", "file0_new_channel": "Survey", "file0_chosen": "opt-in"}
    assert "There is a feedback channel Survey already" in refused(client, address, **clash)
    client.post(address, data=choose(client, address, file0_channel="1"))
    assert stored(site) == (1, 1)


def test_two_files_of_one_new_channel_must_agree_on_how_people_were_chosen(
    client: PageClient, site: Site, drop: Callable[..., str]
) -> None:
    address = drop(one__csv=SURVEY, two__csv=SURVEY.replace("1,2026", "9,2026"))
    named = {"file0_new_channel": "Survey", "file1_new_channel": "Survey", "file0_chosen": "random"}

    assert "Two files go to Survey; select the same for both" in refused(client, address, **named, file1_chosen="opt-in")
    assert client.post(address, data=choose(client, address, **named, file1_chosen="random")).status_code == 302
    assert stored(site) == (1, 2)


def test_the_same_file_dropped_twice_at_once_is_shown_once(client: PageClient, drop: Callable[..., str]) -> None:
    text = client.get(drop(one__csv=SURVEY, copy__csv=SURVEY)).get_data(as_text=True)
    assert "Check what was found in the file" in text


def test_no_file_at_all_is_said_beside_the_field(client: PageClient, programme_id: int) -> None:
    address = f"/programmes/{programme_id}/import"

    page = client.post(address, data={"csrf_token": client.token(address)}, follow_redirects=True)
    assert page.request.path == address
    assert page.request.method == "GET"
    assert "Select a file" in page.get_data(as_text=True)


def test_a_name_that_points_elsewhere_is_only_a_name(client: PageClient, site: Site, drop: Callable[..., str]) -> None:
    address = f"/programmes/{1}/import"
    sent = [(io.BytesIO(SURVEY.encode()), "../../../etc/<b>pass\u202ewd</b>.csv")]

    response = client.post(address, data={"csrf_token": client.token(address), "files": sent})
    text = client.get(response.location).get_data(as_text=True)
    assert "<b>pass" not in text
    assert all(re.fullmatch(r"[0-9a-f]{64}", path.name) for path in (site.settings.data_dir / "uploads").iterdir())


@pytest.mark.parametrize("token", ["", "nonsense", "eyJvIjoxfQ.aa.bb"])
def test_a_token_that_is_not_ours_opens_no_file(client: PageClient, programme_id: int, token: str) -> None:
    page = client.get(f"/programmes/{programme_id}/import/check?files={token}")
    assert page.status_code == 422
    assert "Drop them again; nothing was stored." in page.get_data(as_text=True)


def test_a_file_that_is_gone_asks_for_it_again(client: PageClient, site: Site, drop: Callable[..., str]) -> None:
    address = drop(survey__csv=SURVEY)
    for path in (site.settings.data_dir / "uploads").iterdir():
        path.unlink()

    text = client.get(address).get_data(as_text=True)
    assert "The file survey.csv is no longer here. Drop it again." in text


def test_a_batch_of_another_programme_is_not_imported_here(client: PageClient, site: Site, drop: Callable[..., str]) -> None:
    address = drop(survey__csv=SURVEY)
    with site.sessions.writing() as session:
        other = listening.create_programme(session, site.actor, name="Other").id

    page = client.get(address.replace("/programmes/1/", f"/programmes/{other}/"))
    assert page.status_code == 302
    assert page.location.startswith("/programmes/1/")


def test_a_token_serves_only_whom_it_was_made_for(site: Site, settings_of_another: Settings) -> None:
    batch = Batch((Upload("0" * 64, "a.csv"),), 3)
    token = seal(batch, site.actor, site.settings)

    assert unseal(token, site.actor, site.settings) == batch
    with pytest.raises(BadInput):
        unseal(token, site.actor, settings_of_another)
    with pytest.raises(NotFound):
        path_of(batch.uploads[0], site.settings)


@pytest.fixture
def settings_of_another(site: Site, tmp_path: Path) -> Settings:
    from dataclasses import replace

    return replace(site.settings, secret_key="f" * 64)
