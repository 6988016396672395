"""What was heard: topics, answers and tone with their uncertainty, and the comments behind them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask import request as http
from werkzeug.wrappers import Response

from commsapp.errors import NotFound
from commsapp.http import request
from commsapp.http.reading import words_leave
from commsapp.http.security import ANALYSTS, PLANNERS, STAFF, may_enter
from commsapp.listening import service as listening
from commsapp.listening.languages import language, reason
from commsapp.listening.measuring import COMMENTS, NO_TOPIC_NAME, TOPIC_SHARE, TOPIC_TONE, TOPIC_UNSURE
from commsapp.listening.views import Codebook, Page, Programme, Topic
from commsapp.textmodels.codebook import MOST_TOPICS
from commsapp.textmodels.topics import Granularity, granularity_of
from commsapp.web.fields import Form
from commsapp.web.pages import results
from commsapp.web.pages.narrowing import Narrowing, narrowing, options
from commsapp.web.pages.places import address_of, trail

blueprint = Blueprint("listening", __name__)

LONGEST_SEARCH = 200
"""Letters of a search; more than anybody types."""

GRANULARITIES: dict[Granularity, str] = {
    "coarse": "Coarse: few, wide topics",
    "medium": "Medium",
    "fine": "Fine: many, narrow topics",
}


@blueprint.get("/programmes/<int:programme_id>/listening")
@may_enter(*STAFF)
def overview(programme_id: int) -> str:
    """Topics, tone and answers of a programme, narrowed as the address says."""
    session, actor, now = request.session(), request.actor(), narrowing()
    programme = listening.programme(session, actor, programme_id)
    summary = listening.latest_summary(session, actor, programme_id)
    if summary is None:
        return _not_analysed(programme)
    codebook = listening.codebook_in_use(session, actor, programme_id)
    heard = results.heard(session, actor, programme_id, now, codebook)
    choices = results.chart_choices(heard, http.args.get("chart", ""))
    chosen = next((str(choice["value"]) for choice in choices if choice["selected"]), "")
    return render_template(
        "listening/overview.html",
        programme=programme,
        breadcrumbs=trail(programme),
        made_up=programme.made_up,
        summary=summary,
        later=programme.comments - summary.comments,
        heard=heard,
        now=now,
        filters=options(session, actor, programme_id, now),
        chart_choices=choices,
        chosen_chart=chosen,
        drawn=results.over_waves(session, actor, programme_id, now, heard, chosen) if chosen else None,
        codebook=codebook,
        granularities=GRANULARITIES,
        most_topics=MOST_TOPICS,
        codebook_address=_curating("codebooks.index", programme_id=programme_id),
        new_address=address_of("emerging.index", programme_id=programme_id),
        something_new=None if now.words else listening.new_to_look_at(session, actor, programme_id),
        reasons=_reasons(heard.set_aside),
        may_analyse=actor.role in ANALYSTS,
        may_plan=actor.role in PLANNERS,
        form=Form(),
    )


def _not_analysed(programme: Programme) -> str:
    return render_template(
        "listening/not_analysed.html",
        programme=programme,
        breadcrumbs=trail(programme),
        made_up=programme.made_up,
        import_address=address_of("imports.upload", programme_id=programme.id)
        or address_of("programmes.show", programme_id=programme.id),
        may_analyse=request.actor().role in ANALYSTS,
        form=Form(),
    )


def _reasons(set_aside: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(((reason(words), amount) for words, amount in set_aside.items()), key=lambda pair: (-pair[1], pair[0]))


@blueprint.post("/programmes/<int:programme_id>/listening/analyse")
@may_enter(*ANALYSTS)
def analyse(programme_id: int) -> Response:
    """Start an analysis: of what is new, or with topics found again at another granularity."""
    asked = http.form.get("granularity", "")
    granularity = granularity_of(asked) if asked else None
    again = bool(http.form.get("again"))
    job = listening.start_analysis(
        request.session(), request.actor(), programme_id=programme_id, granularity=granularity, again=again
    )
    flash("The analysis has started. You can leave this page; it goes on by itself.", "success")
    return redirect(address_of("jobs.show", job_id=job) or url_for("listening.overview", programme_id=programme_id))


@blueprint.get("/programmes/<int:programme_id>/topics/<int(signed=True):number>", endpoint="topic")
@may_enter(*STAFF)
def show_topic(programme_id: int, number: int) -> str:
    """One topic: how large it is, how it changed, and what people said. -1 is 'No topic'."""
    session, actor, now = request.session(), request.actor(), narrowing()
    programme = listening.programme(session, actor, programme_id)
    topic = _topic(listening.codebook_in_use(session, actor, programme_id), number)
    name = topic.name
    cell = listening.frozen_results(session, actor, programme_id, measure=TOPIC_SHARE, item=name, **now.cell)
    tone = listening.frozen_results(session, actor, programme_id, measure=TOPIC_TONE, item=name, **now.cell)
    over = listening.frozen_results(
        session, actor, programme_id, measure=TOPIC_SHARE, item=name, area=now.area, segment=now.segment
    )
    unsure = listening.frozen_results(session, actor, programme_id, measure=TOPIC_UNSURE, item=name, **now.cell)
    said = listening.comments_page(
        session, actor, programme_id,
        topic=number, sentiment=now.tone, emotion=now.emotion, number=_page_number(), **now.cell,
    )  # fmt: skip
    _noted(programme_id, said, now, f"topic {name}" if number >= 0 else name)
    return render_template(
        "listening/topic.html",
        programme=programme,
        number=number,
        name=name,
        topic=topic,
        change_address=_curating("codebook_topics.show", programme_id=programme_id, number=number)
        if number >= 0
        else _curating("codebook_topics.add", programme_id=programme_id),
        may_plan=actor.role in PLANNERS,
        share=next(iter(results.figures(cell)), None),
        tone=next(iter(results.figures(tone)), None),
        unsure_share=next(iter(results.figures(unsure)), None),
        feelings=results.felt_on(session, actor, programme_id, name, now.cell),
        feelings_drawn=results.felt_over_waves(session, actor, programme_id, now, name),
        drawn=results.draw(
            session, actor, programme_id, over[over["wave"] != ""], title="Share over the waves", areas=_areas(now)
        ),
        **_comments(programme, said, now, "listening.topic", number=number),
    )


def _curating(endpoint: str, **place: Any) -> str:
    """Address of a page where topics are changed; '' for those who don't."""
    return address_of(endpoint, **place) if request.actor().role in ANALYSTS else ""


def _topic(codebook: Codebook | None, number: int) -> Topic:
    """A topic of the codebook in use, or 'no topic'."""
    if codebook is not None and number == results.NO_TOPIC:
        return Topic(id=0, number=number, name=NO_TOPIC_NAME, phrases=(), size=0)
    for found in codebook.topics if codebook else ():
        if found.number == number:
            return found
    raise NotFound("There is no such topic.", "Topics may have been found again since: choose one from the list of topics.")


@blueprint.get("/programmes/<int:programme_id>/set-aside")
@may_enter(*STAFF)
def set_aside(programme_id: int) -> str:
    """Comments that are counted but could not be sorted into topics: how many for each reason, and what they say."""
    session, actor, now = request.session(), request.actor(), narrowing()
    programme = listening.programme(session, actor, programme_id)
    why = http.args.get("reason", "").strip()
    counted = listening.frozen_results(session, actor, programme_id, measure=COMMENTS, **now.cell)
    reasons = dict(counted["not_coded"].iloc[0]) if len(counted) else {}
    said = listening.comments_page(session, actor, programme_id, set_aside=True, reason=why, number=_page_number(), **now.cell)
    _noted(programme_id, said, now, f"set aside: {reason(why)}" if why else "set aside")
    return render_template(
        "listening/set_aside.html",
        programme=programme,
        why=why,
        reasons=sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0])),
        total=sum(reasons.values()),
        reason_address=lambda words: url_for(
            "listening.set_aside", programme_id=programme_id, reason=words or None, **now.cell_given
        ),
        **_comments(programme, said, now, "listening.set_aside", more={"reason": why} if why else {}),
    )


def _noted(programme_id: int, said: Page, now: Narrowing, where: str) -> None:
    words_leave(
        "comments",
        place="programme",
        place_id=programme_id,
        ids=[one.id for one in said.comments],
        where=where,
        filters=now.given,
        levels=[one.handling_level for one in said.comments],
    )


@blueprint.get("/programmes/<int:programme_id>/search")
@may_enter(*STAFF)
def search(programme_id: int) -> str:
    """What people said, searched by its words."""
    session, actor, now = request.session(), request.actor(), narrowing()
    programme = listening.programme(session, actor, programme_id)
    words = " ".join(http.args.get("words", "").split())[:LONGEST_SEARCH]
    said = listening.search(session, actor, programme_id, words, number=_page_number(), **now.cell)
    _noted(programme_id, said, now, "by a search")
    return render_template(
        "listening/search.html",
        programme=programme,
        words=words,
        **_comments(programme, said, now, "listening.search", more={"words": words} if words else {}),
    )


def _comments(
    programme: Programme, said: Page, now: Narrowing, endpoint: str, more: dict[str, str] | None = None, **place: Any
) -> dict[str, Any]:
    """What every page with comments needs: them, their filters, and addresses that keep the filters and what is in ``more``."""
    here = {"programme_id": programme.id, **place}
    kept: dict[str, Any] = {**now.given, **(more or {})}
    back = ("What was heard", url_for("listening.overview", programme_id=programme.id, **now.cell_given))
    return {
        "said": said,
        "now": now,
        "here": url_for(endpoint, **here),
        "filters": options(request.session(), request.actor(), programme.id, now, tone=endpoint == "listening.topic"),
        "original": _original_address(programme.id),
        "page_address": lambda page: url_for(endpoint, page=page, **here, **kept, _anchor="comments"),
        "topic_address": _topic_address(programme.id),
        "why_address": lambda comment: url_for(
            "explaining.show", programme_id=programme.id, comment_id=comment, back=http.full_path.rstrip("?")
        ),
        "person_address": lambda response: url_for("rights.show", programme_id=programme.id, response_id=response),
        "breadcrumbs": trail(programme, back),
        "made_up": programme.made_up,
        "language_name": language,
        "reason_words": reason,
    }


def _original_address(programme_id: int) -> Callable[[int], str] | None:
    """Where a comment stands as it was written; None for somebody who may not see that."""
    if not listening.may_read_original(request.actor()) or not address_of("originals.as_written", programme_id=1, comment_id=1):
        return None
    here = http.full_path.rstrip("?")
    return lambda comment_id: url_for("originals.as_written", programme_id=programme_id, comment_id=comment_id, back=here)


def _topic_address(programme_id: int) -> Callable[[int], str] | None:
    """Where the topic of a comment can be changed."""
    if not address_of("sorting.topic", programme_id=1, comment_id=1):
        return None
    return lambda comment_id: url_for("sorting.topic", programme_id=programme_id, comment_id=comment_id)


def _areas(now: Narrowing) -> tuple[str, ...]:
    return (now.area,) if now.area else ()


def _page_number() -> int:
    return http.args.get("page", 1, type=int)
