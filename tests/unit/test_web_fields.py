from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict

from commsapp.web import fields
from commsapp.web.fields import Form, read_day


class Entry(Form):
    name = fields.TextField("Name", missing="Enter a name")
    chosen = fields.ChoiceField("Chosen", choices={"a": "A", "b": "B"}, missing="Select one")
    channel = fields.PickField("Channel", choices={"": "Select one", "s": "Survey"}, missing="Select a channel")
    shown = fields.TicksField("Show", choices={"a": "A", "b": "B"})
    day = fields.DayField("Day")
    replies = fields.WholeNumberField("Replies", missing="Enter how many")
    target = fields.NumberField("Target")


COMPLETE = {"name": "x", "chosen": "a", "channel": "s", "replies": "0"}


def entered(**values: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the form reads, and its errors."""
    app = Flask("fields")
    app.config.update(SECRET_KEY="key", WTF_CSRF_ENABLED=False)
    with app.test_request_context(method="POST"):
        form = Entry(formdata=MultiDict({**COMPLETE, **values}))
        form.validate()
        return form.data, form.errors


def test_a_complete_form_has_no_errors_and_trims_words() -> None:
    data, errors = entered(name="  County lines ")

    assert errors == {}
    assert data["name"] == "County lines"


def test_every_empty_field_says_what_to_do_in_its_own_words() -> None:
    _, errors = entered(name="   ", chosen="", channel="", replies="")

    assert errors == {
        "name": ["Enter a name"],
        "chosen": ["Select one"],
        "channel": ["Select a channel"],
        "replies": ["Enter how many"],
    }


def test_nought_is_a_number_and_not_an_empty_field() -> None:
    data, errors = entered(replies="0", target="0")

    assert errors == {}
    assert (data["replies"], data["target"]) == (0, 0.0)


def test_numbers_are_read_as_people_write_them() -> None:
    data, _ = entered(replies="1,200", target="6.5 %")

    assert (data["replies"], data["target"]) == (1200, 6.5)


@pytest.mark.parametrize(("field", "text"), [("replies", "many"), ("replies", "1.5"), ("target", "nan"), ("target", "inf")])
def test_what_is_no_number_is_asked_for_again_with_an_example(field: str, text: str) -> None:
    _, errors = entered(**{field: text})

    assert errors[field][0].startswith("Enter a ")
    assert "such as" in errors[field][0]


@pytest.mark.parametrize(("field", "value"), [("chosen", "c"), ("channel", "zz"), ("shown", "zz")])
def test_a_choice_that_was_not_offered_is_refused(field: str, value: str) -> None:
    assert field in entered(**{field: value})[1]


@pytest.mark.parametrize("text", ["31/3/2026", "31.03.2026", "31-3-2026", "31 March 2026", "31 mar 2026", "2026-03-31"])
def test_a_day_is_read_day_first_or_iso(text: str) -> None:
    assert read_day(text) == date(2026, 3, 31)


@pytest.mark.parametrize("text", ["3/31/2026", "31/2/2026", "31/3/26", "31 Febtober 2026", "soon", "2026", "31 marching 2026"])
def test_what_is_no_day_is_never_guessed(text: str) -> None:
    with pytest.raises(ValueError):
        read_day(text)
    _, errors = entered(day=text)
    assert errors == {"day": ["Enter a day such as 31/3/2026 or 31 March 2026"]}
