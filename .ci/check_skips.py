"""Fail when a test was skipped for a reason that is not on the short list: ``check_skips.py REPORT.xml [allowed-skips.txt]``."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from xml.etree import ElementTree

NEVER = re.compile(r"shared/data|postgres|redis|chromium|pango", re.IGNORECASE)


def main(report: Path, listed: Path) -> int:
    """Print every skip that is not allowed; the exit status."""
    allowed = allowed_reasons(listed)
    tests, skips = read(report)
    if not tests:
        print(f"No test ran, says {report.name}.")
        return 1
    wrong = [(name, reason) for name, reason in skips if not any(words in reason for words in allowed) or NEVER.search(reason)]
    for name, reason in wrong:
        print(f"Skipped, and not on the list: {name}: {reason}")
    print(f"Skips: {len(skips)} of {tests} tests, {len(wrong)} not on the list.")
    return 1 if wrong else 0


def allowed_reasons(listed: Path) -> list[str]:
    """The words that allow a skip.

    Raises
    ------
    SystemExit : a line without a why, or one that may never stand there.

    """
    lines = [line.strip() for line in listed.read_text("utf-8").splitlines()]
    entries = [line.partition("::") for line in lines if line and not line.startswith("#")]
    for words, _, why in entries:
        if not words.strip() or not why.strip():
            raise SystemExit(f"{listed.name}: '{words.strip()}' needs words and a why, with :: between them.")
        if NEVER.search(words):
            raise SystemExit(f"{listed.name}: '{words.strip()}' is never a reason to skip.")
    return [words.strip() for words, _, _ in entries]


def read(report: Path) -> tuple[int, list[tuple[str, str]]]:
    """How many tests there were, and name and reason of each that was skipped."""
    root = ElementTree.parse(report).getroot()  # noqa: S314  # pytest wrote it a moment ago
    cases = list(root.iter("testcase"))
    skips = [
        (f"{case.get('classname')}::{case.get('name')}", " ".join([skip.get("message") or "", skip.text or ""]).strip())
        for case in cases
        for skip in case.iter("skipped")
    ]
    return len(cases), skips


if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else here / "allowed-skips.txt"))
