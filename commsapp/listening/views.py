"""What listening hands out: frozen views, never a row of a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import pandas as pd

Progress = Callable[[str, int, int], None]
"""Called with a stage in plain words, how much is done and how much there is; raises when the work is no longer wanted."""

HOW_CHOSEN = ("random", "quota", "opt-in", "everything")


def quiet(stage: str, done: int, total: int) -> None:
    """A progress that tells nobody."""


@dataclass(frozen=True)
class Programme:
    """The frame for one piece of work, with how much was heard so far."""

    id: int
    name: str
    description: str
    made_up: bool
    responses: int = 0
    comments: int = 0


@dataclass(frozen=True)
class Channel:
    """A feedback channel and how its people were chosen."""

    id: int
    name: str
    kind: str
    chosen: str


@dataclass(frozen=True)
class Wave:
    """A named period, both days included; ``proposed`` by an analysis, or made by somebody."""

    id: int
    name: str
    start: date
    end: date
    proposed: bool = False


@dataclass(frozen=True)
class Area:
    """A place that responses belong to."""

    id: int
    name: str
    code: str
    population: int | None


@dataclass(frozen=True)
class ContextEvent:
    """What else happened; no areas means everywhere."""

    id: int
    name: str
    kind: str
    start: date
    end: date
    areas: tuple[str, ...]


@dataclass(frozen=True)
class Import:
    """How one file went in."""

    id: int
    programme_id: int
    channel_id: int
    file_name: str
    added: int
    already_there: int
    rejected: int
    notes: tuple[str, ...]
    started_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True)
class RejectedRow:
    """A row of a file that could not be read."""

    row: int
    reason: str
    cells: dict[str, str]


@dataclass(frozen=True)
class Topic:
    """One topic of the codebook in use. ``firmness`` is 'firm', 'fair' or 'shaky', '' where nobody measured it."""

    id: int
    number: int
    name: str
    phrases: tuple[str, ...]
    size: int
    definition: str = ""
    stability: float | None = None
    firmness: str = ""


@dataclass(frozen=True)
class Codebook:
    """The codebook version in use."""

    id: int
    number: int
    granularity: str
    version: str
    frozen_at: datetime
    topics: tuple[Topic, ...]


@dataclass(frozen=True)
class CodebookVersion:
    """One frozen version: who made it, when and why. ``made_from`` is the number of the one whose topics keep theirs in it."""

    id: int
    number: int
    granularity: str
    frozen_at: datetime
    frozen_by: str
    note: str
    topics: int
    made_from: int | None
    in_use: bool


@dataclass(frozen=True)
class DraftTopic:
    """One topic of a draft. ``states`` are words for what people did to it; ``size`` is none where nobody counted yet."""

    number: int
    name: str
    definition: str
    note: str
    phrases: tuple[str, ...]
    size: int | None
    pinned: bool
    origin: str
    merged: tuple[int, ...]
    stability: float | None
    firmness: str
    states: tuple[str, ...]


@dataclass(frozen=True)
class DraftChange:
    """One change of a draft that counts, in a sentence."""

    id: int
    kind: str
    sentence: str
    note: str
    person: str
    made_at: datetime


@dataclass(frozen=True)
class Draft:
    """What the next version of a codebook would be: changes on the one in use.

    ``state`` names what the changes come to, so that nobody freezes something else than they looked at. ``again`` says which
    undone change can be made again; '' for none.
    """

    programme_id: int
    version: int
    topics: tuple[DraftTopic, ...]
    changes: tuple[DraftChange, ...]
    again: str
    state: str

    def topic(self, number: int) -> DraftTopic | None:
        """The topic with a number; none where the draft doesn't have it."""
        return next((topic for topic in self.topics if topic.number == number), None)


@dataclass(frozen=True)
class Move:
    """Comments that one codebook puts into a topic and another one into another (or the same); -1 is 'no topic'.

    ``examples`` are up to three of the comments, by their numbers.
    """

    before: int
    after: int
    before_name: str
    after_name: str
    comments: int
    examples: tuple[int, ...] = ()

    @property
    def stays(self) -> bool:
        """Whether nothing changes for these comments."""
        return self.before == self.after


@dataclass(frozen=True)
class Difference:
    """What two codebooks make of the same comments; ``stale`` where one of them was changed since it was counted."""

    rows: tuple[Move, ...]
    total: int
    none_before: float
    none_after: float
    made_at: datetime | None = None
    stale: bool = False

    @property
    def moved(self) -> int:
        """How many comments change their topic."""
        return sum(row.comments for row in self.rows if not row.stays)


NOTHING_TO_LOOK_AT, NOT_LOOKED = "nothing to look at", "not looked at yet"
TOO_FEW_BEFORE, ALL_FIT, LOOKED = "too few before", "every comment fits a topic", "looked at"
"""States of `WaveLook`."""


@dataclass(frozen=True)
class EmergingGroup:
    """Comments of a wave that fit no topic and lie near each other, of those that the reader may read.

    ``comments`` counts them, ``examples`` are the numbers of the most typical ones. ``share`` and ``before`` are shares of the
    wave and of what was heard before; ``chance`` is the probability that a wave in which nothing is new shows a group that is so
    much more frequent, and it is ``new`` where that is small. Its ``number`` counts from 1 within the wave; it is not ``named``
    by words of its comments where too few of them may name it. ``in_draft`` is the topic that the draft makes of it, '' for none.
    """

    id: int
    wave_id: int
    wave: str
    number: int
    name: str
    named: bool
    comments: int
    share: float
    before: float
    chance: float
    new: bool
    examples: tuple[int, ...]
    set_aside_by: str = ""
    set_aside_at: datetime | None = None
    in_draft: str = ""

    @property
    def waits(self) -> bool:
        """Whether it is new, and nobody set it aside or made a topic of it."""
        return self.new and self.set_aside_at is None and not self.in_draft


@dataclass(frozen=True)
class WaveLook:
    """What the last look at a wave found: ``comments`` of it and ``before`` of earlier waves were compared.

    Groups that are not new are more frequent than before too, but may be so by chance.
    """

    wave_id: int
    wave: str
    start: date
    end: date
    state: str
    comments: int = 0
    before: int = 0
    without_topic: int = 0
    looked_at: datetime | None = None
    groups: tuple[EmergingGroup, ...] = ()


@dataclass(frozen=True)
class WhatIsNew:
    """The waves of a programme that have an earlier one, the latest first; none as long as there are no topics to fit."""

    has_topics: bool
    waves: tuple[WaveLook, ...]


@dataclass(frozen=True)
class Said:
    """One comment as a page shows it: ``words`` and ``translation`` with names and numbers taken out.

    Both are empty until the comment is ``prepared``. ``redacted`` says that something was taken out, ``names_out`` that the
    model of names was there when it was. ``sentiment`` is empty where the comment was not coded; ``unsure`` says that nobody
    should rely on it. ``emotions`` are those heard, the most probable first, often none. ``topic`` is the number of its topic (-1
    for none, None where it has not been sorted), ``topic_by`` who says so: a person, or '' for the codebook, which is sure of it
    by ``topic_probability``.
    """

    id: int
    response_id: int
    words: str
    translation: str
    translator: str
    language: str
    from_translation: bool
    not_coded: str
    date: date | None
    area: str
    channel: str
    attributes: dict[str, str]
    may_quote: bool
    handling_level: str
    sentiment: str
    probability: float | None
    unsure: bool
    emotions: tuple[str, ...]
    prepared: bool
    redacted: bool
    names_out: bool
    topic: int | None = None
    topic_name: str = ""
    topic_by: str = ""
    topic_at: datetime | None = None
    topic_probability: float | None = None


@dataclass(frozen=True)
class Piece:
    """A piece of a comment; ``strength`` is 0 where it carried nothing, 1 (weakly) to 3 (strongly) where it carried the coding.

    ``change`` is by how much the model falls without it.
    """

    words: str
    strength: int = 0
    change: float = 0.0


@dataclass(frozen=True)
class Explanation:
    """Which words carried the tone and the topic of a comment.

    ``state`` is that of the work: '' where nobody asked yet, 'queued', 'running', 'failed' (then ``error`` says why), 'done'. The
    pieces put together are what was coded, with names and numbers taken out; those of the topic are empty where it has none that
    the reader may know. ``limited``: the comment was too long to try every word; ``first_letters``: how many of its letters were
    read where it was far too long, else 0.
    """

    said: Said
    state: str = ""
    error: str = ""
    topic: str = ""
    tone_words: tuple[Piece, ...] = ()
    topic_words: tuple[Piece, ...] = ()
    limited: bool = False
    first_letters: int = 0


@dataclass(frozen=True)
class AsWritten:
    """One comment before names and numbers were taken out, for one who said why they need it."""

    id: int
    original: str
    translation: str
    translator: str
    language: str
    words: str
    handling_level: str


@dataclass(frozen=True)
class Answered:
    """What one person answered to a closed question; ``choice`` is empty where ``not_counted`` says why it is in no figure."""

    question: str
    choice: str
    not_counted: str


@dataclass(frozen=True)
class Responded:
    """One response: one person, once, in one channel. ``respondent`` is the same where the same person answered again."""

    id: int
    date: date | None
    area: str
    channel: str
    chosen: str
    attributes: dict[str, str]
    weight: float
    respondent: str
    consent: tuple[str, ...]
    handling_level: str
    has_comment: bool
    answers: tuple[Answered, ...]


@dataclass(frozen=True)
class Page:
    """Some comments out of ``total``."""

    comments: tuple[Said, ...]
    total: int
    number: int
    pages: int

    @property
    def names_left(self) -> bool:
        """Whether some were prepared without the model of names."""
        return any(said.prepared and not said.names_out for said in self.comments)


@dataclass(frozen=True)
class Result:
    """A frozen listening result: an estimated figure with n and a 95 % interval; shares are 0 to 1, tone is -1 to 1.

    ``followed`` says what became of a cited topic, where it goes by another name in this result.
    """

    id: int
    programme_id: int
    measure: str
    item: str
    wave: str
    area: str
    segment: str
    value: float
    low: float
    high: float
    n: int
    n_effective: float
    not_coded: dict[str, int]
    chosen: str
    codebook_version: str
    model_version: str
    corrected: bool
    made_at: datetime
    topic_number: int | None = None
    followed: str = ""


@dataclass(frozen=True)
class Records:
    """What measuring works on: one row a comment, one row an answer, one row a wave (columns: see measuring)."""

    comments: pd.DataFrame
    answers: pd.DataFrame
    waves: pd.DataFrame


@dataclass(frozen=True)
class Summary:
    """What an analysis found, for a sentence such as '412 responses, 7 topics, 9 set aside'.

    ``undated`` responses have no date, ``between_waves`` ones a date that lies in no wave: both count in 'all waves' alone.
    ``narrowed``: there are responses of handling levels that the one who asks may not read, and they don't count here.
    ``areas_unweighted``: people were drawn in areas of other sizes than their shares, and nothing weights for it.
    """

    responses: int
    comments: int
    topics: int
    not_coded: dict[str, int] = field(default_factory=dict)
    undated: int = 0
    between_waves: int = 0
    areas_unweighted: bool = False
    made_at: datetime | None = None
    narrowed: bool = False

    @property
    def set_aside(self) -> int:
        """Comments that are counted, but could not be coded."""
        return sum(self.not_coded.values())


def as_view(kind: type[Any], row: Any, **more: Any) -> Any:
    """A frozen view with the fields that a table row has, lists as tuples."""
    names = [name for name in kind.__dataclass_fields__ if name not in more and hasattr(row, name)]
    values = {name: getattr(row, name) for name in names}
    return kind(**{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}, **more)
