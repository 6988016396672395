"""What curating does to a list of topics: changes put one after another on a frozen version. Pure functions, no database.

A topic's number is its identity: changes keep numbers, and new topics bring numbers that no topic of the codebook ever had.
What a change needs stands in its arguments, so that the same changes on the same version always give the same topics, and
undoing the last ones gives exactly what was there before them.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np

from commsapp.errors import BadInput
from commsapp.listening.measuring import NO_TOPIC_NAME

NO_TOPIC = -1
FOUND, SPLIT, BY_HAND, CARRIED = "found", "split", "by hand", "carried"
LONGEST_NAME, LONGEST_TEXT = 120, 2_000
KEPT_PHRASES = 6


@dataclass(frozen=True)
class Topic:
    """A topic while it is curated. ``centroid`` and each prototype are 32-bit floats, little-endian, of unit length.

    ``keys`` has for each prototype the key of the text that it is of alone, '' for one that is a middle of several.
    """

    number: int
    name: str
    prototypes: tuple[bytes, ...]
    keys: tuple[str, ...]
    centroid: bytes
    size: int
    definition: str = ""
    note: str = ""
    phrases: tuple[str, ...] = ()
    pinned: bool = False
    curated: bool = False
    origin: str = FOUND
    merged: tuple[int, ...] = ()
    stability: float | None = None


@dataclass(frozen=True)
class State:
    """A codebook as it stands: its topics in the order in which they are listed, and what coding depends on beside them."""

    topics: tuple[Topic, ...]
    granularity: str
    encoder_version: str
    threshold: float
    named_by_open: bool

    def topic(self, number: int) -> Topic | None:
        """The topic with a number; none where it isn't there."""
        return next((topic for topic in self.topics if topic.number == number), None)


@dataclass(frozen=True)
class Change:
    """One change; one that is undone doesn't count until it is made again."""

    kind: str
    arguments: Mapping[str, Any]
    made_at: datetime
    undone_at: datetime | None = None
    id: int = 0


def apply(base: State, changes: Iterable[Change]) -> State:
    """The topics that a version comes to by the changes that are not undone."""
    state = base
    for change in changes:
        if change.undone_at is None:
            state = KINDS[change.kind](state, change.arguments)
    return state


def _rename(state: State, given: Mapping[str, Any]) -> State:
    return _with(state, given["number"], name=given["name"], curated=True)


def _describe(state: State, given: Mapping[str, Any]) -> State:
    return _with(state, given["number"], definition=given["definition"], note=given["note"], curated=True)


def _pin(state: State, given: Mapping[str, Any]) -> State:
    return _with(state, given["number"], pinned=True, curated=True)


def _unpin(state: State, given: Mapping[str, Any]) -> State:
    return _with(state, given["number"], pinned=False)


def _with(state: State, number: int, **values: Any) -> State:
    return replace(state, topics=tuple(replace(t, **values) if t.number == number else t for t in state.topics))


def _merge(state: State, given: Mapping[str, Any]) -> State:
    """Several become one, which keeps the number of the first, and all prototypes."""
    numbers = list(given["numbers"])
    parts = [topic for number in numbers if (topic := state.topic(number)) is not None]
    first, others = parts[0], parts[1:]
    phrases = [phrase for row in _in_turn([part.phrases for part in parts]) for phrase in row]
    went_in = [number for other in others for number in (other.number, *other.merged)]
    one = replace(
        first,
        name=given.get("name") or first.name,
        prototypes=tuple(vector for part in parts for vector in part.prototypes),
        keys=tuple(key for part in parts for key in part.keys),
        centroid=middle_of([part.centroid for part in parts], [max(part.size, 1) for part in parts]),
        size=sum(part.size for part in parts),
        phrases=tuple(dict.fromkeys(phrases))[:KEPT_PHRASES],
        pinned=any(part.pinned for part in parts),
        curated=True,
        merged=(*first.merged, *went_in),
        stability=None,
    )
    gone = {other.number for other in others}
    return replace(state, topics=tuple(one if t.number == one.number else t for t in state.topics if t.number not in gone))


def _in_turn(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """The first of each row, then the second of each, and so on; short rows drop out."""
    longest = max((len(row) for row in rows), default=0)
    return [[row[place] for row in rows if place < len(row)] for place in range(longest)]


def _split(state: State, given: Mapping[str, Any]) -> State:
    """One becomes several, in its place. The first keeps its number and its name; prototypes are those of the parts."""
    whole = state.topic(given["number"])
    assert whole is not None
    parts = [from_json(part) for part in given["parts"]]
    first = replace(
        whole,
        prototypes=parts[0].prototypes,
        keys=parts[0].keys,
        centroid=parts[0].centroid,
        size=parts[0].size,
        phrases=parts[0].phrases,
        curated=True,
        stability=None,
    )
    made = (first, *(replace(part, origin=SPLIT, curated=True) for part in parts[1:]))
    topics = [topic for old in state.topics for topic in (made if old.number == whole.number else (old,))]
    return replace(state, topics=tuple(topics), named_by_open=state.named_by_open and given.get("named_by_open", True))


def _drop(state: State, given: Mapping[str, Any]) -> State:
    return replace(state, topics=tuple(topic for topic in state.topics if topic.number != given["number"]))


def _order(state: State, given: Mapping[str, Any]) -> State:
    """Put topics in an order; what isn't named comes after those that are, as it stood."""
    place = {number: place for place, number in enumerate(given["numbers"])}
    return replace(state, topics=tuple(sorted(state.topics, key=lambda topic: place.get(topic.number, len(place)))))


def _add(state: State, given: Mapping[str, Any]) -> State:
    made = replace(from_json(given["topic"]), origin=BY_HAND, curated=True)
    return replace(state, topics=(*state.topics, made))


def _found_again(state: State, given: Mapping[str, Any]) -> State:
    return State(
        topics=tuple(from_json(topic) for topic in given["topics"]),
        granularity=given["granularity"],
        encoder_version=given["encoder_version"],
        threshold=given["threshold"],
        named_by_open=given["named_by_open"],
    )


RENAME, DESCRIBE, MERGE, SPLITTING, DROP = "rename", "describe", "merge", "split", "drop"
PIN, UNPIN, ORDER, ADD, FOUND_AGAIN = "pin", "unpin", "order", "add", "found again"

KINDS = {
    RENAME: _rename,
    DESCRIBE: _describe,
    MERGE: _merge,
    SPLITTING: _split,
    DROP: _drop,
    PIN: _pin,
    UNPIN: _unpin,
    ORDER: _order,
    ADD: _add,
    FOUND_AGAIN: _found_again,
}
"""Kind of a change → what it makes of a state."""


def to_redo(changes: Sequence[Change]) -> Change | None:
    """The change that was undone last, as long as nothing newer was made; of several undone at once, the first."""
    undone = [change for change in changes if change.undone_at is not None]
    newest = max((change.made_at for change in changes), default=None)
    waiting = [change for change in undone if change.undone_at is not None and newest is not None and change.undone_at >= newest]
    return max(waiting, key=lambda change: (change.undone_at, -waiting.index(change)), default=None)


def to_undo(changes: Sequence[Change]) -> Change | None:
    """The last change that counts."""
    return next((change for change in reversed(changes) if change.undone_at is None), None)


def mark(changes: Iterable[Change]) -> str:
    """A name for what a draft has come to, which another list of changes doesn't have."""
    return ",".join(str(change.id) for change in changes if change.undone_at is None)


def follow(number: int | None, topics: Iterable[Topic]) -> int | None:
    """The number by which a topic goes on: its own, or that of the one that it was merged into; none where it was dropped."""
    if number is None or number == NO_TOPIC:
        return number
    topics = tuple(topics)
    if any(topic.number == number for topic in topics):
        return number
    return next((topic.number for topic in topics if number in topic.merged), None)


def check_name(state: State, name: str, *, but: Iterable[int] = ()) -> str:
    """A name that a topic may have, trimmed.

    Raises
    ------
    BadInput : it is empty, too long, or another topic has it.

    """
    name = " ".join(name.split())
    if not name:
        raise BadInput("The topic has no name.", "Enter a name.")
    if len(name) > LONGEST_NAME:
        raise BadInput(f"The name has {len(name)} letters.", f"Use {LONGEST_NAME} or fewer.")
    left_out = set(but)
    taken = {topic.name.casefold() for topic in state.topics if topic.number not in left_out} | {NO_TOPIC_NAME.casefold()}
    if name.casefold() in taken:
        raise BadInput(f"There is a topic called ‘{name}’ already.", "Enter another name, or merge the two.")
    return name


def check_text(text: str, what: str) -> str:
    """A definition or a note, trimmed. Raises BadInput where it is too long."""
    text = text.strip()
    if len(text) > LONGEST_TEXT:
        raise BadInput(f"The {what} has {len(text):,} letters.", f"Use {LONGEST_TEXT:,} or fewer.")
    return text


def unused_name(name: str, taken: Iterable[str]) -> str:
    """A name, with a number behind it where it is taken already."""
    known = {one.casefold() for one in taken} | {NO_TOPIC_NAME.casefold()}
    found, count = name, 2
    while found.casefold() in known:
        found, count = f"{name} ({count})", count + 1
    return found


def middle_of(vectors: Sequence[bytes], weights: Sequence[float] | None = None) -> bytes:
    """The mean direction of vectors, of unit length."""
    rows = [np.frombuffer(vector, dtype="<f4").astype(np.float64) for vector in vectors if vector]
    if not rows:
        return b""
    shares = [1.0] * len(rows) if weights is None or len(weights) != len(rows) else list(weights)
    mean = np.average(np.stack(rows), axis=0, weights=shares)
    length = float(np.linalg.norm(mean))
    return (mean / length if length > 0 else rows[0]).astype("<f4").tobytes()


def to_json(topic: Topic) -> dict[str, Any]:
    """A topic as an argument of a change."""
    stored = asdict(topic)
    stored["prototypes"] = [_text(vector) for vector in topic.prototypes]
    stored["centroid"] = _text(topic.centroid)
    return {name: list(value) if isinstance(value, tuple) else value for name, value in stored.items()}


def from_json(stored: Mapping[str, Any]) -> Topic:
    """A topic out of an argument of a change."""
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()}
    values["prototypes"] = tuple(base64.b64decode(text) for text in stored["prototypes"])
    values["centroid"] = base64.b64decode(stored["centroid"])
    return Topic(**values)


def _text(vector: bytes) -> str:
    return base64.b64encode(vector).decode("ascii")
