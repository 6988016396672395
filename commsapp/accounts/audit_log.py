"""The audit log in plain sentences: who did what, when and why. Never what somebody said: only that it was read."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from commsapp.actor import Actor, Role
from commsapp.errors import NotAllowed
from commsapp.storage import events, programmes
from commsapp.storage.events import Asked, Event
from commsapp.storage.session import Session

PAGE = 50
MOST_EXPORTED = 100_000

PAST = {
    "add": "added",
    "begin": "began",
    "bring back": "brought back",
    "cancel": "stopped",
    "change": "changed",
    "compute": "computed",
    "create": "made",
    "delete": "removed",
    "draft": "drafted",
    "erase": "erased",
    "export": "took away",
    "find again": "found topics again for",
    "finish": "finished",
    "fix": "fixed",
    "freeze": "froze",
    "measure": "measured",
    "read": "read",
    "redo": "did something again in",
    "remove": "removed",
    "name handling levels": "named the handling levels of",
    "read original": "read, as it was written,",
    "restore": "restored",
    "rotate": "rotated",
    "retry": "tried again",
    "revoke": "revoked",
    "set aside": "set aside",
    "start": "started",
    "undo": "undid something in",
    "withdraw": "took back",
}
"""What an action is called when it is over; one that stands not here is shown as it is stored."""


@dataclass(frozen=True)
class Entry:
    """One event: its place in the log, who, when, what in a sentence, why."""

    number: int | None
    at: datetime
    person: str
    action: str
    subject: str
    sentence: str
    why: str


@dataclass(frozen=True)
class LogPage:
    """Some entries out of ``total``, the latest first, and what the log can be narrowed to."""

    entries: tuple[Entry, ...]
    total: int
    number: int
    pages: int
    persons: tuple[str, ...] = field(default=())
    actions: tuple[str, ...] = field(default=())
    subjects: tuple[str, ...] = field(default=())


def audit_log(
    session: Session,
    actor: Actor,
    *,
    person: str = "",
    action: str = "",
    subject: str = "",
    first: date | None = None,
    last: date | None = None,
    number: int = 1,
    everything: bool = False,
) -> LogPage:
    """A page of the organisation's log, or with ``everything`` all that fits (100,000 entries at most).

    Raises
    ------
    NotAllowed : the actor is no administrator.

    """
    if actor.role is not Role.ADMINISTRATOR:
        raise NotAllowed("The audit log is for administrators.", "Ask one of them.")
    asked = Asked(person, action, subject, first, last)
    total = events.count_logged(session, actor, asked)
    pages = max(1, math.ceil(total / PAGE))
    number = min(max(number, 1), pages)
    start, limit = (0, MOST_EXPORTED) if everything else ((number - 1) * PAGE, PAGE)
    rows = events.logged(session, actor, asked, start=start, limit=limit)
    names = {row.id: row.name for row in programmes.programmes(session, actor)}
    persons, actions, subjects = events.kinds_logged(session, actor)
    entries = tuple(_entry(row, names) for row in rows)
    return LogPage(entries, total, number, pages, tuple(persons), tuple(actions), tuple(subjects))


def history(session: Session, actor: Actor, *, subject: str, subject_id: int) -> list[Entry]:
    """What happened to one thing of the organisation, the latest first; 100 at most."""
    names = {row.id: row.name for row in programmes.programmes(session, actor)}
    return [_entry(row, names) for row in events.history(session, actor, subject=subject, subject_id=subject_id)]


def _entry(row: Event, names: dict[int, str]) -> Entry:
    sentence = f"{row.person_name} {_what(row, names)}"
    return Entry(row.sequence, row.at, row.person_name, row.action, row.subject, sentence, row.why)


def _what(row: Event, names: dict[int, str]) -> str:
    """The sentence without its subject. Only fields that hold no words of people are ever looked at."""
    after, before = row.after or {}, row.before or {}
    inside = _inside(row, names, after, before)
    told = _TOLD.get((row.action, row.subject)) or _TOLD.get((row.action, ""))
    if told is not None and "count" in after:
        return told(after, inside)
    if row.subject in _SPECIAL:
        return _SPECIAL[row.subject](row, after, before, inside)
    name = str(after.get("name") or before.get("name") or after.get("file") or "")
    thing = f"the {row.subject}{f' {name}' if name else ''}"
    return f"{PAST.get(row.action, row.action)} {thing}{inside if row.subject != 'programme' else ''}"


def _inside(row: Event, names: dict[int, str], after: dict[str, Any], before: dict[str, Any]) -> str:
    """' in County lines 2026', where the event says of which programme it is."""
    own = row.subject_id if after.get("place") == "programme" or row.subject == "report" else None
    number = after.get("programme_id") or before.get("programme_id") or own
    name = names.get(number) if isinstance(number, int) else None
    return f" in {name}" if name else ""


def _counted(after: dict[str, Any], one: str, many: str = "") -> str:
    count = int(after.get("count", 0))
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _about(after: dict[str, Any]) -> str:
    return f" ({after['where']})" if after.get("where") else ""


def _narrowed(after: dict[str, Any]) -> str:
    """', narrowed to Ash, 16-24'; and the handling levels that were among them, where they are more than open."""
    filters = [str(value).replace(" = ", ": ") for value in (after.get("filters") or {}).values()]
    levels = [level for level in after.get("levels") or () if level != "open"]
    words = f", narrowed to {', '.join(filters)}" if filters else ""
    return words + (f" ({', '.join(levels)})" if levels else "")


Told = Callable[[dict[str, Any], str], str]
_TOLD: dict[tuple[str, str], Told] = {
    ("read", "comments"): lambda a, i: f"read {_counted(a, 'comment')}{_about(a)}{i}{_narrowed(a)}",
    ("read", "rejected rows"): lambda a, i: f"read {_counted(a, 'rejected row')} of {a.get('where') or 'an import'}",
    ("read", "uploaded rows"): lambda a, i: f"looked at {_counted(a, 'row')} of {a.get('where')} before its import{i}",
    ("read", "person"): lambda a, i: f"read what one person said{i} ({_counted(a, 'response')}){_narrowed(a)}",
    ("export", "person"): lambda a, i: f"took away what one person said{i} ({_counted(a, 'response')}){_narrowed(a)}",
    ("read", "audit log"): lambda a, i: f"read {_counted(a, 'entry', 'entries')} of the audit log{_narrowed(a)}",
    ("export", "audit log"): lambda a, i: f"took away {_counted(a, 'entry', 'entries')} of the audit log{_narrowed(a)}",
    ("read", ""): lambda a, i: f"read {_counted(a, 'record')}{_about(a)}{i}{_narrowed(a)}",
    ("export", ""): lambda a, i: f"took away {_counted(a, 'record')}{_about(a)}{i}{_narrowed(a)}",
}

Special = Callable[[Event, dict[str, Any], dict[str, Any], str], str]


def _retention(row: Event, after: dict[str, Any], before: dict[str, Any], inside: str) -> str:
    channel = after.get("name", "")
    if row.action == "delete":
        gone = ", ".join(f"{words}: {count:,}" for words, count in sorted((after.get("counts") or {}).items()))
        return f"deleted what {channel}{inside} keeps no longer ({gone})"
    until = f"until {after['until']}" if after.get("until") else ""
    months = f"each response for {after['months']} months" if after.get("months") else ""
    return f"set how long {channel}{inside} keeps what it heard: {' and '.join(filter(None, (until, months))) or 'for ever'}"


def _person(row: Event, after: dict[str, Any], before: dict[str, Any], inside: str) -> str:
    if row.action == "erase":
        return f"erased what one person said{inside} ({_counted({'count': after.get('responses', 0)}, 'response')})"
    told = ACCOUNT.get(row.action, f"{row.action}: {{who}}")
    values = {
        "who": after.get("who") or after.get("name") or "a person",
        "role": after.get("role", ""),
        "levels": _cleared(after),
        "old_role": before.get("role", ""),
        "old_levels": _cleared(before),
        "way": after.get("way", ""),
    }
    return told.format(**values)


def _cleared(state: dict[str, Any]) -> str:
    levels = [str(level) for level in state.get("handling_levels") or state.get("levels") or ()]
    return ", ".join([*levels, *(["words before redaction"] if state.get("originals") else [])]) or "nothing"


ACCOUNT = {
    "create": "made the account of whoever runs the machine",
    "invite": "invited {who} as {role}, cleared for {levels}",
    "make link": "made a link that lets {who} in",
    "cancel link": "cancelled the links of {who}",
    "change role": "gave {who} the role {role}, which was {old_role}",
    "clear": "cleared {who} for {levels}; before, it was {old_levels}",
    "activate": "let {who} sign in again",
    "deactivate": "ended the account of {who}",
    "forget second factor": "took the second factor of {who} away",
    "join": "followed their invitation",
    "choose password": "chose a new password by a link",
    "sign in": "signed in by {way}",
    "sign out elsewhere": "signed out everywhere else",
    "change password": "changed their password",
    "bind identity": "was bound to their account at the organisation's provider",
    "add passkey": "added a passkey",
    "remove passkey": "removed a passkey",
    "set up authenticator": "set up an authenticator app",
    "remove authenticator": "removed their authenticator app",
    "make recovery codes": "made new recovery codes",
    "use recovery code": "used a recovery code",
}
"""What was done to an account, in words; a test holds it to the actions that are recorded."""


_SHORT = {
    "activate": "let somebody in again",
    "cancel link": "cancelled links",
    "change role": "changed a role",
    "clear": "changed a clearance",
    "deactivate": "ended an account",
    "forget second factor": "took a second factor away",
    "invite": "invited somebody",
    "make link": "made a link",
    "name handling levels": "named the handling levels",
    "read original": "read as it was written",
    "sign in": "signed in",
}


def action_words(action: str) -> str:
    """What an action is called where nobody is named: 'invite' is 'invited somebody'."""
    return _SHORT.get(action) or PAST.get(action) or ACCOUNT.get(action) or action


def _handling(row: Event, after: dict[str, Any], before: dict[str, Any], inside: str) -> str:
    return f"changed the handling level of response {row.subject_id}{inside} from {before.get('level')} to {after.get('level')}"


def _restored(row: Event, after: dict[str, Any], _before: dict[str, Any], inside: str) -> str:
    counts = ", ".join(f"{words}: {count:,}" for words, count in sorted((after.get("counts") or {}).items()))
    return f"made what was decided about responses{inside} hold again in a restored backup ({counts})"


_SORTED = {"change": "gave another topic to", "undo": "took back the topic that people gave"}

_SPECIAL: dict[str, Special] = {
    "standing decisions": _restored,
    "retention": _retention,
    "person": _person,
    "handling level": _handling,
    "consent": lambda row, a, b, i: f"took back one person’s consent to {' and '.join(a.get('layers') or ())}{i}",
    "backup": lambda row, a, b, i: f"wrote a backup of everything to {a.get('file', 'a file')}",
    "report": lambda row, a, b, i: f"wrote the report{i} to {a.get('file', 'a file')}",
    "listening results": lambda row, a, b, i: f"computed listening results{i}",
    "ways in": lambda row, a, b, i: "ended every sign-in, link and token, as a backup was brought back",
    "keys": lambda row, a, b, i: f"changed the keys that words are sealed with ({a.get('keys', 0)} new)",
    "topic of a comment": lambda row, a, b, i: f"{_SORTED.get(row.action, row.action)} comment {row.subject_id}{i}",
    "emerging group": lambda row, a, b, i: f"{PAST[row.action]} group {a.get('number')} of what is new in {a.get('wave')}{i}",
    "audit log": lambda row, a, b, i: "began the audit log",
}
