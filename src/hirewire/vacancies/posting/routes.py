"""Vacancies: open to all to read, and to their company to change."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter

from hirewire.kit.http import Caller, MaybeCaller, Once, RequestTx
from hirewire.kit.openapi import refuses
from hirewire.kit.tokens import Principal
from hirewire.messaging.transaction import Tx
from hirewire.vacancies.authority import NotAnEmployer, company_of, require_company
from hirewire.vacancies.posting import commands, models, queries
from hirewire.vacancies.posting.commands import NoSuchVacancy
from hirewire.vacancies.showing import Vacancy, shown_vacancy
from hirewire.vacancies.states import Action

router = APIRouter(prefix="/api/vacancies/vacancies", tags=["vacancies"])

EMPTY: dict[str, Any] = {"requirements": [], "languages": [], "response_letter_required": False}
"""What a cleared field holds where it is not null."""


@router.post("", status_code=201, responses=refuses(NotAnEmployer))
async def create(body: models.NewVacancy, tx: RequestTx, caller: Caller, once: Once) -> Vacancy:
    """Draft a vacancy."""

    async def make() -> Vacancy:
        company = await require_company(tx, caller.user_id)
        values = _values(body.model_dump(mode="json"), body)
        id = await commands.create(tx, company, values)
        return await _answer(tx, id, company)

    return await once(Vacancy, make)


@router.get("/{id}", responses=refuses(NoSuchVacancy))
async def read(id: UUID, tx: RequestTx, caller: MaybeCaller) -> Vacancy:
    """One vacancy; a draft is there for its company only."""
    return await _answer(tx, id, await _company(tx, caller))


@router.patch(
    "/{id}",
    responses=refuses(NotAnEmployer, NoSuchVacancy, commands.MoveNotAllowed, commands.Incomplete),
)
async def change(id: UUID, body: models.VacancyChanges, tx: RequestTx, caller: Caller) -> Vacancy:
    """Change it: what is not named stays as it is."""
    company = await require_company(tx, caller.user_id)
    values = _values(body.model_dump(mode="json"), body)
    named = {name: values[name] for name in body.model_fields_set}
    await commands.change(tx, company, id, named)
    return await _answer(tx, id, company)


@router.post(
    "/{id}/publish",
    responses=refuses(NotAnEmployer, NoSuchVacancy, commands.MoveNotAllowed, commands.Incomplete),
)
async def publish(id: UUID, tx: RequestTx, caller: Caller) -> Vacancy:
    """Open it to applicants, for the first time or again."""
    return await _move(tx, caller, id, "publish")


@router.post(
    "/{id}/pause", responses=refuses(NotAnEmployer, NoSuchVacancy, commands.MoveNotAllowed)
)
async def pause(id: UUID, tx: RequestTx, caller: Caller) -> Vacancy:
    """Take it off the list for a while."""
    return await _move(tx, caller, id, "pause")


@router.post(
    "/{id}/close", responses=refuses(NotAnEmployer, NoSuchVacancy, commands.MoveNotAllowed)
)
async def close(
    id: UUID, tx: RequestTx, caller: Caller, body: models.Close | None = None
) -> Vacancy:
    """Take no more applications; those that are open are answered."""
    return await _move(tx, caller, id, "close", reason=(body or models.Close()).reason)


@router.post(
    "/{id}/reopen", responses=refuses(NotAnEmployer, NoSuchVacancy, commands.MoveNotAllowed)
)
async def reopen(id: UUID, tx: RequestTx, caller: Caller) -> Vacancy:
    """Open a closed one again: paused, until it is published. A last day that has passed goes."""
    return await _move(tx, caller, id, "reopen")


@router.post("/{id}/copy", status_code=201, responses=refuses(NotAnEmployer, NoSuchVacancy))
async def copy(id: UUID, tx: RequestTx, caller: Caller, once: Once) -> Vacancy:
    """A new draft with the content of this one, but for its last day."""

    async def make() -> Vacancy:
        company = await require_company(tx, caller.user_id)
        return await _answer(tx, await commands.copy(tx, company, id), company)

    return await once(Vacancy, make)


@router.post(
    "/{id}/archive", responses=refuses(NotAnEmployer, NoSuchVacancy, commands.MoveNotAllowed)
)
async def archive(id: UUID, tx: RequestTx, caller: Caller) -> Vacancy:
    """Put a closed one away."""
    return await _move(tx, caller, id, "archive")


async def _move(
    tx: Tx, caller: Principal, id: UUID, action: Action, *, reason: str | None = None
) -> Vacancy:
    company = await require_company(tx, caller.user_id)
    await commands.move(tx, company, id, action, reason=reason)
    return await _answer(tx, id, company)


async def _company(tx: Tx, caller: Principal | None) -> UUID | None:
    return await company_of(tx, caller.user_id) if caller else None


async def _answer(tx: Tx, id: UUID, company: UUID | None) -> Vacancy:
    row = await queries.vacancy_for(tx, id, company)
    if row is None:
        raise NoSuchVacancy
    return Vacancy.model_validate(shown_vacancy(row, company))


def _values(values: dict[str, Any], body: models.VacancyChanges) -> dict[str, Any]:
    """Columns from a body: JSON everywhere but in the date; what is cleared is empty."""
    cleared = {name: EMPTY[name] for name in EMPTY if values[name] is None}
    return values | cleared | {"valid_through": body.valid_through}
