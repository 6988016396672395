"""How often something is called new in a wave where nothing is, and how often what is new is found: ``python -m evals.emerging``.

clinc150: topics are found in 5,000 utterances about 140 of its 150 intents, drawn anew in each of several trials. Waves of 500
come from its validation and test splits: with the same mix of intents, with another mix of the same intents, and with one of the
ten intents that were left out taking a part of the wave. Reads ../shared/data; takes about ten minutes on one core.
"""

from __future__ import annotations

import argparse
import gzip
import json

import numpy as np

from commsapp.textmodels.emerging import FALSE_ALARMS, emerging
from commsapp.textmodels.encoder import load_encoder
from commsapp.textmodels.topics import discover
from evals.report import DATA, SEED, Report

WAVE = 500
PARTS = (0.02, 0.04, 0.08)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=5, help="codebooks")
    parser.add_argument("--waves", type=int, default=40, help="waves of each kind and codebook")
    args = parser.parse_args()
    emerging_topics(Report(), args.trials, args.waves)


def emerging_topics(report: Report, trials: int, waves: int) -> None:
    """Add the table of false alarms and of what is found."""
    with gzip.open(DATA / "clinc150" / "data_full.json.gz", "rt", encoding="utf-8") as file:
        data = json.load(file)
    encoder = load_encoder()
    old, new = data["train"], data["val"] + data["test"]
    rows, fresh = (encoder.encode([text for text, _ in part]) for part in (old, new))
    kind, fresh_kind = (np.array([intent for _, intent in part]) for part in (old, new))
    intents = np.unique(kind)
    said: dict[str, list[bool]] = {"same mix": [], "other mix": []} | {f"{part:.0%} new": [] for part in PARTS}
    for trial in range(trials):
        random = np.random.default_rng([SEED, trial])
        left_out = random.choice(intents, 10, replace=False)
        known = np.flatnonzero(~np.isin(kind, left_out))
        picked = random.choice(known, 5_000, replace=False)
        codebook = discover([old[row][0] for row in picked], rows[picked], stability=False)
        pool = np.flatnonzero(~np.isin(fresh_kind, left_out))
        for number in range(waves):
            seed = trial * 1_000 + number
            shares = random.dirichlet(np.ones(len(intents)))[np.searchsorted(intents, fresh_kind[pool])]
            mixes = {"same mix": None, "other mix": shares / shares.sum()}
            for name, chances in mixes.items():
                wave = fresh[random.choice(pool, WAVE, replace=False, p=chances)]
                said[name].append(any(one.new for one in emerging(codebook, wave, rows[picked], seed=seed)))
            intent = left_out[number % len(left_out)]
            for part in PARTS:
                some = random.choice(np.flatnonzero(fresh_kind == intent), round(part * WAVE), replace=False)
                wave = np.concatenate([fresh[random.choice(pool, WAVE - len(some), replace=False)], fresh[some]])
                said[f"{part:.0%} new"].append(_found(emerging(codebook, wave, rows[picked], seed=seed), WAVE - len(some)))
    report.table(
        f"Emerging topics: {trials * waves} waves of {WAVE:,} utterances of clinc150 for each line",
        ["Wave", "Said to hold something new"],
        [[name, f"{np.mean(found):.1%}"] for name, found in said.items()],
        "'Same mix' and 'other mix' hold nothing new, so what is said there is a false alarm. In the others an intent that the "
        "codebook never saw takes a part of the wave; it is found when most comments of a group that is called new are of it.",
    )
    report.expect(np.mean(said["same mix"]) <= FALSE_ALARMS, "false alarms are more frequent than is said")


def _found(groups: tuple, first: int) -> bool:  # type: ignore[type-arg]
    return any(one.new and np.mean([row >= first for row in one.rows]) > 0.5 for one in groups)


if __name__ == "__main__":
    main()
