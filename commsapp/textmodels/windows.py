"""Texts of any length through a transformer, so that a text gets the same numbers alone and in any batch.

Each text is cut into windows, and a window's length is rounded up to one of a few lengths. Where results depend on the shape of
what is computed together (others' classifiers, in floating point by torch or ONNX Runtime), each length is always computed in a
block of the same size, filled up with idle rows when there are not enough windows. Our own models need none, as what is added up
there are whole numbers, see `commsapp.textmodels.layers`.

Measured on this in 32 bits (torch 2.13, AVX-512, 400 tweets): embeddings of blocks in another order, of a text alone in another
row, and with 1 or 2 threads were equal to the last bit, while plain batches are not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from commsapp.textmodels.layers import spread

WINDOW = 256
"""Tokens in a window, the two special ones included: what the encoder was trained on."""

BLOCK = 512
"""Tokens computed together."""

# Few lengths keep the number of half-empty blocks small; steps of an eighth to a quarter keep padding small.
LENGTHS = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256)
_LETTERS_AT_ONCE = 65_536

Floats = npt.NDArray[np.float32]
Progress = Callable[[int, int], None]
Tokens = list[int]


@dataclass
class _Open:
    """A text some of whose windows are still to be computed."""

    weights: list[int]
    results: list[Floats | None] = field(default_factory=list)
    missing: int = 0


def split(tokens: Sequence[int], size: int = WINDOW - 2) -> list[Tokens]:
    """Cut tokens into as few windows as fit, all of nearly the same length.

    They don't overlap, so that each token counts once; equal lengths leave no short rest that is read out of its context.
    """
    count = max(1, math.ceil(len(tokens) / size))
    ends = [len(tokens) * k // count for k in range(count + 1)]
    return [list(tokens[a:b]) for a, b in pairwise(ends)]


def run(
    texts: Sequence[str],
    *,
    tokenize: Callable[[list[str]], list[Tokens]],
    special: tuple[int, int],
    compute: Callable[[npt.NDArray[np.int64], npt.NDArray[np.int64]], Floats],
    exact: bool = False,
    progress: Progress | None = None,
) -> Iterator[tuple[int, npt.NDArray[np.float64]]]:
    """Yield (position, mean over the text's windows weighted by their tokens), in the order in which texts are finished.

    ``tokenize`` gives token ids without special tokens, ``special`` are the ids that open and close a window, ``compute`` takes
    token ids and mask, both (rows, length), and returns one row of numbers for each. ``exact`` says that its rows depend on
    nothing but their own tokens and the length (`commsapp.textmodels.layers`): then no idle rows are needed, and blocks are
    computed side by side. Memory holds some tens of thousands of letters at a time, or one text.
    """
    opened: dict[int, _Open] = {}
    done = 0
    blocks = _blocks(texts, tokenize, opened)

    def rows_of(block: _Block) -> Floats:
        windows = [tokens for _, _, tokens in block.windows]
        return _computed(compute, windows, block.length, special, len(windows) if exact else BLOCK // block.length)

    for block, rows in spread(rows_of, blocks) if exact else ((block, rows_of(block)) for block in blocks):
        for (position, window, _), row in zip(block.windows, rows, strict=False):
            text = opened[position]
            text.results[window] = row
            text.missing -= 1
            if not text.missing:
                done += 1
                yield position, _mean(opened.pop(position))
                if progress is not None:
                    progress(done, len(texts))


@dataclass(frozen=True)
class _Block:
    """Windows (position of the text, number of the window, tokens) that are padded to one length."""

    length: int
    windows: list[tuple[int, int, Tokens]]


def _blocks(texts: Sequence[str], tokenize: Callable[[list[str]], list[Tokens]], opened: dict[int, _Open]) -> Iterator[_Block]:
    """Full blocks as they fill up, then the others; ``opened`` gets each text whose windows are in them."""
    waiting: dict[int, list[tuple[int, int, Tokens]]] = {length: [] for length in LENGTHS}
    for position, windows in _windows(texts, tokenize):
        opened[position] = _Open([max(1, len(w)) for w in windows], [None] * len(windows), len(windows))
        for number, window in enumerate(windows):
            length = next(length for length in LENGTHS if length >= len(window) + 2)
            waiting[length].append((position, number, window))
            if len(waiting[length]) == BLOCK // length:
                yield _Block(length, waiting[length])
                waiting[length] = []
    yield from (_Block(length, windows) for length, windows in waiting.items() if windows)


def _windows(texts: Sequence[str], tokenize: Callable[[list[str]], list[Tokens]]) -> Iterable[tuple[int, list[Tokens]]]:
    for start, some in _portions(texts):
        for offset, tokens in enumerate(tokenize(some)):
            yield start + offset, split(tokens)


def _portions(texts: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """(position of the first, texts) with at most so many letters together, or a single text."""
    start, letters = 0, 0
    some: list[str] = []
    for text in texts:
        if some and letters + len(text) > _LETTERS_AT_ONCE:
            yield start, some
            start, some, letters = start + len(some), [], 0
        some.append(text)
        letters += len(text)
    if some:
        yield start, some


def _computed(compute: Callable[..., Floats], windows: list[Tokens], length: int, special: tuple[int, int], rows: int) -> Floats:
    ids = np.zeros((rows, length), dtype=np.int64)
    mask = np.zeros_like(ids)
    opening, closing = special
    ids[:, :2] = special  # idle rows hold an empty text: a row without any token would be divided by zero
    mask[:, :2] = 1
    for row, window in enumerate(windows):
        ids[row, : len(window) + 2] = [opening, *window, closing]
        mask[row, : len(window) + 2] = 1
    return compute(ids, mask)


def _mean(text: _Open) -> npt.NDArray[np.float64]:
    # In the order of the windows, not of their completion: that order depends on the other texts, and sums on their order.
    total: Any = 0.0
    for weight, row in zip(text.weights, text.results, strict=True):
        assert row is not None
        total = total + weight * row.astype(np.float64)
    return np.asarray(total / sum(text.weights), dtype=np.float64)
