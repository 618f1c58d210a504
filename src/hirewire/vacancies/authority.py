"""The right to act as an employer or an operator: tables here decide, not the token."""

from uuid import UUID

from sqlalchemy import exists, select

from hirewire.kit.errors import AppError, Kind, NotAnOperator
from hirewire.kit.tokens import Principal
from hirewire.messaging.transaction import Tx
from hirewire.vacancies.tables import blocked_user, company, employer_profile, operator


class NotAnEmployer(AppError):
    """Only employers can do this: create an employer profile first."""

    slug = "not-an-employer"
    code = "not_an_employer"
    kind = Kind.FORBIDDEN


async def is_operator(tx: Tx, user_id: UUID) -> bool:
    """Whether this person is an operator, and not blocked."""
    is_blocked = exists().where(blocked_user.c.user_id == user_id, blocked_user.c.blocked)
    found = await tx.execute(
        select(operator.c.user_id).where(operator.c.user_id == user_id, ~is_blocked)
    )
    return found.first() is not None


async def require_operator(tx: Tx, user_id: UUID) -> None:
    """Raise `NotAnOperator` for everybody else."""
    if not await is_operator(tx, user_id):
        raise NotAnOperator


async def company_of(tx: Tx, user_id: UUID) -> UUID | None:
    """The company that this person acts for; None if there is none."""
    found = await tx.execute(
        select(employer_profile.c.company_id).where(employer_profile.c.user_id == user_id)
    )
    company: UUID | None = found.scalar()
    return company


async def require_company(tx: Tx, user_id: UUID) -> UUID:
    """The company that this person acts for. Raises `NotAnEmployer`."""
    company = await company_of(tx, user_id)
    if company is None:
        raise NotAnEmployer
    return company


class CompanyInactive(AppError):
    """Nobody acts for this company at the moment, so its API keys cannot either."""

    slug = "company-inactive"
    code = "company_inactive"
    kind = Kind.FORBIDDEN


async def acting_company(tx: Tx, caller: Principal, *, writes: bool = False) -> UUID | None:
    """The company that the caller acts for, in person or as its API key; None if there is none.

    A key acts while somebody does who is not blocked. With `writes` this stays so until the commit,
    since erasing and blocking lock the company. Raises `CompanyInactive`.
    """
    if caller.company_id is None:
        return await company_of(tx, caller.user_id)
    is_blocked = exists().where(
        blocked_user.c.user_id == employer_profile.c.user_id, blocked_user.c.blocked
    )
    acts = exists().where(employer_profile.c.company_id == company.c.id, ~is_blocked)
    chosen = select(company.c.id).where(company.c.id == caller.company_id)
    if writes:
        await tx.execute(chosen.with_for_update(read=True))  # before it is asked who acts
    if (await tx.execute(chosen.where(acts))).first() is None:
        raise CompanyInactive
    return caller.company_id


async def require_acting_company(tx: Tx, caller: Principal, *, writes: bool = False) -> UUID:
    """`acting_company`. Raises `NotAnEmployer` and `CompanyInactive`."""
    company = await acting_company(tx, caller, writes=writes)
    if company is None:
        raise NotAnEmployer
    return company


async def only_company_of(tx: Tx, user_id: UUID) -> UUID | None:
    """The company that only this person acts for; locked, so that two last members who leave at
    once wait for each other.
    """
    id = await company_of(tx, user_id)
    if id is None:
        return None
    await tx.execute(select(company.c.id).where(company.c.id == id).with_for_update())
    others = await tx.execute(
        select(employer_profile.c.user_id)
        .where(employer_profile.c.company_id == id, employer_profile.c.user_id != user_id)
        .limit(1)
    )
    return id if others.first() is None else None
