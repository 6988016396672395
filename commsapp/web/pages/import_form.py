"""The form on which a person checks what was found in files before anything of them is stored."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import PurePath
from typing import Any

from werkzeug.datastructures import MultiDict

from commsapp.actor import HandlingLevel
from commsapp.config import Settings
from commsapp.errors import BadInput, CommsappError
from commsapp.listening.columns import Mapping, check, with_choices
from commsapp.listening.dates import DateOrder, parse
from commsapp.listening.formats.preview import Preview, preview, settle_dates
from commsapp.listening.identity import check_told_apart
from commsapp.listening.views import Channel, Import
from commsapp.web import fields, levels
from commsapp.web.choices import CHOSEN, OFTEN, READ_AS
from commsapp.web.entered import Entered
from commsapp.web.uploads import Upload, path_of
from commsapp.web.wording import day

NEW = "new"
_WHOLE_FILE = 50_000_000
_EXAMPLE = re.compile(r"^'([^']{1,40})' in the column")
_FAR = date(2200, 1, 1)


@dataclass(frozen=True)
class Looked:
    """One file as it was found; ``problem`` says why it can't be read, and then there is no preview."""

    number: int
    upload: Upload
    size: int = 0
    preview: Preview | None = None
    problem: str = ""
    channel_id: int | None = None
    """The channel that it seems to belong to."""
    as_before: bool = False
    """Whether its columns have the names that the latest file of that channel had, and are read in the same way."""

    def field(self, name: str) -> str:
        """The name of one of its fields in the form."""
        return f"file{self.number}_{name}"


@dataclass(frozen=True)
class Target:
    """What is there already in the programme that files go to; nothing for a new one."""

    channels: list[Channel] = field(default_factory=list)
    imports: list[Import] = field(default_factory=list)
    mappings: dict[int, Mapping] = field(default_factory=dict)
    """Channel id → as what the columns of its latest file were read."""


@dataclass(frozen=True)
class Decision:
    """What a person decided on one file."""

    looked: Looked
    mapping: Mapping
    date_order: DateOrder | None
    channel_id: int | None
    channel_name: str
    chosen: str
    handling: HandlingLevel


def look(number: int, upload: Upload, settings: Settings, level_words: dict[str, str]) -> Looked:
    """What is in a file, or the sentence why it can't be read."""
    try:
        path = path_of(upload, settings)
        return Looked(number, upload, path.stat().st_size, preview(path, upload.name, levels=level_words))
    except CommsappError as error:
        return Looked(number, upload, problem=str(error))


def settle(file: Looked, into: Target) -> Looked:
    """The file with the channel that it seems to belong to, read as the latest file of that channel where it is alike."""
    if file.preview is None:
        return file
    proposed = propose_channel(file.upload.name).casefold()
    last = next((run.channel_id for run in into.imports if run.file_name == file.upload.name), None)
    channel_id = next((one.id for one in into.channels if one.id == last or one.name.casefold() == proposed), None)
    known = None if channel_id is None else into.mappings.get(channel_id)
    if known is None:
        return replace(file, channel_id=channel_id)
    as_before = set(known.columns()) == set(file.preview.columns)
    mapping = known if as_before else _told_apart_as(known, file.preview)
    order, question = file.preview.date_order, file.preview.question
    if mapping.date != file.preview.mapping.date:
        order, question = settle_dates(file.preview.table, mapping, whole=file.size <= _WHOLE_FILE)
    preview = replace(file.preview, mapping=mapping, date_order=order, question=question)
    return replace(file, preview=preview, channel_id=channel_id, as_before=as_before)


def _told_apart_as(known: Mapping, preview: Preview) -> Mapping:
    """The suggested mapping, but rows told apart as before where the file has that column; another way would be refused."""
    if known.identity is not None and known.identity not in preview.columns:
        return preview.mapping
    return with_choices(preview.mapping, [("identity", known.identity or "")])


def make_form(files: list[Looked], channels: list[Channel], entered: Entered | None = None) -> Any:
    """A form with the fields of every file that can be read, filled with what was entered before where there is any."""
    readable = [file for file in files if file.preview is not None]
    made: dict[str, Any] = {}
    for file in readable:
        made |= {file.field(name): field for name, field in _fields(file, channels, several=len(readable) > 1).items()}
    made["send"] = fields.Button("Import the file" if len(readable) == 1 else f"Import {len(readable)} files")
    # One form and not one for each file, so that one summary names all mistakes.
    kind = type("CheckForm", (fields.Form,), made)
    if entered is None:
        return kind()
    form = kind(formdata=MultiDict(entered.values))
    entered.put_into(form)
    return form


def _fields(file: Looked, channels: list[Channel], *, several: bool) -> dict[str, Any]:
    assert file.preview is not None
    name = file.upload.name
    made: dict[str, Any] = {}
    if several:
        made["leave_out"] = fields.TickField(f"Leave {name} out")
    for position, column in enumerate(file.preview.columns):
        made[f"column{position}"] = fields.PickField(
            column or f"Column {position + 1}", choices=READ_AS, default=_read_as(file, column)
        )
    made["date_order"] = fields.ChoiceField(
        f"Does the day or the month come first in {name}?",
        choices=_orders(file),
        hint=file.preview.question.problem if file.preview.question and not _example(file) else "",
    )
    if channels:
        made["channel"] = fields.ChoiceField(
            f"Which feedback channel is {name} from?",
            choices={**{str(one.id): one.name for one in channels}, NEW: "A new feedback channel"},
            default=str(file.channel_id) if file.channel_id else None,
            missing=f"Select the feedback channel of {name}",
        )
    made["new_channel"] = fields.TextField(
        "Name of the feedback channel" if not channels else "Its name", default=propose_channel(name)
    )
    made["chosen"] = fields.ChoiceField("How were the people chosen who speak in it?", choices=CHOSEN)
    made["handling"] = fields.PickField(
        "Who may read what they said?", choices=levels.handling(), default=HandlingLevel.OPEN.value
    )
    return made


def propose_channel(file_name: str) -> str:
    """'survey_comments-2026.csv' → 'Survey comments 2026', 'Survey(1-30).xlsx' → 'Survey': the next export has another count."""
    stem = re.sub(r"\s*\(\d+(\s*[-–]\s*\d+)?\)\s*$", "", PurePath(file_name).stem) or PurePath(file_name).stem
    stem = " ".join(re.split(r"[\s_\-.]+", stem)).strip()
    return (stem[:1].upper() + stem[1:])[:100]


def chosen_fields(form: Any, file: Looked) -> set[str]:
    """What the columns of a file are to be read as, as the form has it now."""
    assert file.preview is not None
    return {_value(form, file, f"column{position}") for position in range(len(file.preview.columns))}


def _read_as(file: Looked, column: str) -> str:
    assert file.preview is not None
    mapping = file.preview.mapping
    if column in mapping.attributes:
        return "attribute"
    if column in mapping.questions:
        return "question"
    return next((field for field, mapped in mapping.fields().items() if mapped == column), "skip")


def _orders(file: Looked) -> dict[str, str]:
    """Day first or month first, each with a date of the file where one shows the difference."""
    cell = _example(file)
    words = {DateOrder.DMY: "The day", DateOrder.MDY: "The month"}
    examples = {order: f": {cell} is {_said(cell, order)}" if cell else "" for order in words}
    return {order.value: f"{first} comes first{examples[order]}" for order, first in words.items()}


def _example(file: Looked) -> str:
    question = file.preview.question if file.preview else None
    cell = _EXAMPLE.match(question.problem) if question else None
    return cell[1] if cell else ""


def _said(cell: str, order: DateOrder) -> str:
    return day(parse(cell, order, today=_FAR))  # what the cell would mean, be it in the future


def read_decisions(form: Any, files: list[Looked], into: Target, settings: Settings) -> list[Decision]:
    """What was decided on each file that is to be imported; mistakes are put beside their fields (``form.errors``)."""
    wanted = [file for file in files if file.preview is not None and not _value(form, file, "leave_out")]
    for file in files:
        if file.preview is not None and file not in wanted:
            for name in list(form.errors):
                if name.startswith(file.field("")):
                    form[name].errors = []
    decisions = [decision for file in wanted if (decision := _decide(form, file, into.channels, settings))]
    if not wanted:
        first = next(file for file in files if file.preview is not None)
        _wrong(form, first, "leave_out", "Leave at least one file in, or go back to the programme")
    named: dict[str, str] = {}
    for decision in decisions:
        if decision.channel_id is None and named.setdefault(decision.channel_name, decision.chosen) != decision.chosen:
            _wrong(form, decision.looked, "chosen", f"Two files go to {decision.channel_name}; select the same for both")
    _check_told_apart(form, decisions, into)
    return decisions


def _check_told_apart(form: Any, decisions: list[Decision], into: Target) -> None:
    """All files of a channel, earlier ones and those sent together, tell their rows apart in one way."""
    names = {channel.id: channel.name for channel in into.channels}
    known = {names[channel_id]: mapping.identity for channel_id, mapping in into.mappings.items()}
    for decision in decisions:
        assert decision.looked.preview is not None
        channel = decision.channel_name if decision.channel_id is None else names[decision.channel_id]
        told_apart_by = known.setdefault(channel, decision.mapping.identity)
        try:
            check_told_apart(told_apart_by, decision.mapping, decision.looked.preview.columns)
        except BadInput as error:
            _wrong(
                form, decision.looked, "channel" if into.channels else "new_channel", f"{decision.looked.upload.name}: {error}"
            )


def _decide(form: Any, file: Looked, channels: list[Channel], settings: Settings) -> Decision | None:
    assert file.preview is not None
    mapping = _mapping(form, file)
    order = _order(form, file, mapping, settings) if mapping else None
    channel_id: int | None = None
    if channels and _value(form, file, "channel") != NEW:
        given = _value(form, file, "channel")
        channel_id = next((channel.id for channel in channels if str(channel.id) == given), None)
    else:
        _check_new_channel(form, file, channels)
    if any(name.startswith(file.field("")) for name in form.errors) or mapping is None:
        return None
    return Decision(
        looked=file,
        mapping=mapping,
        date_order=order,
        channel_id=channel_id,
        channel_name=" ".join((_value(form, file, "new_channel") or "").split()),
        chosen=_value(form, file, "chosen") or "",
        handling=HandlingLevel(_value(form, file, "handling")),
    )


def _mapping(form: Any, file: Looked) -> Mapping | None:
    """The mapping that was chosen; None, with the mistake beside its field, where it can't be."""
    assert file.preview is not None
    single: dict[str, str] = {}
    many: dict[str, list[str]] = {field: [] for field in OFTEN}
    for position, column in enumerate(file.preview.columns):
        chosen = _value(form, file, f"column{position}")
        if chosen in OFTEN:
            many[chosen].append(column)
        elif chosen in single:
            words = READ_AS[chosen]
            sentence = f"{file.upload.name}: read only one of '{single[chosen]}' and '{column}' as '{words}'"
            _wrong(form, file, f"column{position}", sentence)
            return None
        elif chosen in READ_AS:
            single[chosen] = column
    lists = {"attributes": many["attribute"], "questions": many["question"], "left_out": many["skip"]}
    mapping = Mapping.from_json({**single, **lists})
    try:
        check(mapping, file.preview.columns)
    except BadInput:
        _wrong(form, file, "column0", f"{file.upload.name}: select the column with what people said, or a closed question")
        return None
    return mapping


def _order(form: Any, file: Looked, mapping: Mapping, settings: Settings) -> DateOrder | None:
    assert file.preview is not None
    if mapping.date == file.preview.mapping.date:
        found, question = file.preview.date_order, file.preview.question
    else:
        whole = path_of(file.upload, settings).stat().st_size <= _WHOLE_FILE
        found, question = settle_dates(file.preview.table, mapping, whole=whole)
    if question is None:
        return found
    chosen = _value(form, file, "date_order")
    if not chosen:
        _wrong(form, file, "date_order", f"Select whether the day or the month comes first in {file.upload.name}")
        return None
    return DateOrder(chosen)


def _check_new_channel(form: Any, file: Looked, channels: list[Channel]) -> None:
    name = " ".join((_value(form, file, "new_channel") or "").split())
    chosen = _value(form, file, "chosen")
    known = next((channel for channel in channels if channel.name == name), None)
    if not name:
        _wrong(form, file, "new_channel", f"Enter a name for the feedback channel of {file.upload.name}")
    elif len(name) > 200:
        _wrong(form, file, "new_channel", f"Enter a name of 200 characters or fewer for the channel of {file.upload.name}")
    elif known and chosen and known.chosen != chosen:
        _wrong(form, file, "new_channel", f"There is a feedback channel {name} already; select it, or enter another name")
    if not chosen:
        _wrong(form, file, "chosen", f"Select how the people in {file.upload.name} were chosen")


def _value(form: Any, file: Looked, name: str) -> Any:
    field = form._fields.get(file.field(name))
    return None if field is None else field.data


def _wrong(form: Any, file: Looked, name: str, sentence: str) -> None:
    field = form[file.field(name)]
    field.errors = [*field.errors, sentence]
