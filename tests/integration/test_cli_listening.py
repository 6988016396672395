"""``commsapp import``, ``analyse`` and ``results``: what they ask, store and print; and the edges of every command."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import given
import pytest
from typed import Typed, typed, typed_apart

from commsapp.cli import commands, listening
from commsapp.listening.formats import LIMITS
from commsapp.listening.views import Summary

KEYS = [
    *("measure", "item", "wave", "area", "segment", "value", "low", "high", "n", "n_effective", "not_coded", "chosen"),
    *("codebook_version", "model_version", "corrected"),
]
QUESTION = "Have you heard of it?"
PLACE = ("--programme", "County lines", "--channel", "Survey")


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of its own, and no other settings."""
    for name in [name for name in os.environ if name.startswith("COMMSAPP_") and "TEST" not in name]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COMMSAPP_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def survey(tmp_path: Path) -> Path:
    areas, months = ("Ash", "Birch"), ("03", "04")
    rows = [
        {
            "id": f"{n:03}",
            "date": f"2026-{months[n % 2]}-10",
            "area": areas[n % 2],
            "age": "16-24",
            QUESTION: "Yes" if n % 3 else "No",
        }
        for n in range(60)
    ]
    return given.table(tmp_path / "survey.csv", rows)


def found(*more: str, name: str = "County lines") -> list[dict[str, Any]]:
    ended = typed("results", "--programme", name, "--json", *more)
    assert ended.status == 0, ended.err
    assert ended.err == ""

    def refuse(constant: str) -> None:
        pytest.fail(f"{constant} is no JSON")

    return json.loads(ended.out, parse_constant=refuse)  # type: ignore[no-any-return]


def last(ended: Typed) -> str:
    return ended.out.strip().splitlines()[-1]


def test_a_survey_goes_in_is_analysed_and_comes_out_as_results(survey: Path) -> None:
    first = typed("import", survey, *PLACE, "--chosen", "random")
    assert (first.status, last(first)) == (0, "60 added, 0 were there already, 0 rejected.")
    assert "question" in first.out  # which column became what
    second = typed("import", survey, *PLACE)
    assert (second.status, last(second)) == (0, "0 added, 60 were there already, 0 rejected.")
    assert found() == []
    ended = typed("analyse", "--programme", "County lines")
    assert (ended.status, last(ended)) == (0, "60 responses, 0 comments, 0 topics, 0 set aside.")
    results = found()
    assert all(list(row) == KEYS for row in results)
    whole = [row for row in results if (row["wave"], row["area"], row["segment"]) == ("", "", "")]
    assert {row["item"]: (row["value"], row["n"]) for row in whole} == {
        f"{QUESTION}: Yes": (pytest.approx(2 / 3), 60),
        f"{QUESTION}: No": (pytest.approx(1 / 3), 60),
    }
    for row in results:
        assert row["low"] <= row["value"] <= row["high"]
        assert (row["measure"], row["chosen"]) == ("answer share", "share of people")
        assert isinstance(row["n"], int)
        assert row["not_coded"] == {}
        assert row["corrected"] is False
    assert {row["wave"] for row in results} == {"", "March 2026", "April 2026"}
    assert {row["segment"] for row in results} == {"", "age = 16-24"}
    shown = typed("results", "--programme", "County lines")
    assert shown.status == 0
    assert last(shown) == f"{len(results)} results in all, by wave, area and segment: add --json."


def test_what_was_set_aside_is_told_with_the_names_of_languages() -> None:
    summary = Summary(responses=12, comments=11, topics=3, not_coded={"empty": 1, "language not read: cy": 4})
    told = listening.found(summary)
    assert told == "12 responses, 11 comments, 3 topics, 5 set aside (4 language not read: Welsh, 1 empty)."


def test_names_are_found_however_they_are_spaced(survey: Path) -> None:
    for _ in range(2):
        ended = typed("import", survey, "--programme", " County  lines ", "--channel", " My  survey ", "--chosen", "random")
        assert ended.status == 0, ended.err
    assert last(ended) == "0 added, 60 were there already, 0 rejected."
    assert typed("analyse", "--programme", "County lines").status == 0


def test_dates_that_can_be_read_in_two_ways_are_asked_about_and_nothing_is_stored(tmp_path: Path, data: Path) -> None:
    path = given.table(tmp_path / "events.csv", [{"date": "03/02/2026", "comment": "Words of somebody"}])
    asked = typed("import", path, *PLACE)
    assert asked.status == 2
    assert "can be 3 February 2026 or 2 March 2026" in asked.sentence
    assert "--date-order dmy or --date-order mdy" in asked.sentence
    assert asked.out == ""
    assert typed("results", "--programme", "County lines").sentence.startswith("There is no programme called 'County lines'")
    assert not (data / "uploads").exists()
    settled = typed("import", path, *PLACE, "--date-order", "mdy")
    assert (settled.status, last(settled)) == (0, "1 added, 0 were there already, 0 rejected.")


def test_columns_can_be_mapped_by_hand(tmp_path: Path) -> None:
    path = given.table(tmp_path / "odd.csv", [{"col a": f"Words {n}", "col b": "Ash", "col c": f"x{n % 2}"} for n in range(4)])
    how = ("--map", "text=col a", "--map", "area=col b", "--map", "attribute=col c")
    ended = typed("import", path, *PLACE, *how)
    assert (ended.status, last(ended)) == (0, "4 added, 0 were there already, 0 rejected.")


@pytest.mark.parametrize(
    ("pair", "why"),
    [
        ("text", "--map text can't be read"),
        ("text=nothing", "no column 'nothing'"),
        ("colour=comment", "no field 'colour'"),
        ("=comment", "can't be read"),
    ],
)
def test_a_mapping_that_makes_no_sense_is_refused_and_nothing_is_stored(tmp_path: Path, data: Path, pair: str, why: str) -> None:
    path = given.table(tmp_path / "said.csv", [{"comment": "Words"}])
    ended = typed("import", path, *PLACE, "--map", pair)
    assert ended.status == 2
    assert why in ended.sentence
    assert not (data / "uploads").exists()
    assert typed("analyse", "--programme", "County lines").status == 1


@pytest.mark.parametrize("kind", ["nowhere", "empty", "binary", "folder", "neither", "bomb"])
def test_a_file_that_cannot_be_imported_gives_one_sentence_and_nothing_is_stored(tmp_path: Path, data: Path, kind: str) -> None:
    path = tmp_path / f"{kind}.csv"
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "binary":
        path.write_bytes(bytes(range(256)) * 20)
    elif kind == "folder":
        path.mkdir()
    elif kind == "neither":
        given.table(path, [{"x": "1", "y": "2"}, {"x": "2", "y": "3"}])
    elif kind == "bomb":
        import zipfile

        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("xl/workbook.xml", b" " * (LIMITS.ratio_from + 1))
    ended = typed("import", path, *PLACE)
    assert ended.status == 2
    assert kind in ended.sentence or kind == "neither"
    assert not (data / "uploads").exists()


@pytest.mark.parametrize("name", [b"bad\xff.csv", b"two\nlines.csv", b"n" * 250 + b".csv", b"<b>[b]%s{}.csv"])
def test_a_file_may_have_any_name_that_its_folder_takes(tmp_path: Path, name: bytes) -> None:
    path = tmp_path / os.fsdecode(name)
    path.write_text("comment,area\nWords of somebody,Ash\nOther words,Birch\n", encoding="utf-8")
    ended = typed("import", path, *PLACE)
    assert (ended.status, last(ended)) == (0, "2 added, 0 were there already, 0 rejected."), ended.err


def test_what_is_no_file_is_called_what_it_is(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "loop.csv").symlink_to(tmp_path / "loop.csv")
    for path, said in (
        (tmp_path, f"{tmp_path.name} is a folder. Choose a file in it."),
        (tmp_path / "pipe.csv", "pipe.csv is not a file that can be read twice. Save it as a file, and choose that."),
        (tmp_path / "loop.csv", "loop.csv can't be opened. Check its name and who may read it."),
        (tmp_path / ("n" * 300), f"{'n' * 120} can't be opened. Check its name and who may read it."),
    ):
        ended = typed("import", path, *PLACE)
        assert (ended.status, ended.sentence) == (2, said)


@pytest.mark.parametrize("option", ["--programme", "--channel", "--map"])
def test_words_that_are_no_text_are_refused_in_a_sentence(survey: Path, data: Path, option: str) -> None:
    ended = typed("import", survey, *PLACE, option, os.fsdecode(b"text=\xff"))
    assert (ended.status, ended.out) == (2, "")
    assert ended.sentence.startswith(f"{option} has characters that are no text")
    assert not (data / "uploads").exists()


def test_a_terminal_that_cannot_show_a_letter_stops_nothing(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    path = given.table(tmp_path / "łódź.csv", [{"komentarz": "Łódź jest piękna zimą", "ślad": "ą"}] * 2)
    ended = typed_apart("import", path, *PLACE, "--map", "text=komentarz", folder=data)
    assert ended.status == 0, ended.err
    assert "2 added" in ended.out


def test_rejected_rows_are_listed_with_their_reason_and_brackets_in_them_are_words(tmp_path: Path) -> None:
    rows = [{"date": "2026-03-01", "comment": "fine"}, {"date": "[/b] :fire:", "comment": "not"}]
    path = given.table(tmp_path / "said.csv", rows)
    ended = typed("import", path, *PLACE, "--map", "date=date", "--date-order", "iso")
    assert ended.status == 0, ended.err
    assert "1 added, 0 were there already, 1 rejected." in ended.out
    assert "[/b] :fire:" in " ".join(ended.out.split())


def test_what_a_file_lacks_and_what_was_assumed_is_noted_once(tmp_path: Path) -> None:
    path = tmp_path / "inbox.csv"
    path.write_bytes("text\nPlease mend the café in Mill Lane\nThank you all\n".encode("cp1252"))
    ended = typed("import", path, *PLACE)
    assert ended.status == 0, ended.err
    notes = [line for line in ended.out.splitlines() if line.startswith("Note: ")]
    lacks = ["holds", "holds", "tells", "holds"]
    assert [note.split()[1:4] for note in notes] == [["No", "column", word] for word in lacks] + [["Read", "as", "Windows-1252,"]]
    assert "No column holds dates: what people said counts in the figures over all waves, but in none of them." in notes[0]


def test_a_channel_that_was_chosen_otherwise_is_a_sentence(survey: Path) -> None:
    assert typed("import", survey, *PLACE, "--chosen", "random").status == 0
    ended = typed("import", survey, *PLACE, "--chosen", "opt-in")
    assert ended.status == 1
    assert "'Survey' is 'random', not 'opt-in'" in ended.sentence


@pytest.mark.parametrize("command", ["analyse", "results"])
def test_a_programme_that_is_not_there_is_a_sentence_with_those_that_are(survey: Path, command: str) -> None:
    assert typed(command, "--programme", "Scams").sentence == "There is no programme called 'Scams'. Import a file first."
    typed("import", survey, *PLACE)
    ended = typed(command, "--programme", "Scams")
    assert ended.status == 1
    assert ended.sentence == "There is no programme called 'Scams'. There is: 'County lines'."


def every_command(group: Any = commands, words: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = [words]
    for name, command in getattr(group, "commands", {}).items():
        found += every_command(command, (*words, name))
    return found


@pytest.mark.parametrize("words", every_command(), ids=" ".join)
def test_every_command_has_help_that_makes_nothing(words: tuple[str, ...], data: Path) -> None:
    for flag in ("--help", "-h"):
        ended = typed(*words, flag)
        assert ended.status == 0
        assert ended.out.startswith("Usage: commsapp")
    assert not data.exists()


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("COMMSAPP_DATA_DIR", "/dev/null/inside", 2),
        ("COMMSAPP_DATABASE_URL", "garbage", 2),
        ("COMMSAPP_DATABASE_URL", "oracle://host/name", 2),
        ("COMMSAPP_DATABASE_URL", "sqlite:////nowhere/at/all/x.sqlite", 1),
        ("COMMSAPP_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none", 1),
        ("COMMSAPP_PORT", "eighty", 2),
        ("COMMSAPP_UPLOAD_LIMIT", "-5", 2),
        ("COMMSAPP_SECRET_KEY", "short", 2),
        ("COMMSAPP_HOST", "0.0.0.0", 2),
    ],
)
def test_a_setting_that_cannot_be_used_is_one_sentence(
    survey: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, status: int
) -> None:
    monkeypatch.setenv(name, value)
    ended = typed("import", survey, *PLACE)
    assert ended.status == status
    assert ended.sentence


def test_settings_that_are_set_to_nothing_are_as_if_unset(survey: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "JOBS_URL", "SECRET_KEY", "HOST", "PORT", "UPLOAD_LIMIT"):
        monkeypatch.setenv(f"COMMSAPP_{name}", "")
    assert typed("import", survey, *PLACE).status == 0


def test_a_file_in_place_of_the_database_is_one_sentence(survey: Path, data: Path) -> None:
    data.mkdir()
    (data / "commsapp.sqlite").write_text("This is no database, but somebody's notes." * 50, encoding="utf-8")
    ended = typed("import", survey, *PLACE)
    assert ended.status == 1
    assert ended.sentence


@pytest.mark.slow
def test_the_same_from_a_terminal(survey: Path, data: Path) -> None:
    """As a process of its own: exit status, standard output for a program, nothing on it but JSON."""
    assert typed("import", survey, *PLACE, "--chosen", "random").status == 0
    assert typed("analyse", "--programme", "County lines").status == 0
    ended = typed_apart("results", "--programme", "County lines", "--json", folder=data)
    assert (ended.status, ended.err) == (0, "")
    assert all(list(row) == KEYS for row in json.loads(ended.out))
    missing = typed_apart("import", survey.parent / "nowhere.csv", *PLACE, folder=data)
    assert missing.status == 2
    assert missing.sentence.startswith("There is no file")


def test_the_report_of_a_programme_is_one_file(survey: Path, tmp_path: Path) -> None:
    typed("import", survey, *PLACE, "--chosen", "random")
    typed("analyse", "--programme", "County lines")
    written = typed("report", "--programme", "County lines", "--output", tmp_path / "report.html")
    assert written.status == 0, written.err
    assert "What was listened to" in (tmp_path / "report.html").read_text("utf-8")
    refused = typed("report", "--programme", "County lines", "--output", tmp_path / "nowhere" / "report.html")
    assert (refused.status, refused.out) == (2, "")
    assert "There is no folder" in refused.err
