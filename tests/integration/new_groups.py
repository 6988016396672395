"""A second wave for the programme of `curated`, in which something is new; and a group that no analysis found."""

from __future__ import annotations

from datetime import date
from typing import Any

import curated
import numpy as np
import said
from curated import Curated

from commsapp.actor import Actor, HandlingLevel
from commsapp.listening import looking_for_new
from commsapp.listening import service as listening
from commsapp.storage import codings, emerging, programmes
from commsapp.storage.session import Session
from commsapp.textmodels.codebook import CodebookDraft
from commsapp.textmodels.emerging import Emerging

AXIS, BUSES, TINS = 6, 7, 30
"""Where the new comments lie, away from every topic, and others that fit none; how many new ones there are."""


def tins(count: int = TINS, *, level: str = "open", first: int = 0, mark: str = "") -> list[dict[str, Any]]:
    """Comments on something that nobody spoke of before."""
    words = [f"A fake charity tin stands on the shop counter{mark}, tin {number}" for number in range(first, first + count)]
    return [{"original": one, "axis": AXIS, "handling_level": level, "day": said.AFTER} for one in words]


def buses(count: int, mark: str, day: date) -> list[dict[str, Any]]:
    """Comments that fit no topic either, in both waves alike."""
    return [{"original": f"The bus never comes, {mark} {number}", "axis": BUSES, "day": day} for number in range(count)]


def as_before() -> list[dict[str, Any]]:
    """What was said in the first wave, twice as often and in other words."""
    rows = [row for row in curated.comments() if row.get("handling_level", "open") == "open"]
    marked = [(row, f"{row['original']}{mark}") for mark in (" again", " once more") for row in rows]
    return [*({**row, "original": words, "day": said.AFTER} for row, words in marked), *buses(24, "stop", said.AFTER)]


def second_wave(made: Curated, *, new: list[dict[str, Any]] | None = None) -> None:
    """A wave of February with what was said before, and with comments that fit no topic; coded, and looked at."""
    with made.sessions.writing() as session:
        listening.add_wave(session, made.actor, made.id, name="February", start=date(2026, 2, 1), end=date(2026, 2, 28))
    curated.say(made, buses(6, "line", said.BEFORE), channel="Bus stop")
    curated.say(made, [*as_before(), *(tins() if new is None else new)])
    curated.code(made)
    look(made)


def together(_codebook: CodebookDraft, wave: np.ndarray, before: np.ndarray, unfit: np.ndarray) -> tuple[Emerging, ...]:
    """Instead of `textmodels.emerging.emerging`: where the new comments lie is a new group, buses may be chance."""
    if not len(before):
        return ()
    found = []
    for axis, chance in ((AXIS, 0.012), (BUSES, 0.4)):
        near, earlier = (np.flatnonzero(part[:, axis] > 0.7) for part in (wave, before))
        rows = near[unfit[near]]
        middle = curated.direction(axis)
        figures = {"share": len(near) / len(wave), "before": len(earlier) / len(before), "chance": chance}
        found += [Emerging(tuple(int(row) for row in rows), middle, middle[np.newaxis], **figures)] if len(rows) > 2 else []
    return tuple(found)


def look(made: Curated, actor: Actor | None = None) -> None:
    """Look for what is new, as an analysis does."""
    looking_for_new.look_for_new(made.sessions, actor or made.actor, made.id, settings=made.settings)


def plant(session: Session, actor: Actor, programme_id: int, wave_id: int) -> int:
    """A group of the open comments of a wave, beside a codebook, without any model; its id."""
    version = codings.current_version(session, actor, programme_id) or codings.add_version(
        session,
        programme_id=programme_id,
        granularity="medium",
        encoder_version="none",
        threshold=0.5,
        fingerprint="0123456789abcdef",
        topics=[{"number": 0, "name": "Scam calls", "phrases": [], "centroid": b"", "size": 20}],
    )
    wave = next(row for row in programmes.waves(session, actor, programme_id) if row.id == wave_id)
    rows = emerging.said_on_days(session, actor.cleared(), programme_id)
    keys = tuple(dict.fromkeys(row.text_key for row in rows if wave.start <= row.date <= wave.end)) or ("none",)
    facts = {"codebook_version_id": version.id, "digest": "", "comments": len(keys), "before": 40, "without_topic": len(keys)}
    found = emerging.Found("Tins", keys, 0.2, 0.0, 0.001)
    assert emerging.keep_look(session, actor, programme_id, wave_id, HandlingLevel.OPEN, [found], **facts)
    (look,) = [one for one in emerging.looks(session, actor, programme_id) if one.wave_id == wave_id]
    return emerging.groups(session, [look.id])[0][0].id
