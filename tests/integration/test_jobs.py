from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from commsapp.actor import Actor
from commsapp.errors import BadInput, Conflict, NotFound, Unavailable
from commsapp.storage import jobs
from commsapp.storage.base import now
from commsapp.storage.events import history
from commsapp.storage.jobs import Job
from commsapp.storage.organisations import add_organisation
from commsapp.storage.queue import JobNumbers, Queue, make_queue, send_unsent
from commsapp.storage.session import Sessions


@pytest.fixture
def queue(jobs_url: str, queue_name: Callable[[], str]) -> Iterator[Queue]:
    made = make_queue(jobs_url, queue_name())
    yield made
    made.clear()
    made.close()


@pytest.fixture
def job_id(sessions: Sessions, actor: Actor) -> int:
    return _enqueue(sessions, actor)


def _enqueue(sessions: Sessions, actor: Actor, **more: Any) -> int:
    with sessions.writing() as session:
        return jobs.enqueue(session, actor, name="count", arguments={"to": 3}, **more).id


def _job(sessions: Sessions, job_id: int) -> Job:
    with sessions.reading() as session:
        job = jobs.any_job(session, job_id)
        assert job is not None
        return job


def _claim(sessions: Sessions, job_id: int, owner: str, lease_seconds: float = 30) -> bool:
    with sessions.writing() as session:
        return jobs.claim(session, job_id, owner, lease_seconds) is not None


def _expire(sessions: Sessions, job_id: int) -> None:
    with sessions.writing() as session:
        session.execute(update(Job).where(Job.id == job_id).values(lease_until=now() - timedelta(seconds=1)))


def _requeue(sessions: Sessions) -> int:
    with sessions.writing() as session:
        return jobs.requeue_expired(session)


def _messages(queue: Queue) -> list[int]:
    return [json.loads(bytes(item))["job"] for item in queue.connect().storage.enqueued_items()]


def test_a_job_exists_only_with_the_data_it_is_about(sessions: Sessions, actor: Actor) -> None:
    with pytest.raises(RuntimeError), sessions.writing() as session:
        jobs.enqueue(session, actor, name="count", arguments={})
        raise RuntimeError
    with sessions.reading() as session:
        assert jobs.recent_jobs(session, actor) == []


def test_only_one_of_many_gets_a_job(sessions: Sessions, job_id: int) -> None:
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda number: _claim(sessions, job_id, f"worker {number}"), range(16)))
    assert got.count(True) == 1
    job = _job(sessions, job_id)
    assert (job.state, job.attempts) == ("running", 1)
    assert job.lease_owner == f"worker {got.index(True)}"


def test_a_job_whose_lease_ran_out_can_be_taken_and_its_first_owner_is_told(sessions: Sessions, job_id: int) -> None:
    assert _claim(sessions, job_id, "first")
    _expire(sessions, job_id)
    assert _claim(sessions, job_id, "second")
    with sessions.writing() as session:
        assert not jobs.renew(session, job_id, "first", done=1, total=3, stage="Counting")
        assert not jobs.finish(session, job_id, "first")
        assert not jobs.fail(session, job_id, "first", "No.")
        assert not jobs.release(session, job_id, "first")
        assert jobs.renew(session, job_id, "second", done=2, total=3, stage="Counting")
    job = _job(sessions, job_id)
    assert (job.state, job.done, job.total, job.stage, job.attempts) == ("running", 2, 3, "Counting", 2)


def test_a_finished_job_keeps_its_result_and_is_nobodys(sessions: Sessions, job_id: int) -> None:
    assert _claim(sessions, job_id, "first")
    with sessions.writing() as session:
        assert jobs.finish(session, job_id, "first", {"counted": 3})
    job = _job(sessions, job_id)
    assert (job.state, job.result, job.lease_owner, job.lease_until) == ("done", {"counted": 3}, "", None)
    assert job.finished_at is not None
    assert not _claim(sessions, job_id, "second")


def test_what_a_killed_worker_left_is_queued_again_until_it_was_tried_enough(sessions: Sessions, job_id: int) -> None:
    for attempt in range(1, jobs.MOST_ATTEMPTS + 1):
        assert _claim(sessions, job_id, f"worker {attempt}")
        assert _requeue(sessions) == 0
        _expire(sessions, job_id)
        with sessions.reading() as session:
            assert [job.id for job in jobs.expired(session)] == [job_id]
        assert _requeue(sessions) == 1
        assert _job(sessions, job_id).state == ("queued" if attempt < jobs.MOST_ATTEMPTS else "failed")
    assert _job(sessions, job_id).error.endswith("then try it again.")


def test_a_worker_that_stops_gives_its_job_back_without_a_failed_attempt(sessions: Sessions, job_id: int) -> None:
    for number in range(jobs.MOST_ATTEMPTS + 2):
        assert _claim(sessions, job_id, f"worker {number}")
        with sessions.writing() as session:
            assert jobs.release(session, job_id, f"worker {number}")
    assert (_job(sessions, job_id).state, _job(sessions, job_id).attempts) == ("queued", 0)


def test_a_cancelled_job_is_lost_to_its_worker_and_can_be_tried_again(sessions: Sessions, actor: Actor, job_id: int) -> None:
    assert _claim(sessions, job_id, "first")
    with sessions.writing() as session:
        assert jobs.cancel(session, actor, job_id).state == "cancelled"
    with sessions.writing() as session:
        assert not jobs.renew(session, job_id, "first", done=1, total=3, stage="Counting")
        with pytest.raises(Conflict, match="is cancelled"):
            jobs.cancel(session, actor, job_id)
    with sessions.writing() as session:
        again = jobs.retry(session, actor, job_id)
        assert (again.state, again.attempts, again.finished_at, again.sent_at) == ("queued", 0, None, None)
    with sessions.reading() as session:
        told = [event.action for event in history(session, actor, subject="job", subject_id=job_id)]
        assert told == ["retry", "cancel"]
    assert _claim(sessions, job_id, "second")


def test_another_organisation_sees_and_changes_no_job(sessions: Sessions, actor: Actor, job_id: int) -> None:
    with sessions.writing() as session:
        other = add_organisation(session, name="Another organisation")
        stranger = Actor(other.id, None, "Stranger", actor.role, actor.handling_levels)
        assert jobs.job(session, stranger, job_id) is None
        assert jobs.recent_jobs(session, stranger) == []
        for change in (jobs.cancel, jobs.retry):
            with pytest.raises(NotFound):
                change(session, stranger, job_id)
        assert jobs.job(session, actor, job_id) is not None


def test_recent_jobs_come_the_latest_first(sessions: Sessions, actor: Actor) -> None:
    made = [_enqueue(sessions, actor) for _ in range(3)]
    with sessions.reading() as session:
        assert [job.id for job in jobs.recent_jobs(session, actor)] == made[::-1]
        assert [job.id for job in jobs.recent_jobs(session, actor, limit=1)] == made[-1:]
        assert jobs.recent_jobs(session, actor, 7) == []


def test_a_job_that_was_never_sent_is_sent_once(sessions: Sessions, actor: Actor, queue: Queue) -> None:
    made = [_enqueue(sessions, actor) for _ in range(2)]
    assert send_unsent(sessions, queue) == 2
    assert send_unsent(sessions, queue) == 0
    assert sorted(_messages(queue)) == made
    with sessions.reading() as session:
        assert None not in session.scalars(select(Job.sent_at)).all()


def test_a_job_that_the_queue_lost_is_sent_again(sessions: Sessions, actor: Actor, queue: Queue) -> None:
    job_id = _enqueue(sessions, actor)
    send_unsent(sessions, queue)
    queue.clear()
    assert send_unsent(sessions, queue) == 1
    assert _messages(queue) == [job_id]


def test_a_message_is_the_number_of_a_job_and_nothing_else(queue: Queue) -> None:
    queue.send(41)
    (message,) = queue.connect().storage.enqueued_items()
    assert set(json.loads(bytes(message))) == {"id", "job"}
    taken = queue.connect().dequeue()
    assert taken.args == (41,)
    assert queue.waiting() == 0


@pytest.mark.parametrize("data", [b"", b"\x80\x05N.", b"[]", b'{"id": "a"}', b'{"id": "a", "job": "x"}'])
def test_what_is_no_message_of_ours_is_refused(data: bytes) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        JobNumbers().deserialize(data)


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "postgresql://root@127.0.0.1:1/x", "sqlite:////nowhere/at/all.sqlite"])
def test_a_queue_that_does_not_answer_is_told_in_one_sentence(url: str) -> None:
    with pytest.raises(Unavailable, match=r"queue \(\w+\) does not answer\. Check COMMSAPP_JOBS_URL"):
        make_queue(url).send(1)


@pytest.mark.parametrize("url", ["", "amqp://localhost", "jobs.sqlite"])
def test_other_queues_are_refused(url: str) -> None:
    with pytest.raises(BadInput, match="COMMSAPP_JOBS_URL"):
        make_queue(url)
