"""Business transactions that record events: in bulk, at full speed, bounded, at a steady pace.

A business transaction updates one row and inserts one; `insert` alone is the minimal one.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from itertools import count, islice
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from bench.events import KEYS, Noted, noted, page
from bench.ledger import OWNER
from bench.ours import messaging
from bench.world import World
from hirewire.messaging.database import connect
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.transaction import Transactions

WARM_UP = 100
"""Events or transactions before the ones that are measured."""


async def change(tx: AsyncConnection, number: int, key: UUID) -> None:
    """The statements of a typical business transaction: one update, one insert."""
    await tx.exec_driver_sql("update page set changed = changed + 1 where id = $1", (key,))
    await insert(tx, number, key)


async def insert(tx: AsyncConnection, number: int, key: UUID) -> None:
    """The minimal business transaction: one insert."""
    await tx.exec_driver_sql("insert into deed (number, page) values ($1, $2)", (number, key))


async def record_many(world: World) -> None:
    """Record `count` events, `each` per transaction, for `active` of `keys` keys; reports the
    seconds.
    """
    options = world.options
    total, each, active = options["count"], options["each"], options["active"]
    stride = options["keys"] // active
    pages = [page(nth * stride) for nth in range(active)]
    starts = iter(range(0, total, each))

    async def work(transactions: Transactions) -> None:
        for start in starts:
            async with transactions() as tx:
                for number in range(start, min(start + each, total)):
                    record(tx, noted(number, pages[number % active]))

    async with messaging(world.writer, world.broker, OWNER, "api") as made:
        await world.go()
        started = time.perf_counter()
        await asyncio.gather(*(work(made.transactions) for _ in range(options["tasks"])))
        world.report(seconds=time.perf_counter() - started)


async def record_large(world: World) -> None:
    """Record `count` events of `bytes` each, a few per transaction."""
    numbers = range(world.options["count"])
    text = "x" * world.options["bytes"]
    async with messaging(world.writer, world.broker, OWNER, "api") as made:
        await world.go()
        started = time.perf_counter()
        for start in numbers[::4]:
            async with made.transactions() as tx:
                for number in numbers[start : start + 4]:
                    record(tx, Noted(page=page(number % 50), number=number, text=text))
        world.report(seconds=time.perf_counter() - started)


async def business(world: World) -> None:
    """Business transactions by `tasks` writers, with `events` or without, in turns.

    Each line `go` runs `turn` transactions, numbered from `first`, and reports the seconds. With
    `change` a row is updated and one inserted; without it, one is inserted.
    """
    options = world.options
    body = change if options["change"] else insert
    numbers = count(options["first"])

    async def work(transactions: Transactions, these: Iterator[int]) -> None:
        for number in these:
            event = noted(number, page(number % KEYS))
            async with transactions() as tx:
                await body(tx, number, event.page)
                if options["events"]:
                    record(tx, event)

    async def turn(transactions: Transactions, size: int) -> float:
        started, these = time.perf_counter(), islice(numbers, size)
        await asyncio.gather(*(work(transactions, these) for _ in range(options["tasks"])))
        return time.perf_counter() - started

    async with messaging(world.writer, world.broker, OWNER, "api") as made:
        await turn(made.transactions, WARM_UP)
        await world.go()
        while not world.enough:
            world.report(seconds=await turn(made.transactions, options["turn"]))
            await world.again()


async def steady(world: World) -> None:
    """Business transactions with one event each, until the benchmark ends them.

    This is one of `writers` processes. It takes every nth number, and pauses while more than
    `window` events of all writers are in flight (recorded, without effect). Reports how many it has
    written.
    """
    first, writers, window = (world.options[name] for name in ("first", "writers", "window"))
    numbers = iter(range(first, 2**62, writers))
    written = done = 0
    enough = False
    look = await connect(world.reader, application="bench pace")

    async def watch() -> None:
        nonlocal done
        while not enough:
            done = (
                await look.fetchval("select last_value from paced_note_nth_seq where is_called")
                or 0
            )
            await asyncio.sleep(0.01)

    async def work(transactions: Transactions) -> None:
        nonlocal written
        while not enough:
            if written * writers - done > window:
                await asyncio.sleep(0.002)
                continue
            written += 1
            number = next(numbers)
            event = noted(number, page(number % KEYS))
            async with transactions() as tx:
                await change(tx, number, event.page)
                record(tx, event)

    async with messaging(world.writer, world.broker, OWNER, "api") as made:
        await world.go()
        tasks = [asyncio.create_task(watch())]
        tasks += [
            asyncio.create_task(work(made.transactions)) for _ in range(world.options["tasks"])
        ]
        await world.end()
        enough = True
        await asyncio.gather(*tasks)
        world.report(written=written)
    await look.close()


async def paced(world: World) -> None:
    """Business transactions with one event each, at a steady pace; the relay is in this process."""
    async with messaging(world.writer, world.broker, OWNER, "all") as made:

        async def write(number: int) -> None:
            event = noted(number, page(abs(number)))
            async with made.transactions() as tx:
                await change(tx, number, event.page)
                record(tx, event)

        await world.go()
        await pace(world, write)
        await world.end()


async def pace(world: World, write: Callable[[int], Coroutine[Any, Any, None]]) -> None:
    """Call `write` with the numbers from -100 to `count`, `rate` per second, concurrently."""
    start = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for nth, number in enumerate(range(-WARM_UP, world.options["count"])):
            await asyncio.sleep(max(0.0, start + nth / world.options["rate"] - time.perf_counter()))
            group.create_task(write(number))
    world.report(written=world.options["count"])
