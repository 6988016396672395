"""Who asks by which token: made, shown once, kept as a hash; narrowed by scope, level, role and time; revoked at once."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from datetime import timedelta

import given
import pytest
from api_site import Api, close_api, open_api, token_of
from pages_site import sign_in

from commsapp.accounts import service as accounts
from commsapp.actor import Actor, HandlingLevel, Role
from commsapp.app import create_app
from commsapp.config import Settings
from commsapp.errors import BadInput, NotAllowed, NotFound, NotSignedIn
from commsapp.http.security import API, declared_scope, guard, is_without_sign_in, may_enter, needs_scope
from commsapp.storage import organisations, tokens
from commsapp.storage.base import now
from commsapp.storage.session import Sessions


@pytest.fixture
def api(settings: Settings, sessions: Sessions, actor: Actor) -> Iterator[Api]:
    opened = open_api(settings, sessions, actor)
    yield opened
    close_api(opened)


def colleague(sessions: Sessions, actor: Actor, role: Role) -> Actor:
    with sessions.writing() as session:
        person = organisations.add_person(session, organisation_id=actor.organisation_id, name=f"A {role}", role=role)
        return Actor(actor.organisation_id, person.id, person.name, role, frozenset(HandlingLevel))


def set_token(sessions: Sessions, **values: object) -> None:
    with sessions.writing() as session:
        for row in session.query(tokens.Token):
            for name, value in values.items():
                setattr(row, name, value)


def test_of_a_token_nothing_is_kept_but_its_hash(sessions: Sessions, actor: Actor) -> None:
    secret = token_of(sessions, actor)
    assert secret.startswith("commsapp_") and len(secret) == len("commsapp_") + 43
    row = given.stored(sessions, "SELECT * FROM api_token")[0]
    assert hashlib.sha256(secret.encode()).hexdigest() in row
    assert not [cell for cell in row if secret[15:] in str(cell)]
    told = given.stored(sessions, "SELECT * FROM event WHERE subject = 'token'")
    assert len(told) == 1 and secret[15:] not in str(told)


@pytest.mark.parametrize(
    "shown", ["", "commsapp_", "commsapp_" + "x" * 43, "Ä\udcff", "0" * 5000], ids=["none", "empty", "made up", "odd", "long"]
)
def test_a_token_that_is_not_known_opens_nothing(api: Api, shown: str) -> None:
    header = {"Authorization": f"Bearer {shown}"} if "\udcff" not in shown else {"Authorization": "Bearer Ä"}
    refused = api.call("GET", "/programmes", token="", headers=header if shown else {})
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"].startswith('Bearer realm="commsapp"')
    assert refused.get_json(force=True)["cure"]


def test_another_way_to_sign_in_opens_nothing(api: Api) -> None:
    for header in ("Basic YTpi", "Bearer", api.token, f"Token {api.token}"):
        assert api.call("GET", "/programmes", token="", headers={"Authorization": header}).status_code == 401


def test_the_cookie_of_a_page_opens_nothing_and_the_api_sets_none(api: Api, sessions: Sessions, actor: Actor) -> None:
    client = api.app.test_client()
    assert actor.person_id is not None
    client.set_cookie("commsapp", sign_in(api.app, sessions, actor.person_id))
    assert client.get("/programmes/new").status_code == 200
    refused = client.get("/api/v1/programmes")
    assert refused.status_code == 401 and "Set-Cookie" not in refused.headers
    posted = client.post("/api/v1/programmes", json={"name": "Forged"})
    assert posted.status_code == 401


def test_a_revoked_token_ends_at_once(api: Api, sessions: Sessions, actor: Actor) -> None:
    api.get("/programmes")
    with sessions.writing() as session:
        (made,) = accounts.tokens_of(session, actor)
        assert not accounts.revoke_token(session, actor, made.id).holds
    assert "revoked" in api.get("/programmes", status=401)["detail"]


def test_an_expired_token_opens_nothing(api: Api, sessions: Sessions) -> None:
    set_token(sessions, expires_at=now() - timedelta(seconds=1))
    assert "expired" in api.get("/programmes", status=401)["detail"]


def test_a_token_does_what_its_scopes_say_and_no_more(api: Api, sessions: Sessions, actor: Actor) -> None:
    reads = token_of(sessions, actor, scopes=["programmes:read"])
    api.get("/programmes", token=reads)
    refused = api.post("/programmes", {"name": "Ours"}, token=reads, status=403)
    assert refused["detail"] == "This token has no scope 'programmes:write'."
    api.get("/jobs", token=reads, status=403)


def test_every_call_names_a_scope_that_a_token_can_have_and_its_absence_is_refused(
    api: Api, sessions: Sessions, actor: Actor
) -> None:
    refused = 0
    for rule in api.app.url_map.iter_rules():
        view = api.app.view_functions[rule.endpoint]
        if not rule.rule.startswith(API) or is_without_sign_in(view):
            continue
        scope = declared_scope(view)
        others = token_of(sessions, actor, scopes=[name for name in accounts.SCOPE_NAMES if name != scope])
        path = rule.rule.removeprefix("/api/v1").replace("<int:", "<").replace("<", "").replace(">", "")
        for name in rule.arguments:
            path = path.replace(name, "1")
        for method in (rule.methods or set()) & {"GET", "POST", "DELETE"}:
            assert api.call(method, path, token=others).status_code == 403, (method, path)
            assert api.call(method, path, token="").status_code == 401, (method, path)
            refused += 1
    assert refused >= 30


def test_a_call_without_a_scope_keeps_the_application_from_starting(settings: Settings) -> None:
    app = create_app(settings)
    app.add_url_rule("/api/v1/forgotten", "forgotten", may_enter(Role.OFFICER)(lambda: ""))
    with pytest.raises(RuntimeError, match=r"/api/v1/forgotten \(forgotten\)"):
        guard(app)
    with pytest.raises(ValueError, match="there is no scope"):
        needs_scope("everything")


def test_csrf_protection_is_off_for_exactly_the_calls_of_the_api(settings: Settings) -> None:
    app = create_app(settings)
    free = {blueprint.name for blueprint in app.extensions["csrf"]._exempt_blueprints}
    assert not app.extensions["csrf"]._exempt_views
    ours = {rule.endpoint.partition(".")[0] for rule in app.url_map.iter_rules() if rule.rule.startswith(API)}
    assert ours == free | {"api_document"}
    assert not [r.rule for r in app.url_map.iter_rules() if r.endpoint.partition(".")[0] in free and not r.rule.startswith(API)]


def test_a_token_never_does_more_than_the_role_of_its_person_at_that_moment(api: Api, sessions: Sessions, actor: Actor) -> None:
    person = colleague(sessions, actor, Role.OFFICER)
    token = token_of(sessions, person)
    programme = api.post("/programmes", {"name": "Ours"}, token=token)["id"]
    api.post(f"/programmes/{programme}/analyses", {}, token=token, status=202)
    change(sessions, person, role=Role.WORKER)
    refused = api.post(f"/programmes/{programme}/analyses", {}, token=token, status=403)
    assert refused["detail"] == "This call is not for your role."
    change(sessions, person, role=Role.PARTNER)
    api.get("/programmes", token=token, status=403)


def test_a_token_reads_open_text_only_unless_more_was_ticked_and_never_more_than_its_person(
    sessions: Sessions, actor: Actor
) -> None:
    for ticked in ((), (HandlingLevel.OFFICIAL_SENSITIVE,), tuple(HandlingLevel)):
        secret = token_of(sessions, actor, levels=ticked)
        with sessions.reading() as session:
            who, _ = accounts.actor_of_token(session, secret)
        assert who.handling_levels == {HandlingLevel.OPEN, *ticked}
        assert (who.originals, who.scopes) == (False, frozenset(accounts.SCOPE_NAMES))
    less = dataclasses.replace(actor, handling_levels=frozenset({HandlingLevel.OPEN}))
    with sessions.reading() as session, pytest.raises(NotAllowed):
        accounts.make_token(session, less, name="x", scopes=["jobs:read"], days=1, handling_levels=[HandlingLevel.CONCERN])
    with sessions.reading() as session:
        _, token = accounts.actor_of_token(session, secret)
    from commsapp.accounts.tokens import narrowed

    assert narrowed(less, token).handling_levels == {HandlingLevel.OPEN}


def test_a_person_who_has_no_access_any_more_has_none_by_token_either(api: Api, sessions: Sessions, actor: Actor) -> None:
    person = colleague(sessions, actor, Role.OFFICER)
    token = token_of(sessions, person)
    api.get("/programmes", token=token)
    change(sessions, person, active=False)
    assert "no access any more" in api.get("/programmes", token=token, status=401)["detail"]
    change(sessions, person, active=True)
    api.get("/programmes", token=token)


@pytest.mark.parametrize("how", ["deactivated and activated", "second factor forgotten", "password chosen by a link"])
def test_whose_way_in_is_taken_away_or_made_anew_has_no_token_any_more(
    api: Api, sessions: Sessions, actor: Actor, how: str
) -> None:
    with sessions.writing() as session:
        person, link = accounts.invite(session, actor, name="Amy", email="amy@example.org", role=Role.OFFICER)
    with sessions.writing() as session:
        accounts.join(session, link.secret, password_hash="x")
    token = token_of(sessions, Actor(actor.organisation_id, person.id, person.name, Role.OFFICER, frozenset(HandlingLevel)))
    api.get("/programmes", token=token)
    with sessions.writing() as session:
        if how == "deactivated and activated":
            accounts.set_active(session, actor, person.id, False)
            accounts.set_active(session, actor, person.id, True)
        elif how == "second factor forgotten":
            accounts.forget_second_factor(session, actor, person.id)
        else:
            accounts.join(session, accounts.new_link(session, actor, person.id).secret, password_hash="y")
    assert "revoked" in api.get("/programmes", token=token, status=401)["detail"]


def test_somebody_who_became_a_partner_still_gets_in_by_a_link_and_their_tokens_end(sessions: Sessions, actor: Actor) -> None:
    with sessions.writing() as session:
        person, link = accounts.invite(session, actor, name="Amy", email="amy@example.org", role=Role.OFFICER)
    with sessions.writing() as session:
        accounts.join(session, link.secret, password_hash="x")
    token_of(sessions, Actor(actor.organisation_id, person.id, person.name, Role.OFFICER, frozenset(HandlingLevel)))
    with sessions.writing() as session:
        accounts.change_role(session, actor, person.id, Role.PARTNER)
        accounts.join(session, accounts.new_link(session, actor, person.id).secret, password_hash="y")
    with sessions.reading() as session:
        assert [token.holds for token in accounts.tokens_of(session, actor, everybody=True)] == [False]


def test_a_clearance_that_is_taken_away_or_not_proven_by_a_second_factor_is_taken_from_the_token_too(
    sessions: Sessions, actor: Actor
) -> None:
    person = colleague(sessions, actor, Role.OFFICER)
    every = list(HandlingLevel)
    token = token_of(sessions, person)

    def reads() -> frozenset[HandlingLevel]:
        with sessions.reading() as session:
            return accounts.actor_of_token(session, token)[0].handling_levels

    change(sessions, person, handling_levels=every)
    assert reads() == set(every)
    change(sessions, person, handling_levels=["open"])
    assert reads() == {"open"}
    change(sessions, person, handling_levels=every, email="officer@example.org", password_hash="x")
    assert reads() == {"open"}  # who could sign in without a second factor reads no more by token than at a page
    change(sessions, person, totp_secret="x")
    assert reads() == set(every)


def change(sessions: Sessions, person: Actor, **values: object) -> None:
    with sessions.writing() as session:
        row = session.get_one(organisations.Person, person.person_id)
        for name, value in values.items():
            setattr(row, name, value)


@pytest.mark.parametrize(
    "asked",
    [{"name": " "}, {"name": "x" * 101}, {"scopes": []}, {"scopes": ["everything"]}, {"days": 0}, {"days": 366}],
    ids=str,
)
def test_a_token_that_says_too_little_or_asks_too_much_is_not_made(
    sessions: Sessions, actor: Actor, asked: dict[str, object]
) -> None:
    wanted = {"name": "Notebook", "scopes": ["jobs:read"], "days": 30} | asked
    with sessions.writing() as session, pytest.raises(BadInput):
        accounts.make_token(session, actor, **wanted)  # type: ignore[arg-type]
    assert given.stored(sessions, "SELECT count(*) FROM api_token") == [(0,)]


def test_a_program_makes_no_token(sessions: Sessions, actor: Actor) -> None:
    program = dataclasses.replace(actor, scopes=frozenset(accounts.SCOPE_NAMES))
    with sessions.writing() as session, pytest.raises(NotAllowed):
        accounts.make_token(session, program, name="x", scopes=["jobs:read"], days=1)


def test_tokens_are_seen_and_revoked_by_their_person_and_by_administrators_of_the_organisation(
    sessions: Sessions, actor: Actor
) -> None:
    person, other = colleague(sessions, actor, Role.OFFICER), given.other_organisation(sessions)
    token_of(sessions, person)
    token_of(sessions, other)
    with sessions.writing() as session:
        (made,) = accounts.tokens_of(session, person)
        assert [token.id for token in accounts.tokens_of(session, actor, everybody=True)] == [made.id]
        assert accounts.tokens_of(session, actor) == []
        with pytest.raises(NotAllowed):
            accounts.tokens_of(session, person, everybody=True)
        for stranger in (other, colleague_of(person)):
            with pytest.raises(NotFound):
                accounts.revoke_token(session, stranger, made.id)
        assert accounts.revoke_token(session, actor, made.id).revoked_at is not None
        again = accounts.revoke_token(session, person, made.id)
        assert not again.holds
    assert given.stored(sessions, "SELECT count(*) FROM event WHERE action = 'revoke'") == [(1,)]


def colleague_of(person: Actor) -> Actor:
    return dataclasses.replace(person, person_id=(person.person_id or 0) + 1_000)


def test_the_last_use_is_known_to_five_minutes(api: Api, sessions: Sessions, actor: Actor) -> None:
    def last() -> object:
        with sessions.reading() as session:
            return accounts.tokens_of(session, actor)[0].last_used_at

    assert last() is None
    api.get("/programmes")
    first = last()
    assert first is not None
    api.get("/programmes")
    assert last() == first
    set_token(sessions, last_used_at=now() - timedelta(minutes=6))
    api.get("/programmes")
    assert last() >= first  # type: ignore[operator]


def test_a_token_of_nobody_opens_nothing(sessions: Sessions, actor: Actor) -> None:
    person = colleague(sessions, actor, Role.OFFICER)
    secret = token_of(sessions, person)
    stranger = given.other_organisation(sessions)
    set_token(sessions, organisation_id=stranger.organisation_id)  # its person is not of that organisation
    with sessions.reading() as session, pytest.raises(NotSignedIn):
        accounts.actor_of_token(session, secret)


def test_a_token_that_is_used_too_often_waits_and_others_do_not(settings: Settings, sessions: Sessions, actor: Actor) -> None:
    api = open_api(settings, sessions, actor, limit=3)
    other = token_of(sessions, actor)
    codes = [api.call("GET", "/programmes").status_code for _ in range(5)]
    assert codes == [200, 200, 200, 429, 429]
    refused = api.call("GET", "/programmes")
    assert 1 <= int(refused.headers["Retry-After"]) <= 61
    assert refused.mimetype == "application/problem+json"
    api.get("/programmes", token=other)
    for _ in range(5):  # who shows no token uses up nobody's
        api.get("/programmes", token="", status=401)
    close_api(api)
