"""The only door of planning: campaigns, their messages, what is expected of them, and what a sample can show.

Calls take an open session first, then who is asking; what comes back is frozen. Nothing here commits.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

from commsapp.actor import Actor
from commsapp.errors import BadInput, Conflict, NotFound
from commsapp.listening import service as listening
from commsapp.listening.measuring import TOPIC_SHARE
from commsapp.listening.views import Result, Wave
from commsapp.planning import rules, wording
from commsapp.planning.campaigns import (
    Activity,
    Campaign,
    CanShow,
    ExpectedEffect,
    Message,
    can_show,
    fixed_note,
    suggest_objective,
)
from commsapp.planning.checking import check_can_move, check_topic_in_use, mistakes, result_to_move
from commsapp.planning.playbooks import load_approaches, load_behaviours, load_playbooks
from commsapp.planning.rules import Mistake, checked_choice, checked_expectation, refuse
from commsapp.storage import campaigns as store
from commsapp.storage.session import Session

__all__ = [
    "Mistake",
    "add_activity",
    "campaign",
    "campaign_named",
    "campaigns",
    "create_campaign",
    "draft_message",
    "fix_expected_effect",
    "load_approaches",
    "load_behaviours",
    "load_playbooks",
    "message",
    "mistakes",
    "result_to_move",
    "suggest_objective",
    "what_it_can_show",
]

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def create_campaign(
    session: Session,
    actor: Actor,
    *,
    programme_id: int,
    name: str,
    approach: str,
    playbook: str = "",
    start: date,
    end: date,
    areas: tuple[str, ...] = (),
    objective: str,
) -> Campaign:
    """Plan a campaign with its one objective. ``approach`` and ``playbook`` are ids (playbook: or ''); no areas means everywhere.

    Raises
    ------
    NotFound : no such programme. Conflict : it has a campaign of that name. BadInput : no name or objective, an approach,
        playbook or area that isn't known, or it ends before it starts.

    """
    name = _text(name, "campaign's name")
    listening.programme(session, actor, programme_id)
    _check_approach(approach, playbook)
    refuse(rules.of_period(start, end, f"campaign '{name}'"))
    _check_areas(session, actor, programme_id, areas)
    objective = _text(objective, "objective")
    if store.campaign_named(session, actor, programme_id, name):
        raise Conflict(f"There is a campaign called '{name}' already.", "Choose another name, or open that one.")
    row = store.add_campaign(
        session,
        actor,
        programme_id=programme_id,
        name=name,
        approach=approach,
        playbook=playbook,
        start=start,
        end=end,
        areas=areas,
        objective=objective,
    )
    return campaign(session, actor, row.id)


def campaign(session: Session, actor: Actor, campaign_id: int) -> Campaign:
    """One campaign with its objective, messages, expected effects and activities.

    Raises
    ------
    NotFound : there is none, or it belongs to another organisation.

    """
    row = store.campaign(session, actor, campaign_id)
    if row is None:
        raise NotFound("There is no such campaign.", "Go back to the list of campaigns.")
    messages = tuple(_message(session, actor, found, row) for found in store.messages(session, actor, row.id))
    return _campaign(session, actor, row, messages)


def campaigns(session: Session, actor: Actor, programme_id: int) -> list[Campaign]:
    """Campaigns of a programme in time, without their messages."""
    return [_campaign(session, actor, row, ()) for row in store.campaigns(session, actor, programme_id)]


def campaign_named(session: Session, actor: Actor, programme_id: int, name: str) -> Campaign | None:
    """One campaign of a programme, by its exact name; None where there is none."""
    row = store.campaign_named(session, actor, programme_id, name)
    return None if row is None else campaign(session, actor, row.id)


def message(session: Session, actor: Actor, message_id: int) -> Message:
    """One message with the listening result that it cites, what is expected of it, and its activities.

    Raises
    ------
    NotFound : there is none, or it belongs to another organisation.

    """
    row = store.message(session, actor, message_id)
    parent = None if row is None else store.campaign(session, actor, row.campaign_id)
    if row is None or parent is None:
        raise NotFound("There is no such message.", "Go back to its campaign.")
    return _message(session, actor, row, parent)


def draft_message(
    session: Session,
    actor: Actor,
    *,
    campaign_id: int,
    text: str,
    language: str = "en",
    behaviour: str = "",
    segment: str = "",
    listening_result_id: int | None,
) -> Message:
    """Draft a message that answers a frozen listening result.

    Raises
    ------
    NotFound : no such campaign or listening result. BadInput : no text, no listening result or one of another programme, or
        a language, behaviour or segment that isn't known.

    """
    planned = campaign(session, actor, campaign_id)
    text = _text(text, "message")
    if listening_result_id is None:
        raise BadInput("The message cites no listening result.", "Choose the result that it answers.")
    cited = listening.result(session, actor, listening_result_id)
    if cited.programme_id != planned.programme_id:
        raise BadInput("The listening result belongs to another programme.", "Choose one of this programme.")
    check_can_move(cited)
    if not _LANGUAGE.fullmatch(language):
        raise BadInput(f"'{language}' is not a language code.", "Use two or three letters, such as 'en', 'cy' or 'pl'.")
    if behaviour:
        possible = [known.behaviours for known in load_approaches() if known.id == planned.approach]
        checked_choice(behaviour, possible[0] if possible else (), "behaviour")
    _check_segment(session, actor, planned.programme_id, segment)
    row = store.add_message(
        session,
        actor,
        campaign_id=campaign_id,
        listening_result_id=listening_result_id,
        text=text,
        language=language,
        behaviour=behaviour,
        segment=segment,
    )
    return message(session, actor, row.id)


def fix_expected_effect(
    session: Session,
    actor: Actor,
    *,
    message_id: int,
    measure: str,
    item: str = "",
    areas: tuple[str, ...] = (),
    segment: str = "",
    direction: str,
    target_difference: float,
    smallest: float | None = None,
    by: date,
    before_wave_id: int,
    after_wave_id: int | None = None,
) -> ExpectedEffect:
    """Fix, once, what a message should move. The same again gives back what was fixed; sizes of shares are fractions.

    After the start it is stored too, since past campaigns are entered so, and marked: see ``fixed_note`` of what comes back.

    Raises
    ------
    Conflict : something else was fixed before. NotFound : no such message. BadInput : a measure, item, area, segment or wave
        that isn't known; a topic that is in use no longer; a target in the wrong direction or beyond what there is room for; the
        smallest change that matters above the target; waves or a date that don't fit the campaign.

    """
    planned_message = message(session, actor, message_id)
    planned = campaign(session, actor, planned_message.campaign_id)
    given = ExpectedEffect(
        id=0,
        message_id=message_id,
        measure=measure,
        item=item,
        areas=tuple(sorted(set(areas))),
        segment=segment,
        direction=direction,
        target_difference=target_difference,
        smallest=smallest,
        by=by,
        before_wave_id=before_wave_id,
        after_wave_id=after_wave_id,
        fixed_at=datetime.now(UTC),
        fixed_note="",
    )
    given = checked_expectation(given, planned, planned_message.cited)
    if planned_message.expected is not None:
        return _kept(planned_message.expected, given)
    _check_target(session, actor, planned.programme_id, given)
    waves = {wave.id: wave for wave in listening.waves(session, actor, planned.programme_id)}
    before, after = _wave(waves, before_wave_id, "before"), None
    if after_wave_id is not None:
        after = _wave(waves, after_wave_id, "after")
    refuse(rules.of_waves(before, after, planned.start))
    values = {name: getattr(given, name) for name in _FIXED}
    version = ""
    if measure == TOPIC_SHARE:
        version = _codebook_version(session, actor, planned.programme_id, planned_message.cited)
    row = store.fix_expected_effect(session, actor, message_id=message_id, codebook_version=version, **values)
    return _expected(session, actor, row, planned.programme_id, planned.start)


def add_activity(
    session: Session,
    actor: Actor,
    *,
    message_id: int,
    medium: str,
    area: str = "",
    start: date,
    end: date,
    cost: float | None = None,
    delivered: bool = False,
) -> Activity:
    """Add where, when and at what cost a message is said, as planned or as delivered; no area means everywhere.

    Raises
    ------
    NotFound : no such message. BadInput : no medium, an area that isn't known, a cost below 0, or it ends before it starts.

    """
    planned = campaign(session, actor, message(session, actor, message_id).campaign_id)
    medium = _text(medium, "medium")
    refuse(rules.of_period(start, end, f"activity '{medium}'"))
    known = _check_areas(session, actor, planned.programme_id, (area,) if area else ())
    if cost is not None and not cost >= 0:
        raise BadInput(f"The cost of '{medium}' is {cost:g}.", "Leave it empty, or give 0 or more.")
    row = store.add_activity(
        session,
        actor,
        message_id=message_id,
        medium=medium,
        area_id=known[area] if area else None,
        start=start,
        end=end,
        cost=cost,
        delivered=delivered,
    )
    return Activity(row.id, message_id, medium, area, start, end, cost, delivered)


def what_it_can_show(
    session: Session,
    actor: Actor,
    *,
    listening_result_id: int,
    direction: str = "",
    target_difference: float | None = None,
    wave: str = "",
) -> CanShow:
    """Say what waves as large as the one behind a listening result can show; as the smallest, for one over all waves.

    ``wave`` names the wave that counts instead, where it is known which one a change is measured from.

    Raises
    ------
    NotFound : no such listening result.

    """
    result = listening.result(session, actor, listening_result_id)
    same = {name: getattr(result, name) for name in ("measure", "item", "area", "segment")}
    chosen = listening.frozen_results(session, actor, result.programme_id, wave=wave, **same) if wave else None
    if chosen is not None and len(chosen):
        result = listening.result(session, actor, int(chosen["id"].iloc[0]))
    else:
        result = _smallest_wave(session, actor, result)
    return can_show(result, direction=direction, target_difference=target_difference)


def _smallest_wave(session: Session, actor: Actor, result: Result) -> Result:
    """The same result in the wave with fewest responses, where it is one over all waves: a change is one between waves."""
    if result.wave:
        return result
    same = {name: getattr(result, name) for name in ("measure", "item", "area", "segment")}
    heard = listening.frozen_results(session, actor, result.programme_id, **same)
    waves = heard[heard["wave"] != ""].sort_values("n_effective", kind="stable")
    return listening.result(session, actor, int(waves["id"].iloc[0])) if len(waves) else result


_FIXED = (
    *("measure", "item", "areas", "segment", "direction", "target_difference", "smallest", "by"),
    *("before_wave_id", "after_wave_id"),
)


def _kept(fixed: ExpectedEffect, given: ExpectedEffect) -> ExpectedEffect:
    if all(getattr(fixed, name) == getattr(given, name) for name in _FIXED):
        return fixed
    raise Conflict(
        f"The expected effect was fixed on {wording.day(fixed.fixed_at.date())} and is kept as it was.",
        "Draft another message if something else is expected.",
    )


def _codebook_version(session: Session, actor: Actor, programme_id: int, cited: Result | None) -> str:
    """The codebook that a topic is of, which must be the one in use."""
    if cited is not None:
        check_topic_in_use(session, actor, cited)
    codebook = listening.codebook_in_use(session, actor, programme_id)
    return codebook.version if codebook else ""


def _check_target(session: Session, actor: Actor, programme_id: int, given: ExpectedEffect) -> None:
    """Refuse areas, segments and results that this programme doesn't have."""
    _check_areas(session, actor, programme_id, given.areas)
    _check_segment(session, actor, programme_id, given.segment)
    heard = listening.frozen_results(session, actor, programme_id, measure=given.measure, item=given.item, area="", segment="")
    if heard.empty:
        named = f"'{given.item}' ({given.measure})" if given.item else given.measure
        raise BadInput(f"There is no listening result for {named}.", "Choose one that was heard, exactly as it is called there.")


def _check_areas(session: Session, actor: Actor, programme_id: int, areas: tuple[str, ...]) -> dict[str, int]:
    known = {area.name: area.id for area in listening.areas(session, actor, programme_id)}
    for name in areas:
        checked_choice(name, tuple(known), "area")
    return known


def _check_segment(session: Session, actor: Actor, programme_id: int, segment: str) -> None:
    if not segment:
        return
    name, _, choice = segment.partition(" = ")
    known = listening.attributes(session, actor, programme_id)
    if name in known and choice not in known[name]:
        raise BadInput(f"'{choice}' is no choice of '{name}'.", f"Use one of: {', '.join(known[name])}.")
    if " = " not in segment or name not in known:
        there = f"Known: {', '.join(known)}." if known else "This programme has no attributes."
        raise BadInput(f"'{segment}' is not a segment.", f"Write an attribute and its choice, such as 'age = 16-24'. {there}")


def _wave(waves: dict[int, Wave], wave_id: int, which: str) -> Wave:
    if wave_id not in waves:
        raise BadInput(f"The wave {which} is not one of this programme's.", "Choose one from its list.")
    return waves[wave_id]


def _check_approach(approach: str, playbook: str) -> None:
    """Refuse an approach or a playbook that isn't known, and a playbook of another approach."""
    checked_choice(approach, tuple(known.id for known in load_approaches()), "approach")
    if playbook:
        known = {found.id: found.approach for found in load_playbooks()}
        checked_choice(playbook, tuple(known), "playbook")
        if known[playbook] != approach:
            raise BadInput(
                f"The playbook '{playbook}' is for the approach '{known[playbook]}', not for '{approach}'.",
                "Choose that approach, or another playbook, or none.",
            )


def _text(given: str, what: str) -> str:
    text = given.strip()
    if not text:
        raise BadInput(f"The {what} is empty.", "Enter it.")
    return text


def _campaign(session: Session, actor: Actor, row: store.Campaign, messages: tuple[Message, ...]) -> Campaign:
    return Campaign(
        id=row.id,
        programme_id=row.programme_id,
        name=row.name,
        approach=row.approach,
        playbook=row.playbook,
        start=row.start,
        end=row.end,
        areas=tuple(row.areas),
        objective="\n".join(objective.text for objective in store.objectives(session, actor, row.id)),
        messages=messages,
    )


def _message(session: Session, actor: Actor, row: store.Message, parent: store.Campaign) -> Message:
    cited: Result | None = None
    if row.listening_result_id is not None:
        cited = listening.result(session, actor, row.listening_result_id)
    fixed = store.expected_effect(session, actor, row.id)
    expected = None if fixed is None else _expected(session, actor, fixed, parent.programme_id, parent.start)
    areas = {area.id: area.name for area in listening.areas(session, actor, parent.programme_id)}
    activities = tuple(
        Activity(
            id=found.id,
            message_id=row.id,
            medium=found.medium,
            area=areas.get(found.area_id, "") if found.area_id is not None else "",
            start=found.start,
            end=found.end,
            cost=found.cost,
            delivered=found.delivered,
        )
        for found in store.activities(session, actor, row.id)
    )
    return Message(row.id, row.campaign_id, row.text, row.language, row.behaviour, row.segment, cited, expected, activities)


def _expected(session: Session, actor: Actor, row: store.ExpectedEffect, programme_id: int, start: date) -> ExpectedEffect:
    waves = {wave.id: wave for wave in listening.waves(session, actor, programme_id)}
    after = None if row.after_wave_id is None else waves.get(row.after_wave_id)
    values = {name: getattr(row, name) for name in _FIXED} | {"areas": tuple(row.areas)}
    return ExpectedEffect(
        id=row.id,
        message_id=row.message_id,
        fixed_at=row.fixed_at,
        fixed_note=fixed_note(row.fixed_at, start, after),
        codebook_version=row.codebook_version,
        **values,
    )
