"""What is past its time is deleted for good, and nothing else; a dry run only says what would go."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import given
import numpy as np
import pytest
from leftovers import left_of

from commsapp.actor import Actor
from commsapp.config import Settings
from commsapp.errors import BadInput
from commsapp.listening import retention
from commsapp.listening import service as listening
from commsapp.listening.columns import Mapping
from commsapp.listening.keys import text_key
from commsapp.storage import codings, responses, rotating
from commsapp.storage.base import Under
from commsapp.storage.embeddings import EmbeddingStore
from commsapp.storage.session import Sessions
from commsapp.textmodels.encoder import ENCODER_VERSION

OLD, KEPT = "zyxold", "zyxkept"
READ = Mapping(
    text="comment",
    date="date",
    identity="id",
    respondent="who",
    attributes=("job",),
    questions=("Heard of it?",),
    area="where",
)


@pytest.fixture
def heard(sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path) -> tuple[int, int, int]:
    """A programme with two channels: 'Old' with words that must go, 'Kept' with words that must stay."""
    programme = given.programme(sessions, actor)
    ids = []
    for channel, word in (("Old", OLD), ("Kept", KEPT)):
        rows = [
            {
                "id": n,
                "date": day,
                "who": f"{word} {n}",
                "comment": f"{word} said {n}",
                "job": f"{word} job",
                "Heard of it?": word,
                "where": f"{word} Street",
            }
            for n, day in enumerate(("2024-03-01", "2026-01-15", ""))
        ]
        rows += [{"id": "9", "date": "never", "comment": f"{word} rejected"}, {"id": "10", "comment": "what both said"}]
        path = given.table(tmp_path / f"{channel}.csv", rows, list(rows[0]))
        run = given.imported(sessions, actor, settings, path, programme_id=programme, channel=channel, mapping=READ)
        ids.append(run.channel_id)
    code(sessions, actor, settings, programme)
    return programme, ids[0], ids[1]


def code(sessions: Sessions, actor: Actor, settings: Settings, programme: int) -> None:
    """Codings and embeddings of every comment, as models would leave them."""
    with sessions.writing() as session:
        rows = [
            {
                "comment_id": row.id,
                "language": "en",
                "analysis_text": Under(row.key_id, row.original),
                "from_translation": False,
                "not_coded": "",
            }
            | {"text_key": text_key(settings.secret_key, row.original), "redaction_version": "by hand+names"}
            | {"redacted": Under(row.key_id, row.original), "redacted_translation": Under(row.key_id, row.translation)}
            for row in responses.unprepared(session, actor, programme, redaction="by hand+names", limit=1_000)
        ]
        responses.set_prepared(session, rows)
        coder = codings.model_coder(session, actor, name="sentiment", version="1")
        keys = sorted({str(row["text_key"]) for row in rows})
        shared = {"organisation_id": actor.organisation_id, "coder_id": coder, "measure": "sentiment", "label": "neutral"}
        codings.add_codings(
            session, [{**shared, "topic_id": None, "rank": 1, "probability": 1.0, "text_key": key} for key in keys]
        )
    with EmbeddingStore(settings.data_dir, ENCODER_VERSION, sessions.keyring) as store:
        store.put(keys, np.eye(len(keys), 384, dtype=np.float32))
    listening.store_results(sessions, actor, programme)


def keep(sessions: Sessions, actor: Actor, programme: int, channel: int, **how: object) -> None:
    with sessions.writing() as session:
        listening.set_retention(session, actor, programme, channel, **({"until": None, "months": None} | how))  # type: ignore[arg-type]


def test_a_channel_past_its_day_is_gone_from_every_table_and_file_and_the_other_one_is_whole(
    sessions: Sessions, actor: Actor, settings: Settings, heard: tuple[int, int, int], promise: Callable[[int, str], None]
) -> None:
    programme, old, _ = heard
    key = text_key(settings.secret_key, f"{OLD} said 0")
    assert {"comment", "rejected_row", "attribute", "question", "answer", "area", "listening_result"} <= set(
        left_of(OLD, sessions, settings.data_dir)
    )
    keep(sessions, actor, programme, old, until=retention.today())
    kept = given.stored(sessions, "SELECT count(*) FROM event")[0][0]
    assert listening.run_retention(sessions, settings=settings) == [], "today is still within"
    tomorrow = retention.today() + timedelta(days=1)
    dry = listening.run_retention(sessions, settings=settings, on=tomorrow, dry_run=True)
    assert [(one.channel, one.counts) for one in dry] == [("Old", {"responses": 4, "rejected rows": 1})]
    assert given.stored(sessions, "SELECT count(*) FROM event")[0][0] == kept, "a dry run writes nothing"
    (done,) = listening.run_retention(sessions, settings=settings, on=tomorrow)
    assert done.counts == {"responses": 4, "comments": 4, "answers": 4, "respondents": 3, "rejected rows": 1}
    assert left_of(OLD, sessions, settings.data_dir) == []
    assert left_of(key, sessions, settings.data_dir) == [], "codings and embeddings"
    assert {"comment", "rejected_row", "attribute", "question", "area", "listening_result"} <= set(
        left_of(KEPT, sessions, settings.data_dir)
    )
    with EmbeddingStore(settings.data_dir, ENCODER_VERSION, sessions.keyring) as store:
        assert store.missing([text_key(settings.secret_key, "what both said")]) == []
    assert given.stored(sessions, "SELECT name, state FROM job ORDER BY id DESC LIMIT 1") == [("analyse", "queued")]
    action, subject = given.stored(sessions, "SELECT action, subject FROM event ORDER BY sequence DESC LIMIT 1")[0]
    assert (action, subject) == ("delete", "retention")
    assert listening.run_retention(sessions, settings=settings, on=tomorrow) == [], "nothing is left to do"
    promise(20, f"after a channel's retention date 0 of {len(dry)} canaries left in any table or file of the data folder")


def test_a_pass_that_is_killed_before_the_key_is_gone_leaves_that_to_the_next_one(
    sessions: Sessions, actor: Actor, settings: Settings, heard: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    programme, old, _ = heard
    keep(sessions, actor, programme, old, until=retention.today())
    family = given.stored(sessions, f"SELECT key_id FROM feedback_channel WHERE id = {old}")[0][0]
    tomorrow = retention.today() + timedelta(days=1)

    def kill(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt):
        broken.setattr(rotating, "forget", kill)
        listening.run_retention(sessions, settings=settings, on=tomorrow)
    assert family in {key.family for key in sessions.keyring.all_keys()}
    assert listening.run_retention(sessions, settings=settings, on=tomorrow) == []
    assert sessions.keyring.is_forgotten(family)
    assert [key.version for key in sessions.keyring.all_keys() if key.family == "embeddings"] == [2]


def test_months_count_from_the_day_of_each_response_or_of_its_import(
    sessions: Sessions, actor: Actor, settings: Settings, heard: tuple[int, int, int]
) -> None:
    programme, old, _ = heard
    keep(sessions, actor, programme, old, months=12)
    (done,) = listening.run_retention(sessions, settings=settings, on=date(2026, 6, 1))
    assert done.counts["responses"] == 1, "the one of March 2024; the undated ones came in lately"
    assert "comment" in left_of(f"{OLD} said 1", sessions, settings.data_dir)
    assert left_of(f"{OLD} said 0", sessions, settings.data_dir) == []


def test_what_is_past_its_time_does_not_come_back_with_the_next_file(
    sessions: Sessions, actor: Actor, settings: Settings, heard: tuple[int, int, int], tmp_path: Path
) -> None:
    programme, old, _ = heard
    keep(sessions, actor, programme, old, months=12)
    listening.run_retention(sessions, settings=settings)
    path = tmp_path / "Old.csv"
    again = given.imported(sessions, actor, settings, path, programme_id=programme, channel="Old", mapping=READ)
    assert again.added == 0
    assert again.rejected == 2
    assert left_of(f"{OLD} said 0", sessions, tmp_path / "nowhere") == []
    with sessions.reading() as session:
        reasons = [row.reason for row in listening.rejected(session, actor, again.id)]
    assert any("this channel keeps responses for 12 months" in reason for reason in reasons)


def past_its_day(sessions: Sessions, channel: int) -> str:
    """Let a channel's time be over; the family of its keys."""
    with sessions.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE feedback_channel SET retain_until = '2026-01-01' WHERE id = {channel}")
    return str(given.stored(sessions, f"SELECT key_id FROM feedback_channel WHERE id = {channel}")[0][0])


def test_a_key_that_a_killed_pass_left_is_forgotten_by_the_next_one_and_no_other_is(
    sessions: Sessions, settings: Settings, heard: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, old, kept = heard
    other = str(given.stored(sessions, f"SELECT key_id FROM feedback_channel WHERE id = {kept}")[0][0])
    of_a_backup = sessions.keyring.add()
    family = past_its_day(sessions, old)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(rotating, "forget", killed)
        listening.run_retention(sessions, settings=settings)
    assert not sessions.keyring.is_forgotten(family)
    assert listening.run_retention(sessions, settings=settings, dry_run=True) == [], "nothing is left to delete"
    assert not sessions.keyring.is_forgotten(family), "a dry run takes nothing away"
    assert listening.run_retention(sessions, settings=settings) == []
    assert sessions.keyring.is_forgotten(family)
    assert {other, of_a_backup} <= {key.family for key in sessions.keyring.all_keys()}


def test_undated_responses_that_are_past_their_time_do_not_come_back_with_the_same_file(
    sessions: Sessions, actor: Actor, settings: Settings, heard: tuple[int, int, int], tmp_path: Path
) -> None:
    programme, old, _ = heard
    keep(sessions, actor, programme, old, months=12)
    (done,) = listening.run_retention(sessions, settings=settings, on=retention.today() + timedelta(days=800))
    assert done.counts["responses"] == 4
    assert left_of(f"{OLD} said 2", sessions, settings.data_dir) == []
    path = tmp_path / "Old.csv"
    given.imported(sessions, actor, settings, path, programme_id=programme, channel="Old", mapping=READ)
    assert left_of(f"{OLD} said 2", sessions, settings.data_dir) == []


def test_choices_in_own_words_go_too_where_the_key_of_their_responses_was_taken_away(
    sessions: Sessions, settings: Settings, heard: tuple[int, int, int]
) -> None:
    """As after a backup is restored from before a channel's time was over."""
    _, old, _ = heard
    rotating.forget(sessions.keyring, past_its_day(sessions, old), data_dir=settings.data_dir)
    assert {"attribute", "question"} <= set(left_of(OLD, sessions, settings.data_dir))
    listening.run_retention(sessions, settings=settings)
    left = left_of(OLD, sessions, settings.data_dir)
    assert "attribute" not in left and "question" not in left
    assert {"attribute", "question", "comment"} <= set(left_of(KEPT, sessions, settings.data_dir))


def test_a_pass_stops_between_batches_and_keeps_to_what_was_set_meanwhile(
    sessions: Sessions, actor: Actor, settings: Settings, heard: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    programme, old, _ = heard
    monkeypatch.setattr(retention, "_BATCH", 1)
    keep(sessions, actor, programme, old, until=retention.today())
    tomorrow = retention.today() + timedelta(days=1)
    assert listening.run_retention(sessions, settings=settings, on=tomorrow, stopped=lambda: True) == []
    answers = iter([False, False, True])
    (done,) = listening.run_retention(sessions, settings=settings, on=tomorrow, stopped=lambda: next(answers, True))
    assert done.counts["responses"] == 1

    def given_more_time() -> bool:
        if next(asked) == 2:  # after the second batch
            keep(sessions, actor, programme, old, until=tomorrow)
        return False

    asked = iter(range(-1, 99))
    (done,) = listening.run_retention(sessions, settings=settings, on=tomorrow, stopped=given_more_time)
    assert done.counts["responses"] == 2
    assert given.stored(sessions, f"SELECT count(*) FROM response WHERE channel_id = {old}") == [(1,)]


def test_a_channel_whose_time_is_over_takes_no_file(
    sessions: Sessions, actor: Actor, settings: Settings, heard: tuple[int, int, int], tmp_path: Path
) -> None:
    programme, old, _ = heard
    keep(sessions, actor, programme, old, until=retention.today())
    with sessions.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE feedback_channel SET retain_until = '2026-01-01' WHERE id = {old}")
    with pytest.raises(BadInput, match="was kept until 1 January 2026"):
        given.imported(sessions, actor, settings, tmp_path / "Old.csv", programme_id=programme, channel="Old", mapping=READ)


def test_a_day_that_has_passed_and_months_that_make_no_sense_are_refused(
    sessions: Sessions, actor: Actor, heard: tuple[int, int, int]
) -> None:
    programme, old, _ = heard
    for how in ({"until": date(2020, 1, 1)}, {"months": 0}, {"months": 1_201}):
        with pytest.raises(BadInput):
            keep(sessions, actor, programme, old, **how)


def test_a_channel_says_how_long_it_keeps_what_it_heard(sessions: Sessions, actor: Actor, heard: tuple[int, int, int]) -> None:
    programme, old, _ = heard
    keep(sessions, actor, programme, old, until=date(2099, 3, 31), months=24)
    with sessions.reading() as session:
        kept, old_channel = listening.retentions(session, actor, programme)
    assert kept.words == "No date for deletion is set"
    assert old_channel.words == "Kept until 31 March 2099, and each response is kept for 24 months"
    assert not old_channel.soon(date(2099, 2, 28))
    assert old_channel.soon(date(2099, 3, 1))


@pytest.mark.parametrize(
    ("day", "months", "earlier"),
    [
        (date(2026, 3, 31), 1, date(2026, 2, 28)),
        (date(2024, 2, 29), 12, date(2023, 2, 28)),
        (date(2026, 1, 15), 1, date(2025, 12, 15)),
        (date(2026, 12, 31), 24, date(2024, 12, 31)),
    ],
)
def test_months_are_calendar_months(day: date, months: int, earlier: date) -> None:
    from commsapp.storage.erasing import months_before

    assert months_before(day, months) == earlier
