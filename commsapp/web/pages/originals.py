"""A comment as it was written, before names and numbers were taken out: for those who may, after they said why."""

from __future__ import annotations

from flask import Blueprint, render_template, url_for
from flask import request as http

from commsapp.http import request
from commsapp.http.reading import words_leave
from commsapp.http.security import STAFF, may_enter
from commsapp.listening import service as listening
from commsapp.listening.languages import language
from commsapp.listening.redaction.kinds import REASON_IN_WORDS, REASONS
from commsapp.listening.views import Programme
from commsapp.web import fields
from commsapp.web.pages.places import back_to, trail

blueprint = Blueprint("originals", __name__)

_SAY = "Say in a few words why you need to see it"


class WhyForm(fields.Form):
    """Why somebody needs to see it."""

    why = fields.ChoiceField(
        "Why do you need to see it?",
        choices={reason: reason for reason in REASONS},
        missing="Say why you need to see it",
    )
    more = fields.TextField(f"In a few words (optional, except for ‘{REASON_IN_WORDS}’)")
    send = fields.Button("Show as it was written")


@blueprint.route("/programmes/<int:programme_id>/comments/<int:comment_id>/as-written", methods=["GET", "POST"])
@may_enter(*STAFF)
def as_written(programme_id: int, comment_id: int) -> str | tuple[str, int]:
    """Ask why; then show one comment as it was written. Who saw it is recorded before it is shown."""
    session, actor = request.session(), request.actor()
    programme = listening.programme(session, actor, programme_id)
    words = listening.comment_redacted(session, actor, programme_id, comment_id)
    form = WhyForm()
    if form.validate_on_submit():
        if form.why.data != REASON_IN_WORDS or form.more.data:
            said = listening.read_original(session, actor, programme_id, comment_id, why=form.why.data, more=form.more.data or "")
            return render_template("listening/as_written.html", said=said, language_name=language, **_place(programme))
        form.more.errors = [_SAY]
    words_leave("comments", place="programme", place_id=programme_id, ids=(comment_id,), where="before the original")
    page = render_template("listening/why_as_written.html", form=form, words=words, action=http.full_path, **_place(programme))
    return page, 422 if form.is_submitted() else 200


def _place(programme: Programme) -> dict[str, object]:
    heard = url_for("listening.overview", programme_id=programme.id)
    return {
        "programme": programme,
        "made_up": programme.made_up,
        "breadcrumbs": trail(programme, ("What was heard", heard)),
        "back": back_to(programme.id) or heard,
    }
