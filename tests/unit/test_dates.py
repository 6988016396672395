"""Dates: read as written, asked about where two days can be meant."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commsapp.errors import Ambiguous, BadInput
from commsapp.listening.dates import DateOrder, find_order, parse

TODAY = date(2026, 6, 1)
THIRD = date(2026, 2, 3)


@pytest.mark.parametrize(
    "value",
    [
        "2026-02-03",
        "2026/02/03",
        "2026-2-3",
        "2026-02-03T14:05:00Z",
        "2026-02-03 14:05:00.123456",
        "2026-02-03T23:59:59+01:00",
        "20260203",
        "20260203T140500Z",
        "3 Feb 2026",
        "3rd February 2026",
        "Feb 3, 2026",
        "February 3rd, 2026 at 2:05 pm",
        "3-Feb-26",
        "Tue Feb 3 12:58:16 WIB 2026",
        "Tuesday, 3 February 2026",
        "Tue, 03 Feb 2026 14:05:00 GMT",
        "Tue, 03 Feb 2026 14:05:00 +0000",
        "1770123600000",
        "1770123600",
        " 2026-02-03 ",
    ],
)
@pytest.mark.parametrize("order", [*DateOrder, None])
def test_what_says_its_own_order_is_read_under_any(value: str, order: DateOrder | None) -> None:
    assert parse(value, order, today=TODAY) == THIRD


@pytest.mark.parametrize("value", ["3/2/2026", "03.02.2026", "03-02-26", "03/02/2026 14:05", "03/02/2026, 14:05:59"])
def test_figures_are_read_in_the_order_given_and_not_without_one(value: str) -> None:
    assert parse(value, DateOrder.DMY, today=TODAY) == THIRD
    assert parse(value, DateOrder.MDY, today=TODAY) == date(2026, 3, 2)
    with pytest.raises(BadInput, match="could be two days"):
        parse(value, DateOrder.ISO, today=TODAY)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("31/02/2026", "not a day in the calendar"),
        ("2026-13-01", "not a day"),
        ("01/01/1970", "before 1990"),
        ("3 June 2026", "in the future"),
        ("46056", "as Excel counts"),
        ("Feb 2026", "not a date"),
        ("tomorrow", "not a date"),
        ("", "not a date"),
        ("9999999999999", "future"),
        ("3 Feb 2026 or later", "not a date"),
        ("٣ Feb 2026", "not a date"),
        ("²/2/2026", "not a date"),
    ],
)
def test_what_is_no_plausible_date_is_refused_with_the_reason(value: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        parse(value, DateOrder.DMY, today=TODAY)


def test_tomorrow_is_allowed_since_clocks_differ() -> None:
    assert parse("2026-06-02", None, today=TODAY) == date(2026, 6, 2)


@pytest.mark.parametrize(
    ("values", "order"),
    [
        (["2026-02-03", ""], DateOrder.ISO),
        ([], DateOrder.ISO),
        (["03/02/2026", "13/02/2026"], DateOrder.DMY),
        (["03/02/2026", "02/13/2026"], DateOrder.MDY),
        (["05/05/2026"], DateOrder.DMY),
        (["3 Feb 2026"], DateOrder.ISO),
    ],
)
def test_the_order_is_found_where_a_value_tells_it(values: list[str], order: DateOrder) -> None:
    assert find_order(values, column="Date") is order


@pytest.mark.parametrize(
    ("values", "said"),
    [(["03/02/2026", "05/05/2026"], "3 February 2026 or 2 March 2026"), (["13/02/2026", "02/14/2026"], "in the other")],
)
def test_the_order_is_asked_where_none_tells_it_or_they_differ(values: list[str], said: str) -> None:
    with pytest.raises(Ambiguous, match=said) as caught:
        find_order(values, column="Date")
    assert (caught.value.field, caught.value.choices) == ("date_order", ("dmy", "mdy"))
    assert values[0] in caught.value.problem


@given(
    value=st.text(max_size=30) | st.text(alphabet="0123456789/-.: TFebZ", max_size=25), order=st.sampled_from([*DateOrder, None])
)
def test_any_text_is_a_date_or_bad_input(value: str, order: DateOrder | None) -> None:
    try:
        assert isinstance(parse(value, order), date)
    except BadInput as error:
        assert error.cure


@given(day=st.dates(date(1990, 1, 1), TODAY))
def test_every_day_comes_back_from_every_form(day: date) -> None:
    assert parse(day.isoformat(), None, today=TODAY) == day
    assert parse(f"{day:%d/%m/%Y}", DateOrder.DMY, today=TODAY) == day
    assert parse(f"{day:%m/%d/%y}", DateOrder.MDY, today=TODAY) == day
    assert parse(f"{day:%a %b %d 12:58:16 WIB %Y}", None, today=TODAY) == day
