"""What is new in a wave: found by an analysis, kept, told to whoever may know, set aside, and gone with the comments."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from types import SimpleNamespace
from typing import Any

import curated
import given
import new_groups
import pytest
from curated import Curated
from sqlalchemy import delete, func, select, update

from commsapp.actor import Actor, HandlingLevel, Role
from commsapp.config import Settings
from commsapp.errors import NotAllowed, NotFound
from commsapp.listening import analysing, erasure, looking_for_new, views
from commsapp.listening import service as listening
from commsapp.storage import codebooks, emerging, erasing, responses
from commsapp.storage.events import Event
from commsapp.storage.responses import Comment, Response
from commsapp.storage.session import Sessions
from commsapp.textmodels.encoder import ENCODER_VERSION


@pytest.fixture
def made(sessions: Sessions, actor: Actor, settings: Settings) -> Curated:
    return curated.fill(sessions, actor, settings)


@pytest.fixture
def together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a test is about what becomes of a group, and not about finding it."""
    monkeypatch.setattr(looking_for_new, "emerging", new_groups.together)


def told(made: Curated, actor: Actor | None = None) -> views.WhatIsNew:
    with made.sessions.reading() as session:
        return listening.whats_new(session, actor or made.actor, made.id)


def february(made: Curated, actor: Actor | None = None) -> views.WaveLook:
    (wave,) = told(made, actor).waves
    assert wave.wave == "February"
    return wave


def new_in(made: Curated, actor: Actor | None = None) -> list[views.EmergingGroup]:
    return [group for group in february(made, actor).groups if group.new]


def only_open(made: Curated) -> Actor:
    return given.cleared_for(made.actor, HandlingLevel.OPEN)


def set_aside(made: Curated, group_id: int, actor: Actor | None = None) -> None:
    with made.sessions.writing() as session:
        listening.set_group_aside(session, actor or made.actor, made.id, group_id)


def erase(made: Curated, words: str) -> None:
    """Take comments that begin so out, as every erasure does."""
    with made.sessions.writing() as session:
        rows = session.execute(select(Comment.response_id, Comment.original).order_by(Comment.id)).all()
        ids = [row.response_id for row in rows if row.original.startswith(words)]
        erasing.erase_responses(session, made.actor.organisation_id, made.id, ids)


def counted(made: Curated, table: Any) -> int:
    with made.sessions.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_what_nobody_spoke_of_before_is_found_in_the_second_wave_with_its_name_and_comments(made: Curated) -> None:
    new_groups.second_wave(made)
    (group,) = new_in(made)
    assert (group.wave, group.number, group.comments, group.before) == ("February", 1, new_groups.TINS, 0.0)
    assert 0.05 < group.share < 0.3 and group.chance <= 0.05
    assert "charity tin" in group.name.lower() and group.named
    with made.sessions.reading() as session:
        said = listening.comments_of(session, made.actor, made.id, group.examples)
    assert len(said) == new_groups.TINS and all(one.words.startswith("A fake charity tin") for one in said)
    wave = february(made)
    assert (wave.comments, wave.before, wave.state) == (140, 50, views.LOOKED)


def test_nothing_is_new_where_the_first_wave_is_said_again(made: Curated) -> None:
    new_groups.second_wave(made, new=[])
    assert new_in(made) == []
    assert february(made).state == views.LOOKED
    with made.sessions.reading() as session:
        assert listening.new_to_look_at(session, made.actor, made.id) is None


@pytest.mark.usefixtures("together")
def test_a_text_that_many_say_counts_as_often_as_it_was_said(made: Curated) -> None:
    same = [{**one, "original": "The same words on a card"} for one in new_groups.tins()]
    new_groups.second_wave(made, new=same)
    (group,) = new_in(made)
    assert group.comments == new_groups.TINS and len(group.examples) == 1
    assert (group.name, group.named) == ("Comments without a topic, group 1", False)  # one text names nothing


@pytest.mark.usefixtures("together")
def test_what_did_not_change_is_not_looked_at_again(made: Curated, monkeypatch: pytest.MonkeyPatch) -> None:
    new_groups.second_wave(made)
    before = [group.id for group in new_in(made)]
    with monkeypatch.context() as patch:
        patch.setattr(looking_for_new, "emerging", lambda *_: pytest.fail("it was looked at again"))
        new_groups.look(made)
    assert [group.id for group in new_in(made)] == before
    curated.say(made, new_groups.tins(2, first=100), channel="Later")
    curated.code(made)
    new_groups.look(made)
    assert [group.comments for group in new_in(made)] == [new_groups.TINS + 2]


@pytest.mark.usefixtures("together")
def test_a_wave_without_an_earlier_one_is_compared_with_nothing_and_overlapping_ones_not_with_themselves(made: Curated) -> None:
    new_groups.look(made)
    assert told(made) == views.WhatIsNew(has_topics=True, waves=())
    new_groups.second_wave(made)
    with made.sessions.writing() as session:
        day = next(wave.start for wave in listening.waves(session, made.actor, made.id) if wave.name == "February")
        listening.add_wave(session, made.actor, made.id, name="From 10 Feb", start=day.replace(day=10), end=day.replace(day=20))
    new_groups.look(made)
    later, whole = told(made).waves
    assert (later.wave, later.comments, later.before) == ("From 10 Feb", 140, 50)
    assert (whole.wave, whole.comments, whole.before) == ("February", 140, 50)


@pytest.mark.usefixtures("together")
def test_more_comments_than_fit_into_memory_are_sampled(made: Curated, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking_for_new, "LARGEST_SAMPLE", 30)
    new_groups.second_wave(made)
    wave = february(made)
    assert (wave.comments, wave.before) == (30, 30)


@pytest.mark.usefixtures("together")
def test_a_wave_that_was_looked_at_by_other_topics_waits_for_the_next_look(made: Curated) -> None:
    new_groups.second_wave(made)
    with made.sessions.writing() as session:
        listening.change_codebook(session, made.actor, made.id, kind="rename", number=curated.BINS, name="Litter")
        state = listening.codebook_draft(session, made.actor, made.id).state
        listening.start_freeze(session, made.actor, made.id, note="Why", state=state)
    made.work()  # which looks again, by the new version
    assert [group.comments for group in new_in(made)] == [new_groups.TINS]
    with made.sessions.writing() as session:
        session.execute(delete(emerging.EmergingLook))
    assert february(made).state == views.NOT_LOOKED


def test_a_group_becomes_a_topic_by_its_comments_and_is_not_new_beside_it(made: Curated) -> None:
    new_groups.second_wave(made)
    (group,) = new_in(made)
    with made.sessions.writing() as session:
        listening.start_add(session, made.actor, made.id, name="Charity tins", comment_ids=group.examples)
    made.work()
    (group,) = new_in(made)
    assert (group.in_draft, group.waits) == ("Charity tins", False)
    with made.sessions.reading() as session:
        assert listening.new_to_look_at(session, made.actor, made.id) is None
        state = listening.codebook_draft(session, made.actor, made.id).state
    with made.sessions.writing() as session:
        listening.start_freeze(session, made.actor, made.id, note="It is new", state=state)
    made.work()
    assert new_in(made) == []


@pytest.mark.usefixtures("together")
def test_an_erased_comment_leaves_its_group_and_the_last_one_takes_the_group_with_it(made: Curated) -> None:
    new_groups.second_wave(made)
    members = len(new_in(made)[0].examples)
    erase(made, "A fake charity tin stands on the shop counter, tin 0")
    (group,) = new_in(made)
    assert len(group.examples) == members - 1
    assert group.comments == new_groups.TINS - 1
    assert not group.named  # its words may have been those of the one who is gone
    erase(made, "A fake charity tin")
    assert new_in(made) == []
    with made.sessions.reading() as session:
        keys = {curated.text_key(row["original"]) for row in new_groups.tins()}
        left = session.scalars(select(emerging.EmergingMember.text_key)).all()
        assert not keys & set(left)


@pytest.mark.usefixtures("together")
def test_what_is_erased_while_a_wave_is_looked_at_stays_out(made: Curated, monkeypatch: pytest.MonkeyPatch) -> None:
    real = looking_for_new.emerging

    def meanwhile(*given: Any) -> Any:
        erase(made, "A fake charity tin stands on the shop counter, tin 1")
        return real(*given)

    monkeypatch.setattr(looking_for_new, "emerging", meanwhile)
    new_groups.second_wave(made)
    (group,) = new_in(made)
    assert group.comments == new_groups.TINS - 11  # tin 1, and 10 to 19
    assert not group.named


@pytest.mark.usefixtures("together")
def test_a_wave_that_is_removed_takes_its_groups_along(made: Curated) -> None:
    new_groups.second_wave(made)
    with made.sessions.writing() as session:
        listening.remove_wave(session, made.actor, made.id, february(made).wave_id)
    for table in (emerging.EmergingLook, emerging.EmergingGroup, emerging.EmergingMember):
        assert counted(made, table) == 0


@pytest.mark.usefixtures("together")
def test_a_group_that_somebody_set_aside_stays_so_when_mostly_the_same_comments_are_found_again(made: Curated) -> None:
    new_groups.second_wave(made)
    (group,) = new_in(made)
    with made.sessions.reading() as session:
        pointed_out = listening.new_to_look_at(session, made.actor, made.id)
    assert pointed_out is not None and [one.id for one in pointed_out.groups] == [group.id]
    set_aside(made, group.id)
    set_aside(made, group.id)  # a second press does nothing
    curated.say(made, new_groups.tins(3, first=100), channel="Later")
    curated.code(made)
    new_groups.look(made)
    (again,) = new_in(made)
    assert again.id != group.id and again.comments == new_groups.TINS + 3
    assert (again.set_aside_by, again.waits) == (made.actor.name, False)
    with made.sessions.reading() as session:
        assert listening.new_to_look_at(session, made.actor, made.id) is None
    with made.sessions.writing() as session:
        back = listening.bring_group_back(session, made.actor, made.id, again.id)
    assert back.set_aside_at is None and back.waits
    with made.sessions.reading() as session:
        events = session.query(Event).filter(Event.subject == "emerging group").order_by(Event.id)
        assert [event.action for event in events] == ["set aside", "bring back"]


@pytest.mark.usefixtures("together")
def test_one_that_grew_beyond_what_was_set_aside_is_pointed_out_again(made: Curated) -> None:
    new_groups.second_wave(made)
    set_aside(made, new_in(made)[0].id)
    curated.say(made, new_groups.tins(new_groups.TINS + 5, first=100), channel="Later")
    curated.code(made)
    new_groups.look(made)
    (again,) = new_in(made)
    assert (again.comments, again.waits) == (2 * new_groups.TINS + 5, True)


@pytest.mark.usefixtures("together")
def test_who_may_not_read_restricted_comments_is_told_of_open_ones_alone(made: Curated) -> None:
    hidden = new_groups.tins(5, level="official-sensitive", mark=" of zyxville")
    new_groups.second_wave(made, new=[*new_groups.tins(), *hidden])
    (whole,) = new_in(made)
    (seen,) = new_in(made, only_open(made))
    assert (whole.comments, seen.comments) == (new_groups.TINS + 5, new_groups.TINS)
    assert seen.share < whole.share
    assert "zyx" not in seen.name.lower() and "zyx" not in whole.name.lower()  # open comments alone name topics here
    assert (february(made).comments, february(made, only_open(made)).comments) == (145, 140)
    with made.sessions.reading() as session:
        said = listening.comments_of(session, made.actor, made.id, seen.examples)
        with pytest.raises(NotFound):
            listening.emerging_group(session, only_open(made), made.id, whole.id)
    assert {one.handling_level for one in said} == {"open"}


@pytest.mark.usefixtures("together")
def test_a_group_of_restricted_comments_is_not_there_for_others_and_has_a_neutral_name(made: Curated) -> None:
    hidden = new_groups.tins(21, level="official-sensitive")
    new_groups.second_wave(made, new=[*hidden, *new_groups.tins(2, first=100)])
    (whole,) = new_in(made)
    assert (whole.name, whole.named) == ("Comments without a topic, group 1", False)
    assert new_in(made, only_open(made)) == []
    assert february(made, only_open(made)).state == views.LOOKED
    assert february(made, given.cleared_for(made.actor)).state == views.NOTHING_TO_LOOK_AT
    with made.sessions.reading() as session:
        assert listening.new_to_look_at(session, only_open(made), made.id) is None


@pytest.mark.usefixtures("together")
def test_setting_aside_holds_for_those_who_see_less_of_the_same_group(made: Curated) -> None:
    new_groups.second_wave(made, new=[*new_groups.tins(), *new_groups.tins(3, level="official-sensitive", first=100)])
    set_aside(made, new_in(made)[0].id)
    assert [group.waits for group in new_in(made, only_open(made))] == [False]
    with made.sessions.writing() as session:
        (seen,) = new_in(made, only_open(made))
        listening.bring_group_back(session, only_open(made), made.id, seen.id)
    assert [group.waits for group in new_in(made)] == [False]  # it holds comments that they did not see


@pytest.mark.usefixtures("together")
def test_a_comment_that_becomes_restricted_leaves_the_groups_of_those_who_may_read_it_no_longer(made: Curated) -> None:
    new_groups.second_wave(made)
    key = curated.text_key("A fake charity tin stands on the shop counter, tin 0")
    with made.sessions.writing() as session:
        row = session.scalars(select(Response).join(Comment).where(Comment.text_key == key)).one()
        erasure.set_level(session, made.actor, row, HandlingLevel.OFFICIAL_SENSITIVE, made.settings)
    (group,) = new_in(made, only_open(made))
    assert (group.comments, group.named) == (new_groups.TINS - 1, False)
    new_groups.look(made)
    assert [one.comments for one in new_in(made)] == [new_groups.TINS]
    assert [one.comments for one in new_in(made, only_open(made))] == [new_groups.TINS - 1]


@pytest.mark.usefixtures("together")
def test_levels_that_no_comment_has_any_more_are_no_longer_looked_at(made: Curated) -> None:
    new_groups.second_wave(made, new=[*new_groups.tins(), *new_groups.tins(2, level="official-sensitive", first=100)])
    assert counted(made, emerging.EmergingLook) == 2
    with made.sessions.writing() as session:
        session.execute(update(Response).values(handling_level="open"))
    new_groups.look(made)
    assert counted(made, emerging.EmergingLook) == 1
    with made.sessions.reading() as session:
        assert responses.levels(session, made.actor, made.id) == {"open"}


def ids_of(made: Curated, begins: str) -> list[int]:
    with made.sessions.reading() as session:
        rows = session.execute(select(Comment.id, Comment.original).order_by(Comment.id)).all()
    return [row.id for row in rows if row.original.startswith(begins)]


def sort_by_hand(made: Curated, ids: list[int], number: int) -> None:
    """Give comments a topic (-1: none), as a person does, and look again."""
    with made.sessions.writing() as session:
        for comment_id in ids:
            listening.give_topic(session, made.actor, made.id, comment_id, number)
    new_groups.look(made)


def on_page_of_no_topic(made: Curated) -> int:
    with made.sessions.reading() as session:
        return listening.comments_page(session, made.actor, made.id, topic=-1, wave="February").total


def test_a_group_that_people_sorted_by_hand_is_not_pointed_out_again(made: Curated) -> None:
    new_groups.second_wave(made)
    (group,), before = new_in(made), february(made).without_topic
    assert before == on_page_of_no_topic(made)
    sort_by_hand(made, ids_of(made, "A fake charity tin"), curated.SCAMS)
    assert new_in(made) == []
    assert february(made).without_topic == before - group.comments == on_page_of_no_topic(made)
    with made.sessions.writing() as session:
        for comment_id in ids_of(made, "A fake charity tin"):
            listening.take_topic_back(session, made.actor, made.id, comment_id)
    new_groups.look(made)
    assert [one.comments for one in new_in(made)] == [group.comments]


def test_of_a_group_that_people_sorted_in_part_the_others_are_pointed_out(made: Curated) -> None:
    new_groups.second_wave(made)
    (whole,), tins = new_in(made), ids_of(made, "A fake charity tin")
    sort_by_hand(made, tins[:10], curated.SCAMS)
    (group,) = new_in(made)
    assert group.comments == new_groups.TINS - 10 and not set(group.examples) & set(tins[:10])
    assert group.share == whole.share  # of what is said, whoever sorted it


def test_a_comment_that_a_person_says_fits_no_topic_counts_among_those_that_fit_none(made: Curated) -> None:
    new_groups.second_wave(made)
    before = february(made).without_topic
    sort_by_hand(made, ids_of(made, "The police were kind to us, thank you, time 0 again"), -1)
    assert february(made).without_topic == before + 1 == on_page_of_no_topic(made)


@pytest.mark.usefixtures("together")
def test_a_wave_without_comments_is_not_said_to_wait_for_an_analysis_and_one_with_them_is(made: Curated) -> None:
    new_groups.second_wave(made)
    with made.sessions.writing() as session:
        for name, month in (("March", 3), ("April", 4)):
            start, end = date(2026, month, 1), date(2026, month, 28)
            listening.add_wave(session, made.actor, made.id, name=name, start=start, end=end)
    new_groups.look(made)
    assert [wave.state for wave in told(made).waves] == [views.NOTHING_TO_LOOK_AT, views.NOTHING_TO_LOOK_AT, views.LOOKED]
    late = {"original": "Late", "axis": new_groups.AXIS, "handling_level": "concern", "day": date(2026, 3, 2)}
    curated.say(made, [late], channel="Late")
    assert [wave.state for wave in told(made).waves][:2] == [views.NOTHING_TO_LOOK_AT, views.NOT_LOOKED]
    without_one_between = given.cleared_for(made.actor, HandlingLevel.OPEN, HandlingLevel.CONCERN)
    for actor in (only_open(made), without_one_between):  # no look counts open ones and concerns alone
        assert told(made, actor).waves[1].state == views.NOTHING_TO_LOOK_AT


@pytest.mark.usefixtures("together")
def test_workers_look_and_change_nothing_and_see_no_draft(made: Curated) -> None:
    new_groups.second_wave(made)
    worker = replace(made.actor, role=Role.WORKER)
    (group,) = new_in(made, worker)
    for change in (listening.set_group_aside, listening.bring_group_back):
        with made.sessions.writing() as session, pytest.raises(NotAllowed):
            change(session, worker, made.id, group.id)
    assert new_in(made)[0].set_aside_at is None


@pytest.mark.usefixtures("together")
def test_an_analysis_looks_for_what_is_new_once_topics_are_coded(made: Curated, monkeypatch: pytest.MonkeyPatch) -> None:
    new_groups.second_wave(made, new=[])
    curated.say(made, new_groups.tins(), channel="Later")
    model = SimpleNamespace(version=ENCODER_VERSION, languages=frozenset({"en"}))
    for name in ("load_encoder", "load_tone", "load_redactor"):
        monkeypatch.setattr(analysing, name, lambda **_set: model)
    for step in ("prepare", "embed", "code_tone", "find_topics"):  # which need models, and were done by hand
        monkeypatch.setattr(analysing, step, lambda *_given, **_more: False)
    stages: list[str] = []

    def note(stage: str, _done: int, _total: int) -> None:
        stages.append(stage)

    def analyse() -> None:
        listening.run_analysis(made.sessions, made.actor, programme_id=made.id, settings=made.settings, progress=note)

    analyse()
    assert list(dict.fromkeys(stages)) == ["Sorting into topics", "Looking for what is new", "Computing results"]
    before = [(group.id, group.comments) for group in new_in(made)]
    assert [comments for _, comments in before] == [new_groups.TINS]
    analyse()
    assert [(group.id, group.comments) for group in new_in(made)] == before


def test_a_programme_without_topics_has_nothing_to_fit(sessions: Sessions, actor: Actor) -> None:
    programme = given.programme(sessions, actor)
    with sessions.reading() as session:
        assert listening.whats_new(session, actor, programme) == views.WhatIsNew(has_topics=False, waves=())
        assert codebooks.versions(session, actor, programme) == []
