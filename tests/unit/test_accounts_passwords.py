from __future__ import annotations

import pytest

from commsapp.accounts.passwords import normal, problem_of


@pytest.mark.parametrize(
    "password",
    ["correct otter wallpaper", "Tangerine-Ladder-9", "ħħħ wide river ħħħ", "zq8#Lm2!vT0p", "a very ordinary sentence about tea"],
)
def test_a_long_password_that_nobody_guesses_is_good(password: str) -> None:
    assert problem_of(password, email="amy.oneil@example.org", name="Amy O'Neil") == ""


WEAK = ["", "short", "elevenchars", "aaaaaaaaaaaa", "abcabcabcabc", "123456789012", "210987654321", "passwordpassword"]
WEAK += ["P@ssw0rd2026!!", "qwertyuiop123", "Liverpool1892!", "abcdefghijklm", "correcthorsebatterystaple", "Summer2026!!!"]
WEAK += ["x" * 201, "welcome welcome 1"]


@pytest.mark.parametrize("password", WEAK)
def test_a_short_or_common_password_is_refused(password: str) -> None:
    assert problem_of(password).startswith("Enter a password")


@pytest.mark.parametrize("password", ["amy.oneil@example.org", "AmyOneil2026", "oneil12345678", "example.org-1"])
def test_a_password_made_of_who_somebody_is_is_refused(password: str) -> None:
    assert "name or e-mail address" in problem_of(password, email="amy.oneil@example.org", name="Amy Oneil")


def test_a_password_is_the_same_whichever_keyboard_composed_it() -> None:
    assert normal("cafe\u0301 au lait") == normal("café au lait")
