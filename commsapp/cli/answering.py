"""Answering requests: in the process of 'commsapp serve' itself, or in several beside it that share its port.

``python -m commsapp.cli.answering PARENT SOCKET…`` is what 'commsapp serve' starts where COMMSAPP_PROCESSES asks for several.

What may come in: sockets, how many may wait and be answered at once. What may not: what is answered, which `app` knows.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from contextlib import suppress

from commsapp.config import Settings, load_settings
from commsapp.errors import Unavailable

THREADS = 8
CONNECTIONS = 800
"""Browsers keep several open each while their people read. Below the 1,024 files that a process may usually open."""
WAITING = 1024


def listeners(settings: Settings) -> list[socket.socket]:
    """Sockets on the port of the settings; the name localhost may stand for two.

    Raises
    ------
    Unavailable : another program has the port.

    """
    from waitress.adjustments import Adjustments

    found = []
    try:
        for family, kind, protocol, address in Adjustments(host=settings.host, port=settings.port).listen:
            one = socket.socket(family, kind, protocol)
            found.append(one)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            one.bind(address)
            one.listen(WAITING)
            one.setblocking(False)
    except OSError as error:
        for one in found:
            one.close()
        raise Unavailable(
            f"Port {settings.port} is taken by another program.", "Stop that, or set COMMSAPP_PORT to another number."
        ) from error
    return found


def answer(settings: Settings, sockets: list[socket.socket]) -> None:
    """Answer what comes in at sockets, until interrupted."""
    from waitress.server import create_server

    from commsapp.app import create_app

    server = create_server(
        create_app(settings),
        sockets=sockets,
        threads=THREADS,
        connection_limit=CONNECTIONS,
        backlog=WAITING,
        asyncore_use_poll=True,  # select, which is the default, knows no more than 1,024 files
        # Larger ones are refused by the pages too, in a sentence; waitress by itself would cut them off at 1 GiB.
        max_request_body_size=settings.upload_limit + 2**20,
    )
    try:
        server.run()
    finally:
        server.close()


def main() -> None:
    """Answer beside 'commsapp serve', and stop when it tells so or is gone."""
    parent, *numbers = (int(word) for word in sys.argv[1:])
    threading.Thread(target=_stop_without, args=(parent,), daemon=True).start()
    signal.signal(signal.SIGTERM, _as_interrupt)
    with suppress(KeyboardInterrupt):
        answer(load_settings(), [socket.socket(fileno=number) for number in numbers])


def _stop_without(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)


def _as_interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
