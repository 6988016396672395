"""One file into one feedback channel: started in one transaction, then run in batches that each carry their checkpoint."""

from __future__ import annotations

import dataclasses
import re
import secrets
from collections import Counter
from collections.abc import Iterator
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from typing import Any

from commsapp.accounts import service as accounts
from commsapp.actor import Actor, HandlingLevel
from commsapp.config import Settings
from commsapp.errors import BadInput, Conflict, NotFound
from commsapp.listening import programmes as frame
from commsapp.listening import views
from commsapp.listening.checking import CheckedFile
from commsapp.listening.columns import Mapping, handling_word
from commsapp.listening.dates import DateOrder
from commsapp.listening.formats import open_table
from commsapp.listening.formats.table import Table
from commsapp.listening.identity import check_told_apart
from commsapp.listening.keys import respondent_key
from commsapp.listening.records import Record, Reject, clean_cells, to_record
from commsapp.listening.redaction.kinds import Kind, mark
from commsapp.listening.redaction.redactor import by_patterns, load_redactor
from commsapp.listening.standing import as_decided, in_time, refuse_past
from commsapp.listening.uploads import SCRATCH, clear, place_of, sha256_of
from commsapp.storage import events, imports, jobs, programmes, responses
from commsapp.storage.base import Under, insert_new, keyring_of, now
from commsapp.storage.counting import ScratchCounter
from commsapp.storage.session import Session, Sessions

BATCH = 500


def start_import(
    session: Session,
    actor: Actor,
    *,
    programme_id: int,
    channel_id: int,
    file: CheckedFile,
    handling_level: HandlingLevel = HandlingLevel.OPEN,
    then_analyse: bool = False,
) -> tuple[views.Import, int]:
    """Store that a file is to be imported, and enqueue the work in the same transaction; returns the import and its job's id.

    The file was read by ``check_file`` before: SQLite has one lock for all who write, and here it is ours.

    Raises
    ------
    BadInput : earlier files of the channel were told apart in another way. NotFound : no such channel.

    """
    if channel_id not in {channel.id for channel in frame.channels(session, actor, programme_id)}:
        raise NotFound("There is no such feedback channel in this programme.", "Choose one from its list.")
    refuse_past(session, channel_id)
    before = imports.latest_mapping(session, channel_id=channel_id)
    if before is not None:
        check_told_apart(before.get("identity"), file.mapping, file.columns)
    row = imports.ImportRun(
        organisation_id=actor.organisation_id,
        programme_id=programme_id,
        channel_id=channel_id,
        person_name=actor.name,
        file_name=file.name,
        stored_as=str(file.path),
        sha256=file.sha256,
        mapping=file.mapping.to_json(),
        date_order=file.date_order or "",
        handling_level=handling_level,
        started_at=now(),
    )
    programmes.add(session, row)
    after = {"file": file.name, "sha256": row.sha256, "mapping": row.mapping}
    events.record(session, actor, action="start", subject="import", subject_id=row.id, after=after)
    arguments = {"import_id": row.id, "then_analyse": then_analyse}
    job = jobs.enqueue(session, actor, name="import", arguments=arguments, programme_id=programme_id)
    return as_import(row), job.id


def level_words(session: Session, actor: Actor) -> dict[str, str]:
    """Handling level → what the organisation of the actor calls it, which its files may use as well as our words."""
    return {level.value: name for level, name in accounts.level_names(session, actor).items()}


def run_import(
    sessions: Sessions,
    actor: Actor,
    *,
    import_id: int,
    settings: Settings,
    progress: views.Progress = views.quiet,
    then_analyse: bool = False,
) -> dict[str, int]:
    """Read the file from the last checkpoint on; returns how many rows were added, already there and rejected.

    Rows and checkpoint go in one transaction each 500 rows, so a kill at any moment loses and doubles nothing, and running
    again goes on where it stopped. The rows before the checkpoint are read again, because the ordinal of a row among
    identical ones depends on them, but nothing of them is stored.

    Raises
    ------
    NotFound : no such import. BadInput : its file is gone, or isn't the one that was checked when the import was started.
    Conflict : another worker is at it. Unavailable : the database is busy or the disk full; what was stored stays, whole batches.

    """
    with sessions.reading() as session:
        run = imports.import_run(session, actor, import_id)
        if run is None:
            raise NotFound("There is no such import.")
        as_import(run)  # loads what is needed while the session is open
        levels = level_words(session, actor)
    if run.finished_at is None:
        try:
            _read_on(sessions, actor, run, settings, progress, levels, then_analyse=then_analyse)
        except (FileNotFoundError, BadInput, Conflict) as error:
            with sessions.reading() as session:
                ended = import_of(session, actor, import_id).finished_at is not None
            # Where another worker has come to the end meanwhile, nothing is left to do, and the file may be gone.
            if not ended and isinstance(error, FileNotFoundError):
                raise BadInput(f"{run.file_name} was taken away while it was read.", "Import it again.") from error
            if not ended:
                raise
    with sessions.reading() as session:
        clear(session, settings)
    with sessions.reading() as session:
        done = imports.import_run(session, actor, import_id)
        assert done is not None
        return {"added": done.added, "already_there": done.already_there, "rejected": done.rejected}


def _read_on(
    sessions: Sessions,
    actor: Actor,
    run: imports.ImportRun,
    settings: Settings,
    progress: views.Progress,
    levels: Dictionary[str, str],
    *,
    then_analyse: bool,
) -> None:
    table = _open_as_started(run, settings)
    dated: Counter[bool] = Counter()
    for batch in _batches(table, run, settings, dated, levels):
        with sessions.writing() as session:
            _store(session, run, batch)
        progress("Reading rows", batch[-1].row, max(table.estimated_rows or 0, batch[-1].row))
    with sessions.writing() as session:
        _finish(session, actor, run, [*table.notes, *_undated(dated, run)], then_analyse=then_analyse)


def _undated(dated: Counter[bool], run: imports.ImportRun) -> list[str]:
    """A note on responses without a date, where a column has dates at all."""
    if not dated[False] or not run.mapping.get("date"):
        return []
    without = f"{dated[False]:,} of {dated.total():,} responses in this file {'has' if dated[False] == 1 else 'have'} no date"
    return [f"{without}: they count in the figures over all waves, but in none of them."]


def _open_as_started(run: imports.ImportRun, settings: Settings) -> Table:
    path = place_of(run.stored_as, settings)
    table = open_table(path, name=run.file_name)
    # The rows before the checkpoint came from the file as it was; going on in another one would lose and double rows.
    if sha256_of(path) != run.sha256:
        raise BadInput(f"{run.file_name} has changed since its import was started.", "Import it again.")
    return table


def _batches(
    table: Table, run: imports.ImportRun, settings: Settings, dated: Counter[bool], levels: Dictionary[str, str]
) -> Iterator[list[Record | Reject]]:
    """Rows behind the checkpoint, batch by batch; ``dated`` counts all that can be read, those before it too."""
    mapping = Mapping.from_json(run.mapping)
    order = DateOrder(run.date_order) if run.date_order else None
    # A name of its own for each run: another worker may be at the same import, and only the checkpoint decides who goes on.
    scratch = settings.data_dir / SCRATCH / f"import-{run.id}-{secrets.token_hex(4)}.sqlite"
    scratch.parent.mkdir(parents=True, exist_ok=True)
    batch: list[Record | Reject] = []
    with ScratchCounter(scratch) as ordinals:
        for row in table.rows():
            item = _with_area(to_record(row, mapping, order, ordinals, levels=levels), row.cells)
            if isinstance(item, Record):
                dated[item.date is not None] += 1
            if row.number <= run.checkpoint:
                continue
            batch.append(item)
            if len(batch) == BATCH:
                yield batch
                batch = []
    if batch:
        yield batch


def _with_area(item: Record | Reject, cells: Dictionary[str, str] | None) -> Record | Reject:
    """The record with its area named as areas are named by hand; what is too long for a name rejects the row."""
    if isinstance(item, Reject):
        return item
    area = " ".join(item.area.split())
    if len(area) <= frame.LONGEST_NAME:
        return dataclasses.replace(item, area=area)
    reason = f"Row {item.row}: The area '{area[:60]}…' has {len(area):,} characters. Use {frame.LONGEST_NAME} or fewer."
    return Reject(item.row, reason, clean_cells(cells or {}))


def _store(session: Session, run: imports.ImportRun, batch: list[Record | Reject]) -> None:
    """Store one batch and move the checkpoint, in the caller's transaction."""
    records = [item for item in batch if isinstance(item, Record)]
    rejects = [item for item in batch if isinstance(item, Reject)]
    programmes.hold_channel(session, run.channel_id)  # nobody is erased between looking whether they were and storing
    records, late = in_time(session, run.channel_id, records)
    rejects += late
    wanted = as_decided(session, run.channel_id, records, unsaid=_unsaid(run))
    key = programmes.channel_key(session, run.channel_id)
    added = _store_rows(session, run, wanted, key)
    insert_new(
        session,
        imports.RejectedRow,
        [_rejected(run, item, key) for item in rejects],
        unique=("import_id", "row_number"),
    )
    advance(
        session,
        run,
        checkpoint=batch[-1].row,
        added=added,
        already_there=len(records) - added,
        rejected=len(rejects),
    )


def advance(session: Session, run: imports.ImportRun, *, checkpoint: int, added: int, already_there: int, rejected: int) -> None:
    """Move the checkpoint; the whole batch is undone where another worker has moved it meanwhile."""
    moved = imports.advance(
        session,
        import_id=run.id,
        seen=run.checkpoint,
        checkpoint=checkpoint,
        added=added,
        already_there=already_there,
        rejected=rejected,
    )
    if not moved:
        raise Conflict(f"Another worker is importing {run.file_name} already.", "Nothing to do: it goes on there.")
    run.checkpoint = checkpoint


def _store_rows(session: Session, run: imports.ImportRun, records: list[Record], key: str) -> int:
    """Insert responses with their comments and answers; returns how many were new."""
    areas = _areas(session, run.programme_id, records)
    people = _respondents(session, run.channel_id, records)
    rows = [_response(run, record, areas, people, key) for record in records]
    new = {row.identity: row.id for row in insert_new(session, responses.Response, rows, unique=("channel_id", "identity"))}
    fresh = {record.identity: record for record in records if record.identity in new}
    with_text = bool(run.mapping.get("text"))
    comments = [_comment(new[identity], record, key) for identity, record in fresh.items() if with_text or record.text]
    insert_new(session, responses.Comment, comments, unique=("response_id",))
    questions = _questions(session, run, list(fresh.values()))
    # A question that was left blank is an answer without a choice: it is counted, and no share is taken of it.
    answers = [
        {"response_id": new[identity], "question_id": number, "choice": Under(key, record.answers.get(wording, ""))}
        for identity, record in fresh.items()
        for wording, number in questions.items()
    ]
    insert_new(session, responses.Answer, answers, unique=("response_id", "question_id"))
    _attributes(session, run.programme_id, list(fresh.values()))
    return len(fresh)


def _response(
    run: imports.ImportRun, record: Record, areas: dict[str, int], people: dict[str, int], key: str
) -> dict[str, object]:
    return {
        "organisation_id": run.organisation_id,
        "programme_id": run.programme_id,
        "channel_id": run.channel_id,
        "import_id": run.id,
        "respondent_id": people.get(record.respondent),
        "identity": record.identity,
        "date": record.date,
        "area_id": areas.get(record.area),
        "attributes": Under(key, record.attributes),
        "weight": 1.0 if record.weight is None else record.weight,
        "consent": list(record.consent) or _unsaid(run),
        "handling_level": record.handling or run.handling_level,
    }


def _unsaid(run: imports.ImportRun) -> list[str]:
    """What consent stands for where a row says nothing of it."""
    # An export without a consent column comes under the channel's authority to log and analyse, never to quote. Where there is
    # such a column, an empty cell is somebody who was asked and agreed to nothing.
    return ["log"] if run.mapping.get("consent") else ["log", "analyse"]


def _comment(response_id: int, record: Record, key: str) -> dict[str, object]:
    return {
        "response_id": response_id,
        "original": Under(key, record.text),
        "given_language": record.language,
        "language": "",
        "translation": Under(key, record.translation),
        "translator": record.translator,
        "from_translation": False,
        "not_coded": "",
        "prepared": False,
    }


def _rejected(run: imports.ImportRun, item: Reject, key: str) -> dict[str, object]:
    """A rejected row without the cells of columns that were left out: nobody asked for these."""
    left_out = set(run.mapping.get("left_out", ()))
    cells = None if item.cells is None else {column: cell for column, cell in item.cells.items() if column not in left_out}
    return {"import_id": run.id, "row_number": item.row, "reason": Under(key, item.reason), "cells": Under(key, cells)}


def _areas(session: Session, programme_id: int, records: list[Record]) -> dict[str, int]:
    names = sorted({record.area for record in records if record.area})
    # 'ASH' and 'Ash' are one place, under the name that came first.
    known = {name.casefold(): number for name, number in programmes.area_ids(session, programme_id).items()}
    new = {name.casefold(): name for name in reversed(names) if name.casefold() not in known}
    rows = [{"programme_id": programme_id, "name": name, "code": ""} for name in sorted(new.values())]
    insert_new(session, programmes.Area, rows, unique=("programme_id", "name"))
    ids = programmes.area_ids(session, programme_id, hold=True)
    places = {name.casefold(): number for name, number in reversed(ids.items())} | ids
    return {name: places.get(name, places[name.casefold()]) for name in names}


def _respondents(session: Session, channel_id: int, records: list[Record]) -> dict[str, int]:
    secret = keyring_of(session).hashing
    keys = {record.respondent: respondent_key(secret, channel_id, record.respondent) for record in records if record.respondent}
    rows = [{"channel_id": channel_id, "key_hash": key} for key in sorted(set(keys.values()))]
    insert_new(session, responses.Respondent, rows, unique=("channel_id", "key_hash"))
    ids = responses.respondents(session, channel_id=channel_id, key_hashes=sorted(set(keys.values())))
    return {given: ids[key] for given, key in keys.items()}


def _questions(session: Session, run: imports.ImportRun, records: list[Record]) -> dict[str, int]:
    programme_id = run.programme_id
    seen: dict[str, dict[str, None]] = {wording: {} for wording in run.mapping.get("questions", ())}
    for record in records:
        for wording, choice in record.answers.items():
            seen.setdefault(wording, {})[choice] = None
    rows = [{"programme_id": programme_id, "wording": wording, "version": 1, "choices": []} for wording in sorted(seen)]
    insert_new(session, responses.Question, rows, unique=("programme_id", "wording", "version"))
    known = {row.wording: row for row in responses.questions(session, programme_id)}
    for wording in sorted(seen):
        _add_choices(session, known[wording], seen[wording])
    session.flush()
    return {wording: known[wording].id for wording in seen}


def _add_choices(session: Session, row: responses.Question | programmes.Attribute, found: Dictionary[str, None]) -> None:
    """Add the choices that a question or an attribute doesn't know yet."""
    if found.keys() <= set(row.choices):
        return
    # Held and read again, as another import may be adding to the same list; callers come in the order of names, so that
    # two imports wait for each other and never in a circle.
    session.refresh(row, with_for_update=True)
    known = set(row.choices)
    row.choices = [*row.choices, *(choice for choice in found if choice not in known)]


def _attributes(session: Session, programme_id: int, records: list[Record]) -> None:
    seen: dict[str, dict[str, None]] = {}
    for record in records:
        for name, value in record.attributes.items():
            if value:
                seen.setdefault(name, {})[value] = None
    rows = [
        {"programme_id": programme_id, "name": name, "kind": "choice", "choices": [], "protected": frame.is_protected(name)}
        for name in sorted(seen)
    ]
    insert_new(session, programmes.Attribute, rows, unique=("programme_id", "name"))
    known = programmes.attribute_rows(session, programme_id)
    for name in sorted(seen):
        _add_choices(session, known[name], seen[name])
    session.flush()


def _finish(session: Session, actor: Actor, run: imports.ImportRun, notes: list[str], *, then_analyse: bool) -> None:
    stored = imports.import_run(session, actor, run.id)
    if stored is None or stored.finished_at is not None:  # another worker came to the end first
        return
    imports.finish_import(session, import_id=run.id, notes=notes)
    after = {"file": run.file_name, "programme_id": run.programme_id}
    events.record(session, actor, action="finish", subject="import", subject_id=run.id, after=after)
    if then_analyse and jobs.waiting(session, name="analyse", programme_id=run.programme_id) is None:
        arguments = {"programme_id": run.programme_id}
        jobs.enqueue(session, actor, name="analyse", arguments=arguments, programme_id=run.programme_id)


def as_import(row: imports.ImportRun) -> views.Import:
    """The frozen view of an import."""
    return views.as_view(views.Import, row)  # type: ignore[no-any-return]


def import_of(session: Session, actor: Actor, import_id: int) -> views.Import:
    """How one file went in.

    Raises
    ------
    NotFound : there is none, or it belongs to another organisation.

    """
    return as_import(_stored(session, actor, import_id))


def _stored(session: Session, actor: Actor, import_id: int) -> imports.ImportRun:
    row = imports.import_run(session, actor, import_id)
    if row is None:
        raise NotFound("There is no such import.", "Go back to the programme.")
    return row


@dataclass(frozen=True)
class HowRead:
    """How an import was to be read: as what its columns, in which order its dates, and who may read what was said."""

    mapping: Mapping
    date_order: DateOrder | None
    handling_level: HandlingLevel


def how_read(session: Session, actor: Actor, import_id: int) -> HowRead:
    """How the columns of an import were read.

    Raises
    ------
    NotFound : there is none, or it belongs to another organisation.

    """
    row = _stored(session, actor, import_id)
    order = DateOrder(row.date_order) if row.date_order else None
    return HowRead(Mapping.from_json(row.mapping), order, HandlingLevel(row.handling_level))


def latest_mappings(session: Session, actor: Actor, programme_id: int) -> dict[int, Mapping]:
    """Channel id → as what the columns of its latest file were read, for channels that a file went into."""
    found = {
        channel.id: imports.latest_mapping(session, channel_id=channel.id)
        for channel in frame.channels(session, actor, programme_id)
    }
    return {channel_id: Mapping.from_json(stored) for channel_id, stored in found.items() if stored is not None}


def imports_of(session: Session, actor: Actor, programme_id: int) -> list[views.Import]:
    """The latest imports of a programme, newest first."""
    return [as_import(row) for row in imports.import_runs(session, actor, programme_id)]


def rejected(session: Session, actor: Actor, import_id: int) -> list[views.RejectedRow]:
    """Rows that could not be read, with the reason, in the order of the file; those that the actor is cleared for.

    Their cells come without numbers, addresses and names, as far as these are found.
    """
    run = imports.import_run(session, actor, import_id)
    if run is None:
        raise NotFound("There is no such import.", "Go back to the programme.")
    levels = level_words(session, actor)
    return [
        views.RejectedRow(row=row.row_number, reason=by_patterns(row.reason), cells=_redacted(row.cells or {}))
        for row in imports.rejected_rows(session, actor, import_id)
        if _level_of(row, run, levels) in actor.handling_levels
    ]


def _redacted(cells: Dictionary[str, Any]) -> dict[str, str]:
    """Cells of a row as a page shows them."""
    words = load_redactor().redact([str(cell) for cell in cells.values()])
    return {
        column: mark(Kind.NAME) if _NAMES_COLUMN.search(column) and cell.strip() else cell
        for column, cell in zip(cells, words, strict=True)
    }


_NAMES_COLUMN = re.compile(
    r"(?:^|\b|_)(?:(?:first|last|full|sur|fore)[ _]?name|name of (?:person|respondent)|name)(?:$|\b|_)", re.IGNORECASE
)


def _level_of(row: imports.RejectedRow, run: imports.ImportRun, levels: Dictionary[str, str]) -> str:
    """The handling level of a rejected row: its own where that can be read, the strictest where it can't, else its file's."""
    column = run.mapping.get("handling")
    if column is None:
        return run.handling_level
    cell = (row.cells or {}).get(column)
    if cell is None:
        return HandlingLevel.CONCERN
    return (handling_word(cell, levels) or HandlingLevel.CONCERN) if cell.strip() else run.handling_level
