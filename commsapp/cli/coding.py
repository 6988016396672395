"""``commsapp code``: a file in, the same rows with their coding out; no database."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import click

from commsapp.cli.showing import console, progress, table
from commsapp.errors import BadInput
from commsapp.listening.coding import code_frame
from commsapp.listening.files import check_output, read_frame, write_frame
from commsapp.textmodels.topics import Granularity, load_codebook, save_codebook


@click.command("code")
@click.argument("source", metavar="INPUT", type=click.Path(path_type=Path))
@click.option("--text", "text", required=True, metavar="COLUMN", help="Column that holds the comments.")
@click.option("--output", "-o", required=True, type=click.Path(path_type=Path), help="CSV, XLSX or Parquet, by suffix.")
@click.option("--granularity", type=click.Choice(["coarse", "medium", "fine"]), default="medium", show_default=True)
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
    """Code the comments in INPUT: language, topic and tone of each, in columns beside the ones that are there.

    Rows and cells stay as they were. What can't be coded says why in coded_skipped. Two runs give the same content.
    """
    if save and use:
        raise BadInput("--save-codebook and --codebook don't go together.", "Use one of them.")
    check_output(output)
    frame = read_frame(source)
    codebook = load_codebook(use) if use else None
    with progress() as tell:
        coded = code_frame(
            frame,
            text=text,
            language=language,
            translation=translation,
            granularity=cast(Granularity, granularity),
            codebook=codebook,
            progress=tell,
        )
    write_frame(coded.frame, output)
    if save:
        save_codebook(coded.codebook, save)
    skipped = int((coded.frame["coded_skipped"] != "").sum())
    counts = coded.frame.loc[coded.frame["coded_skipped"] == "", "coded_topic"].value_counts()
    names = {topic.number: topic.name for topic in coded.codebook.topics} | {-1: "(no topic)"}
    rows = [(number, names.get(cast(int, number), ""), count) for number, count in counts.items()]
    table(f"Topics in {source.name}", ["Topic#", "Name", "Comments#"], rows)
    console().print(f"{len(coded.frame)} rows, {len(coded.codebook.topics)} topics, {skipped} not coded. Written to {output}.")


COMMANDS = (code,)
