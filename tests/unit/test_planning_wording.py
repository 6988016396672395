"""Figures in words."""

from __future__ import annotations

import pytest

from commsapp.planning.wording import split_item


@pytest.mark.parametrize(
    ("item", "question", "choice"),
    [
        ("Have you heard?: Yes", "Have you heard?", "Yes"),
        ("Have you heard?: Yes: on the bus", "Have you heard?", "Yes: on the bus"),
        ("Q4: Have you heard?: No", "Q4: Have you heard?", "No"),
        ("Trust in police: A lot", "Trust in police", "A lot"),
        ("Part 2: trust: A lot", "Part 2: trust", "A lot"),
    ],
)
def test_an_item_is_split_into_question_and_choice(item: str, question: str, choice: str) -> None:
    assert split_item(item) == (question, choice)
