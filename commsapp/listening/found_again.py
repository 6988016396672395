"""Topics found again where there is a codebook already: what people curated stays, and what is the same keeps its number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from commsapp.actor import Actor
from commsapp.listening import changes as curating
from commsapp.listening import drafting, versions
from commsapp.listening.changes import State, Topic, follow
from commsapp.listening.coders import TOPIC_CODER, topic_coder_version
from commsapp.listening.matching import found_again, matches
from commsapp.storage import codings
from commsapp.storage.session import Session, Sessions
from commsapp.textmodels.clusters import prototypes
from commsapp.textmodels.topics import SEED, CodebookDraft, assign

Floats = npt.NDArray[np.float32]


def curated_topics(session: Session, actor: Actor, programme_id: int, encoder_version: str) -> CodebookDraft | None:
    """The topics that people curated, in the draft where there is one: the same comments stay theirs, and others are sorted anew.

    None where there are none, or where they are of another encoder.
    """
    state = drafting.opened(session, actor, programme_id).state
    topics = tuple(topic for topic in state.topics if topic.curated)
    if not topics or state.encoder_version != encoder_version or not all(topic.centroid for topic in topics):
        return None
    return versions.as_codebook(replace(state, topics=topics))


def topics_again(
    sessions: Sessions,
    actor: Actor,
    programme_id: int,
    draft: CodebookDraft,
    *,
    keys: Sequence[str],
    vectors: Floats,
    named_by_open: bool,
    keep: CodebookDraft | None = None,
) -> bool:
    """Freeze what was found as the next version, or put it into the draft where people curated; whether it is in the draft.

    ``keys`` and ``vectors`` are of the texts that topics were found in; ``keep`` are the topics that were left as they are. Where
    it comes to what there is already, nothing is made. Topics of a newer encoder are frozen at once, with what people curated:
    nothing can be sorted by the old ones any more.
    """
    fresh = versions.as_state(draft, named_by_open=named_by_open)
    after = assign(draft, vectors).topic
    while True:
        with sessions.reading() as session:
            found = drafting.opened(session, actor, programme_id)
            at_once = found.version.encoder_version != draft.encoder_version
            state = found.base if at_once else found.state
            before = sorted_by(session, actor, state, found.version, keys, vectors, encoder_version=draft.encoder_version)
        kept = {topic.number: topic.number for topic in keep.topics} if keep else {}
        others = {new: old for new, old in matches(before, after).items() if new not in kept and old not in kept}
        same = kept | others
        with sessions.writing() as session:
            now = drafting.opened(session, actor, programme_id, hold=True)
            if (now.version.id, now.mark) != (found.version.id, found.mark):
                continue  # somebody curated meanwhile
            state = now.base if at_once else now.state  # of what was erased meanwhile nothing is written again
            old = [_renewed(topic, state, draft.encoder_version, vectors[before == topic.number]) for topic in state.topics]
            codebook = codings.codebook_of(session, programme_id)
            assert codebook is not None
            new = codings.take_numbers(session, codebook, len(fresh.topics) - len(same))
            topics = found_again([topic for topic in old if topic is not None], fresh.topics, same, new)
            made = replace(fresh, topics=topics, named_by_open=named_by_open and state.named_by_open)
            if not fresh.topics:  # too few comments to find any: then what is kept is asked for as near as it was
                made = replace(made, threshold=state.threshold)
            return _keep(session, actor, programme_id, found, made, at_once)


def _keep(session: Session, actor: Actor, programme_id: int, found: drafting.Opened, state: State, at_once: bool) -> bool:
    if _content(state) == _content(found.state):
        return bool(found.live)
    if not at_once and (found.live or any(topic.curated for topic in found.base.topics)):
        arguments = {
            "topics": [curating.to_json(topic) for topic in state.topics],
            "granularity": state.granularity,
            "encoder_version": state.encoder_version,
            "threshold": state.threshold,
            "named_by_open": state.named_by_open,
        }
        kind = curating.FOUND_AGAIN
        drafting.record(session, actor, programme_id, found, kind=kind, arguments=arguments, note="", action="find again")
        return True
    versions.write_version(session, actor, programme_id, state, made_from=found.version.id)
    return False


def _content(state: State) -> tuple[str, str]:
    return versions.as_codebook(state).version, state.granularity


def sorted_by(
    session: Session,
    actor: Actor,
    state: State,
    version: codings.CodebookVersion,
    keys: Sequence[str],
    vectors: Floats,
    *,
    encoder_version: str,
) -> npt.NDArray[np.int64]:
    """The topic of each text by a codebook, -1 for none: from the embeddings, or where those are of another encoder as it was
    coded by the version, with what was merged since."""
    if state.encoder_version == encoder_version and all(topic.centroid for topic in state.topics):
        return np.asarray(assign(versions.as_codebook(state), vectors).topic, dtype=np.int64)
    coder = codings.model_coder_id(session, actor, name=TOPIC_CODER, version=topic_coder_version(version))
    numbers = {topic.id: topic.number for topic in codings.topics(session, version.id)}
    coded = {} if coder is None else {row.text_key: row.topic_id for row in codings.main_topics(session, coder_id=coder)}
    now = {number: follow(number, state.topics) for number in numbers.values()}
    found = [now.get(numbers.get(coded.get(key) or 0, curating.NO_TOPIC)) for key in keys]
    return np.array([curating.NO_TOPIC if number is None else number for number in found], dtype=np.int64)


def _renewed(topic: Topic, state: State, encoder_version: str, vectors: Floats) -> Topic | None:
    """A topic as a newer encoder has it, by the embeddings of its texts; none where it has too few of them to go on."""
    if state.encoder_version == encoder_version:
        return topic
    rows = prototypes(np.ascontiguousarray(vectors), np.zeros(len(vectors), dtype=np.int64), seed=SEED) if len(vectors) else []
    if not rows:
        return None
    parts = tuple(np.asarray(row, dtype="<f4").tobytes() for row in rows[0])
    return replace(topic, prototypes=parts, keys=("",) * len(parts), centroid=curating.middle_of(parts))
