"""Event handlers of `notifications` for applications and messages."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from hirewire.contracts.vacancies import (
    ApplicationAnonymised,
    ApplicationMessageSent,
    ApplicationStageChanged,
    ApplicationStated,
    ApplicationSubmitted,
    InterviewAbandoned,
    InterviewCancelled,
    InterviewChosen,
    InterviewDeclined,
    InterviewProposed,
)
from hirewire.messaging.envelope import Received
from hirewire.messaging.transaction import Tx
from hirewire.notifications.applications import commands, rules
from hirewire.notifications.applications.rules import (
    ACCOUNT_DELETED,
    InterviewOutcome,
    Known,
    Step,
)
from hirewire.notifications.kinds import MOVED, Side
from hirewire.notifications.making import (
    InterviewTime,
    Subject,
    make,
    make_for_entry,
    make_for_message,
    recorded_at,
)

Event: TypeAlias = ApplicationSubmitted | ApplicationStageChanged | ApplicationMessageSent

InterviewEvent: TypeAlias = (
    InterviewProposed | InterviewChosen | InterviewDeclined | InterviewCancelled
)
InterviewReceived: TypeAlias = (
    Received[InterviewProposed]
    | Received[InterviewChosen]
    | Received[InterviewDeclined]
    | Received[InterviewCancelled]
)
SIDES: tuple[Side, ...] = ("applicant", "employer")
NOBODY = UUID(int=0)
"""Stands for a candidate who is erased."""


async def on_application_submitted(tx: Tx, received: Received[ApplicationSubmitted]) -> None:
    """Notify the company of a response, or that an invitation was accepted."""
    event = received.event
    known = await _known(tx, event)
    if known is None:
        return
    await commands.accept(tx, event.application_id)
    subject = await _subject(tx, event, "employer", Known(is_accepted=True))
    if event.origin == "invitation":
        accepted = replace(subject, detail="accepted")
        await make(tx, received, "application_answered", "employer", accepted)
    else:
        await make(tx, received, "application_received", "employer", subject)


async def on_application_stage_changed(tx: Tx, received: Received[ApplicationStageChanged]) -> None:
    """Notify the other side of an invitation, a move, a withdrawal or a closed vacancy."""
    event = received.event
    known = await _known(tx, event)
    if known is None:
        return
    step = Step(
        event.previous_stage, event.stage, event.applicant_state, event.reason, received.late
    )
    if not received.late:
        await commands.step(tx, event.application_id, event.stage, event.applicant_state)
    outcome = rules.outcome(step, known)
    if outcome is not None:
        subject = await _subject(tx, event, outcome.side, known)
        await make(
            tx, received, outcome.kind, outcome.side, replace(subject, detail=outcome.detail)
        )


async def on_application_message_sent(tx: Tx, received: Received[ApplicationMessageSent]) -> None:
    """Notify the side that did not write the message."""
    event = received.event
    known = await _known(tx, event)
    if known is None:
        return
    side: Side = "applicant" if event.side == "employer" else "employer"
    await make_for_message(tx, received, side, await _subject(tx, event, side, known))


async def on_interview_proposed(tx: Tx, received: Received[InterviewProposed]) -> None:
    """Notify the candidate of times to choose from, and take an agreed one out of the calendar of
    whoever proposed that.
    """
    event = received.event
    former = await commands.employer_of(tx, event.interview_id)
    time = await _stored(
        tx,
        event,
        recorded_at(received),
        "proposed",
        starts_at=event.called_off,
        time_zone=event.time_zone,
        minutes=event.minutes,
    )
    if time is not None:
        detail = MOVED if event.called_off else None
        outcome = InterviewOutcome("interview_proposed", "applicant", detail)
        await _notify(tx, received, outcome, replace(time, starts_at=None))
        if event.called_off and former:
            subject = await _of_interview(tx, event, "employer", MOVED, time)
            await make_for_entry(tx, received, "employer", subject, former)


async def on_interview_chosen(tx: Tx, received: Received[InterviewChosen]) -> None:
    """Notify both sides: the candidate, who has chosen, gets what a calendar needs."""
    event = received.event
    time = await _stored(
        tx,
        event,
        recorded_at(received),
        "chosen",
        starts_at=event.starts_at,
        time_zone=event.time_zone,
        minutes=event.minutes,
        place=event.place,
    )
    if time is not None:
        for side in SIDES:
            await _notify(tx, received, InterviewOutcome("interview_chosen", side), time)


async def on_interview_declined(tx: Tx, received: Received[InterviewDeclined]) -> None:
    """Notify the company that the candidate declines, or wants other times, and take an agreed one
    out of the candidate's calendar.
    """
    event = received.event
    time = await _stored(tx, event, recorded_at(received), "declined", starts_at=event.called_off)
    if time is not None:
        detail = "other_times" if event.wants_other_times else "declined"
        await _notify(
            tx, received, InterviewOutcome("interview_declined", "employer", detail), time
        )
        if event.called_off:
            own = MOVED if event.wants_other_times else "called_off"
            subject = await _of_interview(tx, event, "applicant", own, time)
            await make_for_entry(tx, received, "applicant", subject, event.user_id)


async def on_interview_cancelled(tx: Tx, received: Received[InterviewCancelled]) -> None:
    """Notify the other side that it is called off, or both of an agreed time."""
    event = received.event
    time = await _stored(tx, event, recorded_at(received), "cancelled", starts_at=event.called_off)
    if time is not None:
        was_agreed = event.called_off is not None
        for outcome in rules.of_cancelled(event.side, event.reason, was_agreed=was_agreed):
            await _notify(tx, received, outcome, time)


async def on_interview_abandoned(tx: Tx, received: Received[InterviewAbandoned]) -> None:
    """Notify the company that nobody will come. It may arrive before or after the erasure."""
    event = received.event
    its = commands.Interview(
        id=event.interview_id,
        application_id=event.application_id,
        user_id=None,
        employer_id=event.employer_id,
        version=event.version,
        state="cancelled",
        at=recorded_at(received),
        starts_at=event.called_off,
        time_zone=event.time_zone,
        minutes=event.minutes,
    )
    time = await commands.store_interview(tx, its)
    if time is not None:
        subject = Subject(
            application_id=event.application_id,
            vacancy_id=event.vacancy_id,
            company_id=event.company_id,
            resume_id=None,
            applicant_id=NOBODY,
            detail=ACCOUNT_DELETED,
            interview=time,
        )
        await make(tx, received, "interview_cancelled", "employer", subject)


async def on_application_anonymised(tx: Tx, received: Received[ApplicationAnonymised]) -> None:
    """Forget whose application it was."""
    await commands.anonymise(tx, received.event.application_id, received.event.user_id)


async def on_application_stated(tx: Tx, received: Sequence[Received[ApplicationStated]]) -> None:
    """Store applications that were there before this service."""
    await commands.introduce(tx, [(one.event, one.late) for one in received])


async def _known(tx: Tx, event: Event) -> Known | None:
    return await commands.met(tx, event.application_id, event.resume_id, event.user_id)


async def _stored(
    tx: Tx,
    event: InterviewEvent,
    at: datetime,
    state: str,
    *,
    starts_at: datetime | None = None,
    time_zone: str | None = None,
    minutes: int | None = None,
    place: str | None = None,
) -> InterviewTime | None:
    """What notices say of the interview of an event; None if they say nothing."""
    if await commands.met(tx, event.application_id, event.resume_id, event.user_id) is None:
        return None
    its = commands.Interview(
        id=event.interview_id,
        application_id=event.application_id,
        user_id=event.user_id,
        employer_id=event.employer_id,
        version=event.version,
        state=state,
        at=at,
        starts_at=starts_at,
        time_zone=time_zone,
        minutes=minutes,
        place=place,
    )
    return await commands.store_interview(tx, its)


async def _notify(
    tx: Tx,
    received: InterviewReceived,
    outcome: InterviewOutcome,
    time: InterviewTime,
) -> None:
    subject = await _of_interview(tx, received.event, outcome.side, outcome.detail, time)
    await make(tx, received, outcome.kind, outcome.side, subject)


async def _of_interview(
    tx: Tx, event: InterviewEvent, side: Side, detail: str | None, time: InterviewTime
) -> Subject:
    if side == "applicant":
        title = await commands.title_for_owner(tx, event.resume_id)
    else:
        title = await commands.title_for_company(tx, event.resume_id, is_accepted=True)
    return Subject(
        application_id=event.application_id,
        vacancy_id=event.vacancy_id,
        company_id=event.company_id,
        resume_id=event.resume_id,
        applicant_id=event.user_id,
        resume_title=title,
        detail=detail,
        interview=time,
    )


async def _subject(tx: Tx, event: Event, side: Side, known: Known) -> Subject:
    if side == "applicant":
        title = await commands.title_for_owner(tx, event.resume_id)
    else:
        title = await commands.title_for_company(tx, event.resume_id, is_accepted=known.is_accepted)
    return Subject(
        application_id=event.application_id,
        vacancy_id=event.vacancy_id,
        company_id=event.company_id,
        resume_id=event.resume_id,
        applicant_id=event.user_id,
        resume_title=title,
    )
