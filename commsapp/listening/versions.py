"""Versions of a codebook: read as topics that can be curated, written, listed, compared, and followed from one to another.

What may come in: frozen versions and what they made of the comments. What may not: drafts (see `drafting`), and running a model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from commsapp.actor import Actor
from commsapp.errors import NotFound
from commsapp.listening import programmes as frame
from commsapp.listening import views
from commsapp.listening.changes import NO_TOPIC, SPLITTING, State, Topic, follow
from commsapp.listening.coders import TOPIC_CODER, topic_coder_version
from commsapp.listening.matching import without_topic
from commsapp.listening.measuring import NO_TOPIC_NAME
from commsapp.listening.naming import check_topics_named
from commsapp.storage import by_people, codebooks, codings, events
from commsapp.storage.session import Session
from commsapp.textmodels.codebook import CodebookDraft, TopicDraft, make_codebook


def state_of(session: Session, version: codings.CodebookVersion) -> State:
    """A frozen version as topics that can be curated."""
    return State(
        topics=tuple(_topic(row) for row in codings.topics(session, version.id)),
        granularity=version.granularity,
        encoder_version=version.encoder_version,
        threshold=version.threshold,
        named_by_open=version.named_by_open,
    )


def _topic(row: codings.Topic) -> Topic:
    vectors = _parts(row.prototypes, len(row.centroid)) or (() if not any(row.centroid) else (row.centroid,))
    keys = tuple(str(key) for key in row.prototype_keys)
    return Topic(
        number=row.number,
        name=row.name,
        prototypes=vectors,
        keys=keys if len(keys) == len(vectors) else ("",) * len(vectors),
        centroid=row.centroid,
        size=row.size,
        definition=row.definition,
        note=row.note,
        phrases=tuple(row.phrases),
        pinned=row.pinned,
        curated=row.curated,
        origin=row.origin,
        merged=tuple(row.merged),
        stability=row.stability,
    )


def _parts(stored: bytes | None, size: int) -> tuple[bytes, ...]:
    return tuple(stored[start : start + size] for start in range(0, len(stored), size)) if stored and size else ()


def as_state(draft: CodebookDraft, *, named_by_open: bool) -> State:
    """What the text models found, as topics that can be curated."""
    return State(
        topics=tuple(found_topic(topic) for topic in draft.topics),
        granularity=draft.granularity,
        encoder_version=draft.encoder_version,
        threshold=float(draft.threshold),
        named_by_open=named_by_open,
    )


def found_topic(topic: TopicDraft) -> Topic:
    """A topic as the text models found it."""
    vectors = () if topic.prototypes is None else tuple(np.asarray(row, dtype="<f4").tobytes() for row in topic.prototypes)
    return Topic(
        number=topic.number,
        name=topic.name,
        prototypes=vectors,
        keys=("",) * len(vectors),
        centroid=np.asarray(topic.centroid, dtype="<f4").tobytes(),
        size=topic.size,
        phrases=tuple(topic.phrases),
        stability=topic.stability,
    )


def as_codebook(state: State) -> CodebookDraft:
    """Topics in the form in which the text models sort comments by them."""
    topics = [
        TopicDraft(
            number=topic.number,
            name=topic.name,
            phrases=topic.phrases,
            centroid=_vector(topic.centroid),
            size=topic.size,
            examples=(),
            prototypes=np.stack([_vector(part) for part in topic.prototypes]) if topic.prototypes else None,
        )
        for topic in state.topics
    ]
    return make_codebook(
        encoder_version=state.encoder_version, granularity=state.granularity, topics=topics, threshold=state.threshold
    )


def _vector(stored: bytes) -> npt.NDArray[np.float32]:
    return np.frombuffer(stored, dtype="<f4").astype(np.float32)


def write_version(
    session: Session,
    actor: Actor,
    programme_id: int,
    state: State,
    *,
    made_from: int | None = None,
    note: str = "",
    sizes: Mapping[int, int] | None = None,
) -> codings.CodebookVersion:
    """Freeze topics as the programme's next codebook version; what people said of single comments goes on in it.

    ``sizes`` says how many texts each topic gets, where that was counted.
    """
    topics = [replace(topic, size=(sizes or {}).get(topic.number, topic.size)) for topic in state.topics]
    version = codings.add_version(
        session,
        programme_id=programme_id,
        granularity=state.granularity,
        encoder_version=state.encoder_version,
        threshold=state.threshold,
        fingerprint=as_codebook(state).version,
        named_by_open=state.named_by_open,
        made_from=made_from,
        note=note,
        frozen_by=actor.person_id,
        topics=[_row(topic) for topic in topics],
    )
    after = {"number": version.number, "topics": [topic.name for topic in topics], "programme_id": programme_id}
    events.record(session, actor, action="freeze", subject="codebook version", subject_id=version.id, after=after, why=note)
    people_go_on(session, actor, version, state.topics)
    return version


def _row(topic: Topic) -> dict[str, object]:
    same = ("number", "name", "definition", "note", "centroid", "size", "pinned", "curated", "origin", "stability")
    return {
        **{name: getattr(topic, name) for name in same},
        "phrases": list(topic.phrases),
        "merged": list(topic.merged),
        "prototypes": b"".join(topic.prototypes) or None,
        "prototype_keys": list(topic.keys) if any(topic.keys) else [],
    }


def people_go_on(
    session: Session, actor: Actor, version: codings.CodebookVersion, topics: tuple[Topic, ...], keys: list[str] | None = None
) -> None:
    """Note what people's codings come to in a version, through renames and merges; those of a dropped topic count no longer."""
    ids = {row.number: row.id for row in codings.topics(session, version.id)}
    found: dict[str, int | None] = {}
    for key, given in by_people.given(session, actor.organisation_id, version.codebook_id, keys).items():
        number = follow(given.number, topics)
        if number is not None:
            found[key] = None if number == NO_TOPIC else ids[number]
    by_people.come_to(session, actor.organisation_id, version, found)


def version_in_use(session: Session, actor: Actor, programme_id: int) -> codings.CodebookVersion:
    """The version that comments are coded with.

    Raises
    ------
    NotFound : no such programme, or no topics were found in it yet.

    """
    frame.programme(session, actor, programme_id)
    version = codings.current_version(session, actor, programme_id)
    if version is None:
        raise NotFound("No topics were found in this programme yet.", "Analyse what was heard first.")
    return version


def versions(session: Session, actor: Actor, programme_id: int) -> tuple[views.CodebookVersion, ...]:
    """All versions of a programme's codebook, the latest first."""
    frame.programme(session, actor, programme_id)
    rows = codebooks.versions(session, actor, programme_id)
    numbers = {row.id: row.number for row, _, _ in rows}
    return tuple(
        views.CodebookVersion(
            id=row.id,
            number=row.number,
            granularity=row.granularity,
            frozen_at=row.frozen_at,
            frozen_by=who,
            note=row.note,
            topics=topics,
            made_from=None if row.made_from is None else numbers.get(row.made_from),
            in_use=place == 0,
        )
        for place, (row, who, topics) in enumerate(rows)
    )


def between_versions(session: Session, actor: Actor, programme_id: int, first: int, second: int) -> views.Difference:
    """What two versions, by their numbers, made of the same comments: exactly, as it was coded then.

    Of comments that came in later the older version said nothing, so they are not compared.

    Raises
    ------
    NotFound : no such version, or it has coded nothing. NotAllowed : its topics are named by words that the actor may not read.

    """
    frame.programme(session, actor, programme_id)
    known = {row.number: row for row, _, _ in codebooks.versions(session, actor, programme_id)}
    if first not in known or second not in known:
        raise NotFound("There is no such version of this codebook.", "Choose two from the list.")
    pair = (known[first], known[second])
    coders = [_coder(session, actor, version) for version in pair]
    check_topics_named(session, actor, programme_id, all(version.named_by_open for version in pair))
    names = [_names(session, version) for version in pair]
    moved = codebooks.moved(session, actor, programme_id, before=coders[0], after=coders[1])
    rows = sorted(moved, key=lambda row: (-row.comments, row.before, row.after))
    shares = without_topic([(row.before, row.after, row.comments, []) for row in rows])
    return views.Difference(
        rows=tuple(views.Move(row.before, row.after, names[0][row.before], names[1][row.after], row.comments) for row in rows),
        total=sum(row.comments for row in rows),
        none_before=shares[0],
        none_after=shares[1],
    )


def _names(session: Session, version: codings.CodebookVersion) -> dict[int, str]:
    return {NO_TOPIC: NO_TOPIC_NAME} | {topic.number: topic.name for topic in codings.topics(session, version.id)}


def _coder(session: Session, actor: Actor, version: codings.CodebookVersion) -> int:
    found = codings.model_coder_id(session, actor, name=TOPIC_CODER, version=topic_coder_version(version))
    if found is None:
        raise NotFound(f"Version {version.number} has coded no comments.", "Choose another one.")
    return found


@dataclass(frozen=True)
class Followed:
    """A topic in the version in use: its number and name, and in words what became of it since; '' where nothing did."""

    number: int
    name: str
    said: str


def followed(
    session: Session, actor: Actor, programme_id: int, *, name: str, codebook_version: str, number: int | None = None
) -> Followed | None:
    """The topic that went by a name in some version ('version 2 (0f3a9c1e)'), as it goes on in the version in use.

    ``number`` is the topic's, where that was noted too.

    None where it was dropped, or where topics were found again without keeping their numbers, as was so before people could
    curate them.
    """
    now = codings.current_version(session, actor, programme_id)
    rows = [row for row, _, _ in codebooks.versions(session, actor, programme_id)]
    then = next((row for row in rows if version_name(row) == codebook_version), None)
    if now is None or then is None:
        return None
    steps = _steps(rows, now, then)
    if number is None:
        number = {topic: known for known, topic in _names(session, then).items()}.get(name)
    if steps is None or number is None:
        return None
    topics = state_of(session, now).topics
    goes_on = follow(number, topics)
    if goes_on is None:
        return None
    name_now = next((topic.name for topic in topics if topic.number == goes_on), NO_TOPIC_NAME)
    return Followed(goes_on, name_now, what_became(session, steps, number, name, goes_on, name_now))


def version_name(row: codings.CodebookVersion) -> str:
    """What results say of the codebook that they rest on."""
    return f"version {row.number} ({row.fingerprint[:8]})"


def _steps(
    rows: list[codings.CodebookVersion], now: codings.CodebookVersion, then: codings.CodebookVersion
) -> list[codings.CodebookVersion] | None:
    """The versions from one to a later one, each made from the one before it; none where they don't hang together."""
    by_id = {row.id: row for row in rows}
    steps = [now]
    while steps[-1].id != then.id:
        before = by_id.get(steps[-1].made_from or 0)
        if before is None:
            return None
        steps.append(before)
    return steps[::-1]


def what_became(
    session: Session, steps: list[codings.CodebookVersion], number: int, name: str, number_now: int, name_now: str
) -> str:
    """'‘A’ was merged into ‘B’ since.', '‘A’ is called ‘B’ now.', or that a part was split off; '' where nothing happened."""
    said = []
    if number_now != number:
        said.append(f"‘{name}’ was merged into ‘{name_now}’ since.")
    elif name_now != name:
        said.append(f"‘{name}’ is called ‘{name_now}’ now.")
    split = any(_was_split(session, version, number) for version in steps[:-1])
    if split:
        said.append(f"‘{name}’ was split since: this is about the part that kept its place.")
    then, now = (
        next((topic for topic in codings.topics(session, version.id) if topic.number == wanted), None)
        for version, wanted in ((steps[0], number), (steps[-1], number_now))
    )
    if then is not None and now is not None and len(steps) > 1:
        if set(now.merged) - set(then.merged) - {number, number_now}:
            said.append(f"Other topics were merged into ‘{name_now}’ since.")
        elif number_now == number and not split and now.prototypes != then.prototypes:
            said.append(f"‘{name_now}’ was found again since, so it may hold partly other comments.")
    return " ".join(said)


def _was_split(session: Session, version: codings.CodebookVersion, number: int) -> bool:
    changes = [row for row in codebooks.changes(session, version.id) if row.undone_at is None]
    return any(row.kind == SPLITTING and row.arguments.get("number") == number for row in changes)
