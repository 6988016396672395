"""Codebooks by the API: the same services as on the pages, with scopes, and nothing of what a token may not read."""

from __future__ import annotations

from collections.abc import Iterator

import curated
import pytest
from api_site import Api, close_api, open_api, token_of
from curated import BINS, DEALERS, THANKS, Curated

from commsapp.accounts.service import SCOPE_NAMES
from commsapp.actor import Actor, HandlingLevel
from commsapp.config import Settings
from commsapp.storage.session import Sessions


@pytest.fixture
def made(sessions: Sessions, actor: Actor, settings: Settings) -> Curated:
    return curated.fill(sessions, actor, settings)


@pytest.fixture
def api(settings: Settings, sessions: Sessions, actor: Actor) -> Iterator[Api]:
    opened = open_api(settings, sessions, actor)
    yield opened
    close_api(opened)


def test_a_codebook_is_curated_from_a_notebook(api: Api, made: Curated) -> None:
    at = f"/programmes/{made.id}/codebook"
    change = {"kind": "rename", "number": BINS, "name": "Litter", "note": "Shorter"}
    assert api.post(f"{at}/draft/changes", change)["sentence"] == "Renamed ‘Bins; tyres’ to ‘Litter’"
    assert api.post(f"{at}/draft/undo", status=200)["again"] == "Renamed ‘Bins; tyres’ to ‘Litter’"
    assert api.post(f"{at}/draft/redo", status=200)["topics"][BINS]["name"] == "Litter"
    api.post(f"{at}/draft/changes", {"kind": "merge", "numbers": [BINS, THANKS], "name": "The council"})
    api.get(f"{at}/draft/difference", status=404)
    job = api.post(f"{at}/draft/difference", status=202)["id"]
    made.work()
    assert api.get(f"/jobs/{job}")["state"] == "done"
    difference = api.get(f"{at}/draft/difference")
    moved = [row for row in difference["rows"] if row["before"] != row["after"]]
    assert [(row["before_name"], row["after_name"], row["comments"]) for row in moved] == [("Thanks", "The council", 5)]
    assert len(moved[0]["examples"]) == 3
    api.post(f"{at}/versions", {"note": "Why", "state": "0"}, status=409)
    state = api.get(f"{at}/draft")["state"]
    api.post(f"{at}/versions", {"note": "Why", "state": state}, status=202)
    made.work()
    versions = api.get(f"{at}/versions")["items"]
    assert [(one["number"], one["in_use"], one["note"]) for one in versions] == [(2, True, "Why"), (1, False, "")]
    between = api.get(f"{at}/versions/difference?first=1&second=2")
    assert sum(row["comments"] for row in between["rows"] if row["before"] != row["after"]) == 5
    assert [topic["name"] for topic in api.get(at)["topics"]] == ["Dealers", "The council", "Scam calls"]


def test_a_comment_says_who_sorted_it_and_can_be_sorted_anew(api: Api, made: Curated) -> None:
    first = api.get(f"/programmes/{made.id}/comments?topic={BINS}")["items"][0]
    assert (first["topic_name"], first["topic_by"]) == ("Bins; tyres", "")
    at = f"/programmes/{made.id}/comments/{first['id']}/topic"
    assert api.get(at)["probability"] == pytest.approx(first["topic_probability"])
    given = api.post(at, {"number": DEALERS}, status=200)
    assert (given["name"], given["by"], given["probability"]) == ("Dealers", made.actor.name, None)
    assert api.post(f"{at}/back", status=200)["name"] == "Bins; tyres"
    api.post(f"{at}/back", status=422)


def test_a_token_without_the_scope_changes_nothing_and_one_for_open_text_counts_open_text(api: Api, made: Curated) -> None:
    narrow = token_of(made.sessions, made.actor, scopes=[name for name in SCOPE_NAMES if name != "codebooks:write"])
    at = f"/programmes/{made.id}/codebook"
    api.post(f"{at}/draft/changes", {"kind": "pin", "number": BINS}, status=403, token=narrow)
    api.post(f"{at}/draft/changes", {"kind": "drop", "number": THANKS})
    api.post(f"{at}/draft/difference", status=202)
    made.work()
    open_only = token_of(made.sessions, made.actor, levels=[HandlingLevel.OPEN])
    assert api.get(f"{at}/draft/difference")["total"] == 44
    assert api.get(f"{at}/draft/difference", token=open_only)["total"] == 43


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("draft/changes", {"kind": "merge", "numbers": [BINS]}),
        ("draft/changes", {"kind": "rename", "number": BINS, "name": "Dealers"}),
        ("draft/topics", {"name": "Empty"}),
        ("draft/splits", {"number": BINS, "parts": 1}),
        ("versions", {"note": "Why", "state": ""}),
    ],
)
def test_what_can_t_be_used_is_said_in_a_sentence(api: Api, made: Curated, path: str, body: dict[str, object]) -> None:
    problem = api.post(f"/programmes/{made.id}/codebook/{path}", body, status=422)
    assert problem["detail"]
