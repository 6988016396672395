"""Jobs as workers run them. Run as a program, this file is a worker that knows the test's job."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import func, select

from commsapp import worker
from commsapp.actor import Actor
from commsapp.config import Settings, load_settings
from commsapp.errors import BadInput
from commsapp.storage import jobs
from commsapp.storage.jobs import Job, Progress
from commsapp.storage.organisations import Organisation, add_organisation
from commsapp.storage.queue import make_queue
from commsapp.storage.session import Sessions

LEASE = 0.8


def count(sessions: Sessions, actor: Actor, *, to: int, pause: float, settings: Settings, progress: Progress) -> dict[str, int]:
    """A job that adds rows, one a step, and goes on where an earlier run of it stopped."""
    with sessions.reading() as session:
        query = select(func.count()).select_from(Organisation).where(Organisation.name.startswith("step "))
        begun = session.scalar(query) or 0
    for number in range(begun, to):
        with sessions.writing() as session:
            add_organisation(session, name=f"step {number}")
        progress("Counting", number + 1, to)
        time.sleep(pause)
    return {"begun": begun, "worker": os.getpid()}


@pytest.fixture(autouse=True)
def known_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(worker.JOBS, "count", count)


@pytest.fixture
def enqueue(sessions: Sessions, actor: Actor) -> Callable[..., int]:
    def make(name: str = "count", **arguments: Any) -> int:
        with sessions.writing() as session:
            return jobs.enqueue(session, actor, name=name, arguments=arguments).id

    return make


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch, enqueue: Callable[..., int]) -> Callable[[Callable[..., Any]], int]:
    """Enqueues a job that calls a function with its progress."""

    def make(work: Callable[[Progress], Any]) -> int:
        monkeypatch.setitem(worker.JOBS, "given", lambda sessions, actor, settings, progress: work(progress))
        return enqueue("given")

    return make


def _job(sessions: Sessions, job_id: int) -> Job:
    with sessions.reading() as session:
        job = jobs.any_job(session, job_id)
        assert job is not None
        return job


def _steps(sessions: Sessions) -> int:
    with sessions.reading() as session:
        names = session.scalars(select(Organisation.name).where(Organisation.name.startswith("step "))).all()
        assert len(set(names)) == len(names)
        return len(names)


def _until(true: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)


def test_a_job_in_the_foreground_runs_to_its_end_and_shows_how_far_it_is(
    sessions: Sessions, settings: Settings, enqueue: Callable[..., int]
) -> None:
    seen: list[tuple[str, int, int]] = []
    job = worker.run_inline(enqueue(to=3, pause=0), sessions, settings, on_progress=lambda *told: seen.append(told))
    assert (job.state, job.done, job.total, job.stage, job.attempts) == ("done", 3, 3, "Counting", 1)
    assert job.result == {"begun": 0, "worker": os.getpid()}
    assert seen == [("Counting", 1, 3), ("Counting", 2, 3), ("Counting", 3, 3)]


def test_an_error_that_people_can_act_on_is_kept_as_it_is(
    sessions: Sessions, settings: Settings, given: Callable[[Any], int]
) -> None:
    def work(_: Progress) -> None:
        raise BadInput("The file is empty.", "Choose another one.")

    job = worker.run_inline(given(work), sessions, settings)
    assert (job.state, job.error) == ("failed", "The file is empty. Choose another one.")


def test_any_other_error_gets_a_reference_and_the_log_has_nobodys_words(
    sessions: Sessions, settings: Settings, given: Callable[[Any], int], caplog: pytest.LogCaptureFixture
) -> None:
    def work(_: Progress) -> None:
        try:
            raise KeyError("my neighbour sells it")
        except KeyError as error:
            raise RuntimeError("what my neighbour said") from error

    with caplog.at_level(logging.DEBUG):
        job = worker.run_inline(given(work), sessions, settings)
    assert job.state == "failed"
    assert job.error.startswith("Something went wrong (reference ")
    reference = job.error.partition("reference ")[2].partition(")")[0]
    assert reference in caplog.text
    assert "test_worker.py" in caplog.text
    assert "RuntimeError" in caplog.text
    assert "KeyError" in caplog.text
    assert "neighbour" not in caplog.text + job.error


def test_work_that_the_worker_does_not_know_fails_with_a_sentence(
    sessions: Sessions, settings: Settings, enqueue: Callable[..., int]
) -> None:
    job = worker.run_inline(enqueue("juggle"), sessions, settings)
    assert (job.state, job.error) == (
        "failed",
        "This worker doesn't know the work 'juggle'. Update commsapp where the worker runs.",
    )


def test_a_cancelled_job_stops_at_its_next_checkpoint(
    sessions: Sessions, actor: Actor, settings: Settings, enqueue: Callable[..., int]
) -> None:
    job_id = enqueue(to=200, pause=0.05)

    def cancel(_stage: str, done: int, _total: int) -> None:
        if done == 3:
            with sessions.writing() as session:
                jobs.cancel(session, actor, job_id)

    job = worker.run_inline(job_id, sessions, settings, on_progress=cancel, lease_seconds=LEASE)
    assert (job.state, job.result) == ("cancelled", {})
    assert _steps(sessions) < 50


def test_a_step_longer_than_the_lease_does_not_lose_the_job(
    sessions: Sessions, settings: Settings, given: Callable[[Any], int]
) -> None:
    taken: list[bool] = []

    def work(_: Progress) -> None:
        for _step in range(6):
            time.sleep(LEASE / 2)
            with sessions.writing() as session:
                taken.append(jobs.claim(session, job_id, "another") is not None)

    job_id = given(work)
    job = worker.run_inline(job_id, sessions, settings, lease_seconds=LEASE)
    assert (job.state, job.attempts) == ("done", 1)
    assert not any(taken)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("lease")]


def test_a_run_that_lost_its_job_changes_it_no_more(sessions: Sessions, settings: Settings, given: Callable[[Any], int]) -> None:
    def work(_: Progress) -> None:
        with sessions.writing() as session:
            session.get_one(Job, job_id).lease_owner = "another"

    job_id = given(work)
    assert worker.run_job(job_id, sessions, settings)
    assert (_job(sessions, job_id).state, _job(sessions, job_id).lease_owner) == ("running", "another")


def test_a_worker_that_is_to_stop_gives_its_job_back(sessions: Sessions, settings: Settings, enqueue: Callable[..., int]) -> None:
    job_id, stop = enqueue(to=100, pause=0), threading.Event()

    def after_two(_stage: str, done: int, _total: int) -> None:
        if done == 2:
            stop.set()

    assert worker.run_job(job_id, sessions, settings, stop=stop, on_progress=after_two)
    job = _job(sessions, job_id)
    assert (job.state, job.attempts, job.sent_at) == ("queued", 0, None)
    assert worker.run_inline(job_id, sessions, settings).result["begun"] == 2
    assert _steps(sessions) == 100


def test_a_job_that_a_worker_has_is_followed_to_its_end(
    sessions: Sessions, settings: Settings, enqueue: Callable[..., int]
) -> None:
    job_id, seen = enqueue(to=4, pause=0.3), []
    thread = threading.Thread(target=lambda: worker.run_job(job_id, sessions, settings))
    thread.start()
    _until(lambda: _job(sessions, job_id).state != "queued")
    job = worker.run_inline(job_id, sessions, settings, on_progress=lambda *told: seen.append(told))
    thread.join()
    assert (job.state, job.attempts, _steps(sessions)) == ("done", 1, 4)


def test_each_message_in_a_queue_is_worked_off_once(jobs_url: str, queue_name: Callable[[], str]) -> None:
    queue, got = make_queue(jobs_url, queue_name()), list[int]()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    consumer = queue.consumer(got.append, stop_seconds=10)
    try:
        consumer.start()
        for number in range(5):
            queue.send(number)
        _until(lambda: len(got) >= 5)
    finally:
        consumer.stop(graceful=True)
        for number, handler in before.items():
            signal.signal(number, handler)
        queue.clear()
        queue.close()
    assert sorted(got) == [0, 1, 2, 3, 4]


@pytest.fixture
def start(settings: Settings) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts this file as a worker in a process of its own."""
    running: list[subprocess.Popen[str]] = []

    def begin(*, lease: float = LEASE, under_a_parent: bool = False) -> subprocess.Popen[str]:
        told = {
            "COMMSAPP_DATA_DIR": str(settings.data_dir),
            "COMMSAPP_DATABASE_URL": settings.database_url,
            "COMMSAPP_JOBS_URL": settings.jobs_url,
            "COMMSAPP_SECRET_KEY": settings.secret_key,
        }
        command = [sys.executable, __file__, json.dumps({"lease": lease, "under_a_parent": under_a_parent})]
        process = subprocess.Popen(command, env={**os.environ, **told}, stdout=subprocess.PIPE, text=True)
        running.append(process)
        return process

    yield begin
    for process in running:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_a_job_of_a_killed_worker_is_taken_up_by_another_and_ends_once(
    sessions: Sessions, enqueue: Callable[..., int], start: Callable[..., subprocess.Popen[str]]
) -> None:
    job_id = enqueue(to=25, pause=0.1)  # never sent to the queue: the reaper does that
    first = start()
    _until(lambda: _steps(sessions) >= 3)
    first.send_signal(signal.SIGKILL)
    first.wait()
    at_kill = _steps(sessions)
    assert _job(sessions, job_id).state == "running"
    second = start()
    _until(lambda: _job(sessions, job_id).state == "done")
    job = _job(sessions, job_id)
    assert _steps(sessions) == 25
    assert job.attempts == 2
    assert job.result == {"begun": at_kill, "worker": second.pid}


@pytest.mark.slow
def test_a_worker_that_is_asked_to_stop_does_so_at_the_next_checkpoint(
    sessions: Sessions, enqueue: Callable[..., int], start: Callable[..., subprocess.Popen[str]]
) -> None:
    job_id = enqueue(to=1000, pause=0.1)
    process = start(lease=30)
    _until(lambda: _steps(sessions) >= 3)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 0
    job = _job(sessions, job_id)
    assert (job.state, job.attempts) == ("queued", 0)
    assert _steps(sessions) == job.done


@pytest.mark.slow
def test_a_worker_whose_parent_is_killed_stops_by_itself(
    sessions: Sessions, enqueue: Callable[..., int], start: Callable[..., subprocess.Popen[str]]
) -> None:
    job_id = enqueue(to=1000, pause=0.1)
    parent = start(lease=30, under_a_parent=True)
    _until(lambda: _steps(sessions) >= 2)
    parent.send_signal(signal.SIGKILL)
    # The worker holds the other end of this pipe, so it ends when the worker does.
    parent.communicate(timeout=60)
    assert _job(sessions, job_id).state == "queued"


def _main() -> None:
    told = json.loads(sys.argv[1])
    if told["under_a_parent"]:
        own = json.dumps({"lease": told["lease"], "under_a_parent": False, "parent": os.getpid()})
        subprocess.run([sys.executable, __file__, own], check=False)
        return
    worker.JOBS["count"] = count
    worker.serve_jobs(load_settings(), told.get("parent"), lease_seconds=told["lease"], reap_seconds=0.3)


if __name__ == "__main__":
    _main()
