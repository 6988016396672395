"""A large file goes through the real server without filling its memory (promise 12)."""

from __future__ import annotations

import http.client
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import given
import pytest
from everything import with_form_token
from pages_site import Site, open_site

MEGABYTES = int(os.environ.get("COMMSAPP_TEST_UPLOAD_MB", "200"))
MOST_GROWTH = 64
"""Megabytes by which the process of the web server may grow."""
ROW = b"%09d,2026-03-01,They wait at the station for the young ones every evening and nobody says a word of it\n"


@dataclass(frozen=True)
class Server:
    """The server that `commsapp serve` starts, in a process of its own."""

    process: subprocess.Popen[bytes]
    port: int

    def memory(self, name: str) -> float:
        """A line of /proc/…/status in megabytes: VmRSS what it has now, VmHWM the most it had."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith(f"{name}:"))


@pytest.fixture
def site(tmp_path: Path, sqlite_template: Path) -> Site:
    return open_site(tmp_path, sqlite_template)


@pytest.fixture
def server(site: Site, tmp_path: Path) -> Iterator[Server]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        "COMMSAPP_DATA_DIR": str(site.settings.data_dir),
        "COMMSAPP_SECRET_KEY": site.settings.secret_key,
        "COMMSAPP_PORT": str(port),
    }
    with (tmp_path / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "commsapp", "serve"], env=os.environ | environment, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        for _ in range(600):
            with socket.socket() as asked:
                if asked.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, (tmp_path / "server.log").read_text("utf-8")
            time.sleep(0.1)
        yield Server(process, port)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def body(boundary: str, csrf: str, size: int) -> Iterator[bytes]:
    """A form with a table of so many bytes, made piece by piece."""
    part = f'--{boundary}\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n{csrf}\r\n--{boundary}\r\n'
    part += 'Content-Disposition: form-data; name="files"; filename="large.csv"\r\nContent-Type: text/csv\r\n\r\n'
    yield part.encode()
    yield b"id,date,comment\n"
    for first in range(0, size // len(ROW % 0), 10_000):
        yield b"".join(ROW % number for number in range(first, min(first + 10_000, size // len(ROW % 0))))
    yield f"\r\n--{boundary}--\r\n".encode()


def ask(server: Server, method: str, path: str, **how: object) -> tuple[int, str, str]:
    """(status, where it leads, what it says)."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=300)
    connection.request(method, path, **how)  # type: ignore[arg-type]
    reply = connection.getresponse()
    said = reply.read().decode()
    connection.close()
    return reply.status, reply.headers.get("Location", ""), said


def test_a_large_file_is_streamed_to_the_disk(site: Site, server: Server, promise: Callable[[int, str], None]) -> None:
    programme = given.programme(site.sessions, site.actor)
    assert site.actor.person_id is not None
    cookie, csrf = with_form_token(site.app, site.cookie(site.actor.person_id))
    headers = {"Cookie": f"commsapp={cookie}", "Host": f"127.0.0.1:{server.port}"}
    page = f"/programmes/{programme}/import"
    assert ask(server, "GET", page, headers=headers)[0] == 200  # so that everything is loaded that a page needs
    boundary, size = secrets.token_hex(16), MEGABYTES * 2**20
    length = sum(map(len, body(boundary, csrf, size)))
    headers_sent = headers | {"Content-Type": f"multipart/form-data; boundary={boundary}", "Content-Length": str(length)}
    before = server.memory("VmRSS")
    Path(f"/proc/{server.process.pid}/clear_refs").write_text("5", "ascii")  # the most it had is counted from here
    began = time.monotonic()
    status, leads, said = ask(server, "POST", page, body=body(boundary, csrf, size), headers=headers_sent)
    assert (status, "/import/check" in leads) == (302, True), (status, leads, said[:500])
    took, most = time.monotonic() - began, server.memory("VmHWM")
    (kept,) = [path for path in (site.settings.data_dir / "uploads").iterdir() if len(path.name) == 64]
    assert kept.stat().st_size > size - 2 * len(ROW)
    assert ask(server, "GET", leads, headers=headers)[0] == 200
    looked = server.memory("VmHWM")
    assert most - before <= MOST_GROWTH and looked - before <= MOST_GROWTH, (before, most, looked)
    figure = f"{MEGABYTES} MB in {took:.0f} s: the web process grew by {most - before:.0f} MB at most"
    promise(12, f"{figure}, by {looked - before:.0f} MB with a look at it")
