"""Scripts, styles and images under one address that changes with their content, so that browsers may keep them for ever."""

from __future__ import annotations

import hashlib
from pathlib import Path

from flask import Blueprint, Flask, Response, current_app, send_from_directory, url_for

from commsapp.bundled import static
from commsapp.errors import Unavailable
from commsapp.http.security import without_sign_in

A_YEAR = 365 * 24 * 3600
VENDOR_FILES = ("govuk-frontend.css", "govuk-frontend.js", "htmx.js", "vega.js", "vega-lite.js", "vega-embed.js")
_VERSION = "ASSETS_VERSION"

blueprint = Blueprint("assets", __name__)


def install(app: Flask) -> None:
    """Serve the files, and give templates ``asset(name)``.

    Raises
    ------
    Unavailable : the front-end packages were not copied in.

    """
    folder = static()
    missing = [name for name in VENDOR_FILES if not (folder / "vendor" / name).is_file()]
    if missing:
        raise Unavailable(f"The pages' scripts and styles are missing ({', '.join(missing)}).", "Run 'python tools/vendor.py'.")
    app.config[_VERSION] = content_version(folder)
    app.register_blueprint(blueprint)
    app.add_template_global(asset, "asset")


def content_version(folder: Path) -> str:
    """One short hash of all files: relative imports between them keep working, and a change to one moves them all."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(path.relative_to(folder).as_posix().encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def asset(name: str) -> str:
    """Address of a file in the static folder."""
    return url_for("assets.file", version=current_app.config[_VERSION], name=name)


@blueprint.get("/assets/<version>/<path:name>")
@without_sign_in
def file(version: str, name: str) -> Response:
    """One file. An address of an earlier version still answers, but isn't kept."""
    response = send_from_directory(static(), name)
    if version == current_app.config[_VERSION]:
        response.headers["Cache-Control"] = f"public, max-age={A_YEAR}, immutable"
    else:
        response.headers["Cache-Control"] = "no-cache"
    return response
