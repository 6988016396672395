"""Asking for work on a codebook that takes a model or all comments: jobs do it, and this says beforehand what can't be done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from commsapp.actor import Actor
from commsapp.errors import BadInput, Conflict
from commsapp.listening import changes as curating
from commsapp.listening import drafting
from commsapp.listening import programmes as frame
from commsapp.may import check_change
from commsapp.storage import codebooks, codings, jobs
from commsapp.storage.session import Session
from commsapp.textmodels.encoder import ENCODER_VERSION

MOST_EXAMPLES, LONGEST_EXAMPLE = 30, 2_000
MOST_PARTS = 20


def start_add(
    session: Session,
    actor: Actor,
    programme_id: int,
    *,
    name: str,
    definition: str = "",
    examples: Sequence[str] = (),
    comment_ids: Sequence[int] = (),
    note: str = "",
) -> int:
    """Ask for a new topic, by examples that somebody typed, by comments, or by its name and definition alone; the job's id.

    Raises
    ------
    BadInput : the name can't be used, there are too many examples, or nothing says what it is about.

    """
    found = drafting.opened(session, actor, programme_id, hold=True)
    name = curating.check_name(found.state, name)
    definition = curating.check_text(definition, "description")
    texts = [text for text in (" ".join(example.split()) for example in examples) if text]
    if any(len(text) > LONGEST_EXAMPLE for text in texts):
        raise BadInput("An example is too long.", f"Use {LONGEST_EXAMPLE:,} letters or fewer for each.")
    keys = sorted(set(codebooks.keys_of_comments(session, actor, programme_id, comment_ids).values()))
    if len(texts) + len(keys) > MOST_EXAMPLES:
        raise BadInput(
            f"There are {len(texts) + len(keys)} examples.", f"Use {MOST_EXAMPLES} or fewer: a few good ones are best."
        )
    if comment_ids and not keys:
        raise BadInput("None of these comments was read by the models.", "Choose others, or type examples.")
    if not texts and not keys and not definition:
        raise BadInput("Nothing says what the topic is about.", "Choose comments, type an example, or describe it.")
    asked = {"name": name, "definition": definition, "texts": texts, "keys": keys}
    return _ask(session, actor, programme_id, found, "add topic", asked, note)


def start_split(
    session: Session, actor: Actor, programme_id: int, *, number: int, parts: int | None = None, note: str = ""
) -> int:
    """Ask for a topic to be split into so many parts, or as many as there are; the job's id.

    Raises
    ------
    NotFound : no such topic. BadInput : fewer than 2 parts, or too many.

    """
    found = drafting.opened(session, actor, programme_id, hold=True)
    drafting.there(found.state, number)
    if parts is not None and not 2 <= parts <= MOST_PARTS:
        raise BadInput(f"A topic can't be split into {parts}.", f"Use 2 to {MOST_PARTS}, or leave it empty.")
    return _ask(session, actor, programme_id, found, "split topic", {"number": number, "parts": parts}, note)


def start_look(session: Session, actor: Actor, programme_id: int) -> int:
    """Ask what the draft would change; the job's id.

    Raises
    ------
    BadInput : the draft has no changes.

    """
    found = drafting.opened(session, actor, programme_id)
    if not found.live:
        raise BadInput("The draft has no changes yet.", "Make one first.")
    return _start(session, actor, programme_id, "compare codebooks", {})


def start_freeze(session: Session, actor: Actor, programme_id: int, *, note: str, state: str) -> int:
    """Ask for the draft to become the next version, and for everything to be coded by it; the job's id.

    ``state`` is that of the draft that somebody looked at (`views.Draft.state`).

    Raises
    ------
    BadInput : no reason, or no changes. Conflict : the draft was changed meanwhile.

    """
    found = drafting.opened(session, actor, programme_id, hold=True)
    if not curating.check_text(note, "reason"):
        raise BadInput("Nothing says why.", "Enter a reason: it stands beside the version for good.")
    if not found.live:
        raise BadInput("The draft has no changes yet.", "Make one first.")
    check_state(found, state)
    return _ask(session, actor, programme_id, found, "freeze codebook", {"state": state}, note)


def check_state(found: drafting.Opened, state: str) -> None:
    """Refuse to freeze something else than somebody looked at. Raises Conflict."""
    if found.mark != state:
        raise Conflict("Somebody changed the draft meanwhile.", "Look at it again, then freeze it.")


def start_carry(
    session: Session, actor: Actor, programme_id: int, to_programme_id: int, *, dry_run: bool = True, note: str = ""
) -> int:
    """Ask what the codebook in use would make of another programme's comments, or (no dry run) to carry it over; the job's id.

    Raises
    ------
    BadInput : the same programme, or topics named by words that not everybody may read. Conflict : topics of an older encoder.
    NotFound : no such programme.

    """
    found = drafting.opened(session, actor, programme_id)
    frame.programme(session, actor, to_programme_id)
    if to_programme_id == programme_id:
        raise BadInput("It is the codebook of this programme already.", "Choose another programme.")
    if not found.base.named_by_open:
        raise BadInput(
            "Its topics are named by words that not everybody may read, so it can't be carried to another programme.",
            "Find topics in the other programme instead.",
        )
    if found.version.encoder_version != ENCODER_VERSION:
        raise Conflict(
            "The topics of this programme were found by an older model.", "Analyse this programme first, then carry them."
        )
    asked = {"from_programme_id": programme_id, "version_id": found.version.id}
    if dry_run:
        return _start(session, actor, to_programme_id, "try codebook", asked)
    if not curating.check_text(note, "reason"):
        raise BadInput("Nothing says why.", "Enter a reason: it stands beside the version for good.")
    if codings.current_version(session, actor, to_programme_id) and drafting.opened(session, actor, to_programme_id).live:
        raise BadInput(
            "There is a draft on the topics of that programme, which would be lost.",
            "Freeze it there, or undo its changes, first.",
        )
    row = codebooks.add_change(session, actor, found.version, kind=codebooks.ASKED, arguments={}, note=note)
    return _start(session, actor, to_programme_id, "carry codebook", {**asked, "asked_id": row.id})


def _ask(
    session: Session, actor: Actor, programme_id: int, found: drafting.Opened, name: str, asked: dict[str, Any], note: str
) -> int:
    """Keep what is asked for, sealed, and enqueue the job that does it."""
    note = curating.check_text(note, "reason")
    row = codebooks.add_change(session, actor, found.version, kind=codebooks.ASKED, arguments=asked, note=note)
    return _start(session, actor, programme_id, name, {"asked_id": row.id})


def _start(session: Session, actor: Actor, programme_id: int, name: str, arguments: dict[str, Any]) -> int:
    # Whoever may not change the draft may not have it worked on either: the event that is written later would come too late.
    check_change(actor, drafting.SUBJECT, "change")
    given = {"programme_id": programme_id, **arguments}
    return jobs.enqueue(session, actor, name=name, arguments=given, programme_id=programme_id).id
