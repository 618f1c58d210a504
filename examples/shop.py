"""What the three services share: where their databases are, who consumes what, how one runs."""

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from sqlalchemy.ext.asyncio import create_async_engine

from hirewire.messaging.broker import QueueTopology, open_broker, queue_of
from hirewire.messaging.database import connect
from hirewire.messaging.introduction import introduce
from hirewire.messaging.runtime import Messaging
from hirewire.messaging.schema import ensure_database, migrate
from hirewire.messaging.subscriptions import Subscription

CONSUMES = {
    "orders": ("payment.received",),
    "payments": ("order.placed",),
    "dispatch": ("order.placed", "payment.received"),
}


def database(server: str, name: str) -> str:
    """The address of a service's own database; the broker's queues are in one more."""
    return f"{server.rstrip('/')}/shop_{name}" if server.count("/") == 2 else f"{server}_{name}"


async def set_up(server: str) -> None:
    """Create what is missing: databases, tables of the messaging, queues, lists of subscribers.

    Every process does so at its start: several at once wait for each other, and doing it again
    changes nothing.
    """
    await ensure_database(database(server, "broker"))
    async with AsyncExitStack() as stack:
        owners = {}
        for name in CONSUMES:
            await migrate(database(server, name))
            owners[name] = await connect(database(server, name), application="setup")
            stack.push_async_callback(owners[name].close)
        broker = open_broker(database(server, "broker"), client="setup")
        stack.push_async_callback(broker.close)
        queues = [QueueTopology(queue_of(name), types) for name, types in CONSUMES.items()]
        await introduce(broker, owners, queues)


@asynccontextmanager
async def running(
    name: str, server: str, table: str, subscriptions: Sequence[Subscription]
) -> AsyncIterator[Messaging]:
    """One service's messaging, with the service's own table, for as long as the block lasts."""
    await set_up(server)
    address = database(server, name)
    engine = create_async_engine(address.replace("postgresql", "postgresql+asyncpg", 1))
    async with engine.begin() as connection:
        await connection.exec_driver_sql(f"create table if not exists {table}")
    messaging = Messaging(
        service=name,
        engine=engine,
        database_url=address,
        broker=open_broker(database(server, "broker"), client=name),
        subscriptions=subscriptions,
        services=frozenset(CONSUMES),
    )
    messaging.start()
    try:
        yield messaging
    finally:
        await messaging.stop()
        await engine.dispose()


async def until_stopped() -> None:
    """Return at SIGTERM or Ctrl-C: the handler invocation at hand is finished first."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stopped.wait()
