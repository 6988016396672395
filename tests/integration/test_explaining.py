"""'Why?': asked for at a comment, found by the worker, shown to whoever may read it, kept without a word."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import given
import pytest
from page_client import page_client
from pages_site import Site, open_site
from sqlalchemy import delete, update

from commsapp.actor import HandlingLevel, Role
from commsapp.errors import Conflict
from commsapp.listening import service as listening
from commsapp.listening.coders import SENTIMENT_CODER
from commsapp.storage import codings, jobs
from commsapp.storage.codings import CodebookVersion, Coder
from commsapp.textmodels.encoder import ENCODER_VERSION

pytestmark = pytest.mark.slow

PLACES = ("by the school", "at the station", "behind the shops", "in the park", "near the club")
WORRIED = "Call me on 07700 900123: the dealers at the station are terrifying and my mother is afraid"
SAID = [
    *(f"Drug dealers stand {place} every night and it is awful" for place in PLACES),
    *(f"The officers were wonderful {place}, thank you so much" for place in PLACES),
    *(f"Fridges and tyres are dumped {place}" for place in PLACES),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Site:
    return open_site(tmp_path_factory.mktemp("site"), sqlite_template)


@pytest.fixture(scope="module")
def programme(site: Site, tmp_path_factory: pytest.TempPathFactory) -> int:
    number = given.programme(site.sessions, site.actor)
    rows = [{"comment": text, "handling": "open", "consent": "log, analyse"} for text in SAID]
    rows += [
        {"comment": WORRIED, "handling": "official-sensitive", "consent": "log, analyse"},
        {"comment": "Somebody hurts me at home", "handling": "concern", "consent": "log, analyse"},
    ]
    path = given.table(tmp_path_factory.mktemp("files") / "said.csv", rows)
    given.imported(site.sessions, site.actor, site.settings, path, programme_id=number)
    listening.run_analysis(site.sessions, site.actor, programme_id=number, settings=site.settings)
    return number


def numbers(site: Site, programme: int) -> dict[str, int]:
    return {one.words: one.id for one in given.everything_said(site.sessions, site.actor, programme)}


def page_of(programme: int, comment: int) -> str:
    return f"/programmes/{programme}/comments/{comment}/why"


def waiting(site: Site) -> int:
    with site.sessions.reading() as session:
        return sum(job.name == "explain" and job.state == "queued" for job in jobs.recent_jobs(session, site.actor))


def marked(page: str) -> list[list[str]]:
    """Marked words of each quotation on a page."""
    quotes = re.findall(r'<article class="app-quote">(.*?)</article>', page, re.DOTALL)
    return [[html.unescape(word) for word in re.findall(r"<mark[^>]*>(.*?)</mark>", quote)] for quote in quotes]


def test_the_words_that_carried_the_coding_are_found_by_a_job_and_marked(site: Site, programme: int) -> None:
    client, path = page_client(site.app), page_of(programme, numbers(site, programme)[SAID[0]])
    before = client.get(path).get_data(as_text=True)
    assert "Find the words" in before
    assert "<mark" not in before
    for _ in range(2):  # a second press starts nothing more
        assert client.post(path, data={"csrf_token": client.token(path)}).status_code == 302
    assert waiting(site) == 1
    assert "Waiting for its turn" in client.get(path).get_data(as_text=True)
    assert "You can leave this page" in client.get(f"{path}/part").get_data(as_text=True)
    assert site.work(names=("explain",)) == 1
    assert client.get(f"{path}/part", headers={"HX-Request": "true"}).headers["HX-Redirect"] == path
    page = client.get(path).get_data(as_text=True)
    tone, topic = marked(page)
    assert "awful" in tone
    assert {"Drug", "dealers"} & set(topic)
    assert "This explains the model, not the person." in page


def test_words_stand_as_everybody_sees_them_and_the_job_keeps_none_of_them(site: Site, programme: int) -> None:
    known = numbers(site, programme)
    words = next(text for text in known if "terrifying" in text)
    assert "[phone number]" in words
    client, path = page_client(site.app), page_of(programme, known[words])
    client.post(path, data={"csrf_token": client.token(path)})
    site.work(names=("explain",))
    page = client.get(path).get_data(as_text=True)
    assert "07700" not in page
    assert "[phone number]" in page
    assert {"terrifying", "afraid"} & set(marked(page)[0])
    with site.sessions.reading() as session:
        kept = json.dumps([[job.arguments, job.result, job.stage] for job in jobs.recent_jobs(session, site.actor)])
    assert not [word for word in re.findall(r"[a-z]{5,}", " ".join([WORRIED, *SAID]).lower()) if word in kept.lower()]


def test_who_may_not_read_a_comment_is_told_of_none_and_starts_nothing(site: Site, programme: int) -> None:
    known = numbers(site, programme)
    hidden = next(number for text, number in known.items() if "terrifying" in text)
    reader = site.client(Role.OFFICER)
    path = page_of(programme, hidden)
    assert reader.get(path).status_code == reader.get(f"{path}/part").status_code == 404
    token = reader.token(page_of(programme, known[SAID[0]]))
    assert reader.post(path, data={"csrf_token": token}).status_code == 404
    assert waiting(site) == 0
    assert site.client(Role.OFFICER, levels=(HandlingLevel.OPEN, HandlingLevel.OFFICIAL_SENSITIVE)).get(path).status_code == 200


def test_what_was_not_coded_has_nothing_to_explain(site: Site, programme: int) -> None:
    concern = next(number for text, number in numbers(site, programme).items() if "hurts" in text)
    answer = page_client(site.app).get(page_of(programme, concern))
    assert answer.status_code == 409
    assert "nothing to explain" in answer.get_data(as_text=True)


def test_each_look_is_in_the_log(site: Site, programme: int) -> None:
    comment = numbers(site, programme)[SAID[1]]
    page_client(site.app).get(page_of(programme, comment))
    log = page_client(site.app).get("/audit").get_data(as_text=True)
    assert "why it was coded so" in html.unescape(log)


def found(site: Site, programme: int, words: str) -> str:
    """Ask why a comment was coded as it was, have the worker find it, and return the page's path."""
    path = page_of(programme, numbers(site, programme)[words])
    client = page_client(site.app)
    client.post(path, data={"csrf_token": client.token(path)})
    site.work(names=("explain",))
    assert "<mark" in client.get(path).get_data(as_text=True)
    return path


def test_a_tone_that_an_older_model_said_is_not_explained_by_the_one_that_is_set_now(site: Site, programme: int) -> None:
    path = found(site, programme, SAID[2])
    with site.sessions.writing() as session:
        own = codings.latest_coder(session, site.actor, name=SENTIMENT_CODER)
        assert own is not None
        now, own.version = own.version, "tone/older"
        session.flush()
        # The model that is set now has coded another programme, not this one.
        other = codings.model_coder(session, site.actor, name=SENTIMENT_CODER, version=now)
    has_to_be_asked_again(site, programme, SAID[2], "Another model of tone has been set since this comment was coded.")
    with site.sessions.writing() as session:
        session.execute(delete(Coder).where(Coder.id == other))
        session.execute(update(Coder).where(Coder.version == "tone/older").values(version=now))
    assert "<mark" in page_client(site.app).get(path).get_data(as_text=True)


def test_topics_of_an_older_encoder_are_not_compared_with_what_the_new_one_reads(site: Site, programme: int) -> None:
    path = found(site, programme, SAID[3])
    with site.sessions.writing() as session:
        session.execute(update(CodebookVersion).values(encoder_version="older"))
    has_to_be_asked_again(site, programme, SAID[3], "Another model reads comments since the topics were found.")
    with site.sessions.writing() as session:
        session.execute(update(CodebookVersion).values(encoder_version=ENCODER_VERSION))
    assert "<mark" in page_client(site.app).get(path).get_data(as_text=True)


def has_to_be_asked_again(site: Site, programme: int, words: str, why: str) -> None:
    """What was found of a comment is not shown, and whoever asks again is told what to do first."""
    comment = numbers(site, programme)[words]
    page = page_client(site.app).get(page_of(programme, comment)).get_data(as_text=True)
    assert "<mark" not in page
    assert "Find the words" in page
    with pytest.raises(Conflict, match=f"{why} Analyse what is new first"):
        listening.run_explanation(site.sessions, site.actor, programme_id=programme, comment_id=comment, settings=site.settings)


def test_what_a_person_said_of_the_topic_is_told_from_what_is_explained(site: Site, programme: int) -> None:
    path, comment = found(site, programme, SAID[6]), numbers(site, programme)[SAID[6]]
    assert "Its topic:" in page_client(site.app).get(path).get_data(as_text=True)
    topics = {one.id: one.topic for one in given.everything_said(site.sessions, site.actor, programme)}
    other = next(number for number in topics.values() if number not in (None, -1, topics[comment]))
    with site.sessions.writing() as session:
        listening.give_topic(session, site.actor, programme, comment, other)
    page = html.unescape(page_client(site.app).get(path).get_data(as_text=True))
    assert "The codebook's topic:" in page
    assert "Its topic:" not in page


def test_of_a_very_long_comment_the_page_says_that_the_first_part_was_read(
    site: Site, programme: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("commsapp.textmodels.explaining.LETTERS", 40)
    path = found(site, programme, SAID[0])
    page = page_client(site.app).get(path).get_data(as_text=True)
    assert "This comment is very long, so only its first 38 letters were read" in page
    assert "night and it is awful" in page, "the whole comment is shown"
    monkeypatch.setattr("commsapp.textmodels.explaining.LETTERS", 3)
    client = page_client(site.app)
    client.post(path, data={"csrf_token": client.token(page_of(programme, numbers(site, programme)[SAID[7]]))})
    site.work(names=("explain",))
    assert "No single word carried the tone" in client.get(path).get_data(as_text=True), "no whole word was read"


def test_after_topics_were_found_again_it_has_to_be_asked_again(site: Site, programme: int) -> None:
    client, path = page_client(site.app), page_of(programme, numbers(site, programme)[SAID[5]])
    client.post(path, data={"csrf_token": client.token(path)})
    site.work(names=("explain",))
    assert "<mark" in client.get(path).get_data(as_text=True)
    how = {"programme_id": programme, "settings": site.settings}
    listening.run_analysis(site.sessions, site.actor, granularity="coarse", **how)  # type: ignore[arg-type]
    page = client.get(path).get_data(as_text=True)
    assert "<mark" not in page
    assert "Find the words" in page
