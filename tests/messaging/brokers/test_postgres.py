"""The broker in PostgreSQL: connections do not block each other."""

import asyncio
from contextlib import aclosing

import pytest

from hirewire.messaging.broker import BrokerUnavailable, Outcome, QueueTopology
from hirewire.messaging.brokers import postgres
from hirewire.messaging.brokers.postgres import PostgresBroker
from hirewire.messaging.database import connect
from tests.builders import eventually
from tests.messaging.brokers.test_contract import bodies, numbered, take

LOGS = QueueTopology("hirewire.logs", ("test.noted",))


async def test_counting_messages_does_not_block_publishing(
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


async def test_a_connection_that_publishes_nothing_is_closed_and_opened_again(
    broker_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = PostgresBroker(broker_database, client="tests")
    await broker.declare([LOGS])
    watching = await connect(broker_database, application="watching")

    async def publishers() -> int:
        found = await watching.fetchval(
            "select count(*) from pg_stat_activity where application_name = 'tests publisher'"
        )
        return int(found)

    async def none_is_open() -> bool:
        return await publishers() == 0

    await broker.ping()
    assert await publishers() == 1
    monkeypatch.setattr(postgres, "REST_SECONDS", 0.0)
    await broker.ping()
    await eventually(none_is_open)
    publishing = [asyncio.create_task(broker.publish(numbered(1))) for _ in range(20)]
    for _ in range(20):  # none is closed while it publishes
        await broker.ping()
    assert await asyncio.gather(*publishing) == [[Outcome.CONFIRMED]] * 20
    assert (await broker.stats(LOGS.queue)).ready == 20
    await watching.close()
    await broker.close()


async def test_a_server_that_confirms_nothing_is_not_waited_for_without_end(
    broker_database: str,
) -> None:
    broker = PostgresBroker(broker_database, client="tests", confirm_seconds=0.2)
    await broker.declare([LOGS])
    connection = await connect(broker_database, application="tests")
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("lock table broker.binding in access exclusive mode")
    async with asyncio.timeout(20):
        with pytest.raises(BrokerUnavailable):
            await broker.publish(numbered(1))
    await transaction.rollback()

    async def published() -> bool:
        try:
            return await broker.publish(numbered(1)) == [Outcome.CONFIRMED]
        except BrokerUnavailable:
            return False

    await eventually(published)
    assert (await broker.stats(LOGS.queue)).ready == 1
    await connection.close()
    await broker.close()


async def test_messages_for_a_closed_broadcast_are_deleted(
    broker_database: str,
) -> None:
    broker = PostgresBroker(broker_database, client="tests")
    await broker.declare([LOGS])
    await broker.publish(numbered(2))
    connection = await connect(broker_database, application="tests")
    for queue in ("broadcast.gone", "broadcast.gone too", "foreign"):
        await connection.execute(
            "insert into broker.message (queue, type, body, headers) values ($1, 't', '', '{}')",
            queue,
        )
    async for _ in broker.broadcasts(["test.noted"]):
        break
    left = await connection.fetch(
        "select queue, count(*) from broker.message group by 1 order by 1"
    )
    assert [tuple(row) for row in left] == [("foreign", 1), (LOGS.queue, 2)]
    await connection.close()
    await broker.close()


async def test_a_consumer_that_stands_by_fetches_nothing(broker_database: str) -> None:
    """Once it has asked for the queue's lock, it has taken no message."""
    active, standby = (PostgresBroker(broker_database, client=name) for name in ("a", "standby"))
    await active.declare([LOGS])
    await active.publish(numbered(3))
    watching = await connect(broker_database, application="tests")

    async def spoken() -> bool:
        found: bool = await watching.fetchval(
            "select exists (select from pg_stat_activity where datname = current_database() "
            "and application_name = 'standby consumer' and state = 'idle' "
            "and (query like '%pg_terminate_backend%' or query like '%update broker.message%'))"
        )
        return found

    async with aclosing(active.deliveries(LOGS, limit=10)) as batches:
        batch = await anext(batches)
        assert bodies(batch) == [0, 1, 2]
        waiting = asyncio.create_task(take(standby, 1, LOGS))
        await eventually(spoken)
        counts = await watching.fetch("select distinct delivery_count from broker.message")
        assert [row["delivery_count"] for row in counts] == [1]
        await active.ack(batch[-1])
    await active.publish(numbered(1, start=3))
    assert bodies(await waiting) == [3]
    await watching.close()
    await active.close()
    await standby.close()


async def test_waiting_messages_are_redacted_in_all_queues_and_keep_their_order(
    broker_database: str,
) -> None:
    """Of a service that is away, or that was removed."""
    broker = PostgresBroker(broker_database, client="tests")
    others = QueueTopology("hirewire.others", ("test.noted",))
    assert await broker.redact("1", lambda _, body: body) == 0
    await broker.declare([LOGS, others])
    await broker.publish(numbered(3))
    asked = []

    def redaction(name: str, body: bytes) -> bytes | None:
        asked.append(name)
        return b"10" if body == b"1" else None

    assert await broker.redact("1", redaction) == 2
    assert asked == ["test.noted"] * 2
    assert bodies(await take(broker, 3)) == [0, 10, 2]
    await broker.close()
