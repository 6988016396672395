"""How long each feedback channel keeps what people said, and the pass that deletes what is past its time, for good."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from commsapp.actor import Actor, HandlingLevel, Role
from commsapp.config import Settings
from commsapp.errors import BadInput, NotFound
from commsapp.listening import analysing
from commsapp.listening import programmes as frame
from commsapp.listening.erasure import remove_files
from commsapp.listening.removing import take_away
from commsapp.listening.standing import write_decided
from commsapp.storage import erasing, events, programmes, results, rotating
from commsapp.storage.session import Session, Sessions

MOST_MONTHS = 1_200
WARNING = timedelta(days=30)
_BATCH = 1_000


@dataclass(frozen=True)
class Retention:
    """How long a channel keeps responses: up to a day (included), or so many months after the day of each; or for ever."""

    channel_id: int
    channel: str
    until: date | None
    months: int | None

    def oldest(self, today: date) -> date | None:
        """The day before which responses are past their time; None where a whole channel is, or none ever."""
        return erasing.months_before(today, self.months) if self.months is not None and not self.over(today) else None

    def over(self, today: date) -> bool:
        """Whether all that the channel holds is past its time."""
        return self.until is not None and self.until < today

    def soon(self, today: date) -> bool:
        """Whether the channel comes to its end within 30 days, or has."""
        return self.until is not None and self.until <= today + WARNING

    @property
    def words(self) -> str:
        """'Kept until 31 March 2027', 'Each response is kept for 24 months', 'No date for deletion is set'."""
        parts = []
        if self.until is not None:
            parts.append(f"kept until {self.until.day} {self.until:%B %Y}")
        if self.months is not None:
            parts.append(f"each response is kept for {self.months} {'month' if self.months == 1 else 'months'}")
        said = ", and ".join(parts) or "no date for deletion is set"
        return said[0].upper() + said[1:]


@dataclass(frozen=True)
class Due:
    """What the pass deletes, or would delete, of one channel."""

    organisation_id: int
    programme_id: int
    channel_id: int
    channel: str
    counts: dict[str, int]


def today() -> date:
    """This day, in UTC."""
    return datetime.now(UTC).date()


def retentions(session: Session, actor: Actor, programme_id: int) -> list[Retention]:
    """How long each feedback channel of a programme keeps what it heard, by name."""
    return [_view(row) for row in programmes.channels(session, actor, programme_id)]


def _view(row: programmes.FeedbackChannel) -> Retention:
    return Retention(row.id, row.name, row.retain_until, row.retain_months)


def set_retention(
    session: Session,
    actor: Actor,
    programme_id: int,
    channel_id: int,
    *,
    until: date | None,
    months: int | None,
    why: str = "",
) -> Retention:
    """Say how long a feedback channel keeps what it heard; neither a day nor months means for ever.

    Raises
    ------
    NotFound : no such channel. BadInput : the day has passed, or the months are not from 1 to 1,200.

    """
    frame.programme(session, actor, programme_id)
    row = next((row for row in programmes.channels(session, actor, programme_id) if row.id == channel_id), None)
    if row is None:
        raise NotFound("There is no such feedback channel in this programme.", "Choose one from its list.")
    if until is not None and until < today():
        raise BadInput(f"{until.day} {until:%B %Y} has passed.", "Give a day that lies ahead; today deletes everything tomorrow.")
    if months is not None and not 1 <= months <= MOST_MONTHS:
        raise BadInput(f"{months:,} months can't be kept to.", f"Give a number from 1 to {MOST_MONTHS:,}, or leave it empty.")
    before = _as_event(row)
    row.retain_until, row.retain_months = until, months
    session.flush()
    if _as_event(row) != before:
        events.record(
            session, actor, action="change", subject="retention", subject_id=row.id, before=before, after=_as_event(row), why=why
        )
    return _view(row)


def _as_event(row: programmes.FeedbackChannel) -> dict[str, object]:
    until = row.retain_until.isoformat() if row.retain_until else None
    return {"name": row.name, "programme_id": row.programme_id, "until": until, "months": row.retain_months}


def would_go(
    session: Session, actor: Actor, programme_id: int, channel_id: int, *, until: date | None, months: int | None
) -> int:
    """How many responses of a channel would be past their time at once, were it kept so long."""
    named = next((one.channel for one in retentions(session, actor, programme_id) if one.channel_id == channel_id), None)
    if named is None or months is None or not 1 <= months <= MOST_MONTHS or (until is not None and until < today()):
        return 0  # nothing is past its time by a day that lies ahead; what can't be set is refused elsewhere
    kept = Retention(channel_id, named, until, months)
    return erasing.count_past(session, channel_id, kept.oldest(today()))["responses"]


def run_retention(sessions: Sessions, *, settings: Settings, on: date | None = None, dry_run: bool = False) -> list[Due]:
    """Delete what is past its time in every channel of the installation, for good; or only say what would go (``dry_run``).

    Responses go with comments, answers, codings, embeddings, rejected rows, votes and files. It works in batches of a
    thousand, each with its event, so that others can write between them and a cut-off pass goes on where it was. Results
    that a message cites stay as figures; for the others an analysis is enqueued.
    """
    day = on or today()
    with sessions.reading() as session:
        found = [(organisation, row.programme_id, _view(row)) for organisation, row in erasing.channels_with_an_end(session)]
        due = [
            Due(organisation, programme, kept.channel_id, kept.channel, counts)
            for organisation, programme, kept in found
            if (kept.over(day) or kept.oldest(day))
            and (counts := {k: n for k, n in erasing.count_past(session, kept.channel_id, kept.oldest(day)).items() if n})
        ]
    if dry_run or not due:
        return due
    views = {kept.channel_id: kept for _, _, kept in found}
    done = [_delete(sessions, one, views[one.channel_id], day, settings) for one in due]
    write_decided(sessions, settings.data_dir)
    erasing.settle(sessions)
    return done


def _delete(sessions: Sessions, due: Due, kept: Retention, day: date, settings: Settings) -> Due:
    actor = Actor(due.organisation_id, None, "commsapp", Role.ADMINISTRATOR, frozenset(HandlingLevel))
    total: Counter[str] = Counter()
    before = kept.oldest(day)
    while True:
        with sessions.writing() as session:
            ids = erasing.ids_past(session, due.channel_id, before, limit=_BATCH)
            counts = take_away(session, actor, due.programme_id, ids, settings=settings)
            last = len(ids) < _BATCH
            old_keys = None
            if last:
                counts += erasing.erase_rest_of_channel(session, due.channel_id, before)
                files = erasing.files_of_channel(session, due.channel_id)
                old_keys = erasing.renew_channel_key(session, due.channel_id) if before is None else None
                if results.latest_set(session, actor, due.programme_id) is not None:
                    analysing.start_analysis(session, actor, programme_id=due.programme_id)
            after = {"name": due.channel, "programme_id": due.programme_id, "counts": dict(+counts)}
            if +counts:
                why = f"{kept.words}."
                events.record(
                    session, actor, action="delete", subject="retention", subject_id=due.channel_id, after=after, why=why
                )
        total += counts
        if last:
            if old_keys is not None:
                rotating.forget(sessions.keyring, old_keys, data_dir=settings.data_dir)
            remove_files(sessions, files)
            return Due(due.organisation_id, due.programme_id, due.channel_id, due.channel, dict(+total))
