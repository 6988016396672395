"""Work that goes on in the background: how far an import and its analysis are, and what came out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from flask import Blueprint, flash, make_response, redirect, render_template, url_for
from flask import request as http
from werkzeug.wrappers import Response

from commsapp.errors import NotFound
from commsapp.http import request
from commsapp.http.security import STAFF, may_enter
from commsapp.listening import service as listening
from commsapp.listening.views import Import, Programme, Summary
from commsapp.storage import jobs
from commsapp.storage.base import now
from commsapp.storage.jobs import Job

blueprint = Blueprint("jobs", __name__)

GOING = frozenset({"queued", "running"})
_TITLES = {"analyse": "Topics, tone and results", "explain": "Why a comment was coded as it was"}
STOPPED = frozenset({"failed", "cancelled"})
# Work on a codebook → its title while it goes on, and when it has ended.
CODEBOOK_WORK: dict[str, tuple[str, str]] = {
    "add topic": ("Adding the topic to the draft", "The topic is in the draft"),
    "split topic": ("Taking the topic apart", "The topic is taken apart in the draft"),
    "compare codebooks": ("Sorting the comments both ways", "It is counted what would change"),
    "freeze codebook": ("Freezing the topics and sorting all comments by them", "The new version is in use"),
    "try codebook": ("Sorting the other programme’s comments by these topics", "It was tried on the other programme"),
    "carry codebook": ("Carrying the topics over", "The topics are in use"),
    "count results": ("Working out the figures anew", "The figures are worked out anew"),
}
_AT_ONCE = timedelta(seconds=5)
_TOO_LONG = timedelta(seconds=30)


@dataclass(frozen=True)
class Work:
    """One job in the words of the page."""

    job: Job
    title: str
    run: Import | None

    @property
    def going(self) -> bool:
        """Whether it waits or runs."""
        return self.job.state in GOING


@dataclass(frozen=True)
class Chain:
    """A job and all that goes on with it in its programme, first to last."""

    first: int
    programme: Programme
    works: tuple[Work, ...]
    summary: Summary | None
    stuck: bool

    @property
    def going(self) -> bool:
        """Whether any of it waits or runs."""
        return any(work.going for work in self.works)

    @property
    def analysed(self) -> bool:
        """Whether an analysis came to its end."""
        return any(work.job.name == "analyse" and work.job.state == "done" for work in self.works)

    @property
    def of_codebook(self) -> bool:
        """Whether it began as work on a codebook."""
        return self.works[0].job.name in CODEBOOK_WORK

    @property
    def drafted(self) -> bool:
        """Whether topics were found again that wait in a draft."""
        return any(work.job.result.get("drafted") for work in self.works)

    @property
    def next(self) -> tuple[str, str]:
        """Where to go on after work on a codebook: words and address."""
        job = self.works[0].job
        programme, done = self.programme.id, job.state == "done"
        if job.name == "count results":
            return "See what was heard", url_for("listening.overview", programme_id=programme)
        if job.name == "try codebook":
            own = int(job.arguments["from_programme_id"])
            if done:
                return "See how it would be", url_for("codebooks.carry_over", programme_id=own, to=programme)
            return "Back to the topics", url_for("codebooks.index", programme_id=own)
        if done and job.name == "compare codebooks":
            return "See what would change", url_for("codebooks.difference", programme_id=programme)
        if done and job.name == "add topic" and "topic" in job.result:
            number = int(job.result["topic"])
            return "Look at the topic", url_for("codebook_topics.show", programme_id=programme, number=number)
        return "Go to the topics", url_for("codebooks.index", programme_id=programme)

    @property
    def stopped(self) -> tuple[Work, ...]:
        """What failed or was stopped."""
        return tuple(work for work in self.works if work.job.state in STOPPED)

    @property
    def imported(self) -> tuple[Import, ...]:
        """The files that went in."""
        return tuple(work.run for work in self.works if work.run is not None and work.run.finished_at is not None)

    @property
    def title(self) -> str:
        """What the page is called: people look for it among their tabs."""
        if self.of_codebook:
            going, done = CODEBOOK_WORK[self.works[0].job.name]
            return going if self.going else "The work has stopped" if self.stopped else done
        if self.going:
            return "Reading what people said" if self.works[0].job.name == "import" else "Working out the results"
        return "The work has stopped" if self.stopped and not self.analysed else "Done: what came in"


@blueprint.get("/jobs/<int:job_id>")
@may_enter(*STAFF)
def show(job_id: int) -> str:
    """How far the work is, or what came out of it."""
    return render_template("jobs/show.html", chain=_chain(job_id))


@blueprint.get("/jobs/<int:job_id>/part")
@may_enter(*STAFF)
def part(job_id: int) -> Response:
    """The part of the page that changes, for the page to ask for; when all has ended the page loads itself again."""
    chain = _chain(job_id)
    response = make_response(render_template("jobs/part.html", chain=chain))
    if not chain.going and http.headers.get("HX-Request") == "true":
        response.headers["HX-Redirect"] = url_for("jobs.show", job_id=job_id)
    return response


@blueprint.post("/jobs/<int:job_id>/cancel")
@may_enter(*STAFF)
def cancel(job_id: int) -> Response:
    """Stop a job at its next checkpoint."""
    job = jobs.cancel(request.session(), request.actor(), job_id)
    flash(f"Stopped: {_work(job).title}. What was done so far is kept.")
    return redirect(_page_of(job_id))


@blueprint.post("/jobs/<int:job_id>/retry")
@may_enter(*STAFF)
def retry(job_id: int) -> Response:
    """Go on with a job that failed or was stopped."""
    job = jobs.retry(request.session(), request.actor(), job_id)
    flash(f"Started again: {_work(job).title}.")
    return redirect(_page_of(job_id))


def _page_of(job_id: int) -> str:
    """The page from which a button was pressed: that of the first job of its chain."""
    first = http.form.get("first", "")
    return url_for("jobs.show", job_id=int(first) if first.isdecimal() else job_id)


def running(programme_id: int) -> list[Work]:
    """What waits or runs for a programme, first to last."""
    found = jobs.recent_jobs(request.session(), request.actor(), programme_id)
    return [_work(job) for job in reversed(found) if job.state in GOING]


def _chain(job_id: int) -> Chain:
    session, actor = request.session(), request.actor()
    first = jobs.job(session, actor, job_id)
    if first is None or first.programme_id is None:
        raise NotFound("There is no such work.", "Open the programme to see what goes on.")
    found = _together(first, jobs.recent_jobs(session, actor, first.programme_id, limit=200))
    waits = all(job.state != "running" for job in found) and any(job.state == "queued" for job in found)
    return Chain(
        first=job_id,
        programme=listening.programme(session, actor, first.programme_id),
        works=tuple(_work(job) for job in found),
        summary=listening.latest_summary(session, actor, first.programme_id),
        stuck=waits and now() - max(job.finished_at or job.created_at for job in found) > _TOO_LONG,
    )


def _together(first: Job, others: list[Job]) -> list[Job]:
    """The first job and those that were begun before it and its followers had ended."""
    found = [first]
    for job in sorted(others, key=lambda job: job.id):
        ended = [known.finished_at for known in found if known.finished_at is not None]
        if job.id > first.id and (len(ended) < len(found) or job.created_at <= max(ended) + _AT_ONCE):
            found.append(job)
    return found


def _work(job: Job) -> Work:
    if job.name in CODEBOOK_WORK:
        return Work(job, CODEBOOK_WORK[job.name][0], None)
    if job.name != "import":
        return Work(job, _TITLES.get(job.name, job.name), None)
    try:
        run = listening.import_of(request.session(), request.actor(), int(job.arguments["import_id"]))
    except NotFound:  # what it brought was taken back since
        return Work(job, "An import that was removed", None)
    return Work(job, f"Import of {run.file_name}", run)
