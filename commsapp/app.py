"""Puts web and api together into one Flask application."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask_wtf.csrf import CSRFProtect
from govuk_frontend_wtf.main import WTFormsHelpers
from jinja2 import ChoiceLoader, FileSystemLoader, PackageLoader, PrefixLoader
from werkzeug.middleware.proxy_fix import ProxyFix

from commsapp.api import errors as problems
from commsapp.api import joined
from commsapp.bundled import templates
from commsapp.config import Settings
from commsapp.http import reading, request, security, signing_in
from commsapp.storage.session import sessions_of
from commsapp.web import assets, error_pages, levels, navigation, oidc, showing, wording
from commsapp.web.pages import BLUEPRINTS

_LIBRARIES = ("govuk_frontend_jinja", "govuk_frontend_wtf")


class Application(Flask):
    """Pages and API in one: what goes wrong under the API is answered as JSON, whoever finds it, and elsewhere as a page."""

    def handle_user_exception(self, e: Exception) -> Any:
        """What a view raised, or the router."""
        return problems.answer(e) if security.for_programs() else super().handle_user_exception(e)

    def handle_exception(self, e: Exception) -> Any:
        """What went wrong after the view, such as its commit."""
        if not security.for_programs():
            return super().handle_exception(e)
        return self.finalize_request(problems.answer(e), from_error_handler=True)


def create_app(settings: Settings) -> Flask:
    """An application that serves all pages and the API.

    Raises
    ------
    BadInput : the database URL can't be used.
    Unavailable : the front-end packages were not copied in.
    RuntimeError : a route doesn't declare who may enter, or a call of the API its scope.

    """
    app = Application("commsapp", static_folder=None, template_folder=None)
    app.config.update(
        SECRET_KEY=settings.secret_key,
        MAX_CONTENT_LENGTH=settings.upload_limit,
        SESSION_COOKIE_NAME="commsapp",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_TIME_LIMIT=None,  # a form may stay open over lunch; the token lives as long as the browser's session
    )
    app.jinja_loader = ChoiceLoader(
        [
            FileSystemLoader(templates()),
            PrefixLoader({name: PackageLoader(name) for name in _LIBRARIES}),
        ]
    )
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]
    security.install(app)  # first, so that a foreign host is refused before anything else is looked at
    reading.install(app)  # before the session of a request, so that it runs after that has ended
    request.install(app, request.Installed(settings, sessions_of(settings)))
    csrf = CSRFProtect(app)
    signing_in.install(app, settings)
    joined.install(app, csrf)
    WTFormsHelpers(app)
    oidc.install(app, settings)
    for part in (assets, error_pages, levels, navigation, showing, wording):
        part.install(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    security.guard(app)
    return app
