"""Delays whoever guesses, and nobody else.

An attempt is counted before it is checked, so that many at once are not let through together. Four counts, in the database, which
all processes share: account from one address; address over all accounts; account from devices that never signed in to it; account
from one device that did. A device that signed in to an account before has its own count and waits for no other, so that guesses
from elsewhere never lock a person out of their usual device.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from commsapp.errors import TooOften
from commsapp.storage import people
from commsapp.storage.base import now
from commsapp.storage.session import Sessions

PER_ACCOUNT_AND_ADDRESS = 5
PER_ADDRESS = 10
PER_ACCOUNT = 30
PER_DEVICE = 10
"""Failures that are free before each further one brings a delay."""
FIRST_DELAY = 30
LONGEST_DELAY = 15 * 60
FORGOTTEN_AFTER = timedelta(hours=1)


@dataclass
class Attempt:
    """One try, counted as a failure until it is said to have ``succeeded``."""

    succeeded: bool = False


@contextmanager
def attempt(
    sessions: Sessions,
    secret_key: str,
    *,
    account: str,
    address: str,
    device: str | None = None,
    clock: Callable[[], datetime] = now,
) -> Iterator[Attempt]:
    """Count a try at an account; the block says whether it succeeded. ``device`` is one that signed in to it before.

    Raises
    ------
    TooOften : it has to wait; nothing was counted, and nothing should be checked.

    """
    limits, kept = _limits(secret_key, account, address, device)
    with sessions.reading() as session:  # whoever has to wait costs no write
        _refuse(people.attempts(session, limits), limits, clock())
    with sessions.writing() as session:
        people.forget_attempts(session, before=clock() - 24 * FORGOTTEN_AFTER)
        held = people.hold_attempts(session, limits)
        _refuse(held, limits, clock())
        people.set_attempts(session, {key: _counted(held[key], clock()) + 1 for key in limits}, at=clock())
    tried = Attempt()
    yield tried
    if tried.succeeded:
        with sessions.writing() as session:
            # An address keeps its count of others' accounts: else a guesser would sign in to their own account in between.
            people.fewer_attempts(session, kept, gone=set(limits) - set(kept))


def _limits(secret_key: str, account: str, address: str, device: str | None) -> tuple[dict[str, int], list[str]]:
    """The limit of each key, and the keys that outlast a success."""

    def key(*parts: str) -> str:
        message = "\x00".join(("attempt", *parts)).encode("utf-8", "surrogatepass")
        return hmac.new(secret_key.encode(), message, hashlib.sha256).hexdigest()[:32]

    if device is not None:
        return {key("device", account, device): PER_DEVICE}, []
    network = network_of(address)
    alone, over_all = key("address", network), key("account", account)
    both = key("both", account, network)
    return {both: PER_ACCOUNT_AND_ADDRESS, alone: PER_ADDRESS, over_all: PER_ACCOUNT}, [alone, over_all]


def network_of(address: str) -> str:
    """What one guesser has: an IPv4 address, or the /64 of an IPv6 one, in which addresses cost nothing."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def _counted(kept: tuple[int, datetime], at: datetime) -> int:
    failures, last = kept
    return 0 if at - last > FORGOTTEN_AFTER else failures


def _refuse(kept: dict[str, tuple[int, datetime]], limits: dict[str, int], at: datetime) -> None:
    waits = [0.0]
    for key, (failures, last) in kept.items():
        over = _counted((failures, last), at) - limits[key]
        if over >= 0:
            delay = min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(over, 10))
            waits.append((last + timedelta(seconds=delay) - at).total_seconds())
    if max(waits) > 0:
        raise TooOften(seconds=int(max(waits)) + 1)
