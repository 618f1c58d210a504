"""Routes for old resumes of the caller."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter

from hirewire.kit.http import Caller, RequestTx
from hirewire.kit.models import Answer
from hirewire.kit.retention import ASKED_BEFORE, MARGIN
from hirewire.profiles.retention import commands, queries

router = APIRouter(prefix="/api/profiles/retention", tags=["retention"])


class OldResume(Answer):
    """A resume that will be deleted, unless it is edited or kept."""

    id: UUID
    title: str | None
    deleted_after: datetime


class OldResumes(Answer):
    """The resumes that you were asked about by mail."""

    items: list[OldResume]


@router.get("")
async def listed(tx: RequestTx, caller: Caller) -> OldResumes:
    """Your resumes that will be deleted because nobody has touched them for a long time."""
    rows = await queries.asked_of(tx, caller.user_id)
    return OldResumes(
        items=[
            OldResume(
                id=row.id, title=row.title, deleted_after=row.notified_at + ASKED_BEFORE + MARGIN
            )
            for row in rows
        ]
    )


@router.post("/keep", status_code=204)
async def keep(tx: RequestTx, caller: Caller) -> None:
    """Keep them all, as if they had been edited now."""
    await commands.keep(tx, caller.user_id)
