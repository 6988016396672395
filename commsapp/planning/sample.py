"""The sample programme that ships with commsapp: what its file says, checked. The place and the people in it are made up."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from commsapp import bundled
from commsapp.planning.checked_yaml import Record, mistake, read_checked

FileName = Annotated[str, Field(pattern=r"^[a-z0-9-]+\.csv$")]
Amount = Annotated[float, Field(gt=0, le=1)]


class SampleArea(Record):
    """A place with its code and population."""

    code: str
    name: str
    population: int = Field(gt=0)


class SampleAttribute(Record):
    """What is known of a person, its choices, and whether the law protects it."""

    name: str
    choices: tuple[str, ...] = Field(min_length=2)
    protected: bool


class SampleWave(Record):
    """A named period of listening; both days belong to it."""

    name: str
    start: datetime.date
    end: datetime.date


class SampleChannel(Record):
    """A feedback channel and the file it comes in."""

    name: str
    file: FileName
    kind: Literal[
        "survey", "community event", "hotline", "inbox", "social-listening export", "spoken-word session", "collage workshop"
    ]
    chosen: Literal["random", "quota", "opt-in", "everything"]


class SampleEvent(Record):
    """What else happened; no areas means everywhere."""

    name: str
    start: datetime.date
    end: datetime.date
    areas: tuple[str, ...] = ()
    description: str


class SampleExpected(Record):
    """The expected effect on the share of one answer; sizes are fractions, so 0.10 is 10 points."""

    question: str
    choice: str
    direction: Literal["up", "down"]
    target_difference: Amount
    smallest: Amount
    by: datetime.date
    wave_before: str
    wave_after: str

    @property
    def item(self) -> str:
        """Item of the listening result that is to move, as `listening_results` names it."""
        return f"{self.question}: {self.choice}"


class SampleCampaign(Record):
    """The campaign of the sample, with one objective and one message."""

    name: str
    approach: str
    playbook: str
    behaviour: str
    start: datetime.date
    end: datetime.date
    areas: tuple[str, ...] = Field(min_length=1)
    objective: str
    message: str
    medium: str
    cost: float = Field(ge=0)
    expected: SampleExpected


class Sample(Record):
    """The file sample.yaml."""

    programme: str
    made_up: Literal[True]
    statement: str
    areas: tuple[SampleArea, ...] = Field(min_length=1)
    attributes: tuple[SampleAttribute, ...] = Field(min_length=1)
    waves: tuple[SampleWave, ...] = Field(min_length=2)
    channels: tuple[SampleChannel, ...] = Field(min_length=1)
    context_events: tuple[SampleEvent, ...] = ()
    campaign: SampleCampaign


def sample_folder() -> Path:
    """Folder that holds sample.yaml and the files of its channels."""
    return bundled.campaigns() / "sample"


def load_sample(folder: Path | None = None) -> Sample:
    """Read sample.yaml and see that it hangs together.

    Parameters
    ----------
    folder : holds sample.yaml and the files; None takes the one that ships with commsapp.

    Raises
    ------
    BadInput : the file doesn't fit the schema, a period ends before it begins, or it names an area, a wave or a file that
        isn't there; the sentence names file, line and field.

    """
    home = folder or sample_folder()
    path = home / "sample.yaml"
    sample = read_checked(path, Sample)
    campaign, areas = sample.campaign, {area.name for area in sample.areas}
    placed = [("campaign.areas", campaign.areas)]
    placed += [(f"context_events.{number}.areas", event.areas) for number, event in enumerate(sample.context_events)]
    for field, named in placed:
        if unknown := sorted(set(named) - areas):
            raise mistake(path, field, f"names the area '{unknown[0]}', which is not among the areas")
    for field in ("wave_before", "wave_after"):
        if getattr(campaign.expected, field) not in {wave.name for wave in sample.waves}:
            raise mistake(path, f"campaign.expected.{field}", "names a wave that is not among the waves")
    for number, channel in enumerate(sample.channels):
        if not (home / channel.file).is_file():
            raise mistake(path, f"channels.{number}.file", f"names {channel.file}, which is not beside it")
    _check_periods(sample, path)
    return sample


def _check_periods(sample: Sample, path: Path) -> None:
    periods = [(f"waves.{number}.end", wave.start, wave.end) for number, wave in enumerate(sample.waves)]
    periods += [(f"context_events.{number}.end", event.start, event.end) for number, event in enumerate(sample.context_events)]
    periods.append(("campaign.end", sample.campaign.start, sample.campaign.end))
    for field, start, end in periods:
        if end < start:
            raise mistake(path, field, "lies before its start")
