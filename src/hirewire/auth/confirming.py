"""The password, asked for again before an act that a stolen session must not do."""

from dataclasses import dataclass
from math import ceil
from typing import Annotated

from fastapi import Request
from pydantic import Field
from sqlalchemy import select

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


class Confirmation(Body):
    """The current password."""

    password: Annotated[str, Field(max_length=1000, repr=False)]


@dataclass(frozen=True, slots=True)
class Account:
    """The account of somebody whose password was right."""

    email: str
    email_key: str
    password_hash: str


async def confirm_password_if_any(request: Request, current: Current, password: str | None) -> None:
    """`confirm_password` for a caller who has one; others have proved who they are at a provider.

    Raises `Invalid` and `TooManyFailures`.
    """
    async with transactions_of(request)() as tx:
        found = await tx.execute(select(user.c.password_hash).where(user.c.id == current.user_id))
        hashed = found.scalar()
    if hashed is not None:
        await confirm_password(request, current, password or "")


async def confirm_password(request: Request, current: Current, password: str) -> str:
    """The caller's address, if this is their password; wrong ones count as failed logins.

    Raises as `check_password` does, and `Unauthenticated` without an account.
    """
    account = await check_password(request, current, password)
    if account is None:
        raise Unauthenticated("This account does not exist any more.")
    async with transactions_of(request)() as tx:
        await forgive(tx, network_of(request), account.email_key, current.user_id)
    return account.email


async def check_password(
    request: Request, current: Current, password: str, pointer: str = "#/password"
) -> Account | None:
    """The caller's account, if this is their password; None if there is no account any more.

    Wrong passwords count as failed logins, as does a right one until `forgive`. An account without
    a password cannot be confirmed so far: its owner sets one by "Forgot password?" first. A recent
    sign-in could do here instead; the session says when it began.

    Raises `Invalid`, for the member of the body at `pointer`, and `TooManyFailures`. No transaction
    is open while the password is hashed: that takes tens of milliseconds.
    """
    network, transactions, its = network_of(request), transactions_of(request), user.c
    async with transactions() as tx:
        found = await tx.execute(
            select(its.email, its.email_key, its.password_hash).where(its.id == current.user_id)
        )
        row = found.first()
        if row is None:
            return None
        if row.password_hash is None:
            detail = "the account has no password: set one with a link by mail"
            raise Invalid(errors=[FieldError(pointer, detail, "no_password")])
        account = Account(*row)
        pause = await admit(tx, network, account.email_key, current.user_id)
    if pause:
        raise TooManyFailures(retry_after=ceil(pause.total_seconds()))
    if not await password_fits(password, account.password_hash):
        async with transactions() as tx:
            known = account.email_key, current.user_id
            await note_failure(tx, network, *known, requester_of(request))
        raise wrong_password(pointer)
    return account


def wrong_password(pointer: str) -> Invalid:
    """The error for a member of the body that is not the current password."""
    return Invalid(errors=[FieldError(pointer, "is not the current password", "wrong_password")])
