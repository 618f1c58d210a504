"""Handlers that fail in every way, bodies of every size, and one very busy key."""

import asyncio
from uuid import UUID

from chaos.brokers.rabbitmq import RabbitNode
from chaos.run import Run, scenario
from chaos.service import HANDLER_SECONDS, HOT, Happened
from chaos.world import READERS, WRITERS, World, eventually
from hirewire.kit.db import make_engine
from hirewire.messaging.consuming import dead_letters
from hirewire.messaging.transaction import Transactions

_STATE = "select state from messaging.open_message where event_id = any($1::uuid[])"
_ATTEMPTS = "select number from attempt where event_id = any($1::uuid[])"
_STARTED = "select count(*) from attempt where event_id = any($1::uuid[])"


async def _in_state(world: World, ids: list[UUID], state: str, seconds: float = 60) -> None:
    async def there() -> bool:
        return [r["state"] for r in await world.rows("reader", _STATE, ids)] == [state] * len(ids)

    await eventually(there, seconds, f"{len(ids)} messages are {state}")


async def _replay_dead(world: World) -> None:
    engine = make_engine(world.database("reader"), pool=2)
    try:
        async with Transactions(engine, "reader")() as tx:
            await dead_letters.replay(tx, type=Happened.name, by="chaos")
    finally:
        await engine.dispose()


async def _restart_the_dead(run: Run, ids: list[UUID], goal: int) -> None:
    """Restart readers killed by a handler, until the handlers have been called often enough."""
    world = run.world

    async def enough() -> bool:
        for name in READERS:
            if not world.replicas[name].runs:
                run.faults["process ended by a handler"] += 1
                world.start_replica(name)
        rows = await world.rows(
            "reader", "select number from attempt where event_id = any($1)", ids
        )
        return len(rows) == len(ids) and all(row["number"] >= goal for row in rows)

    await eventually(enough, 90, f"handlers started {goal} times")


@scenario("handlers that fail", short=True)
async def failing_handlers(run: Run) -> None:
    """Some handlers fail until they are fixed, some reject and are replayed as dead letters, some
    raise errors that look like a lost database, and some end their process twice.
    """
    world = run.world
    await world.fix(False)
    count = run.times(6)
    failing = await run.write(count, places=300, mood="fails")
    failing += await run.write(count, places=300, mood="fails as if the database were away")
    rejecting = [
        id for n in range(count) for id in await run.write_at([f"place rejected {n}"], "rejects")
    ]
    run.faults["handler that fails"] += len(failing)
    run.faults["handler that rejects"] += len(rejecting)
    await _in_state(world, rejecting, "dead")

    async def held() -> bool:
        rows = await world.rows("reader", _STATE, failing)
        return len(rows) == len(failing) and {r["state"] for r in rows} <= {"retrying", "waiting"}

    await eventually(held, 60, "what fails is retried")
    killing = await run.write(1, places=300, mood="kills")
    run.faults["handler that ends its process"] += len(killing)
    await _restart_the_dead(run, killing, 3)
    await run.written_more(100)
    await world.fix(True)
    await _replay_dead(world)
    await run.progress("fixed", 90)


@scenario("a handler that swallows a database error", short=True)
async def swallowing_handler(run: Run) -> None:
    """A handler catches the error of a failed statement: its batch may not count as done."""
    world = run.world
    await world.fix(False)
    for _ in range(run.times(3)):
        await run.write(20, places=300)
        ids = await run.write(1, places=300, mood="swallows")
        await run.write(20, places=300)
        run.faults["database error swallowed"] += 1

        async def started(ids: list[UUID] = ids) -> bool:
            return bool(await world.sql("reader", _STARTED, ids))

        await eventually(started, 30, "the handler has run")
    await run.written_more(50)
    await world.fix(True)
    await run.progress("fixed", 90)


@scenario("a handler slower than its time limit")
async def slow_handler(run: Run) -> None:
    """A handler exceeds its time limit by far until it is fixed; the others continue meanwhile."""
    world = run.world
    await world.fix(False)
    slow = [id for n in range(2) for id in await run.write_at([f"place slow {n}"], "slow")]
    run.faults["handler over its limit"] += len(slow)
    await asyncio.sleep(2 * HANDLER_SECONDS)
    await run.progress("others beside a slow handler", but=slow)
    await world.fix(True)
    await run.progress("fixed", 90)


@scenario("a handler slower than the broker's patience", brokers=["rabbitmq"])
async def consumer_timeout(run: Run) -> None:
    """The broker closes the channel of a consumer that does not ack in 2 s (`consumer_timeout`);
    a handler takes longer than that several times and is then fixed.
    """
    world = run.world
    await _set_patience(world, 2_000, 500)
    for name in READERS:
        world.kill_replica(name)
        world.start_replica(name)
    await world.fix(False)
    try:
        slow = await run.write_at(["place slow 0"], "slow")
        run.faults["handler over the broker's patience"] += len(slow)
        await asyncio.sleep(20)
        await world.fix(True)
        await run.progress("fixed", 90)
    finally:
        await _set_patience(world, 1_800_000, 60_000)
    for name in READERS:
        world.kill_replica(name)


async def _set_patience(world: World, consumer: int, tick: int) -> None:
    for node in world.cluster.nodes:
        assert isinstance(node, RabbitNode)
        await node.evaluate(
            f"application:set_env(rabbit, consumer_timeout, {consumer}), "
            f"application:set_env(rabbit, channel_tick_interval, {tick})."
        )


@scenario("a hot key with a failure in it")
async def hot_key(run: Run) -> None:
    """One key has 60 % of the traffic, and one of its events fails for a while: all later ones
    wait behind it in order and then catch up.
    """
    world = run.world
    await world.load(True, 0.01, hot=0.6)
    await run.written_more(200)
    await world.fix(False)
    failing = await run.write_at([HOT], "fails")
    run.faults["failure in a hot key"] += 1
    await _in_state(world, failing, "retrying")
    await run.written_more(400)
    await world.fix(True)
    await run.progress("the hot key has caught up", 90)


@scenario("big bodies among small ones")
async def big_bodies(run: Run) -> None:
    """One event in twenty has a body of 1 to 4 MB, while relay and consumer are killed."""
    world = run.world
    await world.load(True, 0.05, big=0.05)
    for nth in range(4):
        await run.written_more(60)
        world.kill_replica(run.rng.choice(WRITERS if nth % 2 else READERS))
        run.faults["kill -9 among big bodies"] += 1
        await world.everything_up()
    await world.load(True)
    await run.progress("with big bodies", 90)


@scenario("a body over the broker's limit")
async def body_too_large(run: Run) -> None:
    """An event can be recorded, but the broker refuses its body: it blocks only its own key, until
    the limit is raised.
    """
    world = run.world
    await _set_most_bytes(world, 1_000_000)
    large = await run.write_at(["place large"], filler=2_000_000)
    run.faults["body over the limit"] += 1
    await run.written_more(100)
    await run.progress("others beside a body that is too large", but=large)
    await _set_most_bytes(world, None)
    await run.progress("the limit is raised", 90)


async def _set_most_bytes(world: World, most: int | None) -> None:
    await world.cluster.set_most_bytes(most)
    for name in WRITERS:
        world.kill_replica(name)
    await world.everything_up()
