"""The Makefile and .ci/ do what they say, in the order they say it."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
from pathlib import Path
from types import ModuleType

import pytest
from checkout import ROOT, quiet_environment

SKIPPED = """<testsuites><testsuite><testcase classname="tests.a" name="test_a"/>
<testcase classname="tests.b" name="test_b"><skipped type="pytest.skip" message="{reason}">b.py:1</skipped></testcase>
</testsuite></testsuites>"""


def planned(target: str) -> str:
    """What make would do."""
    done = subprocess.run(
        ["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=True, env=quiet_environment()
    )
    return done.stdout


@pytest.fixture(scope="module")
def check_skips() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_skips", ROOT / ".ci" / "check_skips.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tests_begin_with_style_types_and_imports() -> None:
    steps = planned("test")
    places = [steps.index(step) for step in ("/ruff check", "/ruff format --check", "/mypy", "/lint-imports", " pytest ")]
    assert places == sorted(places)


@pytest.mark.parametrize("url", ["postgresql+psycopg://root@127.0.0.1/test", "postgresql://root@127.0.0.1/test"])
def test_the_load_reads_the_address_of_a_database_as_the_settings_and_the_tests_do(url: str) -> None:
    """It once ended `make soak` in its last minutes, over an address that all the tests before it had taken."""
    from psycopg.conninfo import conninfo_to_dict

    from benchmarks.load.run import as_psycopg

    assert conninfo_to_dict(as_psycopg(url)) == {"user": "root", "host": "127.0.0.1", "dbname": "test"}


@pytest.mark.parametrize("target", ["demo", "serve", "test", "soak", "evals", "bench"])
def test_whatever_shows_pages_or_reads_comments_brings_scripts_styles_and_the_model_of_names_first(target: str) -> None:
    """In a fresh clone nothing of it is there, and `make soak` once fell over that after twelve minutes."""
    steps = planned(target)
    last = max(steps.index(step) for step in ("tools/vendor.py", "tools/names_model.py"))
    begins = {"demo": "commsapp demo", "serve": "commsapp serve", "test": " -m pytest", "soak": " -m pytest"}
    assert last < steps.index(begins.get(target, f" -m {'evals' if target == 'evals' else 'benchmarks'}.run"))


def test_quick_tests_come_first_and_browsers_last() -> None:
    run = re.search(r"-m pytest (.*)", planned("test"))
    assert run is not None
    folders = [word for word in run[1].split() if word.startswith("tests/")]
    assert folders == ["tests/unit", "tests/house", "tests/integration", "tests/browser"]


def test_no_folder_of_tests_is_forgotten() -> None:
    holding = {f"tests/{path.relative_to(ROOT / 'tests').parts[0]}" for path in (ROOT / "tests").rglob("test_*.py")}
    assert holding <= set(planned("test").split())


def test_make_alone_says_what_it_can_make() -> None:
    said = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True, env=quiet_environment()).stdout
    assert all(f"make {target} " in said for target in ("demo", "test", "serve", "lint", "evals", "bench", "help"))


def test_continuous_integration_is_a_program_without_mistakes_of_grammar() -> None:
    program = ROOT / ".ci" / "run"
    assert os.access(program, os.X_OK)
    subprocess.run(["bash", "-n", program], check=True)
    assert "set -euo pipefail" in program.read_text("utf-8")


def test_a_skip_that_is_not_listed_fails(check_skips: ModuleType, tmp_path: Path) -> None:
    report, listed = tmp_path / "tests.xml", tmp_path / "allowed.txt"
    report.write_text(SKIPPED.format(reason="only on Windows"), "utf-8")
    listed.write_text("# none\n", "utf-8")
    assert check_skips.main(report, listed) == 1

    listed.write_text("only on Windows :: it tests a rule of file names there\n", "utf-8")
    assert check_skips.main(report, listed) == 0


@pytest.mark.parametrize("reason", ["../shared/data is not here", "PostgreSQL does not answer", "needs Chromium", "no Pango"])
def test_what_is_always_there_is_never_a_reason(check_skips: ModuleType, tmp_path: Path, reason: str) -> None:
    report, listed = tmp_path / "tests.xml", tmp_path / "allowed.txt"
    report.write_text(SKIPPED.format(reason=f"today {reason}"), "utf-8")
    listed.write_text("today :: a wide net\n", "utf-8")
    assert check_skips.main(report, listed) == 1

    listed.write_text(f"{reason} :: it would be convenient\n", "utf-8")
    with pytest.raises(SystemExit):
        check_skips.main(report, listed)


def test_a_report_without_tests_fails(check_skips: ModuleType, tmp_path: Path) -> None:
    report = tmp_path / "tests.xml"
    report.write_text("<testsuites><testsuite/></testsuites>", "utf-8")
    assert check_skips.main(report, ROOT / ".ci" / "allowed-skips.txt") == 1


def test_every_allowed_skip_has_a_why(check_skips: ModuleType) -> None:
    check_skips.allowed_reasons(ROOT / ".ci" / "allowed-skips.txt")
