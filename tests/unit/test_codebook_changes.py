"""What curating does to topics, whatever is done in whatever order; and which topics are the same when they are found again."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commsapp.errors import BadInput
from commsapp.listening import changes as curating
from commsapp.listening.changes import Change, State, Topic, apply, follow, from_json, to_json, to_redo, to_undo
from commsapp.listening.drafting import sentence
from commsapp.listening.matching import carried, found_again, matches, summed, table, without_topic

START = datetime(2026, 3, 1, tzinfo=UTC)


def vector(number: float) -> bytes:
    return np.array([1.0, number], dtype="<f4").tobytes()


def topic(number: int, **values: Any) -> Topic:
    given = {"name": f"Topic {number}", "prototypes": (vector(number), vector(number + 0.5)), "keys": ("", "")}
    return Topic(**{"number": number, "centroid": vector(number), "size": 10, **given, **values})


def state(*topics: Topic) -> State:
    return State(topics, granularity="medium", encoder_version="one", threshold=0.5, named_by_open=True)


BASE = state(topic(0), topic(1), topic(2))


def change(kind: str, minute: int = 0, **arguments: Any) -> Change:
    return Change(kind, arguments, made_at=START + timedelta(minutes=minute), id=minute)


def test_a_merged_topic_keeps_the_number_of_the_first_and_every_prototype() -> None:
    (one, two) = apply(BASE, [change("merge", numbers=[2, 0], names=["Topic 2", "Topic 0"], name="Both")]).topics
    assert (one.number, two.number, two.name, two.merged) == (1, 2, "Both", (0,))
    assert set(two.prototypes) == {vector(0), vector(0.5), vector(2), vector(2.5)}
    assert two.curated and two.size == 20


def test_a_merge_into_a_merged_topic_remembers_all_that_went_into_it() -> None:
    merges = [change("merge", numbers=[1, 2]), change("merge", numbers=[0, 1])]
    (one,) = apply(BASE, merges).topics
    assert one.merged == (1, 2)
    assert [follow(number, [one]) for number in (0, 1, 2, -1, 7)] == [0, 0, 0, -1, None]


def test_a_split_keeps_the_number_and_name_with_the_largest_part_and_stands_in_its_place() -> None:
    parts = [to_json(topic(1, phrases=("bins",))), to_json(topic(7, name="Tyres"))]
    after = apply(BASE, [change("split", number=1, parts=parts)])
    assert [(one.number, one.name, one.origin) for one in after.topics] == [
        (0, "Topic 0", "found"),
        (1, "Topic 1", "found"),
        (7, "Tyres", "split"),
        (2, "Topic 2", "found"),
    ]


def test_an_order_puts_what_it_names_first() -> None:
    assert [one.number for one in apply(BASE, [change("order", numbers=[2, 0])]).topics] == [2, 0, 1]


@pytest.mark.parametrize("name", ["", "  ", "x" * 200, "topic 1", "No topic"])
def test_a_name_that_says_nothing_or_is_taken_is_refused(name: str) -> None:
    with pytest.raises(BadInput):
        curating.check_name(BASE, name, but=[0])


def test_a_topic_comes_out_of_json_as_it_went_in() -> None:
    one = topic(3, phrases=("a", "b"), merged=(1,), stability=0.5, pinned=True, keys=("k", ""))
    assert from_json(json.loads(json.dumps(to_json(one)))) == one


class Drafting:
    """Plays somebody who curates: draws what can be done next, and does it."""

    def __init__(self, data: st.DataObject) -> None:
        self.data, self.changes, self.next_number, self.minute = data, [], 10, 0
        self.states: list[tuple[str, ...]] = []

    @property
    def now(self) -> State:
        return apply(BASE, self.changes)

    def act(self) -> None:
        self.minute += 1
        what = self.data.draw(st.sampled_from([*ACTS, "undo", "redo"]))
        if what == "undo" and (last := to_undo(self.changes)):
            self._mark(last, START + timedelta(minutes=self.minute))
        elif what == "redo" and (again := to_redo(self.changes)):
            self._mark(again, None)
        elif what in ACTS and (arguments := self._arguments(what)):
            self.changes.append(change(what, self.minute, **arguments))

    def _mark(self, one: Change, moment: datetime | None) -> None:
        self.changes[self.changes.index(one)] = replace(one, undone_at=moment)

    def _arguments(self, what: str) -> dict[str, Any] | None:
        numbers = [one.number for one in self.now.topics]
        chosen = self.data.draw(st.permutations(numbers))
        if what == "merge":
            return {"numbers": chosen[:2]} if len(chosen) > 1 else None
        if what == "order":
            return {"numbers": chosen}
        if what == "drop" and len(numbers) < 2:
            return None
        if what == "add":
            self.next_number += 1
            return {"topic": to_json(topic(self.next_number))}
        if what == "split":
            self.next_number += 1
            whole = self.now.topic(chosen[0])
            assert whole is not None
            rest = topic(self.next_number, prototypes=whole.prototypes[1:], keys=whole.keys[1:])
            first = replace(whole, prototypes=whole.prototypes[:1], keys=whole.keys[:1])
            return {"number": chosen[0], "parts": [to_json(first), to_json(rest)]} if rest.prototypes else None
        more = {"rename": {"name": "Another"}, "describe": {"definition": "d", "note": ""}}
        return {"number": chosen[0], **more.get(what, {})}


ACTS = ("rename", "describe", "merge", "split", "drop", "pin", "unpin", "order", "add")


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_whatever_is_done_and_undone_numbers_stay_apart_and_only_a_drop_loses_prototypes(data: st.DataObject) -> None:
    drafting = Drafting(data)
    for _ in range(data.draw(st.integers(1, 12))):
        before, live = drafting.now, [one for one in drafting.changes if one.undone_at is None]
        drafting.act()
        after = drafting.now
        numbers = [one.number for one in after.topics]
        assert len(numbers) == len(set(numbers)) > 0
        gone_in = [number for one in after.topics for number in one.merged]
        assert not set(gone_in) & set(numbers)
        assert all(len(one.keys) == len(one.prototypes) for one in after.topics)
        if len([one for one in drafting.changes if one.undone_at is None]) == len(live) + 1:
            made = next(one for one in reversed(drafting.changes) if one.undone_at is None)
            if made.kind != "drop":
                assert _prototypes(before) <= _prototypes(after)


def _prototypes(known: State) -> Counter[bytes]:
    return Counter(row for one in known.topics for row in one.prototypes)


@given(st.data(), st.integers(1, 6))
@settings(max_examples=80, deadline=None)
def test_undoing_the_last_changes_gives_exactly_what_was_there_before_and_making_them_again_what_came_after(
    data: st.DataObject, count: int
) -> None:
    drafting = Drafting(data)
    states = [drafting.now]
    while len(drafting.changes) < count:
        before = len(drafting.changes)
        drafting.minute += 1
        what = data.draw(st.sampled_from(ACTS))
        if arguments := drafting._arguments(what):
            drafting.changes.append(change(what, drafting.minute, **arguments))
        if len(drafting.changes) > before:
            states.append(drafting.now)
    for expected in reversed(states[:-1]):
        drafting.minute += 1
        last = to_undo(drafting.changes)
        assert last is not None
        drafting._mark(last, START + timedelta(minutes=drafting.minute))
        assert drafting.now == expected
    for expected in states[1:]:
        again = to_redo(drafting.changes)
        assert again is not None
        drafting._mark(again, None)
        assert drafting.now == expected


def test_what_was_undone_before_something_newer_was_made_never_comes_back() -> None:
    undone = replace(change("rename", 1, number=0, name="B"), undone_at=START + timedelta(minutes=2))
    newer = change("rename", 3, number=0, name="C")
    assert to_redo([undone]) == undone
    assert to_redo([undone, newer]) is None
    undone_too = replace(newer, undone_at=START + timedelta(minutes=4))
    assert to_redo([undone, undone_too]) == undone_too


def test_what_was_undone_at_once_is_made_again_first_to_last() -> None:
    moment = START + timedelta(minutes=9)
    both = [replace(change("pin", minute, number=0), undone_at=moment) for minute in (1, 2)]
    assert to_redo(both) == both[0]


def test_every_kind_of_change_has_a_sentence() -> None:
    arguments = {
        "was": "A", "name": "B", "names": ["A", "B"], "numbers": [1], "parts": [{"name": "A"}, {"name": "C"}],
        "topic": {"name": "D"}, "topics": [], "granularity": "fine",
    }  # fmt: skip
    said = {kind: sentence(kind, arguments) for kind in curating.KINDS}
    assert said["rename"] == "Renamed ‘A’ to ‘B’"
    assert said["merge"] == "Merged ‘B’ into ‘A’, now called ‘B’"
    assert said["split"] == "Split ‘A’ into ‘A’ and ‘C’"
    assert len(set(said.values())) == len(said)


def test_topics_are_the_same_where_they_share_half_of_the_comments_that_either_has() -> None:
    before = [0, 0, 0, 0, 1, 1, 2, 2, -1, -1]
    after = [5, 5, 5, 6, 6, 6, 7, 8, 9, 9]
    # 0 and 5 share 3 of 4; 1 and 6 share 2 of 3; 2 shares 1 of 2 with both 7 and 8, and goes to one of them alone.
    assert matches(before, after) == {5: 0, 6: 1, 7: 2}


@given(st.lists(st.tuples(st.integers(-1, 4), st.integers(-1, 4)), max_size=60))
def test_matches_are_one_to_one_and_never_of_less_than_half(pairs: list[tuple[int, int]]) -> None:
    before, after = [old for old, _ in pairs], [new for _, new in pairs]
    found = matches(before, after)
    assert len(set(found.values())) == len(found)
    for new, old in found.items():
        both = sum(pair == (old, new) for pair in pairs)
        assert 2 * both >= sum(pair[0] == old or pair[1] == new for pair in pairs) > 0


def test_found_again_keeps_what_people_curated_and_lets_the_rest_go() -> None:
    named = topic(1, name="Scams", definition="Calls", curated=True)
    pinned = topic(2, name="Bins", pinned=True, curated=True)
    by_hand = topic(3, name="Boats", origin="by hand", curated=True)
    old = [topic(0), named, pinned, by_hand, topic(4)]
    found = [topic(0, name="Bank card", size=40), topic(1, name="Rubbish"), topic(2, name="Boats")]
    after = found_again(old, found, {0: 1, 1: 2}, [9, 10])
    assert [(one.number, one.name, one.size) for one in after] == [
        (1, "Scams", 40),  # the found one with the name, number and definition that people gave
        (2, "Bins", 10),  # pinned: as it was
        (3, "Boats", 10),  # added by hand and not found: kept
        (9, "Boats (2)", 10),  # new: a number that was never used, a name that isn't taken
    ]
    assert after[0].definition == "Calls" and after[0].prototypes == found[0].prototypes
    assert after[1].prototypes == pinned.prototypes


def test_a_topic_that_nobody_curated_keeps_its_number_and_name_where_it_is_found_again() -> None:
    (one,) = found_again([topic(4, name="Litter"), topic(5)], [topic(0, name="Rubbish", size=3)], {0: 4}, [])
    assert (one.number, one.name, one.size, one.curated) == (4, "Litter", 3, False)


def test_a_carried_codebook_takes_numbers_of_what_it_matches_and_pinned_topics_stay() -> None:
    own = [topic(3), topic(4, name="Topic 1", pinned=True)]
    made = carried([topic(0), topic(1)], own, {0: 3}, [9], origin="carried")
    assert [(one.number, one.name, one.origin) for one in made] == [
        (3, "Topic 0", "carried"),
        (9, "Topic 1 (2)", "carried"),
        (4, "Topic 1", "found"),
    ]


def test_a_difference_counts_comments_for_each_handling_level_apart() -> None:
    said = {"a": {"open": 2}, "b": {"open": 1, "official-sensitive": 3}, "c": {"open": 1}}
    found = table(["a", "b", "c"], [0, 0, -1], [1, 1, -1], said)
    assert found == {
        "official-sensitive": [[0, 1, 3, ["b"]]],
        "open": [[-1, -1, 1, ["c"]], [0, 1, 3, ["a", "b"]]],
    }
    rows = summed(found, {"open"})
    assert rows == [(0, 1, 3, ["a", "b"]), (-1, -1, 1, ["c"])]
    assert without_topic(rows) == (0.25, 0.25)
    assert summed(found, {"open", "official-sensitive"})[0][2] == 6
    assert without_topic([]) == (0.0, 0.0)
