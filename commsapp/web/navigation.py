"""What the bar at the top of every page offers, in the order of the loop."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, current_app, g, request, url_for

from commsapp.actor import Actor, Role


@dataclass(frozen=True)
class Entry:
    """One link of the bar: its words, where it leads, and the blueprints whose pages it stands for."""

    text: str
    endpoint: str
    areas: tuple[str, ...]
    roles: tuple[Role, ...] = tuple(Role)


ENTRIES = (
    Entry("Start", "start.home", ("start",)),
    Entry(
        "Programmes",
        "programmes.index",
        ("programmes", "frame", "imports", "jobs", "listening", "campaigns", "rights", "retention"),
    ),
    Entry("Audit", "auditing.log", ("auditing",), (Role.ADMINISTRATOR,)),
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
        if entry.endpoint in current_app.view_functions and _for(entry)
    ]


def _for(entry: Entry) -> bool:
    """Whether the one who asks may enter; where nobody was asked who they are, as on a page of an error, all may."""
    actor: Actor | None = g.get("actor")
    return len(entry.roles) == len(Role) or (actor is not None and actor.role in entry.roles)
