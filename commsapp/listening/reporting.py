"""What was heard, as figures and as words: records for measuring, stored results, topics with their comments."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pandas as pd

from commsapp.actor import Actor, HandlingLevel
from commsapp.errors import NotFound
from commsapp.listening import programmes as frame
from commsapp.listening import views
from commsapp.listening.coders import HELD_BACK, NO_CONSENT, SENTIMENT_CODER, TOPIC_CODER, topic_coder_version
from commsapp.listening.measuring import ATTRIBUTE, NO_ANSWER, listening_results
from commsapp.storage import codings, events, programmes, responses, results
from commsapp.storage.session import Session, Sessions
from commsapp.textmodels.sentiment import LABELS

PAGE = 25
NO_TOPIC = "No topic"
NOT_YET = "not analysed yet"


def records(session: Session, actor: Actor, programme_id: int) -> views.Records:
    """Every comment and answer of a programme that the actor may see, with its coding by the models in use.

    Columns are those that `measuring.listening_results` reads; ``comments`` also has text_key, topic_id and probability.
    """
    said = _frame(responses.response_frame(session, actor, programme_id), _RESPONSE)
    said["respondent"] = [_respondent(number) for number in said["respondent_id"]]
    said = _with_attributes(said, list(frame.attributes(session, actor, programme_id)))
    comments = _frame(responses.comment_frame(session, actor, programme_id), _COMMENT).merge(said, on="response_id", how="left")
    comments = _with_topics(session, actor, programme_id, comments)
    comments = _with_sentiment(session, actor, programme_id, comments)
    missing = comments["topic"].isna() | comments["positive"].isna()
    comments["not_coded_reason"] = (
        comments["not_coded"].where(comments["not_coded"] != "", "").mask(missing & (comments["not_coded"] == ""), NOT_YET)
    )
    answers = _frame(responses.answer_frame(session, actor, programme_id), ["response_id", "question", "choice"])
    waves = [(row.name, row.start, row.end) for row in programmes.waves(session, actor, programme_id)]
    answers = _with_reasons(answers.merge(said, on="response_id", how="left"))
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


def _with_attributes(said: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    given = said.pop("attributes")
    for name in names:
        said[ATTRIBUTE + name] = [values.get(name, "") for values in given]
    return said


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
    names = {-1: NO_TOPIC} | {number: topic.name for number, topic in topics.items()}
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


def cleared(actor: Actor) -> Actor:
    """The same person for work on a whole programme, which shows them nobody's words."""
    return replace(actor, handling_levels=frozenset(HandlingLevel))


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
    actor = cleared(actor)
    with sessions.writing() as session:
        frame.programme(session, actor, programme_id)
        frame.propose_waves(session, actor, programme_id)
    with sessions.reading() as session:
        heard = records(session, actor, programme_id)
        codebook = codebook_in_use(session, actor, programme_id)
        version = model_version(session, actor)
        said = len(responses.response_frame(session, actor, programme_id))
    topics = {topic.number: topic.name for topic in codebook.topics} | {-1: NO_TOPIC} if codebook else {}
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
        responses=said,
        comments=len(heard.comments),
        topics=len(codebook.topics) if codebook else 0,
        not_coded={str(reason): int(count) for reason, count in reasons[reasons != ""].value_counts().items()},
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
    number: int = 1,
) -> views.Page:
    """One page of comments, those that fit their topic best first.

    ``topic`` is a topic number, -1 for 'no topic', None for any, also those not coded; ``set_aside`` gives those only.
    Filters left empty don't filter.
    """
    heard = records(session, actor, programme_id)
    chosen = heard.comments
    if topic is not None:
        chosen = chosen[chosen["topic"] == topic]
    if set_aside:
        chosen = chosen[chosen["not_coded_reason"] != ""]
    chosen = narrowed(chosen, heard.waves, wave=wave, area=area, segment=segment)
    if sentiment:
        chosen = chosen[chosen[list(LABELS)].fillna(0).idxmax(axis=1).eq(sentiment) & chosen["positive"].notna()]
    chosen = chosen.sort_values(["topic_probability", "comment_id"], ascending=[False, True], na_position="last")
    pages = max(1, math.ceil(len(chosen) / PAGE))
    number = min(max(number, 1), pages)
    shown = chosen.iloc[(number - 1) * PAGE : number * PAGE]
    words = {row.id: row for row in responses.comments_by_id(session, actor, programme_id, shown["comment_id"].tolist())}
    said = tuple(_said(words[row["comment_id"]], row) for row in shown.to_dict("records") if row["comment_id"] in words)
    return views.Page(comments=said, total=len(chosen), number=number, pages=pages)


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


def _said(row: Any, coded: dict[Any, Any]) -> views.Said:
    scores = {label: coded[label] for label in LABELS}
    known = not math.isnan(scores["positive"])
    best = max(scores, key=lambda label: scores[label]) if known else ""
    return views.as_view(  # type: ignore[no-any-return]
        views.Said,
        row,
        not_coded=coded["not_coded_reason"],
        attributes=dict(row.attributes),
        may_quote="quote" in row.consent,
        sentiment=best,
        probability=float(scores[best]) if known else None,
    )


def counts_by_channel(session: Session, actor: Actor, programme_id: int) -> pd.DataFrame:
    """Responses and comments by feedback channel: channel, kind, chosen, responses, comments, first, last (dates)."""
    columns = ["channel", "kind", "chosen", "responses", "comments", "first", "last"]
    return _frame(responses.counts_by_channel(session, actor, programme_id), columns)
