"""Errors that people can act on: one sentence, the place, and what to do next.

Any module may raise these; only the edges (web, api, cli, worker) turn them into a page, a reply or an exit status.
"""

from __future__ import annotations


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


class Conflict(CommsappError):
    """Somebody else changed it first, or it exists already."""


class Unavailable(CommsappError):
    """A part that is needed does not answer (database, model files, queue)."""
