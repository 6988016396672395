"""Every address of the application says who may enter."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from commsapp.api.joined import BLUEPRINTS
from commsapp.app import create_app
from commsapp.config import load_settings
from commsapp.http.request import EXTENSION
from commsapp.http.security import declared_roles, guard
from commsapp.storage import database

NEVER_IN_AN_ADDRESS = {"source", "sources", "informant", "disclosure", "disclosures", "theme", "themes"}


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    settings = load_settings({"COMMSAPP_DATA_DIR": str(tmp_path)})
    database.upgrade(settings.database_url)
    made = create_app(settings)
    yield made
    made.extensions[EXTENSION].sessions.engine.dispose()


def test_every_route_declares_who_may_enter(app: Flask) -> None:
    rules = list(app.url_map.iter_rules())
    assert rules
    assert not [rule.rule for rule in rules if not declared_roles(app.view_functions[rule.endpoint])]


def test_an_application_with_a_route_that_forgot_to_does_not_start(app: Flask) -> None:
    app.add_url_rule("/open-to-all", "forgetful", lambda: "")
    with pytest.raises(RuntimeError, match="/open-to-all"):
        guard(app)


def test_addresses_use_our_words(app: Flask) -> None:
    words = {rule.rule: set(re.split(r"[^a-z]+", rule.rule.lower())) for rule in app.url_map.iter_rules()}
    assert not [rule for rule, found in words.items() if found & NEVER_IN_AN_ADDRESS]


def test_no_address_that_only_reads_takes_a_post_as_well_without_a_form(app: Flask) -> None:
    # Every address that changes something is protected against forged requests; none may opt out but the API, which takes a
    # token and no cookie (tests/integration/test_api_tokens.py).
    assert app.config.get("WTF_CSRF_ENABLED", True)
    assert not app.extensions["csrf"]._exempt_views
    assert app.extensions["csrf"]._exempt_blueprints == set(BLUEPRINTS)
