"""What only the broker in PostgreSQL has: connections that do not wait for each other."""

import asyncio

from hirewire.messaging.broker import Outcome, QueueTopology
from hirewire.messaging.brokers.postgres import PostgresBroker
from hirewire.messaging.database import connect
from tests.builders import eventually
from tests.messaging.brokers.test_contract import numbered

LOGS = QueueTopology("hirewire.logs", ("test.noted",))


async def test_looking_at_queues_and_publishing_do_not_wait_for_each_other(
    broker_database: str,
) -> None:
    """A queue's messages are counted one by one, which may take long."""
    broker = PostgresBroker(broker_database, client="tests")
    await broker.declare([LOGS])
    await broker.publish(numbered(3))
    connection = await connect(broker_database, application="tests")
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("lock table broker.binding in access exclusive mode")
    publishing = asyncio.create_task(broker.publish(numbered(1)))

    async def waits() -> bool:
        return bool(await connection.fetchval("select count(*) from pg_locks where not granted"))

    await eventually(waits)
    async with asyncio.timeout(20):
        assert (await broker.stats(LOGS.queue)).ready == 3
        await broker.ping()
    await transaction.rollback()
    assert await publishing == [Outcome.CONFIRMED]
    await connection.close()
    await broker.close()
