"""Time the whole job beside the plain recipe, same encoder, same file, each in a fresh process: ``python -m benchmarks.run``.

The file is 600 CFPB narratives by default, ``--file clinc`` takes 5,000 short texts, ``--rows`` other numbers. The data are
read from ../shared/data. Writes docs/speed.md.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared" / "data"
SEED = 20261123
OTHERS = "## Many users at once"


@dataclass(frozen=True)
class Cost:
    """Seconds by the clock and of processor time, of one process and its children, and its topics and outliers."""

    clock: float
    processor: float
    topics: int
    none: float


def texts(name: str, rows: int) -> tuple[pd.DataFrame, str]:
    """A table and the column with its comments."""
    if name == "clinc":
        with gzip.open(DATA / "clinc150" / "data_full.json.gz", "rt", encoding="utf-8") as file:
            frame = pd.DataFrame({"comment": [text for text, _ in json.load(file)["train"]]})
    else:
        cfpb = pd.read_csv(DATA / "cfpb_loans_2023" / "cfpb_loans_2023.csv.gz", dtype=str, keep_default_na=False)
        frame = pd.DataFrame({"comment": cfpb["Consumer complaint narrative"]})
    return frame.sample(min(rows, len(frame)), random_state=SEED).reset_index(drop=True), "comment"


def timed(command: list[str], output: Path, column: str, folder: Path) -> Cost:
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    offline = os.environ | {"HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=offline)
    clock, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{command[1:4]} failed:\n{done.stdout}\n{done.stderr}")
    topic = pd.read_csv(output)[column]
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(clock, processor, int(topic[topic >= 0].nunique()), float((topic == -1).mean()))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--file", choices=["cfpb", "clinc"], default="cfpb")
    parser.add_argument("--rows", type=int, help="default: 600 narratives, or 5,000 short texts")
    args = parser.parse_args()
    if not DATA.is_dir():
        print(f"The data are not here: {DATA}. Nothing was timed.", file=sys.stderr)
        return 2
    frame, column = texts(args.file, args.rows or (5_000 if args.file == "clinc" else 600))
    with tempfile.TemporaryDirectory(prefix="commsapp-bench-") as name:
        folder = Path(name)
        frame.to_csv(folder / "in.csv", index=False)
        source, plain, ours = str(folder / "in.csv"), folder / "plain.csv", folder / "ours.csv"
        peer = [
            sys.executable,
            str(ROOT / "benchmarks" / "plain.py"),
            source,
            column,
            str(plain),
            str(ROOT / "models" / "sentiment"),
        ]
        mine = [sys.executable, "-m", "commsapp", "code", source, "--text", column, "--output", str(ours)]
        costs = {"plain recipe": timed(peer, plain, "topic", folder), "commsapp code": timed(mine, ours, "coded_topic", folder)}
    write(args.file, len(frame), frame[column].str.split().str.len().mean(), costs)
    return 0


def write(name: str, rows: int, words: float, costs: dict[str, Cost]) -> None:
    lines = [
        "# Speed",
        "",
        f"Measured by `make bench` on {rows:,} texts ({name}, {words:.0f} words on average), {os.cpu_count()} cores, "
        f"{platform.machine()}; written by `benchmarks/run.py`. Both processes start fresh, imports included.",
        "",
        "| Job | seconds by the clock | processor seconds | topics | without topic |",
        "| --- | --- | --- | --- | --- |",
        *(f"| {job} | {c.clock:.0f} | {c.processor:.0f} | {c.topics} | {c.none:.1%} |" for job, c in costs.items()),
        "",
        f"Ratio plain / commsapp: **{costs['plain recipe'].clock / costs['commsapp code'].clock:.2f}** by the clock, "
        f"{costs['plain recipe'].processor / costs['commsapp code'].processor:.2f} of processor time.",
        "",
        "The plain recipe cuts each text at 256 tokens; `commsapp code` reads all of it, in windows, and gives a text the same "
        "numbers alone and in any batch. On long texts it therefore does more work.",
        "",
    ]
    text = "\n".join(lines)
    print(text)
    page = ROOT / "docs" / "speed.md"
    # What follows is measured by another command.
    _, heading, rest = page.read_text("utf-8").partition(OTHERS)
    page.write_text(f"{text}\n{heading}{rest}" if heading else text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
