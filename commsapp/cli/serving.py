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
from commsapp.cli.listening import opened
from commsapp.cli.people import link_address
from commsapp.cli.showing import console
from commsapp.config import Settings, load_settings
from commsapp.errors import Unavailable
from commsapp.listening import service as listening
from commsapp.storage import database
from commsapp.storage.session import Sessions

RESTART_AFTER = 2.0


@click.command("serve")
def serve() -> None:
    """Open the pages on this machine and run the worker beside them; both stop together (Ctrl-C)."""
    from waitress.server import create_server

    from commsapp.app import create_app

    settings = load_settings()
    sessions = opened()
    with sessions.reading() as session:
        listening.clear_uploads(session, settings)
    try:
        server = create_server(
            create_app(settings),
            host=settings.host,
            port=settings.port,
            threads=8,
            # Larger ones are refused by the pages too, in a sentence; waitress by itself would cut them off at 1 GiB.
            max_request_body_size=settings.upload_limit + 2**20,
        )
    except OSError as error:
        raise Unavailable(
            f"Port {settings.port} is taken by another program.", "Stop that, or set COMMSAPP_PORT to another number."
        ) from error
    stopping = threading.Event()
    keeper = threading.Thread(target=_keep_worker, args=(stopping,), name="worker-keeper")
    keeper.start()
    signal.signal(signal.SIGTERM, _as_interrupt)
    console().print(f"commsapp is open at {settings.address} (stop it with Ctrl-C)")
    _offer_first_account(sessions)
    try:
        server.run()
    except KeyboardInterrupt:
        console().print("Stopping…")
    finally:
        stopping.set()
        keeper.join()
        server.close()


def _offer_first_account(sessions: Sessions) -> None:
    """Where nobody could sign in, print the link to the first account; one of an earlier start holds no longer."""
    with sessions.writing() as session:
        link = accounts.first_link(session)
    if link is not None:
        console().print("\nNobody has an account yet. Make the first one here; the link lets one person in, once:")
        console().print(f"  {link_address(link.secret)}\n")


def _as_interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _keep_worker(stopping: threading.Event) -> None:
    """Run a worker process, start it again should it die (out of memory, say), stop it with the server."""
    while not stopping.is_set():
        started = time.monotonic()
        # A session of its own, so that Ctrl-C reaches the server alone, which then stops the worker in its own way.
        worker = subprocess.Popen(  # noqa: S603  # our own interpreter, our own module
            [sys.executable, "-m", "commsapp", "worker", "--parent", str(os.getpid())], start_new_session=True
        )
        while worker.poll() is None and not stopping.wait(0.2):
            pass
        if stopping.is_set():
            worker.terminate()
            worker.wait()
            return
        logging.getLogger("commsapp").warning("The worker ended by itself and is started again.")
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
