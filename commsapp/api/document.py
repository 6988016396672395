"""The document of the API (OpenAPI 3.1), made from the calls themselves: their shapes, roles, scopes and errors."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from apispec import APISpec
from flask import Flask
from flask_smorest import Api, Blueprint
from flask_smorest.spec.plugins import FlaskPlugin
from webargs.flaskparser import FlaskParser
from werkzeug.datastructures import CombinedMultiDict
from werkzeug.exceptions import BadRequest
from werkzeug.routing import Rule

from commsapp.accounts.service import SCOPES
from commsapp.api.errors import PROBLEM, Problem
from commsapp.api.fields import Shape
from commsapp.http.request import actor
from commsapp.http.security import API, declared_roles, declared_scope, is_without_sign_in
from commsapp.may import shown

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

VERSION = "1.0"
ADDRESS = f"{API}v1"
_NAME = "api_"
_READ = frozenset({"GET", "HEAD", "OPTIONS"})

ABOUT = """
What people said, what was heard in it, what was planned and what came of it: everything that the pages of commsapp show, for a
notebook or another program. Words mean here what they mean on the pages: a *listening result* is an estimated figure with n,
effective n and a 95 % interval; a *feedback channel* says how people were chosen, and where they chose themselves a share is one
of feedback and never of people; *tone* is that of the feedback and no approval.

Every call but this document needs a token, made on the page 'Your API tokens', in the header `Authorization: Bearer commsapp_…`.
A token does what its scopes say and never more than its person may at that moment; it reads open text only, unless it was made
for more. Cookies are neither read nor set. Lists come in pages (`page`, `page_size`, `total`, `links`). Days and moments are
ISO 8601, moments in UTC. Shares are 0 to 1, tone is -1 to 1. Errors are `application/problem+json` (RFC 9457) with one sentence
and the cure.
""".strip()

# Status → what it means, for every call of a kind.
ERRORS: dict[str, str] = {
    "400": "What was sent can't be read.",
    "401": "There is no token, or it does not hold any more.",
    "403": "The token's person has another role, or the token has no such scope.",
    "404": "There is no such thing in this organisation.",
    "409": "Somebody else changed it first, or it exists already.",
    "413": "What was sent is too large.",
    "415": "What was sent is of a kind that isn't read here.",
    "422": "A field can't be used; `errors` names each.",
    "429": "The token was used too often in the last minute; see `Retry-After`.",
    "503": "A part that is needed does not answer; see `Retry-After`.",
}
_ALWAYS = ("401", "403", "429", "503")
_HEADERS = {
    "401": {"WWW-Authenticate": {"description": "Bearer", "schema": {"type": "string"}}},
    "429": {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}},
    "503": {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}},
}


class Parser(FlaskParser):
    """Unknown parts of an address are mistakes too; a form brings its fields and its file together."""

    DEFAULT_UNKNOWN_BY_LOCATION = {**FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION, "query": None, "files": None}  # noqa: RUF012

    def load_json(self, req: Any, schema: Any) -> Any:
        """A body of JSON; also one that Python itself won't read (nested too deeply, a number of thousands of figures)."""
        try:
            return super().load_json(req, schema)
        except (ValueError, RecursionError) as error:
            raise BadRequest from error

    def load_files(self, req: Any, schema: Any) -> Any:
        """Fields and files of a form."""
        return self._makeproxy(CombinedMultiDict([req.form, req.files]), schema)


class Calls(Blueprint):  # type: ignore[misc]  # flask-smorest has no types
    """The calls of one area."""

    ARGUMENTS_PARSER = Parser()

    def __init__(self, area: str, module: str, *, description: str) -> None:
        super().__init__(f"{_NAME}{area}", module, description=description)  # pages of the same area have its plain name

    def at(self, rule: str, method: str = "GET") -> Decorator:
        """The address of a call, below that of the API."""
        return cast(Decorator, self.route(rule, methods=[method]))

    def query(self, shape: type[Shape]) -> Decorator:
        """What may stand behind the question mark."""
        return cast(Decorator, self.arguments(shape, location="query"))

    def body(self, shape: type[Shape]) -> Decorator:
        """What must be sent, as JSON."""
        return cast(Decorator, self.arguments(shape, location="json"))

    def form(self, shape: type[Shape]) -> Decorator:
        """What must be sent, as a form with a file."""
        return cast(Decorator, self.arguments(shape, location="files", content_type="multipart/form-data"))

    def gives(self, status: int, shape: type[Shape] | None = None) -> Decorator:
        """What comes back when it went well, without what the one who asks may not see (`may.shown`)."""
        respond = cast(Decorator, self.response(status, shape))

        def declare(view: Callable[..., Any]) -> Callable[..., Any]:
            @wraps(view)
            def told(*args: Any, **kwargs: Any) -> Any:
                return shown(actor(), view(*args, **kwargs))

            return respond(told)

        return declare


class Document(Api):  # type: ignore[misc]
    """flask-smorest's, without its error handlers and its own error shape: errors are answered by `errors`."""

    DEFAULT_ERROR_RESPONSE_NAME = None
    ERROR_SCHEMA = Problem

    def _register_error_handlers(self) -> None:
        pass

    def finished(self) -> dict[str, Any]:
        """The document with what flask-smorest does not know: names, scopes, roles and errors of each call."""
        spec: APISpec = self.spec
        made: dict[str, Any] = spec.to_dict()
        parts = made.setdefault("components", {})
        parts["schemas"].pop("PaginationMetadata", None)  # flask-smorest's own paging, which isn't used here
        for (shape, *_), name in self.ma_plugin.converter.refs.items():
            parts["schemas"].get(name, {})["description"] = " ".join((shape.__doc__ or "").split())
        parts["responses"] = {f"Problem{status}": _problem(status) for status in ERRORS}
        scopes = "\n".join(f"- `{scope.name}`: {scope.sentence}" for scope in SCOPES)
        parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer", "description": f"Scopes:\n\n{scopes}"}}
        for tag in made["tags"]:
            tag["name"] = tag["name"].removeprefix(_NAME)
        for rule in self._app.url_map.iter_rules():
            path = made["paths"].get(FlaskPlugin.flaskpath2openapi(rule.rule))
            for method in sorted((rule.methods or set()) & {"GET", "POST", "DELETE"}):
                if path is not None and method.lower() in path:
                    _complete(self._app, rule, method, path)
        return made


def document(app: Flask) -> Document:
    """The document of an application, to which blueprints are added before it is finished."""
    app.config.update(API_TITLE="commsapp", API_VERSION=VERSION, OPENAPI_VERSION="3.1.0")
    info = {"description": ABOUT, "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"}}
    return Document(app, spec_kwargs={"info": info})


def _complete(app: Flask, rule: Rule, method: str, path: dict[str, Any]) -> None:
    """Name of a call, its scope, its roles, and the errors that it may answer with."""
    call, view = path[method.lower()], app.view_functions[rule.endpoint]
    call["operationId"] = rule.endpoint.rpartition(".")[2]
    call["tags"] = [tag.removeprefix(_NAME) for tag in call["tags"]]
    sending = method == "POST"
    if is_without_sign_in(view):
        call["security"] = []
        return
    roles = ", ".join(sorted(declared_roles(view) or ()))
    call["security"] = [{"token": [declared_scope(view)]}]
    needs = f"Scope: `{declared_scope(view)}`. Roles: {roles}."
    call["description"] = f"{call['description']}\n\n{needs}" if call.get("description") else needs
    statuses = set(_ALWAYS)
    if rule.arguments:
        statuses.add("404")
    if sending or call.get("parameters"):
        statuses |= {"400", "422"}
    if method not in _READ:
        statuses |= {"409", "404", "422"}
    if sending:
        statuses |= {"413", "415"}
    for status in sorted(statuses):
        call["responses"].setdefault(status, {"$ref": f"#/components/responses/Problem{status}"})
    call["responses"] = {
        status: {"$ref": f"#/components/responses/Problem{status}"} if status in statuses else what
        for status, what in sorted(call["responses"].items())
    }


def _problem(status: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "description": ERRORS[status],
        "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    return found | ({"headers": _HEADERS[status]} if status in _HEADERS else {})
