"""Taking an import back: what a file brought goes, with everything that was made of it and of nothing else."""

from __future__ import annotations

from commsapp.actor import Actor
from commsapp.config import Settings
from commsapp.errors import Conflict, NotFound
from commsapp.listening import analysing, views
from commsapp.listening.importing import as_import
from commsapp.storage import attachments, codings, events, imports, jobs, responses, search
from commsapp.storage.base import keyring_of
from commsapp.storage.embeddings import EmbeddingStore
from commsapp.storage.session import Session
from commsapp.textmodels.encoder import ENCODER_VERSION

_LATEST_JOBS = 1_000


def remove_import(session: Session, actor: Actor, import_id: int, *, settings: Settings) -> views.Import:
    """Remove the responses that an import added, with their words, answers, codings and embeddings; returns what it was.

    Responses that other imports added stay, also where this file held them again. Listening results that a message cites
    stay as they were frozen; the others are computed anew, for which an analysis is enqueued.

    Raises
    ------
    NotFound : no such import. Conflict : it waits or is read at this moment.

    """
    run = imports.import_run(session, actor, import_id)
    if run is None:
        raise NotFound("There is no such import.", "Go back to the programme.")
    if _goes_on(session, actor, run):
        raise Conflict("This import has not come to its end yet.", "Wait for it, or stop it first.")
    removed = as_import(run)
    files = attachments.files_of(session, responses.of_import(run.id))
    attachments.unlink_when_committed(session, files, data_dir=settings.data_dir)
    gone = responses.delete_of_import(session, import_id=run.id)
    search.purge(session)
    codings.delete_codings(session, actor, text_keys=gone)
    imports.delete_import(session, import_id=run.id)
    after = {"file": run.file_name, "responses": run.added}
    events.record(session, actor, action="remove", subject="import", subject_id=import_id, after=after)
    analysing.start_analysis(session, actor, programme_id=run.programme_id)
    with EmbeddingStore(settings.data_dir, ENCODER_VERSION, keyring_of(session)) as store:
        store.delete(gone)
    return removed


def import_goes_on(session: Session, actor: Actor, import_id: int) -> bool:
    """Whether an import waits or is read at this moment; one that failed or was stopped half-way does not.

    Raises
    ------
    NotFound : no such import.

    """
    run = imports.import_run(session, actor, import_id)
    if run is None:
        raise NotFound("There is no such import.", "Go back to the programme.")
    return _goes_on(session, actor, run)


def _goes_on(session: Session, actor: Actor, run: imports.ImportRun) -> bool:
    if run.finished_at is not None:
        return False
    return any(
        job.name == "import" and job.arguments.get("import_id") == run.id and job.state in ("queued", "running")
        for job in jobs.recent_jobs(session, actor, run.programme_id, limit=_LATEST_JOBS)
    )
