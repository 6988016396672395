"""Where people's words leave: each look at them is written into the audit log before the reply goes, or nothing goes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from flask import Flask, Response, g

from commsapp.accounts import service as accounts
from commsapp.errors import Unavailable
from commsapp.http.request import actor, sessions

_NOTED = "words_leave"


def install(app: Flask) -> None:
    """Write what the views of an application noted. Call it before `request.install`: who registers first runs last."""
    app.after_request(_write)


def words_leave(
    kind: str,
    *,
    place: str,
    place_id: int | None,
    ids: Collection[int],
    where: str = "",
    filters: Mapping[str, Any] | None = None,
    levels: Iterable[str] = (),
    count: int | None = None,
    action: str = "read",
    why: str = "",
) -> None:
    """Note that this request shows people's words: which kind of record, of which programme or import, and which ones.

    Every view that hands out words calls it once, whether it is a page, a call of the API or an export (``action`` 'export');
    see `accounts.service.note_reading` for the rest. The event is written in a transaction of its own when the view and its
    session are done: where that fails, the reader gets an error and no words. Nothing is noted where nothing is shown.
    """
    if not ids and not count:
        return
    noted: dict[str, Any] = {
        "kind": kind,
        "place": place,
        "place_id": place_id,
        "ids": list(ids),
        "where": where,
        "filters": dict(filters or {}),
    }
    noted |= {"levels": list(levels), "count": count, "action": action, "why": why}
    g.setdefault(_NOTED, []).append(noted)


def _write(response: Response) -> Response:
    noted: list[dict[str, Any]] = g.pop(_NOTED, [])  # pop: the page that tells of an error passes here again
    if not noted:
        return response
    who = actor()
    try:
        with sessions().writing() as session:
            for one in noted:
                accounts.note_reading(session, who, **one)
    except Exception as error:
        raise Unavailable(
            "It could not be noted who reads this, so it is not shown.", "Try again in a minute; nothing was lost."
        ) from error
    return response
