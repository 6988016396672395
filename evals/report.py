"""What every eval has: where the data lie, a seed, tables for people, and a page that keeps what was not measured this time."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared" / "data"
SEED = 20261123
_PART = re.compile(r"<!-- part: ([\w ]+) -->\n(.*?)\n<!-- end -->", re.DOTALL)


@dataclass
class Report:
    """Tables for people and the promises that were broken."""

    parts: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def table(self, title: str, columns: list[str], rows: list[list[object]], note: str = "") -> None:
        """Add a table, and show it at once: others may take long."""
        lines = [f"## {title}", "", "| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
        lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
        self.parts.append("\n".join([*lines, *(["", note] if note else [])]))
        print(self.parts[-1], "\n", flush=True)

    def expect(self, kept: bool, promise: str) -> None:
        """Note a promise that is broken."""
        if not kept:
            self.broken.append(promise)


def write(page: Path, head: str, order: list[str], measured: dict[str, str]) -> None:
    """Write what was measured into a page; of the other parts what stands there stays."""
    there = dict(_PART.findall(page.read_text("utf-8"))) if page.is_file() else {}
    parts = [f"<!-- part: {name} -->\n{text}\n<!-- end -->" for name in order if (text := (there | measured).get(name))]
    page.write_text("\n\n".join([head.strip(), *parts]) + "\n", encoding="utf-8")
