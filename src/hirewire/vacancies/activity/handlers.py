"""Event handlers of `vacancies` for candidates' activity."""

from collections.abc import Sequence

from hirewire.contracts.profiles import ResumeUpdated
from hirewire.messaging.envelope import Received
from hirewire.messaging.retry import Reject
from hirewire.messaging.transaction import Tx
from hirewire.vacancies.activity import commands
from hirewire.vacancies.activity.rules import HIGHEST_VERSION


async def on_resume_updated(tx: Tx, received: Sequence[Received[ResumeUpdated]]) -> None:
    """Record the activity for employers and store the newest version of the resume."""
    for one in received:
        if one.event.version is not None and not 0 <= one.event.version <= HIGHEST_VERSION:
            raise Reject(f"version: not from 0 to {HIGHEST_VERSION}")
    await commands.note(tx, received)
