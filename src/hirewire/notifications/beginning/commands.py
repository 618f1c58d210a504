"""The command that stores which owner has stated all that it has."""

from collections.abc import Sequence

from hirewire.messaging.transaction import Tx

_COMPLETE = """
update beginning set
    stated = (select array_agg(distinct one) from unnest(stated || $1::text) as one),
    complete_at = case when stated || $1::text @> $2::text[]
        then coalesce(complete_at, clock_timestamp()) end
"""


async def complete(tx: Tx, owner: str, owners: Sequence[str]) -> None:
    """Store that this owner has stated all; nothing is missing once all of `owners` have."""
    await tx.exec_driver_sql(_COMPLETE, (owner, list(owners)))
