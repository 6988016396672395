"""Files that come with a response: a picture of a collage, a recording. Their bytes lie sealed beside the database.

Each has a key of its own, which stands in its row, sealed with the key of the feedback channel: so it rotates with the words,
goes with them, and a backup of the file alone can't be read. Who may see the response may see its attachments.

What may come in: keeping, listing, opening and deleting files. What may not: what a file shows.
"""

from __future__ import annotations

import base64
import hmac
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from sqlalchemy import ForeignKey, Select, delete, event, select
from sqlalchemy.orm import Mapped, Session, SessionTransaction, mapped_column

from commsapp.actor import Actor
from commsapp.errors import NotFound, Unavailable
from commsapp.storage import events
from commsapp.storage.base import FORGOTTEN, Base, SensitiveText, Under, keyring_of, now
from commsapp.storage.programmes import FeedbackChannel
from commsapp.storage.responses import Response
from commsapp.storage.sealedfiles import SealedFile, new_key, write_sealed

FOLDER = "attachments"
_BLOCK = 2**20


class Attachment(Base):
    """A file of one response. ``sha256`` is keyed: who has the database can't test which file it is."""

    __tablename__ = "attachment"
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    response_id: Mapped[int] = mapped_column(ForeignKey("response.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str]
    media_type: Mapped[str]
    name: Mapped[str] = mapped_column(SensitiveText(of_channel=True))
    size: Mapped[int]
    sha256: Mapped[str]
    stored_as: Mapped[str] = mapped_column(unique=True)
    key: Mapped[str] = mapped_column(SensitiveText(of_channel=True))
    created_at: Mapped[datetime]


@dataclass(frozen=True)
class Attached:
    """An attachment as others see it; ``size`` is in bytes."""

    id: int
    response_id: int
    kind: str
    media_type: str
    name: str
    size: int
    created_at: datetime


def put(
    session: Session,
    actor: Actor,
    *,
    data_dir: Path,
    response_id: int,
    kind: str,
    media_type: str,
    name: str,
    content: IO[bytes],
) -> Attached:
    """Keep a file with a response, read in blocks; it is there when the caller commits.

    Raises
    ------
    NotFound : there is no such response that the actor may see. Unavailable : it can't be written.

    """
    query = select(FeedbackChannel.key_id).join(Response, Response.channel_id == FeedbackChannel.id)
    family = session.scalars(_seen(query, actor).where(Response.id == response_id)).first()
    if family is None:
        raise NotFound("There is no such response.", "Go back to the programme.")
    key, stored_as = new_key(), secrets.token_hex(16)
    digest = hmac.new(keyring_of(session).derived("attachment"), digestmod="sha256")
    path = data_dir / FOLDER / stored_as
    # Made before its row is there for good: where that never comes, nobody has its key, and the file goes.
    _unlink_unless_committed(session, path)
    size = _write(path, _blocks(content, digest), key)
    row = Attachment(
        organisation_id=actor.organisation_id,
        response_id=response_id,
        kind=kind,
        media_type=media_type,
        name=Under(family, name),
        size=size,
        sha256=digest.hexdigest(),
        stored_as=stored_as,
        key=Under(family, base64.b64encode(key).decode("ascii")),
        created_at=now(),
    )
    session.add(row)
    session.flush()
    after = {"response": response_id, "kind": kind, "media_type": media_type, "size": size}
    events.record(session, actor, action="create", subject="attachment", subject_id=row.id, after=after)
    return Attached(row.id, response_id, kind, media_type, name, size, row.created_at)


def attachments(session: Session, actor: Actor, response_ids: list[int]) -> list[Attached]:
    """Attachments of some responses, of those that the actor may see."""
    columns = [getattr(Attachment, name) for name in Attached.__dataclass_fields__]
    query = _seen(select(*columns).join(Response, Response.id == Attachment.response_id), actor)
    return [Attached(*row) for row in session.execute(query.where(Response.id.in_(response_ids)).order_by(Attachment.id))]


def open_attachment(session: Session, actor: Actor, attachment_id: int, *, data_dir: Path) -> SealedFile:
    """The content of an attachment, to be read from any place in it and closed.

    Raises
    ------
    NotFound : there is none that the actor may see. Unavailable : its file is gone or was changed.

    """
    row = _one(session, actor, attachment_id)
    if row.key == FORGOTTEN:
        raise NotFound("This attachment was deleted on its retention date.", "Go back to the programme.")
    return SealedFile(_place(row.stored_as, data_dir), base64.b64decode(row.key))


def remove(session: Session, actor: Actor, attachment_id: int, *, data_dir: Path) -> None:
    """Delete an attachment; its file goes when the caller commits. Raises NotFound."""
    row = _one(session, actor, attachment_id)
    unlink_when_committed(session, [row.stored_as], data_dir=data_dir)
    before = {"response": row.response_id, "kind": row.kind, "size": row.size}
    session.execute(delete(Attachment).where(Attachment.id == attachment_id))
    events.record(session, actor, action="delete", subject="attachment", subject_id=attachment_id, before=before)


def files_of(session: Session, responses: Select[Any]) -> list[str]:
    """Where the files of some responses (a query for their ids) lie; to be asked before these are deleted."""
    query = select(Attachment.stored_as).where(Attachment.response_id.in_(responses)).order_by(Attachment.id)
    return list(session.scalars(query))


def unlink_when_committed(session: Session, stored: Iterable[str], *, data_dir: Path) -> None:
    """Take files away as soon as their rows are gone for good."""
    paths = [_place(name, data_dir) for name in stored]

    def committed(done: Session) -> None:
        if not done.in_nested_transaction():
            for path in paths:
                _unlink(path)

    event.listen(session, "after_commit", committed)


def _place(stored: str, data_dir: Path) -> Path:
    # The name alone counts: a database that came from elsewhere leads to no other folder.
    return data_dir / FOLDER / Path(stored).name


def _unlink_unless_committed(session: Session, path: Path) -> None:
    waiting = [path]

    def committed(done: Session) -> None:
        if not done.in_nested_transaction():
            waiting.clear()

    def ended(_session: Session, transaction: SessionTransaction) -> None:
        if transaction.parent is None:
            while waiting:
                _unlink(waiting.pop())

    event.listen(session, "after_commit", committed)
    event.listen(session, "after_transaction_end", ended)  # also where a session is closed without a rollback


def clear(session: Session, *, data_dir: Path, older_than: float) -> int:
    """Take away files that no row knows (left by what was killed), last changed before a moment (seconds); how many."""
    folder = data_dir / FOLDER
    known = set(session.scalars(select(Attachment.stored_as).order_by(Attachment.id)))
    left = [path for path in sorted(folder.iterdir()) if path.name not in known] if folder.is_dir() else []
    old = [path for path in left if path.stat().st_mtime < older_than]
    for path in old:
        _unlink(path)
    return len(old)


def _seen(query: Select[Any], actor: Actor) -> Select[Any]:
    """Narrowed to responses that an actor may see: see `responses.visible`, here in any programme."""
    own = Response.organisation_id == actor.organisation_id
    return query.where(own, Response.handling_level.in_(actor.handling_levels))


def _one(session: Session, actor: Actor, attachment_id: int) -> Attachment:
    query = select(Attachment).join(Response, Response.id == Attachment.response_id)
    row: Attachment | None = session.scalars(_seen(query, actor).where(Attachment.id == attachment_id)).first()
    if row is None:
        raise NotFound("There is no such attachment.", "Go back to the programme.")
    session.refresh(row)  # one that was just put still has its key as it was given
    return row


def _blocks(content: IO[bytes], digest: hmac.HMAC) -> Iterator[bytes]:
    while block := content.read(_BLOCK):
        digest.update(block)
        yield block


def _write(path: Path, blocks: Iterator[bytes], key: bytes) -> int:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            size = write_sealed(file, blocks, key)
            file.flush()
            os.fsync(file.fileno())
        return size
    except OSError as error:
        _unlink(path)
        raise Unavailable("The attachment could not be kept; nothing was stored.", "See whether the disk is full.") from error


def _unlink(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)
