"""XLSX: cells as shown, limits, and a parser that may die."""

import dataclasses
import datetime
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from commsapp.errors import BadInput
from commsapp.listening.formats import LIMITS, Row, Table, open_table


def workbook(path: Path, write: Callable[[Any], object]) -> Path:
    book = xlsxwriter.Workbook(str(path), {"default_date_format": "dd/mm/yyyy"})
    write(book)
    book.close()
    return path


def simple(path: Path, rows: list[list[object]]) -> Path:
    def write(book: Any) -> None:
        sheet = book.add_worksheet("Answers")
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)

    return workbook(path, write)


def opened(path: Path, **limits: int) -> Table:
    return open_table(path, limits=dataclasses.replace(LIMITS, **limits))


def test_cells_are_read_as_the_sheet_shows_them(tmp_path: Path) -> None:
    def write(book: Any) -> None:
        book.add_worksheet("Notes")
        sheet = book.add_worksheet("Data")
        sheet.write_row(2, 1, ["id", "code", "when", "yes", "odd"])
        sheet.write_row(3, 1, [7, "007", datetime.datetime(2026, 2, 3), True])
        sheet.write_formula(3, 5, "=1/0", "", "#DIV/0!")
        sheet.write_row(5, 1, [0.1, "x", datetime.datetime(2026, 2, 3, 14, 5), False, "end"])
        book.add_worksheet("More").write(0, 0, "other")

    found = opened(workbook(tmp_path / "a.xlsx", write))
    assert (found.format, found.sheet, found.header_row, found.columns) == (
        "xlsx",
        "Data",
        3,
        ("id", "code", "when", "yes", "odd"),
    )
    assert [row.number for row in found.rows()] == [4, 6]
    first, second = (list((row.cells or {}).values()) for row in found.rows())
    assert first == ["7", "007", "2026-02-03", "TRUE", ""]
    assert second == ["0.1", "x", "2026-02-03 14:05:00", "FALSE", "end"]
    assert any("'Data', one of 2 with something in them. To read another one, save it as CSV." in note for note in found.notes)
    assert any("#REF!" in note for note in found.notes)


def test_a_cover_in_front_of_the_table_is_passed_over_and_a_hidden_sheet_too(tmp_path: Path) -> None:
    def write(book: Any) -> None:
        hidden = book.add_worksheet("Lists")
        hidden.write_row(0, 0, ["a", "b"])
        hidden.write_row(1, 0, ["c", "d"])
        hidden.hide()
        book.add_worksheet("Cover").write_column(0, 0, ["Survey of March", "By the team", "For us only"])
        sheet = book.add_worksheet("Data")
        sheet.write_row(0, 0, ["id", "comment"])
        sheet.write_row(1, 0, [1, "Words"])
        sheet.activate()

    found = opened(workbook(tmp_path / "a.xlsx", write))
    assert (found.sheet, found.columns) == ("Data", ("id", "comment"))
    only = opened(workbook(tmp_path / "b.xlsx", lambda book: book.add_worksheet().write_column(0, 0, ["comment", "a", "b"])))
    assert [list((row.cells or {}).values()) for row in only.rows()] == [["a"], ["b"]]


def test_reading_goes_on_after_a_row(tmp_path: Path) -> None:
    found = opened(simple(tmp_path / "a.xlsx", [["a", "b"], ["x", "y"], ["z", "w"]]))
    assert list(found.rows(2)) == [Row(3, {"a": "z", "b": "w"})]
    assert found.estimated_rows == 2


def test_a_reader_that_is_left_early_ends_its_process(tmp_path: Path) -> None:
    rows = opened(simple(tmp_path / "a.xlsx", [["a", "b"]] + [["x" * 200, n] for n in range(5000)])).rows()
    assert next(rows).number == 2
    rows.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("rows", "limits", "said"),
    [
        ([], {}, "is empty"),
        ([["a", "b"]], {}, "no rows below"),
        ([["a", "b", "c"], ["x", "y", "z"]], {"columns": 2}, "has 3 columns"),
        ([["a"], ["x"], ["y"]], {"xlsx_rows": 2}, "has 3 rows"),
        ([["a"], ["x"], ["long" * 9]], {"xlsx_cell": 30}, "Row 3 of a.xlsx has a cell with 36 characters"),
        ([["a"], ["x"]], {"parts": 3}, "parts"),
        ([["a"], ["x"]], {"unpacked": 2000}, "would unpack"),
        ([["a"], ["x"]], {"wall_seconds": 0}, "takes longer"),
    ],
)
def test_beyond_a_limit_it_is_refused_in_a_sentence(
    tmp_path: Path, rows: list[list[object]], limits: dict[str, int], said: str
) -> None:
    with pytest.raises(BadInput, match=said) as caught:
        opened(simple(tmp_path / "a.xlsx", rows), **limits)
    assert caught.value.cure


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, promise: Callable[[int, str], None]) -> None:
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        with archive.open("xl/worksheets/sheet1.xml", "w") as part:
            for _ in range(1_000):
                part.write(b"0" * 1_000_000)
    with pytest.raises(BadInput, match="would unpack to 1,000,000,011 bytes"):
        open_table(path)
    promise(11, f"a workbook of {path.stat().st_size / 1e6:.1f} MB that would unpack to 1 GB: refused before it is unpacked")


def test_a_bomb_whose_headers_lie_dies_in_the_child_only(tmp_path: Path, promise: Callable[[int, str], None]) -> None:
    path = simple(tmp_path / "a.xlsx", [["a"], ["x"]])
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(BadInput, match=r"a\.xlsx is damaged"):
        open_table(path)
    far = tmp_path / "far.xlsx"
    workbook(far, lambda book: book.add_worksheet().write_row(0, 0, ["a", "b"]))
    with zipfile.ZipFile(far) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["xl/worksheets/sheet1.xml"] = (
        b'<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        b'<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>'
    )
    with zipfile.ZipFile(far, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    with pytest.raises(BadInput, match="more memory"):  # 17 billion cells
        open_table(far)
    promise(11, "a workbook that says it has 17 billion cells: refused, its memory was limited in a child process")


def test_the_child_gets_no_secrets_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMMSAPP_SECRET_KEY", "canary")
    from commsapp.listening.formats import workbook as module

    assert not any(name.startswith("COMMSAPP") for name in module._KEPT_SETTINGS)
    assert opened(simple(tmp_path / "a.xlsx", [["a"], ["x"]])).columns == ("a",)
