"""One topic of a codebook draft, and what can be done to it: one page for each change, that says beforehand what will happen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask import request as http
from werkzeug.wrappers import Response

from commsapp.errors import BadInput
from commsapp.http import request
from commsapp.http.reading import words_leave
from commsapp.http.security import ANALYSTS, may_enter
from commsapp.listening import service as listening
from commsapp.listening.languages import language, reason
from commsapp.listening.views import Page
from commsapp.web import fields
from commsapp.web.pages.codebooks import WHY_HINT, codebook_step, place, programme_of, topic_of, whole

blueprint = Blueprint("codebook_topics", __name__, url_prefix="/programmes/<int:programme_id>/codebook")

FEW = 5
"""Comments that stand on a topic's page."""
LONGEST_SEARCH = 200


class RenameForm(fields.Form):
    """Another name."""

    name = fields.TextField("New name", missing="Enter a name", hint="Plain words that anybody here understands at once")
    why = fields.TextField("Why? (optional)", hint=WHY_HINT)
    send = fields.Button("Rename it")


class DescribeForm(fields.Form):
    """What belongs to a topic, and a note."""

    definition = fields.LongTextField("What belongs to this topic, and what does not?", hint="So that others sort alike")
    note = fields.LongTextField("Note (optional)", hint="For those who curate, such as what you are not sure of")
    send = fields.Button("Save the description")


class MergeForm(fields.Form):
    """Which topics go into this one."""

    others = fields.TicksField("Which topics go into it?", missing="Select at least one topic")
    name = fields.TextField("Name of the merged topic", missing="Enter a name")
    why = fields.TextField("Why? (optional)", hint=WHY_HINT)
    send = fields.Button("Merge them")


class SplitForm(fields.Form):
    """Into how many."""

    parts = fields.WholeNumberField("Into how many? (optional)", hint="2 to 20. Leave it empty for as many as there are")
    why = fields.TextField("Why? (optional)", hint=WHY_HINT)
    send = fields.Button("Split it")


class DropForm(fields.Form):
    """Why it goes."""

    why = fields.TextField("Why? (optional)", hint=WHY_HINT)
    send = fields.Button("Drop it")


class AddForm(fields.Form):
    """A new topic."""

    name = fields.TextField("Name of the topic", missing="Enter a name")
    definition = fields.LongTextField("What belongs to it? (optional)", hint="Used to find comments where you give no example")
    examples = fields.LongTextField(
        "Examples that you type (optional)", hint="One a line, as somebody might say it. Three to ten are best"
    )
    why = fields.TextField("Why? (optional)", hint=WHY_HINT)
    send = fields.Button("Add the topic")


@blueprint.get("/topics/<int:number>")
@may_enter(*ANALYSTS)
def show(programme_id: int, number: int) -> str:
    """A topic, what was done to it, what can be done, and some of its comments."""
    session, actor = request.session(), request.actor()
    programme = programme_of(programme_id)
    draft = listening.codebook_draft(session, actor, programme_id)
    topic = topic_of(draft, number)
    said = listening.comments_page(session, actor, programme_id, topic=number, size=FEW)
    _noted(programme_id, said, f"topic {topic.name}")
    names = {one.number: one.name for one in listening_topics(programme_id)}
    return render_template(
        "codebooks/topic.html",
        topic=topic,
        draft=draft,
        place_in_list=[one.number for one in draft.topics].index(number),
        merged=[names[one] for one in topic.merged if one in names],
        in_use=number in names,
        said=said,
        language_name=language,
        reason_words=reason,
        form=fields.Form(),
        **place(programme, codebook_step(programme_id)),
    )


def listening_topics(programme_id: int) -> tuple[Any, ...]:
    """The topics of the version in use."""
    codebook = listening.codebook_in_use(request.session(), request.actor(), programme_id)
    return () if codebook is None else codebook.topics


def _noted(programme_id: int, said: Page, where: str) -> None:
    words_leave(
        "comments",
        place="programme",
        place_id=programme_id,
        ids=[one.id for one in said.comments],
        where=where,
        levels=[one.handling_level for one in said.comments],
    )


Act = Callable[[Any], str]


def _form_page(
    programme_id: int, number: int, form: Any, template: str, act: Act, *, field: str, more: dict[str, Any] | None = None
) -> Response | tuple[str, int]:
    """A page with one form that makes one change: show it, say what is wrong with it, or make it and go back."""
    session, actor = request.session(), request.actor()
    programme = programme_of(programme_id)
    draft = listening.codebook_draft(session, actor, programme_id)
    topic = topic_of(draft, number)
    if form.validate_on_submit():
        try:
            return redirect(act(form))
        except BadInput as error:
            form[field].errors = [str(error)]
    own = (topic.name, url_for("codebook_topics.show", programme_id=programme_id, number=number))
    return (
        render_template(
            template,
            topic=topic,
            draft=draft,
            form=form,
            **(more or {}),
            **place(programme, codebook_step(programme_id), own),
        ),
        422 if form.errors else 200,
    )


def _changed(programme_id: int, kind: str, **given: Any) -> str:
    """Make a change, say so, and give the address of the list of topics."""
    made = listening.change_codebook(request.session(), request.actor(), programme_id, kind=kind, **given)
    flash(f"{made.sentence}. It is in the draft; nothing that others read has changed yet.", "success")
    return url_for("codebooks.index", programme_id=programme_id)


@blueprint.route("/topics/<int:number>/rename", methods=["GET", "POST"])
@may_enter(*ANALYSTS)
def rename(programme_id: int, number: int) -> Response | tuple[str, int]:
    """Another name for a topic."""
    form: Any = RenameForm()
    return _form_page(
        programme_id,
        number,
        form,
        "codebooks/rename.html",
        lambda form: _changed(programme_id, "rename", number=number, name=form.name.data, note=form.why.data or ""),
        field="name",
    )


@blueprint.route("/topics/<int:number>/describe", methods=["GET", "POST"])
@may_enter(*ANALYSTS)
def describe(programme_id: int, number: int) -> Response | tuple[str, int]:
    """What belongs to a topic."""
    topic = topic_of(listening.codebook_draft(request.session(), request.actor(), programme_id), number)
    form: Any = DescribeForm(definition=topic.definition, note=topic.note)
    return _form_page(
        programme_id,
        number,
        form,
        "codebooks/describe.html",
        lambda form: _changed(
            programme_id,
            "describe",
            number=number,
            definition=form.definition.data or "",
            note_on_topic=form.note.data or "",
        ),
        field="definition",
    )


@blueprint.route("/topics/<int:number>/merge", methods=["GET", "POST"])
@may_enter(*ANALYSTS)
def merge(programme_id: int, number: int) -> Response | tuple[str, int]:
    """Put other topics into this one."""
    draft = listening.codebook_draft(request.session(), request.actor(), programme_id)
    topic = topic_of(draft, number)
    form: Any = MergeForm(name=topic.name)
    form.others.choices = {str(one.number): one.name for one in draft.topics if one.number != number}
    return _form_page(
        programme_id,
        number,
        form,
        "codebooks/merge.html",
        lambda form: _changed(
            programme_id,
            "merge",
            numbers=[number, *(int(other) for other in form.others.data)],
            name=form.name.data,
            note=form.why.data or "",
        ),
        field="name",
    )


@blueprint.route("/topics/<int:number>/split", methods=["GET", "POST"])
@may_enter(*ANALYSTS)
def split(programme_id: int, number: int) -> Response | tuple[str, int]:
    """Take a topic apart by its own comments."""

    def ask(form: Any) -> str:
        job = listening.start_split(
            request.session(), request.actor(), programme_id, number=number, parts=form.parts.data, note=form.why.data or ""
        )
        return url_for("jobs.show", job_id=job)

    return _form_page(programme_id, number, SplitForm(), "codebooks/split.html", ask, field="parts")


@blueprint.route("/topics/<int:number>/drop", methods=["GET", "POST"])
@may_enter(*ANALYSTS)
def drop(programme_id: int, number: int) -> Response | tuple[str, int]:
    """Take a topic out of the list."""
    form: Any = DropForm()
    return _form_page(
        programme_id,
        number,
        form,
        "codebooks/drop.html",
        lambda form: _changed(programme_id, "drop", number=number, note=form.why.data or ""),
        field="why",
    )


@blueprint.post("/topics/<int:number>/pin")
@may_enter(*ANALYSTS)
def pin(programme_id: int, number: int) -> Response:
    """Keep a topic whatever is found again, or let it go with the others."""
    topic = topic_of(listening.codebook_draft(request.session(), request.actor(), programme_id), number)
    _changed(programme_id, "unpin" if topic.pinned else "pin", number=number)
    return redirect(url_for("codebook_topics.show", programme_id=programme_id, number=number))


@blueprint.post("/topics/<int:number>/move")
@may_enter(*ANALYSTS)
def move(programme_id: int, number: int) -> Response:
    """One place up or down in the list."""
    draft = listening.codebook_draft(request.session(), request.actor(), programme_id)
    topic_of(draft, number)
    numbers = [topic.number for topic in draft.topics]
    old = numbers.index(number)
    new = old + (-1 if http.form.get("direction") == "up" else 1)
    if not 0 <= new < len(numbers):
        raise BadInput("It stands at the end of the list already.", "Move another topic.")
    numbers[old], numbers[new] = numbers[new], numbers[old]
    _changed(programme_id, "order", numbers=numbers)
    return redirect(url_for("codebook_topics.show", programme_id=programme_id, number=number))


@blueprint.route("/add", methods=["GET", "POST"])
@may_enter(*ANALYSTS)
def add(programme_id: int) -> Response | tuple[str, int]:
    """A new topic by comments that are searched for, by examples that somebody types, or by a description alone.

    The address may name a group of what is new, whose comments are ticked then.
    """
    session, actor = request.session(), request.actor()
    programme = programme_of(programme_id)
    listening.codebook_draft(session, actor, programme_id)
    number = whole(http.args.get("group", ""))
    group = None if number is None else listening.emerging_group(session, actor, programme_id, number)
    form: Any = AddForm() if group is None else AddForm(name=group.name if group.named else "", why=f"New in {group.wave}")
    chosen = [number for written in http.form.getlist("comments") if (number := whole(written)) is not None]
    if group is not None and not form.is_submitted():
        chosen = list(group.examples)
    words = " ".join((http.form.get("words") or http.args.get("words") or "").split())[:LONGEST_SEARCH]
    searching = "search" in http.form
    if form.is_submitted() and not searching and form.validate():
        try:
            job = listening.start_add(
                session,
                actor,
                programme_id,
                name=form.name.data,
                definition=form.definition.data or "",
                examples=(form.examples.data or "").splitlines(),
                comment_ids=chosen,
                note=form.why.data or "",
            )
            return redirect(url_for("jobs.show", job_id=job))
        except BadInput as error:
            form.name.errors = [str(error)]
    found = listening.search(session, actor, programme_id, words, number=1) if words else None
    kept = listening.comments_of(session, actor, programme_id, chosen)
    shown = [*kept, *(one for one in (found.comments if found else ()) if one.id not in chosen)]
    _noted(programme_id, Page(tuple(shown), len(shown), 1, 1), "examples for a new topic")
    return (
        render_template(
            "codebooks/add.html",
            form=form,
            words=words,
            shown=shown,
            chosen=chosen,
            total=found.total if found else 0,
            group=group,
            **place(programme, codebook_step(programme_id)),
        ),
        422 if form.errors else 200,
    )
