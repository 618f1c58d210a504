"""Routes for new passwords."""

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Request
from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from hirewire.auth import networks, one_time, passwords
from hirewire.auth.callers import CurrentSession
from hirewire.auth.confirming import account_of, check_password, required_hash, wrong_password
from hirewire.auth.credentials import email_key, hash_password
from hirewire.auth.logins import TooManyFailures
from hirewire.auth.notices import requester_of
from hirewire.auth.one_time import InvalidLink
from hirewire.auth.recovery import commands
from hirewire.auth.where import network_of
from hirewire.kit.errors import FieldError, Invalid, Unauthenticated
from hirewire.kit.http import language_of, transactions_of, unguarded
from hirewire.kit.models import Body
from hirewire.kit.openapi import refuses
from hirewire.messaging.transaction import Transactions

router = APIRouter(prefix="/api/auth/password", tags=["passwords"])
CURRENT = "#/current"


class Forgotten(Body):
    """The address of an account whose password is forgotten."""

    email: Annotated[str, Field(max_length=254, examples=["anna@example.org"])]


class ToPassword(Body):
    """A new password."""

    password: passwords.Password

    @field_validator("password")
    @classmethod
    def _password(cls, value: str) -> str:
        return passwords.normalised_password(value, "")


class NewPassword(ToPassword):
    """A new password, and the token of the link in the mail."""

    token: Annotated[str, Field(max_length=1000, repr=False)]


class ChangedPassword(ToPassword):
    """A new password, and the current one."""

    current: Annotated[str, Field(max_length=1000, repr=False)]
    revoke_tokens: bool = False
    """Whether personal access tokens end too."""


@router.post("/forgot", status_code=202)
async def forgot(body: Forgotten, request: Request, after: BackgroundTasks) -> None:
    """Send a link for a new password to the account's stored address, if there is such an account.

    The answer is the same for everybody, and the account is looked up after it: neither shows
    whether the address is known. Five mails an hour are sent to one address.
    """
    account, address = email_key(body.email), request.client.host if request.client else ""
    transactions = unguarded(request)
    async with transactions() as tx:
        is_admitted = await one_time.admit_mail(
            tx,
            networks.network(address),
            account,
            "password_reset",
            is_here=networks.is_this_machine(address),
        )
        if is_admitted:
            public_url = request.app.state.settings.public_url
            asked = commands.LinkRequest(account, public_url, language_of(request))
            await commands.request_link(tx, asked)
    if is_admitted:
        after.add_task(_send_link, transactions)


async def _send_link(transactions: Transactions) -> None:
    async with transactions() as tx:
        await commands.send_next_link(tx)


@router.post("/reset", status_code=204, responses=refuses(InvalidLink, Invalid))
async def reset(body: NewPassword, request: Request) -> None:
    """Set a new password with the token of a link, which works once.

    All sessions end, and all personal access tokens are revoked.
    """
    transactions = transactions_of(request)
    async with transactions() as tx:
        found = await one_time.valid(tx, body.token, "password_reset")
    _check(body.password, found.email)
    # No transaction is open while the password is hashed: that takes tens of milliseconds.
    hashed = await hash_password(body.password)
    async with transactions() as tx:
        await commands.set_password(
            tx, body.token, hashed, requester_of(request), network=network_of(request)
        )


def _check(password: str, email: str) -> None:
    """Raise `Invalid` if the password is the address; the rest was checked with the body."""
    try:
        passwords.normalised_password(password, email)
    except PydanticCustomError as error:
        raise Invalid(errors=[FieldError.of("#/password", error)]) from None


@router.post("", status_code=204, responses=refuses(Unauthenticated, Invalid, TooManyFailures))
async def change(body: ChangedPassword, request: Request, current: CurrentSession) -> None:
    """Change the password. All other sessions end; a mail notifies the user.

    Personal access tokens stay, unless `revokeTokens` says otherwise: programs go on.
    Wrong current passwords count as failed logins.
    """
    transactions = transactions_of(request)
    async with transactions() as tx:
        account = await account_of(tx, current.user_id)
    if account is None:
        raise Unauthenticated("This account does not exist any more.")
    required_hash(account.password_hash, CURRENT)
    _check(body.password, account.email)
    old = await check_password(request, account, body.current, CURRENT)
    hashed = await hash_password(body.password)
    async with transactions() as tx:
        is_changed = await commands.change_password(
            tx,
            current,
            old,
            hashed,
            requester_of(request),
            network=network_of(request),
            revokes_tokens=body.revoke_tokens,
        )
    if not is_changed:
        raise wrong_password(CURRENT)
