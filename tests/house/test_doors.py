"""A domain is entered through its service; what else may be imported from outside are words and pure functions."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from checkout import PACKAGE, ROOT, python_files

DOMAINS = ("accounts", "listening", "audiences", "planning", "evaluation", "sharing")
OPEN = {
    "listening": {"views", "measuring", "columns", "dates", "files", "coding", "languages", "redaction", "formats", "identity"},
    "planning": {"campaigns", "playbooks", "sample", "wording"},
    "evaluation": {"views", "diagnostics"},
    "sharing": {"lines"},
}
"""Modules beside the service that others may import: none of them knows the database."""


def imports(path: Path) -> list[tuple[int, str]]:
    """(line, module) of every import; 'from package import module' counts as both names together."""
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [(node.lineno, f"{node.module}.{alias.name}") for alias in node.names]
    return found


def past_the_door(path: Path, package: Path = PACKAGE) -> list[str]:
    """Imports of a file that enter a domain other than its own neither by the service nor by an open module."""
    own = path.relative_to(package).parts[0]
    wrong = []
    for line, name in imports(path):
        parts = name.split(".")
        if len(parts) < 3 or parts[0] != "commsapp" or parts[1] not in DOMAINS or parts[1] == own:
            continue
        if parts[2] not in {"service"} | OPEN.get(parts[1], set()):
            wrong.append(f"{path.relative_to(package)}:{line} imports {name}")
    return wrong


def test_every_domain_is_entered_by_its_service_or_an_open_module() -> None:
    assert [one for path in python_files() for one in past_the_door(path)] == []


def test_an_import_past_the_door_is_found(tmp_path: Path) -> None:
    page = tmp_path / "web" / "page.py"
    page.parent.mkdir()
    page.write_text(
        "from commsapp.listening import reporting, service\nfrom commsapp.listening.importing import run_import\n", "utf-8"
    )
    assert past_the_door(page, tmp_path) == [
        "web/page.py:1 imports commsapp.listening.reporting",
        "web/page.py:2 imports commsapp.listening.importing.run_import",
    ]


@pytest.mark.parametrize(("domain", "module"), [(domain, name) for domain, names in OPEN.items() for name in sorted(names)])
def test_an_open_module_knows_no_database(domain: str, module: str) -> None:
    place = PACKAGE / domain / module
    files = sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    assert files
    assert [name for path in files for _, name in imports(path) if name.startswith(("commsapp.storage", "sqlalchemy"))] == []


def test_architecture_names_the_open_modules() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    sentence = re.search(r"Beside the services stand open:(.*?)\n- ", page, re.DOTALL)
    assert sentence is not None
    named = set(re.findall(r"`(\w+\.\w+)`", sentence.group(1)))
    assert named == {f"{domain}.{module}" for domain, modules in OPEN.items() for module in modules}
