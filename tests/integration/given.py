"""What the tests of listening are given: programmes, files, imports, a second organisation."""

from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import select, text

from commsapp.actor import Actor, HandlingLevel, Role
from commsapp.config import Settings
from commsapp.listening import analysing, views
from commsapp.listening import service as listening
from commsapp.listening.columns import Mapping as Columns
from commsapp.listening.dates import DateOrder
from commsapp.listening.redaction.redactor import without_names
from commsapp.storage import organisations
from commsapp.storage.base import keyring_of
from commsapp.storage.keyring import is_sealed
from commsapp.storage.responses import Comment, Response, visible
from commsapp.storage.session import Sessions

COMMENTS = Columns(
    text="comment",
    date="date",
    area="area",
    identity="id",
    language="language",
    translation="translation",
    consent="consent",
    handling="handling",
    attributes=("age",),
)

ROWS = [
    {"id": "r1", "date": "2026-03-02", "area": "Ash", "comment": "The bins again", "age": "16-24"},
    {"id": "r2", "date": "2026-03-03", "area": "Birch", "comment": "Dealers at the station", "age": "65+"},
    {"id": "r3", "date": "2026-03-04", "area": "Ash", "comment": "The bins again", "age": "16-24"},
]
"""Three rows of an event: two people of one place say the same."""


def columns(path: Path, mapping: Columns = COMMENTS) -> Columns:
    """The mapping without what the file has no column for."""
    there = path.read_text("utf-8").splitlines()[0].split(",")
    fields = {field: None for field, column in mapping.fields().items() if column not in there}
    attributes = tuple(name for name in mapping.attributes if name in there)
    return dataclasses.replace(mapping, attributes=attributes, **fields)  # type: ignore[arg-type]


def table(path: Path, rows: Iterable[Mapping[str, object]], header: Sequence[str] | None = None) -> Path:
    """A CSV file; the first row names the columns unless they are given."""
    kept = list(rows)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, header or list(kept[0]), restval="")
        writer.writeheader()
        writer.writerows(kept)
    return path


def programme(sessions: Sessions, actor: Actor, name: str = "County lines") -> int:
    with sessions.writing() as session:
        return listening.create_programme(session, actor, name=name).id


def started(
    sessions: Sessions,
    actor: Actor,
    settings: Settings,
    path: Path,
    *,
    programme_id: int,
    channel: str = "Event",
    chosen: str = "opt-in",
    mapping: Columns | None = None,
    date_order: DateOrder | None = DateOrder.ISO,
    handling_level: HandlingLevel = HandlingLevel.OPEN,
) -> int:
    """An import that waits; its id."""
    file = listening.check_file(
        listening.keep(path, settings), name=path.name, mapping=mapping or columns(path), date_order=date_order
    )
    with sessions.writing() as session:
        place = listening.add_channel(session, actor, programme_id, name=channel, chosen=chosen)
        run, _ = listening.start_import(
            session,
            actor,
            programme_id=programme_id,
            channel_id=place.id,
            file=file,
            handling_level=handling_level,
        )
    return run.id


def imported(sessions: Sessions, actor: Actor, settings: Settings, path: Path, **how: Any) -> views.Import:
    """An import that went through."""
    run = started(sessions, actor, settings, path, **how)
    listening.run_import(sessions, actor, import_id=run, settings=settings)
    with sessions.reading() as session:
        return listening.import_of(session, actor, run)


def counts(run: views.Import) -> tuple[int, int, int]:
    """Added, there already, rejected."""
    return run.added, run.already_there, run.rejected


def stored(sessions: Sessions, query: str, **values: object) -> list[tuple[Any, ...]]:
    """Rows of a query straight from the database, with what is sealed opened."""
    with sessions.reading() as session:
        keys = keyring_of(session)
        found = session.execute(text(query), values)
        return [tuple(keys.open(v).decode("utf-8") if isinstance(v, str) and is_sealed(v) else v for v in row) for row in found]


def other_organisation(sessions: Sessions) -> Actor:
    """The administrator of another agency in the same database."""
    with sessions.writing() as session:
        organisation = organisations.add_organisation(session, name="Another agency")
        person = organisations.add_person(
            session, organisation_id=organisation.id, name="Somebody else", role=Role.ADMINISTRATOR, levels=list(HandlingLevel)
        )
        return Actor(organisation.id, person.id, person.name, Role.ADMINISTRATOR, frozenset(HandlingLevel))


def cleared_for(actor: Actor, *levels: HandlingLevel) -> Actor:
    return dataclasses.replace(actor, handling_levels=frozenset(levels))


def everything_said(sessions: Sessions, actor: Actor, programme_id: int) -> list[views.Said]:
    """Every comment that an actor is shown, over all pages."""
    with sessions.reading() as session:
        first = listening.comments_page(session, actor, programme_id)
        pages = [listening.comments_page(session, actor, programme_id, number=n + 1) for n in range(first.pages)]
    return [said for page in pages for said in page.comments]


def everything_written(sessions: Sessions, actor: Actor, programme_id: int) -> list[str]:
    """Every comment as it came in, which no page shows before names and numbers were taken out."""
    query = select(Comment.original).join(Response, Response.id == Comment.response_id)
    with sessions.reading() as session:
        return list(session.scalars(query.where(visible(actor, programme_id)).order_by(Comment.id)))


def prepared(sessions: Sessions, actor: Actor, settings: Settings, programme_id: int) -> None:
    """Take names and numbers out by patterns alone, as an analysis does first: no model is needed."""
    analysing.prepare(
        sessions,
        actor,
        programme_id,
        readable=frozenset({"en"}),
        redactor=without_names(),
        settings=settings,
        progress=views.quiet,
    )


def as_list(stored: object) -> list[object]:
    """A list as either database gives it back from a column of JSON."""
    return json.loads(stored) if isinstance(stored, str) else list(stored)  # type: ignore[no-any-return, call-overload]
