"""Nobody is shown a figure from which they could work out what somebody said whose words they may not read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import given
import heard as sample
import pandas as pd
import pytest
import said
from sqlalchemy import text
from test_results import cite

from commsapp.actor import Actor, HandlingLevel
from commsapp.config import Settings
from commsapp.errors import NotFound
from commsapp.evaluation.comparing import without_few
from commsapp.evaluation.outcomes import OUTCOME, Outcomes
from commsapp.listening import service as listening
from commsapp.listening.views import Wave
from commsapp.storage.session import Sessions

OPEN, SENSITIVE, CONCERN = HandlingLevel
CELL = ["measure", "item", "wave", "area", "segment"]
FIGURES = [*CELL, "value", "low", "high", "n", "n_effective"]


def row(number: int, level: HandlingLevel, comment: str, age: str) -> dict[str, str]:
    return {
        "id": f"r{number}", "comment": comment, "age": age, "area": "Ash", "handling": level, "consent": "log; analyse",
        "Trust?": "No" if level is SENSITIVE else "Yes",
    }  # fmt: skip


@pytest.fixture
def programme(sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path) -> int:
    """12 open responses, 2 official-sensitive ones of an age that nobody else has, one concern."""
    rows = [row(n, OPEN, f"bins {n}", "25-44") for n in range(12)]
    rows += [row(n, SENSITIVE, f"a man at {n}", "85+") for n in (20, 21)]
    rows += [row(30, CONCERN, "help", "25-44")]
    path = given.table(tmp_path / "mixed.csv", rows)
    programme = given.programme(sessions, actor)
    mapping = given.columns(path)
    mapping = given.dataclasses.replace(mapping, questions=("Trust?",))
    given.imported(sessions, actor, settings, path, programme_id=programme, mapping=mapping)
    listening.store_results(sessions, actor, programme)
    return programme


def table(sessions: Sessions, reader: Actor, programme: int) -> pd.DataFrame:
    with sessions.reading() as session:
        return listening.frozen_results(session, reader, programme)


def test_everybody_is_shown_the_figures_of_the_responses_that_they_may_read(
    sessions: Sessions, actor: Actor, programme: int, promise: Callable[[int, str], None]
) -> None:
    counts = {}
    for levels in ((OPEN,), (OPEN, SENSITIVE), (OPEN, CONCERN), tuple(HandlingLevel)):
        found = table(sessions, given.cleared_for(actor, *levels), programme)
        whole = found[(found["measure"] == "answer share") & (found["wave"] == "") & (found["area"] == "")]
        whole = whole[(whole["segment"] == "") & (whole["item"] == "Trust?: Yes")]
        comments = found[(found["measure"] == "comments") & (found["wave"] + found["area"] + found["segment"] == "")]
        counts[len(levels), CONCERN in levels] = (int(whole["n"].iloc[0]), int(comments["value"].iloc[0]))
    assert counts == {(1, False): (12, 12), (2, False): (14, 14), (2, True): (12, 12), (3, True): (14, 15)}
    promise(6, "4 clearances, each shown figures of the responses it may read and of no other")


def test_the_figures_of_the_open_responses_are_those_of_a_programme_that_has_no_others(
    sessions: Sessions, actor: Actor, settings: Settings, programme: int, tmp_path: Path
) -> None:
    path = given.table(tmp_path / "open.csv", [row(n, OPEN, f"bins {n}", "25-44") for n in range(12)])
    alone = given.programme(sessions, actor, name="Open only")
    mapping = given.dataclasses.replace(given.columns(path), questions=("Trust?",))
    given.imported(sessions, actor, settings, path, programme_id=alone, mapping=mapping)
    listening.store_results(sessions, actor, alone)
    reader = given.cleared_for(actor, OPEN)
    shown, wanted = (table(sessions, reader, one)[FIGURES].sort_values(CELL, ignore_index=True) for one in (programme, alone))
    pd.testing.assert_frame_equal(shown, wanted)


def test_a_choice_that_only_hidden_responses_gave_is_not_named(sessions: Sessions, actor: Actor, programme: int) -> None:
    with sessions.reading() as session:
        assert listening.attributes(session, actor, programme) == {"age": ("25-44", "85+")}
        assert listening.attributes(session, given.cleared_for(actor, OPEN), programme) == {"age": ("25-44",)}
    shown = table(sessions, given.cleared_for(actor, OPEN), programme)
    assert not shown.apply(lambda column: column.astype(str).str.contains("85")).any().any()


def test_a_cited_result_is_shown_as_far_as_one_may_read(sessions: Sessions, actor: Actor, programme: int) -> None:
    found = table(sessions, actor, programme)
    cited = found[(found["item"] == "Trust?: No") & (found["wave"] + found["area"] + found["segment"] == "")]["id"].iloc[0]
    reader = given.cleared_for(actor, OPEN, SENSITIVE)
    with sessions.reading() as session:
        assert listening.result(session, actor, int(cited)).n == 14
        assert listening.result(session, reader, int(cited)).n == 14
        with pytest.raises(NotFound):  # nobody who may be read said so
            listening.result(session, given.cleared_for(actor, OPEN), int(cited))


def test_a_cited_result_of_an_older_analysis_is_shown_as_far_as_one_may_read(
    sessions: Sessions, actor: Actor, programme: int
) -> None:
    found = table(sessions, actor, programme)
    cited = found[(found["item"] == "Trust?: Yes") & (found["wave"] + found["area"] + found["segment"] == "")]["id"].iloc[0]
    cite(sessions, programme, int(cited))
    listening.store_results(sessions, actor, programme)
    for levels, n in (((OPEN,), 12), ((OPEN, SENSITIVE), 14), (tuple(HandlingLevel), 14)):
        with sessions.reading() as session:
            assert listening.result(session, given.cleared_for(actor, *levels), int(cited)).n == n
    of_set = f"SELECT result_set_id FROM listening_result WHERE id = {int(cited)}"
    left = given.stored(sessions, f"SELECT levels FROM listening_result WHERE result_set_id = ({of_set})")
    assert len(left) == 3, "the cited one, and the same for two narrower clearances"


def test_the_summary_counts_what_one_may_read_and_says_so(sessions: Sessions, actor: Actor, programme: int) -> None:
    with sessions.reading() as session:
        whole = listening.latest_summary(session, actor, programme)
        shown = listening.latest_summary(session, given.cleared_for(actor, OPEN), programme)
    assert whole is not None and shown is not None
    assert (whole.comments, shown.comments) == (15, 12)
    assert (whole.set_aside, shown.set_aside) == (15, 12)
    assert (whole.narrowed, shown.narrowed) == (False, True)


def test_results_of_a_programme_with_open_responses_alone_are_stored_once(sessions: Sessions, actor: Actor) -> None:
    programme = sample.programme(sessions, actor).programme_id
    assert given.stored(sessions, "SELECT DISTINCT levels FROM listening_result") == [("",)]
    open_only = table(sessions, given.cleared_for(actor, OPEN), programme)
    pd.testing.assert_frame_equal(open_only, table(sessions, actor, programme))


def test_figures_computed_before_a_confidential_file_came_are_still_shown(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path
) -> None:
    programme = sample.programme(sessions, actor).programme_id
    path = given.table(tmp_path / "x.csv", [{"id": "z", "comment": "a name", "handling": SENSITIVE}])
    given.imported(sessions, actor, settings, path, programme_id=programme)
    assert len(table(sessions, given.cleared_for(actor, OPEN), programme)) == len(table(sessions, actor, programme)) > 0


def test_one_who_may_read_nothing_is_shown_no_figure(sessions: Sessions, actor: Actor, programme: int) -> None:
    assert table(sessions, given.cleared_for(actor), programme).empty
    with sessions.reading() as session:
        assert listening.latest_summary(session, given.cleared_for(actor), programme) is None
        assert listening.attributes(session, given.cleared_for(actor), programme) == {}


def test_results_of_the_made_up_comments_hide_the_one_confidential_comment(sessions: Sessions, actor: Actor) -> None:
    made = sample.programme(sessions, actor)
    said.add(sessions, actor, made.programme_id)
    reader = given.cleared_for(actor, OPEN)
    with sessions.reading() as session:
        counted = [
            listening.frozen_results(session, who, made.programme_id, measure="comments", wave="", area="", segment="")
            for who in (actor, reader)
        ]
    assert [int(one["value"].iloc[0]) for one in counted] == [47, 46]


def _outcomes(sensitive_before: int, sensitive_after: int) -> Outcomes:
    waves = {"2026-01-05": sensitive_before, "2026-02-05": sensitive_after}
    rows = [
        {"date": day, "area": "Ash", OUTCOME: 1.0, "handling_level": level}
        for day, few in waves.items()
        for level in [OPEN] * 30 + [SENSITIVE] * few
    ]
    return Outcomes(pd.DataFrame(rows), pd.DataFrame())


@pytest.mark.parametrize(
    ("before", "after", "left_out"), [(0, 0, False), (10, 12, False), (0, 10, False), (9, 12, True), (12, 1, True)]
)
def test_an_effect_counts_confidential_responses_only_where_a_wave_has_enough_of_them(
    before: int, after: int, left_out: bool
) -> None:
    waves = [
        Wave(1, "January", pd.Timestamp("2026-01-01").date(), pd.Timestamp("2026-01-31").date()),
        Wave(2, "February", pd.Timestamp("2026-02-01").date(), pd.Timestamp("2026-02-28").date()),
    ]
    kept = without_few(_outcomes(before, after), (), waves)
    assert len(kept.table) == 60 + (0 if left_out else before + after)


def test_topics_named_by_confidential_comments_are_kept_from_those_who_may_not_read_them(
    sessions: Sessions, actor: Actor
) -> None:
    made = sample.programme(sessions, actor)
    said.add(sessions, actor, made.programme_id)
    reader = given.cleared_for(actor, OPEN)
    with sessions.reading() as session:
        shown = listening.codebook_in_use(session, reader, made.programme_id)
    assert shown is not None and shown.topics
    with sessions.writing() as session:
        session.execute(text("UPDATE codebook_version SET named_by_open = :no"), {"no": False})
    with sessions.reading() as session:
        hidden = listening.codebook_in_use(session, reader, made.programme_id)
        known = listening.codebook_in_use(session, actor, made.programme_id)
        shares = listening.frozen_results(session, reader, made.programme_id, measure="topic share")
    assert hidden is not None and hidden.topics == () and known is not None and known.topics
    assert shares.empty


@pytest.mark.parametrize(
    "present", [(OPEN, CONCERN), (OPEN, SENSITIVE), (OPEN, SENSITIVE, CONCERN), (SENSITIVE, CONCERN), (OPEN,)]
)
def test_whatever_levels_a_programme_mixes_everybody_finds_figures_of_what_they_may_read(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path, present: tuple[HandlingLevel, ...]
) -> None:
    rows = [row(10 * at + n, level, f"bins {level} {n}", "25-44") for at, level in enumerate(present) for n in range(3)]
    path = given.table(tmp_path / "levels.csv", rows)
    programme = given.programme(sessions, actor)
    given.imported(sessions, actor, settings, path, programme_id=programme, mapping=given.columns(path))
    listening.store_results(sessions, actor, programme)
    for cleared in ((OPEN,), (OPEN, SENSITIVE), (OPEN, CONCERN), tuple(HandlingLevel)):
        reader = given.cleared_for(actor, *cleared)
        readable = 3 * len(set(present) & set(cleared))
        with sessions.reading() as session:
            summary = listening.latest_summary(session, reader, programme)
        assert summary is not None
        # Who has a clearance of their own is shown the largest that theirs holds.
        assert summary.comments <= readable
        assert summary.comments == readable or cleared == (OPEN, CONCERN)
