"""Remembering what was counted, in the memory of this process, until what was counted changes.

The database keeps a mark for what was heard, what was coded and what was measured; triggers change it with every change, in the
same transaction (see the migration 'change marks'). A count is remembered under the marks that stand in the state of the database
that its session sees, so another process, a rollback or a restored backup never gives an old count for a new state.

What may come in: counts and names. What may not: people's words, or anything of which the key doesn't say who may see it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Literal, TypeVar

from sqlalchemy import BigInteger, Text, column, func, select, table
from sqlalchemy.orm import Session

T = TypeVar("T")
Mark = Literal["heard", "coded", "results"]

MOST = 1_000
"""How many counts are kept; the ones that nobody asked for longest go first."""

_MARKS = table("change_mark", column("what", Text()), column("mark", BigInteger()))
_kept: OrderedDict[Hashable, Any] = OrderedDict()
_alone = threading.Lock()


def remembered(session: Session, marks: tuple[Mark, ...], key: tuple[Hashable, ...], count: Callable[[], T]) -> T:
    """What ``count`` gives, from memory where nothing of what the marks tell of has changed since.

    ``key`` names what is counted and everything that it depends on: the organisation, the programme, the handling levels that
    the one who asks may read. A session that writes always counts: it sees what nobody else may see yet.
    """
    if session.get_bind().get_execution_options().get("commsapp_writes"):
        return count()
    stand = _stand(session, marks)
    if stand is None:
        return count()
    whole = (str(session.get_bind().engine.url), stand, key)
    with _alone:
        if whole in _kept:
            _kept.move_to_end(whole)
            found: T = _kept[whole]
            return found
    found = count()
    with _alone:
        _kept[whole] = found
        while len(_kept) > MOST:
            _kept.popitem(last=False)
    return found


def _stand(session: Session, marks: tuple[Mark, ...]) -> tuple[tuple[str, int, int], ...] | None:
    """The marks as this session sees them; None where one is missing."""
    query = select(_MARKS.c.what, func.count(), func.sum(_MARKS.c.mark)).where(_MARKS.c.what.in_(marks)).group_by(_MARKS.c.what)
    found = tuple(sorted((str(row[0]), int(row[1]), int(row[2])) for row in session.execute(query)))
    return found if len(found) == len(marks) else None
