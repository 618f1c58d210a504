"""Queries for employers and companies."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, case, func, select

from hirewire.kit.db import among
from hirewire.messaging.transaction import Tx
from hirewire.vacancies.authority import company_of, is_operator
from hirewire.vacancies.errors import NotShown
from hirewire.vacancies.tables import company, company_logo, employer_profile


async def employer_profile_of(tx: Tx, user_id: UUID) -> Row[Any] | None:
    """A person's employer profile, with their company's description; None if they have none."""
    found = await tx.execute(
        select(
            employer_profile,
            company.c.name.label("company_name"),
            company.c.description,
            company.c.site,
            *(company.c.logo_key, company.c.mark_lost),
            *(company.c.verified_at, company.c.verified_by, company.c.verified_domain),
        )
        .join(company, company.c.id == employer_profile.c.company_id)
        .where(employer_profile.c.user_id == user_id)
    )
    return found.first()


async def companies(tx: Tx, *, named: str, ids: Sequence[UUID], limit: int) -> list[Row[Any]]:
    """Companies with these ids, or with this text in their name; names that begin with it first.

    Held companies are found by their ids only.
    """
    statement = select(company.c.id, company.c.name)
    if ids:
        statement = statement.where(among(company.c.id, ids)).order_by(company.c.name, company.c.id)
    else:
        name, text = func.lower(company.c.name), named.lower()
        named_so = name.contains(text, autoescape=True)
        statement = statement.where(named_so, ~company.c.held).order_by(
            case((name == text, 0), (name.startswith(text, autoescape=True), 1), else_=2),
            name,
            company.c.id,
        )
    return list(await tx.execute(statement.limit(limit)))


async def company_with(
    tx: Tx, id: UUID, reader: UUID | None, *, may_be_operator: bool
) -> Row[Any] | None:
    """The company with this id, as a row with `company_id`; None if there is none.

    Raises `NotShown` for a held one; its own people and operators read it.
    """
    statement = select(company, company.c.id.label("company_id")).where(company.c.id == id)
    row = (await tx.execute(statement)).first()
    if row is None or not row.held:
        return row
    if reader is None:
        raise NotShown
    if await company_of(tx, reader) == id or (may_be_operator and await is_operator(tx, reader)):
        return row
    raise NotShown


async def logo_of(tx: Tx, company_id: UUID) -> Row[Any] | None:
    """A company's logo as a row of `image` and `logo_key`; None without one, and if it is held."""
    statement: Select[Any] = (
        select(company_logo.c.image, company.c.logo_key)
        .join(company, company.c.id == company_logo.c.company_id)
        .where(company_logo.c.company_id == company_id, ~company.c.held)
    )
    found: Row[Any] | None = (await tx.execute(statement)).first()
    return found
