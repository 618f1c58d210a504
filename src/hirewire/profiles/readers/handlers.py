"""Event handlers of `profiles` that decide which companies may read a resume."""

from hirewire.contracts.vacancies import (
    ApplicationAnonymised,
    ApplicationStageChanged,
    ApplicationSubmitted,
    EmployerProfileCreated,
)
from hirewire.messaging.envelope import Received
from hirewire.messaging.transaction import Tx
from hirewire.profiles.readers import commands, rules
from hirewire.profiles.readers.commands import Application


async def on_employer_profile_created(tx: Tx, received: Received[EmployerProfileCreated]) -> None:
    """Record the company that the user acts for."""
    event = received.event
    await commands.take_on(tx, event.user_id, event.company_id, event.company_name, received.late)


async def on_application_submitted(tx: Tx, received: Received[ApplicationSubmitted]) -> None:
    """Open the resume, with name and contacts, to the company."""
    await commands.open_resume(tx, _application(received.event))


async def on_application_anonymised(tx: Tx, received: Received[ApplicationAnonymised]) -> None:
    """Delete the copy of the resume that the company kept with this application."""
    await commands.forget_application(tx, received.event.application_id)


async def on_application_stage_changed(tx: Tx, received: Received[ApplicationStageChanged]) -> None:
    """Open the resume while the application is open, and end the company's access when it ends.

    An open application opens the resume even if its submission has not been consumed.
    """
    event = received.event
    effect = rules.effect_of(event.stage, event.applicant_state)
    if effect == "opens":
        await commands.open_resume(tx, _application(event))
    elif effect is not None:
        await commands.end(tx, _application(event), withdrawn=effect == "withdraws")


def _application(event: ApplicationSubmitted | ApplicationStageChanged) -> Application:
    return Application(event.application_id, event.resume_id, event.user_id, event.company_id)
