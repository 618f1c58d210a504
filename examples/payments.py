"""`python -m examples.payments SERVER`: takes the money for every order."""

import asyncio
import sys

from examples.events import OrderPlaced, PaymentReceived
from examples.shop import running, until_stopped
from hirewire.messaging.envelope import Received
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.retry import Reject
from hirewire.messaging.subscriptions import on
from hirewire.messaging.transaction import Tx

TABLE = "payment (order_id uuid primary key, amount int)"
LIMIT = 1000


async def on_order_placed(tx: Tx, received: Received[OrderPlaced]) -> None:
    """Take the money, and publish that in the same transaction.

    An exception would have the message retried by its schedule; `Reject` ends it at once, as a
    dead letter that `hirewire.messaging.consuming.dead_letters` can list, edit, replay or discard.
    """
    order = received.event
    if order.amount > LIMIT:
        raise Reject(f"{order.amount} is over the limit of {LIMIT}")
    sql = "insert into payment values ($1, $2)"
    await tx.exec_driver_sql(sql, (order.order_id, order.amount))
    record(tx, PaymentReceived(order_id=order.order_id, amount=order.amount))


async def main(server: str) -> None:
    """Run until stopped."""
    subscriptions = [on(OrderPlaced, on_order_placed, name="payments.orders")]
    async with running("payments", server, TABLE, subscriptions):
        await until_stopped()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
