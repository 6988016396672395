from __future__ import annotations

import re
from pathlib import Path

import heard
import pytest
from page_client import PageClient, page_client
from pages_site import Site, open_site

from commsapp.listening import service as listening
from commsapp.listening.formats.preview import preview
from commsapp.storage import jobs

WORDS = "text\nPlease mend the lights in Mill Lane\nThank you for coming to our street\n"
ANSWERS = "id,Do you know us?\n" + "".join(f"{number},{'Yes' if number % 3 else 'No'}\n" for number in range(60))


@pytest.fixture
def site(tmp_path: Path, sqlite_template: Path) -> Site:
    return open_site(tmp_path, sqlite_template)


@pytest.fixture
def client(site: Site) -> PageClient:
    return page_client(site.app)


def begin(site: Site, tmp_path: Path, content: str, name: str = "inbox.csv", programme: str = "Ashdale") -> int:
    """Start an import with its analysis, as the check page does; gives its job."""
    path = tmp_path / name
    path.write_text(content, "utf-8")
    look = preview(path, name)
    file = listening.check_file(listening.keep(path, site.settings), name=name, mapping=look.mapping)
    with site.sessions.writing() as session:
        known = {one.name: one for one in listening.all_programmes(session, site.actor)}
        made = known.get(programme) or listening.create_programme(session, site.actor, name=programme)
        channel = listening.add_channel(session, site.actor, made.id, name="Inbox", chosen="opt-in")
        _, job_id = listening.start_import(
            session,
            site.actor,
            programme_id=made.id,
            channel_id=channel.id,
            file=file,
            then_analyse=True,
        )
    return job_id


def press(client: PageClient, page: str, action: str, job_id: int) -> str:
    token = re.findall(r'name="csrf_token" value="([^"]+)"', client.get(page).get_data(as_text=True))[0]
    sent = {"csrf_token": token, "first": page.rpartition("/")[2]}
    return client.post(f"/jobs/{job_id}/{action}", data=sent, follow_redirects=True).get_data(as_text=True)


def test_work_that_waits_is_followed_by_script_and_without(client: PageClient, site: Site, tmp_path: Path) -> None:
    text = client.get(f"/jobs/{begin(site, tmp_path, WORDS)}").get_data(as_text=True)

    assert "Reading what people said" in text
    assert "Import of inbox.csv" in text
    assert "Waiting for its turn" in text
    assert 'data-hx-get="/jobs/1/part"' in text
    assert '<noscript><meta http-equiv="refresh" content="5">' in text


def test_running_work_says_its_stage_in_plain_words(client: PageClient, site: Site, tmp_path: Path) -> None:
    job_id = begin(site, tmp_path, WORDS)
    with site.sessions.writing() as session:
        jobs.claim(session, job_id, "test")
        jobs.renew(session, job_id, "test", done=412, total=1200, stage="Judging the tone")

    part = client.get(f"/jobs/{job_id}/part", headers={"HX-Request": "true"})
    text = part.get_data(as_text=True)
    assert "Judging the tone</label>" in text
    assert "412 of 1,200" in text
    assert re.search(r'<progress[^>]*max="1200" value="412"', text)
    assert "<html" not in text
    assert "HX-Redirect" not in part.headers


def test_at_the_end_the_page_tells_what_came_in(client: PageClient, site: Site, tmp_path: Path) -> None:
    job_id = begin(site, tmp_path, ANSWERS, "survey.csv")
    assert site.work() == 2

    part = client.get(f"/jobs/{job_id}/part", headers={"HX-Request": "true"})
    assert part.headers["HX-Redirect"] == f"/jobs/{job_id}"
    text = client.get(f"/jobs/{job_id}").get_data(as_text=True)
    assert "Done: what came in" in text
    assert "60\u00a0responses, 0\u00a0topics, 0&nbsp;set aside" in text
    assert "No comments came in, so there are no topics" in text
    assert "60\u00a0responses added" in text
    assert "See what was heard" in text
    assert "http-equiv" not in text


def test_work_whose_import_was_taken_back_still_has_its_page(client: PageClient, site: Site, tmp_path: Path) -> None:
    job_id = begin(site, tmp_path, ANSWERS, "survey.csv")
    site.work()
    with site.sessions.reading() as session:
        programme = listening.all_programmes(session, site.actor)[0].id
        run = listening.imports_of(session, site.actor, programme)[0]
    with site.sessions.writing() as session:
        listening.remove_import(session, site.actor, run.id, settings=site.settings)
    page = client.get(f"/jobs/{job_id}")
    assert page.status_code == 200
    assert "An import that was removed" in page.get_data(as_text=True)
    assert client.get(f"/programmes/{programme}").status_code == 200


def test_what_was_set_aside_is_explained(client: PageClient, site: Site) -> None:
    found = heard.programme(site.sessions, site.actor)
    with site.sessions.writing() as session:
        job_id = listening.start_analysis(session, site.actor, programme_id=found.programme_id)
        jobs.claim(session, job_id, "test")
        jobs.finish(session, job_id, "test", {})
        from commsapp.storage.results import ResultSet

        latest = session.query(ResultSet).order_by(ResultSet.id.desc()).first()
        assert latest is not None
        latest.summary = {"responses": 412, "comments": 400, "topics": 7, "not_coded": {"language not read": 8, "empty": 1}}

    text = client.get(f"/jobs/{job_id}").get_data(as_text=True)
    assert "412\u00a0responses, 7\u00a0topics, 9&nbsp;set aside" in text
    assert "Why 9\u00a0comments were set aside" in text
    assert "Language not read: 8" in text


def test_two_files_and_their_analysis_stand_on_one_page(client: PageClient, site: Site, tmp_path: Path) -> None:
    first = begin(site, tmp_path, ANSWERS, "one.csv")
    begin(site, tmp_path, ANSWERS + "77,No\n", "two.csv")
    site.work()

    text = client.get(f"/jobs/{first}").get_data(as_text=True)
    assert "Import of one.csv" in text
    assert "Import of two.csv" in text
    assert "60 there already" in text
    assert text.count("Topics, tone and results") == 1


def test_work_of_another_programme_is_not_on_the_page(client: PageClient, site: Site, tmp_path: Path) -> None:
    first = begin(site, tmp_path, ANSWERS, "one.csv")
    begin(site, tmp_path, ANSWERS, "other.csv", programme="Elsewhere")

    assert "other.csv" not in client.get(f"/jobs/{first}").get_data(as_text=True)


def test_work_that_waits_can_be_stopped_and_taken_up_again(client: PageClient, site: Site, tmp_path: Path) -> None:
    job_id = begin(site, tmp_path, WORDS)

    text = press(client, f"/jobs/{job_id}", "cancel", job_id)
    assert "Stopped: Import of inbox.csv. What was done so far is kept." in text
    assert "The work has stopped" in text
    assert "Try again" in text
    assert site.work() == 0
    assert "Waiting for its turn" in press(client, f"/jobs/{job_id}", "retry", job_id)
    assert site.work(names=("import",)) == 1


def test_work_that_has_ended_can_not_be_stopped(client: PageClient, site: Site, tmp_path: Path) -> None:
    job_id = begin(site, tmp_path, ANSWERS)
    site.work()

    token = client.token("/programmes/new")
    page = client.post(f"/jobs/{job_id}/cancel", data={"csrf_token": token})
    assert page.status_code == 409


def test_a_failure_says_its_sentence_and_what_to_do(client: PageClient, site: Site, tmp_path: Path) -> None:
    job_id = begin(site, tmp_path, WORDS)
    for path in (site.settings.data_dir / "uploads").iterdir():
        path.unlink()
    site.work()

    text = client.get(f"/jobs/{job_id}").get_data(as_text=True)
    assert "The work has stopped" in text
    assert "There is no file inbox.csv." in text
    assert "Try again" in text
    assert "See what was heard" not in text


def test_work_that_nobody_takes_says_where_to_look(
    client: PageClient, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import timedelta

    from commsapp.web.pages import jobs as page

    job_id = begin(site, tmp_path, WORDS)
    assert "Nothing has begun for a while" not in client.get(f"/jobs/{job_id}").get_data(as_text=True)
    monkeypatch.setattr(page, "_TOO_LONG", timedelta(0))
    assert "Nothing has begun for a while" in client.get(f"/jobs/{job_id}").get_data(as_text=True)


def test_there_is_no_page_for_work_that_is_not_there(client: PageClient) -> None:
    assert client.get("/jobs/77").status_code == 404
    assert client.get("/jobs/77/part", headers={"HX-Request": "true"}).status_code == 404
