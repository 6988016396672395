"""Figures in words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commsapp.errors import BadInput
from commsapp.listening.measuring import answer_item
from commsapp.listening.views import Result
from commsapp.planning.checking import check_can_move
from commsapp.planning.wording import result_sentence, split_item, subject


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


@pytest.mark.parametrize(
    ("measure", "item", "says"),
    [
        ("emotion share", "anger", "In March, 31 % was the share of the feedback in Ash in which anger is heard ("),
        ("emotion share", "neutral", "the share of the feedback in Ash in which no emotion is heard ("),
        ("topic emotion share", "Scams: calls: fear", "of the feedback in Ash on ‘Scams: calls’ in which fear is heard ("),
        ("unsure share", "", "the share of the feedback in Ash whose tone the model is not sure of ("),
        ("topic unsure share", "Scams", "the feedback in Ash on ‘Scams’ whose tone the model is not sure of ("),
    ],
)
def test_what_is_felt_is_said_of_the_feedback_and_never_of_people(measure: str, item: str, says: str) -> None:
    result = Result(
        id=1, programme_id=1, measure=measure, item=item, wave="March", area="Ash", segment="", value=0.31, low=0.2, high=0.4,
        n=50, n_effective=50.0, not_coded={}, chosen="share of people", codebook_version="", model_version="tone/1",
        corrected=False, made_at=datetime(2026, 4, 1, tzinfo=UTC),
    )  # fmt: skip
    sentence = result_sentence(result)
    assert says in sentence
    assert sentence.endswith("(50 responses, 95 % interval 20 to 40 %).")
    assert "people" not in sentence
    assert subject(measure, item).startswith("the share of the feedback ")
    with pytest.raises(BadInput, match="How feedback sounds beyond its tone is not something that a message can be planned on"):
        check_can_move(result)
