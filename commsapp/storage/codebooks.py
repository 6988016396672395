"""Curating a codebook: the changes of a draft, what they would do, and versions beside each other.

What may come in: changes as they were made, and counting what two codebooks make of the same comments. What may not: what a
change means, which `listening.changes` knows.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import ForeignKey, Text, and_, cast, delete, func, select
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from commsapp.actor import Actor
from commsapp.storage.base import Base, SensitiveJson, SensitiveText, now
from commsapp.storage.codings import Codebook, CodebookVersion, Coding, Topic
from commsapp.storage.organisations import Person
from commsapp.storage.programmes import Programme
from commsapp.storage.responses import Comment, Response, visible

ASKED = "asked"
"""Kind of a row that is no change yet: what a job will make one of. Examples that somebody typed are sealed in it."""
DRAFT, CARRIED = "draft", "carried"


class CodebookChange(Base):
    """One change of the draft on a codebook version, in the order of ``position``; one that is undone stays, and says when."""

    __tablename__ = "codebook_change"
    codebook_id: Mapped[int] = mapped_column(ForeignKey("codebook.id"))
    base_version_id: Mapped[int] = mapped_column(ForeignKey("codebook_version.id"), index=True)
    position: Mapped[int]
    kind: Mapped[str]
    arguments: Mapped[dict[str, Any]] = mapped_column(SensitiveJson)
    note: Mapped[str] = mapped_column(SensitiveText, default="")
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    made_at: Mapped[datetime]
    undone_at: Mapped[datetime | None]


class CodebookDifference(Base):
    """What another codebook would make of a programme's comments, counted for each handling level apart.

    ``kind`` is 'draft' or 'carried', ``state`` names what was compared with the version. The latest of each kind is kept.
    """

    __tablename__ = "codebook_difference"
    programme_id: Mapped[int] = mapped_column(ForeignKey("programme.id"), index=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("codebook_version.id"))
    kind: Mapped[str]
    state: Mapped[str]
    by_level: Mapped[dict[str, Any]]
    made_at: Mapped[datetime]


class Moved(NamedTuple):
    """How many comments of one topic another codebook version puts into which; -1 is 'no topic'."""

    before: int
    after: int
    comments: int


def changes(session: Session, version_id: int) -> list[CodebookChange]:
    """The changes that were made on a version, undone ones too, first to last."""
    query = (
        select(CodebookChange)
        .where(CodebookChange.base_version_id == version_id, CodebookChange.kind != ASKED)
        .order_by(CodebookChange.position, CodebookChange.id)
    )
    return list(session.scalars(query))


def add_change(
    session: Session,
    actor: Actor,
    version: CodebookVersion,
    *,
    kind: str,
    arguments: dict[str, Any],
    note: str = "",
    person_id: int | None = None,
) -> CodebookChange:
    """Put a change behind those that are there; hold the codebook before (`codings.codebook_of`)."""
    last = session.scalar(
        select(func.max(CodebookChange.position)).where(CodebookChange.base_version_id == version.id)
    )  # fmt: skip
    row = CodebookChange(
        codebook_id=version.codebook_id,
        base_version_id=version.id,
        position=0 if kind == ASKED else (last or 0) + 1,
        kind=kind,
        arguments=arguments,
        note=note,
        person_id=actor.person_id if person_id is None else person_id,
        made_at=now(),
    )
    session.add(row)
    session.flush()
    return row


def change(session: Session, actor: Actor, change_id: int) -> CodebookChange | None:
    """One change, or what was asked for, of the actor's organisation."""
    query = (
        select(CodebookChange)
        .join(Codebook, Codebook.id == CodebookChange.codebook_id)
        .join(Programme, Programme.id == Codebook.programme_id)
        .where(CodebookChange.id == change_id, Programme.organisation_id == actor.organisation_id)
    )
    return session.scalars(query).first()


def drop(session: Session, row: CodebookChange) -> None:
    """Take away what was asked for, once it is done."""
    session.delete(row)
    session.flush()


def undo(session: Session, rows: Iterable[CodebookChange]) -> None:
    """Mark changes as undone, all at the same moment."""
    moment = now()
    for row in rows:
        row.undone_at = moment
    session.flush()


def redo(session: Session, row: CodebookChange) -> None:
    """Let a change that was undone count again."""
    row.undone_at = None
    session.flush()


def versions(session: Session, actor: Actor, programme_id: int) -> list[tuple[CodebookVersion, str, int]]:
    """(version, name of who froze it, number of its topics) of a programme's codebook, the latest first."""
    topics = select(func.count(Topic.id)).where(Topic.codebook_version_id == CodebookVersion.id).scalar_subquery()
    query = (
        select(CodebookVersion, func.coalesce(Person.name, ""), topics)
        .join(Codebook, Codebook.id == CodebookVersion.codebook_id)
        .join(Programme, Programme.id == Codebook.programme_id)
        .outerjoin(Person, Person.id == CodebookVersion.frozen_by)
        .where(Programme.organisation_id == actor.organisation_id, Programme.id == programme_id)
        .order_by(CodebookVersion.number.desc())
    )
    return [(row[0], str(row[1]), int(row[2])) for row in session.execute(query)]


def names_of_persons(session: Session, ids: Iterable[int]) -> dict[int, str]:
    """Id → name."""
    query = select(Person.id, Person.name).where(Person.id.in_(sorted(set(ids))))
    return {row.id: row.name for row in session.execute(query)}


def moved(session: Session, actor: Actor, programme_id: int, *, before: int, after: int) -> list[Moved]:
    """What two topic coders made of the same comments, as far as the actor may read them: from which topic to which."""
    first, second, old, new = aliased(Coding), aliased(Coding), aliased(Topic), aliased(Topic)
    was, became = func.coalesce(old.number, -1), func.coalesce(new.number, -1)
    query = (
        select(was, became, func.count(Comment.id))
        .select_from(Comment)
        .join(Response, Response.id == Comment.response_id)
        .join(first, and_(first.text_key == Comment.text_key, *_main(first, before)))
        .join(second, and_(second.text_key == Comment.text_key, *_main(second, after)))
        .outerjoin(old, old.id == first.topic_id)
        .outerjoin(new, new.id == second.topic_id)
        .where(visible(actor, programme_id))
        .group_by(was, became)
        .order_by(was, became)
    )
    return [Moved(int(row[0]), int(row[1]), int(row[2])) for row in session.execute(query)]


def _main(coding: Any, coder_id: int) -> tuple[Any, ...]:
    return (coding.coder_id == coder_id, coding.measure == "topic", coding.rank == 1)


def said_by_level(session: Session, actor: Actor, programme_id: int) -> dict[str, dict[str, int]]:
    """Key of a text → handling level → how many comments say it, of those that can be coded."""
    query = (
        select(Comment.text_key, Response.handling_level, func.count(Comment.id))
        .join(Response, Response.id == Comment.response_id)
        .where(visible(actor, programme_id), Comment.text_key.is_not(None))
        .group_by(Comment.text_key, Response.handling_level)
    )
    found: dict[str, dict[str, int]] = {}
    for key, level, count in session.execute(query):
        found.setdefault(str(key), {})[str(level)] = int(count)
    return found


def keys_of_comments(session: Session, actor: Actor, programme_id: int, ids: Iterable[int]) -> dict[int, str]:
    """Id of a comment → key of its text, of those that the actor may read and that can be coded."""
    query = (
        select(Comment.id, Comment.text_key)
        .join(Response, Response.id == Comment.response_id)
        .where(visible(actor, programme_id, by_id=True), Comment.id.in_(sorted(set(ids))), Comment.text_key.is_not(None))
    )
    return {int(row[0]): str(row[1]) for row in session.execute(query)}


def comments_of_keys(session: Session, actor: Actor, programme_id: int, keys: Iterable[str]) -> dict[str, int]:
    """Key of a text → the first comment that says it, of those that the actor may read."""
    query = (
        select(Comment.text_key, func.min(Comment.id))
        .join(Response, Response.id == Comment.response_id)
        .where(visible(actor, programme_id, by_id=True), Comment.text_key.in_(sorted(set(keys))))
        .group_by(Comment.text_key)
    )
    return {str(row[0]): int(row[1]) for row in session.execute(query)}


def keep_difference(
    session: Session, programme_id: int, version_id: int, *, kind: str, state: str, by_level: dict[str, Any]
) -> CodebookDifference:
    """Keep what was counted, instead of what was counted before."""
    session.execute(
        delete(CodebookDifference).where(CodebookDifference.programme_id == programme_id, CodebookDifference.kind == kind)
    )
    row = CodebookDifference(
        programme_id=programme_id, version_id=version_id, kind=kind, state=state, by_level=by_level, made_at=now()
    )
    session.add(row)
    session.flush()
    return row


def difference(session: Session, actor: Actor, programme_id: int, *, kind: str) -> CodebookDifference | None:
    """What was counted last."""
    query = (
        select(CodebookDifference)
        .join(Programme, Programme.id == CodebookDifference.programme_id)
        .where(Programme.organisation_id == actor.organisation_id, Programme.id == programme_id)
        .where(CodebookDifference.kind == kind)
        .order_by(CodebookDifference.id.desc())
    )
    return session.scalars(query).first()


def version(session: Session, actor: Actor, version_id: int) -> CodebookVersion | None:
    """A codebook version of the actor's organisation."""
    query = (
        select(CodebookVersion)
        .join(Codebook, Codebook.id == CodebookVersion.codebook_id)
        .join(Programme, Programme.id == Codebook.programme_id)
        .where(CodebookVersion.id == version_id, Programme.organisation_id == actor.organisation_id)
    )
    return session.scalars(query).first()


def count_alike(session: Session, actor: Actor, programme_id: int, key: str) -> int:
    """How many comments say a text, of those that the actor may read."""
    query = (
        select(func.count(Comment.id))
        .join(Response, Response.id == Comment.response_id)
        .where(visible(actor, programme_id, by_id=True), Comment.text_key == key)
    )
    return int(session.scalar(query) or 0)


def forget(session: Session, organisation_id: int, keys: Iterable[str]) -> None:
    """Take out of an organisation's codebooks what is of texts that nobody says any more.

    A prototype that was of such a text alone goes, and the topic goes on with the others; counted differences, which name
    examples, are counted anew when somebody asks.
    """
    gone = set(keys)
    if not gone:
        return
    own = select(Programme.id).where(Programme.organisation_id == organisation_id)
    books = select(Codebook.id).where(Codebook.programme_id.in_(own))
    session.execute(
        delete(CodebookDifference).where(CodebookDifference.programme_id.in_(own)),
        execution_options={"synchronize_session": False},
    )
    versions = select(CodebookVersion.id).where(CodebookVersion.codebook_id.in_(books))
    with_keys = select(Topic).where(Topic.codebook_version_id.in_(versions), cast(Topic.prototype_keys, Text) != "[]")
    for topic in session.scalars(with_keys):
        if gone & set(topic.prototype_keys):
            size = len(topic.centroid)
            stored = topic.prototypes or b""
            parts = [stored[start : start + size] for start in range(0, len(stored), size)]
            left, known = _left(parts, topic.prototype_keys, gone)
            topic.prototypes, topic.prototype_keys = b"".join(left) or None, known
            topic.centroid = _middle(left, size)
    for row in session.scalars(select(CodebookChange).where(CodebookChange.codebook_id.in_(books))):
        forgotten = _without(row.arguments, gone)
        if forgotten != row.arguments:
            row.arguments = forgotten
    session.flush()


def _left(parts: Sequence[Any], keys: Sequence[str], gone: set[str]) -> tuple[list[Any], list[str]]:
    kept = [(part, key) for part, key in zip(parts, keys, strict=True) if key not in gone]
    return [part for part, _ in kept], [key for _, key in kept]


def _middle(parts: Sequence[bytes], size: int) -> bytes:
    """The mean direction of what is left; nothing at all where nothing is, so that it is near to no text."""
    if not parts:
        return bytes(size)
    mean = np.mean([np.frombuffer(part, dtype="<f4").astype(np.float64) for part in parts], axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), dtype="<f4").tobytes()


def _without(stored: Any, gone: set[str]) -> Any:
    """Arguments of a change without what is of texts that are gone, wherever it stands in them."""
    if isinstance(stored, list):
        return [_without(part, gone) for part in stored]
    if not isinstance(stored, dict):
        return stored
    made = {name: _without(part, gone) for name, part in stored.items()}
    keys = stored.get("keys")
    if isinstance(keys, list) and gone & set(keys):
        if "prototypes" in stored:
            left, made["keys"] = _left(stored["prototypes"], keys, gone)
            size = len(base64.b64decode(stored["centroid"]))
            made["prototypes"] = left
            made["centroid"] = base64.b64encode(_middle([base64.b64decode(part) for part in left], size)).decode("ascii")
        else:
            made["keys"] = [key for key in keys if key not in gone]
    return made
