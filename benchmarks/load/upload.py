"""How much the server grows while a large file comes in: ``python -m benchmarks.load.upload --megabytes 2000``.

The file is sent through the API to the server that operators start, in pieces, as a browser does. What counts is the memory of
the process that answers, at its highest, against what it was before (promise 12).
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import secrets
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.load.run import place, serving
from commsapp.accounts import service as accounts
from commsapp.config import Settings
from commsapp.listening import service as listening
from commsapp.storage import database
from commsapp.storage.keyring import open_keyring
from commsapp.storage.session import sessions_of

ALLOWED = 64
"""MB that the process may grow by."""
MB = 2**20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=200)
    args = parser.parse_args()
    with place(None, "") as (settings, environment):
        token, programme, channel = _prepared(settings)
        with serving(settings, environment) as process:
            # A small one first: what is imported and allocated once is not of the large one.
            _send(settings.port, token, programme, channel, 1)
            before, highest, stop = _resident(process.pid), [0.0], threading.Event()
            watching = threading.Thread(target=_watch, args=(process.pid, highest, stop))
            watching.start()
            started = time.monotonic()
            status = _send(settings.port, token, programme, channel, args.megabytes)
            clock = time.monotonic() - started
            stop.set()
            watching.join()
    grown = highest[0] - before
    print(
        f"Promise 12: {args.megabytes:,} MB uploaded in {clock:.0f} s (answer {status}); the process that answers grew from "
        f"{before:.0f} MB by {grown:.0f} MB at most, {ALLOWED} allowed"
    )
    return 0 if grown <= ALLOWED and status == 202 else 1


def _prepared(settings: Settings) -> tuple[str, int, int]:
    database.upgrade(settings.database_url, keyring=open_keyring(settings))
    sessions = sessions_of(settings)
    with sessions.writing() as session:
        actor = accounts.ensure_local(session)
        programme = listening.create_programme(session, actor, name="A large file", made_up=True)
        channel = listening.add_channel(session, actor, programme.id, name="Inbox", chosen="opt-in")
        token = accounts.make_token(session, actor, name="Upload", scopes=["imports:write"], days=1)[1]
    sessions.engine.dispose()
    return token, programme.id, channel.id


def _send(port: int, token: str, programme: int, channel: int, megabytes: int) -> int:
    """Send a CSV file of that size; the status of the answer."""
    mark = secrets.token_hex(16)
    fields = {"channel_id": str(channel), "mapping": json.dumps({"text": "comment"}), "then_analyse": "false"}
    head = "".join(
        f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
    )
    head += f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="large.csv"\r\nContent-Type: text/csv\r\n\r\n'
    first, tail = head.encode(), f"\r\n--{mark}--\r\n".encode()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=900)
    connection.putrequest("POST", f"/api/v1/programmes/{programme}/imports", skip_host=True)
    for name, value in (
        ("Host", f"localhost:{port}"),
        ("Authorization", f"Bearer {token}"),
        ("Content-Type", f"multipart/form-data; boundary={mark}"),
        ("Content-Length", str(len(first) + len(b"number,comment\n") + megabytes * MB + len(tail))),
    ):
        connection.putheader(name, value)
    connection.endheaders()
    for piece in (first, b"number,comment\n"):
        connection.send(piece)
    for piece in _rows(megabytes):
        connection.send(piece)
    connection.send(tail)
    answer = connection.getresponse()
    answer.read()
    return answer.status


def _rows(megabytes: int) -> Iterator[bytes]:
    """Rows of 1,024 bytes, each another."""
    for start in range(0, megabytes * 1024, 1024):
        yield b"".join(f"{number:08d},".encode().ljust(1023, b"w") + b"\n" for number in range(start, start + 1024))


def _resident(pid: int) -> float:
    """MB that a process holds, without what it shares with files."""
    text = Path(f"/proc/{pid}/status").read_text("ascii")
    return int(text.partition("RssAnon:")[2].split()[0]) / 1024


def _watch(pid: int, highest: list[float], stop: threading.Event) -> None:
    while not stop.wait(0.05):
        with contextlib.suppress(OSError):
            highest[0] = max(highest[0], _resident(pid))


if __name__ == "__main__":
    sys.exit(main())
