"""A cutover under live traffic while relay and consumers are killed at any await."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import pytest

from hirewire.messaging.broker import open_broker
from hirewire.messaging.publishing.relay import Relay
from hirewire.messaging.runtime import Messaging
from tests.builders import eventually
from tests.messaging.conftest import Place
from tests.messaging.replaying import Reader, Writer, killed_at

KILLS = 8
KEYS = 5
EVENTS = 60


async def keep_relaying(writer: Writer, chance: random.Random) -> None:
    """Run one relay after the other; each is killed at some await, except the last."""
    for _ in range(KILLS):
        broker = open_broker(writer.broker_url, client="writer")
        relay = Relay(service="writer", database_url=writer.place.url, broker=broker)
        try:
            await killed_at(relay.run(), chance.randint(5, 80))
        finally:  # also at the end of the test, which may come before all have been killed
            await broker.close()
    await writer.relay.run()


async def keep_consuming(
    reader: Reader, partitions: int, chance: random.Random, replicas: list[Messaging]
) -> None:
    """Run one replica after the other; each is killed at some moment, except the last."""
    for nth in range(KILLS + 1):
        replica = Messaging(
            service=reader.name,
            engine=reader.place.engine,
            database_url=reader.place.url,
            broker=open_broker(reader.broker_url, client=reader.name),
            subscriptions=[reader.subscription],
            partitions=partitions,
        )
        replica.start("worker")
        replicas.append(replica)
        if nth < KILLS:
            await asyncio.sleep(chance.uniform(0.05, 0.6))
            tasks = list(replica._tasks._running)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await replicas.pop().broker.close()


async def write_live(writer: Writer, pages: list[UUID], chance: random.Random) -> None:
    """Write the numbers of each page in order, with the pages interleaved."""
    left = [page for page in pages for _ in range(EVENTS)]
    chance.shuffle(left)
    written = dict.fromkeys(pages, 5)
    for page in left:
        await writer.write(page, written[page])
        written[page] += 1
        await asyncio.sleep(0.002)


@pytest.mark.parametrize("partitions", [1, 3])
@pytest.mark.parametrize("seed", [1])
async def test_nothing_is_missed_duplicated_or_reordered(
    place: Place,
    new_place: Callable[[], Awaitable[Place]],
    broker_url: str,
    partitions: int,
    seed: int,
) -> None:
    chance = random.Random(seed)
    writer = Writer(place, broker_url)
    reader = Reader(f"f{uuid4().hex[:8]}", await new_place(), broker_url)
    await reader.prepare()
    pages = [uuid4() for _ in range(KEYS)]
    await writer.introduce([])
    for page in pages:
        await writer.write(page, *range(5))
    await writer.come_to_rest()
    await writer.relay.close()
    replicas: list[Messaging] = []
    relaying = asyncio.create_task(keep_relaying(writer, chance))
    live = asyncio.create_task(write_live(writer, pages, chance))
    await writer.introduce([reader.name], past={reader.name})
    await keep_consuming(reader, partitions, chance, replicas)
    await writer.ask(reader.name)
    await live

    async def ended() -> bool:
        return await writer.states() == {"done"} and await writer.all_sent()

    await eventually(ended, within=60)
    for page in pages:
        await reader.expect(page, *range(EVENTS + 5))
    line = await reader.account(await writer.log())
    assert (line.counts["handled"], line.late) == (KEYS * (EVENTS + 5), 0)
    assert reader.lates == 0
    while not relaying.done():  # a kill in progress takes a cancellation for its own
        relaying.cancel()
        await asyncio.wait({relaying}, timeout=1)
    for replica in replicas:
        await replica.stop()
    await writer.close()
