"""Why a comment was coded as it was: the words that carried its tone and its topic, found by the worker when somebody asks."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, make_response, redirect, render_template, url_for
from flask import request as http
from werkzeug.wrappers import Response

from commsapp.http import request
from commsapp.http.reading import words_leave
from commsapp.http.security import STAFF, may_enter
from commsapp.listening import service as listening
from commsapp.web.fields import Form
from commsapp.web.pages.places import back_to, trail

blueprint = Blueprint("explaining", __name__)

GOING = frozenset({"queued", "running"})


@blueprint.get("/programmes/<int:programme_id>/comments/<int:comment_id>/why")
@may_enter(*STAFF)
def show(programme_id: int, comment_id: int) -> str:
    """The words that carried a comment's coding, how far the work of finding them is, or a button to start it."""
    session, actor = request.session(), request.actor()
    programme = listening.programme(session, actor, programme_id)
    found = listening.explanation(session, actor, programme_id, comment_id)
    words_leave(
        "comments",
        place="programme",
        place_id=programme_id,
        ids=(comment_id,),
        where="why it was coded so",
        levels=(found.said.handling_level,),
    )
    heard = url_for("listening.overview", programme_id=programme_id)
    back = back_to(programme_id)
    return render_template(
        "listening/why.html",
        programme=programme,
        found=found,
        going=found.state in GOING,
        form=Form(),
        made_up=programme.made_up,
        breadcrumbs=trail(programme, ("What was heard", heard)),
        back=back or heard,
        start=url_for("explaining.start", programme_id=programme_id, comment_id=comment_id, back=back or None),
        part=url_for("explaining.part", programme_id=programme_id, comment_id=comment_id, back=back or None),
    )


@blueprint.get("/programmes/<int:programme_id>/comments/<int:comment_id>/why/part")
@may_enter(*STAFF)
def part(programme_id: int, comment_id: int) -> Response:
    """How far the work is, for the page to ask for; when it has ended the page loads itself again. No word is in it."""
    found = listening.explanation(request.session(), request.actor(), programme_id, comment_id)
    going = found.state in GOING
    here: dict[str, Any] = {"programme_id": programme_id, "comment_id": comment_id, "back": back_to(programme_id) or None}
    response = make_response(render_template("listening/why_part.html", found=found, part=url_for("explaining.part", **here)))
    if not going and http.headers.get("HX-Request") == "true":
        response.headers["HX-Redirect"] = url_for("explaining.show", **here)
    return response


@blueprint.post("/programmes/<int:programme_id>/comments/<int:comment_id>/why")
@may_enter(*STAFF)
def start(programme_id: int, comment_id: int) -> Response:
    """Have the worker find the words."""
    session, actor = request.session(), request.actor()
    listening.programme(session, actor, programme_id)
    listening.start_explanation(session, actor, programme_id=programme_id, comment_id=comment_id)
    return redirect(
        url_for("explaining.show", programme_id=programme_id, comment_id=comment_id, back=back_to(programme_id) or None)
    )
