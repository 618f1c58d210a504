"""The internal API of a service's queue of mails. The gateway does not expose it.

It needs the operator token (HIREWIRE_OPERATOR_TOKEN), and never shows what a mail says.
"""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from hirewire.kit.http import RequestTx
from hirewire.kit.internal.access import operator
from hirewire.kit.mail import queue
from hirewire.kit.models import Answer, Body

PREFIX = "/internal/mails"
MOST = 1000
router = APIRouter(prefix=PREFIX, include_in_schema=False, dependencies=[Depends(operator)])


class MailOut(Answer):
    """A mail that was not sent."""

    id: UUID
    kind: str
    to: str | None
    """Masked; null if it cannot be opened."""
    attempts: int
    unanswered: int
    created_at: datetime
    expires_at: datetime | None
    """When its link dies."""
    ended_at: datetime | None
    error: str | None


class Mails(Answer):
    """Mails in one state, and how many wait and are dead."""

    items: list[MailOut]
    queued: int
    dead: int
    oldest_seconds: float
    """The age of the oldest mail that waits."""


class ResendIn(Body):
    """The mails to send again; all dead ones without ids."""

    ids: Annotated[list[UUID] | None, Field(max_length=MOST)] = None


class ResentOut(Answer):
    """What became of dead mails."""

    queued: int
    expired: int
    """Their links have died: they are not sent any more."""


@router.get("")
async def listed(
    tx: RequestTx,
    state: Literal["dead", "queued"] = "dead",
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
) -> Mails:
    """The mails that are dead, or that wait, the newest first."""
    backlog = await queue.backlog(tx)
    return Mails(
        items=[MailOut.model_validate(mail) for mail in await queue.listed(tx, state, limit)],
        queued=backlog.queued,
        dead=backlog.dead,
        oldest_seconds=backlog.oldest.total_seconds(),
    )


@router.post("/resend")
async def resend(tx: RequestTx, body: ResendIn) -> ResentOut:
    """Queue dead mails again. One whose link has died expires instead."""
    return ResentOut.model_validate(await queue.resend(tx, body.ids))
