"""Figures in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commsapp.listening.measuring import answer_item
from commsapp.planning.wording import split_item


@pytest.mark.parametrize(
    ("question", "choice"),
    [
        ("Have you heard?", "Yes"),
        ("Have you heard?", "Yes: on the bus"),
        ("Q4: Have you heard?", "No"),
        ("How much do you trust?: police", "Yes: always"),
        ("Trust in police", "A lot: or so: or not"),
    ],
)
def test_an_item_is_split_into_question_and_choice(question: str, choice: str) -> None:
    assert split_item(answer_item(question, choice)) == (question, choice)


def test_an_item_reads_as_people_write_it() -> None:
    assert answer_item("Have you heard?", " Yes ") == "Have you heard?: Yes"


@given(question=st.text(alphabet="ab: ?", min_size=1), choice=st.text(alphabet="ab: ?", min_size=1))
def test_every_choice_comes_back(question: str, choice: str) -> None:
    assert split_item(answer_item(question, choice.strip())) == (question, choice.strip())
