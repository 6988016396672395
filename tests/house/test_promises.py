"""Every promise of reliability, security and privacy that a figure can be put to has a test that prints it."""

from __future__ import annotations

import ast

from checkout import ROOT

MEASURED = set(range(1, 21))
"""Numbers of the promises that a run of the tests measures. 21 (many users) and 22 (supply chain) are measured by hand."""


def printed() -> dict[int, list[str]]:
    """Number of a promise → tests that say its figure."""
    found: dict[int, list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "promise"):
                continue
            number, figure = node.args
            assert isinstance(number, ast.Constant), f"{path.name}:{node.lineno}: the number of the promise stands there as it is"
            assert not isinstance(figure, ast.Constant) or figure.value, f"{path.name}:{node.lineno}: no figure"
            found.setdefault(int(str(number.value)), []).append(path.name)
    return found


def test_every_promise_has_a_test_that_prints_its_figure() -> None:
    assert printed().keys() == MEASURED
