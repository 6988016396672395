"""Who may see and who may change what: the one declaration for every record and field, whatever page or call is used.

What may come in: a role's rights, record by record and field by field. What may not: looking anything up.

Two places ask here, which nothing gets round: every change writes an event, and `storage.events.record` refuses one that the
role may not make; every page and every reply passes what it shows through `shown`, which leaves out what the role may not see.
Both refuse what is not declared, so that a later record or field is hidden until somebody has thought about it. Handling levels
are checked by the queries (`storage.responses.visible`), and once more in `shown`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from commsapp.actor import Actor, HandlingLevel, Role
from commsapp.errors import NotAllowed, NotFound

Roles = frozenset[Role]

EVERYBODY: Roles = frozenset(Role)
STAFF: Roles = EVERYBODY - {Role.PARTNER}
"""Everybody but partners, who read only what was shared with them."""
ANALYSTS: Roles = frozenset({Role.OFFICER, Role.EVALUATOR, Role.ADMINISTRATOR})
"""Those who may start an analysis or a measurement, which changes what everybody sees."""
PLANNERS: Roles = frozenset({Role.OFFICER, Role.ADMINISTRATOR})
"""Those who plan campaigns."""
ADMINISTRATORS: Roles = frozenset({Role.ADMINISTRATOR})

_OF_ONESELF = (
    *("join", "choose password", "sign in", "sign out", "sign out elsewhere", "change password", "bind identity"),
    *(
        "add passkey",
        "remove passkey",
        "set up authenticator",
        "remove authenticator",
        "make recovery codes",
        "use recovery code",
    ),
)
"""What people do with their own sign-in; the services see to it that it is their own."""

CHANGE: dict[str, Roles] = {
    "programme": STAFF,
    "feedback channel": STAFF,
    "area": STAFF,
    "wave": STAFF,
    "context event": STAFF,
    "import": STAFF,
    "job": STAFF,
    # Computed on behalf of whoever changed what they rest on: a file that is taken back, a consent that is withdrawn.
    "codebook version": STAFF,
    "codebook draft": ANALYSTS,
    # Where an analysis, whoever started it, finds topics again that somebody curated.
    "codebook draft: find again": STAFF,
    "topic of a comment": STAFF,
    "emerging group": ANALYSTS,
    "listening results": STAFF,
    "campaign": PLANNERS,
    "message": PLANNERS,
    "activity": PLANNERS,
    "expected effect": PLANNERS,
    "expected effect: measure": ANALYSTS,
    "consent": STAFF,
    "handling level": STAFF,
    "person": ADMINISTRATORS,
    "person: erase": STAFF,
    **dict.fromkeys((f"person: {action}" for action in _OF_ONESELF), EVERYBODY),
    "organisation": ADMINISTRATORS,
    "retention": STAFF,
    # When a backup is restored: what was decided since it was made holds again.
    "standing decisions": ADMINISTRATORS,
    "ways in": ADMINISTRATORS,
    "keys": ADMINISTRATORS,
    "attachment": STAFF,
    # Of oneself, or as an administrator of others: the service sees to it.
    "token": STAFF,
    "token: revoke": EVERYBODY,
    "audit log": ADMINISTRATORS,
}
"""Subject of an event → who may make such a change. 'subject: action' says it for one action alone."""

LOOKING = frozenset({"read", "read original", "export"})
"""What changes nothing, and leaves an event all the same: whoever was let into the page or the call may."""


@dataclass(frozen=True)
class Record:
    """What one kind of view holds: each field with the roles that may see it; ``rest`` may see those that are not named.

    ``person`` names the field that holds a person's id, where that person may see all of it whatever their role. A ``by_link``
    view is for whoever holds a secret (a link, a password), and so also for somebody who is not signed in.
    """

    see: Mapping[str, Roles]
    rest: Roles = frozenset()
    person: str = ""
    by_link: bool = False

    def seen_by(self, actor: Actor, view: Any, field: str) -> bool:
        """Whether an actor may see a field of a view."""
        own = self.person and actor.person_id is not None and getattr(view, self.person) == actor.person_id
        return bool(own) or actor.role in self.see.get(field, self.rest)


def _seen(see: Roles, names: str, **others: Roles) -> Record:
    return Record({**dict.fromkeys(names.split(), see), **others})


def _own(see: Roles, names: str) -> Record:
    return Record(dict.fromkeys(names.split(), see), person="id")


_BY_LINK = Record({}, rest=frozenset(Role), by_link=True)
_ANYBODY = Record({}, rest=EVERYBODY)
_IN_HAND = Record({}, rest=STAFF)
"""What somebody brings themselves and is shown while they bring it: a file that they chose, and how it is read."""

_ACCOUNTS = "commsapp.accounts.views"
_LISTENING, _PLANNING, _EVALUATION = "commsapp.listening.views", "commsapp.planning.campaigns", "commsapp.evaluation.views"

SEE: dict[tuple[str, str], Record] = {
    (_ACCOUNTS, "Person"): _own(
        ADMINISTRATORS,
        "id organisation_id name email role active cleared can_sign_in has_password passkeys authenticator recovery_codes oidc "
        "link_ends",
    ),
    (_ACCOUNTS, "Clearance"): _ANYBODY,
    (_ACCOUNTS, "NewLink"): _seen(ADMINISTRATORS, "secret purpose person_name ends_at"),
    (_ACCOUNTS, "OpenLink"): _BY_LINK,
    # At the door, where nobody is signed in yet: who proved the first factor, and how often somebody tried.
    ("commsapp.accounts.signing_in", "Known"): _BY_LINK,
    ("commsapp.accounts.signing_in", "KnownPasskey"): _BY_LINK,
    ("commsapp.accounts.throttle", "Attempt"): _BY_LINK,
    (_ACCOUNTS, "Place"): _ANYBODY,
    (_ACCOUNTS, "Passkey"): _ANYBODY,
    ("commsapp.accounts.tokens", "Token"): Record(
        _seen(
            ADMINISTRATORS,
            "id person_id name hint scopes handling_levels made_at expires_at last_used_at revoked_at",
        ).see,
        person="person_id",
    ),
    ("commsapp.accounts.tokens", "Scope"): _ANYBODY,
    ("commsapp.accounts.audit_log", "Entry"): _seen(ADMINISTRATORS, "number at person action subject sentence why"),
    ("commsapp.accounts.audit_log", "LogPage"): _seen(ADMINISTRATORS, "entries total number pages persons actions subjects"),
    (_LISTENING, "Programme"): _seen(STAFF, "id name description made_up responses comments"),
    (_LISTENING, "Channel"): _seen(STAFF, "id name kind chosen"),
    (_LISTENING, "Wave"): _seen(STAFF, "id name start end proposed"),
    (_LISTENING, "Area"): _seen(STAFF, "id name code population"),
    (_LISTENING, "ContextEvent"): _seen(STAFF, "id name kind start end areas"),
    (_LISTENING, "Import"): _seen(
        STAFF, "id programme_id channel_id file_name added already_there rejected notes started_at finished_at"
    ),
    (_LISTENING, "RejectedRow"): _seen(STAFF, "row reason cells"),
    (_LISTENING, "Topic"): _seen(STAFF, "id number name phrases size definition stability firmness"),
    (_LISTENING, "Codebook"): _seen(STAFF, "id number granularity version frozen_at topics"),
    (_LISTENING, "CodebookVersion"): _seen(STAFF, "id number granularity frozen_at frozen_by note topics made_from in_use"),
    (_LISTENING, "DraftTopic"): _seen(
        ANALYSTS, "number name definition note phrases size pinned origin merged stability firmness states"
    ),
    (_LISTENING, "DraftChange"): _seen(ANALYSTS, "id kind sentence note person made_at"),
    (_LISTENING, "Draft"): _seen(ANALYSTS, "programme_id version topics changes again state"),
    (_LISTENING, "Move"): _seen(STAFF, "before after before_name after_name comments examples"),
    (_LISTENING, "Difference"): _seen(STAFF, "rows total none_before none_after made_at stale"),
    (_LISTENING, "EmergingGroup"): _seen(
        STAFF,
        "id wave_id wave number name named comments share before chance new examples set_aside_by set_aside_at",
        in_draft=ANALYSTS,
    ),
    (_LISTENING, "WaveLook"): _seen(STAFF, "wave_id wave start end state comments before without_topic looked_at groups"),
    (_LISTENING, "WhatIsNew"): _seen(STAFF, "has_topics waves"),
    ("commsapp.listening.by_hand", "SortedComment"): _seen(STAFF, "comment_id number name by at probability alike"),
    (_LISTENING, "Said"): _seen(
        STAFF,
        "id response_id words translation translator language from_translation not_coded date area channel attributes may_quote "
        "handling_level sentiment probability unsure emotions prepared redacted names_out topic topic_name topic_by topic_at "
        "topic_probability",
    ),
    (_LISTENING, "Piece"): _seen(STAFF, "words strength change"),
    (_LISTENING, "Explanation"): _seen(STAFF, "said state error topic tone_words topic_words limited first_letters"),
    (_LISTENING, "Responded"): _seen(
        STAFF, "id date area channel chosen attributes weight respondent consent handling_level has_comment answers"
    ),
    (_LISTENING, "Answered"): _seen(STAFF, "question choice not_counted"),
    # Only for those who may see originals, which the service asks, and each look is logged.
    (_LISTENING, "AsWritten"): _seen(STAFF, "id original translation translator language words handling_level"),
    (_LISTENING, "Page"): _seen(STAFF, "comments total number pages"),
    (_LISTENING, "Result"): _seen(
        STAFF,
        "id programme_id measure item wave area segment value low high n n_effective not_coded chosen codebook_version "
        "model_version corrected made_at topic_number followed",
    ),
    (_LISTENING, "Summary"): _seen(
        STAFF, "responses comments topics not_coded undated between_waves areas_unweighted made_at narrowed"
    ),
    ("commsapp.listening.checking", "CheckedFile"): _IN_HAND,
    ("commsapp.listening.columns", "Mapping"): _IN_HAND,
    ("commsapp.listening.importing", "HowRead"): _IN_HAND,
    ("commsapp.listening.rights", "Found"): _seen(STAFF, "response_id channel date area"),
    ("commsapp.listening.rights", "SaidOnce"): _seen(
        STAFF,
        "response_id comment_id channel export_id date area attributes weight consent handling_level imported_at file_name "
        "words language translation translator not_coded answers codings",
    ),
    ("commsapp.listening.rights", "Person"): _seen(STAFF, "programme_id response_id known responses votes read_by"),
    ("commsapp.listening.retention", "Retention"): _seen(STAFF, "channel_id channel until months"),
    ("commsapp.listening.retention", "Due"): _seen(STAFF, "organisation_id programme_id channel_id channel counts"),
    (_PLANNING, "Activity"): _seen(STAFF, "id message_id medium area start end cost delivered"),
    (_PLANNING, "ExpectedEffect"): _seen(
        STAFF,
        "id message_id measure item areas segment direction target_difference smallest by before_wave_id after_wave_id "
        "fixed_at fixed_note codebook_version",
    ),
    (_PLANNING, "Message"): _seen(STAFF, "id campaign_id text language behaviour segment cited expected activities"),
    (_PLANNING, "Campaign"): _seen(STAFF, "id programme_id name approach playbook start end areas objective messages"),
    (_PLANNING, "CanShow"): _seen(STAFF, "n n_effective base smallest wanted enough sentences"),
    (_EVALUATION, "Diagnosis"): _seen(STAFF, "name outcome detail"),
    (_EVALUATION, "EffectView"): _seen(
        STAFF,
        "id message_id measured_at design strength verdict measure estimate low high before_wave after_wave comparison "
        "provisional sentences other_areas context fixed_note diagnostics table",
    ),
}
"""(module, class) → who sees each of its fields. A dataclass of a domain that is not here can't be shown at all."""


def declared(kind: type) -> Record | None:
    """What is declared of a class; None where nothing is."""
    if kind.__module__.startswith("commsapp.listening.formats"):
        return _IN_HAND
    return SEE.get((kind.__module__, kind.__name__))


_DOMAINS = tuple(f"commsapp.{domain}." for domain in ("accounts", "listening", "audiences", "planning", "evaluation", "sharing"))


def is_view(kind: type) -> bool:
    """Whether a dataclass comes from a domain, so that somebody has to have said who may see it."""
    return f"{kind.__module__}.".startswith(_DOMAINS)


class NotDeclared(RuntimeError):
    """Something would be shown or changed of which nobody has said who may."""


def may_change(actor: Actor, subject: str, action: str) -> bool:
    """Whether a role may make a change of this kind.

    Raises
    ------
    NotDeclared : nobody has said who may.

    """
    if action in LOOKING:
        return True
    roles = CHANGE.get(f"{subject}: {action}", CHANGE.get(subject))
    if roles is None:
        raise NotDeclared(f"nobody has said who may change '{subject}' ({action}): see commsapp/may.py")
    return actor.role in roles


def check_change(actor: Actor, subject: str, action: str) -> None:
    """Refuse a change that a role may not make.

    Raises
    ------
    NotAllowed : it may not. NotDeclared : nobody has said who may.

    """
    if not may_change(actor, subject, action):
        raise NotAllowed(f"Your role may not change this ({subject}).", "Ask an administrator if you need to.")


def shown(actor: Actor, value: Any) -> Any:
    """What an actor may see of a value: views with the fields of their role, lists and dictionaries of them, all else as it is.

    A field that the role may not see comes back empty, as the type of its value has it. The same object comes back where
    nothing had to go.

    Raises
    ------
    NotFound : a view of a handling level that the actor is not cleared for. NotDeclared : a view that nobody has declared.

    """
    if isinstance(value, (list, tuple)):
        parts = [shown(actor, part) for part in value]
        if all(new is old for new, old in zip(parts, value, strict=True)):
            return value
        return type(value)(parts) if type(value) in (list, tuple) else type(value)(*parts)
    if isinstance(value, dict):
        inside = {key: shown(actor, part) for key, part in value.items()}
        return value if all(inside[key] is value[key] for key in value) else inside
    if is_dataclass(value) and not isinstance(value, type):
        return _shown_view(actor, value)
    return value


def _shown_view(actor: Actor, view: Any) -> Any:
    kind = type(view)
    record = declared(kind)
    if record is not None and record.by_link:
        return view
    if record is None and is_view(kind):
        raise NotDeclared(f"nobody has said who may see {kind.__module__}.{kind.__name__}: see commsapp/may.py")
    level = getattr(view, "handling_level", None) if record else None
    if level and HandlingLevel(level) not in actor.handling_levels:
        raise NotFound("There is no such thing here.", "Go back and choose from the list.")
    changed: dict[str, Any] = {}
    for field in fields(view):
        value = getattr(view, field.name)
        if record is not None and not record.seen_by(actor, view, field.name):
            changed[field.name] = _empty(value)
        elif (inside := shown(actor, value)) is not value:
            changed[field.name] = inside
    return replace(view, **changed) if changed else view


def _empty(value: Any) -> Any:
    for kind, nothing in ((str, ""), (tuple, ()), (list, []), (dict, {})):
        if isinstance(value, kind):
            return nothing
    return None
