"""Commands of the audit log: is it whole, what is its head."""

from __future__ import annotations

import click

from commsapp.accounts import service as accounts
from commsapp.cli.listening import opened
from commsapp.cli.showing import console
from commsapp.config import load_settings
from commsapp.errors import CommsappError
from commsapp.storage.audit import HEAD_FILE


class LogBroken(CommsappError):
    """The audit log is not as it was written."""


@click.group("audit")
def audit_commands() -> None:
    """The audit log: who saw, changed or handed over what, when and why."""


@audit_commands.command("head")
def head() -> None:
    """Print the head of the log. Keep it on paper or in another system: with it, a log that was cut off is found out."""
    with opened().reading() as session:
        click.echo(accounts.audit_head(session))


@audit_commands.command("verify")
@click.option("--head", "kept", default="", metavar="SEQUENCE:MAC", help="A head that was kept elsewhere.")
def verify(kept: str) -> None:
    """Check that no event was changed, removed, moved or put in. Exit status 1 where one was; the first place is named."""
    sessions = opened()
    fault = accounts.audit_fault(sessions, load_settings(), head=kept)
    if fault is not None:
        raise LogBroken(fault, "Keep the database and its backups as they are, and tell who looks after commsapp.")
    with sessions.reading() as session:
        sequence = accounts.audit_head(session).partition(":")[0]
    if not kept and not (load_settings().data_dir / HEAD_FILE).is_file():
        raise LogBroken(
            f"The {sequence} events that are there are as they were written, but whether the end of the log is missing can't be "
            f"told: {load_settings().data_dir / HEAD_FILE} is not there.",
            "Give a head that was kept elsewhere: --head SEQUENCE:MAC.",
        )
    console().print(f"All {sequence} events are as they were written.")


COMMANDS = (audit_commands,)
