"""The rate limit of a subscription: a token bucket in its database."""

from hirewire.messaging.subscriptions import Rate
from hirewire.messaging.transaction import Tx

# The row's lock is kept until the transaction ends: replicas draw tokens one after the other.
_COUNT = """
insert into messaging.allowance as a (subscription, tokens, counted_at)
values ($1, $2, clock_timestamp())
on conflict (subscription) do update
set tokens = least($2::float8, a.tokens + $3::float8 * greatest(0,
        extract(epoch from excluded.counted_at - a.counted_at)::float8)),
    counted_at = excluded.counted_at
returning tokens
"""
_SPEND = "update messaging.allowance set tokens = tokens - $2 where subscription = $1"


async def allowed(tx: Tx, subscription: str, rate: Rate) -> float:
    """How many messages may be handled now; the fraction shows how near the next one is."""
    result = await tx.exec_driver_sql(
        _COUNT, (subscription, float(rate.count), float(rate.per_second))
    )
    tokens: float = result.scalar_one()
    return tokens


async def spend(tx: Tx, subscription: str, number: int) -> None:
    """Record that so many are handled, in the transaction that called `allowed`."""
    await tx.exec_driver_sql(_SPEND, (subscription, float(number)))
