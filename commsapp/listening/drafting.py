"""A draft of the next codebook version: changes that people make one by one on the version in use, undo, and make again.

What may come in: changes that need no model. What may not: those that need one (see `asking`), or changing a frozen version.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from commsapp.actor import Actor
from commsapp.errors import BadInput, Conflict, NotFound
from commsapp.listening import changes as curating
from commsapp.listening import reporting, versions, views
from commsapp.listening.changes import Change, State
from commsapp.listening.matching import summed
from commsapp.listening.naming import check_topics_named
from commsapp.storage import codebooks, codings, events
from commsapp.storage.codebooks import CodebookChange
from commsapp.storage.session import Session
from commsapp.textmodels.stability import in_words

SUBJECT = "codebook draft"


@dataclass(frozen=True)
class Opened:
    """A draft as it is stored, with what its changes come to."""

    version: codings.CodebookVersion
    base: State
    rows: tuple[CodebookChange, ...]
    changes: tuple[Change, ...]
    state: State

    @property
    def live(self) -> tuple[CodebookChange, ...]:
        """The changes that count."""
        return tuple(row for row in self.rows if row.undone_at is None)

    @property
    def mark(self) -> str:
        """What the draft has come to, by a name."""
        return curating.mark(self.changes)


def opened(session: Session, actor: Actor, programme_id: int, *, hold: bool = False) -> Opened:
    """The draft on the version in use. ``hold``: nobody else changes it before this transaction ends.

    Raises
    ------
    NotFound : no such programme, or no topics were found in it yet. NotAllowed : its topics are named by words that the actor
        may not read.

    """
    if hold:
        versions.version_in_use(session, actor, programme_id)
        codings.codebook_of(session, programme_id, hold=True)
    version = versions.version_in_use(session, actor, programme_id)
    base = versions.state_of(session, version)
    rows = tuple(codebooks.changes(session, version.id))
    changes = tuple(Change(row.kind, row.arguments, row.made_at, row.undone_at, row.id) for row in rows)
    found = Opened(version, base, rows, changes, curating.apply(base, changes))
    check_topics_named(session, actor, programme_id, base.named_by_open and found.state.named_by_open)
    return found


def added_topics(session: Session, version: codings.CodebookVersion) -> tuple[curating.Topic, ...]:
    """The topics that the draft on a version adds to it, for callers who looked whether the actor may know their names."""
    rows = [row for row in codebooks.changes(session, version.id) if row.undone_at is None]
    if not any(row.kind == curating.ADD for row in rows):
        return ()
    base = versions.state_of(session, version)
    state = curating.apply(base, [Change(row.kind, row.arguments, row.made_at, row.undone_at, row.id) for row in rows])
    return tuple(topic for topic in state.topics if base.topic(topic.number) is None)


def draft(session: Session, actor: Actor, programme_id: int) -> views.Draft:
    """The draft on the version in use: its topics with what was done to them, and its changes.

    Raises
    ------
    NotFound, NotAllowed : see `opened`.

    """
    found = opened(session, actor, programme_id)
    again = curating.to_redo(found.changes)
    names = codebooks.names_of_persons(session, {row.person_id for row in found.rows if row.person_id is not None})
    sizes = _sizes(session, actor, programme_id, found)
    return views.Draft(
        programme_id=programme_id,
        version=found.version.number,
        topics=tuple(_topic(found, topic, sizes) for topic in found.state.topics),
        changes=tuple(_change(row, names.get(row.person_id or 0, "")) for row in found.live),
        again="" if again is None else sentence(again.kind, again.arguments),
        state=found.mark,
    )


def _change(row: CodebookChange, person: str) -> views.DraftChange:
    return views.DraftChange(row.id, row.kind, sentence(row.kind, row.arguments), row.note, person, row.made_at)


def _topic(found: Opened, topic: curating.Topic, sizes: dict[int, int | None]) -> views.DraftTopic:
    return views.DraftTopic(
        number=topic.number,
        name=topic.name,
        definition=topic.definition,
        note=topic.note,
        phrases=topic.phrases,
        size=sizes.get(topic.number),
        pinned=topic.pinned,
        origin=topic.origin,
        merged=topic.merged,
        stability=topic.stability,
        firmness=in_words(topic.stability),
        states=_states(topic, found.base.topic(topic.number)),
    )


def _states(topic: curating.Topic, before: curating.Topic | None) -> tuple[str, ...]:
    """What the draft does to a topic, and what was done to it before, in a few words each."""
    words = []
    if before is None:
        words.append({curating.BY_HAND: "added", curating.SPLIT: "split off"}.get(topic.origin, "new"))
    else:
        if topic.name != before.name:
            words.append(f"was ‘{before.name}’")
        if topic.merged != before.merged:
            words.append("merged")
        elif topic.prototypes != before.prototypes:
            words.append("changed")
        if (topic.definition, topic.note) != (before.definition, before.note):
            words.append("described")
    if topic.pinned:
        words.append("pinned")
    return tuple(words)


def _sizes(session: Session, actor: Actor, programme_id: int, found: Opened) -> dict[int, int | None]:
    """How many comments each topic of a draft has, as far as it can be said without sorting all anew; none where it can't."""
    counted = codebooks.difference(session, actor, programme_id, kind=codebooks.DRAFT)
    if counted is not None and (counted.version_id, counted.state) == (found.version.id, found.mark) and found.live:
        sizes: dict[int, int | None] = {topic.number: 0 for topic in found.state.topics}
        for _, after, count, _ in summed(counted.by_level, actor.handling_levels):
            sizes[after] = (sizes.get(after) or 0) + count
        return sizes
    now = reporting.topic_counts(session, actor, programme_id)
    before = {topic.number: topic for topic in found.base.topics}
    sizes = {}
    for topic in found.state.topics:
        parts = [number for number in (topic.number, *topic.merged) if number in before]
        known = {vector for number in parts for vector in before[number].prototypes}
        same = bool(parts) and set(topic.prototypes) == known
        sizes[topic.number] = sum(now.get(number, 0) for number in parts) if same else None
    return sizes


def sentence(kind: str, given: Mapping[str, Any]) -> str:
    """What a change does, for people: 'Renamed ‘A’ to ‘B’'."""
    was = given.get("was", "")
    if kind == curating.RENAME:
        return f"Renamed ‘{was}’ to ‘{given['name']}’"
    if kind == curating.MERGE:
        first, *others = given["names"]
        called = f", now called ‘{given['name']}’" if given["name"] != first else ""
        return f"Merged {_listed(others)} into ‘{first}’{called}"
    if kind == curating.SPLITTING:
        parts = [was, *(part["name"] for part in given["parts"][1:])]
        return f"Split ‘{was}’ into {_listed(parts)}"
    if kind == curating.ADD:
        return f"Added ‘{given['topic']['name']}’"
    if kind == curating.FOUND_AGAIN:
        return f"Found topics again ({given['granularity']}): {len(given['topics'])} topics"
    return _PLAIN[kind].format(was)


_PLAIN = {
    curating.DESCRIBE: "Described ‘{}’",
    curating.DROP: "Dropped ‘{}’",
    curating.PIN: "Pinned ‘{}’",
    curating.UNPIN: "Unpinned ‘{}’",
    curating.ORDER: "Put the topics in another order",
}


def _listed(names: Sequence[str]) -> str:
    quoted = [f"‘{name}’" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def change(session: Session, actor: Actor, programme_id: int, *, kind: str, note: str = "", **given: Any) -> views.DraftChange:
    """Make a change that needs no model.

    Parameters
    ----------
    kind : 'rename' (number, name), 'describe' (number, definition, note_on_topic), 'merge' (numbers, and name where it should
        have another one than the first), 'drop', 'pin', 'unpin' (number), 'order' (numbers, first to last).
    note : why.

    Raises
    ------
    NotFound : no such programme or topic. BadInput : an argument can't be used. NotAllowed : see `opened`, or the role may not.

    """
    found = opened(session, actor, programme_id, hold=True)
    if kind not in _ARGUMENTS:
        raise BadInput(f"'{kind}' is no change that can be made here.", f"Use one of: {', '.join(_ARGUMENTS)}.")
    arguments = _ARGUMENTS[kind](found.state, given)
    row = record(session, actor, programme_id, found, kind=kind, arguments=arguments, note=note)
    return _change(row, actor.name)


def record(
    session: Session,
    actor: Actor,
    programme_id: int,
    found: Opened,
    *,
    kind: str,
    arguments: dict[str, Any],
    note: str,
    action: str = "change",
) -> CodebookChange:
    """Put a change that was checked behind the others, with its event."""
    note = curating.check_text(note, "reason")
    row = codebooks.add_change(session, actor, found.version, kind=kind, arguments=arguments, note=note)
    after = {"change": sentence(kind, arguments), "programme_id": programme_id}
    events.record(session, actor, action=action, subject=SUBJECT, subject_id=row.id, after=after, why=note)
    return row


def there(state: State, number: int | None) -> curating.Topic:
    """A topic of a draft. Raises NotFound."""
    topic = None if number is None else state.topic(number)
    if topic is None:
        raise NotFound("There is no such topic in this draft.", "Choose one from the list of topics.")
    return topic


def _rename(state: State, given: dict[str, Any]) -> dict[str, Any]:
    topic = there(state, given.get("number"))
    name = curating.check_name(state, given.get("name") or "", but=[topic.number])
    if name == topic.name:
        raise BadInput(f"It is called ‘{name}’ already.", "Enter another name.")
    return {"number": topic.number, "name": name, "was": topic.name}


def _describe(state: State, given: dict[str, Any]) -> dict[str, Any]:
    topic = there(state, given.get("number"))
    definition = curating.check_text(given.get("definition") or "", "description")
    note = curating.check_text(given.get("note_on_topic") or "", "note")
    if (definition, note) == (topic.definition, topic.note):
        raise BadInput("Nothing is different.", "Change the description or the note.")
    return {"number": topic.number, "definition": definition, "note": note, "was": topic.name}


def _merge(state: State, given: dict[str, Any]) -> dict[str, Any]:
    numbers = list(dict.fromkeys(given.get("numbers") or ()))
    topics = [there(state, number) for number in numbers]
    if len(topics) < 2:
        raise BadInput("One topic alone can't be merged.", "Choose two or more.")
    names = [topic.name for topic in topics]
    name = curating.check_name(state, given.get("name") or names[0], but=numbers)
    return {"numbers": numbers, "names": names, "name": name}


def _one(state: State, given: dict[str, Any]) -> dict[str, Any]:
    topic = there(state, given.get("number"))
    return {"number": topic.number, "was": topic.name}


def _drop(state: State, given: dict[str, Any]) -> dict[str, Any]:
    if len(state.topics) < 2:
        raise BadInput("It is the only topic that is left.", "Keep it, or add another one first.")
    return _one(state, given)


def _pin(state: State, given: dict[str, Any]) -> dict[str, Any]:
    if there(state, given.get("number")).pinned:
        raise BadInput("It is pinned already.", "Look at the draft again.")
    return _one(state, given)


def _unpin(state: State, given: dict[str, Any]) -> dict[str, Any]:
    if not there(state, given.get("number")).pinned:
        raise BadInput("It isn't pinned.", "Look at the draft again.")
    return _one(state, given)


def _order(state: State, given: dict[str, Any]) -> dict[str, Any]:
    numbers = list(dict.fromkeys(given.get("numbers") or ()))
    for number in numbers:
        there(state, number)
    if numbers == [topic.number for topic in state.topics][: len(numbers)]:
        raise BadInput("They are in that order already.", "Choose another order.")
    return {"numbers": numbers}


_ARGUMENTS = {
    curating.RENAME: _rename,
    curating.DESCRIBE: _describe,
    curating.MERGE: _merge,
    curating.DROP: _drop,
    curating.PIN: _pin,
    curating.UNPIN: _unpin,
    curating.ORDER: _order,
}
CHANGES = tuple(_ARGUMENTS)
"""Kinds of changes that need no model."""


def undo(session: Session, actor: Actor, programme_id: int, *, change_id: int | None = None) -> str:
    """Take back the last change; returns what it was. ``change_id`` says which one the person thinks it is.

    Raises
    ------
    Conflict : there is nothing to undo, or somebody made another change meanwhile.

    """
    found = opened(session, actor, programme_id, hold=True)
    if not found.live:
        raise Conflict("There is no change to undo.", "Look at the draft again.")
    last = found.live[-1]
    if change_id not in (None, last.id):
        raise Conflict("Somebody made another change meanwhile.", "Look at the draft again.")
    codebooks.undo(session, [last])
    return _noted(session, actor, programme_id, "undo", last)


def redo(session: Session, actor: Actor, programme_id: int) -> str:
    """Make the change again that was undone last, as long as nothing newer was made; returns what it is.

    Raises
    ------
    Conflict : there is none.

    """
    found = opened(session, actor, programme_id, hold=True)
    again = curating.to_redo(found.changes)
    if again is None:
        raise Conflict("There is no change to make again.", "Look at the draft again.")
    row = next(row for row in found.rows if row.id == again.id)
    codebooks.redo(session, row)
    return _noted(session, actor, programme_id, "redo", row)


def _noted(session: Session, actor: Actor, programme_id: int, action: str, row: CodebookChange) -> str:
    said = sentence(row.kind, row.arguments)
    after = {"change": said, "programme_id": programme_id}
    events.record(session, actor, action=action, subject=SUBJECT, subject_id=row.id, after=after)
    return said


def start_again(session: Session, actor: Actor, programme_id: int) -> int:
    """Undo every change; how many there were. Each can be made again, first to last."""
    live = opened(session, actor, programme_id, hold=True).live
    codebooks.undo(session, live)
    if live:
        after = {"change": f"all {len(live)} changes", "programme_id": programme_id}
        events.record(session, actor, action="undo", subject=SUBJECT, subject_id=live[0].id, after=after)
    return len(live)
