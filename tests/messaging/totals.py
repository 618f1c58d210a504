"""A service with a projection that is rebuilt in another form, beside the live one."""

import asyncio
import sys
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import create_async_engine

from hirewire.messaging.broker import open_broker
from hirewire.messaging.database import connect
from hirewire.messaging.envelope import Received
from hirewire.messaging.event import Event
from hirewire.messaging.introduction import introduce
from hirewire.messaging.projections import dropping, generations
from hirewire.messaging.projections.generations import Projection
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.runtime import Messaging
from hirewire.messaging.schema import migrate
from hirewire.messaging.subscriptions import Subscription, on
from hirewire.messaging.transaction import Tx


class OrderPlaced(Event, name="order.placed", owner="orders", key="customer"):
    customer: str
    amount: int


async def create_sums(tx: Tx, schema: str) -> None:
    await tx.exec_driver_sql(f"create table {schema}.total (customer text primary key, sum int)")


def add_up(schema: str) -> Sequence[Subscription]:
    async def add(tx: Tx, received: Received[OrderPlaced]) -> None:
        sql = (
            f"insert into {schema}.total values ($1, $2) "
            "on conflict (customer) do update set sum = total.sum + $2"
        )
        await tx.exec_driver_sql(sql, (received.event.customer, received.event.amount))

    return [on(OrderPlaced, add, name="orders.totals")]


async def create_counts(tx: Tx, schema: str) -> None:
    columns = "customer text primary key, sum int, orders int"
    await tx.exec_driver_sql(f"create table {schema}.total ({columns})")


def add_up_and_count(schema: str) -> Sequence[Subscription]:
    async def add(tx: Tx, received: Received[OrderPlaced]) -> None:
        sql = (
            f"insert into {schema}.total values ($1, $2, 1) "
            "on conflict (customer) do update set sum = total.sum + $2, orders = total.orders + 1"
        )
        await tx.exec_driver_sql(sql, (received.event.customer, received.event.amount))

    return [on(OrderPlaced, add, name="orders.totals")]


FORMER = Projection("totals", 1, create_sums, add_up)
TOTALS = Projection("totals", 2, create_counts, add_up_and_count)


async def read(orders: Messaging) -> list[tuple[object, ...]]:
    async with orders.transactions() as tx:
        live = await generations.live(tx, "totals")
        rows = await tx.exec_driver_sql(f"select * from {live.schema}.total order by customer")
        return [tuple(row) for row in rows]


async def main(database: str, broker_url: str) -> None:
    await migrate(database)
    engine = create_async_engine(database.replace("postgresql", "postgresql+asyncpg", 1))
    orders = Messaging(
        service="orders",
        engine=engine,
        database_url=database,
        broker=open_broker(broker_url, client="orders"),
        subscriptions=[],
        projections=[FORMER, TOTALS],
    )
    own = await connect(database, application="setup")
    async with orders.transactions() as tx:
        await generations.start(tx, FORMER)
    await introduce(orders.broker, {"orders": own}, [], subscribers={"orders": own})
    orders.start()
    async with orders.transactions() as tx:
        for customer, amount in (("ada", 5), ("ben", 7), ("ada", 30)):
            record(tx, OrderPlaced(customer=customer, amount=amount))
    while await read(orders) != [("ada", 35), ("ben", 7)]:
        await asyncio.sleep(0.01)
    async with orders.transactions() as tx:
        await generations.start(tx, TOTALS, switch_when_ready=True)
    await introduce(orders.broker, {"orders": own}, [], subscribers={"orders": own})
    async with orders.transactions() as tx:
        record(tx, OrderPlaced(customer="ben", amount=1))
    while ("ben", 8, 2) not in await read(orders):
        await asyncio.sleep(0.01)
    print(*await read(orders))
    await dropping.drop(
        orders.transactions, "orders", "totals", owners={"orders": own}, broker=orders.broker
    )
    await orders.stop()
    await engine.dispose()
    await own.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
