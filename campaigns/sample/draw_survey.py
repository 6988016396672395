"""Draw the closed answers of the sample survey: 4,000 people, 100 for each area of Carrow Vale and each wave.

The place and the people are made up. The known change is written down below, so a user can see whether an evaluation finds it:
in the five campaign areas hearing that criminals pay for bank accounts rises by 12 points in wave 3 and by 10 in wave 4,
over a drift of 2 points everywhere. Trust in the police does not change.

Run `python draw_survey.py` to write survey.csv beside this file. The same seed gives the same bytes.
"""

import csv
from calendar import monthrange
from pathlib import Path

import numpy as np

SEED = 20260131
"""Seed: the day the campaign ended. Picked over one under which waves 1 and 2 differed by chance between the area groups."""

PER_AREA_AND_WAVE = 100
"""Responses drawn for each area in each wave."""

WAVES: dict[int, tuple[int, int]] = {1: (2025, 9), 2: (2025, 11), 3: (2026, 2), 4: (2026, 4)}
"""Year and month of listening of each wave; waves 1 and 2 lie before the campaign, 3 and 4 after it."""

CAMPAIGN_AREAS = ("Abbotsmoor", "Castle Dene", "Eastgate", "Harbour Reach", "Kestrel Park")
"""Where 'Not your account' ran from 1 December 2025 to 31 January 2026."""

P_HEARD = 0.42
"""Share answering Yes to the first question in wave 1, before the offsets of areas and ages."""

AREA_OFFSETS: dict[str, float] = {
    "Abbotsmoor": -0.03,
    "Brynhafan": -0.04,
    "Castle Dene": 0.01,
    "Dunmarsh": 0.02,
    "Eastgate": 0.04,
    "Fellbrook": -0.02,
    "Gwenlais": 0.01,
    "Harbour Reach": -0.04,
    "Ironbridge Cross": 0.03,
    "Kestrel Park": 0.02,
}
"""How far an area lies from P_HEARD throughout; they add up to 0 within the campaign areas and within the others."""

AGES: dict[str, float] = {"16-24": 0.14, "25-34": 0.17, "35-49": 0.25, "50-64": 0.24, "65+": 0.20}
"""Share of each age group among those who answer."""

AGE_OFFSETS: dict[str, float] = {"16-24": 0.02, "25-34": 0.01, "35-49": 0.0, "50-64": -0.01, "65+": -0.015}
"""How far an age group lies from P_HEARD throughout: younger people have heard of it a little more often."""

GENDERS: dict[str, float] = {"woman": 0.51, "man": 0.47, "other": 0.02}
"""Share of each gender among those who answer."""

DRIFT: dict[int, float] = {1: 0.0, 2: 0.0, 3: 0.02, 4: 0.02}
"""Added to the share of Yes in every area in a wave: what would have happened without the campaign."""

EFFECT: dict[int, float] = {1: 0.0, 2: 0.0, 3: 0.12, 4: 0.10}
"""Added on top in the campaign areas in a wave: the known change that an evaluation should find."""

SHARE_UNSURE = 0.12
"""Share answering Not sure among those who do not answer Yes; the others answer No."""

TRUST: dict[str, float] = {"A great deal": 0.13, "A fair amount": 0.42, "Not very much": 0.30, "Not at all": 0.15}
"""Share of each answer to the second question, the same in every area and wave."""

QUESTION_HEARD = "Before today had you heard that criminals pay people to use their bank account?"
QUESTION_TRUST = "How much do you trust the police where you live to act on what you tell them?"
HEADER = ["id", "date", "area", "age", "gender", QUESTION_HEARD, QUESTION_TRUST]
TARGET = Path(__file__).with_name("survey.csv")


def pick(rng: np.random.Generator, shares: dict[str, float]) -> str:
    """Draw one key of `shares`, each as often as its share."""
    return list(shares)[int(rng.choice(len(shares), p=list(shares.values())))]


def p_heard(area: str, age: str, wave: int) -> float:
    """Give the probability that a person of this age, in this area and wave, answers Yes to the first question."""
    effect = EFFECT[wave] if area in CAMPAIGN_AREAS else 0.0
    return P_HEARD + AREA_OFFSETS[area] + AGE_OFFSETS[age] + DRIFT[wave] + effect


def draw() -> list[list[str]]:
    """Draw all responses, wave by wave and area by area, without the header."""
    rng = np.random.default_rng(SEED)
    rows: list[list[str]] = []
    for wave, (year, month) in WAVES.items():
        days = monthrange(year, month)[1]
        for area in AREA_OFFSETS:
            for _ in range(PER_AREA_AND_WAVE):
                date = f"{year}-{month:02}-{rng.integers(1, days + 1):02}"
                age, gender = pick(rng, AGES), pick(rng, GENDERS)
                yes = p_heard(area, age, wave)
                unsure = (1 - yes) * SHARE_UNSURE
                heard = pick(rng, {"Yes": yes, "No": 1 - yes - unsure, "Not sure": unsure})
                rows.append([f"SV-{len(rows) + 1:05}", date, area, age, gender, heard, pick(rng, TRUST)])
    return rows


def main() -> None:
    """Write survey.csv beside this file."""
    with TARGET.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(draw())


if __name__ == "__main__":
    main()
