"""Commands of listening: import a file, analyse, print results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pandas as pd

from commsapp.accounts import service as accounts
from commsapp.accounts.service import ensure_local, local_actor
from commsapp.actor import Actor, HandlingLevel
from commsapp.cli.showing import as_json, console, interval, progress, table, tell_names_missing
from commsapp.config import Settings, load_settings
from commsapp.errors import BadInput, CommsappError, NotFound
from commsapp.listening import service
from commsapp.listening.columns import Mapping, check, missing, with_choices
from commsapp.listening.dates import DateOrder
from commsapp.listening.formats.preview import preview, settle_dates
from commsapp.listening.languages import reason
from commsapp.listening.views import HOW_CHOSEN, Summary
from commsapp.sharing import service as sharing
from commsapp.storage.database import upgrade
from commsapp.storage.keyring import open_keyring
from commsapp.storage.session import Session, Sessions, sessions_of
from commsapp.textmodels.topics import granularity_of
from commsapp.worker import run_inline


class _Words(click.ParamType[str]):
    """Text that can be stored: a terminal with another encoding than UTF-8 may send bytes that are none."""

    name = "text"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text as it is. Raises BadInput."""
        if any("\ud800" <= letter <= "\udfff" for letter in value):
            which = param.opts[0] if param else "An option"
            raise BadInput(f"{which} has characters that are no text in UTF-8.", "Write it in a terminal that uses UTF-8.")
        return value


WORDS = _Words()


def opened() -> Sessions:
    """The database of the settings, brought up to date."""
    settings = load_settings()
    upgrade(settings.database_url, keyring=open_keyring(settings), data_dir=settings.data_dir)
    sessions = sessions_of(settings)
    with sessions.writing() as session:
        ensure_local(session)
    accounts.chain_earlier_events(sessions)
    return sessions


def run_here(job_id: int, sessions: Sessions, settings: Settings) -> None:
    """Run a job in the foreground with a progress bar.

    Raises
    ------
    CommsappError : it failed; the sentence says why.

    """
    with progress() as tell:
        job = run_inline(job_id, sessions, settings, on_progress=tell)
    if job.state != "done":
        raise CommsappError(job.error or "The work was cancelled.")


def parse_map(pairs: tuple[str, ...]) -> list[tuple[str, str]]:
    """``FIELD=COLUMN`` words as pairs."""
    found = []
    for pair in pairs:
        field, sign, column = pair.partition("=")
        if not sign or not field.strip() or not column.strip():
            raise BadInput(f"--map {pair} can't be read.", "Write it as FIELD=COLUMN, for example --map text=Comment.")
        found.append((field.strip(), column.strip()))
    return found


@click.command("import")
@click.argument("source", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "--programme", "programme_name", required=True, type=WORDS, metavar="NAME", help="Programme; made if there is none."
)
@click.option(
    "--channel", "channel_name", required=True, type=WORDS, metavar="NAME", help="Feedback channel; made if there is none."
)
@click.option("--chosen", type=click.Choice(HOW_CHOSEN), help="How people were chosen, for a new channel [default: opt-in].")
@click.option("--map", "pairs", multiple=True, type=WORDS, metavar="FIELD=COLUMN", help="Say which column is what; may repeat.")
@click.option("--date-order", type=click.Choice([order.value for order in DateOrder]), help="How dates are written.")
def import_file(
    source: Path,
    programme_name: str,
    channel_name: str,
    chosen: str | None,
    pairs: tuple[str, ...],
    date_order: str | None,
) -> None:
    """Import FILE (CSV, TSV, XLSX, JSON Lines) into a feedback channel.

    Shows which column became what. Importing the same file again, or a longer export of it, adds only what is new. Exit
    status 2 where something has to be decided or mended first, and then nothing is stored.

    FIELD is one of text, date, area, language, translation, translator, weight, respondent, identity, consent, handling;
    or attribute, question, skip, each of which may repeat.
    """
    settings = load_settings()
    sessions = opened()
    with sessions.reading() as session:
        levels = service.level_words(session, local_actor(session))
    look = preview(source, levels=levels)
    mapping = with_choices(look.mapping, parse_map(pairs))
    order = DateOrder(date_order) if date_order else None
    if order is None:
        order, question = settle_dates(look.table, mapping)
        if question is not None:
            ways = " or ".join(f"--date-order {choice}" for choice in question.choices)
            raise BadInput(question.problem, f"{question.cure} Add {ways}.")
    check(mapping, look.columns)  # before anything is kept
    file = service.check_file(service.keep(source, settings), name=source.name, mapping=mapping, date_order=order)
    with sessions.writing() as session:
        actor = local_actor(session)
        programme, channel = _place(session, actor, programme_name, channel_name, chosen)
        started, job_id = service.start_import(session, actor, programme_id=programme, channel_id=channel, file=file)
    show_mapping(mapping)
    run_here(job_id, sessions, settings)
    with sessions.reading() as session:
        done = service.import_of(session, actor, started.id)
        rejected = service.rejected(session, actor, started.id)
    out = console()
    for note in (*missing(mapping.fields(), mapping.columns(), levels=levels).values(), *done.notes):
        out.print(f"Note: {note}")
    out.print(f"{done.added} added, {done.already_there} were there already, {done.rejected} rejected.")
    if rejected:
        with sessions.writing() as session:
            accounts.note_reading(
                session,
                local_actor(session),
                kind="rejected rows",
                place="import",
                place_id=started.id,
                ids=[row.row for row in rejected[:20]],
                where=source.name,
            )
        table("Rejected rows", ["Row#", "Why"], [(row.row, row.reason) for row in rejected[:20]])


def _place(session: Session, actor: Actor, programme_name: str, channel_name: str, chosen: str | None) -> tuple[int, int]:
    """Ids of the programme and the channel, made where they are not there."""
    channel_name = " ".join(channel_name.split())
    try:
        programme = service.programme_named(session, actor, programme_name)
    except NotFound:
        programme = service.create_programme(session, actor, name=programme_name)
    known = {channel.name: channel for channel in service.channels(session, actor, programme.id)}
    channel = known.get(channel_name)
    if channel is None or (chosen and chosen != channel.chosen):
        channel = service.add_channel(session, actor, programme.id, name=channel_name, chosen=chosen or "opt-in")
    return programme.id, channel.id


def show_mapping(mapping: Mapping) -> None:
    """Print which column became what."""
    rows = [(field, column) for field, column in mapping.fields().items()]
    rows += [("attribute", column) for column in mapping.attributes]
    rows += [("question", column) for column in mapping.questions]
    rows += [("left out", column) for column in mapping.left_out]
    table("Columns", ["Read as", "Column"], rows)


@click.command("analyse")
@click.option("--programme", "programme_name", required=True, type=WORDS, metavar="NAME")
@click.option("--granularity", metavar="HOW", help="Find topics again: coarse, medium, fine, or how many (2 to 500).")
def analyse(programme_name: str, granularity: str | None) -> None:
    """Code what is new in a programme and compute its listening results, here and now."""
    settings = load_settings()
    sessions = opened()
    with sessions.writing() as session:
        actor = local_actor(session)
        programme = service.programme_named(session, actor, programme_name)
        wanted = None if granularity is None else granularity_of(granularity)
        job_id = service.start_analysis(session, actor, programme_id=programme.id, granularity=wanted)
    run_here(job_id, sessions, settings)
    with sessions.reading() as session:
        summary = service.latest_summary(session, actor, programme.id)
        shares = service.frozen_results(session, actor, programme.id, measure="topic share", wave="", area="", segment="")
    if summary is None:
        return
    rows = [(row["item"], interval(row["value"], row["low"], row["high"]), row["n"]) for row in by_share(shares)]
    table(f"Topics in {programme_name}", ["Topic", "Share of comments#", "n#"], rows)
    console().print(found(summary))
    tell_names_missing()


def found(summary: Summary) -> str:
    """'412 responses, 400 comments, 7 topics, 9 set aside (8 language not read: Welsh, 1 empty).'"""
    counts = sorted(summary.not_coded.items(), key=lambda pair: (-pair[1], pair[0]))
    why = ", ".join(f"{count} {reason(stored)}" for stored, count in counts)
    sentences = [
        f"{summary.responses} responses, {summary.comments} comments, {summary.topics} topics, "
        f"{summary.set_aside} set aside{f' ({why})' if why else ''}."
    ]
    if summary.undated or summary.between_waves:
        sentences.append(f"In no wave: {summary.between_waves} by their date, {summary.undated} without a date.")
    if summary.areas_unweighted:
        sentences.append("Areas count by how many were asked in each, not by how many live there: there are no weights.")
    return " ".join(sentences)


def by_share(shares: pd.DataFrame) -> list[dict[Any, Any]]:
    """Rows of a results table, the largest share first."""
    return shares.sort_values("value", ascending=False).to_dict("records")


@click.command("results")
@click.option("--programme", "programme_name", required=True, type=WORDS, metavar="NAME")
@click.option("--json", "json_wanted", is_flag=True, help="All of them, for a program to read.")
def results(programme_name: str, json_wanted: bool) -> None:
    """Print the listening results of a programme, each with n and a 95 % interval."""
    sessions = opened()
    with sessions.reading() as session:
        actor = local_actor(session)
        programme = service.programme_named(session, actor, programme_name)
        frame = service.frozen_results(session, actor, programme.id)
    if json_wanted:
        as_json(json.loads(frame.drop(columns="id").to_json(orient="records", force_ascii=False)))
        return
    whole = frame[(frame["wave"] == "") & (frame["area"] == "") & (frame["segment"] == "")]
    rows = [
        (row["measure"], row["item"], f"{row['value']:.2f}", f"{row['low']:.2f} to {row['high']:.2f}", row["n"], row["chosen"])
        for row in whole.to_dict("records")
    ]
    table(f"Listening results of {programme_name}", ["Measure", "Item", "Value#", "95 % interval", "n#", "Chosen"], rows)
    console().print(f"{len(frame)} results in all, by wave, area and segment: add --json.")


@click.command("report")
@click.option("--programme", "programme_name", required=True, type=WORDS, metavar="NAME")
@click.option("--output", "-o", required=True, type=click.Path(path_type=Path), help="HTML file to write.")
@click.option(
    "--level",
    type=click.Choice([level.value for level in HandlingLevel]),
    default=HandlingLevel.OPEN.value,
    show_default=True,
    help="Count responses up to this handling level; the file is of that level then.",
)
def report(programme_name: str, output: Path, level: str) -> None:
    """Write the report of a programme: one HTML file that needs nothing else, to read and to print inside the organisation."""
    if not output.resolve().parent.is_dir():
        raise BadInput(f"There is no folder {output.parent}.", "Make it, or write elsewhere.")
    sessions = opened()
    with sessions.reading() as session:
        actor = local_actor(session)
        programme = service.programme_named(session, actor, programme_name)
        written = sharing.write_report(session, actor, programme_id=programme.id, path=output, level=HandlingLevel(level))
    with sessions.writing() as session:
        after = {"file": output.name, "programme_id": programme.id, "levels": level}
        accounts.note(session, actor, action="export", subject="report", subject_id=programme.id, after=after)
    console().print(f"Written to {written}.")


COMMANDS = (import_file, analyse, results, report)
