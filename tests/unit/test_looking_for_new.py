"""How groups of what is new are named, and for whom a wave is looked at apart. No database."""

from __future__ import annotations

import numpy as np

from commsapp.actor import HandlingLevel
from commsapp.listening.looking_for_new import clearances
from commsapp.storage import emerging
from commsapp.textmodels.phrases import telling

OPEN, SENSITIVE, CONCERN = HandlingLevel

TINS = [f"The charity tin on the counter of the {place} is fake" for place in ("bakery", "chemist", "florist", "grocer")]
BUSES = [f"The bus on the {place} road never comes" for place in ("north", "south", "east", "west")]


def test_a_group_is_named_by_what_several_of_its_texts_say_and_others_do_not() -> None:
    (found,) = telling([*TINS, *BUSES], [0] * 4 + [-1] * 4, groups=1, least=2, within=2, count=6)
    assert "charity tin" in found and "counter" in " ".join(found)
    assert not {"bakery", "chemist", "florist", "grocer", "bus"} & set(" ".join(found).split())


def test_texts_that_may_name_nothing_give_no_words() -> None:
    silent = ["" for _ in TINS]
    assert telling([*silent, *BUSES], [0] * 4 + [-1] * 4, groups=1, least=2, within=2, count=6) == [()]


def test_a_group_without_texts_of_its_own_has_no_words() -> None:
    assert telling(TINS, [1] * 4, groups=2, least=2, within=2, count=6)[0] == ()


def test_a_wave_is_looked_at_for_each_clearance_that_sees_other_comments_the_narrowest_first() -> None:
    assert clearances([OPEN, OPEN]) == [{OPEN}]
    assert clearances(np.array([SENSITIVE, OPEN], dtype=object)) == [{OPEN}, {OPEN, SENSITIVE}]
    assert clearances([SENSITIVE, CONCERN]) == [{SENSITIVE}, {SENSITIVE, CONCERN}]
    assert clearances([]) == []


def test_the_levels_of_a_look_are_read_as_they_were_written() -> None:
    written = emerging.named({SENSITIVE, OPEN}, HandlingLevel)
    assert written == "open, official-sensitive"
    assert emerging.levels_of(written) == {OPEN, SENSITIVE}


def test_mostly_is_more_than_half() -> None:
    assert emerging.mostly(["a", "b", "c"], ["a", "b", "x"])
    assert not emerging.mostly(["a", "b"], ["a"])
