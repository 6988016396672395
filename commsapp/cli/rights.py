"""Commands for what people may ask for, and for how long what they said is kept."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from commsapp.accounts import service as accounts
from commsapp.accounts.service import local_actor
from commsapp.actor import Actor
from commsapp.cli.listening import WORDS, opened
from commsapp.cli.showing import as_json, console, table
from commsapp.config import load_settings
from commsapp.errors import BadInput, NotFound
from commsapp.inert import csv_text
from commsapp.listening import service as listening
from commsapp.storage.session import Session

PROGRAMME = click.option("--programme", "programme_name", required=True, type=WORDS, metavar="NAME")
NUMBER = click.option("--response", "number", type=int, metavar="N", help="Number of one of the person's responses here.")
KEY = click.option("--key", default="", type=WORDS, help="Key of the person as it stood in the export.")
EXPORT_ID = click.option("--id", "export_id", default="", type=WORDS, help="Id of the response in the export.")
WHY = click.option("--why", required=True, type=WORDS, help="The reason; it is kept in the audit log.")


@click.group("person")
def person_commands() -> None:
    """What one person said: show it, hand it over, erase it."""


def _found(session: Session, actor: Actor, programme_name: str, key: str, export_id: str, number: int | None) -> tuple[int, int]:
    """Programme and response of the one person that fits."""
    programme = listening.programme_named(session, actor, programme_name)
    found = listening.people(session, actor, programme.id, key=key, export_id=export_id, number=number, settings=load_settings())
    if not found:
        raise NotFound("Nobody fits.", "Check the key, the id or the number, and the programme.")
    if len(found) > 1:
        numbers = ", ".join(f"{one.response_id} ({one.channel})" for one in found)
        raise BadInput(f"{len(found)} persons fit: responses {numbers}.", "Name one with --response.")
    return programme.id, found[0].response_id


@person_commands.command("show")
@PROGRAMME
@KEY
@EXPORT_ID
@NUMBER
def show(programme_name: str, key: str, export_id: str, number: int | None) -> None:
    """Print everything that is kept of one person. The look is noted in the audit log."""
    _handed_out(programme_name, key, export_id, number, output=None, why="")


@person_commands.command("export")
@PROGRAMME
@KEY
@EXPORT_ID
@NUMBER
@click.option("--output", "-o", required=True, type=click.Path(path_type=Path), help="File to write: .json or .csv.")
@WHY
def export(programme_name: str, key: str, export_id: str, number: int | None, output: Path, why: str) -> None:
    """Write everything that is kept of one person into a file, to hand it over. It is noted in the audit log."""
    if output.suffix.lower() not in (".json", ".csv"):
        raise BadInput(f"{output.name} doesn't end in .json or .csv.", "Give it one of these endings.")
    if not output.resolve().parent.is_dir():
        raise BadInput(f"There is no folder {output.parent}.", "Make it, or write elsewhere.")
    _handed_out(programme_name, key, export_id, number, output=output, why=why)


def _handed_out(programme_name: str, key: str, export_id: str, number: int | None, *, output: Path | None, why: str) -> None:
    import json

    with opened().writing() as session:
        actor = local_actor(session)
        programme, response = _found(session, actor, programme_name, key, export_id, number)
        found = listening.person(session, actor, programme, response, as_written=True)
        accounts.note_reading(
            session,
            actor,
            kind="person",
            place="programme",
            place_id=programme,
            ids=[one.response_id for one in found.responses],
            levels=found.levels,
            action="export" if output else "read",
            why=why,
        )
    if output is None:
        as_json(listening.as_export(found))
        return
    content = (
        json.dumps(listening.as_export(found), ensure_ascii=False, indent=2)
        if output.suffix.lower() == ".json"
        else csv_text(["response", "what", "value"], listening.as_rows(found))
    )
    output.write_text(content, "utf-8", newline="")
    output.chmod(0o600)
    console().print(
        f"Written to {output}. It holds one person's words and may name others: read it, send it in a safe way, then delete it."
    )


@person_commands.command("erase")
@PROGRAMME
@KEY
@EXPORT_ID
@NUMBER
@WHY
@click.option("--yes", is_flag=True, help="Don't ask again.")
def erase(programme_name: str, key: str, export_id: str, number: int | None, why: str, yes: bool) -> None:
    """Erase everything that is kept of one person, for good; a later file doesn't bring it back."""
    sessions = opened()
    with sessions.reading() as session:
        actor = local_actor(session)
        programme, response = _found(session, actor, programme_name, key, export_id, number)
        found = listening.person(session, actor, programme, response)
    if not yes:
        click.confirm(f"Erase {len(found.responses)} responses of this person for good?", abort=True)
    gone = listening.erase_person(sessions, actor, programme, response, why=why, settings=load_settings())
    console().print(f"Erased: {_counted(gone)}.")


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{words}: {count:,}" for words, count in sorted(counts.items())) or "nothing"


@click.group("retention")
def retention_commands() -> None:
    """How long feedback channels keep what people said, and deleting what is past its time."""


@retention_commands.command("show")
@PROGRAMME
def show_retention(programme_name: str) -> None:
    """Say how long each feedback channel of a programme keeps what it heard."""
    with opened().reading() as session:
        actor = local_actor(session)
        programme = listening.programme_named(session, actor, programme_name)
        kept = listening.retentions(session, actor, programme.id)
    table(f"Retention in {programme.name}", ["Feedback channel", "How long"], [(one.channel, one.words) for one in kept])


@retention_commands.command("set")
@PROGRAMME
@click.option("--channel", "channel_name", required=True, type=WORDS, metavar="NAME", help="Feedback channel.")
@click.option("--until", metavar="YYYY-MM-DD", help="The last day on which it is kept.")
@click.option("--months", type=int, metavar="N", help="Keep each response so many months after its day.")
@click.option("--for-ever", is_flag=True, help="Take day and months away.")
@click.option("--why", default="", type=WORDS, help="The reason; it is kept in the audit log.")
def set_retention(
    programme_name: str, channel_name: str, until: str | None, months: int | None, for_ever: bool, why: str
) -> None:
    """Say how long a feedback channel keeps what it heard. What is past its time is deleted for good, within an hour."""
    if for_ever == bool(until or months is not None):
        raise BadInput("It is not clear how long the channel keeps what it heard.", "Give --until, --months or --for-ever.")
    try:
        day = datetime.strptime(until, "%Y-%m-%d").date() if until else None  # a day has no time zone
    except ValueError as error:
        raise BadInput(f"--until {until} is no day.", "Write it as 2027-03-31.") from error
    sessions = opened()
    with sessions.writing() as session:
        actor = local_actor(session)
        programme = listening.programme_named(session, actor, programme_name)
        channel = next((one for one in listening.channels(session, actor, programme.id) if one.name == channel_name), None)
        if channel is None:
            raise NotFound(f"There is no channel '{channel_name}' in {programme.name}.", "See 'commsapp retention show'.")
        kept = listening.set_retention(session, actor, programme.id, channel.id, until=day, months=months, why=why)
    listening.write_decided(sessions, load_settings().data_dir)
    console().print(f"{kept.channel}: {kept.words}.")


@retention_commands.command("run")
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")
def run(dry_run: bool) -> None:
    """Delete what is past its time, now and for good. The worker does so by itself every hour."""
    due = listening.run_retention(opened(), settings=load_settings(), dry_run=dry_run)
    if not due:
        console().print("Nothing is past its time.")
        return
    rows = [(one.channel, _counted(one.counts)) for one in due]
    table("Would be deleted" if dry_run else "Deleted", ["Feedback channel", "What"], rows)


COMMANDS = (person_commands, retention_commands)
