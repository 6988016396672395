"""Rules about the code that no linter knows."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path

from alembic.script import ScriptDirectory
from checkout import PACKAGE, ROOT, named, python_files, strings, tree

LONGEST_FILE = 500
LONGEST_FUNCTION = 70
STORAGE = PACKAGE / "storage"

RUNS_CODE = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "jsonpickle", "marshal", "shelve"}
RUNS_CODE_WHEN_CALLED = {"torch.load", "read_pickle", "to_pickle", "yaml.load", "yaml.unsafe_load", "yaml.full_load", "hub.load"}
RUNS_CODE_WHEN_TRUE = {"allow_pickle", "trust_remote_code"}

# Upper case and the word that must follow, so that 'Select a file' and 'Update the plan' stay words.
SQL = re.compile(
    r"^\s*(SELECT\s+\S|INSERT\s+(OR\s+\w+\s+)?INTO\s|UPDATE\s+\S+\s+SET\s|DELETE\s+FROM\s|WITH\s+\w+\s+AS\s*\(|PRAGMA\s+\w"
    r"|(CREATE|DROP|ALTER|TRUNCATE)\s+(TABLE|INDEX|VIEW|SCHEMA|TRIGGER|DATABASE)\s)"
)

# A source, to police, is an informant; a disclosure is court papers. The words that we use are in ARCHITECTURE.md.
NEVER_A_NAME = {"source", "sources", "informant", "informants", "disclosure", "disclosures", "theme", "themes"}


def calls(path: Path) -> list[tuple[int, str, dict[str, ast.expr]]]:
    """Line, dotted name and keywords of every call."""
    return [
        (node.lineno, ast.unparse(node.func), {word.arg: word.value for word in node.keywords if word.arg})
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
    ]


def imported(path: Path) -> list[tuple[int, str]]:
    """Line and first part of every module that a file imports."""
    found = []
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, name.name.partition(".")[0]) for name in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.append((node.lineno, node.module.partition(".")[0]))
    return found


def what_could_run_code(path: Path) -> list[str]:
    found = [f"{line}: import {name}" for line, name in imported(path) if name in RUNS_CODE]
    for line, name, keywords in calls(path):
        if any(name == bad or name.endswith(f".{bad}") for bad in RUNS_CODE_WHEN_CALLED):
            found.append(f"{line}: {name}")
        for word in RUNS_CODE_WHEN_TRUE & set(keywords):
            value = keywords[word]
            if not (isinstance(value, ast.Constant) and value.value is False):
                found.append(f"{line}: {name}({word}=…)")
    return found


def test_no_file_is_longer_than_a_room() -> None:
    lengths = {named(path): path.read_text("utf-8").count("\n") for path in python_files()}
    assert not {name: length for name, length in lengths.items() if length > LONGEST_FILE}


def test_every_function_fits_in_the_eye() -> None:
    # A migration is a list of tables in one function, read once.
    long = [
        f"{named(path)}:{node.lineno} {node.name}: {node.end_lineno - node.lineno} lines"
        for path in python_files()
        if path.parent.name != "versions"
        for node in ast.walk(tree(path))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and node.end_lineno is not None
        and node.end_lineno - node.lineno > LONGEST_FUNCTION
    ]
    assert not long


def test_nothing_is_loaded_that_can_run_code(promise: Callable[[int, str], None]) -> None:
    folders = [PACKAGE, *(folder for folder in (ROOT / "models", ROOT / "campaigns", ROOT / "evals") if folder.is_dir())]
    found = [f"{named(path)}:{what}" for folder in folders for path in python_files(folder) for what in what_could_run_code(path)]
    assert not found
    files = sum(1 for folder in folders for _ in python_files(folder))
    promise(18, f"{files} files: 0 imports or calls that can run code from a file of weights or data")


def test_the_search_for_what_can_run_code_finds_it(tmp_path: Path) -> None:
    path = tmp_path / "bad.py"
    path.write_text(
        "import pickle\nfrom joblib import load\ntorch.load('a')\npd.read_pickle('a')\nnp.load('a', allow_pickle=True)\n"
        "yaml.safe_load('a')\nnp.load('a', allow_pickle=False)\n",
        "utf-8",
    )
    assert [what.partition(":")[0] for what in what_could_run_code(path)] == ["1", "2", "3", "4", "5"]


def test_only_storage_holds_sql() -> None:
    found = [
        f"{named(path)}:{line}: {text.strip()[:60]}"
        for path in python_files()
        if STORAGE not in path.parents
        for line, text in strings(path)
        if SQL.match(text)
    ]
    assert not found


def test_sql_is_told_from_words() -> None:
    assert SQL.match("SELECT 1") and SQL.match("\n  UPDATE response SET area = 1") and SQL.match("PRAGMA foreign_keys=ON")
    assert not SQL.match("Select a file") and not SQL.match("Update the plan") and not SQL.match("SELECT")


def test_tables_and_columns_use_our_words() -> None:
    from commsapp.storage.tables import metadata

    names = {table.name for table in metadata.tables.values()}
    names |= {f"{table.name}.{column.name}" for table in metadata.tables.values() for column in table.columns}
    assert not [name for name in sorted(names) if NEVER_A_NAME & set(re.split(r"[._]", name))]


def test_the_database_has_exactly_one_newest_layout() -> None:
    assert len(ScriptDirectory(STORAGE / "migrations").get_heads()) == 1
