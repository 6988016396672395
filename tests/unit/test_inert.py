"""What we write is inert: reopened in a spreadsheet there is no formula, and a number is still a number."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from commsapp.inert import as_it_was, csv_text, inert, is_dangerous
from commsapp.listening.files import write_frame

BEFORE = ["", " ", "  ", "'", '"', "\u201c", "\u00a0", "' ", '" "']
SIGNS = ["=", "+", "-", "@", "\t", "\r", "\0", "\uff1d"]
REST = ["cmd|' /C calc'!A0", "1+1", 'HYPERLINK("http://x.example","y")', "SUM(A1:A9)"]
ATTACKS = [before + sign + rest for before in BEFORE for sign in SIGNS for rest in REST]
NUMBERS = ["5", "-5", "+44", "-1.5", "1e5", "-2E-3", "1,200", "-12 %", ".5"]
WORDS = ["", "They ring at night", "a = b", "name@example.org", "it's -5 outside", "'quoted'", "7-9"]


def begins_a_formula(cell: str) -> bool:
    """As spreadsheets judge it, blanks and quotes aside: written apart from the module that is tested."""
    stripped = cell.lstrip(" \u00a0\"'\u201c\u201d\ufeff\n") if not cell.startswith("'") else "text"
    return stripped[:1] in set("=+-@\t\r\0\uff1d") and not re.fullmatch(r"[-+]?[\d.,]+([eE][-+]?\d+)?\s?%?", cell)


def test_no_cell_of_a_csv_is_a_formula_and_numbers_stay(promise: Callable[[int, str], None]) -> None:
    cells = [*ATTACKS, *NUMBERS, *WORDS]
    rows = list(csv.reader(io.StringIO(csv_text(["n", "cell"], enumerate(cells)), newline="")))[1:]
    formulas = [cell for _, cell in rows if begins_a_formula(cell)]
    assert formulas == []
    assert [cell for _, cell in rows[-len(WORDS) :]] == WORDS
    numbers = [cell for _, cell in rows[len(ATTACKS) : len(ATTACKS) + len(NUMBERS)]]
    assert numbers == NUMBERS
    promise(13, f"CSV reopened: 0 formulas in {len(ATTACKS)} attacks, {len(NUMBERS)} of {len(NUMBERS)} numbers still numbers")


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_no_cell_of_a_coded_table_is_a_formula(tmp_path: Path, suffix: str, promise: Callable[[int, str], None]) -> None:
    attacks = [cell for cell in ATTACKS if not set(cell) & {"\0"}]  # no reader lets one in
    table = pd.DataFrame({"=1+1": attacks, "share": [-0.5] * len(attacks), "number": ["-5"] * len(attacks)}, dtype=object)
    table["share"] = table["share"].astype(float)
    path = tmp_path / f"out{suffix}"
    write_frame(table, path)
    if suffix == ".csv":
        read = list(csv.reader(io.StringIO(path.read_bytes().decode(), newline="")))
        assert not [cell for row in read for cell in row if begins_a_formula(cell)]
        assert {(row[1], row[2]) for row in read[1:]} == {("-0.5", "-5")}
    else:
        with zipfile.ZipFile(path) as book:
            sheets = [book.read(name).decode() for name in book.namelist() if name.startswith("xl/worksheets/")]
            assert 'quotePrefix="1"' in book.read("xl/styles.xml").decode()
        assert not [sheet for sheet in sheets if "<f>" in sheet or "<f " in sheet or "hyperlink" in sheet]
        read = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
        assert [row[0] for row in read[1:]] == attacks
        assert {row[1] for row in read[1:]} == {-0.5}
    promise(13, f"{suffix} reopened: 0 formulas in {len(attacks)} attacks, numbers still numbers")


@given(st.text(max_size=12) | st.sampled_from([*ATTACKS, *NUMBERS, *WORDS]))
def test_what_was_made_inert_is_read_back_as_it_was(cell: str) -> None:
    written = inert(cell)
    assert isinstance(written, str)
    assert as_it_was(written) == cell
    assert is_dangerous(cell) == (written != cell)


def test_what_is_no_text_stays_as_it_is() -> None:
    assert [inert(value) for value in (-5, -0.5, None, True)] == [-5, -0.5, None, True]
