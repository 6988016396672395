"""Listening results as they are stored: what each figure carries, what may be called people, and what never changes."""

from __future__ import annotations

import dataclasses
import inspect
import math
from datetime import date
from pathlib import Path

import given
import heard
import numpy as np
import pandas as pd
import pytest
from sqlalchemy import text

from commsapp.actor import Actor, HandlingLevel
from commsapp.config import Settings
from commsapp.errors import Conflict, NotFound
from commsapp.evaluation import service as evaluation
from commsapp.listening import service as listening
from commsapp.listening.columns import Mapping
from commsapp.planning import service as planning
from commsapp.storage import campaigns, codings, responses
from commsapp.storage import results as results_of_storage
from commsapp.storage.base import Under
from commsapp.storage.keyring import MAIN
from commsapp.storage.session import Sessions
from commsapp.textmodels.tone import LABELS

QUESTION = "Have you heard of it?"
KEYS = ["t1", "t2", "t3"]
CHANCES = [(0.7, 0.2, 0.1), (0.1, 0.2, 0.7), (0.2, 0.6, 0.2)]


def survey(sessions: Sessions, actor: Actor, settings: Settings, folder: Path, programme: int, *, yes: int, **how: str) -> None:
    """20 people asked in May, so many of whom say Yes."""
    day = how.pop("day", "2026-05-10")
    rows = [{"date": day, "area": "Ash", QUESTION: "Yes" if n < yes else "No"} for n in range(20)]
    mapping = Mapping(date="date", area="area", questions=(QUESTION,))
    path = given.table(folder / f"{how.get('channel', 'Survey')}.csv", rows)
    given.imported(sessions, actor, settings, path, programme_id=programme, mapping=mapping, **how)


def coded(sessions: Sessions, actor: Actor, settings: Settings, folder: Path, programme: int) -> None:
    """40 comments of three months and two areas, coded as a model would: on two topics or none, six not coded."""
    ages, areas = ("16-24", "65+", ""), ("Ash", "Birch")
    rows = [
        {"date": f"2026-0{3 + n % 3}-{n % 28 + 1:02}", "area": areas[n % 2], "age": ages[n % 3], "comment": f"c {n}"}
        for n in range(40)
    ]
    given.imported(sessions, actor, settings, given.table(folder / "said.csv", rows), programme_id=programme)
    with sessions.reading() as session:
        comments = responses.comment_frame(session, actor, programme)
    left_out = {5: "language not read: cy", 6: "language not read: pl", 7: "empty", 8: "empty", 9: "no words", 10: "empty"}
    rows_prepared = [
        {
            "comment_id": row.comment_id,
            "language": "en",
            "redacted": Under(MAIN, ""),
            "redacted_translation": Under(MAIN, ""),
            "redaction_version": "by hand+names",
            "analysis_text": None if n in left_out else Under(MAIN, KEYS[n % 3]),
            "text_key": None if n in left_out else KEYS[n % 3],
            "from_translation": False,
            "not_coded": left_out.get(n, ""),
        }
        for n, row in enumerate(comments)
    ]
    with sessions.writing() as session:
        responses.set_prepared(session, rows_prepared)
        version = codings.add_version(
            session,
            programme_id=programme,
            granularity="medium",
            encoder_version="test",
            threshold=0.5,
            fingerprint="0123456789abcdef",
            topics=[
                {"number": k, "name": name, "phrases": [], "centroid": np.zeros(3, "<f4").tobytes(), "size": 1}
                for k, name in enumerate(("bins", "scams"))
            ],
        )
        topics = [topic.id for topic in codings.topics(session, version.id)]
        topic_coder = codings.model_coder(
            session, actor, name="topic assigner", version=f"codebook-version/{version.id}/{version.fingerprint[:12]}"
        )
        tone_coder = codings.model_coder(session, actor, name="sentiment", version="tone 1")
        emotion_coder = codings.model_coder(session, actor, name="emotion", version="tone 1")
        for key, topic, chances in zip(KEYS, [*topics, None], CHANCES, strict=True):
            said = {"organisation_id": actor.organisation_id, "text_key": key, "label": "", "topic_id": None}
            about = {**said, "coder_id": topic_coder, "measure": "topic", "topic_id": topic, "rank": 1, "probability": 0.9}
            felt = [
                {**said, "coder_id": tone_coder, "measure": "sentiment", "label": label, "rank": rank, "probability": chance}
                for rank, (label, chance) in enumerate(zip(LABELS, chances, strict=True), 1)
            ]
            heard = {**said, "coder_id": emotion_coder, "measure": "emotion", "rank": 1, "probability": 0.9}
            heard["label"] = "anger" if chances[0] > chances[2] else ""
            codings.add_codings(session, [about, *felt, heard])
    listening.store_results(sessions, actor, programme)


def results(sessions: Sessions, actor: Actor, programme: int, **where: str) -> pd.DataFrame:
    with sessions.reading() as session:
        return listening.frozen_results(session, actor, programme, **where)


@pytest.fixture
def programme(sessions: Sessions, actor: Actor) -> int:
    return given.programme(sessions, actor)


def test_every_result_has_n_an_interval_and_says_how_people_were_chosen(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path, programme: int
) -> None:
    coded(sessions, actor, settings, tmp_path, programme)
    survey(sessions, actor, settings, tmp_path, programme, yes=7, channel="Survey", chosen="random")
    listening.store_results(sessions, actor, programme)
    table = results(sessions, actor, programme)
    assert set(table["measure"]) == {
        *("topic share", "tone", "topic tone", "unsure share", "emotion share", "topic unsure share", "topic emotion share"),
        *("answer share", "comments"),
    }
    for row in table.to_dict("records"):
        assert row["n"] > 0, row
        assert 0 < row["n_effective"] <= row["n"] + 1e-9, row
        assert all(math.isfinite(row[name]) for name in ("value", "low", "high")), row
        assert row["low"] <= row["value"] <= row["high"], row
        assert row["measure"] == "comments" or row["low"] < row["high"], row
        assert row["chosen"] in ("share of people", "share of feedback"), row
        assert not row["corrected"], row
    assert {"March 2026", "April 2026", "May 2026", ""} == set(table["wave"])
    assert {"Ash", "Birch", ""} == set(table["area"])
    channels = {"feedback channel = Survey", "feedback channel = Event"}
    assert {"age = 16-24", "age = 65+", ""} | channels == set(table["segment"])
    asked = table[table["measure"] == "answer share"]
    assert (asked["codebook_version"] == "").all()
    assert table.loc[table["measure"] == "topic share", "codebook_version"].eq("version 1 (01234567)").all()
    assert table.loc[table["measure"] == "tone", "model_version"].eq("tone 1").all()


def test_what_was_not_coded_adds_up_in_every_cell(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path, programme: int
) -> None:
    coded(sessions, actor, settings, tmp_path, programme)
    with sessions.reading() as session:
        heard_here = listening.records(session, actor, programme)
        summary = listening.latest_summary(session, actor, programme)
    assert summary is not None
    assert summary.not_coded == {"language not read: cy": 1, "language not read: pl": 1, "empty": 3, "no words": 1}
    assert (summary.comments, summary.set_aside) == (40, 6)
    table = results(sessions, actor, programme)
    for row in table.to_dict("records"):
        place = {name: row[name] for name in ("wave", "area", "segment")}
        cell = listening.narrowed(heard_here.comments, heard_here.waves, **place)
        missing = int((cell["not_coded_reason"] != "").sum())
        assert sum(row["not_coded"].values()) == missing, row
        of_topic = row["measure"] in ("topic tone", "topic unsure share", "topic emotion share")
        about = cell["topic_name"] == row["item"].partition(": ")[0] if of_topic else cell["not_coded_reason"] == ""
        assert row["n"] == (len(cell) if row["measure"] == "comments" else about.sum()), row
    shares = table[(table["measure"] == "topic share") & (table["wave"] == "") & (table["area"] == "") & (table["segment"] == "")]
    assert dict(zip(shares["item"], shares["value"] * 34, strict=True)) == pytest.approx(
        {"bins": 12, "scams": 11, "No topic": 11}
    )


@pytest.mark.parametrize(
    ("chosen", "share"),
    [
        (("random",), "share of people"),
        (("random", "quota"), "share of people"),
        (("opt-in",), "share of feedback"),
        (("everything",), "share of feedback"),
        (("random", "opt-in"), "share of feedback"),
    ],
)
def test_a_share_is_of_people_only_where_all_of_them_were_drawn(
    sessions: Sessions,
    actor: Actor,
    settings: Settings,
    tmp_path: Path,
    programme: int,
    chosen: tuple[str, ...],
    share: str,
) -> None:
    for way in chosen:
        survey(sessions, actor, settings, tmp_path, programme, yes=5, channel=way, chosen=way)
    listening.store_results(sessions, actor, programme)
    assert set(results(sessions, actor, programme, segment="")["chosen"]) == {share}


def test_each_channel_of_a_mixed_programme_has_figures_of_its_own(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path, programme: int
) -> None:
    survey(sessions, actor, settings, tmp_path, programme, yes=5, channel="Drawn", chosen="random")
    listening.store_results(sessions, actor, programme)
    assert set(results(sessions, actor, programme)["segment"]) == {""}  # one channel is no choice
    survey(sessions, actor, settings, tmp_path, programme, yes=15, channel="Came by", chosen="opt-in")
    listening.store_results(sessions, actor, programme)
    yes = results(sessions, actor, programme, item=f"{QUESTION}: Yes", wave="", area="").set_index("segment")
    assert yes["value"].to_dict() == {"": 0.5, "feedback channel = Drawn": 0.25, "feedback channel = Came by": 0.75}
    assert yes.loc["feedback channel = Drawn", "chosen"] == "share of people"
    assert yes.loc["feedback channel = Came by", "chosen"] == "share of feedback"


def test_a_response_counts_in_every_wave_that_its_day_lies_in(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path, programme: int
) -> None:
    with sessions.writing() as session:
        for name, first, last in (("May", 1, 31), ("Week", 4, 10), ("One day", 10, 10), ("After", 11, 31)):
            listening.add_wave(session, actor, programme, name=name, start=date(2026, 5, first), end=date(2026, 5, last))
    survey(sessions, actor, settings, tmp_path, programme, yes=5)
    listening.store_results(sessions, actor, programme)
    yes = results(sessions, actor, programme, item=f"{QUESTION}: Yes", area="", segment="")
    assert dict(zip(yes["wave"], yes["n"], strict=True)) == {"": 20, "May": 20, "Week": 20, "One day": 20}
    with sessions.reading() as session:  # and no month was added to the waves that somebody made
        assert len(listening.waves(session, actor, programme)) == 4


def test_a_wave_that_is_taken_away_takes_nothing_with_it(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path, programme: int
) -> None:
    survey(sessions, actor, settings, tmp_path, programme, yes=5)
    listening.store_results(sessions, actor, programme)
    frozen = results(sessions, actor, programme, wave="May 2026", area="", segment="", item=f"{QUESTION}: Yes")
    cite(sessions, programme, int(frozen["id"].iloc[0]))
    with sessions.writing() as session:
        (wave,) = listening.waves(session, actor, programme)
        listening.remove_wave(session, actor, programme, wave.id)
        listening.add_wave(session, actor, programme, name="Spring", start=date(2026, 3, 1), end=date(2026, 5, 31))
    listening.store_results(sessions, actor, programme)
    now = results(sessions, actor, programme, area="", segment="", item=f"{QUESTION}: Yes")
    assert dict(zip(now["wave"], now["n"], strict=True)) == {"": 20, "Spring": 20}
    with sessions.reading() as session:
        cited = int(frozen["id"].iloc[0])
        assert listening.result(session, actor, cited).wave == "May 2026"
        assert listening.result_now(session, actor, cited) is None


def test_a_wave_that_an_effect_is_measured_with_stays(sessions: Sessions, actor: Actor) -> None:
    base = heard.programme(sessions, actor)
    with sessions.writing() as session:
        planned = heard.message(session, actor, base, heard.campaign(session, actor, base).id)
        planning.fix_expected_effect(session, actor, message_id=planned.id, **heard.expectation(base))  # type: ignore[arg-type]
    with sessions.writing() as session, pytest.raises(Conflict):
        listening.remove_wave(session, actor, base.programme_id, base.before_wave_id)


def cite(sessions: Sessions, programme: int, result: int) -> None:
    """A message that answers a result."""
    with sessions.writing() as session:
        days = {"start": date(2026, 5, 1), "end": date(2026, 6, 1)}
        campaign = campaigns.Campaign(programme_id=programme, name=f"On {result}", approach="deterrence", **days)
        session.add(campaign)
        session.flush()
        session.add(campaigns.Message(campaign_id=campaign.id, listening_result_id=result, text="Call us"))


def test_a_frozen_result_stays_while_the_same_query_now_gives_another_figure(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path, programme: int
) -> None:
    survey(sessions, actor, settings, tmp_path, programme, yes=5)
    listening.store_results(sessions, actor, programme)
    cited = int(results(sessions, actor, programme, item=f"{QUESTION}: Yes", wave="May 2026", area="Ash")["id"].iloc[0])
    with sessions.reading() as session:
        before = listening.result(session, actor, cited)
        assert listening.result_now(session, actor, cited) == before
    cite(sessions, programme, cited)
    survey(sessions, actor, settings, tmp_path, programme, yes=15, channel="Second")
    listening.store_results(sessions, actor, programme)
    with sessions.reading() as session:
        assert listening.result(session, actor, cited) == before
        now = listening.result_now(session, actor, cited)
    assert now is not None
    assert (before.n, before.value) == (20, 0.25)
    assert (now.n, now.value) == (40, 0.5)


def test_what_is_cited_never_changes_and_older_sets_keep_nothing_else(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path, programme: int
) -> None:
    survey(sessions, actor, settings, tmp_path, programme, yes=5)
    listening.store_results(sessions, actor, programme)
    query = "SELECT * FROM listening_result ORDER BY id"
    cited = int(results(sessions, actor, programme, item=f"{QUESTION}: Yes", area="Ash", segment="")["id"].iloc[0])
    cite(sessions, programme, cited)
    (old,) = given.stored(sessions, f"SELECT * FROM listening_result WHERE id = {cited}")
    survey(sessions, actor, settings, tmp_path, programme, yes=9, channel="Second")
    with sessions.writing() as session:
        (wave,) = listening.waves(session, actor, programme)
        listening.remove_wave(session, actor, programme, wave.id)
    listening.run_analysis(sessions, actor, programme_id=programme, settings=settings)
    listening.store_results(sessions, actor, programme)
    left = given.stored(sessions, query)
    assert left[0] == old
    sets = given.stored(sessions, "SELECT count(*), result_set_id FROM listening_result GROUP BY result_set_id ORDER BY 2")
    assert [count for count, _ in sets] == [1, len(left) - 1], "what is cited, and the latest set"
    assert [number for _, number in sets] == [row[0] for row in given.stored(sessions, "SELECT id FROM result_set ORDER BY id")]
    for service in (listening, planning, evaluation):
        for name in service.__all__:
            verb = name.partition("_")[0]
            assert "result" not in name or verb not in {"update", "change", "edit", "delete", "remove"}, name
    storage = inspect.getsource(results_of_storage)
    assert "update(" not in storage
    assert "delete(" not in storage


def test_views_are_frozen(sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path, programme: int) -> None:
    survey(sessions, actor, settings, tmp_path, programme, yes=5)
    listening.store_results(sessions, actor, programme)
    with sessions.reading() as session:
        found = listening.result(session, actor, int(results(sessions, actor, programme)["id"].iloc[0]))
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.value = 1.0  # type: ignore[misc]


def test_results_of_a_programme_that_is_not_there_are_not_stored(sessions: Sessions, actor: Actor) -> None:
    with pytest.raises(NotFound):
        listening.store_results(sessions, actor, 4711)
    assert given.stored(sessions, "SELECT id FROM result_set") == []


def test_each_month_in_which_something_was_heard_is_proposed_as_a_wave_once(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path, programme: int
) -> None:
    for day in ("2025-12-31", "2026-02-28"):
        survey(sessions, actor, settings, tmp_path, programme, yes=5, channel=day, day=day)
    for _ in range(2):
        listening.store_results(sessions, actor, programme)
    with sessions.reading() as session:
        waves = [(wave.name, wave.start, wave.end) for wave in listening.waves(session, actor, programme)]
    assert waves == [
        ("December 2025", date(2025, 12, 1), date(2025, 12, 31)),
        ("February 2026", date(2026, 2, 1), date(2026, 2, 28)),
    ]


def test_a_month_in_which_only_a_concern_was_heard_is_a_wave_for_those_alone_who_may_read_it(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path, programme: int
) -> None:
    survey(sessions, actor, settings, tmp_path, programme, yes=5, channel="Open", day="2026-01-05")
    survey(sessions, actor, settings, tmp_path, programme, yes=5, channel="Kept", day="2023-08-05")
    with sessions.writing() as session:
        session.execute(text("UPDATE response SET handling_level = 'concern' WHERE date < '2024-01-01'"))
    listening.store_results(sessions, actor, programme)
    reader = given.cleared_for(actor, HandlingLevel.OPEN, HandlingLevel.OFFICIAL_SENSITIVE)
    with sessions.reading() as session:
        assert [wave.name for wave in listening.waves(session, reader, programme)] == ["January 2026"]
        assert [wave.name for wave in listening.waves(session, actor, programme)] == ["August 2023", "January 2026"]
    with sessions.writing() as session:  # what was remembered of the days goes with the change
        session.execute(text("UPDATE response SET handling_level = 'open' WHERE date < '2024-01-01'"))
    with sessions.reading() as session:
        assert [wave.name for wave in listening.waves(session, reader, programme)] == ["August 2023", "January 2026"]


def test_months_that_come_later_are_proposed_but_none_that_somebody_took_away(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path, programme: int
) -> None:
    for day in ("2026-01-05", "2026-02-05"):
        survey(sessions, actor, settings, tmp_path, programme, yes=5, channel=day, day=day)
    listening.store_results(sessions, actor, programme)
    with sessions.writing() as session:
        listening.remove_wave(session, actor, programme, listening.waves(session, actor, programme)[0].id)
    survey(sessions, actor, settings, tmp_path, programme, yes=5, channel="March", day="2026-03-05")
    summary = listening.store_results(sessions, actor, programme)
    with sessions.reading() as session:
        assert [wave.name for wave in listening.waves(session, actor, programme)] == ["February 2026", "March 2026"]
    assert (summary.between_waves, summary.undated) == (20, 0)
    with sessions.writing() as session:  # from the first wave made by hand on, none is proposed, also where it looks like a month
        listening.add_wave(session, actor, programme, name="May 2026", start=date(2026, 5, 1), end=date(2026, 5, 31))
    survey(sessions, actor, settings, tmp_path, programme, yes=5, channel="June", day="2026-06-05")
    survey(sessions, actor, settings, tmp_path, programme, yes=5, channel="Some day", day="")
    summary = listening.store_results(sessions, actor, programme)
    with sessions.reading() as session:
        assert [wave.name for wave in listening.waves(session, actor, programme)] == ["February 2026", "March 2026", "May 2026"]
    assert (summary.between_waves, summary.undated) == (40, 20)


def test_an_attribute_that_is_called_like_the_channels_keeps_its_own_choices(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path, programme: int
) -> None:
    for channel in ("One", "Two"):
        rows = [{"feedback channel": way, QUESTION: "Yes", "id": f"{channel} {way}"} for way in ("phone", "web")]
        mapping = Mapping(identity="id", attributes=("feedback channel",), questions=(QUESTION,))
        path = given.table(tmp_path / f"{channel}.csv", rows)
        given.imported(sessions, actor, settings, path, programme_id=programme, mapping=mapping, channel=channel)
    listening.store_results(sessions, actor, programme)
    assert set(results(sessions, actor, programme)["segment"]) == {"", "feedback channel = phone", "feedback channel = web"}
    with sessions.reading() as session:
        assert listening.attributes(session, actor, programme) == {"feedback channel": ("phone", "web")}


def test_areas_that_are_not_weighted_are_said(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path, programme: int
) -> None:
    with sessions.writing() as session:
        for name, people in (("Ash", 1_000), ("Birch", 9_000)):
            listening.add_area(session, actor, programme, name=name, population=people)
    for channel, chosen, areas, weight, said in (
        ("Inbox", "opt-in", ("Ash", "Birch"), "", False),
        ("Ash alone", "random", ("Ash",), "", False),
        ("Both", "random", ("Ash", "BIRCH "), "", True),
        ("Weighted", "random", ("Ash", "birch"), "0.5", False),
    ):
        rows = [{"area": areas[n % len(areas)], QUESTION: "Yes", "weight": weight} for n in range(10)]
        path = given.table(tmp_path / f"{channel}.csv", rows)
        mapping = Mapping(area="area", weight="weight" if weight else None, questions=(QUESTION,))
        given.imported(sessions, actor, settings, path, programme_id=programme, mapping=mapping, channel=channel, chosen=chosen)
        assert listening.store_results(sessions, actor, programme).areas_unweighted is said, channel
    with sessions.reading() as session:
        assert [area.name for area in listening.areas(session, actor, programme)] == ["Ash", "Birch"]
