"""The event handlers that enter deliveries, keep who is an operator, and forget applications."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from pydantic_core import from_json

from hirewire.contracts.auth import UserBlocked, UserRegistered, UserRoleChanged
from hirewire.contracts.profiles import ProfileUpdated, ResumeUpdated
from hirewire.contracts.vacancies import (
    ApplicationAnonymised,
    ApplicationMessageSent,
    ApplicationStageChanged,
    ApplicationSubmitted,
    EmployerProfileCreated,
    InterviewAbandoned,
    InterviewCancelled,
    InterviewChosen,
    InterviewDeclined,
    InterviewProposed,
    ModerationDecided,
    RecommendationCreated,
    RecommendationWithdrawn,
    VacancyClosed,
    VacancyPaused,
    VacancyPublished,
    VacancyUpdated,
)
from hirewire.messaging.envelope import Received
from hirewire.messaging.event import Event
from hirewire.messaging.transaction import Tx
from hirewire.notifications import restoring
from hirewire.notifications.making import recorded_at
from hirewire.notifications.webhooks import commands, recording, rules
from hirewire.notifications.webhooks.recording import Entry

EVENTS: Sequence[type[Event]] = (
    ApplicationAnonymised,
    ApplicationMessageSent,
    ApplicationStageChanged,
    ApplicationSubmitted,
    EmployerProfileCreated,
    InterviewAbandoned,
    InterviewCancelled,
    InterviewChosen,
    InterviewDeclined,
    InterviewProposed,
    ModerationDecided,
    ProfileUpdated,
    RecommendationCreated,
    RecommendationWithdrawn,
    ResumeUpdated,
    UserBlocked,
    UserRegistered,
    UserRoleChanged,
    VacancyClosed,
    VacancyPaused,
    VacancyPublished,
    VacancyUpdated,
)
"""Those of `rules.FOR_THE_BOARD`."""


async def on_event(tx: Tx, received: Sequence[Received[Any]]) -> None:
    """Enter deliveries of events to the webhooks that are for them. What was recorded before a
    webhook was made is not sent to it.
    """
    type: str = received[0].event.name
    bodies = [from_json(one.event.body()) for one in received]
    companies = [rules.company_of(type, body) for body in bodies]
    known = [one for one in companies if one is not None]
    found = await recording.receivers(tx, type, known)
    held = await restoring.held(tx, received) if found else frozenset()
    await recording.enter(
        tx,
        [
            _entry(one, receiver.id, _passing(one.event, body, receiver.company_id))
            for one, body, company_id in zip(received, bodies, companies, strict=True)
            for receiver in found
            if receiver.company_id in (None, company_id) and receiver.created_at <= recorded_at(one)
        ]
        if found
        else [],
        held={one.original_id for one in received if one.id in held},
    )


async def on_user_role_changed(tx: Tx, received: Received[UserRoleChanged]) -> None:
    """Keep who is an operator. The latest event of a person is the valid one."""
    if not received.late:
        event = received.event
        await commands.set_operator(tx, event.user_id, is_operator=event.role == "admin")


async def on_application_anonymised(tx: Tx, received: Received[ApplicationAnonymised]) -> None:
    """Forget what was sent of the application."""
    event = received.event
    await commands.forget_application(tx, rules.key_of(event.owner, event.key), event.name)


def _passing(
    event: Event, body: Mapping[str, object], company_id: UUID | None
) -> Mapping[str, object]:
    if company_id is not None:
        return rules.for_company(event.name, body)
    fields = type(event).model_fields
    left_out = {fields[name].alias or name for name in event.personal}
    return {name: value for name, value in body.items() if name not in left_out}


def _entry(received: Received[Any], webhook_id: UUID, data: Mapping[str, object]) -> Entry:
    event: Event = received.event
    at = recorded_at(received)
    return Entry(
        webhook_id=webhook_id,
        event_id=received.original_id,
        type=event.name,
        key=rules.key_of(event.owner, received.key),
        position=received.order or 0,
        at=at,
        subject_id=UUID(event.subject) if event.subject else None,
        body=rules.payload(event.name, at, data),
    )
