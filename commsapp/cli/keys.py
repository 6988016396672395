"""Commands for the keys that people's words are sealed with."""

from __future__ import annotations

from pathlib import Path

import click

from commsapp.accounts import service as accounts
from commsapp.cli.listening import opened
from commsapp.cli.showing import console, progress, table
from commsapp.config import load_settings
from commsapp.errors import BadInput, CommsappError
from commsapp.storage.keyring import Keyring, open_keyring
from commsapp.storage.rotating import WAIT_SECONDS, forget_in_copy, rotate
from commsapp.storage.sealing import check, holders


@click.group("keys")
def keys() -> None:
    """Look after the keys that people's words are sealed with."""


@keys.command("list")
def list_keys() -> None:
    """List the keys, what each seals, and those that were taken away for good."""
    sessions = opened()
    names = holders(sessions)
    rows = [
        (
            key.id,
            names.get(key.family, "nothing any more"),
            key.version,
            f"{key.made_at:%d %B %Y}",
            "yes" if key.newest else "old",
        )
        for key in sessions.keyring.all_keys()
    ]
    table(f"Keys in {sessions.keyring.folder}", ["Key", "Seals", "Version#", "Made", "In use"], rows)
    for stone in sessions.keyring.forgotten():
        console().print(f"Taken away for good on {stone.at:%d %B %Y}: {names.get(stone.family, 'a feedback channel')}.")


@keys.command("check")
def check_keys() -> None:
    """Open every sealed value, and say whether all can be read."""
    sessions = opened()
    with progress() as tell:
        found = check(sessions, sessions.keyring, progress=tell)
    console().print(
        f"{found.readable:,} values can be read, {found.plain:,} are still plain, {found.forgotten:,} were deleted by key."
    )
    if found.unreadable:
        raise CommsappError(
            f"Some can't be read: {'; '.join(found.unreadable)}.", "Bring their keys back from a copy (FILE.keys)."
        )


@keys.command("rotate")
@click.option(
    "--wait",
    type=click.FloatRange(min=0),
    default=WAIT_SECONDS,
    show_default=True,
    help="Seconds until other processes have seen the new keys; 120 where machines share the folder over a network.",
)
def rotate_keys(wait: float) -> None:
    """Make new keys, seal everything with them while others work, and take the old keys away.

    Run it again where it was stopped: it goes on. Backups from before need their own FILE.keys.
    """
    settings = load_settings()
    sessions = opened()
    with progress() as tell:
        done = rotate(sessions, sessions.keyring, data_dir=settings.data_dir, wait=wait, progress=tell)
    with sessions.writing() as session:
        accounts.note(session, accounts.local_actor(session), action="rotate", subject="keys", after={"keys": done.keys})
    console().print(
        f"{done.keys} new keys; {done.values:,} values and {done.embeddings:,} embeddings were sealed anew; "
        f"{done.dropped} old keys are gone. Make a backup now."
    )


@keys.command("rewrap")
def rewrap_keys() -> None:
    """Wrap the keys by a new secret key (COMMSAPP_SECRET_KEY); the old one is given as COMMSAPP_OLD_SECRET_KEY.

    Stop commsapp before. Nothing that is sealed changes, and codings and respondents are known as before.
    """
    settings = load_settings()
    if not settings.old_secret_key:
        raise BadInput("COMMSAPP_OLD_SECRET_KEY is not set.", "Set it to the secret key that the keys are wrapped by now.")
    count = Keyring(settings.keys_folder, settings.secret_key).rewrap(settings.old_secret_key)
    console().print(f"{count} keys are wrapped by the new secret key. Unset COMMSAPP_OLD_SECRET_KEY, and make a backup.")


@keys.command("forget-copies")
@click.argument("paths", metavar="FILE.keys...", nargs=-1, required=True, type=click.Path(path_type=Path))
def forget_copies(paths: tuple[Path, ...]) -> None:
    """Take out of copies of the keys (FILE.keys) what was taken away here for good, so that old backups can't be read either."""
    keyring = open_keyring(load_settings())
    for path in paths:
        count = forget_in_copy(keyring, path)
        console().print(f"{path}: {count} keys taken out." if count else f"{path}: nothing to take out.")


COMMANDS = (keys,)
