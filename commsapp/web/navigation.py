"""What the bar at the top of every page offers, in the order of the loop."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, current_app, request, url_for


@dataclass(frozen=True)
class Entry:
    """One link of the bar: its words, where it leads, and the blueprints whose pages it stands for."""

    text: str
    endpoint: str
    areas: tuple[str, ...]


ENTRIES = (
    Entry("Start", "start.home", ("start",)),
    Entry("Programmes", "programmes.index", ("programmes", "frame", "imports", "jobs", "listening", "campaigns")),
    Entry("API tokens", "tokens.index", ("tokens",)),
)


def install(app: Flask) -> None:
    """Give every template ``navigation``, as GOV.UK's service navigation takes it."""
    app.context_processor(lambda: {"navigation": navigation()})


def navigation() -> list[dict[str, object]]:
    """The entries, with the one that the current page belongs to marked.

    Entries whose page this application doesn't have are left out: a test may run with few pages.
    """
    return [
        {
            "text": entry.text,
            "href": url_for(entry.endpoint),
            "current": request.endpoint == entry.endpoint,
            "active": request.blueprint in entry.areas,
        }
        for entry in ENTRIES
        if entry.endpoint in current_app.view_functions
    ]
