"""The page that says what is new: each state says why it is so and what to do, and what it offers is done and undone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import curated
import new_groups
import pytest
from curated import Curated
from page_client import PageClient, page_client
from pages_site import Site, open_site

from commsapp.actor import HandlingLevel, Role
from commsapp.listening import looking_for_new
from commsapp.listening import service as listening
from commsapp.storage.events import Event

Seen = tuple[Site, Curated, PageClient]


@pytest.fixture
def site(tmp_path: Path, sqlite_template: Path) -> Site:
    return open_site(tmp_path, sqlite_template)


@pytest.fixture(autouse=True)
def together(monkeypatch: pytest.MonkeyPatch) -> None:
    """How groups are found is tested elsewhere."""
    monkeypatch.setattr(looking_for_new, "emerging", new_groups.together)


@pytest.fixture
def seen(site: Site) -> Seen:
    return site, curated.on_site(site), page_client(site.app)


def at(made: Curated, path: str = "") -> str:
    return f"/programmes/{made.id}/codebook/new{path}"


def shown(client: PageClient, path: str) -> str:
    """What a page says, with plain spaces."""
    return " ".join(client.get(path).text.replace("&nbsp;", " ").split())


def group(made: Curated) -> Any:
    with made.sessions.reading() as session:
        return next(one for one in listening.whats_new(session, made.actor, made.id).waves[0].groups if one.new)


def press(client: PageClient, made: Curated, what: str) -> str:
    page = client.post(at(made, f"/{group(made).id}/{what}"), data={"csrf_token": client.token(at(made))}, follow_redirects=True)
    return " ".join(page.text.split())


def test_a_group_is_shown_with_its_share_how_sure_it_is_and_what_people_said(seen: Seen) -> None:
    site, made, client = seen
    new_groups.second_wave(made)
    page, one = shown(client, at(made)), group(made)
    assert (
        one.name in page
        and f"{new_groups.TINS} comments" in page
        and "A fake charity tin stands on the shop counter, tin" in page
    )
    assert "At most 1 in 83 waves in which nothing is new would show such a group" in page
    assert "Before" in page and "0.0 %" in page and "This wave" in page
    assert "1 group more frequent than before, which may be chance" in page
    with site.sessions.reading() as session:
        read = session.query(Event).filter(Event.action == "read").order_by(Event.id.desc()).first()
        assert read is not None and (read.after or {})["where"] == "what is new"


def test_what_was_heard_points_it_out_until_somebody_sets_it_aside_and_again_when_it_is_brought_back(seen: Seen) -> None:
    _, made, client = seen
    new_groups.second_wave(made)
    heard = f"/programmes/{made.id}/listening"
    told = "1 group of comments in February fits no topic and was not heard before."
    assert told in shown(client, heard) and told not in shown(client, f"{heard}?wave=February")
    page = press(client, made, "set-aside")
    assert "Set aside: ‘" in page and f"By {made.actor.name} on" in page
    assert "Nothing else is new in this wave." in page
    assert told not in shown(client, heard)
    assert "Brought back: ‘" in press(client, made, "bring-back")
    assert told in shown(client, heard)


def test_a_group_is_added_as_a_topic_and_the_page_says_that_it_is_in_the_draft(seen: Seen) -> None:
    _, made, client = seen
    new_groups.second_wave(made)
    one = group(made)
    add = f"/programmes/{made.id}/codebook/add"
    page = shown(client, f"{add}?group={one.id}")
    assert page.count(" checked>") == len(one.examples) and f'value="{one.name}"' in page and "New in February" in page
    data = {"name": "Charity tins", "why": "New in February", "comments": [str(number) for number in one.examples]}
    client.post(add, data={"csrf_token": client.token(add), **data})
    made.work()
    assert "Added ‘Charity tins’" in shown(client, f"/programmes/{made.id}/codebook")
    page = shown(client, at(made))
    assert "The draft makes a topic of it: ‘Charity tins’." in page and "Add as a topic" not in page
    assert client.get(f"{add}?group=999999").status_code == 404
    assert client.get(f"{add}?group={'9' * 50}").status_code == 200


def test_each_state_says_why_it_is_so_and_what_to_do_next(seen: Seen) -> None:
    site, made, client = seen
    with site.sessions.writing() as session:
        empty = listening.create_programme(session, site.actor, name="Empty")
    assert "There are no topics yet" in shown(client, f"/programmes/{empty.id}/codebook/new")
    page = shown(client, at(made))
    assert "There is no earlier wave to compare with" in page and "Add a wave" in page
    new_groups.second_wave(made, new=[])
    page = shown(client, at(made))
    assert "Nothing is new in this wave." in page and "Small groups can be missed" in page
    with site.sessions.writing() as session:
        start = next(wave.start for wave in listening.waves(session, made.actor, made.id) if wave.name == "February")
        listening.add_wave(session, made.actor, made.id, name="Later", start=start.replace(day=10), end=start.replace(day=11))
    page = shown(client, at(made))
    assert "Nobody looked at this wave yet" in page and "Analyse what is new" in page


def test_a_wave_without_comments_says_so_and_offers_no_analysis(seen: Seen) -> None:
    site, made, client = seen
    new_groups.second_wave(made, new=[])
    with site.sessions.writing() as session:
        start = next(wave.start for wave in listening.waves(session, made.actor, made.id) if wave.name == "February")
        listening.add_wave(session, made.actor, made.id, name="Later", start=start.replace(month=5), end=start.replace(month=6))
    page = shown(client, at(made))
    assert "There are no comments in this wave that you may read, or none of them is analysed yet." in page
    assert "Nobody looked at this wave yet" not in page and "Analyse what is new" not in page


def test_a_wave_whose_comments_all_fit_a_topic_and_one_with_nothing_before_it_say_so(seen: Seen) -> None:
    site, made, client = seen
    fitting = [row for row in new_groups.as_before() if row["axis"] < 5]
    with site.sessions.writing() as session:
        wave = listening.waves(session, made.actor, made.id)[0]
        listening.add_wave(session, made.actor, made.id, name="February", start=fitting[0]["day"], end=fitting[0]["day"])
        listening.add_wave(
            session, made.actor, made.id, name="Long ago", start=wave.start.replace(year=2020), end=wave.start.replace(year=2020)
        )
    curated.say(made, fitting)
    curated.code(made)
    new_groups.look(made)
    page = shown(client, at(made))
    assert "Every comment of this wave fits a topic," in page
    assert "Too few comments were heard before this wave to compare it with." in page


def test_workers_look_and_change_nothing_and_partners_do_not_enter(seen: Seen) -> None:
    site, made, client = seen
    new_groups.second_wave(made)
    worker, partner = site.client(Role.WORKER), site.client(Role.PARTNER)
    page = shown(worker, at(made))
    assert f"{new_groups.TINS} comments" in page and "Add as a topic" not in page and "Set aside" not in page
    assert partner.get(at(made)).status_code == 403
    token = client.token(f"/programmes/{made.id}/codebook")
    assert worker.post(at(made, f"/{group(made).id}/set-aside"), data={"csrf_token": token}).status_code in (400, 403)
    assert "Look at what is new" in shown(worker, f"/programmes/{made.id}/listening")
    assert "What is new: groups of comments" in shown(client, f"/programmes/{made.id}/codebook")


def test_restricted_comments_are_neither_shown_nor_counted_for_those_who_may_not_read_them(seen: Seen) -> None:
    site, made, client = seen
    new_groups.second_wave(made, new=[*new_groups.tins(21, level="official-sensitive"), *new_groups.tins(2, first=100)])
    assert "Comments without a topic, group 1" in shown(client, at(made)) and "23 comments" in shown(client, at(made))
    page = shown(site.client(Role.OFFICER, levels=[HandlingLevel.OPEN]), at(made))
    assert "23 comments" not in page and "tin 1" not in page.replace("tin 10", "")
