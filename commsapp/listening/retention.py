"""How long each feedback channel keeps what people said, and the pass that deletes what is past its time, for good."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from commsapp.actor import Actor, HandlingLevel, Role
from commsapp.config import Settings
from commsapp.errors import BadInput, NotAllowed, NotFound
from commsapp.listening import erasure
from commsapp.listening import programmes as frame
from commsapp.listening.erasure import remove_files
from commsapp.listening.keys import identity_key
from commsapp.listening.removing import take_away
from commsapp.listening.standing import Kept, write_decided
from commsapp.storage import decisions, erasing, events, persons, programmes, rotating
from commsapp.storage.base import keyring_of
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


def every_retention(session: Session) -> list[tuple[str, str]]:
    """Each feedback channel of the installation, and how long it is kept in words."""
    return [(row.name, _view(row).words) for row in programmes.every_channel(session)]


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
    NotFound : no such channel. BadInput : the day has passed, or the months are not from 1 to 1,200. NotAllowed : the channel
        holds something at a handling level that the actor is not cleared for.

    """
    frame.programme(session, actor, programme_id)
    row = next((row for row in programmes.channels(session, actor, programme_id) if row.id == channel_id), None)
    if row is None:
        raise NotFound("There is no such feedback channel in this programme.", "Choose one from its list.")
    if until is not None and until < today():
        raise BadInput(f"{until.day} {until:%B %Y} has passed.", "Give a day that lies ahead; today deletes everything tomorrow.")
    if months is not None and not 1 <= months <= MOST_MONTHS:
        raise BadInput(f"{months:,} months can't be kept to.", f"Give a number from 1 to {MOST_MONTHS:,}, or leave it empty.")
    if not _may_see_all(session, actor, channel_id):
        raise NotAllowed(
            "This channel holds something at a handling level that you are not cleared for, and it would be deleted too.",
            "Ask somebody who is cleared for it.",
        )
    before = _as_event(row)
    row.retain_until, row.retain_months = until, months
    session.flush()
    if _as_event(row) != before:
        events.record(
            session, actor, action="change", subject="retention", subject_id=row.id, before=before, after=_as_event(row), why=why
        )
    return _view(row)


def keep_as_set(session: Session, kept: dict[int, Kept]) -> None:
    """Keep the channels of a restored backup as long as was set last: channel → last day and months."""
    for row in programmes.every_channel(session):
        before = _as_event(row)
        row.retain_until, row.retain_months = kept.get(row.id, (row.retain_until, row.retain_months))
        if _as_event(row) != before:
            actor = _for_everybody(programmes.organisation_of(session, row.programme_id))
            events.record(
                session, actor, action="change", subject="retention", subject_id=row.id, before=before, after=_as_event(row)
            )


def _for_everybody(organisation_id: int) -> Actor:
    return Actor(organisation_id, None, "commsapp", Role.ADMINISTRATOR, frozenset(HandlingLevel))


def _as_event(row: programmes.FeedbackChannel) -> dict[str, object]:
    until = row.retain_until.isoformat() if row.retain_until else None
    return {"name": row.name, "programme_id": row.programme_id, "until": until, "months": row.retain_months}


def would_go(
    session: Session, actor: Actor, programme_id: int, channel_id: int, *, until: date | None, months: int | None
) -> int:
    """How many responses of a channel would be past their time at once, or within 30 days by its last day, kept so long.

    0 where it can't be set so, which `set_retention` says, or where the actor may not see all of them.
    """
    named = next((one.channel for one in retentions(session, actor, programme_id) if one.channel_id == channel_id), None)
    wrong = (until is not None and until < today()) or (months is not None and not 1 <= months <= MOST_MONTHS)
    if named is None or wrong or not _may_see_all(session, actor, channel_id):
        return 0
    kept = Retention(channel_id, named, until, months)
    if kept.soon(today()):
        return erasing.count_past(session, channel_id, None)["responses"]
    return erasing.count_past(session, channel_id, kept.oldest(today()))["responses"] if months is not None else 0


def _may_see_all(session: Session, actor: Actor, channel_id: int) -> bool:
    return erasing.levels_of_channel(session, channel_id) <= {level.value for level in actor.handling_levels}


def run_retention(
    sessions: Sessions,
    *,
    settings: Settings,
    on: date | None = None,
    dry_run: bool = False,
    stopped: Callable[[], bool] = lambda: False,
) -> list[Due]:
    """Delete what is past its time in every channel of the installation, for good; or only say what would go (``dry_run``).

    Responses go with comments, answers, codings, embeddings, rejected rows, votes and files. It works in batches of a
    thousand, each with its event, so that others can write between them and a cut-off pass goes on where it was. Results
    that a message cites stay as figures; for the others an analysis is enqueued. Where ``stopped`` says so, the next pass does
    the rest. Undated responses that went are noted, so that a later file doesn't bring them as if they were new.
    """
    day = on or today()
    if not dry_run:
        _forget_keys(sessions, settings)
    with sessions.reading() as session:
        found = [(organisation, row.programme_id, _view(row)) for organisation, row in erasing.channels_with_an_end(session)]
        due = [
            Due(organisation, programme, kept.channel_id, kept.channel, counts)
            for organisation, programme, kept in found
            if (kept.over(day) or kept.oldest(day))
            and (counts := {k: n for k, n in erasing.count_past(session, kept.channel_id, kept.oldest(day)).items() if n})
        ]
    if dry_run:
        return due
    done = [_delete(sessions, one, day, settings, stopped) for one in due if not stopped()]
    write_decided(
        sessions, settings.data_dir
    )  # also where nothing is due: somebody may have decided something just before a crash
    if done:
        erasing.settle(sessions)
    _forget_keys(sessions, settings)
    return done


def _delete(sessions: Sessions, due: Due, day: date, settings: Settings, stopped: Callable[[], bool]) -> Due:
    actor = _for_everybody(due.organisation_id)
    total: Counter[str] = Counter()
    files: list[str] = []
    last = False
    while not last and not stopped():
        with sessions.writing() as session:
            kept = _view(erasing.channel_for_now(session, due.channel_id))  # somebody may have given it more time meanwhile
            if not (kept.over(day) or kept.oldest(day)):
                break
            before = kept.oldest(day)
            ids = erasing.ids_past(session, due.channel_id, before, limit=_BATCH)
            if before is not None:
                _note_undated(session, ids)
            counts = take_away(session, actor, due.programme_id, ids, settings=settings)
            last = len(ids) < _BATCH
            after: dict[str, object] = {"name": due.channel, "programme_id": due.programme_id}
            if last:
                counts += erasing.erase_rest_of_channel(session, due.channel_id, before)
                files = erasing.files_of_channel(session, due.channel_id)
                old_keys = erasing.renew_channel_key(session, due.channel_id) if before is None else None
                after |= {erasing.KEY: old_keys} if old_keys is not None else {}
                erasure.figures_anew(session, actor, due.programme_id)
            after["counts"] = dict(+counts)
            if +counts or erasing.KEY in after:
                why = f"{kept.words}."
                events.record(
                    session, actor, action="delete", subject="retention", subject_id=due.channel_id, after=after, why=why
                )
        total += counts
    remove_files(sessions, files, settings)
    return Due(due.organisation_id, due.programme_id, due.channel_id, due.channel, dict(+total))


def _note_undated(session: Session, ids: list[int]) -> None:
    """A later file doesn't say how old an undated response is, so that it went is kept, under a keyed hash."""
    for row in persons.responses_with(session, ids):
        if row.date is None:
            key = identity_key(keyring_of(session).hashing, row.channel_id, row.identity)
            decisions.decide(session, channel_id=row.channel_id, identity_key=key, erased=True)


def _forget_keys(sessions: Sessions, settings: Settings) -> None:
    """Take away the keys that channels were parted from, those too that a pass was cut off before, and old ones of embeddings."""
    there = {key.family for key in sessions.keyring.all_keys()}
    with sessions.reading() as session:
        families = erasing.keys_to_forget(session) & there
    for family in sorted(families):
        rotating.forget(sessions.keyring, family, data_dir=settings.data_dir)
    rotating.settle_embeddings(sessions.keyring, settings.data_dir)
