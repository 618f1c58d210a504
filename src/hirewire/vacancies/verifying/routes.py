"""Routes for verifying companies: by their own people with a code, and by operators."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from hirewire.kit.audit_log import Reason
from hirewire.kit.errors import NotAnOperator
from hirewire.kit.http import (
    Caller,
    OperatorCaller,
    Page,
    PageParams,
    RequestTx,
    VerifiedCaller,
    language_of,
    page_of,
    place_in_time,
    transactions_of,
)
from hirewire.kit.models import Answer, Body
from hirewire.kit.openapi import refuses
from hirewire.vacancies.authority import NotAnEmployer, require_company, require_operator
from hirewire.vacancies.verifying import commands, queries

router = APIRouter(prefix="/api/vacancies", tags=["verification"])


class AddressOfCompany(Body):
    """An address at the domain of the company's website."""

    address: Annotated[str, Field(max_length=254, json_schema_extra={"format": "email"})]


class CodeOfCompany(Body):
    """The code of the mail."""

    code: Annotated[str, Field(max_length=100, repr=False)]


class CompanyLine(Answer):
    """A company, as operators see it."""

    id: UUID
    name: str
    site: str | None
    created_at: datetime
    verified_at: datetime | None
    verified_by: str | None
    verified_domain: str | None
    taken_down: bool


@router.post(
    "/employer-profile/verification",
    status_code=202,
    responses=refuses(NotAnEmployer, commands.NoOwnDomain, commands.TooManyCompanyCodes),
)
async def send_code(
    body: AddressOfCompany, tx: RequestTx, caller: VerifiedCaller, request: Request
) -> None:
    """Mail a code to an address at the domain of the company's website.

    Five an hour. Domains where everybody gets an address are refused.
    """
    company = await require_company(tx, caller.user_id)
    language = language_of(request)
    await commands.send_code(tx, company, caller.user_id, body.address, language)


@router.post(
    "/employer-profile/verification/code",
    status_code=204,
    responses=refuses(NotAnEmployer, commands.WrongCompanyCode),
)
async def confirm(body: CodeOfCompany, caller: Caller, request: Request) -> None:
    """Verify the company with the code. It works for 30 minutes, until five wrong ones."""
    async with transactions_of(request)() as tx:
        company = await require_company(tx, caller.user_id)
        is_right = await commands.confirm(tx, company, "".join(body.code.split()))
    if not is_right:
        raise commands.WrongCompanyCode


@router.get("/admin/companies", responses=refuses(NotAnOperator))
async def companies(
    tx: RequestTx,
    caller: OperatorCaller,
    page: PageParams,
    request: Request,
    response: Response,
    q: Annotated[str, Query(max_length=200)] = "",
) -> Page[CompanyLine]:
    """For operators: companies by a part of their name, the newest first."""
    await require_operator(tx, caller.user_id)
    rows = await queries.newest(
        tx, " ".join(q.split()), limit=page.limit + 1, after=place_in_time(page.after)
    )
    return page_of(
        rows, page, request, response, CompanyLine, cursor=lambda row: (row.created_at, row.id)
    )


@router.get("/admin/companies/{id}", responses=refuses(NotAnOperator, commands.NoSuchCompany))
async def company(id: UUID, tx: RequestTx, caller: OperatorCaller) -> CompanyLine:
    """For operators: a company."""
    await require_operator(tx, caller.user_id)
    row = await queries.one(tx, id)
    if row is None:
        raise commands.NoSuchCompany
    return CompanyLine.model_validate(row)


@router.post(
    "/admin/companies/{id}/verify",
    status_code=204,
    responses=refuses(NotAnOperator, commands.NoSuchCompany, commands.NotChanged),
)
async def verify(id: UUID, body: Reason, tx: RequestTx, caller: OperatorCaller) -> None:
    """For operators: verify a company by hand."""
    await require_operator(tx, caller.user_id)
    await commands.verify_by_hand(tx, caller.user_id, id, body.why)


@router.post(
    "/admin/companies/{id}/unverify",
    status_code=204,
    responses=refuses(NotAnOperator, commands.NoSuchCompany, commands.NotChanged),
)
async def unverify(id: UUID, body: Reason, tx: RequestTx, caller: OperatorCaller) -> None:
    """For operators: end the verification of a company."""
    await require_operator(tx, caller.user_id)
    await commands.revoke(tx, caller.user_id, id, body.why)
