"""Looking for what is new: in each wave, groups of comments that fit no topic and were not heard in earlier waves.

What may come in: stored embeddings of comments, the codebook in use and what people said instead of it. What may not: running a
model on words, and deciding who sees what was found (see `emerging`).

A wave is looked at once for each clearance that sees other comments of it, narrowest first, so that nobody is told of a group by
comments that they may not read. What did not change since the last look is not looked at again.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from commsapp.actor import Actor, HandlingLevel
from commsapp.config import Settings
from commsapp.listening import programmes as frame
from commsapp.listening import versions, views
from commsapp.storage import by_people, codings, erasing, programmes, responses
from commsapp.storage import emerging as stored
from commsapp.storage.embeddings import EmbeddingStore
from commsapp.storage.session import Session, Sessions
from commsapp.textmodels.codebook import NO_TOPIC, CodebookDraft
from commsapp.textmodels.emerging import Emerging, emerging
from commsapp.textmodels.phrases import telling, unique_names
from commsapp.textmodels.topics import LARGEST_SAMPLE, PHRASES, SEED, assign

Floats = npt.NDArray[np.float32]

STAGE = "Looking for what is new"
FEWEST_TO_NAME = 3
"""Texts that a name is made of; words that only one of them has stand in no name."""
_BESIDE = 1_000
"""Other texts of the wave, beside which a group's words are telling."""
_WAY = "1"
"""Another one where groups are found or named in another way, so that every wave is looked at anew."""


@dataclass(frozen=True, eq=False)
class _Heard:
    """What was said: one row for each text, day and handling level, by text."""

    keys: npt.NDArray[np.object_]
    days: npt.NDArray[np.int64]
    levels: npt.NDArray[np.object_]
    counts: npt.NDArray[np.int64]

    def of(self, rows: npt.NDArray[np.bool_]) -> list[str]:
        """The key of each comment, in the order of keys: a text that many say comes as often."""
        return list(np.repeat(self.keys[rows], self.counts[rows]))


@dataclass(frozen=True, eq=False)
class _Look:
    """What one look compares: keys of comments of a wave and of those before, by the handling levels that it counts.

    ``by_hand`` says of texts of the wave that people sorted whether they gave them a topic.
    """

    wave_id: int
    levels: str
    now: list[str]
    before: list[str]
    by_hand: dict[str, bool]
    spoken: set[str] | None

    def digest(self, version: codings.CodebookVersion) -> str:
        """A hash of all that its result depends on."""
        sorted_in = sorted(self.by_hand.items())
        what = [_WAY, version.id, version.fingerprint, version.encoder_version, len(self.now), sorted_in]
        return hashlib.sha256("\n".join([json.dumps(what), *self.now, *self.before]).encode()).hexdigest()


def look_for_new(
    sessions: Sessions, actor: Actor, programme_id: int, *, settings: Settings, progress: views.Progress = views.quiet
) -> None:
    """Look at each wave that has an earlier one, and keep the groups that are more frequent in it than they were.

    Earlier are waves that start before it, as far as they lie before its first day: nothing is compared with itself where waves
    overlap. Above 100,000 comments a sample of the wave, and of those before, is drawn with a fixed seed, which bounds memory.
    """
    actor = actor.cleared()
    with sessions.writing() as session:
        frame.propose_waves(session, actor, programme_id)
    with sessions.reading() as session:
        version = codings.current_version(session, actor, programme_id)
        codebook = None if version is None else versions.as_codebook(versions.state_of(session, version))
        waves = programmes.waves(session, actor, programme_id)
        by_hand = {} if version is None else _by_hand(session, actor, version)
        heard = _heard(session, actor, programme_id)
        digests = {(one.wave_id, one.levels): one.digest for one in stored.looks(session, actor, programme_id)}
    made: set[tuple[int, str]] = set()
    if version is not None and codebook is not None and codebook.topics:
        with EmbeddingStore(settings.data_dir, version.encoder_version, sessions.keyring) as store:
            for place, wave in enumerate(waves):
                progress(STAGE, place, len(waves))
                for look in _looks(heard, wave, waves, by_hand, named_by_open=version.named_by_open):
                    made.add((look.wave_id, look.levels))
                    if digests.get((look.wave_id, look.levels)) != look.digest(version):
                        _look(sessions, actor, programme_id, look, version, codebook, store)
    with sessions.writing() as session:
        stored.drop_looks(session, actor, programme_id, but=made)


def _heard(session: Session, actor: Actor, programme_id: int) -> _Heard:
    rows = stored.said_on_days(session, actor, programme_id)
    return _Heard(
        keys=np.array([row.text_key for row in rows], dtype=object),
        days=np.array([row.date.toordinal() for row in rows], dtype=np.int64),
        levels=np.array([row.handling_level for row in rows], dtype=object),
        counts=np.array([row.comments for row in rows], dtype=np.int64),
    )


def _by_hand(session: Session, actor: Actor, version: codings.CodebookVersion) -> dict[str, bool]:
    """Key of each text that people sorted → whether they gave it a topic."""
    people = by_people.people_coder(session, actor.organisation_id, version)
    rows = codings.main_topics(session, coder_id=people) if people else []
    return {row.text_key: row.topic_id is not None for row in rows}


def _looks(
    heard: _Heard,
    wave: programmes.Wave,
    waves: Sequence[programmes.Wave],
    by_hand: dict[str, bool],
    *,
    named_by_open: bool,
) -> Iterator[_Look]:
    """The looks at a wave, for the narrowest clearance first; a wider one that sees the same comments is left out."""
    earlier = [one for one in waves if one.start < wave.start]
    if not earlier:
        return
    first, last = wave.start.toordinal(), wave.end.toordinal()
    now = (heard.days >= first) & (heard.days <= last)
    lies = [(heard.days >= one.start.toordinal()) & (heard.days <= one.end.toordinal()) for one in earlier]
    before = np.logical_or.reduce(lies) & (heard.days < first)
    spoken = set(heard.keys[heard.levels == HandlingLevel.OPEN]) if named_by_open else None
    known: tuple[list[str], list[str]] = ([], [])
    for cleared in clearances(heard.levels):
        seen = np.isin(heard.levels, sorted(cleared))
        both = heard.of(now & seen), heard.of(before & seen)
        if both[0] and both != known:
            own = {key: by_hand[key] for key in by_hand.keys() & set(both[0])}
            yield _Look(wave.id, stored.named(cleared, HandlingLevel), *both, own, spoken)
        known = both


def clearances(levels: Iterable[str]) -> list[frozenset[HandlingLevel]]:
    """The handling levels that occur, as far as each wider clearance may read them, the narrowest first."""
    present = {HandlingLevel(level) for level in set(levels)}
    order = list(HandlingLevel)
    found = [frozenset(present & set(order[: place + 1])) for place in range(len(order))]
    return [one for one in dict.fromkeys(found) if one]


def _look(
    sessions: Sessions,
    actor: Actor,
    programme_id: int,
    look: _Look,
    version: codings.CodebookVersion,
    codebook: CodebookDraft,
    store: EmbeddingStore,
) -> None:
    now, wave = _embedded(store, look.now)
    before = _embedded(store, look.before)[1]
    given = assign(codebook, wave).topic
    unfit = np.array([not look.by_hand.get(key, topic != NO_TOPIC) for key, topic in zip(now, given, strict=True)], dtype=bool)
    groups = [one for one in emerging(codebook, wave, before, unfit) if one.new or one.share > one.before]
    found = _named(sessions, actor, programme_id, look, now, groups)
    with sessions.writing() as session:
        # Who erases a text waits for this, and then finds it among the members.
        said = erasing.said_for_now(session, {key for one in found for key in one.keys})
        said = stored.said_at(session, programme_id, look.levels, said)
        stored.keep_look(
            session,
            actor,
            programme_id,
            look.wave_id,
            look.levels,
            [left for one in found if (left := _left(one, said)).keys],
            codebook_version_id=version.id,
            digest=look.digest(version),
            comments=len(now),
            before=len(before),
            without_topic=int(unfit.sum()),
        )


def _left(found: stored.Found, said: set[str]) -> stored.Found:
    """A group without texts that were erased meanwhile; then its name may be made of their words, and goes."""
    keys = tuple(key for key in found.keys if key in said)
    return found if keys == found.keys else replace(found, keys=keys, name="")


def _embedded(store: EmbeddingStore, keys: list[str]) -> tuple[list[str], Floats]:
    """Keys that have an embedding, of a sample where there are very many, and their embeddings."""
    if len(keys) > LARGEST_SAMPLE:
        drawn = np.random.default_rng(SEED).choice(len(keys), LARGEST_SAMPLE, replace=False)
        keys = [keys[row] for row in np.sort(drawn)]
    there, vectors = store.get(keys)
    if there.all():
        return keys, vectors
    return [key for key, has in zip(keys, there, strict=True) if has], vectors[there]


def _named(
    sessions: Sessions, actor: Actor, programme_id: int, look: _Look, now: list[str], groups: list[Emerging]
) -> list[stored.Found]:
    """Groups with their texts, each named by phrases that several of those texts hold which may name a topic (see `naming`)."""
    owner: dict[str, int] = {}
    for label, group in enumerate(groups):
        for row in group.rows:
            owner.setdefault(now[row], label)
    others = [key for key in dict.fromkeys(now) if key not in owner]
    if len(others) > _BESIDE:
        others = [others[row] for row in np.random.default_rng(SEED).choice(len(others), _BESIDE, replace=False)]
    wanted = [*owner, *others]
    with sessions.reading() as session:
        words = responses.texts_of(session, actor, programme_id, wanted)
    texts = [words.get(key, "") if look.spoken is None or key in look.spoken else "" for key in wanted]
    labels = [owner.get(key, -1) for key in wanted]
    speaking = Counter(label for label, text in zip(labels, texts, strict=True) if text)
    phrases = telling(texts, labels, groups=len(groups), least=2, within=2, count=PHRASES)
    names = unique_names(phrases)
    return [
        stored.Found(
            name=names[label] if phrases[label] and speaking[label] >= FEWEST_TO_NAME else "",
            keys=tuple(key for key, own in owner.items() if own == label),
            share=group.share,
            before=group.before,
            chance=group.chance,
        )
        for label, group in enumerate(groups)
    ]
