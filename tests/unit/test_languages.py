"""Names of languages: one table for pages, the command line and what people write in a column."""

import pytest

from commsapp.listening.coding import Reason
from commsapp.listening.languages import LANGUAGES, code_of, language, reason
from commsapp.textmodels import language as recogniser


def test_every_language_that_is_recognised_has_a_name_so_that_nobody_reads_a_code() -> None:
    labels = set(recogniser._identifier().labels) - recogniser._NEAR_ENGLISH - {recogniser._NO_LANGUAGE}
    assert len(labels) > 100
    assert [code for code in sorted(labels) if language(code) == code] == []


def test_a_name_is_found_again_by_its_code_and_a_code_by_its_name() -> None:
    for code, name in LANGUAGES.items():
        assert (language(code), code_of(name), code_of(code)) == (name, code, code)
    assert len(set(LANGUAGES.values())) == len(LANGUAGES)


@pytest.mark.parametrize(
    ("words", "code"),
    [("Welsh", "cy"), (" cymraeg ", "cy"), ("en-GB", "en"), ("PL", "pl"), ("Persian", "fa"), ("yue", "yue"), ("zh_Hans", "zh"),
     ("the usual", None), ("", None), (None, None)],
)  # fmt: skip
def test_a_language_is_understood_however_it_is_written(words: str | None, code: str | None) -> None:
    assert code_of(words) == code


@pytest.mark.parametrize(
    ("stored", "words"),
    [("language not read: cy", "language not read: Welsh"), ("language not read: xx", "language not read: xx"),
     ("empty", "empty"), ("", "")],
)  # fmt: skip
def test_a_reason_is_read_with_the_name_of_the_language(stored: str, words: str) -> None:
    assert stored.startswith(Reason.LANGUAGE) == ("language" in stored)
    assert reason(stored) == words
