"""Work that goes on in a thread of its own while something else is done.

What may come in: a piece of work that says how far it is. What may not: what the work is about.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError, ThreadPoolExecutor
from threading import Event
from typing import TypeVar

Progress = Callable[[str, int, int], None]
"""Called with (stage, done, total)."""

_Done = TypeVar("_Done")


class Beside:
    """Work that goes on in another thread while something else is done; what it tells is passed on once somebody waits for it.

    Left by an error, it stops the work at the next thing that it tells.
    """

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="beside")
        self._given_up = Event()

    def __enter__(self) -> Beside:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if error is not None:
            self._given_up.set()
        self._pool.shutdown(cancel_futures=True)

    def begin(self, work: Callable[[Callable[[int, int], None]], _Done], stage: str) -> Callable[[], _Done]:
        """Begin work that is given something to tell how far it is; call what comes back to wait for the result."""
        waited_for = Event()

        def tell(done: int, total: int) -> None:
            if self._given_up.is_set():
                raise CancelledError
            if waited_for.is_set() and self._progress is not None:
                self._progress(stage, done, total)

        future = self._pool.submit(work, tell)

        def result() -> _Done:
            waited_for.set()
            return future.result()

        return result
