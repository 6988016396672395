"""Coding a table: no row lost, no cell changed, and every comment coded or with a reason."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from commsapp.errors import BadInput
from commsapp.listening.coding import COLUMNS, EMOTION_COLUMNS, choose_text, clean, code_frame, comments_table
from commsapp.listening.measuring import listening_results
from commsapp.textmodels.encoder import Encoder
from commsapp.textmodels.tone import EMOTIONS, LABELS, ToneModel, Tones

EN = frozenset({"en"})
WELSH = "Mae pobl ifanc yn cael eu defnyddio i werthu cyffuriau yn y dref."
ENGLISH = "Young people are used to sell drugs in town."


@pytest.fixture
def table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": ["007", "008", "009", "010", "011", "012", "013"],
            "comment": [
                "I hate it here at night",
                None,
                WELSH,
                WELSH,
                "---",
                "I hate it here at night",
                " Thank you,\nlovely event! ",
            ],
            "english": [None, None, ENGLISH, None, None, None, None],
        },
        index=[3, 3, 1, "a", "b", "c", "d"],
    )


def test_no_row_is_lost_and_no_cell_is_changed(table: pd.DataFrame, encoder: Encoder, tone: ToneModel) -> None:
    coded = code_frame(table, text="comment", translation="english", encoder=encoder, tone=tone).frame
    pd.testing.assert_frame_equal(coded[list(table.columns)], table)
    assert tuple(coded.columns[3:]) == COLUMNS


def test_every_row_is_coded_or_has_a_reason(table: pd.DataFrame, encoder: Encoder, tone: ToneModel) -> None:
    coded = code_frame(table, text="comment", translation="english", encoder=encoder, tone=tone).frame
    assert coded["coded_skipped"].tolist() == ["", "empty", "", "language not read: cy", "no words", "", ""]
    skipped = coded[coded["coded_skipped"] != ""]
    assert (skipped["coded_topic"] == -1).all()
    assert (skipped["coded_sentiment"] == "").all()
    assert skipped[[f"coded_{name}" for name in LABELS]].isna().all(axis=None)
    kept = coded[coded["coded_skipped"] == ""]
    assert np.allclose(kept[[f"coded_{name}" for name in LABELS]].sum(axis=1), 1, atol=1e-9)
    assert kept["coded_sentiment"].iloc[[0, -1]].tolist() == ["negative", "positive"]


def test_emotions_and_what_is_unsure_stand_beside_the_tone(table: pd.DataFrame, encoder: Encoder, tone: ToneModel) -> None:
    coded = code_frame(table, text="comment", translation="english", encoder=encoder, tone=tone).frame
    felt = coded[[EMOTION_COLUMNS[name] for name in EMOTIONS]]
    skipped = coded["coded_skipped"] != ""
    assert felt[skipped].isna().all(axis=None)
    assert felt[~skipped].to_numpy().min() >= 0
    assert felt[~skipped].to_numpy().max() <= 1
    for row, names in zip(felt[~skipped].to_numpy(), coded.loc[~skipped, "coded_emotions"], strict=True):
        heard = {name for name, odds in zip(EMOTIONS, row, strict=True) if odds >= tone.thresholds[name]}
        assert set(filter(None, names.split("; "))) == heard
    best = coded.loc[~skipped, [f"coded_{name}" for name in LABELS]].max(axis=1)
    assert (coded.loc[~skipped, "coded_unsure"] == np.where(best < tone.unsure_below, "yes", "no")).all()
    assert (coded.loc[skipped, ["coded_unsure", "coded_emotions"]] == "").all(axis=None)


def test_a_translated_comment_keeps_the_language_of_the_original(table: pd.DataFrame, encoder: Encoder, tone: ToneModel) -> None:
    coded = code_frame(table, text="comment", translation="english", encoder=encoder, tone=tone).frame
    assert coded["coded_language"].iloc[2] == "cy"
    assert coded["coded_negative"].iloc[2] == tone.score([ENGLISH]).sentiments[0, 0]


class Counting:
    """A model that counts the texts it is given."""

    def __init__(self, model: object) -> None:
        self._model = model
        self.seen: list[str] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._model, name)

    def score(self, texts: list[str], progress: object = None) -> Tones:
        self.seen += texts
        return self._model.score(texts)  # type: ignore[attr-defined, no-any-return]


def test_equal_texts_are_computed_once(table: pd.DataFrame, encoder: Encoder, tone: ToneModel) -> None:
    counting = Counting(tone)
    code_frame(table, text="comment", translation="english", encoder=encoder, tone=counting)  # type: ignore[arg-type]
    assert sorted(counting.seen) == sorted({"I hate it here at night", ENGLISH, "Thank you, lovely event!"})


def test_a_coded_table_is_measured_without_counting_what_was_not_read(
    table: pd.DataFrame, encoder: Encoder, tone: ToneModel
) -> None:
    coded = code_frame(table, text="comment", encoder=encoder, tone=tone).frame
    coded = coded.assign(day="2026-03-01", ward="Ash", age="16-24")
    comments = comments_table(coded, chosen="opt-in", date="day", area="ward", attributes=["age"])
    answers = pd.DataFrame(columns=["response_id", "date", "area", "respondent", "weight", "chosen", "question", "choice"])
    waves = pd.DataFrame([("Spring", "2026-03-01", "2026-05-31")], columns=["name", "start", "end"])
    results = listening_results(comments, answers, waves, topics={-1: "No topic"})
    felt = results[results["measure"] == "emotion share"]
    assert set(felt["item"]) == set(EMOTIONS)
    assert set(felt["n"]) == set(results.loc[results["measure"] == "unsure share", "n"]) == {3}
    shares = results[results["measure"] == "topic share"]
    assert set(shares["n"]) == {3}
    assert shares["value"].tolist() == [1.0] * len(shares)
    missed = {"empty": 1, "language not read: cy": 2, "no words": 1}
    assert all(counts == missed for counts in results["not_coded"])
    assert {"", "Spring"} == set(results["wave"])
    assert {"", "age = 16-24"} == set(results["segment"])
    with pytest.raises(BadInput, match="There is no column 'town'"):
        comments_table(coded, chosen="opt-in", area="town")
    with pytest.raises(BadInput, match="coded_language"):
        comments_table(table, chosen="opt-in")


@pytest.mark.parametrize("text", ["n/a", "N.A.", "None.", "no comment", "Nothing to say", "nothing else to add!", "-nil-"])
def test_what_people_write_into_a_box_to_leave_it_empty_is_no_answer(text: str) -> None:
    assert choose_text(text, None, None, EN).reason == "no answer"


@pytest.mark.parametrize("text", ["no", "Nothing works here", "None of the police came", "nana", "na zdrowie bank"])
def test_what_could_be_meant_is_read(text: str) -> None:
    assert choose_text(text, None, "en", EN).text == text


def test_two_runs_and_a_given_codebook_give_equal_content(encoder: Encoder, tone: ToneModel) -> None:
    texts = [
        f"{start} {end}"
        for start in ("Drugs are sold at", "Rubbish is dumped at")
        for end in ("the park", "school", "a lane", "home")
    ]
    table = pd.DataFrame({"comment": texts})
    first = code_frame(table, text="comment", encoder=encoder, tone=tone)
    second = code_frame(table, text="comment", encoder=encoder, tone=tone)
    third = code_frame(table.iloc[::-1], text="comment", codebook=first.codebook, encoder=encoder, tone=tone)
    pd.testing.assert_frame_equal(first.frame, second.frame)
    pd.testing.assert_frame_equal(first.frame, third.frame.iloc[::-1])
    assert first.codebook.version == second.codebook.version


def test_a_table_without_rows_stays_one(encoder: Encoder, tone: ToneModel) -> None:
    coded = code_frame(pd.DataFrame({"comment": pd.Series([], dtype=object)}), text="comment", encoder=encoder, tone=tone)
    assert list(coded.frame.columns) == ["comment", *COLUMNS]
    assert len(coded.frame) == 0


def test_progress_names_its_stages(table: pd.DataFrame, encoder: Encoder, tone: ToneModel) -> None:
    stages: list[str] = []
    code_frame(table, text="comment", encoder=encoder, tone=tone, progress=lambda stage, _done, _total: stages.append(stage))
    first, second, third, *rest = dict.fromkeys(stages)
    assert (first, second, third) == ("Taking out names and numbers", "Reading comments", "Finding topics")
    assert rest in ([], ["Judging the tone"])  # beside the topics; it is told of only where it takes longer


def test_a_column_that_is_not_there_is_named_with_those_that_are(table: pd.DataFrame) -> None:
    with pytest.raises(BadInput, match=r"no column 'words'.*id, comment, english"):
        code_frame(table, text="words")


def test_a_table_that_is_coded_already_is_refused(table: pd.DataFrame) -> None:
    with pytest.raises(BadInput, match="'coded_topic' already"):
        code_frame(table.assign(coded_topic=1), text="comment")


@pytest.mark.parametrize(
    ("original", "translation", "language", "text", "code", "translated", "reason"),
    [
        ("Where can I report a scam in town?", None, None, "Where can I report a scam in town?", "en", False, ""),
        ("ok", None, None, "ok", "und", False, ""),
        (WELSH, ENGLISH, None, ENGLISH, "cy", True, ""),
        (WELSH, None, None, None, "cy", False, "language not read: cy"),
        (WELSH, "  ", None, None, "cy", False, "language not read: cy"),
        ("Diolch", "Thanks", "Welsh", "Thanks", "cy", True, ""),
        ("Thanks a lot for coming", None, "en-GB", "Thanks a lot for coming", "en", False, ""),
        ("Thanks a lot for coming", None, "the usual", "Thanks a lot for coming", "en", False, ""),
        ("", ENGLISH, "pl", ENGLISH, "pl", True, ""),
        (None, None, None, None, "", False, "empty"),
        ("\u200b \x00 ", None, None, None, "und", False, "no words"),
        ("12.5", None, None, None, "und", False, "no words"),
        ("👍", None, None, "👍", "und", False, ""),
        ("\ufffd\ufffdabc\ufffd", None, None, None, "und", False, "unreadable"),
    ],
)  # fmt: skip
def test_which_text_is_read(
    original: str | None,
    translation: str | None,
    language: str | None,
    text: str | None,
    code: str,
    translated: bool,
    reason: str,
) -> None:
    choice = choose_text(original, translation, language, EN)
    assert (choice.text, choice.language, choice.from_translation, choice.reason) == (text, code, translated, reason)


def test_cleaning_resolves_entities_and_white_space() -> None:
    assert clean("  Tom &amp; Jo\r\n\tsaid:\x07 caf\u0065\u0301 ") == "Tom & Jo said: café"
