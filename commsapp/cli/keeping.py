"""Commands that keep what was heard safe: a backup, and bringing it back."""

from __future__ import annotations

from pathlib import Path

import click

from commsapp.cli.showing import console, progress, table
from commsapp.config import load_settings
from commsapp.storage.backup import Backup, read_backup, write_backup
from commsapp.storage.database import upgrade
from commsapp.storage.restore import restore_backup
from commsapp.storage.session import sessions_of


@click.command("backup")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
def backup(path: Path) -> None:
    """Write everything that commsapp holds to FILE, while others go on working, and check it from end to end.

    It holds people's words: keep it as safe as the database. The key (secret.key in the data folder, or
    COMMSAPP_SECRET_KEY) is not in it: keep a copy of that elsewhere, since without it a backup can't be brought back.
    """
    settings = load_settings()
    upgrade(settings.database_url)
    with progress() as tell:
        made = write_backup(
            sessions_of(settings),
            data_dir=settings.data_dir,
            secret_key=settings.secret_key,
            path=path,
            progress=tell,
        )
    _show(made)
    console().print(f"Written to {path} and checked. Keep a copy of the key elsewhere: it is not in the backup.")


@click.command("restore")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--check", "check_only", is_flag=True, help="Only check the file; nothing is restored.")
def restore(path: Path, check_only: bool) -> None:
    """Bring a backup back into an empty database, SQLite or PostgreSQL, whichever it came from.

    Nothing that is there is overwritten or mixed: where the database holds something, set COMMSAPP_DATABASE_URL and
    COMMSAPP_DATA_DIR to empty ones first. The key of the time of the backup is needed.
    """
    settings = load_settings()
    if check_only:
        _show(read_backup(path, secret_key=settings.secret_key))
        console().print(f"{path} is whole, and the key in use here fits.")
        return
    with progress() as tell:
        found = restore_backup(
            settings.database_url, data_dir=settings.data_dir, secret_key=settings.secret_key, path=path, progress=tell
        )
    _show(found)
    console().print("Restored, and the same as the backup in every table. Files that waited for their import are not in it.")


def _show(found: Backup) -> None:
    rows = [(name, count) for name, count in sorted(found.rows.items()) if count]
    table(f"Backup of {found.made_at:%d %B %Y, %H:%M} UTC", ["Table", "Rows#"], rows)


COMMANDS = (backup, restore)
