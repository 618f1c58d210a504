"""The route of the security log."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Request, Response

from hirewire.auth.callers import CurrentSession
from hirewire.auth.security_log import queries
from hirewire.kit.errors import Unauthenticated
from hirewire.kit.http import Page, PageParams, RequestTx, page_of, place_in_time
from hirewire.kit.models import Answer
from hirewire.kit.openapi import refuses

router = APIRouter(prefix="/api/auth", tags=["accounts"])


class SecurityEvent(Answer):
    """An act that concerns the security of the account."""

    id: UUID
    what: str
    """Such as `signed_in`; later versions add others."""
    at: datetime
    device: str | None
    """Browser and system."""
    network: str | None
    """A neighbourhood of the address: IPv4 /24 or IPv6 /48."""


@router.get("/security-log", responses=refuses(Unauthenticated))
async def listed(
    tx: RequestTx, caller: CurrentSession, page: PageParams, request: Request, response: Response
) -> Page[SecurityEvent]:
    """What happened to the caller's account in the last 12 months, the latest first."""
    response.headers["Cache-Control"] = "no-store"
    rows = await queries.events(
        tx, caller.user_id, limit=page.limit + 1, after=place_in_time(page.after)
    )
    return page_of(
        *(rows, page, request, response, SecurityEvent), cursor=lambda row: (row.at, row.id)
    )
