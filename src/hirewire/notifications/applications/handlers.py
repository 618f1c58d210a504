"""Event handlers of `notifications` for applications and messages."""

from dataclasses import replace
from typing import TypeAlias

from hirewire.contracts.vacancies import (
    ApplicationAnonymised,
    ApplicationMessageSent,
    ApplicationStageChanged,
    ApplicationStated,
    ApplicationSubmitted,
)
from hirewire.messaging.envelope import Received
from hirewire.messaging.transaction import Tx
from hirewire.notifications.applications import commands, rules
from hirewire.notifications.applications.rules import Known, Step
from hirewire.notifications.kinds import Side
from hirewire.notifications.making import Subject, make, make_for_message

Event: TypeAlias = (
    ApplicationSubmitted | ApplicationStageChanged | ApplicationMessageSent | ApplicationStated
)


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


async def on_application_anonymised(tx: Tx, received: Received[ApplicationAnonymised]) -> None:
    """Forget whose application it was."""
    await commands.anonymise(tx, received.event.application_id, received.event.user_id)


async def on_application_stated(tx: Tx, received: Received[ApplicationStated]) -> None:
    """Store an application whose other events are no longer in the log."""
    event = received.event
    if await _known(tx, event) is None:
        return
    if event.submitted_at is not None:
        await commands.accept(tx, event.application_id)
    if not received.late:
        await commands.step(tx, event.application_id, event.stage, event.applicant_state)


async def _known(tx: Tx, event: Event) -> Known | None:
    return await commands.met(tx, event.application_id, event.resume_id, event.user_id)


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
