"""Form fields that look like GOV.UK's and carry the wording of their own errors.

Every field takes ``missing``: the sentence for an empty field ('Enter a name', 'Select a file'). Without it the field may
stay empty. The browser's own checks are off on purpose: they speak another language than the page and vanish too soon.
"""
# WTForms and Flask-WTF have no types, so their classes are Any to mypy: hence the opt-outs on the classes of this file.
# Forms elsewhere derive from `Form` and the fields here, and need none.

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from flask_wtf import FlaskForm
from flask_wtf.file import MultipleFileField
from govuk_frontend_wtf import wtforms_widgets as widgets
from werkzeug.datastructures import FileStorage
from wtforms import (
    BooleanField,
    Field,
    FloatField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    SubmitField,
    TextAreaField,
)
from wtforms import PasswordField as SecretField
from wtforms.validators import StopValidation

Check = Callable[[Any, Any], None]

_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_DAY_FIRST = re.compile(r"(\d{1,2})[/. -](\d{1,2}|[a-z]{3,9})[/. ,-]+(\d{4})", re.IGNORECASE)


class Form(FlaskForm):  # type: ignore[misc]
    """A form of a page: CSRF token included, words trimmed."""

    class Meta(FlaskForm.Meta):  # type: ignore[misc]
        """WTForms looks its settings up here."""

        def bind_field(self, form: FlaskForm, unbound_field: Any, options: dict[str, Any]) -> Field:
            """Trim what people typed: a blank too many is no answer and no different name."""
            if issubclass(unbound_field.field_class, StringField):
                options = {**options, "filters": [_trimmed, *options.get("filters", [])]}
            return unbound_field.bind(form=form, **options)


def _trimmed(value: object) -> object:
    return value.strip() if isinstance(value, str) else value


def _checks(missing: str, checks: Sequence[Check]) -> list[Check]:
    """First whether there is anything, then the rest; an empty field that may be empty is done."""

    def present(_form: Form, field: Field) -> None:
        # Errors of reading the value ('that is no number') come first, and mean that something was there.
        if field.errors:
            raise StopValidation()
        empty = field.data is None or field.data is False or (isinstance(field.data, str | list) and not field.data)
        if empty:
            raise StopValidation(missing or None)

    return [present, *checks]


class _Worded:
    """Arguments that our fields have in common."""

    def __init__(self, label: str, *, missing: str = "", hint: str = "", checks: Sequence[Check] = (), **options: Any) -> None:
        super().__init__(label, validators=_checks(missing, checks), description=hint, **options)  # type: ignore[call-arg]


class _NoEmptyHint:
    """Leave the hint out where there is none: GOV.UK's choices render an empty one, which a screen reader stops at."""

    def map_gov_params(self, field: Field, **kwargs: Any) -> dict[str, Any]:
        """Parameters of the GOV.UK macro."""
        params: dict[str, Any] = super().map_gov_params(field, **kwargs)  # type: ignore[misc]
        if not field.description:
            params["hint"] = None
        return params


class _Radios(_NoEmptyHint, widgets.GovRadioInput):  # type: ignore[misc]
    pass


class _Ticks(_NoEmptyHint, widgets.GovCheckboxesInput):  # type: ignore[misc]
    pass


class _Tick(_NoEmptyHint, widgets.GovCheckboxInput):  # type: ignore[misc]
    pass


class _DropZone(widgets.GovFileInput):  # type: ignore[misc]
    """A file input that GOV.UK's script turns into a zone to drop files on; without JavaScript it is the plain input."""

    def map_gov_params(self, field: Field, **kwargs: Any) -> dict[str, Any]:
        """Parameters of the GOV.UK macro."""
        params: dict[str, Any] = super().map_gov_params(field, **kwargs)
        params.update(
            javascript=True,
            multiple=self.multiple,
            wrapperClasses="app-drop-zone",
            chooseFilesButtonText="Choose files" if self.multiple else "Choose a file",
            dropInstructionText="or drop files here" if self.multiple else "or drop a file here",
            noFileChosenText="No file chosen",
            multipleFilesChosenText={"one": "%{count} file chosen", "other": "%{count} files chosen"},
        )
        params["attributes"] = {name: value for name, value in params["attributes"].items() if name != "multiple"}
        params["value"] = None
        return params


class TextField(_Worded, StringField):  # type: ignore[misc]
    """One line of text."""

    widget = widgets.GovTextInput()


class EmailField(TextField):
    """An e-mail address; the browser may fill in the one it knows."""


class PasswordField(_Worded, SecretField):  # type: ignore[misc]
    """A password, which is never sent back to the browser. Blanks around it fall away, as they come with copying."""

    widget = widgets.GovPasswordInput(hide_value=True)


class HiddenText(HiddenField):  # type: ignore[misc]
    """Something that a script fills in."""


class LongTextField(_Worded, TextAreaField):  # type: ignore[misc]
    """Several lines of text."""

    widget = widgets.GovTextArea()


class ChoiceField(_Worded, RadioField):  # type: ignore[misc]
    """One of a few, as radio buttons. ``choices`` maps what is sent to the words beside it."""

    widget = _Radios()

    def pre_validate(self, form: Form) -> None:
        """Refuse what was not offered; nothing ticked is for ``missing`` to say."""
        if self.data:
            super().pre_validate(form)


class PickField(_Worded, SelectField):  # type: ignore[misc]
    """One of many, as a list to pick from; ``choices`` as in `ChoiceField`. A first choice with the value '' stands for none."""

    widget = widgets.GovSelect()


class TicksField(_Worded, SelectMultipleField):  # type: ignore[misc]
    """Any number of a few, as tick boxes. ``choices`` maps what is sent to the words beside it."""

    widget = _Ticks()


class TickField(_Worded, BooleanField):  # type: ignore[misc]
    """One box to tick."""

    widget = _Tick()


class WholeNumberField(_Worded, IntegerField):  # type: ignore[misc]
    """A whole number. ``unreadable`` is said of anything else."""

    widget = widgets.GovTextInput()

    def __init__(self, label: str, *, unreadable: str = "Enter a whole number, such as 250", **options: Any) -> None:
        super().__init__(label, **options)
        self.unreadable = unreadable

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read '1,200' as well."""
        self.data = _read(valuelist, lambda text: int(text.replace(",", "")), self.unreadable)


class NumberField(_Worded, FloatField):  # type: ignore[misc]
    """A number, which may have decimals and end in %. ``unreadable`` is said of anything else."""

    widget = widgets.GovTextInput()

    def __init__(self, label: str, *, unreadable: str = "Enter a number, such as 4.5", **options: Any) -> None:
        super().__init__(label, **options)
        self.unreadable = unreadable

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read '1,200.5', '£1,200' and '6 %' as well."""
        self.data = _read(valuelist, lambda text: _finite(text.replace(",", "").lstrip("£ ").rstrip("% ")), self.unreadable)


class DayField(_Worded, Field):  # type: ignore[misc]
    """A day in one box: '31/3/2026' (day first), '31 March 2026' or '2026-03-31'; any other writing is asked about."""

    widget = widgets.GovTextInput()
    unreadable = "Enter a day such as 31/3/2026 or 31 March 2026"

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return f"{self.data.day}/{self.data.month}/{self.data.year}" if self.data else ""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the day."""
        self.data = _read(valuelist, read_day, self.unreadable)


class FilesField(_Worded, MultipleFileField):  # type: ignore[misc]
    """One or several files, chosen or dropped. ``data`` is a list of uploads, without the empty ones."""

    widget = _DropZone(multiple=True)

    def process_formdata(self, valuelist: list[FileStorage]) -> None:
        """A browser sends one nameless file where none was chosen."""
        self.data = [upload for upload in valuelist if isinstance(upload, FileStorage) and upload.filename]


class Button(SubmitField):  # type: ignore[misc]
    """The button that sends the form. Its label says what happens ('Import the file')."""

    widget = widgets.GovSubmitInput()


def read_day(text: str) -> date:
    """A day as people write it, day first or ISO.

    Raises
    ------
    ValueError : no such day, or another way of writing.

    """
    iso = _ISO.fullmatch(text)
    if iso:
        return date(int(iso[1]), int(iso[2]), int(iso[3]))
    parts = _DAY_FIRST.fullmatch(text)
    if not parts:
        raise ValueError(text)
    return date(int(parts[3]), _month(parts[2].lower()), int(parts[1]))


def _month(text: str) -> int:
    """3 for '3', 'mar' or 'march'."""
    if text.isdigit():
        return int(text)
    if text == "sept":
        return 9
    named = [number for number, name in enumerate(_MONTHS, start=1) if text in (name, name[:3])]
    if not named:
        raise ValueError(text)
    return named[0]


def _finite(text: str) -> float:
    value = float(text)
    if abs(value) > 1e15 or value != value:
        raise ValueError(text)
    return value


def _read(valuelist: list[str], reader: Callable[[str], Any], unreadable: str) -> Any:
    text = valuelist[0].strip() if valuelist else ""
    if not text:
        return None
    try:
        return reader(text)
    except (ValueError, OverflowError) as error:
        raise ValueError(unreadable) from error
