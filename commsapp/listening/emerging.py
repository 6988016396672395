"""What is new in the waves of a programme, as far as somebody may know it; and groups that people set aside or bring back.

What may come in: what the last look at each wave found (see `looking_for_new`). What may not: looking anew.

Everybody is shown the look that counts as many handling levels as they are cleared for and no other, and of its groups the
comments that they may read, so that neither names nor figures tell of comments that they may not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from commsapp.actor import Actor
from commsapp.errors import NotFound
from commsapp.listening import changes as curating
from commsapp.listening import drafting, views
from commsapp.listening import programmes as frame
from commsapp.listening.asking import MOST_EXAMPLES
from commsapp.listening.looking_for_new import clearances
from commsapp.listening.naming import topics_named
from commsapp.may import ANALYSTS, check_change
from commsapp.storage import codings, events, responses
from commsapp.storage import emerging as stored
from commsapp.storage.session import Session
from commsapp.textmodels.emerging import FALSE_ALARMS
from commsapp.textmodels.topics import FEWEST_TEXTS

SUBJECT = "emerging group"


@dataclass(frozen=True)
class _Seen:
    """A wave with the look at it that somebody is shown; none where nobody looked for them yet, or by other topics."""

    wave: views.Wave
    look: stored.EmergingLook | None


def whats_new(session: Session, actor: Actor, programme_id: int) -> views.WhatIsNew:
    """What is new in each wave that has an earlier one, the latest first.

    Raises
    ------
    NotFound : no such programme.

    """
    frame.programme(session, actor, programme_id)
    version = codings.current_version(session, actor, programme_id)
    if version is None or not codings.topics(session, version.id):
        return views.WhatIsNew(has_topics=False, waves=())
    seen = _seen(session, actor, programme_id, version)
    drafted = _in_draft(session, actor, programme_id, version)
    days = _days_to_look_at(session, actor, programme_id) if any(one.look is None for one in seen) else []
    return views.WhatIsNew(has_topics=True, waves=tuple(_wave(session, actor, programme_id, one, drafted, days) for one in seen))


def _days_to_look_at(session: Session, actor: Actor, programme_id: int) -> list[date]:
    """The days of the comments that a look which the actor is shown would count."""
    looked_at = clearances(responses.levels(session, actor.cleared(), programme_id))
    own = max((levels for levels in looked_at if levels <= actor.handling_levels), key=len, default=frozenset())
    return stored.days_said(session, replace(actor, handling_levels=own), programme_id)


def _seen(session: Session, actor: Actor, programme_id: int, version: codings.CodebookVersion) -> list[_Seen]:
    waves = frame.waves(session, actor, programme_id)
    made = [look for look in stored.looks(session, actor, programme_id) if look.codebook_version_id == version.id]
    found = []
    for wave in reversed(waves):
        if any(one.start < wave.start for one in waves):
            own = [look for look in made if look.wave_id == wave.id and stored.levels_of(look.levels) <= actor.handling_levels]
            found.append(_Seen(wave, max(own, key=lambda look: len(stored.levels_of(look.levels)), default=None)))
    return found


def _wave(
    session: Session, actor: Actor, programme_id: int, seen: _Seen, drafted: dict[str, str], days: Iterable[date] = ()
) -> views.WaveLook:
    """The wave as its look says; where there is none, whether the next analysis makes one depends on ``days`` with comments."""
    wave, look = seen.wave, seen.look
    if look is None:
        state = views.NOT_LOOKED if any(wave.start <= day <= wave.end for day in days) else views.NOTHING_TO_LOOK_AT
        return views.WaveLook(wave.id, wave.name, wave.start, wave.end, state)
    groups = _groups(session, actor, programme_id, seen, stored.groups(session, [look.id]), drafted)
    few, all_fit = look.before < FEWEST_TEXTS, not look.without_topic
    return views.WaveLook(
        wave_id=wave.id,
        wave=wave.name,
        start=wave.start,
        end=wave.end,
        state=views.TOO_FEW_BEFORE if few else views.ALL_FIT if all_fit else views.LOOKED,
        comments=look.comments,
        before=look.before,
        without_topic=look.without_topic,
        looked_at=look.looked_at,
        groups=groups,
    )


def _groups(
    session: Session,
    actor: Actor,
    programme_id: int,
    seen: _Seen,
    rows: list[tuple[stored.EmergingGroup, str]],
    drafted: dict[str, str],
) -> tuple[views.EmergingGroup, ...]:
    """Groups of a look with their comments; one of which nothing may be read is not there."""
    wave, look = seen.wave, seen.look
    if look is None or not rows:
        return ()
    texts: dict[int, list[Any]] = {}
    days, ids = (wave.start, wave.end), [row.id for row, _ in rows]
    for one in stored.comments_in(session, actor, programme_id, look.id, days, ids):
        texts.setdefault(one.group_id, []).append(one)
    return tuple(
        views.EmergingGroup(
            id=row.id,
            wave_id=wave.id,
            wave=wave.name,
            number=row.rank,
            name=row.name or f"Comments without a topic, group {row.rank}",
            named=bool(row.name),
            comments=sum(one.comments for one in texts[row.id]),
            share=row.share,
            before=row.before,
            chance=row.chance,
            new=row.chance <= FALSE_ALARMS,
            examples=tuple(one.first for one in texts[row.id][:MOST_EXAMPLES]),
            set_aside_by=who,
            set_aside_at=row.set_aside_at,
            in_draft=_mostly_in([one.text_key for one in texts[row.id][:MOST_EXAMPLES]], drafted),
        )
        for row, who in rows
        if row.id in texts
    )


def _in_draft(session: Session, actor: Actor, programme_id: int, version: codings.CodebookVersion) -> dict[str, str]:
    """Key of a text → the topic that the draft adds by it; nothing for those who don't curate."""
    if actor.role not in ANALYSTS or not topics_named(session, actor, programme_id, version.named_by_open):
        return {}
    added = drafting.added_topics(session, version)
    return {key: topic.name for topic in added if topic.origin == curating.BY_HAND for key in topic.keys if key}


def _mostly_in(keys: Iterable[str], drafted: dict[str, str]) -> str:
    """The topic that more than half of some texts are examples of; '' for none."""
    wanted = list(keys)
    ((name, count),) = Counter(drafted[key] for key in wanted if key in drafted).most_common(1) or [("", 0)]
    return name if 2 * count > len(wanted) else ""


def new_to_look_at(session: Session, actor: Actor, programme_id: int) -> views.WaveLook | None:
    """The latest wave with groups that are new and that nobody set aside or added to the draft, with those; else none.

    Every page on what was heard asks, so it reads no more than it needs.
    """
    version = codings.current_version(session, actor, programme_id)
    if version is None:
        return None
    drafted: dict[str, str] | None = None
    for seen in _seen(session, actor, programme_id, version):
        rows = [] if seen.look is None else stored.groups(session, [seen.look.id])
        rows = [(row, who) for row, who in rows if row.chance <= FALSE_ALARMS and row.set_aside_at is None]
        if rows:
            drafted = _in_draft(session, actor, programme_id, version) if drafted is None else drafted
            groups = [one for one in _groups(session, actor, programme_id, seen, rows, drafted) if not one.in_draft]
            if groups:
                return replace(_wave(session, actor, programme_id, seen, drafted), groups=tuple(groups))
    return None


def emerging_group(session: Session, actor: Actor, programme_id: int, group_id: int) -> views.EmergingGroup:
    """One group that the actor is shown.

    Raises
    ------
    NotFound : there is none, or its wave was looked at again since and holds it no longer.

    """
    found = [group for wave in whats_new(session, actor, programme_id).waves for group in wave.groups if group.id == group_id]
    if not found:
        raise NotFound("There is no such group of comments.", "The wave may have been looked at again: go back to what is new.")
    return found[0]


def set_group_aside(session: Session, actor: Actor, programme_id: int, group_id: int) -> views.EmergingGroup:
    """Set a group aside, so that it is no longer pointed out; it stays so when the wave is looked at again.

    Raises
    ------
    NotFound : see `emerging_group`. NotAllowed : the role may not.

    """
    return _changed(session, actor, programme_id, group_id, "set aside")


def bring_group_back(session: Session, actor: Actor, programme_id: int, group_id: int) -> views.EmergingGroup:
    """Bring a group back that somebody set aside. Raises as `set_group_aside` does."""
    return _changed(session, actor, programme_id, group_id, "bring back")


def _changed(session: Session, actor: Actor, programme_id: int, group_id: int, action: str) -> views.EmergingGroup:
    group = emerging_group(session, actor, programme_id, group_id)
    check_change(actor, SUBJECT, action)
    if stored.set_aside(session, actor, group_id, aside=action == "set aside"):
        after = {"wave": group.wave, "number": group.number, "programme_id": programme_id}
        events.record(session, actor, action=action, subject=SUBJECT, subject_id=group_id, after=after)
        session.expire_all()
    return emerging_group(session, actor, programme_id, group_id)
