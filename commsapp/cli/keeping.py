"""Commands that keep what was heard safe: a backup, and bringing it back."""

from __future__ import annotations

from pathlib import Path

import click

from commsapp.accounts import service as accounts
from commsapp.accounts.service import local_actor
from commsapp.accounts.views import Person
from commsapp.cli.listening import opened
from commsapp.cli.showing import console, progress, table
from commsapp.config import load_settings
from commsapp.errors import BadInput
from commsapp.listening import service as listening
from commsapp.storage.backup import Backup, read_backup, write_backup
from commsapp.storage.keyring import open_keyring
from commsapp.storage.restore import restore_backup
from commsapp.storage.session import sessions_of


@click.command("backup")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
def backup(path: Path) -> None:
    """Write everything that commsapp holds to FILE, while others go on working, and check it from end to end.

    People's words in it are sealed. Their keys are written beside it, to FILE.keys, wrapped by the secret key (secret.key in
    the data folder, or COMMSAPP_SECRET_KEY), which is in neither. Keep the three apart: all of them are needed to bring a
    backup back.
    """
    settings = load_settings()
    keyring = open_keyring(settings)
    sessions = opened()
    with progress() as tell:
        made = write_backup(
            sessions,
            data_dir=settings.data_dir,
            keyring=keyring,
            path=path,
            progress=tell,
        )
    with sessions.writing() as session:
        accounts.note(session, local_actor(session), action="export", subject="backup", after={"file": path.name})
    _show(made)
    console().print(f"Written to {path} and checked. Its keys are in {made.keys}: keep them elsewhere, and the secret key too.")
    erased = settings.data_dir / listening.ERASED
    console().print(f"Keep {erased} as it grows: with it, who is erased later stays erased when this is brought back.")


@click.command("restore")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--check", "check_only", is_flag=True, help="Only check the file; nothing is restored.")
@click.option(
    "--keys",
    metavar="FILE.keys",
    type=click.Path(path_type=Path),
    help="The keys that were written beside the backup, where this machine doesn't have them.",
)
@click.option(
    "--erased", type=click.Path(path_type=Path), help="List of what was decided since [default: 'erased' in the data folder]."
)
def restore(path: Path, check_only: bool, keys: Path | None, erased: Path | None) -> None:
    """Bring a backup back into an empty database, SQLite or PostgreSQL, whichever it came from.

    Nothing that is there is overwritten or mixed: where the database holds something, set COMMSAPP_DATABASE_URL and
    COMMSAPP_DATA_DIR to empty ones first. The secret key of the time of the backup is needed, and its keys (--keys). Who was
    erased since the backup was made is erased again, and consent and handling levels stand as they were decided since, where the
    file 'erased' of the data folder of that time is at hand.
    """
    settings = load_settings()
    if erased is not None and not erased.is_file():
        raise BadInput(f"There is no file {erased}.", "Check its name.")
    keyring = open_keyring(settings)
    if check_only:
        _show(read_backup(path, keyring=keyring))
        console().print(f"{path} is whole, and the keys in use here fit.")
        return
    with progress() as tell:
        found = restore_backup(
            settings.database_url, data_dir=settings.data_dir, keyring=keyring, path=path, keys=keys, progress=tell
        )
    list_of = erased or settings.data_dir / listening.ERASED
    known = list_of.is_file()  # asked first: a list of what the backup itself holds is written in its place
    sessions = sessions_of(settings)
    gone = listening.erase_again(sessions, settings, list_of)
    with sessions.writing() as session:
        people, channels = accounts.end_every_way_in(session), listening.every_retention(session)
    _show(found)
    console().print("Restored, and the same as the backup in every table. Files that waited for their import are not in it.")
    if gone:
        console().print(f"{gone} responses follow again what was decided since: erased, consent taken back, or another level.")
    table("Who can sign in", ["Name", "E-mail", "Role", "Cleared for"], [_person(one) for one in people])
    console().print(
        "Everybody is signed out, and no token and no link holds. Deactivate and clear again whom you had since then."
    )
    table("How long each feedback channel is kept; the worker deletes the rest", ["Feedback channel", "Kept"], channels)
    if not known:
        console().print(
            f"There is no list of what was decided since ({list_of}): whoever was erased after this backup was made is back, "
            "consent that was withdrawn since counts again, and channels are kept as long as they were then. Where you have that "
            "file, restore with --erased, into another empty database and data folder."
        )


def _person(one: Person) -> tuple[str, str, str, str]:
    levels = ", ".join([*one.cleared.levels, *(["words before redaction"] if one.cleared.originals else [])])
    return one.name, one.email, one.role, levels


def _show(found: Backup) -> None:
    rows = [(name, count) for name, count in sorted(found.rows.items()) if count]
    table(f"Backup of {found.made_at:%d %B %Y, %H:%M} UTC", ["Table", "Rows#"], rows)


COMMANDS = (backup, restore)
