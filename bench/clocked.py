"""A consumer of one partition that notes the messages of each of its batches, and its end."""

import asyncio
import json
import time
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


async def clocked(world: World) -> None:
    """Consume the partition `partition`; at the end, write its batches to the file `to`.

    Each is the numbers of its messages and the time of its end.
    """
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
    batches: list[tuple[list[int], float]] = []
    handle = consumer.handler.handle

    async def timed(batch: Batch) -> None:
        await handle(batch)
        end = time.time()
        events = [one.received.event for one in batch.invocations]
        batches.append(([one.number for one in events if isinstance(one, Noted)], end))

    consumer.handler.handle = timed  # type: ignore[method-assign]
    await world.go()
    running = asyncio.create_task(consumer.run())
    await world.end()
    consumer.stop()
    await running
    await broker.close()
    await engine.dispose()
    Path(world.options["to"]).write_text(json.dumps(batches))
    world.report(batches=len(batches))
