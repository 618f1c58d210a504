"""The caller with their session, for calls that an ended session must not make.

Access tokens outlive their session by up to 10 minutes.
"""

import functools
from typing import Annotated, NamedTuple
from uuid import UUID

from fastapi import Depends, Header, Request
from sqlalchemy import select

from hirewire.auth.signing import session_of
from hirewire.auth.tables import session
from hirewire.kit.clock import now
from hirewire.kit.errors import Unauthenticated
from hirewire.kit.http import Caller, admit_by, looking
from hirewire.messaging.transaction import Tx


class Current(NamedTuple):
    """A caller and their session."""

    user_id: UUID
    session_id: UUID


async def is_open(tx: Tx, session_id: UUID) -> bool:
    """Whether a session has not ended."""
    its = session.c
    result = await tx.execute(
        select(its.id).where(its.id == session_id, its.revoked_at.is_(None), its.ends_at > now())
    )
    return result.first() is not None


async def current_session(
    request: Request,
    caller: Caller,
    authorization: Annotated[str, Header(include_in_schema=False)] = "",
) -> Current:
    """Dependency of `CurrentSession`.

    What a route writes after it has checked a password is refused if the session has ended
    meanwhile, as it does when the owner sets a new one.
    """
    id = session_of(authorization.partition(" ")[2].strip())
    if id is None:
        raise Unauthenticated("This session has ended.")
    async with looking(request) as tx:
        await _needs_open(tx, id)
    admit_by(request, functools.partial(_needs_open, id=id))
    return Current(caller.user_id, id)


async def _needs_open(tx: Tx, id: UUID) -> None:
    if not await is_open(tx, id):
        raise Unauthenticated("This session has ended.")


CurrentSession = Annotated[Current, Depends(current_session)]
