"""Where people's words leave: one call for each look, so that it can be told later who read what."""

from __future__ import annotations

import logging
from collections.abc import Collection

from commsapp.http.request import actor

_LOG = logging.getLogger("commsapp.reading")


def words_leave(kind: str, *, place: str, place_id: int, ids: Collection[int]) -> None:
    """Note that somebody is given people's words: which kind of record, of which programme or import, and how many.

    Called just before they are handed out. The log holds numbers and no words.
    """
    who = actor()
    _LOG.info(
        "person %s of organisation %s reads %d of '%s' in %s %d",
        who.person_id,
        who.organisation_id,
        len(ids),
        kind,
        place,
        place_id,
    )
