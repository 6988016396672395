"""An import can be taken back: what it brought goes, and nothing else."""

from pathlib import Path

import given
import numpy as np
import pytest

from commsapp.actor import Actor
from commsapp.config import Settings
from commsapp.errors import Conflict
from commsapp.listening import importing
from commsapp.listening import service as listening
from commsapp.listening.columns import Mapping
from commsapp.storage import codings, jobs, responses
from commsapp.storage.base import Under
from commsapp.storage.embeddings import EmbeddingStore
from commsapp.storage.keyring import MAIN, open_keyring
from commsapp.storage.session import Sessions
from commsapp.textmodels.encoder import ENCODER_VERSION


def test_a_removed_import_takes_its_words_codings_and_embeddings_with_it_and_can_be_made_again(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path
) -> None:
    programme = given.programme(sessions, actor)
    wrong = [{"id": str(n), "note": "stall was busy", "comment": f"Said {n}", "who": f"p{n}"} for n in range(5)]
    path = given.table(tmp_path / "events.csv", wrong)
    other = given.table(tmp_path / "other.csv", [{"id": "x", "note": "stall was busy"}, {"id": "y", "note": "only here"}])
    read_so = Mapping(text="note", identity="id", respondent="who")
    run = given.imported(sessions, actor, settings, path, programme_id=programme, mapping=read_so)
    kept = Mapping(text="note", identity="id")
    given.imported(sessions, actor, settings, other, programme_id=programme, channel="Other", mapping=kept)
    with sessions.writing() as session:
        ids = listening.records(session, actor, programme).comments["comment_id"].tolist()
        comments = responses.unprepared(session, actor, programme, redaction="by hand+names", limit=len(ids))
        rows = [
            {
                "comment_id": row.id,
                "language": "en",
                "redacted": Under(MAIN, row.original),
                "redacted_translation": Under(MAIN, ""),
                "redaction_version": "by hand+names",
                "analysis_text": Under(MAIN, row.original),
                "text_key": f"key of {row.original}",
                "from_translation": False,
                "not_coded": "",
            }
            for row in comments
        ]
        responses.set_prepared(session, rows)
        coder = codings.model_coder(session, actor, name="sentiment", version="1")
        keys = sorted({row["text_key"] for row in rows})
        shared = {"organisation_id": actor.organisation_id, "coder_id": coder, "measure": "sentiment", "label": "neutral"}
        shared |= {"topic_id": None, "rank": 1, "probability": 1.0}
        codings.add_codings(session, [{**shared, "text_key": key} for key in keys])
    with EmbeddingStore(settings.data_dir, ENCODER_VERSION, open_keyring(settings)) as store:
        store.put(keys, np.eye(len(keys), 384, dtype=np.float32))
    with sessions.writing() as session:
        listening.remove_import(session, actor, run.id, settings=settings)
    with sessions.reading() as session:
        assert sorted(said.words for said in listening.comments_page(session, actor, programme).comments) == [
            "only here",
            "stall was busy",
        ]
        assert codings.count_codings(session, text_keys=keys) == {"sentiment": 2}
        assert given.stored(sessions, "SELECT count(*) FROM respondent") == [(0,)]
    with EmbeddingStore(settings.data_dir, ENCODER_VERSION, open_keyring(settings)) as store:
        assert store.missing(keys) == [], "what somebody else said too stays"
    again = given.imported(
        sessions, actor, settings, path, programme_id=programme, mapping=Mapping(text="comment", identity="id")
    )
    assert given.counts(again) == (5, 0, 0)


def test_an_import_that_has_not_ended_is_not_removed(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path
) -> None:
    programme = given.programme(sessions, actor)
    path = given.table(tmp_path / "events.csv", [{"comment": "Said"}])
    run = given.started(sessions, actor, settings, path, programme_id=programme)
    with sessions.writing() as session, pytest.raises(Conflict, match="not come to its end"):
        listening.remove_import(session, actor, run, settings=settings)


def test_an_import_that_was_stopped_half_way_is_removed_with_what_it_brought(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH", 2)
    programme = given.programme(sessions, actor)
    path = given.table(tmp_path / "events.csv", [{"comment": f"Said {n}"} for n in range(6)])
    run = given.started(sessions, actor, settings, path, programme_id=programme)

    def stopped(*_: object) -> None:
        raise Conflict("Stopped.")

    with pytest.raises(Conflict, match="Stopped"):
        listening.run_import(sessions, actor, import_id=run, settings=settings, progress=stopped)
    with sessions.writing() as session:
        assert listening.import_goes_on(session, actor, run)
        jobs.cancel(session, actor, jobs.recent_jobs(session, actor)[0].id)
        assert not listening.import_goes_on(session, actor, run)
    assert given.stored(sessions, "SELECT count(*) FROM response") == [(2,)]
    with sessions.writing() as session:
        listening.remove_import(session, actor, run, settings=settings)
    assert given.stored(sessions, "SELECT count(*) FROM response") == [(0,)]
