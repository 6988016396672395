"""What is taken out of cells before they are stored or shown."""

import html5lib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commsapp.listening.formats.tidy import LONGEST_NAME, clean, column_name


@pytest.mark.parametrize(
    ("cell", "cleaned"),
    [
        ("one\ttwo\r\nthree", "one\ttwo\r\nthree"),
        ("nul\0 bell\x07 escape\x1b[31m", "nul bell escape[31m"),
        ("half \ud83d of it", "half \ufffd of it"),
        ("no character \uffff \U0001fffe", "no character \ufffd \ufffd"),
        ("they said \x93no\x94 \x96 twice\x85", "they said “no” – twice…"),
        ("nothing\x81 there", "nothing there"),
    ],
)
def test_what_no_database_and_no_page_can_hold_is_taken_out(cell: str, cleaned: str) -> None:
    assert clean(cell) == cleaned


@given(st.text(st.characters()))
def test_whatever_is_left_can_be_stored_and_shown_and_cleaning_again_changes_nothing(cell: str) -> None:
    left = clean(cell)
    assert clean(left) == left
    assert "\0" not in left.encode("utf-8").decode("utf-8")
    shown = html5lib.HTMLParser()
    shown.parseFragment(left.replace("&", "&amp;").replace("<", "&lt;"))
    assert not [problem for problem in shown.errors if "codepoint" in problem[1]]


@given(st.text(st.characters(), max_size=2_000))
def test_a_column_name_is_one_bearable_line(name: str) -> None:
    found = column_name(name)
    assert len(found.splitlines()) <= 1
    assert len(found) <= LONGEST_NAME
