"""Your API tokens: made with what they may do, shown once, revoked; and what programs can ask for, in words."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, flash, make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response

from commsapp.accounts import service as accounts
from commsapp.accounts.service import Token
from commsapp.actor import HandlingLevel
from commsapp.errors import CommsappError, NotFound
from commsapp.http import request, signing_in
from commsapp.http.security import STAFF, may_enter
from commsapp.web import fields
from commsapp.web.pages.account import ask_first

blueprint = Blueprint("tokens", __name__, url_prefix="/tokens")

DAYS = {"30": "30 days", "90": "90 days", "180": "180 days", str(accounts.LONGEST_DAYS): "A year"}
SENTENCES = {scope.name: scope.sentence for scope in accounts.SCOPES}


class TokenForm(fields.Form):
    """What a token is for, what it may do, and how long."""

    name = fields.TextField(
        "What is it for?", missing="Enter what the token is for", hint="For example, Notebook of the evaluation"
    )
    scopes = fields.TicksField("What may it do?", missing="Tick at least one thing that the token may do", choices=SENTENCES)
    levels = fields.TicksField(
        "May it read more than open text?",
        hint="Leave it empty unless the program needs it. Whoever has the token can read these words too",
    )
    days = fields.ChoiceField("How long?", choices=DAYS, default="90", missing="Select how long the token holds")
    send = fields.Button("Make the token")


@blueprint.get("")
@may_enter(*STAFF)
def index() -> str:
    """The tokens of the person who asks."""
    return render_template(
        "tokens/index.html",
        tokens=accounts.tokens_of(request.session(), request.actor()),
        sentences=SENTENCES,
    )


@blueprint.route("/new", methods=["GET", "POST"])
@may_enter(*STAFF)
def new() -> Response:
    """Make a token. It is shown in the answer and nowhere else, so there is no page to go on to."""
    if not signing_in.fresh():  # a token outlives the session of whoever finds an open browser
        return ask_first("tokens.new")
    session, actor = request.session(), request.actor()
    form = TokenForm()
    more = [level for level in HandlingLevel if level is not HandlingLevel.OPEN and level in actor.handling_levels]
    form.levels.choices = {str(level): level.capitalize() for level in more}
    if not more:
        del form.levels
    if form.validate_on_submit():
        try:
            token, secret = accounts.make_token(
                session,
                actor,
                name=form.name.data,
                scopes=form.scopes.data,
                days=int(form.days.data),
                handling_levels=[HandlingLevel(level) for level in (form.levels.data if more else None) or ()],
            )
        except CommsappError as error:
            form.name.errors = [str(error)]
        else:
            return make_response(render_template("tokens/made.html", token=token, secret=secret))
    return make_response(render_template("tokens/new.html", form=form, more=more), 422 if form.errors else 200)


class RevokeForm(fields.Form):
    """Nothing but the button."""

    send = fields.Button("Revoke the token")


@blueprint.route("/<int:token_id>/revoke", methods=["GET", "POST"])
@may_enter(*STAFF)
def revoke(token_id: int) -> Response | str:
    """Ask whether a token should end, and end it."""
    session, actor = request.session(), request.actor()
    form = RevokeForm()
    if form.validate_on_submit():
        token = accounts.revoke_token(session, actor, token_id)
        flash(f"The token {token.name} was revoked. Nothing can be opened with it any more.", "success")
        return redirect(url_for("tokens.index"))
    return render_template("tokens/revoke.html", form=form, token=_own(token_id))


def _own(token_id: int) -> Token:
    found = next((one for one in accounts.tokens_of(request.session(), request.actor()) if one.id == token_id), None)
    if found is None:
        raise NotFound("There is no such token.", "Choose one from your list.")
    return found


@blueprint.get("/api")
@may_enter(*STAFF)
def reference() -> str:
    """What programs can ask for: every call of the API with what goes in and comes out."""
    document: dict[str, Any] = current_app.extensions["commsapp_api"]
    calls: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in document["tags"]}
    for path, operations in document["paths"].items():
        for method, call in operations.items():
            if method != "parameters":
                parameters = [part for part in call.get("parameters", []) if part["in"] == "query"]
                calls[call["tags"][0]].append(
                    {
                        "method": method.upper(),
                        "path": path,
                        "call": call,
                        "scope": call["security"][0]["token"][0],
                        "words": call["description"].rpartition("Scope:")[0].strip(),
                        "parameters": parameters,
                        "takes": _fields(document, call.get("requestBody", {}).get("content", {})),
                        "gives": _fields(document, _went_well(call)),
                    }
                )
    return render_template("tokens/reference.html", tags=document["tags"], calls=calls)


def _went_well(call: dict[str, Any]) -> dict[str, Any]:
    """The content of the answer of a call that went well."""
    found: dict[str, Any] = next(what for status, what in call["responses"].items() if status.startswith("2")).get("content", {})
    return found


def _fields(document: dict[str, Any], content: dict[str, Any]) -> list[dict[str, Any]]:
    """Name, kind and meaning of each field of a shape; of a page of items, those of an item."""
    shape = next((_shape(document, kind["schema"]) for kind in content.values()), {})
    item = shape.get("properties", {}).get("items", {}).get("items")
    shape = _shape(document, item) if item else shape
    needed = shape.get("required", [])
    return [
        {"name": name, "kind": _kind(what), "words": what.get("description", ""), "needed": name in needed}
        for name, what in shape.get("properties", {}).items()
    ]


def _shape(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    return found


def _kind(field: dict[str, Any]) -> str:
    """A field's kind in a few words."""
    if choices := field.get("enum"):
        return "one of: " + ", ".join(str(choice) or "(empty)" for choice in choices)
    kinds = field.get("type", "object")
    named = [kinds] if isinstance(kinds, str) else list(kinds)
    words = {"string": field.get("format", "text"), "array": "list", "boolean": "true or false", "integer": "whole number"}
    return " or ".join(words.get(kind, kind) for kind in named)
