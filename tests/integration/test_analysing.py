"""Analyses: what is read by the models, what is not and why, what is computed once, and how little a second one costs."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import given
import numpy as np
import pandas as pd
import pytest
import sqlalchemy
from leftovers import left_of

from commsapp.actor import Actor, HandlingLevel
from commsapp.config import Settings
from commsapp.listening import analysing, recoding
from commsapp.listening import service as listening
from commsapp.listening.columns import Mapping
from commsapp.listening.keys import text_key
from commsapp.storage import codebooks
from commsapp.storage.embeddings import EmbeddingStore
from commsapp.storage.keyring import open_keyring
from commsapp.storage.session import Sessions
from commsapp.textmodels.encoder import load_encoder
from commsapp.textmodels.tone import EMOTIONS, Tones, load_tone

pytestmark = pytest.mark.slow

PLACES = ("by the school", "at the station", "behind the shops", "in the park", "near the club")
SAID = [
    *(f"Drug dealers stand {place} every night" for place in PLACES),
    *(f"Fridges and tyres are dumped {place}" for place in PLACES),
    *(f"A scam caller asked for my bank card {place}" for place in PLACES),
    *(f"The police were kind to us {place}, thank you" for place in PLACES),
]
WELSH = "Mae pobl ifanc yn cael eu defnyddio i werthu cyffuriau yn y dref."
ENGLISH = "Young people are used to sell drugs in town."


class Spy:
    """A real model that remembers which texts it was given, and what it said of them, as each text is computed alone."""

    def __init__(self, model: Any, known: dict[str, Any]) -> None:
        self._model = model
        self._known = known
        self.seen: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def encode(self, texts: Sequence[str], *more: Any) -> Any:
        return self._told(self._model.encode, texts)

    def score(self, texts: Sequence[str], *more: Any) -> Any:
        def whole(new: list[str]) -> Any:
            tones = self._model.score(new)
            return np.concatenate([tones.sentiments, tones.emotions], axis=1)

        told = self._told(whole, texts)
        return Tones(told[:, :3], told[:, 3:])

    def _told(self, compute: Callable[[list[str]], Any], texts: Sequence[str]) -> Any:
        self.seen += texts
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        self._known.update(zip(new, compute(new), strict=True))
        return np.stack([self._known[text] for text in texts])


@pytest.fixture(scope="module")
def models() -> list[tuple[Any, dict[str, Any]]]:
    return [(load_encoder(), {}), (load_tone(), {})]


@pytest.fixture
def spies(models: list[tuple[Any, dict[str, Any]]], monkeypatch: pytest.MonkeyPatch) -> tuple[Spy, Spy]:
    encoder, tone = (Spy(*model) for model in models)
    monkeypatch.setattr(analysing, "load_encoder", lambda: encoder)
    monkeypatch.setattr(analysing, "load_tone", lambda **_set: tone)
    return encoder, tone


class Loop:
    """A programme that files are imported into and that is analysed, as often as a test likes."""

    def __init__(self, sessions: Sessions, actor: Actor, settings: Settings, folder: Path) -> None:
        self.sessions, self.actor, self.settings, self._folder = sessions, actor, settings, folder
        self.id = given.programme(sessions, actor)
        self._files = 0

    def say(self, rows: Sequence[dict[str, str] | str], **how: Any) -> None:
        self._files += 1
        cells = [{"comment": row} if isinstance(row, str) else row for row in rows]
        header = list(dict.fromkeys(name for row in cells for name in row))
        path = given.table(self._folder / f"{self._files}.csv", cells, header)
        how = {"programme_id": self.id, "channel": f"Channel {self._files}"} | how
        given.imported(self.sessions, self.actor, self.settings, path, **how)

    def analyse(self, **how: Any) -> dict[str, Any]:
        actor = how.pop("actor", self.actor)
        return listening.run_analysis(self.sessions, actor, programme_id=self.id, settings=self.settings, **how)

    @property
    def comments(self) -> pd.DataFrame:
        with self.sessions.reading() as session:
            return listening.records(session, self.actor, self.id).comments

    def results(self, **where: str) -> pd.DataFrame:
        with self.sessions.reading() as session:
            return listening.frozen_results(session, self.actor, self.id, **where)

    @property
    def codebook(self) -> Any:
        with self.sessions.reading() as session:
            return listening.codebook_in_use(session, self.actor, self.id)


@pytest.fixture
def loop(sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path) -> Loop:
    return Loop(sessions, actor, settings, tmp_path)


def test_a_welsh_comment_is_coded_from_its_translation_and_marked_and_one_without_is_counted_with_the_reason(
    loop: Loop, spies: tuple[Spy, Spy]
) -> None:
    texts = [{"comment": text} for text in SAID]
    loop.say([*texts, {"comment": WELSH, "translation": ENGLISH}, {"comment": WELSH + " Eto.", "area": "Ash"}, {"area": "Ash"}])
    told = loop.analyse()
    reasons = {"language not read: cy": 1, "empty": 1}
    assert told["comments"] == 23
    assert told["not_coded"] == reasons
    said = {one.words: one for one in given.everything_said(loop.sessions, loop.actor, loop.id)}
    assert (said[WELSH].from_translation, said[WELSH].language) == (True, "cy")
    assert said[WELSH].sentiment in ("negative", "neutral", "positive")
    left_out = said[WELSH + " Eto."]
    assert (left_out.from_translation, left_out.sentiment, left_out.not_coded) == (False, "", "language not read: cy")
    results = loop.results(wave="", area="", segment="")
    assert set(results["measure"]) == {
        *("comments", "topic share", "tone", "topic tone", "unsure share", "emotion share"),
        *(measure for measure in ("topic unsure share", "topic emotion share") if measure in set(results["measure"])),
    }
    assert all(counts == reasons for counts in results["not_coded"])
    for spy in spies:
        assert ENGLISH in spy.seen
        assert not any(text.startswith("Mae pobl") for text in spy.seen)


def test_what_is_held_back_or_may_not_be_analysed_never_reaches_a_model_and_is_counted(
    loop: Loop, spies: tuple[Spy, Spy]
) -> None:
    secret, refused = "Kelvin is in danger tonight zyxconcern", "Leave my words alone zyxrefused"
    rows = [{"comment": text, "consent": "log, analyse", "handling": "open"} for text in SAID]
    rows += [
        {"comment": secret, "consent": "log, analyse", "handling": "concern"},
        {"comment": "Pobl zyxwelsh", "translation": "People zyxconcern", "consent": "log, analyse", "handling": "concern"},
        {"comment": refused, "consent": "log, quote", "handling": "open"},
        {"comment": refused + " too", "consent": "", "handling": "open"},
    ]
    loop.say(rows)
    told = loop.analyse()
    assert told["not_coded"] == {analysing.HELD_BACK: 2, analysing.NO_CONSENT: 2}
    comments = loop.comments
    left_out = comments[comments["not_coded_reason"] != ""]
    assert len(comments) == len(SAID) + 4
    assert len(left_out) == 4
    assert left_out[["text_key", "topic", "positive"]].isna().all(axis=None)
    for spy in spies:
        assert not any("zyx" in text for text in spy.seen)
    secrets = [secret, "People zyxconcern", "Pobl zyxwelsh", refused, refused + " too"]
    keys = [text_key(loop.settings.secret_key, text) for text in secrets]
    with EmbeddingStore(loop.settings.data_dir, spies[0].version, open_keyring(loop.settings)) as store:
        assert store.missing(keys) == keys
    assert given.stored(loop.sessions, "SELECT count(*) FROM comment WHERE analysis_text LIKE '%zyx%'") == [(0,)]
    assert given.stored(loop.sessions, "SELECT count(DISTINCT text_key) FROM coding") == [(len(SAID),)]
    assert not any(one.from_translation for one in given.everything_said(loop.sessions, loop.actor, loop.id))
    assert "zyx" not in str(loop.codebook)


@pytest.mark.parametrize("careful", [True, False])
def test_names_of_topics_are_made_of_what_everybody_may_read(
    loop: Loop, monkeypatch: pytest.MonkeyPatch, promise: Callable[[int, str], None], careful: bool
) -> None:
    if not careful:  # so that it is seen that the words would be there

        def careless(*texts: Any, named_by: object, **how: Any) -> Any:
            return discover(*texts, **how)

        discover = analysing.discover
        monkeypatch.setattr(analysing, "discover", careless)
    told = [f"The zyxborg brothers took my cousin away {place}" for place in PLACES]
    rows = [{"comment": text, "handling": "open"} for text in SAID]
    loop.say(rows + [{"comment": text, "handling": "official-sensitive"} for text in told])
    loop.analyse()
    names = str(loop.codebook).lower()
    assert "scam" in names
    assert any(word in names for word in ("zyxborg", "brothers", "cousin", "took", "away")) is not careful, names
    if careful:
        promise(6, f"0 words of {len(told)} official-sensitive comments in the names of topics, which everybody reads")


def test_equal_texts_are_computed_and_coded_once_and_all_count(loop: Loop, spies: tuple[Spy, Spy]) -> None:
    loop.say([*SAID, *SAID, "  The police were kind to us  in the park, thank you\n"])
    loop.analyse()
    _, tone = spies
    assert sorted(tone.seen) == sorted(SAID)
    counted = dict(given.stored(loop.sessions, "SELECT measure, count(*) FROM coding WHERE rank = 1 GROUP BY measure"))
    assert counted.pop("unsure", 0) == tone.unsure(tone.score(SAID).sentiments).sum()
    assert counted == {"emotion": len(SAID), "sentiment": len(SAID), "topic": len(SAID)}
    assert given.stored(loop.sessions, "SELECT count(*) FROM coding WHERE measure = 'sentiment'") == [(3 * len(SAID),)]
    assert loop.results(measure="comments", wave="", area="", segment="")["n"].tolist() == [2 * len(SAID) + 1]


def test_emotions_are_stored_where_they_reach_their_threshold_and_a_text_without_any_counts_as_coded(
    loop: Loop, spies: tuple[Spy, Spy]
) -> None:
    loop.say(SAID)
    loop.analyse()
    _, tone = spies
    expected = dict(zip(SAID, tone.heard(tone.score(SAID).emotions), strict=True))
    said = given.everything_said(loop.sessions, loop.actor, loop.id)
    assert {one.words: one.emotions for one in said} == expected
    assert (loop.comments["not_coded_reason"] == "").all()
    felt = loop.results(measure="emotion share", wave="", area="", segment="")
    shares = {name: sum(name in heard for heard in expected.values()) / len(SAID) for name in EMOTIONS}
    assert dict(zip(felt["item"], felt["value"], strict=True)) == pytest.approx(shares)
    assert set(felt["n"]) == {len(SAID)}
    with loop.sessions.reading() as session:
        for name in EMOTIONS:
            page = listening.comments_page(session, loop.actor, loop.id, emotion=name, size=100)
            assert {one.words for one in page.comments} == {text for text, heard in expected.items() if name in heard}


def test_comments_coded_before_emotions_were_heard_are_read_again(loop: Loop, spies: tuple[Spy, Spy]) -> None:
    loop.say(SAID)
    loop.analyse()
    with loop.sessions.writing() as session:
        session.execute(sqlalchemy.text("DELETE FROM coding WHERE measure = 'emotion'"))
    assert set(loop.comments["not_coded_reason"]) == {"not analysed yet"}
    assert {one.not_coded for one in given.everything_said(loop.sessions, loop.actor, loop.id)} == {"not analysed yet"}
    spies[1].seen.clear()
    loop.analyse()
    assert sorted(spies[1].seen) == sorted(SAID)
    assert (loop.comments["not_coded_reason"] == "").all()


class Loud:
    """A model of tone that somebody set: everything is positive, and joy is heard everywhere."""

    sentiment_version = emotion_version = "loud/00000001"
    languages = frozenset({"en"})
    seen = 0

    def score(self, texts: Sequence[str]) -> Tones:
        self.seen += len(texts)
        return Tones(np.tile([0.0, 0.1, 0.9], (len(texts), 1)), np.tile(np.arange(7) == 3, (len(texts), 1)).astype(float))

    def unsure(self, sentiments: np.ndarray) -> np.ndarray:
        return np.ones(len(sentiments), dtype=bool)

    def heard(self, emotions: np.ndarray) -> list[tuple[str, ...]]:
        return [("joy",) for _ in emotions]


def test_another_model_codes_all_again_and_the_first_is_in_use_again_when_it_is_set_again(
    loop: Loop, spies: tuple[Spy, Spy], monkeypatch: pytest.MonkeyPatch
) -> None:
    loop.say(SAID)
    loop.analyse()
    first, ours = loop.comments, spies[1]
    loud = Loud()
    monkeypatch.setattr(analysing, "load_tone", lambda **_set: loud)
    loop.analyse()
    assert loud.seen == len(SAID)
    assert set(loop.comments["emotions"]) == {"joy"}
    assert (loop.comments["unsure"] == 1).all()
    assert set(loop.results(measure="tone")["model_version"]) == {"loud/00000001"}
    ours.seen.clear()
    monkeypatch.setattr(analysing, "load_tone", lambda **_set: ours)
    loop.analyse()
    assert ours.seen == []  # nothing is coded twice
    pd.testing.assert_frame_equal(loop.comments, first)
    assert set(loop.results(measure="tone")["model_version"]) == {ours.version}
    loud.seen = 0
    monkeypatch.setattr(analysing, "load_tone", lambda **_set: loud)
    loop.analyse()
    assert loud.seen == 0
    assert set(loop.comments["emotions"]) == {"joy"}


def test_a_second_analysis_computes_nothing_again_and_gives_equal_results(loop: Loop, spies: tuple[Spy, Spy]) -> None:
    loop.say([{"comment": text, "date": f"2026-0{n % 3 + 1}-05", "area": "Ash"} for n, text in enumerate(SAID)])
    first = loop.analyse()
    before, codebook = loop.results().drop(columns="id"), loop.codebook
    codings = given.stored(loop.sessions, "SELECT * FROM coding ORDER BY id")
    for spy in spies:
        spy.seen.clear()
    assert loop.analyse() == first
    pd.testing.assert_frame_equal(loop.results().drop(columns="id"), before)
    assert loop.codebook == codebook
    assert [spy.seen for spy in spies] == [[], []]
    assert given.stored(loop.sessions, "SELECT * FROM coding ORDER BY id") == codings
    new = ["A drug dealer lives next door", "My card was copied by a scam caller", "Thank you for the kind officer"]
    loop.say([*new, SAID[0]])
    loop.analyse()
    assert [sorted(spy.seen) for spy in spies] == [sorted(new), sorted(new)]
    assert loop.codebook == codebook
    assert (loop.comments["not_coded_reason"] == "").all()


def test_another_granularity_makes_a_new_version_and_leaves_the_old_codings(loop: Loop, spies: tuple[Spy, Spy]) -> None:
    loop.say(SAID)
    loop.analyse()
    first = loop.codebook
    query = "SELECT id, text_key, topic_id, probability FROM coding WHERE measure = 'topic' ORDER BY id"
    old = given.stored(loop.sessions, query)
    frozen = loop.results()
    spies[1].seen.clear()
    loop.analyse(granularity="fine")
    second = loop.codebook
    assert (first.number, first.granularity, second.number, second.granularity) == (1, "medium", 2, "fine")
    assert given.stored(loop.sessions, query)[: len(old)] == old
    assert len(given.stored(loop.sessions, query)) == 2 * len(old)
    assert spies[1].seen == []
    assert frozen["codebook_version"].isin((first.version, "")).all()
    loop.analyse()  # nothing said of granularity: the one in use stays
    assert loop.codebook == second


def test_an_analysis_covers_the_whole_programme_whoever_starts_it(loop: Loop, spies: tuple[Spy, Spy]) -> None:
    loop.say([{"comment": text, "handling": "official-sensitive" if n % 2 else "open"} for n, text in enumerate(SAID)])
    told = loop.analyse(actor=given.cleared_for(loop.actor, HandlingLevel.OPEN))
    assert told["comments"] == len(SAID)
    assert (loop.comments["not_coded_reason"] == "").all()
    assert loop.analyse() == told


NOTHING = {"topics": 0, "not_coded": {}, "between_waves": 0, "areas_unweighted": False}


def honest(loop: Loop) -> None:
    """Every stored result has a finite value inside its interval, and what was not coded adds up."""
    results = loop.results()
    for row in results.to_dict("records"):
        assert all(math.isfinite(row[name]) for name in ("value", "low", "high", "n_effective")), row
        assert row["low"] <= row["value"] <= row["high"], row
        assert row["n"] > 0


class Meanwhile:
    """A real model; while it first reads a text with a word in it, something else happens."""

    def __init__(self, model: Any, word: str, happens: Callable[[], object]) -> None:
        self._model, self._word, self._happens, self._done = model, word, happens, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def encode(self, texts: Sequence[str], *more: Any) -> Any:
        return self._told(self._model.encode(texts, *more), texts)

    def score(self, texts: Sequence[str], *more: Any) -> Any:
        return self._told(self._model.score(texts, *more), texts)

    def _told(self, found: Any, texts: Sequence[str]) -> Any:
        if not self._done and any(self._word in text for text in texts):
            self._done = True
            self._happens()
        return found


@pytest.mark.parametrize("at_once", [1, 256])
def test_what_is_erased_while_an_analysis_runs_leaves_no_embedding_and_no_coding(
    loop: Loop, spies: tuple[Spy, Spy], monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    gone = ["The bins by the harbour were full", "The ferry to the island was late", "The lamps along the pier were out"]
    loop.say([{"id": str(number), "comment": text} for number, text in enumerate([*gone, *SAID])])
    places = {"sessions": loop.sessions, "actor": loop.actor, "programme_id": loop.id, "settings": loop.settings}

    def erase(*numbers: str) -> None:
        for number in numbers:
            with loop.sessions.reading() as session:
                (one,) = listening.people(session, loop.actor, loop.id, export_id=number, settings=loop.settings)
            listening.erase_person(**places, response_id=one.response_id, why="She asked")  # type: ignore[arg-type]

    encoder = Meanwhile(spies[0], "harbour", lambda: erase("0"))
    tone = Meanwhile(spies[1], "ferry", lambda: erase("1", "2"))
    monkeypatch.setattr(analysing, "load_encoder", lambda: encoder)
    monkeypatch.setattr(analysing, "load_tone", lambda **_set: tone)
    monkeypatch.setattr(analysing, "BATCH", at_once)
    loop.analyse()
    for text in gone:
        assert left_of(text_key(loop.sessions.keyring.hashing, text), loop.sessions, loop.settings.data_dir) == []
    assert (loop.comments["not_coded_reason"] == "").all()
    assert len(loop.comments) == len(SAID)


def test_an_empty_programme_has_no_results_and_no_model_is_loaded(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysing, "load_encoder", lambda: pytest.fail("the encoder was loaded"))
    assert loop.analyse() == {
        "responses": 0,
        "comments": 0,
        "topics": 0,
        "not_coded": {},
        "undated": 0,
        "between_waves": 0,
        "areas_unweighted": False,
    }
    assert loop.results().empty
    assert loop.codebook is None
    with loop.sessions.reading() as session:
        assert listening.comments_page(session, loop.actor, loop.id, sentiment="negative", wave="May").total == 0
        assert listening.over_waves(session, loop.actor, loop.id, measure="tone", places={"all": ()}).empty


def test_one_comment_is_analysed_without_a_topic_and_its_result_says_how_little_it_is(loop: Loop, spies: tuple[Spy, Spy]) -> None:
    loop.say([SAID[0]])
    assert loop.analyse() == {
        "responses": 1,
        "comments": 1,
        "topics": 0,
        "not_coded": {},
        "undated": 1,
        "between_waves": 0,
        "areas_unweighted": False,
    }
    honest(loop)
    share = loop.results(measure="topic share")
    assert share["item"].tolist() == ["No topic"]
    tone = loop.results(measure="tone")
    assert tone["high"].iloc[0] - tone["low"].iloc[0] > 1  # of the 2 that there are


def test_comments_that_are_all_the_same_give_no_topic_and_no_crash(loop: Loop, spies: tuple[Spy, Spy]) -> None:
    loop.say([SAID[0]] * 30)
    assert loop.analyse()["topics"] == 0
    honest(loop)
    assert loop.results(measure="comments")["n"].tolist() == [30]


def test_comments_that_nobody_can_read_are_all_counted_as_not_coded(loop: Loop, spies: tuple[Spy, Spy]) -> None:
    loop.say(["\ufffd\ufffd\ufffd a", "---", "12345", WELSH])
    told = loop.analyse()
    assert sum(told["not_coded"].values()) == told["comments"] == 4
    assert told["topics"] == 0
    assert set(loop.results()["measure"]) == {"comments"}
    assert spies[0].seen == spies[1].seen == []
    honest(loop)


def test_topics_are_found_once_enough_comments_have_come(loop: Loop, spies: tuple[Spy, Spy]) -> None:
    loop.say(SAID[:2])
    loop.analyse()
    assert loop.codebook.topics == ()
    loop.analyse()
    assert loop.codebook.number == 1  # nothing new, no new version
    loop.say(SAID[2:])
    assert loop.analyse()["topics"] >= 2
    assert loop.codebook.number == 2
    honest(loop)


ANSWERS_ONLY = """
import sys
from pathlib import Path
from commsapp.config import load_settings
from commsapp.accounts.service import local_actor
from commsapp.listening import service as listening
from commsapp.storage.keyring import open_keyring
from commsapp.storage.session import open_sessions
settings = load_settings()
sessions = open_sessions(settings.database_url, keyring=open_keyring(settings))
with sessions.reading() as session:
    actor = local_actor(session)
print(listening.run_analysis(sessions, actor, programme_id=int(sys.argv[1]), settings=settings))
print(sorted({"torch", "transformers", "bertopic", "onnxruntime"} & set(sys.modules)))
"""


def test_answers_alone_are_analysed_without_any_model(loop: Loop) -> None:
    question = "Have you heard of it?"
    mapping = Mapping(questions=(question,))
    loop.say([{question: "Yes" if n % 3 else "No"} for n in range(30)], mapping=mapping, chosen="random")
    process = subprocess.run(
        [sys.executable, "-c", ANSWERS_ONLY, str(loop.id)],
        env={
            "COMMSAPP_DATA_DIR": str(loop.settings.data_dir),
            "COMMSAPP_DATABASE_URL": loop.settings.database_url,
            "COMMSAPP_SECRET_KEY": loop.settings.secret_key,
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert process.stdout.splitlines()[-1] == "[]"
    results = loop.results()
    assert sorted(results["item"]) == [f"{question}: No", f"{question}: Yes"]
    assert set(results["chosen"]) == {"share of people"}
    honest(loop)


def test_topics_found_again_wait_in_a_draft_where_somebody_curated_and_one_is_added_by_a_description(
    loop: Loop, spies: tuple[Spy, Spy], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recoding, "load_encoder", lambda: spies[0])
    loop.say(SAID)
    loop.analyse()
    before = loop.codebook
    scams = loop.comments[loop.comments["topic"] >= 0].iloc[-1]["topic"]
    with loop.sessions.writing() as session:
        listening.change_codebook(session, loop.actor, loop.id, kind="rename", number=int(scams), name="Named by hand")
    assert loop.analyse(granularity="fine")["drafted"] is True
    assert loop.codebook == before  # what is in use stays until somebody freezes the draft
    with loop.sessions.writing() as session:
        now = listening.codebook_draft(session, loop.actor, loop.id)
        assert [change.kind for change in now.changes] == ["rename", "found again"]
        assert "Named by hand" in {topic.name for topic in now.topics}
        description = "People who leave rubbish, old fridges and tyres in the street"
        listening.start_add(session, loop.actor, loop.id, name="Fly-tipping", definition=description)
        (asked,) = [row for row in session.query(codebooks.CodebookChange) if row.kind == codebooks.ASKED]
        asked_id = asked.id
    recoding.add_topic(loop.sessions, loop.actor, programme_id=loop.id, asked_id=asked_id, settings=loop.settings)
    recoding.compare(loop.sessions, loop.actor, programme_id=loop.id, settings=loop.settings)
    with loop.sessions.reading() as session:
        found = listening.draft_difference(session, loop.actor, loop.id)
        shown = listening.codebook_draft(session, loop.actor, loop.id)
        assert found is not None
        to = [row for row in found.rows if row.after_name == "Fly-tipping"]
        examples = listening.comments_of(session, loop.actor, loop.id, [number for row in to for number in row.examples])
    assert shown.topics[-1].name == "Fly-tipping" and found.total == len(SAID)
    assert all("dumped" in one.words for one in examples)
