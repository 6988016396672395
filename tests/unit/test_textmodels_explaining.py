"""Which words carried a coding: taking them out changes it, more often than taking out others; and what the method misses."""

from __future__ import annotations

import time

import numpy as np
import pytest

from commsapp.textmodels.codebook import TopicDraft, make_codebook
from commsapp.textmodels.encoder import ENCODER_VERSION, Encoder
from commsapp.textmodels.explaining import LETTERS, MOST, MOST_SENTENCES, log_odds, phrases, topic_margins, weigh
from commsapp.textmodels.tone import LABELS, ToneModel

SENTENCES = [
    "The officers at the desk were wonderful and the whole visit took ten minutes",
    "I am furious that nobody came to the house after three calls",
    "Thank you to the team that cleared the alley behind the shops",
    "It is disgusting how the bins next to the school look on Mondays",
    "We had a lovely afternoon at the youth club with the other parents",
    "My mother is terrified of the men who stand by the lift in the evening",
    "The new lights in the park are brilliant and the paths are clear",
    "They ignored the report and the noise from the flat goes on",
    "The meeting about parking was useless for the people of our street",
    "A great idea to hold the surgery in the library on Saturdays",
    "The reply to my letter was awful and came after two months",
    "Happy with the way the call about the stolen bike was handled",
]


def plain(text: str) -> str:
    return " ".join(text.split())


def test_words_stand_alone_or_with_the_word_that_turns_them_and_marks_are_none() -> None:
    text = "They don't help, [name] said: not good. It's so-so, nobody came! 😡"
    found = [text[start:end] for start, end in phrases(text)]
    assert found == ["They", "don't help", "said", "not good", "It's", "so-so", "nobody came", "😡"]
    assert phrases("") == phrases("[name] [street]") == []
    assert [text for text in ("really not, good",) for _ in phrases(text)] == ["really not, good"] * 2


def test_what_counts_is_how_much_a_target_falls_without_a_word() -> None:
    weights = {"bad": 2.0, "worse": 3.0, "fine": -1.0}

    def margins(texts: list[str]) -> np.ndarray:
        return np.array([[sum(weights.get(word, 0) for word in text.lower().split()), len(text.split())] for text in texts])

    text = "Bad and worse but fine"
    found = weigh(text, read=plain, margins=margins)
    changes = {text[start:end]: change for (start, end), change in zip(found.spans, found.changes[:, 0], strict=True)}
    assert changes == {"Bad": 2, "and": 0, "worse": 3, "but": 0, "fine": -1}
    assert found.changes[:, 1].tolist() == [1] * 5
    assert not found.limited


def test_of_a_long_text_the_words_of_the_telling_sentences_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def margins(texts: list[str]) -> np.ndarray:
        asked.append(len(texts))
        return np.array([[text.count("awful")] for text in texts], dtype=float)

    quiet = "We met in the hall and spoke about the plans for the year. "
    text = quiet * 20 + "It was awful. " + quiet * 20
    told: list[tuple[int, int]] = []
    found = weigh(text, read=plain, margins=margins, progress=lambda done, total: told.append((done, total)))
    assert found.limited
    assert len(found.spans) == MOST
    assert sum(asked) <= 1 + 41 + MOST
    best = found.spans[int(found.changes[:, 0].argmax())]
    assert text[best[0] : best[1]] == "awful"
    assert told[0] == (30, 41 + MOST), "the pass over the sentences is told too"
    assert told[-1] == (41 + MOST, 41 + MOST)


def test_of_a_very_long_text_the_first_part_is_explained_in_portions() -> None:
    asked: list[int] = []
    longest = 0

    def margins(texts: list[str]) -> np.ndarray:
        nonlocal longest
        asked.append(len(texts))
        longest = max(longest, *map(len, texts))
        return np.array([[text.count("awful")] for text in texts], dtype=float)

    text = "It was awful. " + "We met in the hall. We spoke of it. " * 30_000
    started = time.monotonic()
    found = weigh(text, read=plain, margins=margins)
    assert time.monotonic() - started < 5
    assert found.limited
    assert LETTERS - 20 < found.letters <= LETTERS
    assert text[found.letters] in " ."
    assert longest <= LETTERS
    assert max(asked) <= 30
    assert sum(asked) <= 1 + MOST_SENTENCES + MOST
    assert text[slice(*found.spans[int(found.changes[:, 0].argmax())])] == "awful"
    assert max(end for _, end in found.spans) <= found.letters


def test_a_mark_or_a_word_without_an_end_is_not_cut_in_two() -> None:
    def margins(texts: list[str]) -> np.ndarray:
        return np.array([[len(text)] for text in texts], dtype=float)

    marked = "go " * ((LETTERS - 4) // 3) + " [phone number] and more"
    found = weigh(marked, read=plain, margins=margins)
    assert "[" not in marked[: found.letters]
    assert found.limited
    endless = weigh("a" * (LETTERS + 1), read=plain, margins=margins)
    assert (endless.spans, endless.changes.shape, endless.letters) == ((), (0, 1), LETTERS)


@pytest.mark.slow
def test_taking_out_the_marked_words_changes_the_tone_more_often_than_taking_out_random_ones(tone: ToneModel) -> None:
    rng = np.random.default_rng(20261123)
    by_marked, by_random = [], []
    for text in SENTENCES:
        label = int(tone.score([text]).sentiments[0].argmax())

        def margins(texts: list[str], label: int = label) -> np.ndarray:
            return log_odds(tone.score(texts).sentiments[:, [label]])

        found = weigh(text, read=plain, margins=margins)
        marked = np.argsort(-found.changes[:, 0])[:2]
        others = [rng.choice(len(found.spans), 2, replace=False) for _ in range(3)]
        left = tone.score([without(text, [found.spans[k] for k in own]) for own in (marked, *others)])
        changed = left.sentiments.argmax(1) != label
        by_marked.append(changed[0])
        by_random.append(changed[1:].mean())
    assert np.mean(by_marked) >= 0.4, by_marked
    assert np.mean(by_marked) > 2 * np.mean(by_random), (np.mean(by_marked), np.mean(by_random))


def without(text: str, spans: list[tuple[int, int]]) -> str:
    for start, end in sorted(spans, reverse=True):
        text = text[:start] + text[end:]
    return plain(text)


def test_the_words_that_carry_a_topic_are_those_of_the_topic(encoder: Encoder) -> None:
    own = {"Drugs": "Drug dealers sell cocaine", "Waste": "Rubbish and old fridges are dumped"}
    codebook = make_codebook(
        encoder_version=ENCODER_VERSION,
        granularity="medium",
        topics=[TopicDraft(k, name, (), encoder.encode([text])[0], 1, ()) for k, (name, text) in enumerate(own.items())],
        threshold=0.2,
    )

    def margins(texts: list[str]) -> np.ndarray:
        return topic_margins(codebook, encoder.encode(texts), 0)[:, None]

    text = "Every evening we see dealers by the corner shop near our house"
    found = weigh(text, read=plain, margins=margins)
    best = found.spans[int(found.changes[:, 0].argmax())]
    assert text[best[0] : best[1]] == "dealers"
    assert margins([own["Drugs"]])[0, 0] > 0 > margins([own["Waste"]])[0, 0]


def test_two_words_that_say_the_same_hide_each_other() -> None:
    """The limit that the page names."""

    def margins(texts: list[str]) -> np.ndarray:
        return np.array([[float("awful" in text or "terrible" in text)] for text in texts])

    assert not weigh("An awful, terrible place", read=plain, margins=margins).changes.any()


def test_labels_are_those_of_the_model() -> None:
    assert LABELS == ("negative", "neutral", "positive")
    assert log_odds(np.array([0.0, 0.5, 1.0])).tolist() == pytest.approx([-13.8, 0, 13.8], abs=0.1)
