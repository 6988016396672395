"""Rows become records or rejections with a reason; the same row is the same row again; a preview shows all before."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commsapp.listening.columns import Mapping
from commsapp.listening.dates import DateOrder
from commsapp.listening.formats import Row
from commsapp.listening.formats.preview import preview
from commsapp.listening.identity import MemoryOrdinals
from commsapp.listening.records import Record, Reject, to_record

FULL = Mapping(
    text="t",
    date="d",
    area="a",
    language="l",
    translation="tr",
    translator="by",
    weight="w",
    respondent="r",
    identity="id",
    consent="c",
    handling="h",
    attributes=("age",),
    questions=("Q?",),
    left_out=("email",),
)
PLAIN = Mapping(text="t", attributes=("x",))


def record(cells: dict[str, str], mapping: Mapping = FULL, ordinals: MemoryOrdinals | None = None) -> Record | Reject:
    return to_record(Row(5, cells), mapping, DateOrder.DMY, ordinals or MemoryOrdinals())


def identity(found: Record | Reject) -> str:
    assert isinstance(found, Record), found
    return found.identity


def test_a_full_row_becomes_a_record() -> None:
    cells = {
        "t": " Dzień dobry ",
        "d": "03/02/2026",
        "a": "North",
        "l": "pl",
        "tr": "Good day",
        "by": "Ana",
        "w": "0.85",
        "r": "p1",
        "id": "7",
        "c": "Quote; log",
        "h": "Official Sensitive",
        "age": "25-34",
        "Q?": "Yes",
        "email": "a@b.c",
    }
    assert record(cells) == Record(
        row=5,
        identity="id:7",
        text="Dzień dobry",
        date=date(2026, 2, 3),
        area="North",
        language="pl",
        translation="Good day",
        translator="Ana",
        weight=0.85,
        respondent="p1",
        consent=("log", "quote"),
        handling="official-sensitive",
        attributes={"age": "25-34"},
        answers={"Q?": "Yes"},
    )


def test_a_row_without_text_or_answers_is_kept() -> None:
    found = record({"t": "", "a": "North"})
    assert isinstance(found, Record)
    assert (found.text, found.answers, found.date, found.weight) == ("", {}, None, None)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"d": "someday"}, "'someday' is not a date"),
        ({"w": "-1"}, "weight is not a number"),
        ({"w": "nan"}, "weight"),
        ({"c": "sell"}, "log, analyse, quote, publish"),
        ({"h": "secret"}, "open, official-sensitive, concern"),
    ],
)
def test_a_cell_that_cannot_be_read_rejects_the_row_with_the_reason(cells: dict[str, str], said: str) -> None:
    found = record({"t": "words"} | cells)
    assert isinstance(found, Reject)
    assert found.reason.startswith("Row 5: ")
    assert said in found.reason
    assert found.cells == {"t": "words"} | cells


def test_a_problem_of_the_reader_is_a_rejection() -> None:
    assert to_record(Row(9, None, "Line 9 is not JSON."), PLAIN, None, MemoryOrdinals()) == Reject(9, "Line 9 is not JSON.", None)


def test_what_no_database_keeps_is_cleaned_and_all_else_stays() -> None:
    found = record({"t": "a\0b\x1b \ud800 \u202eכ e\u0301 👩‍👧\nx"}, PLAIN)
    assert isinstance(found, Record)
    assert found.text == "ab \ufffd \u202eכ e\u0301 👩‍👧\nx"
    found.text.encode()


def test_equal_rows_of_two_people_count_twice_and_the_same_file_gives_the_same_identities() -> None:
    rows = [{"t": "same", "x": "1"}, {"t": "same", "x": "1"}, {"t": "same", "x": "2"}]
    first, again = MemoryOrdinals(), MemoryOrdinals()
    names = [identity(record(cells, PLAIN, first)) for cells in rows]
    assert len(set(names)) == 3
    longer = [rows[2], *rows[:2], rows[0]]
    assert set(names) < {identity(record(cells, PLAIN, again)) for cells in longer}


def test_the_identity_does_not_depend_on_mapping_order_or_empty_columns() -> None:
    one = identity(record({"t": "a\r\nb", "x": "1"}, PLAIN))
    assert identity(record({"x": "1", "t": "a\nb ", "new": ""}, Mapping(text="x"))) == one
    assert identity(record({"x": "1", "t": "a\nb", "new": "2"}, PLAIN)) != one


def test_an_id_that_comes_again_with_other_cells_is_rejected_and_with_the_same_is_there_already() -> None:
    seen = MemoryOrdinals()
    assert identity(record({"id": "7", "t": "one"}, FULL, seen)) == "id:7"
    other = record({"id": "7", "t": "two"}, FULL, seen)
    assert isinstance(other, Reject)
    assert "'7' came before" in other.reason
    assert identity(record({"id": "7", "t": "one"}, FULL, seen)) == "id:7"


def test_a_rejected_row_does_not_count_as_seen() -> None:
    seen = MemoryOrdinals()
    assert isinstance(record({"id": "7", "t": "one", "w": "x"}, FULL, seen), Reject)
    assert identity(record({"id": "7", "t": "one", "w": "1"}, FULL, seen)) == "id:7"


@given(cells=st.dictionaries(st.sampled_from(["t", "d", "w", "c", "h", "id", "Q?", "age"]), st.text(max_size=20)))
def test_any_row_is_a_record_or_a_reject(cells: dict[str, str]) -> None:
    found = record(cells)
    assert isinstance(found, Record | Reject)
    if isinstance(found, Record):
        found.text.encode()
        found.identity.encode()


def test_a_preview_shows_columns_sample_and_what_became_what(tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_text("id,Date,Comment\n" + "".join(f"{n},03/02/2026,Comment number {n}\n" for n in range(1, 31)) + "31,1,2,3\n")
    found = preview(path, "July.csv", rows=3)
    assert (found.mapping.text, found.mapping.date, found.mapping.identity) == ("Comment", "Date", "id")
    assert found.sample[0] == {"id": "1", "Date": "03/02/2026", "Comment": "Comment number 1"}
    assert (len(found.sample), found.estimated_rows) == (3, 31)
    assert found.problems == ("Row 32 has 4 cells where the header has 3.",)
    assert found.date_order is None
    assert found.question is not None
    assert found.question.field == "date_order"


def test_a_preview_reads_on_until_a_date_tells_the_order(tmp_path: Path) -> None:
    path = tmp_path / "late.csv"
    path.write_text(
        "Date,Comment\n" + "".join(f"03/02/2026,Comment number {n}\n" for n in range(3000)) + "13/02/2026,Last one here\n"
    )
    found = preview(path)
    assert (found.date_order, found.question) == (DateOrder.DMY, None)
