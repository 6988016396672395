"""Templates use what they import, call what exists, and are all shown by something."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from checkout import PACKAGE, named, python_files, strings, tree
from flask import Flask
from jinja2 import Environment, nodes
from jinja2.meta import find_undeclared_variables

from commsapp.app import create_app
from commsapp.bundled import templates
from commsapp.config import load_settings
from commsapp.http.request import EXTENSION
from commsapp.storage import database

REPORTS = "reports/"
"""Rendered by sharing, in an environment of its own; its tests render all of them."""


@cache
def own() -> tuple[str, ...]:
    return tuple(sorted(path.relative_to(templates()).as_posix() for path in templates().rglob("*.html")))


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    settings = load_settings({"COMMSAPP_DATA_DIR": str(tmp_path_factory.mktemp("data"))})
    database.upgrade(settings.database_url)
    made = create_app(settings)
    yield made
    made.extensions[EXTENSION].sessions.engine.dispose()


def parsed(environment: Environment, name: str) -> nodes.Template:
    assert environment.loader is not None
    text, _, _ = environment.loader.get_source(environment, name)
    return environment.parse(text)


def brought_in(template: nodes.Template) -> dict[str, tuple[str, str]]:
    """Name here → (template, name there) of every imported name; a whole import has no name there."""
    found: dict[str, tuple[str, str]] = {}
    for node in template.find_all(nodes.FromImport):
        place = node.template.value if isinstance(node.template, nodes.Const) else ""
        for name in node.names:
            there, here = name if isinstance(name, tuple) else (name, name)
            found[here] = (place, there)
    for whole in template.find_all(nodes.Import):
        found[whole.target] = (whole.template.value if isinstance(whole.template, nodes.Const) else "", "")
    return found


def unused_imports(template: nodes.Template) -> set[str]:
    read = {name.name for name in template.find_all(nodes.Name) if name.ctx == "load"}
    return set(brought_in(template)) - read


def defined(template: nodes.Template) -> set[str]:
    """What other templates can import from this one."""
    macros = {macro.name for macro in template.find_all(nodes.Macro)}
    return macros | {name.name for name in template.find_all(nodes.Name) if name.ctx == "store"} | set(brought_in(template))


def called(template: nodes.Template) -> set[str]:
    """Names that are called and that the template itself does not set, import or take as an argument."""
    calls = {call.node.name for call in template.find_all(nodes.Call) if isinstance(call.node, nodes.Name)}
    # Jinja reads each block alone, and does not see there what the template imports above it.
    return (calls & find_undeclared_variables(template)) - defined(template)


def handed_over() -> set[str]:
    """Keywords of every render_template call: what views hand to their templates."""
    return {
        word.arg
        for path in python_files(PACKAGE / "web")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        for word in node.keywords
        if word.arg
    }


def shown_by_code() -> set[str]:
    return {text for path in python_files() for _, text in strings(path) if text.endswith(".html")}


def shown_by(template: nodes.Template) -> set[str]:
    kinds = (nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)
    names = [dict(node.iter_fields())["template"] for node in template.find_all(kinds)]
    return {name.value for name in names if isinstance(name, nodes.Const)}


@pytest.mark.parametrize("name", own())
def test_a_template_uses_everything_that_it_imports(app: Flask, name: str) -> None:
    assert not unused_imports(parsed(app.jinja_env, name))


@pytest.mark.parametrize("name", own())
def test_a_template_imports_only_what_is_there(app: Flask, name: str) -> None:
    wrong = [
        f"{there} of {place}"
        for place, there in brought_in(parsed(app.jinja_env, name)).values()
        if there and there not in defined(parsed(app.jinja_env, place))
    ]
    assert not wrong


@pytest.mark.parametrize("name", [name for name in own() if not name.startswith(REPORTS)])
def test_a_template_calls_only_what_is_defined(app: Flask, name: str) -> None:
    app.jinja_env.get_template(name)  # compiles: every filter and test in it exists
    with app.test_request_context("http://localhost/"):
        given: dict[str, object] = {}
        app.update_template_context(given)
    known = set(app.jinja_env.globals) | set(given) | handed_over() | {"caller", "super", "varargs", "kwargs"}
    assert not called(parsed(app.jinja_env, name)) - known


def test_every_template_is_shown_by_something(app: Flask) -> None:
    shown = shown_by_code().union(*(shown_by(parsed(app.jinja_env, name)) for name in own()))
    # The reports' environment begins in their folder.
    assert not {name for name in own() if name.removeprefix(REPORTS) not in shown}


def test_unused_and_undefined_names_are_found() -> None:
    template = Environment().parse("{% from 'a.html' import used, idle %}{{ used(1) }}{{ gone(2) }}")
    assert unused_imports(template) == {"idle"}
    assert called(template) == {"gone"}


def test_no_template_brings_its_own_script_style_or_address() -> None:
    # The policy would refuse them; better to hear it here. Data for charts is not a script.
    wrong = []
    for path in sorted(Path(templates()).rglob("*.html")):
        if path.relative_to(templates()).as_posix().startswith(REPORTS):
            continue
        text = path.read_text("utf-8").lower()
        wrong += [f"{named(path)}: {sign}" for sign in (" style=", "<style", " onclick=", " onload=", "//cdn") if sign in text]
    assert not wrong
