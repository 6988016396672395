"""One person's data: found, shown, handed over, erased for good; consent taken back holds for every later file."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from threading import Thread

import given
import pytest
from leftovers import left_of
from sqlalchemy import select
from test_retention import READ, code

from commsapp.accounts import service as accounts
from commsapp.actor import Actor, HandlingLevel
from commsapp.config import Settings
from commsapp.errors import BadInput, Conflict, NotAllowed, NotFound
from commsapp.listening import erasure
from commsapp.listening import service as listening
from commsapp.listening.coders import HELD_BACK, NO_CONSENT
from commsapp.listening.keys import text_key
from commsapp.listening.standing import ERASED
from commsapp.storage import campaigns, database, events, jobs, programmes, responses, results
from commsapp.storage.backup import write_backup
from commsapp.storage.imports import ImportRun
from commsapp.storage.keyring import open_keyring
from commsapp.storage.restore import restore_backup
from commsapp.storage.session import Sessions, sessions_of

GONE = "zyxgone"
MAP = dataclasses.replace(READ, handling="level", consent="ok", area="where")
HEADER = ["id", "date", "who", "comment", "job", "Heard of it?", "level", "ok", "where"]
REJECTED = {"id": "a3", "date": "never", "who": "Ann", "comment": f"{GONE} rejected"}
ROWS = [
    {
        "id": "a1",
        "date": "2026-01-02",
        "who": "Ann",
        "comment": f"{GONE} first",
        "job": f"{GONE} coxswain",
        "Heard of it?": GONE,
        "where": f"{GONE} Street",
    },
    {
        "id": "a2",
        "date": "2026-02-03",
        "who": "Ann",
        "comment": f"{GONE} again",
        "job": f"{GONE} coxswain",
        "ok": "log, analyse, quote",
        "where": "Ash",
    },
    {
        "id": "b1",
        "date": "2026-01-02",
        "who": "Bob",
        "comment": "Bob stays",
        "job": "baker",
        "Heard of it?": "Yes",
        "where": "Ash",
    },
    {"id": "c1", "date": "2026-01-05", "who": "", "comment": f"{GONE} first", "job": "baker", "Heard of it?": "Yes"},
]
WHY = "She asked for it by letter"


@pytest.fixture
def programme(sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path) -> int:
    made = given.programme(sessions, actor)
    with sessions.writing() as session:
        listening.add_wave(session, actor, made, name="All", start=date(2026, 1, 1), end=date(2026, 12, 31))
    bring(sessions, actor, settings, tmp_path, made, [*ROWS, REJECTED])
    code(sessions, actor, settings, made)
    return made


def bring(
    sessions: Sessions, actor: Actor, settings: Settings, folder: Path, programme: int, rows: list[dict[str, str]]
) -> tuple[int, int, int]:
    path = given.table(folder / "survey.csv", rows, HEADER)
    filled = [{"ok": "log, analyse", "level": "open"} | row for row in rows]
    given.table(path, filled, HEADER)
    return given.counts(given.imported(sessions, actor, settings, path, programme_id=programme, channel="Survey", mapping=MAP))


def one(sessions: Sessions, actor: Actor, settings: Settings, programme: int, **asked: object) -> int:
    with sessions.reading() as session:
        (found,) = listening.people(session, actor, programme, settings=settings, **asked)  # type: ignore[arg-type]
    return found.response_id


def test_a_person_is_found_by_key_by_id_by_number_and_by_day(
    sessions: Sessions, actor: Actor, settings: Settings, programme: int
) -> None:
    ann = one(sessions, actor, settings, programme, key="Ann")
    assert one(sessions, actor, settings, programme, export_id="a1") == ann
    assert one(sessions, actor, settings, programme, number=ann) == ann
    with sessions.reading() as session:
        channel = listening.channels(session, actor, programme)[0].id
        day = listening.people(session, actor, programme, channel_id=channel, day=date(2026, 1, 2), settings=settings)
        assert len(day) == 2, "Ann and Bob"
        assert listening.people(session, actor, programme, key="Nobody", settings=settings) == []
        with pytest.raises(BadInput, match="nothing to search for"):
            listening.people(session, actor, programme, settings=settings)


def explained(sessions: Sessions, actor: Actor, programme: int, response: int) -> dict[str, int]:
    """'Why?' asked twice at the first comment of a person: found, and still looked for. State → the job."""
    asked = {}
    with sessions.writing() as session:
        comment = listening.person(session, actor, programme, response).responses[0].comment_id
        arguments: dict[str, object] = {"programme_id": programme, "comment_id": comment}
        for state in ("done", "running"):
            job = jobs.enqueue(session, actor, name="explain", arguments=arguments, programme_id=programme)
            assert jobs.claim(session, job.id, state)
            asked[state] = job.id
        jobs.finish(session, asked["done"], "done", FOUND)
    return asked


FOUND = {"sentiment": "negative", "spans": [[0, 7]], "changes": [[0.5]]}


@pytest.mark.parametrize("way", ["erased", "consent withdrawn", "a concern"])
def test_what_was_found_of_a_comment_goes_with_it(
    sessions: Sessions, actor: Actor, settings: Settings, programme: int, way: str
) -> None:
    ann = one(sessions, actor, settings, programme, key="Ann")
    bob = one(sessions, actor, settings, programme, export_id="b1")
    hers, his = (explained(sessions, actor, programme, number) for number in (ann, bob))
    if way == "erased":
        listening.erase_person(sessions, actor, programme, ann, why=WHY, settings=settings)
    elif way == "a concern":
        level = HandlingLevel.CONCERN
        listening.change_handling(sessions, actor, programme, ann, level=level, why=WHY, settings=settings)
    else:
        listening.withdraw(sessions, actor, programme, ann, layers=["analyse"], why=WHY, settings=settings)
    with sessions.writing() as session:
        assert not jobs.finish(session, hers["running"], "running", FOUND), "what is found afterwards is not kept"
        assert jobs.finish(session, his["running"], "running", FOUND)
    with sessions.reading() as session:
        kept = {state: jobs.any_job(session, number) for state, number in hers.items()}
        assert [job and job.result for job in kept.values()] == [{}, {}]
        assert [job and job.state for job in kept.values()] == ["done", "cancelled"]
        assert all(job and job.result == FOUND for job in (jobs.any_job(session, number) for number in his.values()))


def test_everything_that_is_kept_of_a_person_stands_in_one_view_and_in_the_export(
    sessions: Sessions, actor: Actor, settings: Settings, programme: int
) -> None:
    ann = one(sessions, actor, settings, programme, key="Ann")
    with sessions.writing() as session:
        comment = listening.person(session, actor, programme, ann).responses[0].comment_id or 0
        accounts.note_reading(session, actor, kind="comments", place="programme", place_id=programme, ids=[comment - 1, comment])
        accounts.note_reading(session, actor, kind="comments", place="programme", place_id=programme, ids=[comment + 3])
    with sessions.reading() as session:
        found = listening.person(session, actor, programme, ann)
    first, second = found.responses
    assert (first.words, first.export_id, first.date) == (f"{GONE} first", "a1", date(2026, 1, 2))
    assert first.answers == (("Heard of it?", GONE),)
    assert first.attributes == {"job": f"{GONE} coxswain"}
    assert second.consent == ("log", "analyse", "quote")
    assert [coding["coder"] for coding in first.codings] == ["sentiment"]
    assert [reader["person"] for reader in found.read_by] == [actor.name], "one of the two looks was at Ann's words"
    exported = json.dumps(listening.as_export(found))
    rows = listening.as_rows(found)
    for word in (f"{GONE} first", f"{GONE} again", "coxswain", "a2", "survey.csv", "2026-02-03", "quote"):
        assert word in exported
        assert any(word in value for _, _, value in rows), word
    assert "Bob" not in exported


def test_an_erased_person_is_gone_from_every_table_and_file_and_stays_away(
    sessions: Sessions,
    actor: Actor,
    settings: Settings,
    programme: int,
    tmp_path: Path,
    promise: Callable[[int, str], None],
) -> None:
    shared = text_key(sessions.keyring.hashing, f"{GONE} first")
    own = text_key(sessions.keyring.hashing, f"{GONE} again")
    write_backup(sessions, data_dir=settings.data_dir, keyring=sessions.keyring, path=tmp_path / "before.backup")
    ann = one(sessions, actor, settings, programme, key="Ann")
    with pytest.raises(BadInput, match="no reason"):
        listening.erase_person(sessions, actor, programme, ann, why=" ", settings=settings)
    counts = listening.erase_person(sessions, actor, programme, ann, why=WHY, settings=settings)
    assert counts == {"responses": 2, "comments": 2, "answers": 2, "respondents": 1, "rejected rows": 1}
    assert left_of(own, sessions, settings.data_dir) == []
    assert "coding" in left_of(shared, sessions, settings.data_dir), "somebody else said the same"
    nameless = one(sessions, actor, settings, programme, export_id="c1")
    listening.erase_person(sessions, actor, programme, nameless, why=WHY, settings=settings)
    assert left_of(GONE, sessions, settings.data_dir) == []
    assert left_of(shared, sessions, settings.data_dir) == []
    assert "comment" in left_of("Bob stays", sessions, settings.data_dir)
    event = given.stored(sessions, "SELECT action, subject, why FROM event WHERE subject = 'person' AND why <> ''")
    assert event == [("erase", "person", WHY)] * 2
    assert given.stored(sessions, "SELECT name FROM job ORDER BY id DESC LIMIT 1") == [("analyse",)]
    # the same rows in a longer export: only the new one comes in
    rows = [*ROWS, {"id": "d1", "date": "2026-03-01", "who": "Dan", "comment": "new", "job": "baker"}]
    assert bring(sessions, actor, settings, tmp_path, programme, rows) == (1, 4, 0)
    assert left_of(GONE, sessions, settings.data_dir) == []
    promise(20, "an erased person: 0 canaries in any table or file, and 0 of 3 rows came back with a cumulative export")


def restored_from(settings: Settings, tmp_path: Path) -> tuple[Settings, Sessions]:
    """The backup of before in a database and a data folder of its own."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    new = dataclasses.replace(settings, database_url=f"sqlite:///{folder / 'commsapp.sqlite'}", data_dir=folder)
    kept = {"path": tmp_path / "before.backup", "keys": tmp_path / "before.backup.keys"}
    restore_backup(new.database_url, data_dir=folder, keyring=open_keyring(new), **kept)
    assert database.current(new.database_url) == database.head()
    return new, sessions_of(new)


def test_a_restored_backup_from_before_is_cleared_with_the_list_of_the_erased(
    sessions: Sessions, actor: Actor, settings: Settings, programme: int, tmp_path: Path
) -> None:
    write_backup(sessions, data_dir=settings.data_dir, keyring=sessions.keyring, path=tmp_path / "before.backup")
    for who in ({"key": "Ann"}, {"export_id": "c1"}):
        listening.erase_person(
            sessions, actor, programme, one(sessions, actor, settings, programme, **who), why=WHY, settings=settings
        )
    assert (settings.data_dir / ERASED).stat().st_mode & 0o077 == 0
    new, restored = restored_from(settings, tmp_path)
    there = {"comment", "rejected_row", "attribute", "question", "area", "listening_result"}
    assert there <= set(left_of(GONE, restored, new.data_dir))
    assert listening.erase_again(restored, new, settings.data_dir / ERASED) == 3
    assert left_of(GONE, restored, new.data_dir) == []
    assert "comment" in left_of("Bob stays", restored, new.data_dir)
    event = given.stored(restored, "SELECT action, subject FROM event ORDER BY sequence DESC LIMIT 1")
    assert event == [("restore", "standing decisions")]
    assert given.stored(restored, "SELECT name FROM job ORDER BY id DESC LIMIT 1") == [("analyse",)]
    assert listening.erase_again(restored, new, settings.data_dir / ERASED) == 0
    assert bring(restored, actor, new, tmp_path, programme, ROWS) == (0, 4, 0)
    restored.engine.dispose()


def test_a_restored_backup_keeps_to_consent_and_levels_that_were_decided_since(
    sessions: Sessions, actor: Actor, settings: Settings, programme: int, tmp_path: Path
) -> None:
    write_backup(sessions, data_dir=settings.data_dir, keyring=sessions.keyring, path=tmp_path / "before.backup")
    ann, bob = (one(sessions, actor, settings, programme, key=who) for who in ("Ann", "Bob"))
    listening.withdraw(sessions, actor, programme, ann, layers=["analyse", "quote"], why=WHY, settings=settings)
    level = HandlingLevel.CONCERN
    listening.change_handling(sessions, actor, programme, bob, level=level, why="He may be at risk", settings=settings)
    new, restored = restored_from(settings, tmp_path)
    assert listening.erase_again(restored, new, settings.data_dir / ERASED) == 3
    with restored.reading() as session:
        found = listening.person(session, actor, programme, ann)
        assert [one.consent for one in found.responses] == [("log",), ("log",)]
        assert {one.not_coded for one in found.responses} == {NO_CONSENT}
        held = listening.person(session, actor, programme, bob).responses[0]
        assert (held.handling_level, held.not_coded, held.codings) == (level, HELD_BACK, ())
    assert left_of(text_key(restored.keyring.hashing, f"{GONE} again"), restored, new.data_dir) == []
    assert (new.data_dir / ERASED).read_text() == (settings.data_dir / ERASED).read_text(), "the list goes with the new folder"
    with restored.reading() as session:
        said = [entry.sentence for entry in accounts.audit_log(session, actor, subject="standing decisions").entries]
    assert len(said) == 1 and said[0].endswith("hold again in a restored backup (consent: 2, handling level: 1)")
    assert listening.erase_again(restored, new, settings.data_dir / ERASED) == 0
    restored.engine.dispose()


def test_an_area_stays_where_anything_else_rests_on_it(
    sessions: Sessions, actor: Actor, settings: Settings, programme: int, tmp_path: Path
) -> None:
    names = ("by hand", "of an activity", "of a campaign", "of an event", "parent", "with a code", "bare")
    rows = [{"id": name, "who": "Eve", "comment": "Said", "where": name} for name in names]
    bring(sessions, actor, settings, tmp_path, programme, rows)
    with sessions.writing() as session:
        there = {row.name: row for row in programmes.areas(session, actor, programme)}
        listening.add_context_event(
            session, actor, programme, name="Arrests", start=date(2026, 1, 1), end=date(2026, 1, 2), areas=["of an event"]
        )
        run = campaigns.Campaign(
            programme_id=programme, name="One", approach="deterrence", start=date(2026, 1, 1), end=date(2026, 2, 1)
        )
        run.areas = ["of a campaign"]
        session.add(run)
        session.flush()
        message = campaigns.Message(campaign_id=run.id, text="Call us")
        session.add(message)
        session.flush()
        shown = {"medium": "poster", "start": date(2026, 1, 1), "end": date(2026, 1, 2)}
        session.add(campaigns.Activity(message_id=message.id, area_id=there["of an activity"].id, **shown))
        session.add(programmes.Area(programme_id=programme, name="child", parent_id=there["parent"].id))
        there["with a code"].code = "E1"
        events.record(session, actor, action="create", subject="area", subject_id=there["by hand"].id)
    eve = one(sessions, actor, settings, programme, key="Eve")
    listening.erase_person(sessions, actor, programme, eve, why=WHY, settings=settings)
    with sessions.reading() as session:
        left = {row.name for row in programmes.areas(session, actor, programme)}
    assert {*names, "child", "Ash"} - left == {"bare"}


def test_a_file_that_another_import_waits_for_stays_and_a_read_one_goes_after_the_commit(
    sessions: Sessions, actor: Actor, settings: Settings, programme: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    (stored,) = {Path(str(row[0])) for row in given.stored(sessions, "SELECT stored_as FROM import_run")}
    stored.parent.mkdir(exist_ok=True)
    stored.write_text("as it was uploaded")
    bob, ann = (one(sessions, actor, settings, programme, key=who) for who in ("Bob", "Ann"))

    def cut_off(*_: object, **__: object) -> None:
        raise RuntimeError("cut off before the commit")

    with monkeypatch.context() as patched, pytest.raises(RuntimeError, match="cut off"):
        patched.setattr(erasure, "figures_anew", cut_off)
        listening.erase_person(sessions, actor, programme, bob, why=WHY, settings=settings)
    assert stored.is_file(), "nothing was erased"
    with sessions.writing() as session:
        run = session.scalars(select(ImportRun)).one()
        names = {column.name for column in ImportRun.__table__.columns} - {"id", "finished_at"}
        again = {name: getattr(run, name) for name in names}
        session.add(ImportRun(**again))
    listening.erase_person(sessions, actor, programme, bob, why=WHY, settings=settings)
    assert stored.is_file(), "an import waits for it"
    with sessions.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE import_run SET finished_at = started_at")
    listening.erase_person(sessions, actor, programme, ann, why=WHY, settings=settings)
    assert not stored.exists()


def test_choices_that_an_import_adds_meanwhile_outlive_an_erasure(
    sessions: Sessions, actor: Actor, settings: Settings, programme: int
) -> None:
    ann = one(sessions, actor, settings, programme, key="Ann")
    erasing = Thread(
        target=listening.erase_person, args=(sessions, actor, programme, ann), kwargs={"why": WHY, "settings": settings}
    )
    with sessions.writing() as session:
        lists: list[programmes.Attribute | responses.Question] = [programmes.attribute_rows(session, programme)["job"]]
        lists += responses.questions(session, programme)
        for row in lists:
            session.refresh(row, with_for_update=True)
            row.choices = [*row.choices, "just brought"]
        session.flush()
        erasing.start()
        erasing.join(1.0)
        assert erasing.is_alive(), "it waits for the import"
    erasing.join(30)
    with sessions.reading() as session:
        assert programmes.attribute_rows(session, programme)["job"].choices == ["baker", "just brought"]
        (question,) = responses.questions(session, programme)
        assert question.choices == ["Yes", "just brought"]


def test_older_results_go_with_whoever_is_erased_or_takes_consent_back(
    sessions: Sessions, actor: Actor, settings: Settings, programme: int
) -> None:
    for key, how in (("Bob", {"layers": ["analyse"]}), ("Ann", {})):
        with sessions.writing() as session:  # as a version left it that kept every set
            latest = session.scalars(select(results.ResultSet).order_by(results.ResultSet.id.desc())).first()
            assert latest is not None
            cell = dict.fromkeys(("item", "wave", "area", "segment", "chosen", "origin"), "")
            figures = {"value": 1.0, "low": 0.0, "high": 1.0, "n": 1, "n_effective": 1.0, "measure": "comments"}
            old = results.ListeningResult(
                organisation_id=actor.organisation_id, programme_id=programme, result_set_id=latest.id, **cell, **figures
            )
            session.add(old)
            session.add(results.ResultSet(programme_id=programme, made_at=latest.made_at))
            session.flush()
            number = old.id
        change = listening.withdraw if how else listening.erase_person
        person = one(sessions, actor, settings, programme, key=key)
        change(sessions, actor, programme, person, why=WHY, settings=settings, **how)  # type: ignore[operator]
        with sessions.reading() as session, pytest.raises(NotFound):
            listening.result(session, actor, number)


def test_consent_taken_back_takes_effect_at_once_and_a_later_file_does_not_bring_it_again(
    sessions: Sessions, actor: Actor, settings: Settings, programme: int, tmp_path: Path
) -> None:
    ann = one(sessions, actor, settings, programme, key="Ann")
    listening.withdraw(sessions, actor, programme, ann, layers=["analyse", "quote"], why=WHY, settings=settings)
    with sessions.reading() as session:
        found = listening.person(session, actor, programme, ann)
        assert [one.consent for one in found.responses] == [("log",), ("log",)]
        assert {one.not_coded for one in found.responses} == {NO_CONSENT}
        assert all(not one.codings for one in found.responses)
        heard = listening.records(session, actor, programme)
    reasons = heard.answers.set_index("response_id")["not_coded_reason"]
    assert reasons[ann] == NO_CONSENT
    assert left_of(text_key(sessions.keyring.hashing, f"{GONE} again"), sessions, settings.data_dir) == []
    assert given.stored(sessions, "SELECT name, state FROM job ORDER BY id DESC LIMIT 1") == [("analyse", "queued")]
    listening.store_results(sessions, actor, programme)
    with sessions.reading() as session:
        counted = listening.frozen_results(session, actor, programme, measure="comments", wave="", area="", segment="")
    assert counted["not_coded"].iloc[0][NO_CONSENT] == 2
    # taken away and imported again: consent stays as it was taken back
    with sessions.writing() as session:
        run = listening.imports_of(session, actor, programme)[0]
        listening.remove_import(session, actor, run.id, settings=settings)
    assert bring(sessions, actor, settings, tmp_path, programme, ROWS) == (4, 0, 0)
    ann = one(sessions, actor, settings, programme, key="Ann")
    with sessions.reading() as session:
        assert [one.consent for one in listening.person(session, actor, programme, ann).responses] == [("log",), ("log",)]


def test_consent_to_keep_taken_back_erases(sessions: Sessions, actor: Actor, settings: Settings, programme: int) -> None:
    bob = one(sessions, actor, settings, programme, key="Bob")
    listening.withdraw(sessions, actor, programme, bob, layers=["log"], why=WHY, settings=settings)
    assert left_of("Bob stays", sessions, settings.data_dir) == []
    with pytest.raises(BadInput, match="Choose one or more of"):
        listening.withdraw(sessions, actor, programme, 1, layers=["everything"], why=WHY, settings=settings)


def test_a_response_raised_to_a_concern_leaves_the_analysis_and_the_pages_of_those_not_cleared(
    sessions: Sessions, actor: Actor, settings: Settings, programme: int, tmp_path: Path
) -> None:
    bob = one(sessions, actor, settings, programme, key="Bob")
    level = HandlingLevel.CONCERN
    listening.change_handling(sessions, actor, programme, bob, level=level, why="He may be at risk", settings=settings)
    with sessions.reading() as session:
        assert listening.person(session, actor, programme, bob).responses[0].not_coded == HELD_BACK
        reader = given.cleared_for(actor, HandlingLevel.OPEN)
        with pytest.raises(NotFound):
            listening.person(session, reader, programme, bob)
        assert listening.people(session, reader, programme, key="Bob", settings=settings) == []
    with pytest.raises(NotFound):
        listening.change_handling(sessions, reader, programme, bob, level=HandlingLevel.OPEN, why=WHY, settings=settings)
    with pytest.raises(NotFound):
        listening.change_handling(sessions, reader, programme, bob, level=level, why=WHY, settings=settings)
    before, after, why = given.stored(sessions, "SELECT before, after, why FROM event WHERE subject = 'handling level'")[0]
    assert (given_json(before)["level"], given_json(after)["level"], why) == ("open", "concern", "He may be at risk")
    lower = HandlingLevel.OFFICIAL_SENSITIVE
    listening.change_handling(sessions, actor, programme, bob, level=lower, why="It was a mistake", settings=settings)
    assert given.stored(sessions, f"SELECT prepared FROM comment WHERE response_id = {bob}")[0][0] in (0, False)


def given_json(stored: object) -> dict[str, str]:
    return json.loads(stored) if isinstance(stored, str) else dict(stored)  # type: ignore[no-any-return, call-overload]


def test_whoever_may_read_a_response_may_raise_its_level_and_nobody_lowers_what_they_cannot_read(
    sessions: Sessions, actor: Actor, settings: Settings, programme: int
) -> None:
    ann = one(sessions, actor, settings, programme, key="Ann")
    reader = given.cleared_for(actor, HandlingLevel.OPEN)
    with pytest.raises(Conflict, match="Nothing was changed"):
        listening.change_handling(sessions, reader, programme, ann, level=HandlingLevel.OPEN, why=WHY, settings=settings)
    listening.change_handling(sessions, reader, programme, ann, level=HandlingLevel.CONCERN, why=WHY, settings=settings)
    lead = given.cleared_for(actor, HandlingLevel.OPEN, HandlingLevel.CONCERN)
    with pytest.raises(NotAllowed):
        lower = HandlingLevel.OFFICIAL_SENSITIVE
        listening.change_handling(sessions, lead, programme, ann, level=lower, why=WHY, settings=settings)
    assert given.stored(sessions, f"SELECT handling_level FROM response WHERE id = {ann}") == [("concern",)]
    with pytest.raises(NotFound):
        listening.change_handling(sessions, reader, programme, ann, level=HandlingLevel.OPEN, why=WHY, settings=settings)


def test_who_read_something_stands_with_the_response_that_they_read(
    sessions: Sessions, actor: Actor, settings: Settings, programme: int
) -> None:
    ann = one(sessions, actor, settings, programme, key="Ann")
    with sessions.writing() as session:
        first, second = (said.response_id for said in listening.person(session, actor, programme, ann).responses)
        accounts.note_reading(session, actor, kind="person", place="programme", place_id=programme, ids=[first])
        accounts.note_reading(session, actor, kind="person", place="programme", place_id=programme, ids=[first, second])
    with sessions.reading() as session:
        found = listening.person(session, actor, programme, ann)
    assert [look["responses"] for look in found.read_by] == [[first, second], [first]]
    handed_over = json.dumps(listening.as_export(found)) + str(listening.as_rows(found))
    assert actor.name not in handed_over  # by role: whoever asked need not learn the names of staff
    assert "administrator" in handed_over


def test_whether_a_person_said_more_is_told_to_nobody_who_may_not_read_it(
    sessions: Sessions, actor: Actor, settings: Settings, programme: int
) -> None:
    """Who hands over or erases sees all levels, whatever this person said: a refusal for some would tell of a concern."""
    ann = one(sessions, actor, settings, programme, key="Ann")
    with sessions.reading() as session:
        second = listening.person(session, actor, programme, ann).responses[1].response_id
    level = HandlingLevel.OFFICIAL_SENSITIVE
    listening.change_handling(sessions, actor, programme, second, level=level, why=WHY, settings=settings)
    reader = given.cleared_for(actor, HandlingLevel.OPEN)
    with sessions.reading() as session:
        found = listening.person(session, reader, programme, ann)
    assert len(found.responses) == 1
    assert f"{GONE} again" not in json.dumps(listening.as_export(found))
    bob = one(sessions, actor, settings, programme, key="Bob")
    for person in (ann, bob):
        with pytest.raises(NotAllowed, match="cleared for every handling level"):
            listening.erase_person(sessions, reader, programme, person, why=WHY, settings=settings)
        with pytest.raises(NotAllowed, match="cleared for every handling level"):
            listening.withdraw(sessions, reader, programme, person, layers=["log"], why=WHY, settings=settings)
    listening.withdraw(sessions, reader, programme, ann, layers=["analyse"], why=WHY, settings=settings)
    with sessions.reading() as session:  # what the reader may not see follows the person's wish too
        assert all("analyse" not in said.consent for said in listening.person(session, actor, programme, ann).responses)
