"""From stored comments to listening results, in steps that each can be repeated and go on where they stopped.

prepare → embed → tone → topics (found once, then frozen) → code → what is new → results. Each step asks storage what
is still missing, so a killed analysis loses at most one batch of work and doubles nothing, and new comments cost what they weigh.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from commsapp.actor import Actor, HandlingLevel
from commsapp.config import Settings
from commsapp.errors import NotFound
from commsapp.listening import freezing, versions, views
from commsapp.listening import programmes as frame
from commsapp.listening.bringing import set_models
from commsapp.listening.coders import EMOTION_CODER, HELD_BACK, NO_CONSENT, SENTIMENT_CODER, TOPIC_CODER, topic_coder_version
from commsapp.listening.coding import choose_text
from commsapp.listening.found_again import curated_topics, topics_again
from commsapp.listening.keys import text_key
from commsapp.listening.looking_for_new import look_for_new
from commsapp.listening.redaction.redactor import Redactor, load_redactor
from commsapp.storage import codings, erasing, jobs, responses, search
from commsapp.storage.base import Under, keyring_of
from commsapp.storage.embeddings import EmbeddingStore, delete_everywhere
from commsapp.storage.session import Session, Sessions
from commsapp.textmodels.encoder import Encoder, load_encoder
from commsapp.textmodels.tone import EMOTIONS, LABELS, ToneModel, load_tone
from commsapp.textmodels.topics import CodebookDraft, Granularity, assign, discover, granularity_of

BATCH = 256
NAMED_BY_OPEN = 0.5
"""Share of open texts from which on topics are named by them alone."""


def run_analysis(
    sessions: Sessions,
    actor: Actor,
    *,
    programme_id: int,
    granularity: Granularity | int | None = None,
    again: bool = False,
    settings: Settings,
    progress: views.Progress = views.quiet,
) -> dict[str, Any]:
    """Code what is not coded yet and compute the programme's listening results anew.

    Topics are found when there is no codebook, when ``granularity`` differs from that of the codebook in use, or ``again``;
    that makes a new version, or where people curated the one in use a draft for them to look at. Else the frozen codebook
    codes the new comments. Returns what a sentence on the page needs.

    It always covers the whole programme, whatever the one who starts it may see: see `freezing.store_results`.

    Raises
    ------
    NotFound : no such programme. Unavailable : the model files are missing or changed.

    """
    actor = actor.cleared()
    with sessions.reading() as session:
        frame.programme(session, actor, programme_id)
        has_text = bool(responses.comment_frame(session, actor, programme_id))
    drafted = False
    if has_text:
        encoder = load_encoder()
        tone = load_tone(**set_models(settings))
        readable = encoder.languages & tone.languages
        prepare(
            sessions,
            actor,
            programme_id,
            readable=readable,
            redactor=load_redactor(),
            settings=settings,
            progress=progress,
        )
        with sessions.reading() as session:
            handled = responses.text_keys(session, actor, programme_id)
        embed(sessions, actor, programme_id, encoder=encoder, settings=settings, progress=progress)
        code_tone(sessions, actor, programme_id, model=tone, progress=progress)
        drafted = find_topics(
            sessions,
            actor,
            programme_id,
            encoder=encoder,
            granularity=granularity,
            again=again,
            settings=settings,
            progress=progress,
        )
        code_topics(sessions, actor, programme_id, encoder_version=encoder.version, settings=settings, progress=progress)
        look_for_new(sessions, actor, programme_id, settings=settings, progress=progress)
        _sweep(sessions, actor, handled, settings)
    progress("Computing results", 0, 0)
    summary = freezing.store_results(sessions, actor, programme_id)
    return asdict(summary, dict_factory=_for_job) | ({"drafted": True} if drafted else {})


def _for_job(fields: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value for name, value in fields if value is not None and name != "narrowed"}


def _sweep(sessions: Sessions, actor: Actor, keys: list[str], settings: Settings) -> None:
    """Take away what was made of texts that were erased while the analysis ran."""
    with sessions.writing() as session:
        gone = erasing.unsaid(session, keys)
        erasing.delete_codings(session, actor.organisation_id, gone)
        delete_everywhere(settings.data_dir, gone)


def prepare(
    sessions: Sessions,
    actor: Actor,
    programme_id: int,
    *,
    readable: frozenset[str],
    redactor: Redactor,
    settings: Settings,
    progress: views.Progress,
) -> None:
    """Take names and numbers out of each new comment, and decide which text the models may read, or why none.

    Comments that can't be coded are redacted all the same, since pages show them. Where a better version takes more out, all
    are prepared again; what was coded of words that nobody says any more goes, with its embeddings.
    """
    stage, done, again = "Taking out names and numbers", 0, False
    with sessions.reading() as session:
        total = responses.count_unprepared(session, actor, programme_id, redaction=redactor.version)
    while True:
        with sessions.reading() as session:
            rows = responses.unprepared(session, actor, programme_id, redaction=redactor.version, limit=4 * BATCH)
            secret = keyring_of(session).hashing
        if not rows:
            break
        progress(stage, done, total)
        words = redactor.redact([text for row in rows for text in (row.original, row.translation)])
        pairs = zip(words[::2], words[1::2], strict=True)
        decided = [_decide(row, pair, redactor.version, readable, secret) for row, pair in zip(rows, pairs, strict=True)]
        with sessions.writing() as session:
            before = frozenset(row.text_key for row in rows if row.text_key is not None)
            responses.set_prepared(session, decided)
            both = zip(rows, decided, strict=True)
            jobs.forget_comments(session, [row.id for row, now in both if row.text_key not in (None, now["text_key"])])
            gone = erasing.unsaid(session, before - {str(row["text_key"]) for row in decided})
            erasing.delete_codings(session, actor.organisation_id, gone)
            search.index(session, [row.id for row in rows])
            # Of every encoder: those of an older one hold the words that are taken out now as well.
            delete_everywhere(settings.data_dir, gone)
        again = again or any(row.redaction_version for row in rows)
        done += len(rows)
        progress(stage, done, max(done, total))
    if again:  # the index held what is taken out now
        with sessions.writing() as session:
            search.purge(session)
        erasing.settle(sessions)


def _decide(row: Any, redacted: tuple[str, str], redaction: str, readable: frozenset[str], secret: str) -> dict[str, object]:
    choice = choose_text(*redacted, row.given_language, readable)
    text, reason = choice.text, choice.reason
    if row.handling_level == HandlingLevel.CONCERN:
        text, reason = None, HELD_BACK
    elif "analyse" not in row.consent:
        text, reason = None, NO_CONSENT
    return {
        "comment_id": row.id,
        "language": choice.language,
        "redacted": Under(row.key_id, redacted[0]),
        "redacted_translation": Under(row.key_id, redacted[1]),
        "redaction_version": redaction,
        "analysis_text": Under(row.key_id, text),
        "text_key": None if text is None else text_key(secret, text),
        "from_translation": choice.from_translation and text is not None,
        "not_coded": reason,
    }


def embed(
    sessions: Sessions, actor: Actor, programme_id: int, *, encoder: Encoder, settings: Settings, progress: views.Progress
) -> None:
    """Compute the embedding of each distinct text that has none yet."""
    with EmbeddingStore(settings.data_dir, encoder.version, sessions.keyring) as store:
        with sessions.reading() as session:
            keys = responses.text_keys(session, actor, programme_id, by_length=True)
        missing = store.missing(keys)
        progress("Reading comments", 0, len(missing))
        for done, batch, texts in _text_batches(sessions, actor, programme_id, missing):
            vectors = encoder.encode(texts)
            with sessions.writing() as session:  # who erases a text waits for this, and then finds its vector
                said = erasing.said_for_now(session, batch)
                store.put([key for key in batch if key in said], vectors[[key in said for key in batch]])
            progress("Reading comments", done, len(missing))


def code_tone(sessions: Sessions, actor: Actor, programme_id: int, *, model: ToneModel, progress: views.Progress) -> None:
    """Code sentiment and emotions, in one pass, of each distinct text of which these model versions have not coded both yet."""
    with sessions.writing() as session:
        coders = {
            "sentiment": codings.model_coder_in_use(session, actor, name=SENTIMENT_CODER, version=model.sentiment_version),
            "emotion": codings.model_coder_in_use(session, actor, name=EMOTION_CODER, version=model.emotion_version),
        }
    with sessions.reading() as session:
        coded = [codings.coded_keys(session, coder_id=coder, measure=measure) for measure, coder in coders.items()]
        both = set.intersection(*coded)
        missing = [key for key in responses.text_keys(session, actor, programme_id, by_length=True) if key not in both]
    progress("Judging the tone", 0, len(missing))
    for done, batch, texts in _text_batches(sessions, actor, programme_id, missing):
        tones = model.score(texts)
        unsure = model.unsure(tones.sentiments)
        rows = [row for given in zip(batch, tones.sentiments, unsure, strict=True) for row in _sentiment_rows(*given)]
        heard = zip(batch, tones.emotions, model.heard(tones.emotions), strict=True)
        rows += [row for given in heard for row in _emotion_rows(*given)]
        shared = {"organisation_id": actor.organisation_id, "topic_id": None}
        rows = [{**row, **shared, "coder_id": coders["emotion" if row["measure"] == "emotion" else "sentiment"]} for row in rows]
        with sessions.writing() as session:
            _add_said(session, rows)
        progress("Judging the tone", done, len(missing))


def _add_said(session: Session, rows: list[dict[str, object]]) -> None:
    """Add codings of those texts that nobody erased while the model read them."""
    said = erasing.said_for_now(session, {str(row["text_key"]) for row in rows})
    codings.add_codings(session, [row for row in rows if row["text_key"] in said])


def _sentiment_rows(key: str, odds: np.ndarray, unsure: bool) -> Iterator[dict[str, Any]]:
    """All three labels by rank, and one more row where the best is too little probable to be said."""
    order = np.argsort(-odds, kind="stable")
    for rank, number in enumerate(order, start=1):
        yield _tone_row(key, "sentiment", LABELS[number], rank, odds[number])
    if unsure:
        yield _tone_row(key, codings.UNSURE, codings.UNSURE, 1, odds[order[0]])


def _emotion_rows(key: str, odds: np.ndarray, heard: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The emotions that are heard, by rank. Where none is there is one row without a label, so that the text counts as coded."""
    for rank, name in enumerate(heard, start=1):
        yield _tone_row(key, "emotion", name, rank, odds[EMOTIONS.index(name)])
    if not heard:
        yield _tone_row(key, "emotion", "", 1, odds.max())


def _tone_row(key: str, measure: str, label: str, rank: int, probability: float) -> dict[str, Any]:
    return {"text_key": key, "measure": measure, "label": label, "rank": rank, "probability": float(probability)}


def find_topics(
    sessions: Sessions,
    actor: Actor,
    programme_id: int,
    *,
    encoder: Encoder,
    granularity: Granularity | int | None,
    again: bool = False,
    settings: Settings,
    progress: views.Progress,
) -> bool:
    """Find topics and freeze them as a codebook version, unless the one in use serves; whether they went into a draft instead.

    One without topics, found when there were too few comments, serves only until more come. Where people curated topics, what
    is found goes into the draft, and the version in use stays: see `found_again`.
    """
    with sessions.reading() as session:
        version = codings.current_version(session, actor, programme_id)
        wanted = granularity or (granularity_of(version.granularity) if version else "medium")
        same = version is not None and (version.granularity, version.encoder_version) == (str(wanted), encoder.version)
        if version is not None and same and not again and codings.topics(session, version.id):
            return False
        keys = responses.text_keys(session, actor, programme_id)
        texts = responses.texts_of(session, actor, programme_id, keys)
        spoken = open_keys(session, actor, programme_id)
        named_by_open = len(spoken) >= NAMED_BY_OPEN * len(keys)
        keep = None if version is None else curated_topics(session, actor, programme_id, encoder.version)
    if not keys:
        return False
    progress("Finding topics", 0, len(keys))
    with EmbeddingStore(settings.data_dir, encoder.version, sessions.keyring) as store:
        found, vectors = store.get(keys)
    # What was erased since the embeddings were made has none any more.
    keys, vectors = [key for key, there in zip(keys, found, strict=True) if there], vectors[found]
    if not keys:
        return False
    draft = discover(
        [texts[key] for key in keys],
        vectors,
        granularity=wanted,
        encoder=encoder,
        named_by=[key in spoken for key in keys] if named_by_open else None,
        keep=keep,
        progress=lambda done, total: progress("Finding topics", done, total),
    )
    if version is not None:
        return topics_again(
            sessions, actor, programme_id, draft, keys=keys, vectors=vectors, named_by_open=named_by_open, keep=keep
        )
    with sessions.writing() as session:
        versions.write_version(session, actor, programme_id, versions.as_state(draft, named_by_open=named_by_open))
    return False


def open_keys(session: Session, actor: Actor, programme_id: int) -> set[str]:
    """Keys of the texts of open comments, whose words may stand in the names of topics.

    Everybody reads those, unless open comments are few beside the others: then the names are made of all, and `freezing`
    keeps them from those who may not read what they are made of.
    """
    everybody = replace(actor, handling_levels=frozenset({HandlingLevel.OPEN}))
    return set(responses.text_keys(session, everybody, programme_id))


def code_topics(
    sessions: Sessions, actor: Actor, programme_id: int, *, encoder_version: str, settings: Settings, progress: views.Progress
) -> None:
    """Code each distinct text with the frozen codebook in use; every wave, the first too, by the same assigner."""
    with sessions.writing() as session:
        version = codings.current_version(session, actor, programme_id)
        if version is None:
            return
        coder = codings.model_coder(session, actor, name=TOPIC_CODER, version=topic_coder_version(version))
        codebook = versions.as_codebook(versions.state_of(session, version))
        ids = {topic.number: topic.id for topic in codings.topics(session, version.id)}
    with sessions.reading() as session:
        coded = codings.coded_keys(session, coder_id=coder, measure="topic")
        missing = [key for key in responses.text_keys(session, actor, programme_id) if key not in coded]
    with EmbeddingStore(settings.data_dir, encoder_version, sessions.keyring) as store:
        for start in range(0, len(missing), 10 * BATCH):
            batch = missing[start : start + 10 * BATCH]
            found, vectors = store.get(batch)
            there = [key for key, has in zip(batch, found, strict=True) if has]
            rows = _topic_rows(actor, coder, there, codebook, vectors[found], ids)
            with sessions.writing() as session:
                if erasing.said_for_now(session, set(batch) - set(there)):
                    raise NotFound("The embedding of a comment is missing.", "Run the analysis again.")
                _add_said(session, rows)
            progress("Sorting into topics", start + len(batch), len(missing))


def _topic_rows(
    actor: Actor, coder: int, keys: Sequence[str], codebook: CodebookDraft, vectors: np.ndarray, ids: dict[int, int]
) -> list[dict[str, object]]:
    given = assign(codebook, vectors)
    return [
        {
            "organisation_id": actor.organisation_id,
            "coder_id": coder,
            "text_key": key,
            "measure": "topic",
            "label": "",
            "topic_id": ids.get(int(topic)),
            "rank": 1,
            "probability": float(probability),
        }
        for key, topic, probability in zip(keys, given.topic, given.probability, strict=True)
    ]


def _text_batches(
    sessions: Sessions, actor: Actor, programme_id: int, keys: list[str]
) -> Iterator[tuple[int, list[str], list[str]]]:
    """(how many are done with this batch, keys, texts)."""
    for start in range(0, len(keys), BATCH):
        batch = keys[start : start + BATCH]
        with sessions.reading() as session:
            texts = responses.texts_of(session, actor, programme_id, batch)
        left = [key for key in batch if key in texts]  # the others were erased meanwhile
        if left:
            yield start + len(batch), left, [texts[key] for key in left]


def start_analysis(
    session: Session, actor: Actor, *, programme_id: int, granularity: Granularity | int | None = None, again: bool = False
) -> int:
    """Enqueue an analysis unless one is waiting already; returns the job's id. ``again``: topics are found again.

    Raises
    ------
    NotFound : no such programme.

    """
    frame.programme(session, actor, programme_id)
    arguments: dict[str, object] = {"programme_id": programme_id}
    if granularity is not None:
        arguments["granularity"] = granularity
    if again:
        arguments["again"] = True
    waiting = jobs.waiting(session, name="analyse", programme_id=programme_id)
    if waiting is not None and waiting.arguments == arguments:
        return waiting.id
    return jobs.enqueue(session, actor, name="analyse", arguments=arguments, programme_id=programme_id).id
