"""Hirewire's side: consumers and relays as a service runs them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from bench.events import Noted, page
from bench.ledger import OWNER, READER, SUBSCRIPTION
from bench.world import World
from hirewire.kit.db import make_engine
from hirewire.launcher.memory import collect_seldom
from hirewire.messaging.broker import open_broker
from hirewire.messaging.envelope import Received
from hirewire.messaging.retry import RetrySchedule
from hirewire.messaging.runtime import Messaging, Role
from hirewire.messaging.subscriptions import Subscription, on, on_batch
from hirewire.messaging.transaction import Tx

FAILING = page(0)
"""The key whose messages cannot be handled."""


@asynccontextmanager
async def messaging(
    url: str,
    broker_url: str,
    service: str,
    role: Role,
    subscriptions: Sequence[Subscription] = (),
) -> AsyncIterator[Messaging]:
    """A running service's messaging, as `hirewire serve --role` starts it; stopped on exit."""
    engine = make_engine(url, pool=20)
    made = Messaging(
        service=service,
        engine=engine,
        database_url=url,
        broker=open_broker(broker_url, client=service),
        subscriptions=subscriptions,
    )
    collect_seldom()
    made.start(role)
    try:
        yield made
    finally:
        await made.stop()
        await engine.dispose()


async def note_all(tx: Tx, received: Sequence[Received[Noted]]) -> None:
    """Write the effects of a batch at once."""
    await tx.exec_driver_sql(
        "insert into note (id, number) select * from unnest($1::uuid[], $2::bigint[])",
        ([one.id for one in received], [one.event.number for one in received]),
    )


async def note_paced(tx: Tx, received: Sequence[Received[Noted]]) -> None:
    """The same, with a sequence that shows the writers how far the effects are."""
    await tx.exec_driver_sql(
        "insert into paced_note (id, number) select * from unnest($1::uuid[], $2::bigint[])",
        ([one.id for one in received], [one.event.number for one in received]),
    )


async def note_one(tx: Tx, received: Received[Noted]) -> None:
    """Write the effect of one event."""
    await tx.exec_driver_sql(
        "insert into note (id, number) values ($1, $2)", (received.id, received.event.number)
    )


async def note_unless_failing(tx: Tx, received: Sequence[Received[Noted]]) -> None:
    """Write the effect, except for one key."""
    if any(one.event.page == FAILING for one in received):
        raise ValueError("this page cannot be noted")
    await note_all(tx, received)


async def batched(world: World) -> None:
    """A consumer with a batched handler."""
    await _consume(world, on_batch(Noted, note_all, name=SUBSCRIPTION))


async def chained(world: World) -> None:
    """The same, with a running count of the effects."""
    await _consume(world, on_batch(Noted, note_paced, name=SUBSCRIPTION))


async def one_at_a_time(world: World) -> None:
    """A consumer with a handler of single events."""
    await _consume(world, on(Noted, note_one, name=SUBSCRIPTION))


async def failing(world: World) -> None:
    """A consumer that cannot handle one key."""
    await _consume(world, on_batch(Noted, note_unless_failing, name=SUBSCRIPTION))


SOON = RetrySchedule(attempts=10_000, first=timedelta(milliseconds=50), factor=1.0, jitter=0.0)


async def recovering(world: World) -> None:
    """A consumer with a batched handler that fails until the line `go` comes."""
    mended = asyncio.Event()

    async def handle(tx: Tx, received: Sequence[Received[Noted]]) -> None:
        _refuse_until(mended)
        await note_all(tx, received)

    await _recover(world, mended, on_batch(Noted, handle, name=SUBSCRIPTION, retry=SOON))


async def recovering_one_at_a_time(world: World) -> None:
    """The same with a handler of single events."""
    mended = asyncio.Event()

    async def handle(tx: Tx, received: Received[Noted]) -> None:
        _refuse_until(mended)
        await note_one(tx, received)

    await _recover(world, mended, on(Noted, handle, name=SUBSCRIPTION, retry=SOON))


def _refuse_until(mended: asyncio.Event) -> None:
    if not mended.is_set():
        raise ValueError("nothing can be noted now")


async def _recover(world: World, mended: asyncio.Event, subscription: Subscription) -> None:
    await world.go()
    async with messaging(world.reader, world.broker, READER, "worker", [subscription]):
        await world.again()
        mended.set()
        await world.end()


async def relay(world: World) -> None:
    """The publishing service's worker: it only publishes from its outbox."""
    await world.go()
    async with messaging(world.writer, world.broker, OWNER, "worker"):
        await world.end()


async def _consume(world: World, subscription: Subscription) -> None:
    await world.go()
    async with messaging(world.reader, world.broker, READER, "worker", [subscription]):
        await world.end()
