"""What is sensitive reaches those who are declared to see it and nobody else (promise 6).

Every field holds a canary of its own, in two organisations and at each handling level. Each reader opens every address of pages
and API, with filters and on further pages, takes every export away, and makes every kind of error; the log is read as well.
"""

from __future__ import annotations

import html
import itertools
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from canaries import Canary, Planted, plant
from everything import PARAMETERS, Everything, Person, address, methods, nobody, open_everything, person_of, rules, somebody
from flask import Flask
from werkzeug.routing import Rule

from commsapp.actor import HandlingLevel, Role
from commsapp.http.request import EXTENSION
from commsapp.http.security import API, EVERYBODY, may_enter
from commsapp.listening.redaction.kinds import REASONS
from commsapp.storage import responses

OPEN, SENSITIVE, _ = HandlingLevel
FILTERS = {
    "listening": ("area=Ash&wave=November",),
    "set-aside": ("area=Ash", "reason=no+consent+to+analyse"),
    "search": ("words=zq*", "words=said&page=2"),
    "topics/0": ("tone=negative&segment=age+%3D+16-24", "page=2"),
    "comments": ("page_size=100", "set_aside=true&page_size=100", "topic=0&page_size=100&page=2"),
    "responses": ("page_size=100", "page=2", "wave=February"),
    "results": ("page_size=100", "measure=answer+share&page_size=100", "page=2&page_size=100"),
    "audit": ("action=change", "page=2"),
    "export": ("action=change",),
    "jobs": ("page_size=100",),
}
"""How a page or a call ends → what narrows it or leads on; plain it is asked as well."""


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Any) -> Iterator[Everything]:
    opened = open_everything(tmp_path_factory.mktemp("canaries"), sqlite_template)
    yield opened
    opened.app.extensions[EXTENSION].sessions.engine.dispose()


@pytest.fixture(scope="module")
def planted(everything: Everything, tmp_path_factory: pytest.TempPathFactory) -> Planted:
    return plant(everything, tmp_path_factory.mktemp("files"))


def readers(everything: Everything) -> dict[str, Person]:
    """Roles and clearances, of the own and the other organisation, and nobody."""
    own, theirs = everything.own.actor.organisation_id, everything.theirs.actor.organisation_id
    site = everything.site
    return {
        "administrator, all and originals": somebody(site, own, Role.ADMINISTRATOR, originals=True),
        "administrator, open": somebody(site, own, Role.ADMINISTRATOR, levels=(OPEN,)),
        "evaluator, all": somebody(site, own, Role.EVALUATOR),
        "officer, open and official-sensitive": somebody(site, own, Role.OFFICER, levels=(OPEN, SENSITIVE)),
        "worker, open": somebody(site, own, Role.WORKER, levels=(OPEN,)),
        "worker, nothing": somebody(site, own, Role.WORKER, levels=()),
        "partner, all": somebody(site, own, Role.PARTNER, originals=True),
        "administrator of others": somebody(site, theirs, Role.ADMINISTRATOR, originals=True),
        "nobody": nobody(everything.app),
    }


def values(planted: Planted, everything: Everything, rule: Rule) -> Iterator[dict[str, Any]]:
    """Every mixture of ids of the own organisation that hold canaries."""
    names = sorted(rule.arguments)
    each = [planted.ids.get(name, [everything.own.ids[PARAMETERS[name]]]) for name in names]
    for chosen in itertools.product(*each):
        yield dict(zip(names, chosen, strict=True))


def addresses(everything: Everything, planted: Planted, only: str = "") -> list[str]:
    """Every address that can be read: plain, and where it is one of a programme or a list, with every filter and on page 2."""
    found = []
    for rule in rules(everything.app):
        if "GET" not in methods(rule) or rule.endpoint == "assets.file" or not rule.rule.startswith(only or "/"):
            continue
        for chosen in values(planted, everything, rule):
            path = address(everything.app, rule, chosen)
            found.append(path)
            found += [f"{path}?{how}" for end, ways in FILTERS.items() if path.endswith(f"/{end}") for how in ways]
    return found


def forms(everything: Everything, planted: Planted) -> list[tuple[str, dict[str, str]]]:
    """What is taken away by sending a form: exports of a person, a comment as it was written, a search for a person."""
    programme = f"/programmes/{everything.own.ids['programme']}"
    exports = [
        (f"{programme}/people/{one}/export", {"kind": kind, "why": "asked"})
        for one in planted.ids["response_id"]
        for kind in ("csv", "json")
    ]
    written = [
        (f"{programme}/comments/{one}/as-written", {"why": REASONS[0], "more": "asked"}) for one in planted.ids["comment_id"]
    ]
    numbers = [(f"{programme}/people", {"number": str(one)}) for one in planted.ids["response_id"]]
    return exports + written + numbers


def errors() -> list[tuple[str, str]]:
    """Requests that end in an error of each kind."""
    missing = ("/programmes/999999", "/nothing", "/api/v1/programmes/999999", "/api/v1/nothing")
    return [("GET", path) for path in missing] + [("POST", "/programmes/new"), ("POST", "/api/v1/programmes"), ("DELETE", "/")]


def found_in(words: str, canaries: tuple[Canary, ...], asked: str = "") -> set[str]:
    """Canaries in a reply that did not stand in what was asked."""
    plain = html.unescape(words).lower()
    return {canary.word for canary in canaries if canary.word in plain and canary.word not in asked.lower()}


def read_by(person: Person, everything: Everything, planted: Planted, only: str = "") -> dict[str, set[str]]:
    """Canary → where this reader came across it."""
    found: dict[str, set[str]] = {}

    def look(where: str, reply: Any) -> None:
        shown = reply.get_data(as_text=True) + str(reply.headers)
        for word in found_in(shown, planted.canaries, where):
            found.setdefault(word, set()).add(re.sub(r"\d+", "N", where))

    for path in addresses(everything, planted, only):
        look(f"GET {path}", person.ask("GET", path))
    if not only:
        for path, data in forms(everything, planted):
            look(f"POST {path}", person.ask("POST", path, data=data))
        for method, path in errors():
            look(f"{method} {path}", person.ask(method, path))
    return found


def leaks(found: dict[str, set[str]], person: Person, canaries: tuple[Canary, ...]) -> list[str]:
    """What a reader came across and is not declared to see."""
    return [
        f"{canary.what} ({canary.word}): {', '.join(sorted(found[canary.word])[:6])}"
        for canary in canaries
        if canary.word in found and not canary.seen_by(person.actor)
    ]


def test_each_reader_comes_across_what_is_declared_for_them_and_nothing_else(
    everything: Everything, planted: Planted, promise: Callable[[int, str], None], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wrong, missing, looks = [], [], 0
    who = readers(everything)
    for name, person in who.items():
        found = read_by(person, everything, planted)
        looks += len(addresses(everything, planted)) + len(forms(everything, planted)) + len(errors())
        wrong += [f"{name} sees {leak}" for leak in leaks(found, person, planted.canaries)]
        asked_own = person.actor is None or person.actor.organisation_id == everything.own.actor.organisation_id
        unseen = [c.what for c in planted.canaries if asked_own and c.shown and c.seen_by(person.actor) and c.word not in found]
        missing += [f"{name} does not see {what}" for what in unseen]
    assert not wrong, "\n".join(wrong)
    assert not missing, "\n".join(missing)
    logged = found_in(caplog.text, planted.canaries)
    assert not logged
    figure = f"{len(planted.canaries)} canaries, {len(who)} readers, {looks:,} replies and the log at DEBUG"
    promise(6, f"{figure}: 0 where they are not declared, each found where it is")


def _leaky(app: Flask) -> None:
    """A call that hands out what was said at every handling level."""
    sessions = app.extensions[EXTENSION].sessions

    @may_enter(*EVERYBODY)
    def leaky() -> str:
        with sessions.reading() as session:
            return " ".join(comment.original for comment in session.query(responses.Comment))

    app._got_first_request = False  # the only way to add an address to an application that has answered already
    app.add_url_rule("/leaky", "leaky", leaky)


def test_a_page_that_leaks_is_found(everything: Everything, planted: Planted) -> None:
    _leaky(everything.app)
    partner = somebody(everything.site, everything.own.actor.organisation_id, Role.PARTNER)
    found = leaks(read_by(partner, everything, planted, only="/leaky"), partner, planted.canaries)
    assert {leak.partition(" (")[0] for leak in found} >= {f"comment, {name}" for name in ("open", "sens", "conc")}
    assert any("zqcommentelseopen" in leak for leak in found)


def test_what_goes_wrong_inside_is_told_without_words_to_the_reader_and_to_the_log(
    everything: Everything, planted: Planted, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(" ".join(canary.word for canary in planted.canaries))

    monkeypatch.setattr("commsapp.listening.service.programme", fail)
    caplog.set_level(logging.DEBUG)
    reader = person_of(everything.site, everything.own.actor)
    for path in (f"/programmes/{everything.own.ids['programme']}", f"{API}v1/programmes/{everything.own.ids['programme']}"):
        reply = reader.ask("GET", path)
        assert reply.status_code == 500
        assert not found_in(reply.get_data(as_text=True), planted.canaries)
    assert "RuntimeError" in caplog.text
    assert not found_in(caplog.text, planted.canaries)
