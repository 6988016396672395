"""Programmes and their frame: channels, areas, waves, context events. Each change leaves an event in the same transaction."""

from __future__ import annotations

from datetime import date

from commsapp.actor import Actor
from commsapp.errors import BadInput, Conflict, NotFound
from commsapp.listening import views
from commsapp.listening.measuring import CHANNEL
from commsapp.storage import events, programmes, responses
from commsapp.storage.session import Session

MOST_CHOICES = 30

PROTECTED = {
    *("age", "age group", "age band", "age range", "sex", "gender", "gender identity", "ethnicity", "ethnic group", "race"),
    *(
        "religion",
        "faith",
        "disability",
        "disabled",
        "sexual orientation",
        "sexuality",
        "pregnancy",
        "marriage",
        "marital status",
    ),
}
"""Characteristics that the Equality Act 2010 protects, as columns are commonly named."""

LONGEST_NAME = 200
"""Characters in a name that people gave."""


def create_programme(
    session: Session, actor: Actor, *, name: str, description: str = "", made_up: bool = False
) -> views.Programme:
    """Start a programme.

    Raises
    ------
    BadInput : it has no name. Conflict : the organisation has one of that name.

    """
    name = _named(name, "programme")
    if programmes.programme_named(session, actor, name):
        raise Conflict(f"There is a programme called '{name}' already.", "Choose another name, or open that one.")
    row = programmes.Programme(organisation_id=actor.organisation_id, name=name, description=description.strip(), made_up=made_up)
    programmes.add(session, row)
    events.record(session, actor, action="create", subject="programme", subject_id=row.id, after={"name": name})
    return views.as_view(views.Programme, row)  # type: ignore[no-any-return]


def programme(session: Session, actor: Actor, programme_id: int) -> views.Programme:
    """One programme with what was heard so far.

    Raises
    ------
    NotFound : there is none, or it belongs to another organisation.

    """
    row = programmes.programme(session, actor, programme_id)
    if row is None:
        raise NotFound("There is no such programme.", "Go back to the list of programmes.")
    return _counted(session, actor, row)


def programme_named(session: Session, actor: Actor, name: str) -> views.Programme:
    """One programme by its name, in which only the number of blanks doesn't matter.

    Raises
    ------
    NotFound : there is none of that name; the sentence lists those that there are.

    """
    row = programmes.programme_named(session, actor, " ".join(name.split()))
    if row is None:
        names = ", ".join(f"'{p.name}'" for p in programmes.programmes(session, actor))
        raise NotFound(f"There is no programme called '{name}'.", f"There is: {names}." if names else "Import a file first.")
    return _counted(session, actor, row)


def all_programmes(session: Session, actor: Actor) -> list[views.Programme]:
    """The organisation's programmes by name, with what was heard so far."""
    return [_counted(session, actor, row) for row in programmes.programmes(session, actor)]


def _counted(session: Session, actor: Actor, row: programmes.Programme) -> views.Programme:
    counts = responses.counts_by_channel(session, actor, row.id)
    return views.as_view(  # type: ignore[no-any-return]
        views.Programme, row, responses=sum(c.responses for c in counts), comments=sum(c.comments for c in counts)
    )


def add_channel(
    session: Session, actor: Actor, programme_id: int, *, name: str, kind: str = "", chosen: str, authority: str = ""
) -> views.Channel:
    """Open a feedback channel, or give back the one of that name.

    Raises
    ------
    BadInput : no name, or ``chosen`` is not one of random, quota, opt-in, everything; or a channel of that name says
        otherwise how its people were chosen.

    """
    name = _named(name, "feedback channel")
    if chosen not in views.HOW_CHOSEN:
        raise BadInput(f"'{chosen}' doesn't say how people were chosen.", f"Use one of: {', '.join(views.HOW_CHOSEN)}.")
    programme(session, actor, programme_id)
    for row in programmes.channels(session, actor, programme_id):
        if row.name == name:
            if row.chosen != chosen:
                raise Conflict(f"The channel '{name}' is '{row.chosen}', not '{chosen}'.", "Use another name for this one.")
            return views.as_view(views.Channel, row)  # type: ignore[no-any-return]
    made = programmes.add(
        session,
        programmes.FeedbackChannel(
            programme_id=programme_id, name=name, kind=kind or name.lower(), chosen=chosen, authority=authority
        ),
    )
    after = {"name": name, "kind": made.kind, "chosen": chosen, "authority": authority}
    events.record(session, actor, action="create", subject="feedback channel", subject_id=made.id, after=after)
    return views.as_view(views.Channel, made)  # type: ignore[no-any-return]


def channels(session: Session, actor: Actor, programme_id: int) -> list[views.Channel]:
    """Feedback channels by name."""
    return [views.as_view(views.Channel, row) for row in programmes.channels(session, actor, programme_id)]


def add_wave(
    session: Session, actor: Actor, programme_id: int, *, name: str, start: date, end: date, proposed: bool = False
) -> views.Wave:
    """Name a period, both days included. Waves may overlap. ``proposed`` says that nobody asked for it.

    Raises
    ------
    BadInput : no name, or it ends before it starts. Conflict : there is a wave of that name.

    """
    name = _named(name, "wave")
    if end < start:
        raise BadInput(f"The wave '{name}' ends before it starts.", "Swap the dates.")
    if any(row.name == name for row in programmes.waves(session, actor, programme_id)):
        raise Conflict(f"There is a wave called '{name}' already.", "Choose another name.")
    programme(session, actor, programme_id)
    row = programmes.add(session, programmes.Wave(programme_id=programme_id, name=name, start=start, end=end, proposed=proposed))
    after = {"name": name, "start": start.isoformat(), "end": end.isoformat()}
    events.record(session, actor, action="create", subject="wave", subject_id=row.id, after=after)
    return views.as_view(views.Wave, row)  # type: ignore[no-any-return]


def remove_wave(session: Session, actor: Actor, programme_id: int, wave_id: int) -> views.Wave:
    """Take a wave away; what was said in it stays, as no record carries a wave.

    Raises
    ------
    NotFound : the programme has no such wave. Conflict : an expected effect is measured with it.

    """
    row = next((row for row in programmes.waves(session, actor, programme_id) if row.id == wave_id), None)
    if row is None:
        raise NotFound("There is no such wave in this programme.", "Choose one from its list.")
    removed: views.Wave = views.as_view(views.Wave, row)
    if not programmes.remove(session, row):
        raise Conflict(f"The effect of a message is measured with the wave '{removed.name}', so it has to stay.")
    before = {
        "name": removed.name,
        "start": removed.start.isoformat(),
        "end": removed.end.isoformat(),
        "programme_id": programme_id,
    }
    events.record(session, actor, action="delete", subject="wave", subject_id=wave_id, before=before)
    return removed


def waves(session: Session, actor: Actor, programme_id: int) -> list[views.Wave]:
    """Waves in time.

    A wave that was proposed because something was heard then is there for those alone who may read some of it; somebody who
    may not would learn when a concern came in.
    """
    rows = programmes.waves(session, actor, programme_id)
    if any(row.proposed for row in rows) and not actor.sees_all:
        seen = responses.days_seen(session, actor, programme_id)
        rows = [row for row in rows if not row.proposed or any(row.start <= day <= row.end for day in seen)]
    return [views.as_view(views.Wave, row) for row in rows]


def propose_waves(session: Session, actor: Actor, programme_id: int) -> list[views.Wave]:
    """Name each calendar month in which something was heard as a wave, as long as all waves were proposed so.

    Returns what was added; nothing where somebody made a wave, or where nothing has a date. A month that somebody took
    away does not come back.
    """
    known = programmes.waves(session, actor, programme_id)
    if not all(row.proposed for row in known):
        return []
    taken = {row.name for row in known} | events.removed_names(session, actor, programme_id, subject="wave")
    heard = {day.replace(day=1) for day in responses.days(session, actor, programme_id) if day}
    months = [_month(first) for first in sorted(heard)]
    return [
        add_wave(session, actor, programme_id, name=name, start=start, end=end, proposed=True)
        for name, start, end in months
        if name not in taken
    ]


def _month(day: date) -> tuple[str, date, date]:
    """Name, first and last day of the calendar month of a day."""
    start = day.replace(day=1)
    end = date.fromordinal(date(day.year + day.month // 12, day.month % 12 + 1, 1).toordinal() - 1)
    return f"{start:%B %Y}", start, end


def add_area(
    session: Session, actor: Actor, programme_id: int, *, name: str, code: str = "", population: int | None = None
) -> views.Area:
    """Add a place.

    Raises
    ------
    BadInput : no name, or a population below one. Conflict : there is an area of that name.

    """
    name = _named(name, "area")
    if population is not None and population < 1:
        raise BadInput(f"The population of '{name}' is {population}.", "Leave it empty, or give a number above 0.")
    there = {row.name: row for row in programmes.areas(session, actor, programme_id)}
    if name in {area.name for area in _seen_areas(session, actor, programme_id)}:
        raise Conflict(f"There is an area called '{name}' already.", "Choose another name.")
    programme(session, actor, programme_id)
    # One that is there, but that they are not to know of, is added without a word; from now on everybody sees it.
    row = there.get(name) or programmes.add(session, programmes.Area(programme_id=programme_id, name=name))
    row.code, row.population = code, population
    session.flush()
    events.record(session, actor, action="create", subject="area", subject_id=row.id, after={"name": name})
    return views.as_view(views.Area, row)  # type: ignore[no-any-return]


def areas(session: Session, actor: Actor, programme_id: int) -> list[views.Area]:
    """Areas by name, without those that only a file brought in words that the actor is not cleared for."""
    return [views.as_view(views.Area, row) for row in _seen_areas(session, actor, programme_id)]


def _seen_areas(session: Session, actor: Actor, programme_id: int) -> list[programmes.Area]:
    hidden = responses.hidden_areas(session, actor, programme_id)
    hidden -= events.made_by_hand(session, actor, subject="area", ids=hidden) if hidden else set()
    return [row for row in programmes.areas(session, actor, programme_id) if row.id not in hidden]


def attributes(session: Session, actor: Actor, programme_id: int) -> dict[str, tuple[str, ...]]:
    """Attribute name → its choices, for those that segments can be made of.

    An attribute with more than ``MOST_CHOICES`` choices (an occupation in people's own words, say) is stored and shown with
    what people said, but no figures are made for each of its choices: they would be about a handful of people each. Where
    there are several feedback channels, `CHANNEL` stands among the attributes.
    """
    rows = programmes.attributes(session, actor, programme_id)
    found = {row.name: tuple(row.choices) for row in rows if len(row.choices) <= MOST_CHOICES}
    names = tuple(row.name for row in programmes.channels(session, actor, programme_id))
    return {CHANNEL: names} | found if channels_split(session, actor, programme_id) else found


def channels_split(session: Session, actor: Actor, programme_id: int) -> bool:
    """Whether `CHANNEL` names the feedback channels here: there are several, and no file brought an attribute of that name."""
    brought = any(row.name == CHANNEL for row in programmes.attributes(session, actor, programme_id))
    return not brought and 1 < len(programmes.channels(session, actor, programme_id)) <= MOST_CHOICES


def add_context_event(
    session: Session,
    actor: Actor,
    programme_id: int,
    *,
    name: str,
    start: date,
    end: date,
    kind: str = "",
    areas: tuple[str, ...] = (),
) -> views.ContextEvent:
    """Note what else happened; no areas means everywhere.

    Raises
    ------
    BadInput : no name, it ends before it starts, or an area that the programme doesn't have.

    """
    name = _named(name, "context event")
    if end < start:
        raise BadInput(f"'{name}' ends before it starts.", "Swap the dates.")
    known = {area.name for area in _seen_areas(session, actor, programme_id)}
    for area in areas:
        if area not in known:
            raise BadInput(f"'{area}' is not an area of this programme.", "Choose areas from its list.")
    programme(session, actor, programme_id)
    row = programmes.add(
        session,
        programmes.ContextEvent(programme_id=programme_id, name=name, kind=kind, start=start, end=end, areas=list(areas)),
    )
    after = {"name": name, "start": start.isoformat(), "end": end.isoformat(), "areas": list(areas)}
    events.record(session, actor, action="create", subject="context event", subject_id=row.id, after=after)
    return views.as_view(views.ContextEvent, row)  # type: ignore[no-any-return]


def remove_context_event(session: Session, actor: Actor, programme_id: int, event_id: int) -> views.ContextEvent:
    """Take a context event away.

    Raises
    ------
    NotFound : the programme has no such event.

    """
    row = next((row for row in programmes.context_events(session, actor, programme_id) if row.id == event_id), None)
    if row is None:
        raise NotFound("There is no such context event in this programme.", "Choose one from its list.")
    removed: views.ContextEvent = views.as_view(views.ContextEvent, row)
    programmes.remove(session, row)
    before = {
        "name": removed.name,
        "start": removed.start.isoformat(),
        "end": removed.end.isoformat(),
        "areas": list(removed.areas),
    }
    events.record(session, actor, action="delete", subject="context event", subject_id=event_id, before=before)
    return removed


def context_events(session: Session, actor: Actor, programme_id: int) -> list[views.ContextEvent]:
    """Context events in time."""
    return [views.as_view(views.ContextEvent, row) for row in programmes.context_events(session, actor, programme_id)]


def is_protected(column: str) -> bool:
    """Whether a column holds a protected characteristic, as far as its name says."""
    return " ".join(column.replace("_", " ").replace("-", " ").lower().split()) in PROTECTED


def _named(name: str, what: str) -> str:
    name = " ".join(name.split())
    if not name:
        raise BadInput(f"The {what} has no name.", "Enter one.")
    if len(name) > LONGEST_NAME:
        raise BadInput(f"The name of the {what} has {len(name):,} characters.", f"Use {LONGEST_NAME} or fewer.")
    return name
