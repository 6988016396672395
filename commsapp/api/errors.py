"""Errors as problems (RFC 9457): what is wrong in a sentence, then the cure. Never a traceback, never anybody's words."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from flask import Response, current_app, request
from flask_limiter import RateLimitExceeded
from werkzeug.exceptions import (
    HTTPException,
    InternalServerError,
    MethodNotAllowed,
    RequestEntityTooLarge,
    UnsupportedMediaType,
)
from werkzeug.exceptions import (
    NotFound as NoSuchAddress,
)

from commsapp.api.fields import Shape, Text, Whole, a, several
from commsapp.errors import (
    BadInput,
    CommsappError,
    Conflict,
    NotAllowed,
    NotFound,
    NotSignedIn,
    Unavailable,
    traceback_without_words,
)
from commsapp.http.request import READING
from commsapp.http.security import NotText, WrongHost
from commsapp.storage.session import told

PROBLEM = "application/problem+json"
TRY_AGAIN = 30
"""Seconds after which what was busy may answer."""
REALM = 'Bearer realm="commsapp"'

# The first that fits wins.
STATUS: tuple[tuple[type[CommsappError], int], ...] = (
    (WrongHost, 400),
    (NotText, 400),
    (BadInput, 422),
    (NotFound, 404),
    (NotSignedIn, 401),
    (NotAllowed, 403),
    (Conflict, 409),
    (Unavailable, 503),
    (CommsappError, 400),
)


class FieldProblem(Shape):
    """What is wrong with one field."""

    field = a(Text, "The field, as a path: 'name', or 'mapping.text'.", example="name")
    problem = a(Text, "What is wrong with it.", example="It must be a text.")


class Problem(Shape):
    """What is wrong, in the form of RFC 9457."""

    type = a(Text, "Always about:blank: the status says which kind of problem it is.", example="about:blank")
    title = a(Text, "The status in words.", example="Unprocessable Entity")
    status = a(Whole, "The status of the reply.", example=422)
    detail = a(Text, "What is wrong, in one sentence.", example="The field 'name' can't be used.")
    cure = a(Text, "What to do about it; may be empty.", example="Mend it and send it again.")
    errors = several(FieldProblem, "Each field that can't be used; empty where the problem is another.")


def answer(error: BaseException) -> Response:
    """The reply to whatever went wrong under the address of the API."""
    try:
        with told():  # a database that is busy or full is no mystery
            raise error
    except CommsappError as known:
        return _known(known)
    except InternalServerError as wrapped:
        return answer(wrapped.original_exception) if wrapped.original_exception is not None else _unexpected(wrapped)
    except HTTPException as refused:
        return _refused(refused)
    except Exception as unknown:
        return _unexpected(unknown)


def problem(status: int, detail: str, cure: str = "", errors: list[dict[str, str]] | None = None) -> Response:
    """A reply that says what is wrong."""
    said = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "cure": cure,
        "errors": errors or [],
    }
    return Response(json.dumps(said), status=status, mimetype=PROBLEM)


def _known(error: CommsappError) -> Response:
    status = next(status for kind, status in STATUS if isinstance(error, kind))
    response = problem(status, error.problem, error.cure)
    if status == 401:
        response.headers["WWW-Authenticate"] = REALM + (', error="invalid_token"' if "Authorization" in request.headers else "")
    if status == 503:
        response.headers["Retry-After"] = str(TRY_AGAIN)
    return response


def _refused(error: HTTPException) -> Response:
    status = error.code or 500
    if isinstance(error, NoSuchAddress):
        return problem(404, "There is nothing at this address.", "See /api/v1/openapi.json for what there is.")
    if isinstance(error, MethodNotAllowed):
        response = problem(405, f"{request.method} is not possible here.", "See the header Allow.")
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods or []))
        return response
    if isinstance(error, RequestEntityTooLarge):
        return problem(413, "What was sent is too large; nothing was stored.", "Send less at once.")
    if isinstance(error, UnsupportedMediaType):
        return problem(415, "What was sent is of a kind that isn't read here.", f"Send {error.description}.")
    if isinstance(error, RateLimitExceeded):
        return _too_fast()
    if status == 422:
        return _unprocessable(getattr(error, "data", None) or {})
    if status < 400:  # a redirect that the router asks for
        return problem(404, "There is nothing at this address.", "See /api/v1/openapi.json for what there is.")
    if status == 400:
        return problem(400, "What was sent can't be read.", "Send JSON in UTF-8, as the document says.")
    return problem(status, "The request can't be answered as it is.")


def _too_fast() -> Response:
    limiter = next(iter(current_app.extensions["limiter"]))
    seconds = 1
    if (limit := limiter.current_limit) is not None:
        seconds = max(1, int(limit.reset_at - time.time()) + 1)
    response = problem(429, "This token has been used too often in the last minute.", f"Wait for {seconds} seconds.")
    response.headers["Retry-After"] = str(seconds)
    return response


def _unprocessable(data: dict[str, Any]) -> Response:
    found = [{"field": field or "(all)", "problem": words} for field, words in _flat(data.get("messages", {}))]
    # The first part says where it stood (json, query, files), which whoever sent it knows.
    found = [{**one, "field": one["field"].partition(".")[2] or one["field"]} for one in found]
    named = ", ".join(f"'{one['field']}'" for one in found[:5])
    many = "field" if len(found) == 1 else "fields"
    kept = "" if request.method in READING else "; nothing was stored"
    return problem(422, f"The {many} {named} can't be used{kept}.", "Mend it and send it again.", found)


def _flat(messages: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """(path of a field, what is wrong) for every message of a tree."""
    if isinstance(messages, dict):
        for name, below in messages.items():
            part = "" if name == "_schema" else _shown(name)
            yield from _flat(below, ".".join(filter(None, (path, part))))
    elif isinstance(messages, list):
        for words in messages:
            yield from _flat(words, path)
    else:
        yield path, str(messages)


def _shown(name: object) -> str:
    """A name as somebody sent it, cut to what can be read."""
    return str(name).encode("utf-8", "replace").decode("utf-8").replace("\0", "?")[:80]


def _unexpected(error: BaseException) -> Response:
    reference = secrets.token_hex(4)
    where = traceback_without_words(error)
    current_app.logger.error("error %s on %s %s\n%s", reference, request.method, request.path, where)
    return problem(
        500,
        "Something went wrong in commsapp that we did not foresee; nothing was stored.",
        f"Try again. If it stays, give whoever runs commsapp this reference, which is in the log: {reference}.",
    )
