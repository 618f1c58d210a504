"""Commands that create an employer profile and change a company."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from hirewire.contracts.vacancies import EmployerProfileCreated
from hirewire.kit.clock import now
from hirewire.kit.db import lock
from hirewire.kit.errors import AppError, Kind
from hirewire.messaging.ids import new_id
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.transaction import Tx
from hirewire.vacancies.authority import only_company_of
from hirewire.vacancies.employers.logos import key_of
from hirewire.vacancies.tables import blocked_user, company, company_logo, employer_profile, vacancy

EDITABLE = ("name", "description", "site")
VERIFIED_OF = {"name", "site"}
"""What a company is verified for: a change ends it."""
NOT_VERIFIED = {
    **dict.fromkeys(("verified_at", "verified_by", "verified_domain")),
    "mark_lost": "changed",
}


class EmployerProfileExists(AppError):
    """You already have an employer profile."""

    slug = "employer-profile-exists"
    code = "employer_profile_exists"
    kind = Kind.CONFLICT


async def create_employer_profile(
    tx: Tx, user_id: UUID, *, company_name: str, phone: str | None
) -> UUID:
    """Create a company and its first member; returns the company's id.

    Records `EmployerProfileCreated`. After the commit the user can act as an employer with their
    current token. Raises `EmployerProfileExists`.
    """
    await lock(tx, f"employer {user_id}")
    exists = await tx.execute(
        select(employer_profile.c.user_id).where(employer_profile.c.user_id == user_id)
    )
    if exists.first() is not None:
        raise EmployerProfileExists
    moment, company_id = now(), new_id()
    is_blocked = select(blocked_user.c.blocked).where(blocked_user.c.user_id == user_id)
    await tx.execute(
        insert(company).values(
            id=company_id,
            name=company_name,
            created_at=moment,
            owner_blocked=bool((await tx.execute(is_blocked)).scalar()),
        )
    )
    await tx.execute(
        insert(employer_profile).values(
            user_id=user_id, company_id=company_id, phone=phone, created_at=moment
        )
    )
    record(
        tx,
        EmployerProfileCreated(
            user_id=user_id, company_id=company_id, phone=phone, company_name=company_name
        ),
    )
    return company_id


async def change_company(tx: Tx, company_id: UUID, changes: Mapping[str, Any]) -> None:
    """Set these columns of the company. If the name changes, its vacancies can be found by it.

    A new name or website ends the company's verification.
    """
    before = (
        await tx.execute(select(company).where(company.c.id == company_id).with_for_update())
    ).one()
    differing = {name: value for name, value in changes.items() if value != getattr(before, name)}
    if not differing:
        return
    # Always all columns, so that there is one prepared statement instead of one per combination.
    values = {name: getattr(before, name) for name in EDITABLE} | differing
    if before.verified_at is not None and differing.keys() & VERIFIED_OF:
        values |= NOT_VERIFIED
    await tx.execute(update(company).where(company.c.id == company_id).values(values))
    if "name" in differing:  # a trigger marks them as changed for the index updater
        touched = update(vacancy).where(vacancy.c.company_id == company_id)
        await tx.execute(touched.values(company_id=vacancy.c.company_id))


async def set_phone(tx: Tx, user_id: UUID, phone: str | None) -> None:
    """Set the phone number of the recruiter."""
    of_person = employer_profile.c.user_id == user_id
    await tx.execute(update(employer_profile).where(of_person).values(phone=phone))


async def set_logo(tx: Tx, company_id: UUID, image: bytes) -> None:
    """Set the logo to an image from `logos.reencoded`."""
    await tx.execute(
        upsert(company_logo)
        .values(company_id=company_id, image=image)
        .on_conflict_do_update(index_elements=["company_id"], set_={"image": image})
    )
    await tx.execute(
        update(company).where(company.c.id == company_id).values(logo_key=key_of(image))
    )


async def remove_logo(tx: Tx, company_id: UUID) -> None:
    """Delete the logo."""
    await tx.execute(delete(company_logo).where(company_logo.c.company_id == company_id))
    await tx.execute(update(company).where(company.c.id == company_id).values(logo_key=None))


ERASED_COMPANY = "–"
"""The name of a company whose last member was erased."""


async def erase(tx: Tx, user_id: UUID) -> int:
    """Delete the employer profile of a user who is erased, and anonymise the company unless others
    act for it too; returns how many rows.
    """
    records = 0
    company_id = await only_company_of(tx, user_id)
    if company_id is not None:
        await change_company(
            tx, company_id, {"name": ERASED_COMPANY, "description": None, "site": None}
        )
        await remove_logo(tx, company_id)
        records += 1
    gone = await tx.execute(delete(employer_profile).where(employer_profile.c.user_id == user_id))
    return records + gone.rowcount
