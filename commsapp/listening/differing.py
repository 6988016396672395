"""What another codebook would make of the comments, as a job counted it: of those that the actor may read, with examples."""

from __future__ import annotations

from commsapp.actor import Actor
from commsapp.listening import changes as curating
from commsapp.listening import drafting, views
from commsapp.listening.matching import summed, without_topic
from commsapp.listening.measuring import NO_TOPIC_NAME
from commsapp.listening.naming import check_topics_named
from commsapp.storage import codebooks, codings
from commsapp.storage.session import Session

WITH_EXAMPLES = 15
"""Rows that comments are shown of, the largest first: each example is looked up."""


def difference(session: Session, actor: Actor, programme_id: int) -> views.Difference | None:
    """What the draft would change, as it was counted last; None where nobody asked yet.

    It counts the comments that the actor may read, and ``stale`` says that the draft, or the version in use, was changed since.
    """
    found = drafting.opened(session, actor, programme_id)
    counted = codebooks.difference(session, actor, programme_id, kind=codebooks.DRAFT)
    if counted is None or counted.version_id != found.version.id:
        return None
    before = {topic.number: topic.name for topic in found.base.topics}
    after = {topic.number: topic.name for topic in found.state.topics}
    return _shown(session, actor, programme_id, counted, before, after, stale=counted.state != found.mark)


def tried(session: Session, actor: Actor, programme_id: int, to_programme_id: int) -> views.Difference | None:
    """What the codebook of a programme would make of another one's comments, as it was counted last; None where nobody asked."""
    found = drafting.opened(session, actor, programme_id)
    counted = codebooks.difference(session, actor, to_programme_id, kind=codebooks.CARRIED)
    if counted is None or counted.version_id != found.version.id:
        return None
    theirs = codings.current_version(session, actor, to_programme_id)
    check_topics_named(session, actor, to_programme_id, theirs is None or theirs.named_by_open)
    before = {} if theirs is None else {topic.number: topic.name for topic in codings.topics(session, theirs.id)}
    after = {topic.number: topic.name for topic in found.base.topics}
    stale = counted.state != str(0 if theirs is None else theirs.id)
    return _shown(session, actor, to_programme_id, counted, before, after, stale=stale)


def _shown(
    session: Session,
    actor: Actor,
    programme_id: int,
    counted: codebooks.CodebookDifference,
    before: dict[int, str],
    after: dict[int, str],
    *,
    stale: bool,
) -> views.Difference:
    """A stored difference of the comments that the actor may read, with examples of its largest rows."""
    rows = summed(counted.by_level, actor.handling_levels)
    moved = [row for row in rows if row[0] != row[1]][:WITH_EXAMPLES]
    keys = {key for *_, examples in moved for key in examples}
    first = codebooks.comments_of_keys(session, actor, programme_id, keys) if keys else {}
    shares = without_topic(rows)
    gone = "a topic that is no longer there"
    names = [{curating.NO_TOPIC: NO_TOPIC_NAME} | known for known in (before, after)]
    return views.Difference(
        rows=tuple(
            views.Move(
                old,
                new,
                names[0].get(old, gone),
                names[1].get(new, gone),
                count,
                tuple(first[key] for key in examples if old != new and key in first),
            )
            for old, new, count, examples in rows
        ),
        total=sum(row[2] for row in rows),
        none_before=shares[0],
        none_after=shares[1],
        made_at=counted.made_at,
        stale=stale,
    )
