"""Taking an import back: what a file brought goes, with everything that was made of it and of nothing else."""

from __future__ import annotations

from collections import Counter

from commsapp.actor import Actor
from commsapp.config import Settings
from commsapp.errors import Conflict, NotAllowed, NotFound
from commsapp.listening import analysing, views
from commsapp.listening.importing import as_import
from commsapp.listening.measuring import answer_item
from commsapp.storage import attachments, erasing, events, imports, jobs
from commsapp.storage.embeddings import delete_everywhere
from commsapp.storage.session import Session

_LATEST_JOBS = 1_000


def remove_import(session: Session, actor: Actor, import_id: int, *, settings: Settings, why: str = "") -> views.Import:
    """Remove the responses that an import added, with their words, answers, codings and embeddings; returns what it was.

    Responses that other imports added stay, also where this file held them again. Listening results that a message cites
    stay as they were frozen; the others are computed anew, for which an analysis is enqueued.

    Raises
    ------
    NotFound : no such import. Conflict : it waits or is read at this moment. NotAllowed : it brought something at a handling
        level that the actor is not cleared for.

    """
    run = imports.import_run(session, actor, import_id)
    if run is None:
        raise NotFound("There is no such import.", "Go back to the programme.")
    if _goes_on(session, actor, run):
        raise Conflict("This import has not come to its end yet.", "Wait for it, or stop it first.")
    levels = erasing.levels_of_import(session, run.id) | {run.handling_level}
    if not levels <= {level.value for level in actor.handling_levels}:
        raise NotAllowed("This file brought something at a handling level that you are not cleared for.", "Ask somebody who is.")
    removed = as_import(run)
    take_away(session, actor, run.programme_id, erasing.responses_of_import(session, run.id), settings=settings)
    imports.delete_import(session, import_id=run.id)
    after = {"file": run.file_name, "responses": run.added, "programme_id": run.programme_id, "levels": sorted(levels)}
    events.record(session, actor, action="remove", subject="import", subject_id=import_id, after=after, why=why)
    analysing.start_analysis(session, actor, programme_id=run.programme_id)
    return removed


def take_away(session: Session, actor: Actor, programme_id: int, ids: list[int], *, settings: Settings) -> Counter[str]:
    """Delete responses with all that was made of them and of nothing else; how many of each kind went.

    With them go codings and embeddings of texts that nobody says any more, choices and areas that nobody gives any more,
    stored results about those, and all older results. Those of the latest analysis stay until they are computed
    anew, for which the caller enqueues an analysis. After the commit, `erasing.settle` takes what is left out of the files.
    """
    taken = erasing.erase_responses(session, actor.organisation_id, programme_id, ids)
    erasing.drop_results(
        session,
        programme_id,
        items={answer_item(question, choice) for question, choice in taken.answers},
        segments={f"{name} = {value}" for name, value in taken.attributes},
        areas=taken.areas,
    )
    erasing.drop_older_results(session, programme_id)
    delete_everywhere(settings.data_dir, taken.text_keys)
    attachments.unlink_when_committed(session, taken.files, data_dir=settings.data_dir)
    return taken.counts


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
