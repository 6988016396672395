"""What the code offers is documented, and what the documentation names is there."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import pytest
from checkout import PACKAGE, ROOT, kept_files, named, python_files

from commsapp.config import FOR_TESTS, SETTINGS

README = (ROOT / "README.md").read_text("utf-8")
PAGES = [path for path in kept_files() if path.suffix == ".md" and path.parts[len(ROOT.parts)] != "tests"]
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
PATH = re.compile(r"`((?:commsapp|docs|tests|templates|campaigns|models|tools|evals|benchmarks|\.ci)/[\w./-]*)`")


@pytest.fixture(scope="module")
def regenerate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("regenerate", ROOT / "docs" / "regenerate.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def every_command(context: click.Context) -> Iterator[click.Context]:
    yield context
    if isinstance(context.command, click.Group):
        for name, command in context.command.commands.items():
            yield from every_command(click.Context(command, info_name=name, parent=context))


def test_the_pages_that_are_read_off_the_code_are_current(regenerate: ModuleType) -> None:
    stale = [path.name for path, text in regenerate.pages().items() if path.read_text("utf-8") != text]
    assert not stale, "run 'python docs/regenerate.py'"


def test_every_command_and_option_is_documented() -> None:
    from commsapp.cli import commands

    page = (ROOT / "docs" / "commands.md").read_text("utf-8")
    missing = []
    for context in every_command(click.Context(commands, info_name="commsapp")):
        _, heading, rest = page.partition(f"## {context.command_path}\n")
        section = rest.partition("\n## ")[0]
        if not heading:
            missing.append(context.command_path)
        for parameter in context.command.params:
            words = parameter.opts if isinstance(parameter, click.Option) else [parameter.make_metavar(context)]
            missing += [f"{context.command_path} {word}" for word in words if word not in section]
    assert not missing


def test_every_command_option_says_what_it_does() -> None:
    from commsapp.cli import commands

    silent = [
        f"{context.command_path} {option.opts[0]}"
        for context in every_command(click.Context(commands, info_name="commsapp"))
        for option in context.command.params
        if isinstance(option, click.Option) and not (option.help or option.metavar or option.type.name == "choice")
    ]
    silent += [
        context.command_path
        for context in every_command(click.Context(commands, info_name="commsapp"))
        if not (context.command.help or "").strip()
    ]
    assert not silent


def test_every_setting_is_documented_and_the_readme_says_where() -> None:
    page = (ROOT / "docs" / "settings.md").read_text("utf-8")
    assert not [name for name in SETTINGS if f"| `{name}` |" not in page]
    assert "](docs/settings.md)" in README and "](docs/commands.md)" in README


def test_no_setting_is_read_that_is_not_listed() -> None:
    read = {name for path in python_files() for name in re.findall(r"\bCOMMSAPP_[A-Z_]+\b", path.read_text("utf-8"))}
    assert {name for name in read if name != "COMMSAPP_" and not name.startswith(FOR_TESTS)} == set(SETTINGS)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_and_paths_of_a_page_lead_somewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    links = [link for link in LINK.findall(text) if not re.match(r"[a-z]+:", link)]
    dead = [link for link in links if not (page.parent / link).exists()]
    dead += [path for path in PATH.findall(text) if not (ROOT / path).exists() and "static/vendor" not in path]
    assert not dead


def test_the_readme_has_a_command_for_everything_that_make_offers() -> None:
    targets = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert not [target for target in sorted(targets) if f"make {target}" not in README]


def test_the_changelog_has_the_version_of_the_package() -> None:
    version = re.search(r'^__version__ = "(.+)"$', (PACKAGE / "__init__.py").read_text("utf-8"), re.MULTILINE)
    settings = (ROOT / "pyproject.toml").read_text("utf-8")
    assert version is not None
    assert f'version = "{version[1]}"' in settings
    assert version[1] in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_every_decision_is_short_and_numbered_in_turn() -> None:
    records = sorted(path for path in (ROOT / "docs" / "decisions").glob("*.md") if path.name != "README.md")
    assert [int(path.name[:4]) for path in records] == list(range(1, len(records) + 1))
    long = [path.name for path in records if len([line for line in path.read_text("utf-8").splitlines() if line.strip()]) > 12]
    assert not long
