"""User names can't collide: what looks or folds alike is one name, or is refused."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import pytest

from commsapp.accounts.names import email_of, name_of
from commsapp.errors import BadInput

AMY = "amy.o'neil@example.org"
FOLD = [
    "Amy.O'Neil@Example.ORG",
    "  amy.o'neil@example.org\n",
    "ＡＭＹ.o'neil@example.org",  # full width
    "𝐚𝐦𝐲.o'neil@example.org",  # mathematical bold
    "amy.o'neil@ⓔxample.org",  # in a circle
    "amy.o'neil＠example.org",
    "AMY.O'NEIL@EXAMPLE.ORG",
    "amy.o'neiⅼ@example.org",  # roman numeral fifty
    "amy.o'neil@example。org".replace("。", "．"),
]
REFUSED = [
    "аmy.o'neil@example.org",  # Cyrillic a
    "amy.ο'neil@example.org",  # Greek omicron
    "amy.o'neiӏ@example.org",  # Cyrillic palochka
    "amy.o'neıl@example.org",  # dotless i
    "ɑmy.o'neil@example.org",  # Latin alpha
    "amy.o'neil@exаmple.org",
    "amy\u200b.o'neil@example.org",  # zero-width space
    "amy\u200d.o'neil@example.org",
    "\u202eamy.o'neil@example.org",  # right-to-left override
    "amy.o'neil@example\u2060.org",
    "amy\u00ad.o'neil@example.org",  # soft hyphen
    "amy\ufeff.o'neil@example.org",
    "amy .o'neil@example.org",
    "amy\u00a0.o'neil@example.org",
    "amy\x00@example.org",
    "amy\udc80@example.org",
    "amy..oneil@example.org",
    "amy@localhost",
    "amy@@example.org",
    "amy",
    "",
    "а1ice@example.org",
    "amy١@example.org",  # Arabic figure
]


def test_no_two_people_can_have_names_that_look_alike(promise: Callable[[int, str], None]) -> None:
    for typed in FOLD:
        assert email_of(typed) == AMY, typed
    for typed in REFUSED:
        with pytest.raises(BadInput):
            email_of(typed)
    promise(
        17,
        f"{len(FOLD)} of {len(FOLD)} variants of one e-mail address are that address, {len(REFUSED)} of {len(REFUSED)} refused",
    )


def test_composed_and_decomposed_letters_are_one_address() -> None:
    typed = "josé@example.org"
    forms = {email_of(unicodedata.normalize(form, typed)) for form in ("NFC", "NFD", "NFKC", "NFKD")}
    assert len(forms) == 1
    assert forms != {email_of("jose@example.org")}


@pytest.mark.parametrize("typed", ["δοκιμή@παράδειγμα.ελ", "用户@例子.公司", "straße@example.org"])
def test_an_address_in_one_script_is_good_and_stays_what_it_is(typed: str) -> None:
    once = email_of(typed)
    assert email_of(once) == once


def test_a_name_has_only_characters_that_people_see() -> None:
    assert name_of("  Amy   O'Neil ") == "Amy O'Neil"
    assert name_of("Łucja Żółć") == "Łucja Żółć"
    for typed in ("", "   ", "Amy\u202e", "A\u200bmy", "x" * 101):
        with pytest.raises(BadInput):
            name_of(typed)
