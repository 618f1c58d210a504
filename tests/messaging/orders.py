"""A service that publishes orders, consumes them, and adds up the orders of each customer."""

import asyncio
import sys

from sqlalchemy.ext.asyncio import create_async_engine

from hirewire.messaging.broker import open_broker
from hirewire.messaging.database import connect
from hirewire.messaging.envelope import Received
from hirewire.messaging.event import Event
from hirewire.messaging.introduction import introduce
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.runtime import Messaging
from hirewire.messaging.schema import migrate
from hirewire.messaging.subscriptions import on
from hirewire.messaging.transaction import Tx


class OrderPlaced(Event, name="order.placed", owner="orders", key="customer"):
    customer: str
    amount: int


async def add_up(tx: Tx, received: Received[OrderPlaced]) -> None:
    sql = (
        "insert into total values ($1, $2) "
        "on conflict (customer) do update set amount = total.amount + $2"
    )
    await tx.exec_driver_sql(sql, (received.event.customer, received.event.amount))


async def main(database: str, broker_url: str) -> None:
    await migrate(database)
    engine = create_async_engine(database.replace("postgresql", "postgresql+asyncpg", 1))
    orders = Messaging(
        service="orders",
        engine=engine,
        database_url=database,
        broker=open_broker(broker_url, client="orders"),
        subscriptions=[on(OrderPlaced, add_up, name="orders.add_up")],
    )
    own = await connect(database, application="setup")
    await own.execute("create table if not exists total (customer text primary key, amount int)")
    await introduce(orders.broker, {"orders": own}, [orders.consumer.topology])
    orders.start()
    async with orders.transactions() as tx:
        for customer, amount in (("ada", 5), ("ben", 7), ("ada", 30)):
            record(tx, OrderPlaced(customer=customer, amount=amount))
    while await own.fetchval("select coalesce(sum(amount), 0) from total") < 42:
        await asyncio.sleep(0.01)
    print(*[tuple(row) for row in await own.fetch("select * from total order by customer")])
    await orders.stop()
    await engine.dispose()
    await own.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
