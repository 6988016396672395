"""Errors that people can act on: one sentence, the place, and what to do next.

Any module may raise these; only the edges (web, api, cli, worker) turn them into a page, a reply or an exit status.
"""

from __future__ import annotations

import traceback


class CommsappError(Exception):
    """Something a person can mend. ``str(error)`` is one or two whole sentences: what is wrong and where, then the cure.

    Parameters
    ----------
    problem : what is wrong, naming the place ('Row 12 of survey.csv has no text.').
    cure : what to do next ('Choose the column that holds the comments.'); may be empty.

    """

    def __init__(self, problem: str, cure: str = "") -> None:
        super().__init__(f"{problem} {cure}".strip())
        self.problem = problem
        self.cure = cure


class BadInput(CommsappError):
    """A file, a setting or a form field that can't be used as it is."""


class Ambiguous(BadInput):
    """Something that can be read in two ways and is asked about, never guessed.

    ``field`` names what is asked (for example ``date_order``), ``choices`` the values that settle it.
    """

    def __init__(self, problem: str, cure: str, *, field: str, choices: tuple[str, ...]) -> None:
        super().__init__(problem, cure)
        self.field = field
        self.choices = choices


class NotFound(CommsappError):
    """There is no such thing, or it is not for the one who asks; the two look alike on purpose."""


class NotAllowed(CommsappError):
    """The one who asks may not do this."""


class NotSignedIn(CommsappError):
    """Nobody is signed in, or the sign-in or token has ended; pages lead to where one signs in."""


class TooOften(CommsappError):
    """Something that could be guessing was tried too often. ``seconds`` is how long to wait."""

    def __init__(self, *, seconds: int) -> None:
        minutes = -(-seconds // 60)
        wait = f"{seconds} seconds" if seconds < 90 else f"{minutes} minutes"
        super().__init__("That was tried too often from here.", f"Wait {wait}, then try again.")
        self.seconds = seconds


class Conflict(CommsappError):
    """Somebody else changed it first, or it exists already."""


class Unavailable(CommsappError):
    """A part that is needed does not answer (database, model files, queue)."""


def traceback_without_words(error: BaseException) -> str:
    """Where an error came from, line by line, without its own words: those may quote what people said (a row not stored)."""
    lines: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(lines) < 200:
        lines += [f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in traceback.extract_tb(cause.__traceback__)]
        lines.append(f"{type(cause).__module__}.{type(cause).__name__}")
        cause = cause.__cause__ or cause.__context__
    return "\n".join(lines)
