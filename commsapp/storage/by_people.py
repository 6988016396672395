"""Topics that people gave to comments: kept as they were given, and for each codebook version what they come to.

A person's coding names the topic that they saw. Which topic of the version in use that is, through renames and merges, stands in
the codings of one coder of kind 'people' for each version, so that a query finds both models' and people's codings alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from commsapp.actor import Actor
from commsapp.storage.base import insert_new, now
from commsapp.storage.codings import CodebookVersion, Coder, Coding, Topic
from commsapp.storage.organisations import Person

PERSON, PEOPLE = "person", "people"
_PART = 5_000
NONE = -1
"""Number of 'no topic'."""


class Given(NamedTuple):
    """The topic that the last person to look gave to a text: its number when they gave it, -1 for none."""

    text_key: str
    number: int
    person: str
    made_at: datetime


def person_coder(session: Session, actor: Actor, codebook_id: int) -> int:
    """The id of a person as a coder with one codebook; made when they code for the first time."""
    assert actor.person_id is not None
    row = {
        "organisation_id": actor.organisation_id,
        "kind": PERSON,
        "name": f"person/{actor.person_id}",
        "version": _book(codebook_id),
    }
    insert_new(session, Coder, [{**row, "person_id": actor.person_id}], unique=("organisation_id", "kind", "name", "version"))
    return session.execute(select(Coder.id).filter_by(**row)).scalar_one()


def _book(codebook_id: int) -> str:
    return f"codebook/{codebook_id}"


def people_coder(session: Session, organisation_id: int, version: CodebookVersion, *, make: bool = False) -> int:
    """The id of the coder that says what people's codings come to in a version; 0 where nobody coded and ``make`` isn't set."""
    row = {"organisation_id": organisation_id, "kind": PEOPLE, "name": PEOPLE, "version": f"codebook-version/{version.id}"}
    found = session.execute(select(Coder.id).filter_by(**row)).scalar_one_or_none()
    if found is None and make:
        insert_new(session, Coder, [row], unique=("organisation_id", "kind", "name", "version"))
        found = session.execute(select(Coder.id).filter_by(**row)).scalar_one()
    return found or 0


def give(session: Session, actor: Actor, codebook_id: int, text_key: str, topic_id: int | None) -> None:
    """Note that a person gave a text a topic (none: 'no topic'), instead of what they said before."""
    coder = person_coder(session, actor, codebook_id)
    _delete(session, coder, [text_key])
    session.add(_coding(actor.organisation_id, coder, text_key, topic_id, made_at=now()))
    session.flush()


def take_back(session: Session, organisation_id: int, codebook_id: int, text_key: str) -> int:
    """Delete what people said of a text with a codebook; how many of them had said something."""
    coders = select(Coder.id).where(
        Coder.organisation_id == organisation_id, Coder.kind == PERSON, Coder.version == _book(codebook_id)
    )
    found = list(session.scalars(select(Coding.id).where(Coding.coder_id.in_(coders), Coding.text_key == text_key)))
    session.execute(delete(Coding).where(Coding.id.in_(found)))
    return len(found)


def given(session: Session, organisation_id: int, codebook_id: int, keys: Iterable[str] | None = None) -> dict[str, Given]:
    """Key of a text → what the last person to look said of it, for some texts or for all."""
    query = (
        select(Coding.text_key, Topic.number, Person.name, Coding.made_at, Coding.id)
        .join(Coder, Coder.id == Coding.coder_id)
        .join(Person, Person.id == Coder.person_id)
        .outerjoin(Topic, Topic.id == Coding.topic_id)
        .where(Coder.organisation_id == organisation_id, Coder.kind == PERSON, Coder.version == _book(codebook_id))
        .where(Coding.measure == "topic")
    )
    rows: list[Any] = []
    if keys is None:
        rows = list(session.execute(query))
    else:
        wanted = sorted(set(keys))
        for start in range(0, len(wanted), _PART):
            rows += session.execute(query.where(Coding.text_key.in_(wanted[start : start + _PART])))
    found: dict[str, Given] = {}
    for key, number, person, made_at, _ in sorted(rows, key=lambda row: (row.made_at, row.id)):
        found[key] = Given(key, NONE if number is None else int(number), person, made_at)
    return found


def come_to(session: Session, organisation_id: int, version: CodebookVersion, topics: Mapping[str, int | None]) -> None:
    """Note which topics of a version (a row's id; none: 'no topic') texts come to by what people said of them."""
    if not topics:
        return
    coder = people_coder(session, organisation_id, version, make=True)
    _delete(session, coder, list(topics))
    session.add_all(_coding(organisation_id, coder, key, topic) for key, topic in topics.items())
    session.flush()


def come_to_nothing(session: Session, organisation_id: int, version: CodebookVersion, text_key: str) -> None:
    """Let a text have the topic again that the codebook gives it."""
    coder = people_coder(session, organisation_id, version)
    if coder:
        _delete(session, coder, [text_key])


def _delete(session: Session, coder_id: int, keys: list[str]) -> None:
    for start in range(0, len(keys), _PART):
        some = keys[start : start + _PART]
        session.execute(
            delete(Coding).where(Coding.coder_id == coder_id, Coding.measure == "topic", Coding.text_key.in_(some)),
            execution_options={"synchronize_session": False},
        )


def _coding(
    organisation_id: int, coder_id: int, text_key: str, topic_id: int | None, *, made_at: datetime | None = None
) -> Coding:
    return Coding(
        organisation_id=organisation_id,
        coder_id=coder_id,
        text_key=text_key,
        measure="topic",
        topic_id=topic_id,
        probability=1.0,
        made_at=made_at,
    )
