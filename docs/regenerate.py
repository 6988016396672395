"""Write the parts of the documentation that are read off the code: ``python docs/regenerate.py`` (``--check`` only compares).

docs/commands.md is made whole from the help of every command; docs/settings.md has its table between two marks.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from commsapp.cli import commands
from commsapp.config import SETTINGS

DOCS = Path(__file__).resolve().parent
WIDTH = 100
MARKS = ("<!-- from commsapp.config: python docs/regenerate.py -->", "<!-- end -->")

HEADING = """# Commands

This page is made by `python docs/regenerate.py` from the help of each command. Don't edit it: edit the command.

Results go to standard output; progress, notes and errors go to standard error, so output can be piped.
Exit status: 0 done, 1 went wrong, 2 something must be decided or mended first (one sentence says what), 130 stopped with Ctrl-C.
"""


def main() -> int:
    """Write what is out of date, or with ``--check`` say what would be written; the exit status."""
    stale = [path for path, text in pages().items() if not path.is_file() or path.read_text("utf-8") != text]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path.name} is out of date: run 'python docs/regenerate.py'")
        return 1 if stale else 0
    for path in stale:
        path.write_text(pages()[path], "utf-8")
        print(f"Written: {path.name}")
    return 0


def pages() -> dict[Path, str]:
    """Each page that is read off the code, as it should be now."""
    settings = DOCS / "settings.md"
    return {DOCS / "commands.md": commands_page(), settings: with_table(settings.read_text("utf-8"))}


def commands_page() -> str:
    """Every command with its help, in the order of their names."""
    settings = {name: value for name, value in commands.context_settings.items() if name == "help_option_names"}
    parts = [HEADING]
    for context in walk(click.Context(commands, info_name="commsapp", terminal_width=WIDTH, **settings)):
        parts.append(f"## {context.command_path}\n\n```text\n{context.get_help()}\n```\n")
    return "\n".join(parts)


def walk(context: click.Context) -> Iterator[click.Context]:
    """A command and everything below it."""
    yield context
    if isinstance(context.command, click.Group):
        for name in context.command.list_commands(context):
            command = context.command.get_command(context, name)
            assert command is not None
            yield from walk(click.Context(command, info_name=name, parent=context, terminal_width=WIDTH))


def with_table(page: str) -> str:
    """The page about settings with its table made anew."""
    rows = "\n".join(f"| `{name}` | {meaning} |" for name, meaning in SETTINGS.items())
    table = f"{MARKS[0]}\n| Setting | What it is |\n|---|---|\n{rows}\n{MARKS[1]}"
    made, found = re.subn(f"{re.escape(MARKS[0])}.*?{re.escape(MARKS[1])}", lambda _: table, page, flags=re.DOTALL)
    if found != 1:
        raise SystemExit("docs/settings.md must hold its two marks once.")
    return made


if __name__ == "__main__":
    sys.exit(main())
