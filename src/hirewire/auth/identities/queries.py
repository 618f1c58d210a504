"""Queries for identities at providers."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, select

from hirewire.auth.openid.answers import Identity
from hirewire.auth.tables import identity, user
from hirewire.messaging.transaction import Tx


async def owner_of(tx: Tx, found: Identity) -> Row[UUID, str] | None:
    """The id and the address key of the user who is connected to an identity; None if nobody is."""
    result = await tx.execute(
        select(user.c.id, user.c.email_key)
        .join(identity, identity.c.user_id == user.c.id)
        .where(identity.c.issuer == found.issuer, identity.c.subject == found.subject)
    )
    return result.first()


async def account_at(tx: Tx, email_key: str) -> Row[UUID, bool] | None:
    """The id of the account with this address, locked, and whether the address is verified."""
    its = user.c
    result = await tx.execute(
        select(its.id, its.email_verified_at.is_not(None).label("is_verified"))
        .where(its.email_key == email_key)
        .with_for_update()
    )
    return result.first()


async def identities_of(
    tx: Tx, user_id: UUID
) -> Sequence[Row[UUID, str, str, str | None, datetime]]:
    """The identities that a user is connected to, the first one first."""
    its = identity.c
    result = await tx.execute(
        select(its.id, its.provider, its.issuer, its.email, its.connected_at)
        .where(its.user_id == user_id)
        .order_by(its.connected_at, its.id)
    )
    return result.all()
