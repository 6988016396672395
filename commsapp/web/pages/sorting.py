"""The topic of one comment, which whoever may read it can change, and take back."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from commsapp.errors import BadInput, NotFound
from commsapp.http import request
from commsapp.http.reading import words_leave
from commsapp.http.security import STAFF, may_enter
from commsapp.listening import service as listening
from commsapp.listening.languages import language, reason
from commsapp.listening.measuring import NO_TOPIC_NAME
from commsapp.web import fields
from commsapp.web.pages.places import trail

blueprint = Blueprint("sorting", __name__, url_prefix="/programmes/<int:programme_id>/comments/<int:comment_id>")


class TopicForm(fields.Form):
    """Which topic."""

    topic = fields.ChoiceField("What is it about?", missing="Select a topic")
    why = fields.TextField("Why? (optional)", hint="It stands in the audit log. Write nothing here that says who the person is.")
    send = fields.Button("Change the topic")


@blueprint.route("/topic", methods=["GET", "POST"])
@may_enter(*STAFF)
def topic(programme_id: int, comment_id: int) -> Response | tuple[str, int]:
    """The comment, its topic and who says so; another topic can be given to it."""
    session, actor = request.session(), request.actor()
    programme = listening.programme(session, actor, programme_id)
    now = listening.comment_sorted(session, actor, programme_id, comment_id)
    said = next(iter(listening.comments_of(session, actor, programme_id, [comment_id])), None)
    codebook = listening.codebook_in_use(session, actor, programme_id)
    if said is None or codebook is None:
        raise NotFound("There is no such comment.", "Go back to the list of comments.")
    form: Any = TopicForm(topic="" if now.number is None else str(now.number))
    form.topic.choices = {
        **{str(one.number): one.name for one in codebook.topics},
        "-1": f"{NO_TOPIC_NAME}: it fits none of these",
    }
    if form.validate_on_submit():
        try:
            name = listening.give_topic(session, actor, programme_id, comment_id, int(form.topic.data), note=form.why.data or "")
            flash(f"The comment is sorted into ‘{name}’ now. Figures are counted anew in a moment.", "success")
            return redirect(url_for("listening.topic", programme_id=programme_id, number=int(form.topic.data)))
        except BadInput as error:
            form.topic.errors = [str(error)]
    words_leave(
        "comments",
        place="programme",
        place_id=programme_id,
        ids=[comment_id],
        where="to change its topic",
        levels=[said.handling_level],
    )
    page = render_template(
        "codebooks/comment.html",
        programme=programme,
        said=said,
        now=now,
        form=form,
        language_name=language,
        reason_words=reason,
        made_up=programme.made_up,
        breadcrumbs=trail(programme, ("What was heard", url_for("listening.overview", programme_id=programme_id))),
    )
    return page, 422 if form.errors else 200


@blueprint.post("/topic/back")
@may_enter(*STAFF)
def take_back(programme_id: int, comment_id: int) -> Response:
    """Let the codebook say again what the comment is about."""
    listening.take_topic_back(request.session(), request.actor(), programme_id, comment_id)
    flash("The comment has the topic again that the codebook gives it. Figures are counted anew in a moment.", "success")
    return redirect(url_for("sorting.topic", programme_id=programme_id, comment_id=comment_id))
