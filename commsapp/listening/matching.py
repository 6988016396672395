"""Two lists of topics beside each other: which are the same, and which comments go where. Arrays in, plain values out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from commsapp.listening.changes import BY_HAND, NO_TOPIC, SPLIT, Topic, unused_name

SAME = 0.5
"""From this share of the comments that either topic has, a topic that was found again is the one that was there before."""
EXAMPLES = 3

Numbers = npt.NDArray[np.int64]
Table = dict[str, list[list[Any]]]
"""Handling level → rows (from topic, to topic, how many comments, keys of up to three of their texts)."""


def matches(before: Sequence[int] | Numbers, after: Sequence[int] | Numbers) -> dict[int, int]:
    """Topic of the second list → the one of the first that it is: one to one, the best first.

    Parameters
    ----------
    before, after : the topic of each text by the one and by the other list; negative numbers are none.

    """
    first, second = np.asarray(before, dtype=np.int64), np.asarray(after, dtype=np.int64)
    overlaps = []
    for old in np.unique(first[first >= 0]):
        mine = first == old
        for new in np.unique(second[mine & (second >= 0)]):
            theirs = second == new
            both, either = int((mine & theirs).sum()), int((mine | theirs).sum())
            if both >= SAME * either:
                overlaps.append((-both / either, -both, int(old), int(new)))
    found: dict[int, int] = {}
    for *_, old, new in sorted(overlaps):
        if new not in found and old not in found.values():
            found[new] = old
    return found


def found_again(
    old: Sequence[Topic], found: Sequence[Topic], same: Mapping[int, int], numbers: Iterable[int]
) -> tuple[Topic, ...]:
    """The topics that there are when topics were found again, of which people may have curated some.

    What people curated stays; a found topic that is one of the old takes its number, name and definition; an old one that nobody
    curated and nothing matches goes. What somebody pinned, added, split off or merged keeps its prototypes as well.

    Parameters
    ----------
    same : found number → old number (`matches`). numbers : for topics that are new, as many as may be needed.

    """
    by_old = {same[topic.number]: topic for topic in found if topic.number in same}
    kept = [one for topic in old if (one := _goes_on(topic, by_old.get(topic.number))) is not None]
    free = iter(numbers)
    taken = [topic.name for topic in kept]
    for topic in found:
        if topic.number not in same:
            new = replace(topic, number=next(free), name=unused_name(topic.name, taken))
            taken.append(new.name)
            kept.append(new)
    return tuple(kept)


def _goes_on(topic: Topic, again: Topic | None) -> Topic | None:
    if again is None:
        return topic if topic.curated else None
    if topic.pinned or topic.merged or topic.origin in (SPLIT, BY_HAND):
        return topic
    return replace(
        topic,
        prototypes=again.prototypes,
        keys=again.keys,
        centroid=again.centroid,
        size=again.size,
        phrases=again.phrases,
        stability=again.stability,
    )


def carried(
    topics: Sequence[Topic], own: Sequence[Topic], same: Mapping[int, int], numbers: Iterable[int], *, origin: str
) -> tuple[Topic, ...]:
    """The topics of another programme as those of this one: one that matches an own topic takes its number.

    Own topics that somebody pinned stay; the others are in older versions only.
    """
    pinned = [topic for topic in own if topic.pinned and topic.number not in same.values()]
    free, taken = iter(numbers), [topic.name for topic in pinned]
    made = []
    for topic in topics:
        number = same.get(topic.number)
        new = replace(
            topic,
            number=next(free) if number is None else number,
            name=unused_name(topic.name, taken),
            origin=origin,
            merged=next((one.merged for one in own if one.number == number), ()),
            curated=True,
        )
        taken.append(new.name)
        made.append(new)
    return (*made, *pinned)


def table(
    keys: Sequence[str],
    before: Sequence[int] | Numbers,
    after: Sequence[int] | Numbers,
    said: Mapping[str, Mapping[str, int]],
) -> Table:
    """How many comments go from which topic to which, for each handling level apart.

    Parameters
    ----------
    keys : of distinct texts. before, after : their topics. said : key → handling level → how many comments say it.

    """
    counted: dict[str, dict[tuple[int, int], tuple[int, list[str]]]] = {}
    for key, old, new in zip(keys, before, after, strict=True):
        for level, count in said.get(key, {}).items():
            cells = counted.setdefault(level, {})
            total, examples = cells.get((int(old), int(new)), (0, []))
            cells[int(old), int(new)] = (total + count, [*examples, key] if len(examples) < EXAMPLES else examples)
    return {
        level: [[old, new, total, examples] for (old, new), (total, examples) in sorted(cells.items())]
        for level, cells in sorted(counted.items())
    }


def summed(found: Mapping[str, Sequence[Sequence[Any]]], levels: Collection[str]) -> list[tuple[int, int, int, list[str]]]:
    """The rows of some handling levels taken together: from, to, how many, keys of examples; the most first."""
    cells: dict[tuple[int, int], tuple[int, list[str]]] = {}
    for level, rows in found.items():
        for old, new, count, examples in rows if level in levels else ():
            total, known = cells.get((old, new), (0, []))
            cells[old, new] = (total + count, [*known, *examples][:EXAMPLES])
    joined = [(old, new, total, examples) for (old, new), (total, examples) in cells.items()]
    return sorted(joined, key=lambda row: (-row[2], row[0], row[1]))


def without_topic(rows: Sequence[tuple[int, int, int, list[str]]]) -> tuple[float, float]:
    """The share of comments without a topic before and after; 0 where there are none."""
    total = sum(row[2] for row in rows)
    if not total:
        return 0.0, 0.0
    before, after = (sum(row[2] for row in rows if row[side] == NO_TOPIC) / total for side in (0, 1))
    return before, after
