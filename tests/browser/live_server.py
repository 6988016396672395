"""An application behind the real server, for a browser to open."""

from __future__ import annotations

import threading

import waitress
from flask import Flask


class LiveServer:
    """An application behind waitress in a thread, on a free port of this computer."""

    def __init__(self, app: Flask) -> None:
        self.server = waitress.create_server(app, host="127.0.0.1", port=0, threads=4)
        self.url = f"http://127.0.0.1:{self.server.effective_port}"
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self.server.close()
        self.thread.join(timeout=10)
