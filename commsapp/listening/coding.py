"""Coding a table of comments: language, topic and tone for each, with no row lost and none coded twice.

The steps are pure and small; the analysis of stored comments uses the same ones, so a file coded at the command line and a
channel coded in a programme agree.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import pandas as pd

from commsapp.errors import BadInput
from commsapp.listening.beside import Beside, Progress
from commsapp.listening.languages import code_of
from commsapp.listening.redaction.kinds import for_models
from commsapp.listening.redaction.redactor import Redactor, load_redactor
from commsapp.textmodels.encoder import Encoder, load_encoder
from commsapp.textmodels.language import UNKNOWN, detect
from commsapp.textmodels.tone import EMOTIONS, LABELS, ToneModel, Tones, load_tone
from commsapp.textmodels.topics import NO_TOPIC, CodebookDraft, Granularity, assign, discover, load_libraries

COLUMNS = (
    *("coded_language", "coded_topic", "coded_topic_name"),
    *("coded_sentiment", "coded_negative", "coded_neutral", "coded_positive", "coded_skipped"),
    *("coded_unsure", "coded_emotions", "coded_anger", "coded_disgust", "coded_fear", "coded_joy", "coded_sadness"),
    *("coded_surprise", "coded_neutral_emotion"),
)
TOGETHER = "; "
"""Between the emotions of one comment: several may be heard."""


EMOTION_COLUMNS = {name: f"coded_{name}" for name in EMOTIONS} | {"neutral": "coded_neutral_emotion"}
"""Emotion → column of its probability; sentiment has a 'neutral' of its own."""


class Reason(StrEnum):
    """Why a comment is not coded. `LANGUAGE` is followed by the language's code."""

    EMPTY = "empty"
    BROKEN = "unreadable"
    NO_WORDS = "no words"
    NO_ANSWER = "no answer"
    LANGUAGE = "language not read"


@dataclass(frozen=True)
class TextChoice:
    """Which text of a comment the models read: ``text`` is None when none, and ``reason`` says why (else '').

    ``language`` is that of the original (ISO 639-1, 'und' where nobody can tell, '' where there is no text).
    """

    text: str | None
    language: str
    from_translation: bool
    reason: str


@dataclass(frozen=True, eq=False)
class CodedFrame:
    """A coded table and the codebook that it was coded with."""

    frame: pd.DataFrame
    codebook: CodebookDraft


@dataclass(frozen=True, eq=False)
class CodedTexts:
    """Embeddings (n, dimensions) and tone of n texts: what `ToneModel.score` says, where it is unsure, and what it hears."""

    embeddings: npt.NDArray[np.float32]
    tones: Tones
    unsure: npt.NDArray[np.bool_]
    heard: list[tuple[str, ...]]


_SPACE = re.compile(r"\s+")
_BROKEN_SHARE = 0.1


# What people write into a box that they want to leave empty; nothing that could be meant ('no', 'nothing works here').
_SAYS_NOTHING = re.compile(
    r"\W*(n\W?a|not applicable|none|nil|blank|no (comments?|answer|reply|response|opinion)"
    r"|nothing( (else )?to (say|add|report))?)\W*",
    re.IGNORECASE,
)


def clean(text: str) -> str:
    """A text as the models read it: one Unicode form, entities of web pages resolved, no control characters, single spaces."""
    whole = unicodedata.normalize("NFC", html.unescape(text))
    return _SPACE.sub(" ", "".join(c if c.isspace() or unicodedata.category(c) not in _INVISIBLE else " " for c in whole)).strip()


# Control characters, lone surrogates and private use say nothing; format characters (Cf) stay, they join emoji and letters.
_INVISIBLE = frozenset({"Cc", "Cs", "Co"})


def choose_text(original: str | None, translation: str | None, language: str | None, readable: frozenset[str]) -> TextChoice:
    """Decide which text of a comment the models read.

    The original where they read its language or nobody can tell it; else its translation; else none, with the reason.

    Parameters
    ----------
    original, translation : with names and numbers taken out, see `commsapp.listening.redaction`.
    language : of the original, as given (code or English name); detected when it is not given or not known.
    readable : language codes that the models read.

    """
    text = clean(original or "")
    if not text:
        return _from_translation(translation, code_of(language) or "", Reason.EMPTY)
    text = clean(for_models(text))
    problem = _problem(text)
    if problem is not None:
        return _from_translation(translation, code_of(language) or UNKNOWN, problem)
    code = code_of(language) or detect([text])[0].code
    if code == UNKNOWN or code in readable:
        return TextChoice(text, code, from_translation=False, reason="")
    return _from_translation(translation, code, f"{Reason.LANGUAGE}: {code}")


def _from_translation(translation: str | None, language: str, reason: str) -> TextChoice:
    text = clean(for_models(translation or ""))
    if text and _problem(text) is None:
        return TextChoice(text, language, from_translation=True, reason="")
    return TextChoice(None, language, from_translation=False, reason=str(reason))


def _problem(text: str) -> Reason | None:
    if text.count("\ufffd") > _BROKEN_SHARE * len(text):
        return Reason.BROKEN
    # A letter, or a symbol such as an emoji: a bare number or dash answers another question than 'what do you think'.
    if not any(c.isalpha() or unicodedata.category(c) == "So" for c in text if c != "\ufffd"):
        return Reason.NO_WORDS
    if _SAYS_NOTHING.fullmatch(text):
        return Reason.NO_ANSWER
    return None


def _told(progress: Progress | None, stage: str) -> Callable[[int, int], None] | None:
    """The progress of one stage."""
    return None if progress is None else lambda done, total: progress(stage, done, total)


def code_frame(
    frame: pd.DataFrame,
    *,
    text: str,
    language: str | None = None,
    translation: str | None = None,
    granularity: Granularity | int = "medium",
    codebook: CodebookDraft | None = None,
    encoder: Encoder | None = None,
    tone: ToneModel | None = None,
    sentiment_model: str = "",
    emotion_model: str = "",
    redactor: Redactor | None = None,
    progress: Progress | None = None,
) -> CodedFrame:
    """Code each row of a table and add the columns ``coded_…``.

    Rows, order, index and cells stay as they are; the models read them with names and numbers taken out. Topics are found in
    the table unless a codebook is given; either way each row is coded by the codebook. Two runs on the same table give the
    same content.

    Parameters
    ----------
    text, language, translation : names of columns; the last two may be None.
    encoder, tone, redactor : loaded when they are not given; ``sentiment_model`` and ``emotion_model`` name others in place of
        the bundled model of tone, see `commsapp.textmodels.classifier`.
    progress : called with (stage, done, total).

    Returns
    -------
    The table with ``coded_language`` (ISO 639-1, 'und' unknown), ``coded_topic`` (-1 none), ``coded_topic_name``,
    ``coded_sentiment``, ``coded_negative``, ``coded_neutral``, ``coded_positive`` (sum 1; missing when skipped),
    ``coded_skipped`` (the reason, else ''), ``coded_unsure`` ('yes' where nobody should rely on the sentiment, else 'no'; ''
    when skipped), ``coded_emotions`` (those heard, joined by '; ') and the probability of each emotion, ``coded_anger`` to
    ``coded_neutral_emotion`` (they don't sum to 1; missing when skipped); and the codebook.

    Raises
    ------
    BadInput : a column is missing, or the table has coded columns already. Unavailable : the model files are missing.

    """
    _check_columns(frame, [name for name in (text, language, translation) if name is not None])
    encoder = load_encoder() if encoder is None else encoder
    tone = load_tone(sentiment=sentiment_model, emotion=emotion_model) if tone is None else tone
    if codebook is not None and codebook.encoder_version != encoder.version:
        raise BadInput(
            f"The codebook was made with the encoder {codebook.encoder_version}, but this is {encoder.version}.",
            "Find topics anew, without a codebook.",
        )
    readable = encoder.languages & tone.languages
    redactor = load_redactor() if redactor is None else redactor
    with Beside(progress) as beside:
        if codebook is None:
            beside.begin(lambda _: load_libraries(), "Loading")
        cells = [_cells(frame, name) for name in (text, translation, language)]
        cells[:2] = _redacted(cells[:2], redactor, _told(progress, "Taking out names and numbers"))
        choices = [choose_text(one, other, given, readable) for one, other, given in zip(*cells, strict=True)]
        place = {one: row for row, one in enumerate(dict.fromkeys(c.text for c in choices if c.text is not None))}
        texts = list(place)
        embeddings = encoder.encode(texts, _told(progress, "Reading comments"))
        # Finding topics keeps one processor busy, so the tone is judged by the others meanwhile.
        scored = beside.begin(lambda tell: tone.score(texts, tell), "Judging the tone")
        if codebook is None:
            told = _told(progress, "Finding topics")
            if told is not None:
                told(0, len(texts))  # few texts take no time, and nothing more is told of them
            codebook = discover(texts, embeddings, granularity=granularity, encoder=encoder, progress=told)
        tones = scored()
    coded = CodedTexts(embeddings, tones, tone.unsure(tones.sentiments), tone.heard(tones.emotions))
    rows = np.array([NO_TOPIC if choice.text is None else place[choice.text] for choice in choices], dtype=np.int64)
    return CodedFrame(pd.concat([frame, _columns(frame.index, choices, rows, coded, codebook)], axis=1), codebook)


def comments_table(
    coded: pd.DataFrame,
    *,
    chosen: str,
    date: str | None = None,
    area: str | None = None,
    respondent: str | None = None,
    weight: str | None = None,
    attributes: Sequence[str] = (),
) -> pd.DataFrame:
    """A table coded by `code_frame` (or by ``commsapp code``) in the form that `measuring.listening_results` reads.

    One row is one response with one comment. Rows that were not coded keep their reason and have no topic and no tone, so
    that no share counts them; `code_frame` itself writes -1 there, as files hold whole numbers.

    Parameters
    ----------
    chosen : how people were chosen: random, quota, opt-in or everything.
    date, area, respondent, weight, attributes : names of columns of the table, where it has them.

    Raises
    ------
    BadInput : a column is missing, or the table is not coded.

    """
    wanted = [*COLUMNS, *(name for name in (date, area, respondent, weight) if name), *attributes]
    for name in wanted:
        if name not in coded.columns:
            raise BadInput(f"There is no column '{name}'.", "Code the table first, and name columns that it has.")
    reason = coded["coded_skipped"].fillna("").astype(str)
    read = reason == ""
    number = pd.Series(range(len(coded)), index=coded.index)
    return pd.DataFrame(
        {
            "response_id": number,
            "comment_id": number,
            "date": pd.NaT if date is None else pd.to_datetime(coded[date]),
            "area": "" if area is None else coded[area],
            "respondent": "" if respondent is None else coded[respondent],
            "weight": 1.0 if weight is None else coded[weight].astype(float),
            "chosen": chosen,
            "topic": coded["coded_topic"].astype("Int64").where(read),
            "topic_name": coded["coded_topic_name"].fillna(""),
            **{label: coded[f"coded_{label}"].astype(float).where(read) for label in LABELS},
            "unsure": (coded["coded_unsure"] == "yes").astype(float).where(read),
            "emotions": coded["coded_emotions"].fillna("").astype(object).where(read, None),
            "not_coded_reason": reason,
            **{f"attribute:{name}": coded[name] for name in attributes},
        }
    )


def _check_columns(frame: pd.DataFrame, wanted: list[str]) -> None:
    for name in wanted:
        if name not in frame.columns:
            raise BadInput(f"There is no column '{name}'.", f"Choose one of: {', '.join(map(str, frame.columns))}.")
        if list(frame.columns).count(name) > 1:
            raise BadInput(f"There is more than one column '{name}'.", "Rename all but one.")
    taken = [name for name in COLUMNS if name in frame.columns]
    if taken:
        raise BadInput(f"The table has a column '{taken[0]}' already.", "Remove or rename it, so that nothing is overwritten.")


def _cells(frame: pd.DataFrame, name: str | None) -> list[str | None]:
    if name is None:
        return [None] * len(frame)
    return [None if pd.isna(cell) else str(cell) for cell in frame[name]]


def _redacted(
    columns: list[list[str | None]], redactor: Redactor, progress: Callable[[int, int], None] | None
) -> list[list[str | None]]:
    """Columns of texts with names and numbers taken out; what is missing stays missing."""
    there = [text for column in columns for text in column if text is not None]
    if progress is not None:
        progress(0, len(there))  # the first that is told otherwise is a thousand texts later
    redacted = iter(redactor.redact(there, progress))
    return [[None if text is None else next(redacted) for text in column] for column in columns]


def _columns(
    index: pd.Index, choices: list[TextChoice], rows: npt.NDArray[np.int64], coded: CodedTexts, codebook: CodebookDraft
) -> pd.DataFrame:
    read = rows >= 0
    topic = np.full(len(rows), NO_TOPIC, dtype=np.int64)
    tone = np.full((len(rows), len(LABELS)), np.nan)
    felt = np.full((len(rows), len(EMOTIONS)), np.nan)
    label, unsure, heard = (np.full(len(rows), "", dtype=object) for _ in range(3))
    topic[read] = assign(codebook, coded.embeddings).topic[rows[read]]
    tone[read] = coded.tones.sentiments[rows[read]]
    felt[read] = coded.tones.emotions[rows[read]]
    label[read] = np.array(LABELS, dtype=object)[coded.tones.sentiments[rows[read]].argmax(1)]
    unsure[read] = np.where(coded.unsure[rows[read]], "yes", "no")
    heard[read] = np.array([TOGETHER.join(names) for names in coded.heard], dtype=object)[rows[read]]
    names = {one.number: one.name for one in codebook.topics}
    return pd.DataFrame(
        {
            "coded_language": [choice.language for choice in choices],
            "coded_topic": topic,
            "coded_topic_name": [names.get(int(number), "") for number in topic],
            "coded_sentiment": label,
            **{f"coded_{name}": tone[:, k] for k, name in enumerate(LABELS)},
            "coded_skipped": [choice.reason for choice in choices],
            "coded_unsure": unsure,
            "coded_emotions": heard,
            **{EMOTION_COLUMNS[name]: felt[:, k] for k, name in enumerate(EMOTIONS)},
        },
        index=index,
        columns=list(COLUMNS),
    )
