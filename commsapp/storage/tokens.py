"""Tokens of the API: a name, what it may do and for how long; of the token itself only a hash."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from commsapp.actor import Actor
from commsapp.storage.base import Base


class Token(Base):
    """One token of one person. ``digest`` is the SHA-256 of the whole token, ``hint`` its first letters, to know it again by."""

    __tablename__ = "api_token"
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    name: Mapped[str]
    hint: Mapped[str]
    digest: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[list[Any]]
    handling_levels: Mapped[list[Any]]
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


def add(session: Session, row: Token) -> Token:
    """Store a token's row and give it its key."""
    session.add(row)
    session.flush()
    return row


def token_of_digest(session: Session, digest: str) -> Token | None:
    """The token with that hash, whoever's it is and whatever became of it."""
    return session.scalars(select(Token).where(Token.digest == digest)).first()


def token(session: Session, actor: Actor, token_id: int) -> Token | None:
    """One token of the actor's organisation."""
    return session.scalars(select(Token).where(Token.id == token_id, Token.organisation_id == actor.organisation_id)).first()


def tokens(session: Session, actor: Actor, *, person_id: int | None = None) -> list[Token]:
    """Tokens of the actor's organisation (of one person), the latest first."""
    query = select(Token).where(Token.organisation_id == actor.organisation_id)
    if person_id is not None:
        query = query.where(Token.person_id == person_id)
    return list(session.scalars(query.order_by(Token.id.desc())))


def holding(session: Session, *, person_id: int) -> list[Token]:
    """Tokens of a person that were not revoked."""
    return list(session.scalars(select(Token).where(Token.person_id == person_id, Token.revoked_at.is_(None))))


def revoke_every(session: Session, at: datetime) -> int:
    """End all tokens of everybody; how many held."""
    return len(session.scalars(update(Token).where(Token.revoked_at.is_(None)).values(revoked_at=at).returning(Token.id)).all())


def mark_used(session: Session, token_id: int, at: datetime) -> None:
    """Note when a token was used last."""
    session.execute(update(Token).where(Token.id == token_id).values(last_used_at=at))
