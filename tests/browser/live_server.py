"""An application behind the real server, for a browser to open."""

from __future__ import annotations

import threading

import waitress
from flask import Flask
from waitress import wasyncore


class LiveServer:
    """An application behind waitress in a thread, on a free port of this computer."""

    def __init__(self, app: Flask) -> None:
        self.server = waitress.create_server(app, host="127.0.0.1", port=0, threads=4)
        self.url = f"http://127.0.0.1:{self.server.effective_port}"
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        # In the server's own thread: closed from this one, a connection that a browser still holds would be waited for, and the
        # loop would trip over a socket that is gone.
        self.server.trigger.pull_trigger(lambda: wasyncore.close_all(self.server._map, ignore_all=True))
        self.thread.join(timeout=10)
        self.server.task_dispatcher.shutdown()
