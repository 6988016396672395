"""From what was heard to one outcome per response: what every evaluation method compares. DataFrames in, DataFrames out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from commsapp.errors import BadInput
from commsapp.listening.measuring import ANSWER_SHARE, ATTRIBUTE, NO_ANSWER, TONE, TOPIC_SHARE, gave
from commsapp.listening.views import Records, Wave

OUTCOME = "outcome"


@dataclass(frozen=True)
class Outcomes:
    """One row per comment (or per person who answered) with ``OUTCOME`` and the columns of the records.

    ``not_coded`` has the comments, or the people asked, that are left out, with ``not_coded_reason``.
    """

    table: pd.DataFrame
    not_coded: pd.DataFrame


def outcomes(records: Records, *, measure: str, item: str, segment: str = "", topic: int | None = None) -> Outcomes:
    """Turn records into the outcome that a measure compares: 0 or 1 for shares, -1 to 1 for tone.

    ``not_coded`` has the comments that could not be judged, with ``not_coded_reason``; they are left out, never guessed.
    ``topic`` is the number by which a topic goes now, whatever its name; without it ``item`` is looked for.

    Raises
    ------
    BadInput : a measure that no change can be measured of.

    """
    if measure == ANSWER_SHARE:
        table, missing = _answers(records.answers, item)
    elif measure in (TOPIC_SHARE, TONE):
        comments = records.comments
        needed = ["topic"] if measure == TOPIC_SHARE else ["positive", "negative"]
        coded = comments[needed].notna().all(axis=1)
        table, missing = comments[coded], comments[~coded]
        if measure == TOPIC_SHARE:
            about = table["topic_name"] == item if topic is None else table["topic"] == topic
            judged = about.astype(float)
        else:
            judged = (table["positive"] - table["negative"]).astype(float).clip(-1, 1)
        table = table.assign(**{OUTCOME: judged})
    else:
        raise BadInput(f"A change of '{measure}' can't be measured.", f"Use {TOPIC_SHARE}, {ANSWER_SHARE} or {TONE}.")
    return Outcomes(_of_segment(table, segment), _of_segment(missing, segment))


def of_wave(table: pd.DataFrame, wave: Wave) -> pd.DataFrame:
    """Rows whose date lies in a wave, both its days included."""
    dates = pd.to_datetime(table["date"])
    return table[dates.between(pd.Timestamp(wave.start), pd.Timestamp(wave.end))]


def of_areas(table: pd.DataFrame, areas: Sequence[str]) -> pd.DataFrame:
    """Rows of these areas; all rows where no area is named."""
    return table[table["area"].isin(areas)] if areas else table


def of_other_areas(table: pd.DataFrame, areas: Sequence[str]) -> pd.DataFrame:
    """Rows of every other known area; none where no area is named, since then there is no other."""
    return table[~table["area"].isin([*areas, ""]) & table["area"].notna()] if areas else table.iloc[:0]


def _answers(answers: pd.DataFrame, item: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One row per person who answered the question, and one per person who was asked but gave no answer that counts.

    Several ticks of one person count that person once.
    """
    named = gave(answers, item)
    # the question is found through those who gave the answer: its wording may itself hold ': '
    questions = answers.loc[named, "question"].unique()
    asked = answers[answers["question"].isin(questions)]
    answered = asked["choice"].notna() & (asked["choice"].astype(str).str.strip() != "")
    silent = asked[~asked["response_id"].isin(asked.loc[answered, "response_id"])].drop_duplicates("response_id")
    if "not_coded_reason" not in silent:
        silent = silent.assign(not_coded_reason=NO_ANSWER)
    asked = asked[answered]
    those = asked.loc[named.loc[asked.index], "response_id"]
    people = asked.drop_duplicates("response_id")
    return people.assign(**{OUTCOME: people["response_id"].isin(those).astype(float)}), silent


def _of_segment(table: pd.DataFrame, segment: str) -> pd.DataFrame:
    if not segment:
        return table
    name, _, choice = segment.partition(" = ")
    column = ATTRIBUTE + name
    return table[table[column].astype(str) == choice] if column in table else table.iloc[:0]
