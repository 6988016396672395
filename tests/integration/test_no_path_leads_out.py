"""No name that comes from elsewhere leads out of the data folder, to read, write or delete (promise 16)."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import given
import pytest
from api_site import token_of
from everything import with_form_token
from flask.testing import FlaskClient
from pages_site import Site, open_site
from sqlalchemy import text

from commsapp.errors import CommsappError
from commsapp.listening import service as listening
from commsapp.storage import attachments
from commsapp.storage.backup import write_backup
from commsapp.storage.keyring import open_keyring
from commsapp.storage.restore import restore_backup
from commsapp.web.uploads import Batch, Upload, path_of, seal

CSV = b"id,date,comment\n1,2026-03-01,They wait at the station\n"
UP = "../" * 12
NAMES = (
    *("../x.csv", f"{UP}etc/x.csv", "/etc/x.csv", "/", "..", ".", "", "...", "~/x.csv", "$HOME/x.csv", "a/../../x.csv"),
    *("%2e%2e%2fx.csv", "..\\..\\x.csv", "C:\\Windows\\x.csv", "\\\\host\\share\\x.csv", "x.csv:stream", "file:///etc/x.csv"),
    *("CON", "NUL.csv", "COM1.csv", "aux.csv.", "x.csv ", " x.csv", "a\nb.csv", "a\0b.csv", "\u202evsc.x"),
    *("\u2025/x.csv", "\uff0e\uff0e/x.csv", "..%c0%afx.csv"),
    *("x" * 5_000 + ".csv", "😀" * 300 + ".csv", "-rf.csv", "|id.csv", ";id.csv", "`id`.csv", "$(id).csv", "x.csv/"),
)  # fmt: skip


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A file beside the data folder that must stay as it is."""
    path = tmp_path / "outside" / "kept.txt"
    path.parent.mkdir()
    path.write_text("not yours", "utf-8")
    return path


@pytest.fixture
def site(tmp_path: Path, sqlite_template: Path) -> Site:
    (tmp_path / "data").mkdir()
    return open_site(tmp_path / "data", sqlite_template)


def tree(folder: Path) -> dict[str, bytes]:
    """Every file of a folder with what is in it, links too."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def everything_but(site: Site, tmp_path: Path) -> dict[str, bytes]:
    data = site.settings.data_dir.relative_to(tmp_path).as_posix()
    return {name: content for name, content in tree(tmp_path).items() if not name.startswith(f"{data}/")}


def test_the_name_of_a_file_that_is_sent_decides_nothing(
    site: Site, outside: Path, tmp_path: Path, promise: Callable[[int, str], None]
) -> None:
    programme = given.programme(site.sessions, site.actor)
    with site.sessions.writing() as session:
        channel = listening.add_channel(session, site.actor, programme, name="Event", chosen="opt-in").id
    assert site.actor.person_id is not None
    cookie, csrf = with_form_token(site.app, site.cookie(site.actor.person_id))
    token, before, sent = token_of(site.sessions, site.actor), everything_but(site, tmp_path), 0
    for name in NAMES:
        client = FlaskClient(site.app, site.app.response_class, use_cookies=False)
        form: dict[str, Any] = {"csrf_token": csrf, "files": (io.BytesIO(CSV), name)}
        page = client.post(
            f"/programmes/{programme}/import", data=form, headers={"Cookie": f"commsapp={cookie}"}, base_url="http://localhost"
        )
        form = {"channel_id": str(channel), "mapping": '{"text": "comment"}', "file": (io.BytesIO(CSV + name.encode()), name)}
        call = client.post(
            f"/api/v1/programmes/{programme}/imports", data=form, headers={"Authorization": f"Bearer {token}"},
            base_url="http://localhost", content_type="multipart/form-data",
        )  # fmt: skip
        assert page.status_code < 500 and call.status_code < 500, (name[:60], page.status_code, call.status_code)
        sent += 2
    site.work(names=("import",))
    assert everything_but(site, tmp_path) == before
    kept = {path.name for path in (site.settings.data_dir / "uploads").iterdir()}
    assert all(len(name.partition(".")[0]) == 64 and set(name.partition(".")[0]) <= set("0123456789abcdef") for name in kept)
    promise(16, f"{sent} uploads under {len(NAMES)} names (.., absolute, NUL, devices, 5,000 letters): 0 files outside")


def test_an_asset_is_one_of_ours_whatever_its_address_says(site: Site, outside: Path) -> None:
    client = site.visitor()
    odd = (
        f"{UP}etc/passwd",
        "..%2f..%2f..%2fetc/passwd",
        "/etc/passwd",
        "....//....//etc/passwd",
        "..\\..\\x",
        "%00",
        "vendor/../../app.py",
    )
    for name in odd:
        reply = client.get(f"/assets/0/{name}")
        assert reply.status_code in (301, 308, 400, 404), name
        assert b"root:" not in reply.data and b"create_app" not in reply.data


def test_a_token_of_files_that_was_changed_opens_none_and_a_forged_name_leads_nowhere(site: Site, outside: Path) -> None:
    sealed = seal(Batch((Upload("0" * 64, "x.csv"),), 1), site.actor, site.settings)
    client = site.app.test_client()
    for changed in (sealed[::-1], sealed.swapcase(), f"{sealed}x", f"{UP}etc/passwd"):
        assert client.get("/import/check", query_string={"files": changed}, base_url="http://localhost").status_code == 422
    for name in (f"{UP}{outside}", str(outside)):
        with pytest.raises(CommsappError):
            path_of(Upload(name, "x.csv"), site.settings)


def test_a_link_in_the_folder_of_uploads_is_not_written_through(site: Site, outside: Path, tmp_path: Path) -> None:
    uploads = site.settings.data_dir / "uploads"
    uploads.mkdir()
    source = given.table(tmp_path / "said.csv", given.ROWS)
    target = uploads / listening.keep(source, site.settings).name
    target.unlink()
    target.symlink_to(outside)
    assert listening.keep(source, site.settings) == target
    assert outside.read_text("utf-8") == "not yours"
    assert target.read_bytes() == source.read_bytes()


def test_where_a_database_from_elsewhere_says_that_files_lie_nothing_is_read_or_deleted(
    site: Site, outside: Path, tmp_path: Path
) -> None:
    programme = given.programme(site.sessions, site.actor)
    path = given.table(tmp_path / "said.csv", given.ROWS)
    waiting = given.started(site.sessions, site.actor, site.settings, path, programme_id=programme, channel="Waits")
    given.imported(site.sessions, site.actor, site.settings, path, programme_id=programme, channel="Event")
    response = int(given.stored(site.sessions, "SELECT min(id) FROM response")[0][0])
    with site.sessions.writing() as session:
        picture = {"kind": "picture", "media_type": "image/png", "name": "x.png", "content": io.BytesIO(b"x")}
        made = attachments.put(session, site.actor, data_dir=site.settings.data_dir, response_id=response, **picture)  # type: ignore[arg-type]
        session.execute(text("UPDATE import_run SET stored_as = :out"), {"out": str(outside)})
        session.execute(text("UPDATE attachment SET stored_as = :out"), {"out": f"../../{outside.relative_to(tmp_path)}"})
    with pytest.raises(CommsappError):
        listening.run_import(site.sessions, site.actor, import_id=waiting, settings=site.settings)
    with site.sessions.reading() as session, pytest.raises(CommsappError):
        attachments.open_attachment(session, site.actor, made.id, data_dir=site.settings.data_dir).readall()
    listening.erase_person(site.sessions, site.actor, programme, response, why="asked", settings=site.settings)
    assert outside.read_text("utf-8") == "not yours"


def test_a_backup_with_names_that_lead_out_restores_nothing_outside(
    site: Site, outside: Path, tmp_path: Path, promise: Callable[[int, str], None]
) -> None:
    programme = given.programme(site.sessions, site.actor)
    path = given.table(tmp_path / "said.csv", given.ROWS)
    given.imported(site.sessions, site.actor, site.settings, path, programme_id=programme)
    with site.sessions.writing() as session:
        picture = {"kind": "picture", "media_type": "image/png", "name": "x.png", "content": io.BytesIO(b"x")}
        attachments.put(session, site.actor, data_dir=site.settings.data_dir, response_id=1, **picture)  # type: ignore[arg-type]
    whole, keyring = tmp_path / "whole.zip", open_keyring(site.settings)
    write_backup(site.sessions, path=whole, data_dir=site.settings.data_dir, keyring=keyring)
    tried, before = 0, tree(outside.parent)
    for name in (f"attachments/{UP}{outside}", f"attachments/../../{outside.relative_to(tmp_path)}", f"attachments/{outside}"):
        bad, folder = tmp_path / f"bad{tried}.zip", tmp_path / f"new{tried}"
        _renamed(whole, bad, name)
        folder.mkdir()
        with suppress(CommsappError):
            restore_backup(f"sqlite:///{folder / 'commsapp.sqlite'}", data_dir=folder, keyring=keyring, path=bad)
        assert tree(outside.parent) == before
        tried += 1
    promise(16, f"{tried} backups with parts that lead out: nothing written outside")


def _renamed(whole: Path, bad: Path, name: str) -> None:
    """The same backup, but its attachment says that it lies elsewhere."""
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(bad, "w") as target:
        (part,) = [part for part in source.namelist() if part.startswith("attachments/")]
        for one in source.namelist():
            content = source.read(one)
            target.writestr(name if one == part else one, content.replace(part.encode(), name.encode()))
