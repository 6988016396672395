"""Codebooks: their versions, the draft of the next one with its changes, and the topic of a comment."""

from __future__ import annotations

from typing import Any, get_args

import marshmallow as ma

from commsapp.api.document import Calls
from commsapp.api.fields import Number, Shape, Text, Whole, YesNo, a, asked, several
from commsapp.api.paging import Paging, cut, pages_of
from commsapp.api.work import Job, job_of
from commsapp.errors import BadInput, NotFound
from commsapp.http import request
from commsapp.http.security import ANALYSTS, STAFF, may_enter, needs_scope
from commsapp.listening import service as listening
from commsapp.textmodels.stability import Word

calls = Calls("codebooks", __name__, description="Topics that people curate: versions, drafts, and topics of single comments.")

_READ, _WRITE, _WORDS = "results:read", "codebooks:write", "comments:read"
_MOMENT = "2026-04-01T09:30:00+00:00"


class Version(Shape):
    """One frozen version of a codebook."""

    number = a(Whole, "Its number.", example=2)
    granularity = a(Text, "How finely topics were told apart when they were found.", example="medium")
    frozen_at = a(ma.fields.AwareDateTime, "When it was frozen.", example=_MOMENT)
    frozen_by = a(Text, "Who froze it; empty where nobody knows.", example="Ana Officer")
    note = a(Text, "Why.", example="Two names for one thing")
    topics = a(Whole, "How many topics it has.", example=14)
    made_from = a(Whole, "The version whose topics keep their numbers in it; null for none.", nullable=True, example=1)
    in_use = a(YesNo, "Whether comments are coded with it.")


class DraftTopic(Shape):
    """One topic of a draft. Its number is its identity over all versions."""

    number = a(Whole, "Its number.", example=3)
    name = a(Text, "Its name.", example="Dealers at the station")
    definition = a(Text, "What belongs to it.", example="")
    note = a(Text, "A note for those who curate.", example="")
    phrases = several(Text, "Phrases that are typical of it.")
    size = a(Whole, "How many comments it has that you may read; null where that isn't counted yet.", nullable=True, example=57)
    pinned = a(YesNo, "Whether it stays as it is when topics are found again.")
    origin = a(Text, "Where it came from: found, split, by hand or carried.", example="found")
    merged = several(Whole, "Numbers of the topics that were merged into it.")
    stability = a(Number, "How surely it is found again, 0 to 1; null where nobody measured.", nullable=True, example=0.9)
    firmness = a(Text, "The same in a word; empty where nobody measured.", example="firm", one_of=("", *get_args(Word)))
    states = several(Text, "What the draft does to it, in words.")


class Change(Shape):
    """One change of a draft."""

    id = a(Whole, "Its number.", example=7)
    kind = a(Text, "What kind.", example="rename")
    sentence = a(Text, "What it does.", example="Renamed ‘A’ to ‘B’")
    note = a(Text, "Why.", example="")
    person = a(Text, "Who made it.", example="Ana Officer")
    made_at = a(ma.fields.AwareDateTime, "When.", example=_MOMENT)


class Draft(Shape):
    """What the next version would be: changes on the one in use."""

    version = a(Whole, "Number of the version in use.", example=1)
    topics = several(DraftTopic, "The topics as the changes leave them, in their order.")
    changes = several(Change, "The changes that count, first to last.")
    again = a(Text, "The undone change that can be made again; empty for none.", example="")
    state = a(Text, "What the changes come to; send it back to freeze exactly this.", example="7,8")


class NewChange(Shape):
    """A change to be made. Which fields it needs depends on its kind."""

    kind = a(Text, "What kind.", one_of=listening.CODEBOOK_CHANGES, example="rename")
    number = a(Whole, "The topic (rename, describe, drop, pin, unpin).", default=None, nullable=True, example=1)
    numbers = several(Whole, "Topics: those to merge, the first of which keeps its number; or the new order.", default=[])
    name = a(Text, "The new name (rename, merge).", default="", example="Litter")
    definition = a(Text, "What belongs to it (describe).", default="", example="")
    note_on_topic = a(Text, "A note for those who curate (describe).", default="", example="")
    note = a(Text, "Why.", default="", example="Two names for one thing")


class NewTopic(Shape):
    """A topic to be added: by examples, by comments, or by its definition alone."""

    name = a(Text, "Its name.", example="Fly-tipping")
    definition = a(Text, "What belongs to it.", default="", example="Waste that is left where it should not be")
    examples = several(Text, "What people might say about it.", default=[])
    comments = several(Whole, "Numbers of comments that are about it.", default=[])
    note = a(Text, "Why.", default="", example="")


class NewSplit(Shape):
    """A topic to be split by its own comments."""

    number = a(Whole, "The topic.", example=1)
    parts = a(Whole, "Into how many, 2 to 20; null for as many as there are.", default=None, nullable=True, example=2)
    note = a(Text, "Why.", default="", example="")


class Freezing(Shape):
    """A draft to be frozen."""

    note = a(Text, "Why. It stands beside the version for good.", example="Two names for one thing")
    state = a(Text, "``state`` of the draft that you looked at.", example="7,8")


class Carrying(Shape):
    """A codebook to be used in another programme."""

    to_programme_id = a(Whole, "The other programme.", example=2)
    dry_run = a(YesNo, "Only count what it would make of its comments.", default=True)
    note = a(Text, "Why; needed where it is no dry run.", default="", example="")


class Move(Shape):
    """Comments that one codebook puts into a topic and the other into another, or the same. -1 is 'no topic'."""

    before = a(Whole, "Number of the topic before.", low=-1, example=3)
    after = a(Whole, "Number of the topic after.", low=-1, example=4)
    before_name = a(Text, "Its name.", example="Bins")
    after_name = a(Text, "Its name.", example="The council")
    comments = a(Whole, "How many comments.", example=15)
    examples = several(Whole, "Numbers of up to three of them.")


class Difference(Shape):
    """What two codebooks make of the same comments, of those that you may read."""

    rows = several(Move, "From which topic to which.")
    total = a(Whole, "How many comments were compared.", example=412)
    none_before = a(Number, "Share of comments without a topic before.", example=0.12)
    none_after = a(Number, "Share of comments without a topic after.", example=0.1)
    made_at = a(ma.fields.AwareDateTime, "When it was counted; null where it was just now.", nullable=True, example=_MOMENT)
    stale = a(YesNo, "Whether one of the two was changed since.")


class Two(Shape):
    """Which versions to compare."""

    first = asked(Whole, "Number of the older version.", example=1)
    second = asked(Whole, "Number of the newer version.", example=2)


class SortedComment(Shape):
    """The topic of a comment, and who says so."""

    comment_id = a(Whole, "The comment.", example=1)
    number = a(Whole, "Number of its topic; -1 for none, null where it wasn't sorted.", low=-1, nullable=True, example=3)
    name = a(Text, "Name of its topic.", example="Dealers")
    by = a(Text, "The person who said so; empty for the codebook.", example="Ana Officer")
    at = a(ma.fields.AwareDateTime, "When they did; null for the codebook.", nullable=True, example=_MOMENT)
    probability = a(Number, "How sure the codebook is, 0 to 1; null for a person.", nullable=True, example=0.82)
    alike = a(Whole, "How many other comments have the same words, and so the same topic.", example=0)


class GivenTopic(Shape):
    """A topic for a comment."""

    number = a(Whole, "Number of the topic; -1 for none.", low=-1, example=1)
    note = a(Text, "Why.", default="", example="")


@calls.at("/programmes/<int:programme_id>/codebook/versions")
@calls.query(Paging)
@calls.gives(200, pages_of(Version))
@may_enter(*STAFF)
@needs_scope(_READ)
def list_codebook_versions(wanted: dict[str, Any], programme_id: int) -> dict[str, Any]:
    """All versions of a programme's codebook, the latest first."""
    return cut(listening.codebook_versions(request.session(), request.actor(), programme_id), wanted)


@calls.at("/programmes/<int:programme_id>/codebook/versions/difference")
@calls.query(Two)
@calls.gives(200, Difference)
@may_enter(*STAFF)
@needs_scope(_READ)
def get_version_difference(wanted: dict[str, Any], programme_id: int) -> Any:
    """What two versions made of the same comments, exactly as they were coded."""
    session, actor = request.session(), request.actor()
    listening.programme(session, actor, programme_id)
    first, second = wanted["first"], wanted["second"]
    if first is None or second is None:
        raise BadInput("It isn't said which versions to compare.", "Add ?first=1&second=2 to the address.")
    return listening.between_versions(session, actor, programme_id, first, second)


@calls.at("/programmes/<int:programme_id>/codebook/versions", "POST")
@calls.body(Freezing)
@calls.gives(202, Job)
@may_enter(*ANALYSTS)
@needs_scope(_WRITE)
def freeze_codebook(new: dict[str, Any], programme_id: int) -> Any:
    """Make the draft the next version and code all comments by it. It goes on by itself; ask for its job now and then."""
    return job_of(listening.start_freeze(request.session(), request.actor(), programme_id, **new))


@calls.at("/programmes/<int:programme_id>/codebook/draft")
@calls.gives(200, Draft)
@may_enter(*ANALYSTS)
@needs_scope(_READ)
def get_codebook_draft(programme_id: int) -> Any:
    """The draft of the next version; without changes it is the version in use."""
    return listening.codebook_draft(request.session(), request.actor(), programme_id)


@calls.at("/programmes/<int:programme_id>/codebook/draft/changes", "POST")
@calls.body(NewChange)
@calls.gives(201, Change)
@may_enter(*ANALYSTS)
@needs_scope(_WRITE)
def change_codebook(new: dict[str, Any], programme_id: int) -> Any:
    """Make a change that needs no model. Nothing that others see changes until the draft is frozen."""
    return listening.change_codebook(request.session(), request.actor(), programme_id, **new)


@calls.at("/programmes/<int:programme_id>/codebook/draft/undo", "POST")
@calls.gives(200, Draft)
@may_enter(*ANALYSTS)
@needs_scope(_WRITE)
def undo_codebook_change(programme_id: int) -> Any:
    """Take back the last change. Nothing needs to be sent."""
    listening.undo_change(request.session(), request.actor(), programme_id)
    return listening.codebook_draft(request.session(), request.actor(), programme_id)


@calls.at("/programmes/<int:programme_id>/codebook/draft/redo", "POST")
@calls.gives(200, Draft)
@may_enter(*ANALYSTS)
@needs_scope(_WRITE)
def redo_codebook_change(programme_id: int) -> Any:
    """Make the change again that was undone last, as long as nothing newer was made. Nothing needs to be sent."""
    listening.redo_change(request.session(), request.actor(), programme_id)
    return listening.codebook_draft(request.session(), request.actor(), programme_id)


@calls.at("/programmes/<int:programme_id>/codebook/draft/topics", "POST")
@calls.body(NewTopic)
@calls.gives(202, Job)
@may_enter(*ANALYSTS)
@needs_scope(_WRITE)
def add_topic(new: dict[str, Any], programme_id: int) -> Any:
    """Add a topic to the draft; the job reads the examples."""
    chosen = new.pop("comments")
    return job_of(listening.start_add(request.session(), request.actor(), programme_id, comment_ids=chosen, **new))


@calls.at("/programmes/<int:programme_id>/codebook/draft/splits", "POST")
@calls.body(NewSplit)
@calls.gives(202, Job)
@may_enter(*ANALYSTS)
@needs_scope(_WRITE)
def split_topic(new: dict[str, Any], programme_id: int) -> Any:
    """Split a topic of the draft by its own comments; the largest part keeps its number."""
    return job_of(listening.start_split(request.session(), request.actor(), programme_id, **new))


@calls.at("/programmes/<int:programme_id>/codebook/draft/difference")
@calls.gives(200, Difference)
@may_enter(*ANALYSTS)
@needs_scope(_READ)
def get_draft_difference(programme_id: int) -> Any:
    """What the draft would change, as it was counted last."""
    found = listening.draft_difference(request.session(), request.actor(), programme_id)
    if found is None:
        raise NotFound("Nobody counted yet what the draft would change.", "Ask for it with POST first.")
    return found


@calls.at("/programmes/<int:programme_id>/codebook/draft/difference", "POST")
@calls.gives(202, Job)
@may_enter(*ANALYSTS)
@needs_scope(_WRITE)
def count_draft_difference(programme_id: int) -> Any:
    """Count what the draft would change. Nothing needs to be sent, and nothing changes."""
    return job_of(listening.start_look(request.session(), request.actor(), programme_id))


@calls.at("/programmes/<int:programme_id>/codebook/carried", "POST")
@calls.body(Carrying)
@calls.gives(202, Job)
@may_enter(*ANALYSTS)
@needs_scope(_WRITE)
def carry_codebook(new: dict[str, Any], programme_id: int) -> Any:
    """Try the codebook in use on another programme, or make it the next version there."""
    return job_of(listening.start_carry(request.session(), request.actor(), programme_id, **new))


class Tried(Shape):
    """On which programme."""

    to_programme_id = asked(Whole, "The other programme.", example=2)


@calls.at("/programmes/<int:programme_id>/codebook/carried")
@calls.query(Tried)
@calls.gives(200, Difference)
@may_enter(*ANALYSTS)
@needs_scope(_READ)
def get_codebook_tried(wanted: dict[str, Any], programme_id: int) -> Any:
    """What the codebook in use would make of another programme's comments, as it was counted last."""
    session, actor = request.session(), request.actor()
    listening.programme(session, actor, programme_id)
    if wanted["to_programme_id"] is None:
        raise BadInput("It isn't said on which programme.", "Add ?to_programme_id= and its number to the address.")
    listening.programme(session, actor, wanted["to_programme_id"])
    found = listening.codebook_tried(session, actor, programme_id, wanted["to_programme_id"])
    if found is None:
        raise NotFound("It was not tried on that programme yet.", "Ask for it with POST first.")
    return found


def _sorted(programme_id: int, comment_id: int) -> Any:
    return listening.comment_sorted(request.session(), request.actor(), programme_id, comment_id)


@calls.at("/programmes/<int:programme_id>/comments/<int:comment_id>/topic")
@calls.gives(200, SortedComment)
@may_enter(*STAFF)
@needs_scope(_WORDS)
def get_topic_of_comment(programme_id: int, comment_id: int) -> Any:
    """The topic of a comment, and whether the codebook or a person says so."""
    return _sorted(programme_id, comment_id)


@calls.at("/programmes/<int:programme_id>/comments/<int:comment_id>/topic", "POST")
@calls.body(GivenTopic)
@calls.gives(200, SortedComment)
@may_enter(*STAFF)
@needs_scope(_WRITE)
def give_topic_to_comment(new: dict[str, Any], programme_id: int, comment_id: int) -> Any:
    """Give a comment another topic. It counts instead of what the codebook says, also in later versions."""
    listening.give_topic(request.session(), request.actor(), programme_id, comment_id, new["number"], note=new["note"])
    return _sorted(programme_id, comment_id)


@calls.at("/programmes/<int:programme_id>/comments/<int:comment_id>/topic/back", "POST")
@calls.gives(200, SortedComment)
@may_enter(*STAFF)
@needs_scope(_WRITE)
def take_topic_of_comment_back(programme_id: int, comment_id: int) -> Any:
    """Let the codebook say again what a comment is about. Nothing needs to be sent."""
    listening.take_topic_back(request.session(), request.actor(), programme_id, comment_id)
    return _sorted(programme_id, comment_id)
