"""The password, asked for again before an act that a stolen session must not do."""

from math import ceil
from typing import Annotated

from fastapi import Request
from pydantic import Field
from sqlalchemy import select

from hirewire.auth import networks
from hirewire.auth.callers import Current
from hirewire.auth.credentials import password_fits
from hirewire.auth.failures import note_failure
from hirewire.auth.logins import TooManyFailures, admit, forgive
from hirewire.auth.notices import requester_of
from hirewire.auth.tables import user
from hirewire.kit.errors import FieldError, Invalid, Unauthenticated
from hirewire.kit.http import transactions_of
from hirewire.kit.models import Body


class Confirmation(Body):
    """The current password."""

    password: Annotated[str, Field(max_length=1000, repr=False)]


def required_hash(hashed: str | None, pointer: str) -> str:
    """The hash. Raises `Invalid` for an account that has no password: none is right or guessed."""
    if hashed is None:
        detail = "the account has no password: set one with a link by mail"
        raise Invalid(errors=[FieldError(pointer, detail, "no_password")])
    return hashed


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

    An account without a password cannot be confirmed so far: its owner sets one by "Forgot
    password?" first. A recent sign-in could do here instead; the session says when it began.

    Raises `Invalid` and `TooManyFailures`. No transaction is open while the password is hashed.
    """
    network = networks.network(request.client.host if request.client else "")
    transactions = transactions_of(request)
    its = user.c
    async with transactions() as tx:
        found = await tx.execute(
            select(its.email, its.email_key, its.password_hash).where(its.id == current.user_id)
        )
        account = found.first()
        if account is None:
            raise Unauthenticated("This account does not exist any more.")
        hashed = required_hash(account.password_hash, "#/password")
        pause = await admit(tx, network, account.email_key, current.user_id)
    if pause:
        raise TooManyFailures(retry_after=ceil(pause.total_seconds()))
    if not await password_fits(password, hashed):
        async with transactions() as tx:
            known = account.email_key, current.user_id
            await note_failure(tx, network, *known, requester_of(request))
        error = FieldError("#/password", "is not the current password", "wrong_password")
        raise Invalid(errors=[error])
    async with transactions() as tx:
        await forgive(tx, network, account.email_key, current.user_id)
    return str(account.email)
