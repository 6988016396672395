"""Where a page stands: the trail of links back from it."""

from __future__ import annotations

from typing import Any

from flask import current_app, url_for
from flask import request as http

from commsapp.listening.views import Programme

Crumb = dict[str, str]


def trail(programme: Programme, *steps: tuple[str, str]) -> list[Crumb]:
    """Breadcrumbs to a page of a programme; ``steps`` are (words, address) of the pages between the two."""
    above = [
        ("Programmes", address_of("programmes.index")),
        (programme.name, address_of("programmes.show", programme_id=programme.id)),
    ]
    return [{"text": text, "href": href} for text, href in (*above, *steps) if href]


def address_of(endpoint: str, **values: Any) -> str:
    """Address of a page; '' where this application doesn't have it, as a test may run with few pages."""
    return url_for(endpoint, **values) if endpoint in current_app.view_functions else ""


def back_to(programme_id: int) -> str:
    """The page that somebody came from, where it is one of this programme; the address may say anything."""
    asked = http.args.get("back", "")
    fits = asked.startswith(f"/programmes/{programme_id}/") and not set(asked) & set("\\\r\n\t") and "//" not in asked
    return asked if fits else ""
