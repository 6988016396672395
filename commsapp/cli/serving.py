"""Commands that run commsapp: the pages with their worker, a worker alone, the database's set-up."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from types import FrameType

import click

from commsapp.accounts import service as accounts
from commsapp.cli import answering
from commsapp.cli.listening import opened
from commsapp.cli.people import link_address
from commsapp.cli.showing import console
from commsapp.config import Settings, load_settings
from commsapp.listening import service as listening
from commsapp.storage import database
from commsapp.storage.session import Sessions

RESTART_AFTER = 2.0


@click.command("serve")
def serve() -> None:
    """Open the pages on this machine and run the worker beside them; both stop together (Ctrl-C)."""
    settings = load_settings()
    sessions = opened()
    with sessions.reading() as session:
        listening.clear_uploads(session, settings)
    sockets = answering.listeners(settings)
    commands = [[sys.executable, "-m", "commsapp", "worker", "--parent", str(os.getpid())]]
    handed_on: tuple[int, ...] = ()
    if settings.processes > 1:
        handed_on = tuple(one.fileno() for one in sockets)
        numbers = [str(number) for number in (os.getpid(), *handed_on)]
        commands += [[sys.executable, "-m", "commsapp.cli.answering", *numbers]] * settings.processes
    stopping = threading.Event()
    keepers = [threading.Thread(target=_keep, args=(command, handed_on, stopping)) for command in commands]
    for keeper in keepers:
        keeper.start()
    signal.signal(signal.SIGTERM, _as_interrupt)
    console().print(f"commsapp is open at {settings.address} (stop it with Ctrl-C)")
    _offer_first_account(sessions)
    try:
        if settings.processes > 1:
            signal.pause()
        else:
            answering.answer(settings, sockets)
    except KeyboardInterrupt:
        console().print("Stopping…")
    finally:
        stopping.set()
        for keeper in keepers:
            keeper.join()
        for one in sockets:
            one.close()


def _offer_first_account(sessions: Sessions) -> None:
    """Where nobody could sign in, print the link to the first account; one of an earlier start holds no longer."""
    with sessions.writing() as session:
        link = accounts.first_link(session)
    if link is not None:
        console().print("\nNobody has an account yet. Make the first one here; the link lets one person in, once:")
        console().print(f"  {link_address(link.secret)}\n")


def _as_interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _keep(command: list[str], handed_on: tuple[int, ...], stopping: threading.Event) -> None:
    """Run a process beside this one, start it again should it die (out of memory, say), stop it with the server."""
    while not stopping.is_set():
        started = time.monotonic()
        # A session of its own, so that Ctrl-C reaches the server alone, which then stops the others in its own way.
        beside = subprocess.Popen(command, start_new_session=True, pass_fds=handed_on)  # noqa: S603  # our own interpreter
        while beside.poll() is None and not stopping.wait(0.2):
            pass
        if stopping.is_set():
            beside.terminate()
            beside.wait()
            return
        what = "The worker" if "worker" in command else "A process that answers"
        logging.getLogger("commsapp").warning("%s ended by itself and is started again.", what)
        stopping.wait(max(0.0, RESTART_AFTER - (time.monotonic() - started)))


@click.command("worker")
@click.option("--parent", type=int, metavar="PID", help="Stop when this process is gone.")
def worker(parent: int | None) -> None:
    """Run jobs (imports, analyses) until stopped; 'serve' starts one by itself."""
    from commsapp.worker import serve_jobs

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    settings = load_settings()
    opened()
    serve_jobs(settings, parent)


@click.group("database")
def database_commands() -> None:
    """Set the database up and bring it up to date."""


@database_commands.command("upgrade")
def upgrade() -> None:
    """Bring the database to the newest layout; data are kept."""
    opened()
    _say_where(load_settings())


@database_commands.command("current")
def current() -> None:
    """Say which layout the database has."""
    _say_where(load_settings())


def _say_where(settings: Settings) -> None:
    at = database.current(settings.database_url) or "nothing yet"
    console().print(f"The database has layout {at}; the newest is {database.head()}.")


COMMANDS = (serve, worker, database_commands)
