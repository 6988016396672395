"""A small programme for the tests of planning, evaluation and reports: a known change in two of four areas, no model needed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from commsapp.actor import Actor
from commsapp.listening import service as listening
from commsapp.planning import service as planning
from commsapp.planning.campaigns import Campaign, Message
from commsapp.storage import programmes, responses
from commsapp.storage.base import Under
from commsapp.storage.session import Session, Sessions, open_sessions

QUESTION = "Have you heard that criminals pay for bank accounts?"
ITEM = f"{QUESTION}: Yes"
AREAS = ("Ash", "Birch", "Cedar", "Dale")
CAMPAIGN_AREAS = ("Ash", "Birch")
START, END, BY = date(2025, 12, 1), date(2026, 1, 31), date(2026, 2, 28)
PER_AREA = 150


@dataclass(frozen=True)
class Heard:
    """What the tests need to know of the programme."""

    programme_id: int
    before_wave_id: int
    after_wave_id: int | None
    result_id: int


def programme(sessions: Sessions, actor: Actor, *, after: float | None = 0.6, name: str = "Not your account") -> Heard:
    """40 % say Yes before, `after` say so afterwards in the campaign areas, 42 % in the others; None: no wave after."""
    shares = {date(2025, 11, 10): dict.fromkeys(AREAS, 0.4)}
    if after is not None:
        shares[date(2026, 2, 10)] = dict.fromkeys(AREAS, 0.42) | dict.fromkeys(CAMPAIGN_AREAS, after)
    with sessions.writing() as session:
        made = listening.create_programme(session, actor, name=name, made_up=True)
        before = listening.add_wave(session, actor, made.id, name="November", start=date(2025, 11, 1), end=date(2025, 11, 30))
        later = None
        if after is not None:
            later = listening.add_wave(session, actor, made.id, name="February", start=date(2026, 2, 1), end=date(2026, 2, 28))
        _survey(session, actor, made.id, shares)
        listening.add_context_event(
            session, actor, made.id, name="Arrests", start=date(2026, 1, 5), end=date(2026, 1, 5), areas=("Ash",)
        )
        listening.add_context_event(session, actor, made.id, name="Long ago", start=date(2024, 1, 5), end=date(2024, 1, 5))
    listening.store_results(sessions, actor, made.id)
    with sessions.reading() as session:
        results = listening.frozen_results(session, actor, made.id, item=ITEM, wave="November", area="", segment="")
    return Heard(made.id, before.id, later.id if later else None, int(results["id"].iloc[0]))


def _survey(session: Session, actor: Actor, programme_id: int, shares: dict[date, dict[str, float]]) -> None:
    channel = listening.add_channel(session, actor, programme_id, name="Survey", chosen="random")
    areas = {area: listening.add_area(session, actor, programme_id, name=area).id for area in AREAS}
    question = programmes.add(session, responses.Question(programme_id=programme_id, wording=QUESTION, choices=["Yes", "No"]))
    key = programmes.channel_key(session, channel.id)
    said = [
        (
            "Yes" if number < round(share * PER_AREA) else "No",
            responses.Response(
                organisation_id=actor.organisation_id,
                programme_id=programme_id,
                channel_id=channel.id,
                identity=f"{day} {area} {number}",
                date=day,
                area_id=areas[area],
                consent=["log", "analyse"],
                handling_level="open",
            ),
        )
        for day, by_area in shares.items()
        for area, share in by_area.items()
        for number in range(PER_AREA)
    ]
    session.add_all([response for _, response in said])
    session.flush()
    session.add_all(
        [
            responses.Answer(
                response_id=response.id,
                question_id=question.id,
                choice=Under(key, choice),
            )
            for choice, response in said
        ]
    )
    session.flush()


def campaign(session: Session, actor: Actor, heard: Heard, **other: object) -> Campaign:
    """Plan the campaign; `other` replaces what is given."""
    given: dict[str, object] = {
        "programme_id": heard.programme_id,
        "name": "Not your account",
        "approach": "deterrence",
        "playbook": "not-your-account",
        "start": START,
        "end": END,
        "areas": CAMPAIGN_AREAS,
        "objective": "More people have heard of it.",
    }
    return planning.create_campaign(session, actor, **(given | other))  # type: ignore[arg-type]


def message(session: Session, actor: Actor, heard: Heard, campaign_id: int) -> Message:
    """Draft the message; where results were computed anew since, it answers the same one of the latest."""
    now = listening.frozen_results(session, actor, heard.programme_id, item=ITEM, wave="November", area="", segment="")
    ids = [int(number) for number in now["id"]]
    return planning.draft_message(
        session,
        actor,
        campaign_id=campaign_id,
        text="Your account is not for rent.",
        behaviour="facilitate",
        listening_result_id=heard.result_id if heard.result_id in ids or not ids else ids[0],
    )


def expectation(heard: Heard, **other: object) -> dict[str, object]:
    """What is expected of the message; `other` replaces what is given."""
    return {
        "measure": "answer share",
        "item": ITEM,
        "areas": CAMPAIGN_AREAS,
        "direction": "up",
        "target_difference": 0.1,
        "smallest": 0.05,
        "by": BY,
        "before_wave_id": heard.before_wave_id,
    } | other


def writes_meanwhile(sessions: Sessions, actor: Actor, programme_id: int) -> Callable[[], None]:
    """Somebody else who adds the area 'Meanwhile' and won't wait for the database; fails where another holds its lock."""

    def write() -> None:
        url = sessions.engine.url.render_as_string(hide_password=False)
        others = open_sessions(url, keyring=sessions.keyring, busy_seconds=0.2)
        with others.writing() as session:
            listening.add_area(session, actor, programme_id, name="Meanwhile")
        others.engine.dispose()

    return write
