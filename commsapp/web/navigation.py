"""What the bar at the top of every page offers, in the order of the loop, and who is signed in."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, current_app, request, url_for

from commsapp.actor import Actor, Role
from commsapp.errors import CommsappError
from commsapp.http.request import settings, visitor
from commsapp.http.signing_in import waits_for_second_factor
from commsapp.may import ADMINISTRATORS, EVERYBODY, STAFF


@dataclass(frozen=True)
class Entry:
    """One link of the bar: its words, where it leads, the blueprints whose pages it stands for, and the roles that see it."""

    text: str
    endpoint: str
    areas: tuple[str, ...]
    roles: frozenset[Role] = STAFF


ENTRIES = (
    Entry("Start", "start.home", ("start",), EVERYBODY),
    Entry(
        "Programmes",
        "programmes.index",
        (
            *("programmes", "frame", "imports", "jobs", "listening", "campaigns", "rights", "retention"),
            *("codebooks", "codebook_topics", "emerging", "sorting"),
        ),
    ),
    Entry("People", "people.index", ("people",), ADMINISTRATORS),
    Entry("Audit", "auditing.log", ("auditing",), ADMINISTRATORS),
)


def install(app: Flask) -> None:
    """Give every template ``navigation``, as GOV.UK's service navigation takes it, and ``who``, who is signed in."""
    app.context_processor(_context)


def _context() -> dict[str, object]:
    try:
        who = visitor()
        waits = who is not None and waits_for_second_factor()
    except CommsappError:  # the database is away, which the page itself says
        who, waits = None, False
    return {"who": who, "navigation": navigation(who), "waits_for_second_factor": waits, "served": bool(settings().public_url)}


def navigation(who: Actor | None) -> list[dict[str, object]]:
    """The entries for somebody, with the one that the current page belongs to marked; none for a visitor.

    Entries whose page this application doesn't have are left out: a test may run with few pages.
    """
    if who is None:
        return []
    return [
        {
            "text": entry.text,
            "href": url_for(entry.endpoint),
            "current": request.endpoint == entry.endpoint,
            "active": request.blueprint in entry.areas,
        }
        for entry in ENTRIES
        if entry.endpoint in current_app.view_functions and who.role in entry.roles
    ]
