"""Routes for vacancies: everybody may read open ones, and their company may change them."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy import Row

from hirewire.kit import rows
from hirewire.kit.clock import now
from hirewire.kit.http import (
    Caller,
    EmailNotVerified,
    Idempotency,
    IdempotencyKey,
    MaybeCaller,
    Once,
    Page,
    PageParams,
    PublicTx,
    RequestTx,
    VerifiedCaller,
    bad_cursor,
    check_verified,
    may_be_operator,
    page_of,
    transactions_of,
)
from hirewire.kit.openapi import refuses
from hirewire.kit.settings import Settings
from hirewire.kit.tokens import Principal
from hirewire.messaging.transaction import Tx
from hirewire.vacancies.adverts import reader
from hirewire.vacancies.adverts.known import DICTIONARIES
from hirewire.vacancies.authority import (
    CompanyInactive,
    NotAnEmployer,
    acting_company,
    require_acting_company,
    require_company,
)
from hirewire.vacancies.errors import NoSuchVacancy, NotShown
from hirewire.vacancies.posting import commands, importing, models, queries
from hirewire.vacancies.posting.presenters import imported, shown_draft
from hirewire.vacancies.presenters import Vacancy, shown_vacancy
from hirewire.vacancies.states import Action

router = APIRouter(prefix="/api/vacancies/vacancies", tags=["vacancies"])

IMPORT_PATH = "/api/vacancies/vacancies/import"
LARGEST_IMPORT = 8 * 1024 * 1024
MOVING = (NotAnEmployer, CompanyInactive, NoSuchVacancy, commands.MoveNotAllowed)
"""The refusals of all changes."""
EMPTY: Mapping[str, object] = {
    "requirements": [],
    "languages": [],
    "response_letter_required": False,
}
"""The stored value of a cleared field, where it is not null."""


@router.post("", status_code=201, responses=refuses(NotAnEmployer, CompanyInactive))
async def create(body: models.NewVacancy, tx: RequestTx, caller: Caller, once: Once) -> Vacancy:
    """Create a draft vacancy."""

    async def make() -> Vacancy:
        company = await require_acting_company(tx, caller, writes=True)
        values = _values(body.model_dump(mode="json"), body)
        id = await commands.create(tx, company, values | {"api_key": caller.key_name})
        return await _answer(tx, id, company)

    return await once(Vacancy, make)


@router.post("/read", responses=refuses(NotAnEmployer))
async def read_advert(body: models.Advert, tx: RequestTx, caller: Caller) -> models.ReadVacancy:
    """Read the text of a job advert, in English or Russian. Nothing is saved.

    The answer is a draft for somebody to check; what was corrected can be created as a vacancy.
    """
    await require_company(tx, caller.user_id)
    draft = await asyncio.to_thread(reader.read, body.text, DICTIONARIES)
    return shown_draft(draft)


@router.post(
    "/import",
    responses=refuses(NotAnEmployer, CompanyInactive, EmailNotVerified, importing.TooManyRows),
)
async def import_(
    body: models.VacancyImport,
    request: Request,
    caller: Caller,
    idempotency_key: IdempotencyKey = None,
) -> models.VacanciesImported:
    """Create and update up to 500 vacancies of your other system, up to 8 MiB.

    A row with a new `externalId` is created. One that is known is updated: fields that are not sent
    stay unchanged. So an import can be repeated. Rows that are wrong do not stop the others; each
    has its answer. Vacancies that were paused or closed stay so.
    """
    if body.publish:
        check_verified(request, caller)
    transactions = transactions_of(request)
    settings: Settings = request.app.state.settings
    async with transactions() as tx:
        company = await require_acting_company(tx, caller, writes=True)
        most = settings.imported_rows_per_hour
        await importing.admit(tx, company, len(body.vacancies), most=most)
    # No transaction is open meanwhile: the markup of 500 rows may take seconds.
    checked = await asyncio.to_thread(rows.checked, models.ImportedVacancy, body.vacancies)
    right = [_incoming(row) for row in rows.right(checked)]
    options = importing.Options(body.publish, body.update)
    async with transactions() as tx:

        async def make() -> models.VacanciesImported:
            company = await require_acting_company(tx, caller, writes=True)
            stored = await importing.store(tx, company, right, options, api_key=caller.key_name)
            return imported(body.vacancies, rows.together(checked, stored))

        once = Idempotency(request, tx, idempotency_key, caller)
        return await once(models.VacanciesImported, make)


@router.get("/overview", responses=refuses(NotAnEmployer, CompanyInactive))
async def overview(
    tx: RequestTx, caller: Caller, page: PageParams, request: Request, response: Response
) -> Page[models.VacancyFigures]:
    """Your company's vacancies with the numbers of applications and matching candidates.

    Vacancies with unread applications come first, then open ones, drafts, paused ones and closed
    ones.
    """
    company = await require_acting_company(tx, caller)
    rows = await queries.overview(
        tx, company, caller.user_id, limit=page.limit + 1, after=_place(page.after)
    )
    places = {row.id: (row.urgency, row.unread, row.id) for row in rows}
    items = [_overview(row) for row in rows]
    return page_of(
        items, page, request, response, models.VacancyFigures, cursor=lambda one: places[one.id]
    )


@router.get("/{id}", responses=refuses(NoSuchVacancy, NotShown, CompanyInactive))
async def read(id: UUID, tx: PublicTx, caller: MaybeCaller, request: Request) -> Vacancy:
    """One vacancy. Only its company sees a draft, and one that is not shown."""
    reader = caller.user_id if caller else None
    company = await _company(tx, caller)
    allowed = may_be_operator(request, caller)
    row = await queries.vacancy_for(tx, id, company, reader, may_be_operator=allowed)
    return _shown(row, company)


@router.patch(
    "/{id}",
    responses=refuses(
        *(*MOVING, commands.Incomplete, commands.TakenDownBefore),
    ),
)
async def change(id: UUID, body: models.VacancyChanges, tx: RequestTx, caller: Caller) -> Vacancy:
    """Update a vacancy. Fields that are not sent stay unchanged."""
    company = await require_acting_company(tx, caller, writes=True)
    values = _values(body.model_dump(mode="json"), body)
    named = {name: values[name] for name in body.model_fields_set}
    await commands.change(tx, company, id, named)
    return await _answer(tx, id, company)


@router.post(
    "/{id}/publish",
    responses=refuses(
        *(*MOVING, commands.Incomplete, commands.Held, commands.TakenDownBefore),
    ),
)
async def publish(id: UUID, tx: RequestTx, caller: VerifiedCaller) -> Vacancy:
    """Publish a vacancy, or resume a paused one."""
    return await _move(tx, caller, id, "publish")


@router.post(
    "/{id}/pause",
    responses=refuses(*MOVING, commands.Held),
)
async def pause(id: UUID, tx: RequestTx, caller: Caller) -> Vacancy:
    """Pause a vacancy: it is removed from the search and accepts no applications."""
    return await _move(tx, caller, id, "pause")


@router.post(
    "/{id}/close",
    responses=refuses(*MOVING),
)
async def close(
    id: UUID, tx: RequestTx, caller: Caller, body: models.Close | None = None
) -> Vacancy:
    """Close a vacancy. Its open applications are closed too."""
    return await _move(tx, caller, id, "close", reason=(body or models.Close()).reason)


@router.post(
    "/{id}/reopen",
    responses=refuses(*MOVING, commands.Held),
)
async def reopen(id: UUID, tx: RequestTx, caller: Caller) -> Vacancy:
    """Reopen a closed vacancy as paused. A deadline in the past is removed."""
    return await _move(tx, caller, id, "reopen")


@router.post(
    "/{id}/copy", status_code=201, responses=refuses(NotAnEmployer, NoSuchVacancy, commands.Held)
)
async def copy(id: UUID, tx: RequestTx, caller: Caller, once: Once) -> Vacancy:
    """Copy a vacancy into a new draft, without its deadline."""

    async def make() -> Vacancy:
        company = await require_company(tx, caller.user_id)
        return await _answer(tx, await commands.copy(tx, company, id), company)

    return await once(Vacancy, make)


@router.post(
    "/{id}/archive",
    responses=refuses(*MOVING),
)
async def archive(id: UUID, tx: RequestTx, caller: Caller) -> Vacancy:
    """Archive a closed vacancy."""
    return await _move(tx, caller, id, "archive")


async def _move(
    tx: Tx, caller: Principal, id: UUID, action: Action, *, reason: str | None = None
) -> Vacancy:
    company = await require_acting_company(tx, caller, writes=True)
    await commands.move(tx, company, id, action, reason=reason)
    return await _answer(tx, id, company)


async def _company(tx: Tx, caller: Principal | None) -> UUID | None:
    return await acting_company(tx, caller) if caller else None


async def _answer(tx: Tx, id: UUID, company: UUID | None) -> Vacancy:
    return _shown(await queries.vacancy_for(tx, id, company), company)


def _shown(row: Row[Any] | None, company: UUID | None) -> Vacancy:
    if row is None:
        raise NoSuchVacancy
    return Vacancy.model_validate(shown_vacancy(row, company))


def _overview(row: Row[Any]) -> models.VacancyFigures:
    is_open = row.status == "published" and row.published_at is not None and not row.held
    days = (now() - row.published_at).days if is_open else None
    return models.VacancyFigures.model_validate(dict(row._mapping) | {"days_open": days})


def _place(after: tuple[str, ...] | None) -> queries.Place | None:
    if after is None:
        return None
    try:
        urgency, unread, id = after
        place = int(urgency), int(unread), UUID(id)
    except ValueError:
        raise bad_cursor() from None
    if not all(0 <= number < 2**31 for number in place[:2]):
        raise bad_cursor()
    return place


def _values(values: Mapping[str, object], body: models.VacancyChanges) -> dict[str, object]:
    """Column values from a body: JSON except for the date. Cleared fields get those of `EMPTY`."""
    cleared = {name: EMPTY[name] for name in EMPTY if values[name] is None}
    return {**values} | cleared | {"valid_through": body.valid_through}


def _incoming(row: models.ImportedVacancy) -> importing.Incoming:
    values = _values(row.model_dump(mode="json", exclude={"external_id"}), row)
    return importing.Incoming(row.external_id, values, row.model_fields_set - {"external_id"})
