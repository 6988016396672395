"""Time the whole job beside the plain recipe, same encoder, same file, each in a fresh process: ``python -m benchmarks.run``.

Short texts of clinc150, of tweets and of GoEmotions, and CFPB narratives as long ones, read from ../shared/data. The
default sizes take two hours, most of it the plain recipe's largest file; ``--sizes 1000 13000`` takes ten minutes. Writes
docs/speed.md.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from commsapp.textmodels.layers import processors

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared" / "data"
SEED = 20261123
OTHERS = "## Many users at once"
COLUMN = "comment"
LONG = 600


@dataclass(frozen=True)
class Cost:
    """Of one process: seconds by the clock and of processor time, most memory in MB, topics, share without, seconds by stage."""

    clock: float
    processor: float
    memory: float
    topics: int
    none: float
    stages: dict[str, float]


def short_texts(rows: int) -> pd.DataFrame:
    """So many different texts of people, 5 to 30 words each: utterances first, which have the fewest words."""
    with gzip.open(DATA / "clinc150" / "data_full.json.gz", "rt", encoding="utf-8") as file:
        utterances = [text for part in json.load(file).values() for text, _ in part]
    tweets = pd.read_csv(DATA / "tweets_sentiment" / "train.csv.gz")["text"].astype(str).tolist()
    goemotions = pd.read_csv(DATA / "goemotions" / "original_train.tsv.gz", sep="\t", header=None, quoting=3, dtype=str)
    random = np.random.default_rng(SEED)
    texts: list[str] = []
    for some in (utterances, tweets, goemotions[0].astype(str).tolist()):
        texts += list(random.permutation(sorted(set(some) - set(texts))))
    return pd.DataFrame({COLUMN: random.permutation(texts[:rows])})


def long_texts(rows: int) -> pd.DataFrame:
    cfpb = pd.read_csv(DATA / "cfpb_loans_2023" / "cfpb_loans_2023.csv.gz", dtype=str, keep_default_na=False)
    texts = cfpb["Consumer complaint narrative"]
    return pd.DataFrame({COLUMN: texts.sample(min(rows, len(texts)), random_state=SEED).tolist()})


def timed(command: list[str], output: Path, column: str, folder: Path) -> Cost:
    """Run a command that writes a table with a column of topics; its last line may be its stages as JSON."""
    started = time.monotonic()
    with (folder / "said.txt").open("w+b") as said:
        offline = os.environ | {"HF_HUB_OFFLINE": "1"}
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, cwd=folder, env=offline)
        _, status, used = os.wait4(process.pid, 0)
        clock = time.monotonic() - started
        said.seek(0)
        lines = said.read().decode("utf-8", "replace").splitlines()
    if status:
        raise SystemExit(f"{command[1:4]} failed:\n" + "\n".join(lines[-30:]))
    last = lines[-1] if lines and lines[-1].startswith("{") else "{}"
    topic = pd.read_csv(output, usecols=[column])[column]
    memory = used.ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)
    topics, none = int(topic[topic >= 0].nunique()), float((topic == -1).mean())
    return Cost(clock, used.ru_utime + used.ru_stime, memory, topics, none, json.loads(last))


def measured(frame: pd.DataFrame, plain: bool) -> dict[str, Cost]:
    """The costs of ``commsapp code``, of its stages, and of the plain recipe, of the same table."""
    with tempfile.TemporaryDirectory(prefix="commsapp-bench-") as name:
        folder = Path(name)
        frame.to_csv(folder / "in.csv", index=False)
        source, out = str(folder / "in.csv"), str(folder / "out.csv")
        mine = [sys.executable, "-m", "commsapp", "code", source, "--text", COLUMN, "--output", out]
        stages = [sys.executable, str(ROOT / "benchmarks" / "stages.py"), source, COLUMN, out]
        peer = [sys.executable, str(ROOT / "benchmarks" / "plain.py"), source, COLUMN, out, str(ROOT / "models" / "tone")]
        costs = {"commsapp code": timed(mine, Path(out), "coded_topic", folder)}
        costs["stages"] = timed(stages, Path(out), "coded_topic", folder)
        if plain:
            costs["plain recipe"] = timed(peer, Path(out), "topic", folder)
    return costs


def of_the_peak() -> str:
    """How much of what the processors can multiply the encoder reaches."""
    from commsapp.textmodels.encoder import load_encoder

    texts = short_texts(4_000)[COLUMN].tolist()
    encoder = load_encoder()
    encoder.encode(texts[:200])
    started = time.monotonic()
    encoder.encode(texts)
    seconds = time.monotonic() - started
    # Of each token: four square matrices and two of four times the size in each of six layers; a product and a sum each.
    tokens = sum(len(ids) + 2 for ids in encoder._tokens.ids(texts))
    reached = tokens * 6 * 12 * encoder.dimensions**2 * 2 / seconds
    one, other = (np.ones(size, dtype=np.float32) for size in ((4096, 1536), (1536, 1536)))
    one @ other
    started = time.monotonic()
    for _ in range(10):
        one @ other
    peak = 10 * 2 * 4096 * 1536**2 / (time.monotonic() - started)
    return (
        f"The encoder reads {len(texts) / seconds:,.0f} short texts a second ({tokens / len(texts):.0f} tokens on average): "
        f"{reached / 1e9:,.0f} billion products and sums. numpy multiplies large 32-bit matrices at {peak / 1e9:,.0f} billion, "
        f"so in 8 bits that is **{reached / peak:.0%}** of the 32-bit peak."
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 13_000, 100_000], help="numbers of short texts")
    parser.add_argument("--plain-up-to", type=int, default=100_000, help="no plain recipe beside more texts than these")
    args = parser.parse_args()
    if not DATA.is_dir():
        print(f"The data are not here: {DATA}. Nothing was timed.", file=sys.stderr)
        return 2
    runs = [(f"{rows:,} short texts", short_texts(rows), rows <= args.plain_up_to) for rows in args.sizes]
    runs.append((f"{LONG} narratives", long_texts(LONG), True))
    parts = [
        f"Measured by `make bench` on {processors()} cores, {platform.machine()}; written by `benchmarks/run.py`. All processes "
        "start fresh, imports included. The plain recipe takes out no names, cuts each text at 256 tokens and tells no emotions.",
        of_the_peak(),
    ]
    print(parts[-1], flush=True)
    for title, frame, plain in runs:
        parts.append(section(title, frame, measured(frame, plain)))
        print(parts[-1], flush=True)
    write("\n\n".join(parts) + "\n")
    return 0


def section(title: str, frame: pd.DataFrame, costs: dict[str, Cost]) -> str:
    """A table of both, their ratio, and a table of our stages beside theirs."""
    words = frame[COLUMN].str.split().str.len().mean()
    stages = costs.pop("stages").stages
    lines = [
        f"## {title}, {words:.0f} words on average",
        "",
        "| Job | seconds by the clock | processor seconds | most memory, MB | topics | without topic |",
        "| --- | --- | --- | --- | --- | --- |",
        *(
            f"| {job} | {c.clock:.1f} | {c.processor:.1f} | {c.memory:,.0f} | {c.topics} | {c.none:.1%} |"
            for job, c in costs.items()
        ),
    ]
    if peer := costs.get("plain recipe"):
        mine = costs["commsapp code"]
        lines += [
            "",
            f"Ratio plain / commsapp: **{peer.clock / mine.clock:.1f}** by the clock, {peer.processor / mine.processor:.1f} of "
            "processor time.",
            "",
            "Plain recipe, seconds: " + _told(peer.stages | {"imports": peer.clock - sum(peer.stages.values())}),
        ]
    lines += ["", "commsapp, seconds: " + _told(stages)]
    return "\n".join(lines)


def _told(stages: dict[str, float]) -> str:
    return ", ".join(f"{stage.lower()} {took:.1f}" for stage, took in stages.items()) + "."


def write(text: str) -> None:
    page = ROOT / "docs" / "speed.md"
    # What follows is measured by another command.
    _, heading, rest = page.read_text("utf-8").partition(OTHERS)
    page.write_text(f"# Speed\n\n{text}\n{heading}{rest}" if heading else f"# Speed\n\n{text}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
