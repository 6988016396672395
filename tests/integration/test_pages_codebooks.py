"""The pages on which people curate topics: each step says what will happen, shows that it did, and leads back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import curated
import pytest
from curated import BINS, DEALERS, SCAMS, THANKS, Curated
from page_client import PageClient, page_client
from pages_site import Site, open_site

from commsapp.actor import HandlingLevel, Role
from commsapp.listening import service as listening
from commsapp.storage.events import Event

Seen = tuple[Site, Curated, PageClient]


@pytest.fixture
def site(tmp_path: Path, sqlite_template: Path) -> Site:
    return open_site(tmp_path, sqlite_template)


@pytest.fixture
def seen(site: Site) -> Seen:
    return site, curated.on_site(site), page_client(site.app)


def at(made: Curated, path: str = "") -> str:
    return f"/programmes/{made.id}/codebook{path}"


def send(client: PageClient, path: str, token_from: str = "", **data: Any) -> Any:
    return client.post(path, data={"csrf_token": client.token(token_from or path), **data}, follow_redirects=True)


def test_a_topic_is_renamed_merged_looked_at_and_frozen_and_the_version_says_what_changed(seen: Seen) -> None:
    site, made, client = seen
    assert "These are the topics in use" in client.get(at(made)).text
    page = send(client, at(made, f"/topics/{DEALERS}/rename"), name="Drug dealing").text
    assert "Renamed ‘Dealers’ to ‘Drug dealing’" in page and "This is a draft" in page and "Was ‘Dealers’" in page
    send(client, at(made, f"/topics/{BINS}/merge"), others=str(THANKS), name="The council", why="One service")
    client.post(at(made, "/look"), data={"csrf_token": client.token(at(made))})
    made.work()
    page = client.get(at(made, "/difference")).text
    assert "5&nbsp;comments" in page or "5\xa0comments" in page
    assert "The police were kind to us" in page  # an example, which it says was read
    with site.sessions.reading() as session:
        read = session.query(Event).filter(Event.action == "read").order_by(Event.id.desc()).first()
        assert read is not None and (read.after or {})["where"] == "would move to another topic"
    page = client.get(at(made, "/freeze")).text
    assert "Freeze the draft as version 2" in page and "5\xa0comments of 44 move to another topic" in page
    state = page.split('name="state" value="')[1].split('"')[0]
    refused = client.post(at(made, "/freeze"), data={"csrf_token": client.token(at(made, "/freeze")), "state": state, "why": ""})
    assert refused.status_code == 422 and "Enter a reason" in refused.text
    send(client, at(made, "/freeze"), state=state, why="Two names for one thing")
    made.work()
    page = client.get(at(made, "/versions")).text
    assert "Version 2 (in use)" in page and "Why: Two names for one thing" in page and site.actor.name in page
    page = client.get(at(made, "/versions/difference?from=1&to=2")).text
    assert "from ‘Thanks’ to ‘The council’" in page and "In no topic" in page
    assert "The council" in client.get(f"/programmes/{made.id}/listening").text


def test_undo_and_do_it_again_stand_beside_the_list_of_changes(seen: Seen) -> None:
    _, made, client = seen
    send(client, at(made, f"/topics/{BINS}/rename"), name="Litter")
    page = client.get(at(made)).text
    number = page.split('name="change" value="')[1].split('"')[0]
    page = send(client, at(made, "/undo"), at(made), change=number).text
    assert "Undone: Renamed ‘Bins; tyres’ to ‘Litter’" in page and "Do it again" in page
    page = send(client, at(made, "/redo"), at(made)).text
    assert "Litter" in page and "Do it again" not in page
    send(client, at(made, f"/topics/{SCAMS}/pin"), at(made, f"/topics/{SCAMS}"))
    page = send(client, at(made, "/start-again")).text
    assert "All changes were undone (2)" in page


@pytest.mark.parametrize(
    ("what", "data", "told"),
    [
        ("rename", {"name": ""}, "Enter a name"),
        ("rename", {"name": "dealers"}, "There is a topic called ‘dealers’ already"),
        ("merge", {"name": "All"}, "Select at least one topic"),
        ("split", {"parts": "1"}, "can’t be split into 1"),
        ("split", {"parts": "many"}, "Enter a whole number"),
        ("describe", {}, "Nothing is different"),
    ],
)
def test_what_can_t_be_done_is_said_beside_the_field(seen: Seen, what: str, data: dict[str, str], told: str) -> None:
    _, made, client = seen
    path = at(made, f"/topics/{BINS}/{what}")
    page = client.post(path, data={"csrf_token": client.token(path), **data})
    assert page.status_code == 422
    assert told in page.text.replace("&#39;", "’").replace("'", "’")


def test_a_topic_is_described_dropped_pinned_and_moved(seen: Seen) -> None:
    _, made, client = seen
    send(client, at(made, f"/topics/{BINS}/describe"), definition="All that lies about", note="Ask the council")
    page = client.get(at(made, f"/topics/{BINS}")).text
    assert "All that lies about" in page and "Ask the council" in page and "Described" in page
    page = send(client, at(made, f"/topics/{BINS}/move"), at(made, f"/topics/{BINS}"), direction="up").text
    assert "Put the topics in another order" in page
    page = client.get(at(made)).text
    assert page.index("Bins; tyres") < page.index("Dealers")
    page = send(client, at(made, f"/topics/{THANKS}/drop")).text
    assert "Dropped ‘Thanks’" in page
    assert client.get(at(made, f"/topics/{THANKS}")).status_code == 404


def test_a_topic_is_added_by_comments_that_somebody_searched_for_and_ticked(seen: Seen) -> None:
    _, made, client = seen
    path = at(made, "/add")
    token = client.token(path)
    page = client.post(path, data={"csrf_token": token, "name": "Fly-tipping", "words": "tyres", "search": "yes"}).text
    assert "Old tyres are dumped in the lane" in page and 'value="Fly-tipping"' in page
    numbers = [part.split('"')[0] for part in page.split('name="comments" type="checkbox" value="')[1:]][:3]
    empty = client.post(path, data={"csrf_token": token, "name": "Fly-tipping"})
    assert empty.status_code == 422 and "Nothing says what the topic is about" in empty.text
    client.post(path, data={"csrf_token": token, "name": "Fly-tipping", "comments": numbers})
    made.work()
    assert "Added ‘Fly-tipping’" in client.get(at(made)).text


def test_a_job_says_what_goes_on_and_leads_to_what_came_of_it(seen: Seen) -> None:
    site, made, client = seen
    path = at(made, f"/topics/{BINS}/split")
    page = send(client, path, parts="2").text
    assert "Taking the topic apart" in page
    made.work()
    page = client.get(f"/jobs/{site.job_ids('done')[-1]}").text
    assert "The topic is taken apart in the draft" in page and "Go to the topics" in page
    assert "Split ‘Bins; tyres’ into" in client.get(at(made)).text


def test_a_comment_gets_another_topic_and_says_who_gave_it(seen: Seen) -> None:
    site, made, client = seen
    worker = site.client(Role.WORKER)
    page = worker.get(f"/programmes/{made.id}/topics/{BINS}").text
    assert "by the codebook, " in page
    number = int(page.split("/comments/")[1].split("/topic")[0])
    path = f"/programmes/{made.id}/comments/{number}/topic"
    page = send(worker, path, topic=str(DEALERS)).text
    assert "The comment is sorted into ‘Dealers’ now" in page
    assert "Topic: Dealers, by engagement worker" in page
    page = worker.post(f"{path}/back", data={"csrf_token": worker.token(path)}, follow_redirects=True).text
    assert "by the codebook, " in page and "Take back" not in page
    secret = next(one.id for one in _comments(made) if one.handling_level != "open")
    assert worker.get(f"/programmes/{made.id}/comments/{secret}/topic").status_code == 404
    assert client.get(f"/programmes/{made.id}/comments/{secret}/topic").status_code == 200


def _comments(made: Curated) -> Any:
    with made.sessions.reading() as session:
        return listening.comments_page(session, made.actor, made.id, size=100).comments


def test_topics_are_tried_on_another_programme_before_they_are_carried_there(seen: Seen) -> None:
    site, made, client = seen
    other = curated.on_site(site, name="Elsewhere")
    page = send(client, at(made, "/carry"), to=str(other.id)).text
    assert "Sorting the other programme" in page
    made.work()
    path = at(made, f"/carry/over?to={other.id}")
    page = client.get(path).text
    assert "would be in no topic" in page and "Elsewhere" in page
    send(client, path, why="One list for both")
    made.work()
    page = client.get(at(other, "/versions")).text
    assert "Version 2 (in use)" in page and "One list for both" in page


def test_only_those_who_analyse_curate_and_workers_still_see_versions(seen: Seen) -> None:
    site, made, _ = seen
    worker, partner = site.client(Role.WORKER), site.client(Role.PARTNER)
    for path in ("", "/add", "/freeze", f"/topics/{BINS}", "/difference", "/carry", "/start-again"):
        assert worker.get(at(made, path)).status_code == 403
        assert partner.get(at(made, path)).status_code == 403
    assert worker.get(at(made, "/versions")).status_code == 200
    assert partner.get(at(made, "/versions")).status_code == 403
    assert "Change the topics" not in worker.get(f"/programmes/{made.id}/listening").text
    evaluator = site.client(Role.EVALUATOR, levels=list(HandlingLevel))
    assert "Change the topics" in evaluator.get(f"/programmes/{made.id}/listening").text


def test_a_programme_without_topics_says_what_to_do_next(seen: Seen) -> None:
    site, _, client = seen
    with site.sessions.writing() as session:
        empty = listening.create_programme(session, site.actor, name="Empty")
    page = client.get(f"/programmes/{empty.id}/codebook").text
    assert "There are no topics yet" in page and "Add feedback" in page
    assert client.get(f"/programmes/{empty.id}/codebook/difference").status_code == 404


@pytest.mark.parametrize("digits", ["9" * 30, "9" * 5000, "٣", "-1", "1e9"])
def test_numbers_that_no_database_holds_are_no_fault_of_ours(seen: Seen, digits: str) -> None:
    _, made, client = seen
    undone = send(client, at(made, "/undo"), at(made, "/add"), change=digits)
    added = send(client, at(made, "/add"), comments=digits, name="Fly-tipping", search="yes")
    carried = client.get(f"{at(made, '/carry/over')}?to={digits}")
    between = client.get(f"{at(made, '/versions/difference')}?from={digits}&to={digits}")
    assert max(page.status_code for page in (undone, added, carried, between)) < 500


def test_each_topic_says_how_firmly_it_stands(seen: Seen) -> None:
    _, made, client = seen
    index = client.get(at(made)).get_data(as_text=True)
    assert [index.count(word) for word in ("Firm", "Fair", "Shaky")] == [1, 1, 1]
    shaky = client.get(at(made, f"/topics/{SCAMS}")).get_data(as_text=True)
    assert "Shaky: in other parts of the comments it is hardly found." in " ".join(shaky.split())
    read = client.get(f"/programmes/{made.id}/topics/{DEALERS}").get_data(as_text=True)
    assert "Firm: nearly the same topic is found in other parts of the comments. (Agreement 0.93 of 1.)" in " ".join(read.split())
    unknown = client.get(f"/programmes/{made.id}/topics/{THANKS}").get_data(as_text=True)
    assert "Agreement" not in unknown
