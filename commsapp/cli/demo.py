"""``commsapp demo``: the main job from end to end on the made-up sample programme."""

from __future__ import annotations

from pathlib import Path

import click
from rich.text import Text

from commsapp.accounts.service import local_actor
from commsapp.actor import Actor
from commsapp.cli.listening import by_share, found, opened, run_here
from commsapp.cli.showing import console, interval, table
from commsapp.config import Settings, load_settings
from commsapp.errors import NotFound
from commsapp.evaluation import service as evaluation
from commsapp.listening import service as listening
from commsapp.listening.formats.preview import preview
from commsapp.listening.views import Programme, Result
from commsapp.planning import service as planning
from commsapp.planning.campaigns import Campaign
from commsapp.planning.sample import Sample, load_sample, sample_folder
from commsapp.sharing import service as sharing
from commsapp.storage.session import Session, Sessions


@click.command("demo")
@click.option(
    "--report", type=click.Path(path_type=Path), help="Where the report goes [default: report.html in the data folder]."
)
def demo(report: Path | None) -> None:
    """Run the main job once on the sample, a fictional place: listen, understand, plan, evaluate; then write a report.

    Running it again adds nothing, as everything is there already.
    """
    settings, sample = load_settings(), load_sample()
    sessions = opened()
    out = console()
    out.print(Text.assemble((sample.programme, "bold"), f". {sample.statement}\n"))
    with sessions.writing() as session:
        actor = local_actor(session)
        programme = _frame(session, actor, sample)
    _listen(sessions, actor, programme, sample, settings)
    _show_heard(sessions, actor, programme)
    message_id = _plan(sessions, actor, programme, sample)
    _evaluate(sessions, actor, message_id)
    path = report or settings.data_dir / "report.html"
    with sessions.reading() as session:
        sharing.write_report(session, actor, programme_id=programme.id, path=path)
    out.print(f"\nReport: {path}\nNow 'make serve' opens the pages.")


def _frame(session: Session, actor: Actor, sample: Sample) -> Programme:
    """The programme with its areas, waves, events and channels; as it is where it was made before."""
    try:
        return listening.programme_named(session, actor, sample.programme)
    except NotFound:
        made = listening.create_programme(
            session, actor, name=sample.programme, description=sample.statement, made_up=sample.made_up
        )
    for area in sample.areas:
        listening.add_area(session, actor, made.id, name=area.name, code=area.code, population=area.population)
    for wave in sample.waves:
        listening.add_wave(session, actor, made.id, name=wave.name, start=wave.start, end=wave.end)
    for event in sample.context_events:
        listening.add_context_event(session, actor, made.id, name=event.name, start=event.start, end=event.end, areas=event.areas)
    for channel in sample.channels:
        listening.add_channel(session, actor, made.id, name=channel.name, kind=channel.kind, chosen=channel.chosen)
    return made


def _listen(sessions: Sessions, actor: Actor, programme: Programme, sample: Sample, settings: Settings) -> None:
    rows = []
    with sessions.reading() as session:
        channels = {channel.name: channel for channel in listening.channels(session, actor, programme.id)}
    for channel in sample.channels:
        look = preview(sample_folder() / channel.file, channel.file)
        kept = listening.keep(sample_folder() / channel.file, settings)
        file = listening.check_file(kept, name=channel.file, mapping=look.mapping, date_order=look.date_order)
        with sessions.writing() as session:
            started, job = listening.start_import(
                session, actor, programme_id=programme.id, channel_id=channels[channel.name].id, file=file
            )
        run_here(job, sessions, settings)
        with sessions.reading() as session:
            done = listening.import_of(session, actor, started.id)
        rows.append((channel.name, channel.chosen, done.added, done.already_there, done.rejected))
    table("1. Listen: files imported", ["Channel", "People chosen", "Added#", "There already#", "Rejected#"], rows)
    with sessions.writing() as session:
        job = listening.start_analysis(session, actor, programme_id=programme.id)
    run_here(job, sessions, settings)


def _show_heard(sessions: Sessions, actor: Actor, programme: Programme) -> None:
    with sessions.reading() as session:
        summary = listening.latest_summary(session, actor, programme.id)
        whole = listening.frozen_results(session, actor, programme.id, wave="", area="", segment="")
    assert summary is not None
    topics = whole[whole["measure"] == "topic share"]
    rows = [(row["item"], interval(row["value"], row["low"], row["high"]), row["n"]) for row in by_share(topics)]
    table("\n2. Understand: topics in comments", ["Topic", "Share of feedback#", "n#"], rows)
    console().print(found(summary))


def _plan(sessions: Sessions, actor: Actor, programme: Programme, sample: Sample) -> int:
    """The campaign with its one message, citing what was heard; returns the message's id."""
    expected = sample.campaign.expected
    with sessions.writing() as session:
        campaign = planning.campaign_named(session, actor, programme.id, sample.campaign.name)
        if campaign is None:
            campaign = _new_campaign(session, actor, programme, sample)
    message = campaign.messages[0]
    assert message.cited is not None
    rows = [
        ("Campaign", f"{campaign.name} ({campaign.approach})"),
        ("Objective", campaign.objective),
        ("Message", message.text),
        ("Listening result it cites", _cited(message.cited)),
        ("Expected effect", f"{expected.direction} by {100 * expected.target_difference:.0f} points by {expected.by}"),
    ]
    table("\n3. Plan: a message that answers what was heard", ["", ""], rows)
    return message.id


def _new_campaign(session: Session, actor: Actor, programme: Programme, sample: Sample) -> Campaign:
    planned, expected = sample.campaign, sample.campaign.expected
    waves = {wave.name: wave for wave in listening.waves(session, actor, programme.id)}
    where = {"measure": "answer share", "item": expected.item, "wave": expected.wave_before, "area": "", "segment": ""}
    cited = listening.frozen_results(session, actor, programme.id, **where)
    campaign = planning.create_campaign(
        session,
        actor,
        programme_id=programme.id,
        name=planned.name,
        approach=planned.approach,
        playbook=planned.playbook,
        start=planned.start,
        end=planned.end,
        areas=planned.areas,
        objective=planned.objective,
    )
    message = planning.draft_message(
        session,
        actor,
        campaign_id=campaign.id,
        text=planned.message,
        behaviour=planned.behaviour,
        listening_result_id=int(cited["id"].iloc[0]),
    )
    planning.fix_expected_effect(
        session,
        actor,
        message_id=message.id,
        measure=where["measure"],
        item=expected.item,
        areas=planned.areas,
        direction=expected.direction,
        target_difference=expected.target_difference,
        smallest=expected.smallest,
        by=expected.by,
        before_wave_id=waves[expected.wave_before].id,
        after_wave_id=waves[expected.wave_after].id,
    )
    planning.add_activity(
        session,
        actor,
        message_id=message.id,
        medium=planned.medium,
        start=planned.start,
        end=planned.end,
        cost=planned.cost,
        delivered=True,
    )
    return planning.campaign(session, actor, campaign.id)


def _cited(result: Result) -> str:
    return f"{result.item}, {result.wave}: {interval(result.value, result.low, result.high)}, n = {result.n}, {result.chosen}"


def _evaluate(sessions: Sessions, actor: Actor, message_id: int) -> None:
    effect = evaluation.measure_effect(sessions, actor, message_id=message_id)
    console().print(Text.assemble("\n", ("4. Evaluate", "bold"), "\nVerdict: ", (effect.verdict, "bold")))
    for sentence in effect.sentences:
        console().print(f"- {sentence}")


COMMANDS = (demo,)
