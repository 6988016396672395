"""Accounts on the command line of the machine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typed import typed


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMMSAPP_DATA_DIR", str(tmp_path / "data"))


def test_the_operator_looks_after_people() -> None:
    assert "Nobody has an account yet" in typed("user", "list").out
    first = typed("user", "invite", "--administrator")
    assert re.fullmatch(r"http://localhost:8321/join/[\w-]{43}\n", first.out) and first.status == 0
    made = typed("user", "invite", "Amy@Example.org", "--name", "Amy", "--role", "evaluator", "--clear", "concern", "--originals")
    assert re.fullmatch(r"http://localhost:8321/join/[\w-]{43}\n", made.out)
    listed = typed("user", "list", "--json").out
    assert '"email": "amy@example.org"' in listed and '"cleared for": "open, concern, originals"' in listed
    assert "Amy is cleared for: open." in typed("user", "clear", "amy@example.org").out
    assert "has the role partner now" in typed("user", "role", "amy@example.org", "partner").out
    assert "/join/" in typed("user", "reset", "amy@example.org", "--second-factor").out
    assert "can sign in no more" in typed("user", "deactivate", "amy@example.org").out
    assert "can sign in again" in typed("user", "deactivate", "amy@example.org", "--undo").out


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (("invite",), 2, "Whom to invite is missing."),
        (("invite", "amy@example.org"), 2, "The person's name is missing."),
        (("invite", "amy", "--name", "Amy"), 2, "That is not an e-mail address"),
        (("role", "nobody@example.org", "evaluator"), 1, "Nobody here has the e-mail address"),
    ],
)
def test_what_can_not_be_is_one_sentence(words: tuple[str, ...], status: int, sentence: str) -> None:
    ended = typed("user", *words)
    assert ended.status == status
    assert sentence in ended.err
