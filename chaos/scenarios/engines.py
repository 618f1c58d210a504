"""Faults of the engines, the network, and the services' processes."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg

from chaos.brokers.rabbitmq import RabbitNode
from chaos.run import Run, scenario
from chaos.service import POISON
from chaos.world import QUEUE, READERS, REPLICAS, TOPOLOGIES, WRITERS, eventually
from hirewire.messaging.broker import open_broker
from hirewire.messaging.envelope import message_of

FIRST = "published before any queue exists"


@scenario(FIRST)
async def before_any_queue(run: Run) -> None:
    """No exchange binding or queue exists yet; only the owner's list of subscribers does."""
    world = run.world
    await world.write_subscribers()
    for name in WRITERS:
        world.start_replica(name)
    await world.load(True)
    await run.written_more(100)
    unsent = int(str(await world.sql("writer", "select count(*) from messaging.outbox")))
    run.faults["events without a queue"] = await world.written()
    run.notes.append(f"{unsent} unsent before there was a queue")
    await world.declare()


@scenario("services killed", short=True)
async def services_killed(run: Run) -> None:
    """Kill -9 of replicas of both services, at random moments."""
    for _ in range(run.times(12)):
        name = run.rng.choice(REPLICAS)
        await run.pause(0.2, 1.2)
        run.world.kill_replica(name)
        run.faults["kill -9 of a service"] += 1
        await run.pause(0.0, 0.6)
        run.world.start_replica(name)


@scenario("relay killed in mid-batch", short=True)
async def relay_killed(run: Run) -> None:
    """A backlog is recorded at once, and its publishers are killed while they publish it."""
    world = run.world
    for _ in range(run.times(6)):
        for _ in range(10):
            await run.write(300, places=300)
        for name in WRITERS:
            await run.pause(0.02, 0.3)
            world.kill_replica(name)
            run.faults["kill -9 of a relay"] += 1
            world.start_replica(name)


@scenario("the queue's leader killed")
async def leader_killed(run: Run) -> None:
    """Kill -9 of the node that leads the queue; another takes over."""
    world = run.world
    for _ in range(run.times(3)):
        await eventually(lambda: world.cluster.in_step(QUEUE), 90, "members in step")
        node = await world.cluster.leader(QUEUE)
        await run.written_more(50)
        node.kill()
        run.faults["kill -9 of the leader"] += 1
        await run.pause(1.0, 3.0)
        await node.start()


@scenario("two nodes in turn")
async def two_nodes(run: Run) -> None:
    """One node is killed with -9, and once it is back, another one."""
    world = run.world
    for node in run.rng.sample(world.cluster.nodes, 2):
        await eventually(lambda: world.cluster.in_step(QUEUE), 90, "members in step")
        node.kill()
        run.faults["kill -9 of a node"] += 1
        await run.written_more(50)
        await node.start()


@scenario("PostgreSQL restarted", short=True)
async def postgres_restarted(run: Run) -> None:
    """Fast and immediate shutdowns; an immediate one is a crash with recovery."""
    world = run.world
    for nth in range(run.times(4)):
        await run.pause(0.5, 1.5)
        if nth % 2:
            await world.postgres.stop()
            run.faults["fast restart"] += 1
        else:
            await world.postgres.crash()
            run.faults["immediate restart"] += 1
        await run.pause(0.1, 1.0)
        await world.postgres.start()


@scenario("network cut, hung and slowed", short=True)
async def network(run: Run) -> None:
    """Connections between services and engines fail; a hung one is noticed by heartbeats only."""
    world = run.world
    for _ in range(run.times(6)):
        proxies = run.rng.choice([world.to_broker, [world.to_database]])
        kind = run.rng.choice(["cut", "hung", "slow", "reset"])
        for proxy in proxies:
            {"cut": proxy.cut, "hung": proxy.hang, "slow": proxy.slow, "reset": proxy.reset}[kind]()
        where = "broker" if proxies is world.to_broker else "database"
        run.faults[f"{where} {kind}"] += 1
        await run.pause(0.5, 4.0 if kind != "hung" else 8.0)
        for proxy in proxies:
            proxy.heal()
        await run.pause(0.5, 1.0)


@scenario("clocks jump")
async def clocks(run: Run) -> None:
    """One replica after the other has a clock that is days ahead or behind."""
    for _ in range(run.times(3)):
        for name in REPLICAS:
            days = run.rng.choice([3.0, -2.0, 0.0625, -0.03125])
            run.world.kill_replica(name)
            run.world.start_replica(name, clock=timedelta(days=days))
            run.faults[f"clock {days:+g} d"] += 1
            await run.pause(0.5, 1.0)
        await run.written_more(100)


@scenario("disk alarm", brokers=["rabbitmq"])
async def disk_alarm(run: Run) -> None:
    """The broker blocks publishers; recording events continues."""
    world = run.world
    for _ in range(run.times(2)):
        node = run.rng.choice(world.cluster.nodes)
        assert isinstance(node, RabbitNode)
        await node.control("set_disk_free_limit", "100000GB")
        run.faults["disk alarm"] += 1
        await run.written_more(200)
        await node.control("set_disk_free_limit", "50MB")


@scenario("queue deleted by hand", short=True)
async def queue_deleted(run: Run) -> None:
    """A queue with messages is deleted: the audit must name them and the repair publish them."""
    world = run.world
    for name in READERS:
        await world.stop_replica(name)
    await run.written_more(200)
    await world.load(False)
    await run.all_sent()
    waiting = await world.cluster.waiting(QUEUE)
    await world.cluster.delete(QUEUE)
    run.faults["queue deleted"] += 1
    run.notes.append(f"about {waiting} messages were in it")
    run.needs_repair = True
    for name in READERS:
        world.start_replica(name)
    await world.load(True)
    await run.written_more(50)


@scenario("duplicates and disorder injected", short=True)
async def disorder(run: Run) -> None:
    """Unpublished events are delivered shuffled and three times before the relay does.

    Late are only those that the first shuffle has put behind a later one of their key.
    """
    world = run.world
    broker = open_broker(world.broker_url(), client="writer")
    try:
        for _ in range(run.times(3)):
            for name in WRITERS:
                await world.stop_replica(name)
            await run.write(300, places=20)
            rows = list(
                await world.rows(
                    "writer", "select l.* from messaging.log l join messaging.outbox o using (id)"
                )
            )
            for nth in range(3):
                run.rng.shuffle(rows)
                if nth == 0:
                    world.late |= _overtaken(rows)
                await broker.publish([message_of(row, "writer") for row in rows])
                run.faults["deliveries injected"] += len(rows)
            for name in WRITERS:
                world.start_replica(name)
            await run.written_more(50)
    finally:
        await broker.close()


def _overtaken(rows: Sequence[asyncpg.Record]) -> set[UUID]:
    """The events that arrive after a later one of their key."""
    highest: dict[str, int] = {}
    found = set()
    for row in rows:
        if row["sequence"] < highest.get(row["key"], 0):
            found.add(UUID(str(row["id"])))
        highest[row["key"]] = max(row["sequence"], highest.get(row["key"], 0))
    return found


@scenario("10,000 events while the broker restarts")
async def broker_restarts(run: Run) -> None:
    """All nodes are repeatedly stopped and killed while 10,000 events are recorded."""
    world = run.world
    goal = await world.written() + (10_000 if not run.short else 1000)
    writing = asyncio.create_task(_write_until(run, goal))
    while not writing.done():
        await run.pause(2.0, 5.0)
        hard = run.rng.random() < 0.5
        for node in world.cluster.nodes:
            if hard:
                node.kill()
            else:
                await node.stop()
        run.faults["all nodes killed" if hard else "all nodes stopped"] += 1
        await run.pause(0.5, 2.0)
        await asyncio.gather(*(node.start() for node in world.cluster.nodes))
        await eventually(lambda: world.cluster.in_step(QUEUE), 90, "members in step")
    await writing


async def _write_until(run: Run, goal: int) -> None:
    while await run.world.written() < goal:
        await run.write(50, places=300)
        await asyncio.sleep(0.05)


@scenario("consumers cancelled at shutdown")
async def cancelled(run: Run) -> None:
    """Consumers get SIGTERM in the middle of a batch, many times."""
    world = run.world
    await world.load(True, 0.005)
    for _ in range(run.times(8)):
        for name in READERS:
            await run.pause(0.3, 1.0)
            await world.stop_replica(name)
            run.faults["SIGTERM to a consumer"] += 1
            world.start_replica(name)


@scenario("connected without its consumer")
async def without_consumer(run: Run) -> None:
    """Another client recreates the queue: connections stay open, consumers are gone."""
    world = run.world
    run.needs_repair = True
    for _ in range(run.times(3)):
        await run.written_more(50)
        broker = open_broker(world.broker_url(), client="somebody")
        try:
            await world.cluster.delete(QUEUE)
            await broker.declare([TOPOLOGIES["reader"]])
        finally:
            await broker.close()
        run.faults["consumer taken away"] += 1
        await eventually(lambda: world.cluster.in_step(QUEUE), 60, "members in step")


@scenario("a backlog that must have a figure")
async def backlog(run: Run) -> None:
    """The broker hangs: the outbox grows, and its metrics show it."""
    world = run.world
    for proxy in world.to_broker:
        proxy.cut()
    run.faults["broker out of reach"] += 1
    await run.written_more(300)

    async def shown() -> bool:
        for name in WRITERS:
            figures = _figures(await world.metrics(name))
            if (
                figures.get('hirewire_outbox_unsent{service="writer"}', 0) > 100
                and figures.get('hirewire_outbox_age_seconds{service="writer"}', 0) > 0
            ):
                return True
        return False

    await eventually(shown, 30, "the backlog in the metrics")
    run.notes.append("hirewire_outbox_unsent and its age showed it")


def _figures(text: str) -> dict[str, float]:
    pairs = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


@scenario("a message that kills its process", short=True)
async def poison(run: Run) -> None:
    """Its handler always calls os._exit: it becomes a dead letter, all others are handled."""
    world = run.world
    await world.fix(False)
    for _ in range(run.times(2)):
        await run.write(1, places=300, mood=POISON)
    poisons = {r["event_id"] for r in await world.rows("writer", _POISONS, POISON)}
    run.faults["message that kills its process"] += run.times(2)

    async def all_dead() -> bool:
        for name in READERS:
            if not world.replicas[name].runs:
                run.faults["process ended by it"] += 1
                world.start_replica(name)
        rows = await world.rows("reader", _DEAD)
        return poisons <= {r["event_id"] for r in rows}

    await eventually(all_dead, 150, "the poison is dead")
    await world.everything_up()
    async with world.operators() as operators:
        for id in poisons:
            body: dict[str, Any] = {"event": str(id), "why": "poison", "by": "chaos"}
            await operators.call("reader", "POST", "/discard", json=body)


_POISONS = "select event_id from written where mood = $1"
_DEAD = "select event_id from messaging.open_message where state in ('dead', 'discarded')"
