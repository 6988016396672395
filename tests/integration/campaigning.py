"""What tests of the campaign pages do again and again: plan, fill the form in, send it, read the page."""

from __future__ import annotations

import html
import re
from typing import Any

import heard
from page_client import PageClient
from pages_site import Site
from werkzeug.test import TestResponse

from commsapp.planning import service as planning
from commsapp.planning.campaigns import Campaign


def planned(site: Site, made: heard.Heard, *, expected: bool = True, name: str = "Not your account") -> Campaign:
    """A campaign with one message."""
    with site.sessions.writing() as session:
        campaign = heard.campaign(session, site.actor, made, name=name)
        message = heard.message(session, site.actor, made, campaign.id)
        if expected:
            planning.fix_expected_effect(session, site.actor, message_id=message.id, **heard.expectation(made))  # type: ignore[arg-type]
        return planning.campaign(session, site.actor, campaign.id)


def words(page: TestResponse) -> str:
    """The words of a page, without its markup."""
    body = page.get_data(as_text=True).partition("<main")[2].partition("</main>")[0]
    plain = html.unescape(re.sub(r"<script.*?</script>|<[^>]+>", " ", body, flags=re.DOTALL)).replace("\u00a0", " ")
    return " ".join(plain.split())


def filled_in(made: heard.Heard, **other: Any) -> dict[str, Any]:
    """What an officer sends; `other` replaces what is given."""
    given = {
        "text": "Your account is not for rent.",
        "language": "en",
        "name": "Not your account",
        "objective": "More people have heard of it.",
        "approach": "deterrence",
        "behaviour": "facilitate",
        "playbook": "not-your-account",
        "start": "1/12/2025",
        "end": "31 January 2026",
        "areas": list(heard.CAMPAIGN_AREAS),
        "direction": "up",
        "target": "10",
        "smallest": "5",
        "by": "28/2/2026",
        "before_wave": str(made.before_wave_id),
        "after_wave": "",
        "late": "y",
    }
    return given | other


def send(client: PageClient, path: str, given: dict[str, Any]) -> TestResponse:
    return client.post(path, data={"csrf_token": client.token(path), **given})


def campaigns_of(site: Site, made: heard.Heard) -> list[Campaign]:
    with site.sessions.reading() as session:
        return [
            planning.campaign(session, site.actor, one.id) for one in planning.campaigns(session, site.actor, made.programme_id)
        ]


def problems(page: TestResponse) -> dict[str, str]:
    """Field → what the error summary says of it."""
    summary = html.unescape(page.get_data(as_text=True)).partition("govuk-error-summary__list")[2].partition("</ul>")[0]
    return {field: " ".join(text.split()) for field, text in re.findall(r'href="#(\w+)"[^>]*>([^<]*)<', summary)}
