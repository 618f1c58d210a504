"""The caller as an operator: the row of `auth` decides, not the token. One always stays."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from sqlalchemy import select

from hirewire.auth.callers import Current, CurrentSession
from hirewire.auth.tables import user
from hirewire.kit.db import lock
from hirewire.kit.errors import AppError, Kind, NotAnOperator
from hirewire.kit.http import OperatorCaller, looking
from hirewire.messaging.transaction import Tx


async def needs_operator(request: Request, current: CurrentSession, _: OperatorCaller) -> Current:
    """Dependency of `Operator`."""
    its = user.c
    async with looking(request) as tx:
        found = await tx.execute(
            select(its.id).where(
                its.id == current.user_id, its.role == "admin", its.blocked_at.is_(None)
            )
        )
        if found.first() is None:
            raise NotAnOperator
    return current


Operator = Annotated[Current, Depends(needs_operator)]
"""The caller, who is an operator in a session that has not ended."""


class LastAdmin(AppError):
    """This is the last operator: only the command line of the server can remove them."""

    slug = "last-admin"
    code = "last_admin"
    kind = Kind.CONFLICT


async def lock_admins(tx: Tx) -> None:
    """Let no other operator cease to be one until the commit; before rows of people are locked."""
    await lock(tx, "admins")


async def keep_one(tx: Tx, leaving: UUID) -> None:
    """Raise `LastAdmin` if nobody else is an operator, not counting blocked ones."""
    its = user.c
    others = await tx.execute(
        select(its.id).where(its.role == "admin", its.blocked_at.is_(None), its.id != leaving)
    )
    if others.first() is None:
        raise LastAdmin
