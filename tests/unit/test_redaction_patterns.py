"""What has a form of its own is taken out however it is written, and what only looks like it stays."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commsapp.listening.redaction.kinds import MARK, Kind, has_marks
from commsapp.listening.redaction.numbers import luhn, nhs
from commsapp.listening.redaction.redactor import by_patterns, without_names

TAKEN_OUT = {
    Kind.PHONE: [
        *("07700 900123", "07700900123", "07700-900-123", "07700.900.123", "+44 7700 900123", "+447700900123",
          "0044 7700 900123"),
        *("(0161) 496 0000", "0161 4960000", "0161-496-0000", "020 7946 0000", "+44 (0)20 7946 0000", "01632 960123",
          "44 7700 900123"),
        *("tel07700900123", "O7700 900123", "07700 9 00 12 3", "+48 601 000 111", "00353 1 555 0100", "0７７００ ９００１２３"),
        *("07700\u00a0900\u2009123", "0\u200b77\u200b00 900\u00ad123", "07700\u2011900\u2013123", "&#48;7700 900123",
          "&amp;#48;7700 900123"),
        *("oh seven seven double zero nine double zero one two three", "٠٧٧٠٠ ٩٠٠١٢٣"),
    ],
    Kind.POSTCODE: ["M14 5TP", "m14 5tp", "M145TP", "SW1A 1AA", "EC1A  1BB", "BT1 5GS", "W1A 0AX", "Ｍ１４ ５ＴＰ"],
    Kind.NATIONAL_INSURANCE: ["QQ 12 34 56 C", "QQ123456C", "ab123456d", "JG 12-34-56 A"],
    Kind.NHS: ["943 476 5919", "9434765919", "943-476-5919"],
    Kind.PLATE: ["AB12 CDE", "AB12CDE", "ab12cde", "A123 BCD"],
    Kind.CARD: ["4111 1111 1111 1111", "4111111111111111", "5555-5555-5555-4444", "3782 822463 10005"],
    Kind.EMAIL: ["dave.smith+x@example.co.uk", "O'neil_j@example.org", "dave99 at gmail dot com",
      "dave (at) hotmail (dot) co (dot) uk"],
    Kind.HANDLE: ["@dave_99", "@lilman", "https://www.facebook.com/dave.smith.99", "instagram.com/dave"],
    Kind.WEB: ["https://example.org/users/dave?id=3", "www.example.org/profile/44"],
    Kind.ACCOUNT: ["GB29 NWBK 6016 1331 9268 19", "GB29NWBK60161331926819"],
    Kind.LICENCE: ["MORGA657054SM9IJ", "morga 657054 sm9ij"],
    Kind.IP: ["203.0.113.7", "2001:db8:0:0:8:800:200c:417a"],
    Kind.NUMBER: ["123456789012345678901"],
}  # fmt: skip

IN_SENTENCES = {
    "my account is 12345678": "my account is [bank account]",
    "sort code 12-34-56 account 12345678": "sort code [sort code] account [bank account]",
    "12-34-56 12345678": "[sort code] [bank account]",
    "born 12/05/1987 in Hull": "born [date of birth] in Hull",
    "DOB: 3rd of May 1987": "DOB: [date of birth]",
    "her date of birth is 12.5.87": "her date of birth is [date of birth]",
    "passport number 123456789": "passport number [passport number]",
    "a blue Corsa, reg ABC 123D": "a blue Corsa, reg [number plate]",
    "on snapchat dazza_01 he": "on snapchat [social media name] he",
    "ring 07700 900123 24/7": "ring [phone number] 24/7",
    "07700 900123, 07700 900124": "[phone number], [phone number]",
    "NHS 123 456 7890": "NHS [NHS number]",
}

STAYS = [
    *("on 12-05-26", "on 12-05-2026 and 13-05-2026", "the A12 road", "THE M60 AND THE A12 BUS", "£12,000", "£07700900",
      "1,234,567 people"),
    *("in 2019, 2020 and 2021", "at 07:30", "07:30-09:00", "24/7", "COMP10120 and ENG101A", "bus 50A", "section 1.2.3.4",
      "Room B12"),
    *("block B2 1st floor", "7 out of 10", "3.14159265", "aged 14 to 17", "12 May 1987", "999 or 101", "call 101", "0 to 5",
      "10-20", "E7"),
    *("see www.gov.uk for more", "crimestoppers-uk.org", "me @ 5pm", "meet @home", "10% of 250", "the B4128",
      "2cb and mdma", "Boeing 747"),
    *("iPhone 12 256GB", "it cost 1200 pounds", "1000000 people", "60-70 year olds", "Covid19 on Facebook", "a 4x4",
      "9am-5pm Mon-Fri"),
    *("20 30 40", "on12 may", "wave 2 of 3", "score 2-1", "U18s", "GCSE 9-1", "COVID-19", "£4,350.00", "M6 J10", "Q1 2026",
      "", " ", "[", "&"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "written"), [(kind, text) for kind, texts in TAKEN_OUT.items() for text in texts])
@pytest.mark.parametrize("around", ["{}", "I wrote down {} at once.", "({}), twice"])
def test_what_belongs_to_one_person_is_taken_out(kind: Kind, written: str, around: str) -> None:
    after = by_patterns(around.format(written))
    assert MARK.findall(after) == [f"[{kind}]"], after
    assert not re.search(r"\d{3}", after)


@pytest.mark.parametrize(("written", "after"), IN_SENTENCES.items())
def test_words_around_say_what_a_number_is(written: str, after: str) -> None:
    assert by_patterns(written) == after


@pytest.mark.parametrize("text", STAYS)
def test_dates_roads_amounts_and_codes_stay(text: str) -> None:
    assert by_patterns(text) == text


def test_check_digits() -> None:
    assert luhn("4111111111111111") and not luhn("4111111111111112")
    assert nhs("9434765919") and not nhs("9434765918") and not nhs("943476591")


def test_words_of_ours_that_somebody_typed_change_nothing() -> None:
    assert by_patterns("[name] rang [phone number]") == "[name] rang [phone number]"
    assert has_marks("x [name]") and not has_marks("[somebody]")


ANYTHING = st.text(
    st.one_of(st.sampled_from("0123456789 +-./()@:,[]&#;xX4\u200b\uff10\u0660'"), st.characters(codec="utf-8")), max_size=80
)
PIECES = st.lists(
    st.one_of(ANYTHING, st.sampled_from([text for texts in TAKEN_OUT.values() for text in texts] + STAYS + ["[name]"])),
    max_size=5,
).map("".join)


@settings(max_examples=1_500, deadline=None)
@given(PIECES)
def test_a_second_reading_finds_nothing_more(text: str) -> None:
    once = by_patterns(text)
    assert by_patterns(once) == once


@settings(max_examples=600, deadline=None)
@given(
    ANYTHING,
    st.sampled_from(["\u200b", "\u00ad", "\u2060", "\ufe0f", "\u200e"]),
    st.sampled_from([" ", "\u00a0", "\u2009", "\u3000"]),
)
def test_invisible_characters_and_odd_blanks_hide_no_number(before: str, invisible: str, blank: str) -> None:
    hidden = invisible.join("07700") + blank + invisible.join("900123")
    after = by_patterns("call me, " + hidden)
    assert after == "call me, [phone number]"
    assert isinstance(by_patterns(before + hidden), str)


HARD = {
    "digits": "1" * 64,
    "digits and blanks": "1 " * 32,
    "digits and dots": "12.34.56." * 7,
    "letters": "a" * 64,
    "dots": "a.b" * 21,
    "at": "a@" * 32,
    "blanks": " " * 64,
    "brackets": "(0) " * 16,
    "plates": "ab12 cd" * 9,
    "iban": "GB29 ABCD " * 6,
    "spoken": "zero one " * 7,
    "entities": "&amp;" * 13,
    "slashes": "http://a.b/" * 6,
    "marks": "[name]" * 10,
    "colons": "a1:" * 21,
    "capitals": "Ab Cd " * 10,
    "titles": "mr " * 21,
    "names": "my name is " * 6,
}


@pytest.mark.parametrize("piece", HARD.values(), ids=HARD)
def test_time_grows_with_the_length_of_a_text_and_no_faster(piece: str) -> None:
    def seconds(times: int) -> float:
        text = piece * times
        best = float("inf")
        for _ in range(3):
            began = time.process_time()
            without_names().redact([text])
            best = min(best, time.process_time() - began)
        return best

    short, long = seconds(100), seconds(800)
    assert long < 8 * 3 * max(short, 0.002), f"{short:.3f} s for 6,400 characters, {long:.3f} s for eight times as many"
