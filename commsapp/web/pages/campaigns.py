"""Campaigns: what they say, what they should move, and whether they did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pandas as pd
from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from commsapp.errors import BadInput
from commsapp.evaluation import service as evaluation
from commsapp.evaluation.views import EffectView
from commsapp.http import request
from commsapp.http.security import ANALYSTS, PLANNERS, STAFF, may_enter
from commsapp.listening import service as listening
from commsapp.listening.languages import language
from commsapp.listening.measuring import ANSWER_SHARE, TONE, TOPIC_SHARE
from commsapp.listening.views import Result
from commsapp.planning import service as planning
from commsapp.planning.campaigns import Campaign, Message
from commsapp.planning.wording import change, level, result_sentence, split_item
from commsapp.web import fields
from commsapp.web.pages import effect_picture, messages, results
from commsapp.web.pages.places import trail
from commsapp.web.wording import day

blueprint = Blueprint("campaigns", __name__)
blueprint.add_url_rule("/results/<int:result_id>/plan", "plan", messages.plan, methods=["GET", "POST"])


class ActivityForm(fields.Form):
    """One message in one medium and area, between two dates at a cost."""

    medium = fields.TextField("Medium", missing="Enter the medium", hint="For example, posters on buses, or a short film")
    area = fields.PickField("Area")
    start = fields.DayField("First day", missing="Enter the first day", hint="For example, 1/12/2026")
    end = fields.DayField("Last day", missing="Enter the last day", hint="For example, 31/1/2027")
    cost = fields.NumberField("Cost in pounds (optional)")
    delivered = fields.TickField("This is what was delivered, not only planned")
    send = fields.Button("Add the activity")

    def validate(self, extra_validators: Any = None) -> bool:
        """The days in their order; a cost of 0 or more."""
        valid = bool(super().validate(extra_validators))
        if self.start.data and self.end.data and self.end.data < self.start.data:
            self.end.errors, valid = ["The last day must be the same as or after the first day"], False
        if self.cost.data is not None and self.cost.data < 0:
            self.cost.errors, valid = ["Enter a cost of 0 or more"], False
        return valid


@dataclass(frozen=True)
class ShownMessage:
    """One message with everything that the page says of it.

    ``takes`` says how many responses what is expected takes to be seen, while nothing is measured; ``due`` whether the day by
    which it should have moved has come.
    """

    number: int
    message: Message
    says: str
    now: str
    drawn: results.OverWaves | None
    effect: EffectView | None
    earlier: tuple[EffectView, ...]
    picture: effect_picture.Picture | None
    takes: str
    due: bool


@blueprint.get("/programmes/<int:programme_id>/campaigns")
@may_enter(*STAFF)
def index(programme_id: int) -> str:
    """Campaigns of a programme."""
    session, actor = request.session(), request.actor()
    programme = listening.programme(session, actor, programme_id)
    campaigns = [planning.campaign(session, actor, known.id) for known in planning.campaigns(session, actor, programme_id)]
    return render_template(
        "campaigns/index.html",
        programme=programme,
        breadcrumbs=trail(programme),
        made_up=programme.made_up,
        campaigns=campaigns,
        came_of={campaign.id: _came_of(campaign) for campaign in campaigns},
        titles=_titles(),
    )


@blueprint.get("/campaigns/<int:campaign_id>")
@may_enter(*STAFF)
def show(campaign_id: int) -> str:
    """One campaign: its messages, what they should move, and what was measured."""
    session, actor = request.session(), request.actor()
    campaign = planning.campaign(session, actor, campaign_id)
    programme = listening.programme(session, actor, campaign.programme_id)
    return render_template(
        "campaigns/show.html",
        programme=programme,
        breadcrumbs=trail(programme, ("Campaigns", url_for("campaigns.index", programme_id=programme.id))),
        made_up=programme.made_up,
        campaign=campaign,
        approach=_titles().get(campaign.approach, campaign.approach),
        playbook=next((book.title for book in planning.load_playbooks() if book.id == campaign.playbook), campaign.playbook),
        behaviours={known.id: known for known in planning.load_behaviours()},
        waves={wave.id: wave.name for wave in listening.waves(session, actor, programme.id)},
        shown=[_shown(campaign, message, number) for number, message in enumerate(campaign.messages, start=1)],
        language_name=language,
        change=change,
        level=level,
        form=fields.Form(),
    )


@blueprint.route("/messages/<int:message_id>/activities", methods=["GET", "POST"])
@may_enter(*PLANNERS)
def activity(message_id: int) -> Response | tuple[str, int]:
    """Add where, when and at what cost a message is said."""
    session, actor = request.session(), request.actor()
    message = planning.message(session, actor, message_id)
    campaign = planning.campaign(session, actor, message.campaign_id)
    programme = listening.programme(session, actor, campaign.programme_id)
    here = url_for("campaigns.show", campaign_id=campaign.id)
    form = ActivityForm(data={"start": campaign.start, "end": campaign.end})
    places = campaign.areas or tuple(area.name for area in listening.areas(session, actor, programme.id))
    form.area.choices = [
        ("", "All of the campaign's areas" if campaign.areas else "Everywhere"),
        *((name, name) for name in places),
    ]
    if form.validate_on_submit():
        values = {name: form[name].data for name in ("medium", "area", "start", "end", "cost", "delivered")}
        planning.add_activity(session, actor, message_id=message_id, **values)
        flash(f"The activity ‘{form.medium.data}’ was added.", "success")
        return redirect(here)
    page = render_template(
        "campaigns/activity.html",
        breadcrumbs=trail(programme, ("Campaigns", url_for("campaigns.index", programme_id=programme.id)), (campaign.name, here)),
        made_up=programme.made_up,
        campaign=campaign,
        message=message,
        form=form,
    )
    return page, 422 if form.errors else 200


@blueprint.post("/messages/<int:message_id>/effect")
@may_enter(*ANALYSTS)
def measure(message_id: int) -> Response:
    """Measure whether a message moved what it should; earlier measurements stay."""
    session, actor = request.session(), request.actor()
    message = planning.message(session, actor, message_id)
    if message.expected is None:
        raise BadInput("Nothing is fixed that this message should move.", "Plan it again from a listening result.")
    effect = evaluation.measure_effect(request.sessions(), actor, message_id=message_id)
    if effect.estimate is None:
        flash("There is nothing to compare yet. What to do about it stands under ‘Did it move?’.")
    else:
        flash(f"The effect was measured: {effect.in_short[0].lower()}{effect.in_short[1:]}.", "success")
    return redirect(url_for("campaigns.show", campaign_id=message.campaign_id, _anchor=f"effect-{message_id}"))


def _came_of(campaign: Campaign) -> list[str]:
    """The latest verdict on each message of a campaign, in their order."""
    session, actor = request.session(), request.actor()
    measured = [evaluation.latest_effect(session, actor, message.id) for message in campaign.messages]
    return [effect.in_short if effect else "Not measured yet" for effect in measured]


def _titles() -> dict[str, str]:
    return {known.id: known.title for known in planning.load_approaches()}


def _shown(campaign: Campaign, message: Message, number: int) -> ShownMessage:
    session, actor = request.session(), request.actor()
    measured = evaluation.effects(session, actor, message.id)
    latest = measured[0] if measured else None
    return ShownMessage(
        number=number,
        message=message,
        says=result_sentence(message.cited) if message.cited else "",
        now=_now(message.cited) if message.cited else "",
        drawn=_drawn(campaign, message, f"Message {number}: " if len(campaign.messages) > 1 else ""),
        effect=latest,
        earlier=tuple(measured[1:]),
        picture=effect_picture.picture(latest, message.expected) if latest and message.expected else None,
        takes="" if latest else _takes(message),
        due=message.expected is not None and message.expected.by <= datetime.now(UTC).date(),
    )


def _takes(message: Message) -> str:
    """What waves as large as the one before can show of what is expected."""
    cited, expected = message.cited, message.expected
    if cited is None or expected is None or (cited.measure, cited.item) != (expected.measure, expected.item):
        return ""
    session, actor = request.session(), request.actor()
    waves = {wave.id: wave.name for wave in listening.waves(session, actor, cited.programme_id)}
    shown = planning.what_it_can_show(
        session,
        actor,
        wave=waves.get(expected.before_wave_id, ""),
        listening_result_id=cited.id,
        direction=expected.direction,
        target_difference=expected.target_difference,
    )
    return " ".join(shown.sentences)


def _now(cited: Result) -> str:
    """What the same query gives in the latest results; '' where those are the ones that are cited."""
    latest = listening.result_now(request.session(), request.actor(), cited.id)
    if latest is None:
        return "The latest analysis has no such figure any more, as topics were found again or data was taken out."
    if latest.id == cited.id:
        return ""
    same = (latest.value, latest.low, latest.high, latest.n) == (cited.value, cited.low, cited.high, cited.n)
    says = f"The analysis of {day(latest.made_at)} gives the same." if same else result_sentence(latest)
    return f"{latest.followed} {says}" if latest.followed else says


def _drawn(campaign: Campaign, message: Message, which: str) -> results.OverWaves | None:
    """What the message should move, over all waves: in the areas where it is measured, and in all others."""
    expected = message.expected
    if expected is None:
        return None
    session, actor, programme_id = request.session(), request.actor(), campaign.programme_id
    others = sorted({area.name for area in listening.areas(session, actor, programme_id)} - set(expected.areas))
    places: dict[str, tuple[str, ...]] = {"Everywhere": ()}
    goes_on = None
    if expected.measure == TOPIC_SHARE:
        version = expected.codebook_version
        goes_on = listening.topic_followed(session, actor, programme_id, name=expected.item, codebook_version=version)
        codebook = listening.codebook_in_use(session, actor, programme_id)
        if goes_on is None and codebook is not None and codebook.version != version:
            return None  # it doesn't go on, and another topic may have its name
    topic = None if goes_on is None else goes_on.number
    if expected.areas:
        places = {"Campaign areas": expected.areas} | ({"Other areas": tuple(others)} if others else {})
    table = listening.over_waves(
        session,
        actor,
        programme_id,
        measure=expected.measure,
        item=expected.item,
        places=places,
        segment=expected.segment,
        topic=topic,
    ).assign(measure=expected.measure)
    period = pd.DataFrame([(f"This campaign, {campaign.name}", campaign.start, campaign.end)], columns=["name", "start", "end"])
    period["ours"] = True
    return results.draw(session, actor, programme_id, table, title=which + _title(message), areas=expected.areas, period=period)


def _title(message: Message) -> str:
    expected = message.expected
    assert expected is not None
    segment = f" ({expected.segment})" if expected.segment else ""
    if expected.measure == TONE:
        return f"Tone of the feedback{segment}"
    if expected.measure == ANSWER_SHARE:
        question, choice = split_item(expected.item)
        return f"‘{choice}’ to ‘{question}’{segment}"
    return f"Share speaking about ‘{expected.item}’{segment}"
