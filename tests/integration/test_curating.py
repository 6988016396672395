"""Codebooks that people curate: drafts, what they would change, versions, and comments that somebody sorted by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import curated
import numpy as np
import pytest
from curated import BINS, DEALERS, SCAMS, THANKS, Curated
from sqlalchemy import text, update

from commsapp.actor import Actor, HandlingLevel, Role
from commsapp.config import Settings
from commsapp.errors import BadInput, Conflict, NotAllowed, NotFound
from commsapp.evaluation import service as evaluation
from commsapp.listening import drafting, found_again, recoding, versions
from commsapp.listening import service as listening
from commsapp.planning import service as planning
from commsapp.storage import codebooks, codings, erasing, organisations
from commsapp.storage.embeddings import EmbeddingStore
from commsapp.storage.events import Event
from commsapp.storage.responses import Comment
from commsapp.storage.session import Sessions
from commsapp.textmodels.codebook import TopicDraft, make_codebook
from commsapp.textmodels.encoder import ENCODER_VERSION


@pytest.fixture
def made(sessions: Sessions, actor: Actor, settings: Settings) -> Curated:
    return curated.fill(sessions, actor, settings)


def change(made: Curated, kind: str, *, actor: Actor | None = None, **arguments: Any) -> None:
    with made.sessions.writing() as session:
        listening.change_codebook(session, actor or made.actor, made.id, kind=kind, **arguments)


def draft(made: Curated, actor: Actor | None = None) -> Any:
    with made.sessions.reading() as session:
        return listening.codebook_draft(session, actor or made.actor, made.id)


def freeze(made: Curated, note: str = "Two names for one thing") -> None:
    with made.sessions.writing() as session:
        state = listening.codebook_draft(session, made.actor, made.id).state
        listening.start_freeze(session, made.actor, made.id, note=note, state=state)
    *_, job = made.work()
    assert (job.name, job.state, job.error) == ("freeze codebook", "done", "")


def counts(made: Curated) -> dict[str, int]:
    with made.sessions.reading() as session:
        comments = listening.records(session, made.actor, made.id).comments
    return {str(name): int(count) for name, count in comments["topic_name"].value_counts().items()}


def comment(made: Curated, words: str) -> int:
    with made.sessions.reading() as session:
        page = listening.comments_page(session, made.actor, made.id, size=100)
    return next(one.id for one in page.comments if one.words.startswith(words))


def somebody(made: Curated, name: str, role: Role = Role.WORKER, *levels: HandlingLevel) -> Actor:
    with made.sessions.writing() as session:
        cleared = levels or (HandlingLevel.OPEN,)
        organisation = made.actor.organisation_id
        person = organisations.add_person(session, organisation_id=organisation, name=name, role=role, levels=cleared)
        return replace(made.actor, person_id=person.id, name=name, role=role, handling_levels=frozenset(cleared))


def test_a_frozen_draft_codes_history_again_and_leaves_older_versions_as_they_were(made: Curated) -> None:
    before = counts(made)
    assert before == {"Dealers": 12, "Bins; tyres": 15, "Scam calls": 8, "Thanks": 5, "No topic": 4}
    change(made, "rename", number=DEALERS, name="Drug dealing")
    change(made, "merge", numbers=[BINS, THANKS], name="The council")
    assert counts(made) == before  # a draft changes nothing
    freeze(made)
    assert counts(made) == {"Drug dealing": 12, "The council": 20, "Scam calls": 8, "No topic": 4}
    with made.sessions.reading() as session:
        new, old = listening.codebook_versions(session, made.actor, made.id)
        assert (new.number, new.made_from, new.note, new.frozen_by, new.in_use) == (
            *(2, 1, "Two names for one thing", made.actor.name, True),
        )
        assert (old.number, old.in_use) == (1, False)
        between = listening.between_versions(session, made.actor, made.id, 1, 2)
    moved = {(row.before_name, row.after_name): row.comments for row in between.rows}
    assert moved == {
        ("Bins; tyres", "The council"): 15,
        ("Dealers", "Drug dealing"): 12,
        ("Scam calls", "Scam calls"): 8,
        ("Thanks", "The council"): 5,
        ("No topic", "No topic"): 4,
    }
    assert between.moved == 5  # the rest kept the number of its topic
    assert draft(made).changes == ()


def test_what_would_change_is_counted_before_anything_changes_and_says_when_the_draft_moved_on(made: Curated) -> None:
    change(made, "drop", number=THANKS)
    with made.sessions.writing() as session:
        listening.start_look(session, made.actor, made.id)
    made.work()
    with made.sessions.reading() as session:
        seen = listening.draft_difference(session, made.actor, made.id)
        narrow = replace(made.actor, handling_levels=frozenset({HandlingLevel.OPEN}))
        open_only = listening.draft_difference(session, narrow, made.id)
    assert seen is not None and open_only is not None
    assert [(row.before_name, row.after_name, row.comments) for row in seen.rows if not row.stays] == [("Thanks", "No topic", 5)]
    assert (seen.total, open_only.total, seen.stale) == (44, 43, False)
    assert (seen.none_before, seen.none_after) == (4 / 44, 9 / 44)
    (row,) = [row for row in seen.rows if not row.stays]
    assert len(row.examples) == 3
    change(made, "pin", number=BINS)
    with made.sessions.reading() as session:
        again = listening.draft_difference(session, made.actor, made.id)
    assert again is not None and again.stale


def test_an_undone_change_can_be_made_again_until_something_newer_is_made(made: Curated) -> None:
    change(made, "rename", number=BINS, name="Litter")
    with made.sessions.writing() as session:
        assert listening.undo_change(session, made.actor, made.id) == "Renamed ‘Bins; tyres’ to ‘Litter’"
    assert draft(made).topic(BINS).name == "Bins; tyres"
    assert draft(made).again == "Renamed ‘Bins; tyres’ to ‘Litter’"
    with made.sessions.writing() as session:
        listening.redo_change(session, made.actor, made.id)
    assert draft(made).topic(BINS).name == "Litter"
    with made.sessions.writing() as session:
        listening.undo_change(session, made.actor, made.id)
    change(made, "pin", number=SCAMS)
    assert draft(made).again == ""
    with made.sessions.writing() as session, pytest.raises(Conflict):
        listening.redo_change(session, made.actor, made.id)
    with made.sessions.writing() as session:
        assert listening.start_draft_again(session, made.actor, made.id) == 1
    assert draft(made).changes == ()
    with made.sessions.reading() as session:
        told = session.query(Event).filter(Event.subject == "codebook draft").order_by(Event.id)
        assert [event.action for event in told] == ["change", "undo", "redo", "undo", "change", "undo"]


def test_undoing_what_somebody_else_changed_meanwhile_is_refused(made: Curated) -> None:
    change(made, "rename", number=BINS, name="Litter")
    seen = draft(made).changes[-1].id
    change(made, "pin", number=BINS)
    with made.sessions.writing() as session, pytest.raises(Conflict, match="meanwhile"):
        listening.undo_change(session, made.actor, made.id, change_id=seen)


def test_nobody_freezes_another_draft_than_they_looked_at(made: Curated) -> None:
    change(made, "rename", number=BINS, name="Litter")
    with made.sessions.writing() as session:
        listening.start_freeze(session, made.actor, made.id, note="Why", state=draft(made).state)
    change(made, "rename", number=SCAMS, name="Calls")
    (job,) = made.work()
    assert job.state == "failed" and "meanwhile" in job.error
    assert "Litter" not in counts(made)
    with made.sessions.writing() as session, pytest.raises(Conflict):
        listening.start_freeze(session, made.actor, made.id, note="Why", state="1")


def test_a_freeze_that_is_cut_off_and_begun_again_makes_one_version(made: Curated) -> None:
    change(made, "rename", number=BINS, name="Litter")
    with made.sessions.writing() as session:
        listening.start_freeze(session, made.actor, made.id, note="Why", state=draft(made).state)
        (asked,) = [row for row in session.query(codebooks.CodebookChange) if row.kind == codebooks.ASKED]
        asked_id = asked.id
    for _ in range(2):
        recoding.freeze(made.sessions, made.actor, programme_id=made.id, asked_id=asked_id, settings=made.settings)
    with made.sessions.reading() as session:
        assert [one.number for one in listening.codebook_versions(session, made.actor, made.id)] == [2, 1]
    assert counts(made)["Litter"] == 15


def test_a_topic_is_added_by_comments_and_takes_those_that_are_near(made: Curated) -> None:
    chosen = [comment(made, f"Old tyres are dumped in the lane, load {number}") for number in range(3)]
    with made.sessions.writing() as session:
        listening.start_add(session, made.actor, made.id, name="Fly-tipping", comment_ids=chosen)
    (job,) = made.work()
    assert job.state == "done", job.error
    added = draft(made).topics[-1]
    assert (added.name, added.number, added.origin, added.states) == ("Fly-tipping", 4, "by hand", ("added",))
    freeze(made)
    assert counts(made)["Fly-tipping"] == 6
    assert counts(made)["Bins; tyres"] == 9


def test_a_topic_is_added_by_words_that_somebody_typed_which_stand_in_no_plain_text(
    made: Curated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recoding, "load_encoder", lambda: _Encoder())
    with made.sessions.writing() as session:
        listening.start_add(session, made.actor, made.id, name="Bridges", examples=["zyx paint that bridge", ""])
    with made.sessions.reading() as session:
        stored = [
            session.execute(text(f"SELECT arguments FROM {table}")).all()  # a name of ours
            for table in ("job", "codebook_change")
        ]
    assert "zyx" not in str(stored)
    made.work()
    freeze(made)
    assert counts(made)["Bridges"] == 4 and "No topic" not in counts(made)


class _Encoder:
    version = ENCODER_VERSION

    def encode(self, texts: list[str]) -> np.ndarray:
        return np.stack([curated.direction(5, 0.1) for _ in texts])


def test_a_topic_is_split_by_its_own_comments_and_the_largest_part_keeps_its_number(made: Curated) -> None:
    with made.sessions.writing() as session:
        listening.start_split(session, made.actor, made.id, number=BINS, parts=2)
    (job,) = made.work()
    assert job.state == "done", job.error
    first, second = [one for one in draft(made).topics if one.number in (BINS, 4)]
    assert (first.number, first.name, first.size) == (BINS, "Bins; tyres", None)
    assert "tyres" in second.phrases and second.states == ("split off",)
    freeze(made)
    assert sorted(counts(made).values()) == [4, 5, 6, 8, 9, 12]


def test_comments_that_are_all_alike_are_not_split(made: Curated) -> None:
    change(made, "drop", number=DEALERS)
    with made.sessions.writing() as session:
        with pytest.raises(NotFound):
            listening.start_split(session, made.actor, made.id, number=DEALERS)
        with pytest.raises(BadInput):
            listening.start_split(session, made.actor, made.id, number=BINS, parts=1)


def found_draft(axes: dict[int, tuple[int, ...]], names: dict[int, str] | None = None) -> Any:
    topics = []
    for number, places in axes.items():
        rows = np.stack([curated.direction(place, 0.1) for place in places]).astype(np.float32)
        middle = rows.mean(0) / np.linalg.norm(rows.mean(0))
        name = (names or {}).get(number, f"Found {number}")
        topics.append(TopicDraft(number, name, (name.lower(),), middle, 7, (), rows))
    return make_codebook(encoder_version=ENCODER_VERSION, granularity="fine", topics=topics, threshold=0.8)


def find(made: Curated, found: Any) -> bool:
    keys, vectors = recoding.embeddings_of(made.sessions, made.actor, made.id, ENCODER_VERSION, made.settings)
    everybody = made.actor.cleared()
    return found_again.topics_again(made.sessions, everybody, made.id, found, keys=keys, vectors=vectors, named_by_open=True)


AGAIN = {0: (0,), 1: (1,), 2: (2,), 3: (3,), 4: (5,)}
"""Bins and tyres apart, nothing of thanks, and one on bridges."""


def test_where_nobody_curated_topics_found_again_are_frozen_at_once_and_the_same_ones_keep_their_numbers(made: Curated) -> None:
    assert find(made, found_draft(AGAIN)) is False
    curated.code(made)
    with made.sessions.reading() as session:
        codebook = listening.codebook_in_use(session, made.actor, made.id)
    assert codebook is not None
    assert {topic.number: topic.name for topic in codebook.topics} == {
        **{DEALERS: "Dealers", BINS: "Bins; tyres", SCAMS: "Scam calls"},  # the same by the comments that they get
        **{4: "Found 2", 5: "Found 4"},
    }
    assert (codebook.number, codebook.granularity) == (2, "fine")
    assert find(made, found_draft(AGAIN)) is False  # nothing is different now
    with made.sessions.reading() as session:
        assert len(listening.codebook_versions(session, made.actor, made.id)) == 2


def test_topics_found_again_become_a_draft_where_somebody_curated_and_what_they_did_stays(made: Curated) -> None:
    change(made, "rename", number=SCAMS, name="Fraud")
    change(made, "pin", number=THANKS)
    freeze(made)
    assert find(made, found_draft(AGAIN)) is True
    with made.sessions.reading() as session:
        codebook = listening.codebook_in_use(session, made.actor, made.id)
    assert codebook is not None and codebook.number == 2  # what is in use stays
    now = draft(made)
    assert now.changes[-1].sentence == "Found topics again (fine): 6 topics"
    assert {one.number: one.name for one in now.topics} == {
        **{DEALERS: "Dealers", BINS: "Bins; tyres", SCAMS: "Fraud", THANKS: "Thanks"},
        **{4: "Found 2", 5: "Found 4"},
    }
    with made.sessions.writing() as session:
        listening.undo_change(session, made.actor, made.id)
    assert [one.number for one in draft(made).topics] == [0, 1, 2, 3]


def of_an_older_encoder(made: Curated) -> float:
    """As a version stands that was found before the encoder was replaced; its threshold."""
    with made.sessions.writing() as session:
        version = codings.current_version(session, made.actor, made.id)
        assert version is not None
        session.execute(text("UPDATE codebook_version SET encoder_version = 'older' WHERE id = :id"), {"id": version.id})
        return version.threshold


def test_curated_topics_of_an_older_encoder_go_on_in_the_new_one_by_the_comments_that_were_theirs(made: Curated) -> None:
    change(made, "rename", number=SCAMS, name="Fraud")
    freeze(made)
    of_an_older_encoder(made)
    assert find(made, found_draft(AGAIN)) is False  # nothing can be sorted by the old ones
    curated.code(made)
    with made.sessions.reading() as session:
        codebook = listening.codebook_in_use(session, made.actor, made.id)
        version = codings.current_version(session, made.actor, made.id)
    assert codebook is not None and version is not None and version.encoder_version == ENCODER_VERSION
    names = {topic.number: topic.name for topic in codebook.topics}
    assert {number: names[number] for number in (DEALERS, BINS, SCAMS)} == {
        **{DEALERS: "Dealers", BINS: "Bins; tyres", SCAMS: "Fraud"}
    }


def test_where_too_few_comments_are_left_to_find_topics_curated_ones_of_an_older_encoder_stay_as_near_as_they_were(
    made: Curated,
) -> None:
    change(made, "rename", number=SCAMS, name="Fraud")
    freeze(made)
    threshold = of_an_older_encoder(made)
    none = make_codebook(encoder_version=ENCODER_VERSION, granularity="fine", topics=[], threshold=1.0)
    assert find(made, none) is False
    curated.code(made)
    with made.sessions.reading() as session:
        version = codings.current_version(session, made.actor, made.id)
        codebook = listening.codebook_in_use(session, made.actor, made.id)
    assert version is not None and version.threshold == threshold < 1
    assert codebook is not None and [topic.name for topic in codebook.topics] == ["Fraud"]


def test_a_codebook_of_an_older_encoder_is_not_carried_before_its_programme_is_analysed(
    made: Curated, settings: Settings
) -> None:
    other = curated.fill(made.sessions, made.actor, settings, name="Elsewhere")
    of_an_older_encoder(made)
    with made.sessions.writing() as session, pytest.raises(Conflict, match="Analyse this programme first"):
        listening.start_carry(session, made.actor, made.id, other.id)


def test_a_cited_result_follows_its_topic_through_renames_and_merges_and_says_so(made: Curated) -> None:
    with made.sessions.reading() as session:
        results = listening.frozen_results(session, made.actor, made.id, measure="topic share", wave="", area="", segment="")
        cited = {row["item"]: int(row["id"]) for row in results.to_dict("records")}
    with made.sessions.writing() as session:  # a message that cites it keeps it
        _cite(session, made, cited["Thanks"])
        _cite(session, made, cited["Scam calls"])
        _cite(session, made, cited["Dealers"])
        _cite(session, made, cited["Bins; tyres"])
    change(made, "rename", number=SCAMS, name="Fraud")
    change(made, "merge", numbers=[BINS, THANKS])
    change(made, "drop", number=DEALERS)
    freeze(made)
    with made.sessions.reading() as session:
        renamed = listening.result_now(session, made.actor, cited["Scam calls"])
        merged = listening.result_now(session, made.actor, cited["Thanks"])
        took_in = listening.result_now(session, made.actor, cited["Bins; tyres"])
        assert listening.result_now(session, made.actor, cited["Dealers"]) is None
    assert renamed is not None and merged is not None
    assert (renamed.item, renamed.followed) == ("Fraud", "‘Scam calls’ is called ‘Fraud’ now.")
    assert (merged.item, merged.followed) == ("Bins; tyres", "‘Thanks’ was merged into ‘Bins; tyres’ since.")
    assert merged.value == pytest.approx(20 / 44)
    assert took_in is not None and took_in.followed == "Other topics were merged into ‘Bins; tyres’ since."


def test_an_effect_is_measured_on_its_topic_through_a_merge_and_says_so_and_on_a_dropped_one_not_at_all(
    made: Curated,
) -> None:
    with made.sessions.writing() as session:
        before = listening.waves(session, made.actor, made.id)[0]
        listening.add_wave(session, made.actor, made.id, name="February", start=date(2026, 2, 1), end=date(2026, 2, 28))
        results = listening.frozen_results(
            session, made.actor, made.id, measure="topic share", item="Thanks", wave="November", area="", segment=""
        )
        message = _cite(session, made, int(results["id"].iloc[0]))
        planning.fix_expected_effect(
            session,
            made.actor,
            message_id=message,
            measure="topic share",
            item="Thanks",
            direction="up",
            target_difference=0.1,
            smallest=0.05,
            by=date(2026, 2, 28),
            before_wave_id=before.id,
        )
    with made.sessions.writing() as session:  # somebody spoke in February too
        session.execute(text("UPDATE response SET date = '2026-02-10' WHERE id % 2 = 0"))
    change(made, "merge", numbers=[BINS, THANKS], name="The council")
    freeze(made)
    effect = evaluation.measure_effect(made.sessions, made.actor, message_id=message, today=date(2026, 3, 10))
    assert "‘Thanks’ was merged into ‘The council’ since." in effect.sentences
    assert effect.estimate is not None
    change(made, "drop", number=BINS)
    freeze(made)
    with pytest.raises(BadInput, match="can't be measured"):
        evaluation.measure_effect(made.sessions, made.actor, message_id=message, today=date(2026, 3, 10))


def _cite(session: Any, made: Curated, result_id: int) -> int:
    campaign = planning.create_campaign(
        session,
        made.actor,
        programme_id=made.id,
        name=f"Campaign {result_id}",
        approach="community-engagement",
        start=date(2025, 12, 1),
        end=date(2026, 1, 31),
        areas=(),
        objective="Fewer",
    )
    message = planning.draft_message(
        session, made.actor, campaign_id=campaign.id, text="Lock it", language="en", listening_result_id=result_id
    )
    return message.id


def test_a_comment_that_somebody_sorted_counts_for_their_topic_everywhere(made: Curated) -> None:
    ana, words = somebody(made, "Ana Officer"), "Rubbish bins are never emptied, week 3"
    number = comment(made, words)
    with made.sessions.writing() as session:
        assert listening.give_topic(session, ana, made.id, number, DEALERS) == "Dealers"
    assert counts(made)["Dealers"] == 13 and counts(made)["Bins; tyres"] == 14
    with made.sessions.reading() as session:
        page = listening.comments_page(session, made.actor, made.id, topic=DEALERS, size=100)
        bins = listening.comments_page(session, made.actor, made.id, topic=BINS, size=100)
    (one,) = [one for one in page.comments if one.id == number]
    assert (one.topic, one.topic_name, one.topic_by) == (DEALERS, "Dealers", "Ana Officer")
    assert one.topic_at is not None and one.topic_probability is None
    other = next(one for one in page.comments if one.id != number)
    assert other.topic_by == "" and other.topic_probability is not None
    assert (page.total, bins.total) == (13, 14)
    made.work()  # the results are counted anew
    with made.sessions.reading() as session:
        share = listening.frozen_results(
            session, made.actor, made.id, measure="topic share", item="Dealers", wave="", area="", segment=""
        )
    assert share["value"].iloc[0] == pytest.approx(13 / 44)


def test_what_a_person_said_of_a_comment_follows_renames_and_merges_and_ends_with_a_dropped_topic(made: Curated) -> None:
    number = comment(made, "Somebody should paint the bridge, day 0")
    with made.sessions.writing() as session:
        listening.give_topic(session, made.actor, made.id, number, THANKS)
    change(made, "merge", numbers=[SCAMS, THANKS], name="Calls and thanks")
    freeze(made)
    with made.sessions.reading() as session:
        now = listening.comment_sorted(session, made.actor, made.id, number)
    assert (now.number, now.name, now.by) == (SCAMS, "Calls and thanks", made.actor.name)
    change(made, "drop", number=SCAMS)
    freeze(made)
    with made.sessions.reading() as session:
        gone = listening.comment_sorted(session, made.actor, made.id, number)
    assert (gone.number, gone.by) == (-1, "")


def test_the_latest_of_several_persons_counts_until_all_of_it_is_taken_back(made: Curated) -> None:
    number = comment(made, "Rubbish bins are never emptied, week 0")
    ana, ben = somebody(made, "Ana"), somebody(made, "Ben")
    for who, topic in ((ana, DEALERS), (ben, SCAMS), (ana, -1)):
        with made.sessions.writing() as session:
            listening.give_topic(session, who, made.id, number, topic)
    with made.sessions.reading() as session:
        now = listening.comment_sorted(session, made.actor, made.id, number)
    assert (now.number, now.name, now.by, now.probability) == (-1, "No topic", "Ana", None)
    with made.sessions.writing() as session:
        listening.take_topic_back(session, ben, made.id, number)
    with made.sessions.reading() as session:
        back = listening.comment_sorted(session, made.actor, made.id, number)
    assert (back.number, back.by) == (BINS, "") and back.probability is not None
    with made.sessions.writing() as session, pytest.raises(BadInput):
        listening.take_topic_back(session, ben, made.id, number)


def test_nobody_sorts_a_comment_that_they_may_not_read(made: Curated) -> None:
    secret = comment(made, "Drug dealers stand there every night, seen 0")
    worker = somebody(made, "Ana")
    with made.sessions.writing() as session, pytest.raises(NotFound):
        listening.give_topic(session, worker, made.id, secret, BINS)


def test_workers_may_not_change_a_draft_and_another_organisation_sees_none(made: Curated) -> None:
    worker = somebody(made, "Ana")
    with pytest.raises(NotAllowed):
        change(made, "pin", number=BINS, actor=worker)
    with made.sessions.writing() as session, pytest.raises(NotAllowed):
        listening.start_split(session, worker, made.id, number=BINS)
    theirs = replace(made.actor, organisation_id=made.actor.organisation_id + 1)
    with made.sessions.reading() as session:
        for ask in (listening.codebook_draft, listening.codebook_versions, listening.draft_difference):
            with pytest.raises(NotFound):
                ask(session, theirs, made.id)


def test_topics_named_by_words_that_somebody_may_not_read_are_not_theirs_to_curate(
    sessions: Sessions, actor: Actor, settings: Settings
) -> None:
    made = curated.fill(sessions, actor, settings, named_by_open=False)
    officer = somebody(made, "Ana", Role.OFFICER)
    with pytest.raises(NotAllowed, match="may not read"):
        draft(made, officer)
    with pytest.raises(NotAllowed, match="may not read"):
        change(made, "pin", number=BINS, actor=officer)
    with made.sessions.reading() as session:
        page = listening.comments_page(session, officer, made.id, size=100)
    assert {one.topic_name for one in page.comments} <= {"", "No topic"}


def test_an_erased_comment_leaves_nothing_in_a_codebook_that_it_was_an_example_of(made: Curated) -> None:
    words = "Old tyres are dumped in the lane, load 0"
    chosen = [comment(made, words), comment(made, "Old tyres are dumped in the lane, load 1")]
    with made.sessions.writing() as session:
        listening.start_add(session, made.actor, made.id, name="Fly-tipping", comment_ids=chosen)
        listening.give_topic(session, made.actor, made.id, chosen[0], SCAMS)
    made.work()
    freeze(made)
    change(made, "pin", number=4)
    key = curated.text_key(words)
    with made.sessions.writing() as session:
        erasing.delete_codings(session, made.actor.organisation_id, [key])
    with made.sessions.reading() as session:
        version = versions.version_in_use(session, made.actor, made.id)
        topic = next(row for row in codings.topics(session, version.id) if row.number == 4)
        assert len(topic.prototype_keys) == 1 and len(topic.prototypes or b"") == len(topic.centroid)
        assert key not in str(topic.prototype_keys)
        rows = session.query(codebooks.CodebookChange).all()
        assert not [row for row in rows if key in str(row.arguments)]
        assert not codings.count_codings(session, text_keys=[key])


def test_what_is_erased_while_a_topic_is_made_of_it_stays_out(made: Curated) -> None:
    """The job has read the embedding when the comment goes."""
    words = [f"Old tyres are dumped in the lane, load {number}" for number in (0, 1)]
    chosen = [comment(made, one) for one in words]
    with made.sessions.writing() as session:
        listening.start_add(session, made.actor, made.id, name="Fly-tipping", comment_ids=chosen)
        session.execute(update(Comment).where(Comment.id == chosen[0]).values(text_key=None))
    (job,) = made.work()
    assert job.state == "done", job.error
    with made.sessions.reading() as session:
        topic = drafting.opened(session, made.actor, made.id).state.topic(4)
    assert topic is not None
    assert topic.keys == (curated.text_key(words[1]),)


def test_a_version_by_which_some_comments_can_t_be_coded_is_not_put_in_use(made: Curated) -> None:
    with EmbeddingStore(made.settings.data_dir, ENCODER_VERSION, made.sessions.keyring) as store:
        store.delete([curated.text_key("Old tyres are dumped in the lane, load 0")])
    change(made, "rename", number=SCAMS, name="Fraud")
    with made.sessions.writing() as session:
        state = listening.codebook_draft(session, made.actor, made.id).state
        listening.start_freeze(session, made.actor, made.id, note="A better name", state=state)
    (job,) = made.work()
    assert (job.state, job.error) == (
        "failed",
        "The models have not read all comments yet. Analyse what is new first, then do this again.",
    )
    with made.sessions.reading() as session:
        assert versions.version_in_use(session, made.actor, made.id).number == 1


def test_sizes_of_topics_are_of_the_comments_that_one_may_read(made: Curated) -> None:
    wu = somebody(made, "Wu Worker")
    sizes = []
    for actor in (made.actor, wu):
        with made.sessions.reading() as session:
            codebook = listening.codebook_in_use(session, actor, made.id)
        assert codebook is not None
        sizes.append({topic.number: topic.size for topic in codebook.topics}[DEALERS])
    assert sizes == [10, 11]  # as it was found, and what an open-only reader has of it


def test_a_codebook_is_not_carried_over_a_draft_that_would_be_lost(made: Curated, settings: Settings) -> None:
    other = curated.fill(made.sessions, made.actor, settings, name="Elsewhere")
    change(other, "rename", number=SCAMS, name="Fraud")
    with made.sessions.writing() as session, pytest.raises(BadInput, match="a draft on the topics of that programme"):
        listening.start_carry(session, made.actor, made.id, other.id, dry_run=False, note="One list for both")


def test_a_codebook_is_tried_on_another_programme_and_carried_there(made: Curated, settings: Settings) -> None:
    other = curated.fill(made.sessions, made.actor, settings, name="Elsewhere")
    change(made, "rename", number=BINS, name="Litter")
    change(made, "drop", number=THANKS)
    freeze(made)
    with made.sessions.writing() as session:
        listening.start_carry(session, made.actor, made.id, other.id)
    assert [job.state for job in made.work()] == ["done"]
    with made.sessions.reading() as session:
        tried = listening.codebook_tried(session, made.actor, made.id, other.id)
    assert tried is not None and not tried.stale
    assert {row.after_name: row.comments for row in tried.rows if row.before == BINS} == {"Litter": 15}
    assert tried.none_after == 9 / 44
    with made.sessions.writing() as session, pytest.raises(BadInput, match="why"):
        listening.start_carry(session, made.actor, made.id, other.id, dry_run=False)
    with made.sessions.writing() as session:
        listening.start_carry(session, made.actor, made.id, other.id, dry_run=False, note="One list for both")
    assert [job.state for job in made.work()] == ["done"]
    with made.sessions.reading() as session:
        codebook = listening.codebook_in_use(session, made.actor, other.id)
        note = listening.codebook_versions(session, made.actor, other.id)[0].note
    assert codebook is not None and note == "One list for both"
    assert {topic.number: topic.name for topic in codebook.topics} == {DEALERS: "Dealers", BINS: "Litter", SCAMS: "Scam calls"}
    assert counts(other) == {"Dealers": 12, "Litter": 15, "Scam calls": 8, "No topic": 9}
