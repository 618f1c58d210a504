"""A consumer of one partition that notes how long each of its batches takes."""

import asyncio
import json
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from bench.events import Noted
from bench.ledger import READER, SUBSCRIPTION
from bench.ours import note_all
from bench.world import World
from hirewire.kit.db import make_engine
from hirewire.messaging.broker import open_broker
from hirewire.messaging.consuming.batches import Batch
from hirewire.messaging.consuming.consumer import Consumer
from hirewire.messaging.consuming.partitions import taken_over, topology_of
from hirewire.messaging.subscriptions import on_batch
from hirewire.messaging.transaction import Transactions

AT_ONCE = 0.005
"""Seconds after a batch in which the next one counts as having waited for it."""


async def clocked(world: World) -> None:
    """Consume the partition `partition`; at the end, write its batches to the file `to`."""
    engine = make_engine(world.reader, pool=5)
    broker = open_broker(world.broker, client=READER)
    consumer = Consumer(
        service=READER,
        transactions=Transactions(engine, READER),
        broker=broker,
        subscriptions=[on_batch(Noted, note_all, name=SUBSCRIPTION)],
        topology=topology_of(READER, world.options["partition"]),
        restore=taken_over,
    )
    batches: list[tuple[int, float, float]] = []
    handle = consumer.handler.handle

    async def timed(batch: Batch) -> None:
        started = time.perf_counter()
        await handle(batch)
        batches.append((len(batch.deliveries), started, time.perf_counter()))

    consumer.handler.handle = timed  # type: ignore[method-assign]
    await world.go()
    running = asyncio.create_task(consumer.run())
    await world.end()
    consumer.stop()
    await running
    await broker.close()
    await engine.dispose()
    Path(world.options["to"]).write_text(json.dumps(list(_cycles(batches))))
    world.report(batches=len(batches))


def _cycles(batches: Iterable[tuple[int, float, float]]) -> Iterator[tuple[int, float]]:
    """Size and seconds of each: from the end of the one before, if it had to wait for that."""
    before = float("-inf")
    for size, started, ended in batches:
        yield size, ended - (before if started - before < AT_ONCE else started)
        before = ended
