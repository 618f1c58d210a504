"""What `vacancies` hears about candidates."""

from collections.abc import Sequence

from hirewire.contracts.profiles import ResumeUpdated
from hirewire.messaging.envelope import Received
from hirewire.messaging.outbox import Tx
from hirewire.vacancies.activity import commands


async def on_resume_updated(tx: Tx, heard: Sequence[Received[ResumeUpdated]]) -> None:
    """Employers see what candidates do; of each resume the newest version is kept."""
    await commands.note(tx, heard)
    await commands.project(tx, heard)
