"""A model that a setting names by its id: fetched once where the hub is a named host, and otherwise not looked for anywhere."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from commsapp.config import Settings, load_settings
from commsapp.errors import NotAllowed, Unavailable
from commsapp.listening import bringing
from commsapp.listening.bringing import set_models

FILES = {"config.json": b"{}", "tokenizer.json": b"{}", "model.safetensors": b"weights"}


class Hub:
    """A hub that sends those who ask for weights on to the host where they lie."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.store = self._serve(lambda path: (200, {}, FILES["model.safetensors"]))
        self.hub = self._serve(self._answer)

    def _answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        name = path.rpartition("/")[2]
        if not path.startswith("/owner/tone/resolve/main/") or name not in FILES:
            return 404, {}, b""
        if name == "model.safetensors":
            return 302, {"Location": f"http://{self.store}/weights"}, b""
        return 200, {}, FILES[name]

    def _serve(self, answer: object) -> str:
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                status, headers, body = answer(self.path)  # type: ignore[operator]
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_words: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"127.0.0.1:{server.server_port}"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    made = Hub()
    monkeypatch.setattr(bringing, "HUB", f"http://{made.hub}")
    yield made


def named(folder: Path, *hosts: str, model: str = "owner/tone") -> Settings:
    settings = load_settings({"COMMSAPP_DATA_DIR": str(folder), "COMMSAPP_EMOTION_MODEL": model})
    return dataclasses.replace(settings, outgoing_hosts=hosts)


def test_without_the_hub_among_the_hosts_nobody_is_called(hub: Hub, tmp_path: Path) -> None:
    assert set_models(named(tmp_path)) == {"sentiment": "", "emotion": "owner/tone"}
    assert hub.asked == []


def test_a_model_is_fetched_once_from_hosts_that_were_named(hub: Hub, tmp_path: Path) -> None:
    settings = named(tmp_path, hub.hub, hub.store)
    folder = Path(set_models(settings)["emotion"])
    assert folder == tmp_path / "models" / "owner--tone"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == FILES
    asked = len(hub.asked)
    assert Path(set_models(settings)["emotion"]) == folder
    assert len(hub.asked) == asked == 4


def test_weights_on_a_host_that_was_not_named_are_not_fetched(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(NotAllowed, match=r"may not call 127\.0\.0\.1"):
        set_models(named(tmp_path, hub.hub))
    assert not (tmp_path / "models" / "owner--tone" / "model.safetensors").exists()
    assert "/weights" not in hub.asked


def test_a_model_that_the_hub_has_not_is_one_sentence(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"The model owner/other has no config\.json"):
        set_models(named(tmp_path, hub.hub, model="owner/other"))


@pytest.mark.parametrize("place", ["../other", "owner/../../x", "a/b/c", "/nowhere"])
def test_what_is_no_id_is_not_asked_for(hub: Hub, tmp_path: Path, place: str) -> None:
    assert set_models(named(tmp_path, hub.hub, model=place))["emotion"] == place
    assert hub.asked == []
