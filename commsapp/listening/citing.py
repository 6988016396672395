"""Cited results and the topics that they name, followed to the codebook version in use: by number, through renames and merges."""

from __future__ import annotations

from dataclasses import replace

from commsapp.actor import Actor
from commsapp.listening import freezing, versions, views
from commsapp.listening.measuring import BY_TOPIC
from commsapp.storage.session import Session


def topic_followed(
    session: Session, actor: Actor, programme_id: int, *, name: str, codebook_version: str
) -> versions.Followed | None:
    """The topic of some codebook version as it goes on in the one in use; none where it doesn't.

    What it says may be read by everybody: it names no topic whose name is made of words that not everybody may read.
    """
    found = versions.followed(session, actor, programme_id, name=name, codebook_version=codebook_version)
    if found is None or not found.said or versions.version_in_use(session, actor, programme_id).named_by_open:
        return found
    return replace(found, said=f"‘{name}’ was renamed, merged or split since.")


def result_now(session: Session, actor: Actor, result_id: int) -> views.Result | None:
    """What the same question gives in the latest results; None where its cell or its topic is no longer there.

    A topic is followed by its number: ``followed`` says in words where it was renamed, merged or split since. One that was
    stored before topics kept their numbers is looked for by its name.
    """
    cited = freezing.result(session, actor, result_id)
    where = {name: getattr(cited, name) for name in freezing.CELL}
    said, topic = "", None
    if cited.measure in BY_TOPIC:
        topic = versions.followed(
            session,
            actor,
            cited.programme_id,
            name=cited.item,
            codebook_version=cited.codebook_version,
            number=cited.topic_number,
        )
        if topic is None and cited.topic_number is not None:
            return None
        if topic is not None:
            where["item"], said = topic.name, topic.said
    now = freezing.frozen_results(session, actor, cited.programme_id, **where)
    if not len(now):
        return None
    found = freezing.result(session, actor, int(now["id"].iloc[0]))
    if topic is not None and found.topic_number not in (None, topic.number):
        return None  # figures of the version before, where another topic had that name
    return replace(found, followed=said)
