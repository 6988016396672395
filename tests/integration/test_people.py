"""Accounts behind the pages: who is cleared for what, links, and what ends a sign-in."""

from __future__ import annotations

from datetime import timedelta

import given
import pytest
from sqlalchemy import text

from commsapp.accounts import service as accounts
from commsapp.accounts.actors import hash_of
from commsapp.accounts.views import NewLink, Person
from commsapp.actor import Actor, HandlingLevel, Role
from commsapp.errors import BadInput, Conflict, NotAllowed, NotFound
from commsapp.storage import events, people
from commsapp.storage.base import now
from commsapp.storage.organisations import Person as Row
from commsapp.storage.session import Sessions

OPEN, SENSITIVE, CONCERN = HandlingLevel


def invited(sessions: Sessions, actor: Actor, email: str = "amy@example.org", **how: object) -> tuple[Person, NewLink]:
    with sessions.writing() as session:
        role = how.pop("role", Role.OFFICER)
        return accounts.invite(session, actor, name="Amy", email=email, role=role, **how)  # type: ignore[arg-type]


def joined(sessions: Sessions, actor: Actor, email: str = "amy@example.org", **how: object) -> Person:
    _, link = invited(sessions, actor, email, **how)
    with sessions.writing() as session:
        return accounts.join(session, link.secret, password_hash="a hash")


def signed_in(sessions: Sessions, person: Person, *, second_factor: bool = False) -> tuple[str, str]:
    """(mark, key) of a new sign-in."""
    with sessions.writing() as session:
        key = accounts.start_sign_in(session, person.id, device="A test", way="test", second_factor=second_factor)
        return str(session.get_one(Row, person.id).fs_uniquifier), key


def holds(sessions: Sessions, sign_in: tuple[str, str]) -> Actor | None:
    with sessions.reading() as session:
        found = accounts.signed_in(session, uniquifier=sign_in[0], key=sign_in[1])
    return found[0] if found else None


def give_second_factor(sessions: Sessions, person: Person) -> None:
    with sessions.writing() as session:
        people.add_passkey(
            session,
            person_id=person.id,
            name="Phone",
            credential_id=f"c{person.id}",
            public_key=b"k",
            sign_count=0,
            transports=[],
        )


def test_an_invitation_lets_one_person_in_once_within_a_week(sessions: Sessions, actor: Actor) -> None:
    person, link = invited(sessions, actor)
    assert not person.can_sign_in
    assert link.ends_at is not None and timedelta(days=6.9) < link.ends_at - now() <= timedelta(days=7)
    assert given.stored(sessions, "SELECT count(*) FROM sign_in_link WHERE key_hash = :secret", secret=link.secret) == [(0,)]
    with sessions.writing() as session:
        opened = accounts.open_link(session, link.secret)
        assert opened.person is not None and (opened.purpose, opened.person.email) == ("invitation", "amy@example.org")
        assert accounts.join(session, link.secret, password_hash="a hash").can_sign_in
    for secret in (link.secret, link.secret[:-1], ""):
        with sessions.writing() as session, pytest.raises(NotFound, match="used, taken back, or is older than a week"):
            accounts.join(session, secret, password_hash="another hash")


def test_a_link_ends_after_a_week_and_when_a_new_one_is_made_or_it_is_taken_back(sessions: Sessions, actor: Actor) -> None:
    person, first = invited(sessions, actor)
    with sessions.writing() as session:
        second = accounts.new_link(session, actor, person.id)
    with sessions.reading() as session, pytest.raises(NotFound):
        accounts.open_link(session, first.secret)
    with sessions.writing() as session:
        session.execute(text("UPDATE sign_in_link SET ends_at = :past"), {"past": now() - timedelta(seconds=1)})
    with sessions.reading() as session, pytest.raises(NotFound):
        accounts.open_link(session, second.secret)
    with sessions.writing() as session:
        third = accounts.new_link(session, actor, person.id)
        assert accounts.cancel_links(session, actor, person.id) == 1
    with sessions.reading() as session, pytest.raises(NotFound):
        accounts.open_link(session, third.secret)


def test_an_address_is_one_account_however_it_is_written(sessions: Sessions, actor: Actor) -> None:
    invited(sessions, actor)
    with pytest.raises(Conflict, match="has an account already"):
        invited(sessions, actor, "AMY@example.org")
    with pytest.raises(Conflict, match="has an account already"):  # an address is one person's, in every organisation
        invited(sessions, given.other_organisation(sessions), "Amy@Example.org")


def test_more_than_open_holds_with_a_second_factor_only(sessions: Sessions, actor: Actor) -> None:
    person = joined(sessions, actor, levels=[SENSITIVE, CONCERN], originals=True)
    assert person.waits_for_second_factor
    one, both = signed_in(sessions, person), signed_in(sessions, person, second_factor=True)
    for sign_in in (one, both):  # nobody has a second factor yet, whatever a sign-in says
        seen = holds(sessions, sign_in)
        assert seen is not None and (seen.handling_levels, seen.originals) == ({OPEN}, False)
    give_second_factor(sessions, person)
    seen_one, seen_both = holds(sessions, one), holds(sessions, both)
    assert seen_one is not None and (seen_one.handling_levels, seen_one.originals) == ({OPEN}, False)
    assert seen_both is not None and (seen_both.handling_levels, seen_both.originals) == (set(HandlingLevel), True)


def test_work_that_goes_on_honours_what_a_person_is_cleared_for(sessions: Sessions, actor: Actor) -> None:
    person = joined(sessions, actor, levels=[SENSITIVE])
    with sessions.reading() as session:
        asked = {"organisation_id": actor.organisation_id, "person_id": person.id}
        assert accounts.actor_for(session, **asked).handling_levels == {OPEN}
    give_second_factor(sessions, person)
    with sessions.reading() as session:
        assert accounts.actor_for(session, **asked).handling_levels == {OPEN, SENSITIVE}
        assert accounts.actor_for(session, **asked).role is Role.OFFICER
    with sessions.writing() as session:
        accounts.set_active(session, actor, person.id, False)
        assert accounts.actor_for(session, **asked).person_id is None


@pytest.mark.parametrize(
    "change", ["role", "clearance", "deactivated", "second factor forgotten", "password", "reset", "signed out"]
)
def test_a_change_of_what_somebody_may_ends_their_sign_ins_at_once(sessions: Sessions, actor: Actor, change: str) -> None:
    person = joined(sessions, actor)
    here, elsewhere = signed_in(sessions, person), signed_in(sessions, person)
    mine = holds(sessions, here)
    assert mine is not None and holds(sessions, elsewhere) is not None
    with sessions.writing() as session:
        if change == "role":
            accounts.change_role(session, actor, person.id, Role.EVALUATOR)
        elif change == "clearance":
            accounts.clear_person(session, actor, person.id, [SENSITIVE])
        elif change == "deactivated":
            accounts.set_active(session, actor, person.id, False)
        elif change == "second factor forgotten":
            accounts.forget_second_factor(session, actor, person.id)
        elif change == "password":
            mark = accounts.change_password(session, mine, password_hash="new", key=here[1])
        elif change == "reset":
            accounts.join(session, accounts.new_link(session, actor, person.id).secret, password_hash="new")
        else:
            mark = accounts.end_other_sign_ins(session, mine, key=here[1])
    assert holds(sessions, elsewhere) is None
    if change in {"password", "signed out"}:
        assert holds(sessions, (mark, here[1])) is not None
    else:
        assert holds(sessions, here) is None


def test_signing_out_ends_a_sign_in_wherever_its_cookie_was_copied_to(sessions: Sessions, actor: Actor) -> None:
    person = joined(sessions, actor)
    here, elsewhere = signed_in(sessions, person), signed_in(sessions, person)
    with sessions.writing() as session:
        accounts.end_sign_in(session, here[1])
    assert holds(sessions, here) is None
    assert holds(sessions, elsewhere) is not None
    assert given.stored(sessions, "SELECT count(*) FROM sign_in WHERE key_hash = :key", key=hash_of(elsewhere[1])) == [(1,)]


def test_a_sign_in_of_one_person_is_none_of_another(sessions: Sessions, actor: Actor) -> None:
    amy, bob = joined(sessions, actor), joined(sessions, actor, "bob@example.org")
    assert holds(sessions, (signed_in(sessions, amy)[0], signed_in(sessions, bob)[1])) is None


def test_the_last_administrator_stays_one(sessions: Sessions, actor: Actor) -> None:
    amy = joined(sessions, actor, role=Role.ADMINISTRATOR)
    invited(sessions, actor, "bob@example.org", role=Role.ADMINISTRATOR)  # who never came
    for change in (
        lambda session: accounts.change_role(session, actor, amy.id, Role.OFFICER),
        lambda session: accounts.set_active(session, actor, amy.id, False),
    ):
        with sessions.writing() as session, pytest.raises(Conflict, match="the last administrator"):
            change(session)
    joined(sessions, actor, "cat@example.org", role=Role.ADMINISTRATOR)
    with sessions.writing() as session:
        assert accounts.change_role(session, actor, amy.id, Role.OFFICER).role is Role.OFFICER


def test_a_partner_is_cleared_for_nothing(sessions: Sessions, actor: Actor) -> None:
    with pytest.raises(BadInput, match="only what is shared"):
        invited(sessions, actor, role=Role.PARTNER, levels=[SENSITIVE])
    person = joined(sessions, actor, role=Role.PARTNER)
    assert person.cleared.levels == frozenset()
    officer = joined(sessions, actor, "bob@example.org", levels=[CONCERN], originals=True)
    with sessions.writing() as session:
        changed = accounts.change_role(session, actor, officer.id, Role.PARTNER)
        assert (changed.cleared.levels, changed.cleared.originals) == (frozenset(), False)
        assert accounts.change_role(session, actor, officer.id, Role.OFFICER).cleared.levels == {OPEN}


def test_an_administrator_clears_themselves_only_with_a_second_factor(sessions: Sessions, actor: Actor) -> None:
    amy = joined(sessions, actor, role=Role.ADMINISTRATOR)
    assert amy.cleared.levels == {OPEN}
    own = holds(sessions, signed_in(sessions, amy))
    assert own is not None
    with sessions.writing() as session, pytest.raises(Conflict, match="you need a second factor"):
        accounts.clear_person(session, own, amy.id, [CONCERN])
    give_second_factor(sessions, amy)
    with sessions.writing() as session:
        assert accounts.clear_person(session, own, amy.id, [CONCERN]).cleared.levels == {OPEN, CONCERN}
        (event,) = [one for one in events.history(session, actor, subject="person", subject_id=amy.id) if one.action == "clear"]
    assert (event.person_id, event.before and event.before["handling_levels"]) == (amy.id, ["open"])
    assert event.after and event.after["handling_levels"] == ["open", "concern"]


def test_nobody_clears_themselves_for_more_where_somebody_else_can(sessions: Sessions, actor: Actor) -> None:
    amy = joined(sessions, actor, role=Role.ADMINISTRATOR)
    joined(sessions, actor, "bo@example.org", role=Role.ADMINISTRATOR)
    give_second_factor(sessions, amy)
    own = holds(sessions, signed_in(sessions, amy, second_factor=True))
    assert own is not None
    with sessions.writing() as session, pytest.raises(Conflict, match="Nobody clears themselves for more"):
        accounts.clear_person(session, own, amy.id, [CONCERN])
    with sessions.writing() as session, pytest.raises(Conflict, match="Nobody clears themselves for more"):
        accounts.clear_person(session, own, amy.id, [OPEN], originals=True)
    with sessions.writing() as session:
        accounts.clear_person(session, actor, amy.id, [SENSITIVE, CONCERN])
        assert accounts.clear_person(session, own, amy.id, [CONCERN]).cleared.levels == {OPEN, CONCERN}  # less is theirs to say


def test_every_change_leaves_an_event(sessions: Sessions, actor: Actor) -> None:
    person = joined(sessions, actor)
    with sessions.writing() as session:
        accounts.change_role(session, actor, person.id, Role.WORKER)
        accounts.clear_person(session, actor, person.id, [SENSITIVE])
        accounts.new_link(session, actor, person.id)
        accounts.cancel_links(session, actor, person.id)
        accounts.set_active(session, actor, person.id, False)
        accounts.set_active(session, actor, person.id, True)
    with sessions.reading() as session:
        told = [event.action for event in events.history(session, actor, subject="person", subject_id=person.id)]
    assert told == ["activate", "deactivate", "cancel link", "make link", "clear", "change role", "join", "invite"]


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_only_administrators_look_after_accounts(sessions: Sessions, actor: Actor, role: Role) -> None:
    person = joined(sessions, actor)
    other = Actor(actor.organisation_id, person.id, "Amy", role, frozenset({OPEN}))
    for call in (
        lambda session: accounts.all_people(session, other),
        lambda session: accounts.invite(session, other, name="Bob", email="bob@example.org", role=Role.OFFICER),
        lambda session: accounts.clear_person(session, other, person.id, [CONCERN]),
        lambda session: accounts.set_level_names(session, other, {}),
    ):
        with sessions.writing() as session, pytest.raises(NotAllowed):
            call(session)


def test_people_of_another_organisation_are_not_there(sessions: Sessions, actor: Actor) -> None:
    person = joined(sessions, actor)
    stranger = given.other_organisation(sessions)
    for call in (
        lambda session: accounts.person(session, stranger, person.id),
        lambda session: accounts.person_named(session, stranger, person.email),
        lambda session: accounts.new_link(session, stranger, person.id),
        lambda session: accounts.cancel_links(session, stranger, person.id),
        lambda session: accounts.change_role(session, stranger, person.id, Role.PARTNER),
        lambda session: accounts.clear_person(session, stranger, person.id, [CONCERN]),
        lambda session: accounts.set_active(session, stranger, person.id, False),
        lambda session: accounts.forget_second_factor(session, stranger, person.id),
    ):
        with sessions.writing() as session, pytest.raises(NotFound):
            call(session)
    with sessions.writing() as session:
        assert accounts.all_people(session, stranger) == []
        accounts.set_level_names(session, stranger, {CONCERN: "Red"})
        assert accounts.level_names(session, stranger)[CONCERN] == "Red"
        assert accounts.level_names(session, actor)[CONCERN] == "concern"


def test_the_first_account_is_made_once_by_a_link_that_each_start_renews(sessions: Sessions, actor: Actor) -> None:
    with sessions.writing() as session:
        old, new = accounts.first_link(session), accounts.first_link(session)
    assert old is not None and new is not None and new.ends_at is None
    with sessions.reading() as session, pytest.raises(NotFound):
        accounts.open_link(session, old.secret)
    with sessions.writing() as session:
        first = accounts.join(session, new.secret, password_hash="h", name="Amy", email="amy@example.org")
    assert (first.role, first.organisation_id, first.cleared.levels) == (Role.ADMINISTRATOR, actor.organisation_id, {OPEN})
    with sessions.writing() as session:
        assert accounts.first_link(session) is None
        with pytest.raises(NotFound):
            accounts.join(session, new.secret, password_hash="h", name="Eve", email="eve@example.org")
        assert accounts.local_actor(session) == actor


def test_the_operator_of_the_machine_has_no_way_to_sign_in(sessions: Sessions, actor: Actor) -> None:
    assert actor.person_id is not None
    for call in (
        lambda session: accounts.start_sign_in(session, actor.person_id, device="x", way="x", second_factor=True),
        lambda session: accounts.new_link(session, actor, actor.person_id),
    ):
        with sessions.writing() as session, pytest.raises(NotFound):
            call(session)
    with sessions.reading() as session:
        assert accounts.known(session, id=actor.person_id) is None


def test_handling_levels_have_the_organisations_own_words(sessions: Sessions, actor: Actor) -> None:
    with sessions.writing() as session:
        accounts.set_level_names(session, actor, {OPEN: "Green", SENSITIVE: "  Amber ", CONCERN: ""})
        assert accounts.level_names(session, actor) == {OPEN: "Green", SENSITIVE: "Amber", CONCERN: "concern"}
        with pytest.raises(BadInput, match="same name"):
            accounts.set_level_names(session, actor, {OPEN: "Red", SENSITIVE: "red"})
        with pytest.raises(BadInput, match="our word for another"):  # files are read without regard to blanks and hyphens
            accounts.set_level_names(session, actor, {OPEN: "Official sensitive"})
        with pytest.raises(BadInput, match="same name"):
            accounts.set_level_names(session, actor, {OPEN: "Level 1", SENSITIVE: "level-1"})
