"""What `profiles` hears about who may read a resume."""

from hirewire.contracts.vacancies import ApplicationSubmitted, EmployerProfileCreated
from hirewire.messaging.envelope import Received
from hirewire.messaging.outbox import Tx
from hirewire.profiles.readers import commands


async def on_employer_profile_created(tx: Tx, heard: Received[EmployerProfileCreated]) -> None:
    """This person acts for this company from now on."""
    event = heard.event
    await commands.take_on(tx, event.user_id, event.company_id, event.company_name, heard.late)


async def on_application_submitted(tx: Tx, heard: Received[ApplicationSubmitted]) -> None:
    """The resume, with name and contacts, is open to this company from now on."""
    event = heard.event
    await commands.open_resume(tx, event.resume_id, event.user_id, event.company_id)
