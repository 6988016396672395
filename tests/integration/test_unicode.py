"""What people write survives as they wrote it, or they are told why not (promise 17): files, pages, API, search, export."""

from __future__ import annotations

import csv
import html
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import given
import pytest
import xlsxwriter
from api_site import close_api, open_api
from everything import with_form_token
from flask.testing import FlaskClient
from pages_site import sign_in

from commsapp.actor import Actor
from commsapp.config import Settings
from commsapp.errors import CommsappError
from commsapp.listening import service as listening
from commsapp.storage.session import Sessions

SAID = {
    "bidi": "zyxa \u202eevil\u202c and \u2066isolate\u2069 שלום",
    "zero width": "zyxb wo\u200brd jo\u2060in \ufeffmark soft\u00adhyphen",
    "composed": "zyxc caf\u00e9 \u0174rexham",
    "decomposed": "zyxd cafe\u0301 W\u0302rexham",
    "family": "zyxe 👩\u200d👩\u200d👧\u200d👦 waves 🏴\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f",
    "four bytes": "zyxf 𠜎𠜱 𝒢𝒶𝓃𝑔 \U0001f9ff",
    "marks": "zyxg Z\u0351\u036b\u0343a\u0320l\u0347g\u0353o",
    "private": "zyxh \ue000 \uf8ff \ufffd",
    "noncharacter": "zyxi \ufdd0 end",
    "controls": "zyxj bell\x07 escape\x1b[31m tab\tend",
    "lines": "zyxk one\u2028two\u2029three\u0085four",
    "languages": "zyxl Llanfairpwllgwyngyll Łódź Ηλίας यात्रा ภาษาไทย 日本語 ქართული",
}
TIDIED = {
    "controls": "zyxj bell escape[31m tab\tend",
    "lines": "zyxk one\u2028two\u2029three\u2026four",
    "noncharacter": "zyxi \ufffd end",
}
"""What no text is made of goes, or becomes the mark of what is missing; U+0085 is the '…' of a file that was Windows-1252."""
KEPT = SAID | TIDIED
NOT_IN_XML = {"controls"}
"""A workbook can't hold them: its format has no control characters but TAB, LF and CR."""
HALF, NUL = "zyxm half \ud83d of it", "zyxn nul \0 in it"


def _csv(path: Path, said: dict[str, str]) -> Path:
    return given.table(path, [{"id": name, "date": "2026-03-01", "comment": words} for name, words in said.items()])


def _xlsx(path: Path, said: dict[str, str]) -> Path:
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        for row, cells in enumerate([("id", "date", "comment"), *((name, "2026-03-01", words) for name, words in said.items())]):
            for column, cell in enumerate(cells):
                sheet.write_string(row, column, cell)
    return path


def _jsonl(path: Path, said: dict[str, str]) -> Path:
    rows = [json.dumps({"id": name, "date": "2026-03-01", "comment": words}) for name, words in said.items()]
    path.write_text("\n".join(rows), "utf-8")
    return path


FORMATS: dict[str, Callable[[Path, dict[str, str]], Path]] = {"csv": _csv, "xlsx": _xlsx, "jsonl": _jsonl}
COLUMNS = given.Columns(text="comment", date="date", identity="id")


@pytest.mark.parametrize("kind", FORMATS)
def test_words_come_back_from_a_file_to_database_page_api_search_and_export(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path, kind: str, promise: Callable[[int, str], None]
) -> None:
    sent = {name: words for name, words in SAID.items() if kind != "xlsx" or name not in NOT_IN_XML}
    said = {name: KEPT[name] for name in sent}
    programme = given.programme(sessions, actor)
    path = FORMATS[kind](tmp_path / f"said.{kind}", sent)
    run = given.imported(sessions, actor, settings, path, programme_id=programme, mapping=COLUMNS)
    assert given.counts(run) == (len(said), 0, 0)
    given.prepared(sessions, actor, settings, programme)
    assert set(given.everything_written(sessions, actor, programme)) == set(said.values())
    listening.store_results(sessions, actor, programme)
    api = open_api(settings, sessions, actor)
    try:
        shown = {one["words"] for one in api.get(f"/programmes/{programme}/comments?page_size=100")["items"]}
        assert shown == set(said.values())
        assert actor.person_id is not None
        cookie, csrf = with_form_token(api.app, sign_in(api.app, sessions, actor.person_id))
        client = FlaskClient(api.app, api.app.response_class, use_cookies=False)
        how: dict[str, Any] = {"headers": {"Cookie": f"commsapp={cookie}"}, "base_url": "http://localhost"}
        page = _page(client.get(f"/programmes/{programme}/set-aside", **how).get_data(as_text=True))
        missing = [name for name, words in said.items() if _page(words) not in page]
        assert not missing
        for name, words in said.items():
            found = client.get(f"/programmes/{programme}/search", query_string={"words": words.split()[0]}, **how)
            assert _page(words) in _page(found.get_data(as_text=True)), name
        response = given.stored(sessions, "SELECT min(id) FROM response")[0][0]
        first = given.stored(sessions, "SELECT original FROM comment WHERE response_id = :one", one=response)[0][0]
        export = f"/programmes/{programme}/people/{response}/export"
        for form in ("csv", "json"):
            reply = client.post(export, data={"csrf_token": csrf, "kind": form, "why": "asked"}, **how).get_data(as_text=True)
            cells = (
                [row[2] for row in csv.reader(io.StringIO(reply, newline=""))] if form == "csv" else json.dumps(json.loads(reply))
            )
            assert (first in cells) if form == "csv" else first in json.loads(reply)["responses"][0].values()
    finally:
        close_api(api)
    promise(17, f"{len(said)} kinds of odd text came back the same from {kind}, through database, API, page, search and export")


def _page(text: str) -> str:
    """As somebody reads a page: spaces count as one."""
    return " ".join(html.unescape(text).split())


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_half_a_character_or_nul_is_read_around_or_refused_in_a_sentence_and_never_stored(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path, kind: str, promise: Callable[[int, str], None]
) -> None:
    path = tmp_path / f"odd.{kind}"
    if kind == "csv":
        path.write_bytes(f"id,date,comment\n1,2026-03-01,{NUL}\n2,2026-03-01,bins\n".encode())
    else:
        rows = [{"id": "1", "date": "2026-03-01", "comment": NUL}, {"id": "2", "date": "2026-03-01", "comment": HALF}]
        path.write_text(
            "\n".join(json.dumps(row) for row in [*rows, {"id": "3", "date": "2026-03-01", "comment": "bins"}]), "utf-8"
        )
    programme = given.programme(sessions, actor)
    try:
        run = given.imported(sessions, actor, settings, path, programme_id=programme, mapping=COLUMNS)
    except CommsappError as error:
        assert error.problem.endswith(".") and error.cure
        outcome = "the file was refused in a sentence"
    else:
        written = given.everything_written(sessions, actor, programme)
        assert "bins" in written
        assert not any("\0" in words or any("\ud800" <= letter <= "\udfff" for letter in words) for words in written)
        with sessions.reading() as session:
            reasons = [row.reason for row in listening.rejected(session, actor, run.id)]
        assert all(reasons)
        outcome = f"{run.added} rows read, {run.rejected} rejected with a reason"
    promise(17, f"NUL and half characters in {kind}: {outcome}")


def test_names_with_odd_letters_come_back_through_the_api_and_bad_ones_get_a_sentence(
    sessions: Sessions, actor: Actor, settings: Settings
) -> None:
    api = open_api(settings, sessions, actor)
    try:
        for name in (SAID["family"], SAID["four bytes"], SAID["decomposed"], SAID["languages"]):
            made = api.post("/programmes", {"name": name})
            assert api.get(f"/programmes/{made['id']}")["name"] == name
        for bad in (NUL, HALF):
            reply = api.call("POST", "/programmes", data=json.dumps({"name": bad}), content_type="application/json")
            assert reply.status_code in (400, 422)
            assert reply.get_json(force=True)["detail"].endswith(".")
    finally:
        close_api(api)
