"""How much is found on sentences that nothing was tuned on, how much is taken out wrongly, and how fast: a part of `make evals`.

The held-out sentences are our own. Real data are read for false alarms on text without names and for speed only; nothing of them
is written down but counts.
"""

from __future__ import annotations

import gzip
import json
import random
import time
from pathlib import Path
from typing import Any

import pandas as pd

from commsapp.listening.redaction.kinds import MARK
from commsapp.listening.redaction.people import AMBIGUOUS, NAMES
from commsapp.listening.redaction.redactor import Redactor, load_redactor, without_names
from evals.redaction.made_up import Score, read, score

LEAST_FOUND = 0.94
MOST_WRONG = 15.0
"""Words of clean sentences taken out, in a thousand."""

KINDS = {
    "ni": "National Insurance",
    "nhs": "NHS",
    "bank": "account",
    "birth": "date of birth",
    "ip": "IP address",
    "web": "web address",
}
LANGUAGES = {"en": "English", "cy": "Welsh", "pl": "Polish"}


def redaction(report: Any, data: Path) -> None:
    """Tables of what was found by kind, by language and by list; false alarms; speed; the published figures of others."""
    redactor = load_redactor()
    report.expect(redactor.names, "the model of names is not installed, so names were not measured")
    filled, clean = read("heldout")
    texts = [sentence.text for sentence in filled]
    rows, scores = [], {}
    for name, one in (("patterns and cues alone", without_names()), ("commsapp", redactor)):
        began = time.process_time()
        found = score(filled, one.redact(texts))
        speed = len(texts) / (time.process_time() - began)
        wrong = score(clean, one.redact([sentence.text for sentence in clean]))
        scores[name] = (found, wrong)
        per_thousand = 1000 * wrong.wrong_words / wrong.words
        rows.append([name, f"{found.share:.1%}", f"{per_thousand:.1f}", f"{wrong.altered} of {wrong.sentences}", f"{speed:,.0f}"])
    found, wrong = scores["commsapp"]
    total = sum(found.asked[kind] for kind in found.kinds)
    report.table(
        f"Redaction: {len(filled)} held-out sentences with {total} names and numbers, {len(clean)} clean ones",
        [
            "Method",
            "Items found",
            "Words wrongly taken out of 1,000 clean ones",
            "Clean sentences altered",
            "Texts per CPU-second",
        ],
        rows,
        "Sentences and names of our own, of 23 origins, a third in small letters; thresholds and lists were chosen on others "
        "(evals/redaction/tuning.yaml). An item counts as found when no word of it is left. Published elsewhere, "
        "on other sentences of this kind: Presidio with its small model 63 % (20 of 30 clean texts "
        "altered), own patterns with spaCy "
        "small or medium 83 % or 87 %.",
    )
    _by_kind(report, found)
    _real_text(report, redactor, data)
    report.expect(found.share >= LEAST_FOUND, f"redaction found {found.share:.1%}, less than {LEAST_FOUND:.0%}")
    altered = 1000 * wrong.wrong_words / wrong.words
    report.expect(altered <= MOST_WRONG, f"redaction took {altered:.1f} of 1,000 words out of clean sentences")


def _by_kind(report: Any, found: Score) -> None:
    kinds = [[KINDS.get(kind, kind), f"{found.found[kind]} of {found.asked[kind]}"] for kind in found.kinds]
    languages = [
        [f"all, in {LANGUAGES[code]}", f"{found.found[f'language:{code}']} of {found.asked[f'language:{code}']}"]
        for code in LANGUAGES
    ]
    names = [(item, kept) for item, kept in found.names]
    listed = [kept for item, kept in names if set(item.lower().split()) & (NAMES - AMBIGUOUS)]
    others = [kept for item, kept in names if not set(item.lower().split()) & (NAMES - AMBIGUOUS)]
    lists = [
        ["names of which a part is on our list", f"{sum(listed)} of {len(listed)}"],
        ["names that are not", f"{sum(others)} of {len(others)}"],
    ]
    report.table("Redaction: found by kind", ["Kind", "Found"], [*kinds, *languages, *lists])


def _real_text(report: Any, redactor: Redactor, data: Path) -> None:
    """Shares of real texts that are altered; who is named in them nobody has marked, so these are no error rates."""
    with gzip.open(data / "clinc150" / "data_full.json.gz", "rt", encoding="utf-8") as file:
        utterances = [text for text, _ in json.load(file)["val"]]
    statements = pd.read_csv(
        data / "polis" / "american-assembly.bowling-green" / "comments.csv", dtype=str, keep_default_na=False
    )
    narratives = pd.read_csv(data / "cfpb_loans_2023" / "cfpb_loans_2023.csv.gz", dtype=str, keep_default_na=False)
    sets = {
        "clinc150 utterances": utterances,
        "Bowling Green statements": list(statements["comment-body"]),
        "CFPB narratives (names blanked)": list(narratives["Consumer complaint narrative"]),
    }
    rows: list[list[object]] = []
    for name, texts in sets.items():
        some = random.Random(20261126).sample(texts, min(len(texts), 100 if "CFPB" in name else 500))
        began = time.process_time()
        after = redactor.redact(some)
        seconds = time.process_time() - began
        words = sum(len(text.split()) for text in some)
        marks = sum(len(MARK.findall(text)) for text in after)
        altered = sum(MARK.search(text) is not None for text in after) / len(some)
        rows.append(
            [
                name,
                len(some),
                f"{1000 * marks / words:.1f}",
                f"{altered:.1%}",
                f"{len(some) / seconds:.0f}",
                f"{words / seconds:,.0f}",
            ]
        )
    report.table(
        "Redaction: real texts",
        ["Texts", "Read", "Marks in 1,000 words", "Texts altered", "Texts per CPU-second", "Words per CPU-second"],
        rows,
        "People and streets are named in some of them, so most marks are right; nobody has marked which. The first "
        "two were looked at "
        "while lists of common words were written, the narratives were not.",
    )
