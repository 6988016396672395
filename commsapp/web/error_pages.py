"""Errors as pages: one clear sentence, what to do next, a way back. Never a traceback."""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, make_response, redirect, render_template, request, url_for
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, InternalServerError, MethodNotAllowed, RequestEntityTooLarge

from commsapp.errors import (
    BadInput,
    CommsappError,
    Conflict,
    NotAllowed,
    NotFound,
    NotSignedIn,
    TooOften,
    Unavailable,
    traceback_without_words,
)
from commsapp.http.request import READING, settings
from commsapp.http.security import NotText, WrongHost
from commsapp.storage.session import told
from commsapp.web import wording

# The first that fits wins; each title is different, as people with many tabs find a page by it.
STATUS: tuple[tuple[type[CommsappError], int, str], ...] = (
    (WrongHost, 400, "Wrong address"),
    (NotText, 400, "What was sent can't be read"),
    (BadInput, 422, "There is a problem with what was sent"),
    (NotFound, 404, "Page not found"),
    (NotSignedIn, 401, "You are not signed in"),
    (TooOften, 429, "Please wait"),
    (NotAllowed, 403, "You can't enter this page"),
    (Conflict, 409, "Somebody was faster"),
    (Unavailable, 503, "A part of commsapp does not answer"),
    (CommsappError, 400, "There is a problem"),
)


def install(app: Flask) -> None:
    """Answer every error of a page with a page."""
    app.register_error_handler(CommsappError, mendable)
    app.register_error_handler(CSRFError, _form_too_old)
    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(Exception, _unexpected)


def mendable(error: CommsappError) -> Response:
    """The page for something that a person can mend."""
    status, title = next((status, title) for kind, status, title in STATUS if isinstance(error, kind))
    if isinstance(error, NotSignedIn):
        return _sign_in(status, title)
    response = _page(status, title, error.problem, error.cure)
    if isinstance(error, TooOften):
        response.headers["Retry-After"] = str(error.seconds)
    return response


def _sign_in(status: int, title: str) -> Response:
    """Lead a visitor to where one signs in, and from there back to the page; what was sent can't be kept, and is said so."""
    part = request.headers.get("HX-Request") == "true"
    if request.method in READING and not part:
        came_from = request.full_path.removesuffix("?")
        return make_response(redirect(url_for("sign_in.sign_in", next=came_from if came_from != "/" else None), 303))
    return _page(
        status,
        title,
        "Your sign-in has ended." if part else "You are not signed in any more; nothing was stored.",
        "Load the page again to sign in." if part else "Copy what you wrote, sign in on another tab, and send it again.",
    )


def _form_too_old(_error: CSRFError) -> Response:
    return _page(
        400,
        "The form was open for too long",
        "The form could not be checked, because it is from an earlier visit or cookies are off.",
        "Copy what you wrote, load the page again and send it once more; nothing was stored.",
    )


def _refused(error: HTTPException) -> Response:
    """404, 405, 413 and the like, which no code of ours raised."""
    if isinstance(error, InternalServerError):
        return _unexpected(error.original_exception or error)
    status = error.code or 500
    if status < 400:  # a redirect that the router asks for
        return make_response(error.get_response())
    if status == 404:
        return _page(404, "Page not found", "There is no page at this address.", "Check it for slips, or start again.")
    if isinstance(error, RequestEntityTooLarge):
        problem = f"What was sent is larger than {wording.size(settings().upload_limit)}; nothing was stored."
        return _page(413, "The upload is too large", problem, "Send fewer files at once, or split the file.")
    if isinstance(error, MethodNotAllowed):
        response = _page(405, "This address works differently", "This address can't be opened in this way.", "Start again.")
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods or []))
        return response
    return _page(status, f"The request was refused ({error.name.lower()})", "The request can't be answered as it is.", "")


def _unexpected(error: BaseException) -> Response:
    try:
        with told():  # a database that is busy or full is no mystery
            raise error
    except CommsappError as known:
        return mendable(known)
    except Exception:
        reference = secrets.token_hex(4)
        where = traceback_without_words(error)
        current_app.logger.error("error %s on %s %s\n%s", reference, request.method, request.path, where)
    return _page(
        500,
        "Something went wrong in commsapp",
        "Something went wrong that we did not foresee; nothing was stored.",
        f"Try again. If it stays, give whoever runs commsapp this reference, which is in the log: {reference}.",
    )


def _page(status: int, title: str, problem: str, cure: str) -> Response:
    # A part of a page that htmx asked for gets a sentence in its place, not a page inside a page.
    part = request.headers.get("HX-Request") == "true"
    template = "errors/part.html" if part else "errors/page.html"
    response = make_response(render_template(template, title=title, problem=problem, cure=cure, **_around()), status)
    if part and status == 503:
        response.headers["HX-Reswap"] = "none"  # what polls asks again
    return response


def _around() -> dict[str, object]:
    """The way back, and what somebody wrote into the form that could not be taken."""
    return {"way_back": _way_back(), "written": _written()}


def _written() -> list[tuple[str, str]]:
    """What was typed and is not stored, so that nobody has to write it twice; never a secret, never what another site sent."""
    # Browsers tell where a form was sent from, by the first header on https alone.
    ours = request.headers.get("Sec-Fetch-Site", "same-origin") == "same-origin"
    ours = ours and urlsplit(request.headers.get("Origin", f"//{request.host}")).netloc == request.host
    if not ours or request.method in READING or request.mimetype != "application/x-www-form-urlencoded":
        return []
    try:
        return [(label, value) for name, label in _TYPED.items() if (value := _plain(request.form.get(name, "")))]
    except HTTPException:  # too large, or cut off
        return []


def _plain(typed: str) -> str:
    """What a page can show of it: what can't be shown may be why it was refused."""
    return "".join(letter for letter in typed if letter.isprintable() or letter in "\r\n\t").strip()


_TYPED = {
    "text": "What the message says",
    "name": "Name",
    "objective": "Objective",
    "description": "Description",
    "why": "Why",
}
"""Field → what it is called, for fields that people write into."""


def _way_back() -> str:
    """The page that led here, if it is one of ours; else the start."""
    try:
        came_from = urlsplit(request.referrer or "")
    except ValueError:  # whoever sent that is no browser
        return "/"
    ours = came_from.netloc == request.host and came_from.path != request.path
    return f"{came_from.path}{'?' + came_from.query if came_from.query else ''}" if ours and came_from.path else "/"
