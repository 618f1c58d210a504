"""Paused subscriptions: their messages wait in order until they are resumed.

A consumer learns of a pause in the statement that enters a batch, so that it takes effect from the
next batch on, in every replica. The first message of a key that arrives during the pause is stored
as the next to be handled, and the others behind it, as behind a failed message: after `resume` the
subscription's lane handles them in order, and new messages wait behind them.
"""

from dataclasses import dataclass
from datetime import datetime

from hirewire.messaging import requests
from hirewire.messaging.consuming.unresolved import clean
from hirewire.messaging.transaction import Tx


@dataclass(frozen=True, slots=True)
class Pause:
    """A subscription that is paused."""

    subscription: str
    paused_at: datetime
    why: str
    by: str


async def pause(tx: Tx, subscription: str, *, why: str, by: str = "") -> bool:
    """Keep this subscription's messages waiting from now on. False if it was already paused."""
    result = await tx.exec_driver_sql(
        "insert into messaging.pause (subscription, why, by) values ($1, $2, $3) "
        "on conflict do nothing",
        (subscription, clean(why), clean(by)),
    )
    if result.rowcount != 1:
        return False
    asked = {"handler": subscription, "why": clean(why)}
    await requests.note_done(tx, "pause", asked, by=clean(by), done=1)
    return True


async def resume(tx: Tx, subscription: str, *, why: str = "", by: str = "") -> bool:
    """Resume a paused subscription and its waiting messages. False if it was not paused."""
    result = await tx.exec_driver_sql(
        "delete from messaging.pause where subscription = $1", (subscription,)
    )
    if result.rowcount != 1:
        return False
    asked = {"handler": subscription, "why": clean(why)}
    await requests.note_done(tx, "resume", asked, by=clean(by), done=1)
    return True


async def paused(tx: Tx) -> list[Pause]:
    """The paused subscriptions, by name."""
    result = await tx.exec_driver_sql(
        "select subscription, paused_at, why, by from messaging.pause order by subscription"
    )
    return [Pause(row.subscription, row.paused_at, row.why, row.by) for row in result]
