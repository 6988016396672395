"""What several middles of each finest group of a topic are worth, on clinc150: ``python -m evals.prototypes``.

Topics are found in the 15,000 utterances of its training split; its test split and the utterances that are in scope of nothing
were never seen. Reads ../shared/data; takes about five minutes on one core.
"""

from __future__ import annotations

import gzip
import json
import math

import numpy as np
from sklearn.metrics import normalized_mutual_info_score, roc_auc_score

from commsapp.textmodels.clusters import LeidenClusters, Resolution, prototypes, similarities
from commsapp.textmodels.encoder import load_encoder
from evals.report import DATA, SEED

RESOLUTION = {"medium": Resolution(1.0), "fine": Resolution(3.0)}
"""As `topics` has them."""


def main() -> None:
    with gzip.open(DATA / "clinc150" / "data_full.json.gz", "rt", encoding="utf-8") as file:
        data = json.load(file)
    encoder = load_encoder()
    found, new, beyond = (encoder.encode([text for text, _ in data[name]]) for name in ("train", "test", "oos_test"))
    gold = [kind for _, kind in data["train"]]
    for grain, resolution in RESOLUTION.items():
        smallest = max(5, round(math.sqrt(len(found)) / 8))
        clusters = LeidenClusters(groups=resolution, neighbours=25, smallest=smallest, seed=SEED).fit(found)
        for most in (1, 2, 4, 8, 16):
            middles = prototypes(found, clusters.leaves_, seed=SEED, most=most)
            owner = np.repeat(clusters.group_, [len(one) for one in middles])
            every = np.concatenate(middles)
            given = owner[similarities(found, every).argmax(1)]
            inside, outside = similarities(new, every).max(1), similarities(beyond, every).max(1)
            area = roc_auc_score(np.repeat([1, 0], [len(inside), len(outside)]), np.concatenate([inside, outside]))
            nmi = normalized_mutual_info_score(gold, given)
            print(
                f"{grain}, at most {most} middles: AUROC {area:.3f}, NMI {nmi:.3f} ({clusters.group_.max() + 1} topics)",
                flush=True,
            )


if __name__ == "__main__":
    main()
