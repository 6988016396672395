"""What goes wrong under the API is told as a problem: a sentence, the cure, the right status and headers, no fault of ours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from api_site import V1, Api, close_api, open_api
from hypothesis import HealthCheck
from hypothesis import given as tried
from hypothesis import settings as how
from hypothesis import strategies as st

from commsapp.actor import Actor
from commsapp.api import entering
from commsapp.api.errors import TRY_AGAIN
from commsapp.config import Settings
from commsapp.http.request import EXTENSION
from commsapp.listening import service as listening
from commsapp.storage.session import Sessions, open_sessions

PROBLEM = {"type", "title", "status", "detail", "cure", "errors"}


@pytest.fixture
def api(settings: Settings, sessions: Sessions, actor: Actor) -> Iterator[Api]:
    opened = open_api(settings, sessions, actor)
    yield opened
    close_api(opened)


def refused(api: Api, method: str, path: str, **sent: Any) -> tuple[int, dict[str, Any], Any]:
    response = api.call(method, path, **sent)
    said = response.get_json(force=True)
    assert response.mimetype == "application/problem+json" and set(said) == PROBLEM
    assert said["status"] == response.status_code and said["detail"].endswith(".")
    assert "Set-Cookie" not in response.headers and response.headers["Cache-Control"] == "no-store"
    return response.status_code, said, response.headers


@pytest.mark.parametrize(
    "path", ["/nothing", "/programmes/", "/programmes/x", "/programmes/99999999999", "/programmes/-1", "/../x"]
)
def test_an_address_that_leads_nowhere_says_so_as_json(api: Api, path: str) -> None:
    assert refused(api, "GET", path)[0] == 404
    assert api.app.test_client().get("/api/").mimetype == "application/problem+json"
    assert api.app.test_client().get("/apis").mimetype == "text/html"


def test_another_method_is_refused_with_those_that_are_possible(api: Api) -> None:
    status, _, headers = refused(api, "PUT", "/programmes")
    assert status == 405
    assert headers["Allow"] == "GET, HEAD, OPTIONS, POST"
    assert refused(api, "POST", "/programmes/2147483648/channels", json={})[0] == 404


def test_another_host_is_refused_as_json(api: Api) -> None:
    status, said, _ = refused(api, "GET", "/programmes", base_url="http://evil.example")
    assert (status, said["errors"]) == (400, [])


BODIES = [
    (b'{"name": "x"}', "text/plain", 415),
    (b'{"name": "x"}', "application/x-www-form-urlencoded", 415),
    (b"name=x", "application/json", 400),
    (b"", "application/json", 422),
    (b"\xff\xfe\x00", "application/json", 400),
    (b"[" * 100_000, "application/json", 400),
    (b'{"name": ' + b'{"a":' * 50_000, "application/json", 400),
    (b"[]", "application/json", 422),
    (b"null", "application/json", 422),
    (b'{"name": NaN}', "application/json", 422),
    (b'{"name": "a\\u0000b"}', "application/json", 422),
    (b'{"name": "a\\ud800b"}', "application/json", 422),
    (b'{"na\\ud800me": "x", "\\u0000": 1}', "application/json", 422),
    (b'{"name": ' + b"9" * 5_000 + b"}", "application/json", 400),
    (b'{"name": "x", "made_up": true}', "application/json", 422),
    (b'{"name": ""}', "application/json", 422),
    (b'{"name": "' + b"x" * 201 + b'"}', "application/json", 422),
    (b'{"name": "' + b"x" * entering.LARGEST_JSON + b'"}', "application/json", 413),
]


def test_a_body_that_cannot_be_used_is_refused_in_a_sentence(api: Api) -> None:
    for body, kind, status in BODIES:
        assert refused(api, "POST", "/programmes", data=body, content_type=kind)[0] == status, body[:80]
    assert api.get("/programmes")["total"] == 0


FIELDS: list[tuple[str, dict[str, Any], str]] = [
    ("waves", {"name": "x", "start": "2026-13-01", "end": "2026-03-01"}, "start"),
    ("waves", {"name": "x", "start": "20260301", "end": "2026-03-01"}, "start"),
    ("waves", {"name": "x", "start": 20260301, "end": "2026-03-01"}, "start"),
    ("areas", {"name": "x", "population": 2**31}, "population"),
    ("areas", {"name": "x", "population": 10**400}, "population"),
    ("areas", {"name": "x", "population": True}, "population"),
    ("areas", {"name": "x", "population": "12"}, "population"),
    ("areas", {"name": ["x"]}, "name"),
    ("areas", {"name": None}, "name"),
    ("channels", {"name": "x", "chosen": "somehow"}, "chosen"),
    ("context-events", {"name": "x", "start": "2026-03-01", "areas": ["a", 1]}, "areas.1"),
]


def test_a_field_that_cannot_be_used_is_named(api: Api) -> None:
    programme = api.post("/programmes", {"name": "Ours"})["id"]
    for path, sent, field in FIELDS:
        status, said, _ = refused(api, "POST", f"/programmes/{programme}/{path}", json=sent)
        assert (status, [one["field"] for one in said["errors"]]) == (422, [field]), field
        assert f"'{field}'" in said["detail"]


QUERIES = [
    ("page=0", 422),
    ("page=1.0", 422),
    ("page=%201", 422),
    ("page=1_0", 422),
    ("page=٣", 422),
    ("page_size=101", 422),
    ("page=99999999999999999999", 422),
    ("pages=2", 422),
    ("page=1&page=2", 200),
    ("page=2147483647&page_size=100", 200),
    ("%00=1", 400),
    ("page=%00", 400),
]


def test_what_stands_behind_the_question_mark_is_read_as_the_document_says(api: Api) -> None:
    for query, status in QUERIES:
        assert api.call("GET", f"/programmes?{query}").status_code == status, query


def test_a_database_that_is_busy_is_told_with_the_time_to_wait(
    api: Api, sessions: Sessions, actor: Actor, database_url: str
) -> None:
    api.get("/programmes")  # its token is noted as used now, so that reading writes nothing
    waits = open_sessions(database_url, busy_seconds=0.2)
    api.app.extensions[EXTENSION].sessions._make_writing = waits._make_writing
    with sessions.writing() as session:
        listening.create_programme(session, actor, name="Ours")
        session.flush()
        status, said, headers = refused(api, "POST", "/programmes", json={"name": "Ours"})
    waits.engine.dispose()
    assert (status, headers["Retry-After"]) == (503, str(TRY_AGAIN))
    assert "busy" in said["detail"]


def test_what_nobody_foresaw_is_told_with_a_reference_and_without_words(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("words of somebody")

    monkeypatch.setattr(listening, "all_programmes", broken)
    status, said, _ = refused(api, "GET", "/programmes")
    assert status == 500
    reference = said["cure"].rstrip(".").rpartition(" ")[2]
    assert reference in caplog.text and "words of somebody" not in caplog.text + str(said)


def test_any_bytes_at_any_call_are_no_fault_of_ours(api: Api) -> None:
    programme = api.post("/programmes", {"name": "Ours"})["id"]
    places = [
        f"/programmes/{programme}/{part}" for part in ("channels", "waves", "areas", "context-events", "imports", "campaigns")
    ]
    kinds = [
        "application/json",
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "text/plain",
        "",
        "application/json;charset=\xff",
    ]

    @how(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @tried(
        place=st.sampled_from(places),
        kind=st.sampled_from(kinds),
        body=st.one_of(st.binary(max_size=200), st.text(max_size=80).map(lambda text: text.encode("utf-8", "replace"))),
        query=st.text(st.characters(codec="utf-8"), max_size=20),
    )
    def ask(place: str, kind: str, body: bytes, query: str) -> None:
        response = api.call("POST", place, data=body, query_string=quote(query), headers={"Content-Type": kind})
        assert response.status_code < 500, response.text

    ask()


def test_the_document_is_there_for_everybody_and_names_only_what_is_there(api: Api) -> None:
    document = api.get("/openapi.json", token="")
    assert document["openapi"] == "3.1.0"
    calls = {
        (rule.rule.replace("<int:", "{").replace(">", "}"), method.lower())
        for rule in api.app.url_map.iter_rules()
        for method in (rule.methods or set()) & {"GET", "POST", "DELETE"}
        if rule.rule.startswith(V1) and rule.endpoint != "api_document"
    }
    described = {
        (path, method): call
        for path, operations in document["paths"].items()
        for method, call in operations.items()
        if method != "parameters"
    }
    assert set(described) == calls
    for place, call in described.items():
        assert call["summary"] and "Scope: `" in call["description"] and call["security"], place
        assert {"401", "403", "429", "503"} <= set(call["responses"]), place
    names = [call["operationId"] for call in described.values()]
    assert len(names) == len(set(names))
    for name, shape in document["components"]["schemas"].items():
        assert shape["description"], name
        assert not [field for field, what in shape["properties"].items() if not what.get("description")], name
