"""Import: choose files, check what was found in them, start; and how one file went in. Nothing is stored before 'Import'."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask import request as http
from werkzeug.wrappers import Response

from commsapp.errors import BadInput, Conflict, NotFound
from commsapp.http import request
from commsapp.http.reading import words_leave
from commsapp.http.security import STAFF, may_enter
from commsapp.listening import service as listening
from commsapp.listening.columns import Mapping, missing
from commsapp.listening.views import Programme
from commsapp.storage import erasing, jobs
from commsapp.storage.session import told
from commsapp.web import entered, fields, levels, uploads, wording
from commsapp.web.choices import CHOSEN, CHOSEN_HINTS, READ_AS
from commsapp.web.entered import Entered, entered_in
from commsapp.web.pages.files_form import FilesForm, come_back, filled
from commsapp.web.pages.import_form import NEW, Decision, Looked, Target, chosen_fields, look, make_form, read_decisions, settle
from commsapp.web.uploads import Batch

blueprint = Blueprint("imports", __name__)

SHOWN_ROWS = 5
MOST_REJECTED = 200


def import_address(batch: Batch) -> str:
    """The page on which files are checked."""
    return _address(batch, uploads.seal(batch, request.actor(), request.settings()))


def _address(batch: Batch, token: str) -> str:
    if batch.programme_id is None:
        return url_for("imports.check", files=token)
    return url_for("imports.check", programme_id=batch.programme_id, files=token)


class UploadForm(FilesForm):
    """Files for a programme that exists."""

    send = fields.Button("Look at the files")


@blueprint.route("/programmes/<int:programme_id>/import", methods=["GET", "POST"])
@may_enter(*STAFF)
def upload(programme_id: int) -> Response | tuple[str, int]:
    """Choose files for a programme."""
    programme = listening.programme(request.session(), request.actor(), programme_id)
    form = filled(UploadForm, http.args.get("files", ""))
    if form.is_submitted():
        if form.validate():
            return redirect(import_address(Batch(form.all_files(), programme_id)))
        if (back := come_back(form, "imports.upload", programme_id=programme_id)) is not None:
            return back
    page = render_template("imports/upload.html", form=form, programme=programme)
    return page, 422 if form.is_submitted() else 200


@blueprint.route("/import/check", methods=["GET", "POST"])
@blueprint.route("/programmes/<int:programme_id>/import/check", methods=["GET", "POST"])
@may_enter(*STAFF)
def check(programme_id: int | None = None) -> Response | tuple[str, int]:
    """What was found in the files, and what a person says about it; 'Import' starts the work."""
    session, actor, settings = request.session(), request.actor(), request.settings()
    token = http.args.get("files", "")
    batch = uploads.unseal(token, actor, settings)
    programme = None if programme_id is None else listening.programme(session, actor, programme_id)
    if programme_id != batch.programme_id:
        return redirect(import_address(batch))
    sending = http.method == "POST"
    before = entered.kept(token, settings)
    if before is not None and before.job_id is not None:
        if _is_there(before.job_id):
            job = url_for("jobs.show", job_id=before.job_id)
            return redirect(job) if sending else (render_template("imports/sent.html", job=job, again=_again(programme)), 200)
        before = None
    into = _target(programme)
    words = {level.value: name for level, name in levels.names().items()}  # asked of the database before it is given up
    session.rollback()  # nobody else should wait for the database while files are looked at
    files = [settle(look(number, one, settings, words), into) for number, one in enumerate(batch.uploads)]
    form = make_form(files, into.channels, None if sending else before)
    if sending and any(file.preview for file in files):
        form.validate()
        decisions = read_decisions(form, files, into, settings)
        job_id = None if form.errors else _started(programme, batch, decisions)
        if job_id is not None:
            entered.keep(token, Entered(job_id=job_id), settings)
            return redirect(url_for("jobs.show", job_id=job_id))
        if entered.keep(token, entered_in(form, http.form), settings):
            return redirect(_address(batch, token), 303)
    for file in files:
        shown = len(file.preview.sample) if file.preview else 0
        words_leave("uploaded rows", place="programme", place_id=programme_id, ids=(), count=shown, where=file.upload.name)
    page = render_template(
        "imports/check.html",
        form=form,
        files=files,
        programme=programme,
        batch=batch,
        channels=into.channels,
        chosen_words=CHOSEN,
        chosen_hints=list(CHOSEN_HINTS.values()),
        channel_new=NEW,
        shown_rows=SHOWN_ROWS,
        action=_address(batch, token),
        again=_again(programme),
        examples=_examples,
        missing=lambda file: missing(chosen_fields(form, file), file.preview.columns, levels=words),
    )
    return page, 422 if sending else 200


def _is_there(job_id: int) -> bool:
    """Whether the import of a job is there still; it may have been taken back."""
    session, actor = request.session(), request.actor()
    job = jobs.job(session, actor, job_id)
    try:
        return job is not None and bool(listening.import_of(session, actor, int(job.arguments["import_id"])))
    except NotFound:
        return False


def _target(programme: Programme | None) -> Target:
    if programme is None:
        return Target()
    session, actor = request.session(), request.actor()
    return Target(
        listening.channels(session, actor, programme.id),
        listening.imports_of(session, actor, programme.id),
        listening.latest_mappings(session, actor, programme.id),
    )


def _again(programme: Programme | None) -> str:
    """Where other files are chosen."""
    return url_for("start.home") if programme is None else url_for("imports.upload", programme_id=programme.id)


def _started(programme: Programme | None, batch: Batch, decisions: list[Decision]) -> int | None:
    """The first job of imports that are stored now; None, with a message on the next page, where they can't be."""
    session = request.session()
    try:
        job_id = _start(programme, batch, decisions)
        with told():
            session.commit()  # here, so that nothing speaks of imports that were never stored
    except (BadInput, Conflict, NotFound) as error:
        session.rollback()
        flash(str(error))
        return None
    return job_id


def _start(programme: Programme | None, batch: Batch, decisions: list[Decision]) -> int:
    """Start an import for each decision, all in this request's transaction; returns the first job."""
    settings = request.settings()
    files = [
        listening.check_file(
            uploads.path_of(decision.looked.upload, settings),
            name=decision.looked.upload.name,
            mapping=decision.mapping,
            date_order=decision.date_order,
        )
        for decision in decisions
    ]
    session, actor = request.session(), request.actor()
    if programme is None:
        programme = listening.create_programme(session, actor, name=batch.new_programme)
    started = []
    for decision, file in zip(decisions, files, strict=True):
        channel_id = decision.channel_id
        if channel_id is None:
            name, chosen = decision.channel_name, decision.chosen
            channel_id = listening.add_channel(session, actor, programme.id, name=name, chosen=chosen).id
        _, job_id = listening.start_import(
            session,
            actor,
            programme_id=programme.id,
            channel_id=channel_id,
            file=file,
            handling_level=decision.handling,
            then_analyse=True,
        )
        started.append(job_id)
    return started[0]


def _examples(file: Looked, column: str) -> str:
    """The first few different cells of a column, as a hint beside its choice."""
    assert file.preview is not None
    cells = dict.fromkeys(" ".join(row[column].split()) for row in file.preview.sample)
    found = [cell if len(cell) <= 60 else f"{cell[:57]}…" for cell in cells if cell]
    most = 1 if found and len(found[0]) > 30 else 3
    return f"For example: {'; '.join(found[:most])}" if found else "Empty in the first rows"


@blueprint.get("/imports/<int:import_id>")
@may_enter(*STAFF)
def show(import_id: int) -> str:
    """How one file went in, with the rows that could not be read."""
    session, actor = request.session(), request.actor()
    run = listening.import_of(session, actor, import_id)
    programme = listening.programme(session, actor, run.programme_id)
    channels = {channel.id: channel for channel in listening.channels(session, actor, programme.id)}
    how = listening.how_read(session, actor, import_id)
    rejected = listening.rejected(session, actor, import_id)
    words_leave("rejected rows", place="import", place_id=import_id, ids=[row.row for row in rejected], where=run.file_name)
    return render_template(
        "imports/show.html",
        run=run,
        programme=programme,
        channel=channels[run.channel_id],
        chosen_words=CHOSEN,
        handling_words=levels.handling(),
        missing=missing(how.mapping.fields()),
        how=how,
        goes_on=listening.import_goes_on(session, actor, import_id),
        columns=_read_as(how.mapping),
        rejected=rejected,
        unseen=run.rejected - len(rejected) if run.rejected <= MOST_REJECTED else 0,
        most_rejected=MOST_REJECTED,
    )


def _read_as(mapping: Mapping) -> list[tuple[str, str]]:
    """Every column of a file with the words for what it was read as, those left out last."""
    return [
        *((column, READ_AS[field]) for field, column in mapping.fields().items()),
        *((column, READ_AS["attribute"]) for column in mapping.attributes),
        *((column, READ_AS["question"]) for column in mapping.questions),
        *((column, "Left out") for column in mapping.left_out),
    ]


class RemoveForm(fields.Form):
    """Nothing but the button."""

    send = fields.Button("Remove it")


class RemoveImportForm(fields.Form):
    """A reason and a tick: the words of many people go at once."""

    why = fields.TextField("Why is it removed?", missing="Enter a reason", hint="It stands in the audit log")
    sure = fields.TickField("Yes, remove all that it brought", missing="Tick the box to remove it")
    send = fields.Button("Remove it")


@blueprint.route("/imports/<int:import_id>/remove", methods=["GET", "POST"])
@may_enter(*STAFF)
def remove(import_id: int) -> Response | tuple[str, int]:
    """Ask whether what an import brought should go, and take it away."""
    session, actor = request.session(), request.actor()
    run = listening.import_of(session, actor, import_id)
    programme = listening.programme(session, actor, run.programme_id)
    form = RemoveImportForm()
    about = str(run.started_at)
    if http.form.get("about", about) != about:  # numbers may be given again once the latest import was taken back
        flash("What this page was about has been taken away since.")
        return redirect(url_for("programmes.show", programme_id=programme.id))
    if form.validate_on_submit():
        try:
            listening.remove_import(session, actor, import_id, settings=request.settings(), why=form.why.data)
            session.commit()
            erasing.settle(request.sessions())
        except Conflict as error:
            flash(str(error))
        else:
            flash(f"What {run.file_name} had brought was removed. The figures are computed again.", "success")
        return redirect(url_for("programmes.show", programme_id=programme.id))
    lines = [
        f"{wording.count(run.added, 'response')} that it added will be deleted, with all that people said in them.",
        "This can't be undone, but the file can be imported again. Figures that a message cites stay as they were.",
    ]
    question = f"Remove the import of {run.file_name}?"
    page = render_template("programmes/remove.html", form=form, programme=programme, question=question, lines=lines, about=about)
    return page, 422 if form.errors else 200
