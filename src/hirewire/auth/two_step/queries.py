"""Queries for the second step of a user."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, func, select

from hirewire.auth.tables import recovery_code, second_factor
from hirewire.messaging.transaction import Tx


async def since(tx: Tx, user_id: UUID) -> datetime | None:
    """When a user turned the second step on; None if it is off."""
    its = second_factor.c
    result = await tx.execute(select(its.confirmed_at).where(its.user_id == user_id))
    return result.scalar()


async def codes_left(tx: Tx, user_id: UUID) -> int:
    """The number of recovery codes that were not used."""
    its = recovery_code.c
    result = await tx.execute(
        select(func.count()).where(its.user_id == user_id, its.used_at.is_(None))
    )
    return int(result.scalar_one())


async def locked(
    tx: Tx, user_id: UUID
) -> Row[bytes, datetime, datetime | None, int | None, int, datetime | None] | None:
    """The second factor of a user, locked until the transaction ends; None if there is none."""
    its = second_factor.c
    result = await tx.execute(
        select(
            *(its.secret, its.begun_at, its.confirmed_at),
            *(its.last_step, its.wrong_codes, its.wrong_since),
        )
        .where(its.user_id == user_id)
        .with_for_update()
    )
    return result.first()
