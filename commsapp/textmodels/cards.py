"""Model cards: what pages show about a model, read from its folder's README.md and metrics.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from commsapp import bundled
from commsapp.errors import Unavailable

_CURE = "Restore the folder from the release."
_FENCE = "---"


@dataclass(frozen=True)
class ModelCard:
    """A model's card: the front matter of its README, the text below it, and what was measured.

    ``metrics`` is the content of metrics.json as it is; ``text`` is Markdown.
    """

    folder: str
    name: str
    task: str
    languages: tuple[str, ...]
    license: str
    summary: str
    text: str
    metrics: Mapping[str, Any]


def read_card(folder: Path) -> ModelCard:
    """Read the card of the model in ``folder``.

    Raises
    ------
    Unavailable : README.md or metrics.json is missing or broken.

    """
    try:
        front, text = _split((folder / "README.md").read_text("utf-8"))
        metrics = json.loads((folder / "metrics.json").read_text("utf-8"))
        return ModelCard(
            folder=folder.name,
            name=str(front["name"]),
            task=str(front["task"]),
            languages=tuple(str(code) for code in front["languages"]),
            license=str(front["license"]),
            summary=str(front["summary"]),
            text=text,
            metrics=MappingProxyType(dict(metrics)),
        )
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise Unavailable(f"The model card in {folder} is missing or broken.", _CURE) from error


def read_cards() -> tuple[ModelCard, ...]:
    """Cards of all bundled models, by folder name."""
    return tuple(read_card(path.parent) for path in sorted(bundled.models().glob("*/README.md")))


def _split(readme: str) -> tuple[dict[str, Any], str]:
    opening, front, text = readme.split(_FENCE + "\n", 2)
    if opening.strip():
        raise ValueError("front matter comes first")
    return dict(yaml.safe_load(front)), text.strip()
