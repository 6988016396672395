"""The form on which a message is planned: what it says, in which campaign, and what it should move."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from commsapp.listening.languages import LANGUAGES
from commsapp.listening.measuring import TONE
from commsapp.listening.views import Area, Result, Wave
from commsapp.planning import service as planning
from commsapp.planning.campaigns import Campaign, begun
from commsapp.planning.playbooks import Approach, Behaviour, Playbook
from commsapp.planning.wording import listed
from commsapp.web import fields
from commsapp.web.wording import day

DIRECTIONS = {"up": "Up", "down": "Down"}


CAMPAIGN_FIELDS = ("name", "objective", "approach", "playbook", "start", "end", "areas")
"""Fields that an existing campaign has answered."""


class MessageForm(fields.Form):
    """What a message says, the campaign that it belongs to, and what it should move; in the order of the page."""

    text = fields.LongTextField(
        "What the message says", missing="Enter what the message says", hint="In the words that people will read or hear"
    )
    language = fields.PickField("Language of the message", choices=LANGUAGES, default="en")
    name = fields.TextField("Name of the campaign", missing="Enter a name for the campaign")
    objective = fields.LongTextField(
        "Objective",
        missing="Enter the objective",
        hint="Filled in from the listening result; make it yours. Left as it is, it ends with what you expect",
    )
    approach = fields.ChoiceField("Approach", missing="Select an approach")
    behaviour = fields.PickField("Behaviour that it works on", missing="Select a behaviour")
    playbook = fields.PickField("Playbook (optional)", hint="A way of working, with its evidence and when not to use it")
    start = fields.DayField("First day", missing="Enter the first day of the campaign", hint="For example, 1/12/2026")
    end = fields.DayField("Last day", missing="Enter the last day of the campaign", hint="For example, 31/1/2027")
    areas = fields.TicksField("Areas", hint="None ticked means everywhere. The change is measured in these areas")
    direction = fields.ChoiceField("Which way should it go?", choices=DIRECTIONS, missing="Select up or down")
    target = fields.NumberField("By how much?", missing="Enter by how much it should change")
    smallest = fields.NumberField(
        "Smallest change that matters",
        hint="Anything below it would make no difference to what you do. Left empty, it is the change that you expect",
    )
    by = fields.DayField("By when?", missing="Enter the day by which it should have changed", hint="For example, 28/2/2027")
    before_wave = fields.PickField("Wave before", missing="Select the wave before", hint="It must end before the campaign starts")
    after_wave = fields.PickField("Wave after (optional)", hint="Leave it where that wave is not on the list yet")
    late = fields.TickField("", missing="Tick to confirm that the campaign has already begun")
    send = fields.Button("Save the plan")

    def validate(self, extra_validators: Any = None) -> bool:
        """Sizes above 0, and behaviour and playbook of the approach; what else must fit together is planning's to say."""
        valid = bool(super().validate(extra_validators))
        for size in (self.target, self.smallest):
            if not size.errors and size.data is not None and size.data <= 0:
                valid = _refuse(size, "Enter a size above 0; the direction says which way")
        return ("approach" not in self or _campaign_fits(self)) and valid


@dataclass(frozen=True)
class Offered:
    """What the form offers to choose from."""

    approaches: tuple[Approach, ...]
    behaviours: tuple[Behaviour, ...]
    playbooks: tuple[Playbook, ...]
    waves: tuple[Wave, ...]
    areas: tuple[Area, ...]


def offered(waves: list[Wave], areas: list[Area]) -> Offered:
    """What there is, with the approaches, behaviours and playbooks that ship with commsapp."""
    return Offered(planning.load_approaches(), planning.load_behaviours(), planning.load_playbooks(), tuple(waves), tuple(areas))


def message_form(result: Result, campaign: Campaign | None, offer: Offered) -> MessageForm:
    """The form, filled in from the listening result as far as that goes."""
    form = MessageForm(
        data={
            "before_wave": next((str(wave.id) for wave in offer.waves if wave.name == result.wave), ""),
            "objective": planning.suggest_objective(result),
            "areas": [result.area] if result.area else [],
        }
    )
    if campaign is None:
        _offer_campaign(form, offer)
    else:
        for name in CAMPAIGN_FIELDS:
            del form[name]
        form.behaviour.choices = {"": "Select a behaviour"} | _behaviours(offer).get(campaign.approach, {})
    _ask_where_late(form, form.start.data if campaign is None else campaign.start)
    waves = [(str(wave.id), f"{wave.name} ({day(wave.start)} to {day(wave.end)})") for wave in offer.waves]
    form.before_wave.choices = [("", "Select a wave"), *waves]
    form.after_wave.choices = [("", "The first wave that ends on or after that day"), *waves]
    unit = (
        "On the scale of tone, from −1 to +1; for example, 0.1"
        if result.measure == TONE
        else "In percentage points; for example, 10"
    )
    form.target.description = unit
    return form


def _offer_campaign(form: Any, offer: Offered) -> None:
    form.approach.choices = [(known.id, known.title) for known in offer.approaches]
    # Under the name of their approach, so that nobody has to know which belongs to which.
    form.behaviour.choices = {"": "Select a behaviour"} | _behaviours(offer)
    books = {
        known.id: {book.id: book.title for book in offer.playbooks if book.approach == known.id} for known in offer.approaches
    }
    form.playbook.choices = {"": "None"} | {approach: choices for approach, choices in books.items() if choices}
    form.areas.choices = [(area.name, area.name) for area in offer.areas]


def _behaviours(offer: Offered) -> dict[str, dict[str, str]]:
    """Approach → the behaviours that it works on."""
    return {
        approach.id: {known.id: known.title for known in offer.behaviours if known.id in approach.behaviours}
        for approach in offer.approaches
    }


def _playbooks(offer: Offered) -> dict[str, dict[str, str]]:
    """Approach → its playbooks, where it has any."""
    found: dict[str, dict[str, str]] = {}
    for book in offer.playbooks:
        found.setdefault(book.approach, {})[book.id] = book.title
    return {known.id: found[known.id] for known in offer.approaches if known.id in found}


def _ask_where_late(form: Any, start: date | None) -> None:
    """Where the campaign has begun, ask to be told so: what is fixed now carries a note for good."""
    if start is None or not begun(start, datetime.now(UTC).date()):
        del form["late"]
        return
    form.late.label.text = f"This campaign began on {day(start)}; what I expect is set afterwards, and every result will say so"


def _campaign_fits(form: MessageForm) -> bool:
    """Whether behaviour and playbook fit the approach; marks what doesn't."""
    valid = True
    approach = next((known for known in planning.load_approaches() if known.id == form.approach.data), None)
    if approach is None:
        return valid
    if form.behaviour.data and form.behaviour.data not in approach.behaviours:
        titles = {known.id: known.title for known in planning.load_behaviours()}
        works_on = listed([titles.get(name, name).lower() for name in approach.behaviours]).replace(" and ", " or ")
        valid = _refuse(form.behaviour, f"Select a behaviour that {approach.title.lower()} works on: {works_on}")
    books = {book.id for book in planning.load_playbooks() if book.approach == approach.id}
    if form.playbook.data and form.playbook.data not in books:
        valid = _refuse(form.playbook, f"Select a playbook for {approach.title.lower()}, or none")
    return valid


def _refuse(field: Any, words: str) -> bool:
    field.errors = [*field.errors, words]
    return False
