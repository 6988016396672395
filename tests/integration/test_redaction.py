"""Names and numbers are taken out before anybody sees a comment; the original is one reasoned, recorded look away."""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Callable
from pathlib import Path
from typing import Any

import given
import numpy as np
import pytest
from every_table import fill
from page_client import PageClient, page_client
from pages_site import Site, open_site
from sqlalchemy import Engine, text

from commsapp.actor import Actor, HandlingLevel, Role
from commsapp.config import Settings
from commsapp.errors import BadInput, NotFound
from commsapp.listening import analysing, views
from commsapp.listening import service as listening
from commsapp.listening.keys import text_key
from commsapp.listening.redaction.kinds import REASON_IN_WORDS, REASONS
from commsapp.listening.redaction.redactor import Redactor, without_names
from commsapp.storage import codings, database, events, jobs
from commsapp.storage.embeddings import EmbeddingStore
from commsapp.storage.keyring import Keyring
from commsapp.storage.session import Session, Sessions, make_engine
from commsapp.textmodels.encoder import ENCODER_VERSION

NAME, PHONE, MAIL = "Bronwen Canary", "07700 900123", "canary@example.org"
WRITTEN = f"My name is {NAME}, ring {PHONE} or write to {MAIL}"
READ = "My name is [name], ring [phone number] or write to [e-mail address]"
SECRETS = ("Bronwen", "Canary", "900123", "canary@", "900 123")

ROWS = [
    {"id": "a", "date": "2026-03-01", "comment": WRITTEN},
    {
        "id": "b",
        "date": "2026-03-01",
        "comment": "Mae pobl ifanc yn gwerthu cyffuriau, " + PHONE,
        "translation": "Sold by " + PHONE,
    },
    {"id": "c", "date": "2026-03-01", "comment": WRITTEN + " now", "handling": "concern"},
    {"id": "d", "date": "2026-03-01", "comment": WRITTEN + " please", "consent": "log"},
    {"id": "e", "date": "2026-03-01", "comment": "Szkoła zadzwoniła do nas wczoraj, " + PHONE, "language": "pl"},
    {"id": "f", "date": "the day after", "comment": WRITTEN, "area": "Ash"},
    {"id": "g", "date": "2026-03-01", "comment": "More police at night"},
]
for _row in ROWS:
    _row.setdefault("consent", "log, analyse")
HEADER = ["id", "date", "comment", "translation", "handling", "consent", "language", "area"]


def imported(sessions: Sessions, actor: Actor, settings: Settings, folder: Path) -> int:
    programme = given.programme(sessions, actor)
    path = given.table(folder / "said.csv", ROWS, HEADER)
    given.imported(sessions, actor, settings, path, programme_id=programme)
    return programme


@pytest.fixture
def programme(sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path) -> int:
    return imported(sessions, actor, settings, tmp_path)


def prepare(sessions: Sessions, actor: Actor, settings: Settings, programme: int, redactor: Redactor, **how: Any) -> None:
    how = {"progress": views.quiet} | how
    analysing.prepare(sessions, actor, programme, readable=frozenset({"en"}), redactor=redactor, settings=settings, **how)


class Better(Redactor):
    """Patterns with a version as if a model were among them."""

    def __init__(self) -> None:
        super().__init__(None)
        self.version += "+a model/1"


def test_nobody_reads_a_comment_before_names_and_numbers_are_out(
    sessions: Sessions, actor: Actor, settings: Settings, programme: int
) -> None:
    said = given.everything_said(sessions, actor, programme)
    assert {(one.prepared, one.words, one.translation, one.redacted) for one in said} == {(False, "", "", False)}
    given.prepared(sessions, actor, settings, programme)
    said = given.everything_said(sessions, actor, programme)
    assert all(one.prepared for one in said)
    assert [one.words for one in said].count(READ) == 1
    shown = " ".join(one.words + one.translation for one in said)
    assert not [secret for secret in SECRETS if secret in shown]
    assert [one.redacted for one in said].count(False) == 1  # 'More police at night'


def test_what_can_not_be_coded_is_redacted_all_the_same_and_the_original_stays(
    sessions: Sessions, actor: Actor, settings: Settings, programme: int
) -> None:
    given.prepared(sessions, actor, settings, programme)
    said = {one.words: one for one in given.everything_said(sessions, actor, programme)}
    assert said[READ + " now"].handling_level == "concern"
    assert said[READ + " now"].not_coded == "held back as a concern"
    assert said[READ + " please"].not_coded == "no consent to analyse"
    assert said["Szkoła zadzwoniła do nas wczoraj, [phone number]"].not_coded == "language not read: pl"
    assert said["Mae pobl ifanc yn gwerthu cyffuriau, [phone number]"].translation == "Sold by [phone number]"
    written = given.everything_written(sessions, actor, programme)
    assert sorted(written) == sorted(row["comment"] for row in ROWS if row["id"] != "f")


def test_models_read_what_is_left_without_our_marks(sessions: Sessions, actor: Actor, settings: Settings, programme: int) -> None:
    given.prepared(sessions, actor, settings, programme)
    read = {row[0] for row in given.stored(sessions, "SELECT text_key FROM comment WHERE text_key IS NOT NULL")}
    wanted = ["My name is , ring or write to", "Sold by", "More police at night"]
    assert read == {text_key(settings.secret_key, one) for one in wanted}


def test_an_analysis_that_stops_half_way_goes_on_and_redacts_nothing_twice(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analysing, "BATCH", 5)
    programme = given.programme(sessions, actor)
    rows = [{"comment": f"Ring 07700 900{n:03d} about number {n}", "id": str(n)} for n in range(90)]
    given.imported(sessions, actor, settings, given.table(tmp_path / "many.csv", rows), programme_id=programme)
    seen: list[str] = []

    class Watched(Redactor):
        def _redacted(self, texts: list[str]) -> list[str]:
            seen.extend(one for one in texts if one)
            return super()._redacted(texts)

    def stop(stage: str, done: int, total: int) -> None:
        assert total >= done
        if done >= 40:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(sessions, actor, settings, programme, Watched(None), progress=stop)
    done = sum(one.prepared for one in given.everything_said(sessions, actor, programme))
    assert 0 < done < 90
    prepare(sessions, actor, settings, programme, Watched(None))
    said = given.everything_said(sessions, actor, programme)
    assert sorted(one.words for one in said) == sorted(f"Ring [phone number] about number {n}" for n in range(90))
    assert len(seen) == len(set(seen)) == 90


def test_a_better_version_prepares_all_again_and_a_lesser_one_never_puts_names_back(
    sessions: Sessions, actor: Actor, settings: Settings, programme: int
) -> None:
    def versions() -> set[str]:
        return {row[0] for row in given.stored(sessions, "SELECT redaction_version FROM comment")}

    given.prepared(sessions, actor, settings, programme)
    assert versions() == {without_names().version}
    assert not any(one.names_out for one in given.everything_said(sessions, actor, programme))
    prepare(sessions, actor, settings, programme, Better())
    assert versions() == {Better().version}
    assert all(one.names_out for one in given.everything_said(sessions, actor, programme))
    given.prepared(sessions, actor, settings, programme)
    assert versions() == {Better().version}


def test_what_was_found_of_words_that_were_prepared_anew_goes(
    sessions: Sessions, actor: Actor, settings: Settings, programme: int
) -> None:
    given.prepared(sessions, actor, settings, programme)
    changed, same = (one.id for one in given.everything_said(sessions, actor, programme)[:2])
    asked = {}
    with sessions.writing() as session:
        for comment in (changed, same):
            arguments: dict[str, object] = {"programme_id": programme, "comment_id": comment}
            asked[comment] = jobs.enqueue(session, actor, name="explain", arguments=arguments, programme_id=programme).id
            assert jobs.claim(session, asked[comment], "worker")
            jobs.finish(session, asked[comment], "worker", {"spans": [[0, 4]]})
        session.execute(text("UPDATE comment SET prepared = :no"), {"no": False})
        session.execute(text("UPDATE comment SET text_key = 'older' WHERE id = :id"), {"id": changed})
    given.prepared(sessions, actor, settings, programme)
    with sessions.reading() as session:
        kept = {comment: (jobs.any_job(session, number) or pytest.fail()).result for comment, number in asked.items()}
    assert kept == {changed: {}, same: {"spans": [[0, 4]]}}


def test_after_an_upgrade_words_are_hidden_until_they_are_redacted_and_codings_of_the_old_words_go(
    sessions: Sessions, actor: Actor, settings: Settings, programme: int
) -> None:
    given.prepared(sessions, actor, settings, programme)
    old, still = "key of the words with the name in them", text_key(sessions.keyring.hashing, "More police at night")
    with sessions.writing() as session:
        # As the migration leaves what an earlier version had prepared: the key of the unredacted text, and nothing to show.
        session.execute(text("UPDATE comment SET prepared = :no, redacted = '', redaction_version = ''"), {"no": False})
        session.execute(text("UPDATE comment SET text_key = :old WHERE text_key <> :still"), {"old": old, "still": still})
        coder = codings.model_coder(session, actor, name="sentiment", version="1")
        shared = {"organisation_id": actor.organisation_id, "coder_id": coder, "measure": "sentiment", "label": "neutral"}
        shared |= {"topic_id": None, "rank": 1, "probability": 1.0}
        codings.add_codings(session, [{**shared, "text_key": key} for key in (old, still)])
    with EmbeddingStore(settings.data_dir, ENCODER_VERSION, sessions.keyring) as store:
        store.put([old, still], np.eye(2, 384, dtype=np.float32))
    with EmbeddingStore(settings.data_dir, "an older encoder", sessions.keyring) as store:
        store.put([old, still], np.eye(2, 384, dtype=np.float32))
    assert not [one for one in given.everything_said(sessions, actor, programme) if one.words]
    given.prepared(sessions, actor, settings, programme)
    assert given.stored(sessions, "SELECT DISTINCT text_key FROM coding") == [(still,)]
    with EmbeddingStore(settings.data_dir, ENCODER_VERSION, sessions.keyring) as store:
        assert store.missing([old, still]) == [old]
    with EmbeddingStore(settings.data_dir, "an older encoder", sessions.keyring) as store:
        assert store.missing([old, still]) == [old]


def test_the_migration_marks_what_is_there_as_not_prepared(empty_url: str, tmp_path: Path) -> None:
    keyring = Keyring(tmp_path / "keys", "0123456789abcdef" * 4)
    database.upgrade(empty_url)
    engine: Engine = make_engine(empty_url, keyring=keyring)
    try:
        fill(engine)
        with engine.begin() as connection:
            connection.execute(text("UPDATE comment SET prepared = :yes"), {"yes": True})
        database.downgrade(empty_url, "0003", keyring=keyring)
        database.upgrade(empty_url, keyring=keyring)
        with engine.connect() as connection:
            [row] = connection.execute(text("SELECT prepared, redacted, redaction_version, text_key FROM comment"))
        assert (bool(row.prepared), row.redacted, row.redaction_version) == (False, "", "")
        assert row.text_key  # figures stay, and the next analysis knows whose codings to delete
    finally:
        engine.dispose()


def _ids(session: Session, actor: Actor, programme: int) -> dict[str, int]:
    return {one.words: one.id for one in listening.comments_page(session, actor, programme).comments}


def test_a_look_at_the_original_needs_a_reason_and_leaves_a_trace_in_the_same_transaction(
    sessions: Sessions, actor: Actor, settings: Settings, programme: int
) -> None:
    given.prepared(sessions, actor, settings, programme)
    reader = dataclasses.replace(actor, originals=True)
    with sessions.writing() as session:
        number = _ids(session, reader, programme)[READ]
        for wrong in ({"why": ""}, {"why": "because"}, {"why": REASON_IN_WORDS, "more": " "}):
            with pytest.raises(BadInput):
                listening.read_original(session, reader, programme, number, **wrong)
        assert events.history(session, reader, subject="comment", subject_id=number) == []
        said = listening.read_original(session, reader, programme, number, why=REASONS[0], more="She  may be\nthreatened")
        assert (said.original, said.words) == (WRITTEN, READ)
    with sessions.reading() as session:
        [event] = events.history(session, reader, subject="comment", subject_id=number)
    assert (event.action, event.person_id, event.why) == (
        "read original",
        actor.person_id,
        f"{REASONS[0]}: She may be threatened",
    )
    assert WRITTEN not in str(event.after) and NAME not in str(event.after)


def test_who_may_not_see_originals_or_that_handling_level_finds_nothing(
    sessions: Sessions, actor: Actor, settings: Settings, programme: int
) -> None:
    given.prepared(sessions, actor, settings, programme)
    reader = dataclasses.replace(actor, originals=True)
    with sessions.writing() as session:
        ids = _ids(session, reader, programme)
        refused = [
            (dataclasses.replace(actor, originals=False), ids[READ]),
            (given.cleared_for(reader, HandlingLevel.OPEN), ids[READ + " now"]),
            (reader, 10**6),
        ]
        for who, number in refused:
            with pytest.raises(NotFound):
                listening.read_original(session, who, programme, number, why=REASONS[0])
            with pytest.raises(NotFound):
                listening.comment_redacted(session, who, programme, number)
        assert (
            listening.read_original(session, reader, programme, ids[READ + " now"], why=REASONS[0]).original == WRITTEN + " now"
        )


# Pages.


@pytest.fixture
def site(tmp_path: Path, sqlite_template: Path) -> Site:
    return open_site(tmp_path, sqlite_template)


@pytest.fixture
def client(site: Site) -> PageClient:
    return page_client(site.app)


@pytest.fixture
def heard(site: Site, tmp_path: Path) -> int:
    made = imported(site.sessions, site.actor, site.settings, tmp_path)
    given.prepared(site.sessions, site.actor, site.settings, made)
    listening.store_results(site.sessions, site.actor, made)
    return made


def pages(site: Site, programme: int) -> list[str]:
    with site.sessions.reading() as session:
        run = listening.imports_of(session, site.actor, programme)[0].id
        ids = [one.id for one in listening.comments_page(session, site.actor, programme).comments]
    return [
        *(f"/programmes/{programme}", f"/programmes/{programme}/listening", f"/programmes/{programme}/set-aside"),
        *(f"/imports/{run}", *(f"/programmes/{programme}/comments/{number}/as-written" for number in ids)),
    ]


def test_no_page_of_listening_shows_a_name_or_a_number(
    client: PageClient, site: Site, heard: int, promise: Callable[[int, str], None]
) -> None:
    found, marks = [], 0
    for path in pages(site, heard):
        answer = client.get(path)
        assert answer.status_code == 200, path
        page = html.unescape(answer.get_data(as_text=True))
        marks += page.count("[phone number]")
        found += [(path, secret) for secret in SECRETS if secret in page]
    assert not found
    assert marks >= 10
    promise(6, f"0 names or numbers of comments in {len(pages(site, heard))} pages of listening, {marks} marks in their place")


def test_until_they_are_prepared_a_page_says_what_to_do(client: PageClient, site: Site, tmp_path: Path) -> None:
    made = imported(site.sessions, site.actor, site.settings, tmp_path)
    listening.store_results(site.sessions, site.actor, made)
    page = client.get(f"/programmes/{made}/set-aside").get_data(as_text=True)
    assert page.count("Names and numbers are being taken out first; start the analysis to see it.") == 6
    assert "Canary" not in page and "police at night" not in page


def test_without_the_model_of_names_pages_say_so(client: PageClient, site: Site, heard: int) -> None:
    page = client.get(f"/programmes/{heard}/set-aside").get_data(as_text=True)
    assert "Names are not taken out of all of these." in page
    prepare(site.sessions, site.actor, site.settings, heard, Better())
    assert "Names are not taken out" not in client.get(f"/programmes/{heard}/set-aside").get_data(as_text=True)


def look(client: PageClient, path: str, **sent: str) -> Any:
    return client.post(path, data={"csrf_token": client.token(path), **sent})


def test_the_original_is_shown_once_on_a_page_of_its_own_after_a_reason(client: PageClient, site: Site, heard: int) -> None:
    aside = f"/programmes/{heard}/set-aside"
    listed = client.get(aside).get_data(as_text=True)
    with site.sessions.reading() as session:
        number = _ids(session, site.actor, heard)[READ]
    path = f"/programmes/{heard}/comments/{number}/as-written?back={aside}"
    assert html.escape(f"/programmes/{heard}/comments/{number}/as-written?back=") in listed

    refused = look(client, path)
    assert refused.status_code == 422 and "Canary" not in refused.get_data(as_text=True)
    assert look(client, path, why=REASON_IN_WORDS).status_code == 422
    with site.sessions.reading() as session:
        assert events.history(session, site.actor, subject="comment", subject_id=number) == []

    shown = look(client, path, why=REASONS[1], more="To plan")
    page = shown.get_data(as_text=True)
    assert shown.status_code == 200 and NAME in page and PHONE in page
    assert shown.headers["Cache-Control"] == "no-store"
    assert f'href="{aside}"' in page
    with site.sessions.reading() as session:
        [event] = events.history(session, site.actor, subject="comment", subject_id=number)
    assert event.why == f"{REASONS[1]}: To plan"


@pytest.mark.parametrize("back", ["//example.org", "https://example.org", "/programmes/999/x", "/programmes/1/..//example.org"])
def test_the_way_back_never_leads_elsewhere(client: PageClient, site: Site, heard: int, back: str) -> None:
    with site.sessions.reading() as session:
        number = _ids(session, site.actor, heard)[READ]
    page = client.get(f"/programmes/{heard}/comments/{number}/as-written?back={back}").get_data(as_text=True)
    assert f'href="{back}"' not in page


def test_who_may_not_see_originals_gets_neither_link_nor_page(client: PageClient, site: Site, heard: int) -> None:
    with site.sessions.reading() as session:
        number = _ids(session, site.actor, heard)[READ]
    path = f"/programmes/{heard}/comments/{number}/as-written"
    token = client.token(path)
    assert token
    lesser = site.client(Role.ADMINISTRATOR, levels=list(HandlingLevel))
    assert "as-written" not in lesser.get(f"/programmes/{heard}/set-aside").get_data(as_text=True)
    assert lesser.get(path).status_code == 404
    assert lesser.post(path, data={"csrf_token": lesser.token("/account"), "why": REASONS[0]}).status_code == 404
