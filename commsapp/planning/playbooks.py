"""Playbooks: what to say to whom and when not to, as YAML files that people write and a schema checks.

A newcomer adds one by putting a file into campaigns/playbooks; campaigns/README.md says what each field is for.
"""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, HttpUrl

from commsapp import bundled
from commsapp.errors import BadInput
from commsapp.planning.checked_yaml import Record, mistake, read_checked

Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=60)]
Quality = Literal["good", "some", "little", "none"]


class Behaviour(Record):
    """What people do: to be deterred from (join, facilitate, procure) or helped with (recognise, report, protect)."""

    id: Id
    title: str
    kind: Literal["deterrence", "protection"]
    meaning: str


class Approach(Record):
    """One of the ways in which communication counters serious organised crime, with the behaviours (ids) that it works on."""

    id: Id
    title: str
    meaning: str
    behaviours: tuple[str, ...] = Field(min_length=1)


class Approaches(Record):
    """The file approaches.yaml."""

    approaches: tuple[Approach, ...] = Field(min_length=1)
    behaviours: tuple[Behaviour, ...] = Field(min_length=1)


class MessagePattern(Record):
    """A shape that a message can take: what it does, and an example in words to be changed."""

    title: str
    does: str
    example: str


class Measure(Record):
    """Which listening result the playbook should move, and which way."""

    result: Literal["topic share", "tone", "answer share", "comments"]
    what: str
    direction: Literal["up", "down"]


class Grade(Record):
    """How much is known on each part of EMMIE (College of Policing, What Works), as we read the source.

    'none' is an honest answer.
    """

    effect: Quality = "none"
    mechanism: Quality = "none"
    moderators: Quality = "none"
    implementation: Quality = "none"
    economic_cost: Quality = "none"


class Evidence(Record):
    """One claim that the playbook rests on, where it comes from, and how far it carries."""

    claim: str
    source: str
    url: HttpUrl | None = None
    grade: Grade


class Playbook(Record):
    """One way of working, ready to be turned into a campaign."""

    id: Id
    title: str
    approach: Id
    behaviours: tuple[Id, ...] = Field(min_length=1)
    for_whom: str
    when_to_use: tuple[str, ...] = Field(min_length=1)
    when_not: tuple[str, ...] = Field(min_length=1)
    message_patterns: tuple[MessagePattern, ...] = Field(min_length=1)
    checks: tuple[str, ...] = ()
    measures: tuple[Measure, ...] = Field(min_length=1)
    evidence: tuple[Evidence, ...] = Field(min_length=1)
    review_by: datetime.date


def load_playbooks(folder: Path | None = None) -> tuple[Playbook, ...]:
    """Read all playbooks, in the order of their ids.

    Parameters
    ----------
    folder : holds approaches.yaml and a folder playbooks; None takes the one that ships with commsapp.

    Raises
    ------
    BadInput : a file doesn't fit its schema, names an approach or behaviour that isn't in approaches.yaml, a behaviour that its
        approach doesn't work on, or has the id of another; the sentence names file, line and field.

    """
    home = folder or bundled.campaigns()
    approaches = {approach.id: approach for approach in load_approaches(home)}
    found: dict[str, Playbook] = {}
    for path in sorted((home / "playbooks").glob("*.yaml")):
        playbook = read_checked(path, Playbook)
        if playbook.id in found:
            raise mistake(path, "id", f"is '{playbook.id}', which another playbook has already")
        if playbook.approach not in approaches:
            raise mistake(path, "approach", f"is '{playbook.approach}', but approaches.yaml knows only {', '.join(approaches)}")
        possible = approaches[playbook.approach].behaviours
        for behaviour in playbook.behaviours:
            if behaviour not in possible:
                raise mistake(path, "behaviours", f"holds '{behaviour}', but {playbook.approach} works on {', '.join(possible)}")
        found[playbook.id] = playbook
    if not found:
        raise BadInput(f"There is no playbook in {home / 'playbooks'}.", "Put a .yaml file there; campaigns/README.md says how.")
    return tuple(found[name] for name in sorted(found))


def load_approaches(folder: Path | None = None) -> tuple[Approach, ...]:
    """Read the approaches in the order of the file. Raises BadInput as `load_playbooks` does."""
    return _approaches(folder).approaches


def load_behaviours(folder: Path | None = None) -> tuple[Behaviour, ...]:
    """Read the behaviours in the order of the file. Raises BadInput as `load_playbooks` does."""
    return _approaches(folder).behaviours


def _approaches(folder: Path | None) -> Approaches:
    path = (folder or bundled.campaigns()) / "approaches.yaml"
    read = read_checked(path, Approaches)
    known = {behaviour.id for behaviour in read.behaviours}
    for number, approach in enumerate(read.approaches):
        if unknown := [name for name in approach.behaviours if name not in known]:
            field = f"approaches.{number}.behaviours"
            raise mistake(path, field, f"holds '{unknown[0]}', which is not among the behaviours")
    return read
