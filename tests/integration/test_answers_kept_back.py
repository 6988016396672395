"""Closed answers obey consent and handling level too, and a question left blank is counted."""

import csv
from pathlib import Path

import pytest

from commsapp.actor import Actor
from commsapp.config import Settings
from commsapp.errors import BadInput
from commsapp.listening import service as listening
from commsapp.listening.columns import Mapping
from commsapp.storage.session import Sessions

QUESTION = "Do you trust the police?"


def begin(sessions: Sessions, actor: Actor, settings: Settings, path: Path, mapping: Mapping) -> tuple[int, int]:
    """(programme id, import id) of an import into the one channel of the one programme."""
    file = listening.check_file(listening.keep(path, settings), name=path.name, mapping=mapping)
    with sessions.writing() as session:
        made = listening.all_programmes(session, actor) or [listening.create_programme(session, actor, name="Trust")]
        channel = listening.add_channel(session, actor, made[0].id, name="Survey", chosen="random")
        started, _ = listening.start_import(session, actor, programme_id=made[0].id, channel_id=channel.id, file=file)
    return made[0].id, started.id


def table(path: Path, header: list[str], rows: list[list[str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def test_answers_without_consent_held_back_or_left_blank_are_counted_and_not_measured(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path
) -> None:
    rows = [["Yes", "log;analyse", "open"]] * 40 + [["No", "log;analyse", "open"]] * 20
    rows += [["Yes", "log", "open"]] * 30 + [["Yes", "log;analyse", "concern"]] * 4 + [["", "log;analyse", "open"]] * 6
    path = table(tmp_path / "survey.csv", [QUESTION, "consent", "handling"], rows)
    mapping = Mapping(questions=(QUESTION,), consent="consent", handling="handling")
    programme, run = begin(sessions, actor, settings, path, mapping)
    listening.run_import(sessions, actor, import_id=run, settings=settings)
    listening.store_results(sessions, actor, programme)
    with sessions.reading() as session:
        found = listening.frozen_results(session, actor, programme, measure="answer share", area="", segment="", wave="")
    shares = dict(zip(found["item"], found["value"], strict=True))
    assert shares == {f"{QUESTION}: No": pytest.approx(1 / 3), f"{QUESTION}: Yes": pytest.approx(2 / 3)}
    assert set(found["n"]) == {60}
    reasons = {"no answer": 6, "no consent to analyse": 30, "held back as a concern": 4}
    assert [dict(cell) for cell in found["not_coded"]] == [reasons, reasons]


def test_rows_of_one_channel_are_told_apart_in_one_way(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path
) -> None:
    first = table(tmp_path / "first.csv", ["Response ID", "comment"], [["1", "Dark"], ["2", "Quiet"]])
    programme, run = begin(sessions, actor, settings, first, Mapping(text="comment", identity="Response ID"))
    listening.run_import(sessions, actor, import_id=run, settings=settings)
    longer = table(tmp_path / "longer.csv", ["Response ID", "comment"], [["1", "Dark"], ["2", "Quiet"], ["3", "Loud"]])
    with pytest.raises(BadInput, match="told apart by their column 'Response ID'"):
        begin(sessions, actor, settings, longer, Mapping(text="comment", left_out=("Response ID",)))
    _, run = begin(sessions, actor, settings, longer, Mapping(text="comment", identity="Response ID"))
    listening.run_import(sessions, actor, import_id=run, settings=settings)
    with sessions.reading() as session:
        assert listening.comments_page(session, actor, programme).total == 3
