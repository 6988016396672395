"""One comment's topic, given by a person: it counts instead of what the codebook says, until it is taken back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from commsapp.actor import Actor
from commsapp.errors import BadInput, NotAllowed, NotFound
from commsapp.listening import reporting, versions
from commsapp.listening.measuring import NO_TOPIC_NAME
from commsapp.listening.naming import check_topics_named
from commsapp.storage import by_people, codebooks, codings, events, jobs, results, said
from commsapp.storage.session import Session

SUBJECT = "topic of a comment"
NO_TOPIC = by_people.NONE


@dataclass(frozen=True)
class SortedComment:
    """The topic of one comment and who says so: a person, or '' for the codebook, which is sure of it by ``probability``.

    ``number`` is -1 for 'no topic' and None where it has not been sorted; ``alike`` counts other comments in the same words,
    which always have the same topic.
    """

    comment_id: int
    number: int | None
    name: str
    by: str
    at: datetime | None
    probability: float | None
    alike: int


def comment_sorted(session: Session, actor: Actor, programme_id: int, comment_id: int) -> SortedComment:
    """The topic of a comment that the actor may read.

    Raises
    ------
    NotFound : no such comment, or none that can be sorted. NotAllowed : topics are named by words that the actor may not read.

    """
    version, key = _place(session, actor, programme_id, comment_id)
    choice = reporting.choice_of(session, actor, programme_id)
    assert choice is not None
    found = said.main_topics_of(session, actor, choice, [key]).get(key)
    names = {topic.id: topic for topic in codings.topics(session, version.id)}
    topic = names.get(found.topic_id or 0) if found else None
    who = by_people.given(session, actor.organisation_id, version.codebook_id, [key]).get(key)
    by_person = who if found is not None and found.by_people else None
    return SortedComment(
        comment_id=comment_id,
        number=None if found is None else NO_TOPIC if topic is None else topic.number,
        name="" if found is None else NO_TOPIC_NAME if topic is None else topic.name,
        by=by_person.person if by_person else "",
        at=by_person.made_at if by_person else None,
        probability=None if found is None or by_person else found.probability,
        alike=codebooks.count_alike(session, actor, programme_id, key) - 1,
    )


def give_topic(session: Session, actor: Actor, programme_id: int, comment_id: int, number: int, *, note: str = "") -> str:
    """Give a comment another topic (-1: none), for all comments in the same words; returns the topic's name.

    It counts instead of what the codebook and other people said, in every list, count and new result, and goes on in later
    versions of the codebook.

    Raises
    ------
    NotFound : no such comment or topic. BadInput : it has that topic already. NotAllowed : see `comment_sorted`.

    """
    codings.codebook_of(session, programme_id, hold=True)  # one after the other, and none while a version is frozen
    before = comment_sorted(session, actor, programme_id, comment_id)
    version, key = _place(session, actor, programme_id, comment_id)
    if actor.person_id is None:
        raise NotAllowed("Only a person can give a comment a topic.", "Sign in first.")
    topics = {topic.number: topic for topic in codings.topics(session, version.id)}
    if number != NO_TOPIC and number not in topics:
        raise NotFound("There is no such topic.", "Choose one from the list.")
    if before.number == number and before.by:
        raise BadInput(f"{before.by} gave it this topic already.", "Choose another one.")
    topic = topics.get(number)
    name = NO_TOPIC_NAME if topic is None else topic.name
    topic_id = None if topic is None else topic.id
    by_people.give(session, actor, version.codebook_id, key, topic_id)
    by_people.come_to(session, actor.organisation_id, version, {key: topic_id})
    _noted(session, actor, programme_id, comment_id, "change", before.name, name, note)
    return name


def take_topic_back(session: Session, actor: Actor, programme_id: int, comment_id: int) -> None:
    """Let a comment have the topic again that the codebook gives it, whoever gave it another.

    Raises
    ------
    NotFound : no such comment. BadInput : nobody gave it a topic. NotAllowed : see `comment_sorted`.

    """
    codings.codebook_of(session, programme_id, hold=True)
    before = comment_sorted(session, actor, programme_id, comment_id)
    version, key = _place(session, actor, programme_id, comment_id)
    if not by_people.take_back(session, actor.organisation_id, version.codebook_id, key):
        raise BadInput("Nobody gave this comment a topic.", "It has the one that the codebook gives it.")
    by_people.come_to_nothing(session, actor.organisation_id, version, key)
    session.flush()
    after = comment_sorted(session, actor, programme_id, comment_id)
    _noted(session, actor, programme_id, comment_id, "undo", before.name, after.name, "")


def _noted(
    session: Session, actor: Actor, programme_id: int, comment_id: int, action: str, before: str, after: str, note: str
) -> None:
    events.record(
        session,
        actor,
        action=action,
        subject=SUBJECT,
        subject_id=comment_id,
        before={"topic": before, "programme_id": programme_id},
        after={"topic": after, "programme_id": programme_id},
        why=note,
    )
    _count_anew(session, actor, programme_id)


def _count_anew(session: Session, actor: Actor, programme_id: int) -> None:
    """Enqueue the computation of results where there are some and it doesn't wait already: many comments, one computation."""
    there = results.latest_set(session, actor, programme_id) is not None
    if there and jobs.waiting(session, name="count results", programme_id=programme_id) is None:
        arguments = {"programme_id": programme_id}
        jobs.enqueue(session, actor, name="count results", arguments=arguments, programme_id=programme_id)


def _place(session: Session, actor: Actor, programme_id: int, comment_id: int) -> tuple[codings.CodebookVersion, str]:
    """The version in use and the key of a comment's text."""
    version = versions.version_in_use(session, actor, programme_id)
    key = codebooks.keys_of_comments(session, actor, programme_id, [comment_id]).get(comment_id)
    if key is None:
        raise NotFound("There is no such comment, or the models have not read it.", "Go back to the list of comments.")
    check_topics_named(session, actor, programme_id, version.named_by_open)
    return version, key
