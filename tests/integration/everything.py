"""A site with two organisations that each have something of every kind, for tests that are generated from all addresses.

``PARAMETERS`` says for every variable of an address what it stands for in each organisation. An address with another one fails
in `values_of`, with what to add; so a page that comes later is asked by every generated test without anybody thinking of it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import itertools
import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import given
import heard
import new_groups
import said
from api_site import token_of
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from pages_site import Site, open_site
from werkzeug.routing import Rule

from commsapp.accounts import service as accounts
from commsapp.accounts.actors import actor_for
from commsapp.actor import Actor, HandlingLevel, Role
from commsapp.evaluation import service as evaluation
from commsapp.http.security import declared_roles, is_without_sign_in
from commsapp.http.signing_in import PROVEN
from commsapp.listening import service as listening
from commsapp.planning import service as planning
from commsapp.storage import attachments, codebooks, codings, jobs, organisations, people

OWN, THEIRS = "zyxown", "zyxtheirs"
"""Stands in every name of the one organisation, and of the other."""

PARAMETERS: dict[str, str] = {
    "programme_id": "programme",
    "campaign_id": "campaign",
    "channel_id": "channel",
    "comment_id": "comment",
    "event_id": "event",
    "group_id": "group",
    "import_id": "import",
    "job_id": "job",
    "message_id": "message",
    "number": "topic",
    "passkey_id": "passkey",
    "person_id": "person",
    "response_id": "response",
    "result_id": "result",
    "token_id": "token",
    "wave_id": "wave",
    "secret": "link",
    "version": "assets version",
    "name": "asset",
}
"""Variable of an address → the thing of an organisation in ``Organisation.ids`` that it stands for."""

SHARED = {"topic", "assets version", "asset"}
"""What is the same for all organisations: a topic has a number within its programme, scripts and styles are public."""


@dataclass(frozen=True)
class Organisation:
    """One organisation: its administrator, and an id of each kind of thing that it has."""

    actor: Actor
    ids: dict[str, Any]


@dataclass(frozen=True)
class Everything:
    """The site with both organisations, whose administrators are cleared for all."""

    site: Site
    own: Organisation
    theirs: Organisation

    @property
    def app(self) -> Flask:
        return self.site.app


def open_everything(folder: Path, template: Path) -> Everything:
    """The site, filled; ``template`` as in `open_site`. Nobody is signed in who doesn't show a cookie."""
    site = open_site(folder, template, signed_in=False, COMMSAPP_API_LIMIT="1000000")
    site.app.config["PROPAGATE_EXCEPTIONS"] = False
    stranger = given.other_organisation(site.sessions)
    return Everything(site, _filled(site, site.actor, folder, OWN), _filled(site, stranger, folder, THEIRS))


def _filled(site: Site, actor: Actor, folder: Path, mark: str) -> Organisation:
    sessions = site.sessions
    actor = dataclasses.replace(actor, originals=True)
    per_area, heard.PER_AREA = heard.PER_AREA, 10
    try:
        base = heard.programme(sessions, actor, name=f"Programme {mark}")
    finally:
        heard.PER_AREA = per_area
    said.add(sessions, actor, base.programme_id)
    rows = [
        {"id": f"{mark}1", "date": "2026-03-02", "area": "Ash", "comment": f"They came to {mark}", "age": "16-24"},
        {"id": f"{mark}2", "date": "2026-03-03", "area": "Ash", "comment": f"Later {mark}", "age": "25+"},
        {"id": f"{mark}3", "date": "never", "area": "Ash", "comment": f"Rejected {mark}", "age": "25+"},
    ]
    path = given.table(folder / f"{mark}.csv", rows)
    run = given.imported(sessions, actor, site.settings, path, programme_id=base.programme_id, channel=f"Channel {mark}")
    given.prepared(sessions, actor, site.settings, base.programme_id)
    with sessions.reading() as session:  # of the latest results, as earlier ones go where nothing cites them
        now = listening.frozen_results(session, actor, base.programme_id, item=heard.ITEM, wave="November", area="", segment="")
    base = dataclasses.replace(base, result_id=int(now["id"].iloc[0]))
    with sessions.writing() as session:
        campaign = heard.campaign(session, actor, base, name=f"Campaign {mark}")
        message = heard.message(session, actor, base, campaign.id)
        planning.fix_expected_effect(session, actor, message_id=message.id, **heard.expectation(base))  # type: ignore[arg-type]
        response = int(given.stored(sessions, "SELECT max(id) FROM response WHERE import_id = :run", run=run.id)[0][0])
        comment = int(given.stored(sessions, "SELECT id FROM comment WHERE response_id = :one", one=response)[0][0])
        picture = {"kind": "picture", "media_type": "image/png", "name": f"{mark}.png", "content": io.BytesIO(mark.encode())}
        attachments.put(session, actor, data_dir=site.settings.data_dir, response_id=response, **picture)  # type: ignore[arg-type]
        ids = {
            "programme": base.programme_id,
            "campaign": campaign.id,
            "channel": run.channel_id,
            "comment": comment,
            "event": listening.context_events(session, actor, base.programme_id)[0].id,
            "import": run.id,
            "job": jobs.enqueue(session, actor, name="analyse", arguments={}, programme_id=base.programme_id).id,
            "message": message.id,
            "topic": 0,
            "response": response,
            "result": base.result_id,
            "wave": base.before_wave_id,
            "assets version": "0",
            "asset": "commsapp.css",
        }
        invited, link = accounts.invite(session, actor, name=f"Invited {mark}", email=f"{mark}@example.org", role=Role.WORKER)
        ids |= {"person": invited.id, "link": link.secret}
        token, _ = accounts.make_token(session, actor, name=f"Token {mark}", scopes=["jobs:read"], days=9)
        key = people.add_passkey(
            session,
            person_id=actor.person_id or 0,
            name=f"Key {mark}",
            credential_id=mark,
            public_key=b"x",
            sign_count=0,
            transports=[],
        )
        ids |= {"token": token.id, "passkey": key.id}
        version = codings.current_version(session, actor, base.programme_id)
        assert version is not None
        ids["group"] = new_groups.plant(session, actor, base.programme_id, base.after_wave_id or 0)
        moved = {"open": [[0, 1, 2, []]]}
        codebooks.keep_difference(session, base.programme_id, version.id, kind=codebooks.DRAFT, state="", by_level=moved)
    evaluation.measure_effect(sessions, actor, message_id=message.id)
    listening.store_results(sessions, actor, base.programme_id)
    return Organisation(actor, ids)


def values_of(rule: Rule, *organisations: Organisation) -> Iterator[tuple[dict[str, Any], bool]]:
    """Values for the variables of an address, one from each organisation in every mixture; whether all are of the first one.

    What is the same for all organisations doesn't make a mixture.
    """
    unknown = rule.arguments - PARAMETERS.keys()
    assert not unknown, (
        f"The address {rule.rule} has the variable {', '.join(sorted(unknown))}, of which tests/integration/everything.py does "
        "not know what it stands for: add it to PARAMETERS, and something of that kind for each organisation to _filled."
    )
    names = sorted(rule.arguments)
    own = {name: organisations[0].ids[PARAMETERS[name]] for name in names}
    varied = [name for name in names if PARAMETERS[name] not in SHARED]
    for chosen in itertools.product(organisations, repeat=len(varied)):
        values = {name: one.ids[PARAMETERS[name]] for name, one in zip(varied, chosen, strict=True)}
        yield own | values, all(one is organisations[0] for one in chosen)


def address(app: Flask, rule: Rule, values: dict[str, Any]) -> str:
    """The address of a rule with values for its variables."""
    built: str = app.url_map.bind("localhost").build(rule.endpoint, values)
    return built


def rules(app: Flask) -> list[Rule]:
    """Every rule of an application, in the order of addresses."""
    return sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, rule.endpoint))


def methods(rule: Rule) -> list[str]:
    """What a rule answers, reading first; OPTIONS, which Flask answers by itself, is not among it."""
    return sorted((rule.methods or set()) - {"OPTIONS"}, key=lambda name: (name not in ("GET", "HEAD"), name))


def roles_of(app: Flask, rule: Rule) -> frozenset[Role]:
    """The roles that a rule declares."""
    return declared_roles(app.view_functions[rule.endpoint]) or frozenset()


def is_public(app: Flask, rule: Rule) -> bool:
    """Whether a rule answers those who are not signed in."""
    return is_without_sign_in(app.view_functions[rule.endpoint])


@dataclass(frozen=True)
class Person:
    """Somebody, or nobody where ``actor`` is None: their browser, and their token with every scope."""

    app: Flask
    actor: Actor | None
    cookie: str = ""
    token: str = ""
    csrf: str = ""
    named: dict[str, int] = field(default_factory=dict)
    """Ids that a call names in its body: field → id."""

    def ask(self, method: str, path: str, *, csrf: str | None = None, **sent: Any) -> Any:
        """What an address answers: a page asked with the cookie and a valid form token, a call of the API with the token."""
        client = FlaskClient(self.app, self.app.response_class, use_cookies=False)
        headers = dict(sent.pop("headers", {}))
        if path.startswith("/api/"):
            headers |= {"Authorization": f"Bearer {self.token}"} if self.token else {}
            if method == "POST" and not sent:
                sent = {"json": example_body(self.app, path, self.named)}
        else:
            headers |= {"Cookie": f"commsapp={self.cookie}"} if self.cookie else {}
            if method not in ("GET", "HEAD"):
                sent["data"] = {"csrf_token": self.csrf if csrf is None else csrf} | sent.get("data", {})
        return client.open(path, method=method, headers=headers, base_url="http://localhost", **sent)


def example_body(app: Flask, path: str, named: dict[str, int]) -> dict[str, Any]:
    """What the document of the API gives as an example of a call's body, so that a call is not refused for what it lacks."""
    rule = app.url_map.bind("localhost").match(path, method="POST", return_rule=True)[0]
    document = app.extensions["commsapp_api"]
    described = document["paths"][re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)]["post"]
    schema = described.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    wanted = {name: about["examples"][0] for name, about in schema.get("properties", {}).items() if "examples" in about}
    return {name: named.get(name, example) for name, example in wanted.items()}


def csrf_token(app: Flask, raw: str) -> str:
    """The form token that belongs to what a session keeps."""
    return str(URLSafeTimedSerializer(str(app.secret_key), salt="wtf-csrf-token").dumps(raw))


def with_form_token(app: Flask, cookie: str) -> tuple[str, str]:
    """(cookie, form token): the same session, in which a form was opened and the password was given a moment ago."""
    raw = hashlib.sha256(secrets.token_bytes(16)).hexdigest()
    serializer: Any = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    kept = serializer.loads(cookie) if cookie else {}
    kept |= {"csrf_token": raw} | ({PROVEN: time.time()} if cookie else {})
    return str(serializer.dumps(kept)), csrf_token(app, raw)


def nobody(app: Flask) -> Person:
    """A visitor who is not signed in, but has opened a form."""
    cookie, csrf = with_form_token(app, "")
    return Person(app, None, cookie, "", csrf)


def somebody(
    site: Site,
    organisation_id: int,
    role: Role,
    *,
    levels: tuple[HandlingLevel, ...] = tuple(HandlingLevel),
    originals: bool = False,
    name: str = "",
) -> Person:
    """A new person of an organisation, signed in, with a token of every scope."""
    with site.sessions.writing() as session:
        row = organisations.add_person(
            session,
            organisation_id=organisation_id,
            name=name or f"{role.value} {secrets.token_hex(4)}",
            role=role,
            email=f"{secrets.token_hex(6)}@example.org",
            levels=levels,
            originals=originals,
        )
        row.totp_secret, row.password_hash = "not one that is tried", "none"
        actor = actor_for(session, organisation_id=organisation_id, person_id=row.id)
    return person_of(site, actor)


def person_of(site: Site, actor: Actor) -> Person:
    """Somebody who is there already, signed in, with a token of every scope that has been used a moment ago."""
    # As if they had made it in another role: a partner may make none, but somebody may have become one since.
    before = dataclasses.replace(actor, role=Role.ADMINISTRATOR)
    token = token_of(site.sessions, before, levels=actor.handling_levels)
    with site.sessions.writing() as session:
        found = accounts.actor_of_token(session, token)[1]
        accounts.note_use(session, found)
    assert actor.person_id is not None
    cookie, csrf = with_form_token(site.app, site.cookie(actor.person_id))
    return Person(site.app, actor, cookie, token, csrf)
