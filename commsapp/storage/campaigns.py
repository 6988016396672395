"""Campaigns with their objectives, messages, activities, expected effects and measured effects.

Every query goes through the programme to the actor's organisation; every writer tells of itself in an event.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Select, UniqueConstraint, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from commsapp.actor import Actor
from commsapp.errors import Conflict
from commsapp.storage import events
from commsapp.storage.base import Base, now
from commsapp.storage.programmes import Programme


class Campaign(Base):
    """A campaign of a programme. ``areas`` holds area names; none means everywhere."""

    __tablename__ = "campaign"
    __table_args__ = (UniqueConstraint("programme_id", "name"),)
    programme_id: Mapped[int] = mapped_column(ForeignKey("programme.id"))
    name: Mapped[str]
    approach: Mapped[str]
    playbook: Mapped[str] = mapped_column(default="")
    start: Mapped[date]
    end: Mapped[date]
    areas: Mapped[list[Any]] = mapped_column(default=list)


class Objective(Base):
    """What a campaign is to achieve."""

    __tablename__ = "objective"
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), index=True)
    text: Mapped[str]


class Message(Base):
    """What is said, and which frozen listening result it answers."""

    __tablename__ = "message"
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), index=True)
    listening_result_id: Mapped[int | None] = mapped_column(ForeignKey("listening_result.id"))
    text: Mapped[str]
    language: Mapped[str] = mapped_column(default="en")
    behaviour: Mapped[str] = mapped_column(default="")
    segment: Mapped[str] = mapped_column(default="")


class Activity(Base):
    """One message in one medium and area between two dates at a cost, planned or as delivered."""

    __tablename__ = "activity"
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"), index=True)
    medium: Mapped[str]
    area_id: Mapped[int | None] = mapped_column(ForeignKey("area.id"))
    start: Mapped[date]
    end: Mapped[date]
    cost: Mapped[float | None]
    delivered: Mapped[bool] = mapped_column(default=False)


class ExpectedEffect(Base):
    """What a message should move, by how much and by when; fixed before the start, never changed after."""

    __tablename__ = "expected_effect"
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"), unique=True)
    measure: Mapped[str]
    item: Mapped[str]
    codebook_version: Mapped[str] = mapped_column(default="")
    areas: Mapped[list[Any]] = mapped_column(default=list)
    segment: Mapped[str] = mapped_column(default="")
    direction: Mapped[str]
    target_difference: Mapped[float]
    smallest: Mapped[float | None]
    by: Mapped[date]
    before_wave_id: Mapped[int] = mapped_column(ForeignKey("wave.id"))
    after_wave_id: Mapped[int | None] = mapped_column(ForeignKey("wave.id"))
    fixed_at: Mapped[datetime]


class MeasuredEffect(Base):
    """A measured change with its verdict; measuring again adds another. ``detail`` is the whole result as JSON."""

    __tablename__ = "measured_effect"
    expected_effect_id: Mapped[int] = mapped_column(ForeignKey("expected_effect.id"), index=True)
    measured_at: Mapped[datetime]
    design: Mapped[str]
    estimate: Mapped[float | None]
    low: Mapped[float | None]
    high: Mapped[float | None]
    verdict: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)


def _own(actor: Actor) -> Select[Campaign]:
    return (
        select(Campaign)
        .join(Programme, Programme.id == Campaign.programme_id)
        .where(Programme.organisation_id == actor.organisation_id)
    )


def _own_messages(actor: Actor) -> Select[Message]:
    return (
        select(Message)
        .join(Campaign, Campaign.id == Message.campaign_id)
        .join(Programme, Programme.id == Campaign.programme_id)
        .where(Programme.organisation_id == actor.organisation_id)
    )


def campaigns(session: Session, actor: Actor, programme_id: int) -> list[Campaign]:
    """Campaigns of a programme in time."""
    query = _own(actor).where(Campaign.programme_id == programme_id).order_by(Campaign.start, Campaign.name, Campaign.id)
    return list(session.scalars(query))


def campaign(session: Session, actor: Actor, campaign_id: int) -> Campaign | None:
    """One campaign of the actor's organisation."""
    return session.scalars(_own(actor).where(Campaign.id == campaign_id)).first()


def campaign_named(session: Session, actor: Actor, programme_id: int, name: str) -> Campaign | None:
    """One campaign of a programme, by its exact name."""
    return session.scalars(_own(actor).where(Campaign.programme_id == programme_id, Campaign.name == name)).first()


def objectives(session: Session, actor: Actor, campaign_id: int) -> list[Objective]:
    """Objectives of a campaign in the order they were written."""
    query = (
        select(Objective)
        .join(Campaign, Campaign.id == Objective.campaign_id)
        .join(Programme, Programme.id == Campaign.programme_id)
        .where(Programme.organisation_id == actor.organisation_id, Campaign.id == campaign_id)
        .order_by(Objective.id)
    )
    return list(session.scalars(query))


def messages(session: Session, actor: Actor, campaign_id: int) -> list[Message]:
    """Messages of a campaign in the order they were written."""
    return list(session.scalars(_own_messages(actor).where(Campaign.id == campaign_id).order_by(Message.id)))


def message(session: Session, actor: Actor, message_id: int) -> Message | None:
    """One message of the actor's organisation."""
    return session.scalars(_own_messages(actor).where(Message.id == message_id)).first()


def activities(session: Session, actor: Actor, message_id: int) -> list[Activity]:
    """Activities of a message in time."""
    query = (
        select(Activity)
        .join(Message, Message.id == Activity.message_id)
        .join(Campaign, Campaign.id == Message.campaign_id)
        .join(Programme, Programme.id == Campaign.programme_id)
        .where(Programme.organisation_id == actor.organisation_id, Message.id == message_id)
        .order_by(Activity.start, Activity.id)
    )
    return list(session.scalars(query))


def expected_effect(session: Session, actor: Actor, message_id: int) -> ExpectedEffect | None:
    """What was expected of a message, if that was fixed."""
    query = (
        select(ExpectedEffect)
        .join(Message, Message.id == ExpectedEffect.message_id)
        .join(Campaign, Campaign.id == Message.campaign_id)
        .join(Programme, Programme.id == Campaign.programme_id)
        .where(Programme.organisation_id == actor.organisation_id, Message.id == message_id)
        .order_by(ExpectedEffect.id)
    )
    return session.scalars(query).first()


def measured_effects(session: Session, actor: Actor, message_id: int) -> list[MeasuredEffect]:
    """Every measurement of a message, the latest first."""
    query = (
        select(MeasuredEffect)
        .join(ExpectedEffect, ExpectedEffect.id == MeasuredEffect.expected_effect_id)
        .join(Message, Message.id == ExpectedEffect.message_id)
        .join(Campaign, Campaign.id == Message.campaign_id)
        .join(Programme, Programme.id == Campaign.programme_id)
        .where(Programme.organisation_id == actor.organisation_id, Message.id == message_id)
        .order_by(MeasuredEffect.id.desc())
    )
    return list(session.scalars(query))


def _add_once(session: Session, row: Base, problem: str, cure: str) -> None:
    # Two people at the same moment both saw that there was none; the constraint decides, and the second is told so.
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError as error:
        raise Conflict(problem, cure) from error


def _place(session: Session, message: Message | None) -> dict[str, Any]:
    """Of which programme something is, for the sentence that the audit log makes of an event."""
    campaign = session.get(Campaign, message.campaign_id) if message is not None else None
    return {"programme_id": campaign.programme_id} if campaign is not None else {}


def add_campaign(
    session: Session,
    actor: Actor,
    *,
    programme_id: int,
    name: str,
    approach: str,
    playbook: str,
    start: date,
    end: date,
    areas: tuple[str, ...],
    objective: str,
) -> Campaign:
    """Write a campaign with its one objective; the caller has checked that the programme is the actor's."""
    row = Campaign(
        programme_id=programme_id, name=name, approach=approach, playbook=playbook, start=start, end=end, areas=list(areas)
    )
    _add_once(session, row, f"There is a campaign called '{name}' already.", "Choose another name, or open that one.")
    session.add(Objective(campaign_id=row.id, text=objective))
    after: dict[str, Any] = {"name": name, "approach": approach, "start": start.isoformat(), "end": end.isoformat()}
    after |= {"objective": objective, "programme_id": programme_id}
    events.record(session, actor, action="create", subject="campaign", subject_id=row.id, after=after)
    session.flush()
    return row


def add_message(
    session: Session,
    actor: Actor,
    *,
    campaign_id: int,
    listening_result_id: int,
    text: str,
    language: str,
    behaviour: str,
    segment: str,
) -> Message:
    """Write a message that cites a listening result; the caller has checked campaign and result."""
    row = Message(
        campaign_id=campaign_id,
        listening_result_id=listening_result_id,
        text=text,
        language=language,
        behaviour=behaviour,
        segment=segment,
    )
    session.add(row)
    session.flush()
    after: dict[str, Any] = {"text": text, "language": language, "listening_result_id": listening_result_id}
    after |= _place(session, row)
    events.record(session, actor, action="draft", subject="message", subject_id=row.id, after=after)
    session.flush()
    return row


def add_activity(
    session: Session,
    actor: Actor,
    *,
    message_id: int,
    medium: str,
    area_id: int | None,
    start: date,
    end: date,
    cost: float | None,
    delivered: bool,
) -> Activity:
    """Write an activity of a message; the caller has checked message and area."""
    row = Activity(message_id=message_id, medium=medium, area_id=area_id, start=start, end=end, cost=cost, delivered=delivered)
    session.add(row)
    session.flush()
    after: dict[str, Any] = {"message_id": message_id, "medium": medium, "start": start.isoformat(), "end": end.isoformat()}
    after |= _place(session, session.get(Message, message_id))
    events.record(session, actor, action="add", subject="activity", subject_id=row.id, after=after)
    session.flush()
    return row


def fix_expected_effect(
    session: Session,
    actor: Actor,
    *,
    message_id: int,
    measure: str,
    item: str,
    codebook_version: str,
    areas: tuple[str, ...],
    segment: str,
    direction: str,
    target_difference: float,
    smallest: float | None,
    by: date,
    before_wave_id: int,
    after_wave_id: int | None,
) -> ExpectedEffect:
    """Write what is expected of a message, once; there is no writer that changes it."""
    row = ExpectedEffect(
        message_id=message_id,
        measure=measure,
        item=item,
        codebook_version=codebook_version,
        areas=list(areas),
        segment=segment,
        direction=direction,
        target_difference=target_difference,
        smallest=smallest,
        by=by,
        before_wave_id=before_wave_id,
        after_wave_id=after_wave_id,
        fixed_at=now(),
    )
    _add_once(session, row, "The expected effect of this message was fixed a moment ago and is kept.", "Open the message again.")
    after = {"measure": measure, "item": item, "direction": direction, "target_difference": target_difference}
    after |= {"smallest": smallest, "by": by.isoformat(), "codebook_version": codebook_version}
    after |= _place(session, session.get(Message, message_id))
    events.record(session, actor, action="fix", subject="expected effect", subject_id=row.id, after=after)
    session.flush()
    return row


def add_measured_effect(
    session: Session,
    actor: Actor,
    *,
    expected_effect_id: int,
    design: str,
    estimate: float | None,
    low: float | None,
    high: float | None,
    verdict: str,
    detail: dict[str, Any],
) -> MeasuredEffect:
    """Add a measurement; earlier ones stay as they were."""
    row = MeasuredEffect(
        expected_effect_id=expected_effect_id,
        measured_at=now(),
        design=design,
        estimate=estimate,
        low=low,
        high=high,
        verdict=verdict,
        detail=detail,
    )
    session.add(row)
    session.flush()
    after: dict[str, Any] = {"design": design, "estimate": estimate, "verdict": verdict}
    expected = session.get(ExpectedEffect, expected_effect_id)
    after |= _place(session, session.get(Message, expected.message_id) if expected is not None else None)
    events.record(session, actor, action="measure", subject="expected effect", subject_id=expected_effect_id, after=after)
    session.flush()
    return row
