"""The process that test_crash kills: runs one import or one analysis, and dies at a named point where it is told to."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

from commsapp.accounts.service import ensure_local
from commsapp.config import Settings
from commsapp.listening import analysing, importing
from commsapp.storage import codings, programmes
from commsapp.storage.keyring import open_keyring
from commsapp.storage.session import Sessions, open_sessions


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _dying(function: Callable[..., Any], *, call: int, after: bool) -> Callable[..., Any]:
    """The same function, whose ``call``-th call kills the process: before it begins, or when it has ended."""
    calls = 0

    def counted(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call and not after:
            _die()
        result = function(*arguments, **named)
        if calls == call and after:
            _die()
        return result

    return counted


def two_commits(sessions: Sessions, *arguments: Any) -> None:
    """A deliberately wrong way to store a batch: the checkpoint is committed in a transaction of its own, before the rows."""
    session, run, batch = arguments
    records = [item for item in batch if isinstance(item, importing.Record)]
    with sessions.writing() as other:
        importing.imports.advance(
            other,
            import_id=run.id,
            seen=run.checkpoint,
            checkpoint=batch[-1].row,
            added=len(records),
            already_there=0,
            rejected=len(batch) - len(records),
        )
    run.checkpoint = batch[-1].row
    importing._store_rows(session, run, records, programmes.channel_key(session, run.channel_id))


def run_import(settings: Settings, import_id: int, die_at: int, *, wrong: bool = False) -> None:
    """Run an import; with ``die_at`` n > 0, die in the n-th batch after its rows and before its checkpoint."""
    importing.BATCH = 50
    sessions = open_sessions(settings.database_url, keyring=open_keyring(settings))
    if wrong:
        importing._store = lambda *a: two_commits(sessions, *a)  # type: ignore[assignment]
        if die_at:
            importing._store_rows = _dying(importing._store_rows, call=die_at, after=False)
    elif die_at:
        importing.advance = _dying(importing.advance, call=die_at, after=False)
    with sessions.writing() as session:
        actor = ensure_local(session)
    importing.run_import(sessions, actor, import_id=import_id, settings=settings)


def run_analysis(settings: Settings, programme_id: int, die_at: int) -> None:
    """Run an analysis; with ``die_at`` n > 0, die after the n-th batch of codings and before its commit."""
    import torch

    torch.set_num_threads(1)
    analysing.BATCH = 4
    if die_at:
        codings.add_codings = _dying(codings.add_codings, call=die_at, after=True)
    sessions = open_sessions(settings.database_url, keyring=open_keyring(settings))
    with sessions.writing() as session:
        actor = ensure_local(session)
    analysing.run_analysis(sessions, actor, programme_id=programme_id, settings=settings)
