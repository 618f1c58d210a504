"""Routes that change the address of an account."""

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field, field_validator

from hirewire.auth import networks, one_time
from hirewire.auth.addresses import commands
from hirewire.auth.callers import CurrentSession
from hirewire.auth.confirming import Confirmation, confirm_password
from hirewire.auth.credentials import email_key, normalised_email
from hirewire.auth.limits import MAILS_WINDOW
from hirewire.auth.logins import TooManyFailures
from hirewire.auth.notices import requester_of
from hirewire.auth.one_time import InvalidLink
from hirewire.auth.proofs import InvalidCode, Proof
from hirewire.auth.taken import EmailTaken
from hirewire.kit.errors import AppError, FieldError, Invalid, Kind, Unauthenticated
from hirewire.kit.http import MaybeCaller, transactions_of
from hirewire.kit.openapi import refuses

router = APIRouter(prefix="/api/auth/email", tags=["accounts"])


class TooManyChanges(AppError):
    """Too many mails were sent for changes of the address; try again later."""

    slug = "too-many-address-changes"
    code = "too_many_address_changes"
    kind = Kind.TOO_MANY


class NewAddress(Confirmation):
    """A new address, and the current password."""

    email: Annotated[
        str,
        Field(max_length=254, examples=["anna@example.org"], json_schema_extra={"format": "email"}),
    ]

    @field_validator("email")
    @classmethod
    def _email(cls, value: str) -> str:
        return normalised_email(value)


@router.post(
    "",
    status_code=202,
    responses=refuses(Unauthenticated, Invalid, TooManyFailures, TooManyChanges),
)
async def change(body: NewAddress, request: Request, current: CurrentSession) -> None:
    """Ask for another address. A link and a code go to it, a notice to the current one.

    The address changes when it is confirmed: `POST /api/auth/email/confirm`, within 30 minutes. A
    second request replaces the first. The answer is the same if the address has an account.
    """
    key = email_key(body.email)
    if email_key(await confirm_password(request, current, body.password)) == key:
        error = FieldError("#/email", "is your address already", "same_address")
        raise Invalid(errors=[error])
    address = request.client.host if request.client else ""
    async with transactions_of(request)() as tx:
        for account in (f"user {current.user_id}", key):
            if not await one_time.admit_mail(
                *(tx, networks.network(address), account, "email_change"),
                is_here=networks.is_this_machine(address),
            ):
                raise TooManyChanges(retry_after=int(MAILS_WINDOW.total_seconds()))
        await commands.ask(tx, current, body.email, requester_of(request))


@router.post(
    "/confirm",
    status_code=204,
    responses=refuses(InvalidLink, InvalidCode, EmailTaken, Unauthenticated),
)
async def confirm(body: Proof, request: Request, caller: MaybeCaller) -> None:
    """Change the address: with the token of the link, or with the code and the access token.

    Both work for 30 minutes, the code until five wrong ones. Sessions stay; links for a new
    password that went to the old address die. 409 if somebody has registered the address meanwhile.
    """
    requester = requester_of(request)
    async with transactions_of(request)() as tx:
        if body.token is not None:
            await commands.confirm_by_link(tx, body.token, requester)
            return
        if caller is None:
            raise Unauthenticated
        is_right = await commands.confirm_by_code(tx, caller.user_id, body.digits, requester)
    if not is_right:
        raise InvalidCode


@router.delete("", status_code=204, responses=refuses(Unauthenticated))
async def cancel(request: Request, current: CurrentSession) -> None:
    """Forget the change that was asked for. Repeating the call changes nothing."""
    async with transactions_of(request)() as tx:
        await commands.cancel(tx, current.user_id)
