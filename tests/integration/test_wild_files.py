"""Whatever file somebody drops or names, it comes in row by row, or one sentence says why not: never a traceback, never half."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import given
import pytest
import xlsxwriter
from hypothesis import HealthCheck, example
from hypothesis import given as property_of
from hypothesis import settings as bounded
from hypothesis import strategies as st
from page_client import PageClient, page_client
from pages_site import Site, open_site
from test_pages_imports import choose, dropped_on
from typed import typed

from commsapp.actor import Actor
from commsapp.config import Settings
from commsapp.errors import BadInput
from commsapp.listening import service as listening
from commsapp.listening.columns import Mapping, check
from commsapp.listening.formats.preview import Preview, preview
from commsapp.storage.session import Sessions

FEW = bounded(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
CELLS = st.one_of(
    st.sampled_from(
        ["", " ", "2026-03-01", "31/12/2025", "007", "=1+1", "Yes", "No", "cy", "log", "open", "0.5", "#REF!", "\ufeff"]
    ),
    st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\n\r\t,;|\"'\0"), max_size=25),
    st.sampled_from(["Words of somebody about the bins", "Dealers stand at the station again"]),
)
NAMES = st.one_of(
    st.sampled_from(
        ["comment", "Date", "area", "id", "", "Have you heard of it?", "age", "consent", "weight", "handling", "line"]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
)
TABLES = st.integers(1, 5).flatmap(
    lambda width: st.tuples(
        st.lists(NAMES, min_size=width, max_size=width),
        st.lists(st.lists(CELLS, min_size=0, max_size=width + 1), min_size=1, max_size=8),
    )
)
Table = tuple[list[str], list[list[str]]]


def as_csv(table: Table, separator: str, encoding: str, ending: str, *, quoted: bool) -> bytes:
    rows = [table[0], *table[1]]
    out = io.StringIO(newline="")
    if quoted:
        csv.writer(out, delimiter=separator, lineterminator=ending, quoting=csv.QUOTE_ALL).writerows(rows)
    else:  # as people write it by hand: what is a separator or a line end in a cell tears the row apart
        out.write("".join(separator.join(row) + ending for row in rows))
    return out.getvalue().encode(encoding, "replace")


def as_jsonl(table: Table, *, ascii_only: bool = True) -> bytes:
    rows = [dict(zip(table[0], row, strict=False)) for row in table[1]]
    return "".join(json.dumps(row, ensure_ascii=ascii_only) + "\n" for row in rows).encode("utf-8", "surrogatepass")


def as_xlsx(table: Table) -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "default_date_format": "dd/mm/yyyy"})
    book.set_properties({"created": dt.datetime(2026, 1, 1)})  # or the same table is another file a second later
    sheet = book.add_worksheet()
    for number, row in enumerate([table[0], *table[1]]):
        for place, cell in enumerate(row):
            kept = "".join(letter for letter in cell if letter.isprintable() or letter in "\n\t")
            value: Any = dt.date(2026, 3, 1) if kept == "2026-03-01" else 0.5 if kept == "0.5" else kept
            sheet.write(number, place, value)
    book.close()
    return out.getvalue()


@dataclass(frozen=True)
class Wild:
    name: str
    content: bytes


@st.composite
def files(draw: st.DrawFn) -> Wild:
    """A table in one of the formats, or bytes that were one before somebody damaged them."""
    table = draw(TABLES)
    kind = draw(st.sampled_from(["csv", "jsonl", "xlsx"]))
    if kind == "csv":
        encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252"]))
        ending = draw(st.sampled_from(["\n", "\r\n", "\r"]))
        content = as_csv(table, draw(st.sampled_from([",", ";", "\t", "|"])), encoding, ending, quoted=draw(st.booleans()))
        content = draw(st.sampled_from([b"", b"", b"Report\n\n", b"sep=;\n"])) + content
    elif kind == "jsonl":
        content = as_jsonl(table, ascii_only=draw(st.booleans()))
    else:
        content = as_xlsx(table)
    if draw(st.booleans()):
        place = draw(st.integers(0, len(content)))
        content = content[:place] + draw(st.binary(max_size=6)) + content[place + draw(st.integers(0, 4)) :]
    return Wild(f"wild.{draw(st.sampled_from([kind, 'csv', 'xlsx', 'jsonl', 'tsv', 'pdf']))}", content)


HALF = Wild("half.jsonl", b'{"comment": "Half a letter \\ud83d of it", "nul\\u0000": "\\u0000"}\n' * 2)
MISREAD = Wild("misread.csv", "comment,area\nThey said \x93no\x94 to \uffff me\x07,\x85\n".encode())


def settled(look: Preview) -> Mapping:
    """The suggested mapping, or else the first column as comments."""
    try:
        check(look.mapping, look.columns)
    except BadInput:
        return Mapping(text=look.columns[0], left_out=look.columns[1:])
    return look.mapping


@FEW
@property_of(wild=files())
@example(wild=HALF)
@example(wild=MISREAD)
def test_every_row_is_stored_or_rejected_once_on_either_database(
    sessions: Sessions, actor: Actor, settings: Settings, tmp_path: Path, wild: Wild
) -> None:
    path = tmp_path / wild.name
    path.write_bytes(wild.content)
    try:
        look = preview(path)
        rows = sum(1 for _ in look.table.rows())
    except BadInput as error:
        assert wild.name in error.problem
        assert error.cure
        return
    programme = given.programme(sessions, actor, secrets.token_hex(8))
    how = {"programme_id": programme, "mapping": settled(look), "date_order": look.date_order}
    first = given.imported(sessions, actor, settings, path, **how)
    assert sum(given.counts(first)) == rows
    second = given.imported(sessions, actor, settings, path, **how)
    assert given.counts(second) == (0, first.added + first.already_there, first.rejected)
    with sessions.reading() as session:
        assert len(listening.rejected(session, actor, first.id)) == first.rejected
    given.everything_said(sessions, actor, programme)


@pytest.fixture
def site(tmp_path: Path, sqlite_template: Path) -> Site:
    (tmp_path / "site").mkdir()
    return open_site(tmp_path / "site", sqlite_template)


@pytest.fixture
def client(site: Site) -> PageClient:
    return page_client(site.app)


@FEW
@property_of(wild=files())
@example(wild=HALF)
@example(wild=MISREAD)
def test_the_pages_show_it_and_import_it_or_say_why_not(site: Site, client: PageClient, wild: Wild) -> None:
    with site.sessions.writing() as session:
        programme = listening.create_programme(session, site.actor, name=secrets.token_hex(8)).id
    address = dropped_on(client, programme, **{wild.name: wild.content})
    page = client.get(address)
    assert page.status_code == 200
    if "Import the file" not in page.get_data(as_text=True):
        assert wild.name in page.get_data(as_text=True)
        assert runs(site, programme) == []
        return
    sent = choose(client, address, file0_chosen="opt-in", file0_date_order="dmy")
    answer = client.post(address, data=sent)
    if answer.status_code == 303:  # a mistake, such as no column with comments
        assert "There is a problem" in client.get(address).get_data(as_text=True)
        assert runs(site, programme) == []
        return
    assert site.work(names=("import",)) == 1
    assert "went wrong" not in client.get(answer.location).get_data(as_text=True)
    (run,) = runs(site, programme)
    assert client.get(f"/imports/{run}").status_code == 200


def runs(site: Site, programme: int) -> list[int]:
    with site.sessions.reading() as session:
        return [run.id for run in listening.imports_of(session, site.actor, programme)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("COMMSAPP_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("COMMSAPP_DATABASE_URL", raising=False)
    yield tmp_path


@FEW
@property_of(wild=files())
@example(wild=HALF)
@example(wild=MISREAD)
def test_the_command_line_imports_it_or_says_why_not_and_stores_nothing_then(folder: Path, wild: Wild) -> None:
    path = folder / wild.name
    path.write_bytes(wild.content)
    programme = secrets.token_hex(8)
    ended = typed("import", path, "--programme", programme, "--channel", "Wild")
    if ended.status == 0:
        assert "added" in ended.out
        return
    assert ended.status == 2
    assert ended.sentence
    assert typed("results", "--programme", programme).sentence.startswith(f"There is no programme called '{programme}'")
