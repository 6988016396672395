"""Which keyring a database is sealed with, and whether every word in it is."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Mapped, Session, mapped_column

from commsapp.errors import Unavailable
from commsapp.storage.base import Base, insert_new, now
from commsapp.storage.keyring import Keyring


class Sealing(Base):
    """One row: the mark of the keyring, when the pass over words that were plain came to its end, and when the index of open
    words (see `search`) was made; none where a backup was brought back, as it is not in that.
    """

    __tablename__ = "sealing"
    keyring: Mapped[str] = mapped_column(unique=True)
    done_at: Mapped[datetime | None]
    indexed_at: Mapped[datetime | None]


def fits(session: Session, keyring: Keyring) -> bool:
    """Whether every word of the database is sealed already.

    Raises
    ------
    Unavailable : it was sealed with the keys of another keyring.

    """
    row = session.scalars(select(Sealing).order_by(Sealing.id)).first()
    if row is None:
        return False
    # An empty folder is told first: asking it for its mark would make keys in it.
    if keyring.is_empty or keyring.mark != row.keyring:
        raise Unavailable(
            f"The keys in {keyring.folder} are not those that this database is sealed with.",
            "Set COMMSAPP_KEYS_DIR to the folder with its keys, or bring them back from a copy (FILE.keys).",
        )
    return row.done_at is not None


def begin(session: Session, keyring: Keyring) -> None:
    """Note which keyring seals this database from now on."""
    insert_new(session, Sealing, [{"keyring": keyring.mark, "done_at": None, "indexed_at": None}], unique=("keyring",))


def done(session: Session) -> None:
    """Note that no word is plain any more."""
    for row in session.scalars(select(Sealing).order_by(Sealing.id)):
        row.done_at = row.done_at or now()


def needs_index(session: Session) -> bool:
    """Whether the index of open words has to be made."""
    return session.scalars(select(Sealing.id).where(Sealing.indexed_at.is_(None))).first() is not None


def indexed(session: Session) -> None:
    """Note that the index of open words is whole."""
    for row in session.scalars(select(Sealing).order_by(Sealing.id)):
        row.indexed_at = now()
