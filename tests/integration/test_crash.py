"""kill -9 of imports and analyses, half at named points, half at random: nothing is lost, nothing doubled.

50 kills in all over the two databases. The last test shows that the harness has teeth: it finds what a variant loses that
stores rows and checkpoint in two transactions.
"""

from __future__ import annotations

import csv
import multiprocessing
import os
import random
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import given
import killed
import pytest

from commsapp.actor import Actor
from commsapp.config import Settings
from commsapp.listening import service as listening
from commsapp.listening.columns import Mapping
from commsapp.listening.dates import DateOrder
from commsapp.storage import codings
from commsapp.storage.session import Sessions

pytestmark = pytest.mark.slow

# On each of the two databases; `make soak` asks for 200 in all.
KILLS = int(os.environ.get("COMMSAPP_TEST_KILLS", "50")) // 2
IMPORT_KILLS = KILLS - KILLS * 11 // 25
ANALYSIS_KILLS = KILLS * 11 // 25
SIGKILLED = -9
ROWS = 600


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    """Children start with the heavy libraries imported, or 50 of them would take minutes to import them."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["killed", "torch", "transformers.models.bert.modeling_bert", "bertopic"])
    return context


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export without ids: 600 rows, 60 of them the same as another one, 12 that can't be read."""
    path = tmp_path_factory.mktemp("export") / "export.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["date", "area", "comment", "age"])
        for number in range(ROWS):
            day = "the day after" if number % 50 == 7 else f"2026-03-{number % 28 + 1:02d}"
            text = "Same words, another person" if number % 10 == 3 else f"Comment {number} about the bins"
            writer.writerow([day if number % 10 != 3 else "2026-03-05", "Ash", text, "25-34"])
    return path


def start(sessions: Sessions, actor: Actor, settings: Settings, path: Path, name: str) -> tuple[int, int]:
    """A programme with an import that is waiting: (programme id, import id)."""
    mapping = Mapping(text="comment", date="date", area="area", attributes=("age",))
    kept = listening.keep(path, settings)
    file = listening.check_file(kept, name=path.name, mapping=mapping, date_order=DateOrder.ISO)
    with sessions.writing() as session:
        programme = listening.create_programme(session, actor, name=name)
        channel = listening.add_channel(session, actor, programme.id, name="Export", chosen="opt-in")
        started, _ = listening.start_import(session, actor, programme_id=programme.id, channel_id=channel.id, file=file)
    return programme.id, started.id


def child(processes: ForkServerContext, target: Callable[..., Any], *arguments: Any, within: float | None = None) -> int:
    """Run a process, kill it after ``within`` seconds where given, and say how it ended."""
    process = processes.Process(target=target, args=arguments)
    process.start()
    process.join(within)
    if process.is_alive():
        process.kill()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def kill(kills: int, run: Callable[[int, float | None], int], ended: Callable[[], None], *, calls: int, seconds: float) -> int:
    """Kill runs, in turns at a named point and at a random moment, until so many have died; returns how many runs it took.

    ``ended`` is called when a run came to its end all the same: it looks at what was stored, and makes new work.
    """
    chance = random.Random(20261123)
    died = runs = 0
    while died < kills:
        runs += 1
        assert runs < 6 * kills, "runs come to their end before they can be killed"
        named = runs % 2 == 1
        exitcode = run(chance.randint(1, calls), None) if named else run(0, chance.uniform(0.0, seconds))
        assert exitcode in (0, SIGKILLED)
        died += exitcode == SIGKILLED
        if exitcode == 0:
            ended()
    return runs


def timed(run: Callable[[], int]) -> float:
    """Seconds that an uninterrupted run takes."""
    began = time.monotonic()
    assert run() == 0
    return time.monotonic() - began


def problems(sessions: Sessions, actor: Actor, programme_id: int, import_id: int, path: Path) -> list[str]:
    """What an import lost, doubled or miscounted against the file itself."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    wanted = Counter(row["comment"] for row in rows if row["date"] != "the day after")
    found = Counter(given.everything_written(sessions, actor, programme_id))
    with sessions.reading() as session:
        done = listening.import_of(session, actor, import_id)
        rejected = listening.rejected(session, actor, import_id)
    bad = [f"lost {count} of '{text}'" for text, count in (wanted - found).items()]
    bad += [f"doubled {count} of '{text}'" for text, count in (found - wanted).items()]
    if (done.added, done.already_there, done.rejected) != (wanted.total(), 0, len(rows) - wanted.total()):
        bad.append(f"counted {done.added} added, {done.already_there} there already, {done.rejected} rejected")
    if len({row.row for row in rejected}) != len(rows) - wanted.total():
        bad.append(f"kept {len(rejected)} rejected rows")
    return bad


def test_an_import_killed_again_and_again_loses_and_doubles_nothing(
    sessions: Sessions,
    actor: Actor,
    settings: Settings,
    export: Path,
    processes: ForkServerContext,
    promise: Callable[[int, str], None],
) -> None:
    work = [start(sessions, actor, settings, export, "Round 0")]

    def attempt(die_at: int, within: float | None) -> int:
        return child(processes, killed.run_import, settings, work[-1][1], die_at, within=within)

    def ended() -> None:
        assert problems(sessions, actor, *work[-1], export) == []
        work.append(start(sessions, actor, settings, export, f"Round {len(work)}"))

    assert attempt(0, None) == 0
    ended()
    seconds = timed(lambda: attempt(0, None))
    ended()
    runs = kill(IMPORT_KILLS, attempt, ended, calls=4, seconds=seconds)
    assert attempt(0, None) == 0
    ended()
    promise(1, f"import: {IMPORT_KILLS} of {runs} runs killed, {len(work) - 1} imports ended: 0 comments lost, 0 doubled")


def test_the_same_harness_finds_what_two_commits_lose(
    sessions: Sessions, actor: Actor, settings: Settings, export: Path, processes: ForkServerContext
) -> None:
    programme, run = start(sessions, actor, settings, export, "Two commits")
    for die_at in (2, 3):
        assert child(processes, _wrong_import, settings, run, die_at) == SIGKILLED
    assert child(processes, _wrong_import, settings, run, 0) == 0
    assert any(problem.startswith("lost") for problem in problems(sessions, actor, programme, run, export))


def _wrong_import(settings: Settings, import_id: int, die_at: int) -> None:
    killed.run_import(settings, import_id, die_at, wrong=True)


def said(path: Path, number: int) -> Path:
    """40 comments, half of them in the same words as another one."""
    topics = ("the bins are full again", "a scam call from a false bank", "the police came quickly, thank you")
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["date", "area", "comment", "age"])
        for row in range(40):
            text = f"{topics[row // 2 % 3]}, said {row // 2} of round {number}"
            writer.writerow([f"2026-03-{row % 28 + 1:02d}", "Ash", text, "25-34"])
    return path


def test_an_analysis_killed_again_and_again_codes_each_text_once_and_loses_none(
    sessions: Sessions,
    actor: Actor,
    settings: Settings,
    tmp_path: Path,
    processes: ForkServerContext,
    promise: Callable[[int, str], None],
) -> None:
    work: list[int] = []

    def begin() -> None:
        path = said(tmp_path / f"said{len(work)}.csv", len(work))
        programme, run = start(sessions, actor, settings, path, f"Round {len(work)}")
        listening.run_import(sessions, actor, import_id=run, settings=settings)
        work.append(programme)

    def attempt(die_at: int, within: float | None) -> int:
        return child(processes, killed.run_analysis, settings, work[-1], die_at, within=within)

    def ended() -> None:
        with sessions.reading() as session:
            coded = listening.records(session, actor, work[-1]).comments
            counted = listening.frozen_results(session, actor, work[-1], measure="comments", wave="", area="", segment="")
            rows = codings.count_codings(session, text_keys=sorted(set(coded["text_key"])))
        assert len(coded) == 40
        assert counted["n"].tolist() == [40]
        assert coded["topic"].notna().all()
        assert (coded[["negative", "neutral", "positive"]].sum(axis=1) - 1).abs().max() < 1e-6
        # 20 distinct texts, each with one topic, three probabilities of sentiment, and the emotions heard in it
        assert (rows["topic"], rows["sentiment"]) == (20, 60)
        heard = coded.drop_duplicates("text_key")["emotions"]
        assert rows["emotion"] == sum(len(names.split("; ")) for names in heard)  # where none is heard, one row says so
        begin()

    begin()
    assert attempt(0, None) == 0
    ended()
    seconds = timed(lambda: attempt(0, None))
    ended()
    runs = kill(ANALYSIS_KILLS, attempt, ended, calls=3, seconds=seconds)
    assert attempt(0, None) == 0
    ended()
    promise(1, f"analysis: {ANALYSIS_KILLS} of {runs} runs killed, {len(work) - 1} ended: 0 comments lost, 0 coded twice")
