"""Imports: bringing in a file of what people said, and how it went."""

from __future__ import annotations

import json
from typing import Any

import marshmallow as ma
from flask_smorest.fields import Upload
from werkzeug.datastructures import FileStorage

from commsapp.actor import HandlingLevel
from commsapp.api.document import Calls
from commsapp.api.entering import TAKES_FORM, by_token
from commsapp.api.fields import Shape, Text, Whole, YesNo, a, one, several
from commsapp.api.heard import LEVELS
from commsapp.api.paging import Paging, cut, pages_of
from commsapp.api.programmes import of_programme
from commsapp.api.work import Job, job_of
from commsapp.errors import BadInput, NotFound
from commsapp.http import request
from commsapp.http.reading import words_leave
from commsapp.http.security import LARGEST_INTEGER, STAFF, may_enter, needs_scope
from commsapp.listening import service as listening
from commsapp.listening.columns import Mapping
from commsapp.listening.dates import DateOrder
from commsapp.may import shown

calls = Calls("imports", __name__, description="Bringing in files of what people said.")

READ, WRITE, WORDS = "imports:read", "imports:write", "comments:read"
ORDERS = tuple(str(order) for order in DateOrder)


class Import(Shape):
    """How one file went in."""

    id = a(Whole, "Its number.", example=1)
    programme_id = a(Whole, "Its programme.", example=1)
    channel_id = a(Whole, "Its feedback channel.", example=1)
    file_name = a(Text, "What its owner calls the file.", example="spring.csv")
    added = a(Whole, "How many responses it added.", example=412)
    already_there = a(Whole, "How many had come in before.", example=0)
    rejected = a(Whole, "How many rows could not be read.", example=2)
    notes = several(Text, "What was assumed while reading.")
    started_at = a(ma.fields.AwareDateTime, "When it was asked for.", example="2026-04-01T09:30:00+00:00")
    finished_at = a(ma.fields.AwareDateTime, "When it ended; null while it goes on.", nullable=True)


class RejectedRow(Shape):
    """A row of a file that could not be read, with the reason. It holds people's words."""

    row = a(Whole, "Its number in the file.", example=12)
    reason = a(Text, "Why, and what to do.", example="Row 12: '31/31/2026' is not a date.")
    cells = ma.fields.Dict(
        keys=Text(), values=Text(), required=True, metadata={"description": "Column → cell.", "examples": [{}]}
    )


def _is_file(sent: object) -> None:
    if not isinstance(sent, FileStorage):  # a part without a name of a file, or with one that can't be read, is a text
        raise ma.ValidationError("It must be a file with a name.")


class NewImport(Shape):
    """A file, sent as a form, with what its columns are."""

    file = Upload(required=True, validate=_is_file, metadata={"description": "The file: CSV, TSV, XLSX or JSON Lines."})
    channel_id = Text(
        required=True,
        validate=ma.validate.Regexp(r"^[0-9]{1,10}\Z", error="It must be a whole number."),
        metadata={"description": "The feedback channel that it goes into.", "examples": ["1"]},
    )
    mapping = a(
        Text,
        "JSON that says which column is what: text, date, area, language, translation, translator, weight, respondent, identity, "
        "consent, handling each name a column; attributes and questions name several. Other columns are left out.",
        example='{"text": "comment", "date": "date", "area": "ward", "attributes": ["age"]}',
    )
    date_order = a(
        Text,
        "How dates are written, where they can be read in two ways; empty where they can't.",
        default="",
        one_of=("", *ORDERS),
        example="",
    )
    handling_level = a(Text, "Who may read it, where no column says so.", default="open", one_of=LEVELS, example="open")
    then_analyse = a(Text, "Whether an analysis follows.", default="true", one_of=("true", "false"), example="true")


class StartedImport(Shape):
    """An import that waits to be read, and its job."""

    started = one(Import, "The import.")
    job = one(Job, "Its job.")


class ImportState(Import):
    """How one file went in, and whether it still goes on."""

    goes_on = a(YesNo, "Whether it waits or is read at this moment.")


@calls.at("/programmes/<int:programme_id>/imports")
@calls.query(Paging)
@calls.gives(200, pages_of(Import))
@may_enter(*STAFF)
@needs_scope(READ)
def list_imports(wanted: dict[str, Any], programme_id: int) -> dict[str, Any]:
    """The latest imports of a programme, newest first."""
    return cut(of_programme(programme_id, listening.imports_of), wanted)


@calls.at("/imports/<int:import_id>")
@calls.gives(200, ImportState)
@may_enter(*STAFF)
@needs_scope(READ)
def get_import(import_id: int) -> dict[str, Any]:
    """How one file went in."""
    session, actor = request.session(), request.actor()
    found = shown(actor, listening.import_of(session, actor, import_id))
    going = listening.import_goes_on(session, actor, import_id)
    return {**{name: getattr(found, name) for name in Import().fields}, "goes_on": going}


@calls.at("/imports/<int:import_id>/rejected-rows")
@calls.query(Paging)
@calls.gives(200, pages_of(RejectedRow))
@may_enter(*STAFF)
@needs_scope(WORDS)
def list_rejected_rows(wanted: dict[str, Any], import_id: int) -> dict[str, Any]:
    """The first 200 rows that could not be read, of handling levels that you are cleared for. Each look is noted."""
    run = listening.import_of(request.session(), request.actor(), import_id)
    shown = cut(listening.rejected(request.session(), request.actor(), import_id), wanted)
    where = f"{run.file_name}, {by_token()}"
    words_leave("rejected rows", place="import", place_id=import_id, ids=[one.row for one in shown["items"]], where=where)
    return shown


def _takes_form(view: Any) -> Any:
    setattr(view, TAKES_FORM, True)
    return view


@calls.at("/programmes/<int:programme_id>/imports", "POST")
@calls.form(NewImport)
@calls.gives(202, StartedImport)
@may_enter(*STAFF)
@needs_scope(WRITE)
@_takes_form
def start_import(new: dict[str, Any], programme_id: int) -> dict[str, Any]:
    """Bring in a file. It is read to its end and held against the mapping first; then it goes in by itself as a job.

    Nothing of a file that can't be read is stored. The same file again, or a longer export of it, adds only what is new.
    """
    session, actor, settings = request.session(), request.actor(), request.settings()
    mapping, channel_id = _mapping(new["mapping"]), int(new["channel_id"])
    channels = {channel.id for channel in of_programme(programme_id, listening.channels)}
    if channel_id > LARGEST_INTEGER or channel_id not in channels:
        raise NotFound("There is no such feedback channel in this programme.", "Choose one from its list.")
    session.rollback()  # nobody else should wait for the database while the file is looked at
    file = listening.check_file(
        listening.keep_stream(new["file"].stream, settings),
        name=new["file"].filename or "file",
        mapping=mapping,
        date_order=DateOrder(new["date_order"]) if new["date_order"] else None,
    )
    run, job_id = listening.start_import(
        session,
        actor,
        programme_id=programme_id,
        channel_id=channel_id,
        file=file,
        handling_level=HandlingLevel(new["handling_level"]),
        then_analyse=new["then_analyse"] == "true",
    )
    return {"started": run, "job": job_of(job_id)}


def _mapping(text: str) -> Mapping:
    again = BadInput("The field 'mapping' is no JSON object.", 'Send one such as {"text": "comment", "date": "date"}.')
    try:
        read = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise again from error
    if not isinstance(read, dict):
        raise again
    return Mapping.from_json(read)
