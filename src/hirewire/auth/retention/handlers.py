"""Event handlers of `auth` for old data of other services."""

from hirewire.auth.retention import commands
from hirewire.contracts.profiles import ResumesRetentionDue
from hirewire.contracts.vacancies import ApplicationsRetentionDue
from hirewire.messaging.envelope import Received
from hirewire.messaging.transaction import Tx


async def on_resumes_retention_due(tx: Tx, received: Received[ResumesRetentionDue]) -> None:
    """Ask the owner of old resumes."""
    event = received.event
    await commands.ask(tx, "retention_resumes", event.notice_id, event.user_id)


async def on_applications_retention_due(
    tx: Tx, received: Received[ApplicationsRetentionDue]
) -> None:
    """Ask the applicant of old applications."""
    event = received.event
    await commands.ask(tx, "retention_applications", event.notice_id, event.user_id)
