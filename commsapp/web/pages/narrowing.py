"""The filters of the listening pages: wave, area, attribute. They stand in the address, so that a link carries them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flask import request as http

from commsapp.actor import Actor
from commsapp.listening import service as listening
from commsapp.listening.measuring import CHANNEL
from commsapp.storage.session import Session
from commsapp.textmodels.tone import EMOTIONS
from commsapp.textmodels.tone import LABELS as TONES

Option = dict[str, Any]


@dataclass(frozen=True)
class Narrowing:
    """What a page is narrowed to; '' doesn't narrow."""

    wave: str = ""
    area: str = ""
    segment: str = ""
    tone: str = ""
    emotion: str = ""

    @property
    def cell(self) -> dict[str, Any]:
        """The cell of the listening results that fits."""
        return {"wave": self.wave, "area": self.area, "segment": self.segment}

    @property
    def cell_given(self) -> dict[str, Any]:
        """The parts of the cell that narrow."""
        return {name: value for name, value in self.cell.items() if value}

    @property
    def given(self) -> dict[str, Any]:
        """What an address must carry to keep the filters."""
        return {name: value for name, value in (*self.cell.items(), ("tone", self.tone), ("emotion", self.emotion)) if value}

    @property
    def words(self) -> str:
        """'November 2025, Eastgate, age: 16-24'; '' where all is shown."""
        return ", ".join(value.replace(" = ", ": ") for value in self.given.values())


def narrowing() -> Narrowing:
    """What the address of this request asks for."""
    asked = {name: http.args.get(name, "").strip() for name in ("wave", "area", "segment", "tone", "emotion")}
    return Narrowing(**asked)


def options(session: Session, actor: Actor, programme_id: int, now: Narrowing, *, tone: bool = False) -> list[dict[str, Any]]:
    """The lists to pick from, as GOV.UK's select takes them; a list with nothing to choose between is left out."""
    attributes = listening.attributes(session, actor, programme_id)
    segments = [f"{name} = {choice}" for name, choices in attributes.items() for choice in sorted(choices)]
    lists = [
        ("wave", "Wave", "All waves", [wave.name for wave in listening.waves(session, actor, programme_id)], now.wave),
        ("area", "Area", "All areas", [area.name for area in listening.areas(session, actor, programme_id)], now.area),
        ("segment", "Channel or attribute" if CHANNEL in attributes else "Attribute", "Everybody", segments, now.segment),
    ]
    if tone:
        lists.append(("tone", "Tone", "Any tone", list(TONES), now.tone))
        lists.append(("emotion", "Emotion", "Any emotion", list(EMOTIONS), now.emotion))
    return [
        {"name": name, "label": label, "items": _items(every, known, chosen)}
        for name, label, every, known, chosen in lists
        if known or chosen
    ]


def _items(every: str, known: Iterable[str], chosen: str) -> list[Option]:
    values = list(known)
    # An old link may ask for what is gone: it stays visible, so that nobody takes an empty page for 'nobody spoke'.
    values += [chosen] if chosen and chosen not in values else []
    named = [{"value": value, "text": _spoken(value), "selected": value == chosen} for value in values]
    return [{"value": "", "text": every, "selected": not chosen}, *named]


def _spoken(value: str) -> str:
    text = value.replace(" = ", ": ")
    return text[0].upper() + text[1:]
