"""Read a YAML file against a schema; whatever is wrong comes back as sentences that name file, line and field."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, cast

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from commsapp.errors import BadInput


class Record(BaseModel):
    """Base of all schemas here: an unknown field is an error, since a misspelt one would be lost without a word."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True, str_min_length=1)


Schema = TypeVar("Schema", bound=Record)

_PLAIN = {
    "missing": "is missing",
    "extra_forbidden": "is not a field that is known here",
    "string_type": "must be text",
    "string_too_short": "is empty",
    "tuple_type": "must be a list",
    "date_from_datetime_parsing": "must be a date like 2026-02-28",
    "date_type": "must be a date like 2026-02-28",
    "model_type": "must have fields of its own",
}


def read_checked(path: Path, schema: type[Schema]) -> Schema:
    """Read one file. The same text is checked once: pages ask for the same few files again and again.

    Raises
    ------
    BadInput : it can't be read, is no YAML, has a field twice, or doesn't fit the schema; one sentence for each mistake.

    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path.name} can't be read as a UTF-8 text file.") from error
    return cast(Schema, _checked(path, text, schema))


@lru_cache(maxsize=64)
def _checked(path: Path, text: str, schema: type[Record]) -> Record:
    try:
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        _refuse_twice(tree, path)
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BadInput(f"{path.name}, line {line}: this is not YAML ({error.problem}).") from error
    except (yaml.YAMLError, ValueError) as error:
        raise BadInput(f"{path.name}: this is not YAML that can be read ({str(error).splitlines()[0]}).") from error
    try:
        return schema.model_validate(data)
    except ValidationError as error:
        raise BadInput(" ".join(_sentence(path, tree, dict(mistake)) for mistake in error.errors())) from error


def mistake(path: Path, field: str, problem: str) -> BadInput:
    """Build the error for a field that fits the schema but not the other files; the line is that of its first occurrence."""
    node: Any = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    return BadInput(f"{path.name}, line {_line(node, field.split('.'))}: field '{field}' {problem}.")


def _sentence(path: Path, tree: Any, found: dict[str, Any]) -> str:
    place = [part for part in found["loc"] if part != "[key]"]
    problem = _PLAIN.get(found["type"]) or found["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    field = ".".join(str(part + 1) if isinstance(part, int) else str(part) for part in place)
    subject = f"field '{field}'" if field else "the file"
    return f"{path.name}, line {_line(tree, [str(p) for p in place])}: {subject} {problem}."


def _line(node: Any, place: Sequence[str]) -> int:
    """Line of a field, or of the nearest thing around it where it's missing; counted from 1."""
    line = node.start_mark.line if node is not None else 0
    for part in place:
        if isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == part]
            if not found:
                break
            line, node = found[0][0].start_mark.line, found[0][1]
        elif isinstance(node, yaml.SequenceNode) and part.isdigit() and int(part) < len(node.value):
            node = node.value[int(part)]
            line = node.start_mark.line
        else:
            break
    return int(line) + 1


def _refuse_twice(node: Any, path: Path) -> None:
    """YAML lets the second of two equal keys win without a word; a writer would look for the mistake for long."""
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if key.value in seen:
                raise BadInput(f"{path.name}, line {key.start_mark.line + 1}: field '{key.value}' stands there twice.")
            seen.add(key.value)
            _refuse_twice(value, path)
    elif isinstance(node, yaml.SequenceNode):
        for each in node.value:
            _refuse_twice(each, path)
