"""200 persons at once over 100,000 comments, on the server that operators start: ``python -m benchmarks.load.run``.

Makes a database (SQLite; PostgreSQL with ``--postgres URL``), starts ``commsapp serve`` on it, signs 200 persons in and lets each
read pages and call the API: first with 10 seconds between an answer and the next page on average, as people read, then at full
tilt, where each asks again at once. Prints how long answers took. ``--keep FOLDER`` keeps the database and takes it again.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import resource
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.load import made_up
from benchmarks.load.users import KINDS, Asking, Measured, ask
from commsapp.app import create_app
from commsapp.config import Settings, load_settings
from commsapp.http.signing_in import KEY, SEEN
from commsapp.storage import database
from commsapp.storage.keyring import open_keyring
from commsapp.storage.session import sessions_of

ROOT = Path(__file__).resolve().parents[2]
MARKS = ("<!-- from benchmarks.load.run: python -m benchmarks.load.run --write -->", "<!-- end -->")
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Run:
    """One run: what was asked, and what it cost server and asker."""

    name: str
    measured: Measured
    clock: float
    server_processor: float
    own_processor: float
    memory: float
    load: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--comments", type=int, default=100_000)
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--wait", type=float, default=10.0, help="seconds that each reads a page, on average")
    parser.add_argument("--seconds", type=float, default=90.0, help="how long each run takes")
    parser.add_argument("--only", choices=["reading", "tilt"], help="one of the two runs")
    parser.add_argument("--postgres", default="", help="a PostgreSQL server, in which a schema is made and taken away again")
    parser.add_argument("--keep", type=Path, help="folder for the database, which a later run takes again")
    parser.add_argument("--write", action="store_true", help="write the figures into docs/speed.md")
    args = parser.parse_args()
    with place(args.keep, args.postgres) as (settings, environment):
        made, built = _database(settings, args.comments)
        asking = _signed_in(settings, args.users)
        runs = []
        with serving(settings, environment) as process:
            waits = {"reading": args.wait, "tilt": 0.0}
            for name, wait in waits.items():
                if args.only in (None, name):
                    runs.append(_measured(name, process, asking, made, settings.port, wait, args.seconds))
        lines = list(_lines(args, settings, runs, built))
    print("\n".join(lines))
    if args.write:
        _write(lines)
    return 1 if any(run.measured.errors for run in runs) else 0


@contextmanager
def place(keep: Path | None, postgres: str) -> Iterator[tuple[Settings, dict[str, str]]]:
    """Settings of an empty commsapp, or of the one that an earlier run left."""
    with tempfile.TemporaryDirectory(prefix="commsapp-load-") as name:
        folder = keep or Path(name)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        ours = {"COMMSAPP_DATA_DIR": str(folder), "COMMSAPP_PORT": str(port)}
        ours |= {one: value for one, value in os.environ.items() if one in ("COMMSAPP_PROCESSES",)}
        postgres = as_psycopg(postgres)
        schema = "" if not postgres else f"load_{keep.name if keep else secrets.token_hex(4)}"
        if schema:
            with psycopg.connect(postgres, autocommit=True) as connection:
                connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}".encode())
            head, _, query = postgres.partition("?")
            head = head.replace("postgresql://", "postgresql+psycopg://")
            ours["COMMSAPP_DATABASE_URL"] = f"{head}?{query + '&' if query else ''}options=-csearch_path%3D{schema}"
        others = {one: value for one, value in os.environ.items() if not one.startswith("COMMSAPP_")}
        try:
            yield load_settings(ours), {**others, **ours, "PYTHONPATH": str(ROOT)}
        finally:
            if schema and keep is None:
                with psycopg.connect(postgres, autocommit=True) as connection:
                    connection.execute(f"DROP SCHEMA {schema} CASCADE".encode())


def as_psycopg(url: str) -> str:
    """An address that names SQLAlchemy's driver, as settings do, without it."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def _database(settings: Settings, comments: int) -> tuple[made_up.Made, float]:
    """What was made, and in how many seconds; 0 where an earlier run made it."""
    note = settings.data_dir / "made.json"
    if note.is_file():
        kept = json.loads(note.read_text("utf-8"))
        return made_up.Made(**kept | {"waves": tuple(kept["waves"])}), 0.0
    started = time.monotonic()
    database.upgrade(settings.database_url, keyring=open_keyring(settings))
    sessions = sessions_of(settings)
    made = made_up.database(sessions, comments=comments)
    if settings.database_url.startswith("postgresql"):
        with sessions.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
    sessions.engine.dispose()
    note.write_text(json.dumps(asdict(made)), "utf-8")
    return made, time.monotonic() - started


def _signed_in(settings: Settings, count: int) -> list[Asking]:
    sessions = sessions_of(settings)
    app = create_app(settings)
    serializer: Any = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    found = []
    for user in made_up.people(sessions, count):
        kept = {"_user_id": user.uniquifier, "_fresh": True, "_permanent": True, KEY: user.key, SEEN: int(time.time())}
        found.append(Asking(str(serializer.dumps(kept)), user.token))
    sessions.engine.dispose()
    return found


@contextmanager
def serving(settings: Settings, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """The server, as operators start it."""
    log = settings.data_dir / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "commsapp", "serve"], env=environment, stdout=output, stderr=output, cwd=settings.data_dir
        )
        try:
            _wait_for(process, settings.port, log)
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def _wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise SystemExit(f"The server ended: {log.read_text('utf-8')}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise SystemExit("The server did not answer within a minute.")


def _processes(pid: int) -> list[int]:
    """The server's processes that answer requests: itself and its children, but not the worker."""
    children = [int(number) for number in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]
    for thread in Path(f"/proc/{pid}/task").iterdir():
        children += [int(number) for number in (thread / "children").read_text("ascii").split()]
    return [pid, *(one for one in sorted(set(children)) if b"worker" not in Path(f"/proc/{one}/cmdline").read_bytes())]


def _processor(pid: int) -> float:
    """Seconds of processor time of the server so far."""
    fields = [Path(f"/proc/{one}/stat").read_text("ascii").rpartition(")")[2].split() for one in _processes(pid)]
    return sum(int(one[11]) + int(one[12]) for one in fields) / TICKS


def _memory(pid: int) -> float:
    """MB that the server's processes hold at the most, together."""
    texts = [Path(f"/proc/{one}/status").read_text("ascii") for one in _processes(pid)]
    return sum(int(text.partition("VmHWM:")[2].split()[0]) for text in texts) / 1024


def _measured(
    name: str, process: subprocess.Popen[bytes], asking: list[Asking], made: made_up.Made, port: int, wait: float, seconds: float
) -> Run:
    # What is done once after the start is not counted: a minute's pages, at the same pace.
    asyncio.run(ask(asking, made, port=port, wait=wait, seconds=min(60.0, seconds), seed=1))
    before, own, started = _processor(process.pid), _own(), time.monotonic()
    measured = asyncio.run(ask(asking, made, port=port, wait=wait, seconds=seconds, seed=2))
    clock = time.monotonic() - started
    return Run(
        name,
        measured,
        clock,
        _processor(process.pid) - before,
        _own() - own,
        _memory(process.pid),
        os.getloadavg()[0],
    )


def _own() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _row(name: str, values: list[float]) -> str:
    figures = " | ".join(f"{1000 * _percentile(values, share):,.0f}" for share in (0.5, 0.95, 0.99))
    return f"| {name} | {len(values):,} | {figures} | {1000 * max(values):,.0f} |"


def _lines(args: argparse.Namespace, settings: Settings, runs: list[Run], built: float) -> Iterator[str]:
    """What was measured, in Markdown."""
    engine = "PostgreSQL" if args.postgres else "SQLite"
    processes = settings.processes
    yield (
        f"{args.users} users, {args.comments:,} comments, {engine}; processes that answer: {processes}; "
        f"{os.cpu_count()} cores, {platform.machine()}, {date.today():%d %B %Y}" + (f"; made in {built:.0f} s." if built else ".")
    )
    if not args.postgres:
        size = sum(one.stat().st_size for one in settings.data_dir.glob("commsapp.sqlite*"))
        yield f"The database has {size / 2**20:,.0f} MB."
    for run in runs:
        yield from _of_run(args, engine, run)


def _of_run(args: argparse.Namespace, engine: str, run: Run) -> Iterator[str]:
    seconds = run.measured.seconds
    count = sum(len(values) for values in seconds.values())
    wait = f"{args.wait:g} s between an answer and the next page" if run.name == "reading" else "each asks again at once"
    yield ""
    yield f"**{wait[0].upper()}{wait[1:]}**: {count:,} answers in {run.clock:.0f} s, {count / run.clock:.1f} a second."
    yield (
        f"Server: {run.server_processor / run.clock:.2f} processors, {1000 * run.server_processor / max(count, 1):.0f} ms of "
        f"one an answer, {run.memory:,.0f} MB at most. Those who asked: {run.own_processor / run.clock:.2f} processors. "
        f"Load average {run.load:.1f}."
    )
    yield ""
    yield "| Address | answers | p50 ms | p95 ms | p99 ms | longest ms |"
    yield "| --- | --- | --- | --- | --- | --- |"
    both: dict[bool, list[float]] = {False: [], True: []}
    for kind in KINDS:
        if kind.name in seconds:
            yield _row(kind.name, seconds[kind.name])
            both[kind.api] += seconds[kind.name]
    yield from (_row(name, both[api]) for name, api in (("all pages", False), ("all of the API", True)) if both[api])
    yield ""
    yield from (f"error: {error}" for error in sorted(set(run.measured.errors))[:20])
    pages, calls = (1000 * _percentile(both[api], 0.95) if both[api] else 0.0 for api in (False, True))
    yield (
        f"Promise 21: {args.users} users at once, {wait}, over {args.comments:,} comments on {engine}: p95 of pages "
        f"{pages:,.0f} ms, of the API {calls:,.0f} ms, {count / run.clock:.1f} answers a second, "
        f"{len(run.measured.errors)} errors"
    )


def _write(lines: list[str]) -> None:
    """Put what was measured into its part of docs/speed.md."""
    page = ROOT / "docs" / "speed.md"
    first, _, rest = page.read_text("utf-8").partition(MARKS[0])
    after = rest.partition(MARKS[1])[2]
    page.write_text(f"{first}{MARKS[0]}\n" + "\n".join(lines) + f"\n{MARKS[1]}{after}", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
