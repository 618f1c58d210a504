"""The caller as an operator: the row of `auth` decides, not the token."""

from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import select

from hirewire.auth.callers import Current, CurrentSession
from hirewire.auth.tables import user
from hirewire.kit.errors import NotAnOperator
from hirewire.kit.http import OperatorCaller, unguarded


async def needs_operator(request: Request, current: CurrentSession, _: OperatorCaller) -> Current:
    """Dependency of `Operator`."""
    its = user.c
    async with unguarded(request)() as tx:
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
