from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from flask import Flask
from gallery import gallery_app, gallery_settings
from page_client import PageClient, page_client

from commsapp.http.security import without_sign_in
from commsapp.storage.keyring import open_keyring
from commsapp.storage.programmes import Programme
from commsapp.storage.session import open_sessions


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    return gallery_app(gallery_settings(tmp_path))


@pytest.fixture
def client(app: Flask) -> PageClient:
    return page_client(app)


def test_a_page_with_every_component_is_well_formed_labelled_and_protected(client: PageClient) -> None:
    page = client.get("/gallery/components")

    assert page.status_code == 200
    text = page.get_data(as_text=True)
    assert "<strong>34\u00a0%</strong> (28 to 40\u00a0%) of feedback, n&nbsp;=&nbsp;120" in text
    assert "of people, n&nbsp;=&nbsp;4,000" in text
    assert "This is a made-up place" in text
    assert '<noscript><meta http-equiv="refresh" content="5">' in text
    assert "govuk-hint" in text
    assert not re.search(r'<div[^>]*class="govuk-hint"[^>]*>\s*</div>', text)


def test_pages_carry_a_strict_policy_and_are_not_kept(client: PageClient) -> None:
    headers = client.get("/gallery/empty").headers

    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert re.fullmatch(r"'self' 'nonce-[\w-]{20,}'", policy["script-src"])
    assert policy["style-src"] == policy["form-action"] == policy["connect-src"] == policy["font-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_every_request_has_a_nonce_of_its_own(client: PageClient) -> None:
    policies = {client.get("/gallery/empty").headers["Content-Security-Policy"] for _ in range(3)}

    assert len(policies) == 3


def test_scripts_and_styles_are_kept_for_a_year_under_an_address_that_changes_with_them(client: PageClient) -> None:
    address = re.search(r'href="(/assets/\w+/commsapp\.css)"', client.get("/gallery/empty").get_data(as_text=True))
    assert address

    kept = client.get(address[1])
    assert kept.status_code == 200
    assert "immutable" in kept.headers["Cache-Control"]
    old = client.get("/assets/0123/commsapp.css")
    assert old.headers["Cache-Control"] == "no-cache"
    assert client.get("/assets/0123/../../app.py").status_code == 404


def test_nothing_that_ships_in_the_styles_is_fetched_or_bound_to_gov_uk(client: PageClient) -> None:
    for name in ("vendor/govuk-frontend.css", "commsapp.css"):
        css = client.get(f"/assets/0/{name}").get_data(as_text=True)
        for word in ("url(", "@font-face", "@import", "GDS Transport", "crest"):
            assert word not in css.replace("url(data:", "")


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "10.0.0.7", "localhost:x"]
)
def test_a_request_for_another_host_is_refused_in_one_sentence(client: PageClient, host: str) -> None:
    page = client.get("/gallery/empty", headers={"Host": host})

    assert page.status_code == 400
    assert "This server answers on this computer only." in page.get_data(as_text=True)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8321", "[::1]:8321", "LOCALHOST:80"])
def test_every_name_of_this_computer_is_answered(client: PageClient, host: str) -> None:
    assert client.get("/gallery/empty", headers={"Host": host}).status_code == 200


def test_a_role_that_a_page_is_not_for_may_not_enter(client: PageClient) -> None:
    page = client.get("/gallery/partners")

    assert page.status_code == 403
    assert "This page is not for your role." in page.get_data(as_text=True)


def test_a_thing_that_is_not_there_gets_a_sentence_a_cure_and_a_way_back(client: PageClient) -> None:
    page = client.get("/gallery/missing", headers={"Referer": "http://localhost/gallery/empty?page=2"})

    assert page.status_code == 404
    text = page.get_data(as_text=True)
    assert "There is no topic 7." in text
    assert "look in the list of topics" in text
    assert 'href="/gallery/empty?page=2">Go back' in text


def test_a_referrer_elsewhere_is_no_way_back(client: PageClient) -> None:
    page = client.get("/nowhere", headers={"Referer": "http://evil.example/gallery"})

    assert page.status_code == 404
    assert 'href="/">Go to the start page' in page.get_data(as_text=True)


def test_an_unforeseen_error_shows_a_reference_that_is_in_the_log_and_nothing_else(
    client: PageClient, caplog: pytest.LogCaptureFixture
) -> None:
    page = client.get("/gallery/broken")

    assert page.status_code == 500
    text = page.get_data(as_text=True)
    reference = re.search(r"in the log: (\w{8})", text)
    assert reference
    assert reference[1] in caplog.text
    assert re.search(r"gallery\.py:\d+ in broken\n.*RuntimeError", caplog.text)
    assert "a secret" not in text + caplog.text
    assert "Traceback" not in text


def test_an_error_that_quotes_what_somebody_said_leaves_a_reference_and_a_place_in_the_log(
    client: PageClient, app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    def quoting() -> str:
        raise ValueError("my uncle sells it from the garage")

    app.view_functions["gallery.broken"] = without_sign_in(quoting)
    text = client.get("/gallery/broken").get_data(as_text=True)

    reference = re.search(r"in the log: (\w{8})", text)
    assert reference and reference[1] in caplog.text
    assert re.search(r"test_pages_foundation\.py:\d+ in quoting", caplog.text)
    assert "uncle" not in caplog.text + text


@pytest.mark.parametrize(
    "path",
    ["/programmes/99999999999999999999", "/jobs/2147483648", "/jobs/" + "9" * 5000, "/programmes/1/topics/-2147483649"],
)
def test_a_number_that_no_database_holds_leads_nowhere(client: PageClient, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/programmes/1/listening?wave=%00", "/programmes?a%00=1", "/assets/0/%00.css"])
def test_a_nul_character_in_an_address_is_refused_in_one_sentence(client: PageClient, path: str) -> None:
    page = client.get(path)

    assert page.status_code == 400
    assert "What was sent holds a NUL character" in page.get_data(as_text=True)


def test_a_nul_character_in_a_form_is_refused_in_one_sentence(client: PageClient) -> None:
    page = client.post("/programmes/new", data={"csrf_token": client.token("/programmes/new"), "name": "Waste\0crime"})

    assert page.status_code == 400
    assert "What was sent holds a NUL character" in page.get_data(as_text=True)


def test_a_wrong_method_says_which_are_right(client: PageClient) -> None:
    page = client.get("/gallery/kept")

    assert page.status_code == 405
    assert page.headers["Allow"] == "OPTIONS, POST"


def test_a_form_without_its_token_stores_nothing(client: PageClient, app: Flask) -> None:
    page = client.post("/gallery/kept")

    assert page.status_code == 400
    assert "nothing was stored" in page.get_data(as_text=True)
    assert stored(app) == []


def test_an_upload_over_the_limit_says_what_the_limit_is(client: PageClient) -> None:
    page = client.post("/gallery/components", data={"files": (io.BytesIO(b"x" * 300_000), "large.csv")})

    assert page.status_code == 413
    assert "larger than 200\u00a0kB; nothing was stored" in page.get_data(as_text=True)


def test_what_a_view_wrote_is_committed_once_after_success(client: PageClient, app: Flask) -> None:
    token = client.token("/gallery/components")

    assert client.post("/gallery/kept", data={"csrf_token": token}).status_code == 302
    assert stored(app) == ["kept"]


def test_what_a_view_wrote_before_an_error_is_gone(client: PageClient, app: Flask) -> None:
    token = client.token("/gallery/components")

    page = client.post("/gallery/unreadable", data={"csrf_token": token})
    assert page.status_code == 422
    assert "Choose the column that holds the comments." in page.get_data(as_text=True)
    assert stored(app) == []


def test_the_client_fails_a_page_that_changes_data_when_it_is_read(client: PageClient, app: Flask) -> None:
    with pytest.raises(AssertionError, match="a request that only reads changed data"):
        client.get("/gallery/sneaky")
    assert stored(app) == []


def test_an_error_in_a_part_of_a_page_is_a_sentence_and_not_a_page(client: PageClient) -> None:
    part = client.get("/gallery/missing", headers={"HX-Request": "true"}).get_data(as_text=True)

    assert "There is no topic 7." in part
    assert "<html" not in part


def test_a_database_that_is_not_set_up_is_said_with_its_cure(tmp_path: Path, app: Flask, client: PageClient) -> None:
    (tmp_path / "commsapp.sqlite").unlink()
    app.extensions["commsapp"].sessions.engine.dispose()

    page = client.get("/gallery/empty")
    assert page.status_code == 503
    assert "commsapp database upgrade" in page.get_data(as_text=True)


def test_empty_fields_are_named_in_their_own_words_and_linked_from_the_summary(client: PageClient) -> None:
    token = client.token("/gallery/components")

    page = client.post("/gallery/components", data={"csrf_token": token, "day": "31 Febtober", "replies": "many", "channel": ""})
    text = page.get_data(as_text=True)
    assert page.status_code == 422
    assert "<title>Error: " in text
    for sentence, target in {
        "Enter a name": "name",
        "Select a file": "files",
        "Select how people were chosen": "chosen",
        "Select a feedback channel": "channel",
        "Enter a day such as 31/3/2026 or 31 March 2026": "day",
        "Enter a whole number, such as 250": "replies",
    }.items():
        assert re.search(rf'href="#{target}"[^>]*>\s*{re.escape(sentence)}', text), sentence


def test_a_filled_form_passes_and_its_message_stands_on_the_next_page(client: PageClient) -> None:
    token = client.token("/gallery/components")
    filled = {"csrf_token": token, "name": " County lines ", "chosen": "opt-in", "channel": "survey", "day": "31.3.2026"}
    files = [(io.BytesIO(b"a,b"), "one.csv"), (io.BytesIO(b"a,b"), "two.csv")]

    page = client.post("/gallery/components", data={**filled, "files": files}, follow_redirects=True)
    assert page.status_code == 200
    assert "County lines was made with 2 files." in page.get_data(as_text=True)


def stored(app: Flask) -> list[str]:
    settings = app.extensions["commsapp"].settings
    sessions = open_sessions(settings.database_url, keyring=open_keyring(settings))
    with sessions.reading() as session:
        return sorted(programme.name for programme in session.query(Programme))
