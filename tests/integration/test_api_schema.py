"""The API keeps to its document, and whatever is sent, it never answers with a fault of its own (promise 10).

``COMMSAPP_TEST_API_EXAMPLES`` says how many inputs each call gets (default: 36, on each database); the soak takes more.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import given
import heard
import new_groups
import pytest
import said
import schemathesis
from api_site import Api, close_api, open_api
from hypothesis import HealthCheck
from hypothesis import given as tried
from hypothesis import settings as how
from hypothesis import strategies as st
from schemathesis.checks import CHECKS
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation import GenerationMode
from schemathesis.schemas import APIOperation

from commsapp.actor import Actor
from commsapp.config import Settings
from commsapp.listening import service as listening
from commsapp.planning import service as planning
from commsapp.storage.session import Sessions

EXAMPLES = int(os.environ.get("COMMSAPP_TEST_API_EXAMPLES", "36"))

LEFT_OUT = {
    # Whether a wave, an area or a topic of that name is there, or an end comes before its start, no schema can say.
    "positive_data_acceptance",
    # These send requests of their own, or follow one request with another; test_api_tokens.py asks each call without a token.
    "ignored_auth",
    "use_after_free",
    "ensure_resource_availability",
    "object_level_authorization",
}


@pytest.fixture
def api(settings: Settings, sessions: Sessions, actor: Actor) -> Iterator[Api]:
    opened = open_api(settings, sessions, actor)
    yield opened
    close_api(opened)


@pytest.fixture
def known(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, int]:
    """Something of every kind, so that calls come further than to 'not found'."""
    monkeypatch.setattr(heard, "PER_AREA", 5)
    filled = heard.programme(sessions, actor)
    said.add(sessions, actor, filled.programme_id)
    path = given.table(tmp_path / "event.csv", [*given.ROWS, dict(given.ROWS[0], id="r4", date="never")])
    run = given.imported(sessions, actor, settings, path, programme_id=filled.programme_id)
    with sessions.writing() as session:
        campaign = heard.campaign(session, actor, filled)
        message = heard.message(session, actor, filled, campaign.id)
        planning.fix_expected_effect(session, actor, message_id=message.id, **heard.expectation(filled))  # type: ignore[arg-type]
        group = new_groups.plant(session, actor, filled.programme_id, filled.after_wave_id or 0)
        job = listening.start_analysis(session, actor, programme_id=filled.programme_id)
    return {
        "programme_id": filled.programme_id,
        "wave_id": filled.before_wave_id,
        "event_id": 1,
        "result_id": filled.result_id,
        "campaign_id": campaign.id,
        "message_id": message.id,
        "import_id": run.id,
        "job_id": job,
        "comment_id": 1,
        "group_id": group,
    }


def checks() -> list[Any]:
    """Every check of Schemathesis but those left out, whose names must be right."""
    names = {check.__name__ for check in CHECKS.get_all()}
    assert names >= LEFT_OUT
    return [check for check in CHECKS.get_all() if check.__name__ not in LEFT_OUT]


def test_the_api_keeps_to_its_document_and_no_input_is_a_fault_of_ours(
    api: Api, known: dict[str, int], promise: Callable[[int, str], None]
) -> None:
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", api.app)
    answers: Counter[int] = Counter()
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) >= 54
    for operation in operations:
        fuzz(operation, api, known, answers)
    faults = sum(count for status, count in answers.items() if status >= 500)
    assert faults == 0
    assert answers[200] and answers[201] and answers[404] and answers[422]
    promise(10, f"{answers.total():,} inputs to {len(operations)} calls of the API, {faults} answered with 5xx")


def fuzz(operation: APIOperation[Any, Any, Any, Any], api: Api, known: dict[str, int], answers: Counter[int]) -> None:
    """Ask one call with inputs that fit its document, and with inputs that don't."""
    fitting = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    wrong = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
    every = checks()

    def ask(case: Any, there: bool) -> None:
        negated = {where for where, part in case.meta.components.items() if part.mode is GenerationMode.NEGATIVE}
        if there and case.path_parameters and ParameterLocation.PATH not in negated:
            case.path_parameters = {name: known[name] for name in case.path_parameters}
        # Where the input lacks its token, it is asked without one.
        token = {} if ParameterLocation.HEADER in negated else {"Authorization": f"Bearer {api.token}"}
        response = case.call(headers=token)
        answers[response.status_code] += 1
        case.validate_response(response, checks=every)

    limits = how(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    try:
        limits(tried(case=st.one_of(fitting, wrong), there=st.sampled_from((True, True, True, False)))(ask))()
    except BaseException as error:
        error.add_note(f"asked: {operation.label}")
        raise
