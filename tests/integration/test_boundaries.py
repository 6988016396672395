"""Nothing crosses from one organisation to another, nor from one handling level to people who are not cleared for it.

The first half is generated: every function of the services of listening, planning and evaluation that asks who is asking is
called by one organisation with the ids of another. A function without a case fails, so one added later is not forgotten.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import given
import heard
import new_groups
import pandas as pd
import pytest

from commsapp.accounts import service as accounts
from commsapp.actor import Actor, HandlingLevel, Role
from commsapp.config import Settings
from commsapp.errors import BadInput, Conflict, NotFound, NotSignedIn
from commsapp.evaluation import service as evaluation
from commsapp.listening import service as listening
from commsapp.listening.columns import Mapping
from commsapp.listening.dates import DateOrder
from commsapp.listening.redaction.kinds import REASONS
from commsapp.planning import service as planning
from commsapp.storage.session import Session, Sessions
from commsapp.storage.tables import metadata

DAY = date(2026, 3, 1)
SERVICES = {"accounts": accounts, "listening": listening, "planning": planning, "evaluation": evaluation}


@dataclass(frozen=True)
class World:
    """What belongs to the first organisation, and who asks from the second; `own` is a programme of the second."""

    sessions: Sessions
    settings: Settings
    owner: Actor
    stranger: Actor
    base: heard.Heard
    own: heard.Heard
    own_campaign: int
    import_id: int
    channel_id: int
    event_id: int
    campaign_id: int
    message_id: int
    comment_id: int
    group_id: int
    person_id: int
    file: Path

    @property
    def both(self) -> tuple[Actor, Actor]:
        """The first organisation's and the stranger."""
        return self.owner, self.stranger

    @property
    def programme(self) -> int:
        return self.base.programme_id


@pytest.fixture
def world(sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(heard, "PER_AREA", 10)
    stranger = given.other_organisation(sessions)
    base = heard.programme(sessions, actor)
    own = heard.programme(sessions, stranger)
    rows = [{"comment": "Secret words of ours", "date": "2026-02-02"}, {"comment": "Ours too", "date": "never"}]
    path = given.table(tmp_path / "ours.csv", rows)
    run = given.imported(sessions, actor, settings, path, programme_id=base.programme_id)
    with sessions.writing() as session:
        planned = heard.campaign(session, actor, base)
        message = heard.message(session, actor, base, planned.id)
        planning.fix_expected_effect(session, actor, message_id=message.id, **heard.expectation(base))  # type: ignore[arg-type]
        own_campaign = heard.campaign(session, stranger, own).id
        events = listening.context_events(session, actor, base.programme_id)
        comment_id = int(listening.records(session, actor, base.programme_id).comments["comment_id"].iloc[0])
        group_id = new_groups.plant(session, actor, base.programme_id, base.after_wave_id or 0)
        person, _ = accounts.invite(session, actor, name="One of theirs", email="amy@example.org", role=Role.OFFICER)
    evaluation.measure_effect(sessions, actor, message_id=message.id)
    return World(
        sessions=sessions,
        settings=settings,
        owner=actor,
        stranger=stranger,
        base=base,
        own=own,
        own_campaign=own_campaign,
        import_id=run.id,
        channel_id=run.channel_id,
        event_id=events[0].id,
        campaign_id=planned.id,
        message_id=message.id,
        comment_id=comment_id,
        group_id=group_id,
        person_id=person.id,
        file=path,
    )


@contextmanager
def session_of(world: World) -> Iterator[Session]:
    with world.sessions.writing() as session:
        yield session


def refused(call: Callable[[World, Session], Any]) -> Callable[[World], None]:
    """The case of a function that must say that there is no such thing."""

    def case(world: World) -> None:
        with session_of(world) as session, pytest.raises((NotFound, BadInput)) as caught:
            call(world, session)
        assert "our" not in str(caught.value).lower().replace("your", "")

    return case


def nothing(call: Callable[[World, Session], Any]) -> Callable[[World], None]:
    """The case of a function that must give back an empty list, an empty table or None."""

    def case(world: World) -> None:
        with session_of(world) as session:
            found = call(world, session)
        empty = found.empty if isinstance(found, pd.DataFrame) else not found
        assert empty, found

    return case


def _records(world: World) -> None:
    with session_of(world) as session:
        found = listening.records(session, world.stranger, world.programme)
    assert found.comments.empty
    assert found.answers.empty
    assert found.waves.empty


def _comments_page(world: World) -> None:
    with session_of(world) as session:
        page = listening.comments_page(session, world.stranger, world.programme)
    assert (page.total, page.comments) == (0, ())


def _responses_page(world: World) -> None:
    with session_of(world) as session:
        assert listening.responses_page(session, world.stranger, world.programme) == ((), 0)


def _all_programmes(world: World) -> None:
    with session_of(world) as session:
        found = [programme.id for programme in listening.all_programmes(session, world.stranger)]
    assert found == [world.own.programme_id]


def _create_programme(world: World) -> None:
    given.programme(world.sessions, world.owner, "Known to us alone")
    before = contents(world.sessions)
    with session_of(world) as session:  # a refusal would tell that others have it
        listening.create_programme(session, world.stranger, name="Known to us alone")
    assert contents(world.sessions)["programme"] == before["programme"] + 1


def _named(world: World) -> None:
    with session_of(world) as session:  # the two programmes have the same name
        assert listening.programme_named(session, world.stranger, "Not your account").id == world.own.programme_id


def _campaign_named(world: World) -> None:
    with session_of(world) as session:
        assert planning.campaign_named(session, world.stranger, world.programme, "Not your account") is None


def _run_import(world: World) -> None:
    with pytest.raises(NotFound):
        listening.run_import(world.sessions, world.stranger, import_id=world.import_id, settings=world.settings)


def _run_explanation(world: World) -> None:
    how = {"programme_id": world.programme, "comment_id": world.comment_id, "settings": world.settings}
    with pytest.raises(NotFound):
        listening.run_explanation(world.sessions, world.stranger, **how)  # type: ignore[arg-type]


def _run_analysis(world: World) -> None:
    with pytest.raises(NotFound):
        listening.run_analysis(world.sessions, world.stranger, programme_id=world.programme, settings=world.settings)


def _store_results(world: World) -> None:
    with pytest.raises(NotFound):
        listening.store_results(world.sessions, world.stranger, world.programme)


def _measure_effect(world: World) -> None:
    with pytest.raises(NotFound):
        evaluation.measure_effect(world.sessions, world.stranger, message_id=world.message_id)


def _draft_message(world: World) -> None:
    said = {"text": "x", "behaviour": "facilitate"}
    with session_of(world) as session, pytest.raises(NotFound):
        planning.draft_message(
            session, world.stranger, campaign_id=world.campaign_id, listening_result_id=world.own.result_id, **said
        )
    with session_of(world) as session, pytest.raises(NotFound):  # one's own campaign can't cite what others heard
        planning.draft_message(
            session, world.stranger, campaign_id=world.own_campaign, listening_result_id=world.base.result_id, **said
        )


def _fix_expected_effect(world: World) -> None:
    with session_of(world) as session, pytest.raises(NotFound):
        planning.fix_expected_effect(session, world.stranger, message_id=world.message_id, **heard.expectation(world.base))  # type: ignore[arg-type]
    with session_of(world) as session:
        own = heard.message(session, world.stranger, world.own, world.own_campaign)
        with pytest.raises(BadInput, match="not one of this programme"):
            expected = heard.expectation(world.own, before_wave_id=world.base.before_wave_id)
            planning.fix_expected_effect(session, world.stranger, message_id=own.id, **expected)  # type: ignore[arg-type]


def _reader_of_originals(world: World) -> Actor:
    """The stranger, who may see words as they were written, but in their own organisation."""
    return replace(world.stranger, originals=True)


def _ours(world: World) -> int:
    """A response of the first organisation."""
    return int(given.stored(world.sessions, "SELECT min(id) FROM response WHERE import_id IS NOT NULL")[0][0])


def _not_of_strangers(call: Callable[..., Any], **how: Any) -> Callable[[World], None]:
    """The case of a function that opens sessions of its own; it must find nothing under either programme."""

    def case(world: World) -> None:
        for programme in (world.programme, world.own.programme_id):
            with pytest.raises(NotFound):
                call(world.sessions, world.stranger, programme, _ours(world), why="x", settings=world.settings, **how)

    return case


def mine(call: Callable[[Session, Actor], Any]) -> Callable[[World], None]:
    """The case of a function for one's own account: an actor of one organisation can't be a person of another."""

    def case(world: World) -> None:
        with session_of(world) as session, pytest.raises(NotSignedIn):
            call(session, dataclasses.replace(world.stranger, person_id=world.person_id))

    return case


_change_handling = _not_of_strangers(listening.change_handling, level=HandlingLevel.CONCERN)
_erase_person = _not_of_strangers(listening.erase_person)
_withdraw = _not_of_strangers(listening.withdraw, layers=["analyse"])


def _invite(world: World) -> None:
    with session_of(world) as session, pytest.raises(Conflict):  # an address is one person's, and that is all that is said
        accounts.invite(session, world.stranger, name="x", email="amy@example.org", role=Role.OFFICER)


def _level_names(world: World) -> None:
    with session_of(world) as session:
        accounts.set_level_names(session, world.owner, {HandlingLevel.CONCERN: "Known to us alone"})
        assert "Known to us alone" not in accounts.level_names(session, world.stranger).values()


def _level_words(world: World) -> None:
    with session_of(world) as session:
        accounts.set_level_names(session, world.owner, {HandlingLevel.CONCERN: "Known to us alone"})
        assert "Known to us alone" not in listening.level_words(session, world.stranger).values()


def _set_level_names(world: World) -> None:
    with session_of(world) as session:
        before = accounts.level_names(session, world.owner)
        accounts.set_level_names(session, world.stranger, {HandlingLevel.OPEN: "Theirs"})
        assert accounts.level_names(session, world.owner) == before


def _audit_log(world: World) -> None:
    with session_of(world) as session:
        ours = accounts.audit_log(session, world.owner, everything=True)
        theirs = accounts.audit_log(session, world.stranger, everything=True)
    assert {entry.number for entry in ours.entries}.isdisjoint(entry.number for entry in theirs.entries)
    assert ours.entries


def _noted(call: Callable[[Session, Actor], Any]) -> Callable[[World], None]:
    """The case of a function that adds to the log: to that of one's own organisation."""

    def case(world: World) -> None:
        with session_of(world) as session:
            before = accounts.audit_log(session, world.owner).total
            call(session, world.stranger)
            session.flush()
            assert accounts.audit_log(session, world.owner).total == before
            session.rollback()

    return case


def _tokens(world: World) -> None:
    with session_of(world) as session:
        made, _ = accounts.make_token(session, world.owner, name="ours", scopes=["results:read"], days=1)
        accounts.make_token(session, world.stranger, name="theirs", scopes=["results:read"], days=1)
        for everybody in (False, True):
            names = {who: [token.name for token in accounts.tokens_of(session, who, everybody=everybody)] for who in world.both}
            assert names == {world.owner: ["ours"], world.stranger: ["theirs"]}
        with pytest.raises(NotFound):
            accounts.revoke_token(session, world.stranger, made.id)
        session.rollback()


ACCOUNTS: dict[str, Callable[[World], None]] = {
    "accounts.audit_log": _audit_log,
    "accounts.history": nothing(lambda w, s: accounts.history(s, w.stranger, subject="campaign", subject_id=w.campaign_id)),
    "accounts.make_token": _tokens,
    "accounts.note": _noted(lambda s, a: accounts.note(s, a, action="export", subject="report")),
    "accounts.note_reading": _noted(
        lambda s, a: accounts.note_reading(s, a, kind="comments", place="programme", place_id=1, ids=[1])
    ),
    "accounts.revoke_token": _tokens,
    "accounts.tokens_of": _tokens,
    "accounts.add_passkey": mine(
        lambda s, a: accounts.add_passkey(
            s, a, name="x", credential_id="x", public_key=b"", sign_count=0, transports=[], recovery_codes=[], key=""
        )
    ),
    "accounts.all_people": nothing(lambda w, s: accounts.all_people(s, w.stranger)),
    "accounts.cancel_links": refused(lambda w, s: accounts.cancel_links(s, w.stranger, w.person_id)),
    "accounts.change_password": mine(lambda s, a: accounts.change_password(s, a, password_hash="x", key="")),
    "accounts.change_role": refused(lambda w, s: accounts.change_role(s, w.stranger, w.person_id, Role.PARTNER)),
    "accounts.clear_person": refused(lambda w, s: accounts.clear_person(s, w.stranger, w.person_id, [])),
    "accounts.end_other_sign_ins": mine(lambda s, a: accounts.end_other_sign_ins(s, a, key="")),
    "accounts.forget_second_factor": refused(lambda w, s: accounts.forget_second_factor(s, w.stranger, w.person_id)),
    "accounts.invite": _invite,
    "accounts.level_names": _level_names,
    "listening.level_words": _level_words,
    "accounts.new_link": refused(lambda w, s: accounts.new_link(s, w.stranger, w.person_id)),
    "accounts.new_recovery_codes": mine(lambda s, a: accounts.new_recovery_codes(s, a, [])),
    "accounts.own": mine(accounts.own),
    "accounts.own_passkeys": mine(accounts.own_passkeys),
    "accounts.person": refused(lambda w, s: accounts.person(s, w.stranger, w.person_id)),
    "accounts.person_named": refused(lambda w, s: accounts.person_named(s, w.stranger, "amy@example.org")),
    "accounts.places": mine(lambda s, a: accounts.places(s, a, key="")),
    "accounts.remove_authenticator": mine(accounts.remove_authenticator),
    "accounts.remove_passkey": mine(lambda s, a: accounts.remove_passkey(s, a, 1)),
    "accounts.set_active": refused(lambda w, s: accounts.set_active(s, w.stranger, w.person_id, False)),
    "accounts.set_authenticator": mine(
        lambda s, a: accounts.set_authenticator(s, a, secret="x", counter=1, recovery_codes=[], key="")
    ),
    "accounts.set_level_names": _set_level_names,
}

CODEBOOKS: dict[str, Callable[[World], None]] = {
    "listening.add_topic": nothing(
        lambda w, s: listening.add_topic(w.sessions, w.stranger, programme_id=w.programme, asked_id=1, settings=w.settings)
    ),
    "listening.split_topic": nothing(
        lambda w, s: listening.split_topic(w.sessions, w.stranger, programme_id=w.programme, asked_id=1, settings=w.settings)
    ),
    "listening.between_versions": refused(lambda w, s: listening.between_versions(s, w.stranger, w.programme, 1, 1)),
    "listening.carry": refused(
        lambda w, s: listening.carry(
            w.sessions,
            w.stranger,
            programme_id=w.own.programme_id,
            from_programme_id=w.programme,
            version_id=1,
            asked_id=1,
            settings=w.settings,
        )
    ),
    "listening.try_codebook": refused(
        lambda w, s: listening.try_codebook(
            w.sessions,
            w.stranger,
            programme_id=w.own.programme_id,
            from_programme_id=w.programme,
            version_id=1,
            settings=w.settings,
        )
    ),
    "listening.compare": refused(
        lambda w, s: listening.compare(w.sessions, w.stranger, programme_id=w.programme, settings=w.settings)
    ),
    "listening.freeze": refused(
        lambda w, s: listening.freeze(w.sessions, w.stranger, programme_id=w.programme, asked_id=1, settings=w.settings)
    ),
    "listening.change_codebook": refused(
        lambda w, s: listening.change_codebook(s, w.stranger, w.programme, kind="pin", number=0)
    ),
    "listening.codebook_draft": refused(lambda w, s: listening.codebook_draft(s, w.stranger, w.programme)),
    "listening.codebook_tried": refused(lambda w, s: listening.codebook_tried(s, w.stranger, w.programme, w.own.programme_id)),
    "listening.codebook_versions": refused(lambda w, s: listening.codebook_versions(s, w.stranger, w.programme)),
    "listening.comment_sorted": refused(lambda w, s: listening.comment_sorted(s, w.stranger, w.programme, w.comment_id)),
    "listening.comments_of": nothing(lambda w, s: listening.comments_of(s, w.stranger, w.programme, [w.comment_id])),
    "listening.draft_difference": refused(lambda w, s: listening.draft_difference(s, w.stranger, w.programme)),
    "listening.give_topic": refused(lambda w, s: listening.give_topic(s, w.stranger, w.programme, w.comment_id, 0)),
    "listening.take_topic_back": refused(lambda w, s: listening.take_topic_back(s, w.stranger, w.programme, w.comment_id)),
    "listening.undo_change": refused(lambda w, s: listening.undo_change(s, w.stranger, w.programme)),
    "listening.redo_change": refused(lambda w, s: listening.redo_change(s, w.stranger, w.programme)),
    "listening.start_draft_again": refused(lambda w, s: listening.start_draft_again(s, w.stranger, w.programme)),
    "listening.start_add": refused(lambda w, s: listening.start_add(s, w.stranger, w.programme, name="x", examples=["x"])),
    "listening.start_carry": refused(lambda w, s: listening.start_carry(s, w.stranger, w.programme, w.own.programme_id)),
    "listening.start_freeze": refused(lambda w, s: listening.start_freeze(s, w.stranger, w.programme, note="x", state="")),
    "listening.start_look": refused(lambda w, s: listening.start_look(s, w.stranger, w.programme)),
    "listening.start_split": refused(lambda w, s: listening.start_split(s, w.stranger, w.programme, number=0)),
    "listening.topic_followed": nothing(
        lambda w, s: listening.topic_followed(
            s, w.stranger, w.programme, name="Scam calls", codebook_version="version 1 (01234567)"
        )
    ),
}

CASES: dict[str, Callable[[World], None]] = (
    ACCOUNTS
    | CODEBOOKS
    | {
        "listening.add_area": refused(lambda w, s: listening.add_area(s, w.stranger, w.programme, name="x")),
        "listening.add_channel": refused(
            lambda w, s: listening.add_channel(s, w.stranger, w.programme, name="Survey", chosen="random")
        ),
        "listening.add_context_event": refused(
            lambda w, s: listening.add_context_event(s, w.stranger, w.programme, name="x", start=DAY, end=DAY)
        ),
        "listening.add_wave": refused(lambda w, s: listening.add_wave(s, w.stranger, w.programme, name="x", start=DAY, end=DAY)),
        "listening.all_programmes": _all_programmes,
        "listening.areas": nothing(lambda w, s: listening.areas(s, w.stranger, w.programme)),
        "listening.attributes": nothing(lambda w, s: listening.attributes(s, w.stranger, w.programme)),
        "listening.channels": nothing(lambda w, s: listening.channels(s, w.stranger, w.programme)),
        "listening.codebook_in_use": nothing(lambda w, s: listening.codebook_in_use(s, w.stranger, w.programme)),
        "listening.comment_redacted": refused(
            lambda w, s: listening.comment_redacted(s, _reader_of_originals(w), w.programme, w.comment_id)
        ),
        "listening.bring_group_back": refused(lambda w, s: listening.bring_group_back(s, w.stranger, w.programme, w.group_id)),
        "listening.emerging_group": refused(lambda w, s: listening.emerging_group(s, w.stranger, w.programme, w.group_id)),
        "listening.new_to_look_at": nothing(lambda w, s: listening.new_to_look_at(s, w.stranger, w.programme)),
        "listening.set_group_aside": refused(lambda w, s: listening.set_group_aside(s, w.stranger, w.programme, w.group_id)),
        "listening.whats_new": refused(lambda w, s: listening.whats_new(s, w.stranger, w.programme)),
        "listening.comments_page": _comments_page,
        "listening.create_programme": _create_programme,
        "listening.context_events": nothing(lambda w, s: listening.context_events(s, w.stranger, w.programme)),
        "listening.counts_by_channel": nothing(lambda w, s: listening.counts_by_channel(s, w.stranger, w.programme)),
        "listening.frozen_results": nothing(lambda w, s: listening.frozen_results(s, w.stranger, w.programme)),
        "listening.results_page": nothing(lambda w, s: listening.results_page(s, w.stranger, w.programme, number=1, size=25)[0]),
        "listening.how_read": refused(lambda w, s: listening.how_read(s, w.stranger, w.import_id)),
        "listening.import_goes_on": refused(lambda w, s: listening.import_goes_on(s, w.stranger, w.import_id)),
        "listening.import_of": refused(lambda w, s: listening.import_of(s, w.stranger, w.import_id)),
        "listening.imports_of": nothing(lambda w, s: listening.imports_of(s, w.stranger, w.programme)),
        "listening.latest_mappings": nothing(lambda w, s: listening.latest_mappings(s, w.stranger, w.programme)),
        "listening.latest_summary": nothing(lambda w, s: listening.latest_summary(s, w.stranger, w.programme)),
        "listening.may_read_original": nothing(lambda w, s: listening.may_read_original(w.stranger)),
        "listening.over_waves": nothing(
            lambda w, s: listening.over_waves(
                s, w.stranger, w.programme, measure="answer share", item=heard.ITEM, places={"all": ()}
            )
        ),
        "listening.change_handling": _change_handling,
        "listening.erase_person": _erase_person,
        "listening.people": refused(
            lambda w, s: listening.people(s, w.stranger, w.programme, number=_ours(w), settings=w.settings)
        ),
        "listening.person": refused(lambda w, s: listening.person(s, w.stranger, w.programme, _ours(w))),
        "listening.retentions": nothing(lambda w, s: listening.retentions(s, w.stranger, w.programme)),
        "listening.set_retention": refused(
            lambda w, s: listening.set_retention(s, w.stranger, w.programme, w.channel_id, until=None, months=1)
        ),
        "listening.withdraw": _withdraw,
        "listening.would_go": nothing(
            lambda w, s: listening.would_go(s, w.stranger, w.programme, w.channel_id, until=DAY, months=None)
        ),
        "listening.programme": refused(lambda w, s: listening.programme(s, w.stranger, w.programme)),
        "listening.programme_named": _named,
        "listening.read_original": refused(
            lambda w, s: listening.read_original(s, _reader_of_originals(w), w.programme, w.comment_id, why=REASONS[0])
        ),
        "listening.records": _records,
        "listening.rejected": refused(lambda w, s: listening.rejected(s, w.stranger, w.import_id)),
        "listening.remove_context_event": refused(
            lambda w, s: listening.remove_context_event(s, w.stranger, w.programme, w.event_id)
        ),
        "listening.remove_import": refused(lambda w, s: listening.remove_import(s, w.stranger, w.import_id, settings=w.settings)),
        "listening.remove_wave": refused(lambda w, s: listening.remove_wave(s, w.stranger, w.programme, w.base.before_wave_id)),
        "listening.responses_page": _responses_page,
        "listening.result": refused(lambda w, s: listening.result(s, w.stranger, w.base.result_id)),
        "listening.result_now": refused(lambda w, s: listening.result_now(s, w.stranger, w.base.result_id)),
        "listening.run_analysis": _run_analysis,
        "listening.run_import": _run_import,
        "listening.search": refused(lambda w, s: listening.search(s, w.stranger, w.programme, "secret words")),
        "listening.explanation": refused(lambda w, s: listening.explanation(s, w.stranger, w.programme, w.comment_id)),
        "listening.run_explanation": _run_explanation,
        "listening.start_explanation": refused(
            lambda w, s: listening.start_explanation(s, w.stranger, programme_id=w.programme, comment_id=w.comment_id)
        ),
        "listening.start_analysis": refused(lambda w, s: listening.start_analysis(s, w.stranger, programme_id=w.programme)),
        "listening.start_import": refused(
            lambda w, s: listening.start_import(
                s,
                w.stranger,
                programme_id=w.programme,
                channel_id=w.channel_id,
                file=listening.check_file(w.file, name="ours.csv", mapping=Mapping(text="comment"), date_order=DateOrder.ISO),
            )
        ),
        "listening.store_results": _store_results,
        "listening.waves": nothing(lambda w, s: listening.waves(s, w.stranger, w.programme)),
        "planning.add_activity": refused(
            lambda w, s: planning.add_activity(s, w.stranger, message_id=w.message_id, medium="posters", start=DAY, end=DAY)
        ),
        "planning.campaign": refused(lambda w, s: planning.campaign(s, w.stranger, w.campaign_id)),
        "planning.campaign_named": _campaign_named,
        "planning.campaigns": nothing(lambda w, s: planning.campaigns(s, w.stranger, w.programme)),
        "planning.create_campaign": refused(lambda w, s: heard.campaign(s, w.stranger, w.base, name="x")),
        "planning.draft_message": _draft_message,
        "planning.fix_expected_effect": _fix_expected_effect,
        "planning.mistakes": refused(
            lambda w, s: planning.mistakes(s, w.stranger, listening_result_id=w.own.result_id, campaign_id=w.campaign_id)
        ),
        "planning.result_to_move": refused(lambda w, s: planning.result_to_move(s, w.stranger, w.base.result_id)),
        "planning.message": refused(lambda w, s: planning.message(s, w.stranger, w.message_id)),
        "planning.what_it_can_show": refused(
            lambda w, s: planning.what_it_can_show(s, w.stranger, listening_result_id=w.base.result_id)
        ),
        "evaluation.effects": nothing(lambda w, s: evaluation.effects(s, w.stranger, w.message_id)),
        "evaluation.latest_effect": nothing(lambda w, s: evaluation.latest_effect(s, w.stranger, w.message_id)),
        "evaluation.measure_effect": _measure_effect,
    }
)


# Done for the whole installation, with nothing handed out: what is kept no longer is taken away.
HOUSEKEEPING = {"listening.clear_uploads", "listening.run_retention", "listening.erase_again", "listening.write_decided"}
HOUSEKEEPING |= {"listening.every_retention", "accounts.end_every_way_in"}
# The chain of the log goes over all organisations, and nothing of what it says is handed out.
HOUSEKEEPING |= {"accounts.audit_fault", "accounts.audit_head", "accounts.chain_earlier_events"}
# At the door nobody is known yet: what is asked for is a secret, or comes from one that was checked.
DOOR = {
    *(
        "actor_for",
        "actor_of_token",
        "attempt",
        "bind_identity",
        "end_sign_in",
        "ensure_local",
        "first_link",
        "join",
        "keep_rehashed",
        "known",
    ),
    *("known_passkey", "known_passkeys", "local_actor", "open_link", "passkey_used", "signed_in", "start_sign_in", "use_code"),
    *("use_recovery_code", "note_use"),
}


def asking(service: ModuleType) -> list[str]:
    """Names of a service's functions that take an actor: those that reach into the database."""
    functions = [(name, getattr(service, name)) for name in service.__all__]
    return [name for name, thing in functions if inspect.isfunction(thing) and "actor" in inspect.signature(thing).parameters]


def test_every_function_of_a_service_has_a_case() -> None:
    functions = {f"{domain}.{name}" for domain, service in SERVICES.items() for name in asking(service)}
    assert functions == set(CASES)
    for domain, service in SERVICES.items():
        for name in service.__all__:
            thing = getattr(service, name)
            takes = set(inspect.signature(thing).parameters) if inspect.isfunction(thing) else set()
            if f"{domain}.{name}" in HOUSEKEEPING or (domain == "accounts" and name in DOOR):
                continue
            assert "actor" in takes or not any(word in ("session", "sessions") or word.endswith("_id") for word in takes), (
                f"{domain}.{name} reads or changes something, but not for anybody"
            )


def contents(sessions: Sessions) -> dict[str, int]:
    """How many rows each table has."""
    return {table.name: given.stored(sessions, f'SELECT count(*) FROM "{table.name}"')[0][0] for table in metadata.sorted_tables}


# Rows that a stranger's own work adds while a case is tried.
OWN = {"planning.fix_expected_effect": {"message": 1, "event": 1}, "listening.create_programme": {"programme": 2, "event": 2}}
OWN |= {"listening.level_words": {"event": 1}, "accounts.level_names": {"event": 1}, "accounts.set_level_names": {"event": 1}}


def test_one_organisation_reaches_nothing_of_another(world: World) -> None:
    wrong: dict[str, str] = {}
    before = contents(world.sessions)
    for function in sorted(CASES):
        try:
            CASES[function](world)
        except (Exception, pytest.fail.Exception) as error:
            wrong[function] = repr(error)
        after = contents(world.sessions)
        changed = {table: after[table] - before[table] for table in after if after[table] != before[table]}
        if changed != OWN.get(function, {}):
            wrong.setdefault(function, f"changed {changed}")
        before = after
    assert wrong == {}


def test_two_organisations_with_the_same_names_words_and_people_count_only_their_own(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path
) -> None:
    stranger = given.other_organisation(sessions)
    rows = [{"comment": "The same words", "person": "P1", "area": "Ash"}]
    path = given.table(tmp_path / "said.csv", rows)
    mapping = Mapping(text="comment", respondent="person", area="area")
    programmes = {who: given.programme(sessions, who) for who in (actor, stranger)}
    for who, programme in programmes.items():
        for _ in range(2):
            given.imported(sessions, who, settings, path, programme_id=programme, mapping=mapping)
    for who, programme in programmes.items():
        with sessions.reading() as session:
            (found,) = listening.all_programmes(session, who)
        assert (found.id, found.responses, found.comments) == (programme, 1, 1)
    assert len(set(given.stored(sessions, "SELECT key_hash FROM respondent"))) == 2


LEVELS = ("open", "official-sensitive", "concern")


@pytest.fixture
def mixed(sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path) -> tuple[int, int]:
    """A programme with words of every handling level, good rows and rejected ones: (programme, import)."""
    rows = [
        {"id": f"{n}", "date": "2026-03-01", "comment": f"words {level}", "handling": level} for n, level in enumerate(LEVELS)
    ]
    rows += [{"id": f"r{n}", "date": "?", "comment": f"words {level}", "handling": level} for n, level in enumerate(LEVELS)]
    rows += [{"id": "r9", "date": "?", "comment": "words of nobody knows", "handling": "secret-ish"}]
    programme = given.programme(sessions, actor)
    path = given.table(tmp_path / "mixed.csv", rows)
    run = given.imported(sessions, actor, settings, path, programme_id=programme)
    question = Mapping(identity="id", questions=("Have you heard?",), handling="handling")
    answers = [{"id": f"{n}", "Have you heard?": "Yes", "handling": level} for n, level in enumerate(LEVELS)]
    path = given.table(tmp_path / "answers.csv", answers)
    given.imported(sessions, actor, settings, path, programme_id=programme, channel="Survey", mapping=question)
    given.prepared(sessions, actor, settings, programme)
    return programme, run.id


@pytest.mark.parametrize("cleared", [0, 1, 2, 3], ids=["nothing", "open", "official-sensitive", "concern"])
def test_who_is_not_cleared_for_a_level_sees_neither_its_words_nor_how_many_there_are(
    sessions: Sessions, actor: Actor, mixed: tuple[int, int], cleared: int
) -> None:
    """Words and live counts, that is; stored results are figures and count every level (see freezing.store_results)."""
    programme, run = mixed
    levels = LEVELS[:cleared]
    reader = given.cleared_for(actor, *(HandlingLevel(level) for level in levels))
    with sessions.reading() as session:
        page = listening.comments_page(session, reader, programme)
        aside = listening.comments_page(session, reader, programme, set_aside=True)
        responses, many = listening.responses_page(session, reader, programme)
        records = listening.records(session, reader, programme)
        found = listening.programme(session, reader, programme)
        channels = listening.counts_by_channel(session, reader, programme)
        rejected = listening.rejected(session, reader, run)
    assert [said.words for said in page.comments] == [f"words {level}" for level in levels]
    assert page.total == aside.total == len(records.comments) == len(records.answers) == len(levels)
    assert (found.comments, found.responses) == (len(levels), 2 * len(levels))
    assert many == len(responses) == 2 * len(levels)
    assert {one.handling_level for one in responses} == set(levels)
    assert channels["responses"].sum() == 2 * len(levels)
    wanted = [f"words {level}" for level in levels] + (["words of nobody knows"] if cleared == 3 else [])
    assert [row.cells["comment"] for row in rejected] == wanted


def test_rejected_rows_of_a_file_without_levels_have_that_of_the_file(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path
) -> None:
    programme = given.programme(sessions, actor)
    path = given.table(tmp_path / "x.csv", [{"comment": "one", "date": "?"}, {"comment": "two", "date": "2026-03-01"}])
    level = HandlingLevel.OFFICIAL_SENSITIVE
    run = given.imported(sessions, actor, settings, path, programme_id=programme, handling_level=level)
    with sessions.reading() as session:
        assert listening.rejected(session, given.cleared_for(actor, HandlingLevel.OPEN), run.id) == []
        assert len(listening.rejected(session, given.cleared_for(actor, level), run.id)) == 1


def test_stored_results_count_every_level_and_hold_no_words(
    sessions: Sessions, actor: Actor, settings: Settings, mixed: tuple[int, int]
) -> None:
    programme, _ = mixed
    reader = given.cleared_for(actor, HandlingLevel.OPEN)
    listening.store_results(sessions, reader, programme)
    with sessions.reading() as session:
        table = listening.frozen_results(session, actor, programme, wave="", area="", segment="")
    # the concern is counted among the comments, and held back from the shares with its reason
    counted = {row["measure"]: (row["n"], row["not_coded"].get("held back as a concern", 0)) for row in table.to_dict("records")}
    assert counted["answer share"] == (2, 1)
    assert counted["comments"][0] == 3
    assert "words" not in table.to_json()
