"""One declaration for every record and field: what is not declared is neither shown nor changed."""

from __future__ import annotations

import importlib
import inspect
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import date

import pytest

from commsapp import may
from commsapp.actor import Actor, HandlingLevel, Role
from commsapp.errors import NotAllowed, NotFound
from commsapp.listening import views

OFFICER = Actor(1, 1, "Ann", Role.OFFICER, frozenset({HandlingLevel.OPEN}))
PARTNER = replace(OFFICER, role=Role.PARTNER)
WAVE = views.Wave(1, "March", date(2026, 3, 1), date(2026, 3, 31))
FIGURES = {"Records"}
"""What measuring works on: it is never shown."""


def said(level: HandlingLevel) -> views.Said:
    values = {field.name: "words" for field in fields(views.Said)}
    return views.Said(**(values | {"handling_level": level, "attributes": {"age": "16-24"}}))  # type: ignore[arg-type]


def test_every_field_of_every_view_says_who_may_see_it() -> None:
    missing, extra = [], []
    for module in sorted({module for module, _ in may.SEE}):
        for name, kind in inspect.getmembers(importlib.import_module(module), is_dataclass):
            if kind.__module__ != module or name in FIGURES:
                continue
            record = may.SEE.get((module, name))
            if record is not None and record.rest:
                continue
            declared = set(record.see) if record else set()
            there = {field.name for field in fields(kind)}
            missing += [f"{name}.{field}" for field in sorted(there - declared)]
            extra += [f"{name}.{field}" for field in sorted(declared - there)]
    assert (missing, extra) == ([], [])


def test_a_role_sees_its_fields_and_another_sees_none() -> None:
    assert may.shown(OFFICER, WAVE) is WAVE
    assert may.shown(PARTNER, WAVE) == views.Wave(None, "", None, None, None)  # type: ignore[arg-type]


def test_views_are_found_inside_lists_dictionaries_and_other_views() -> None:
    page = views.Page((said(HandlingLevel.OPEN),), 1, 1, 1)
    assert may.shown(OFFICER, [{"page": page}])[0]["page"] is page
    (shown,) = may.shown(replace(OFFICER, role=Role.PARTNER), ([("waves", (WAVE,))],))[0]
    assert shown[1][0].name == ""


def test_words_of_a_level_that_one_is_not_cleared_for_are_never_shown() -> None:
    with pytest.raises(NotFound):
        may.shown(OFFICER, {"said": [said(HandlingLevel.CONCERN)]})


def test_a_view_that_nobody_declared_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(may.SEE, ("commsapp.listening.views", "Wave"))
    with pytest.raises(may.NotDeclared):
        may.shown(OFFICER, WAVE)


def test_a_field_that_nobody_declared_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    record = may.SEE["commsapp.listening.views", "Wave"]
    seen = {name: roles for name, roles in record.see.items() if name != "name"}
    monkeypatch.setitem(may.SEE, ("commsapp.listening.views", "Wave"), may.Record(seen))
    assert may.shown(OFFICER, WAVE) == replace(WAVE, name="")


def test_other_values_pass_as_they_are() -> None:
    @dataclass(frozen=True)
    class Figure:
        value: float

    for value in (None, 3, "text", Figure(0.5), [1, 2], {"a": (1,)}):
        assert may.shown(PARTNER, value) is value


def test_a_change_is_refused_where_the_role_may_not_make_it() -> None:
    may.check_change(OFFICER, "campaign", "create")
    with pytest.raises(NotAllowed, match="campaign"):
        may.check_change(replace(OFFICER, role=Role.WORKER), "campaign", "create")
    with pytest.raises(NotAllowed):
        may.check_change(PARTNER, "programme", "create")


def test_one_action_may_have_other_roles_than_the_rest() -> None:
    evaluator = replace(OFFICER, role=Role.EVALUATOR)
    assert may.may_change(evaluator, "expected effect", "measure")
    assert not may.may_change(evaluator, "expected effect", "fix")


def test_a_change_that_nobody_declared_is_refused() -> None:
    with pytest.raises(may.NotDeclared, match="spaceship"):
        may.check_change(OFFICER, "spaceship", "launch")
