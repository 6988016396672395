"""What can be known of a plan before it is stored: whether its result can be moved, and everything that is wrong with it."""

from __future__ import annotations

from datetime import date

from commsapp.actor import Actor
from commsapp.errors import BadInput, NotFound
from commsapp.listening import service as listening
from commsapp.listening.measuring import COMMENTS, TOPIC_SHARE, TOPIC_TONE
from commsapp.listening.views import Result
from commsapp.planning import rules
from commsapp.planning.campaigns import MEASURES
from commsapp.planning.rules import Mistake
from commsapp.storage import campaigns as store
from commsapp.storage.session import Session


def result_to_move(session: Session, actor: Actor, listening_result_id: int) -> Result:
    """A listening result that a message can be planned on.

    Raises
    ------
    NotFound : there is none. BadInput : it is a number of comments, or a topic that is in use no longer.

    """
    result = listening.result(session, actor, listening_result_id)
    check_can_move(result)
    check_topic_in_use(session, actor, result)
    return result


def check_can_move(result: Result) -> None:
    """Refuse a listening result whose change can't be measured."""
    if result.measure not in MEASURES:
        kinds = {TOPIC_TONE: "The tone of a single topic", COMMENTS: "A number of comments"}
        what = kinds.get(result.measure, "How feedback sounds beyond its tone")
        raise BadInput(f"{what} is not something that a message can be planned on.", "Choose a topic, an answer or the tone.")


def check_topic_in_use(session: Session, actor: Actor, result: Result) -> None:
    """Refuse a topic that isn't in use, or not by that name: what is expected of it is fixed by the name that it has."""
    codebook = listening.codebook_in_use(session, actor, result.programme_id)
    if result.measure != TOPIC_SHARE or codebook is None or codebook.version == result.codebook_version:
        return
    topic = listening.topic_followed(
        session, actor, result.programme_id, name=result.item, codebook_version=result.codebook_version
    )
    if topic is not None and topic.name == result.item:
        return
    if topic is not None:
        raise BadInput(topic.said, "Plan the message on the topic as it is called now.")
    raise BadInput(
        f"Topics were found again since: ‘{result.item}’ is of codebook {result.codebook_version}, but {codebook.version} "
        "is in use.",
        "Choose one of the topics in use.",
    )


def mistakes(
    session: Session,
    actor: Actor,
    *,
    listening_result_id: int,
    campaign_id: int | None = None,
    name: str = "",
    start: date | None = None,
    end: date | None = None,
    direction: str = "",
    target_difference: float | None = None,
    smallest: float | None = None,
    by: date | None = None,
    before_wave_id: int | None = None,
    after_wave_id: int | None = None,
) -> list[Mistake]:
    """Everything that can't be in a plan on a listening result; what isn't known yet is left out and not judged.

    With ``campaign_id`` the message joins that campaign, whose first day then counts. Each mistake names the argument that it is
    about. Stores nothing.

    Raises
    ------
    NotFound : no such listening result or campaign.

    """
    result = listening.result(session, actor, listening_result_id)
    if campaign_id is not None:
        joined = store.campaign(session, actor, campaign_id)
        if joined is None:
            raise NotFound("There is no such campaign.", "Go back to the list of campaigns.")
        start = joined.start
    taken = bool(name) and store.campaign_named(session, actor, result.programme_id, name) is not None
    waves = {wave.id: wave for wave in listening.waves(session, actor, result.programme_id)}
    before, after = (None if wave_id is None else waves.get(wave_id) for wave_id in (before_wave_id, after_wave_id))
    return [
        *rules.of_name(name, taken),
        *rules.of_period(start, end, "campaign"),
        *rules.of_sizes(result.measure, direction, target_difference, smallest),
        *rules.of_room(result.measure, direction, target_difference, result.value),
        *rules.of_day(by, start),
        *rules.of_waves(before, after, start),
    ]
