"""The right to act for a company or as an operator: consumed events decide."""

from uuid import UUID

from hirewire.kit.errors import AppError, Kind, NotAnOperator
from hirewire.kit.tokens import Principal
from hirewire.messaging.transaction import Tx

_COMPANY = """
select e.company_id from employer e join person p using (user_id)
where e.user_id = $1 and not p.is_blocked
"""
_ACTS = """
select 1 as acts from employer e join person p using (user_id)
where e.company_id = $1 and not p.is_blocked limit 1
"""
_OPERATOR = """
select o.is_operator, p.is_blocked
from (select $1::uuid as user_id) as one
left join operator o using (user_id) left join person p using (user_id)
"""


class NotAnEmployer(AppError):
    """Only employers can do this: create an employer profile first."""

    slug = "not-an-employer"
    code = "not_an_employer"
    kind = Kind.FORBIDDEN


async def require_company(tx: Tx, user_id: UUID) -> UUID:
    """The company that this person acts for. Raises `NotAnEmployer`."""
    row = (await tx.exec_driver_sql(_COMPANY, (user_id,))).first()
    if row is None:
        raise NotAnEmployer
    return UUID(str(row.company_id))


class CompanyInactive(AppError):
    """Nobody acts for this company at the moment, so its API keys cannot either."""

    slug = "company-inactive"
    code = "company_inactive"
    kind = Kind.FORBIDDEN


async def require_acting_company(tx: Tx, caller: Principal) -> UUID:
    """The company that the caller acts for, in person or as its API key.

    Raises `NotAnEmployer` and `CompanyInactive`.
    """
    if caller.company_id is None:
        return await require_company(tx, caller.user_id)
    if (await tx.exec_driver_sql(_ACTS, (caller.company_id,))).first() is None:
        raise CompanyInactive
    return caller.company_id


async def require_operator(tx: Tx, caller: Principal) -> None:
    """Raise `NotAnOperator` for everybody else.

    Of somebody whose role has not changed since this service consumes roles, the token knows it.
    """
    row = (await tx.exec_driver_sql(_OPERATOR, (caller.user_id,))).one()
    is_operator = caller.role == "admin" if row.is_operator is None else row.is_operator
    if not is_operator or row.is_blocked:
        raise NotAnOperator
