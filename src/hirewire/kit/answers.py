"""Answers kept for idempotency keys (schema `kit`): found again, and forgotten."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

KEPT = timedelta(days=1)
"""How long a request that creates can be repeated under its key."""


async def claim(tx: AsyncConnection, *, scope: str, key: str, fingerprint: str) -> bool:
    """Whether this request is the first under its key; waits while another first one is open."""
    taken = await tx.exec_driver_sql(
        "insert into kit.idempotency (scope, key, fingerprint) values ($1, $2, $3) "
        "on conflict do nothing returning key",
        (scope, key, fingerprint),
    )
    return taken.first() is not None


async def keep(tx: AsyncConnection, *, scope: str, key: str, answer: str) -> None:
    """Keep the first one's answer (JSON)."""
    await tx.exec_driver_sql(
        "update kit.idempotency set answer = $3::jsonb where scope = $1 and key = $2",
        (scope, key, answer),
    )


async def kept(tx: AsyncConnection, *, scope: str, key: str) -> tuple[str, str]:
    """Fingerprint and answer (JSON) of the first one."""
    found = await tx.exec_driver_sql(
        "select fingerprint, answer::text as answer from kit.idempotency "
        "where scope = $1 and key = $2",
        (scope, key),
    )
    row = found.one()
    return row.fingerprint, row.answer


async def forget_answers(tx: AsyncConnection, user_id: UUID) -> None:
    """Delete what was answered to somebody: for when what they made is deleted."""
    await tx.exec_driver_sql(
        "delete from kit.idempotency where starts_with(scope, $1)", (f"{user_id} ",)
    )


async def forget_old(tx: AsyncConnection) -> None:
    """Delete answers that nobody will ask for again."""
    await tx.exec_driver_sql(
        "delete from kit.idempotency where created_at < clock_timestamp() - $1::interval", (KEPT,)
    )
