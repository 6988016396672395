"""Handling levels in the words of the organisation of whoever looks."""

from __future__ import annotations

from flask import Flask, g

from commsapp.accounts import service as accounts
from commsapp.actor import HandlingLevel
from commsapp.http import request
from commsapp.web.choices import HANDLING
from commsapp.web.wording import capfirst


def install(app: Flask) -> None:
    """Give templates the filter ``level_name``."""
    app.add_template_filter(level_name)


def names() -> dict[HandlingLevel, str]:
    """The name of each level, looked up once in a request."""
    if "level_names" not in g:
        g.level_names = accounts.level_names(request.session(), request.actor())
    found: dict[HandlingLevel, str] = g.level_names
    return found


def level_name(level: str) -> str:
    """'official-sensitive' → 'Official-sensitive', or the organisation's own word."""
    return capfirst(names()[HandlingLevel(level)])


def handling() -> dict[str, str]:
    """Every level with its name and what it means, to choose between."""
    return {level: f"{level_name(level)}: {meaning}" for level, meaning in HANDLING.items()}
