"""The worker: job name → service function, and the process that runs jobs.

A job is run in one way wherever it is run (background, or the foreground of the command line): claim it, call its
service with a progress that keeps the lease, finish it. What killed workers leave is queued again by a reaper.
"""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from commsapp.accounts.service import actor_for
from commsapp.actor import Actor
from commsapp.config import Settings
from commsapp.errors import CommsappError, NotFound, Unavailable, traceback_without_words
from commsapp.storage import attachments, jobs
from commsapp.storage.jobs import LEASE_SECONDS, Job, JobLost
from commsapp.storage.queue import make_queue, send_unsent
from commsapp.storage.session import Sessions, sessions_of

logger = logging.getLogger("commsapp.worker")

_LEFT_SECONDS = 24 * 3600
"""After so long nobody is still writing an attachment that no row knows."""
RETENTION_SECONDS = 3600.0
"""How often a worker looks for what is past its time."""

OnProgress = Callable[[str, int, int], None]


# A worker that only imports files never loads the text models, so services are imported when they are needed.


def _import(sessions: Sessions, actor: Actor, **arguments: Any) -> dict[str, Any]:
    from commsapp.listening.service import run_import

    return dict(run_import(sessions, actor, **arguments))


def _analyse(sessions: Sessions, actor: Actor, **arguments: Any) -> dict[str, Any]:
    from commsapp.listening.service import run_analysis

    found = run_analysis(sessions, actor, **arguments)
    # Whoever may see that the job ran may read this, so it doesn't count what they may not read.
    return {name: found[name] for name in ("topics", "drafted") if name in found}


def _count(sessions: Sessions, actor: Actor, *, programme_id: int, **_more: Any) -> dict[str, Any]:
    from commsapp.listening.service import store_results

    return {"topics": store_results(sessions, actor, programme_id).topics}


def _of_codebooks(name: str) -> Callable[..., dict[str, Any] | None]:
    def run(sessions: Sessions, actor: Actor, **arguments: Any) -> dict[str, Any]:
        from commsapp.listening import service

        return dict(getattr(service, name)(sessions, actor, **arguments))

    return run


def _explain(sessions: Sessions, actor: Actor, **arguments: Any) -> dict[str, Any]:
    from commsapp.listening.service import run_explanation

    return run_explanation(sessions, actor, **arguments)


# Called with sessions, actor, the job's arguments, settings and progress; what it returns is kept with the job.
JOBS: dict[str, Callable[..., dict[str, Any] | None]] = {
    "import": _import,
    "analyse": _analyse,
    "explain": _explain,
    "count results": _count,
    "add topic": _of_codebooks("add_topic"),
    "split topic": _of_codebooks("split_topic"),
    "compare codebooks": _of_codebooks("compare"),
    "freeze codebook": _of_codebooks("freeze"),
    "try codebook": _of_codebooks("try_codebook"),
    "carry codebook": _of_codebooks("carry"),
}


class JobStopping(JobLost):
    """This worker stops; the job goes back to the queue."""


class Lease:
    """The progress that a service calls. It keeps the job ours, at most one write a second, and says when to stop."""

    def __init__(
        self, sessions: Sessions, job: Job, *, stop: threading.Event, on_progress: OnProgress | None, seconds: float
    ) -> None:
        self._sessions = sessions
        self._job_id = job.id
        self._owner = job.lease_owner
        self._stop = stop
        self._on_progress = on_progress
        self._seconds = seconds
        self._lost = threading.Event()
        self._ended = threading.Event()
        self._last: tuple[str, int, int] | None = None
        self._renewed = 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Tell how far the work is; see storage.jobs.Progress."""
        self._last = (stage, done, total)
        if self._on_progress is not None:
            self._on_progress(stage, done, total)
        if self._stop.is_set():
            self.last_words()
            raise JobLost if self._lost.is_set() else JobStopping
        if not self._lost.is_set() and time.monotonic() - self._renewed >= min(1.0, self._seconds / 4):
            # A database that is busy for a moment is no reason to end the work; the lease outlives that.
            with suppress(Unavailable):
                self._renew()
        if self._lost.is_set():
            raise JobLost

    @contextmanager
    def kept(self) -> Iterator[None]:
        """A heartbeat beside the work, as one step of a model may take longer than a lease; it dies with the process."""
        thread = threading.Thread(target=self._beat, name=f"lease-of-job-{self._job_id}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()

    def last_words(self) -> None:
        """Store how far the work came, which the last second may not have."""
        if self._last is not None and not self._lost.is_set():
            self._renew()

    def _beat(self) -> None:
        while not self._ended.wait(self._seconds / 4) and not self._lost.is_set():
            try:
                self._renew()
            except Exception as error:
                # The database may be back before the lease runs out; if not, the claim of another worker ends this run.
                logger.warning("The lease of job %s could not be renewed (%s).", self._job_id, type(error).__name__)

    def _renew(self) -> None:
        self._renewed = time.monotonic()
        stage, done, total = self._last or (None, None, None)
        with self._sessions.writing() as session:
            ours = jobs.renew(
                session, self._job_id, self._owner, done=done, total=total, stage=stage, lease_seconds=self._seconds
            )
        if not ours:
            self._lost.set()


def run_job(
    job_id: int,
    sessions: Sessions,
    settings: Settings,
    *,
    stop: threading.Event | None = None,
    on_progress: OnProgress | None = None,
    lease_seconds: float = LEASE_SECONDS,
) -> bool:
    """Claim and run one job to its end, whatever that is; False where somebody else has it or it has ended already.

    Where ``stop`` is set, the job goes back to the queue at its next checkpoint.
    """
    owner = f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(4)}"
    with sessions.writing() as session:
        job = jobs.claim(session, job_id, owner, lease_seconds)
        if job is None:
            return False
        actor = actor_for(session, organisation_id=job.organisation_id, person_id=job.person_id)
    logger.info("Job %s (%s) begins, attempt %s.", job.id, job.name, job.attempts)
    lease = Lease(sessions, job, stop=stop or threading.Event(), on_progress=on_progress, seconds=lease_seconds)
    try:
        with lease.kept():
            result = _service(job)(sessions, actor, **job.arguments, settings=settings, progress=lease)
        lease.last_words()
    except BaseException as error:
        _end_badly(sessions, job, owner, error)
        if not isinstance(error, Exception):
            raise
    else:
        with sessions.writing() as session:
            ours = jobs.finish(session, job.id, owner, result)
        logger.info("Job %s is done." if ours else "Job %s was ours no longer.", job.id)
    return True


def _service(job: Job) -> Callable[..., dict[str, Any] | None]:
    if job.name not in JOBS:
        raise NotFound(f"This worker doesn't know the work '{job.name}'.", "Update commsapp where the worker runs.")
    return JOBS[job.name]


def _end_badly(sessions: Sessions, job: Job, owner: str, error: BaseException) -> None:
    """Put away a job that did not come to its end: given back, cancelled, failed with a sentence, or nobody's business."""
    if isinstance(error, JobLost) and not isinstance(error, JobStopping):
        logger.info("Job %s was cancelled, or another worker has it.", job.id)
        return
    with sessions.writing() as session:
        if isinstance(error, JobStopping):
            jobs.release(session, job.id, owner)
            logger.info("Job %s goes back to the queue, as this worker stops.", job.id)
        elif isinstance(error, CommsappError):
            jobs.fail(session, job.id, owner, str(error))
            logger.info("Job %s failed with a sentence for people (%s).", job.id, type(error).__name__)
        elif isinstance(error, Exception):
            reference = secrets.token_hex(4)
            jobs.fail(
                session, job.id, owner, f"Something went wrong (reference {reference}). Give it to who looks after the server."
            )
            logger.error("Job %s failed (reference %s).\n%s", job.id, reference, traceback_without_words(error))
        else:  # Ctrl-C in the foreground: who pressed it does not want it to go on in the background
            jobs.fail(session, job.id, owner, "This was stopped by hand. Try it again to go on where it stopped.")


def run_inline(
    job_id: int,
    sessions: Sessions,
    settings: Settings,
    *,
    on_progress: OnProgress | None = None,
    lease_seconds: float = LEASE_SECONDS,
) -> Job:
    """Run a job here and now, and give it back as it ended; where a worker already has it, follow it to its end."""
    while True:
        run_job(job_id, sessions, settings, on_progress=on_progress, lease_seconds=lease_seconds)
        with sessions.reading() as session:
            job = jobs.any_job(session, job_id)
        if job is None:
            raise NotFound("There is no such job.")
        if job.state not in {"queued", "running"}:
            return job
        if on_progress is not None:
            on_progress(job.stage, job.done, job.total)
        time.sleep(0.5)
        reap(sessions)


def reap(sessions: Sessions) -> None:
    """Queue again what killed workers left."""
    with sessions.reading() as session:
        left = jobs.expired(session)
    if left:
        with sessions.writing() as session:
            jobs.requeue_expired(session)


def serve_jobs(
    settings: Settings,
    parent_pid: int | None = None,
    *,
    lease_seconds: float = LEASE_SECONDS,
    reap_seconds: float = 3.0,
    stop_seconds: float = 60.0,
) -> None:
    """Run jobs until SIGTERM, SIGINT, or the death of the process ``parent_pid``; in the main thread of a process.

    A job that runs then goes back to the queue at its next checkpoint, for which it has ``stop_seconds``; a second
    signal does not wait. What is cut off is taken up by another worker when its lease has run out.

    Raises
    ------
    Unavailable : the database or the queue does not answer at the start; later that is waited out.

    """
    sessions = sessions_of(settings)
    queue = make_queue(settings.jobs_url)
    stop = threading.Event()

    def work(job_id: int) -> None:
        try:
            if not stop.is_set():
                run_job(job_id, sessions, settings, stop=stop, lease_seconds=lease_seconds)
        except Exception as error:  # the database is away: the reaper finds the job again
            logger.error("Job %s could not be put away.\n%s", job_id, traceback_without_words(error))

    reap(sessions)  # a database that can't be used is said at once
    consumer = queue.consumer(work, stop_seconds=stop_seconds)
    parent_gone = _watch(parent_pid)
    consumer.start()
    _stop_on_signals(stop)
    next_reap = next_retention = 0.0
    while not stop.is_set():
        if time.monotonic() >= next_reap:
            _tend(sessions, lambda: send_unsent(sessions, queue))
            consumer.check_worker_health()
            next_reap = time.monotonic() + reap_seconds
        if time.monotonic() >= next_retention:
            _tend(sessions, lambda: keep_house(sessions, settings, stop))
            next_retention = time.monotonic() + RETENTION_SECONDS
        stop.wait(min(1.0, reap_seconds))
        if parent_gone():
            logger.info("The process that started this worker is gone.")
            stop.set()
    consumer.stop(graceful=True)
    queue.close()
    sessions.engine.dispose()


def _tend(sessions: Sessions, send: Callable[[], int]) -> None:
    try:
        reap(sessions)
        send()
    except CommsappError as error:
        logger.warning("%s", error)
    except Exception as error:
        logger.error("The reaper could not do its work.\n%s", traceback_without_words(error))


def keep_house(sessions: Sessions, settings: Settings, stop: threading.Event) -> int:
    """Delete what channels keep no longer, and files that a killed process left; from how many channels something went."""
    from commsapp.listening.service import run_retention

    gone = run_retention(sessions, settings=settings, stopped=stop.is_set)
    for due in gone:
        logger.info("Channel %s: what is past its time was deleted (%s).", due.channel_id, due.counts)
    with sessions.reading() as session:
        attachments.clear(session, data_dir=settings.data_dir, older_than=time.time() - _LEFT_SECONDS)
    return len(gone)


def _stop_on_signals(stop: threading.Event) -> None:
    # Set after the consumer's own, one of which starts the whole command again when a terminal closes.
    def handle(_number: int, _frame: object) -> None:
        if stop.is_set():
            os._exit(1)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, handle)


def _watch(parent_pid: int | None) -> Callable[[], bool]:
    """Tells whether the parent is gone: it no longer exists, or this process was handed to another one."""
    own_parent = os.getppid()

    def gone() -> bool:
        if parent_pid is None:
            return False
        if os.getppid() != own_parent:
            return True
        try:
            os.kill(parent_pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return False

    return gone
