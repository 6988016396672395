"""Many persons at once: each has a browser's connection and sign-in, asks for a page, reads it, and asks for the next.

One process with one thread, so that it takes little of the processors that it shares with the server; how much is printed.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from benchmarks.load.made_up import AREAS, ATTRIBUTES, TOPICS, WORDS, Made

TIMEOUT = 60.0
"""Seconds after which nobody waits any longer: counted as an error."""


@dataclass(frozen=True)
class Kind:
    """One kind of address, how often it is asked for beside the others, and how an address is made."""

    name: str
    share: int
    address: Callable[[random.Random, Made], str]
    api: bool = False


def _narrowed(chance: random.Random, made: Made, path: str, **more: object) -> str:
    given: dict[str, object] = {name: value for name, value in more.items() if value}
    if chance.random() < 0.5:
        given["wave"] = chance.choice(made.waves)
    if chance.random() < 0.3:
        given["area"] = chance.choice(AREAS)
    if chance.random() < 0.2:
        name = chance.choice(tuple(ATTRIBUTES))
        given["segment"] = f"{name} = {chance.choice(ATTRIBUTES[name])}"
    return f"{path}?{urlencode(given, quote_via=quote)}" if given else path


def _heard(chance: random.Random, made: Made) -> str:
    return _narrowed(chance, made, f"/programmes/{made.programme_id}/listening")


def _topic(chance: random.Random, made: Made) -> str:
    path = f"/programmes/{made.programme_id}/topics/{chance.randrange(len(TOPICS))}"
    return _narrowed(chance, made, path, page=chance.choice((None, None, 2, 3)), tone=chance.choice(("", "", "negative")))


def _search(chance: random.Random, made: Made) -> str:
    words = " ".join(chance.sample(WORDS, 2))
    return f"/programmes/{made.programme_id}/search?{urlencode({'words': words})}"


def _comments(chance: random.Random, made: Made) -> str:
    path = f"/api/v1/programmes/{made.programme_id}/comments"
    return _narrowed(chance, made, path, topic=chance.randrange(1, len(TOPICS)), page=chance.choice((None, 2)))


def _results(chance: random.Random, made: Made) -> str:
    path = f"/api/v1/programmes/{made.programme_id}/results"
    wanted = {"measure": "topic share", "area": "", "segment": "", "page": chance.choice((1, 2))}
    return f"{path}?{urlencode(wanted)}" if chance.random() < 0.8 else f"{path}?page={chance.randint(1, 400)}"


KINDS = (
    Kind("start", 8, lambda chance, made: "/"),
    Kind("programmes", 8, lambda chance, made: "/programmes"),
    Kind("one programme", 12, lambda chance, made: f"/programmes/{made.programme_id}"),
    Kind("what was heard", 20, _heard),
    Kind("one topic with its comments", 14, _topic),
    Kind("set aside", 4, lambda chance, made: _narrowed(chance, made, f"/programmes/{made.programme_id}/set-aside")),
    Kind("search", 6, _search),
    Kind("campaigns", 5, lambda chance, made: f"/programmes/{made.programme_id}/campaigns"),
    Kind("one campaign", 6, lambda chance, made: f"/campaigns/{made.campaign_id}"),
    Kind("account", 3, lambda chance, made: "/account"),
    Kind("API: programmes", 3, lambda chance, made: "/api/v1/programmes", api=True),
    Kind("API: comments", 5, _comments, api=True),
    Kind("API: results", 4, _results, api=True),
    Kind("API: campaigns", 2, lambda chance, made: f"/api/v1/programmes/{made.programme_id}/campaigns", api=True),
)


@dataclass(frozen=True)
class Asking:
    """One person: what their browser and their program send along."""

    cookie: str
    token: str


@dataclass
class Measured:
    """Seconds of every answer by kind of address, and every one that was no answer."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    body: int = 0


class _Connection:
    """One connection to the server, kept open as browsers do."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def get(self, path: str, header: str) -> tuple[int, bytes]:
        """Status and body."""
        if self._writer is None or self._reader is None or self._reader.at_eof() or self._writer.is_closing():
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port, limit=2**20)
        request = f"GET {path} HTTP/1.1\r\nHost: localhost:{self._port}\r\n{header}\r\nUser-Agent: Firefox Linux\r\n\r\n"
        self._writer.write(request.encode("ascii"))
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = int(head.partition("content-length:")[2].partition("\r\n")[0])
        body = await self._reader.readexactly(length)
        if "connection: close" in head:
            self.close()
        return int(head.split(" ", 2)[1]), body

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None


async def _user(asking: Asking, made: Made, port: int, wait: float, until: float, chance: random.Random, into: Measured) -> None:
    connection = _Connection(port)
    shares = [kind.share for kind in KINDS]
    if wait:
        await asyncio.sleep(chance.uniform(0, wait))
    while time.monotonic() < until:
        kind = chance.choices(KINDS, shares)[0]
        path = kind.address(chance, made)
        header = f"Authorization: Bearer {asking.token}" if kind.api else f"Cookie: commsapp={asking.cookie}"
        started = time.monotonic()
        try:
            async with asyncio.timeout(TIMEOUT):
                status, body = await connection.get(path, header)
        except (TimeoutError, OSError, asyncio.IncompleteReadError, ValueError) as error:
            into.errors.append(f"{kind.name} {path}: {type(error).__name__}")
            connection.close()
        else:
            into.seconds.setdefault(kind.name, []).append(time.monotonic() - started)
            into.body += len(body)
            if status != 200:
                into.errors.append(f"{kind.name} {path}: {status}")
        if wait:
            await asyncio.sleep(chance.uniform(0, 2 * wait))
    connection.close()


async def ask(users: list[Asking], made: Made, *, port: int, wait: float, seconds: float, seed: int) -> Measured:
    """All users for so many seconds, each with ``wait`` seconds on average between an answer and the next page (0: none)."""
    measured, until = Measured(), time.monotonic() + seconds
    async with asyncio.TaskGroup() as group:
        for number, user in enumerate(users):
            group.create_task(_user(user, made, port, wait, until, random.Random(seed * 1_000 + number), measured))
    return measured
