"""The list of subscribers is written once, despite interruptions and concurrent writers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import uuid4

import pytest

from hirewire.messaging.broker import QueueTopology, open_broker, queue_of
from hirewire.messaging.database import connect
from hirewire.messaging.introduction import introduce
from hirewire.messaging.publishing import replay
from hirewire.messaging.publishing.subscribers import bind_with_history, write_subscribers
from tests.builders import eventually
from tests.messaging.conftest import Place
from tests.messaging.replaying import TYPE, Reader, Writer, killed_at

KILLS = 14
"""The number of points of one `migrate` at which it is killed, spread over all of it."""


@pytest.fixture
async def writer(place: Place, broker_url: str) -> AsyncIterator[Writer]:
    made = Writer(place, broker_url)
    yield made
    await made.close()


async def interrupted(writer: Writer, broker_url: str, name: str, steps: int) -> bool:
    """Kill a `migrate` after this many awaits; returns whether it had ended before."""
    owner = await connect(writer.place.url, application="migrate")
    broker = open_broker(broker_url, client="migrate")
    queues = [QueueTopology(queue_of(name), (TYPE,))]
    work = introduce(broker, {"writer": owner}, queues, past={(name, TYPE)})
    ended: bool = await killed_at(work, steps, owner.terminate)
    owner.terminate()
    await broker.close()
    return ended


async def steps_of(writer: Writer, broker_url: str) -> int:
    """The approximate number of awaits of a `migrate`."""
    steps, step = 0, 64
    while step:
        if not await interrupted(writer, broker_url, f"x{uuid4().hex[:8]}", steps + step):
            steps += step
        else:
            step //= 2
    return steps


@pytest.mark.timeout(300)
async def test_a_migrate_may_be_killed_at_every_step(
    writer: Writer, new_place: Callable[[], Awaitable[Place]], broker_url: str
) -> None:
    """For each step, a subscriber that consumes the whole history once and in order."""
    place = await new_place()
    page = uuid4()
    await writer.introduce([])
    await writer.write(page, 0)
    written = 1
    await Reader("first", place, broker_url).prepare()
    most = await steps_of(writer, broker_url)
    assert most > KILLS
    for steps in range(1, most + 2, most // KILLS):
        name = f"k{uuid4().hex[:8]}"
        await interrupted(writer, broker_url, name, steps)
        await writer.relay.step()
        await writer.write(page, written)
        await writer.relay.step()
        await writer.introduce([name], past={name})
        await writer.write(page, written + 1)
        reader = Reader(name, place, broker_url)
        reader.start()
        for _ in range(5):
            await writer.relay.step()
        written += 2
        await reader.expect(page, *range(written))
        assert reader.lates == 0

        async def replay_is_over(reader: Reader = reader) -> bool:
            await writer.relay.step()
            return await reader.awaits() == 0

        await eventually(replay_is_over, what="the end mark came")
        await reader.close()
        async with place.engine.begin() as connection:
            await connection.exec_driver_sql("truncate effect")


async def test_the_replay_of_a_new_subscriber_stays_open_until_it_is_listed(
    writer: Writer, broker_url: str
) -> None:
    """However often it is started, it is one replay, which ends once."""
    name = f"n{uuid4().hex[:8]}"
    await writer.introduce([])
    await writer.write(uuid4(), 1, 2)
    await writer.come_to_rest()
    owner = await connect(writer.place.url, application="migrate")
    topology = QueueTopology(queue_of(name), ())
    await writer.broker.declare([topology])
    for _ in range(2):
        await bind_with_history(
            owner, writer.broker, owner="writer", topology=topology, types=[TYPE]
        )
    for _ in range(3):
        await writer.relay.step()
    [request] = await owner.fetch("select state, held from messaging.job")
    assert tuple(request) == ("open", True)
    async with owner.transaction():
        await write_subscribers(owner, {TYPE: [name]})
        await replay.release(owner)
    await writer.come_to_rest()
    [request] = await owner.fetch("select state, held from messaging.job")
    assert tuple(request) == ("done", False)
    await owner.close()


async def test_of_two_concurrent_lists_the_later_one_wins(place: Place) -> None:
    """It removes what the earlier one has added meanwhile."""
    first, second = [await connect(place.url, application="migrate") for _ in range(2)]
    one, other = first.transaction(), second.transaction()
    await one.start()
    await write_subscribers(first, {TYPE: ["former", "reader"]})
    await other.start()
    writing = asyncio.create_task(write_subscribers(second, {TYPE: ["later", "reader"]}))

    async def waits_or_is_done() -> bool:
        waits = await first.fetchval("select count(*) from pg_locks where not granted")
        return bool(writing.done() or waits)

    await eventually(waits_or_is_done)
    await one.commit()
    await writing
    await other.commit()
    rows = await first.fetch(
        "select service from messaging.listener where until is null order by service"
    )
    assert [row["service"] for row in rows] == ["later", "reader"]
    await first.close()
    await second.close()


async def test_several_migrates_at_once_and_a_running_service(
    writer: Writer, new_place: Callable[[], Awaitable[Place]], broker_url: str
) -> None:
    page, other = uuid4(), uuid4()
    await writer.introduce([])
    await writer.write(page, *range(5))
    reader = Reader(f"m{uuid4().hex[:8]}", await new_place(), broker_url)
    await reader.prepare()
    relaying = asyncio.create_task(writer.relay.run())
    await asyncio.gather(*(writer.introduce([reader.name], past={reader.name}) for _ in range(3)))
    reader.start()
    await asyncio.gather(
        *(writer.introduce([reader.name], past={reader.name}) for _ in range(3)),
        writer.write(page, *range(5, 10)),
        writer.write(other, *range(5)),
    )
    await reader.expect(page, *range(10))
    await reader.expect(other, *range(5))

    async def ended() -> bool:
        return await writer.states() == {"done"} and await writer.all_sent()

    await eventually(ended)
    relaying.cancel()
    await asyncio.gather(relaying, return_exceptions=True)
    async with writer.transactions() as tx:
        rows = await tx.exec_driver_sql("select type, service from messaging.listener")
        assert [tuple(row) for row in rows] == [(TYPE, reader.name)]
        jobs = await tx.exec_driver_sql("select count(*) from messaging.job")
        assert jobs.scalar_one() == 1
    line = await reader.account(await writer.log())
    assert (line.counts["handled"], line.late, line.adds_up) == (15, 0, True)
    await reader.close()
