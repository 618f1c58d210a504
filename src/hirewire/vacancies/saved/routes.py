"""Routes for saving vacancies, and for the list of saved ones."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy import Row

from hirewire.kit.http import Caller, Page, PageParams, RequestTx, page_of, place_in_time
from hirewire.kit.models import Answer
from hirewire.kit.openapi import refuses
from hirewire.vacancies.authority import company_of
from hirewire.vacancies.errors import NoSuchVacancy
from hirewire.vacancies.presenters import Vacancy, shown_vacancy
from hirewire.vacancies.saved import commands, queries

router = APIRouter(prefix="/api/vacancies", tags=["saved"])


NOT_SHOWN: Mapping[str, object] = {
    **dict.fromkeys(("experience", "employment_type", "work_format", "area", "address", "salary")),
    **dict.fromkeys(("company_logo", "held", "valid_through", "close_reason")),
    **dict.fromkeys(("requirements", "languages"), ()),
    "status": "not_shown",
}
"""The fields of a vacancy that is held, for everybody but its employer."""


class SavedVacancy(Answer):
    """A saved vacancy in its current status, without the description."""

    saved_at: datetime
    vacancy: Vacancy


@router.get("/saved")
async def saved(
    tx: RequestTx, caller: Caller, page: PageParams, request: Request, response: Response
) -> Page[SavedVacancy]:
    """Your saved vacancies, most recently saved first. Closed ones stay until you remove them.

    One that is not shown any more has the status `not_shown`, and only its title and company.
    """
    rows = await queries.saved_vacancies(
        tx, caller.user_id, limit=page.limit + 1, after=place_in_time(page.after)
    )
    company = await company_of(tx, caller.user_id)
    return page_of(
        [_shown(row, company) for row in rows],
        page,
        request,
        response,
        SavedVacancy,
        cursor=lambda one: (one.saved_at, one.vacancy.id),
    )


@router.put(
    "/vacancies/{id}/saved",
    status_code=204,
    responses=refuses(NoSuchVacancy, commands.TooManySaved),
)
async def save(id: UUID, tx: RequestTx, caller: Caller) -> None:
    """Save a vacancy for later. Only you can see it."""
    await commands.save(tx, caller.user_id, id)


@router.delete("/vacancies/{id}/saved", status_code=204)
async def remove(id: UUID, tx: RequestTx, caller: Caller) -> None:
    """Remove a vacancy from your saved ones."""
    await commands.remove(tx, caller.user_id, id)


def _shown(row: Row[Any], company: UUID | None) -> SavedVacancy:
    shown = shown_vacancy(row, company) | {"description": None, "saved": True}
    if row.held and row.company_id != company:
        shown |= NOT_SHOWN
    return SavedVacancy(saved_at=row.saved_at, vacancy=Vacancy.model_validate(shown))
