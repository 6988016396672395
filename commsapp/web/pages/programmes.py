"""Programmes: the list, a new one, and one with everything that was heard in it and the next steps."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from commsapp.errors import Conflict
from commsapp.http import request
from commsapp.http.security import ANALYSTS, STAFF, may_enter
from commsapp.listening import service as listening
from commsapp.listening.views import Import
from commsapp.storage import jobs
from commsapp.web import fields
from commsapp.web.choices import CHOSEN
from commsapp.web.pages.jobs import running
from commsapp.web.pages.retention import KEEPERS

blueprint = Blueprint("programmes", __name__)

_SHOWN_IMPORTS = 10


class ProgrammeForm(fields.Form):
    """The frame for one piece of work."""

    name = fields.TextField("Name of the programme", missing="Enter a name", hint="For example, County lines 2026")
    description = fields.LongTextField(
        "What it is about", hint="A sentence or two for colleagues who come later. You can leave it empty."
    )
    send = fields.Button("Make the programme")


@blueprint.get("/programmes")
@may_enter(*STAFF)
def index() -> str:
    """All programmes with what was heard."""
    session, actor = request.session(), request.actor()
    programmes = [(one, listening.latest_summary(session, actor, one.id)) for one in listening.all_programmes(session, actor)]
    return render_template("programmes/index.html", programmes=programmes)


@blueprint.route("/programmes/new", methods=["GET", "POST"])
@may_enter(*STAFF)
def new() -> Response | tuple[str, int]:
    """Make a programme."""
    form = ProgrammeForm()
    if form.validate_on_submit():
        try:
            made = listening.create_programme(
                request.session(), request.actor(), name=form.name.data, description=form.description.data or ""
            )
        except Conflict:
            form.name.errors = ["There is a programme of that name already; enter another name, or open that one"]
        else:
            flash(f"The programme {made.name} was made.", "success")
            return redirect(url_for("programmes.show", programme_id=made.id))
    return render_template("programmes/new.html", form=form), 422 if form.errors else 200


@blueprint.get("/programmes/<int:programme_id>")
@may_enter(*STAFF)
def show(programme_id: int) -> str:
    """One programme: what was heard, what it is compared by, what to do next."""
    session, actor = request.session(), request.actor()
    programme = listening.programme(session, actor, programme_id)
    counted = {row["channel"]: row for row in listening.counts_by_channel(session, actor, programme_id).to_dict("records")}
    imports = listening.imports_of(session, actor, programme_id)
    channels = {channel.id: channel for channel in listening.channels(session, actor, programme_id)}
    waves = listening.waves(session, actor, programme_id)
    return render_template(
        "programmes/show.html",
        programme=programme,
        summary=listening.latest_summary(session, actor, programme_id),
        channels=channels,
        kept={one.channel_id: one for one in listening.retentions(session, actor, programme_id)},
        today=datetime.now(UTC).date(),
        may_keep=actor.role in KEEPERS,
        counted=counted,
        chosen_words=CHOSEN,
        waves=waves,
        only_months=all(wave.proposed for wave in waves),
        context_events=listening.context_events(session, actor, programme_id),
        areas=listening.areas(session, actor, programme_id),
        imports=imports[:_SHOWN_IMPORTS],
        more_imports=max(0, len(imports) - _SHOWN_IMPORTS),
        import_states=_states(programme_id, imports),
        going=running(programme_id),
        may_analyse=actor.role in ANALYSTS,
    )


@blueprint.post("/programmes/<int:programme_id>/analyse")
@may_enter(*ANALYSTS)
def analyse(programme_id: int) -> Response:
    """Code what is new and compute the results again."""
    job_id = listening.start_analysis(request.session(), request.actor(), programme_id=programme_id)
    return redirect(url_for("jobs.show", job_id=job_id))


def _states(programme_id: int, imports: list[Import]) -> dict[int, str]:
    """Import → what became of it, for those that have not ended well."""
    found = {run.id: "" for run in imports}
    words = {"queued": "Waiting", "running": "Being read", "failed": "Failed", "cancelled": "Stopped"}
    for job in jobs.recent_jobs(request.session(), request.actor(), programme_id):
        if job.name == "import" and job.arguments.get("import_id") in found:
            found[int(job.arguments["import_id"])] = words.get(job.state, "")
    return found
