"""``commsapp token``: what the operator makes, sees and ends."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from typed import typed

from commsapp.accounts import service as accounts
from commsapp.config import load_settings
from commsapp.storage.session import open_sessions


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A data folder of its own, and no other settings."""
    for name in [name for name in os.environ if name.startswith("COMMSAPP_") and "TEST" not in name]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COMMSAPP_DATA_DIR", str(tmp_path / "data"))


def test_a_token_is_printed_alone_listed_without_it_and_revoked() -> None:
    made = typed("token", "make", "Notebook", "--scope", "results:read", "--scope", "comments:read", "--level", "concern")
    assert made.status == 0, made.err
    secret = made.out.strip()
    assert secret.startswith("commsapp_") and "shown this once" in made.err
    with open_sessions(load_settings().database_url).reading() as session:
        actor, token = accounts.actor_of_token(session, secret)
    assert actor.scopes == {"results:read", "comments:read"} and set(actor.handling_levels) == {"open", "concern"}
    listed = json.loads(typed("token", "list", "--json").out)
    assert [(one["id"], one["name"], one["last_used_at"]) for one in listed] == [(token.id, "Notebook", None)]
    assert secret not in json.dumps(listed)
    assert "Notebook" in typed("token", "list").out
    ended = typed("token", "revoke", str(token.id))
    assert (ended.status, ended.out.strip()) == (0, "The token 'Notebook' was revoked.")
    assert "revoked" in typed("token", "list").out


def test_a_token_for_somebody_does_what_they_may_and_none_is_made_for_who_has_no_access() -> None:
    assert typed("user", "invite", "ada@example.org", "--name", "Ada", "--role", "evaluator").status == 0
    make = ("token", "make", "Notebook", "--scope", "results:read", "--person", "ada@example.org")
    secret = typed(*make).out.strip()
    with open_sessions(load_settings().database_url).reading() as session:
        assert accounts.actor_of_token(session, secret)[0].name == "Ada"
    beyond = typed(*make, "--level", "concern")
    assert (beyond.status, beyond.out) == (1, "") and "can't read more than" in beyond.err
    assert typed("user", "deactivate", "ada@example.org").status == 0
    assert "has no access any more" in typed(*make).err


def test_what_cannot_be_made_or_found_is_said_in_a_sentence() -> None:
    assert typed("token", "make", "x").status == 2
    assert typed("token", "make", "x", "--scope", "everything").status == 2
    nobody = typed("token", "make", "x", "--scope", "jobs:read", "--person", "nobody@example.org")
    assert (nobody.status, nobody.out) == (1, "")
    assert "Nobody here has the e-mail address nobody@example.org." in nobody.err
    assert typed("token", "revoke", "7").err.strip() == "There is no such token. Choose one from your list."
