"""Routes for the mail provider's reports, and for a stopped address."""

import base64
import binascii
import hmac
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request, Response

from hirewire.kit.clock import now
from hirewire.kit.errors import NotFound, Unauthenticated
from hirewire.kit.http import Caller, RequestTx
from hirewire.kit.openapi import refuses
from hirewire.kit.settings import Settings
from hirewire.notifications.bounces import commands, queries, rules
from hirewire.notifications.bounces.models import AnyForm, EmailState, Mailgun

router = APIRouter(prefix="/api/notifications", tags=["email"])


class WebhookOff(NotFound):
    """This board takes no reports of bounces: HIREWIRE_BOUNCES_SECRET is not set."""

    code = "bounces_off"


class NotTheProvider(Unauthenticated):
    """The secret of the mail provider is needed."""

    code = "bounces_secret_wrong"


async def _secret(request: Request) -> str:
    settings: Settings = request.app.state.settings
    if settings.bounces_secret is None:
        raise WebhookOff
    return settings.bounces_secret


Secret = Annotated[str, Depends(_secret)]


async def _is_provider(
    secret: Secret, authorization: Annotated[str | None, Header(include_in_schema=False)] = None
) -> bool:
    """Whether the request has the secret; False without the header. Raises `NotTheProvider`."""
    if authorization is None:
        return False
    if not hmac.compare_digest(_given(authorization).encode(), secret.encode()):
        raise NotTheProvider
    return True


def _given(authorization: str) -> str:
    """The secret of a header: `Bearer secret`, or `Basic` with any name and the secret."""
    scheme, _, text = authorization.partition(" ")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(text.strip(), validate=True).decode().partition(":")[2]
        except (binascii.Error, ValueError):
            return ""
    return text.strip() if scheme.lower() == "bearer" else ""


@router.post("/bounces", status_code=204, responses=refuses(WebhookOff, NotTheProvider))
async def report(
    body: AnyForm,
    tx: RequestTx,
    secret: Secret,
    is_provider: Annotated[bool, Depends(_is_provider)],
) -> None:
    """For the mail provider: mails that were not delivered, or of which somebody complained.

    Takes our own form, Postmark's bounces and spam complaints, and Mailgun's failures and
    complaints. The secret comes as a bearer token or as the password of HTTP Basic; Mailgun's
    requests are signed with it instead.
    """
    if not is_provider and not (isinstance(body, Mailgun) and body.is_signed(secret)):
        raise NotTheProvider
    for one in sorted(body.reported(), key=lambda one: one.address.lower()):
        await commands.note_reported(tx, one)


@router.get("/email")
async def state(tx: RequestTx, caller: Caller, response: Response) -> EmailState:
    """Whether mails of notices are sent to your address, and if not, why."""
    response.headers["Cache-Control"] = "no-store"
    stop = await queries.stop(tx, caller.user_id)
    if stop.since is None:
        return EmailState(state="ok", reason=None, since=None, retry_at=None)
    retry_at = stop.tried_at + rules.TRIES_EVERY if stop.tried_at is not None else None
    if retry_at is not None and retry_at <= now():
        retry_at = None
    return EmailState(state="stopped", reason=stop.reason, since=stop.since, retry_at=retry_at)


@router.post("/email/retry", status_code=204, responses=refuses(commands.TriedLately))
async def try_again(tx: RequestTx, caller: Caller) -> None:
    """Send mails of notices to your address again. Does nothing if they are sent."""
    await commands.try_again(tx, caller.user_id)
