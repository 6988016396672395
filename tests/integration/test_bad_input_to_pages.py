"""Whatever is sent to a page, it never answers with a fault of its own (promise 10).

``COMMSAPP_TEST_INPUTS`` says how many inputs are tried (default: 2,000); `make soak` takes more. The API has its own test, which
reads its document: test_api_schema.py.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote_from_bytes

import pytest
from everything import PARAMETERS, Everything, Person, address, open_everything, rules, somebody
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tables import Watched
from werkzeug.routing import Rule

from commsapp.actor import Role
from commsapp.http.request import EXTENSION
from commsapp.http.security import API, EVERYBODY, may_enter

INPUTS = int(os.environ.get("COMMSAPP_TEST_INPUTS", "2000"))

ASKED = ("area", "wave", "segment", "tone", "words", "page", "reason", "chart", "files", "next", "back", "campaign")
ASKED += ("person", "action", "subject", "since", "until", "code", "state", "error")
"""What pages read from an address."""

ODD = (
    *(
        "",
        " ",
        "0",
        "-1",
        "1e9",
        "nan",
        "inf",
        "9" * 30,
        "2147483648",
        "-2147483649",
        "0x10",
        "١٢٣",
        "½",
        "true",
        "null",
        "[]",
        "{}",
    ),
    *("\0", "a\0b", "\n\r\t", "\x1b[31m", "\u202eevil", "a\u200bb", "e\u0301", "👩\u200d👩\u200d👧", "\U0010ffff", "\ufffe"),
    *("\ud800", "\udfff\ud800"),
    *(
        "'",
        '"',
        "' OR 1=1 --",
        "%",
        "_",
        "*",
        "a*",
        '"a',
        "NEAR(",
        "a AND",
        "(" * 200,
        "a" * 5_000,
        "<script>",
        "{{7*7}}",
        "${7*7}",
    ),
    *("31/12/9999", "0/0/0", "29/2/2026", "1/1/10000", "2026-13-45", "../../etc/passwd", "//example.org", "javascript:alert(1)"),
)
RAW = (b"\xff\xfe", b"\xc3\x28", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"%", b"%zz", b"+&=;")

texts = st.one_of(st.sampled_from(ODD), st.text(max_size=40), st.integers().map(str), st.floats().map(str), st.dates().map(str))
raw = st.one_of(texts.map(lambda text: text.encode("utf-8", "surrogatepass")), st.sampled_from(RAW), st.binary(max_size=20))


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Any) -> Iterator[Everything]:
    opened = open_everything(tmp_path_factory.mktemp("odd"), sqlite_template)
    yield opened
    opened.app.extensions[EXTENSION].sessions.engine.dispose()


def pages(app: Flask) -> list[Rule]:
    return [rule for rule in rules(app) if not rule.rule.startswith(API)]


def fields_of(person: Person, everything: Everything, rule: Rule) -> list[str]:
    """Names of the fields of the form that a page shows, and a few that none has."""
    path = address(everything.app, rule, {name: everything.own.ids[PARAMETERS[name]] for name in rule.arguments})
    shown = person.ask("GET", path).get_data(as_text=True) if "GET" in (rule.methods or ()) else ""
    found = set(re.findall(r'<(?:input|select|textarea|button)[^>]*? name="([^"]+)"', shown)) - {"csrf_token"}
    return [*sorted(found), "why", "sure", "files", "credential", "\ud800"]


def encoded(pairs: list[tuple[str, bytes]]) -> str:
    return "&".join(
        f"{quote_from_bytes(name.encode('utf-8', 'surrogatepass'))}={quote_from_bytes(value)}" for name, value in pairs
    )


@st.composite
def inputs(draw: Any, everything: Everything, fields: dict[str, list[str]], wanted: list[Rule]) -> dict[str, Any]:
    """One request: an address whose ids are mostly right, what it asks for, and a form with the right fields or others."""
    rule = draw(st.sampled_from(wanted))
    path = address(everything.app, rule, {name: everything.own.ids[PARAMETERS[name]] for name in rule.arguments})
    if rule.arguments and draw(st.integers(0, 3)) == 0:
        parts = [
            quote_from_bytes(draw(raw), safe="") if part.isdigit() and draw(st.booleans()) else part for part in path.split("/")
        ]
        path = "/".join(parts)
    query = draw(st.lists(st.tuples(st.one_of(st.sampled_from(ASKED), texts), raw), max_size=4))
    method = draw(st.sampled_from([*sorted((rule.methods or set()) - {"OPTIONS"}) * 3, "PUT"]))
    form = draw(st.lists(st.tuples(st.sampled_from(fields[rule.endpoint]), raw), max_size=8)) if method == "POST" else []
    headers = draw(
        st.fixed_dictionaries({}, optional={"HX-Request": st.just("true"), "Referer": st.sampled_from(("http://[", "/", "\xff"))})
    )
    return {"method": method, "path": path, "query": encoded(query), "form": form, "headers": headers}


def send(person: Person, asked: dict[str, Any]) -> int:
    """The status of the answer."""
    sent: dict[str, Any] = {
        "headers": {**asked["headers"], "Cookie": f"commsapp={person.cookie}"},
        "query_string": asked["query"],
    }
    if asked["method"] not in ("GET", "HEAD"):
        sent["data"] = encoded([("csrf_token", person.csrf.encode()), *asked["form"]])
        sent["content_type"] = "application/x-www-form-urlencoded"
    client = person.app.test_client(use_cookies=False)
    return int(client.open(asked["path"], method=asked["method"], base_url="http://localhost", **sent).status_code)


def tried(everything: Everything, wanted: list[Rule], count: int) -> Counter[int]:
    """Send so many inputs; how often each status came back. Fails with the first fault of ours."""
    person = somebody(everything.site, everything.own.actor.organisation_id, Role.ADMINISTRATOR, originals=True)
    fields = {rule.endpoint: fields_of(person, everything, rule) for rule in wanted}
    database = Watched(everything.site.settings.data_dir / "commsapp.sqlite")
    answers: Counter[int] = Counter()

    def ask(asked: dict[str, Any]) -> None:
        status = send(person, asked)
        answers[status] += 1
        if database.changed():
            database.restore()  # so that nobody is signed out for what comes next
        assert status < 500, asked

    limits = settings(max_examples=count, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    try:
        limits(given(asked=inputs(everything, fields, wanted))(ask))()
    finally:
        database.close()
    return answers


def test_no_input_to_any_page_is_a_fault_of_ours(everything: Everything, promise: Callable[[int, str], None]) -> None:
    answers = tried(everything, pages(everything.app), INPUTS)
    assert answers[200] and answers[302] and answers[404] and answers[422], answers
    there = len(pages(everything.app))
    promise(
        10, f"{answers.total():,} inputs to {there} addresses of pages, 0 answered with 5xx ({dict(sorted(answers.items()))})"
    )


def test_a_page_that_trips_over_its_input_is_found(tmp_path: Any, sqlite_template: Any) -> None:
    opened = open_everything(tmp_path, sqlite_template)

    @may_enter(*EVERYBODY)
    def trips() -> str:
        from flask import request

        return str(int(request.args.get("page", "1")))

    opened.app._got_first_request = False  # the only way to add an address to an application that has answered already
    opened.app.add_url_rule("/trips", "trips", trips)
    with pytest.raises(AssertionError, match="page"):
        tried(opened, [rule for rule in rules(opened.app) if rule.endpoint == "trips"], 200)
    opened.app.extensions[EXTENSION].sessions.engine.dispose()
