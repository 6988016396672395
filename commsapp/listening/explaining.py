"""Why a comment was coded as it was: which of its words carried its tone and its topic.

What may come in: one comment that somebody may read, and what the models say of it. What may not: keeping people's words; where
they stand in the comment is all that the job keeps.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from commsapp.actor import Actor
from commsapp.config import Settings
from commsapp.errors import Conflict
from commsapp.listening import versions, views
from commsapp.listening.bringing import set_models
from commsapp.listening.coding import clean
from commsapp.listening.freezing import codebook_shown
from commsapp.listening.keys import text_key
from commsapp.listening.redaction.kinds import for_models
from commsapp.listening.reporting import one_said, topic_number
from commsapp.storage import codings, erasing, jobs
from commsapp.storage import said as stored
from commsapp.storage.base import keyring_of
from commsapp.storage.session import Session, Sessions
from commsapp.textmodels.encoder import load_encoder
from commsapp.textmodels.explaining import log_odds, topic_margins, weigh
from commsapp.textmodels.tone import LABELS, load_tone

JOB = "explain"
_LEAST = {"tone": 0.1, "topic": 0.01}
"""Smaller changes are noise: of the log-odds, and of the similarity."""
_CURE = "Analyse what is new first, then ask again."
_STEPS = (0.15, 0.4, 0.75)
"""Shares of the largest change from which on a word is marked weakly, clearly, strongly."""


def start_explanation(session: Session, actor: Actor, *, programme_id: int, comment_id: int) -> int:
    """Enqueue the work of finding which words carried a comment's coding, unless it waits or runs already; the job's id.

    Raises
    ------
    NotFound : no such comment for this person. Conflict : it was not coded.

    """
    _, key = one_coded(session, actor, programme_id, comment_id)
    erasing.said_for_now(session, {key})  # who takes the comment away meanwhile waits, and then finds this job
    known = _asked(session, actor, programme_id, comment_id)
    if known is not None and known.state in ("queued", "running"):
        return known.id
    arguments: dict[str, object] = {"programme_id": programme_id, "comment_id": comment_id}
    return jobs.enqueue(session, actor, name=JOB, arguments=arguments, programme_id=programme_id).id


def one_coded(session: Session, actor: Actor, programme_id: int, comment_id: int) -> tuple[views.Said, str]:
    """A comment that was coded, and the key of its text.

    Raises
    ------
    NotFound : no such comment for this person. Conflict : it was not coded.

    """
    said, key = one_said(session, actor, programme_id, comment_id)
    if key is None or said.not_coded or not said.sentiment:
        raise Conflict(
            "This comment was not coded, so there is nothing to explain.", "Start the analysis, or read why it was set aside."
        )
    return said, key


def run_explanation(
    sessions: Sessions,
    actor: Actor,
    *,
    programme_id: int,
    comment_id: int,
    settings: Settings,
    progress: views.Progress = views.quiet,
) -> dict[str, Any]:
    """Take the words of a comment out one by one; what comes back says where they stand and what they changed, and no word.

    Raises
    ------
    NotFound : no such comment for whoever asked. Conflict : it was not coded, or it or the models have changed since.
    Unavailable : the model files are missing or changed.

    """
    with sessions.reading() as session:
        said, key = one_coded(session, actor, programme_id, comment_id)
        basis = _basis(session, actor, programme_id, said, key)
        version = codings.current_version(session, actor, programme_id)
        codebook = None if version is None else versions.as_codebook(versions.state_of(session, version))
        secret = keyring_of(session).hashing
    text, number = _words(said), basis["topic"]
    if text_key(secret, _read(text)) != key:
        raise Conflict("This comment was prepared anew since it was coded.", _CURE)
    progress("Taking words out one by one", 0, 0)
    tone = load_tone(**set_models(settings))
    if tone.sentiment_version != basis["tone_version"]:
        raise Conflict("Another model of tone has been set since this comment was coded.", _CURE)
    encoder = load_encoder()
    if number is not None and encoder.version != basis["encoder_version"]:
        raise Conflict("Another model reads comments since the topics were found.", _CURE)

    def margins(texts: list[str]) -> np.ndarray:
        columns = [log_odds(tone.score(texts).sentiments[:, LABELS.index(said.sentiment)])]
        if codebook is not None and number is not None:
            columns.append(topic_margins(codebook, encoder.encode(texts), number))
        return np.stack(columns, 1)

    found = weigh(
        text, read=_read, margins=margins, progress=lambda done, total: progress("Taking words out one by one", done, total)
    )
    return {
        **basis,
        "first_letters": found.letters if found.letters < len(text) else 0,
        "spans": [list(span) for span in found.spans],
        "changes": found.changes.round(5).tolist(),
        "limited": found.limited,
    }


def explanation(session: Session, actor: Actor, programme_id: int, comment_id: int) -> views.Explanation:
    """What was found of a comment, or how far the work is; ``state`` is '' where nobody asked yet.

    Raises
    ------
    NotFound : no such comment for this person. Conflict : it was not coded.

    """
    said, key = one_coded(session, actor, programme_id, comment_id)
    job = _asked(session, actor, programme_id, comment_id)
    if job is None or job.state == "cancelled":
        return views.Explanation(said)
    if job.state != "done":
        return views.Explanation(said, state=job.state, error=job.error)
    result, text = job.result, _words(said)
    basis = _basis(session, actor, programme_id, said, key)
    if {name: result.get(name) for name in basis} != basis:
        return views.Explanation(said)  # coded anew or taken away since: it has to be asked again
    changes = np.array(result["changes"]).reshape(len(result["spans"]), 1 if result["topic"] is None else 2)
    codebook = codebook_shown(session, actor, programme_id)
    names = {topic.number: topic.name for topic in codebook.topics} if codebook else {}
    topic = names.get(result["topic"], "")
    return views.Explanation(
        said,
        state="done",
        topic=topic,
        tone_words=_marked(text, result["spans"], changes[:, 0], _LEAST["tone"]),
        topic_words=_marked(text, result["spans"], changes[:, 1], _LEAST["topic"]) if topic else (),
        limited=result["limited"],
        first_letters=result["first_letters"],
    )


def _basis(session: Session, actor: Actor, programme_id: int, said: views.Said, key: str) -> dict[str, Any]:
    """What is explained, and the models that said it. ``topic`` is None where there is none to tell from others."""
    version = codings.current_version(session, actor, programme_id)
    number = topic_number(session, actor, programme_id, key)
    several = version is not None and len(codings.topics(session, version.id)) > 1
    return {
        "text_key": key,
        "letters": len(_words(said)),
        "sentiment": said.sentiment,
        "tone_version": stored.tone_version(session, actor, key),
        "topic": number if several and number is not None and number >= 0 else None,
        "codebook_version_id": None if version is None else version.id,
        "encoder_version": "" if version is None else version.encoder_version,
    }


def _asked(session: Session, actor: Actor, programme_id: int, comment_id: int) -> jobs.Job | None:
    """The latest time that somebody asked about a comment."""
    return jobs.latest(session, actor, name=JOB, arguments={"programme_id": programme_id, "comment_id": comment_id})


def _words(said: views.Said) -> str:
    """What was coded, as people see it."""
    return said.translation if said.from_translation else said.words


def _read(text: str) -> str:
    """What the models read of it, as `coding.choose_text` has it."""
    return clean(for_models(clean(text)))


def _marked(text: str, spans: list[list[int]], changes: np.ndarray, least: float) -> tuple[views.Piece, ...]:
    """The text in pieces, those that carried the coding marked by how much of the largest change they made."""
    largest = max(float(changes.max(initial=0)), least)
    pieces: list[views.Piece] = []
    at = 0
    for (start, end), change in zip(spans, changes, strict=True):
        strength = sum(change >= step * largest for step in _STEPS) if change >= least else 0
        if strength:
            pieces += [views.Piece(text[at:start]), views.Piece(text[start:end], strength=int(strength), change=float(change))]
            at = end
    return tuple(piece for piece in (*pieces, views.Piece(text[at:])) if piece.words)
