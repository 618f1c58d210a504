"""The relay over real brokers: order, marking as sent, leadership."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from uuid import UUID, uuid4

import pytest

from hirewire.messaging.broker import Broker, QueueTopology, open_broker
from hirewire.messaging.database import connect
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.publishing.relay import Notifier, Relay
from hirewire.messaging.publishing.subscribers import write_subscribers
from hirewire.messaging.testing import recorded
from hirewire.messaging.transaction import Transactions
from tests.builders import eventually
from tests.messaging.conftest import Erased, Noted, Place
from tests.messaging.readers import Reader, notes

LOGS = QueueTopology("hirewire.reader", ("test.noted",))


@pytest.fixture
async def broker(broker_url: str) -> AsyncIterator[Broker]:
    made = open_broker(broker_url, client="writer")
    await made.declare([LOGS])
    yield made
    await made.close()


@pytest.fixture
async def relay(place: Place, broker: Broker) -> AsyncIterator[Relay]:
    made = Relay(service="writer", database_url=place.url, broker=broker)
    yield made
    await made.close()


async def note_down(transactions: Transactions, *texts: str, page: UUID | None = None) -> None:
    for text in texts:
        async with transactions() as tx:
            record(tx, Noted(page=page or uuid4(), text=text))


async def texts_in(broker: Broker, count: int) -> list[str]:
    found: list[str] = []
    async with asyncio.timeout(20), aclosing(broker.deliveries(LOGS, limit=100)) as batches:
        async for batch in batches:
            found += [Noted.model_validate_json(d.body).text for d in batch]
            await broker.ack(batch[-1])
            if len(found) >= count:
                break
    return found


async def all_sent(place: Place) -> bool:
    return all(row.sent for row in await recorded(place.engine))


async def test_events_of_a_key_are_published_in_order(
    place: Place, relay: Relay, broker: Broker
) -> None:
    pages = [uuid4() for _ in range(3)]
    for n in range(30):
        await note_down(place.transactions(), f"{n % 3}.{n // 3}", page=pages[n % 3])
    while await relay.step():
        pass
    assert await all_sent(place)
    texts = await texts_in(broker, 30)
    for nth in range(3):
        assert [t for t in texts if t.startswith(f"{nth}.")] == [f"{nth}.{k}" for k in range(10)]


async def test_an_event_without_subscribers_is_no_error(place: Place, relay: Relay) -> None:
    async with place.transactions()() as tx:
        record(tx, Erased(page=uuid4()))
    await relay.step()
    assert await all_sent(place)


async def test_an_unroutable_event_with_subscribers_stays_unsent_and_blocks_only_its_key(
    place: Place, relay: Relay, broker: Broker
) -> None:
    connection = await connect(place.url, application="tests")
    async with connection.transaction():
        await write_subscribers(connection, {"test.erased": ["archive"]})
    page = uuid4()
    async with place.transactions()() as tx:
        record(tx, Erased(page=page))
    await note_down(place.transactions(), "behind", page=page)
    await note_down(place.transactions(), "beside")
    while await relay.step():
        pass
    assert [row.sent for row in await recorded(place.engine)] == [False, False, True]
    assert await connection.fetchval("select error from messaging.outbox where error > ''")
    await broker.declare([LOGS, QueueTopology("hirewire.archive", ("test.erased",))])

    async def mended() -> bool:
        await relay.step()
        return await all_sent(place)

    await eventually(mended)
    await connection.close()
    assert await texts_in(broker, 2) == ["beside", "behind"]


async def test_a_standby_takes_over_when_the_leader_is_gone(place: Place, broker: Broker) -> None:
    relays = [Relay(service="writer", database_url=place.url, broker=broker) for _ in range(2)]
    for relay in relays:
        await relay.step()
    assert [relay.leads for relay in relays] == [True, False]
    connection = await connect(place.url, application="tests")
    await connection.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity "
        "where application_name = 'writer relay' and pid in "
        "(select pid from pg_locks where locktype = 'advisory')"
    )
    await connection.close()
    await note_down(place.transactions(), "after")

    async def taken_over() -> bool:
        with suppress(Exception):
            await relays[1].step()
        return await all_sent(place)

    await eventually(taken_over)
    assert relays[1].leads
    for relay in relays:
        await relay.close()


async def test_a_commit_anywhere_wakes_the_leading_relay(place: Place, relay: Relay) -> None:
    """A process that only handles requests notifies the relay of another one."""
    notifier = Notifier(service="writer", database_url=place.url)
    running = asyncio.gather(relay.run(), notifier.run())

    async def leads() -> bool:
        return relay.leads

    await eventually(leads)
    transactions = place.transactions()
    transactions.committed = notifier.wake
    await note_down(transactions, "now")

    async def sent() -> bool:
        return await all_sent(place)

    await eventually(sent)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_an_unavailable_broker_loses_nothing(place: Place, broker: Broker) -> None:
    """Recording continues; once the broker is back, everything is published in order."""
    page = uuid4()
    away = Relay(
        service="writer",
        database_url=place.url,
        broker=open_broker("amqp://x:y@127.0.0.2:1/", client="writer"),
    )
    await note_down(place.transactions(), "1", "2", page=page)
    with pytest.raises(Exception, match=r"127\.0\.0\.2"):
        await away.step()
    await away.close()
    assert [row.sent for row in await recorded(place.engine)] == [False, False]
    back = Relay(service="writer", database_url=place.url, broker=broker)
    await note_down(place.transactions(), "3", page=page)
    while await back.step():
        pass
    await back.close()
    assert await texts_in(broker, 3) == ["1", "2", "3"]


async def test_one_failing_key_waits_in_order_and_all_others_pass(
    new_place: Callable[[], Awaitable[Place]], broker: Broker, relay: Relay, place: Place
) -> None:
    """From outbox to effect over a real broker, with a handler that fails for one key."""
    there = await new_place()
    async with there.engine.begin() as connection:
        await connection.exec_driver_sql(
            "create table note (n bigint generated always as identity, text text)"
        )
    reader = Reader(there)
    reader.consumer._broker = broker
    bad, good = uuid4(), [uuid4() for _ in range(5)]
    reader.broken = {f"bad.{n}" for n in range(10)}
    for n in range(10):
        await note_down(place.transactions(), f"bad.{n}", page=bad)
        for nth, page in enumerate(good):
            await note_down(place.transactions(), f"{nth}.{n}", page=page)
    while await relay.step():
        pass
    consuming = asyncio.create_task(reader.consumer.run())

    async def others_passed() -> bool:
        kept = sum((await reader.counts()).values())
        return (len(await notes(there.engine)), kept) == (50, 10)

    await eventually(others_passed)
    await reader.try_again()
    assert await reader.counts() == {"retrying": 0, "waiting": 9, "dead": 1}
    reader.broken.clear()
    assert await reader.replay() == 1
    await reader.try_again()
    reader.consumer.stop()
    await consuming
    texts = await notes(there.engine)
    assert [t for t in texts if t.startswith("bad")] == [f"bad.{n}" for n in range(10)]
    for nth in range(5):
        assert [t for t in texts if t.startswith(f"{nth}.")] == [f"{nth}.{n}" for n in range(10)]
    assert not reader.lates
