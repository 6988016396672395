"""Which words of a text carried its coding: each is taken out in turn, and what the models then say is compared (occlusion).

It explains the model, not the person. Words are taken out one by one, so what works only together is missed: of two words that
say the same, neither counts, as the other stays.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from commsapp.textmodels.clusters import similarities
from commsapp.textmodels.codebook import CodebookDraft
from commsapp.textmodels.windows import Floats, Progress

MOST = 60
"""Words that are taken out of a long text, chosen by a pass over its sentences."""
LETTERS = 20_000
"""Of a text that is longer only the first part is explained, as it is read again for each sentence and word."""
MOST_SENTENCES = 200
"""Sentences that this pass takes out, spread over the text."""

_LONGEST_SENTENCE = 20
_LONGEST_MARK = 100
_AT_ONCE = 30
_MARK = r"\[[^\[\]]*\]"
_WORD = re.compile(rf"{_MARK}|[^\W_]+(?:['’\-][^\W_]+)*|[\u2600-\u27bf\U0001f000-\U0001faff]")
_END = re.compile(r"[.!?…](?=\s|$)|\n+")
# They turn or strengthen the word that follows, and are taken out together with it.
_LEADING = frozenset({"not", "no", "never", "very", "so", "too", "really", "hardly", "without", "nobody", "nothing"})

Odds = npt.NDArray[np.float64]
Margins = Callable[[list[str]], Odds]


@dataclass(frozen=True, eq=False)
class Weighed:
    """What taking words out does to a text's coding.

    ``spans`` are where the k words or short phrases stand; ``changes`` (k, targets) by how much each target falls without them:
    above 0 the words carried it. ``limited`` says that a long text had more words than were tried, ``letters`` how many of its
    letters were read.
    """

    spans: tuple[tuple[int, int], ...]
    changes: Odds
    limited: bool
    letters: int


def phrases(text: str) -> list[tuple[int, int]]:
    """Where the words of a text stand, a word such as 'not' together with the one after it; nothing of [what was taken out]."""
    found: list[tuple[int, int]] = []
    joined: int | None = None
    end = 0
    for match in _WORD.finditer(text):
        if match.group().startswith("["):
            joined = None
            continue
        if joined is not None and text[end : match.start()].strip():
            joined = None  # a comma stands between them
        start = match.start() if joined is None else joined
        if joined is not None:
            found.pop()
        found.append((start, match.end()))
        word = match.group().lower().replace("’", "'")
        joined = start if word in _LEADING or word.endswith("n't") else None
        end = match.end()
    return found


def weigh(text: str, *, read: Callable[[str], str], margins: Margins, progress: Progress | None = None) -> Weighed:
    """Take each word or short phrase of a text out in turn and see how the targets change.

    Parameters
    ----------
    text : as people see it. read : what the models read of it.
    margins : (n, targets) for n texts as the models read them, such as the log-odds of a label.
    progress : called with (texts done, texts in all).

    """
    whole = len(text)
    text, spans = _first_part(text)
    limited = len(text) < whole or len(spans) > MOST
    base = margins([read(text)])[0]
    sentences = _spread(_sentences(text, spans)) if len(spans) > MOST else []
    total = len(sentences) + min(len(spans), MOST)

    def falls(taken: Sequence[tuple[int, int]], done: int) -> Odds:
        found = [np.zeros((0, len(base)))]
        for some in _portions(taken):
            found.append(base - margins([read(_without(text, span)) for span in some]))
            done += len(some)
            if progress is not None:
                progress(done, total)
        return np.concatenate(found)

    if sentences:
        change = np.abs(falls([(own[0][0], own[-1][1]) for own in sentences], 0))
        # Each target has its own scale: a sentence is as promising as the target that it changes most.
        order = np.argsort(-(change / np.maximum(change.max(0), 1e-9)).max(1), kind="stable")
        spans = sorted([span for number in order for span in sentences[number]][:MOST])
    return Weighed(tuple(spans), falls(spans, len(sentences)), limited, len(text))


def log_odds(odds: Odds) -> Odds:
    """Probabilities as log-odds, on which changes near 0 and 1 are as large as they are in the middle."""
    kept = np.clip(odds, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(kept / (1 - kept)))


def topic_margins(codebook: CodebookDraft, embeddings: Floats, number: int) -> Odds:
    """How much nearer each text lies to a topic's nearest prototype than to that of the best other topic."""
    near = np.stack([similarities(embeddings, topic.middles).max(1) for topic in codebook.topics], 1).astype(np.float64)
    own = np.array([topic.number == number for topic in codebook.topics])
    others = near[:, ~own].max(1) if (~own).any() else np.zeros(len(near))
    return np.asarray(near[:, own].max(1) - others)


def _first_part(text: str) -> tuple[str, list[tuple[int, int]]]:
    """As much of a text as is explained, and where its words stand; of what is longer, up to the last whole word."""
    spans = [span for span in phrases(text[: LETTERS + _LONGEST_MARK]) if span[1] <= LETTERS]
    if len(text) <= LETTERS:
        return text, spans
    return text[: spans[-1][1] if spans else LETTERS], spans


def _portions(spans: Sequence[tuple[int, int]]) -> Iterator[Sequence[tuple[int, int]]]:
    return (spans[start : start + _AT_ONCE] for start in range(0, len(spans), _AT_ONCE))


def _spread(sentences: list[list[tuple[int, int]]]) -> list[list[tuple[int, int]]]:
    """All sentences, or the most that are tried, at equal distances."""
    if len(sentences) <= MOST_SENTENCES:
        return sentences
    return [sentences[number * len(sentences) // MOST_SENTENCES] for number in range(MOST_SENTENCES)]


def _sentences(text: str, spans: Sequence[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """Words by sentence; one that doesn't end is cut."""
    ends = [match.end() for match in _END.finditer(text)]
    found: list[list[tuple[int, int]]] = [[]]
    for span in spans:
        last = found[-1]
        if last:
            following = bisect_left(ends, last[-1][1])
            ended = following < len(ends) and ends[following] <= span[0]
            if ended or len(last) >= _LONGEST_SENTENCE:
                found.append([])
        found[-1].append(span)
    return [own for own in found if own]


def _without(text: str, span: tuple[int, int]) -> str:
    return f"{text[: span[0]]} {text[span[1] :]}"
