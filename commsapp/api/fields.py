"""Fields of what goes in and comes out: each means exactly what the document says of it, and nothing is guessed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

import marshmallow as ma

from commsapp.http.security import LARGEST_INTEGER

_WHOLE = re.compile(r"-?[0-9]{1,10}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LARGEST_NUMBER = 1e15
_NEEDED = object()


class Text(ma.fields.String):
    """A text that every database can hold and every file can be written with."""

    default_error_messages = {  # noqa: RUF012
        "invalid": "It must be a text.",
        "nul": "It holds a NUL character, which can't be stored.",
        "surrogate": "It holds half a character (a lone surrogate), which can't be stored.",
    }

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if "\0" in text:
            raise self.make_error("nul")
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise self.make_error("surrogate") from error
        return text


class Whole(ma.fields.Integer):
    """A whole number that a database can hold; in an address as digits, in JSON as a number and nothing like one."""

    default_error_messages = {"invalid": "It must be a whole number."}  # noqa: RUF012

    def __init__(self, *, low: int = 0, high: int = LARGEST_INTEGER, **more: Any) -> None:
        super().__init__(strict=True, validate=ma.validate.Range(low, high, error=f"Use {low:,} to {high:,}."), **more)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        written = isinstance(value, str) and bool(self.metadata.get("in_address")) and _WHOLE.fullmatch(value)
        if isinstance(value, bool) or (isinstance(value, str) and not written):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(int(value) if written else value, attr, data, **kwargs)


class Number(ma.fields.Float):
    """A number, and neither a text nor yes or no that could be read as one."""

    default_error_messages = {"invalid": "It must be a number."}  # noqa: RUF012

    def __init__(self, *, low: float = -_LARGEST_NUMBER, high: float = _LARGEST_NUMBER, **more: Any) -> None:
        super().__init__(validate=ma.validate.Range(low, high, error=f"Use {low:g} to {high:g}."), **more)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, bool | str):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class YesNo(ma.fields.Boolean):
    """``true`` or ``false``, as JSON writes them."""

    default_error_messages = {"invalid": "It must be true or false."}  # noqa: RUF012

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if self.metadata.get("in_address") and value in ("true", "false"):
            return value == "true"
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class Day(ma.fields.Date):
    """A day as ISO 8601 writes it: 2026-03-01."""

    default_error_messages = {"invalid": "It must be a day such as 2026-03-01."}  # noqa: RUF012

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str) or not _DAY.fullmatch(value):
            raise self.make_error("invalid", input=value)
        try:
            return date.fromisoformat(value)
        except ValueError as error:
            raise self.make_error("invalid", input=value) from error


class Shape(ma.Schema):
    """What goes in or comes out, with nothing beside what it names."""

    class Meta:
        """A field that nobody knows is a mistake, and is named."""

        unknown = ma.RAISE


def a(kind: type[ma.fields.Field[Any]], words: str, *, example: Any = _NEEDED, default: Any = _NEEDED, **more: Any) -> Any:
    """A field that is described and, without a ``default``, needed; ``nullable`` and ``one_of`` as in the document."""
    metadata = {"description": words} | ({} if example is _NEEDED else {"examples": [example]})
    if one_of := more.pop("one_of", None):
        more["validate"] = among(one_of)
    nullable = more.pop("nullable", False)
    given = {"required": True} if default is _NEEDED else {"load_default": default}
    return kind(allow_none=nullable, metadata=metadata, **given, **more)


def asked(kind: type[ma.fields.Field[Any]], words: str, *, example: Any = _NEEDED, **more: Any) -> Any:
    """A part of an address behind the question mark, which may be left out: it doesn't narrow then."""
    field = a(kind, words, example=example, default=more.pop("default", None), **more)
    field.metadata["in_address"] = True
    field.allow_none = False
    return field


def several(item: type[ma.fields.Field[Any]] | type[Shape], words: str, **more: Any) -> Any:
    """A list of fields or of shapes."""
    inner = ma.fields.Nested(item) if issubclass(item, Shape) else item()
    default = more.pop("default", _NEEDED)
    given = {"required": True} if default is _NEEDED else {"load_default": default}
    return ma.fields.List(inner, metadata={"description": words}, **given, **more)


def one(item: type[Shape], words: str, *, nullable: bool = False) -> Any:
    """A shape inside a shape."""
    return ma.fields.Nested(item, required=True, allow_none=nullable, metadata={"description": words})


def among(choices: Sequence[str]) -> ma.validate.OneOf:
    """One of a few words."""
    return ma.validate.OneOf(choices, error=f"Use one of: {', '.join(word or '(empty)' for word in choices)}.")
