"""CSV and its relatives: encodings, separators, headers, broken rows."""

import codecs
import csv
import dataclasses
import io
import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from commsapp.errors import BadInput
from commsapp.listening.formats import LIMITS, Row, Table, open_table

SETTINGS = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def table(tmp_path: Path, content: str | bytes, name: str = "survey.csv", **limits: int) -> Table:
    path = tmp_path / "upload"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return open_table(path, name=name, limits=dataclasses.replace(LIMITS, **limits))


def cells(found: Table, after: int = 0) -> list[list[str]]:
    return [list((row.cells or {}).values()) for row in found.rows(after)]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found_though_cells_hold_others_and_line_ends(tmp_path: Path, separator: str) -> None:
    out = io.StringIO(newline="")
    rows = [
        ["Date", "Comment", "Area"],
        ["2026-01-02", "one, two; three | four\tfive", "North"],
        ["2026-01-03", "a\nb,c\nd;e", "South"],
    ]
    csv.writer(out, delimiter=separator).writerows(rows)
    found = table(tmp_path, out.getvalue())
    assert (found.format, found.separator, found.columns) == ("csv", separator, ("Date", "Comment", "Area"))
    assert cells(found) == rows[1:]
    assert [row.number for row in found.rows()] == [2, 3]


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("utf-16", "utf-16"), ("utf-16-le", "utf-16-le"), ("utf-16-be", "utf-16-be"),
     ("utf-32", "utf-32"), ("cp1252", "cp1252")],
)  # fmt: skip
def test_the_encoding_is_found(tmp_path: Path, encoding: str, shown: str) -> None:
    found = table(tmp_path, "Comment;Area\r\nThe café is “shut”;Tŷ\r\n".replace("ŷ", "y").encode(encoding))
    assert found.encoding == shown
    assert found.columns == ("Comment", "Area")
    assert cells(found) == [["The café is “shut”", "Ty"]]
    assert bool(found.notes) == (encoding in ("cp1252", "utf-16-le", "utf-16-be"))


def test_one_damaged_character_does_not_garble_the_others(tmp_path: Path) -> None:
    found = table(tmp_path, b"text\n" + "Łódź, Kraków, Gdańsk\n".encode() * 5 + b"bad \xff\n")
    assert found.encoding == "utf-8"
    assert "1 damaged" in found.notes[0]
    assert cells(found)[0] == ["Łódź, Kraków, Gdańsk"]


def test_a_column_of_sentences_with_commas_is_one_column(tmp_path: Path) -> None:
    found = table(tmp_path, "Comment\nYes, I think so\nNo\nWell, perhaps, or not\n")
    assert (found.columns, found.separator) == (("Comment",), "")
    assert [row[0] for row in cells(found)] == ["Yes, I think so", "No", "Well, perhaps, or not"]


def test_excels_own_declaration_of_the_separator_is_heeded(tmp_path: Path) -> None:
    found = table(tmp_path, "sep=;\nComment;Area\nGood, really;North\n")
    assert (found.columns, found.header_row) == (("Comment", "Area"), 2)


def test_the_header_is_found_below_titles_and_blank_rows(tmp_path: Path) -> None:
    found = table(
        tmp_path, "Report:,Drugs\n\nFrom:,2026-01-01\n\nQuery Id,Date,Full Text,Author\n1,2026-01-02,Good,x\n2,2026-01-03,Bad,y\n"
    )
    assert (found.columns, found.header_row) == (("Query Id", "Date", "Full Text", "Author"), 5)
    assert [row.number for row in found.rows()] == [6, 7]
    assert "row 5" in found.notes[0]


def test_a_qualtrics_export_takes_its_wording_as_header(tmp_path: Path) -> None:
    found = table(
        tmp_path,
        "ResponseId,Q1\nResponse ID,What worries you most?\n"
        '"{""ImportId"":""_recordId""}","{""ImportId"":""QID1""}"\nR_1,Speeding\nR_2,Dealing\n',
    )
    assert found.columns == ("Response ID", "What worries you most?")
    assert cells(found) == [["R_1", "Speeding"], ["R_2", "Dealing"]]


def test_header_names_are_made_distinct_and_empty_ones_are_numbered(tmp_path: Path) -> None:
    found = table(tmp_path, "Comment,Comment,,Comment (2)\na,b,c,d\ne,f,g,h\n")
    assert found.columns == ("Comment", "Comment (2)", "Column 3", "Comment (2) (2)")


def test_a_short_row_is_filled_up_and_a_long_one_is_a_problem(tmp_path: Path) -> None:
    found = table(tmp_path, "a,b\n1,x\n2\n3,y,z\n4,w,,\n5,v\n")
    short, long = list(found.rows())[1:3]
    assert short == Row(3, {"a": "2", "b": ""})
    assert (long.number, long.problem) == (4, "Row 4 has 3 cells where the header has 2.")
    assert long.cells == {"a": "3", "b": "y", "Column 3": "z"}
    assert [row.number for row in found.rows() if not row.problem] == [2, 3, 5, 6]


def test_blank_rows_are_passed_over_and_still_counted(tmp_path: Path) -> None:
    assert [row.number for row in table(tmp_path, "a,b\n1,x\n\n,\n2,y\n").rows()] == [2, 5]


def test_reading_goes_on_after_a_row(tmp_path: Path) -> None:
    found = table(tmp_path, "a,b\n1,x\n2,y\n3,z\n")
    assert cells(found, after=3) == [["3", "z"]]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_an_unclosed_quotation_mark_costs_its_own_line_only(tmp_path: Path, ending: str) -> None:
    found = table(tmp_path, ending.join(["a,b", "1,fine", '2,"never closed', "3,good", "4,also good", ""]))
    rows = list(found.rows())
    assert [(row.number, bool(row.problem)) for row in rows] == [(2, False), (3, True), (4, False), (5, False)]
    assert rows[1].cells == {"line": '2,"never closed'}
    assert "never closed" in rows[1].problem


def test_a_cell_beyond_the_limit_is_a_problem_that_names_its_row(tmp_path: Path) -> None:
    rows = list(table(tmp_path, f"a,b\n1,{'x' * 600}\n2,y\n", text_cell=500).rows())
    assert rows[0].problem == "Row 2: a cell has more than 500 characters."
    assert rows[1] == Row(3, {"a": "2", "b": "y"})


def test_a_line_beyond_the_limit_is_never_held_whole(tmp_path: Path) -> None:
    rows = list(table(tmp_path, f"a,b\n1,x\n2,{'y' * 5000}\n3,z\n", text_row=1000).rows())
    assert [row.number for row in rows] == [2, 3, 4]
    assert "more than 1,000 characters" in rows[1].problem


@pytest.mark.parametrize("content", ["{long}", "id,{long}\n1,x\n"])
def test_where_only_a_broken_row_could_be_the_header_it_is_named(tmp_path: Path, content: str) -> None:
    with pytest.raises(BadInput, match=r"Row 1 of survey\.csv can't be read: it has more than 1,000 characters\."):
        table(tmp_path, content.format(long="y" * 5000), text_row=1000)


def test_a_header_of_very_many_digits_is_read_at_once(tmp_path: Path) -> None:
    began = time.process_time()
    found = table(tmp_path, f"id,{'1' * 200_000}x\n1,a\n2,b\n")
    assert len(found.columns) == 2
    assert time.process_time() - began < 5


def test_a_file_of_broken_rows_is_given_up(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="more than 100 broken rows"):
        table(tmp_path, "a,b\n1,x\n" + f"2,{'y' * 600}\n" * 101, text_cell=500)


def test_memory_stays_bounded(tmp_path: Path) -> None:
    found = table(tmp_path, "id,comment,area\n" + "".join(f"{n},{'words ' * 20},North\n" for n in range(60_000)))
    tracemalloc.start()
    try:
        assert sum(1 for _ in found.rows()) == 60_000
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


@SETTINGS
@given(content=st.binary(max_size=300) | st.text(alphabet='a1,;\t|"\r\n \0é\ufeff{}[]', max_size=200).map(str.encode))
@example(content=b'"')
@example(content=b'a\n"')
@example(content=codecs.BOM_UTF16_LE + b"a")
@example(content=b"{}\n")
@example(content=b"PK\x03\x04")
def test_wild_bytes_give_rows_or_one_clear_sentence(tmp_path: Path, content: bytes) -> None:
    try:
        rows = list(table(tmp_path, content).rows())
    except BadInput as error:
        assert "survey.csv" in str(error)
        assert error.cure
    else:
        numbers = [row.number for row in rows]
        assert numbers == sorted(set(numbers))
        assert all(row.problem or any(cell.strip() for cell in (row.cells or {}).values()) for row in rows)


WILD = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\t\r,;\"'"), max_size=30)


@SETTINGS
@given(rows=st.lists(st.tuples(WILD, WILD, WILD), min_size=1, max_size=8))
def test_wild_cells_come_back_as_they_were_and_no_row_is_lost(tmp_path: Path, rows: list[tuple[str, str, str]]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([("first", "second", "third"), ("one", "two", "three"), *rows])
    found = table(tmp_path, out.getvalue())
    kept = [("one", "two", "three"), *(row for row in rows if any(cell.strip() for cell in row))]
    assert [tuple((row.cells or {}).values()) for row in found.rows()] == kept


LINES = ["1,x{}", '2,"open{}', '3,a"b{}', '4,"ok{}"', "5,6,{}", '"8{}', '9,"",{}', '"a{}\nb",c', "{}"]


@SETTINGS
@given(lines=st.lists(st.sampled_from(LINES), max_size=12))
def test_every_line_of_a_damaged_file_is_in_a_row_or_a_problem(tmp_path: Path, lines: list[str]) -> None:
    marked = [line.format(f"<{number}>") for number, line in enumerate(lines)]
    rows = list(table(tmp_path, "\n".join(["a,b", "0,first", *marked, ""])).rows())
    told = " ".join(cell for row in rows for cell in (row.cells or {}).values())
    assert [number for number in range(len(lines)) if f"<{number}>" not in told] == []
