"""The command line: translates words into service calls and results into tables or JSON; decides nothing itself.

What may come in: commands, their options, how they print. What may not: SQL, text models, anything a page would need too.
Exit status: 0 done, 1 went wrong, 2 something must be decided or mended by whoever typed it.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence

import click

from commsapp import __version__
from commsapp.cli import auditing, coding, demo, keeping, keys, listening, people, rights, serving, tokens
from commsapp.errors import BadInput, CommsappError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="commsapp")
def commands() -> None:
    """Listen, plan and evaluate: communication against serious organised crime."""


for part in (coding, listening, serving, keeping, keys, people, tokens, auditing, rights, demo):
    for command in part.COMMANDS:
        commands.add_command(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit; errors that people can act on are one sentence on standard error, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that can't show a letter is no reason to stop
    try:
        commands.main(args=arguments, prog_name="commsapp", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("Stopped.", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except CommsappError as error:
        click.echo(str(error), err=True)
        sys.exit(2 if isinstance(error, BadInput) else 1)
    except BrokenPipeError:
        sys.exit(1)
    except KeyboardInterrupt:
        click.echo("Stopped.", err=True)
        sys.exit(130)
    sys.exit(0)
