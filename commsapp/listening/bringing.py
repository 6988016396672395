"""Another model of tone, fetched once where a setting names it by its Hugging Face id and the network is allowed for it.

commsapp calls hosts that were named and no others (see `commsapp.outgoing`), so without the hub among them nothing is fetched,
and a model that isn't on this machine is refused in a sentence.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

from commsapp.config import Settings
from commsapp.errors import Unavailable
from commsapp.outgoing import NotThere, fetch, listed
from commsapp.textmodels.classifier import is_id

HUB = "https://huggingface.co"
_FILES = ("config.json", "tokenizer.json", "model.safetensors")
"""In this order: where the weights lie, all is there."""


class SetModels(TypedDict):
    """What is set in place of the bundled model; '' is that one."""

    sentiment: str
    emotion: str


def set_models(settings: Settings) -> SetModels:
    """What `load_tone` takes in place of the bundled model: folders, or ids that are looked for in the cache of this machine.

    Raises
    ------
    Unavailable, NotAllowed : a model can't be fetched, or its files lie on a host that isn't named.

    """
    return {
        "sentiment": _brought(settings.sentiment_model, settings),
        "emotion": _brought(settings.emotion_model, settings),
    }


def _brought(place: str, settings: Settings) -> str:
    if Path(place).is_dir() or not is_id(place) or listed(HUB) not in settings.outgoing_hosts:
        return place
    folder = settings.data_dir / "models" / place.replace("/", "--")
    if not (folder / _FILES[-1]).is_file():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in _FILES:
            try:
                fetch(f"{HUB}/{place}/resolve/main/{name}", folder / name, settings.outgoing_hosts)
            except NotThere as error:
                raise Unavailable(
                    f"The model {place} has no {name} at {listed(HUB)}.", "Use one that has config.json and model.safetensors."
                ) from error
    return str(folder)
