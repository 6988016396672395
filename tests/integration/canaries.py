"""A canary in every sensitive field of both organisations and all handling levels, and who is declared to see each of them.

``Canary.seen_by`` is the declaration in words of this test: by hand on purpose and not read off `commsapp.may`, so that the
two hold each other.
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import given
from everything import Everything, Organisation
from pages_site import Site
from sqlalchemy import func, select, update

from commsapp.accounts import service as accounts
from commsapp.actor import Actor, HandlingLevel, Role
from commsapp.listening import service as listening
from commsapp.listening.coders import TOPIC_CODER, topic_coder_version
from commsapp.storage import attachments, codings, events, people, responses
from commsapp.storage.organisations import Person as PersonRow
from commsapp.storage.results import ListeningResult as Row

LEVELS = {"open": HandlingLevel.OPEN, "sens": HandlingLevel.OFFICIAL_SENSITIVE, "conc": HandlingLevel.CONCERN}


@dataclass(frozen=True)
class Canary:
    """A word that stands in one field only. ``shown``: somebody who may see it must come across it, or the test sees nothing."""

    word: str
    what: str
    seen_by: Callable[[Actor | None], bool]
    shown: bool = True


@dataclass(frozen=True)
class Planted:
    """All canaries, with ids of what they are in: parameter → ids of the own organisation."""

    canaries: tuple[Canary, ...]
    ids: dict[str, list[int]]


def nobody(_: Actor | None) -> bool:
    """Seen by nobody, on no page and in no reply."""
    return False


def _staff(organisation: int, level: HandlingLevel | None = None, *, originals: bool = False) -> Callable[[Actor | None], bool]:
    def may(actor: Actor | None) -> bool:
        if actor is None or actor.organisation_id != organisation or actor.role is Role.PARTNER:
            return False
        return (level is None or level in actor.handling_levels) and (actor.originals or not originals)

    return may


def _administrator(organisation: int, but: int | None = None) -> Callable[[Actor | None], bool]:
    def may(actor: Actor | None) -> bool:
        if actor is None or actor.organisation_id != organisation:
            return False
        return actor.role is Role.ADMINISTRATOR or actor.person_id == but

    return may


def plant(everything: Everything, folder: Path) -> Planted:
    """Put them everywhere."""
    found: list[Canary] = []
    ids: dict[str, list[int]] = {}
    for mark, one in (("own", everything.own), ("else", everything.theirs)):
        for name, level in LEVELS.items():
            canaries, places = _said(everything.site, one, folder, mark, name, level)
            found += canaries
            if mark == "own":
                for kind, numbers in places.items():
                    ids.setdefault(kind, []).extend(numbers)
        found += _people(everything.site, one, mark)
        _code(everything.site, one)
        listening.store_results(everything.site.sessions, _cleared(one.actor), one.ids["programme"])
    words = [canary.word for canary in found]
    assert len(set(words)) == len(words)
    with everything.site.sessions.reading() as session:
        ids["number"] = [-1, 0, 1]
        ids["result_id"] = list(session.execute(_results_of(everything.own)).scalars())
    return Planted(tuple(found), ids)


def _results_of(one: Organisation) -> Any:
    """Results of which the name alone could say what somebody said."""
    query = select(func.max(Row.id)).where(Row.programme_id == one.ids["programme"], Row.wave == "")
    named = Row.item.contains("zq") | Row.segment.contains("zq") | Row.area.contains("zq")
    return query.where(named).group_by(Row.levels, Row.item.contains("zq"), Row.segment.contains("zq"), Row.area.contains("zq"))


def _cleared(actor: Actor) -> Actor:
    return dataclasses.replace(actor, handling_levels=frozenset(HandlingLevel), originals=True)


def _said(
    site: Site, one: Organisation, folder: Path, mark: str, name: str, level: HandlingLevel
) -> tuple[list[Canary], dict[str, list[int]]]:
    """A file of one handling level in which every cell holds a canary, one row of it rejected."""

    def word(field: str) -> str:
        return f"zq{field}{mark}{name}"

    number = f"07700 9{len(mark)}{list(LEVELS).index(name)}{'123' if mark == 'own' else '456'}"
    question, actor = f"Heard of {word('question')}?", _cleared(one.actor)
    row = {
        "id": word("identity"),
        "who": word("respondent"),
        "date": "2026-02-03",
        "place": word("area"),
        "comment": f"They said {word('comment')} ring {number} or write to {word('mail')}@example.org",
        "in english": f"In English {word('translation')} ring {number}",
        "by": word("translator"),
        word("attribute"): word("value"),
        question: word("choice"),
        "consent": "log; analyse; quote",
    }
    rejected = row | {
        "id": word("rejectedidentity"),
        "date": word("never"),
        "comment": word("rejected"),
        "who": word("rejectedwho"),
    }
    rejected |= {"in english": "", "by": "", word("attribute"): "", question: "", "place": ""}
    path = given.table(folder / f"{word('file')}.csv", [row, rejected])
    mapping = given.Columns(
        text="comment", date="date", area="place", identity="id", respondent="who", translation="in english", translator="by",
        consent="consent", attributes=(word("attribute"),), questions=(question,),
    )  # fmt: skip
    programme = one.ids["programme"]
    how = {"programme_id": programme, "channel": word("channel"), "mapping": mapping, "handling_level": level}
    run = given.imported(site.sessions, actor, site.settings, path, **how)
    assert given.counts(run) == (1, 0, 1)
    given.prepared(site.sessions, actor, site.settings, programme)
    response = int(given.stored(site.sessions, "SELECT id FROM response WHERE import_id = :run", run=run.id)[0][0])
    comment = int(given.stored(site.sessions, "SELECT id FROM comment WHERE response_id = :one", one=response)[0][0])
    with site.sessions.writing() as session:
        picture = {"kind": "picture", "media_type": "image/png", "name": f"{word('attached')}.png"}
        content = io.BytesIO(word("bytes").encode())
        attachments.put(session, actor, data_dir=site.settings.data_dir, response_id=response, content=content, **picture)
        after = {"words": word("eventafter")}
        how_told = {"action": "change", "subject": "consent", "subject_id": response, "why": word("why"), "after": after}
        events.record(session, actor, before={"words": word("eventbefore")}, **how_told)
    organisation = one.actor.organisation_id
    cleared, staff = _staff(organisation, level), _staff(organisation)
    as_written = _staff(organisation, level, originals=True)
    fields = {
        **dict.fromkeys(("comment", "translation", "translator", "value", "choice", "area", "question", "identity"), cleared),
        **dict.fromkeys(("rejected", "never", "rejectedidentity", "rejectedwho"), cleared),
        **dict.fromkeys(("file", "channel"), staff),
        "why": _administrator(organisation),
        "attribute": cleared,
        "mail": as_written,
    }
    hidden = ("respondent", "attached", "bytes", "eventbefore", "eventafter")
    canaries = [Canary(word(field), f"{field}, {name}", may) for field, may in fields.items()]
    canaries += [Canary(word(field), f"{field}, {name}", nobody) for field in hidden]
    canaries.append(Canary(number, f"telephone number, {name}", as_written))
    return canaries, {"import_id": [run.id], "response_id": [response], "comment_id": [comment], "channel_id": [run.channel_id]}


def _people(site: Site, one: Organisation, mark: str) -> list[Canary]:
    """Secrets of one person, and how the organisation calls things."""
    organisation = one.actor.organisation_id
    with site.sessions.writing() as session:
        mail = f"zqaddress{mark}@example.org"
        person, link = accounts.invite(session, one.actor, name=f"zqname{mark}", email=mail, role=Role.WORKER)
        secrets = {name: f"zq{name}{mark}" for name in ("passwordhash", "totpsecret", "recoverycode", "oidcidentity", "mark")}
        session.execute(
            update(PersonRow)
            .where(PersonRow.id == person.id)
            .values(
                password_hash=secrets["passwordhash"],
                totp_secret=secrets["totpsecret"],
                recovery_codes=[secrets["recoverycode"]],
                oidc_identity=secrets["oidcidentity"],
                fs_uniquifier=secrets["mark"],
            )
        )
        people.add_passkey(
            session,
            person_id=person.id,
            name=f"zqkeyname{mark}",
            credential_id=f"zqcredential{mark}",
            public_key=f"zqpublickey{mark}".encode(),
            sign_count=0,
            transports=[],
        )
        _, secret = accounts.make_token(session, one.actor, name=f"zqtoken{mark}", scopes=["jobs:read"], days=9)
        accounts.set_level_names(session, one.actor, {HandlingLevel.OPEN: f"zqlevel{mark}"})
    own, hashed = _administrator(organisation, one.actor.person_id), [link.secret, secret, *secrets.values()]
    hashed += [f"zq{what}{mark}" for what in ("keyname", "credential", "publickey")]
    canaries = [Canary(word, f"a secret of {mark}", nobody) for word in hashed]
    canaries.append(Canary(f"zqaddress{mark}", "e-mail address", own))
    canaries.append(Canary(f"zqname{mark}", "name of a person", own))
    canaries.append(Canary(f"zqtoken{mark}", "name of a token", own, shown=False))
    canaries.append(Canary(f"zqlevel{mark}", "name of a handling level", _staff_or_partner(organisation), shown=False))
    return canaries


def _staff_or_partner(organisation: int) -> Callable[[Actor | None], bool]:
    return lambda actor: actor is not None and actor.organisation_id == organisation


def _code(site: Site, one: Organisation) -> None:
    """Give every comment that has no topic one, as an analysis would have."""
    with site.sessions.writing() as session:
        version = codings.current_version(session, one.actor, one.ids["programme"])
        assert version is not None
        topic = codings.topics(session, version.id)[0].id
        coder = codings.model_coder(session, one.actor, name=TOPIC_CODER, version=topic_coder_version(version))
        coded = codings.coded_keys(session, coder_id=coder, measure="topic")
        keys = responses.text_keys(session, _cleared(one.actor), one.ids["programme"])
        shared = {"organisation_id": one.actor.organisation_id, "coder_id": coder, "measure": "topic", "label": "", "rank": 1}
        shared |= {"topic_id": topic, "probability": 0.9}
        codings.add_codings(session, [{**shared, "text_key": key} for key in keys if key not in coded])
