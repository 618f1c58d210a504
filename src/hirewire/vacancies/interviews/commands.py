"""Commands of interviews. Each holds the lock of the application, and then that of the interview:
whatever two people do at once, one of them finds what the other has done.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, literal_column, select, update

from hirewire.contracts.vacancies import InterviewChosen, InterviewDeclined, InterviewProposed
from hirewire.kit.clock import now
from hirewire.kit.db import among
from hirewire.kit.errors import FieldError, Invalid
from hirewire.messaging.ids import new_id
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.transaction import Tx
from hirewire.vacancies.errors import NoSuchApplication, OtherSide
from hirewire.vacancies.interview_ends import cancelled, whose
from hirewire.vacancies.interviews import rules
from hirewire.vacancies.interviews.errors import (
    ActNotAllowed,
    ChangedMeanwhile,
    NoSuchInterview,
    NotYet,
    OneAtATime,
    TooManyInterviews,
)
from hirewire.vacancies.interviews.rules import Act, Standing
from hirewire.vacancies.interviews.times import Slot, in_the_past, moments_of
from hirewire.vacancies.parties import Asker, Party
from hirewire.vacancies.tables import OPEN, application, interview

AT_ONCE = 100
"""The number of proposals that expire in one transaction."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What an employer proposes."""

    slots: Sequence[Slot]
    time_zone: str
    minutes: int
    place: str | None
    note: str | None


async def propose(tx: Tx, asker: Asker, application_id: UUID, given: Proposal) -> UUID:
    """Propose an interview for an application; returns its id. Records `InterviewProposed`.

    Raises `NoSuchApplication`, `OtherSide`, `NotYet`, `OneAtATime`, `TooManyInterviews`, and
    `Invalid` for times that cannot be.
    """
    of = await _application(tx, asker, application_id, "employer")
    _require_open(of)
    its, moment = interview.c, now()
    mine = select(interview).where(its.application_id == application_id).with_for_update()
    before = (await tx.execute(mine)).all()
    if any(rules.is_ahead(standing_of(row), moment) for row in before):
        raise OneAtATime
    if len(before) >= rules.MOST_INTERVIEWS:
        raise TooManyInterviews
    slots = moments_of(given.slots, given.time_zone, moment)
    values = _proposed(given, slots, asker.user_id)
    made = await tx.execute(
        insert(interview)
        .values(id=new_id(), application_id=application_id, version=1, created_at=moment, **values)
        .returning(interview)
    )
    row = made.one()
    await _news(tx, application_id, "applicant")
    _record_proposal(tx, row, of, None)
    return UUID(str(row.id))


async def move(tx: Tx, asker: Asker, id: UUID, version: int, given: Proposal) -> None:
    """Propose other times. What was agreed holds no more. Records `InterviewProposed`.

    Raises `NoSuchInterview`, `OtherSide`, `ActNotAllowed`, `ChangedMeanwhile`, `NotYet`,
    `OneAtATime`, `TooManyInterviews`, and `Invalid` for times that cannot be.
    """
    before, of = await _locked(tx, asker, id, "propose")
    _require_open(of)
    _require(before, "employer", "propose")
    _require_version(before, version)
    if before.version >= rules.MOST_CHANGES:
        raise TooManyInterviews
    its, moment = interview.c, now()
    others = select(interview).where(its.application_id == of.id, its.id != id)
    if any(rules.is_ahead(standing_of(row), moment) for row in await tx.execute(others)):
        raise OneAtATime
    values = _proposed(given, moments_of(given.slots, given.time_zone, moment), asker.user_id)
    row = await _set(tx, id, **values, starts_at=None, reply=None)
    await _news(tx, of.id, "applicant")
    _record_proposal(tx, row, of, before.starts_at)


async def choose(tx: Tx, asker: Asker, id: UUID, version: int, start: datetime) -> None:
    """Choose one of the times. Records `InterviewChosen`; to repeat it changes nothing.

    Raises `NoSuchInterview`, `OtherSide`, `ActNotAllowed`, `ChangedMeanwhile`, `NotYet`, and
    `Invalid` for a time that was not proposed, or has passed.
    """
    before, of = await _locked(tx, asker, id, "choose")
    start = start if start.tzinfo else start.replace(tzinfo=UTC)
    if before.state == "chosen" and before.starts_at == start:
        return
    _require(before, "applicant", "choose")
    _require_version(before, version)
    _require_open(of)
    slot = next((one for one in before.slots if one == start), None)
    if slot is None:
        raise Invalid(
            errors=[FieldError("#/start", "not one of the proposed times", "not_proposed")]
        )
    if slot <= now():
        raise Invalid(errors=[in_the_past("#/start")])
    row = await _set(tx, id, state="chosen", starts_at=slot, reply=None)
    await _news(tx, of.id, "employer")
    event = InterviewChosen(
        **whose(row, of),
        time_zone=row.time_zone,
        minutes=row.minutes,
        starts_at=slot,
        place=row.place,
    )
    record(tx, event)


async def decline(
    tx: Tx, asker: Asker, id: UUID, version: int, reply: str | None, *, wants_other_times: bool
) -> None:
    """Decline an interview, or ask for other times. Records `InterviewDeclined`.

    Raises `NoSuchInterview`, `OtherSide`, `ActNotAllowed`, `ChangedMeanwhile`.
    """
    act: Act = "ask" if wants_other_times else "decline"
    before, of = await _locked(tx, asker, id, act)
    if _is_done(before, "applicant", act, reply):
        return
    state = _require(before, "applicant", act)
    _require_version(before, version)
    row = await _set(tx, id, state=state, starts_at=None, reply=reply)
    await _news(tx, of.id, "employer")
    event = InterviewDeclined(
        **whose(row, of), wants_other_times=wants_other_times, called_off=before.starts_at
    )
    record(tx, event)


async def cancel(tx: Tx, asker: Asker, id: UUID, version: int, reply: str | None) -> None:
    """Call an interview off. Records `InterviewCancelled`; to repeat it changes nothing.

    Raises `NoSuchInterview`, `ActNotAllowed`, `ChangedMeanwhile`.
    """
    before, of = await _locked(tx, asker, id, "cancel")
    party = _party(asker, of)
    if _is_done(before, party, "cancel", reply):
        return
    _require(before, party, "cancel")
    _require_version(before, version)
    row = await _set(tx, id, state="cancelled", cancelled_by=party, reply=reply)
    await _news(tx, of.id, "applicant" if party == "employer" else "employer")
    cancelled(tx, row, of, party, "called_off", before.starts_at)


async def expire(tx: Tx) -> bool:
    """Let some proposals expire whose last time has passed. True if there may be more.

    An application that somebody holds is left for the next time.
    """
    its = interview.c
    due = select(its.id, its.application_id).where(its.state == "proposed", its.last_at <= now())
    found = (await tx.execute(due.order_by(its.last_at).limit(AT_ONCE))).all()
    if not found:
        return False
    of = select(application).where(among(application.c.id, {row.application_id for row in found}))
    locked = await tx.execute(of.order_by(application.c.id).with_for_update(skip_locked=True))
    applications = {row.id: row for row in locked}
    ids = [row.id for row in found if row.application_id in applications]
    changed = await tx.execute(
        update(interview)
        .where(among(its.id, ids), its.state == "proposed", its.last_at <= now())
        .values(state="expired", version=its.version + 1, updated_at=now())
        .returning(interview)
    )
    rows = changed.all()
    for row in rows:
        cancelled(tx, row, applications[row.application_id], "system", "expired", None)
    return bool(rows) and len(found) == AT_ONCE


async def erase(tx: Tx, user_id: UUID) -> int:
    """Forget who proposed an interview for a company, and their notes; returns how many rows.

    The interviews of an applicant go with the application. The place is the company's.
    """
    changed = await tx.execute(
        update(interview)
        .where(interview.c.proposed_by == user_id)
        .values(proposed_by=None, note=None)
    )
    return changed.rowcount


def standing_of(row: Row[Any]) -> Standing:
    """How the interview in this row stands."""
    return Standing(row.state, row.last_at, row.starts_at)


def _proposed(given: Proposal, slots: list[datetime], user_id: UUID) -> Mapping[str, object]:
    return {
        "state": "proposed",
        "slots": slots,
        "last_at": slots[-1],
        "time_zone": given.time_zone,
        "minutes": given.minutes,
        "place": given.place,
        "note": given.note,
        "proposed_by": user_id,
        "updated_at": now(),
    }


def _record_proposal(tx: Tx, row: Row[Any], of: Row[Any], called_off: datetime | None) -> None:
    event = InterviewProposed(
        **whose(row, of),
        time_zone=row.time_zone,
        minutes=row.minutes,
        slots=row.slots,
        called_off=called_off,
    )
    record(tx, event)


async def _application(tx: Tx, asker: Asker, id: UUID, party: Party) -> Row[Any]:
    """The application, locked, if the asker is on this side of it."""
    chosen = select(application, literal_column(OPEN).label("is_open"))
    found = await tx.execute(chosen.where(application.c.id == id).with_for_update())
    row = found.first()
    own = asker.party(row.user_id, row.company_id) if row is not None else None
    if row is None or own is None:
        raise NoSuchApplication
    if own != party:
        raise OtherSide
    return row


async def _locked(tx: Tx, asker: Asker, id: UUID, act: Act) -> tuple[Row[Any], Row[Any]]:
    """The interview and its application, both locked, if the asker's side has this act at all."""
    its = interview.c
    of = (await tx.execute(select(its.application_id).where(its.id == id))).scalar()
    if of is None:
        raise NoSuchInterview
    chosen = select(application, literal_column(OPEN).label("is_open"))
    found = await tx.execute(chosen.where(application.c.id == of).with_for_update())
    parent = found.one()
    party = asker.party(parent.user_id, parent.company_id)
    if party is None:
        raise NoSuchInterview
    if not any((party, act) in after for after in rules.AFTER.values()):
        raise OtherSide
    locked = await tx.execute(select(interview).where(its.id == id).with_for_update())
    row = locked.first()
    if row is None:  # the application has become nameless meanwhile
        raise NoSuchInterview
    return row, parent


def _party(asker: Asker, of: Row[Any]) -> Party:
    party = asker.party(of.user_id, of.company_id)
    if party is None:
        raise NoSuchInterview
    return party


def _require_open(of: Row[Any]) -> None:
    if not of.is_open or of.accepted_at is None:
        raise NotYet


def _require(row: Row[Any], party: Party, act: Act) -> rules.State:
    allowed = rules.moves(standing_of(row), party, now())
    if act not in allowed:
        raise ActNotAllowed(extra={"allowed": list(allowed)})
    return allowed[act]


def _is_done(row: Row[Any], party: Party, act: Act, reply: str | None) -> bool:
    """Whether this side has done and said just this before, and nothing has happened since."""
    if row.state == "cancelled" and row.cancelled_by != party:
        return False
    return rules.DONE.get((row.state, party)) == act and row.reply == reply


def _require_version(row: Row[Any], version: int) -> None:
    if row.version != version:
        raise ChangedMeanwhile(extra={"version": row.version})


async def _set(tx: Tx, id: UUID, **values: Any) -> Row[Any]:
    changed = await tx.execute(
        update(interview)
        .where(interview.c.id == id)
        .values(**{"version": interview.c.version + 1, "updated_at": now(), **values})
        .returning(interview)
    )
    row: Row[Any] = changed.one()
    return row


async def _news(tx: Tx, id: UUID, party: Party) -> None:
    """Count one more unread change for this side. The caller holds the application's lock."""
    news = application.c[f"{party}_news"]
    await tx.execute(update(application).where(application.c.id == id).values({news: news + 1}))
