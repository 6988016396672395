"""Work that goes on in the background: imports and analyses, how far they are, stopping them and starting them again."""

from __future__ import annotations

from typing import Any, get_args

import marshmallow as ma

from commsapp.api.document import Calls
from commsapp.api.fields import Shape, Text, Whole, YesNo, a, asked
from commsapp.api.paging import Paging, cut, pages_of
from commsapp.errors import NotFound
from commsapp.http import request
from commsapp.http.security import ANALYSTS, STAFF, may_enter, needs_scope
from commsapp.listening import service as listening
from commsapp.storage import jobs
from commsapp.textmodels.codebook import MOST_TOPICS
from commsapp.textmodels.topics import Granularity

calls = Calls("jobs", __name__, description="Work that goes on in the background.")

READ, WRITE = "jobs:read", "jobs:write"
STATES = ("queued", "running", "done", "failed", "cancelled")
_LATEST = 1_000


class Job(Shape):
    """One piece of work."""

    id = a(Whole, "Its number.", example=1)
    name = a(Text, "What is done: import, analyse, explain one comment's coding, or work on a codebook.", example="analyse")
    programme_id = a(Whole, "Its programme.", nullable=True, example=1)
    state = a(Text, "How it stands.", example="running", one_of=STATES)
    stage = a(Text, "What it is at, in plain words.", example="Finding topics")
    done = a(Whole, "How much of this stage is done.", example=200)
    total = a(Whole, "How much there is; 0 where nobody knows yet.", example=412)
    error = a(Text, "Why it failed, and what to do; empty where it did not.", example="")
    created_at = a(ma.fields.AwareDateTime, "When it was asked for.", example="2026-04-01T09:30:00+00:00")
    started_at = a(ma.fields.AwareDateTime, "When it began.", nullable=True, example="2026-04-01T09:30:01+00:00")
    finished_at = a(ma.fields.AwareDateTime, "When it ended.", nullable=True, example="2026-04-01T09:31:00+00:00")


class WhichJobs(Paging):
    """Which jobs are wanted."""

    programme_id = asked(Whole, "Only those of this programme.", example=1)


class NewAnalysis(Shape):
    """An analysis to be started."""

    granularity = a(
        Text,
        "Find the topics again, this finely: a new codebook version, with which everything is coded. Left out: code what is new "
        "with the codebook in use.",
        default=None,
        nullable=True,
        one_of=get_args(Granularity),
        example="medium",
    )
    topics = a(
        Whole,
        "Find the topics again, as many as this; fewer where the comments don't fall into as many. It counts before granularity.",
        default=None,
        nullable=True,
        low=2,
        high=MOST_TOPICS,
        example=12,
    )
    again = a(YesNo, "Find the topics again, as finely as they are; what people curated stays.", default=False, example=False)


def job_of(job_id: int) -> jobs.Job:
    """One job of the organisation.

    Raises
    ------
    NotFound : there is none.

    """
    found = jobs.job(request.session(), request.actor(), job_id)
    if found is None:
        raise NotFound("There is no such job.", "Choose one from the list.")
    return found


@calls.at("/jobs")
@calls.query(WhichJobs)
@calls.gives(200, pages_of(Job))
@may_enter(*STAFF)
@needs_scope(READ)
def list_jobs(wanted: dict[str, Any]) -> dict[str, Any]:
    """The latest jobs, newest first; of older ones than the last thousand nothing is listed."""
    return cut(jobs.recent_jobs(request.session(), request.actor(), wanted["programme_id"], limit=_LATEST), wanted)


@calls.at("/jobs/<int:job_id>")
@calls.gives(200, Job)
@may_enter(*STAFF)
@needs_scope(READ)
def get_job(job_id: int) -> Any:
    """How far a job is."""
    return job_of(job_id)


@calls.at("/jobs/<int:job_id>/cancel", "POST")
@calls.gives(200, Job)
@may_enter(*STAFF)
@needs_scope(WRITE)
def cancel_job(job_id: int) -> Any:
    """Stop a job at its next checkpoint; what was done so far is kept. Nothing needs to be sent."""
    return jobs.cancel(request.session(), request.actor(), job_id)


@calls.at("/jobs/<int:job_id>/retry", "POST")
@calls.gives(200, Job)
@may_enter(*STAFF)
@needs_scope(WRITE)
def retry_job(job_id: int) -> Any:
    """Go on with a job that failed or was stopped. Nothing needs to be sent."""
    return jobs.retry(request.session(), request.actor(), job_id)


@calls.at("/programmes/<int:programme_id>/analyses", "POST")
@calls.body(NewAnalysis)
@calls.gives(202, Job)
@may_enter(*ANALYSTS)
@needs_scope(WRITE)
def start_analysis(new: dict[str, Any], programme_id: int) -> Any:
    """Start an analysis, or give back the one that waits already. It goes on by itself; ask for its job now and then."""
    granularity = new.pop("topics") or new.pop("granularity")
    return job_of(
        listening.start_analysis(
            request.session(), request.actor(), programme_id=programme_id, granularity=granularity, again=new["again"]
        )
    )
