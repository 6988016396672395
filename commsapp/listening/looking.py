"""Figures that no stored result holds, worked out when a page asks: several areas taken together, over the waves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from commsapp.actor import Actor
from commsapp.errors import BadInput
from commsapp.listening.measuring import ANSWER_SHARE, ATTRIBUTE, EMOTION_SHARE, TONE, TOPIC_SHARE, gave, listening_results
from commsapp.listening.reporting import narrowed, records
from commsapp.storage.session import Session

_FIGURE = ("value", "low", "high", "n", "chosen")


def over_waves(
    session: Session,
    actor: Actor,
    programme_id: int,
    *,
    measure: str,
    item: str = "",
    places: Mapping[str, Sequence[str]],
    segment: str = "",
    topic: int | None = None,
) -> pd.DataFrame:
    """One measure in each wave, for groups of areas taken together.

    Parameters
    ----------
    measure, item : 'topic share', 'answer share', 'emotion share' or 'tone', and what of it.
    places : name of a group → its areas; no areas means everywhere.
    segment : 'age = 16-24', or '' for all.
    topic : the number by which a topic goes now, whatever its name; without it ``item`` is looked for.

    Returns
    -------
    DataFrame with wave, start, end, item (the name of the group), value, low, high, n, chosen; waves without data have no row.

    Raises
    ------
    BadInput : another measure.

    """
    if measure not in (TOPIC_SHARE, ANSWER_SHARE, EMOTION_SHARE, TONE):
        raise BadInput(
            f"'{measure}' can't be shown over waves.", f"Use {TOPIC_SHARE}, {ANSWER_SHARE}, {EMOTION_SHARE} or {TONE}."
        )
    heard = records(session, actor, programme_id)
    comments, answers = heard.comments, heard.answers
    named = gave(answers, item)
    asked = answers[answers["question"].isin(answers.loc[named, "question"].unique())]
    numbers = comments.loc[comments["topic_name"] == item, "topic"].dropna().unique() if topic is None else [topic]
    topics = {int(number): item for number in numbers} if measure == TOPIC_SHARE else {}
    comments, asked = (comments.iloc[:0], asked) if measure == ANSWER_SHARE else (comments, asked.iloc[:0])
    parts = []
    for name, areas in places.items():
        said, answered = (narrowed(table, heard.waves, segment=segment) for table in (comments, asked))
        if areas:
            said, answered = said[said["area"].isin(areas)], answered[answered["area"].isin(areas)]
        found = listening_results(_bare(said), _bare(answered), heard.waves, topics=topics)
        wanted = (found["measure"] == measure) & (found["wave"] != "") & (found["item"] == ("" if measure == TONE else item))
        parts.append(found[wanted].assign(item=name))
    joined = pd.concat(parts, ignore_index=True).merge(heard.waves.rename(columns={"name": "wave"}), on="wave", how="left")
    return joined.sort_values(["start", "wave"], kind="stable")[[*("wave", "start", "end", "item"), *_FIGURE]]


def _bare(table: pd.DataFrame) -> pd.DataFrame:
    """Take out what splits into cells that nobody asked for."""
    return table.drop(columns=[name for name in table if str(name).startswith(ATTRIBUTE)]).assign(area="")
