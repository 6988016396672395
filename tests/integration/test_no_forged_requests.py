"""Another site can't make somebody's browser change anything here (promise 7): each writing address, generated from the map."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from everything import (
    Everything,
    Person,
    address,
    csrf_token,
    methods,
    open_everything,
    person_of,
    rules,
    values_of,
)
from flask import Flask
from flask.testing import FlaskClient
from flask_wtf.csrf import CSRFProtect
from tables import Watched
from werkzeug.routing import Rule

from commsapp.actor import Role
from commsapp.http.request import EXTENSION, READING
from commsapp.http.security import API, may_enter


@pytest.fixture
def everything(tmp_path: Any, sqlite_template: Any) -> Iterator[Everything]:
    opened = open_everything(tmp_path, sqlite_template)
    yield opened
    opened.app.extensions[EXTENSION].sessions.engine.dispose()


def writing(app: Flask) -> list[tuple[Rule, str]]:
    """Every address of a page with every method by which it could change something."""
    pages = [rule for rule in rules(app) if not rule.rule.startswith(API)]
    return [(rule, method) for rule in pages for method in methods(rule) if method not in READING]


def forged(person: Person, other: Person) -> dict[str, str]:
    """Form tokens that another site could send: none, a made-up one, one that it was given itself, an old one."""
    return {
        "none": "",
        "made up": "ImFiYyI.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb",
        "of another session": other.csrf,
        "of nobody": csrf_token(person.app, "0" * 64),
    }


def not_refused(everything: Everything) -> tuple[int, list[str]]:
    """How many forged requests were sent, and those that were not refused or changed something."""
    victim, attacker = (person_of(everything.site, one.actor) for one in (everything.own, everything.theirs))
    database = Watched(everything.site.settings.data_dir / "commsapp.sqlite")
    asked, wrong = 0, []
    for rule, method in writing(everything.app):
        values, _ = next(values_of(rule, everything.own))
        for kind, token in forged(victim, attacker).items():
            asked += 1
            status = victim.ask(method, address(everything.app, rule, values), csrf=token).status_code
            if status != 400:
                wrong.append(f"{method} {rule.rule} with a token {kind}: {status}")
            if changed := database.changed():
                wrong.append(f"{method} {rule.rule} with a token {kind} changed {', '.join(changed)}")
    database.close()
    return asked, wrong


def test_every_writing_address_refuses_a_request_that_no_page_of_ours_sent(
    everything: Everything, promise: Callable[[int, str], None]
) -> None:
    asked, wrong = not_refused(everything)
    assert not wrong, "\n".join(wrong)
    routes = len(writing(everything.app))
    assert routes >= 40
    promise(7, f"{routes} of {routes} writing addresses of pages refused, {asked} forged requests; nothing changed")


def test_a_right_form_token_is_let_in_so_that_the_refusals_say_something(everything: Everything) -> None:
    person = person_of(everything.site, everything.own.actor)
    refused = []
    for rule, method in writing(everything.app):
        values, _ = next(values_of(rule, everything.own))
        reply = person.ask(method, address(everything.app, rule, values))
        if "form was open for too long" in reply.get_data(as_text=True):
            refused.append(rule.rule)
        if rule.endpoint.endswith(("sign_out", "sign_out_elsewhere")):
            person = person_of(everything.site, everything.own.actor)
    assert not refused


def test_an_address_that_forgets_to_ask_is_found(everything: Everything) -> None:
    app = everything.app

    @may_enter(*Role)
    def forgetful() -> str:
        return "done"

    app._got_first_request = False  # the only way to add an address to an application that has answered already
    app.add_url_rule("/forgetful", "forgetful", forgetful, methods=["POST"])
    protection: CSRFProtect = app.extensions["csrf"]
    protection.exempt(f"{forgetful.__module__}.{forgetful.__name__}")
    protection._exempt_views.add(f"{app.view_functions['forgetful'].__module__}.{app.view_functions['forgetful'].__name__}")
    _, wrong = not_refused(everything)
    assert wrong == [
        f"POST /forgetful with a token {kind}: 200" for kind in ("none", "made up", "of another session", "of nobody")
    ]


def test_the_api_reads_no_cookie_so_that_a_browser_can_not_be_made_to_call_it(
    everything: Everything, promise: Callable[[int, str], None]
) -> None:
    person = person_of(everything.site, everything.own.actor)
    database = Watched(everything.site.settings.data_dir / "commsapp.sqlite")
    asked, wrong = 0, []
    for rule in rules(everything.app):
        if not rule.rule.startswith(API) or rule.endpoint == "api_document":
            continue
        values, _ = next(values_of(rule, everything.own))
        for method in methods(rule):
            client = FlaskClient(everything.app, everything.app.response_class, use_cookies=False)
            sent = {"headers": {"Cookie": f"commsapp={person.cookie}"}, "base_url": "http://localhost"}
            reply = client.open(address(everything.app, rule, values), method=method, **sent)
            asked += 1
            if reply.status_code != 401 or "Set-Cookie" in reply.headers or database.changed():
                wrong.append(f"{method} {rule.rule}: {reply.status_code}")
    database.close()
    assert not wrong
    promise(7, f"{asked} of {asked} calls of the API took a cookie for nobody")
