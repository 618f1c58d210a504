"""Routes for old applications of the caller."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter

from hirewire.kit.http import Caller, RequestTx
from hirewire.kit.models import Answer
from hirewire.kit.retention import ASKED_BEFORE, MARGIN
from hirewire.vacancies.retention import commands, queries

router = APIRouter(prefix="/api/vacancies/retention", tags=["retention"])


class OldApplication(Answer):
    """An application that will be anonymised, unless it is kept."""

    id: UUID
    vacancy_title: str
    company_name: str
    deleted_after: datetime


class OldApplications(Answer):
    """The applications that you were asked about by mail."""

    items: list[OldApplication]


@router.get("")
async def listed(tx: RequestTx, caller: Caller) -> OldApplications:
    """Your applications that will be anonymised because they ended long ago."""
    rows = await queries.asked_of(tx, caller.user_id)
    return OldApplications(
        items=[
            OldApplication(
                id=row.id,
                vacancy_title=row.title,
                company_name=row.name,
                deleted_after=row.notified_at + ASKED_BEFORE + MARGIN,
            )
            for row in rows
        ]
    )


@router.post("/keep", status_code=204)
async def keep(tx: RequestTx, caller: Caller) -> None:
    """Keep them all."""
    await commands.keep(tx, caller.user_id)
