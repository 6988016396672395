"""Comments for the programme of `heard`, with codings as two models would have left them: no model is needed."""

from __future__ import annotations

from datetime import date
from typing import Any

from commsapp.actor import Actor
from commsapp.listening import service as listening
from commsapp.listening.coders import EMOTION_CODER, SENTIMENT_CODER, TOPIC_CODER, topic_coder_version
from commsapp.storage import codings, programmes, responses
from commsapp.storage.base import Under
from commsapp.storage.session import Session, Sessions
from commsapp.textmodels.tone import LABELS

SCAMS, WASTE, NO_TOPIC = 0, 1, -1
BEFORE, AFTER = date(2025, 11, 10), date(2026, 2, 10)
ATTACK = "<script>alert('who said that')</script>"
"""What somebody may type into a survey."""


def add(sessions: Sessions, actor: Actor, programme_id: int) -> None:
    """30 comments on scams, 12 on waste, 4 on neither, and one in Welsh that could not be coded."""
    with sessions.writing() as session:
        channel = listening.add_channel(session, actor, programme_id, name="Inbox", chosen="opt-in")
        attribute = programmes.Attribute(programme_id=programme_id, name="age", choices=["16-24", "25+"], protected=True)
        programmes.add(session, attribute)
        areas = {area.name: area.id for area in listening.areas(session, actor, programme_id)}
        for number, comment in enumerate(_comments()):
            store(session, actor, programme_id, channel.id, areas, number, comment)
        _code(session, actor, programme_id)
    listening.store_results(sessions, actor, programme_id)


def _comments() -> list[dict[str, Any]]:
    scams = [{"original": f"They rang and said they were the bank, time {n}", "topic": SCAMS, "tone": 0} for n in range(27)]
    waste = [{"original": f"Rubbish in our lane again, load {n}", "topic": WASTE, "tone": 1, "area": "Birch"} for n in range(12)]
    neither = [{"original": f"Thank you, number {n}", "topic": NO_TOPIC, "tone": 2, "day": AFTER} for n in range(4)]
    polish = {
        "original": "Dzwonili z banku", "language": "pl", "translation": "They rang from the bank", "translator": "Ola",
        "from_translation": True, "topic": SCAMS, "tone": 0, "day": AFTER,
    }  # fmt: skip
    secret = {
        "original": "My cousin did it",
        "topic": SCAMS,
        "tone": 0,
        "handling_level": "official-sensitive",
        "consent": ["log", "analyse"],
    }
    welsh = {"original": "Maen nhw'n ffonio o hyd", "language": "cy", "not_coded": "language not read: cy"}
    return [*scams, {"original": ATTACK, "topic": SCAMS, "tone": 0}, polish, secret, *waste, *neither, welsh]


WORDS = ("original", "translation")


def store(
    session: Session,
    actor: Actor,
    programme_id: int,
    channel_id: int,
    areas: dict[str, int],
    number: int,
    comment: dict[str, Any],
) -> None:
    key = programmes.channel_key(session, channel_id)
    response = responses.Response(
        organisation_id=actor.organisation_id,
        programme_id=programme_id,
        channel_id=channel_id,
        identity=f"comment {number}",
        date=comment.get("day", BEFORE),
        area_id=areas[comment.get("area", "Ash")],
        attributes=Under(key, {"age": "16-24" if number % 2 else "25+"}),
        consent=comment.get("consent", ["log", "analyse", "quote"]),
        handling_level=comment.get("handling_level", "open"),
    )
    session.add(response)
    session.flush()
    coded = "topic" in comment
    names = ("original", "translation", "translator", "from_translation", "not_coded")
    said = responses.Comment(
        response_id=response.id,
        language=comment.get("language", "en"),
        analysis_text=Under(key, comment.get("translation") or comment["original"]) if coded else None,
        text_key=_key(programme_id, number) if coded else None,
        redacted=Under(key, comment["original"]),
        redacted_translation=Under(key, comment.get("translation", "")),
        redaction_version="by hand+names",
        prepared=True,
        **{name: Under(key, comment[name]) if name in WORDS else comment[name] for name in names if name in comment},
    )
    session.add(said)
    session.flush()


NEUTRAL = 1
"""The tone that the model is not sure of."""
FELT = (("anger", "fear"), ("",), ("joy",))
"""Emotions that are heard in a comment of each tone; none in a neutral one."""


def _key(programme_id: int, number: int) -> str:
    return f"programme {programme_id} comment {number}"


def _code(session: Session, actor: Actor, programme_id: int) -> None:
    topics = [("Scam calls", ["bank", "phone"]), ("Waste", ["rubbish"])]
    version = codings.add_version(
        session,
        programme_id=programme_id,
        granularity="medium",
        encoder_version="none",
        threshold=0.5,
        fingerprint="0123456789abcdef",
        topics=[
            {"number": number, "name": name, "phrases": phrases, "centroid": b"", "size": 20}
            for number, (name, phrases) in enumerate(topics)
        ],
    )
    ids = {topic.number: topic.id for topic in codings.topics(session, version.id)}
    assigner = codings.model_coder(session, actor, name=TOPIC_CODER, version=topic_coder_version(version))
    judge = codings.model_coder(session, actor, name=SENTIMENT_CODER, version="by hand")
    feels = codings.model_coder(session, actor, name=EMOTION_CODER, version="by hand")
    rows = []
    for number, comment in enumerate(_comments()):
        if "topic" not in comment:
            continue
        shared = {"organisation_id": actor.organisation_id, "text_key": _key(programme_id, number)}
        topic = {"coder_id": assigner, "measure": "topic", "label": "", "topic_id": ids.get(comment["topic"]), "rank": 1}
        rows.append({**shared, **topic, "probability": 0.9})
        order = [comment["tone"], *(other for other in range(3) if other != comment["tone"])]
        for rank, label in enumerate(order, start=1):
            tone = {"coder_id": judge, "measure": "sentiment", "label": LABELS[label], "topic_id": None, "rank": rank}
            rows.append({**shared, **tone, "probability": (0.8, 0.15, 0.05)[rank - 1]})
        if comment["tone"] == NEUTRAL:
            doubt = {"coder_id": judge, "measure": codings.UNSURE, "label": codings.UNSURE, "topic_id": None, "rank": 1}
            rows.append({**shared, **doubt, "probability": 0.4})
        for rank, label in enumerate(FELT[comment["tone"]], start=1):
            emotion = {"coder_id": feels, "measure": "emotion", "label": label, "topic_id": None, "rank": rank}
            rows.append({**shared, **emotion, "probability": 0.7})
    codings.add_codings(session, rows)


def find_topics_again(sessions: Sessions, actor: Actor, programme_id: int) -> None:
    """Another codebook, as after 'Find topics again'; the results stay those of the first."""
    with sessions.writing() as session:
        codings.add_version(
            session,
            programme_id=programme_id,
            granularity="fine",
            encoder_version="none",
            threshold=0.5,
            fingerprint="fedcba9876543210",
            topics=[{"number": 0, "name": "Scam calls", "phrases": [], "centroid": b"", "size": 20}],
        )
