"""Each resource of the API: what pages show comes out, what pages take goes in, and nothing of another organisation."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import given
import heard
import new_groups
import pytest
from api_site import Api, close_api, open_api, token_of

from commsapp import may
from commsapp.actor import Actor, Role
from commsapp.api.heard import Comment, Response, Result
from commsapp.config import Settings
from commsapp.evaluation import service as evaluation
from commsapp.listening import service as listening
from commsapp.listening import views
from commsapp.listening.freezing import RESULT_COLUMNS
from commsapp.planning import service as planning
from commsapp.storage.events import Event
from commsapp.storage.session import Sessions
from commsapp.worker import run_job


@pytest.fixture
def api(settings: Settings, sessions: Sessions, actor: Actor) -> Iterator[Api]:
    opened = open_api(settings, sessions, actor)
    yield opened
    close_api(opened)


@pytest.fixture
def filled(sessions: Sessions, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> heard.Heard:
    monkeypatch.setattr(heard, "PER_AREA", 10)
    return heard.programme(sessions, actor)


@pytest.fixture
def said(sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path) -> tuple[int, int]:
    """A programme in which three people said something, one of them a concern, and one row was rejected: (programme, import)."""
    programme = given.programme(sessions, actor)
    rows = [dict(row, handling=level) for row, level in zip(given.ROWS, ("open", "open", "concern"), strict=True)]
    rows.append({"id": "r4", "date": "never", "area": "Ash", "comment": "Words of a bad row", "age": "65+", "handling": "open"})
    path = given.table(tmp_path / "event.csv", rows)
    run = given.imported(sessions, actor, settings, path, programme_id=programme)
    given.prepared(sessions, actor, settings, programme)
    return programme, run.id


def test_programmes_are_made_listed_and_read(api: Api) -> None:
    made = api.post("/programmes", {"name": "County  lines", "description": "Four towns"})
    assert (made["name"], made["responses"], made["made_up"]) == ("County lines", 0, False)
    assert api.get(f"/programmes/{made['id']}") == made
    for number in range(3):
        api.post("/programmes", {"name": f"Programme {number}"})
    first = api.get("/programmes?page_size=3")
    assert [one["name"] for one in first["items"]] == ["County lines", "Programme 0", "Programme 1"]
    assert (first["total"], first["page"], first["page_size"]) == (4, 1, 3)
    assert first["links"]["previous"] is None
    last = api.get(first["links"]["next"].removeprefix("/api/v1"))
    assert [one["name"] for one in last["items"]] == ["Programme 2"]
    assert last["links"]["next"] is None and last["links"]["previous"]
    assert api.get("/programmes?page=9")["items"] == []
    assert api.post("/programmes", {"name": "County lines"}, status=409)["cure"]


def test_a_field_that_a_role_may_not_see_does_not_leave(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    made = api.post("/programmes", {"name": "Ours", "description": "Only for some"})
    seen = may.SEE[("commsapp.listening.views", "Programme")]
    hidden = may.Record({**seen.see, "description": frozenset({Role.OFFICER})})
    monkeypatch.setitem(may.SEE, ("commsapp.listening.views", "Programme"), hidden)
    assert api.get(f"/programmes/{made['id']}") == {**made, "description": ""}
    assert api.get("/programmes")["items"] == [{**made, "description": ""}]


def test_what_a_programme_is_compared_by_is_added_listed_and_taken_away(api: Api) -> None:
    place = f"/programmes/{api.post('/programmes', {'name': 'Ours'})['id']}"
    channel = api.post(f"{place}/channels", {"name": "Survey", "chosen": "random"})
    assert api.post(f"{place}/channels", {"name": "Survey", "chosen": "random"}) == channel
    assert api.get(f"{place}/channels")["items"] == [channel]
    wave = api.post(f"{place}/waves", {"name": "Spring", "start": "2026-03-01", "end": "2026-05-31"})
    assert api.get(f"{place}/waves")["items"] == [wave]
    api.delete(f"{place}/waves/{wave['id']}")
    assert api.get(f"{place}/waves")["total"] == 0
    area = api.post(f"{place}/areas", {"name": "Ash", "population": 14200})
    assert api.get(f"{place}/areas")["items"] == [area]
    event = api.post(f"{place}/context-events", {"name": "Arrests", "start": "2026-03-05", "areas": ["Ash"]})
    assert (event["end"], event["areas"]) == ("2026-03-05", ["Ash"])
    assert api.get(f"{place}/context-events")["items"] == [event]
    api.delete(f"{place}/context-events/{event['id']}")
    assert api.get(f"{place}/context-events")["items"] == []
    assert api.get(f"{place}/attributes")["items"] == []
    wrong = api.post(f"{place}/waves", {"name": "x", "start": "2026-05-31", "end": "2026-03-01"}, status=422)
    assert wrong["detail"] == "The wave 'x' ends before it starts."


@pytest.mark.parametrize("call", ["comments", "results"])
def test_a_slip_in_a_name_is_said_and_does_not_read_as_nobody(api: Api, said: tuple[int, int], call: str) -> None:
    programme, _ = said
    wrong = api.get(f"/programmes/{programme}/{call}?area=Nix", status=422)
    assert wrong["detail"] == "There is no area 'Nix' in this programme."
    assert "Ash" in wrong["cure"]
    assert "no segment 'age = 99'" in api.get(f"/programmes/{programme}/{call}?segment=age = 99", status=422)["detail"]
    assert "no wave 'x'" in api.get(f"/programmes/{programme}/{call}?wave=x", status=422)["detail"]


def test_comments_come_as_pages_show_them_and_each_look_is_noted(api: Api, said: tuple[int, int], sessions: Sessions) -> None:
    programme, run = said
    found = api.get(f"/programmes/{programme}/comments")
    assert [one["words"] for one in found["items"]] == [row["comment"] for row in given.ROWS]
    assert found["items"][0]["attributes"] == {"age": "16-24"}
    (look,) = looks(sessions)
    assert (look["kind"], look["of"], look["count"], look["where"]) == ("comments", programme, 3, "by the token Notebook")
    assert look["levels"] == ["concern", "open"]
    api.get(f"/programmes/{programme}/responses?area=Ash")
    api.get(f"/imports/{run}/rejected-rows")
    assert [(look["kind"], look["count"]) for look in looks(sessions)[1:]] == [("responses", 2), ("rejected rows", 1)]
    assert looks(sessions)[0]["filters"] == {}  # which page of a list is nothing that anybody looks for in the log
    assert looks(sessions)[1]["filters"] == {"area": "area Ash"}
    assert looks(sessions)[2]["where"].endswith(", by the token Notebook")
    api.get("/programmes")
    assert len(looks(sessions)) == 3
    second = api.get(f"/programmes/{programme}/comments?page=2&page_size=2")
    assert [one["words"] for one in second["items"]] == ["The bins again"]
    assert api.get(f"/programmes/{programme}/comments?page=3&page_size=2")["items"] == []
    for filters, total in (
        ("area=Ash", 2),
        ("segment=age = 65%2B", 1),
        ("set_aside=true", 3),
        ("reason=not analysed yet", 2),
        ("tone=negative", 0),
        ("emotion=anger", 0),
        ("topic=1", 0),
    ):
        assert api.get(f"/programmes/{programme}/comments?{filters}")["total"] == total, filters


def looks(sessions: Sessions) -> list[dict[str, Any]]:
    """What was noted of who read people's words, first to last."""
    with sessions.reading() as session:
        read = session.query(Event).filter(Event.action == "read").order_by(Event.id)
        return [{"kind": event.subject, "of": event.subject_id, **(event.after or {})} for event in read]


def test_shapes_of_words_and_figures_hold_what_the_services_give() -> None:
    assert set(Comment().fields) == {field.name for field in dataclasses.fields(views.Said)}
    assert set(Response().fields) == {field.name for field in dataclasses.fields(views.Responded)}
    assert set(Result().fields) == set(RESULT_COLUMNS)


def test_words_above_open_come_only_with_a_token_that_was_made_for_them(
    api: Api, said: tuple[int, int], sessions: Sessions, actor: Actor
) -> None:
    programme, run = said
    usual = token_of(sessions, actor, levels=())
    for path, total in (("comments", 2), ("responses", 2)):
        assert api.get(f"/programmes/{programme}/{path}", token=usual)["total"] == total
        assert api.get(f"/programmes/{programme}/{path}")["total"] == 3
    assert api.get(f"/programmes/{programme}", token=usual)["comments"] == 2
    (row,) = api.get(f"/imports/{run}/rejected-rows", token=usual)["items"]
    assert row["cells"]["comment"] == "Words of a bad row"


def test_responses_come_with_their_answers_and_without_those_that_may_not_be_analysed(
    api: Api, filled: heard.Heard, sessions: Sessions, settings: Settings, actor: Actor, tmp_path: Path
) -> None:
    found = api.get(f"/programmes/{filled.programme_id}/responses?page_size=100&area=Ash&wave=November")
    assert found["total"] == 10
    assert found["items"][0]["answers"] == [{"question": heard.QUESTION, "choice": "Yes", "not_counted": ""}]
    assert "no wave 'Never'" in api.get(f"/programmes/{filled.programme_id}/responses?wave=Never", status=422)["detail"]
    assert api.get(f"/programmes/{filled.programme_id}/responses?channel=Survey")["total"] == 80
    programme = given.programme(sessions, actor, "Consent")
    mapping = given.Columns(identity="id", questions=("Heard?",), handling="handling", consent="consent")
    rows = [
        {"id": "1", "Heard?": "Yes", "handling": "open", "consent": "analyse"},
        {"id": "2", "Heard?": "Yes", "handling": "open", "consent": "no"},
        {"id": "3", "Heard?": "Yes", "handling": "concern", "consent": "analyse"},
        {"id": "4", "Heard?": "", "handling": "open", "consent": "analyse"},
    ]
    path = given.table(tmp_path / "asked.csv", rows)
    given.imported(sessions, actor, settings, path, programme_id=programme, mapping=mapping)
    answers = [one["answers"][0] for one in api.get(f"/programmes/{programme}/responses")["items"]]
    assert [one["choice"] for one in answers] == ["Yes", "", "", ""]
    with sessions.reading() as session:
        counted = listening.records(session, actor, programme).answers
    assert [one["not_counted"] for one in answers] == list(counted["not_coded_reason"])


def test_results_are_narrowed_read_one_by_one_and_set_beside_what_is_heard_now(api: Api, filled: heard.Heard) -> None:
    place = f"/programmes/{filled.programme_id}/results"
    every = api.get(place)["total"]
    one = api.get(f"{place}?wave=November&area=&segment=&item={heard.ITEM}")["items"]
    assert [row["id"] for row in one] == [filled.result_id]
    assert one[0]["low"] < one[0]["value"] == 0.4 < one[0]["high"] and one[0]["n"] == 40
    assert api.get(f"{place}?measure=emotion share")["total"] == 0  # no comments
    assert 0 < api.get(f"{place}?measure=answer share")["total"] <= every
    read = api.get(f"/results/{filled.result_id}")
    assert read["programme_id"] == filled.programme_id and read["made_at"].endswith("+00:00")
    assert api.get(f"/results/{filled.result_id}/now") == {"cited": read, "now": read}
    assert "Start an analysis" in api.get(f"/programmes/{filled.programme_id}/codebook", status=404)["cure"]
    assert api.get(f"{place}?measure=everything", status=422)["errors"][0]["field"] == "measure"


def test_a_campaign_is_planned_fixed_and_measured(api: Api, filled: heard.Heard) -> None:
    planned = {
        "name": "Not your account",
        "approach": "deterrence",
        "playbook": "not-your-account",
        "start": str(heard.START),
        "end": str(heard.END),
        "areas": list(heard.CAMPAIGN_AREAS),
        "objective": "More people have heard of it.",
    }
    made = api.post(f"/programmes/{filled.programme_id}/campaigns", planned)
    listed = api.get(f"/programmes/{filled.programme_id}/campaigns")["items"]
    assert listed == [{name: value for name, value in made.items() if name != "messages"}]
    words = {"text": "Your account is not for rent.", "behaviour": "facilitate", "listening_result_id": filled.result_id}
    message = api.post(f"/campaigns/{made['id']}/messages", words)
    assert message["cited"]["id"] == filled.result_id and message["expected"] is None
    place = f"/messages/{message['id']}"
    nothing_fixed = api.post(f"{place}/effects", status=422)
    assert nothing_fixed["detail"] == "Nothing is fixed that this message should move."
    expected = heard.expectation(filled)
    sent = {**expected, "by": str(expected["by"]), "areas": list(heard.CAMPAIGN_AREAS)}
    fixed = api.post(f"{place}/expected-effect", sent)
    assert api.post(f"{place}/expected-effect", sent) == fixed
    assert "kept as it was" in api.post(f"{place}/expected-effect", {**sent, "direction": "down"}, status=409)["detail"]
    activity = api.post(f"{place}/activities", {"medium": "Posters", "area": "Ash", "start": "2025-12-01", "end": "2025-12-31"})
    measured = api.post(f"{place}/effects")
    assert measured["verdict"] in evaluation.VERDICT_WORDS and measured["sentences"]
    assert api.get(f"{place}/effects")["items"] == [measured]
    whole = api.get(f"/campaigns/{made['id']}")
    assert whole["messages"][0]["activities"] == [activity]
    assert whole["messages"][0]["expected"] == fixed
    assert api.get(place) == whole["messages"][0]


def upload(**fields: object) -> dict[str, object]:
    said = b"comment,date,ward,age\nThe bins again,2026-03-02,Ash,16-24\nDealers at the station,2026-03-03,Birch,65+\n"
    mapping = {"text": "comment", "date": "date", "area": "ward", "attributes": ["age"]}
    return {"data": {"file": (io.BytesIO(said), "spring.csv"), "mapping": json.dumps(mapping), **fields}}


def test_a_file_is_brought_in_and_how_it_went_is_told(api: Api, sessions: Sessions, actor: Actor, settings: Settings) -> None:
    programme = api.post("/programmes", {"name": "Ours"})["id"]
    channel = str(api.post(f"/programmes/{programme}/channels", {"name": "Event", "chosen": "opt-in"})["id"])
    place = f"/programmes/{programme}/imports"
    started = api._answered("POST", place, 202, upload(channel_id=channel, then_analyse="false"))
    assert started["job"]["state"] == "queued" and started["started"]["file_name"] == "spring.csv"
    run = f"/imports/{started['started']['id']}"
    assert api.get(run)["goes_on"] is True
    run_job(started["job"]["id"], sessions, settings)
    ended = api.get(run)
    assert (ended["added"], ended["rejected"], ended["goes_on"]) == (2, 0, False)
    assert api.get(place)["items"][0]["id"] == ended["id"]
    assert api.get(f"/jobs/{started['job']['id']}")["state"] == "done"
    before = api.get(f"/programmes/{programme}/comments")["items"]
    assert [(one["words"], one["prepared"]) for one in before] == [("", False)] * 2  # nobody reads what was not looked at yet
    given.prepared(sessions, actor, settings, programme)
    after = api.get(f"/programmes/{programme}/comments")["items"]
    assert [one["words"] for one in after] == ["The bins again", "Dealers at the station"]
    for fields, field in (
        ({"channel_id": "x"}, "channel_id"),
        ({"channel_id": channel, "mapping": "{"}, "mapping"),
        ({"channel_id": channel, "mapping": '{"text": "nowhere"}'}, "nowhere"),
        ({"channel_id": channel, "handling_level": "secret"}, "handling_level"),
        ({"channel_id": channel, "more": "x"}, "more"),
    ):
        refused = api._answered("POST", place, 422, upload(**fields))
        assert field in json.dumps(refused)
    api._answered("POST", place, 404, upload(channel_id="999"))
    api._answered("POST", place, 415, {"json": {}})
    assert api.get(place)["total"] == 1


def test_jobs_are_listed_stopped_and_started_again(api: Api, filled: heard.Heard) -> None:
    place = f"/programmes/{filled.programme_id}/analyses"
    job = api.post(place, {"granularity": "fine"}, status=202)
    assert api.post(place, {"granularity": "fine"}, status=202) == job
    assert [one["id"] for one in api.get(f"/jobs?programme_id={filled.programme_id}")["items"]] == [job["id"]]
    assert api.post(f"/jobs/{job['id']}/cancel", status=200)["state"] == "cancelled"
    assert api.post(f"/jobs/{job['id']}/cancel", status=409)["detail"].startswith("This job is cancelled")
    assert api.post(f"/jobs/{job['id']}/retry", status=200)["state"] == "queued"
    assert api.post(place, {"granularity": "finest"}, status=422)["errors"][0]["field"] == "granularity"


def test_nothing_of_another_organisation_is_found(
    api: Api, filled: heard.Heard, said: tuple[int, int], sessions: Sessions, actor: Actor
) -> None:
    with sessions.writing() as session:
        campaign = heard.campaign(session, actor, filled)
        message = heard.message(session, actor, filled, campaign.id)
        wave = listening.waves(session, actor, filled.programme_id)[0]
        event = listening.context_events(session, actor, filled.programme_id)[0]
        planning.fix_expected_effect(session, actor, message_id=message.id, **heard.expectation(filled))  # type: ignore[arg-type]
        job = listening.start_analysis(session, actor, programme_id=filled.programme_id)
        group = new_groups.plant(session, actor, filled.programme_id, wave.id)
    known = {
        "programme_id": filled.programme_id,
        "wave_id": wave.id,
        "event_id": event.id,
        "result_id": filled.result_id,
        "campaign_id": campaign.id,
        "message_id": message.id,
        "import_id": said[1],
        "job_id": job,
        "comment_id": 1,
        "group_id": group,
    }
    stranger = token_of(sessions, given.other_organisation(sessions))
    document = api.get("/openapi.json")
    asked = 0
    for path, operations in document["paths"].items():
        place = path.removeprefix("/api/v1").format(**known)
        for method, call in operations.items():
            if "{" not in path or method == "parameters":
                continue
            sent: dict[str, object] = {}
            if "requestBody" in call:
                ((kind, what),) = call["requestBody"]["content"].items()
                sent = {"json": example(document, what["schema"])} if kind == "application/json" else upload(channel_id="1")
            refused = api.call(method.upper(), place, token=stranger, **sent)
            assert refused.status_code == 404, (method, path, refused.status_code, refused.text)
            assert "our" not in refused.get_json(force=True)["detail"].replace("hour", "")
            asked += 1
    assert asked >= 30
    assert api.get("/programmes", token=stranger)["total"] == api.get("/jobs", token=stranger)["total"] == 0


def example(document: dict[str, object], schema: dict[str, object]) -> dict[str, object]:
    """What the document gives as an example of each field that must be sent."""
    shape = document["components"]["schemas"][str(schema["$ref"]).rpartition("/")[2]]  # type: ignore[index]
    return {name: shape["properties"][name]["examples"][0] for name in shape.get("required", [])}
