"""ARCHITECTURE.md is held against the code, and the direction of imports against the contracts."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from checkout import CACHES, PACKAGE, ROOT, packages, quiet_environment, services

ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
NAMED = set(re.findall(r"`(commsapp/[\w/.]*)`", ARCHITECTURE))

VIOLATIONS = {
    "Imports point one way": ("listening/service.py", "import commsapp.planning.service"),
    "Only storage writes SQL": ("planning/service.py", "import sqlalchemy"),
    "Only app, web, api and http know HTTP and forms": ("evaluation/service.py", "import flask"),
    "Only textmodels imports the heavy libraries": ("http/request.py", "import torch"),
}


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=quiet_environment(), check=False)


def test_architecture_names_every_package_and_no_other() -> None:
    assert {name for name in NAMED if name.endswith("/")} == packages()


def test_architecture_names_every_service_and_no_other() -> None:
    assert {name for name in NAMED if name.endswith("/service.py")} == services()


def test_whatever_else_architecture_names_exists() -> None:
    missing = sorted(name for name in NAMED if not (ROOT / name).exists())
    assert not missing, f"ARCHITECTURE.md names {', '.join(missing)}"


def test_every_package_says_what_it_is_for() -> None:
    silent = [name for name in sorted(packages()) if not (ROOT / name / "__init__.py").read_text("utf-8").startswith('"""')]
    assert not silent


def test_imports_keep_to_the_contracts() -> None:
    checked = lint_imports(ROOT)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_broken_rule_is_found(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(PACKAGE, tmp_path / "commsapp", ignore=shutil.ignore_patterns(*CACHES, "static"))
    for place, line in VIOLATIONS.values():
        path = tmp_path / "commsapp" / place
        path.write_text(f"{path.read_text('utf-8')}\n{line}\n", "utf-8")

    checked = lint_imports(tmp_path)

    assert checked.returncode != 0
    said = " ".join(checked.stdout.split())
    kept = [contract for contract in VIOLATIONS if not re.search(rf"{re.escape(contract)} BROKEN", said)]
    assert not kept, f"not found: {kept}\n{checked.stdout}"


def test_every_contract_is_tried() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contracts = {contract["name"] for contract in settings["tool"]["importlinter"]["contracts"]}
    assert contracts == set(VIOLATIONS)
