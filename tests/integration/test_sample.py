"""The sample that ships: whole, drawn again byte for byte, and its known change is found and called what it is."""

from __future__ import annotations

import csv
import importlib.util
from collections import Counter
from datetime import date
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from commsapp.actor import Actor
from commsapp.cli import demo
from commsapp.config import Settings
from commsapp.evaluation import service as evaluation
from commsapp.evaluation.effect import Effect, Expected
from commsapp.evaluation.methods.before_after import before_after
from commsapp.listening import service as listening
from commsapp.listening.columns import HANDLINGS, consent_words
from commsapp.listening.dates import DateOrder
from commsapp.listening.formats.preview import preview
from commsapp.planning import service as planning
from commsapp.planning.sample import Sample, load_sample, sample_folder
from commsapp.storage.session import Sessions

SEEDS = 40


@pytest.fixture(scope="module")
def sample() -> Sample:
    return load_sample()


@pytest.fixture(scope="module")
def rows(sample: Sample) -> dict[str, list[dict[str, str]]]:
    """Channel → rows of its file."""
    found = {}
    for channel in sample.channels:
        with (sample_folder() / channel.file).open(newline="", encoding="utf-8") as file:
            found[channel.name] = list(csv.DictReader(file))
    return found


@pytest.fixture(scope="module")
def said(rows: dict[str, list[dict[str, str]]]) -> list[dict[str, str]]:
    return [row for channel in rows.values() for row in channel if "comment" in row]


@pytest.fixture
def drawing() -> ModuleType:
    spec = importlib.util.spec_from_file_location("draw_survey", sample_folder() / "draw_survey.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_has_600_comments_or_more_each_in_words_of_its_own(said: list[dict[str, str]]) -> None:
    texts = Counter(" ".join(row["comment"].split()).casefold() for row in said)
    assert len(texts) >= 600
    assert texts.most_common(1)[0][1] == 1, texts.most_common(3)
    assert all(texts)


def test_it_has_the_waves_areas_channels_and_languages_that_it_promises(
    sample: Sample, rows: dict[str, list[dict[str, str]]], said: list[dict[str, str]]
) -> None:
    assert len(sample.waves) == 4
    assert len(sample.areas) == 10
    assert len(sample.campaign.areas) == 5
    with_words = [channel for channel in sample.channels if "comment" in rows[channel.name][0]]
    assert len({channel.kind for channel in with_words}) >= 6
    areas = Counter(row["area"] for row in said)
    assert set(areas) == {area.name for area in sample.areas}
    assert min(areas.values()) >= 10
    for wave in sample.waves:
        heard = [row for row in said if wave.start <= date.fromisoformat(row["date"]) <= wave.end]
        assert len(heard) >= 100, wave.name
    languages = Counter((row["language"], bool(row["translation"])) for row in said)
    for language in ("cy", "pl", "ro"):
        assert languages[language, True] >= 3
        assert languages[language, False] >= 3
    assert languages["en", True] == 0
    assert all(bool(row["translation"]) == bool(row["translator"]) for row in said)


def test_every_row_can_be_read_and_lies_in_a_wave_of_the_sample(sample: Sample, rows: dict[str, list[dict[str, str]]]) -> None:
    choices = {attribute.name: set(attribute.choices) for attribute in sample.attributes}
    for name, table in rows.items():
        assert len({row["id"] for row in table}) == len(table), name
        for row in table:
            day = date.fromisoformat(row["date"])
            assert any(wave.start <= day <= wave.end for wave in sample.waves), row
            assert consent_words(row.get("consent", "")) is not None, row
            assert row.get("handling", "open") in HANDLINGS
            assert all(row[attribute] in known | {""} for attribute, known in choices.items()), row


def test_it_says_that_it_is_made_up_and_its_personal_data_reach_nobody(sample: Sample, said: list[dict[str, str]]) -> None:
    assert sample.made_up
    assert "made up" in sample.statement
    texts = " ".join(row["comment"] + " " + row["translation"] for row in said)
    assert "@gmail" not in texts
    assert "@hotmail" not in texts


def test_every_file_is_recognised_without_a_question(sample: Sample) -> None:
    for channel in sample.channels:
        look = preview(sample_folder() / channel.file, channel.file)
        assert look.question is None
        assert look.date_order is DateOrder.ISO
        assert (look.mapping.identity, look.mapping.date, look.mapping.area) == ("id", "date", "area")
        assert look.mapping.attributes == ("age", "gender")
        assert look.mapping.left_out == ()
        assert (look.mapping.text is None) == (len(look.mapping.questions) == 2), channel.name
        assert not look.problems


def test_the_script_draws_the_survey_again_byte_for_byte(
    drawing: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing, "TARGET", tmp_path / "survey.csv")
    drawing.main()
    assert (tmp_path / "survey.csv").read_bytes() == (sample_folder() / "survey.csv").read_bytes()


def test_the_survey_has_4000_responses_with_two_closed_questions(
    drawing: ModuleType, rows: dict[str, list[dict[str, str]]]
) -> None:
    survey = rows["survey"]
    assert len(survey) == 4_000
    assert list(survey[0]) == drawing.HEADER
    assert set(Counter((row["area"], row["date"][:7]) for row in survey).values()) == {100}
    assert {row[drawing.QUESTION_HEARD] for row in survey} == {"Yes", "No", "Not sure"}
    assert {row[drawing.QUESTION_TRUST] for row in survey} == set(drawing.TRUST)


def change(drawing: ModuleType, table: pd.DataFrame) -> Effect:
    """Before and after in one group of areas, waves 2 and 3."""
    answers = table.assign(said=(table[drawing.QUESTION_HEARD] == "Yes").astype(float))
    month = answers["date"].str[:7]
    expected = Expected("up", smallest=0.05, target=0.10, by=date(2026, 2, 28))
    return before_after(answers[month == "2025-11"], answers[month == "2026-02"], outcome="said", expected=expected)


def test_the_known_change_is_found_in_the_campaign_areas_and_none_like_it_in_the_others(drawing: ModuleType) -> None:
    survey = pd.read_csv(sample_folder() / "survey.csv", dtype=str, keep_default_na=False)
    there = survey["area"].isin(drawing.CAMPAIGN_AREAS)
    here, elsewhere = change(drawing, survey[there]), change(drawing, survey[~there])
    drift = drawing.DRIFT[3] - drawing.DRIFT[2]
    known = drift + drawing.EFFECT[3] - drawing.EFFECT[2]
    assert here.low <= known <= here.high
    assert here.low > 0
    assert here.verdict == "association only"
    assert elsewhere.low <= drift <= elsewhere.high
    assert elsewhere.verdict != "association only"


def test_other_draws_cover_the_known_change_as_often_as_promised(drawing: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """So the sample's seed was not picked for an interval that happens to fit."""
    known = drawing.DRIFT[3] - drawing.DRIFT[2] + drawing.EFFECT[3] - drawing.EFFECT[2]
    monkeypatch.setattr(drawing, "WAVES", {wave: drawing.WAVES[wave] for wave in (2, 3)})
    offsets = {area: drawing.AREA_OFFSETS[area] for area in drawing.CAMPAIGN_AREAS}
    monkeypatch.setattr(drawing, "AREA_OFFSETS", offsets)
    effects = []
    for seed in range(1, SEEDS + 1):
        monkeypatch.setattr(drawing, "SEED", seed)
        effects.append(change(drawing, pd.DataFrame(drawing.draw(), columns=drawing.HEADER)))
    covered = [effect.low <= known <= effect.high for effect in effects]
    assert np.mean(covered) >= 0.9
    assert np.mean([effect.estimate for effect in effects]) == pytest.approx(known, abs=0.02)
    assert all(effect.verdict != "backfire" for effect in effects)


def test_the_main_job_of_the_demo_ends_in_an_association_only(
    sessions: Sessions, actor: Actor, settings: Settings, sample: Sample, drawing: ModuleType
) -> None:
    """Listen, plan and evaluate with the survey alone, which needs no model."""
    with sessions.writing() as session:
        programme = demo._frame(session, actor, sample)
        channel = next(c for c in listening.channels(session, actor, programme.id) if c.name == "survey")
    look = preview(sample_folder() / "survey.csv", "survey.csv")
    kept = listening.keep(sample_folder() / "survey.csv", settings)
    file = listening.check_file(kept, name="survey.csv", mapping=look.mapping, date_order=look.date_order)
    with sessions.writing() as session:
        started, _ = listening.start_import(session, actor, programme_id=programme.id, channel_id=channel.id, file=file)
    done = listening.run_import(sessions, actor, import_id=started.id, settings=settings)
    assert done == {"added": 4_000, "already_there": 0, "rejected": 0}
    told = listening.run_analysis(sessions, actor, programme_id=programme.id, settings=settings)
    assert (told["responses"], told["topics"]) == (4_000, 0)
    with sessions.reading() as session:
        summary = listening.latest_summary(session, actor, programme.id)
    assert summary is not None
    assert (summary.responses, summary.comments, summary.set_aside, summary.areas_unweighted) == (4_000, 0, 0, True)
    message_id = demo._plan(sessions, actor, programme, sample)
    assert demo._plan(sessions, actor, programme, sample) == message_id  # a second demo plans nothing again
    effect = evaluation.measure_effect(sessions, actor, message_id=message_id)
    with sessions.reading() as session:
        message = planning.message(session, actor, message_id)
    assert effect.verdict == "association only"
    assert effect.low is not None
    assert effect.high is not None
    assert effect.low <= drawing.DRIFT[3] + drawing.EFFECT[3] <= effect.high
    assert message.cited is not None
    assert (message.cited.item, message.cited.wave, message.cited.n) == (sample.campaign.expected.item, "November 2025", 1_000)
    assert message.cited.chosen == "share of people"
    assert message.expected is not None
    assert message.expected.areas == tuple(sorted(drawing.CAMPAIGN_AREAS))
