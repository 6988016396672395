"""Listening results as they are frozen, and which of them somebody is shown.

What may come in: computing, storing and reading back figures. What may not: people's words.

Somebody who is not cleared for every handling level could take the figures of all responses, take away those that they may
read, and be left with what the others said. So a set of results is stored once for every clearance that makes a difference,
and everybody is shown figures of responses that they may read themselves.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import date
from typing import Any

import pandas as pd

from commsapp.actor import Actor, HandlingLevel
from commsapp.errors import NotFound
from commsapp.listening import programmes as frame
from commsapp.listening import views
from commsapp.listening.measuring import BY_TOPIC, NO_TOPIC_NAME, OF_TOPICS, listening_results
from commsapp.listening.naming import hides, topics_named
from commsapp.listening.reporting import codebook_in_use, model_version, records, topic_counts
from commsapp.storage import erasing, events, responses, results
from commsapp.storage.session import Session, Sessions

LEANS = 1.5
"""How many times likelier than in another area somebody must have been asked before it is said that nothing weights for it."""

ALL_LEVELS = ""
_NARROWER = (
    frozenset({HandlingLevel.OPEN}),
    frozenset({HandlingLevel.OPEN, HandlingLevel.OFFICIAL_SENSITIVE}),
)
"""Clearances below the full one, each within the next: whoever has another one is shown the largest that theirs holds."""

RESULT_COLUMNS = [
    *("id", "measure", "item", "wave", "area", "segment", "value", "low", "high", "n", "n_effective", "not_coded"),
    *("chosen", "codebook_version", "model_version", "corrected"),
]


def store_results(sessions: Sessions, actor: Actor, programme_id: int) -> views.Summary:
    """Compute all listening results and store them as a new set; reads first, computes with nothing open, writes once.

    Stored results hold figures, never words, and they are the programme's: they count every response, of every handling
    level, whatever the one who starts the computation may see, or the same programme would have other figures after another
    person pressed the button. What is held back as a concern counts among the comments not coded. Beside the figures of all
    responses stand those for narrower clearances, where they differ. Of older sets only what a message cites stays.

    Returns the summary of all responses, for the log of the job; show `latest_summary` to people.

    Raises
    ------
    NotFound : no such programme.

    """
    actor = actor.cleared()
    with sessions.writing() as session:
        frame.programme(session, actor, programme_id)
        frame.propose_waves(session, actor, programme_id)
    with sessions.reading() as session:
        heard = records(session, actor, programme_id)
        codebook = codebook_in_use(session, actor, programme_id)
        version = model_version(session, actor)
        present = responses.levels(session, actor, programme_id)
        clearances = _clearances(present)
        days = {
            levels: responses.days(session, replace(actor, handling_levels=cleared), programme_id)
            for levels, cleared in clearances.items()
        }
        populations = {area.name: area.population for area in frame.areas(session, actor, programme_id) if area.population}
    topics = {topic.number: topic.name for topic in codebook.topics} | {-1: NO_TOPIC_NAME} if codebook else {}
    numbers = {name: number for number, name in topics.items()}
    rows: list[dict[str, Any]] = []
    summaries: dict[str, views.Summary] = {}
    for levels, cleared in clearances.items():
        seen = _of_levels(heard, cleared)
        table = listening_results(
            seen.comments,
            seen.answers,
            seen.waves,
            topics=topics,
            codebook_version=codebook.version if codebook else "",
            model_version=version,
        )
        rows += [_row(row, levels, numbers) for row in table.to_dict("records")]
        summaries[levels] = _summary(seen, days[levels], len(codebook.topics) if codebook else 0, populations)
    with sessions.writing() as session:
        made = results.add_result_set(
            session,
            actor,
            programme_id=programme_id,
            codebook_version_id=codebook.id if codebook else None,
            summary={
                "by_levels": {levels: _plain(summary) for levels, summary in summaries.items()},
                "present": sorted(present),
            },
            results=rows,
        )
        erasing.drop_older_results(session, programme_id)
        after = {"programme_id": programme_id}
        events.record(session, actor, action="compute", subject="listening results", subject_id=made.id, after=after)
    return summaries[ALL_LEVELS]


def _clearances(present: Iterable[str]) -> dict[str, frozenset[HandlingLevel]]:
    """The clearances that see different responses of a programme, by the name under which results are stored for them."""
    there = frozenset(HandlingLevel(level) for level in present)
    found = {ALL_LEVELS: frozenset(HandlingLevel)}
    seen = {there}
    for cleared in _NARROWER:  # the narrowest first, as that is the name under which everybody finds it
        if there & cleared not in seen:
            found[_named(cleared)] = cleared
            seen.add(there & cleared)
    return found


def _named(cleared: frozenset[HandlingLevel]) -> str:
    return ", ".join(level for level in HandlingLevel if level in cleared)


def _of_levels(heard: views.Records, cleared: frozenset[HandlingLevel]) -> views.Records:
    comments, answers = (table[table["handling_level"].isin(cleared)] for table in (heard.comments, heard.answers))
    return views.Records(comments.reset_index(drop=True), answers.reset_index(drop=True), heard.waves)


def _summary(heard: views.Records, days: dict[date | None, int], topics: int, populations: dict[str, int]) -> views.Summary:
    reasons = heard.comments["not_coded_reason"]
    return views.Summary(
        responses=sum(days.values()),
        comments=len(heard.comments),
        topics=topics,
        not_coded={str(reason): int(count) for reason, count in reasons[reasons != ""].value_counts().items()},
        undated=days.get(None, 0),
        between_waves=_between(days, heard.waves),
        areas_unweighted=_leans(heard, populations),
    )


def _between(days: dict[date | None, int], waves: pd.DataFrame) -> int:
    """How many responses have a day that lies in no wave."""
    periods = list(zip(waves["start"], waves["end"], strict=True))
    return sum(count for day, count in days.items() if day and not any(start <= day <= end for start, end in periods))


def _leans(heard: views.Records, populations: dict[str, int]) -> bool:
    """Whether figures of people over all areas lean to some: drawn at other rates than people live there, without weights."""
    said = pd.concat([heard.comments, heard.answers]).drop_duplicates("response_id")
    drawn = said[said["chosen"].isin(("random", "quota")) & said["area"].isin(list(populations))]
    if drawn.empty or drawn["weight"].nunique() > 1:
        return False
    rates = drawn["area"].value_counts() / pd.Series(populations)
    return bool(rates.max() > LEANS * rates.min())


def _row(row: dict[Any, Any], levels: str, numbers: dict[str, int]) -> dict[str, Any]:
    names = ("measure", "item", "wave", "area", "segment", "chosen", "codebook_version", "model_version")
    return {
        **{name: str(row[name]) for name in names},
        **{name: float(row[name]) for name in ("value", "low", "high", "n_effective")},
        "n": int(row["n"]),
        "not_coded": dict(row["not_coded"]),
        "correction": "",
        "origin": "answers" if row["measure"] == "answer share" else "comments",
        "levels": levels,
        "topic_number": numbers.get(str(row["item"])) if row["measure"] in BY_TOPIC else None,
    }


def _plain(summary: views.Summary) -> dict[str, Any]:
    return {name: value for name, value in asdict(summary).items() if name not in ("made_at", "narrowed")}


def _levels_for(session: Session, actor: Actor, made: results.ResultSet) -> str | None:
    """Under which name the results stand that an actor may be shown; None where there are none for them in that set."""
    if not hides(session, actor, made.programme_id):
        return ALL_LEVELS
    stored = made.summary.get("by_levels", {})  # none where a version that knew of no clearances computed it
    for cleared in reversed(_NARROWER):
        if cleared <= actor.handling_levels and _named(cleared) in stored:
            return _named(cleared)
    # Of a level that nobody had when the set was computed: its figures of all are figures of what the actor may read.
    return ALL_LEVELS if set(made.summary.get("present", HandlingLevel)) <= actor.handling_levels else None


def latest_summary(session: Session, actor: Actor, programme_id: int) -> views.Summary | None:
    """What the latest analysis found among the responses that the actor may read; None where there was none yet."""
    made = results.latest_set(session, actor, programme_id)
    levels = None if made is None else _levels_for(session, actor, made)
    if made is None or levels is None:
        return None
    stored = made.summary.get("by_levels", {ALL_LEVELS: made.summary})
    return views.Summary(**stored[levels], made_at=made.made_at, narrowed=levels != ALL_LEVELS)


def frozen_results(session: Session, actor: Actor, programme_id: int, **where: str | None) -> pd.DataFrame:
    """The latest stored listening results as a table with ``RESULT_COLUMNS``, of the responses that the actor may read.

    ``where`` narrows by measure, item, wave, area, segment; '' asks for 'all of them together', None for any.
    """
    made, asked = _asked(session, actor, programme_id, where)
    return _table(results.results_of(session, actor, made.id, **asked) if made is not None else [])


def results_page(
    session: Session, actor: Actor, programme_id: int, *, number: int, size: int, **where: str | None
) -> tuple[pd.DataFrame, int]:
    """One page of `frozen_results`, from 1 on, and how many there are in all: reading a page costs what it holds."""
    made, asked = _asked(session, actor, programme_id, where)
    if made is None:
        return _table([]), 0
    shown = results.results_of(session, actor, made.id, start=(number - 1) * size, limit=size, **asked)
    return _table(shown), results.count_results(session, actor, made.id, **asked)


def _asked(
    session: Session, actor: Actor, programme_id: int, where: dict[str, str | None]
) -> tuple[results.ResultSet | None, dict[str, Any]]:
    """The set that holds what an actor is shown, and how it is narrowed; None where there is nothing for them."""
    made = results.latest_set(session, actor, programme_id)
    levels = None if made is None else _levels_for(session, actor, made)
    if levels is None:
        return None, {}
    asked: dict[str, Any] = {name: value for name, value in where.items() if value is not None}
    if levels != ALL_LEVELS and not topics_named(session, actor, programme_id):
        asked["without"] = OF_TOPICS
    return made, {"levels": levels} | asked


def _table(rows: list[Any]) -> pd.DataFrame:
    return pd.DataFrame(
        [[bool(row.correction) if name == "corrected" else getattr(row, name) for name in RESULT_COLUMNS] for row in rows],
        columns=RESULT_COLUMNS,
    )


def codebook_shown(session: Session, actor: Actor, programme_id: int) -> views.Codebook | None:
    """The codebook version in use, as far as the actor may know its topics; None where there is none yet.

    Topics whose names are made of words that they may not read are kept from them: see `analysing.NAMED_BY_OPEN`. Sizes are of
    the comments that they may read, or the difference would say how many others there are.
    """
    found = codebook_in_use(session, actor, programme_id)
    if found is None or not hides(session, actor, programme_id):
        return found
    if not topics_named(session, actor, programme_id):
        return replace(found, topics=())
    counted = topic_counts(session, actor, programme_id)
    return replace(found, topics=tuple(replace(topic, size=counted.get(topic.number, 0)) for topic in found.topics))


def result(session: Session, actor: Actor, result_id: int) -> views.Result:
    """One frozen result; where it counts responses that the actor may not read, the same one of those that they may.

    Raises
    ------
    NotFound : there is none, it belongs to another organisation, or the actor may read no response behind it.

    """
    row: Any = results.result(session, actor, result_id)
    if row is not None:
        made = results.result_set(session, row.result_set_id)
        levels = _levels_for(session, actor, made)
        if row.levels != levels:
            row = _twin(session, actor, row, levels)
    if row is None:
        raise NotFound("There is no such listening result.", "Go back to what was heard and choose one.")
    return views.as_view(views.Result, row, corrected=bool(row.correction), made_at=made.made_at)  # type: ignore[no-any-return]


CELL = ("measure", "item", "wave", "area", "segment")


def _twin(session: Session, actor: Actor, row: results.ListeningResult, levels: str | None) -> Any:
    if levels is None:
        return None
    cell = {name: getattr(row, name) for name in CELL}
    return next(iter(results.results_of(session, actor, row.result_set_id, levels=levels, **cell)), None)


def attributes(session: Session, actor: Actor, programme_id: int) -> dict[str, tuple[str, ...]]:
    """Attribute name → its choices, for those that segments can be made of; see `programmes.attributes`.

    Where the programme holds responses that the actor may not read, the choices are those that others gave too, as far as
    the latest results have them: a choice can itself give somebody away.
    """
    found = frame.attributes(session, actor, programme_id)
    if not hides(session, actor, programme_id):
        return found
    made = results.latest_set(session, actor, programme_id)
    levels = None if made is None else _levels_for(session, actor, made)
    shown = frozenset() if made is None or levels is None else results.segments(session, made.id, levels=levels)
    kept = {name: tuple(choice for choice in choices if f"{name} = {choice}" in shown) for name, choices in found.items()}
    return {name: choices for name, choices in kept.items() if choices}
