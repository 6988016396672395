"""The codebook of a programme: its topics while they are curated, what the changes would do, and freezing them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask import request as http
from werkzeug.wrappers import Response

from commsapp.errors import BadInput, Conflict, NotFound
from commsapp.http import request
from commsapp.http.reading import words_leave
from commsapp.http.security import ANALYSTS, LARGEST_INTEGER, STAFF, may_enter
from commsapp.listening import service as listening
from commsapp.listening.views import Difference, Draft, Programme, Said
from commsapp.web import fields
from commsapp.web.pages.places import trail

blueprint = Blueprint("codebooks", __name__, url_prefix="/programmes/<int:programme_id>/codebook")

SHOWN_WITH_WORDS = 15
"""Rows of a difference that comments are shown of."""
WHY_HINT = "It stands beside the change for others. Write nothing here that says who anybody is."


def bounded(written: str) -> int:
    """A number that the database can hold. Raises ValueError for anything else, and for digits without end."""
    if not (written.isdecimal() and len(written) <= len(str(LARGEST_INTEGER)) and int(written) <= LARGEST_INTEGER):
        raise ValueError(written[:20])
    return int(written)


def whole(written: str) -> int | None:
    """The same; none for anything else."""
    try:
        return bounded(written)
    except ValueError:
        return None


class WhyForm(fields.Form):
    """A button, and why."""

    why = fields.TextField("Why?", missing="Enter a reason", hint="It stands beside the version for good, with your name")
    send = fields.Button("Freeze as a new version")


class CarryForm(fields.Form):
    """Which other programme."""

    to = fields.PickField("Which programme should get these topics?", missing="Select a programme")
    send = fields.Button("Try it first")


def place(programme: Programme, *steps: tuple[str, str]) -> dict[str, Any]:
    """Where a page of a codebook stands."""
    heard = ("What was heard", url_for("listening.overview", programme_id=programme.id))
    return {"programme": programme, "breadcrumbs": trail(programme, heard, *steps), "made_up": programme.made_up}


def codebook_step(programme_id: int) -> tuple[str, str]:
    """The way back to the list of topics."""
    return ("Topics", url_for("codebooks.index", programme_id=programme_id))


def programme_of(programme_id: int) -> Programme:
    """The programme of a page."""
    return listening.programme(request.session(), request.actor(), programme_id)


@blueprint.get("")
@may_enter(*ANALYSTS)
def index(programme_id: int) -> str:
    """Topics of the draft with what was done to them, and the list of changes."""
    session, actor = request.session(), request.actor()
    programme = programme_of(programme_id)
    in_use = listening.codebook_in_use(session, actor, programme_id)
    if in_use is None:
        return render_template("codebooks/none.html", form=fields.Form(), **place(programme))
    draft = listening.codebook_draft(session, actor, programme_id)
    return render_template(
        "codebooks/index.html",
        draft=draft,
        frozen_at=in_use.frozen_at,
        difference=listening.draft_difference(session, actor, programme_id),
        form=fields.Form(),
        **place(programme),
    )


def back(programme_id: int) -> Response:
    """To the list of topics."""
    return redirect(url_for("codebooks.index", programme_id=programme_id))


@blueprint.post("/undo")
@may_enter(*ANALYSTS)
def undo(programme_id: int) -> Response:
    """Take back the last change, if it is still the one that the page showed."""
    shown = http.form.get("change", "")
    said = listening.undo_change(request.session(), request.actor(), programme_id, change_id=whole(shown))
    flash(f"Undone: {said}.", "success")
    return back(programme_id)


@blueprint.post("/redo")
@may_enter(*ANALYSTS)
def redo(programme_id: int) -> Response:
    """Make the change again that was undone last."""
    flash(f"Done again: {listening.redo_change(request.session(), request.actor(), programme_id)}.", "success")
    return back(programme_id)


@blueprint.route("/start-again", methods=["GET", "POST"])
@may_enter(*ANALYSTS)
def start_again(programme_id: int) -> Response | str:
    """Ask, then undo every change."""
    session, actor = request.session(), request.actor()
    programme, form = programme_of(programme_id), fields.Form()
    if form.validate_on_submit():
        count = listening.start_draft_again(session, actor, programme_id)
        flash(f"All changes were undone ({count}). Each can be made again, one by one.", "success")
        return back(programme_id)
    draft = listening.codebook_draft(session, actor, programme_id)
    return render_template("codebooks/start_again.html", draft=draft, form=form, **place(programme, codebook_step(programme_id)))


@blueprint.post("/look")
@may_enter(*ANALYSTS)
def look(programme_id: int) -> Response:
    """Start counting what the draft would change."""
    return redirect(url_for("jobs.show", job_id=listening.start_look(request.session(), request.actor(), programme_id)))


@blueprint.get("/difference")
@may_enter(*ANALYSTS)
def difference(programme_id: int) -> str:
    """What the draft would change, as it was counted last, with comments that would move."""
    session, actor = request.session(), request.actor()
    programme = programme_of(programme_id)
    found = listening.draft_difference(session, actor, programme_id)
    return render_template(
        "codebooks/difference.html",
        draft=listening.codebook_draft(session, actor, programme_id),
        found=found,
        sizes=sizes(found) if found else [],
        said=examples(programme_id, found, "would move to another topic") if found else {},
        form=fields.Form(),
        **place(programme, codebook_step(programme_id)),
    )


def sizes(found: Difference) -> list[tuple[str, int, int]]:
    """Each topic with how many comments it has before and after, the largest first; a topic is its number, not its name."""
    names: dict[int, str] = {}
    before: dict[int, int] = {}
    after: dict[int, int] = {}
    for row in found.rows:
        names.setdefault(row.before, row.before_name)
        before[row.before] = before.get(row.before, 0) + row.comments
        after[row.after] = after.get(row.after, 0) + row.comments
    names |= {row.after: row.after_name for row in found.rows}
    counted = [(names[number], before.get(number, 0), after.get(number, 0)) for number in names if number >= 0]
    none = [(names[number], before.get(number, 0), after.get(number, 0)) for number in names if number < 0]
    return [*sorted(counted, key=lambda row: (-row[2], -row[1], row[0])), *none]


def examples(programme_id: int, found: Difference, where: str) -> dict[int, Said]:
    """Comments that stand beside the largest rows of a difference, by their numbers; that they are read is noted."""
    moved = [row for row in found.rows if not row.stays][:SHOWN_WITH_WORDS]
    ids = [number for row in moved for number in row.examples]
    said = listening.comments_of(request.session(), request.actor(), programme_id, ids)
    words_leave(
        "comments",
        place="programme",
        place_id=programme_id,
        ids=[one.id for one in said],
        where=where,
        levels=[one.handling_level for one in said],
    )
    return {one.id: one for one in said}


@blueprint.route("/freeze", methods=["GET", "POST"])
@may_enter(*ANALYSTS)
def freeze(programme_id: int) -> Response | tuple[str, int]:
    """Say what freezing does, ask why, and start it."""
    session, actor = request.session(), request.actor()
    programme = programme_of(programme_id)
    draft = listening.codebook_draft(session, actor, programme_id)
    form: Any = WhyForm()
    if form.validate_on_submit():
        try:
            job = listening.start_freeze(session, actor, programme_id, note=form.why.data, state=http.form.get("state", ""))
            return redirect(url_for("jobs.show", job_id=job))
        except (BadInput, Conflict) as error:
            form.why.errors = [str(error)]
    return (
        render_template(
            "codebooks/freeze.html",
            draft=draft,
            found=listening.draft_difference(session, actor, programme_id),
            form=form,
            **place(programme, codebook_step(programme_id)),
        ),
        422 if form.errors else 200,
    )


@blueprint.get("/versions")
@may_enter(*STAFF)
def versions(programme_id: int) -> str:
    """All versions: who froze them, when and why."""
    programme = programme_of(programme_id)
    found = listening.codebook_versions(request.session(), request.actor(), programme_id)
    return render_template(
        "codebooks/versions.html", versions=found, may_curate=request.actor().role in ANALYSTS, **_place_of_all(programme)
    )


def _place_of_all(programme: Programme, *steps: tuple[str, str]) -> dict[str, Any]:
    """Where a page stands that those may see, too, who don't curate."""
    own = (codebook_step(programme.id),) if request.actor().role in ANALYSTS else ()
    return place(programme, *own, *steps)


@blueprint.get("/versions/difference")
@may_enter(*STAFF)
def between(programme_id: int) -> Response | str:
    """What two versions made of the same comments; the latest two where the address doesn't say which."""
    programme = programme_of(programme_id)
    session, actor = request.session(), request.actor()
    known = {version.number: version for version in listening.codebook_versions(session, actor, programme_id)}
    if len(known) < 2:
        flash("There is no other version to compare with yet.")
        return redirect(url_for("codebooks.versions", programme_id=programme_id))
    latest, before = list(known)[:2]
    first, second = http.args.get("from", before, type=bounded), http.args.get("to", latest, type=bounded)
    found = listening.between_versions(session, actor, programme_id, first, second)
    steps = ("Versions", url_for("codebooks.versions", programme_id=programme_id))
    return render_template(
        "codebooks/between.html",
        found=found,
        sizes=sizes(found),
        first=known[first],
        second=known[second],
        **_place_of_all(programme, steps),
    )


@blueprint.route("/carry", methods=["GET", "POST"])
@may_enter(*ANALYSTS)
def carry(programme_id: int) -> Response | tuple[str, int]:
    """Choose another programme, and try what these topics would make of its comments."""
    session, actor = request.session(), request.actor()
    programme = programme_of(programme_id)
    others = {str(one.id): one.name for one in listening.all_programmes(session, actor) if one.id != programme_id}
    form: Any = CarryForm()
    form.to.choices = {"": "Select a programme", **others}
    if form.validate_on_submit():
        try:
            job = listening.start_carry(session, actor, programme_id, int(form.to.data))
            return redirect(url_for("jobs.show", job_id=job))
        except BadInput as error:
            form.to.errors = [str(error)]
    page = render_template("codebooks/carry.html", form=form, others=others, **place(programme, codebook_step(programme_id)))
    return page, 422 if form.errors else 200


@blueprint.route("/carry/over", methods=["GET", "POST"])
@may_enter(*ANALYSTS)
def carry_over(programme_id: int) -> Response | tuple[str, int]:
    """What the topics would make of the other programme's comments; then carry them over, with a reason."""
    session, actor = request.session(), request.actor()
    programme = programme_of(programme_id)
    to = http.args.get("to", type=bounded)
    found = None if to is None else listening.codebook_tried(session, actor, programme_id, programme_of(to).id)
    if to is None or found is None:
        flash("That was not tried yet, or the topics were changed since. Choose the programme first.")
        return redirect(url_for("codebooks.carry", programme_id=programme_id))
    other = programme_of(to)
    form: Any = WhyForm()
    form.send.label.text = f"Carry the topics over to {other.name}"
    if form.validate_on_submit():
        try:
            job = listening.start_carry(session, actor, programme_id, other.id, dry_run=False, note=form.why.data)
            return redirect(url_for("jobs.show", job_id=job))
        except BadInput as error:
            form.why.errors = [str(error)]
    after: dict[str, int] = {}
    for row in found.rows:
        after[row.after_name] = after.get(row.after_name, 0) + row.comments
    steps = ("Use in another programme", url_for("codebooks.carry", programme_id=programme_id))
    return (
        render_template(
            "codebooks/carry_over.html",
            other=other,
            found=found,
            after=sorted(after.items(), key=lambda pair: (-pair[1], pair[0])),
            form=form,
            **place(programme, codebook_step(programme_id), steps),
        ),
        422 if form.errors else 200,
    )


def topic_of(draft: Draft, number: int) -> Any:
    """A topic of a draft. Raises NotFound."""
    found = draft.topic(number)
    if found is None:
        raise NotFound("There is no such topic in this draft.", "Choose one from the list of topics.")
    return found
