"""Routes for a forgotten password."""

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Request
from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from hirewire.auth import networks, one_time, passwords
from hirewire.auth.credentials import email_key, hash_password
from hirewire.auth.one_time import InvalidLink
from hirewire.auth.recovery import commands
from hirewire.kit.errors import FieldError, Invalid
from hirewire.kit.http import language_of, transactions_of
from hirewire.kit.models import Body
from hirewire.kit.openapi import refuses

router = APIRouter(prefix="/api/auth/password", tags=["passwords"])


class Forgotten(Body):
    """The address of an account whose password is forgotten."""

    email: Annotated[str, Field(max_length=254, examples=["anna@example.org"])]


class NewPassword(Body):
    """A new password, and the token of the link in the mail."""

    token: Annotated[str, Field(max_length=1000, repr=False)]
    password: Annotated[
        str,
        Field(
            max_length=1000,
            repr=False,
            json_schema_extra={
                "minLength": passwords.SHORTEST_PASSWORD,
                "maxLength": passwords.LONGEST_PASSWORD,
            },
        ),
    ]

    @field_validator("password")
    @classmethod
    def _password(cls, value: str) -> str:
        return passwords.normalised_password(value, "")


@router.post("/forgot", status_code=202)
async def forgot(body: Forgotten, request: Request, after: BackgroundTasks) -> None:
    """Send a link for a new password to the account's stored address, if there is such an account.

    The answer is the same for everybody, and the account is looked up after it: neither shows
    whether the address is known. Five mails an hour are sent to one address.
    """
    account, address = email_key(body.email), request.client.host if request.client else ""
    async with transactions_of(request)() as tx:
        is_admitted = await one_time.admit_mail(
            tx,
            networks.network(address),
            account,
            "password_reset",
            is_here=networks.is_this_machine(address),
        )
    if is_admitted:
        after.add_task(_send_link, request, account)


async def _send_link(request: Request, account: str) -> None:
    async with transactions_of(request)() as tx:
        await commands.send_link(
            tx,
            account,
            public_url=request.app.state.settings.public_url,
            language=language_of(request),
        )


@router.post("/reset", status_code=204, responses=refuses(InvalidLink, Invalid))
async def reset(body: NewPassword, request: Request) -> None:
    """Set a new password with the token of a link, which works once. All sessions end."""
    transactions = transactions_of(request)
    async with transactions() as tx:
        found = await one_time.valid(tx, body.token, "password_reset")
    try:
        passwords.normalised_password(body.password, found.email)
    except PydanticCustomError as error:
        raise Invalid(errors=[FieldError.of("#/password", error)]) from None
    # No transaction is open while the password is hashed: that takes tens of milliseconds.
    hashed = await hash_password(body.password)
    async with transactions() as tx:
        await commands.set_password(
            tx,
            body.token,
            hashed,
            network=networks.network(request.client.host if request.client else ""),
            public_url=request.app.state.settings.public_url,
            language=language_of(request),
        )
