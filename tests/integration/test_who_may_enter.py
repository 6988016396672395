"""No role sees what it may not (promise 5): every address, every method, every role and nobody, own and other organisation.

The cells are generated from the map of addresses, so that what is added later is asked as well. An address with a variable that
nobody explained fails with a sentence that says what to add (`everything.PARAMETERS`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from everything import (
    OWN,
    THEIRS,
    Everything,
    Person,
    address,
    is_public,
    methods,
    nobody,
    open_everything,
    roles_of,
    rules,
    somebody,
    values_of,
)
from flask import Flask
from tables import Watched
from werkzeug.routing import Map, Rule

from commsapp.actor import Role
from commsapp.http import request
from commsapp.http.request import EXTENSION, READING
from commsapp.http.security import EVERYBODY, LARGEST_INTEGER, guard, may_enter, without_sign_in
from commsapp.storage.programmes import Programme

PUBLIC = {
    "assets.file",
    "api_document",
    "sign_in.sign_in",
    "sign_in.second",
    "sign_in.with_passkey",
    "sign_in.second_with_passkey",
    "sign_in.join",
    "joining.join",
    "provider.ask",
    "provider.answer",
}
"""All that answers somebody who is not signed in. Whoever adds to it says here why it tells nothing about anybody."""

REFUSED = {403, 404}

ONES_OWN = {"second_factor.remove_passkey", "tokens.revoke"}
"""Where even an administrator finds what is their own alone."""


@dataclass(frozen=True)
class Cell:
    """One question: who asks what of which organisation."""

    rule: Rule
    method: str
    person: Person
    values: dict[str, Any]
    own: bool

    def __str__(self) -> str:
        who = self.person.actor.role.value if self.person.actor else "nobody"
        whose = "own" if self.own else "other organisation"
        return f"{self.method} {self.rule.rule} by {who} ({whose}, {self.values})"


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Any) -> Iterator[Everything]:
    opened = open_everything(tmp_path_factory.mktemp("everything"), sqlite_template)
    yield opened
    opened.app.extensions[EXTENSION].sessions.engine.dispose()


@pytest.fixture(scope="module")
def persons(everything: Everything) -> list[Person]:
    """One of each role in the own organisation, and nobody."""
    own = everything.own.actor.organisation_id
    named = {"listening_result_id": everything.own.ids["result"], "before_wave_id": everything.own.ids["wave"]}
    named |= {"to_programme_id": everything.own.ids["programme"]}
    made = [somebody(everything.site, own, role, originals=True) for role in Role]
    return [*(replace(person, named=named) for person in made), nobody(everything.app)]


def cells(everything: Everything, persons: list[Person], wanted: list[Rule] | None = None) -> Iterator[Cell]:
    """Every cell, those that only read first."""
    found = [
        Cell(rule, method, person, values, own)
        for rule in (rules(everything.app) if wanted is None else wanted)
        for method in methods(rule)
        for person in persons
        if method != "HEAD" or person.actor is None  # for everybody else it is a GET of which the words don't come
        for values, own in values_of(rule, everything.own, everything.theirs)
    ]
    yield from sorted(found, key=lambda cell: cell.method not in READING)


def problems(app: Flask, cell: Cell, database: Watched) -> list[str]:
    """Ask one cell; what is wrong with the answer."""
    reply = cell.person.ask(cell.method, address(app, cell.rule, cell.values))
    changed, found = database.changed(), []
    words = reply.get_data(as_text=True)
    status, public = reply.status_code, is_public(app, cell.rule)
    if status >= 500:
        found.append(f"a fault of ours ({status})")
    if THEIRS in words and not public:
        found.append("shows what another organisation has")
    if cell.person.actor is None:
        found += [] if public else _to_nobody(reply)
        found += ["shows what an organisation has"] if OWN in words and not public else []
    elif not public and cell.person.actor.role not in roles_of(app, cell.rule):
        found += [] if status in REFUSED else [f"is not refused ({status})"]
        found += ["shows what the organisation has"] if OWN in words else []
    elif not cell.own:
        found += [] if public or _hidden(app, cell, status) else [f"finds what is of another organisation ({status})"]
    elif not public and status in (401, 403):
        found.append(f"is refused ({status})")
    elif status == 404 and cell.person.actor.role is Role.ADMINISTRATOR and not (public or cell.rule.endpoint in ONES_OWN):
        found.append("is not there, so that nothing was asked: give `everything` what it needs")
    allowed = cell.own and cell.person.actor is not None and cell.person.actor.role in roles_of(app, cell.rule)
    if changed and (cell.method in READING or not (allowed or public)):
        found.append(f"changed {', '.join(changed)}")
    if changed:
        database.restore()
    return found


def _hidden(app: Flask, cell: Cell, status: int) -> bool:
    """Whether it is not there; or what was sent is refused before anybody looked, as it is for an id that nobody has."""
    if status in REFUSED:
        return True
    nobodys = address(app, cell.rule, {**cell.values, **dict.fromkeys(_numbers(cell), LARGEST_INTEGER)})
    return status in (415, 422) and cell.person.ask(cell.method, nobodys).status_code == status


def _numbers(cell: Cell) -> list[str]:
    return [name for name, value in cell.values.items() if isinstance(value, int)]


def _to_nobody(reply: Any) -> list[str]:
    led = reply.status_code == 303 and reply.headers.get("Location", "").startswith("/sign-in")
    return [] if led or reply.status_code == 401 else [f"answers somebody who is not signed in ({reply.status_code})"]


def asked(everything: Everything, persons: list[Person], wanted: list[Rule] | None = None) -> tuple[int, list[str]]:
    """How many cells were asked, and what was wrong with them."""
    database = Watched(everything.site.settings.data_dir / "commsapp.sqlite")
    count, wrong = 0, []
    try:
        for cell in cells(everything, persons, wanted):
            count += 1
            wrong += [f"{cell} {problem}" for problem in problems(everything.app, cell, database)]
    finally:
        database.close()
    return count, wrong


def test_only_what_is_declared_here_answers_somebody_who_is_not_signed_in(everything: Everything) -> None:
    assert {rule.endpoint for rule in rules(everything.app) if is_public(everything.app, rule)} == PUBLIC


def test_every_address_is_closed_to_whom_it_is_not_for_and_open_to_whom_it_is(
    everything: Everything, persons: list[Person], promise: Callable[[int, str], None]
) -> None:
    count, wrong = asked(everything, persons)
    assert not wrong, "\n".join(wrong)
    there = rules(everything.app)
    assert count > 1_000
    asked_of = f"{len(there)} addresses, {len(Role)} roles and nobody, two organisations"
    promise(5, f"{count:,} cells ({asked_of}): 0 open that should not be")


def _leaky(app: Flask) -> list[Rule]:
    """Pages with each of the faults that the matrix is there to find."""
    sessions = app.extensions[EXTENSION].sessions

    def name_of(programme_id: int) -> str:
        with sessions.reading() as session:
            return str(session.get_one(Programme, programme_id).name)

    @may_enter(*EVERYBODY)
    def everybodys(programme_id: int) -> str:
        return name_of(programme_id)

    def forgetful(programme_id: int) -> str:
        return f"without a name {programme_id}"

    forgetful_view = without_sign_in(forgetful)
    del forgetful_view.commsapp_without_sign_in  # type: ignore[attr-defined]  # as if its roles alone were declared

    @may_enter(*EVERYBODY)
    def writes(programme_id: int) -> tuple[str, int]:
        with request.sessions().writing() as session:
            session.get_one(Programme, programme_id).description += "!"
        return "", 404

    app._got_first_request = False  # the only way to add an address to an application that has answered already
    app.add_url_rule("/leaky/<int:programme_id>/name", "leaky_name", everybodys)
    app.add_url_rule("/leaky/<int:programme_id>/open", "leaky_open", forgetful_view)
    app.add_url_rule("/leaky/<int:programme_id>/write", "leaky_write", writes, methods=["POST"])
    guard(app)
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("leaky_")]


def test_the_matrix_finds_pages_that_leak_or_write_or_ask_nobody(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Any
) -> None:
    opened = open_everything(tmp_path_factory.mktemp("leaky"), sqlite_template)
    leaky = _leaky(opened.app)
    who = [somebody(opened.site, opened.own.actor.organisation_id, Role.PARTNER), nobody(opened.app)]
    _, wrong = asked(opened, who, leaky)
    found = "\n".join(wrong)
    assert "/name by partner (other organisation" in found and "shows what another organisation has" in found
    assert "/open by nobody" in found and "answers somebody who is not signed in (200)" in found
    assert "/write by partner (other organisation" in found and "changed programme" in found
    opened.app.extensions[EXTENSION].sessions.engine.dispose()


def test_an_address_with_a_variable_that_nobody_explained_says_what_to_add(everything: Everything) -> None:
    (rule,) = Map([Rule("/of/<int:unheard_of_id>", endpoint="x")]).iter_rules()
    with pytest.raises(AssertionError, match=r"variable unheard_of_id.*add it to PARAMETERS"):
        list(values_of(rule, everything.own, everything.theirs))
