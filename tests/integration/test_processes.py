"""Several processes answer on one port: all are there, one that dies comes back, and all end with the server."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PATIENCE = 90.0


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def server(tmp_path: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COMMSAPP_")}
    ours = {"COMMSAPP_DATA_DIR": str(tmp_path / "data"), "COMMSAPP_PORT": str(port), "COMMSAPP_PROCESSES": "2"}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "commsapp", "serve"], env=kept | ours, stdout=log, stderr=log, cwd=tmp_path
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def that_answer(pid: int) -> set[int]:
    """Processes that the server started to answer."""
    children: set[int] = set()
    for thread in Path(f"/proc/{pid}/task").iterdir():
        children |= {int(number) for number in (thread / "children").read_text("ascii").split()}
    return {one for one in children if b"answering" in Path(f"/proc/{one}/cmdline").read_bytes()}


def answers(port: int) -> bool:
    """Whether the page to sign in on comes."""
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", "/sign-in")
        return connection.getresponse().status == 200
    except OSError:
        return False


def gone(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text("ascii").rpartition(")")[2].split()[0] == "Z"


def test_two_processes_answer_and_one_that_dies_is_started_again(server: subprocess.Popen[bytes], port: int) -> None:
    until(lambda: answers(port))
    first = that_answer(server.pid)
    assert len(first) == 2
    os.kill(min(first), signal.SIGKILL)
    until(lambda: len(that_answer(server.pid) - first) == 1)
    until(lambda: answers(port))
    every = that_answer(server.pid)
    server.send_signal(signal.SIGTERM)
    assert server.wait(PATIENCE) == 0
    assert all(gone(one) for one in every)


def test_they_end_when_the_server_was_killed(server: subprocess.Popen[bytes], port: int) -> None:
    until(lambda: answers(port))
    every = that_answer(server.pid)
    server.kill()
    server.wait()
    until(lambda: all(gone(one) for one in every))
    assert not answers(port)
