"""Errors that the models in `model/` show without a guard, run on the real messaging.

Each test is a trace into an error that TLC found without the guard in the test's name.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

import pytest

from hirewire.messaging.broker import BrokerUnavailable, Delivery, QueueTopology
from hirewire.messaging.publishing.outbox import record
from tests.builders import eventually
from tests.model.events import TYPES, Written
from tests.model.reader import Reader
from tests.model.world import Databases, World


@pytest.fixture(scope="module")
async def databases(postgres_url: str) -> AsyncIterator[Databases]:
    made = await Databases.make(postgres_url)
    yield made
    await made.dispose()


@pytest.fixture
async def world(databases: Databases) -> AsyncIterator[World]:
    made = World(databases)
    await made.start()
    yield made
    await made.stop()


async def write(world: World, *pages: int) -> None:
    """One transaction with an event on each of these pages."""
    await world.begin()
    for page in pages:
        world.record(world.transactions[-1], page, wiped=False)
    await world.commit(world.transactions[-1])


async def numbers(world: World, reader: Reader, page: int = 0) -> Sequence[int]:
    """The numbers of a page that have taken effect, in order."""
    effects = await reader.effects()
    return [number for number, _ in effects.get(("pages", world.pages[page]), [])]


def in_queue(world: World) -> Sequence[int]:
    """The sequences of the events in the reader's queue, in order."""
    ready = world.broker.queues[world.reader.topology.queue].ready
    return [int(d.headers["sequence"]) for d in ready if d.headers["type"].startswith("model.")]


# ---- Publishing


async def test_position_under_lock(world: World) -> None:
    """Of two open transactions of a key, the one that began later commits first."""
    await world.begin()
    await world.begin()
    first, second = world.transactions
    world.record(first, 0, wiped=False)
    world.record(second, 0, wiped=False)
    await world.commit(second)
    await world.relay(0, 1)
    await world.commit(first)
    await world.relay(0, 1)
    assert in_queue(world) == [1, 2]
    await world.reader.consume(2)
    assert await numbers(world, world.reader) == [2, 1]
    await world.come_to_rest()


async def test_confirm_before_mark(world: World) -> None:
    """The connection breaks before any message of a call was accepted."""
    await write(world, 0)
    world.broker.breaks_after = 0
    await world.relay(0, 1)
    assert in_queue(world) == []
    await world.relay(0, 1)
    assert in_queue(world) == [1]
    await world.come_to_rest()


@pytest.mark.parametrize("refused", [{0}, {1}])
async def test_refused_is_unsent_and_holds_back(world: World, refused: set[int]) -> None:
    """One of two keys is refused: none of its events overtakes, and the other key does not wait."""
    await write(world, 0, 1, 0, 1)
    world.broker.refused = refused
    await world.relay(0, 2)
    assert in_queue(world) == [1, 2]
    await write(world, 0, 1)
    await world.relay(0, 2)
    assert in_queue(world) == [1, 2, 3]
    await world.come_to_rest()


async def test_former_leader_publishes_events_it_has_read(world: World) -> None:
    """It freezes in the middle of a call while another one leads, and then continues."""
    await write(world, 0, 0, 0)
    await world.freeze_leader(0, taken=None)
    queue = in_queue(world)
    first = [queue.index(sequence) for sequence in (1, 2, 3)]
    assert first == sorted(first)
    await world.come_to_rest()


async def test_messages_in_flight_arrive_late(world: World) -> None:
    """A broken connection's messages arrive after everything published later."""
    await write(world, 0, 1, 2)
    world.broker.breaks_after, world.broker.arrives_later = 1, True
    await world.relay(0, 1)
    await write(world, 0, 1, 2)
    await world.relay(0, 1)
    world.broker.let_arrive()
    await world.come_to_rest()


# ---- Consuming


async def test_ack_after_commit(world: World) -> None:
    """The process is killed in its handler: the batch is delivered again."""
    await write(world, 0, 0)
    await world.relay(0, 1)
    world.reader.faults[(False, 2)] = "hangs"
    await world.reader.consume(2)
    assert in_queue(world) == [1, 2]
    assert await numbers(world, world.reader) == []
    await world.come_to_rest()


async def test_inbox_knows_repeats(world: World) -> None:
    """The ack is lost after the commit: the batch is delivered again."""
    await write(world, 0, 0)
    await world.relay(0, 1)
    world.broker.loses_ack = True
    await world.reader.consume(2)
    assert await numbers(world, world.reader) == [1, 2]
    assert in_queue(world) == [1, 2]
    await world.reader.consume(2)
    assert await numbers(world, world.reader) == [1, 2]
    await world.come_to_rest()


async def test_parks_behind_open_and_promotes_next(world: World) -> None:
    """Followers of a failed event wait, and are handled one by one when it is discarded."""
    await write(world, 0, 0, 0)
    await world.relay(0, 1)
    world.reader.faults[(False, 1)] = "rejects"
    for _ in range(3):
        await world.reader.consume(1)
    assert await numbers(world, world.reader) == []
    await world.discard(world.reader, 0)
    assert await world.reader.retry()
    assert await numbers(world, world.reader) == [2]
    assert await world.reader.retry()
    assert await numbers(world, world.reader) == [2, 3]
    await world.come_to_rest()


async def test_key_lock(world: World) -> None:
    """A follower arrives while the failed event before it is being retried."""
    reader = world.reader
    await write(world, 0, 0)
    await world.relay(0, 1)
    reader.faults[(False, 1)] = "fails"
    await reader.consume(1)
    reader.faults[(False, 1)] = "waits"
    retry = asyncio.create_task(reader.retry())
    await reader.inside.wait()
    consume = asyncio.create_task(reader.consume(1))
    await world.until_through_or_locked(consume, reader)
    reader.gate.set()
    await asyncio.gather(retry, consume)
    while await reader.retry():
        pass
    assert await numbers(world, reader) == [1, 2]
    await world.come_to_rest()


async def test_taken_over_while_it_works(world: World) -> None:
    """The broker gives a batch to a second process while the first is still in its handler."""
    reader = world.reader
    await write(world, 0, 0)
    await world.relay(0, 1)
    reader.faults[(False, 2)] = "waits"
    first = asyncio.create_task(reader.consume(2))
    await reader.inside.wait()
    reader.start()
    await asyncio.sleep(0)
    world.broker.disconnect(reader.topology.queue)
    second = asyncio.create_task(reader.consume(2))
    await world.until_through_or_locked(second, reader)
    reader.gate.set()
    await asyncio.gather(first, second)
    assert await numbers(world, reader) == [1, 2]
    await world.come_to_rest()


# ---- Cutover and barrier


async def test_last_pass_alone(world: World) -> None:
    """A reader joins while a key's events are refused, and others go on."""
    await write(world, 0, 1, 0, 1)
    world.broker.refused = {0}
    await world.relay(0, 1)
    await world.join()
    await write(world, 0, 1)
    for _ in range(3):
        await world.relay(0, 1)
        await write(world, 0, 1)
        await world.readers[1].consume(3)
        await world.check()
    await world.come_to_rest()


async def test_live_events_are_dropped_between_the_watermarks(world: World) -> None:
    """Live events of a key arrive before its history is replayed."""
    await write(world, 0)
    await world.relay(0, 2)
    await world.join()
    await write(world, 0)
    newcomer = world.readers[1]
    while not await newcomer.consume(1) or await numbers(world, newcomer) == []:
        await world.relay(0, 1)
        await world.check()
    await world.come_to_rest()


async def test_waits_for_unsent_and_lists_stuck(world: World) -> None:
    """A barrier is requested while an event is refused repeatedly."""
    await write(world, 0, 1)
    world.broker.refused = {0}
    await world.relay(0, 1)
    await world.ask_barrier()
    await world.relay(0, 2)
    await world.reader.consume(20)
    [id] = world.barriers
    barrier = await world.barrier(id)
    assert barrier.published_at is not None
    assert barrier.unsent == 1
    await world.come_to_rest()


async def test_notes_with_effects(world: World) -> None:
    """The process is killed with a barrier in its batch: it has not passed."""
    await write(world, 0)
    await world.ask_barrier()
    await world.relay(0, 2)
    world.reader.faults[(False, 1)] = "hangs"
    await world.reader.consume(20)
    [id] = world.barriers
    assert not await world.has_passed(id, world.reader)
    await world.reader.consume(20)
    assert await world.has_passed(id, world.reader)
    await world.come_to_rest()


async def test_ended_stays_ended(world: World) -> None:
    """A relay freezes while it publishes a low watermark, its successor completes the request, then
    the watermark arrives.
    """
    await write(world, 0)
    await world.relay(0, 2)
    await world.reader.consume(20)
    await world.replay(world.reader, TYPES, cutover=True)
    late: list[Delivery] = []
    queue = world.broker.queues[world.reader.topology.queue]
    while not late:
        await world.relay(0, 1)
        late = [d for d in queue.ready if d.headers.get("edge") == "begin"]
    await world.relay(0, 3)
    queue.ready.append(late[0])
    await write(world, 0)
    await world.relay(0, 2)
    await world.come_to_rest()


async def test_barrier_waits_for_end(world: World) -> None:
    """A barrier arrives between a replay's watermarks, before the dropped events are replayed."""
    await world.join()
    await write(world, 0)
    await world.relay(0, 1)
    await world.ask_barrier()
    for _ in range(6):
        await world.relay(0, 1)
        while await world.readers[1].consume(1):
            await world.check_barriers()
    await world.come_to_rest()


async def test_watermarks_loaded_when_active(world: World) -> None:
    """A standby that connected during a replay loads the watermarks when it becomes active, not
    before.
    """
    await world.replay(world.reader, TYPES, cutover=True)
    await world.relay(0, 1)
    await world.reader.consume(1)  # the low watermark
    world.reader.start()  # it stands by, and knows the open replay
    queue = world.broker.queues[world.reader.topology.queue]

    async def stands_by() -> bool:
        return len(queue.consumers) == 2

    await eventually(stands_by)
    await world.relay(0, 3)
    await world.reader.consume(20)
    await world.reader.kill(0)
    await write(world, 0)
    await world.relay(0, 2)
    await world.reader.consume(20)
    assert await numbers(world, world.reader) == [1]
    await world.come_to_rest()


async def test_request_before_watermark(world: World) -> None:
    """A migrate interrupted after its low watermark leaves no subscriber that drops events."""
    declare = world.broker.declare

    async def breaks(queues: Sequence[QueueTopology]) -> None:
        if any(queue.service == "newcomer" and queue.types for queue in queues):
            raise BrokerUnavailable("interrupted")
        await declare(queues)

    world.broker.declare = breaks  # type: ignore[method-assign]
    with suppress(BrokerUnavailable):
        await world.join()
    world.broker.declare = declare  # type: ignore[method-assign]
    world.readers.pop()
    await world.join()
    await world.relay(0, 3)
    await write(world, 0)
    await world.relay(0, 2)
    await world.come_to_rest()


async def test_drops_only_what_is_brought(world: World) -> None:
    """A replay of one key with cutover drops no events of other keys."""
    await world.replay(world.reader, TYPES, cutover=True, key=str(world.pages[0]))
    await write(world, 0, 1)
    world.broker.breaks_after = 0
    await world.relay(0, 1)
    for _ in range(4):
        await write(world, 0, 1)
        await world.relay(0, 1)
    await world.come_to_rest()


# ---- Transactions and connections


async def test_notices_failure(world: World) -> None:
    """A half-full batch whose database connection broke is returned, with nothing else arriving."""
    await write(world, *([0, 1] * 16))
    await world.relay(0, 1)
    world.reader.faults[(False, 20)] = "database"
    await world.reader.consume(32)
    await world.come_to_rest()


async def test_commit_is_one(world: World) -> None:
    """A handler that catches a database error does not lose its batch."""
    await write(world, 0, 1)
    await world.relay(0, 1)
    world.reader.faults[(False, 1)] = "catches"
    await world.reader.consume(2)
    assert await numbers(world, world.reader, 1) == [2]
    await world.come_to_rest()


async def test_savepoint_undone(world: World) -> None:
    """Events recorded in a rolled-back savepoint are not published."""
    async with world.writer() as tx:
        with suppress(ZeroDivisionError):
            async with tx.begin_nested():
                record(tx, Written(page=world.pages[0], number=1))
                raise ZeroDivisionError
    await world.relay(0, 1)
    assert in_queue(world) == []
