"""What was heard, as records for measuring and as words: topics with their comments."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pandas as pd

from commsapp.actor import Actor, HandlingLevel
from commsapp.errors import NotFound
from commsapp.listening import programmes as frame
from commsapp.listening import views
from commsapp.listening.coders import EMOTION_CODER, HELD_BACK, NO_CONSENT, SENTIMENT_CODER, TOPIC_CODER, topic_coder_version
from commsapp.listening.coding import TOGETHER, Reason
from commsapp.listening.measuring import ATTRIBUTE, CHANNEL, NO_ANSWER, NO_TOPIC_NAME
from commsapp.listening.naming import topics_named
from commsapp.listening.redaction.kinds import has_marks
from commsapp.storage import by_people, codebooks, codings, programmes, responses, said, search
from commsapp.storage.session import Session
from commsapp.textmodels.stability import in_words
from commsapp.textmodels.tone import LABELS

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
    comments = _with_emotions(session, actor, programme_id, comments)
    missing = comments["topic"].isna() | comments["positive"].isna() | comments["emotions"].isna()
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
        people = by_people.people_coder(session, actor.organisation_id, version)
        if people:  # what a person said comes last, and so counts
            given = _frame(codings.main_topics(session, coder_id=people), list(coded.columns))
            coded = pd.concat([coded, given], ignore_index=True) if len(coded) else given
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
    judge = dict(zip(latest["text_key"], latest["coder_id"], strict=True))
    told = codings.latest_tones(session, actor, programme_id, measure=codings.UNSURE)
    unsure = {row.text_key for row in told if row.coder_id == judge.get(row.text_key)}
    comments["unsure"] = comments["text_key"].isin(unsure).astype("float64").where(comments["positive"].notna())
    return comments


def _with_emotions(session: Session, actor: Actor, programme_id: int, comments: pd.DataFrame) -> pd.DataFrame:
    heard: dict[str, list[str]] = {}
    judge: dict[str, int] = {}
    for row in codings.latest_tones(session, actor, programme_id, measure="emotion"):
        if judge.get(row.text_key) != row.coder_id:
            judge[row.text_key], heard[row.text_key] = row.coder_id, []
        if row.label:
            heard[row.text_key].append(row.label)
    joined = {key: TOGETHER.join(names) for key, names in heard.items()}
    comments["emotions"] = comments["text_key"].map(joined).astype(object)
    return comments


def model_version(session: Session, actor: Actor) -> str:
    """The versions of the models whose codings of sentiment and emotions are in use; one where it says both."""
    coders = (codings.latest_coder(session, actor, name=name) for name in (SENTIMENT_CODER, EMOTION_CODER))
    return " and ".join(dict.fromkeys(coder.version for coder in coders if coder))


def codebook_in_use(session: Session, actor: Actor, programme_id: int) -> views.Codebook | None:
    """The latest frozen codebook version with its topics; None where no topics were found yet."""
    version = codings.current_version(session, actor, programme_id)
    if version is None:
        return None
    rows = codings.topics(session, version.id)
    topics = tuple(views.as_view(views.Topic, row, firmness=in_words(row.stability)) for row in rows)
    return views.as_view(  # type: ignore[no-any-return]
        views.Codebook, version, version=f"version {version.number} ({version.fingerprint[:8]})", topics=topics
    )


def topic_counts(session: Session, actor: Actor, programme_id: int) -> dict[int, int]:
    """Number of each topic in use, -1 for 'no topic' → how many comments it has that the actor may read."""
    version = codings.current_version(session, actor, programme_id)
    choice = choice_of(session, actor, programme_id)
    if version is None or choice is None:
        return {}
    numbers = {topic.id: topic.number for topic in codings.topics(session, version.id)}
    counted = said.count_by_topic(session, actor, programme_id, choice)
    return {-1 if topic is None else numbers.get(topic, -1): count for topic, count in counted.items()}


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
    emotion: str = "",
    set_aside: bool = False,
    reason: str = "",
    words: str | None = None,
    number: int = 1,
    size: int = PAGE,
) -> views.Page:
    """One page of ``size`` comments, those that fit their topic best first; of those set aside, the empty ones last.

    ``topic`` is a topic number, -1 for 'no topic', None for any, also those not coded; ``set_aside`` gives those only, and
    ``reason`` those that were set aside for one reason. ``words`` gives those that have them, the latest first (see
    `storage.search`). Filters left empty don't filter.
    """
    choice = choice_of(session, actor, programme_id, topic=topic, wave=wave, area=area, segment=segment)
    if choice is None:
        return views.Page(comments=(), total=0, number=1, pages=1)
    choice = replace(choice, tone=sentiment, emotion=emotion, set_aside=set_aside or bool(reason), reason=reason)
    if words is not None:
        found = search.matching(session, actor, programme_id, search.asked(words))
        choice = replace(choice, matching=found)
    name, _, value = segment.partition(" = ")
    if segment and not choice.channel:
        fitting = said.chosen_where(
            session, actor, programme_id, choice, fits=lambda attributes: str(attributes.get(name, "")) == value
        )
        number, pages = _paged(number, len(fitting), size)
        total, shown = len(fitting), fitting[(number - 1) * size : number * size]
    else:
        total = said.count(session, actor, programme_id, choice)
        number, pages = _paged(number, total, size)
        shown = said.chosen(session, actor, programme_id, choice, start=(number - 1) * size, limit=size)
    return views.Page(_shown(session, actor, programme_id, choice, shown), total=total, number=number, pages=pages)


def _shown(
    session: Session, actor: Actor, programme_id: int, choice: said.Choice, rows: list[said.Chosen]
) -> tuple[views.Said, ...]:
    """The words of chosen comments with what was coded of them."""
    words = {row.id: row for row in responses.comments_by_id(session, actor, programme_id, [row.id for row in rows])}
    keys = [row.text_key for row in rows if row.text_key is not None]
    tones, emotions = said.tones(session, actor, keys), said.emotions(session, actor, keys)
    unsure = said.unsure(session, actor, keys)
    topics = _topics_of(session, actor, programme_id, choice, keys)
    found = []
    for row in rows:
        tone, topic = tones.get(row.text_key or ""), topics.get(row.text_key or "")
        heard = emotions.get(row.text_key or "")
        coded = tone is not None and heard is not None and topic is not None
        why = row.not_coded or ("" if coded else NOT_YET)
        found.append(_said(words[row.id], why, tone, topic or {}, unsure=row.text_key in unsure, emotions=heard or ()))
    return tuple(found)


def comments_of(session: Session, actor: Actor, programme_id: int, ids: Iterable[int]) -> tuple[views.Said, ...]:
    """Comments by their numbers, in that order, as far as the actor may read them."""
    choice = choice_of(session, actor, programme_id)
    wanted = list(dict.fromkeys(ids))
    if choice is None or not wanted:
        return ()
    known = {row.id: row for row in responses.comments_by_id(session, actor, programme_id, wanted)}
    keys = codebooks.keys_of_comments(session, actor, programme_id, known)
    rows = [said.Chosen(number, keys.get(number), known[number].not_coded) for number in wanted if number in known]
    return _shown(session, actor, programme_id, choice, rows)


def _topics_of(
    session: Session, actor: Actor, programme_id: int, choice: said.Choice, keys: list[str]
) -> dict[str, dict[str, Any]]:
    """Key → the topic of a text and who says so, as fields of `views.Said`."""
    version = codings.current_version(session, actor, programme_id)
    if version is None or not keys:
        return {}
    topics = {topic.id: topic for topic in codings.topics(session, version.id)}
    sorted_in = said.main_topics_of(session, actor, choice, keys)
    by_hand = [key for key, found in sorted_in.items() if found.by_people]
    people = by_people.given(session, actor.organisation_id, version.codebook_id, by_hand) if by_hand else {}
    named = topics_named(session, actor, programme_id)
    found = {}
    for key, one in sorted_in.items():
        topic = topics.get(one.topic_id or 0)
        who = people.get(key) if one.by_people else None
        found[key] = {
            "topic": -1 if topic is None else topic.number,
            "topic_name": NO_TOPIC_NAME if topic is None else topic.name if named else "",
            "topic_by": who.person if who else "",
            "topic_at": who.made_at if who else None,
            "topic_probability": None if who else one.probability,
        }
    return found


def one_said(session: Session, actor: Actor, programme_id: int, comment_id: int) -> tuple[views.Said, str | None]:
    """One comment with what was coded of it, and the key of its text.

    Raises
    ------
    NotFound : no such comment for this person.

    """
    row = said.one(session, actor, programme_id, comment_id)
    choice = choice_of(session, actor, programme_id)
    if row is None or choice is None:
        raise NotFound("There is no such comment.", "Go back to what was heard.")
    return _shown(session, actor, programme_id, choice, [row])[0], row.text_key


def topic_number(session: Session, actor: Actor, programme_id: int, text_key: str) -> int | None:
    """Number of the topic that a text has in the codebook in use: -1 for none that fits, None where it was not sorted yet."""
    version = codings.current_version(session, actor, programme_id)
    coder = version and codings.model_coder_id(session, actor, name=TOPIC_CODER, version=topic_coder_version(version))
    found = said.topic_of(session, actor, coder_id=coder, text_key=text_key) if coder else None
    if version is None or found is None:
        return None
    return next((topic.number for topic in codings.topics(session, version.id) if topic.id == found.topic_id), -1)


def _paged(number: int, total: int, size: int) -> tuple[int, int]:
    """The page that is shown, and how many there are."""
    pages = max(1, math.ceil(total / size))
    return min(max(number, 1), pages), pages


def choice_of(
    session: Session,
    actor: Actor,
    programme_id: int,
    *,
    topic: int | None = None,
    wave: str = "",
    area: str = "",
    segment: str = "",
) -> said.Choice | None:
    """What a page asks for in the database's terms; None where it asks for a wave or a topic that isn't there."""
    version = codings.current_version(session, actor, programme_id)
    coder, people = None, 0
    topics: dict[int, int] = {}
    if version is not None:
        people = by_people.people_coder(session, actor.organisation_id, version)
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
        people_id=people,
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


def _said(words: Any, not_coded: str, tone: Any, topic: dict[str, Any], *, unsure: bool, emotions: tuple[str, ...]) -> views.Said:
    return views.as_view(  # type: ignore[no-any-return]
        views.Said,
        words,
        words=words.redacted if words.prepared else "",
        translation=words.redacted_translation if words.prepared else "",
        redacted=words.prepared and (has_marks(words.redacted) or has_marks(words.redacted_translation)),
        names_out="+" in words.redaction_version,
        not_coded=not_coded,
        attributes=dict(words.attributes),
        may_quote="quote" in words.consent,
        sentiment="" if tone is None else tone.label,
        probability=None if tone is None else tone.probability,
        **topic,
        unsure=unsure,
        emotions=emotions,
    )


def counts_by_channel(session: Session, actor: Actor, programme_id: int) -> pd.DataFrame:
    """Responses and comments by feedback channel: channel, kind, chosen, responses, comments, first, last (dates)."""
    columns = ["channel", "kind", "chosen", "responses", "comments", "first", "last"]
    return _frame(responses.counts_by_channel(session, actor, programme_id), columns)
