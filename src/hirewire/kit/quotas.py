"""Quotas: how much may be done in a window of time, counted by the rows it leaves."""

from datetime import datetime, timedelta
from math import ceil

from sqlalchemy import ColumnElement, func, select

from hirewire.kit.clock import now
from hirewire.messaging.transaction import Tx


async def seconds_to_wait(
    tx: Tx, at: ColumnElement[datetime], *whose: ColumnElement[bool], most: int, window: timedelta
) -> int:
    """How long until one more row is allowed besides these; 0 if one is allowed now.

    `at` is the time of a row. The caller holds a lock: else two requests at once would not count
    each other's row.
    """
    moment = now()
    found = await tx.execute(select(func.count(), func.min(at)).where(*whose, at > moment - window))
    count, oldest = found.one()
    return ceil((oldest + window - moment).total_seconds()) if count >= most else 0


async def seconds_for_more(
    tx: Tx,
    at: ColumnElement[datetime],
    amount: ColumnElement[int],
    *whose: ColumnElement[bool],
    more: int,
    most: int,
    window: timedelta,
) -> int:
    """How long until these rows, each of which stands for an `amount`, leave room for `more`, which
    is at most `most`; 0 if there is room now. The caller holds a lock, as for `seconds_to_wait`.
    """
    moment = now()
    since = select(at.label("at"), func.sum(amount).over(order_by=at.desc()).label("amount"))
    counted = since.where(*whose, at > moment - window).subquery()
    too_many = counted.c.amount + more > most
    newest: datetime | None = await tx.scalar(select(func.max(counted.c.at)).where(too_many))
    return ceil((newest + window - moment).total_seconds()) if newest is not None else 0
