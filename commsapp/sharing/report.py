"""The report of a programme: one HTML file that needs nothing else, to read, print and send.

What was heard, how it changed, what was said, what was expected, and what came of it: the verdict in plain words first,
the method after it. No comment is quoted, and no figure is shown that fewer than `FEW` responses stand behind.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from commsapp import bundled
from commsapp.accounts import service as accounts
from commsapp.actor import Actor, HandlingLevel
from commsapp.errors import Unavailable
from commsapp.evaluation import service as evaluation
from commsapp.evaluation.diagnostics import DOES_NOT_APPLY
from commsapp.evaluation.service import EffectView
from commsapp.listening import service as listening
from commsapp.listening.languages import reason
from commsapp.listening.measuring import ANSWER_SHARE, FEW, TONE, TOPIC_SHARE
from commsapp.listening.views import ContextEvent, Programme, Summary, Wave
from commsapp.planning import service as planning
from commsapp.planning import wording
from commsapp.planning.campaigns import Campaign
from commsapp.sharing import figures
from commsapp.sharing.in_short import what_was_heard
from commsapp.sharing.lines import MOST_BANDS
from commsapp.storage.session import Session


@dataclass(frozen=True)
class Contents:
    """Everything that a report says, read at one moment; ``levels`` are the names of the handling levels that it counts."""

    programme: Programme
    summary: Summary | None
    channels: pd.DataFrame
    results: pd.DataFrame
    waves: tuple[Wave, ...]
    context_events: tuple[ContextEvent, ...]
    campaigns: tuple[Campaign, ...]
    effects: dict[int, EffectView]
    titles: dict[str, str]
    levels: tuple[str, ...]


def write_report(
    session: Session, actor: Actor, *, programme_id: int, path: Path, level: HandlingLevel = HandlingLevel.OPEN
) -> Path:
    """Write the report of a programme to a file, whole or not at all; gives its path.

    It counts what was said up to a handling ``level``, and says so: a file goes further than a page.

    Raises
    ------
    NotFound : no such programme. Unavailable : the file can't be written.

    """
    levels = list(HandlingLevel)[: list(HandlingLevel).index(level) + 1]
    narrowed = replace(actor, handling_levels=actor.handling_levels & frozenset(levels))
    page = render(contents(session, narrowed, programme_id))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(page)
        Path(draft).replace(path)
    except OSError as error:
        raise Unavailable(f"The report can't be written to {path}: {error.strerror}.", "Choose another place.") from error
    return path


def contents(session: Session, actor: Actor, programme_id: int) -> Contents:
    """Read what the report of a programme says. Raises NotFound where there is no such programme."""
    programme = listening.programme(session, actor, programme_id)
    campaigns = tuple(planning.campaign(session, actor, found.id) for found in planning.campaigns(session, actor, programme_id))
    messages = [message.id for campaign in campaigns for message in campaign.messages]
    effects = {number: evaluation.latest_effect(session, actor, number) for number in messages}
    return Contents(
        programme=programme,
        summary=listening.latest_summary(session, actor, programme_id),
        channels=listening.counts_by_channel(session, actor, programme_id),
        results=listening.frozen_results(session, actor, programme_id, area="", segment=""),
        waves=tuple(listening.waves(session, actor, programme_id)),
        context_events=tuple(listening.context_events(session, actor, programme_id)),
        campaigns=campaigns,
        effects={number: effect for number, effect in effects.items() if effect is not None},
        titles={known.id: known.title for known in planning.load_approaches()},
        levels=tuple(name for level, name in accounts.level_names(session, actor).items() if level in actor.handling_levels),
    )


def render(what: Contents, *, made_at: datetime | None = None) -> str:
    """Turn the contents into one self-contained HTML page."""
    overall = what.results[what.results["wave"] == ""]
    topics = overall[overall["measure"] == TOPIC_SHARE].sort_values("value", ascending=False, kind="stable")
    page = _environment().get_template("programme.html")
    return page.render(
        what=what,
        in_short=what_was_heard(what.channels, overall),
        channels=what.channels.to_dict("records"),
        topics=topics.to_dict("records"),
        tone=overall[overall["measure"] == TONE].to_dict("records"),
        answers=_answers(overall),
        topics_figure=_topics_figure(topics),
        changes=_changes(what),
        not_coded=_not_coded(what.summary),
        made_at=made_at or datetime.now(UTC),
    )


def _topics_figure(topics: pd.DataFrame) -> Markup | None:
    topics = topics[topics["n"] >= FEW]
    return _figure(figures.topics_chart(topics), "What the feedback is about") if len(topics) else None


def _changes(what: Contents) -> list[dict[str, Any]]:
    """One chart with its table for each measure, and for each question, that was heard in two waves or more."""
    over_time = what.results[what.results["wave"] != ""]
    found: list[dict[str, Any]] = []
    for measure, title in ((TOPIC_SHARE, "Topics"), (TONE, "Tone of the feedback"), (ANSWER_SHARE, "")):
        rows = over_time[over_time["measure"] == measure]
        for question, part in _questions(rows) if measure == ANSWER_SHARE else [(title, rows)]:
            if part["wave"].nunique() > 1:
                drawn, notes = _waves_figure(part[part["n"] >= FEW], what, measure, question)
                banded = part["item"].nunique() <= MOST_BANDS
                shown = {"figure": drawn, "notes": notes, "banded": banded, "rows": part.to_dict("records")}
                found.append({"title": question, "measure": measure, **shown})
    return found


def _waves_figure(rows: pd.DataFrame, what: Contents, measure: str, title: str) -> tuple[Markup | None, tuple[str, ...]]:
    """The chart of a measure, and the names that belong to the numbers in it."""
    if rows["wave"].nunique() < 2:
        return None, ()
    chart, notes = figures.waves_chart(rows, what.waves, what.context_events, measure=measure)
    return _figure(chart, title), notes


def _answers(overall: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {"question": question, "rows": part.to_dict("records")}
        for question, part in _questions(overall[overall["measure"] == ANSWER_SHARE])
    ]


def _questions(rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Rows by question, with the choice alone as item."""
    split = [wording.split_item(item) for item in rows["item"]]
    rows = rows.assign(question=[question for question, _ in split], item=[choice for _, choice in split])
    return [(str(question), part) for question, part in rows.groupby("question", sort=False)]


def _rests_on_few(effect: EffectView) -> bool:
    """Whether too few people stand behind one of the measured waves to show its figures."""
    return bool((effect.table["n"] < FEW).any())


def _not_coded(summary: Summary | None) -> list[tuple[str, int]]:
    """Reasons why comments were set aside, the commonest first."""
    given = summary.not_coded if summary else {}
    return [(reason(why), count) for why, count in sorted(given.items(), key=lambda pair: (-pair[1], pair[0]))]


def _figure(chart: Any, label: str) -> Markup:
    # vl-convert escapes what it draws, so that its SVG may stand in the page as it is; the label is ours to escape
    named = Markup('<svg role="img" aria-label="{}"').format(f"Chart: {label}; its figures are in the table below")
    return named + Markup(figures.svg(chart).removeprefix("<svg"))  # noqa: S704


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(bundled.templates() / "reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["day"] = wording.day
    environment.filters["whole"] = lambda value: f"{value:,.0f}"
    environment.globals["few"] = FEW
    environment.globals["not_shown"] = f"fewer than {FEW} responses: not shown"
    environment.globals["rests_on_few"] = _rests_on_few
    environment.globals["does_not_apply"] = DOES_NOT_APPLY
    environment.globals["level"] = wording.level
    environment.globals["between"] = wording.between
    environment.globals["change"] = wording.change
    environment.globals["result_sentence"] = wording.result_sentence
    return environment
