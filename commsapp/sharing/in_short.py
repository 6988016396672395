"""What was heard, in the two or three sentences with which a report begins."""

from __future__ import annotations

from typing import Any

import pandas as pd

from commsapp.listening.measuring import EMOTION_SHARE, FEW, NO_TOPIC_NAME, OF_PEOPLE, TONE, TOPIC_SHARE, UNSURE_SHARE
from commsapp.planning import wording

LARGEST = 3


def what_was_heard(channels: pd.DataFrame, results: pd.DataFrame) -> list[str]:
    """Who was heard, what about and in which tone; no figure that fewer than `FEW` responses stand behind.

    Parameters
    ----------
    channels : channel, responses.
    results : measure, item, value, low, high, n, chosen, over all waves, areas and segments.

    """
    shown = results[results["n"] >= FEW]
    topics = shown[(shown["measure"] == TOPIC_SHARE) & (shown["item"] != NO_TOPIC_NAME) & (shown["value"] > 0)]
    return [*_channels(channels), *_topics(topics), *_tone(shown[shown["measure"] == TONE]), *_felt(shown)]


def _channels(channels: pd.DataFrame) -> list[str]:
    heard = channels[channels["responses"] > 0].sort_values("responses", ascending=False, kind="stable").to_dict("records")
    total = sum(row["responses"] for row in heard)
    if not heard:
        return []
    if total < FEW:
        return [f"Fewer than {FEW} responses came in, too few for any figure."]
    named = [f"{row['channel']} ({row['responses']:,})" for row in heard if row["responses"] >= FEW]
    named += [f"{row['channel']} (fewer than {FEW})" for row in heard if row["responses"] < FEW]
    through = f"{len(named)} channels: {wording.listed(named)}" if len(named) > 1 else f"one channel, {heard[0]['channel']}"
    return [f"{wording.counted(total, 'response')} came in through {through}."]


def _topics(topics: pd.DataFrame) -> list[str]:
    largest = topics.sort_values("value", ascending=False, kind="stable").head(LARGEST).to_dict("records")
    if not largest:
        return []
    named = [f"‘{row['item']}’ with {wording.level(TOPIC_SHARE, row['value'])} ({_interval(row)})" for row in largest]
    of = "of people" if all(row["chosen"] == OF_PEOPLE for row in largest) else "of the feedback and not of people"
    what = "largest topics are" if len(named) > 1 else "largest topic is"
    n = wording.counted(int(largest[0]["n"]), "response")
    return [f"In {n} whose comments were coded the {what}, as shares {of}, {wording.listed(named)}."]


def _tone(tone: pd.DataFrame) -> list[str]:
    return [
        f"The tone of the feedback is {wording.level(TONE, row['value'])} on a scale from -1 to 1 "
        f"({wording.counted(int(row['n']), 'response')}, {_interval(row)}); that is not approval: anger at dealers is not "
        "anger at the police."
        for row in tone.to_dict("records")
    ]


def _felt(shown: pd.DataFrame) -> list[str]:
    """Which emotions are heard most, and of how much of the feedback the model is not sure."""
    heard = shown[(shown["measure"] == EMOTION_SHARE) & (shown["item"] != "neutral") & (shown["value"] > 0)]
    most = heard.sort_values("value", ascending=False, kind="stable").head(LARGEST).to_dict("records")
    named = [f"{row['item']} in {wording.level(EMOTION_SHARE, row['value'])} ({_interval(row)})" for row in most]
    sentences = []
    if named:
        n = wording.counted(int(most[0]["n"]), "response")
        sentences.append(f"Emotions heard most in the feedback are {wording.listed(named)} of {n}; one comment may have several.")
    for row in shown[shown["measure"] == UNSURE_SHARE].to_dict("records"):
        value = wording.level(UNSURE_SHARE, row["value"])
        sentences.append(f"Of {value} of the feedback the model is not sure how it sounds ({_interval(row)}).")
    return sentences


def _interval(row: dict[Any, Any]) -> str:
    return f"95 % interval {wording.between(row['measure'], row['low'], row['high'])}"
