"""Measure the shipped models: ``python -m evals.run``, or ``--only PART`` for some of `PARTS`.

Sentiment and emotions on texts that no training saw, beside VADER and TextBlob; the models in 8 bits beside 32; topics on
clinc150 (gold labels), beside BERTopic's defaults and k-means; what is new in a wave; the Bowling Green consultation and CFPB
narratives through the command line, as anybody would use it, and whether two runs agree byte for byte; redaction on sentences of
our own. The data are read from ../shared/data. Writes docs/accuracy.md and fails when a promise is broken.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from evals.emerging import emerging_topics
from evals.layers import layers
from evals.redaction.run import redaction
from evals.report import DATA, ROOT, SEED, Report, write
from evals.tone.run import tone
from evals.topics import topics

MOST_LEFT_OUT = 0.05


def code(frame: pd.DataFrame, text: str, folder: Path, *options: str) -> pd.DataFrame:
    """The table through ``commsapp code``, in a process of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    frame.to_csv(folder / "in.csv", index=False)
    command = [
        sys.executable,
        "-m",
        "commsapp",
        "code",
        folder / "in.csv",
        "--text",
        text,
        "--output",
        folder / "out.csv",
        *options,
    ]
    done = subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"commsapp code failed on {folder.name}:\n{done.stdout}\n{done.stderr}")
    coded = pd.read_csv(folder / "out.csv", keep_default_na=False)
    if len(coded) != len(frame):
        raise SystemExit(f"commsapp code lost rows on {folder.name}: {len(frame)} became {len(coded)}.")
    return coded


def twice(report: Report, work: Path, name: str, frame: pd.DataFrame, text: str, *, show: bool) -> list[object]:
    """Code a table twice in two processes: number of topics, what fits none, whether the bytes agree."""
    started = time.monotonic()
    coded = code(frame, text, work / f"{name}-1")
    seconds = time.monotonic() - started
    code(frame, text, work / f"{name}-2")
    same = (work / f"{name}-1" / "out.csv").read_bytes() == (work / f"{name}-2" / "out.csv").read_bytes()
    report.expect(same, f"{name}: two runs differ")
    read = coded[coded["coded_skipped"] == ""]
    none = float((read["coded_topic"] == -1).mean())
    report.expect(none <= MOST_LEFT_OUT, f"{name}: {none:.1%} without topic")
    counts = read.loc[read["coded_topic"] != -1, "coded_topic_name"].value_counts()
    print(f"{name}:\n{counts.to_string()}\n", flush=True)
    if show:
        report.parts.append(f"Topics of {name}: " + ", ".join(f"{topic} ({n})" for topic, n in counts.items()) + ".")
    skipped = len(coded) - len(read)
    return [name, f"{len(frame):,}", skipped, len(counts), f"{none:.1%}", "yes" if same else "NO", f"{seconds:.0f} s"]


def consultations(report: Report, work: Path, size: int) -> None:
    bowling = pd.read_csv(DATA / "polis" / "american-assembly.bowling-green" / "comments.csv", dtype=str, keep_default_na=False)
    cfpb = pd.read_csv(DATA / "cfpb_loans_2023" / "cfpb_loans_2023.csv.gz", dtype=str, keep_default_na=False)
    if size < len(cfpb):
        cfpb = cfpb.sample(size, random_state=SEED).reset_index(drop=True)
    # The narratives' topics may name companies, so their names are printed for the one who runs this but not written down.
    rows = [
        twice(report, work, "Bowling Green statements", bowling, "comment-body", show=True),
        twice(report, work, "CFPB narratives", cfpb, "Consumer complaint narrative", show=False),
    ]
    columns = ["Comments", "Rows", "Not coded", "Topics", "Without topic", "Same bytes twice", "One run"]
    report.table("Topics: real comments without gold labels, medium", columns, rows)


PARTS: dict[str, Callable[[Report, Path, bool], None]] = {
    "tone": lambda report, work, _: tone(report, work, DATA, code),
    "layers": lambda report, _, __: layers(report),
    "topics": lambda report, _, __: topics(report),
    "emerging": lambda report, _, full: emerging_topics(report, trials=5 if full else 2, waves=40),
    "consultations": lambda report, work, full: consultations(report, work, 1_000_000 if full else 600),
    "redaction": lambda report, _, __: redaction(report, DATA),
}
"""Name → what measures it: with a report, an empty folder, and whether to take all that there is."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="all CFPB narratives, more waves (another half an hour on two cores)")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART", help=", ".join(PARTS))
    args = parser.parse_args()
    if not DATA.is_dir():
        print(f"The data are not here: {DATA}. Nothing was measured.", file=sys.stderr)
        return 2
    broken: list[str] = []
    head = "# Accuracy\n\nMeasured by `make evals` from the shipped weights; written by `evals/run.py`."
    for name in args.only:
        report = Report()
        with tempfile.TemporaryDirectory(prefix="commsapp-evals-") as folder:
            PARTS[name](report, Path(folder), args.full)
        broken += report.broken
        write(ROOT / "docs" / "accuracy.md", head, list(PARTS), {name: "\n\n".join(report.parts)})
    for promise in broken:
        print(f"BROKEN: {promise}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
