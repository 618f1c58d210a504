"""Tickets of logins whose password was right and that still need a code: no sessions yet."""

import secrets
from datetime import timedelta
from uuid import UUID

from sqlalchemy import BindParameter, Exists, Row, delete, exists, insert, select, update

from hirewire.auth.logins import digest
from hirewire.auth.tables import login_ticket, second_factor, user
from hirewire.kit.clock import now
from hirewire.kit.errors import Unauthenticated
from hirewire.messaging.transaction import Tx

TICKET_LIFE = timedelta(minutes=5)
MOST_ATTEMPTS = 5
"""Wrong codes, after which the login begins again with the password."""


class SecondFactorNeeded(Unauthenticated):
    """A code is needed too: `/api/auth/login/second-factor`."""

    slug = "second-factor-needed"
    code = "second_factor_needed"


def needed(ticket: str) -> SecondFactorNeeded:
    """The answer to a login that takes a code too, with the ticket that completes it."""
    life = int(TICKET_LIFE.total_seconds())
    return SecondFactorNeeded(extra={"ticket": ticket, "expiresIn": life})


def takes_code(user_id: UUID | BindParameter[UUID]) -> Exists:
    """The condition that a sign-in of the user takes a code."""
    its = second_factor.c
    return exists().where(its.user_id == user_id, its.confirmed_at.is_not(None))


async def is_code_needed(tx: Tx, user_id: UUID) -> bool:
    """Whether a sign-in of the user takes a code."""
    return bool((await tx.execute(select(takes_code(user_id)))).scalar())


async def issue(tx: Tx, user_id: UUID) -> str:
    """A new ticket of a user."""
    ticket = secrets.token_urlsafe(32)
    await tx.execute(
        insert(login_ticket).values(
            hash=digest(ticket), user_id=user_id, expires_at=now() + TICKET_LIFE
        )
    )
    return ticket


async def owner(tx: Tx, ticket: str) -> Row[UUID, str] | None:
    """The id and the address key of the user whose ticket this is; None if it is not valid."""
    its = login_ticket.c
    result = await tx.execute(
        select(user.c.id, user.c.email_key)
        .join(login_ticket, its.user_id == user.c.id)
        .where(its.hash == digest(ticket), its.expires_at > now())
    )
    return result.first()


async def lock_ticket(tx: Tx, ticket: str) -> bool:
    """Whether the ticket is still there; nobody else can use it until the transaction ends."""
    its = login_ticket.c
    result = await tx.execute(
        select(its.hash).where(its.hash == digest(ticket), its.expires_at > now()).with_for_update()
    )
    return result.first() is not None


async def end(tx: Tx, ticket: str) -> None:
    """Use up a ticket."""
    await tx.execute(delete(login_ticket).where(login_ticket.c.hash == digest(ticket)))


async def count_wrong(tx: Tx, ticket: str) -> bool:
    """Count a wrong code; True if it was the last one, with which the ticket ends."""
    its = login_ticket.c
    result = await tx.execute(
        update(login_ticket)
        .where(its.hash == digest(ticket))
        .values(attempts=its.attempts + 1)
        .returning(its.attempts)
    )
    is_last = (result.scalar() or 0) >= MOST_ATTEMPTS
    if is_last:
        await end(tx, ticket)
    return is_last


async def prune(tx: Tx) -> None:
    """Delete expired tickets."""
    await tx.execute(delete(login_ticket).where(login_ticket.c.expires_at <= now()))
