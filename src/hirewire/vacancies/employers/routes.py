"""Becoming an employer, with the session one has."""

import re
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AfterValidator, Field

from hirewire.kit.errors import NotFound
from hirewire.kit.http import Caller, MaybeCaller, Once, RequestTx
from hirewire.kit.models import Answer, Body, text
from hirewire.kit.openapi import refuses
from hirewire.vacancies.employers import commands, queries

router = APIRouter(prefix="/api/vacancies", tags=["employers"])


PHONE = r"^[\s().-]*(\+[\s().-]*)?([0-9][\s().-]*){5,20}$"
"""The same as `_phone` says, for the OpenAPI document."""


def _phone(value: str) -> str:
    digits = re.sub(r"[\s().-]", "", value)
    if not re.fullmatch(r"\+?[0-9]{5,20}", digits):
        raise ValueError("must be 5 to 20 digits, with the usual punctuation")
    return " ".join(value.split())


class NewEmployerProfile(Body):
    """For whom one hires, and how to call."""

    company_name: Annotated[str, text(1, 200)]
    phone: (
        Annotated[
            str, text(1, 40), AfterValidator(_phone), Field(json_schema_extra={"pattern": PHONE})
        ]
        | None
    ) = None


class EmployerProfileMade(Answer):
    """Who acts for which company."""

    user_id: UUID
    company_id: UUID


class EmployerProfile(EmployerProfileMade):
    """One's own employer profile."""

    company_name: str
    phone: str | None


class Company(Answer):
    """A company that hires here."""

    id: UUID
    name: str


class Companies(Answer):
    """Companies, the nearest names first."""

    items: list[Company]


class NoSuchCompany(NotFound):
    """There is no such company."""


class NoEmployerProfile(NotFound):
    """You do not act for a company."""


@router.post(
    "/employer-profile", status_code=201, responses=refuses(commands.EmployerProfileExists)
)
async def create(
    body: NewEmployerProfile, tx: RequestTx, caller: Caller, once: Once
) -> EmployerProfileMade:
    """Begin to hire: the very same access token acts as an employer from now on."""

    async def make() -> EmployerProfileMade:
        company_id = await commands.create_employer_profile(
            tx, caller.user_id, company_name=body.company_name, phone=body.phone
        )
        return EmployerProfileMade(user_id=caller.user_id, company_id=company_id)

    return await once(EmployerProfileMade, make)


@router.get("/employer-profile", responses=refuses(NoEmployerProfile))
async def read(tx: RequestTx, caller: Caller) -> EmployerProfile:
    """One's own employer profile."""
    found = await queries.employer_profile_of(tx, caller.user_id)
    if found is None:
        raise NoEmployerProfile
    return EmployerProfile.model_validate(found)


@router.get("/companies")
async def companies(
    tx: RequestTx,
    _: MaybeCaller,
    q: Annotated[str, Query(max_length=200)] = "",
    id: Annotated[list[UUID], Query(max_length=100)] = [],  # noqa: B006
    limit: Annotated[int, Query(ge=1, le=100)] = 10,
) -> Companies:
    """Companies by a part of their name, two characters at least, or by their ids."""
    named = " ".join(q.split())
    if not id and len(named) < 2:
        return Companies(items=[])
    rows = await queries.companies(tx, named=named, ids=id, limit=limit if not id else len(id))
    return Companies(items=[Company.model_validate(row) for row in rows])


@router.get("/companies/{id}", responses=refuses(NoSuchCompany))
async def company(id: UUID, tx: RequestTx, _: MaybeCaller) -> Company:
    """One company."""
    found = await queries.company_with(tx, id)
    if found is None:
        raise NoSuchCompany
    return Company.model_validate(found)
