"""Where models/, campaigns/ and templates/ are: at the root of a checkout, inside the package of an installed wheel.

The only module that knows both places.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def _folder(name: str) -> Path:
    inside = _PACKAGE / "_bundled" / name
    return inside if inside.is_dir() else _PACKAGE.parent / name


def models() -> Path:
    """Folder with one sub-folder per model: card, weights, metrics."""
    return _folder("models")


def campaigns() -> Path:
    """Folder with playbooks and the sample programme."""
    return _folder("campaigns")


def templates() -> Path:
    """Folder with the Jinja2 templates."""
    return _folder("templates")


def static() -> Path:
    """Folder with scripts and styles; third-party ones lie in its ``vendor`` folder."""
    return _PACKAGE / "web" / "static"
