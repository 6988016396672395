"""A programme whose comments have made-up embeddings, so that codebooks can be curated, compared and frozen without any model."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import said
from pages_site import Site
from sqlalchemy import select

from commsapp.actor import Actor
from commsapp.config import Settings
from commsapp.listening import analysing, freezing, versions
from commsapp.listening import service as listening
from commsapp.listening.changes import State, Topic
from commsapp.listening.coders import SENTIMENT_CODER
from commsapp.storage import codings, jobs, programmes, search
from commsapp.storage.base import Under
from commsapp.storage.embeddings import EmbeddingStore
from commsapp.storage.responses import Comment, Response
from commsapp.storage.session import Session, Sessions
from commsapp.textmodels.encoder import ENCODER_VERSION
from commsapp.textmodels.tone import LABELS
from commsapp.worker import JOBS, run_job

DEALERS, BINS, SCAMS, THANKS = 0, 1, 2, 3
NAMES = ("Dealers", "Bins; tyres", "Scam calls", "Thanks")
DIMENSIONS = 16
SAID = (
    ("Drug dealers stand there every night, seen", DEALERS, 12),
    ("Rubbish bins are never emptied, week", BINS, 9),
    ("Old tyres are dumped in the lane, load", BINS, 6),
    ("They rang and said they were my bank, call", SCAMS, 8),
    ("The police were kind to us, thank you, time", THANKS, 5),
)
NOWHERE = ("Somebody should paint the bridge, day", 4)


@dataclass(frozen=True)
class Curated:
    """The programme, and how to do its work."""

    sessions: Sessions
    actor: Actor
    settings: Settings
    id: int

    def work(self) -> list[jobs.Job]:
        """Run what waits, as the worker would; the jobs as they ended."""
        done = []
        while True:
            with self.sessions.reading() as session:
                waiting = [job for job in reversed(jobs.recent_jobs(session, self.actor)) if job.state == "queued"]
            waiting = [job for job in waiting if job.name in JOBS and job.name not in ("import", "analyse")]
            if not waiting:
                return done
            run_job(waiting[0].id, self.sessions, self.settings)
            with self.sessions.reading() as session:
                done.append(jobs.any_job(session, waiting[0].id))


def direction(place: int, turn: float = 0.0) -> np.ndarray:
    """A vector near to one of the axes."""
    vector = np.zeros(DIMENSIONS, dtype=np.float32)
    vector[place], vector[(place + 8) % DIMENSIONS] = np.cos(turn), np.sin(turn)
    return vector


def text_key(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()


def comments() -> list[dict[str, Any]]:
    rows = []
    for place, (words, topic, count) in enumerate(SAID):
        for number in range(count):
            level = "official-sensitive" if (topic, number) == (DEALERS, 0) else "open"
            rows.append({"original": f"{words} {number}", "topic": topic, "axis": place, "handling_level": level})
    rows += [{"original": f"{NOWHERE[0]} {number}", "topic": -1, "axis": 5} for number in range(NOWHERE[1])]
    return rows


def fill(sessions: Sessions, actor: Actor, settings: Settings, *, name: str = "Curated", named_by_open: bool = True) -> Curated:
    """44 comments on four topics and on none, with a codebook that was found and never curated."""
    with sessions.writing() as session:
        programme = listening.create_programme(session, actor, name=name, made_up=True)
        listening.add_wave(session, actor, programme.id, name="November", start=date(2025, 11, 1), end=date(2025, 11, 30))
        channel = listening.add_channel(session, actor, programme.id, name="Inbox", chosen="opt-in")
        areas = {place: listening.add_area(session, actor, programme.id, name=place).id for place in ("Ash", "Birch")}
        rows = comments()
        for number, comment in enumerate(rows):
            said.store(session, actor, programme.id, channel.id, areas, number, comment)
        session.flush()
        _with_keys(session, programme.id)
        _tones(session, actor, rows)
        versions.write_version(session, actor, programme.id, found(named_by_open))
    with EmbeddingStore(settings.data_dir, ENCODER_VERSION, sessions.keyring) as store:
        turns = np.linspace(0, 0.3, len(rows))
        vectors = np.stack([direction(row["axis"], turn) for row, turn in zip(rows, turns, strict=True)])
        store.put([text_key(row["original"]) for row in rows], vectors.astype(np.float32))
    made = Curated(sessions, actor, settings, programme.id)
    code(made)
    return made


def say(made: Curated, rows: list[dict[str, Any]], *, channel: str = "Meetings") -> None:
    """More comments, each with its ``original``, ``axis`` and what `said.store` reads, as the models would leave them."""
    with made.sessions.writing() as session:
        place = listening.add_channel(session, made.actor, made.id, name=channel, chosen="opt-in")
        areas = {area.name: area.id for area in listening.areas(session, made.actor, made.id)}
        for number, comment in enumerate(rows):
            said.store(session, made.actor, made.id, place.id, areas, number, comment)
        session.flush()
        _with_keys(session, made.id)
        _tones(session, made.actor, rows)
    random = np.random.default_rng(len(rows))
    vectors = np.stack([direction(row["axis"]) for row in rows]) + random.normal(0, 0.05, (len(rows), DIMENSIONS))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    with EmbeddingStore(made.settings.data_dir, ENCODER_VERSION, made.sessions.keyring) as store:
        store.put([text_key(row["original"]) for row in rows], vectors.astype(np.float32))


def code(made: Curated) -> None:
    everybody = made.actor.cleared()
    analysing.code_topics(
        made.sessions,
        everybody,
        made.id,
        encoder_version=ENCODER_VERSION,
        settings=made.settings,
        progress=lambda *_: None,
    )
    freezing.store_results(made.sessions, everybody, made.id)


def found(named_by_open: bool = True) -> State:
    axes = {DEALERS: (0,), BINS: (1, 2), SCAMS: (3,), THANKS: (4,)}
    topics = []
    for number, places in axes.items():
        parts = tuple(direction(place, 0.1).astype("<f4").tobytes() for place in places)
        middle = np.mean([direction(place, 0.1) for place in places], axis=0)
        middle = (middle / np.linalg.norm(middle)).astype("<f4").tobytes()
        phrases = (NAMES[number].lower(),)
        firm = {DEALERS: 0.93, BINS: 0.66, SCAMS: 0.31}.get(number)
        topics.append(Topic(number, NAMES[number], parts, ("",) * len(parts), middle, 10, phrases=phrases, stability=firm))
    return State(tuple(topics), "medium", ENCODER_VERSION, 0.8, named_by_open)


def _with_keys(session: Session, programme_id: int) -> None:
    """Keys by the words, as an analysis gives them: the same in another programme; and what models may read."""
    query = select(Comment, Response.channel_id).join(Response).where(Response.programme_id == programme_id)
    for comment, channel in session.execute(query).all():
        comment.text_key = text_key(comment.original)
        comment.analysis_text = Under(programmes.channel_key(session, channel), comment.original)
    session.flush()
    search.index(session, list(session.scalars(select(Comment.id).join(Response).where(Response.programme_id == programme_id))))


def _tones(session: Session, actor: Actor, rows: list[dict[str, Any]]) -> None:
    judge = codings.model_coder(session, actor, name=SENTIMENT_CODER, version="by hand")
    shared = {"organisation_id": actor.organisation_id, "coder_id": judge, "measure": "sentiment", "topic_id": None}
    given = [
        {**shared, "text_key": text_key(row["original"]), "label": label, "rank": rank, "probability": 1 / 3}
        for row in rows
        for rank, label in enumerate(LABELS, start=1)
    ]
    codings.add_codings(session, given)


def on_site(site: Site, **more: Any) -> Curated:
    """The same on the site of page tests."""
    return fill(site.sessions, site.actor, site.settings, **more)
