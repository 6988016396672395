"""All calls of the API, one blueprint per area. A new area is a module here and an entry in ``BLUEPRINTS``."""

from __future__ import annotations

from flask import Flask, Response, json
from flask_wtf.csrf import CSRFProtect

from commsapp.api import campaigns, codebooks, effects, emerging, entering, heard, imports, programmes, work
from commsapp.api.document import ADDRESS, Calls, document
from commsapp.http.security import without_sign_in

BLUEPRINTS: tuple[Calls, ...] = (
    programmes.calls,
    heard.calls,
    codebooks.calls,
    emerging.calls,
    campaigns.calls,
    effects.calls,
    imports.calls,
    work.calls,
)


def install(app: Flask, csrf: CSRFProtect) -> None:
    """Put the API beside the pages; after the request's session and the check of hosts, before anything that asks who is there.

    No token against forged requests is asked for here: a browser sends nothing by itself that the API would take for somebody.
    """
    entering.install(app)
    described = document(app)
    for calls in BLUEPRINTS:
        csrf.exempt(calls)
        described.register_blueprint(calls, url_prefix=ADDRESS)
    finished = described.finished()
    text = json.dumps(finished, indent=2)

    def openapi() -> Response:
        return Response(text, mimetype="application/json")

    app.extensions["commsapp_api"] = finished
    app.add_url_rule(f"{ADDRESS}/openapi.json", "api_document", without_sign_in(openapi))
