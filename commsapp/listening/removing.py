"""Taking an import back: what a file brought goes, with everything that was made of it and of nothing else."""

from __future__ import annotations

from commsapp.actor import Actor
from commsapp.config import Settings
from commsapp.errors import Conflict, NotFound
from commsapp.listening import analysing, views
from commsapp.listening.importing import as_import
from commsapp.storage import codings, events, imports, responses
from commsapp.storage.embeddings import EmbeddingStore
from commsapp.storage.session import Session
from commsapp.textmodels.encoder import ENCODER_VERSION


def remove_import(session: Session, actor: Actor, import_id: int, *, settings: Settings) -> views.Import:
    """Remove the responses that an import added, with their words, answers, codings and embeddings; returns what it was.

    Responses that other imports added stay, also where this file held them again. Listening results that a message cites
    stay as they were frozen; the others are computed anew, for which an analysis is enqueued.

    Raises
    ------
    NotFound : no such import. Conflict : it has not come to its end yet.

    """
    run = imports.import_run(session, actor, import_id)
    if run is None:
        raise NotFound("There is no such import.", "Go back to the programme.")
    if run.finished_at is None:
        raise Conflict("This import has not come to its end yet.", "Wait for it, or cancel it and try it again first.")
    removed = as_import(run)
    gone = responses.delete_of_import(session, import_id=run.id)
    codings.delete_codings(session, actor, text_keys=gone)
    imports.delete_import(session, import_id=run.id)
    after = {"file": run.file_name, "responses": run.added}
    events.record(session, actor, action="remove", subject="import", subject_id=import_id, after=after)
    analysing.start_analysis(session, actor, programme_id=run.programme_id)
    with EmbeddingStore(settings.data_dir, ENCODER_VERSION) as store:
        store.delete(gone)
    return removed
