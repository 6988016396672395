"""The queue: tells a worker that there is work. A message is the number of a job row, and nothing else.

Huey on SQLite, Redis or PostgreSQL, chosen by URL. Losing a message loses nothing (the reaper sends it again), and a
message that comes twice does nothing (the second claim fails). Two installations need two queues: another file, another
Redis database number, or another PostgreSQL database.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from huey import Huey, PostgresHuey, RedisHuey, SqliteHuey
from huey.registry import Message

from commsapp.errors import BadInput, Unavailable
from commsapp.storage import jobs
from commsapp.storage.session import Sessions

_TASK = "commsapp.run_job"


class JobNumbers:
    """Huey's messages as JSON with two fields. Its own serializer would run code that somebody put into the queue."""

    def serialize(self, message: Message) -> bytes:
        """The message's own id (huey names it in its log) and the number of the job."""
        return json.dumps({"id": message.id, "job": message.args[0]}).encode("ascii")

    def deserialize(self, data: bytes | memoryview) -> Message:
        """A message for the one task there is; anything else in the queue is an error, which the consumer logs."""
        fields = json.loads(bytes(data))
        return Message(id=str(fields["id"]), name=_TASK, retries=0, args=(int(fields["job"]),), kwargs={})


class Queue:
    """A queue at a URL; connects when it is first used.

    Raises
    ------
    Unavailable : by every method, when the queue does not answer.

    """

    def __init__(self, make: Callable[[], Huey], where: str) -> None:
        self._make = make
        self._where = where
        self._huey: Huey | None = None
        self._task: Any = None
        self._work: Callable[[int], object] = _nothing

    def send(self, job_id: int) -> None:
        """Tell a worker of a job."""
        huey = self.connect()
        self._answering(lambda: huey.enqueue(self._task.s(job_id)))

    def waiting(self) -> int:
        """How many messages no worker has taken yet."""
        huey = self.connect()
        return int(self._answering(huey.storage.queue_size))

    def clear(self) -> None:
        """Forget every message; the job rows stay, so the reaper sends them again."""
        huey = self.connect()
        self._answering(huey.storage.flush_queue)

    def consumer(self, work: Callable[[int], object], *, stop_seconds: float) -> Any:
        """Huey's consumer with one thread that calls ``work`` with each job number."""
        huey = self.connect()
        self._work = work
        return huey.create_consumer(workers=1, periodic=False, max_delay=0.5, shutdown_timeout=stop_seconds)

    def connect(self) -> Huey:
        """The huey behind it, made when it is first needed."""
        if self._huey is None:
            huey = self._answering(self._make)
            self._task = huey.task(name="run_job")(_named_in_huey(lambda job_id: self._work(job_id)))
            self._huey = huey
        return self._huey

    def close(self) -> None:
        """Let go of the connection; the next use makes another."""
        if self._huey is not None:
            self._huey.storage.close()
            self._huey = None

    def _answering(self, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except Exception as error:  # three drivers, each with its own family of errors
            raise Unavailable(
                f"The queue ({self._where}) does not answer.", "Check COMMSAPP_JOBS_URL and that it runs."
            ) from error


def _nothing(job_id: int) -> None:
    """What a queue that only sends would do with a message."""


def _named_in_huey(work: Callable[[int], object]) -> Callable[[int], object]:
    # Huey finds a task by module and name, and the serializer must know that name.
    work.__module__, _, work.__name__ = _TASK.rpartition(".")
    return work


def make_queue(jobs_url: str, name: str = "commsapp") -> Queue:
    """The queue that a URL names.

    Raises
    ------
    BadInput : the URL is none of the three kinds.

    """
    parts = urlsplit(jobs_url)
    scheme = parts.scheme.partition("+")[0]
    options: dict[str, Any] = {"name": name, "results": False, "serializer": JobNumbers()}
    if scheme == "sqlite" and parts.path.startswith("/"):
        file = Path(jobs_url.partition(":///")[2])
        # The journal of commsapp's own tables is what must survive a power cut; the queue may lose its last message.
        return Queue(lambda: SqliteHuey(filename=str(file), timeout=30, **options), "SQLite")
    if scheme in {"redis", "rediss"}:
        return Queue(lambda: RedisHuey(url=jobs_url, **options), "Redis")
    if scheme in {"postgresql", "postgres"}:
        url = "postgresql:" + jobs_url.partition(":")[2]
        return Queue(lambda: _twice(lambda: PostgresHuey(dsn=url, **options)), "PostgreSQL")
    raise BadInput("COMMSAPP_JOBS_URL can't be read.", "Use sqlite:///FILE, redis://HOST or postgresql://….")


def _twice(make: Callable[[], Huey]) -> Huey:
    # 'create table if not exists' fails in one of two processes that do it at the same moment.
    try:
        return make()
    except Exception:
        time.sleep(0.2)
        return make()


def send_unsent(sessions: Sessions, queue: Queue) -> int:
    """Send queued jobs that the queue was never told of, or lost: it is empty, and yet a job waits. How many were sent.

    Sent first and noted then: a kill between the two sends a message twice, which does no harm; the other way round
    would lose it.
    """
    lost = queue.waiting() == 0
    with sessions.reading() as session:
        waiting = jobs.unsent(session, also_sent=lost)
    for job_id in waiting:
        queue.send(job_id)
    if waiting:
        with sessions.writing() as session:
            jobs.mark_sent(session, waiting)
    return len(waiting)
