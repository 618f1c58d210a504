"""Routes for the privacy notice and the caller's consents to it."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field

from hirewire.auth.callers import CurrentSession
from hirewire.auth.consenting import ConsentOutdated, agree, require_current
from hirewire.auth.consents import queries
from hirewire.auth.where import where_of
from hirewire.kit.errors import Unauthenticated
from hirewire.kit.http import RequestTx
from hirewire.kit.models import Answer, Body
from hirewire.kit.notices import LONGEST_VERSION, Notice, notice
from hirewire.kit.openapi import refuses

router = APIRouter(prefix="/api/auth", tags=["accounts"])


class PrivacyNotice(Answer):
    """What people agree to when they register."""

    version: str
    en: str
    ru: str


class Consent(Answer):
    """A consent to a version of the privacy notice."""

    version: str
    given_at: datetime
    device: str | None
    """Browser and system."""
    network: str | None
    """A neighbourhood of the address: IPv4 /24 or IPv6 /48."""


class ConsentList(Answer):
    """The caller's consents, the latest first."""

    current: str
    """The version of the notice that applies now."""
    items: list[Consent]


class ToAgree(Body):
    """The version that the caller agrees to."""

    consent: Annotated[str, Field(max_length=LONGEST_VERSION)]


@router.get("/privacy-notice")
async def read(request: Request) -> PrivacyNotice:
    """The privacy notice that applies now."""
    current = notice_of(request)
    return PrivacyNotice(version=current.version, en=current.texts["en"], ru=current.texts["ru"])


@router.get("/consents", responses=refuses(Unauthenticated))
async def listed(
    tx: RequestTx, caller: CurrentSession, request: Request, response: Response
) -> ConsentList:
    """What you have agreed to, when, and from where. To withdraw, delete the account."""
    response.headers["Cache-Control"] = "no-store"
    rows = await queries.consents_of(tx, caller.user_id)
    items = [Consent.model_validate(row) for row in rows]
    return ConsentList(current=notice_of(request).version, items=items)


@router.post("/consents", status_code=204, responses=refuses(Unauthenticated, ConsentOutdated))
async def give(body: ToAgree, tx: RequestTx, caller: CurrentSession, request: Request) -> None:
    """Agree to the current version of the privacy notice. Repeating the call changes nothing."""
    require_current(body.consent, notice_of(request).version)
    await agree(tx, caller.user_id, body.consent, where_of(request))


def notice_of(request: Request) -> Notice:
    """The notice that applies now."""
    return notice(request.app.state.settings.privacy_notice)
