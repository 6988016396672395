"""A text as patterns read it: plain digits, spaces and hyphens, nothing invisible, with the way back to the text as it is."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from commsapp.listening.redaction.kinds import MARK, Span

WALL = "\x1f"
"""Stands where something was taken out before: part of no word and no number."""

_ROUNDS = 4
_APOSTROPHES = "'\u2018\u2019\u02bc\u2032`\u00b4"


class _Table(dict[str, str]):
    """Character → what patterns read in its place, worked out once."""

    def __missing__(self, character: str) -> str:
        self[character] = folded = _fold(character)
        return folded


def _fold(character: str) -> str:
    if character.isspace() or character in "\u2800\u3164\u115f\u1160\uffa0":  # letters by name, blank to the eye
        return " "
    if character in _APOSTROPHES:
        return "'"
    category = unicodedata.category(character)
    if category in ("Cf", "Mn", "Me"):  # zero-width, bidi marks, soft hyphen, combining marks
        return ""
    if category == "Pd" or character in "\u2212\u00ad\u2043":
        return "-"
    digit = unicodedata.digit(character, None)
    if digit is not None:
        return str(digit)
    plain = unicodedata.normalize("NFKC", character)
    return "".join(one for one in plain if unicodedata.category(one) not in ("Mn", "Me")) if len(plain) > 1 else plain


_TABLE = _Table()


@dataclass(frozen=True)
class Folded:
    """A text as patterns read it; ``at[i]`` is where its i-th character lies in the text as it is, None where all are alike."""

    text: str
    at: Sequence[int] | None

    def back(self, span: Span) -> Span:
        """A span of the folded text in the text as it is, with what is invisible inside of it."""
        if self.at is None:
            return span
        return Span(self.at[span.start], self.at[span.end - 1] + 1, span.kind)


def resolved(text: str) -> str:
    """A text with the entities of web pages resolved, also those that were written twice: '&amp;#48;' is '0'."""
    for _ in range(_ROUNDS):
        if "&" not in text:
            return text
        once = html.unescape(text)
        if once == text:
            return text
        text = once
    # Nobody writes this by chance, and no later reader of it should find a number that was not looked at.
    return text.replace("&", "+")


def fold(text: str) -> Folded:
    """A text as patterns read it."""
    if text.isascii():
        plain = text.translate(_ASCII)
        return Folded(_walled(plain), None)
    folded: list[str] = []
    at: list[int] = []
    for place, character in enumerate(text):
        new = _TABLE[character]
        folded.append(new)
        at += [place] * len(new)
    return Folded(_walled("".join(folded)), at)


_ASCII = {ord(c): " " for c in "\t\n\r\x0b\x0c\x1c\x1d\x1e\x1f"} | {ord("`"): "'"}


def _walled(text: str) -> str:
    return MARK.sub(lambda found: WALL * len(found[0]), text) if "[" in text else text
