"""Whole tables in and out of files: no row and no cell is lost, whatever stands in them."""

from __future__ import annotations

import gzip
import io
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from commsapp.errors import BadInput
from commsapp.listening import files
from commsapp.listening.files import UNREADABLE, check_fits, check_output, read_frame, write_frame

WORDS = [
    "007",
    ' "quoted", with comma ',
    "two\nlines",
    "three\r\nways\rto end",
    "",
    "Mae'n braf 🙂",
    "=1+1",
    "NA",
    "null",
    "1e5",
    "+44",
]


@pytest.fixture
def table() -> pd.DataFrame:
    return pd.DataFrame({"id": [f"{n:03}" for n in range(len(WORDS))], "comment": WORDS}, dtype=object)


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".parquet"])
def test_what_is_written_is_read_again_cell_by_cell(table: pd.DataFrame, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    write_frame(table, path)
    assert read_frame(path).to_dict("list") == table.to_dict("list")
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".parquet"])
def test_the_same_table_twice_is_the_same_file_twice(table: pd.DataFrame, tmp_path: Path, suffix: str) -> None:
    for name in ("a", "b"):
        write_frame(table.assign(share=0.1), tmp_path / f"{name}{suffix}")
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


CELLS = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), include_characters="\r\n\t"), max_size=20)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(rows=[("x", "\r"), ("y", "\ufeff"), ("z", "\u2028")])
@given(rows=st.lists(st.tuples(st.sampled_from(["x", "y", "z"]), CELLS), min_size=1, max_size=6))
def test_any_cells_come_through_csv(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    table = pd.DataFrame(rows, columns=["id", "comment"], dtype=object)
    write_frame(table, tmp_path / "wild.csv")
    assert read_frame(tmp_path / "wild.csv").to_dict("list") == table.to_dict("list")


def test_blank_rows_between_others_stay_and_those_at_the_end_go(tmp_path: Path) -> None:
    path = tmp_path / "blank.csv"
    path.write_text("id,comment\n1,a\n\n,\n2,b\n,\n,\n", encoding="utf-8")
    wanted = {"id": ["1", "", "", "2"], "comment": ["a", "", "", "b"]}
    assert read_frame(path).to_dict("list") == wanted
    sheet = tmp_path / "blank.xlsx"
    pd.DataFrame({"id": ["1", "", "", "2", "", ""], "comment": ["a", "", "", "b", "", " "]}).to_excel(sheet, index=False)
    assert read_frame(sheet).to_dict("list") == wanted


def test_an_empty_comment_of_a_table_with_one_column_is_a_row(tmp_path: Path) -> None:
    path = tmp_path / "one.csv"
    path.write_text('comment\n"one of them"\n""\n"another, with a comma"\n', encoding="utf-8")
    assert read_frame(path)["comment"].tolist() == ["one of them", "", "another, with a comma"]


def test_a_row_that_cannot_be_read_stays_with_what_could_be_made_out_of_it(tmp_path: Path) -> None:
    path = tmp_path / "broken.csv"
    path.write_text('id,comment\n1,fine\n2,too,many,cells\n3,"never closed\n4,fine too\n', encoding="utf-8")
    frame = read_frame(path)
    assert len(frame) == 4
    assert frame["comment"].tolist() == ["fine", "too", "", "fine too"]
    assert set(frame.attrs[UNREADABLE]) == {1, 2}
    kept = " ".join(frame.astype(str).agg(" ".join, axis=1))
    assert all(word in kept for word in ("many", "cells", "never closed"))


def test_names_that_turn_up_late_in_json_lines_become_columns(tmp_path: Path) -> None:
    path = tmp_path / "late.jsonl"
    lines = ['{"comment": "a"}\n'] * 1_200 + [
        "\n",
        '{"comment": "b", "late": "c"}\n',
        '{"comment": "half \\ud83d"}\n',
        "no JSON\n",
    ]
    path.write_text("".join(lines), encoding="utf-8")
    frame = read_frame(path)
    assert len(frame) == 1_203
    assert frame["late"].iloc[1_200] == "c"
    assert frame["comment"].iloc[1_201] == "half \ufffd"
    assert list(frame.attrs[UNREADABLE]) == [1_202]
    write_frame(frame, tmp_path / "late.csv")


def test_a_workbook_keeps_its_types_below_a_title_and_beside_unnamed_columns(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    rows: list[list[Any]] = [
        ["Event in the hall", None, None],
        [None, None, None],
        ["id", "comment", "comment"],
        [7, "good", 1.5],
        [8, "Row 8", pd.Timestamp("2026-03-01")],
        [None, None, None],
        ["009", None, True],
    ]
    pd.DataFrame(rows).to_excel(path, index=False, header=False)
    frame = read_frame(path)
    assert list(frame.columns) == ["id", "comment", "comment (2)"]
    assert frame["id"].tolist() == [7, 8, "", "009"]
    assert frame["comment (2)"].tolist() == [1.5, pd.Timestamp("2026-03-01"), "", True]
    for suffix in (".csv", ".parquet", ".xlsx"):
        write_frame(frame, tmp_path / f"again{suffix}")


@pytest.mark.parametrize("name", ["said.csv.gz", "said.gz", "said"])
def test_what_is_packed_with_gzip_is_unpacked(table: pd.DataFrame, tmp_path: Path, name: str) -> None:
    plain = io.StringIO()
    table.to_csv(plain, index=False)
    (tmp_path / name).write_bytes(gzip.compress(plain.getvalue().replace("\r", " ").encode()))
    assert read_frame(tmp_path / name)["id"].tolist() == table["id"].tolist()


def test_a_damaged_parquet_file_is_refused_with_a_sentence_wherever_the_damage_is(tmp_path: Path) -> None:
    path = tmp_path / "said.parquet"
    pd.DataFrame({"comment": ["Words of somebody"] * 9, "when": pd.Timestamp("2026-03-01")}).to_parquet(path)
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + b"\xa7" + whole[place + 1 :])
        try:
            read_frame(path)
        except BadInput as error:
            assert str(error).startswith("said.parquet is not a Parquet file")
    path.write_bytes(b"")
    with pytest.raises(BadInput, match="Parquet"):
        read_frame(path)


@pytest.mark.parametrize("name", ["n" * 300 + ".parquet", "n" * 300 + ".csv", "a\0b.csv", "gone.parquet"])
def test_a_name_that_no_file_can_have_is_a_file_that_cannot_be_opened(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match=r"can't be opened|There is no file"):
        read_frame(tmp_path / name)


def test_a_gzip_bomb_or_a_cut_off_one_is_refused_with_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST_UNPACKED", 1_000_000)
    bomb = tmp_path / "bomb.csv.gz"
    bomb.write_bytes(gzip.compress(b"comment\n" + b"a" * 3_000_000))
    with pytest.raises(BadInput, match="unpacks to more than 1 GB"):
        read_frame(bomb)
    whole = gzip.compress(bytes(range(256)) * 40)
    for broken in (whole[:-20], whole[:10] + b"\xff" * 40, whole[:12] + bytes(200)):
        bomb.write_bytes(broken)
        with pytest.raises(BadInput, match=r"bomb\.csv\.gz can't be unpacked"):
            read_frame(bomb)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("nowhere.csv", None),
        ("nowhere.parquet", None),
        ("empty.csv", b""),
        ("header.csv", b"id,comment\n"),
        ("binary.csv", bytes(range(256)) * 10),
        ("broken.parquet", b"PAR1 and nothing"),
        ("broken.xlsx", b"PK\x03\x04 and nothing"),
        ("named.xlsx", b"%PDF-1.4"),
    ],
)
def test_what_cannot_be_read_gives_one_sentence_that_names_it(tmp_path: Path, name: str, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput) as caught:
        read_frame(tmp_path / name)
    assert name in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("name", ["folder.csv", "folder.parquet", "folder"])
def test_a_folder_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(BadInput, match="is a folder"):
        read_frame(tmp_path / name)


def test_an_output_that_cannot_be_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    for path, why in (
        (tmp_path / "out.txt", "doesn't end in"),
        (tmp_path / "missing" / "out.csv", "no folder"),
        (tmp_path / "folder.csv", "is a folder"),
    ):
        with pytest.raises(BadInput, match=why):
            check_output(path)


def test_a_table_beyond_a_sheet_is_refused_and_not_cut(tmp_path: Path) -> None:
    long = pd.DataFrame({"id": [1], "comment": ["a" * 32_768]})
    with pytest.raises(BadInput, match="32,768 characters"):
        write_frame(long, tmp_path / "out.xlsx")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(BadInput, match="columns are more"):
        check_fits(pd.DataFrame(columns=range(16_380)), tmp_path / "out.xlsx", more_columns=8)
    with pytest.raises(BadInput, match="rows are more"):
        check_fits(pd.DataFrame(index=range(1_048_576)), tmp_path / "out.xlsx")
    write_frame(long, tmp_path / "out.csv")
    assert read_frame(tmp_path / "out.csv")["comment"].iloc[0] == "a" * 32_768


def test_cells_of_several_types_become_text_in_parquet_and_other_columns_keep_theirs(tmp_path: Path) -> None:
    table = pd.DataFrame({"id": [1, 2, 3], "comment": [5, "five", None], "share": [0.5, None, 1.0]}).astype({"comment": object})
    write_frame(table, tmp_path / "out.parquet")
    again = read_frame(tmp_path / "out.parquet")
    assert_frame_equal(again[["id", "share"]], table[["id", "share"]])
    assert again["comment"].iloc[:2].tolist() == ["5", "five"]
    assert again["comment"].isna().tolist() == [False, False, True]


FULL = """
import sys
from pathlib import Path
import pandas as pd
from commsapp.errors import BadInput
from commsapp.listening.files import write_frame
table = pd.DataFrame({"comment": [f"{n} {hash(str(n))}" for n in range(20000)]})
try:
    write_frame(table, Path(sys.argv[1]))
except BadInput as error:
    print(error)
"""


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".parquet"])
def test_a_disk_that_fills_up_gives_a_sentence_and_leaves_the_old_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    path.write_text("as it was", encoding="utf-8")
    process = subprocess.run(
        [sys.executable, "-c", FULL, str(path)],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)),
        env={"TMPDIR": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert process.returncode == 0, process.stderr[-2_000:]
    assert "can't be written" in process.stdout
    assert path.read_text("utf-8") == "as it was"
    assert not list(tmp_path.glob(".*"))
