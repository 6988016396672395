"""What a template is given: views with the fields that the one who asks may see, and no others.

Every page passes here, whoever wrote it, since Flask says before it fills a template what it fills it with.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from flask import Flask, before_render_template

from commsapp.http import request
from commsapp.may import declared, is_view, shown


def install(app: Flask) -> None:
    """Leave out of every template's values what is not for the one who asks."""
    before_render_template.connect(_leave_out, app)


def _leave_out(_app: Flask, template: Any, context: dict[str, Any], **_more: Any) -> None:
    held = [name for name, value in context.items() if _holds_views(value)]
    if held:
        who = request.actor()
        context.update({name: shown(who, context[name]) for name in held})


def _holds_views(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(_holds_views(part) for part in value)
    if isinstance(value, dict):
        return any(_holds_views(part) for part in value.values())
    if is_dataclass(value) and not isinstance(value, type):
        if (record := declared(type(value))) is not None and record.by_link:
            return False
        return is_view(type(value)) or any(_holds_views(getattr(value, field.name)) for field in fields(value))
    return False
