"""Nothing is called that was not named: counted by real listeners."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest
import requests

from commsapp.errors import CommsappError, NotAllowed
from commsapp.outgoing import guard, listed


class Listener:
    """Counts who connects, on an address of this machine; answers everybody with one reply."""

    def __init__(self, address: str = "127.0.0.1", reply: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") -> None:
        self.socket = socket.create_server((address, 0), family=socket.AF_INET6 if ":" in address else socket.AF_INET)
        self.port = self.socket.getsockname()[1]
        self.connections = 0
        self.reply = reply
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                connection.recv(4096)
                connection.sendall(self.reply)


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.socket.close()


def called(address: str, *allowed: str) -> requests.Response:
    session = requests.Session()
    guard(session, allowed)
    return session.get(address)


FORMS = ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "127.0.0.2", "0.0.0.0", "0", "[::1]"]
FORMS += ["[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::]", "127.0.0.1.", "LOCALHOST", "user@127.0.0.1", "example.org@127.0.0.1"]
ELSEWHERE = ["169.254.169.254", "[fe80::1]", "10.0.0.1", "192.168.0.1", "172.16.0.1", "[fd00::1]", "100.64.0.1", "224.0.0.1"]


def test_no_form_of_an_address_leads_inside(
    listener: Listener, promise: Callable[[int, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[object] = []
    real = socket.create_connection
    monkeypatch.setattr(
        socket, "create_connection", lambda where, *more, **how: opened.append(where) or real(where, *more, **how)
    )
    inner = Listener("::1")
    tried = 0
    for scheme in ("http", "https"):
        for form in [*FORMS, *ELSEWHERE]:
            for allowed in (
                (),
                ("example.org",),
                (form.rpartition("@")[2].lower(),),
            ):  # not named, another named, named without port
                for port in (listener.port, inner.port):
                    with pytest.raises(CommsappError):
                        called(f"{scheme}://{form}:{port}/", *allowed)
                    tried += 1
    assert (listener.connections, inner.connections, opened) == (0, 0, [])
    inner.socket.close()

    assert called(f"http://127.0.0.1:{listener.port}/", f"127.0.0.1:{listener.port}").text == "ok"  # named with its port: meant
    assert listener.connections == 1
    promise(15, f"{tried} calls to this machine and private networks in {len(FORMS) + len(ELSEWHERE)} forms: 0 connections")


def test_a_redirect_leads_nowhere(listener: Listener) -> None:
    for target in (f"http://127.0.0.1:{listener.port}/", f"http://localhost:{listener.port}/", "//169.254.169.254/"):
        door = Listener(reply=f"HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n".encode())
        with pytest.raises(NotAllowed, match="sent commsapp on to another address"):
            called(f"http://127.0.0.1:{door.port}/", f"127.0.0.1:{door.port}", f"127.0.0.1:{listener.port}")
        assert door.connections == 1
        door.socket.close()
    assert listener.connections == 0


def test_a_name_is_checked_when_it_is_connected_to(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that was public when it was asked for, and is this machine a moment later."""
    inside = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", listener.port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: inside)
    with pytest.raises(NotAllowed, match="leads into a private network"):
        called(f"https://partner.example:{listener.port}/", "partner.example")
    assert listener.connections == 0


def test_another_port_of_a_host_that_was_named_with_one_is_another_place(listener: Listener) -> None:
    with pytest.raises(NotAllowed):
        called(f"http://127.0.0.1:{listener.port}/", "127.0.0.1:1")
    assert listener.connections == 0


def test_a_proxy_of_the_environment_is_not_asked(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{listener.port}")
    door = Listener()
    assert called(f"http://127.0.0.1:{door.port}/", f"127.0.0.1:{door.port}").text == "ok"
    assert listener.connections == 0
    door.socket.close()


def test_a_host_is_listed_as_its_address_names_it() -> None:
    assert listed("https://login.example.org/realms/a") == "login.example.org"
    assert listed("http://127.0.0.1:9000") == "127.0.0.1:9000"
    assert listed("https://[2001:db8::1]:8443/x") == "[2001:db8::1]:8443"
