"""``commsapp code``: a file in, the same rows with their coding out; no database."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import click
import pandas as pd

from commsapp.cli.showing import console, progress, table, tell_names_missing
from commsapp.config import other_models
from commsapp.errors import BadInput
from commsapp.listening.coding import COLUMNS, Reason, code_frame
from commsapp.listening.files import UNREADABLE, check_fits, check_output, read_frame, write_frame
from commsapp.listening.formats.recognise import printable
from commsapp.textmodels.topics import granularity_of, load_codebook, save_codebook


@click.command("code")
@click.argument("source", metavar="INPUT", type=click.Path(path_type=Path))
@click.option("--text", "text", required=True, metavar="COLUMN", help="Column that holds the comments.")
@click.option("--output", "-o", required=True, type=click.Path(path_type=Path), help="CSV, XLSX or Parquet, by suffix.")
@click.option(
    "--granularity",
    default="medium",
    show_default=True,
    metavar="HOW",
    help="coarse, medium, fine, or how many topics (2 to 500).",
)
@click.option("--language", metavar="COLUMN", help="Column with language codes (en, cy, …); else languages are recognised.")
@click.option("--translation", metavar="COLUMN", help="Column with English translations of comments in other languages.")
@click.option("--save-codebook", "save", type=click.Path(path_type=Path), metavar="DIR", help="Keep the topics found.")
@click.option("--codebook", "use", type=click.Path(path_type=Path), metavar="DIR", help="Code with topics kept before.")
def code(
    source: Path,
    text: str,
    output: Path,
    granularity: str,
    language: str | None,
    translation: str | None,
    save: Path | None,
    use: Path | None,
) -> None:
    """Code the comments in INPUT: language, topic, sentiment and emotions of each, in columns beside the ones that are there.

    Rows and cells stay as they were. What can't be coded says why in coded_skipped. Two runs give the same content.
    """
    if save and use:
        raise BadInput("--save-codebook and --codebook don't go together.", "Use one of them.")
    check_output(output)
    if output.exists() and source.exists() and output.samefile(source):
        raise BadInput(f"{output} is the file that is read.", "Give --output another name, so that nothing is overwritten.")
    if save and save.exists() and not save.is_dir():
        raise BadInput(f"{save} is a file, not a folder.", "Give --save-codebook a folder.")
    wanted = granularity_of(granularity)
    frame = read_frame(source)
    check_fits(frame, output, more_columns=len(COLUMNS))
    codebook = load_codebook(use) if use else None
    models = other_models()
    with progress() as tell:
        coded = code_frame(
            frame,
            text=text,
            language=language,
            translation=translation,
            granularity=wanted,
            codebook=codebook,
            sentiment_model=models["sentiment_model"],
            emotion_model=models["emotion_model"],
            progress=tell,
        )
    result = _with_problems(coded.frame, frame.attrs.get(UNREADABLE, {}))
    write_frame(result, output)
    if save:
        save_codebook(coded.codebook, save)
    skipped = int((result["coded_skipped"] != "").sum())
    counts = result.loc[result["coded_skipped"] == "", "coded_topic"].value_counts()
    names = {topic.number: topic.name for topic in coded.codebook.topics} | {-1: "(no topic)"}
    rows = [(number, names.get(cast(int, number), ""), count) for number, count in counts.items()]
    table(f"Topics in {printable(source.name)}", ["Topic#", "Name", "Comments#"], rows)
    console().print(f"{len(result)} rows, {len(coded.codebook.topics)} topics, {skipped} not coded. Written to {output}.")
    tell_names_missing()


def _with_problems(coded: pd.DataFrame, problems: dict[int, str]) -> pd.DataFrame:
    """Rows that could not be read say so, rather than that they are empty."""
    positions = [position for position in problems if coded["coded_skipped"].iloc[position] == Reason.EMPTY]
    reasons = coded["coded_skipped"].astype(object)
    reasons.iloc[positions] = UNREADABLE
    return coded.assign(coded_skipped=reasons)


COMMANDS = (code,)
