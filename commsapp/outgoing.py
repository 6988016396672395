"""The only way out: calls to hosts that were named before, and to nothing that a name or a redirect could lead to instead.

A host on the list is called over https, where it resolves to public addresses. What is on the list with its port ('host:port')
may also be in a private network, as somebody named exactly that; plain http is for such a place on this machine only. The address
that is checked is the one that is connected to, so a name can't change its mind in between. No redirect is followed, but for a
file that is fetched, where the host that it leads to is checked like the first.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from commsapp.errors import NotAllowed, Unavailable

SECONDS = 10
_MOST_HOPS = 5
_PORTS = {"http": 80, "https": 443}


def listed(address: str) -> str:
    """How the host of an address stands on a list: with its port where it names one."""
    place = urlsplit(address)
    name = f"[{place.hostname}]" if ":" in (place.hostname or "") else place.hostname
    return f"{name}:{place.port}" if place.port else str(name)


def guard(session: requests.Session, allowed: Iterable[str]) -> None:
    """Let a session call hosts of a list only, each call within ten seconds."""
    session.trust_env = False  # a proxy of the environment would do the connecting, unchecked
    session.max_redirects = 0
    adapter = _Guarded(frozenset(host.lower() for host in allowed))
    session.adapters.clear()
    session.mount("https://", adapter)
    session.mount("http://", adapter)


class NotThere(Unavailable):
    """A host that was called has no such file."""


def fetch(address: str, path: Path, allowed: Iterable[str]) -> None:
    """Fetch a file, whole or not at all. Where its host sends on to another one, that must be on the list too.

    Raises
    ------
    NotAllowed : a host that isn't on the list. NotThere : the host has no such file. Unavailable : it doesn't answer.

    """
    session = requests.Session()
    guard(session, allowed)
    draft = path.with_name(f".{path.name}.part")
    for _ in range(_MOST_HOPS):
        try:
            with session.get(address, stream=True) as response:
                if response.status_code in (401, 403, 404):
                    raise NotThere(f"{_host(address)} has no {path.name} to give.")
                response.raise_for_status()
                with draft.open("wb") as file:
                    for part in response.iter_content(1 << 20):
                        file.write(part)
            draft.replace(path)
            return
        except _SentOn as error:
            address = error.address
        except requests.RequestException as error:
            raise Unavailable(f"{path.name} can't be fetched from {_host(address)}.", "Try again later.") from error
        finally:
            draft.unlink(missing_ok=True)
    raise Unavailable(f"{path.name} is sent from one address to the next.", "Try again later.")


class _SentOn(NotAllowed):
    """A reply that leads to another address, which only `fetch` follows."""

    def __init__(self, asked: str, location: str) -> None:
        super().__init__(f"{_host(asked)} sent commsapp on to another address.", "No redirect is followed.")
        self.address = urljoin(asked, location)


class _Guarded(HTTPAdapter):
    def __init__(self, allowed: frozenset[str]) -> None:
        self.allowed = allowed
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _checked_pools(self.allowed)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        _check_address(str(request.url), self.allowed)
        kwargs["timeout"] = SECONDS
        response = super().send(request, *args, **kwargs)
        if response.is_redirect:
            response.close()
            raise _SentOn(str(request.url), response.headers["location"])
        return response


def _checked_pools(allowed: frozenset[str]) -> dict[str, Any]:
    """Connection pools whose connections go where they may, or nowhere."""

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return _connect(self.host, int(self.port or 80), "http", allowed)

    class Secure(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return _connect(self.host, int(self.port or 443), "https", allowed)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


def _host(address: str) -> str:
    return urlsplit(address).hostname or "An address"


def _check_address(address: str, allowed: frozenset[str]) -> None:
    place = urlsplit(address)
    name, port = (place.hostname or "").lower(), place.port or _PORTS.get(place.scheme, 0)
    if place.username or place.password or not name or place.scheme not in _PORTS:
        raise NotAllowed("An address that commsapp should call can't be used.", "Use one that begins with https:// and a host.")
    by_port = _with_port(name, port) in allowed
    if not by_port and (place.scheme != "https" or _bracketed(name) not in allowed):
        raise _not_listed(name)


def _connect(name: str, port: int, scheme: str, allowed: frozenset[str]) -> socket.socket:
    """A connection to the first address of a name, all of which are where they may be."""
    name = name.strip("[]").lower()
    by_port = _with_port(name, port) in allowed
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unavailable(f"{name} can't be found.", "Check the address and the network.") from error
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    for address in addresses:
        mapped = getattr(address, "ipv4_mapped", None) or address
        if by_port:
            if scheme == "http" and not mapped.is_loopback:
                raise NotAllowed(f"{name} would be called without https.", "Only what runs on this machine may be.")
        elif not mapped.is_global or mapped.is_multicast:
            raise NotAllowed(
                f"{name} leads into a private network.", "Name it with its port in COMMSAPP_OUTGOING_HOSTS where that is meant."
            )
    problem: OSError | None = None
    for address in addresses:
        try:
            return socket.create_connection((str(address), port), timeout=SECONDS)
        except OSError as error:
            problem = error
    raise Unavailable(f"{name} does not answer.", "Try again later.") from problem


def _bracketed(name: str) -> str:
    return f"[{name}]" if ":" in name else name


def _with_port(name: str, port: int) -> str:
    return f"{_bracketed(name)}:{port}"


def _not_listed(name: str) -> NotAllowed:
    return NotAllowed(f"commsapp may not call {name}.", "Name the host in COMMSAPP_OUTGOING_HOSTS where that is meant.")
