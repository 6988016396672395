"""Plan a message from a listening result: one page, saved as a whole or not at all."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, url_for
from flask import request as http
from werkzeug.wrappers import Response

from commsapp.errors import BadInput, CommsappError, Conflict, NotFound
from commsapp.http import request
from commsapp.http.security import PLANNERS, may_enter
from commsapp.listening import service as listening
from commsapp.listening.measuring import TONE
from commsapp.listening.views import Result
from commsapp.planning import service as planning
from commsapp.planning.campaigns import Campaign, Message
from commsapp.planning.wording import listed, result_sentence
from commsapp.web.pages import message_form
from commsapp.web.pages.places import trail

_CELL = ("measure", "item", "wave", "area", "segment")
# The argument of the service → the field of this page, where the two differ.
_FIELDS = {"target_difference": "target", "before_wave_id": "before_wave", "after_wave_id": "after_wave"}


@may_enter(*PLANNERS)
def plan(result_id: int) -> Response | tuple[str, int]:
    """The form, and what it sends. ``?campaign=7`` adds the message to that campaign instead of starting one."""
    session, actor = request.session(), request.actor()
    result, renewed = _cited(result_id)
    campaign = _chosen_campaign(result)
    offer = message_form.offered(
        listening.waves(session, actor, result.programme_id), listening.areas(session, actor, result.programme_id)
    )
    form = message_form.message_form(result, campaign, offer)
    if renewed:
        flash("The results were worked out again while you wrote. Read the figure as it is now, then save.")
        if campaign is None and _plain(form.objective.data) == _plain(http.form.get("suggested")):
            form.objective.data = planning.suggest_objective(result)  # nobody changed what was suggested
    elif form.is_submitted() and _is_sound(form, result, campaign):
        try:
            message = _save(form, result, campaign)
        except (BadInput, Conflict) as error:  # such as a name that somebody else took a moment ago
            session.rollback()  # all or nothing; what was made before the error must not stand in a list on this page
            _say(form, getattr(error, "field", "name" if campaign is None else "text"), error)
        else:
            flash(
                "The message is planned. What you expect of it is fixed. Next, add where and when people will meet it.", "success"
            )
            return redirect(url_for("campaigns.show", campaign_id=message.campaign_id))
    return _page(result, campaign, form, offer), 422 if form.errors or renewed else 200


def _cited(result_id: int) -> tuple[Result, bool]:
    """The result that a message is to cite; or, where it was worked out again meanwhile, the new one of the same cell, and True.

    Results that nothing cites go with the next analysis; what somebody typed until then must not go with them.
    """
    session, actor = request.session(), request.actor()
    programme_id = http.args.get("programme", type=int)
    cell: dict[str, str | None] = {name: http.args.get(name, "") for name in _CELL}
    try:
        return planning.result_to_move(session, actor, result_id), False
    except NotFound:
        if programme_id is None or not cell["measure"]:
            raise
        listening.programme(session, actor, programme_id)
        found = listening.frozen_results(session, actor, programme_id, **cell)
        if not len(found):
            raise
        return planning.result_to_move(session, actor, int(found["id"].iloc[0])), True


def _chosen_campaign(result: Result) -> Campaign | None:
    campaign_id = http.args.get("campaign", type=int)
    if campaign_id is None:
        return None
    campaign = planning.campaign(request.session(), request.actor(), campaign_id)
    if campaign.programme_id != result.programme_id:
        raise NotFound("There is no such campaign in this programme.", "Go back and choose another.")
    return campaign


def _is_sound(form: Any, result: Result, campaign: Campaign | None) -> bool:
    """Whether a plan can be saved as it was sent; says everything that is wrong with it at once, each beside its field."""
    sound = bool(form.validate())
    joined = None if campaign is None else campaign.id
    found = planning.mistakes(
        request.session(), request.actor(), listening_result_id=result.id, campaign_id=joined, **_known(form, result)
    )
    for mistake in found:
        _say(form, mistake.field, mistake)
    return sound and not found


def _known(form: Any, result: Result) -> dict[str, Any]:
    """What is known of the plan, in the words of planning; a field with an error of its own says nothing yet."""
    given = {name: value for name, value in form.data.items() if not form[name].errors and value not in (None, "")}
    known = {name: given[name] for name in ("name", "start", "end", "direction", "by") if name in given}
    known |= {f"{name}_id": int(given[name]) for name in ("before_wave", "after_wave") if name in given}
    sizes = {"target_difference": given.get("target"), "smallest": given.get("smallest")}
    return known | {name: _stored_size(size, result) for name, size in sizes.items()}


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
            objective=_objective(form, result),
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
    planning.fix_expected_effect(
        session,
        actor,
        message_id=message.id,
        measure=result.measure,
        item=result.item,
        areas=measured_in(campaign.areas, result),
        segment=result.segment,
        direction=form.direction.data,
        target_difference=_stored_size(form.target.data, result),
        # Without a change that matters no verdict could tell 'nothing happened' from 'nobody could have seen it'.
        smallest=_stored_size(form.target.data if form.smallest.data is None else form.smallest.data, result),
        by=form.by.data,
        before_wave_id=int(form.before_wave.data),
        after_wave_id=int(form.after_wave.data) if form.after_wave.data else None,
    )
    return message


def _plain(written: str | None) -> str:
    """Without the line ends that browsers put in."""
    return " ".join((written or "").split())


def _objective(form: Any, result: Result) -> str:
    """What was written; where that is still the suggestion, it ends with what is expected."""
    written = str(form.objective.data)
    if _plain(written) != _plain(planning.suggest_objective(result)):
        return written
    aim = _stored_size(form.target.data, result)
    return planning.suggest_objective(result, direction=form.direction.data, target_difference=aim, by=form.by.data)


def measured_in(campaign_areas: tuple[str, ...], result: Result) -> tuple[str, ...]:
    """The areas in which the change is measured: those of the campaign, else that of the result."""
    return campaign_areas or ((result.area,) if result.area else ())


def _stored_size(size: Any, result: Result) -> Any:
    """Points are what people say, fractions what is stored; tone keeps its scale."""
    return size if size is None or result.measure == TONE else size / 100


def _say(form: Any, name: str, error: CommsappError) -> None:
    """Put a service's sentence beside the field that it is about."""
    field = form[_FIELDS.get(name, name)]
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
        suggested=planning.suggest_objective(result),
        can_show=planning.what_it_can_show(session, actor, listening_result_id=result.id),
        campaign=campaign,
        campaigns=others,
        measured_in=listed(measured_in(campaign.areas, result)) if campaign else "",
        form=form,
        offer=offer,
        titles={known.id: known.title for known in offer.approaches},
        here=url_for(
            "campaigns.plan",
            result_id=result.id,
            campaign=campaign.id if campaign else None,
            programme=programme.id,
            **{name: getattr(result, name) or None for name in _CELL},
        ),
    )
