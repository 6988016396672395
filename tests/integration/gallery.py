"""Pages that show every component at once. They exist in tests only."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
from flask import Blueprint, Flask, flash, redirect, render_template, url_for
from pages_site import always_signed_in, sign_in
from werkzeug.wrappers import Response

from commsapp.accounts.service import ensure_local
from commsapp.actor import Role
from commsapp.app import create_app
from commsapp.config import Settings
from commsapp.errors import BadInput, NotFound
from commsapp.http import request, security
from commsapp.http.security import EVERYBODY, may_enter
from commsapp.storage import database
from commsapp.storage.programmes import Programme
from commsapp.storage.session import sessions_of
from commsapp.web import charts, fields
from commsapp.web.navigation import ENTRIES

pages = Blueprint("gallery", __name__, template_folder=str(Path(__file__).parent / "gallery_templates"))

CHANNELS = {"survey": "Survey", "hotline": "Hotline", "event": "Community event"}
HOW_CHOSEN = {"random": "At random", "opt-in": "They chose themselves"}


class GalleryForm(fields.Form):
    """One field of each kind."""

    name = fields.TextField("Name of the programme", missing="Enter a name")
    notes = fields.LongTextField("Notes", hint="What the next person should know")
    files = fields.FilesField("Files of replies", missing="Select a file", hint="CSV, TSV, XLSX or JSON Lines")
    chosen = fields.ChoiceField("How people were chosen", choices=HOW_CHOSEN, missing="Select how people were chosen")
    channel = fields.PickField("Feedback channel", choices={"": "Select one", **CHANNELS}, missing="Select a feedback channel")
    shown = fields.TicksField("Show", choices=CHANNELS)
    agreed = fields.TickField("People agreed to be quoted")
    day = fields.DayField("First day", missing="Enter the first day", hint="For example, 31/3/2026")
    replies = fields.WholeNumberField("Replies expected")
    target = fields.NumberField("Target difference in percentage points")
    send = fields.Button("Make the programme")


def drawn_lines() -> charts.Chart:
    """Three items over four waves, with three context events."""
    waves = [("Wave 1", "2026-01-05", "2026-01-31"), ("Wave 2", "2026-03-02", "2026-03-31")]
    waves += [("Wave 3", "2026-06-01", "2026-06-30"), ("Wave 4", "2026-09-01", "2026-09-30")]
    shares = {
        "Scams by phone and text": (0.31, 0.34, 0.29, 0.24),
        "Drugs and gangs": (0.22, 0.2, 0.27, 0.3),
        "Trust in police": (0.12, 0.11, 0.09, 0.13),
    }
    rows = [
        (wave, pd.Timestamp(first), pd.Timestamp(last), item, value, max(0, value - 0.05), value + 0.05, 150)
        for item, values in shares.items()
        for (wave, first, last), value in zip(waves, values, strict=True)
    ]
    events = pd.DataFrame(
        {
            "name": ["Arrests at the market", "Intensification week: county lines", "O'Neill's \\ story"],
            "start": pd.to_datetime(["2026-02-10", "2026-05-04", "2026-07-20"]),
            "end": pd.to_datetime([None, "2026-05-10", None]),
        }
    )
    columns = ["wave", "start", "end", "item", "value", "low", "high", "n"]
    return charts.lines_over_waves(pd.DataFrame(rows, columns=columns), events)


def drawn_bars() -> charts.Chart:
    """Four items, one of them held back."""
    nothing = float("nan")
    items = [
        ("Scams by phone, text message and doorstep callers", 0.34, 0.28, 0.4, 120),
        ("Drugs and gangs", 0.22, 0.17, 0.28, 77),
        ("Waste and fly-tipping", 0.09, 0.06, 0.13, 31),
        ("Exploitation of workers", nothing, nothing, nothing, 4),
    ]
    return charts.bars(pd.DataFrame(items, columns=["item", "value", "low", "high", "n"]))


def job(state: str = "running", done: int = 412, total: int = 1200) -> SimpleNamespace:
    """A job as the macro `progress` takes it."""
    return SimpleNamespace(state=state, stage="Reading what people said", done=done, total=total, error="")


@pages.route("/components", methods=["GET", "POST"])
@may_enter(*EVERYBODY)
def components() -> Response | tuple[str, int]:
    form = GalleryForm()
    if form.validate_on_submit():
        flash(f"{form.name.data} was made with {len(form.files.data)} files.", "success")
        return redirect(url_for("gallery.empty"))
    shown: dict[str, Any] = {"form": form, "lines": drawn_lines(), "bars": drawn_bars(), "job": job(), "made_up": True}
    shown["address"] = lambda page: url_for("gallery.components", page=page)
    return render_template("gallery/components.html", **shown), 422 if form.errors else 200


@pages.get("/empty")
@may_enter(*EVERYBODY)
def empty() -> str:
    return render_template("gallery/empty.html")


@pages.get("/part")
@may_enter(*EVERYBODY)
def part() -> str:
    return render_template("gallery/part.html", job=job("done"))


@pages.get("/partners")
@may_enter(Role.PARTNER)
def partners() -> str:
    return render_template("gallery/empty.html")


@pages.get("/missing")
@may_enter(*EVERYBODY)
def missing() -> str:
    raise NotFound("There is no topic 7.", "It may have been merged; look in the list of topics.")


@pages.post("/unreadable")
@may_enter(*EVERYBODY)
def unreadable() -> str:
    request.session().add(_programme("lost"))
    raise BadInput("Row 12 of survey.csv has no text.", "Choose the column that holds the comments.")


@pages.get("/broken")
@may_enter(*EVERYBODY)
def broken() -> str:
    raise RuntimeError("a secret that no page shows")


@pages.post("/kept")
@may_enter(*EVERYBODY)
def kept() -> Response:
    request.session().add(_programme("kept"))
    return redirect(url_for("gallery.empty"))


@pages.get("/sneaky")
@may_enter(*EVERYBODY)
def sneaky() -> str:
    """What no page may do: change data on GET."""
    request.session().add(_programme("sneaky"))
    request.session().flush()
    return render_template("gallery/empty.html")


def _programme(name: str) -> Programme:
    return Programme(organisation_id=request.actor().organisation_id, name=name)


def gallery_settings(folder: Path) -> Settings:
    """Settings with everything in a folder of the test."""
    databases = {"database_url": f"sqlite:///{folder / 'commsapp.sqlite'}", "jobs_url": f"sqlite:///{folder / 'jobs.sqlite'}"}
    return Settings(data_dir=folder, secret_key="0" * 32, host="127.0.0.1", port=0, upload_limit=200_000, **databases)


def gallery_app(settings: Settings) -> Flask:
    """The whole application, on a database that is set up, with the gallery in it."""
    database.upgrade(settings.database_url)
    sessions = sessions_of(settings)
    with sessions.writing() as session:
        actor = ensure_local(session)
    app = create_app(settings)
    assert actor.person_id is not None
    always_signed_in(app, sign_in(app, sessions, actor.person_id))
    app.register_blueprint(pages, url_prefix="/gallery")
    for entry in ENTRIES:  # so that the bar is full where an area isn't there yet
        if entry.endpoint not in app.view_functions:
            app.add_url_rule(f"/stand-in/{entry.endpoint}", entry.endpoint, empty)
    security.guard(app)
    return app
