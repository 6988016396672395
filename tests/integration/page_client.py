"""A test client that lints every page it fetches: each page test then checks markup, labels, tokens and commits as well.

Use it with ``app.test_client_class = PageClient`` (or `page_client`). A response that is no HTML passes as it is.
"""

from __future__ import annotations

from collections import Counter
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session
from werkzeug.test import TestResponse

from commsapp.http.request import EXTENSION, READING, Installed

# Inputs that carry no label: their own text, or nothing, is what is read out.
UNLABELLED = {"hidden", "submit", "button"}


class PageClient(FlaskClient):
    """Fails with all that is wrong with a page, in one message."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.titles: dict[str, str] = {}
        self.watch = SessionWatch(self.application)

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        self.watch.begin()
        response = super().open(*args, **kwargs)
        problems = self.watch.problems(response.request.method, response.status_code)
        if response.mimetype == "text/html" and response.status_code not in range(300, 400):
            html = response.get_data(as_text=True)
            problems += lint(html, whole="<html" in html)
            problems += self._title_taken(html, response)
        assert not problems, f"{response.request.method} {response.request.path}:\n- " + "\n- ".join(problems)
        return response

    def token(self, path: str) -> str:
        """The CSRF token of the form on a page, to post with."""
        page = parse(self.get(path).get_data(as_text=True))
        return next(part.get("value", "") for part in page.iter("input") if part.get("name") == "csrf_token")

    def _title_taken(self, html: str, response: TestResponse) -> list[str]:
        if response.status_code != 200 or "<html" not in html:
            return []
        title = title_of(parse(html))
        endpoint = self.application.url_map.bind("localhost").match(response.request.path, method=response.request.method)[0]
        first = self.titles.setdefault(title, endpoint)
        # An edit page and the page it posts to may share theirs; two areas may not.
        return [f"the title '{title}' is that of {first} already"] if first != endpoint else []


class SessionWatch:
    """Sees what became of the changes of one request."""

    def __init__(self, app: Flask) -> None:
        installed: Installed = app.extensions[EXTENSION]
        self.opened: list[Session] = []
        make = installed.sessions.open

        def watched(*, writes: bool) -> Session:
            session = make(writes=writes)
            self.opened.append(session)
            for name, heard in (("after_flush", _wrote), ("do_orm_execute", _executed), ("after_commit", _committed)):
                event.listen(session, name, heard)
            return session

        installed.sessions.open = watched  # type: ignore[method-assign]

    def begin(self) -> None:
        self.opened.clear()

    def problems(self, method: str, status: int) -> list[str]:
        found = []
        if method in READING and any(session.info.get("wrote") for session in self.opened):
            found.append("a request that only reads changed data")
        elif status < 400 and any(session.info.get("unsaved") or _pending(session) for session in self.opened):
            found.append("the view left changes that were not committed")
        if any(session.in_transaction() for session in self.opened):
            found.append("the view left a transaction open")
        return found


def _pending(session: Session) -> bool:
    return bool(session.new or session.dirty or session.deleted)


def _wrote(session: Session, *_: object) -> None:
    session.info.update(wrote=True, unsaved=True)


def _executed(state: ORMExecuteState) -> None:
    if not state.is_select:
        _wrote(state.session)


def _committed(session: Session) -> None:
    session.info["unsaved"] = False


def page_client(app: Flask) -> PageClient:
    """A linting client of an application, which shows error pages instead of raising."""
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.test_client_class = PageClient
    client = app.test_client()
    assert isinstance(client, PageClient)
    return client


def parse(html: str) -> Element:
    """The page as a tree."""
    return html5lib.parse(html, namespaceHTMLElements=False)


def title_of(page: Element) -> str:
    """What stands in the tab of the browser."""
    return " ".join("".join(part.text or "" for part in page.findall("head/title")).split())


def lint(html: str, *, whole: bool) -> list[str]:
    """Everything that is wrong with the markup of a page, or of a part of one."""
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    page = parser.parse(html) if whole else parser.parseFragment(html)
    problems = [f"HTML: {code} at line {position[0]}" for position, code, _ in parser.errors]
    if whole:
        problems += _page_problems(page)
    ids = Counter(part.get("id") for part in page.iter() if part.get("id") is not None)
    problems += [f"id '{name}' occurs {times} times" for name, times in ids.items() if times > 1]
    for part in page.iter():
        problems += _inline(part)
    for form in page.iter("form"):
        problems += _form_problems(form)
    return problems + _labels(page) + _links(page, set(ids) if whole else None)


def _page_problems(page: Element) -> list[str]:
    problems = []
    headings = list(page.iter("h1"))
    if len(headings) != 1:
        problems.append(f"{len(headings)} h1 instead of one")
    if not page.get("lang"):
        problems.append("html has no lang")
    titles = page.findall("head/title")
    if len(titles) != 1 or title_of(page).removesuffix("– commsapp").strip() == "":
        problems.append("no title of its own")
    return problems


def _inline(part: Element) -> list[str]:
    names = [name for name in part.attrib if isinstance(name, str)]
    return [f"<{part.tag}> has an inline {name}" for name in names if name == "style" or name.startswith("on")]


def _form_problems(form: Element) -> list[str]:
    where = f"form to '{form.get('action', '')}'"
    problems = [] if form.get("action") else ["a form has no action"]
    fields = {part.get("name") for part in form.iter("input")}
    if form.get("method", "get").lower() == "post" and "csrf_token" not in fields:
        problems.append(f"{where} has no CSRF token")
    uploads = any(part.get("type") == "file" for part in form.iter("input"))
    if uploads and form.get("enctype") != "multipart/form-data":
        problems.append(f"{where} has a file field but not enctype=multipart/form-data")
    return problems


def _labels(page: Element) -> list[str]:
    labelled = {part.get("for") for part in page.iter("label")}
    fields = [part for tag in ("input", "select", "textarea") for part in page.iter(tag)]
    return [
        f"<{part.tag} name={part.get('name')}> has no label"
        for part in fields
        if part.get("type") not in UNLABELLED and part.get("id") not in labelled and not part.get("aria-label")
    ]


def _links(page: Element, ids: set[str | None] | None) -> list[str]:
    if ids is None:
        return []
    targets = [part.get("href", "") for part in page.iter("a")]
    return [f"the link {target} leads nowhere" for target in targets if target.startswith("#") and target[1:] not in ids]
