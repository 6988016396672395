"""Imports: what was read, how far it came, and the rows that could not be read."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, ForeignKey, UniqueConstraint, delete, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from commsapp.actor import Actor
from commsapp.storage.base import Base, SensitiveJson, SensitiveText, now


class ImportRun(Base):
    """One file going into one channel. ``checkpoint`` is the last row of the file whose fate is stored."""

    __tablename__ = "import_run"
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    programme_id: Mapped[int] = mapped_column(ForeignKey("programme.id"), index=True)
    channel_id: Mapped[int] = mapped_column(ForeignKey("feedback_channel.id"))
    person_name: Mapped[str]
    file_name: Mapped[str]
    stored_as: Mapped[str]
    sha256: Mapped[str]
    mapping: Mapped[dict[str, Any]]
    date_order: Mapped[str] = mapped_column(default="")
    handling_level: Mapped[str]
    checkpoint: Mapped[int] = mapped_column(default=0)
    added: Mapped[int] = mapped_column(default=0)
    already_there: Mapped[int] = mapped_column(default=0)
    rejected: Mapped[int] = mapped_column(default=0)
    notes: Mapped[list[Any]] = mapped_column(default=list)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class RejectedRow(Base):
    """A row that could not be read, with its number in the file, the reason, and what stood in it."""

    __tablename__ = "rejected_row"
    __table_args__ = (UniqueConstraint("import_id", "row_number"),)
    import_id: Mapped[int] = mapped_column(ForeignKey("import_run.id", ondelete="CASCADE"))
    row_number: Mapped[int]
    reason: Mapped[str] = mapped_column(SensitiveText(of_channel=True))
    cells: Mapped[dict[str, Any] | None] = mapped_column(SensitiveJson(of_channel=True))


def import_run(session: Session, actor: Actor, import_id: int) -> ImportRun | None:
    """One import of the actor's organisation."""
    query = select(ImportRun).where(ImportRun.organisation_id == actor.organisation_id, ImportRun.id == import_id)
    return session.scalars(query).first()


def import_runs(session: Session, actor: Actor, programme_id: int, *, limit: int = 50) -> list[ImportRun]:
    """The latest imports of a programme that the actor is cleared for, newest first."""
    query = (
        select(ImportRun)
        .where(ImportRun.organisation_id == actor.organisation_id, ImportRun.programme_id == programme_id)
        .where(ImportRun.handling_level.in_(actor.handling_levels))
        .order_by(ImportRun.id.desc())
        .limit(limit)
    )
    return list(session.scalars(query))


def latest_mapping(session: Session, *, channel_id: int) -> dict[str, Any] | None:
    """How the columns of the latest import into a channel were read; None for the first one."""
    query = select(ImportRun.mapping).where(ImportRun.channel_id == channel_id).order_by(ImportRun.id.desc()).limit(1)
    return session.scalars(query).first()


def files_needed(session: Session) -> set[str]:
    """Where the files lie of imports of the last week that have not ended, whoever started them.

    One that failed or was cancelled longer ago is not tried again.
    """
    lately = now() - timedelta(days=7)
    query = select(ImportRun.stored_as).where(ImportRun.finished_at.is_(None), ImportRun.started_at > lately)
    query = query.order_by(ImportRun.id)
    return set(session.scalars(query))


def files_read(session: Session, stored: list[str]) -> dict[str, datetime]:
    """Of files, those that an import has read to its end → when the latest of these imports was started."""
    query = select(ImportRun.stored_as, func.max(ImportRun.started_at)).where(
        ImportRun.finished_at.is_not(None), ImportRun.stored_as.in_(stored)
    )
    return {row[0]: row[1] for row in session.execute(query.group_by(ImportRun.stored_as).order_by(ImportRun.stored_as))}


def rejected_rows(session: Session, actor: Actor, import_id: int, *, limit: int = 200) -> list[RejectedRow]:
    """Rows of an import that could not be read, in the order of the file."""
    query = (
        select(RejectedRow)
        .join(ImportRun, ImportRun.id == RejectedRow.import_id)
        .where(
            ImportRun.organisation_id == actor.organisation_id,
            ImportRun.id == import_id,
            ImportRun.handling_level.in_(actor.handling_levels),
        )
        .order_by(RejectedRow.row_number)
        .limit(limit)
    )
    return list(session.scalars(query))


def advance(
    session: Session, *, import_id: int, seen: int, checkpoint: int, added: int, already_there: int, rejected: int
) -> bool:
    """Move the checkpoint on from ``seen``; False when somebody else moved it meanwhile, and then nothing was changed."""
    statement = (
        update(ImportRun)
        .where(ImportRun.id == import_id, ImportRun.checkpoint == seen)
        .values(
            checkpoint=checkpoint,
            added=ImportRun.added + added,
            already_there=ImportRun.already_there + already_there,
            rejected=ImportRun.rejected + rejected,
        )
    )
    return cast("CursorResult[Any]", session.execute(statement)).rowcount == 1


def finish_import(session: Session, *, import_id: int, notes: list[str]) -> None:
    """Mark an import as ended, with what was assumed while reading."""
    session.execute(update(ImportRun).where(ImportRun.id == import_id).values(finished_at=now(), notes=notes))


def delete_import(session: Session, *, import_id: int) -> None:
    """Delete an import whose responses are gone, with its rejected rows."""
    session.execute(delete(RejectedRow).where(RejectedRow.import_id == import_id))
    session.execute(delete(ImportRun).where(ImportRun.id == import_id))
