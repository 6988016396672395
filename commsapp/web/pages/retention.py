"""How long a feedback channel keeps what it heard."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from commsapp.actor import Role
from commsapp.errors import BadInput, NotAllowed, NotFound
from commsapp.http import request
from commsapp.http.security import may_enter
from commsapp.listening import service as listening
from commsapp.web import fields
from commsapp.web.pages.places import trail
from commsapp.web.wording import count, day

blueprint = Blueprint("retention", __name__, url_prefix="/programmes/<int:programme_id>/channels/<int:channel_id>")

KEEPERS = (Role.OFFICER, Role.ADMINISTRATOR)
"""Those who say how long a channel keeps what it heard."""


class NotSure(BadInput):
    """Something would be deleted at once, and nobody said that it is meant."""


class RetentionForm(fields.Form):
    """A last day, months after each response, or neither."""

    until = fields.DayField(
        "Last day on which anything is kept", hint="For example, 31/3/2027. Leave it empty where there is no such day."
    )
    months = fields.WholeNumberField(
        "Months that each response is kept after its day", hint="For example, 24. You can give both; what comes first counts."
    )
    why = fields.TextField(
        "Why", missing="Enter a reason", hint="For example, the data protection officer’s decision. It stands in the audit log."
    )
    sure = fields.TickField("Yes, delete them")
    send = fields.Button("Keep it so long")


@blueprint.route("/retention", methods=["GET", "POST"])
@may_enter(*KEEPERS)
def change(programme_id: int, channel_id: int) -> Response | tuple[str, int]:
    """Say how long one channel keeps what it heard."""
    session, actor = request.session(), request.actor()
    programme = listening.programme(session, actor, programme_id)
    now = next((one for one in listening.retentions(session, actor, programme_id) if one.channel_id == channel_id), None)
    if now is None:
        raise NotFound("There is no such feedback channel in this programme.", "Go back to the programme.")
    form: Any = RetentionForm(until=now.until, months=now.months)
    at_once = 0
    if form.validate_on_submit():
        how: dict[str, Any] = {"until": form.until.data, "months": form.months.data}
        at_once = listening.would_go(session, actor, programme_id, channel_id, **how)
        try:
            if at_once and not form.sure.data:
                when = "within an hour" if form.until.data is None else f"by {day(form.until.data)} at the latest"
                raise NotSure(f"{count(at_once, 'response')} would be deleted {when}.", "Tick the box if that is meant.")
            kept = listening.set_retention(session, actor, programme_id, channel_id, why=form.why.data, **how)
            session.commit()
            listening.write_decided(request.sessions(), request.settings().data_dir)  # for the day when a backup is restored
        except NotSure as error:
            form.sure.errors = [str(error)]
        except NotAllowed as error:
            form.until.errors = [str(error)]
        except BadInput as error:
            (form.months if "month" in error.problem else form.until).errors = [str(error)]
        else:
            flash(f"{kept.channel}: {kept.words}.", "success")
            return redirect(url_for("programmes.show", programme_id=programme_id))
    page = render_template(
        "retention/change.html",
        at_once=at_once,
        form=form,
        programme=programme,
        now=now,
        breadcrumbs=trail(programme),
        made_up=programme.made_up,
    )
    return page, 422 if form.errors else 200
