"""`python -m examples.orders SERVER CUSTOMER AMOUNT`: places an order, waits until it is paid."""

import asyncio
import sys
from uuid import UUID, uuid4

from examples.events import OrderPlaced, PaymentReceived
from examples.shop import running
from hirewire.messaging.envelope import Received
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.subscriptions import on
from hirewire.messaging.transaction import Tx

TABLE = "customer_order (id uuid primary key, customer text, amount int, paid boolean)"


async def place(tx: Tx, customer: str, amount: int) -> UUID:
    """Place an order. The event is recorded in the same transaction: both happen, or neither."""
    id = uuid4()
    sql = "insert into customer_order values ($1, $2, $3, false)"
    await tx.exec_driver_sql(sql, (id, customer, amount))
    record(tx, OrderPlaced(order_id=id, customer=customer, amount=amount))
    return id


async def on_payment_received(tx: Tx, received: Received[PaymentReceived]) -> None:
    """Mark the order as paid. A second delivery of the event never gets here."""
    sql = "update customer_order set paid = true where id = $1"
    await tx.exec_driver_sql(sql, (received.event.order_id,))


async def main(server: str, customer: str, amount: str) -> None:
    """Place one order, and say when it is paid."""
    subscriptions = [on(PaymentReceived, on_payment_received, name="orders.payments")]
    async with running("orders", server, TABLE, subscriptions) as orders:
        async with orders.transactions() as tx:
            id = await place(tx, customer, int(amount))
        sys.stdout.write(f"order {id} is placed\n")
        sys.stdout.flush()
        paid = False
        while not paid:
            await asyncio.sleep(0.05)
            async with orders.transactions() as tx:
                found = await tx.exec_driver_sql(
                    "select paid from customer_order where id = $1", (id,)
                )
                paid = found.scalar_one()
        sys.stdout.write(f"order {id} is paid\n")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
