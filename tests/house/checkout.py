"""What the guards look at: the files of this checkout, its packages, its functions."""

from __future__ import annotations

import ast
import os
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "commsapp"
CACHES = {"__pycache__", "vendor", "_bundled"}


@cache
def kept_files() -> tuple[Path, ...]:
    """Files that git keeps, or would keep if they were added now."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
    )
    names = {name for name in listed.stdout.decode().split("\0") if name}
    return tuple(path for path in (ROOT / name for name in sorted(names)) if path.is_file())


def python_files(folder: Path = PACKAGE) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if not CACHES & set(path.parts))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), filename=str(path))


def named(path: Path) -> str:
    """A path as the documentation writes it."""
    return path.relative_to(ROOT).as_posix()


def packages() -> set[str]:
    """'commsapp/listening/' and so on, each folder with an ``__init__.py``."""
    return {f"{named(path.parent)}/" for path in python_files() if path.name == "__init__.py"}


def services() -> set[str]:
    return {named(path) for path in python_files() if path.name == "service.py"}


def strings(path: Path) -> Iterator[tuple[int, str]]:
    """Every string of a Python file but docstrings, with its line; of an f-string, its constant parts."""
    documentation = {
        id(node.body[0].value)
        for node in ast.walk(tree(path))
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.lineno, node.value


def quiet_environment(**extra: str) -> dict[str, str]:
    """The environment without what a surrounding make or Python set up for itself."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "PYTHON"))}
    return {**inherited, **extra}
