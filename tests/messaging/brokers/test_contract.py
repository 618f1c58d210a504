"""The contract of every broker, with hand-written expectations."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from uuid import uuid4

import pytest

from hirewire.messaging.broker import (
    BATCH_BYTES,
    Broker,
    BrokerUnavailable,
    Delivery,
    Message,
    Outcome,
    QueueTopology,
    open_broker,
)
from hirewire.messaging.ids import new_id
from tests.builders import eventually
from tests.queues import delete_queue

LOGS = QueueTopology("hirewire.logs", ("test.noted", "test.erased"))


@pytest.fixture
async def broker(broker_url: str) -> AsyncIterator[Broker]:
    made = open_broker(broker_url, client="tests")
    await made.declare([LOGS])
    yield made
    await made.close()


@pytest.fixture
async def other(broker_url: str) -> AsyncIterator[Broker]:
    """Another process on the same broker."""
    made = open_broker(broker_url, client="others")
    yield made
    await made.close()


def message(
    body: bytes = b"{}", *, type: str = "test.noted", key: str = "k", **headers: str
) -> Message:
    id = str(new_id())
    return Message(id=id, type=type, key=key, body=body, headers={"id": id, **headers})


def numbered(count: int, start: int = 0) -> list[Message]:
    return [message(str(n).encode()) for n in range(start, start + count)]


async def take(
    broker: Broker, count: int, topology: QueueTopology = LOGS, *, ack: bool = True, limit: int = 10
) -> list[Delivery]:
    """The next `count` deliveries; then the consumer is closed."""
    found: list[Delivery] = []
    async with asyncio.timeout(20), aclosing(broker.deliveries(topology, limit=limit)) as batches:
        async for batch in batches:
            assert 1 <= len(batch) <= limit
            found += batch
            if ack:
                await broker.ack(batch[-1])
            if len(found) >= count:
                break
    return found if ack else found[:count]  # unacked deliveries return, including surplus ones


def bodies(deliveries: Sequence[Delivery]) -> list[int]:
    return [int(delivery.body) for delivery in deliveries]


async def test_published_messages_arrive_in_order(broker: Broker) -> None:
    assert await broker.publish(numbered(50)) == [Outcome.CONFIRMED] * 50
    assert bodies(await take(broker, 50)) == list(range(50))


async def test_an_acked_message_is_gone_and_an_unacked_one_returns(
    broker: Broker, other: Broker
) -> None:
    await broker.publish(numbered(30))
    first = await take(broker, 10, ack=False)
    await broker.publish(numbered(5, start=30))
    again = await take(other, 35)
    assert bodies(first) == list(range(10))
    assert bodies(again) == list(range(35))
    assert again[0].delivery_count >= 1
    assert again[-1].delivery_count == 0
    assert (await other.stats(LOGS.queue)).ready == 0


async def test_an_ack_removes_all_before_it_and_nothing_after(
    broker: Broker, other: Broker
) -> None:
    await broker.publish(numbered(10))
    async with aclosing(broker.deliveries(LOGS, limit=10)) as batches:
        batch: list[Delivery] = []
        while len(batch) < 10:
            part = await anext(batches)
            batch += part
            if len(batch) < 10:
                await broker.ack(part[-1])
        await broker.ack(next(d for d in batch if int(d.body) == max(int(batch[-1].body) - 2, 0)))
    assert bodies(await take(other, 2)) == [8, 9]


async def test_an_unbound_event_is_unroutable_and_does_not_affect_others(
    broker: Broker,
) -> None:
    batch = [message(b"1"), message(type="test.unbound", key="x"), message(b"2")]
    assert await broker.publish(batch) == [
        Outcome.CONFIRMED,
        Outcome.UNROUTABLE,
        Outcome.CONFIRMED,
    ]
    assert bodies(await take(broker, 2)) == [1, 2]


async def test_no_event_overtakes_a_refused_one_of_its_key_if_the_broker_promises_it(
    broker: Broker,
) -> None:
    batch = [
        message(b"1", key="a"),
        message(type="test.unbound", key="a"),
        message(b"2", key="a"),
        message(b"3", key="b"),
    ]
    promised = broker.keeps_order_within_batch
    behind = Outcome.HELD_BACK if promised else Outcome.CONFIRMED
    assert await broker.publish(batch) == [
        Outcome.CONFIRMED,
        Outcome.UNROUTABLE,
        behind,
        Outcome.CONFIRMED,
    ]
    arrived = [1, 3] if promised else [1, 2, 3]
    assert bodies(await take(broker, len(arrived))) == arrived


async def test_a_message_that_is_not_mandatory_is_confirmed_without_a_queue(broker: Broker) -> None:
    without_subscribers = message(type="test.unbound")
    without_subscribers.mandatory = False
    optional = message(b"7")
    optional.mandatory = False
    assert await broker.publish([without_subscribers, optional]) == [Outcome.CONFIRMED] * 2
    assert bodies(await take(broker, 1)) == [7]


async def test_a_message_that_cannot_be_encoded_does_not_affect_others(
    broker: Broker,
) -> None:
    """A lone surrogate, which JSON may contain, has no UTF-8 encoding."""
    batch = [message(str(n).encode(), key=f"{n}") for n in range(20)]
    batch[7] = message(b"7", key="7", source="\ud83e")
    outcomes = await broker.publish(batch)
    assert [n for n in range(20) if outcomes[n] is not Outcome.CONFIRMED] == [7]
    assert outcomes[7] is Outcome.REFUSED
    assert batch[7].refusal
    assert sorted(bodies(await take(broker, 19))) == [n for n in range(20) if n != 7]


async def test_a_batch_is_bounded_in_bytes(broker: Broker) -> None:
    sent = [message(str(n).encode() + b" " * 1_500_000, key=f"{n}") for n in range(6)]
    assert await broker.publish(sent) == [Outcome.CONFIRMED] * 6
    got: list[Delivery] = []
    async with asyncio.timeout(20), aclosing(broker.deliveries(LOGS, limit=100)) as batches:
        async for batch in batches:
            assert sum(len(one.body) for one in batch) <= BATCH_BYTES
            got += batch
            await broker.ack(batch[-1])
            if len(got) == 6:
                break
    assert sorted(bodies(got)) == list(range(6))


async def test_a_body_larger_than_a_batch_arrives_alone(broker: Broker) -> None:
    body = b"1" * (BATCH_BYTES + 1)
    await broker.publish([message(b"0"), message(body), message(b"2")])
    assert [d.body for d in await take(broker, 3)] == [b"0", body, b"2"]


async def test_a_reader_of_broadcasts_that_is_too_slow_is_notified(
    broker: Broker, other: Broker
) -> None:
    """It gets the error of a lost connection, instead of an unbounded backlog."""
    async with asyncio.timeout(60), aclosing(broker.broadcasts(["test.noted"])) as batches:
        assert await anext(batches) == []
        with pytest.raises(BrokerUnavailable, match="too slow"):
            while True:
                await other.publish(numbered(4000))
                await anext(batches)
    async with asyncio.timeout(20), aclosing(broker.broadcasts(["test.noted"])) as batches:
        assert await anext(batches) == []
        await other.publish(numbered(1))
        assert bodies(await anext(batches)) == [0]


async def test_closing_a_broker_ends_its_readers_of_broadcasts(broker: Broker) -> None:
    async with asyncio.timeout(20), aclosing(broker.broadcasts(["test.noted"])) as batches:
        assert await anext(batches) == []
        await broker.close()
        with pytest.raises(BrokerUnavailable):
            while True:
                await anext(batches)


async def test_each_subscribed_service_gets_its_own_copy(broker: Broker) -> None:
    second = QueueTopology("hirewire.second", ("test.noted",))
    await broker.declare([LOGS, second])
    await broker.publish([message(b"1"), message(b"2", type="test.erased")])
    assert bodies(await take(broker, 2)) == [1, 2]
    assert bodies(await take(broker, 1, second)) == [1]


async def test_declaring_again_removes_what_is_no_longer_consumed(broker: Broker) -> None:
    await broker.declare([QueueTopology(LOGS.queue, ("test.noted",))])
    outcomes = await broker.publish([message(type="test.erased", key="x"), message(b"1")])
    assert outcomes == [Outcome.UNROUTABLE, Outcome.CONFIRMED]


async def test_a_deleted_queue_is_gone_with_its_messages(broker: Broker) -> None:
    kept = QueueTopology("hirewire.kept", ("test.noted",))
    await broker.declare([kept])
    await broker.publish(numbered(3))
    await broker.delete(LOGS.queue)
    await broker.delete(LOGS.queue)
    assert await broker.publish([message(type="test.erased")]) == [Outcome.UNROUTABLE]
    await broker.declare([LOGS])
    assert (await broker.stats(LOGS.queue)).ready == 0
    await broker.publish(numbered(1, 3))
    assert bodies(await take(broker, 1)) == [3]
    assert bodies(await take(broker, 4, kept)) == [0, 1, 2, 3]


async def test_everything_of_a_message_arrives(broker: Broker) -> None:
    sent = Message(
        id=str(uuid4()),
        type="test.noted",
        key="ключ",
        body='{"text":"ёж 🦔"}'.encode(),
        headers={"source": "/hirewire/tests", "sequence": "7", "имя": "Ёлка 🎄"},
        correlation_id="story-1",
    )
    await broker.publish([sent])
    [got] = await take(broker, 1)
    assert got.body == sent.body
    assert got.headers == sent.headers
    assert got.routing_key == "test.noted"
    assert got.message_id == sent.id


async def test_a_large_body_arrives(broker: Broker) -> None:
    body = b"x" * 1_500_000
    await broker.publish([message(body)])
    [got] = await take(broker, 1)
    assert got.body == body


async def test_messages_outlive_their_publisher(broker: Broker, other: Broker) -> None:
    await broker.publish(numbered(3))
    await broker.close()
    assert bodies(await take(other, 3)) == [0, 1, 2]


async def test_one_consumer_is_active_and_another_takes_over(broker: Broker, other: Broker) -> None:
    seen: list[int] = []
    ready = asyncio.Event()

    async def standby() -> None:
        async with aclosing(other.deliveries(LOGS, limit=10)) as batches:
            async for batch in batches:
                seen.extend(bodies(batch))
                await other.ack(batch[-1])
                if len(seen) >= 6:
                    ready.set()
                    return

    async with aclosing(broker.deliveries(LOGS, limit=10)) as batches:
        await broker.publish(numbered(4))
        first: list[int] = []
        while len(first) < 4:
            batch = await anext(batches)
            first += bodies(batch)
            await broker.ack(batch[-1])
        task = asyncio.create_task(standby())
        await broker.publish(numbered(3, start=4))
        held = bodies(await anext(batches))  # not acked
        assert held[0] == 4
        assert seen == []
        await broker.publish(numbered(3, start=7))
    async with asyncio.timeout(20):
        await ready.wait()
    await task
    assert seen == list(range(4, 10))


async def test_a_deleted_queue_is_noticed_and_recreated(broker: Broker, broker_url: str) -> None:
    async with aclosing(broker.deliveries(LOGS, limit=10)) as batches:
        await broker.publish(numbered(1))
        batch = await anext(batches)
        await broker.ack(batch[-1])
        await delete_queue(broker_url, LOGS.queue)
        with pytest.raises(BrokerUnavailable):
            async with asyncio.timeout(20):
                await anext(batches)
    assert await broker.publish(numbered(1)) == [Outcome.UNROUTABLE]
    listening = asyncio.create_task(take(broker, 1))

    async def published() -> bool:
        return await broker.publish(numbered(1)) == [Outcome.CONFIRMED]

    await eventually(published)
    assert bodies(await listening) == [0]


async def test_a_broadcast_reaches_all_current_readers(broker: Broker, other: Broker) -> None:
    await broker.publish([message(b"0")])
    received: dict[str, list[int]] = {"a": [], "b": []}

    async def listen(name: str, at: Broker) -> None:
        async with aclosing(at.broadcasts(["test.noted"])) as batches:
            async for batch in batches:
                received[name] += [n for n in bodies(batch) if n]

    tasks = [asyncio.create_task(listen("a", broker)), asyncio.create_task(listen("b", other))]
    try:

        async def both() -> bool:
            await broker.publish([message(b"1")])
            return bool(received["a"] and received["b"])

        await eventually(both)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_stats_count_waiting_messages(broker: Broker) -> None:
    await broker.publish(numbered(4))

    async def counted() -> bool:
        stats = await broker.stats(LOGS.queue)
        return (stats.ready, stats.consumers) == (4, 0)

    await eventually(counted)
    await broker.ping()


async def test_a_cancelled_publish_does_not_spoil_the_next(broker: Broker) -> None:
    for delay in (0.0, 0.002, 0.01):
        task = asyncio.create_task(broker.publish(numbered(300)))
        await asyncio.sleep(delay)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        outcomes = await broker.publish([message(b"7"), message(type="test.unbound")])
        assert outcomes == [Outcome.CONFIRMED, Outcome.UNROUTABLE]


async def test_concurrent_publishers_each_get_their_own_outcomes(broker: Broker) -> None:
    async def publish(bound: bool) -> Sequence[Outcome]:
        kind = "test.noted" if bound else "test.unbound"
        return await broker.publish([message(type=kind, key=f"{n}") for n in range(20)])

    answers = await asyncio.gather(*(publish(n % 2 == 0) for n in range(10)))
    for n, outcomes in enumerate(answers):
        assert set(outcomes) == {Outcome.CONFIRMED if n % 2 == 0 else Outcome.UNROUTABLE}


async def test_an_ack_after_the_consumer_has_gone_is_refused(broker: Broker) -> None:
    await broker.publish(numbered(1))
    [delivery] = await take(broker, 1, ack=False)
    with pytest.raises(BrokerUnavailable):
        await broker.ack(delivery)


async def test_an_unreachable_broker_is_reported(broker_url: str) -> None:
    nowhere = broker_url.replace("127.0.0.1", "127.0.0.2")
    broker = open_broker(nowhere, client="tests")
    with pytest.raises(BrokerUnavailable) as caught:
        await broker.publish(numbered(1))
    password = broker_url.split("@")[0].split(":")[-1]
    assert password not in str(caught.value)
    await broker.close()


def test_an_unknown_scheme_is_refused() -> None:
    with pytest.raises(ValueError, match="no broker for 'carrier-pigeon'"):
        open_broker("carrier-pigeon://coop", client="tests")
