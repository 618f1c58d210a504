"""`python -m examples.dispatch SERVER`: sends a parcel once an order is placed and paid."""

import asyncio
import sys
from uuid import UUID

from examples.events import OrderPlaced, PaymentReceived
from examples.shop import running, until_stopped
from hirewire.messaging.envelope import Received
from hirewire.messaging.subscriptions import on
from hirewire.messaging.transaction import Tx

TABLE = "parcel (order_id uuid primary key, customer text, paid boolean, sent_at timestamptz)"
ORDERED = """
insert into parcel (order_id, customer) values ($1, $2)
on conflict (order_id) do update set customer = excluded.customer
"""
PAID = """
insert into parcel (order_id, paid) values ($1, true)
on conflict (order_id) do update set paid = true
"""
SEND = """
update parcel set sent_at = now()
where order_id = $1 and customer is not null and paid and sent_at is null
"""


async def on_order_placed(tx: Tx, received: Received[OrderPlaced]) -> None:
    """Note who gets the parcel."""
    order = received.event
    await tx.exec_driver_sql(ORDERED, (order.order_id, order.customer))
    await send_if_ready(tx, order.order_id)


async def on_payment_received(tx: Tx, received: Received[PaymentReceived]) -> None:
    """Note that it is paid. The two events have different owners, and come in any order."""
    await tx.exec_driver_sql(PAID, (received.event.order_id,))
    await send_if_ready(tx, received.event.order_id)


async def send_if_ready(tx: Tx, order_id: UUID) -> None:
    """Send the parcel once both events have arrived."""
    await tx.exec_driver_sql(SEND, (order_id,))


async def main(server: str) -> None:
    """Run until stopped."""
    subscriptions = [
        on(OrderPlaced, on_order_placed, name="dispatch.orders"),
        on(PaymentReceived, on_payment_received, name="dispatch.payments"),
    ]
    async with running("dispatch", server, TABLE, subscriptions):
        await until_stopped()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
