"""Routes for becoming an employer in the current session, and for public company pages."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import AfterValidator, Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

from hirewire.kit.errors import AppError, Kind, NotFound
from hirewire.kit.http import (
    Caller,
    MaybeCaller,
    Once,
    PublicTx,
    RequestTx,
    may_be_operator,
    transactions_of,
)
from hirewire.kit.models import Answer, Body, WebLink, text
from hirewire.kit.openapi import media, refuses
from hirewire.messaging.transaction import Tx
from hirewire.vacancies.authority import NotAnEmployer, require_company
from hirewire.vacancies.employers import commands, logos, queries
from hirewire.vacancies.errors import NotShown
from hirewire.vacancies.presenters import logo_path

router = APIRouter(prefix="/api/vacancies", tags=["employers"])


PHONE = r"^[\s().-]*(\+[\s().-]*)?([0-9][\s().-]*){5,20}$"
"""The rule of `_phone` as a pattern, for the OpenAPI document."""


def _phone(value: str) -> str:
    digits = re.sub(r"[\s().-]", "", value)
    if not re.fullmatch(r"\+?[0-9]{5,20}", digits):
        raise PydanticCustomError(
            "phone_format", "must be 5 to 20 digits, with the usual punctuation"
        )
    return " ".join(value.split())


Phone = Annotated[
    str, text(1, 40), AfterValidator(_phone), Field(json_schema_extra={"pattern": PHONE})
]


class NewEmployerProfile(Body):
    """The company and its phone number."""

    company_name: Annotated[str, text(1, 200)]
    phone: Phone | None = None


class EmployerProfileChanges(Body):
    """Changes: fields that are not sent stay unchanged, null clears a field."""

    company_name: Annotated[str, text(1, 200)] = ""
    phone: Phone | None = None
    description: Annotated[str, text(1, 10_000)] | None = None
    """Plain text; an empty line starts a new paragraph."""
    site: WebLink | None = None


class EmployerProfileMade(Answer):
    """The employer profile: an account and its company."""

    user_id: UUID
    company_id: UUID


class Verified(Answer):
    """How a company was verified."""

    by: Literal["mail", "operator"]
    """`mail`: it receives mail at `domain`, that of its website; `operator`: by hand."""
    domain: str | None
    at: datetime


class _About(Answer):
    """A company's description, from a row with `company_id`."""

    description: str | None
    site: str | None
    logo: str | None
    """The path of the logo; a new logo has a new path."""
    verified: Verified | None
    """Null for a company that is not verified."""

    @model_validator(mode="before")
    @classmethod
    def _from_row(cls, row: Any) -> Any:
        verified = None
        if row.verified_at is not None:
            how = {"by": row.verified_by, "domain": row.verified_domain, "at": row.verified_at}
            verified = Verified.model_validate(how)
        logo = logo_path(row.company_id, row.logo_key)
        return dict(row._mapping) | {"logo": logo, "verified": verified}


class EmployerProfile(EmployerProfileMade, _About):
    """Your employer profile."""

    company_name: str
    phone: str | None
    mark_lost: Literal["changed", "revoked"] | None
    """Why the company is no longer verified: its name or website was changed, or an operator has
    withdrawn it.
    """


class NamedCompany(Answer):
    """A company to choose."""

    id: UUID
    name: str


class Company(NamedCompany, _About):
    """A company."""


class Companies(Answer):
    """Companies, best matching names first."""

    items: list[NamedCompany]


class NoSuchCompany(NotFound):
    """Company not found."""

    code = "company_not_found"


class NoEmployerProfile(NotFound):
    """You do not have an employer profile."""

    code = "no_employer_profile"


class NoLogo(NotFound):
    """This company has no logo."""

    code = "no_logo"


class NotAnImage(AppError):
    """Unsupported image type: send `image/png`, `image/jpeg`, `image/webp` or `image/gif`."""

    slug = "not-an-image"
    code = "not_an_image"
    kind = Kind.INVALID


LOGO_BODY: dict[str, JsonValue] = {
    "requestBody": {
        "required": True,
        "content": {
            kind: {"schema": {"type": "string", "format": "binary"}} for kind in logos.KINDS
        },
    }
}


@router.post(
    "/employer-profile", status_code=201, responses=refuses(commands.EmployerProfileExists)
)
async def create(
    body: NewEmployerProfile, tx: RequestTx, caller: Caller, once: Once
) -> EmployerProfileMade:
    """Create your employer profile. The current access token gets the employer role."""

    async def make() -> EmployerProfileMade:
        company_id = await commands.create_employer_profile(
            tx, caller.user_id, company_name=body.company_name, phone=body.phone
        )
        return EmployerProfileMade(user_id=caller.user_id, company_id=company_id)

    return await once(EmployerProfileMade, make)


@router.get("/employer-profile", responses=refuses(NoEmployerProfile))
async def read(tx: RequestTx, caller: Caller) -> EmployerProfile:
    """Your employer profile."""
    return await _profile(tx, caller.user_id)


@router.patch("/employer-profile", responses=refuses(NotAnEmployer))
async def change(body: EmployerProfileChanges, tx: RequestTx, caller: Caller) -> EmployerProfile:
    """Update the company's description and contact details."""
    company_id = await require_company(tx, caller.user_id)
    given = {name: getattr(body, name) for name in body.model_fields_set}
    if "phone" in given:
        await commands.set_phone(tx, caller.user_id, given.pop("phone"))
    if "company_name" in given:
        given["name"] = given.pop("company_name")
    if given.get("site") is not None:
        given["site"] = str(given["site"])
    await commands.change_company(tx, company_id, given)
    return await _profile(tx, caller.user_id)


@router.put(
    "/employer-profile/logo",
    responses=refuses(NotAnEmployer, NotAnImage),
    openapi_extra=LOGO_BODY,
)
async def put_logo(request: Request, caller: Caller) -> EmployerProfile:
    """Upload the company's logo. The image is scaled down, and its metadata is removed."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    async with transactions_of(request)() as tx:
        company_id = await require_company(tx, caller.user_id)
    if kind not in logos.KINDS:
        raise NotAnImage
    image = await logos.reencoded(await request.body())  # no database connection is held meanwhile
    async with transactions_of(request)() as tx:
        await commands.set_logo(tx, company_id, image)
        return await _profile(tx, caller.user_id)


@router.delete("/employer-profile/logo", responses=refuses(NotAnEmployer))
async def delete_logo(tx: RequestTx, caller: Caller) -> EmployerProfile:
    """Delete the company's logo."""
    await commands.remove_logo(tx, await require_company(tx, caller.user_id))
    return await _profile(tx, caller.user_id)


async def _profile(tx: Tx, user_id: UUID) -> EmployerProfile:
    found = await queries.employer_profile_of(tx, user_id)
    if found is None:
        raise NoEmployerProfile
    return EmployerProfile.model_validate(found)


@router.get("/companies")
async def companies(
    tx: PublicTx,
    _: MaybeCaller,
    q: Annotated[str, Query(max_length=200)] = "",
    id: Annotated[list[UUID], Query(max_length=100)] = [],  # noqa: B006
    limit: Annotated[int, Query(ge=1, le=100)] = 10,
) -> Companies:
    """Companies by a part of their name (at least two characters) or by their ids."""
    named = " ".join(q.split())
    if not id and len(named) < 2:
        return Companies(items=[])
    rows = await queries.companies(tx, named=named, ids=id, limit=limit if not id else len(id))
    return Companies(items=[NamedCompany.model_validate(row) for row in rows])


@router.get("/companies/{id}", responses=refuses(NoSuchCompany, NotShown))
async def company(id: UUID, tx: PublicTx, caller: MaybeCaller, request: Request) -> Company:
    """One company."""
    found = await queries.company_with(
        tx,
        id,
        caller.user_id if caller else None,
        may_be_operator=may_be_operator(request, caller),
    )
    if found is None:
        raise NoSuchCompany
    return Company.model_validate(found)


@router.get(
    "/companies/{id}/logo",
    responses=media(logos.MEDIA_TYPE) | refuses(NoLogo),
    response_class=Response,
)
async def logo(
    id: UUID, tx: PublicTx, _: MaybeCaller, key: Annotated[str, Query(max_length=64)] = ""
) -> Response:
    """A company's logo. An address with the key may be cached forever."""
    found = await queries.logo_of(tx, id)
    if found is None:
        raise NoLogo
    kept = "public, max-age=31536000, immutable" if key == found.logo_key else "public, max-age=60"
    headers = {"Cache-Control": kept, "X-Content-Type-Options": "nosniff"}
    return Response(found.image, media_type=logos.MEDIA_TYPE, headers=headers)
