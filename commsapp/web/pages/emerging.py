"""What is new in each wave: groups of comments that fit no topic and were not heard before, and what to do with them."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Blueprint, flash, redirect, render_template, url_for
from flask import request as http
from werkzeug.wrappers import Response

from commsapp.http import request
from commsapp.http.reading import words_leave
from commsapp.http.security import ANALYSTS, STAFF, may_enter
from commsapp.listening import service as listening
from commsapp.listening.views import EmergingGroup, Said, WaveLook
from commsapp.web import fields
from commsapp.web.pages.codebooks import codebook_step, place, programme_of

blueprint = Blueprint("emerging", __name__, url_prefix="/programmes/<int:programme_id>/codebook/new")

WAVES = 6
"""Waves on a page."""
EXAMPLES = 3
"""Comments that stand below a group."""


@blueprint.get("")
@may_enter(*STAFF)
def index(programme_id: int) -> str:
    """The groups of each wave, the latest first, with some of their comments."""
    session, actor = request.session(), request.actor()
    programme = programme_of(programme_id)
    found = listening.whats_new(session, actor, programme_id)
    pages = max(1, -(-len(found.waves) // WAVES))
    page = min(max(http.args.get("page", 1, type=int), 1), pages)
    waves = found.waves[(page - 1) * WAVES : page * WAVES]
    curates = actor.role in ANALYSTS
    return render_template(
        "codebooks/new.html",
        found=found,
        waves=waves,
        said=_examples(programme_id, waves),
        examples=EXAMPLES,
        curates=curates,
        page_number=page,
        pages=pages,
        page_address=lambda number: url_for("emerging.index", programme_id=programme_id, page=number),
        form=fields.Form(),
        **place(programme, *((codebook_step(programme_id),) if curates else ())),
    )


def _examples(programme_id: int, waves: Iterable[WaveLook]) -> dict[int, Said]:
    """The first comments of each group that nobody set aside, by their numbers; that they are read is noted."""
    groups = [group for wave in waves for group in wave.groups if group.set_aside_at is None]
    ids = [number for group in groups for number in group.examples[:EXAMPLES]]
    said = listening.comments_of(request.session(), request.actor(), programme_id, ids)
    words_leave(
        "comments",
        place="programme",
        place_id=programme_id,
        ids=[one.id for one in said],
        where="what is new",
        levels=[one.handling_level for one in said],
    )
    return {one.id: one for one in said}


@blueprint.post("/<int:group_id>/set-aside")
@may_enter(*ANALYSTS)
def set_aside(programme_id: int, group_id: int) -> Response:
    """Point a group out no longer."""
    group = listening.set_group_aside(request.session(), request.actor(), programme_id, group_id)
    flash(f"Set aside: ‘{group.name}’. It stays so when {group.wave} is looked at again; you can bring it back.", "success")
    return _back(group)


@blueprint.post("/<int:group_id>/bring-back")
@may_enter(*ANALYSTS)
def bring_back(programme_id: int, group_id: int) -> Response:
    """Point a group out again."""
    group = listening.bring_group_back(request.session(), request.actor(), programme_id, group_id)
    flash(f"Brought back: ‘{group.name}’.", "success")
    return _back(group)


def _back(group: EmergingGroup) -> Response:
    """To the wave of a group, on whatever page it stands."""
    programme_id = (http.view_args or {})["programme_id"]
    waves = listening.whats_new(request.session(), request.actor(), programme_id).waves
    row = next((row for row, wave in enumerate(waves) if wave.wave_id == group.wave_id), 0)
    page = row // WAVES + 1
    anchor = f"wave-{group.wave_id}"
    return redirect(url_for("emerging.index", programme_id=programme_id, page=page if page > 1 else None, _anchor=anchor))
