"""What is new in the waves of a programme: each look at a wave, the groups of comments that it found, and their texts.

What may come in: keeping and reading looks, groups and the keys of their texts. What may not: finding groups, and people's words
beside the names of groups, which are sealed.

A look counts the comments of some handling levels, which it names, and no others: whoever may read all of those may know what it
found.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Row, UniqueConstraint, and_, delete, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from commsapp.actor import Actor
from commsapp.storage.base import Base, SensitiveText, now
from commsapp.storage.organisations import Person
from commsapp.storage.programmes import Wave
from commsapp.storage.responses import Comment, Response, visible

_PART = 5_000
_BLIND = {"synchronize_session": False}
_BETWEEN = ", "


class EmergingLook(Base):
    """One look at a wave, the latest for its ``levels``, which are the handling levels of the comments that it counts.

    ``digest`` is a hash of all that it rests on. ``comments`` of the wave and ``before`` of earlier ones were compared, of which
    ``without_topic`` of the wave fit no topic.
    """

    __tablename__ = "emerging_look"
    __table_args__ = (UniqueConstraint("wave_id", "levels"),)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    programme_id: Mapped[int] = mapped_column(ForeignKey("programme.id"), index=True)
    wave_id: Mapped[int] = mapped_column(ForeignKey("wave.id", ondelete="CASCADE"))
    codebook_version_id: Mapped[int] = mapped_column(ForeignKey("codebook_version.id"))
    levels: Mapped[str]
    digest: Mapped[str]
    comments: Mapped[int]
    before: Mapped[int]
    without_topic: Mapped[int]
    looked_at: Mapped[datetime]


class EmergingGroup(Base):
    """A group of comments of a wave that fit no topic; see `textmodels.emerging.Emerging` for its figures.

    ``rank`` counts from 1, the most surprising first. ``name`` is made of people's words; '' where too few may name it.
    """

    __tablename__ = "emerging_group"
    look_id: Mapped[int] = mapped_column(ForeignKey("emerging_look.id", ondelete="CASCADE"), index=True)
    rank: Mapped[int]
    name: Mapped[str] = mapped_column(SensitiveText, default="")
    share: Mapped[float]
    before: Mapped[float]
    chance: Mapped[float]
    set_aside_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    set_aside_at: Mapped[datetime | None]


class EmergingMember(Base):
    """A text of a group, by its keyed hash; ``rank`` counts from 1, the most typical first. It goes when the text is erased."""

    __tablename__ = "emerging_member"
    __table_args__ = (UniqueConstraint("group_id", "text_key"),)
    group_id: Mapped[int] = mapped_column(ForeignKey("emerging_group.id", ondelete="CASCADE"))
    text_key: Mapped[str] = mapped_column(index=True)
    rank: Mapped[int]


@dataclass(frozen=True)
class Found:
    """A group to be kept: ``keys`` of its distinct texts, the most typical first."""

    name: str
    keys: tuple[str, ...]
    share: float
    before: float
    chance: float


def named(levels: Collection[str], order: Iterable[str]) -> str:
    """How a look names the handling levels that it counts, in an order."""
    return _BETWEEN.join(level for level in order if level in levels)


def levels_of(named: str) -> frozenset[str]:
    """The handling levels that a look names."""
    return frozenset(named.split(_BETWEEN))


def said_on_days(session: Session, actor: Actor, programme_id: int) -> list[Row[Any]]:
    """Rows (text_key, date, handling_level, comments) of what can be coded and has a date, by key."""
    query = (
        select(Comment.text_key, Response.date, Response.handling_level, func.count(Comment.id).label("comments"))
        .join(Response, Response.id == Comment.response_id)
        .where(visible(actor, programme_id), Comment.text_key.is_not(None), Response.date.is_not(None))
        .group_by(Comment.text_key, Response.date, Response.handling_level)
        .order_by(Comment.text_key, Response.date, Response.handling_level)
    )
    return list(session.execute(query))


def days_said(session: Session, actor: Actor, programme_id: int) -> list[date]:
    """The days of what can be coded and the actor may read, in order."""
    query = (
        select(Response.date)
        .join(Comment, Comment.response_id == Response.id)
        .where(visible(actor, programme_id), Comment.text_key.is_not(None), Response.date.is_not(None))
        .distinct()
    )
    return [day for day in session.scalars(query.order_by(Response.date)) if day is not None]


def looks(session: Session, actor: Actor, programme_id: int) -> list[EmergingLook]:
    """All looks at the waves of a programme."""
    query = select(EmergingLook).where(
        EmergingLook.organisation_id == actor.organisation_id, EmergingLook.programme_id == programme_id
    )
    return list(session.scalars(query.order_by(EmergingLook.id)))


def groups(session: Session, look_ids: Iterable[int]) -> list[tuple[EmergingGroup, str]]:
    """(group, name of who set it aside or '') of some looks, in their order."""
    query = (
        select(EmergingGroup, func.coalesce(Person.name, ""))
        .outerjoin(Person, Person.id == EmergingGroup.set_aside_by)
        .where(EmergingGroup.look_id.in_(sorted(set(look_ids))))
        .order_by(EmergingGroup.look_id, EmergingGroup.rank)
    )
    return [(row[0], str(row[1])) for row in session.execute(query)]


def comments_in(
    session: Session, actor: Actor, programme_id: int, look_id: int, days: tuple[date, date], group_ids: Sequence[int]
) -> list[Row[Any]]:
    """Rows (group_id, text_key, first, comments): the texts of groups of a look, the most typical first, with the first comment
    that says each in the wave, and how many do, as far as the actor may read them and the look counts them.
    """
    levels = levels_of(session.get_one(EmergingLook, look_id).levels)
    query = (
        select(
            EmergingMember.group_id,
            EmergingMember.text_key,
            func.min(Comment.id).label("first"),
            func.count(Comment.id).label("comments"),
        )
        .join(Comment, Comment.text_key == EmergingMember.text_key)
        .join(Response, Response.id == Comment.response_id)
        .where(EmergingMember.group_id.in_(group_ids), visible(actor, programme_id, by_id=True))
        .where(Response.handling_level.in_(sorted(levels)), Response.date.between(*days))
        .group_by(EmergingMember.group_id, EmergingMember.text_key, EmergingMember.rank)
        .order_by(EmergingMember.group_id, EmergingMember.rank)
    )
    return list(session.execute(query))


def keep_look(
    session: Session, actor: Actor, programme_id: int, wave_id: int, levels: str, found: Sequence[Found], **facts: Any
) -> bool:
    """Keep what a look found instead of what the last one for the same levels did; False where the wave is gone meanwhile.

    A group of which more than half of the texts were in one that somebody set aside stays set aside. ``facts`` are the other
    columns of `EmergingLook`.
    """
    # One look after the other: where two jobs look at the same wave, the second finds what the first kept.
    there = select(Wave.id).where(Wave.id == wave_id).with_for_update(key_share=True)
    if session.scalars(there).first() is None:
        return False
    last = session.scalars(select(EmergingLook).where(EmergingLook.wave_id == wave_id, EmergingLook.levels == levels)).first()
    aside = [] if last is None else _set_aside(session, last.id)
    if last is not None:
        session.execute(delete(EmergingLook).where(EmergingLook.id == last.id), execution_options=_BLIND)
        session.expunge(last)
    look = EmergingLook(
        organisation_id=actor.organisation_id, programme_id=programme_id, wave_id=wave_id, levels=levels, looked_at=now(), **facts
    )
    session.add(look)
    session.flush()
    for rank, one in enumerate(found, start=1):
        by, at = next(((by, at) for keys, by, at in aside if mostly(one.keys, keys)), (None, None))
        figures = {"share": one.share, "before": one.before, "chance": one.chance}
        group = EmergingGroup(look_id=look.id, rank=rank, name=one.name, set_aside_by=by, set_aside_at=at, **figures)
        session.add(group)
        session.flush()
        session.add_all(EmergingMember(group_id=group.id, text_key=key, rank=place) for place, key in enumerate(one.keys, 1))
    session.flush()
    return True


def mostly(keys: Collection[str], others: Collection[str]) -> bool:
    """Whether more than half of some texts are among others."""
    return 2 * len(set(keys) & set(others)) > len(set(keys))


def _set_aside(session: Session, look_id: int) -> list[tuple[set[str], int | None, datetime]]:
    """(texts, who, when) of each group of a look that somebody set aside."""
    query = select(EmergingGroup).where(EmergingGroup.look_id == look_id, EmergingGroup.set_aside_at.is_not(None))
    rows = list(session.scalars(query.order_by(EmergingGroup.rank)))
    return [(texts(session, row.id), row.set_aside_by, row.set_aside_at) for row in rows if row.set_aside_at is not None]


def texts(session: Session, group_id: int) -> set[str]:
    """Keys of the texts of a group."""
    query = select(EmergingMember.text_key).where(EmergingMember.group_id == group_id)
    return set(session.scalars(query.order_by(EmergingMember.rank)))


def set_aside(session: Session, actor: Actor, group_id: int, *, aside: bool) -> bool:
    """Set a group aside, or bring it back, for all who may read less too; False where it is so already.

    Those see the same wave by fewer comments: a group there of which more than half of the texts are in this one goes with it.
    """
    group = session.get_one(EmergingGroup, group_id, with_for_update=True, populate_existing=True)
    if (group.set_aside_at is not None) == aside:
        return False
    own, look = texts(session, group_id), session.get_one(EmergingLook, group.look_id)
    ids = [group_id]
    for other in session.scalars(select(EmergingLook).where(EmergingLook.wave_id == look.wave_id).order_by(EmergingLook.id)):
        if levels_of(other.levels) < levels_of(look.levels):
            ids += [row.id for row, _ in groups(session, [other.id]) if mostly(texts(session, row.id), own)]
    session.execute(
        update(EmergingGroup)
        .where(EmergingGroup.id.in_(ids))
        .values(set_aside_by=actor.person_id if aside else None, set_aside_at=now() if aside else None)
    )
    return True


def drop_looks(session: Session, actor: Actor, programme_id: int, *, but: Collection[tuple[int, str]]) -> None:
    """Take looks away that nobody makes any more: all but those at (wave, levels)."""
    gone = [look.id for look in looks(session, actor, programme_id) if (look.wave_id, look.levels) not in but]
    session.execute(delete(EmergingLook).where(EmergingLook.id.in_(gone)), execution_options=_BLIND)


def said_at(session: Session, programme_id: int, levels: str, keys: Iterable[str]) -> set[str]:
    """Those of the texts that a comment of the handling levels of a look says."""
    said: set[str] = set()
    for some in _parts(keys):
        query = (
            select(Comment.text_key)
            .join(Response, Response.id == Comment.response_id)
            .where(Response.programme_id + 0 == programme_id, Response.handling_level.in_(sorted(levels_of(levels))))
            .where(Comment.text_key.in_(some))
        )
        said |= {key for key in session.scalars(query.order_by(Comment.id)) if key is not None}
    return said


def forget(session: Session, organisation_id: int, keys: Iterable[str]) -> None:
    """Take texts that nobody says any more out of an organisation's groups.

    What is left of such a group has no name until the next look, as its words may have been theirs; one without a text goes.
    """
    for some in _parts(keys):
        held = _holding(organisation_id, some)
        _take_out(session, [(row.group_id, row.text_key) for row in session.execute(held)])


def withhold(session: Session, organisation_id: int, keys: Iterable[str]) -> None:
    """Take texts out of groups of an organisation whose handling levels no comment with these words has any more."""
    for some in _parts(keys):
        rows = list(session.execute(_holding(organisation_id, some)))
        places = sorted({(row.programme_id, row.levels) for row in rows})
        said = {place: said_at(session, *place, some) for place in places}
        gone = [(row.group_id, row.text_key) for row in rows if row.text_key not in said[row.programme_id, row.levels]]
        _take_out(session, gone)


def _holding(organisation_id: int, keys: list[str]) -> Any:
    return (
        select(EmergingMember.group_id, EmergingMember.text_key, EmergingLook.programme_id, EmergingLook.levels)
        .join(EmergingGroup, EmergingGroup.id == EmergingMember.group_id)
        .join(EmergingLook, EmergingLook.id == EmergingGroup.look_id)
        .where(EmergingLook.organisation_id == organisation_id, EmergingMember.text_key.in_(keys))
        .order_by(EmergingMember.id)
    )


def _take_out(session: Session, members: Sequence[tuple[int, str]]) -> None:
    if not members:
        return
    touched = sorted({group for group, _ in members})
    for group, key in members:
        session.execute(
            delete(EmergingMember).where(and_(EmergingMember.group_id == group, EmergingMember.text_key == key)),
            execution_options=_BLIND,
        )
    for some in (touched[start : start + _PART] for start in range(0, len(touched), _PART)):
        session.execute(update(EmergingGroup).where(EmergingGroup.id.in_(some)).values(name=""), execution_options=_BLIND)
        full = select(EmergingMember.group_id).where(EmergingMember.group_id.in_(some))
        session.execute(
            delete(EmergingGroup).where(EmergingGroup.id.in_(some), EmergingGroup.id.not_in(full)), execution_options=_BLIND
        )


def _parts(keys: Iterable[str]) -> Iterator[list[str]]:
    wanted = sorted(set(keys))
    for start in range(0, len(wanted), _PART):
        yield wanted[start : start + _PART]
