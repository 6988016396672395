"""Languages are recognised, and short English texts are not taken for another language."""

from __future__ import annotations

import pytest

from commsapp.textmodels.language import detect


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("pl", "Boję się wieczorem wracać do domu przez park."),
        ("pl", "Policja nie odbiera telefonu."),
        ("pl", "Nie wiem, gdzie zgłosić oszustwo."),
        ("cy", "Mae pobl ifanc yn cael eu defnyddio i werthu cyffuriau yn y dref."),
        ("cy", "Dydw i ddim yn teimlo'n ddiogel yn y nos."),
        ("cy", "Ges i alwad ffug gan y banc."),
        ("ro", "Poliția nu răspunde niciodată la telefon."),
        ("ro", "Am primit un mesaj fals de la bancă și am pierdut bani."),
        ("en", "Dealers stand at the school gate every day and nobody does anything."),
        ("en", "THE POLICE NEVER COME WHEN WE CALL"),
        ("zh", "我们晚上不敢出门，因为街上有人卖毒品。"),
    ],
)
def test_a_sentence_is_recognised(code: str, text: str) -> None:
    assert detect([text])[0].code == code


@pytest.mark.parametrize("text", ["", "ok", "no idea", "N/A", "😀😀", "12345 67890 12345"])
def test_a_text_of_a_few_letters_is_of_unknown_language(text: str) -> None:
    assert detect([text])[0].code == "und"


@pytest.mark.parametrize(
    "text",
    ["Police presence!!", "lol what a joke", "More CCTV pls", "drugs, knives, gangs", "Tesco car park after dark", "Fly tipping"],
)
def test_a_short_english_text_is_never_confidently_another_language(text: str) -> None:
    assert detect([text])[0].code in {"en", "und"}


def test_there_is_one_language_for_each_text_in_their_order() -> None:
    found = detect(["Nie wiem, gdzie zgłosić oszustwo.", "", "Where can I report a scam in this town?"])
    assert [language.code for language in found] == ["pl", "und", "en"]
    assert all(0 <= language.confidence <= 1 for language in found)
