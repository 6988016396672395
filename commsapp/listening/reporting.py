"""What was heard, as figures and as words: records for measuring, stored results, topics with their comments."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from typing import Any

import pandas as pd

from commsapp.actor import Actor, HandlingLevel
from commsapp.errors import NotFound
from commsapp.listening import programmes as frame
from commsapp.listening import views
from commsapp.listening.coders import HELD_BACK, NO_CONSENT, SENTIMENT_CODER, TOPIC_CODER, topic_coder_version
from commsapp.listening.coding import Reason
from commsapp.listening.measuring import ATTRIBUTE, CHANNEL, NO_ANSWER, NO_TOPIC_NAME, listening_results
from commsapp.storage import codings, events, programmes, responses, results, said
from commsapp.storage.session import Session, Sessions
from commsapp.textmodels.sentiment import LABELS

PAGE = 25
LEANS = 1.5
"""How many times likelier than in another area somebody must have been asked before it is said that nothing weights for it."""
NOT_YET = "not analysed yet"


def records(session: Session, actor: Actor, programme_id: int) -> views.Records:
    """Every comment and answer of a programme that the actor may see, with its coding by the models in use.

    Columns are those that `measuring.listening_results` reads; ``comments`` also has text_key, topic_id and probability.
    """
    heard = _frame(responses.response_frame(session, actor, programme_id), _RESPONSE)
    by_channel = frame.channels_split(session, actor, programme_id)
    heard["respondent"] = [_respondent(number) for number in heard["respondent_id"]]
    heard = _with_attributes(heard, frame.attributes(session, actor, programme_id), by_channel)
    comments = _frame(responses.comment_frame(session, actor, programme_id), _COMMENT).merge(heard, on="response_id", how="left")
    comments = _with_topics(session, actor, programme_id, comments)
    comments = _with_sentiment(session, actor, programme_id, comments)
    missing = comments["topic"].isna() | comments["positive"].isna()
    comments["not_coded_reason"] = (
        comments["not_coded"].where(comments["not_coded"] != "", "").mask(missing & (comments["not_coded"] == ""), NOT_YET)
    )
    answers = _frame(responses.answer_frame(session, actor, programme_id), ["response_id", "question", "choice"])
    waves = [(row.name, row.start, row.end) for row in programmes.waves(session, actor, programme_id)]
    answers = _with_reasons(answers.merge(heard, on="response_id", how="left"))
    return views.Records(
        comments=comments,
        answers=answers,
        waves=pd.DataFrame(waves, columns=["name", "start", "end"]),
    )


def _with_reasons(answers: pd.DataFrame) -> pd.DataFrame:
    """Take out the choices that may not be analysed, and say why; who left a question blank is counted as such."""
    consents = pd.Series(["analyse" in consent for consent in answers["consent"]], index=answers.index, dtype=bool)
    reason = pd.Series("", index=answers.index).mask(answers["choice"] == "", NO_ANSWER)
    reason = reason.mask(~consents, NO_CONSENT).mask(answers["handling_level"] == HandlingLevel.CONCERN, HELD_BACK)
    return answers.assign(choice=answers["choice"].where(reason == "", ""), not_coded_reason=reason)


_RESPONSE = [
    *("response_id", "date", "area", "respondent_id", "weight", "chosen", "channel"),
    *("attributes", "consent", "handling_level"),
]
_COMMENT = ["comment_id", "response_id", "text_key", "not_coded", "prepared"]


def _frame(rows: list[Any], columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame([tuple(row) for row in rows], columns=columns)


def _respondent(number: float | None) -> str:
    return "" if number is None or math.isnan(number) else f"respondent {int(number)}"


def _with_attributes(heard: pd.DataFrame, attributes: dict[str, tuple[str, ...]], by_channel: bool) -> pd.DataFrame:
    given = heard.pop("attributes")
    for name in attributes:
        own = by_channel and name == CHANNEL
        heard[ATTRIBUTE + name] = heard["channel"] if own else [values.get(name, "") for values in given]
    return heard


def _with_topics(session: Session, actor: Actor, programme_id: int, comments: pd.DataFrame) -> pd.DataFrame:
    version = codings.current_version(session, actor, programme_id)
    coded = pd.DataFrame(columns=["text_key", "topic_id", "probability"])
    topics: dict[int, codings.Topic] = {}
    if version is not None:
        coder = codings.model_coder_id(session, actor, name=TOPIC_CODER, version=topic_coder_version(version))
        coded = _frame(codings.main_topics(session, coder_id=coder), list(coded.columns)) if coder else coded
        topics = {topic.id: topic for topic in codings.topics(session, version.id)}
    known = {
        key: -1 if topic is None or math.isnan(topic) else int(topic)
        for key, topic in zip(coded.text_key, coded.topic_id, strict=True)
    }
    probability = dict(zip(coded.text_key, coded.probability, strict=True))
    ids = comments["text_key"].map(known)
    comments["topic_id"] = ids.astype("Int64")
    numbers = {-1: -1} | {number: topic.number for number, topic in topics.items()}
    names = {-1: NO_TOPIC_NAME} | {number: topic.name for number, topic in topics.items()}
    comments["topic"] = ids.map(numbers).astype("Int64")
    comments["topic_name"] = ids.map(names).fillna("")
    comments["topic_probability"] = comments["text_key"].map(probability)
    return comments


def _with_sentiment(session: Session, actor: Actor, programme_id: int, comments: pd.DataFrame) -> pd.DataFrame:
    rows = _frame(codings.sentiments(session, actor, programme_id), ["text_key", "label", "probability", "coder_id"])
    latest = rows.drop_duplicates(["text_key", "label"], keep="last")
    wide = latest.pivot(index="text_key", columns="label", values="probability")
    for label in LABELS:
        values = wide[label] if label in wide else pd.Series(dtype="float64")
        comments[label] = comments["text_key"].map(values).astype("float64")
    return comments


def model_version(session: Session, actor: Actor) -> str:
    """The version of the sentiment model whose codings are in use."""
    coder = codings.latest_coder(session, actor, name=SENTIMENT_CODER)
    return coder.version if coder else ""


def store_results(sessions: Sessions, actor: Actor, programme_id: int) -> views.Summary:
    """Compute all listening results and append them as a new set; reads first, computes with nothing open, writes once.

    Stored results hold figures, never words, and they are the programme's: they count every response, of every handling
    level, whatever the one who starts the computation may see, or the same programme would have other figures after another
    person pressed the button. What is held back as a concern counts among the comments not coded. Whoever shows them hides
    small numbers from people who may not see the responses.

    Raises
    ------
    NotFound : no such programme.

    """
    actor = actor.cleared()
    with sessions.writing() as session:
        frame.programme(session, actor, programme_id)
        frame.propose_waves(session, actor, programme_id)
    with sessions.reading() as session:
        heard = records(session, actor, programme_id)
        codebook = codebook_in_use(session, actor, programme_id)
        version = model_version(session, actor)
        days = responses.days(session, actor, programme_id)
        populations = {area.name: area.population for area in frame.areas(session, actor, programme_id) if area.population}
    topics = {topic.number: topic.name for topic in codebook.topics} | {-1: NO_TOPIC_NAME} if codebook else {}
    table = listening_results(
        heard.comments,
        heard.answers,
        heard.waves,
        topics=topics,
        codebook_version=codebook.version if codebook else "",
        model_version=version,
    )
    reasons = heard.comments["not_coded_reason"]
    summary = views.Summary(
        responses=sum(days.values()),
        comments=len(heard.comments),
        topics=len(codebook.topics) if codebook else 0,
        not_coded={str(reason): int(count) for reason, count in reasons[reasons != ""].value_counts().items()},
        undated=days.get(None, 0),
        between_waves=_between(days, heard.waves),
        areas_unweighted=_leans(heard, populations),
    )
    with sessions.writing() as session:
        made = results.add_result_set(
            session,
            actor,
            programme_id=programme_id,
            codebook_version_id=codebook.id if codebook else None,
            summary=_plain(summary),
            results=[_row(row) for row in table.to_dict("records")],
        )
        events.record(session, actor, action="compute", subject="listening results", subject_id=made.id)
    return summary


def _between(days: dict[date | None, int], waves: pd.DataFrame) -> int:
    """How many responses have a day that lies in no wave."""
    periods = list(zip(waves["start"], waves["end"], strict=True))
    return sum(count for day, count in days.items() if day and not any(start <= day <= end for start, end in periods))


def _leans(heard: views.Records, populations: dict[str, int]) -> bool:
    """Whether figures of people over all areas lean to some: drawn at other rates than people live there, without weights."""
    said = pd.concat([heard.comments, heard.answers]).drop_duplicates("response_id")
    drawn = said[said["chosen"].isin(("random", "quota")) & said["area"].isin(list(populations))]
    if drawn.empty or drawn["weight"].nunique() > 1:
        return False
    rates = drawn["area"].value_counts() / pd.Series(populations)
    return bool(rates.max() > LEANS * rates.min())


def _row(row: dict[Any, Any]) -> dict[str, Any]:
    names = ("measure", "item", "wave", "area", "segment", "chosen", "codebook_version", "model_version")
    return {
        **{name: str(row[name]) for name in names},
        **{name: float(row[name]) for name in ("value", "low", "high", "n_effective")},
        "n": int(row["n"]),
        "not_coded": dict(row["not_coded"]),
        "correction": "",
        "origin": "answers" if row["measure"] == "answer share" else "comments",
    }


def _plain(summary: views.Summary) -> dict[str, Any]:
    return {
        "responses": summary.responses,
        "comments": summary.comments,
        "topics": summary.topics,
        "not_coded": summary.not_coded,
        "undated": summary.undated,
        "between_waves": summary.between_waves,
        "areas_unweighted": summary.areas_unweighted,
    }


def latest_summary(session: Session, actor: Actor, programme_id: int) -> views.Summary | None:
    """What the latest analysis found; None where there was none yet."""
    made = results.latest_set(session, actor, programme_id)
    return None if made is None else views.Summary(**made.summary, made_at=made.made_at)


RESULT_COLUMNS = [
    *("id", "measure", "item", "wave", "area", "segment", "value", "low", "high", "n", "n_effective", "not_coded"),
    *("chosen", "codebook_version", "model_version", "corrected"),
]


def frozen_results(session: Session, actor: Actor, programme_id: int, **where: str | None) -> pd.DataFrame:
    """The latest stored listening results as a table with ``RESULT_COLUMNS``.

    ``where`` narrows by measure, item, wave, area, segment; '' asks for 'all of them together', None for any.
    """
    made = results.latest_set(session, actor, programme_id)
    asked = {name: value for name, value in where.items() if value is not None}
    rows = results.results_of(session, actor, made.id, **asked) if made else []
    return pd.DataFrame(
        [[bool(row.correction) if name == "corrected" else getattr(row, name) for name in RESULT_COLUMNS] for row in rows],
        columns=RESULT_COLUMNS,
    )


def result(session: Session, actor: Actor, result_id: int) -> views.Result:
    """One frozen result.

    Raises
    ------
    NotFound : there is none, or it belongs to another organisation.

    """
    row = results.result(session, actor, result_id)
    if row is None:
        raise NotFound("There is no such listening result.", "Go back to what was heard and choose one.")
    made_at = results.made_at(session, row.result_set_id)
    return views.as_view(views.Result, row, corrected=bool(row.correction), made_at=made_at)  # type: ignore[no-any-return]


def result_now(session: Session, actor: Actor, result_id: int) -> views.Result | None:
    """What the same query gives in the latest results; None where its cell or its topic is no longer there."""
    cited = result(session, actor, result_id)
    made = results.latest_set(session, actor, cited.programme_id)
    if made is None:
        return None
    where = {name: getattr(cited, name) for name in ("measure", "item", "wave", "area", "segment")}
    rows = results.results_of(session, actor, made.id, **where)
    return result(session, actor, rows[0].id) if rows else None


def codebook_in_use(session: Session, actor: Actor, programme_id: int) -> views.Codebook | None:
    """The latest frozen codebook version with its topics; None where no topics were found yet."""
    version = codings.current_version(session, actor, programme_id)
    if version is None:
        return None
    topics = tuple(views.as_view(views.Topic, row) for row in codings.topics(session, version.id))
    return views.as_view(  # type: ignore[no-any-return]
        views.Codebook, version, version=f"version {version.number} ({version.fingerprint[:8]})", topics=topics
    )


def comments_page(
    session: Session,
    actor: Actor,
    programme_id: int,
    *,
    topic: int | None = None,
    wave: str = "",
    area: str = "",
    segment: str = "",
    sentiment: str = "",
    set_aside: bool = False,
    reason: str = "",
    number: int = 1,
    size: int = PAGE,
) -> views.Page:
    """One page of ``size`` comments, those that fit their topic best first; of those set aside, the empty ones last.

    ``topic`` is a topic number, -1 for 'no topic', None for any, also those not coded; ``set_aside`` gives those only, and
    ``reason`` those that were set aside for one reason. Filters left empty don't filter.
    """
    choice = _choice(session, actor, programme_id, topic=topic, wave=wave, area=area, segment=segment)
    if choice is None:
        return views.Page(comments=(), total=0, number=1, pages=1)
    choice = replace(choice, tone=sentiment, set_aside=set_aside or bool(reason), reason=reason)
    name, _, value = segment.partition(" = ")
    if segment and not choice.channel:
        # Attributes are people's data, which the database holds but need not be able to read, so they are compared here.
        fitting = [row for row in said.chosen(session, actor, programme_id, choice) if str(row.attributes.get(name, "")) == value]
        number, pages = _paged(number, len(fitting), size)
        total, shown = len(fitting), fitting[(number - 1) * size : number * size]
    else:
        total = said.count(session, actor, programme_id, choice)
        number, pages = _paged(number, total, size)
        shown = said.chosen(session, actor, programme_id, choice, start=(number - 1) * size, limit=size)
    return views.Page(_shown(session, actor, programme_id, choice, shown), total=total, number=number, pages=pages)


def _shown(session: Session, actor: Actor, programme_id: int, choice: said.Choice, rows: list[Any]) -> tuple[views.Said, ...]:
    """The words of chosen comments with what was coded of them."""
    words = {row.id: row for row in responses.comments_by_id(session, actor, programme_id, [row.id for row in rows])}
    keys = [row.text_key for row in rows if row.text_key is not None]
    tones = said.tones(session, actor, keys)
    sorted_in = said.with_topic(session, actor, coder_id=choice.coder_id, text_keys=keys)
    found = []
    for row in rows:
        tone = tones.get(row.text_key)
        coded = tone is not None and row.text_key in sorted_in
        found.append(_said(words[row.id], row.not_coded or ("" if coded else NOT_YET), tone))
    return tuple(found)


def _paged(number: int, total: int, size: int) -> tuple[int, int]:
    """The page that is shown, and how many there are."""
    pages = max(1, math.ceil(total / size))
    return min(max(number, 1), pages), pages


def _choice(
    session: Session, actor: Actor, programme_id: int, *, topic: int | None, wave: str, area: str, segment: str
) -> said.Choice | None:
    """What a page asks for in the database's terms; None where it asks for a wave or a topic that isn't there."""
    version = codings.current_version(session, actor, programme_id)
    coder = None
    topics: dict[int, int] = {}
    if version is not None:
        coder = codings.model_coder_id(session, actor, name=TOPIC_CODER, version=topic_coder_version(version))
        topics = {found.number: found.id for found in codings.topics(session, version.id)}
    topic_id = None
    if topic is not None:
        topic_id = 0 if topic < 0 else topics.get(topic)
        if topic_id is None:
            return None
    days = None
    if wave:
        days = next(((w.start, w.end) for w in programmes.waves(session, actor, programme_id) if w.name == wave), None)
        if days is None:
            return None
    name, _, value = segment.partition(" = ")
    of_channel = name == CHANNEL and frame.channels_split(session, actor, programme_id)
    return said.Choice(
        coder_id=coder or 0,
        not_yet=NOT_YET,
        topic_id=topic_id,
        days=days,
        area=area,
        channel=value if of_channel else "",
        last=str(Reason.EMPTY),
    )


def narrowed(table: pd.DataFrame, waves: pd.DataFrame, *, wave: str = "", area: str = "", segment: str = "") -> pd.DataFrame:
    """Rows of a record table that lie in a wave, an area and a segment ('age = 16-24'); '' doesn't narrow."""
    if wave:
        period = waves[waves["name"] == wave]
        if period.empty:
            return table.iloc[:0]
        dates = pd.to_datetime(table["date"])
        table = table[dates.between(pd.Timestamp(period["start"].iloc[0]), pd.Timestamp(period["end"].iloc[0]))]
    if area:
        table = table[table["area"] == area]
    if segment:
        name, _, value = segment.partition(" = ")
        column = ATTRIBUTE + name
        table = table[table[column].astype(str) == value] if column in table else table.iloc[:0]
    return table


def _said(words: Any, not_coded: str, tone: Any) -> views.Said:
    return views.as_view(  # type: ignore[no-any-return]
        views.Said,
        words,
        not_coded=not_coded,
        attributes=dict(words.attributes),
        may_quote="quote" in words.consent,
        sentiment="" if tone is None else tone.label,
        probability=None if tone is None else tone.probability,
    )


def counts_by_channel(session: Session, actor: Actor, programme_id: int) -> pd.DataFrame:
    """Responses and comments by feedback channel: channel, kind, chosen, responses, comments, first, last (dates)."""
    columns = ["channel", "kind", "chosen", "responses", "comments", "first", "last"]
    return _frame(responses.counts_by_channel(session, actor, programme_id), columns)
