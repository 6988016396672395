"""Coders, codebooks and what each coder said of each text."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, Row, UniqueConstraint, delete, false, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from commsapp.actor import Actor
from commsapp.storage.base import Base, SensitiveText, insert_new, now
from commsapp.storage.programmes import Programme
from commsapp.storage.responses import Comment, Response, visible

UNSURE = "unsure"
"""The measure, and label, of the row that a text has beside its sentiments where the best of them should not be said."""


class Coder(Base):
    """A model version or a person. The version of a topic coder names the codebook version, that of a person the codebook."""

    __tablename__ = "coder"
    __table_args__ = (UniqueConstraint("organisation_id", "kind", "name", "version"),)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    kind: Mapped[str]
    name: Mapped[str]
    version: Mapped[str]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class Codebook(Base):
    """The list of topics that a programme's comments are coded with.

    ``next_number`` is one that no topic of any version or draft ever had: a topic's number is its identity.
    """

    __tablename__ = "codebook"
    __table_args__ = (UniqueConstraint("programme_id", "name"),)
    programme_id: Mapped[int] = mapped_column(ForeignKey("programme.id"))
    name: Mapped[str]
    next_number: Mapped[int] = mapped_column(default=0, server_default="0")


class CodebookVersion(Base):
    """One frozen state of a codebook; a change makes another. ``fingerprint`` is the hash of its content.

    ``made_from`` is the version whose topics keep their numbers in this one; ``note`` says why it was made.
    """

    __tablename__ = "codebook_version"
    __table_args__ = (UniqueConstraint("codebook_id", "number"),)
    codebook_id: Mapped[int] = mapped_column(ForeignKey("codebook.id"))
    number: Mapped[int]
    granularity: Mapped[str]
    encoder_version: Mapped[str]
    threshold: Mapped[float]
    fingerprint: Mapped[str]
    named_by_open: Mapped[bool] = mapped_column(default=False, server_default=false())
    frozen_at: Mapped[datetime]
    made_from: Mapped[int | None] = mapped_column(ForeignKey("codebook_version.id"))
    note: Mapped[str] = mapped_column(SensitiveText, default="", server_default="")
    frozen_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class Topic(Base):
    """One topic of a codebook version. ``centroid`` and ``prototypes`` (one row after the other; none in versions from before
    they came) are 32-bit floats, little-endian.

    ``number`` is its identity over all versions, ``position`` its place in lists. ``origin`` is 'found', 'split', 'by hand' or
    'carried', ``merged`` the numbers of topics that went into it, ``curated`` whether people named, changed or chose it.
    ``prototype_keys`` names the text that a prototype is of alone ('' for others), so that it goes when the text is erased.
    """

    __tablename__ = "topic"
    __table_args__ = (UniqueConstraint("codebook_version_id", "number"),)
    codebook_version_id: Mapped[int] = mapped_column(ForeignKey("codebook_version.id"))
    number: Mapped[int]
    name: Mapped[str]
    definition: Mapped[str] = mapped_column(default="")
    phrases: Mapped[list[Any]] = mapped_column(default=list)
    centroid: Mapped[bytes] = mapped_column(LargeBinary)
    prototypes: Mapped[bytes | None] = mapped_column(LargeBinary)
    size: Mapped[int]
    position: Mapped[int] = mapped_column(default=0, server_default="0")
    pinned: Mapped[bool] = mapped_column(default=False, server_default=false())
    curated: Mapped[bool] = mapped_column(default=False, server_default=false())
    origin: Mapped[str] = mapped_column(default="found", server_default="found")
    merged: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    stability: Mapped[float | None]
    note: Mapped[str] = mapped_column(default="", server_default="")
    prototype_keys: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")


class Coding(Base):
    """What one coder said of one text, with rank and probability: a topic (none where it fits none), a sentiment, an emotion.

    A text has all three sentiments, and a row `UNSURE` where its coder is not sure of the first. It has the emotions that are
    heard in it; where none is, one row of rank 1 without a label, with the probability of the likeliest.

    It belongs to the keyed hash of the text and the coder's version, not to a comment, so a redaction or a correction
    of the words never leaves a stale coding behind. ``made_at`` stands in those of people.
    """

    __tablename__ = "coding"
    __table_args__ = (
        UniqueConstraint("coder_id", "text_key", "measure", "rank"),
        Index("ix_coding_text_key", "text_key"),
    )
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    coder_id: Mapped[int] = mapped_column(ForeignKey("coder.id"))
    text_key: Mapped[str]
    measure: Mapped[str]
    label: Mapped[str] = mapped_column(default="")
    topic_id: Mapped[int | None] = mapped_column(ForeignKey("topic.id"), index=True)
    rank: Mapped[int] = mapped_column(default=1)
    probability: Mapped[float]
    made_at: Mapped[datetime | None]


def model_coder(session: Session, actor: Actor, *, name: str, version: str) -> int:
    """The id of a model as a coder; made when it codes for the first time."""
    row = {
        "organisation_id": actor.organisation_id,
        "kind": "model",
        "name": name,
        "version": version,
    }
    insert_new(session, Coder, [row], unique=("organisation_id", "kind", "name", "version"))
    return session.execute(select(Coder.id).filter_by(**row)).scalar_one()


def model_coder_in_use(session: Session, actor: Actor, *, name: str, version: str) -> int:
    """The id of the model that is set now, as the coder of its name that began last, so that its codings are those in use.

    Where somebody set a model again that had coded before another one, its codings move to a coder that begins now: nothing is
    coded twice.
    """
    known = model_coder_id(session, actor, name=name, version=version)
    last = latest_coder(session, actor, name=name)
    if known is None or last is None or known == last.id:
        return model_coder(session, actor, name=name, version=version)
    session.execute(update(Coder).where(Coder.id == known).values(version=f"{version}, coder {known}"))
    again = model_coder(session, actor, name=name, version=version)
    session.execute(update(Coding).where(Coding.coder_id == known).values(coder_id=again))
    session.execute(delete(Coder).where(Coder.id == known))
    return again


def model_coder_id(session: Session, actor: Actor, *, name: str, version: str) -> int | None:
    """The id of a model as a coder; None when it has not coded yet."""
    query = select(Coder.id).where(
        Coder.organisation_id == actor.organisation_id, Coder.kind == "model", Coder.name == name, Coder.version == version
    )
    return session.scalars(query).first()


def latest_coder(session: Session, actor: Actor, *, name: str) -> Coder | None:
    """The version of a model that began to code last."""
    query = (
        select(Coder)
        .where(Coder.organisation_id == actor.organisation_id, Coder.kind == "model", Coder.name == name)
        .order_by(Coder.id.desc())
        .limit(1)
    )
    return session.scalars(query).first()


def add_codings(session: Session, rows: list[dict[str, Any]]) -> int:
    """Add codings, leaving out what the same coder said before; returns how many were new."""
    return len(insert_new(session, Coding, rows, unique=("coder_id", "text_key", "measure", "rank")))


def count_codings(session: Session, *, text_keys: list[str]) -> dict[str, int]:
    """Measure → how many codings there are of these texts, by all coders together."""
    query = select(Coding.measure, func.count(Coding.id)).where(Coding.text_key.in_(text_keys)).group_by(Coding.measure)
    return {row[0]: row[1] for row in session.execute(query.order_by(Coding.measure))}


def coded_keys(session: Session, *, coder_id: int, measure: str) -> set[str]:
    """Keys of the texts that a coder has coded."""
    query = select(Coding.text_key).where(Coding.coder_id == coder_id, Coding.measure == measure, Coding.rank == 1)
    return set(session.scalars(query.order_by(Coding.id)))


def main_topics(session: Session, *, coder_id: int) -> list[Row[Any]]:
    """Rows (text_key, topic_id or None where it fits none, probability): the first-ranked topic of each text."""
    query = (
        select(Coding.text_key, Coding.topic_id, Coding.probability)
        .where(Coding.coder_id == coder_id, Coding.measure == "topic", Coding.rank == 1)
        .order_by(Coding.id)
    )
    return list(session.execute(query))


def sentiments(session: Session, actor: Actor, programme_id: int) -> list[Row[Any]]:
    """Rows (text_key, label, probability, coder_id), one for each label of each text of a programme and each model version.

    The versions that coded last come last: a programme keeps its tone when a newer model has coded another one only.
    """
    texts = (
        select(Comment.text_key)
        .join(Response, Response.id == Comment.response_id)
        .where(visible(actor, programme_id), Comment.text_key.is_not(None))
    )
    query = (
        select(Coding.text_key, Coding.label, Coding.probability, Coding.coder_id)
        .where(Coding.organisation_id == actor.organisation_id, Coding.measure == "sentiment", Coding.text_key.in_(texts))
        .order_by(Coding.coder_id, Coding.id)
    )
    return list(session.execute(query))


def latest_tones(session: Session, actor: Actor, programme_id: int, *, measure: str) -> list[Row[Any]]:
    """Rows (text_key, label, coder_id) of one measure, 'emotion' or `UNSURE`, of the texts of a programme, by rank.

    The versions that coded last come last, as in `sentiments`.
    """
    texts = (
        select(Comment.text_key)
        .join(Response, Response.id == Comment.response_id)
        .where(visible(actor, programme_id), Comment.text_key.is_not(None))
    )
    query = (
        select(Coding.text_key, Coding.label, Coding.coder_id)
        .where(Coding.organisation_id == actor.organisation_id, Coding.measure == measure, Coding.text_key.in_(texts))
        .order_by(Coding.coder_id, Coding.text_key, Coding.rank)
    )
    return list(session.execute(query))


def current_version(session: Session, actor: Actor, programme_id: int) -> CodebookVersion | None:
    """The latest frozen codebook version of a programme."""
    query = (
        select(CodebookVersion)
        .join(Codebook, Codebook.id == CodebookVersion.codebook_id)
        .join(Programme, Programme.id == Codebook.programme_id)
        .where(Programme.organisation_id == actor.organisation_id, Programme.id == programme_id)
        .order_by(CodebookVersion.id.desc())
        .limit(1)
    )
    return session.scalars(query).first()


def topics(session: Session, version_id: int) -> list[Topic]:
    """Topics of a codebook version in the order in which they are listed."""
    query = select(Topic).where(Topic.codebook_version_id == version_id).order_by(Topic.position, Topic.number)
    return list(session.scalars(query))


def add_version(
    session: Session,
    *,
    programme_id: int,
    granularity: str,
    encoder_version: str,
    threshold: float,
    fingerprint: str,
    topics: list[dict[str, Any]],
    named_by_open: bool = True,
    made_from: int | None = None,
    note: str = "",
    frozen_by: int | None = None,
) -> CodebookVersion:
    """Freeze a version of the programme's codebook with its topics (number, name, phrases, centroid, size), in their order."""
    codebook = codebook_of(session, programme_id, make=True)
    assert codebook is not None
    latest = session.scalar(select(func.max(CodebookVersion.number)).where(CodebookVersion.codebook_id == codebook.id))
    version = CodebookVersion(
        codebook_id=codebook.id,
        number=(latest or 0) + 1,
        granularity=granularity,
        encoder_version=encoder_version,
        threshold=threshold,
        fingerprint=fingerprint,
        named_by_open=named_by_open,
        frozen_at=now(),
        made_from=made_from,
        note=note,
        frozen_by=frozen_by,
    )
    session.add(version)
    session.flush()
    session.add_all(Topic(codebook_version_id=version.id, **{"position": place, **topic}) for place, topic in enumerate(topics))
    codebook.next_number = max([codebook.next_number, *(int(topic["number"]) + 1 for topic in topics)])
    session.flush()
    return version


def codebook_of(session: Session, programme_id: int, *, make: bool = False, hold: bool = False) -> Codebook | None:
    """The codebook of a programme, made where there is none yet; ``hold``: nobody else changes it until this transaction ends."""
    query = select(Codebook).where(Codebook.programme_id == programme_id).order_by(Codebook.id)
    if hold:
        query = query.with_for_update().execution_options(populate_existing=True)
    codebook = session.scalars(query).first()
    if codebook is None and make:
        codebook = Codebook(programme_id=programme_id, name="Topics")
        session.add(codebook)
        session.flush()
    return codebook


def take_numbers(session: Session, codebook: Codebook, count: int) -> list[int]:
    """Numbers for new topics that no topic of this codebook ever had."""
    first = codebook.next_number
    codebook.next_number = first + count
    session.flush()
    return list(range(first, first + count))
