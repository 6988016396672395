"""Listening results: how often a topic, an answer, a tone occurs in each wave, area and segment, and how sure that is.

DataFrames in, DataFrame out. A record counts in 'all' and in every wave, area and segment it belongs to, so each record is
spread over its cells once (`_spread`) and everything after that is counting with whole arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from commsapp.errors import BadInput
from commsapp.statistics.design import cluster_codes, grouped_effective_n
from commsapp.statistics.intervals import mean_intervals, share_intervals
from commsapp.statistics.weights import checked_weights
from commsapp.textmodels.tone import EMOTIONS

COLUMNS = (
    *("measure", "item", "wave", "area", "segment", "value", "low", "high", "n", "n_effective"),
    *("not_coded", "chosen", "codebook_version", "model_version", "corrected"),
)
"""Columns of `listening_results`, in this order."""

TOPIC_SHARE, TONE, ANSWER_SHARE, COMMENTS = "topic share", "tone", "answer share", "comments"
TOPIC_TONE = "topic tone"
"""Mean tone of the comments on one topic: beside `TONE`, which is that of all comments."""
UNSURE_SHARE, TOPIC_UNSURE = "unsure share", "topic unsure share"
"""Share of the comments (on one topic) whose tone the model is not sure of: shown beside the tone, which counts them all."""
EMOTION_SHARE, TOPIC_EMOTION = "emotion share", "topic emotion share"
"""Share of the comments (on one topic) in which an emotion is heard. Several may be heard in one, so these don't add up to 1."""
OF_TOPICS = (TOPIC_SHARE, TOPIC_TONE, TOPIC_UNSURE, TOPIC_EMOTION)
"""Measures whose items name topics."""
BY_TOPIC = (TOPIC_SHARE, TOPIC_TONE, TOPIC_UNSURE)
"""Measures whose items are names of topics, and nothing else."""
FEW = 10
"""From fewer responses than this nobody should quote a figure: one person more or less turns it over."""
OF_PEOPLE, OF_FEEDBACK = "share of people", "share of feedback"
ATTRIBUTE = "attribute:"
CHANNEL = "feedback channel"
"""The attribute that every response has where there are several channels: a mixed figure can be looked at channel by channel."""
INSIDE = ":\u00a0"
"""A colon inside a choice, as an item has it: its space doesn't break, so that it isn't taken for the one before the choice."""
NO_TOPIC_NAME = "No topic"
"""What comments that fit no topic are reported under."""
NO_REASON = "no reason given"
NO_ANSWER = "no answer"

_RECORD = ("response_id", "date", "area", "respondent", "weight", "chosen")
_CODING = ("comment_id", "topic", "topic_name", "negative", "neutral", "positive", "not_coded_reason")

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def listening_results(
    comments: pd.DataFrame,
    answers: pd.DataFrame,
    waves: pd.DataFrame,
    *,
    topics: Mapping[int, str] | None = None,
    codebook_version: str = "",
    model_version: str = "",
) -> pd.DataFrame:
    """Estimate every listening result of a programme: one row for each measure, item, wave, area and segment that has data.

    Parameters
    ----------
    comments : one row per comment: response_id, comment_id, date, area, respondent ('' = answered once), weight,
        chosen ('random', 'quota', 'opt-in' or 'everything'), topic (-1 = none, NA = not coded), topic_name, negative, neutral,
        positive (probabilities, NaN = not coded), not_coded_reason; a column 'attribute:<name>' for each attribute; where
        there are such columns, unsure (0 or 1, NaN = not coded) and emotions (those heard, joined by '; ', NA = not coded).
    answers : one row per ticked choice: response_id, date, area, respondent, weight, chosen, question, choice ('' = none
        that counts; 'not_coded_reason', where there is such a column, says why), 'attribute:...'.
        A question with several ticks has several rows of one response, which counts once in n.
    waves : name, start, end; both days included. Waves may overlap; a record without a date counts in 'all waves' only.
    topics : number -> name of the topics to report, so that a topic nobody mentioned shows as 0; None takes the names
        that occur. -1 is reported only where it has a name.
    codebook_version, model_version : written into the rows that rest on them.

    Returns
    -------
    DataFrame with `COLUMNS`; wave, area and segment are '' for 'all', segments read 'age = 16-24'.
    'topic share', 'answer share': value, low, high from 0 to 1 (Wilson). 'tone', and 'topic tone' of the comments on one
    topic: positive minus negative, -1 to 1 (t).
    'unsure share' and 'emotion share' (0 to 1, Wilson; items are emotions), and both of the comments on one topic ('topic
    emotion share' has items such as 'Dealers: anger'), where `FEW` responses or more of a cell spoke about it: a share of
    fewer says nothing of seven emotions.
    'comments': a count, which has no sampling error: value = low = high.
    n counts responses, n_effective what they are worth; not_coded is {reason: number of records} in that cell.
    chosen is 'share of people' only where every record comes from a random or quota channel.
    Cells without a single coded record have no share and no tone, and a topic that nobody of a cell spoke about has no
    'topic tone' there; their 'comments' row still says what was not coded.

    Raises
    ------
    BadInput : a column is missing, a weight or a probability can't be one, a date is not ISO, or two waves have
        the same name.

    """
    _need(comments, (*_RECORD, *_CODING), "comments")
    _need(answers, (*_RECORD, "question", "choice"), "answers")
    _need(waves, ("name", "start", "end"), "waves")
    if waves["name"].duplicated().any():
        raise BadInput(f"Two waves are called '{waves.loc[waves['name'].duplicated(), 'name'].iloc[0]}'.", "Rename one of them.")
    parts: list[pd.DataFrame] = []
    if len(comments):
        parts += _comment_results(comments, waves, topics, codebook_version, model_version)
    for question, asked in answers.groupby("question", sort=False, dropna=True):
        parts.append(_answer_results(asked, str(question), waves))
    parts = [part for part in parts if len(part)]
    if not parts:
        return pd.DataFrame({name: pd.Series(dtype=object) for name in COLUMNS})
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)]


def answer_item(question: str, choice: str) -> str:
    """What an answer is reported under: 'Have you heard?: Yes'. The last ': ' is where the choice begins."""
    return f"{question}: {choice.strip().replace(': ', INSIDE)}"


def gave(answers: pd.DataFrame, item: str) -> pd.Series:
    """Which rows of a table of answers an item is of; one written with plain spaces throughout is understood too."""
    pairs = list(zip(answers["question"].astype(str), answers["choice"].astype(str), strict=True))
    found = [item in (answer_item(question, choice), f"{question}: {choice.strip()}") for question, choice in pairs]
    return pd.Series(found, index=answers.index, dtype=bool)


def how_chosen(chosen: pd.Series) -> str:
    """Say what a figure from these records may be called: of people where all were drawn (random, quota), else of feedback."""
    return OF_PEOPLE if len(chosen) and chosen.isin(("random", "quota")).all() else OF_FEEDBACK


@dataclass(frozen=True)
class _Spread:
    """Each record in each of its cells: `row` points into the records, `cell` into `labels` (wave, area, segment)."""

    row: Ints
    cell: Ints
    labels: pd.DataFrame

    def only(self, keep: Bools) -> _Spread:
        """Leave the entries whose record is to be kept; the cells stay numbered as they were."""
        chosen = keep[self.row]
        return _Spread(self.row[chosen], self.cell[chosen], self.labels)

    def total(self, amounts: Floats) -> Floats:
        """Add up an amount per record over each cell, shape (cells,)."""
        return np.bincount(self.cell, weights=amounts[self.row], minlength=len(self.labels)).astype(np.float64)


def _spread(records: pd.DataFrame, waves: pd.DataFrame) -> _Spread:
    """Put each record into every wave x area x segment it belongs to, with 'all' in each place."""
    dates = _days(records["date"])
    every = np.arange(len(records), dtype=np.int64)
    entries = [(every, np.zeros(len(records), dtype=np.int64))]
    for number, (start, end) in enumerate(zip(waves["start"], waves["end"], strict=True), start=1):
        inside = dates.between(pd.Timestamp(start), pd.Timestamp(end).normalize()).to_numpy(dtype=bool, na_value=False)
        entries.append((every[inside], np.full(inside.sum(), number, dtype=np.int64)))
    row, wave = _joined(entries)
    area_names, area_of = _names(records["area"])
    entries = [(np.arange(len(row)), np.zeros(len(row), dtype=np.int64)), _own(area_of[row])]
    at, area = _joined(entries)
    row, wave = row[at], wave[at]
    segment_names: list[str] = []
    entries = [(np.arange(len(row)), np.zeros(len(row), dtype=np.int64))]
    for column in _attributes(records):
        names, own = _names(records[column])
        entries.append(_own(np.where(own > 0, own + len(segment_names), 0)[row]))
        segment_names += [f"{column.removeprefix(ATTRIBUTE)} = {name}" for name in names]
    at, segment = _joined(entries)
    row, wave, area = row[at], wave[at], area[at]
    shape = (len(waves) + 1, len(area_names) + 1, len(segment_names) + 1)
    used, cell = np.unique(np.ravel_multi_index((wave, area, segment), shape), return_inverse=True)
    of_wave, of_area, of_segment = np.unravel_index(used, shape)
    labels = pd.DataFrame(
        {
            "wave": np.array(["", *waves["name"]], dtype=object)[of_wave],
            "area": np.array(["", *area_names], dtype=object)[of_area],
            "segment": np.array(["", *segment_names], dtype=object)[of_segment],
        }
    )
    return _Spread(row, cell.astype(np.int64), labels)


def _comment_results(
    comments: pd.DataFrame, waves: pd.DataFrame, topics: Mapping[int, str] | None, codebook_version: str, model_version: str
) -> list[pd.DataFrame]:
    comments = comments.reset_index(drop=True)
    spread = _spread(comments, waves)
    has_topic = comments["topic"].notna().to_numpy(dtype=bool)
    has_tone = comments[["negative", "positive"]].notna().all(axis=1).to_numpy(dtype=bool)
    felt = _felt(comments)
    has_all = has_topic & has_tone & (felt.known if felt else True)
    reason = comments["not_coded_reason"].fillna("").replace("", NO_REASON)
    both = {"model_version": model_version}
    count = _frame(spread, comments, COMMENTS, np.ones(len(comments), dtype=bool), ~has_all, reason)
    number = spread.total(np.ones(len(comments)))[count.index]
    parts = [count.assign(value=number, low=number, high=number)]
    frame = _frame(spread, comments, TOPIC_SHARE, has_topic, ~has_topic, reason)
    parts += _topic_shares(frame, spread.only(has_topic), comments, topics, both | {"codebook_version": codebook_version})
    frame = _frame(spread, comments, TONE, has_tone, ~has_tone, reason)
    parts.append(_tone(frame, spread.only(has_tone), comments).assign(**both))
    if "unsure" in comments:
        parts.append(_part(frame.assign(measure=UNSURE_SHARE), spread.only(has_tone), comments, _unsure(comments)).assign(**both))
    if felt:
        frame = _frame(spread, comments, EMOTION_SHARE, felt.known, ~felt.known, reason)
        kept = spread.only(felt.known)
        parts += [_part(frame, kept, comments, heard).assign(item=name, **both) for name, heard in felt.heard.items()]
    judged = has_topic & has_tone
    of_topic = _numbers(comments)
    for topic, name in _named(comments, topics).items():
        about = judged & (of_topic == topic)
        if about.any():
            # What is left out is what has no topic or no tone: the comments on other topics are not missing here.
            frame = _frame(spread, comments, TOPIC_TONE, about, ~judged, reason)
            versions = both | {"codebook_version": codebook_version}
            parts.append(_tone(frame, spread.only(about), comments).assign(item=name, **versions))
            if "unsure" in comments:
                enough = frame[frame["n"] >= FEW].assign(measure=TOPIC_UNSURE, item=name, **versions)
                parts.append(_part(enough, spread.only(about), comments, _unsure(comments)))
            if felt:
                if not felt.known[judged].all():
                    about = about & felt.known
                    frame = _frame(spread, comments, TOPIC_EMOTION, about, ~(judged & felt.known), reason)
                frame, kept = frame[frame["n"] >= FEW].assign(measure=TOPIC_EMOTION, **versions), spread.only(about)
                parts += [
                    _part(frame, kept, comments, heard).assign(item=answer_item(name, emotion))
                    for emotion, heard in felt.heard.items()
                ]
    return parts


@dataclass(frozen=True)
class _Felt:
    """In which comments each emotion is heard, and for which that is ``known``."""

    known: Bools
    heard: Mapping[str, Bools]


def _felt(comments: pd.DataFrame) -> _Felt | None:
    """What is heard in the comments; None where nobody says."""
    if "emotions" not in comments:
        return None
    known = comments["emotions"].notna().to_numpy(dtype=bool)
    codes, cells = pd.factorize(comments["emotions"].astype(object).where(known, ""))
    names = [set(str(cell).split("; ")) for cell in cells]
    return _Felt(known, {emotion: np.array([emotion in own for own in names], dtype=bool)[codes] for emotion in EMOTIONS})


def _unsure(comments: pd.DataFrame) -> Bools:
    return np.asarray(comments["unsure"].to_numpy(dtype=np.float64, na_value=np.nan) == 1)


def _part(frame: pd.DataFrame, spread: _Spread, comments: pd.DataFrame, those: Bools) -> pd.DataFrame:
    """The share that some of the comments make of those that are spread."""
    weight = _weights(comments)
    total = spread.total(weight)
    return _with_share(frame, spread.total(weight * those) / np.where(total > 0, total, 1))


def _topic_shares(
    frame: pd.DataFrame, spread: _Spread, comments: pd.DataFrame, topics: Mapping[int, str] | None, versions: Mapping[str, str]
) -> list[pd.DataFrame]:
    topic, weight = _numbers(comments), _weights(comments)
    total = spread.total(weight)
    return [
        _with_share(frame, spread.total(weight * (topic == number)) / np.where(total > 0, total, 1)).assign(item=name, **versions)
        for number, name in _named(comments, topics).items()
    ]


def _numbers(comments: pd.DataFrame) -> Ints:
    """Number of each comment's topic, -2 where it was not coded."""
    return np.asarray(comments["topic"].astype("Int64").fillna(-2), dtype=np.int64)


def _named(comments: pd.DataFrame, topics: Mapping[int, str] | None) -> Mapping[int, str]:
    """The topics to report: those that were asked for, else those that occur."""
    return topics if topics is not None else _topic_names(comments)


def _tone(frame: pd.DataFrame, spread: _Spread, comments: pd.DataFrame) -> pd.DataFrame:
    tone = np.nan_to_num((comments["positive"] - comments["negative"]).to_numpy(dtype=np.float64, na_value=np.nan))
    if (np.abs(tone) > 1 + 1e-6).any():
        raise BadInput("A probability of sentiment lies outside 0 to 1.", "Code the comments again.")
    tone = np.clip(tone, -1, 1)
    weight = _weights(comments)
    total = np.where((sums := spread.total(weight)) > 0, sums, 1)
    means = spread.total(weight * tone) / total
    # squared distances rather than E(x^2) - mean^2, which loses its digits where all say nearly the same
    squares = np.bincount(spread.cell, weight[spread.row] * (tone[spread.row] - means[spread.cell]) ** 2, len(spread.labels))
    cells, n = frame.index, frame["n_effective"].to_numpy()
    variance = (squares / total)[cells] * n / np.where(n > 1, n - 1, np.inf)
    low, high = mean_intervals(means[cells], variance, n)
    return frame.assign(value=means[cells], low=low, high=high)


def _answer_results(asked: pd.DataFrame, question: str, waves: pd.DataFrame) -> pd.DataFrame:
    """Shares of each choice among the responses that gave any; several ticks of one response count it once."""
    choice = asked["choice"].astype(object).where(asked["choice"].notna(), "").astype(str).str.strip()
    ticks = pd.DataFrame({"response_id": asked["response_id"], "choice": choice})[choice != ""]
    people = asked.drop_duplicates("response_id").reset_index(drop=True)
    answered = people["response_id"].isin(ticks["response_id"]).to_numpy(dtype=bool)
    spread = _spread(people, waves)
    given = people["not_coded_reason"] if "not_coded_reason" in people else pd.Series("", index=people.index)
    frame = _frame(spread, people, ANSWER_SHARE, answered, ~answered, given.fillna("").replace("", NO_ANSWER))
    spread, weight = spread.only(answered), _weights(people)
    total = spread.total(weight)
    parts = []
    for name, who in ticks.groupby("choice")["response_id"]:
        gave = people["response_id"].isin(who).to_numpy(dtype=bool)
        shares = spread.total(weight * gave) / np.where(total > 0, total, 1)
        parts.append(_with_share(frame, shares).assign(item=answer_item(question, str(name))))
    return pd.concat(parts, ignore_index=True) if parts else frame.iloc[:0]


def _frame(
    spread: _Spread, records: pd.DataFrame, measure: str, counted: Bools, left_out: Bools, reason: pd.Series
) -> pd.DataFrame:
    """Build what all results of one measure share: the index says which cell each row is; only cells with any weight are kept."""
    kept = spread.only(counted)
    cells = len(spread.labels)
    weight = _weights(records)
    respondent = records["respondent"].fillna("").astype(str)
    # people without a key are told apart by their response; the prefix keeps the two kinds of name from meeting
    person = cluster_codes(("r:" + respondent).where(respondent != "", "1:" + records["response_id"].astype(str)))
    responses = pd.factorize(records["response_id"])[0].astype(np.int64)
    pairs = pd.unique(kept.cell * (len(records) + 1) + responses[kept.row])
    drawn = records["chosen"].isin(("random", "quota")).to_numpy(dtype=bool)
    not_drawn = kept.total((~drawn).astype(np.float64))
    frame = spread.labels.assign(
        measure=measure,
        item="",
        n=np.bincount(pairs // (len(records) + 1), minlength=cells),
        n_effective=grouped_effective_n(weight[kept.row], person[kept.row], kept.cell, cells),
        not_coded=pd.Series(_reasons(spread.only(left_out), reason), dtype=object),
        chosen=np.where(not_drawn > 0, OF_FEEDBACK, OF_PEOPLE),
        codebook_version="",
        model_version="",
        corrected=False,
    )
    return frame[(frame["n"] > 0) & ((frame["n_effective"] > 0) | (measure == COMMENTS))]


def _with_share(frame: pd.DataFrame, shares: Floats) -> pd.DataFrame:
    values = np.clip(shares[frame.index], 0, 1)
    low, high = share_intervals(values, frame["n_effective"].to_numpy())
    return frame.assign(value=values, low=low, high=high)


def _reasons(spread: _Spread, reason: pd.Series) -> list[dict[str, int]]:
    """Count the records left out of each cell by reason, one dictionary for each cell."""
    counts: list[dict[str, int]] = [{} for _ in range(len(spread.labels))]
    codes, names = pd.factorize(reason, sort=True)
    cells, numbers = np.unique(spread.cell * len(names) + codes[spread.row], return_counts=True)
    for cell, number in zip(cells.tolist(), numbers.tolist(), strict=True):
        counts[cell // len(names)][str(names[cell % len(names)])] = number
    return counts


def _topic_names(comments: pd.DataFrame) -> dict[int, str]:
    """Names as they occur, by number; two topics that share a name are told apart by their number."""
    coded = comments.loc[comments["topic"].notna(), ["topic", "topic_name"]].drop_duplicates("topic").sort_values("topic")
    names = {int(number): str(name) for number, name in zip(coded["topic"], coded["topic_name"].fillna(""), strict=True)}
    names = {number: name or f"topic {number}" for number, name in names.items() if name or number >= 0}
    twice = {name for name in names.values() if list(names.values()).count(name) > 1}
    return {number: f"{name} ({number})" if name in twice else name for number, name in names.items()}


def _names(column: pd.Series) -> tuple[list[str], Ints]:
    """Sorted names that occur, and for each record the place of its name from 1; 0 where it has none."""
    text = column.astype(object).where(column.notna(), "").astype(str).str.strip()
    names = sorted(set(text) - {""})
    places = {name: place for place, name in enumerate(names, start=1)}
    return names, text.map(places).fillna(0).to_numpy().astype(np.int64)


def _days(dates: pd.Series) -> pd.Series:
    try:
        return pd.to_datetime(dates, format="ISO8601").dt.normalize()
    except ValueError as error:
        raise BadInput(
            "A date can't be read as year-month-day.", "Import the file again and settle the order of its dates."
        ) from error


def _own(codes: Ints) -> tuple[Ints, Ints]:
    """Entries that have a code of their own: where they stand, and the code."""
    at = np.flatnonzero(codes)
    return at, codes[at]


def _joined(entries: list[tuple[Ints, Ints]]) -> tuple[Ints, Ints]:
    return np.concatenate([at for at, _ in entries]), np.concatenate([codes for _, codes in entries])


def _attributes(records: pd.DataFrame) -> list[Any]:
    return [name for name in records.columns if str(name).startswith(ATTRIBUTE)]


def _weights(records: pd.DataFrame) -> Floats:
    return checked_weights(records["weight"].to_numpy(dtype=np.float64, na_value=np.nan))


def _need(frame: pd.DataFrame, columns: tuple[str, ...], what: str) -> None:
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise BadInput(f"The table of {what} has no column '{missing[0]}'.", f"It needs {', '.join(columns)}.")
