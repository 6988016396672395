from __future__ import annotations

from datetime import date

import pandas as pd

from commsapp.listening.views import ContextEvent
from commsapp.sharing import lines


def drawn(*starts: str) -> list[tuple[str, int]]:
    """Number and height of each event in a chart over a year, lowest first."""
    data = pd.DataFrame({"wave": ["One", "Two"], "item": "Topic", "value": 0.3, "low": 0.2, "high": 0.4})
    data["middle"] = pd.to_datetime(["2026-01-01", "2026-12-31"], utc=True)
    events = pd.DataFrame({"name": list(starts), "start": pd.to_datetime(list(starts)), "end": pd.NaT})
    spec = lines.over_waves(data, lines.numbered(events), measure="share", axis="Share of feedback").to_dict()
    numbers = [layer for layer in spec["layer"] if layer["mark"]["type"] == "text"]
    found = []
    for layer in numbers:
        rows = spec["datasets"][(layer.get("data") or spec["data"])["name"]]
        found += [(row["number"], -(layer["mark"]["dy"] + 3) // 15) for row in rows]
    return sorted(found, key=lambda number: int(number[0]))


def test_numbers_of_events_far_apart_stand_in_one_row() -> None:
    assert drawn("2026-09-01", "2026-03-01", "2026-06-01") == [("1", 0), ("2", 0), ("3", 0)]


def test_numbers_of_events_close_together_stand_over_each_other() -> None:
    close = drawn("2026-03-01", "2026-03-02", "2026-03-02", "2026-03-30")

    assert close == [("1", 0), ("2", 1), ("3", 2), ("4", 0)]


def test_events_are_named_with_their_areas_and_days_in_the_order_of_their_numbers() -> None:
    week = ContextEvent(1, "Week of action", "", date(2026, 3, 2), date(2026, 3, 8), ())
    arrests = ContextEvent(2, "Arrests", "", date(2026, 2, 10), date(2026, 2, 10), ("Ash", "Birch"))
    happened = lines.numbered(lines.marks([week, arrests]))

    assert lines.notes(happened) == ("Arrests (Ash, Birch): 10 February 2026", "Week of action: 2 March 2026 to 8 March 2026")
    assert happened["number"].tolist() == ["1", "2"]
