"""Plan a message from a listening result: one page, saved as a whole or not at all."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, url_for
from flask import request as http
from werkzeug.wrappers import Response

from commsapp.actor import Role
from commsapp.errors import BadInput, CommsappError, Conflict, NotFound
from commsapp.listening import service as listening
from commsapp.listening.measuring import TONE
from commsapp.listening.views import Result
from commsapp.planning import service as planning
from commsapp.planning.campaigns import MEASURES, Campaign, Message
from commsapp.planning.wording import listed, result_sentence
from commsapp.web import request
from commsapp.web.pages import message_form
from commsapp.web.pages.places import trail
from commsapp.web.security import may_enter

PLANNERS = (Role.OFFICER, Role.ADMINISTRATOR)

# Words in the sentence of a service → the field that they are about; the first that fits wins.
_ABOUT = (
    ("There is a campaign called", "name"),
    ("campaign's name", "name"),
    ("objective", "objective"),
    ("playbook", "playbook"),
    ("behaviour", "behaviour"),
    ("The wave before", "before_wave"),
    ("The wave after", "after_wave"),
    ("smallest change that matters", "smallest"),
    ("target difference", "target"),
    ("The date 'by'", "by"),
    ("ends on", "end"),
    ("area", "areas"),
    ("message", "text"),
)


@may_enter(*PLANNERS)
def plan(result_id: int) -> Response | tuple[str, int]:
    """The form, and what it sends. ``?campaign=7`` adds the message to that campaign instead of starting one."""
    session, actor = request.session(), request.actor()
    result = listening.result(session, actor, result_id)
    if result.measure not in MEASURES:
        raise BadInput("A number of comments is not something that a message can move.", "Choose a topic, an answer or the tone.")
    campaign = _chosen_campaign(result)
    offer = message_form.offered(
        listening.waves(session, actor, result.programme_id), listening.areas(session, actor, result.programme_id)
    )
    form = message_form.message_form(result, campaign, offer)
    if form.validate_on_submit():
        try:
            message = _save(form, result, campaign)
        except (BadInput, Conflict) as error:
            session.rollback()  # all or nothing; what was made before the error must not stand in a list on this page
            _say(form, error)
        else:
            flash("The message is planned. What you expect of it is fixed.", "success")
            return redirect(url_for("campaigns.show", campaign_id=message.campaign_id))
    return _page(result, campaign, form, offer), 422 if form.errors else 200


def _chosen_campaign(result: Result) -> Campaign | None:
    campaign_id = http.args.get("campaign", type=int)
    if campaign_id is None:
        return None
    campaign = planning.campaign(request.session(), request.actor(), campaign_id)
    if campaign.programme_id != result.programme_id:
        raise NotFound("There is no such campaign in this programme.", "Go back and choose another.")
    return campaign


def _save(form: Any, result: Result, campaign: Campaign | None) -> Message:
    """Campaign, message and expected effect, in the one transaction of this request."""
    session, actor = request.session(), request.actor()
    if campaign is None:
        campaign = planning.create_campaign(
            session,
            actor,
            programme_id=result.programme_id,
            name=form.name.data,
            approach=form.approach.data,
            playbook=form.playbook.data,
            start=form.start.data,
            end=form.end.data,
            areas=tuple(form.areas.data or ()),
            objective=form.objective.data,
        )
    message = planning.draft_message(
        session,
        actor,
        campaign_id=campaign.id,
        text=form.text.data,
        language=form.language.data,
        behaviour=form.behaviour.data,
        segment=result.segment,
        listening_result_id=result.id,
    )
    # Points are what people say, fractions what is stored.
    scale = 1.0 if result.measure == TONE else 0.01
    planning.fix_expected_effect(
        session,
        actor,
        message_id=message.id,
        measure=result.measure,
        item=result.item,
        areas=measured_in(campaign.areas, result),
        segment=result.segment,
        direction=form.direction.data,
        target_difference=form.target.data * scale,
        smallest=None if form.smallest.data is None else form.smallest.data * scale,
        by=form.by.data,
        before_wave_id=int(form.before_wave.data),
        after_wave_id=int(form.after_wave.data) if form.after_wave.data else None,
    )
    return message


def measured_in(campaign_areas: tuple[str, ...], result: Result) -> tuple[str, ...]:
    """The areas in which the change is measured: those of the campaign, else that of the result."""
    return campaign_areas or ((result.area,) if result.area else ())


def _say(form: Any, error: CommsappError) -> None:
    """Put a service's sentence beside the field that it is about."""
    names = [name for words, name in _ABOUT if words in error.problem and name in form]
    field = form[names[0]] if names else form["text"]
    # Only the problem: cures speak of what is stored (fractions), not of what stands on this page (points).
    field.errors = [*field.errors, error.problem]


def _page(result: Result, campaign: Campaign | None, form: Any, offer: message_form.Offered) -> str:
    session, actor = request.session(), request.actor()
    programme = listening.programme(session, actor, result.programme_id)
    others = [known for known in planning.campaigns(session, actor, programme.id) if campaign is None or known.id != campaign.id]
    where: dict[str, Any] = {name: getattr(result, name) for name in ("wave", "area", "segment") if getattr(result, name)}
    heard = ("What was heard", url_for("listening.overview", programme_id=programme.id, **where))
    return render_template(
        "campaigns/plan.html",
        programme=programme,
        breadcrumbs=trail(programme, heard),
        made_up=programme.made_up,
        result=result,
        says=result_sentence(result),
        can_show=planning.what_it_can_show(session, actor, listening_result_id=result.id),
        campaign=campaign,
        campaigns=others,
        measured_in=listed(measured_in(campaign.areas, result)) if campaign else "",
        form=form,
        offer=offer,
        titles={known.id: known.title for known in offer.approaches},
        here=url_for("campaigns.plan", result_id=result.id, campaign=campaign.id if campaign else None),
    )
