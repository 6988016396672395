"""Phrases of one to three words that people would use for what texts are about: found here, weighed by BERTopic's c-TF-IDF."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from commsapp.textmodels.empty_words import empty_words

_LONGEST = 3
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
# What separates phrases: punctuation, numbers and the masks that agencies put over personal data (XXXX, {$100.00}, XX/XX/2023).
_BREAK = re.compile(r"https?:\S+|www\.\S+|@\w+|\w*\d\w*|\b[xX]{2,}\b|_+|[^\w\s'’-]")
# A word with another one of its sentence before it: at the start of a sentence every word has a capital.
_WITHIN = re.compile(r"(?<=[^\W\d_][ ,;])" + _WORD.pattern + r"|(?<=[^\W\d_],[ ])" + _WORD.pattern)
_HYPHEN = re.compile(r"\s*-\s*")

_SHORTEST = 3
_AGREE = 0.8
_RARE = 0.05


def candidates(texts: Sequence[str], *, least: int) -> list[list[str]]:
    """Phrases of each text, with repetitions, that occur in at least ``least`` of the texts.

    Words of a phrase stand next to each other in the text, with no empty word, number or punctuation between them. A plural
    counts as its singular where both occur ('loans' as 'loan').
    """
    runs = [list(_runs(text)) for text in texts]
    fold = _plurals(Counter(word for text in runs for words in text for word in words))
    found = [[phrase for words in text for phrase in _phrases([fold.get(word, word) for word in words])] for text in runs]
    spread = Counter(phrase for phrases in found for phrase in set(phrases))
    return [[phrase for phrase in phrases if spread[phrase] >= least] for phrases in found]


def _runs(text: str) -> Iterator[list[str]]:
    """Stretches of adjacent words that may stand in a phrase."""
    empty = empty_words()
    for part in _BREAK.split(_HYPHEN.sub(" ", text)):
        words: list[str] = []
        for word in (found.group().lower().replace("’", "'").removesuffix("'s") for found in _WORD.finditer(part or "")):
            if word in empty or len(word) < _SHORTEST:
                if words:
                    yield words
                words = []
            else:
                words.append(word)
        if words:
            yield words


def _phrases(words: Sequence[str]) -> Iterator[str]:
    for start in range(len(words)):
        for end in range(start + 1, min(start + _LONGEST, len(words)) + 1):
            part = words[start:end]
            if len(set(part)) == len(part):
                yield " ".join(part)


def _plurals(counts: Counter[str]) -> dict[str, str]:
    """The commoner of singular and plural for each word of which both occur."""
    fold: dict[str, str] = {}
    for word in counts:
        for ending, singular in (("ies", "y"), ("es", ""), ("s", "")):
            single = word.removesuffix(ending) + singular
            if word.endswith(ending) and not word.endswith("ss") and len(single) >= _SHORTEST and single in counts:
                common, rare = (single, word) if counts[single] >= counts[word] else (word, single)
                fold[rare] = common
                break
    return fold


def spellings(texts: Iterable[str], phrases: Iterable[str]) -> dict[str, str]:
    """Word → how people write it within a sentence ('polish' → 'Polish'), for words that aren't in small letters.

    Only where most of them agree; texts in capitals throughout say nothing of it.
    """
    wanted = {word for phrase in phrases for word in phrase.split()}
    seen: dict[str, Counter[str]] = {word: Counter() for word in wanted}
    for text in texts:
        if text.upper() == text:
            continue
        for found in _WITHIN.finditer(text):
            word = found.group().replace("’", "'").removesuffix("'s")
            if word.lower() in wanted:
                seen[word.lower()][word] += 1
    best = {word: forms.most_common(1)[0] for word, forms in seen.items() if forms}
    return {word: form for word, (form, count) in best.items() if form != word and count >= _AGREE * seen[word].total()}


def spell(phrase: str, forms: dict[str, str]) -> str:
    """A phrase with its words as people write them."""
    return " ".join(forms.get(word, word) for word in phrase.split())


def choose(weighed: Iterable[tuple[str, float]], *, count: int) -> tuple[str, ...]:
    """The ``count`` best phrases that say different things, best first: none shares a word's stem with one before it."""
    chosen: list[str] = []
    stems: set[str] = set()
    for phrase, _ in sorted(weighed, key=lambda pair: (-pair[1], pair[0])):
        own = {stem(word) for word in phrase.split()}
        if not own & stems:
            chosen.append(phrase)
            stems |= own
        if len(chosen) == count:
            break
    return tuple(chosen)


def stem(word: str) -> str:
    """A word without the commonest English endings; crude, but only used to tell near-duplicates apart."""
    for ending in (
        "ations",
        "ation",
        "ingly",
        "ments",
        "ment",
        "ings",
        "ing",
        "ers",
        "ies",
        "ied",
        "ed",
        "er",
        "es",
        "ly",
        "s",
        "y",
        "e",
    ):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word.removesuffix(ending)
    return word


def telling(
    texts: Sequence[str], labels: Sequence[int], *, groups: int, least: int, within: int = 1, count: int
) -> list[tuple[str, ...]]:
    """Phrases that tell each group of texts from all the others: common in it and rarer elsewhere, ``count`` at most, best first.

    Parameters
    ----------
    texts : n, empty where one may name nothing. labels : n, the group of each text, 0 to ``groups`` - 1;
    negative for one of no group.
    least, within : in how many of all texts, and of the group's, a phrase must occur.

    """
    found = [set(own) for own in candidates(texts, least=least)]
    everywhere = Counter(phrase for own in found for phrase in own)
    chosen = []
    for label in range(groups):
        rows = [row for row, own in enumerate(labels) if own == label]
        here = Counter(phrase for row in rows for phrase in found[row])
        weighed = []
        for phrase, times in here.items():
            share, overall = times / len(rows), everywhere[phrase] / len(texts)
            weight = share / (share + _RARE) * (1 - overall / share) * times**0.5 * (1 + 0.1 * phrase.count(" "))
            weighed += [(phrase, weight)] if times >= within else []
        chosen.append(choose(weighed, count=count))
    forms = spellings(texts, (phrase for own in chosen for phrase in own))
    return [tuple(spell(phrase, forms) for phrase in own) for own in chosen]


def unique_names(phrases: Sequence[tuple[str, ...]]) -> list[str]:
    """A readable name for each topic from its best phrases, no two alike: 'Payday loan; interest', 'Police; officer; theft'."""
    names: list[str] = []
    for number, own in enumerate(phrases):
        options = [own[:k] for k in range(_enough(own), len(own) + 1) if own[:k]]
        names.append(next((n for n in map(_join, options) if n not in names), f"{_join(own[:2]) or 'Topic'} ({number + 1})"))
    return names


def _enough(phrases: tuple[str, ...]) -> int:
    """Two phrases, or three where each of the two is a single word: 'Lights; boat' leaves people guessing."""
    words = sum(len(phrase.split()) for phrase in phrases[:2])
    return min(len(phrases), 2 if words > 2 else 3)


def _join(phrases: Sequence[str]) -> str:
    joined = "; ".join(phrases)
    return joined[:1].upper() + joined[1:]
