"""What `profiles` hears about who may read a resume."""

from hirewire.contracts.vacancies import (
    ApplicationStageChanged,
    ApplicationSubmitted,
    EmployerProfileCreated,
)
from hirewire.messaging.envelope import Received
from hirewire.messaging.transaction import Tx
from hirewire.profiles.readers import commands, rules
from hirewire.profiles.readers.commands import Application


async def on_employer_profile_created(tx: Tx, received: Received[EmployerProfileCreated]) -> None:
    """This person acts for this company from now on."""
    event = received.event
    await commands.take_on(tx, event.user_id, event.company_id, event.company_name, received.late)


async def on_application_submitted(tx: Tx, received: Received[ApplicationSubmitted]) -> None:
    """The resume, with name and contacts, is open to this company from now on."""
    await commands.open_resume(tx, _application(received.event))


async def on_application_stage_changed(tx: Tx, received: Received[ApplicationStageChanged]) -> None:
    """An application that ends leaves its company with what it had; one that is open opens the
    resume, also to a service that has not heard of its submission.
    """
    event = received.event
    effect = rules.effect_of(event.stage, event.applicant_state)
    if effect == "opens":
        await commands.open_resume(tx, _application(event))
    elif effect is not None:
        await commands.end(tx, _application(event), withdrawn=effect == "withdraws")


def _application(event: ApplicationSubmitted | ApplicationStageChanged) -> Application:
    return Application(event.application_id, event.resume_id, event.user_id, event.company_id)
