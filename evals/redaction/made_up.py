"""Sentences with names and numbers of nobody, filled in from a file of sentences; and which of them a redactor found.

Phone numbers are from Ofcom's ranges for drama, cards are the industry's test numbers, everything else is drawn by a seed.
"""

from __future__ import annotations

import calendar
import random
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

SEED = 20261126
ROUNDS = 4
"""How often each sentence is filled in, each time with other names and numbers."""

HERE = Path(__file__).resolve().parent
MARK = re.compile(r"\[[A-Za-z -]+\]")
WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Item:
    """Something that should be taken out."""

    kind: str
    text: str
    origin: str = ""


@dataclass(frozen=True)
class Sentence:
    """A sentence, what is to be taken out of it, and the words that should stay."""

    text: str
    items: tuple[Item, ...]
    stays: Counter[str]
    language: str = "en"


def words(text: str) -> Counter[str]:
    return Counter(word.lower() for word in WORD.findall(MARK.sub(" ", text)))


def read(name: str) -> tuple[list[Sentence], list[Sentence]]:
    """(sentences with items, clean sentences) of a file beside this one."""
    given: dict[str, Any] = yaml.safe_load((HERE / f"{name}.yaml").read_text("utf-8"))
    chance = random.Random(f"{SEED} {name}")
    filled: list[Sentence] = []
    clean = [Sentence(text, (), words(text)) for text in given["clean"]]
    for key, language in (("sentences", "en"), ("welsh", "cy"), ("polish", "pl")):
        names = {"cy": ["Welsh"], "pl": ["Polish"]}.get(language, list(given["names"]))
        for round_ in range(ROUNDS):
            for text in given[key]:
                filled.append(_filled(text, given, names, chance, language, round_))
        clean += [Sentence(text, (), words(text), language) for text in given.get(f"{key}_clean", [])]
    return filled, clean


def _filled(text: str, given: dict[str, Any], names: list[str], chance: random.Random, language: str, round_: int) -> Sentence:
    items: list[Item] = []

    def fill(slot: re.Match[str]) -> str:
        kind = slot[1]
        if kind in ("name", "first", "last"):
            origin = chance.choice(names)
            person = chance.choice(given["names"][origin])
            written = {"name": person, "first": person.split()[0], "last": person.split()[-1]}[kind]
            items.append(Item("name", written, origin))
        elif kind == "number":
            written = str(chance.randint(1, 240)) + chance.choice(["", "", "", "a"])
            items.append(Item("street", written))
        elif kind == "street":
            written = chance.choice(given["streets"])
            items.append(Item("street", written))
        else:
            written = MADE[kind](chance)
            items.append(Item(kind, written))
        return written

    whole = re.sub(r"\{(\w+)\}", fill, text)
    bare = re.sub(r"\{\w+\}", " ", text)
    change: Callable[[str], str] = str
    # People write on phones: a third in small letters, some in capitals.
    if round_ == 1 or (round_ == 2 and chance.random() < 0.3):
        change = str.lower
    elif round_ == 3 and chance.random() < 0.2:
        change = str.upper
    return Sentence(change(whole), tuple(Item(i.kind, change(i.text), i.origin) for i in items), words(bare), language)


def _phone(chance: random.Random) -> str:
    tail = f"{chance.randint(0, 999):03d}"
    mobile, city = (
        f"07700 900{tail}",
        chance.choice(["0161 496 0", "0113 496 0", "0117 496 0", "020 7946 0", "029 2018 0"]) + tail,
    )
    return chance.choice(
        [
            *(
                mobile,
                mobile.replace(" ", ""),
                f"07700-900-{tail}",
                f"+44 7700 900{tail}",
                f"+447700900{tail}",
                f"0044 7700 900 {tail}",
            ),
            *(
                f"077 00 900 {tail}",
                f"(+44) 7700 900{tail}",
                city,
                city.replace(" ", ""),
                f"({city.split()[0]}) {city.split(' ', 1)[1]}",
            ),
            *(f"01632 960{tail}", f"+44 (0)1632 960{tail}", f"07700.900.{tail}", f"07700 9 00 {tail}"),
        ]
    )


def _letters(chance: random.Random, count: int, among: str = "ABCDEFGHJKLMNPRSTUVWXY") -> str:
    return "".join(chance.choice(among) for _ in range(count))


def _postcode(chance: random.Random) -> str:
    area = chance.choice(["M", "LS", "B", "CF", "EH", "BT", "NE", "SW", "E", "L", "S", "NG"])
    code = f"{area}{chance.randint(1, 20)} {chance.randint(1, 9)}{_letters(chance, 2, 'ABDEFGHJLNPQRSTUWXYZ')}"
    return chance.choice([code, code, code.replace(" ", ""), code.lower()])


def _plate(chance: random.Random) -> str:
    new = f"{_letters(chance, 2)}{chance.choice([9, 12, 17, 21, 24, 58, 63, 70, 73]):02d} {_letters(chance, 3)}"
    old = f"{chance.choice('ABCDEFGHJKLMNPRSTVWXY')}{chance.randint(100, 999)} {_letters(chance, 3)}"
    return chance.choice([new, new, new.replace(" ", ""), new.lower(), old])


def _insurance(chance: random.Random) -> str:
    digits = f"{chance.randint(0, 999999):06d}"
    pairs = " ".join(digits[k : k + 2] for k in (0, 2, 4))
    return chance.choice([f"QQ{digits}C", f"QQ {pairs} A", f"AB {pairs} D", f"jg{digits}b", f"SX-{pairs.replace(' ', '-')}-C"])


def _nhs(chance: random.Random) -> str:
    while True:
        nine = f"999{chance.randint(0, 999999):06d}"  # the range for tests
        check = (11 - sum(int(d) * (10 - k) for k, d in enumerate(nine)) % 11) % 11
        if check < 10:
            whole = nine + str(check)
            return chance.choice([f"{whole[:3]} {whole[3:6]} {whole[6:]}", whole, f"{whole[:3]}-{whole[3:6]}-{whole[6:]}"])


def _bank(chance: random.Random) -> str:
    sort, account = [f"{chance.randint(4, 98):02d}" for _ in range(3)], f"{chance.randint(10**7, 10**8 - 1)}"
    return chance.choice(
        [
            f"sort code {'-'.join(sort)} account {account}",
            f"{'-'.join(sort)} {account}",
            f"account number {account}, sort code {''.join(sort)}",
            "GB29 NWBK 6016 1331 9268 19",
            "GB33BUKB20201555555555",
        ]
    )


def _birth(chance: random.Random) -> str:
    day, month, year = chance.randint(1, 28), chance.randint(1, 12), chance.randint(1940, 2012)
    return chance.choice(
        [
            f"{day:02d}/{month:02d}/{year}",
            f"{day}.{month}.{year % 100:02d}",
            f"{day} {calendar.month_name[month]} {year}",
            f"{year}-{month:02d}-{day:02d}",
        ]
    )


def _handle(chance: random.Random) -> str:
    word = chance.choice(["lil", "big", "ghost", "yung", "real", "mr", "shadow"]) + chance.choice(
        ["_ace", "trapz", ".bandz", "_k"]
    )
    return chance.choice(
        [f"@{word}{chance.randint(1, 99)}", f"@{word}", f"{word}{chance.randint(1, 99)}", f"{word}_{chance.randint(1, 99)}"]
    )


def _email(chance: random.Random) -> str:
    who = chance.choice(["trev.h", "kath_s77", "n.bagshaw+shop", "mail4fees", "o'neil.j"])
    return chance.choice(
        [f"{who}@example.org", f"{who}@mail.example.co.uk", f"{who.replace(chr(39), '')} at gmail dot com", f"{who}@example.com"]
    )


def _licence(chance: random.Random) -> str:
    born = f"{chance.randint(0, 9)}0{chance.randint(1, 9)}1{chance.randint(1, 9)}{chance.randint(0, 9)}"
    return f"{_letters(chance, 5)}{born}{_letters(chance, 2)}9{_letters(chance, 2)}"


MADE: dict[str, Callable[[random.Random], str]] = {
    "phone": _phone,
    "postcode": _postcode,
    "plate": _plate,
    "ni": _insurance,
    "nhs": _nhs,
    "bank": _bank,
    "birth": _birth,
    "handle": _handle,
    "email": _email,
    "card": lambda chance: chance.choice(["4111 1111 1111 1111", "5555555555554444", "4000-0566-5566-5556", "3782 822463 10005"]),
    "web": lambda chance: chance.choice(["https://www.facebook.com/groups/48213", "example.org/u/lomax", "http://t.me/plugz_x"]),
    "licence": _licence,
    "passport": lambda chance: f"{chance.randint(10**8, 10**9 - 1)}",
    "ip": lambda chance: f"203.0.113.{chance.randint(1, 254)}",
}  # fmt: skip


@dataclass
class Score:
    """What a redactor found, by kind and by origin of names, and what it took out that should have stayed."""

    found: Counter[str]
    asked: Counter[str]
    missed: list[tuple[str, str]]
    wrong_words: int
    words: int
    altered: int
    sentences: int
    names: list[tuple[str, bool]] = field(default_factory=list)

    @property
    def share(self) -> float:
        return sum(self.found[k] for k in self.kinds) / sum(self.asked[k] for k in self.kinds)

    @property
    def kinds(self) -> list[str]:
        return [kind for kind in self.asked if ":" not in kind]


def score(sentences: list[Sentence], redacted: list[str]) -> Score:
    """An item is found when no word of it is left."""
    result = Score(Counter(), Counter(), [], 0, 0, 0, 0)
    for sentence, after in zip(sentences, redacted, strict=True):
        left = words(after)
        for item in sentence.items:
            parts = words(item.text)
            if item.kind == "bank":  # 'sort code' and 'account' are no secret
                parts = Counter({word: count for word, count in parts.items() if any(c.isdigit() for c in word)})
            survives = any(left[word] > sentence.stays[word] for word in parts if len(word) > 1 or item.kind != "name")
            for kind in (item.kind, *([f"origin:{item.origin}"] if item.origin else []), f"language:{sentence.language}"):
                result.asked[kind] += 1
                result.found[kind] += not survives
            if item.kind == "name":
                result.names.append((item.text, not survives))
            if survives:
                result.missed.append((item.text, f"{sentence.text}  →  {after}"))
        lost = sum((sentence.stays - left).values())
        result.wrong_words += lost
        result.words += sum(sentence.stays.values())
        result.sentences += 1
        result.altered += lost > 0
    return result
