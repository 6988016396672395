"""Jobs: a row for each piece of work, which a queue only points at.

The queue forgets a job when its worker is killed (huey delivers at most once); the row does not. Its state, lease and
attempts let another worker take it up where its own checkpoints left it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Protocol, cast

from sqlalchemy import ColumnElement, CursorResult, ForeignKey, Index, Update, and_, func, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from commsapp.actor import Actor
from commsapp.errors import Conflict, NotFound
from commsapp.storage.base import Base, now
from commsapp.storage.events import record

LEASE_SECONDS = 30.0
MOST_ATTEMPTS = 3
_LOOKED_THROUGH = 500
"""Jobs of one kind that are looked through for one with the same arguments."""
GIVEN_UP = (
    f"This work was cut off {MOST_ATTEMPTS} times before its end, so it is not tried again by itself. "
    "See whether the server has enough memory and disk space, then try it again."
)


class JobLost(Exception):
    """The job is no longer ours: cancelled, or its lease ran out and another worker may have it. Stop; store nothing more."""


class Progress(Protocol):
    """What a service calls at each checkpoint, after it has committed what it did."""

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Tell how far the work is, and keep it ours.

        Raises
        ------
        JobLost : the work must stop here.

        """


class Job(Base):
    """State is queued, running, done, failed or cancelled. ``sent_at`` is when the queue was last told of it."""

    __tablename__ = "job"
    __table_args__ = (Index("ix_job_state_lease_until", "state", "lease_until"),)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    name: Mapped[str]
    arguments: Mapped[dict[str, Any]]
    programme_id: Mapped[int | None] = mapped_column(ForeignKey("programme.id"), index=True)
    state: Mapped[str] = mapped_column(default="queued")
    stage: Mapped[str] = mapped_column(default="")
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    lease_owner: Mapped[str] = mapped_column(default="")
    lease_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(default="")
    result: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


def enqueue(
    session: Session,
    actor: Actor,
    *,
    name: str,
    arguments: dict[str, Any],
    programme_id: int | None = None,
    total: int = 0,
) -> Job:
    """A new job, in the transaction of the data it is about. The queue hears of it after the commit (queue.send_unsent)."""
    job = Job(
        organisation_id=actor.organisation_id,
        person_id=actor.person_id,
        name=name,
        arguments=arguments,
        programme_id=programme_id,
        total=total,
        created_at=now(),
    )
    session.add(job)
    session.flush()
    return job


def claim(session: Session, job_id: int, owner: str, lease_seconds: float = LEASE_SECONDS) -> Job | None:
    """Take a job: it is queued, or the lease of its owner ran out. None where somebody else has it or it has ended.

    ``owner`` must be unique to one run, not only to one worker. One statement decides, so two can't both get it.
    """
    moment = now()
    taken = _change(
        session,
        update(Job)
        .where(Job.id == job_id, or_(Job.state == "queued", _expired(moment)), Job.attempts < MOST_ATTEMPTS)
        .values(
            state="running",
            lease_owner=owner,
            lease_until=moment + timedelta(seconds=lease_seconds),
            attempts=Job.attempts + 1,
            started_at=func.coalesce(Job.started_at, moment),
        ),
    )
    return session.get(Job, job_id, populate_existing=True) if taken else None


def renew(
    session: Session,
    job_id: int,
    owner: str,
    *,
    done: int | None = None,
    total: int | None = None,
    stage: str | None = None,
    lease_seconds: float = LEASE_SECONDS,
) -> bool:
    """Keep the lease, and say how far the work is. False: the job was cancelled or is another's now; stop."""
    values = {"done": done, "total": total, "stage": stage}
    known = {name: value for name, value in values.items() if value is not None}
    return _change(session, _mine(job_id, owner).values(lease_until=now() + timedelta(seconds=lease_seconds), **known))


def finish(session: Session, job_id: int, owner: str, result: dict[str, Any] | None = None) -> bool:
    """The work is done. False where the job was no longer ours, and then nothing is changed."""
    return _change(session, _mine(job_id, owner).values(state="done", result=result or {}, **_ended()))


def fail(session: Session, job_id: int, owner: str, error: str) -> bool:
    """The work ended with an error: one sentence that a person can act on."""
    return _change(session, _mine(job_id, owner).values(state="failed", error=error, **_ended()))


def release(session: Session, job_id: int, owner: str) -> bool:
    """Put the job back because this worker stops; unlike a crash that is no failed attempt."""
    return _change(session, _mine(job_id, owner).values(attempts=Job.attempts - 1, **_queued_again()))


def cancel(session: Session, actor: Actor, job_id: int) -> Job:
    """End a job that is queued or running; its worker stops at its next checkpoint.

    Raises
    ------
    NotFound, Conflict : there is no such job, or it has ended already.

    """
    return _decide(session, actor, job_id, "cancel", ("queued", "running"), {"state": "cancelled", **_ended()})


def retry(session: Session, actor: Actor, job_id: int) -> Job:
    """Queue a failed or cancelled job again; it goes on from its last checkpoint.

    Raises
    ------
    NotFound, Conflict : there is no such job, or it is not one that failed or was cancelled.

    """
    again = {"attempts": 0, "error": "", "finished_at": None, **_queued_again()}
    return _decide(session, actor, job_id, "retry", ("failed", "cancelled"), again)


def job(session: Session, actor: Actor, job_id: int) -> Job | None:
    """One job of the actor's organisation, as it is stored now."""
    query = select(Job).where(Job.id == job_id, Job.organisation_id == actor.organisation_id)
    return session.scalars(query.execution_options(populate_existing=True)).first()


def any_job(session: Session, job_id: int) -> Job | None:
    """One job of whatever organisation, for the process that runs it; never for a page."""
    return session.get(Job, job_id, populate_existing=True)


def recent_jobs(session: Session, actor: Actor, programme_id: int | None = None, *, limit: int = 50) -> list[Job]:
    """Jobs of the actor's organisation (of one programme), the latest first."""
    query = select(Job).where(Job.organisation_id == actor.organisation_id)
    if programme_id is not None:
        query = query.where(Job.programme_id == programme_id)
    return list(session.scalars(query.order_by(Job.id.desc()).limit(limit)))


def latest(session: Session, actor: Actor, *, name: str, arguments: dict[str, Any]) -> Job | None:
    """The latest job of that name with those arguments, among the last few hundred of the programme that they name."""
    query = select(Job).where(
        Job.organisation_id == actor.organisation_id, Job.name == name, Job.programme_id == arguments["programme_id"]
    )
    found = session.scalars(query.order_by(Job.id.desc()).limit(_LOOKED_THROUGH))
    return next((job for job in found if job.arguments == arguments), None)


def forget_comments(session: Session, comment_ids: list[int]) -> None:
    """Take away what jobs about single comments found of these; those that wait or run end, so that they store nothing more.

    Call it after the change to the comments, so that a job that was asked for meanwhile is found too.
    """
    if not comment_ids:
        return
    about = Job.arguments["comment_id"].as_integer().in_(comment_ids)
    _count(session, update(Job).where(about, Job.state.in_(("queued", "running"))).values(state="cancelled", **_ended()))
    _count(session, update(Job).where(about).values(result={}))


def waiting(session: Session, *, name: str, programme_id: int) -> Job | None:
    """A job of that name for that programme that nobody has begun, held until this transaction ends.

    Held, so that no worker begins it before what this transaction adds to its data is there.
    """
    query = select(Job).where(Job.state == "queued", Job.name == name, Job.programme_id == programme_id)
    return session.scalars(query.order_by(Job.id).limit(1).with_for_update()).first()


def expired(session: Session) -> list[Job]:
    """Running jobs whose lease ran out: their worker was killed, or can't reach the database."""
    return list(session.scalars(select(Job).where(_expired(now())).order_by(Job.id)))


def requeue_expired(session: Session) -> int:
    """Queue again what a killed worker left; what was cut off too often fails instead. How many were changed."""
    moment = now()
    spent = (Job.attempts >= MOST_ATTEMPTS) & or_(_expired(moment), Job.state == "queued")
    failed = _count(session, update(Job).where(spent).values(state="failed", error=GIVEN_UP, **_ended()))
    return failed + _count(session, update(Job).where(_expired(moment)).values(**_queued_again()))


def unsent(session: Session, *, also_sent: bool) -> list[int]:
    """Queued jobs that the queue was never told of; ``also_sent``: and those it was told of, but lost."""
    query = select(Job.id).where(Job.state == "queued").order_by(Job.id)
    return list(session.scalars(query if also_sent else query.where(Job.sent_at.is_(None))))


def mark_sent(session: Session, job_ids: list[int]) -> None:
    """Note that the queue was told of these jobs."""
    session.execute(update(Job).where(Job.id.in_(job_ids), Job.state == "queued").values(sent_at=now()))


def _expired(moment: datetime) -> ColumnElement[bool]:
    return and_(Job.state == "running", Job.lease_until < moment)


def _mine(job_id: int, owner: str) -> Update:
    return update(Job).where(Job.id == job_id, Job.state == "running", Job.lease_owner == owner)


def _ended() -> dict[str, Any]:
    return {"lease_owner": "", "lease_until": None, "finished_at": now()}


def _queued_again() -> dict[str, Any]:
    return {"state": "queued", "lease_owner": "", "lease_until": None, "sent_at": None}


def _count(session: Session, change: Update) -> int:
    done = session.execute(change.execution_options(synchronize_session=False))
    return cast("CursorResult[Any]", done).rowcount


def _change(session: Session, change: Update) -> bool:
    return _count(session, change) == 1


def _decide(session: Session, actor: Actor, job_id: int, action: str, states: tuple[str, ...], values: dict[str, Any]) -> Job:
    """A person's decision on a job; the statement itself checks the state, as a worker may end the job meanwhile."""
    before = job(session, actor, job_id)
    if before is None:
        raise NotFound("There is no such job.", "Choose one from the list.")
    state = before.state
    if not _change(session, update(Job).where(Job.id == job_id, Job.state.in_(states)).values(**values)):
        raise Conflict(f"This job is {state}, so it can't be changed in this way.", "Look at its page again.")
    record(session, actor, action=action, subject="job", subject_id=job_id, before={"state": state})
    session.refresh(before)
    return before
