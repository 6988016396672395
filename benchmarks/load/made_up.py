"""A database as an organisation has it after years: 100,000 comments of four channels and a year, coded, with their results.

Everything is made up by code and the same each time. Codings and redacted words are written as an analysis leaves them, as
running the models over so many texts would take an hour and change nothing for who reads pages.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import insert

from commsapp.accounts import service as accounts
from commsapp.actor import Actor, HandlingLevel, Role
from commsapp.listening import service as listening
from commsapp.listening.coders import EMOTION_CODER, HELD_BACK, NO_CONSENT, SENTIMENT_CODER, TOPIC_CODER, topic_coder_version
from commsapp.listening.measuring import ANSWER_SHARE
from commsapp.planning import service as planning
from commsapp.storage import codings, organisations, programmes, responses, search
from commsapp.storage.base import Under
from commsapp.storage.session import Session, Sessions
from commsapp.textmodels.tone import LABELS

SEED = 20260301
BATCH = 5_000
CHANNELS = (("Household survey", "random"), ("Community events", "opt-in"), ("Hotline", "everything"), ("Inbox", "opt-in"))
AREAS = tuple(f"{tree} {place}" for tree in ("Ash", "Birch", "Cedar", "Dale") for place in ("Bridge", "Green", "Park"))
ATTRIBUTES = {"age": ("16-24", "25-44", "45-64", "65+"), "lives here": ("Yes", "No")}
QUESTION = "Have you heard that criminals pay for bank accounts?"
CHOICES = ("Yes", "No", "Not sure")
FIRST = date(2025, 4, 1)
MONTHS = 12
TOPICS = (
    *("Scam calls", "Bank accounts for rent", "Dealers at the station", "Cars that circle", "Young people who go missing"),
    *("Parcels that are not ours", "Loan sharks", "Empty houses", "Police on the street", "Nobody answers", "Drones at night"),
    *("Waste in the lane", "Money in games", "Rent in cash", "Thanks"),
)
NOBODY_SPOKE = ("empty", "language not read: cy", "language not read: so")
WORDS = [
    "they",
    "rang",
    "again",
    "and",
    "said",
    "they",
    "were",
    "the",
    "bank",
    "my",
    "neighbour",
    "lost",
    "all",
    "her",
    "money",
    "there",
    "are",
    "cars",
    "at",
    "night",
    "near",
    "the",
    "station",
    "nobody",
    "comes",
    "when",
    "we",
    "call",
    "the",
    "young",
    "ones",
    "carry",
    "bags",
    "for",
    "older",
    "men",
    "who",
    "wait",
    "by",
    "the",
    "park",
    "someone",
    "asked",
    "my",
    "son",
    "to",
    "lend",
    "his",
    "account",
    "for",
    "cash",
    "we",
    "see",
    "the",
    "same",
    "van",
    "every",
    "week",
    "behind",
    "the",
    "shops",
    "people",
    "are",
    "afraid",
    "to",
    "speak",
    "I",
    "would",
    "report",
    "it",
    "if",
    "I",
    "knew",
    "it",
    "stays",
    "between",
    "us",
    "the",
    "posters",
    "help",
    "but",
    "not",
    "in",
    "our",
    "language",
    "the",
    "officer",
    "who",
    "came",
    "was",
    "kind",
    "thank",
    "you",
    "for",
    "listening",
]


@dataclass(frozen=True)
class Made:
    """What who asks needs to know: the large programme, its waves, areas and campaign, and a result that a message cites."""

    programme_id: int
    waves: tuple[str, ...]
    campaign_id: int
    result_id: int


def database(sessions: Sessions, *, comments: int) -> Made:
    """One programme with so many comments, and two small ones beside it."""
    with sessions.writing() as session:
        actor = accounts.ensure_local(session)
    made = _programme(sessions, actor, "County lines 2026", comments)
    for name in ("Not your account", "Safe journeys"):
        _programme(sessions, actor, name, min(comments, 500))
    with sessions.reading() as session:
        waves = tuple(wave.name for wave in listening.waves(session, actor, made))
        cited = listening.frozen_results(
            session, actor, made, measure=ANSWER_SHARE, item=f"{QUESTION}: Yes", wave=waves[0], area="", segment=""
        )
    result = int(cited["id"].iloc[0])
    with sessions.writing() as session:
        campaign = planning.create_campaign(
            session,
            actor,
            programme_id=made,
            name="Your account is yours",
            approach="deterrence",
            playbook="not-your-account",
            start=FIRST + timedelta(days=60),
            end=FIRST + timedelta(days=150),
            areas=AREAS[:4],
            objective="More people have heard of it.",
        )
        for text in ("Your account is not for rent.", "Nobody pays you for nothing."):
            planning.draft_message(session, actor, campaign_id=campaign.id, text=text, listening_result_id=result)
    return Made(made, waves, campaign.id, result)


@dataclass(frozen=True)
class User:
    """One person with the secrets that they ask with: the key of a sign-in, a token of the API."""

    uniquifier: str
    key: str
    token: str
    staff: bool


ROLES = (
    *[(Role.OFFICER, (HandlingLevel.OPEN,))] * 4,
    *[(Role.WORKER, (HandlingLevel.OPEN, HandlingLevel.OFFICIAL_SENSITIVE))] * 3,
    *[(Role.EVALUATOR, (HandlingLevel.OPEN,))] * 2,
    (Role.ADMINISTRATOR, tuple(HandlingLevel)),
)


def people(sessions: Sessions, count: int) -> list[User]:
    """So many persons who are signed in, four in ten cleared for more than open, each with a token."""
    found = []
    with sessions.writing() as session:
        local = accounts.local_actor(session)
    for number in range(count):
        role, levels = ROLES[number % len(ROLES)]
        with sessions.writing() as session:
            row = organisations.add_person(
                session,
                organisation_id=local.organisation_id,
                name=f"Person {number}",
                role=role,
                email=f"person{number}.{random.randrange(10**9)}@example.org",
                levels=levels,
            )
            row.totp_secret = "an authenticator app that nobody has"
            session.flush()
            key = accounts.start_sign_in(session, row.id, device="A browser", way="password", second_factor=True)
            asking = Actor(row.organisation_id, row.id, row.name, role, frozenset(levels))
            scopes = ("programmes:read", "results:read", "comments:read", "campaigns:read")
            token = accounts.make_token(session, asking, name="Notebook", scopes=scopes, days=30, handling_levels=levels)[1]
            found.append(User(str(row.fs_uniquifier), key, token, True))
    return found


def _programme(sessions: Sessions, actor: Actor, name: str, comments: int) -> int:
    chance = random.Random(f"{SEED} {name}")
    with sessions.writing() as session:
        made = listening.create_programme(session, actor, name=name, made_up=True)
        channels = [listening.add_channel(session, actor, made.id, name=one, chosen=how).id for one, how in CHANNELS]
        for one, choices in ATTRIBUTES.items():
            programmes.add(session, programmes.Attribute(programme_id=made.id, name=one, choices=list(choices)))
        areas = [listening.add_area(session, actor, made.id, name=one).id for one in AREAS]
        keys = {number: programmes.channel_key(session, number) for number in channels}
        question = programmes.add(session, responses.Question(programme_id=made.id, wording=QUESTION, choices=list(CHOICES))).id
        coder = _Coder(session, actor, made.id)
    for start in range(0, comments, BATCH):
        with sessions.writing() as session:
            rows = list(_rows(chance, made.id, channels, areas, range(start, min(start + BATCH, comments))))
            _store(session, actor, rows, keys, question)
            coder.code(session, rows)
    listening.store_results(sessions, actor, made.id)
    return made.id


def _rows(
    chance: random.Random, programme: int, channels: list[int], areas: list[int], numbers: range
) -> Iterator[dict[str, Any]]:
    for number in numbers:
        level = chance.choices(tuple(HandlingLevel), (90, 8, 2))[0]
        consent = ["log"] if chance.random() < 0.01 else ["log", "analyse", "quote"][: chance.choice((2, 3))]
        words = " ".join(chance.choices(WORDS, k=chance.randint(4, 45))).capitalize() + "."
        why = HELD_BACK if level is HandlingLevel.CONCERN else NO_CONSENT if len(consent) == 1 else ""
        why = why or (chance.choice(NOBODY_SPOKE) if chance.random() < 0.05 else "")
        yield {
            "programme_id": programme,
            "channel_id": chance.choice(channels),
            "area_id": chance.choice(areas),
            "identity": f"comment {number}",
            "date": FIRST + timedelta(days=chance.randrange(MONTHS * 30)),
            "attributes": {name: chance.choice(choices) for name, choices in ATTRIBUTES.items()},
            "consent": consent,
            "handling_level": str(level),
            "words": "" if why == "empty" else words,
            "not_coded": why,
            "text_key": None if why else f"{programme:08x}{number:024x}",
            "language": why.rpartition(" ")[2] if why.startswith("language") else "en",
            "topic": chance.randrange(-1, len(TOPICS)),
            "fits": chance.uniform(0.5, 1),
            "tone": chance.choices(range(3), (5, 3, 2))[0],
            "choice": chance.choices(CHOICES, (4, 5, 1))[0],
        }


_RESPONSE = ("programme_id", "channel_id", "area_id", "identity", "date", "consent", "handling_level")


def _store(session: Session, actor: Actor, rows: list[dict[str, Any]], keys: dict[int, str], question: int) -> None:
    new = [
        {name: row[name] for name in _RESPONSE}
        | {"organisation_id": actor.organisation_id, "attributes": Under(keys[row["channel_id"]], row["attributes"])}
        for row in rows
    ]
    returned = insert(responses.Response).returning(responses.Response.id, sort_by_parameter_order=True)
    ids = list(session.scalars(returned, new))
    said, answers = [], []
    for number, row in zip(ids, rows, strict=True):
        words = Under(keys[row["channel_id"]], row["words"])
        said.append(
            {
                "response_id": number,
                "original": words,
                "redacted": words,
                "analysis_text": words if row["text_key"] else None,
                "text_key": row["text_key"],
                "language": row["language"],
                "not_coded": row["not_coded"],
                "redaction_version": "by hand+names",
                "prepared": True,
            }
        )
        choice = Under(keys[row["channel_id"]], row["choice"])
        answers.append({"response_id": number, "question_id": question, "choice": choice})
    returned = insert(responses.Comment).returning(responses.Comment.id, sort_by_parameter_order=True)
    comments = list(session.scalars(returned, said))
    session.execute(insert(responses.Answer), answers)
    search.index(session, comments)


class _Coder:
    """Topics and tones as two models would have left them."""

    def __init__(self, session: Session, actor: Actor, programme_id: int) -> None:
        self.organisation_id = actor.organisation_id
        version = codings.add_version(
            session,
            programme_id=programme_id,
            granularity="medium",
            encoder_version="none",
            threshold=0.5,
            fingerprint=f"{programme_id:016x}",
            topics=[
                {"number": number, "name": name, "phrases": name.lower().split(), "centroid": b"", "size": 100}
                for number, name in enumerate(TOPICS)
            ],
        )
        self.topics = {topic.number: topic.id for topic in codings.topics(session, version.id)}
        self.assigner = codings.model_coder(session, actor, name=TOPIC_CODER, version=topic_coder_version(version))
        self.judge = codings.model_coder(session, actor, name=SENTIMENT_CODER, version="by hand")
        self.feels = codings.model_coder(session, actor, name=EMOTION_CODER, version="by hand")

    def code(self, session: Session, rows: list[dict[str, Any]]) -> None:
        new = []
        for row in rows:
            if row["text_key"] is None:
                continue
            shared = {"organisation_id": self.organisation_id, "text_key": row["text_key"]}
            topic = {"coder_id": self.assigner, "measure": "topic", "label": "", "topic_id": self.topics.get(row["topic"])}
            new.append({**shared, **topic, "rank": 1, "probability": row["fits"]})
            order = [row["tone"], *(other for other in range(3) if other != row["tone"])]
            for rank, label in enumerate(order, start=1):
                tone = {"coder_id": self.judge, "measure": "sentiment", "label": LABELS[label], "topic_id": None, "rank": rank}
                new.append({**shared, **tone, "probability": (0.8, 0.15, 0.05)[rank - 1]})
            heard = ("anger", "", "joy")[row["tone"]]
            emotion = {"coder_id": self.feels, "measure": "emotion", "label": heard, "topic_id": None, "rank": 1}
            new.append({**shared, **emotion, "probability": 0.7})
        session.execute(insert(codings.Coding), new)
