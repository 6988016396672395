"""Imports: what comes in once, what comes in twice, and what becomes of each column."""

from __future__ import annotations

import dataclasses
import string
from collections import Counter
from pathlib import Path

import given
import pytest

from commsapp.accounts import service as accounts
from commsapp.actor import Actor, HandlingLevel
from commsapp.config import Settings
from commsapp.errors import Conflict
from commsapp.listening import importing
from commsapp.listening import service as listening
from commsapp.listening.columns import Mapping
from commsapp.storage.session import Sessions


def without(rows: list[dict[str, str]], *names: str) -> list[dict[str, str]]:
    return [{name: cell for name, cell in row.items() if name not in names} for row in rows]


@pytest.mark.parametrize("ids", [True, False], ids=["own ids", "no ids"])
def test_the_same_file_twice_adds_nothing(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path, ids: bool
) -> None:
    path = given.table(tmp_path / "events.csv", given.ROWS if ids else without(given.ROWS, "id"))
    programme = given.programme(sessions, actor)
    first = given.imported(sessions, actor, settings, path, programme_id=programme)
    second = given.imported(sessions, actor, settings, path, programme_id=programme)
    assert given.counts(first) == (3, 0, 0)
    assert given.counts(second) == (0, 3, 0)
    assert len(given.everything_said(sessions, actor, programme)) == 3


@pytest.mark.parametrize("ids", [True, False], ids=["own ids", "no ids"])
def test_a_longer_export_adds_only_what_is_new(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path, ids: bool
) -> None:
    rows = given.ROWS if ids else without(given.ROWS, "id")
    later = [{**rows[0], "id": "r4", "comment": "New here"} if ids else {**rows[0], "comment": "New here"}, rows[1]]
    programme = given.programme(sessions, actor)
    given.imported(sessions, actor, settings, given.table(tmp_path / "march.csv", rows), programme_id=programme)
    longer = given.table(tmp_path / "april.csv", [*later[:1], *rows])  # the newest first, as many exports do
    assert given.counts(given.imported(sessions, actor, settings, longer, programme_id=programme)) == (1, 3, 0)
    assert len(given.everything_said(sessions, actor, programme)) == 4


def test_the_same_file_in_another_channel_is_other_people(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path
) -> None:
    path = given.table(tmp_path / "events.csv", given.ROWS)
    programme = given.programme(sessions, actor)
    for channel in ("Hall", "School"):
        run = given.imported(sessions, actor, settings, path, programme_id=programme, channel=channel)
        assert given.counts(run) == (3, 0, 0)


def test_equal_words_of_two_people_count_twice_and_only_twice(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path
) -> None:
    same = {"date": "2026-03-02", "area": "Ash", "comment": "Too much rubbish", "age": "25-34"}
    path = given.table(tmp_path / "cards.csv", [same, same])
    programme = given.programme(sessions, actor)
    assert given.counts(given.imported(sessions, actor, settings, path, programme_id=programme)) == (2, 0, 0)
    longer = given.table(tmp_path / "more.csv", [same, same, same])
    assert given.counts(given.imported(sessions, actor, settings, longer, programme_id=programme)) == (1, 2, 0)


def test_an_id_that_comes_again_with_other_cells_is_rejected_with_the_reason(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path
) -> None:
    path = given.table(tmp_path / "ids.csv", [*given.ROWS, {**given.ROWS[0], "comment": "Something else"}, given.ROWS[1]])
    programme = given.programme(sessions, actor)
    run = given.imported(sessions, actor, settings, path, programme_id=programme)
    # the last row is the second one again, word for word, and so is there already
    assert given.counts(run) == (3, 1, 1)
    with sessions.reading() as session:
        (reject,) = listening.rejected(session, actor, run.id)
    assert reject.row == 5
    assert "'r1' came before in this file with other cells" in reject.reason
    assert reject.cells["comment"] == "Something else"


def test_rejected_rows_keep_number_reason_and_cells_and_the_others_come_in(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "broken.csv"
    path.write_text(
        "id,date,area,comment\n"
        "1,2026-03-01,Ash,fine\n"
        "2,2026-02-31,Ash,no such day\n"
        "\n"
        "3,2026-03-02,Ash,one,cell,too many\n"
        "4,2099-01-01,Ash,not yet\n"
        ",,,\n"
        "5,2026-03-03,Ash,fine too\n",
        encoding="utf-8",
    )
    programme = given.programme(sessions, actor)
    run = given.imported(sessions, actor, settings, path, programme_id=programme)
    assert given.counts(run) == (2, 0, 3)
    with sessions.reading() as session:
        rejected = listening.rejected(session, actor, run.id)
    assert [row.row for row in rejected] == [3, 5, 6]
    assert all(row.reason.startswith(f"Row {row.row}") and row.reason.endswith(".") for row in rejected)
    assert [row.cells["comment"] for row in rejected] == ["no such day", "one", "not yet"]
    assert rejected[1].cells["Column 6"] == "too many"


def test_blank_rows_are_no_responses_but_a_row_with_an_empty_comment_is(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "blank.csv"
    path.write_text("date,area,comment\n,,\n2026-03-01,Ash,\n\n  ,,\n2026-03-01,Ash,words\n", encoding="utf-8")
    programme = given.programme(sessions, actor)
    assert given.counts(given.imported(sessions, actor, settings, path, programme_id=programme)) == (2, 0, 0)
    assert sorted(given.everything_written(sessions, actor, programme)) == ["", "words"]


def test_responses_without_a_date_are_noted_with_their_number_also_after_a_stop(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH", 2)
    rows = [{"comment": f"Words {n}", "date": "" if n < 3 else "2026-03-01"} for n in range(7)]
    rows.append({"comment": "Not read", "date": "soon"})
    programme = given.programme(sessions, actor)
    run = given.started(sessions, actor, settings, given.table(tmp_path / "said.csv", rows), programme_id=programme)

    def stopped(_stage: str, done: int, _total: int) -> None:
        if done > 4:
            raise Conflict("Stopped.")

    with pytest.raises(Conflict):
        listening.run_import(sessions, actor, import_id=run, settings=settings, progress=stopped)
    listening.run_import(sessions, actor, import_id=run, settings=settings)
    with sessions.reading() as session:
        done = listening.import_of(session, actor, run)
    assert given.counts(done) == (7, 0, 1)
    assert done.notes == (
        "3 of 7 responses in this file have no date: they count in the figures over all waves, but in none of them.",
    )


def test_how_the_columns_of_an_import_were_read_can_be_looked_up(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path
) -> None:
    path = given.table(tmp_path / "said.csv", [{"comment": "Words", "age": "16-24", "phone": "0700"}])
    programme = given.programme(sessions, actor)
    mapping = Mapping(text="comment", attributes=("age",), left_out=("phone",))
    level = HandlingLevel.CONCERN
    run = given.started(
        sessions, actor, settings, path, programme_id=programme, mapping=mapping, date_order=None, handling_level=level
    )
    with sessions.reading() as session:
        how = listening.how_read(session, actor, run)
    assert (how.mapping, how.date_order, how.handling_level) == (mapping, None, level)


def test_answers_get_their_wording_and_the_choices_that_were_ticked(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path
) -> None:
    heard, trust = "Have you heard of it?", "How much do you trust them?"
    first = [{"id": "1", heard: "Yes", trust: "A lot"}, {"id": "2", heard: "No", trust: ""}]
    second = [*first, {"id": "3", heard: "Not sure", trust: "A lot"}]
    mapping = Mapping(identity="id", questions=(heard, trust))
    programme = given.programme(sessions, actor)
    for name, rows in (("one.csv", first), ("two.csv", second)):
        given.imported(sessions, actor, settings, given.table(tmp_path / name, rows), programme_id=programme, mapping=mapping)
    with sessions.reading() as session:
        answers = listening.records(session, actor, programme).answers
        comments = listening.records(session, actor, programme).comments
    ticked = Counter(zip(answers["question"], answers["choice"], strict=True))
    assert ticked == {(heard, "Yes"): 1, (heard, "No"): 1, (heard, "Not sure"): 1, (trust, "A lot"): 2, (trust, ""): 1}
    assert comments.empty  # a survey without a column of comments has none, not three empty ones
    found = given.stored(sessions, "SELECT wording, choices FROM question ORDER BY id")
    assert sorted((wording, given.as_list(choices)) for wording, choices in found) == [
        (heard, ["Yes", "No", "Not sure"]),
        (trust, ["A lot"]),
    ]


@pytest.mark.parametrize(
    ("name", "protected"), [("age", True), ("Age_Group", True), ("Ethnicity", True), ("role", False), ("village", False)]
)
def test_attributes_get_their_choices_and_the_protected_mark(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path, name: str, protected: bool
) -> None:
    rows = [{"comment": "a bc", name: "one"}, {"comment": "b cd", name: ""}, {"comment": "c de", name: "two"}]
    programme = given.programme(sessions, actor)
    mapping = Mapping(text="comment", attributes=(name,))
    path = given.table(tmp_path / "a.csv", rows)
    given.imported(sessions, actor, settings, path, programme_id=programme, mapping=mapping)
    with sessions.reading() as session:
        assert listening.attributes(session, actor, programme) == {name: ("one", "two")}
    assert [bool(mark) for (mark,) in given.stored(sessions, "SELECT protected FROM attribute")] == [protected]


def test_an_area_is_made_once_however_its_name_is_spaced(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path
) -> None:
    programme = given.programme(sessions, actor)
    with sessions.writing() as session:
        listening.add_area(session, actor, programme, name="Castle Dene", code="E01", population=900)
    rows = [{"comment": f"c {n}", "area": area} for n, area in enumerate(["Castle Dene", " Castle  Dene ", "Ash", "", "Ash"])]
    path = given.table(tmp_path / "areas.csv", rows)
    given.imported(sessions, actor, settings, path, programme_id=programme)
    with sessions.reading() as session:
        assert [(a.name, a.code) for a in listening.areas(session, actor, programme)] == [("Ash", ""), ("Castle Dene", "E01")]
    said = given.everything_said(sessions, actor, programme)
    assert Counter(one.area for one in said) == {"Castle Dene": 2, "Ash": 2, "": 1}


def test_an_area_too_long_for_a_name_rejects_its_row_and_no_other(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path
) -> None:
    # letters that don't repeat, so that PostgreSQL's index can't squeeze them
    long = "".join(chr(0x4E00 + number) for number in range(5_000))
    rows = [{"comment": "one", "area": long}, {"comment": "two", "area": "Ash"}]
    programme = given.programme(sessions, actor)
    run = given.imported(sessions, actor, settings, given.table(tmp_path / "long.csv", rows), programme_id=programme)
    assert given.counts(run) == (1, 0, 1)
    with sessions.reading() as session:
        (reject,) = listening.rejected(session, actor, run.id)
    assert "5,000 characters" in reject.reason
    assert len(reject.reason) < 200


def test_a_respondent_is_kept_as_a_keyed_hash_and_the_key_given_is_nowhere(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path
) -> None:
    canary = "panel-member-4711-canary"
    rows = [{"comment": f"c {n}", "person": canary if n < 2 else "somebody"} for n in range(3)]
    mapping = Mapping(text="comment", respondent="person")
    programme = given.programme(sessions, actor)
    for channel in ("Panel", "Other panel"):
        given.imported(
            sessions,
            actor,
            settings,
            given.table(tmp_path / "panel.csv", rows),
            programme_id=programme,
            channel=channel,
            mapping=mapping,
        )
    with sessions.reading() as session:
        people = listening.records(session, actor, programme).comments["respondent"]
    assert sorted(Counter(people).values()) == [1, 1, 2, 2]
    hashes = [key for (key,) in given.stored(sessions, "SELECT key_hash FROM respondent")]
    assert len(set(hashes)) == 4  # the same key in two channels is two hashes
    assert all(len(key) == 32 and set(key) <= set(string.hexdigits) for key in hashes)
    with sessions.reading() as session:
        for mapped in importing.responses.Base.metadata.sorted_tables:
            for row in session.execute(mapped.select()):
                assert canary not in repr(tuple(row)), mapped.name


def test_consent_is_to_log_and_analyse_where_the_export_says_nothing_and_never_to_quote(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path
) -> None:
    programme = given.programme(sessions, actor)
    path = given.table(tmp_path / "c.csv", [{"comment": "a bc"}])
    given.imported(sessions, actor, settings, path, programme_id=programme)
    assert _consents(sessions) == [["log", "analyse"]]
    assert not given.everything_said(sessions, actor, programme)[0].may_quote


def test_an_empty_cell_of_a_consent_column_is_consent_to_log_only(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path
) -> None:
    programme = given.programme(sessions, actor)
    cells = ["Log; Analyse; Quote", "", "quote, log"]
    path = given.table(tmp_path / "c.csv", [{"comment": f"c {n}", "consent": cell} for n, cell in enumerate(cells)])
    given.imported(sessions, actor, settings, path, programme_id=programme)
    assert _consents(sessions) == [["log", "analyse", "quote"], ["log"], ["log", "quote"]]


def _consents(sessions: Sessions) -> list[list[object]]:
    return [given.as_list(consent) for (consent,) in given.stored(sessions, "SELECT consent FROM response ORDER BY id")]


def test_those_who_gave_no_name_are_not_one_person(sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path) -> None:
    programme = given.programme(sessions, actor)
    callers = ["Anonymous", "anonymous caller", "Ann", "Ann", "n/a"]
    path = given.table(tmp_path / "h.csv", [{"comment": f"c {n}", "caller": caller} for n, caller in enumerate(callers)])
    given.imported(sessions, actor, settings, path, programme_id=programme, mapping=Mapping(text="comment", respondent="caller"))
    found = [one for (one,) in given.stored(sessions, "SELECT respondent_id FROM response ORDER BY id")]
    assert [one is None for one in found] == [True, True, False, False, True]
    assert found[2] == found[3]


def test_a_row_may_name_its_handling_level_in_the_words_of_the_organisation(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path
) -> None:
    with sessions.writing() as session:
        words = {HandlingLevel.OFFICIAL_SENSITIVE: "Amber", HandlingLevel.CONCERN: "Red flag"}
        accounts.set_level_names(session, actor, words)
    programme = given.programme(sessions, actor)
    cells = ["amber", "Red  Flag", "concern", "open", "green"]
    path = given.table(tmp_path / "h.csv", [{"comment": f"c {n}", "handling": cell} for n, cell in enumerate(cells)])
    run = given.imported(sessions, actor, settings, path, programme_id=programme)
    assert given.counts(run) == (4, 0, 1)
    found = [level for (level,) in given.stored(sessions, "SELECT handling_level FROM response ORDER BY id")]
    assert found == ["official-sensitive", "concern", "concern", "open"]
    with sessions.reading() as session:
        (reject,) = listening.rejected(session, actor, run.id)
        assert "Write one of open, Amber, Red flag." in reject.reason
        # What stands at no known level is for those alone who may read everything.
        cleared = dataclasses.replace(actor, handling_levels=frozenset({HandlingLevel.OPEN, HandlingLevel.OFFICIAL_SENSITIVE}))
        assert listening.rejected(session, cleared, run.id) == []


def test_the_handling_level_is_that_of_the_row_else_that_of_the_import(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path
) -> None:
    programme = given.programme(sessions, actor)
    cells = ["", "Concern", "OPEN", "top secret"]
    path = given.table(tmp_path / "h.csv", [{"comment": f"c {n}", "handling": cell} for n, cell in enumerate(cells)])
    level = HandlingLevel.OFFICIAL_SENSITIVE
    run = given.imported(sessions, actor, settings, path, programme_id=programme, handling_level=level)
    assert given.counts(run) == (3, 0, 1)
    found = [level for (level,) in given.stored(sessions, "SELECT handling_level FROM response ORDER BY id")]
    assert found == ["official-sensitive", "concern", "open"]
    with sessions.reading() as session:
        (reject,) = listening.rejected(session, actor, run.id)
        assert "The handling level is not known" in reject.reason
        assert "top secret" not in reject.reason  # a reason is no place for what people wrote; the cells are
