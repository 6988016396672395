"""Listening results, never changed: a message cites a frozen one. Of older sets only what is cited stays (see `erasing`)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, ForeignKey, Index, Row, and_, func, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from commsapp.actor import Actor
from commsapp.storage.base import Base, now
from commsapp.storage.programmes import Programme
from commsapp.storage.remembering import remembered


class ResultSet(Base):
    """One computation of a programme's listening results; the latest is what pages show."""

    __tablename__ = "result_set"
    programme_id: Mapped[int] = mapped_column(ForeignKey("programme.id"), index=True)
    made_at: Mapped[datetime]
    codebook_version_id: Mapped[int | None] = mapped_column(ForeignKey("codebook_version.id"))
    summary: Mapped[dict[str, Any]] = mapped_column(default=dict)


class ListeningResult(Base):
    """An estimated figure with its n and interval; never changed, never deleted while a message cites it.

    ``levels`` names the handling levels of the responses that it counts; '' are all of them. ``topic_number`` follows a topic
    through other names; results from before topics kept their numbers have none.
    """

    __tablename__ = "listening_result"
    __table_args__ = (
        Index("ix_listening_result_set", "result_set_id", "measure", "wave", "area", "segment"),
        Index("ix_listening_result_cell", "result_set_id", "wave", "area", "segment"),
        Index("ix_listening_result_segment", "result_set_id", "levels", "segment"),
    )
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    programme_id: Mapped[int] = mapped_column(ForeignKey("programme.id"), index=True)
    result_set_id: Mapped[int] = mapped_column(ForeignKey("result_set.id"))
    measure: Mapped[str]
    item: Mapped[str]
    wave: Mapped[str]
    area: Mapped[str]
    segment: Mapped[str]
    value: Mapped[float]
    low: Mapped[float]
    high: Mapped[float]
    n: Mapped[int]
    n_effective: Mapped[float]
    not_coded: Mapped[dict[str, Any]] = mapped_column(default=dict)
    chosen: Mapped[str]
    codebook_version: Mapped[str] = mapped_column(default="")
    model_version: Mapped[str] = mapped_column(default="")
    correction: Mapped[str] = mapped_column(default="")
    origin: Mapped[str]
    levels: Mapped[str] = mapped_column(default="", server_default="")
    topic_number: Mapped[int | None]


def add_result_set(
    session: Session,
    actor: Actor,
    *,
    programme_id: int,
    codebook_version_id: int | None,
    summary: dict[str, Any],
    results: list[dict[str, Any]],
) -> ResultSet:
    """Store one computation of a programme's results, all rows at once."""
    made = ResultSet(programme_id=programme_id, made_at=now(), codebook_version_id=codebook_version_id, summary=summary)
    session.add(made)
    session.flush()
    shared = {"organisation_id": actor.organisation_id, "programme_id": programme_id, "result_set_id": made.id}
    if results:
        session.execute(insert(ListeningResult), [{**row, **shared} for row in results])
    return made


def latest_set(session: Session, actor: Actor, programme_id: int) -> ResultSet | None:
    """The latest computation of a programme's results."""
    query = (
        select(ResultSet)
        .join(Programme, Programme.id == ResultSet.programme_id)
        .where(Programme.organisation_id == actor.organisation_id, Programme.id == programme_id)
        .order_by(ResultSet.id.desc())
        .limit(1)
    )
    return session.scalars(query).first()


_FIGURES = tuple(column for column in ListeningResult.__table__.columns if column.name not in ("organisation_id", "origin"))


def results_of(
    session: Session, actor: Actor, result_set_id: int, *, start: int = 0, limit: int | None = None, **where: Any
) -> list[Row[Any]]:
    """Results of one computation, or some of them.

    ``where`` narrows by measure, item, wave, area, segment or levels; ``without`` leaves measures out.
    """
    query = select(*_FIGURES).where(_of_set(actor, result_set_id, where)).order_by(ListeningResult.id)
    return list(session.execute(query.offset(start).limit(limit) if start or limit is not None else query))


def count_results(session: Session, actor: Actor, result_set_id: int, **where: Any) -> int:
    """How many results `results_of` would give in all."""
    query = select(func.count(ListeningResult.id)).where(_of_set(actor, result_set_id, where))
    key = ("results", actor.organisation_id, result_set_id, tuple(sorted(where.items())))
    return remembered(session, ("results",), key, lambda: int(session.scalar(query) or 0))


def _of_set(actor: Actor, result_set_id: int, where: dict[str, Any]) -> ColumnElement[bool]:
    where = dict(where)
    without = where.pop("without", ())
    narrowed = [getattr(ListeningResult, name) == value for name, value in where.items()]
    if without:
        narrowed.append(ListeningResult.measure.not_in(without))
    return and_(
        ListeningResult.organisation_id == actor.organisation_id, ListeningResult.result_set_id == result_set_id, *narrowed
    )


def segments(session: Session, result_set_id: int, *, levels: str) -> frozenset[str]:
    """The segments that results of one computation are about, of those that count certain handling levels."""
    query = select(ListeningResult.segment).where(
        ListeningResult.result_set_id == result_set_id, ListeningResult.levels == levels
    )
    key = ("segments", result_set_id, levels)
    return remembered(session, ("results",), key, lambda: frozenset(session.scalars(query.distinct())))


def result(session: Session, actor: Actor, result_id: int) -> ListeningResult | None:
    """One frozen result of the actor's organisation."""
    query = select(ListeningResult).where(
        ListeningResult.organisation_id == actor.organisation_id, ListeningResult.id == result_id
    )
    return session.scalars(query).first()


def result_set(session: Session, result_set_id: int) -> ResultSet:
    """One computation, of which somebody has a result already."""
    return session.scalars(select(ResultSet).where(ResultSet.id == result_set_id)).one()
