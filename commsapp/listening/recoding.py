"""What a worker does for codebooks: topics added and split, drafts compared and frozen, codebooks carried to other programmes.

Comments are sorted from their stored embeddings; only examples that somebody typed are read by the encoder. Each of these reads
briefly, computes with nothing open, and writes briefly; begun again, it does nothing twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from commsapp.actor import Actor
from commsapp.config import Settings
from commsapp.errors import BadInput, Conflict, NotFound
from commsapp.listening import analysing, asking, drafting, freezing, versions, views
from commsapp.listening import changes as curating
from commsapp.listening.changes import State, Topic, follow
from commsapp.listening.found_again import sorted_by
from commsapp.listening.looking_for_new import look_for_new
from commsapp.listening.matching import carried, matches, table
from commsapp.listening.naming import check_topics_named
from commsapp.storage import by_people, codebooks, codings, erasing, responses
from commsapp.storage.embeddings import EmbeddingStore
from commsapp.storage.session import Session, Sessions
from commsapp.textmodels.encoder import load_encoder
from commsapp.textmodels.splitting import Part, split

Floats = npt.NDArray[np.float32]


def _asked(session: Session, actor: Actor, asked_id: int) -> codebooks.CodebookChange | None:
    """What was asked for; none where an earlier run has done it."""
    row = codebooks.change(session, actor, asked_id)
    return row if row is not None and row.kind == codebooks.ASKED else None


def _same_version(found: drafting.Opened, row: codebooks.CodebookChange) -> None:
    if found.version.id != row.base_version_id:
        raise Conflict("Another version of the codebook was frozen meanwhile.", "Look at the codebook, then ask again.")


def add_topic(
    sessions: Sessions,
    actor: Actor,
    *,
    programme_id: int,
    asked_id: int,
    settings: Settings,
    progress: views.Progress = views.quiet,
) -> dict[str, Any]:
    """Put the topic into the draft that `asking.start_add` asked for: its prototypes are the embeddings of its examples."""
    with sessions.reading() as session:
        row = _asked(session, actor, asked_id)
        if row is None:
            return {}
        found = drafting.opened(session, actor, programme_id)
        asked = dict(row.arguments)
    _same_version(found, row)
    progress("Reading the examples", 0, 0)
    texts = asked["texts"] or ([] if asked["keys"] else [f"{asked['name']}. {asked['definition']}"])
    with EmbeddingStore(settings.data_dir, found.state.encoder_version, sessions.keyring) as store:
        there, stored = store.get(asked["keys"])
    keys = [key for key, has in zip(asked["keys"], there, strict=True) if has]
    rows = [np.asarray(vector, dtype="<f4").tobytes() for vector in stored[there]]
    if texts:
        encoder = load_encoder()
        if encoder.version != found.state.encoder_version:
            raise BadInput("These topics were found by an older model.", "Find topics again, then add this one.")
        typed = [np.asarray(vector, dtype="<f4").tobytes() for vector in encoder.encode(texts)]
        rows, keys = [*rows, *typed], [*keys, *("" for _ in typed)]
    if not rows:
        raise NotFound("None of the comments that were chosen is there any more.", "Choose others.")
    with sessions.writing() as session:
        again = _asked(session, actor, asked_id)
        if again is None:
            return {}
        found = drafting.opened(session, actor, programme_id, hold=True)
        _same_version(found, again)
        rows, keys = _still_said(session, rows, keys)
        name = _free_name(found.state, asked["name"])
        (number,) = _numbers(session, programme_id, 1)
        topic = Topic(
            number=number,
            name=name,
            prototypes=tuple(rows),
            keys=tuple(keys),
            centroid=curating.middle_of(rows),
            size=0,
            definition=asked["definition"],
        )
        _change(session, actor, programme_id, found, again, curating.ADD, {"topic": curating.to_json(topic)})
    return {"topic": number}


def _still_said(session: Session, rows: list[bytes], keys: list[str]) -> tuple[list[bytes], list[str]]:
    """Embeddings without those of texts that were erased while they were read; nobody erases the others before this is written.

    Raises
    ------
    NotFound : none is left.

    """
    said = erasing.said_for_now(session, [key for key in keys if key])
    left = [(row, key) for row, key in zip(rows, keys, strict=True) if not key or key in said]
    if not left:
        raise NotFound("None of the comments that were chosen is there any more.", "Choose others.")
    return [row for row, _ in left], [key for _, key in left]


def _free_name(state: State, name: str) -> str:
    """The name that was asked for. What a job says of its failure is read by people who may not know the names of topics."""
    try:
        return curating.check_name(state, name)
    except BadInput:
        raise Conflict("The name is taken by another topic meanwhile.", "Add the topic again under another name.") from None


def _numbers(session: Session, programme_id: int, count: int) -> list[int]:
    codebook = codings.codebook_of(session, programme_id, make=True)
    assert codebook is not None
    return codings.take_numbers(session, codebook, count)


def _change(
    session: Session,
    actor: Actor,
    programme_id: int,
    found: drafting.Opened,
    asked: codebooks.CodebookChange,
    kind: str,
    arguments: dict[str, Any],
) -> None:
    """Make the change that was asked for, in one transaction with taking away what asked for it."""
    drafting.record(session, actor, programme_id, found, kind=kind, arguments=arguments, note=asked.note)
    codebooks.drop(session, asked)


def split_topic(
    sessions: Sessions,
    actor: Actor,
    *,
    programme_id: int,
    asked_id: int,
    settings: Settings,
    progress: views.Progress = views.quiet,
) -> dict[str, Any]:
    """Split a topic of the draft by the embeddings of its own comments, of whatever handling level.

    The largest part keeps the number and the name. Names of the others are made of open comments alone, where those of the
    whole codebook are.
    """
    with sessions.reading() as session:
        row = _asked(session, actor, asked_id)
        if row is None:
            return {}
        found = drafting.opened(session, actor, programme_id)
        asked = dict(row.arguments)
    _same_version(found, row)
    whole = drafting.there(found.state, asked["number"])
    progress("Looking at the comments of the topic", 0, 0)
    keys, vectors = embeddings_of(sessions, actor, programme_id, found.state.encoder_version, settings)
    with sessions.reading() as session:
        given = _sorted(session, actor, found.state, found.version, keys, vectors)
        rows = np.flatnonzero(given == whole.number)
        own = [keys[row] for row in rows]
        texts = responses.texts_of(session, actor.cleared(), programme_id, own)
        open_keys = analysing.open_keys(session, actor, programme_id)
    rows = np.array([row for row in rows if keys[row] in texts], dtype=np.int64)
    own = [keys[row] for row in rows]
    encoder = load_encoder() if asked["parts"] is None else None
    if encoder is not None and encoder.version != found.state.encoder_version:
        encoder = None  # phrases can't be weighed beside the middle of an older encoder
    parts = split(
        [texts[key] for key in own],
        vectors[rows],
        parts=asked["parts"],
        named_by=[key in open_keys for key in own] if found.state.named_by_open else None,
        encoder=encoder,
    )
    if len(parts) < 2:
        raise BadInput("The comments of this topic are too few, or too alike, to be told apart.", "Leave it as it is.")
    with sessions.writing() as session:
        again = _asked(session, actor, asked_id)
        if again is None:
            return {}
        found = drafting.opened(session, actor, programme_id, hold=True)
        _same_version(found, again)
        if drafting.there(found.state, whole.number).prototypes != whole.prototypes:
            raise Conflict("Somebody changed this topic meanwhile.", "Look at it again, then split it.")
        made = _parts(session, programme_id, found.state, whole, parts)
        arguments = {"number": whole.number, "was": whole.name, "parts": [curating.to_json(part) for part in made]}
        _change(session, actor, programme_id, found, again, curating.SPLITTING, arguments)
    return {"topic": whole.number}


def _parts(session: Session, programme_id: int, state: State, whole: Topic, parts: Sequence[Part]) -> list[Topic]:
    numbers = [whole.number, *_numbers(session, programme_id, len(parts) - 1)]
    taken = [topic.name for topic in state.topics]
    made = []
    for place, (number, part) in enumerate(zip(numbers, parts, strict=True)):
        rows = tuple(np.asarray(row, dtype="<f4").tobytes() for row in part.prototypes)
        name = whole.name if place == 0 else curating.unused_name(part.name[: curating.LONGEST_NAME - 8], taken)
        taken.append(name)
        made.append(
            Topic(
                number=number,
                name=name,
                prototypes=rows,
                keys=("",) * len(rows),
                centroid=np.asarray(part.centroid, dtype="<f4").tobytes(),
                size=part.size,
                phrases=part.phrases,
            )
        )
    return made


def embeddings_of(
    sessions: Sessions, actor: Actor, programme_id: int, encoder_version: str, settings: Settings
) -> tuple[list[str], Floats]:
    """Keys of all texts of a programme that have an embedding, of whatever handling level, and their embeddings."""
    with sessions.reading() as session:
        keys = responses.text_keys(session, actor.cleared(), programme_id)
    with EmbeddingStore(settings.data_dir, encoder_version, sessions.keyring) as store:
        there, vectors = store.get(keys)
    return [key for key, has in zip(keys, there, strict=True) if has], vectors[there]


def _sorted(
    session: Session,
    actor: Actor,
    state: State,
    version: codings.CodebookVersion,
    keys: list[str],
    vectors: Floats,
    encoder_version: str = "",
) -> npt.NDArray[np.int64]:
    """The topic of each text; ``encoder_version`` is that of the embeddings, where it may be another than the topics'."""
    if not keys:
        return np.zeros(0, dtype=np.int64)
    return sorted_by(session, actor, state, version, keys, vectors, encoder_version=encoder_version or state.encoder_version)


def compare(
    sessions: Sessions, actor: Actor, *, programme_id: int, settings: Settings, progress: views.Progress = views.quiet
) -> dict[str, Any]:
    """Sort all comments by the version in use and by the draft, and keep what goes where.

    Comments that people gave a topic count for that one, before and after.
    """
    with sessions.reading() as session:
        found = drafting.opened(session, actor, programme_id)
        said = codebooks.said_by_level(session, actor.cleared(), programme_id)
        given = by_people.given(session, actor.organisation_id, found.version.codebook_id)
    progress("Sorting the comments both ways", 0, len(said))
    keys, vectors = embeddings_of(sessions, actor, programme_id, found.state.encoder_version, settings)
    with sessions.reading() as session:
        before = _sorted(session, actor, found.base, found.version, keys, vectors)
        after = _sorted(session, actor, found.state, found.version, keys, vectors)
    for place, key in enumerate(keys):
        if key in given:
            before[place] = _by_hand(given[key].number, found.base, before[place])
            after[place] = _by_hand(given[key].number, found.state, after[place])
    with sessions.writing() as session:
        rows = table(keys, before, after, said)
        codebooks.keep_difference(
            session, programme_id, found.version.id, kind=codebooks.DRAFT, state=found.mark, by_level=dict(rows)
        )
    progress("Sorting the comments both ways", len(keys), len(keys))
    return {}


def _by_hand(number: int, state: State, otherwise: np.int64) -> int:
    goes_on = follow(number, state.topics)
    return int(otherwise) if goes_on is None else goes_on


def freeze(
    sessions: Sessions,
    actor: Actor,
    *,
    programme_id: int,
    asked_id: int,
    settings: Settings,
    progress: views.Progress = views.quiet,
) -> dict[str, Any]:
    """Make a version of the draft, code everything by it from stored embeddings, and compute the results anew.

    Raises
    ------
    Conflict : the draft is another than the one that somebody looked at.

    """
    with sessions.reading() as session:
        row = _asked(session, actor, asked_id)
        found = drafting.opened(session, actor, programme_id)
    if row is not None:
        _same_version(found, row)
        progress("Sorting the comments", 0, 0)
        keys, vectors = embeddings_of(sessions, actor, programme_id, found.state.encoder_version, settings)
        _check_all_read(sessions, actor, programme_id, keys)
        with sessions.reading() as session:
            sizes = Counter(_sorted(session, actor, found.state, found.version, keys, vectors).tolist())
        with sessions.writing() as session:
            again = _asked(session, actor, asked_id)
            now = drafting.opened(session, actor, programme_id, hold=True)
            if again is not None:
                _same_version(now, again)
                asking.check_state(now, again.arguments["state"])
                counted = {topic.number: sizes.get(topic.number, 0) for topic in now.state.topics}
                versions.write_version(
                    session,
                    actor,
                    programme_id,
                    now.state,
                    made_from=now.version.id,
                    note=again.note,
                    sizes=counted,
                )
                codebooks.drop(session, again)
    return _coded(sessions, actor, programme_id, settings, progress)


def _coded(sessions: Sessions, actor: Actor, programme_id: int, settings: Settings, progress: views.Progress) -> dict[str, Any]:
    """Code all comments of a programme by the version in use, look for what is new beside it, and compute the results."""
    with sessions.reading() as session:
        version = versions.version_in_use(session, actor, programme_id)
    everybody = actor.cleared()
    analysing.code_topics(
        sessions, everybody, programme_id, encoder_version=version.encoder_version, settings=settings, progress=progress
    )
    look_for_new(sessions, everybody, programme_id, settings=settings, progress=progress)
    progress("Computing results", 0, 0)
    summary = freezing.store_results(sessions, everybody, programme_id)
    return {"version": version.number, "topics": summary.topics}


def try_codebook(
    sessions: Sessions,
    actor: Actor,
    *,
    programme_id: int,
    from_programme_id: int,
    version_id: int,
    settings: Settings,
    progress: views.Progress = views.quiet,
) -> dict[str, Any]:
    """Sort the comments of a programme by the codebook of another one, and keep how many would be in each topic and in none."""
    with sessions.reading() as session:
        version, state = _version_of(session, actor, from_programme_id, version_id)
        own = codings.current_version(session, actor, programme_id)
        theirs = None if own is None else versions.state_of(session, own)
        said = codebooks.said_by_level(session, actor.cleared(), programme_id)
    progress("Sorting the comments", 0, len(said))
    keys, vectors = embeddings_of(sessions, actor, programme_id, state.encoder_version, settings)
    check_embeddings(keys)
    with sessions.reading() as session:
        after = _sorted(session, actor, state, version, keys, vectors)
        before = np.full(len(keys), curating.NO_TOPIC, dtype=np.int64)
        if own is not None and theirs is not None:
            before = _sorted(session, actor, theirs, own, keys, vectors, state.encoder_version)
    with sessions.writing() as session:
        codebooks.keep_difference(
            session,
            programme_id,
            version.id,
            kind=codebooks.CARRIED,
            state=str(0 if own is None else own.id),
            by_level=dict(table(keys, before, after, said)),
        )
    return {}


def _version_of(session: Session, actor: Actor, programme_id: int, version_id: int) -> tuple[codings.CodebookVersion, State]:
    version = codebooks.version(session, actor, version_id)
    if version is None:
        raise NotFound("There is no such version of a codebook.", "Choose the programme again.")
    check_topics_named(session, actor, programme_id, version.named_by_open)
    return version, versions.state_of(session, version)


def check_embeddings(keys: Sequence[str]) -> None:
    """Refuse to sort comments that no model has read. Raises BadInput."""
    if not keys:
        raise BadInput("The models have read no comments of that programme with this encoder.", "Analyse it first.")


def _check_all_read(sessions: Sessions, actor: Actor, programme_id: int, keys: Sequence[str]) -> None:
    """Refuse to put a version in use by which some comments can't be coded: an analysis stopped before the models read them.

    Raises
    ------
    Conflict : some have no embedding.

    """
    with sessions.reading() as session:
        wanted = responses.text_keys(session, actor.cleared(), programme_id)
    if set(wanted) - set(keys):
        raise Conflict("The models have not read all comments yet.", "Analyse what is new first, then do this again.")


def carry(
    sessions: Sessions,
    actor: Actor,
    *,
    programme_id: int,
    from_programme_id: int,
    version_id: int,
    asked_id: int,
    settings: Settings,
    progress: views.Progress = views.quiet,
) -> dict[str, Any]:
    """Make the codebook of another programme the next version of this one's, and code everything by it."""
    with sessions.reading() as session:
        row = _asked(session, actor, asked_id)
        version, state = _version_of(session, actor, from_programme_id, version_id)
        own = codings.current_version(session, actor, programme_id)
        theirs = None if own is None else versions.state_of(session, own)
    if row is not None:
        progress("Sorting the comments", 0, 0)
        keys, vectors = embeddings_of(sessions, actor, programme_id, state.encoder_version, settings)
        check_embeddings(keys)
        _check_all_read(sessions, actor, programme_id, keys)
        with sessions.reading() as session:
            after = _sorted(session, actor, state, version, keys, vectors)
            same: dict[int, int] = {}
            if own is not None and theirs is not None:
                same = matches(_sorted(session, actor, theirs, own, keys, vectors, state.encoder_version), after)
        sizes = Counter(after.tolist())
        with sessions.writing() as session:
            again = _asked(session, actor, asked_id)
            if again is not None:
                _, state = _version_of(session, actor, from_programme_id, version_id)  # something may have been erased
                if own is not None and drafting.opened(session, actor, programme_id).live:
                    raise Conflict("Somebody began to change the topics there.", "Freeze or undo that first, then carry.")
                numbers = _numbers(session, programme_id, len(state.topics) - len(same))
                mine = () if theirs is None else theirs.topics
                counted = [replace(topic, size=sizes.get(topic.number, 0)) for topic in state.topics]
                topics = carried(counted, mine, same, numbers, origin=curating.CARRIED)
                made = replace(state, topics=topics, named_by_open=theirs is None or theirs.named_by_open)
                codings.codebook_of(session, programme_id, hold=True)
                now = codings.current_version(session, actor, programme_id)
                if (None if now is None else now.id) != (None if own is None else own.id):
                    raise Conflict("Another version of the codebook was frozen there meanwhile.", "Try it again.")
                versions.write_version(
                    session, actor, programme_id, made, made_from=None if own is None else own.id, note=again.note
                )
                codebooks.drop(session, again)
    return _coded(sessions, actor, programme_id, settings, progress)
