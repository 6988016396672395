"""What was decided about a response for good: erased, consent withdrawn, another handling level.

It stays when the response is gone, under a keyed hash of its identity, so that a later file with the same row undoes nothing.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from commsapp.storage.base import Base, insert_new


class StandingDecision(Base):
    """``erased`` are those erased on request, and undated ones that were past their time.

    ``withdrawn`` lists the layers of consent that were taken back; ``handling_level`` is '' where it is the file's own.
    """

    __tablename__ = "standing_decision"
    __table_args__ = (UniqueConstraint("channel_id", "identity_key"),)
    channel_id: Mapped[int] = mapped_column(ForeignKey("feedback_channel.id"))
    identity_key: Mapped[str]
    erased: Mapped[bool] = mapped_column(default=False)
    withdrawn: Mapped[list[Any]] = mapped_column(default=list)
    handling_level: Mapped[str] = mapped_column(default="")


def decide(
    session: Session,
    *,
    channel_id: int,
    identity_key: str,
    erased: bool = False,
    withdrawn: tuple[str, ...] = (),
    handling_level: str = "",
) -> None:
    """Add to what was decided about a response before."""
    new = {"channel_id": channel_id, "identity_key": identity_key, "erased": False, "withdrawn": [], "handling_level": ""}
    insert_new(session, StandingDecision, [new], unique=("channel_id", "identity_key"))
    query = select(StandingDecision).filter_by(channel_id=channel_id, identity_key=identity_key).with_for_update()
    row = session.scalars(query).one()
    row.erased = row.erased or erased
    row.withdrawn = sorted({*row.withdrawn, *withdrawn})
    row.handling_level = handling_level or row.handling_level
    session.flush()


def decided(session: Session, *, channel_id: int, identity_keys: list[str]) -> dict[str, StandingDecision]:
    """Key of an identity → what was decided, for those of whom something was."""
    found = {}
    for start in range(0, len(identity_keys), 5_000):
        some = identity_keys[start : start + 5_000]
        query = select(StandingDecision).where(StandingDecision.channel_id == channel_id, StandingDecision.identity_key.in_(some))
        found.update({row.identity_key: row for row in session.scalars(query)})
    return found


def every(session: Session) -> list[StandingDecision]:
    """All that was decided, in order."""
    return list(session.scalars(select(StandingDecision).order_by(StandingDecision.id)))
