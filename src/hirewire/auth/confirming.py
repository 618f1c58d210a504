"""The password, asked for again before an act that a stolen session must not do."""

from math import ceil
from typing import Annotated
from uuid import UUID

from fastapi import Request
from pydantic import Field
from sqlalchemy import Row, select

from hirewire.auth.callers import Current
from hirewire.auth.credentials import password_fits
from hirewire.auth.failures import note_failure
from hirewire.auth.logins import TooManyFailures, admit, forgive
from hirewire.auth.notices import requester_of
from hirewire.auth.tables import user
from hirewire.auth.where import network_of
from hirewire.kit.errors import FieldError, Invalid, Unauthenticated
from hirewire.kit.http import transactions_of
from hirewire.kit.models import Body
from hirewire.messaging.transaction import Tx


class Confirmation(Body):
    """The current password."""

    password: Annotated[str, Field(max_length=1000, repr=False)]


async def account_of(tx: Tx, user_id: UUID) -> Row[UUID, str, str, str | None] | None:
    """The id, address, its key and the password hash of a user; None for an unknown user."""
    its = user.c
    result = await tx.execute(
        select(its.id, its.email, its.email_key, its.password_hash).where(its.id == user_id)
    )
    return result.first()


def required_hash(hashed: str | None, pointer: str) -> str:
    """The hash. Raises `Invalid` for an account that has no password: none is right or guessed."""
    if hashed is None:
        detail = "the account has no password: set one with a link by mail"
        raise Invalid(errors=[FieldError(pointer, detail, "no_password")])
    return hashed


def wrong_password(pointer: str) -> Invalid:
    """The error for a wrong current password in this field."""
    error = FieldError(pointer, "is not the current password", "wrong_password")
    return Invalid(errors=[error])


async def check_password(
    request: Request,
    account: Row[UUID, str, str, str | None],
    password: str,
    pointer: str = "#/password",
) -> str:
    """The hash that the password fits; wrong ones count as failed logins.

    `pointer` is the field of the password. Raises `Invalid` and `TooManyFailures`. No transaction
    is open while the password is hashed.
    """
    hashed = required_hash(account.password_hash, pointer)
    network, transactions = network_of(request), transactions_of(request)
    async with transactions() as tx:
        pause = await admit(tx, network, account.email_key, account.id)
    if pause:
        raise TooManyFailures(retry_after=ceil(pause.total_seconds()))
    if not await password_fits(password, hashed):
        async with transactions() as tx:
            known = account.email_key, account.id
            await note_failure(tx, network, *known, requester_of(request))
        raise wrong_password(pointer)
    return hashed


async def confirm_password_if_any(request: Request, current: Current, password: str | None) -> None:
    """`confirm_password` for a caller who has one; others have proved who they are at a provider.

    Raises `Invalid` and `TooManyFailures`.
    """
    async with transactions_of(request)() as tx:
        account = await account_of(tx, current.user_id)
    if account is not None and account.password_hash is not None:
        await _confirm(request, account, password or "")


async def confirm_password(request: Request, current: Current, password: str) -> str:
    """The caller's address, if this is their password; wrong ones count as failed logins.

    An account without a password cannot be confirmed so far: its owner sets one by "Forgot
    password?" first. A recent sign-in could do here instead; the session says when it began.

    Raises `Invalid` and `TooManyFailures`.
    """
    async with transactions_of(request)() as tx:
        account = await account_of(tx, current.user_id)
    if account is None:
        raise Unauthenticated("This account does not exist any more.")
    await _confirm(request, account, password)
    return str(account.email)


async def _confirm(
    request: Request, account: Row[UUID, str, str, str | None], password: str
) -> None:
    await check_password(request, account, password)
    async with transactions_of(request)() as tx:
        await forgive(tx, network_of(request), account.email_key, account.id)
