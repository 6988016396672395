from __future__ import annotations

import pytest
from flask import Flask

from commsapp.actor import Role
from commsapp.http.security import EVERYBODY, STAFF, declared_roles, guard, may_enter


def view() -> str:
    return "page"


def test_a_view_declares_its_roles_and_keeps_its_name() -> None:
    entered = may_enter(Role.OFFICER, Role.EVALUATOR)(view)

    assert declared_roles(entered) == {Role.OFFICER, Role.EVALUATOR}
    assert entered.__name__ == "view"
    assert declared_roles(view) is None


def test_an_application_with_a_view_that_forgot_its_roles_does_not_start() -> None:
    app = Flask("guarded", static_folder=None)
    app.add_url_rule("/kept", view_func=may_enter(Role.OFFICER)(view))
    guard(app)

    app.add_url_rule("/forgotten", "forgotten", view)
    with pytest.raises(RuntimeError, match=r"/forgotten \(forgotten\)"):
        guard(app)


def test_nobody_is_no_declaration() -> None:
    with pytest.raises(ValueError):
        may_enter()


def test_staff_is_everybody_but_partners() -> None:
    assert set(EVERYBODY) - set(STAFF) == {Role.PARTNER}
