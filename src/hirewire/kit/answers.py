"""Stored responses of idempotency keys (schema `kit`)."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

KEPT = timedelta(days=1)
"""How long a creating request can be repeated under its key."""


async def claim(tx: AsyncConnection, *, scope: str, key: str, fingerprint: str) -> bool:
    """Whether this request is the first under its key. Waits for a concurrent request to end."""
    taken = await tx.exec_driver_sql(
        "insert into kit.idempotency (scope, key, fingerprint) values ($1, $2, $3) "
        "on conflict do nothing returning key",
        (scope, key, fingerprint),
    )
    return taken.first() is not None


async def keep(tx: AsyncConnection, *, scope: str, key: str, answer: str) -> None:
    """Store the first request's response (JSON)."""
    await tx.exec_driver_sql(
        "update kit.idempotency set answer = $3::jsonb where scope = $1 and key = $2",
        (scope, key, answer),
    )


async def release(tx: AsyncConnection, *, scope: str, key: str) -> None:
    """Forget a key that was claimed in this transaction: a repeat is a new request."""
    await tx.exec_driver_sql(
        "delete from kit.idempotency where scope = $1 and key = $2", (scope, key)
    )


async def kept(tx: AsyncConnection, *, scope: str, key: str) -> tuple[str, str]:
    """The fingerprint and response (JSON) of the first request."""
    result = await tx.exec_driver_sql(
        "select fingerprint, answer::text as answer from kit.idempotency "
        "where scope = $1 and key = $2",
        (scope, key),
    )
    row = result.one()
    return row.fingerprint, row.answer


async def forget_answers(tx: AsyncConnection, user_id: UUID) -> int:
    """Delete the stored responses to a user, and those to others that name the user, when the
    user's data is deleted; returns how many.
    """
    result = await tx.exec_driver_sql(
        "delete from kit.idempotency where starts_with(scope, $1 || ' ') "
        "or strpos(answer::text, $1) > 0",
        (str(user_id),),
    )
    return result.rowcount


async def forget_old(tx: AsyncConnection) -> None:
    """Delete expired responses."""
    await tx.exec_driver_sql(
        "delete from kit.idempotency where created_at < clock_timestamp() - $1::interval", (KEPT,)
    )
