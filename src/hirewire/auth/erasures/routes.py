"""Routes that delete the caller's account, and for the receipt."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from fastapi import APIRouter, Request, Response
from sqlalchemy.exc import DBAPIError

from hirewire.auth.admins import LastAdmin
from hirewire.auth.callers import CurrentSession
from hirewire.auth.confirming import Confirmation, account_of, check_password, wrong_password
from hirewire.auth.erasures import commands, queries
from hirewire.auth.erasures.commands import Leaving
from hirewire.auth.logins import TooManyFailures, digest
from hirewire.kit.errors import Invalid, NotFound, Unauthenticated
from hirewire.kit.http import RequestTx, language_of, unguarded
from hirewire.kit.mail.kept import forget
from hirewire.kit.models import Answer
from hirewire.kit.openapi import refuses
from hirewire.messaging.consuming.failures import is_deadlock

router = APIRouter(prefix="/api/auth", tags=["erasures"])

ATTEMPTS = 3
"""How often an erasure is tried that PostgreSQL breaks off for another transaction."""


class NoSuchReceipt(NotFound):
    """There is no receipt at this address."""

    code = "receipt_not_found"


class Receipt(Answer):
    """Where to follow the erasure. The id is a secret: who knows it can read the receipt."""

    receipt_id: str


class ServiceDone(Answer):
    """What one service did."""

    service: str
    records: int
    """How many records were deleted or anonymised."""
    at: datetime


class Erasure(Answer):
    """An erasure: which services have erased what they had of the user."""

    state: Literal["open", "complete"]
    services: list[ServiceDone]


@router.delete(
    "/me",
    status_code=202,
    responses=refuses(Unauthenticated, Invalid, TooManyFailures, LastAdmin),
)
async def delete_account(
    body: Confirmation, request: Request, response: Response, current: CurrentSession
) -> Receipt:
    """Delete your account for good, with all that is yours in all services.

    All sessions end. A last mail has the link of the receipt. Wrong passwords count as failed
    logins. Two requests at once get the same receipt.
    """
    settings, transactions = request.app.state.settings, unguarded(request)
    async with transactions() as tx:
        account = await account_of(tx, current.user_id)
        if account is None:
            return _noted(response, await commands.receipt_of_user(tx, current.user_id))
    try:
        hashed = await check_password(request, account, body.password)
    except Unauthenticated:  # erased by another request of theirs meanwhile
        async with transactions() as tx:
            before = await commands.receipt_of_user(tx, current.user_id)
        if before is None:  # the session has ended
            raise
        return _noted(response, before)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            async with transactions() as tx:
                receipt = await commands.delete_account(
                    tx,
                    Leaving(account.id, hashed),
                    public_url=settings.public_url,
                    language=language_of(request),
                )
            break
        except DBAPIError as error:  # a sign-in at the same moment locks rows in another order
            if attempt == ATTEMPTS or not is_deadlock(error):
                raise
    parts = urlsplit(settings.smtp_url or "")
    if receipt is not None and parts.scheme == "file":
        await asyncio.to_thread(forget, Path(unquote(parts.path)), account.email)
    if receipt is None:
        raise wrong_password("#/password")
    return _noted(response, receipt)


@router.get("/erasures/{receipt_id}", responses=refuses(NoSuchReceipt))
async def receipt(receipt_id: str, tx: RequestTx, response: Response) -> Erasure:
    """The receipt of a deleted account: complete once every service has answered."""
    found = await queries.by_receipt(tx, digest(receipt_id))
    if found is None:
        raise NoSuchReceipt
    answers = await queries.answers(tx, found.id)
    response.headers["Cache-Control"] = "no-store"
    return Erasure(
        state="open" if found.completed_at is None else "complete",
        services=[ServiceDone(**row._mapping) for row in answers],
    )


def _noted(response: Response, receipt: str | None) -> Receipt:
    if receipt is None:
        raise Unauthenticated("This account does not exist any more.")
    response.headers["Cache-Control"] = "no-store"
    return Receipt(receipt_id=receipt)
