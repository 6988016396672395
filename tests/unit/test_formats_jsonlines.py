"""JSON Lines: nested values, bad lines, resumption."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commsapp.errors import BadInput
from commsapp.listening.formats import Table, open_table


def table(tmp_path: Path, content: str, name: str = "lines.jsonl") -> Table:
    path = tmp_path / "upload"
    path.write_text(content, encoding="utf-8", newline="")
    return open_table(path, name=name)


def test_nested_values_become_columns_and_numbers_stay_as_written(tmp_path: Path) -> None:
    first = '{"text": "Good", "who": {"age": 007}}'.replace("007", "7.10") + "\n"
    found = table(tmp_path, first + '{"text": "Bad", "tags": ["a", "b"], "ok": true, "none": null, "id": 12345678901234567890}\n')
    assert found.columns == ("text", "who/age", "tags", "ok", "none", "id")
    one, two = (row.cells or {} for row in found.rows())
    assert (one["who/age"], one["tags"]) == ("7.10", "")
    assert (two["tags"], two["ok"], two["none"], two["id"]) == ("a;b", "TRUE", "", "12345678901234567890")


def test_a_bad_line_is_a_problem_and_the_others_are_read(tmp_path: Path) -> None:
    found = table(tmp_path, '{"text": "a"}\nnot json\n[1]\n\n{"text": "b"}\n' + "[" * 100_000 + "\n{}\n")
    assert [(row.number, bool(row.problem)) for row in found.rows()] == [(1, False), (2, True), (3, True), (5, False), (6, True)]
    assert [row.number for row in found.rows(2)] == [3, 5, 6]


def test_names_that_end_up_alike_are_kept_apart(tmp_path: Path) -> None:
    found = table(tmp_path, '{"a/b": "1", "a": {"b": "2"}, "": "3", "x\\u0000\\ud800": "4"}\n')
    assert found.columns == ("a/b", "a/b (2)", "Column", "x\ufffd")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_lines_are_recognised_in_any_encoding_that_is_marked(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "lines.csv"
    path.write_bytes('{"text": "Łódź"}\n{"text": "b"}\n'.encode(encoding))
    found = open_table(path)
    assert (found.format, [(row.cells or {})["text"] for row in found.rows()]) == ("jsonl", ["Łódź", "b"])


def test_very_many_names_or_very_long_ones_are_no_burden(tmp_path: Path) -> None:
    alike = json.dumps({"x" * 400 + str(number): 1 for number in range(20_000)})
    deep = ('{"' + "k" * 8_000 + '":') * 900 + '"deep"' + "}" * 900
    began = time.process_time()
    rows = list(table(tmp_path, '{"text": "a"}\n' + alike + "\n" + deep + "\n").rows())
    assert time.process_time() - began < 5
    assert [row.problem for row in rows] == ["", "Line 2 has more names than the 500 that can be read.", ""]


@pytest.mark.parametrize(
    ("content", "name"), [('[\n{"text": "a"}\n]', "all.json"), ('{\n"text": "a"\n}', "one.json"), ("a,b\n", "x.jsonl")]
)
def test_json_that_is_not_in_lines_is_turned_away(tmp_path: Path, content: str, name: str) -> None:
    with pytest.raises(BadInput, match="JSON"):
        table(tmp_path, content, name)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.text(min_size=1).filter(str.strip), min_size=1, max_size=10))
def test_any_text_comes_back_as_it_was(tmp_path: Path, texts: list[str]) -> None:
    found = table(tmp_path, "".join(json.dumps({"text": text}) + "\n" for text in texts))
    assert [(row.cells or {})["text"] for row in found.rows()] == texts
