"""The one who takes things out: patterns first, then names and streets by cues and, where it is installed, by the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from commsapp.listening.redaction import cues, deciding, patterns
from commsapp.listening.redaction.folding import fold, resolved
from commsapp.listening.redaction.kinds import apply
from commsapp.textmodels.language import UNKNOWN, detect
from commsapp.textmodels.names import NameModel, Word, installed, load_names

PATTERNS = "patterns-1"
"""Version of everything here but the model: raise it when a pattern, a cue, a list or a threshold changes."""

BATCH = 1_024
_REMEMBERED = 20_000


class Redactor:
    """Takes names, numbers and addresses out of texts.

    ``version`` says with what; ``names`` whether the model of names is among it. What it did to a text it remembers, so equal
    texts cost once.
    """

    def __init__(self, model: NameModel | None) -> None:
        self._model = model
        self._known: dict[str, str] = {}
        self.names = model is not None
        self.version = PATTERNS if model is None else f"{PATTERNS}+{model.version}"

    def redact(self, texts: Sequence[str], progress: Callable[[int, int], None] | None = None) -> list[str]:
        """Texts with '[name]', '[phone number]' … in place of what was taken out; entities of web pages are resolved.

        Parameters
        ----------
        texts : any length; empty ones stay empty.
        progress : called with (distinct texts done, distinct texts in all).

        """
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        found: dict[str, str] = {}
        for start in range(0, len(new), BATCH):
            some = new[start : start + BATCH]
            found.update(zip(some, self._redacted(some), strict=True))
            if progress is not None:
                progress(len(found), len(new))
        whole = [found[text] if text in found else self._known[text] for text in texts]
        if len(self._known) + len(found) > _REMEMBERED:
            self._known.clear()
        self._known.update(found)
        return whole

    def one(self, text: str) -> str:
        """A single text, see `redact`."""
        return self.redact([text])[0]

    def _redacted(self, texts: list[str]) -> list[str]:
        plain = [by_patterns(text) for text in texts]
        folded = [fold(text) for text in plain]
        words = self._model.words([one.text for one in folded]) if self._model else [[] for _ in texts]
        redacted = []
        for text, read, marked in zip(plain, folded, words, strict=True):
            spans = [*cues.find(read.text), *deciding.spans(read.text, marked, english=_english(read.text, marked))]
            redacted.append(apply(text, [read.back(span) for span in deciding.together(read.text, spans)]))
        return redacted


def _english(text: str, words: Sequence[Word]) -> bool:
    """Whether a text is English, or says too little to tell; asked only where the model marked something."""
    if not any(word.name >= deciding.CAPITAL for word in words):
        return True
    return detect([text])[0].code in ("en", UNKNOWN)


_ROUNDS = 3


def by_patterns(text: str) -> str:
    """A text without what has a form of its own: numbers, addresses of mail and web. Costs microseconds.

    What stands beside something that was taken out may only then look like a number, so it is read until nothing is found.
    """
    text = resolved(text)
    for _ in range(_ROUNDS):
        read = fold(text)
        spans = patterns.find(read.text)
        if not spans:
            break
        text = apply(text, [read.back(span) for span in spans])
    return text


def without_names() -> Redactor:
    """Patterns and cues alone."""
    return Redactor(None)


def load_redactor() -> Redactor:
    """The best redactor that is installed: with the model of names, or where that is not here, with patterns and cues alone.

    Raises
    ------
    Unavailable : the model's files are here, but broken or changed; nobody should believe that names were taken out.

    """
    return Redactor(load_names()) if installed() else without_names()


NAMES_MISSING = (
    "Names are taken out only where words such as ‘Mr’ or ‘my name is’ give them away: the model of names is not installed. "
    "Run ‘python tools/names_model.py’."
)
