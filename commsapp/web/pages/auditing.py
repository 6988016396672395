"""The audit log for administrators: who saw, changed or handed over what, when and why; as a page and as a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Blueprint, make_response, render_template, url_for
from flask import request as http
from werkzeug.wrappers import Response

from commsapp.accounts import service as accounts
from commsapp.actor import Role
from commsapp.errors import BadInput
from commsapp.http import request
from commsapp.http.reading import words_leave
from commsapp.http.security import may_enter
from commsapp.inert import csv_text
from commsapp.web.fields import read_day
from commsapp.web.wording import capfirst

blueprint = Blueprint("auditing", __name__, url_prefix="/audit")


@dataclass(frozen=True)
class Asked:
    """What the address narrows the log to; ``wrong`` says which days can't be read."""

    person: str
    action: str
    subject: str
    since: str
    until: str

    @property
    def given(self) -> dict[str, Any]:
        """What an address must carry to keep the filters."""
        return {name: value for name, value in self.__dict__.items() if value}

    @property
    def wrong(self) -> list[str]:
        """Days that can't be read; they don't narrow."""
        return [day for day in (self.since, self.until) if day and _day(day) is None]

    def page(self, **how: Any) -> accounts.LogPage:
        """What the log holds of it."""
        return accounts.audit_log(
            request.session(),
            request.actor(),
            person=self.person,
            action=self.action,
            subject=self.subject,
            first=_day(self.since),
            last=_day(self.until),
            **how,
        )


def _asked() -> Asked:
    return Asked(**{name: http.args.get(name, "").strip() for name in ("person", "action", "subject", "since", "until")})


def _day(text: str) -> date | None:
    try:
        return read_day(text) if text else None
    except ValueError:
        return None


def _note(asked: Asked, page: accounts.LogPage, action: str) -> None:
    words_leave(
        "audit log", place="organisation", place_id=None, ids=(), count=len(page.entries), filters=asked.given, action=action
    )


@blueprint.get("")
@may_enter(Role.ADMINISTRATOR)
def log() -> str:
    """One page of the log, the latest first."""
    asked = _asked()
    if asked.wrong:
        return _shown(asked, accounts.LogPage((), 0, 1, 1))
    page = asked.page(number=http.args.get("page", 1, type=int))
    _note(asked, page, "read")
    return _shown(asked, page)


def _shown(asked: Asked, page: accounts.LogPage) -> str:
    return render_template(
        "audit/log.html",
        page=page,
        asked=asked,
        lists=[
            _list("person", "Who", "Everybody", page.persons, asked.person),
            _list("action", "Did what", "Anything", page.actions, asked.action, accounts.action_words),
            _list("subject", "With what", "Anything", page.subjects, asked.subject),
        ],
        page_address=lambda number: url_for("auditing.log", page=number, **asked.given),
        export_address=url_for("auditing.export", **asked.given),
    )


def _list(
    name: str, label: str, every: str, known: tuple[str, ...], chosen: str, words: Callable[[str], str] = str
) -> dict[str, Any]:
    values = [*known, *([chosen] if chosen and chosen not in known else [])]
    items = [{"value": value, "text": capfirst(words(value)), "selected": value == chosen} for value in values]
    items.sort(key=lambda item: str(item["text"]).casefold())
    return {"name": name, "label": label, "items": [{"value": "", "text": every, "selected": not chosen}, *items]}


@blueprint.get("/export")
@may_enter(Role.ADMINISTRATOR)
def export() -> Response:
    """The log as a file: all that fits the filters, which is an event of the log itself."""
    asked = _asked()
    if asked.wrong:
        raise BadInput(f"{' and '.join(asked.wrong)} can't be read as a day.", "Write it as 31/3/2026.")
    page = asked.page(everything=True)
    _note(asked, page, "export")
    rows = [
        (entry.number, entry.at.isoformat(), entry.person, entry.action, entry.subject, entry.sentence, entry.why)
        for entry in page.entries
    ]
    text = csv_text(["number", "at", "person", "action", "subject", "what", "why"], rows)
    response = make_response(text)
    response.mimetype = "text/csv"
    response.headers["Content-Disposition"] = 'attachment; filename="audit.csv"'
    return response
