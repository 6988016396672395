"""How the command line shows things: tables, progress, JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from commsapp.listening.redaction.redactor import NAMES_MISSING
from commsapp.listening.views import Progress as Tell
from commsapp.textmodels.names import installed


def console(*, error: bool = False) -> Console:
    """A console for people; progress and notes go to standard error, so that standard output can be piped.

    No markup and no emoji names: file names, columns and comments may have square brackets and colons in them.
    """
    return Console(stderr=error, highlight=False, soft_wrap=not error, markup=False, emoji=False)


def table(title: str, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Print a table; columns whose name ends in '#' hold numbers and stand to the right."""
    shown = Table(title=Text(title), title_justify="left", title_style="bold", header_style="bold", pad_edge=False)
    for column in columns:
        shown.add_column(column.removesuffix("#"), justify="right" if column.endswith("#") else "left", overflow="fold")
    for row in rows:
        shown.add_row(*[Text(str(cell)) for cell in row])
    Console(highlight=False).print(shown)


def tell_names_missing() -> None:
    """Say on standard error that names are not taken out, where the model of names is not installed."""
    if not installed():
        console(error=True).print(NAMES_MISSING)


def as_json(value: Any) -> None:
    """Print JSON that a program may read."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str, allow_nan=False))


@contextmanager
def progress() -> Iterator[Tell]:
    """A progress bar on standard error: a stage in plain words, how much is done, how long it has taken."""
    columns = (
        TextColumn("{task.description:<24}"),
        BarColumn(bar_width=32),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console(error=True), transient=True) as bar:
        task = bar.add_task("Starting", total=None)

        def tell(stage: str, done: int, total: int) -> None:
            bar.update(task, description=stage, completed=done, total=total or None)

        yield tell


def share(value: float) -> str:
    """A share as people read it: 34 %."""
    return f"{100 * value:.0f} %"


def interval(value: float, low: float, high: float) -> str:
    """A share with its interval: 34 % (28 to 40 %)."""
    return f"{100 * value:.0f} % ({100 * low:.0f} to {100 * high:.0f} %)"
