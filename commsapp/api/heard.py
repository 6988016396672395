"""What was heard: people's words one by one, for those cleared for them, and listening results with their uncertainty."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, get_args

import marshmallow as ma

from commsapp.actor import HandlingLevel
from commsapp.api.document import Calls
from commsapp.api.entering import by_token
from commsapp.api.fields import Day, Number, Shape, Text, Whole, YesNo, a, asked, one, several
from commsapp.api.paging import Paging, page, pages_of
from commsapp.errors import BadInput, NotFound
from commsapp.http import request
from commsapp.http.reading import words_leave
from commsapp.http.security import STAFF, may_enter, needs_scope
from commsapp.listening import service as listening
from commsapp.listening.measuring import (
    ANSWER_SHARE,
    COMMENTS,
    EMOTION_SHARE,
    TONE,
    TOPIC_EMOTION,
    TOPIC_SHARE,
    TOPIC_TONE,
    TOPIC_UNSURE,
    UNSURE_SHARE,
)
from commsapp.listening.views import HOW_CHOSEN
from commsapp.textmodels.stability import Word
from commsapp.textmodels.tone import EMOTIONS
from commsapp.textmodels.tone import LABELS as TONES

calls = Calls("listening", __name__, description="What was heard: words, and figures with their uncertainty.")

LEVELS = tuple(str(level) for level in HandlingLevel)
MEASURES = (
    *(TOPIC_SHARE, ANSWER_SHARE, TONE, TOPIC_TONE, UNSURE_SHARE, TOPIC_UNSURE, EMOTION_SHARE, TOPIC_EMOTION),
    COMMENTS,
)
_WORDS, _RESULTS = "comments:read", "results:read"


class Comment(Shape):
    """What one person said in their words, as pages show it."""

    id = a(Whole, "Its number.", example=1)
    response_id = a(Whole, "The response that it is of.", example=1)
    words = a(Text, "What they said, in their language, with names and numbers taken out.", example="The bins again")
    prepared = a(YesNo, "Whether names and numbers were looked for yet; until then there are no words.")
    redacted = a(YesNo, "Whether something was taken out.")
    names_out = a(YesNo, "Whether the model of names was there when it was.")
    translation = a(Text, "A translation, where there is one, with names and numbers taken out.", example="")
    translator = a(Text, "Who translated it.", example="")
    language = a(Text, "Its language, as a code of two or three letters; empty where unknown.", example="en")
    from_translation = a(YesNo, "Whether it was coded from its translation.")
    not_coded = a(Text, "Why it was set aside; empty where it was coded.", example="")
    date = a(Day, "The day it was said; null where nobody knows.", nullable=True, example="2026-03-02")
    area = a(Text, "Where; empty where nobody knows.", example="Ash")
    channel = a(Text, "The feedback channel.", example="Community event")
    attributes = ma.fields.Dict(
        keys=Text(), values=Text(), required=True, metadata={"description": "What is known of who said it.", "examples": [{}]}
    )
    may_quote = a(YesNo, "Whether they consented to be quoted.")
    handling_level = a(Text, "Who may read it.", example="open", one_of=LEVELS)
    sentiment = a(Text, "The tone of the feedback, which is no approval; empty where it was not coded.", example="negative")
    probability = a(Number, "How sure the model is of the tone, 0 to 1.", nullable=True, example=0.93)
    topic = a(Whole, "Number of its topic; -1 for none, null where it has not been sorted.", low=-1, nullable=True, example=3)
    topic_name = a(Text, "Name of its topic; empty where you may not know it.", example="Dealers at the station")
    topic_by = a(Text, "The person who gave it this topic; empty for the codebook.", example="")
    topic_at = a(ma.fields.AwareDateTime, "When they did; null for the codebook.", nullable=True)
    topic_probability = a(Number, "How sure the codebook is, 0 to 1; null for a person.", nullable=True, example=0.82)
    unsure = a(YesNo, "Whether the model is not sure enough of the tone to rely on it.", example=False)
    emotions = several(
        Text, "Emotions heard in the feedback, the most probable first; 'neutral' is none, and often none is heard."
    )


class WhichComments(Paging):
    """Which comments are wanted; what is left out doesn't narrow."""

    topic = asked(Whole, "Number of a topic of the codebook in use; -1 for 'no topic'.", low=-1, example=3)
    wave = asked(Text, "Name of a wave.", default="", example="March 2026")
    area = asked(Text, "Name of an area.", default="", example="Ash")
    segment = asked(Text, "An attribute and its choice.", default="", example="age = 16-24")
    tone = asked(Text, "Tone of the feedback.", default="", one_of=("", *TONES), example="negative")
    emotion = asked(Text, "Emotion heard in the feedback.", default="", one_of=("", *EMOTIONS), example="anger")
    set_aside = asked(YesNo, "Only those that could not be coded.", default=False, example=False)
    reason = asked(Text, "Only those set aside for this reason.", default="", example="empty")


class Answer(Shape):
    """What one person answered to a closed question."""

    question = a(Text, "The question in its exact wording.", example="Have you heard that criminals pay for bank accounts?")
    choice = a(Text, "What they ticked; empty where it is not counted.", example="Yes")
    not_counted = a(Text, "Why it is in no figure; empty where it is.", example="")


class Response(Shape):
    """One person, once, in one feedback channel."""

    id = a(Whole, "Its number.", example=1)
    date = a(Day, "The day; null where nobody knows.", nullable=True, example="2026-03-02")
    area = a(Text, "Where; empty where nobody knows.", example="Ash")
    channel = a(Text, "The feedback channel.", example="Spring survey")
    chosen = a(Text, "How people of this channel were chosen.", example="random", one_of=HOW_CHOSEN)
    attributes = ma.fields.Dict(
        keys=Text(), values=Text(), required=True, metadata={"description": "What is known of them.", "examples": [{}]}
    )
    weight = a(Number, "The weight of the response in figures.", example=1.0)
    respondent = a(Text, "The same where the same person answered again; empty where that isn't known.", example="respondent 7")
    consent = several(Text, "What they consented to: log, analyse, quote, publish.")
    handling_level = a(Text, "Who may read it.", example="open", one_of=LEVELS)
    has_comment = a(YesNo, "Whether they said something in their own words.")
    answers = several(Answer, "What they answered to closed questions.")


class WhichResponses(Paging):
    """Which responses are wanted; what is left out doesn't narrow."""

    channel = asked(Text, "Name of a feedback channel.", default="", example="Spring survey")
    wave = asked(Text, "Name of a wave.", default="", example="March 2026")
    area = asked(Text, "Name of an area.", default="", example="Ash")


class Result(Shape):
    """A frozen listening result: an estimated figure with n and a 95 % interval, for a wave, an area and a segment.

    An empty wave, area or segment means all of them together.
    """

    id = a(Whole, "Its number, by which a message cites it.", example=1)
    measure = a(Text, "What was measured.", example=TOPIC_SHARE)
    item = a(
        Text,
        "Of what: a topic, a question and its choice, an emotion, a topic and an emotion; may be empty.",
        example="Dealers at the station",
    )
    wave = a(Text, "Name of the wave; empty for all.", example="March 2026")
    area = a(Text, "Name of the area; empty for all.", example="")
    segment = a(Text, "Attribute and choice; empty for all.", example="")
    value = a(Number, "The figure: shares are 0 to 1, tone is -1 to 1.", example=0.21)
    low = a(Number, "Lower end of the 95 % interval.", example=0.16)
    high = a(Number, "Upper end of the 95 % interval.", example=0.27)
    n = a(Whole, "How many stand behind it.", example=240)
    n_effective = a(Number, "How many it is worth after weights and repeated answers.", example=231.4)
    not_coded = ma.fields.Dict(
        keys=Text(), values=Whole(), required=True, metadata={"description": "Reason → how many are not in it.", "examples": [{}]}
    )
    chosen = a(Text, "How people were chosen: 'people' may be said of random and quota alone.", example="random")
    codebook_version = a(Text, "Which codebook a topic is of.", example="version 1 (0f3a9c1e)")
    model_version = a(Text, "Which models coded the tone.", example="sentiment-1")
    corrected = a(YesNo, "Whether it was corrected for the model's errors.")


class OneResult(Result):
    """A frozen listening result with its programme and the time it was made."""

    programme_id = a(Whole, "Its programme.", example=1)
    made_at = a(ma.fields.AwareDateTime, "When it was made.", example="2026-04-01T09:30:00+00:00")
    topic_number = a(Whole, "Number of the topic that it is about; null for others.", low=-1, nullable=True, example=3)
    followed = a(Text, "What became of the cited topic, where it goes by another name here.", example="")


class WhichResults(Paging):
    """Which results are wanted. A part left out gives all; an empty one ('wave=') gives those over all of them together."""

    measure = asked(Text, "What was measured.", one_of=MEASURES, example=TOPIC_SHARE)
    item = asked(Text, "Of what.", example="Dealers at the station")
    wave = asked(Text, "Name of a wave; empty for all together.", example="March 2026")
    area = asked(Text, "Name of an area; empty for all together.", example="")
    segment = asked(Text, "Attribute and choice; empty for all together.", example="")


class Topic(Shape):
    """What comments are about."""

    number = a(Whole, "Its number, which it keeps in later versions.", low=-1, example=3)
    name = a(Text, "Its name.", example="Dealers at the station")
    definition = a(Text, "What belongs to it.", example="")
    phrases = several(Text, "Phrases that are typical of it.")
    size = a(Whole, "How many comments it was found from.", example=57)
    stability = a(
        Number,
        "How surely it is found again in a part of the comments, 0 to 1; null where nobody measured.",
        nullable=True,
        example=0.9,
    )
    firmness = a(Text, "The same in a word; empty where nobody measured.", example="firm", one_of=("", *get_args(Word)))


class Codebook(Shape):
    """The frozen list of topics that comments are coded with, so that waves compare."""

    number = a(Whole, "Number of the version.", example=1)
    version = a(Text, "Name of the version, as results carry it.", example="version 1 (0f3a9c1e)")
    granularity = a(Text, "How finely topics were told apart.", example="medium")
    frozen_at = a(ma.fields.AwareDateTime, "When it was frozen.", example="2026-04-01T09:30:00+00:00")
    topics = several(Topic, "The topics.")


class ResultNow(Shape):
    """What the same question gives in the latest analysis."""

    cited = one(OneResult, "The frozen result that was asked for.")
    now = one(OneResult, "The same in the latest results; null where its cell or topic is no longer there.", nullable=True)


@calls.at("/programmes/<int:programme_id>/comments")
@calls.query(WhichComments)
@calls.gives(200, pages_of(Comment))
@may_enter(*STAFF)
@needs_scope(_WORDS)
def list_comments(wanted: dict[str, Any], programme_id: int) -> dict[str, Any]:
    """Comments, those that fit their topic best first.

    Only those of handling levels that the token was made for and its person is cleared for; nobody learns of others. Each look is
    noted.
    """
    session, actor = request.session(), request.actor()
    listening.programme(session, actor, programme_id)
    _check_known(programme_id, wanted)
    said = listening.comments_page(
        session,
        actor,
        programme_id,
        topic=wanted["topic"],
        wave=wanted["wave"],
        area=wanted["area"],
        segment=wanted["segment"],
        sentiment=wanted["tone"],
        emotion=wanted["emotion"],
        set_aside=wanted["set_aside"],
        reason=wanted["reason"],
        number=wanted["page"],
        size=wanted["page_size"],
    )
    shown = said.comments if said.number == wanted["page"] else ()  # a page after the last is empty, not the last again
    _note("comments", programme_id, shown, wanted)
    return page(shown, wanted, total=said.total)


@calls.at("/programmes/<int:programme_id>/responses")
@calls.query(WhichResponses)
@calls.gives(200, pages_of(Response))
@may_enter(*STAFF)
@needs_scope(_WORDS)
def list_responses(wanted: dict[str, Any], programme_id: int) -> dict[str, Any]:
    """Responses with the answers to closed questions, in the order in which they came in.

    An answer whose person did not consent to analysis, or that is held back as a concern, is named and not given. Each look is
    noted.
    """
    session, actor = request.session(), request.actor()
    listening.programme(session, actor, programme_id)
    _check_known(programme_id, wanted)
    shown, total = listening.responses_page(
        session,
        actor,
        programme_id,
        **{name: wanted[name] for name in ("channel", "wave", "area")},
        number=wanted["page"],
        size=wanted["page_size"],
    )
    _note("responses", programme_id, shown, wanted)
    return page(shown, wanted, total=total)


@calls.at("/programmes/<int:programme_id>/codebook")
@calls.gives(200, Codebook)
@may_enter(*STAFF)
@needs_scope(_RESULTS)
def get_codebook(programme_id: int) -> Any:
    """The codebook version in use, with its topics."""
    session, actor = request.session(), request.actor()
    listening.programme(session, actor, programme_id)
    found = listening.codebook_in_use(session, actor, programme_id)
    if found is None:
        raise NotFound("No topics were found in this programme yet.", "Start an analysis first.")
    return found


@calls.at("/programmes/<int:programme_id>/results")
@calls.query(WhichResults)
@calls.gives(200, pages_of(Result))
@may_enter(*STAFF)
@needs_scope(_RESULTS)
def list_results(wanted: dict[str, Any], programme_id: int) -> dict[str, Any]:
    """The latest frozen listening results: shares of topics and of answers, tone, emotions, numbers of comments."""
    session, actor = request.session(), request.actor()
    listening.programme(session, actor, programme_id)
    _check_known(programme_id, wanted)
    where = {name: wanted[name] for name in ("measure", "item", "wave", "area", "segment")}
    shown, total = listening.results_page(session, actor, programme_id, number=wanted["page"], size=wanted["page_size"], **where)
    return page(shown.to_dict("records"), wanted, total=total)


@calls.at("/results/<int:result_id>")
@calls.gives(200, OneResult)
@may_enter(*STAFF)
@needs_scope(_RESULTS)
def get_result(result_id: int) -> Any:
    """One frozen listening result, as it was when a message cited it."""
    return listening.result(request.session(), request.actor(), result_id)


@calls.at("/results/<int:result_id>/now")
@calls.gives(200, ResultNow)
@may_enter(*STAFF)
@needs_scope(_RESULTS)
def get_result_now(result_id: int) -> dict[str, Any]:
    """A frozen listening result beside what the same question gives now."""
    session, actor = request.session(), request.actor()
    cited = listening.result(session, actor, result_id)
    return {"cited": cited, "now": listening.result_now(session, actor, result_id)}


def _check_known(programme_id: int, wanted: dict[str, Any]) -> None:
    """Refuse a wave, area or segment that there is none of: a slip in its name would read as 'nobody said so'.

    Raises
    ------
    BadInput : there is no such one, as far as the one who asks is told.

    """
    session, actor = request.session(), request.actor()
    known: dict[str, Callable[[], Iterable[str]]] = {
        "wave": lambda: (wave.name for wave in listening.waves(session, actor, programme_id)),
        "area": lambda: (area.name for area in listening.areas(session, actor, programme_id)),
        "segment": lambda: (
            f"{name} = {choice}"
            for name, choices in listening.attributes(session, actor, programme_id).items()
            for choice in choices
        ),
    }
    for name, names in known.items():
        if wanted.get(name) and wanted[name] not in (there := list(names())):
            few = (
                f"Use one of: {', '.join(there[:20])}{' …' if len(there) > 20 else ''}." if there else "This programme has none."
            )
            raise BadInput(f"There is no {name} '{wanted[name]}' in this programme.", few)


def _note(kind: str, programme_id: int, shown: Sequence[Any], wanted: dict[str, Any]) -> None:
    """Note whose words leave, and what was asked for."""
    words_leave(
        kind,
        place="programme",
        place_id=programme_id,
        ids=[one.id for one in shown],
        where=by_token(),
        filters={
            name: f"{name.replace('_', ' ')} {value}"
            for name, value in wanted.items()
            if value and name not in ("page", "page_size")
        },
        levels=[one.handling_level for one in shown],
    )
